//! Numbers that can be read and that nobody can mean.

use super::{Findings, Policy};
use crate::rules::alert::PerPlatform;
use crate::rules::ladder::Ladder;
use crate::rules::review::ReviewPolicy;

const DAY_OF_MINUTES: u32 = 1_440;
const WEEK_OF_MINUTES: u32 = 10_080;
const WEEK_OF_HOURS: u32 = 168;
const YEAR_OF_HOURS: u32 = 8_784;
const YEAR_OF_DAYS: u32 = 366;

/// A survey later than a day after delivery is never answered: the guides for sellers set this end.
const SURVEY_HOURS: u32 = 24;

impl Policy {
    pub(super) fn check_bounds(&self, found: &mut Findings) {
        let (alerts, exceptions) = (&self.alerts, &self.exceptions);
        let (messages, tracking, polling) = (&self.messages, &self.tracking, &self.polling);
        for (at, hours, most) in [
            ("alerts.uncollected_hours", alerts.uncollected_hours, YEAR_OF_HOURS),
            ("alerts.upload_last_hours", alerts.upload_last_hours, YEAR_OF_HOURS),
            ("alerts.stuck_hours", alerts.stuck_hours, YEAR_OF_HOURS),
            ("alerts.customs_hours", alerts.customs_hours, YEAR_OF_HOURS),
            ("alerts.reply_hours", alerts.reply_hours, YEAR_OF_HOURS),
            ("alerts.repeat_hours", alerts.repeat_hours.unwrap_or(0), YEAR_OF_HOURS),
            ("alerts.acknowledge_minutes", alerts.acknowledge_minutes, WEEK_OF_MINUTES),
            ("alerts.upload_note_minutes", alerts.upload_note_minutes, WEEK_OF_MINUTES),
            ("alerts.upload_mail_minutes", alerts.upload_mail_minutes, WEEK_OF_MINUTES),
            ("exceptions.uncollected_hours", exceptions.uncollected_hours, YEAR_OF_HOURS),
            ("exceptions.stuck_hours", exceptions.stuck_hours, YEAR_OF_HOURS),
            ("exceptions.customs_hours", exceptions.customs_hours, YEAR_OF_HOURS),
            ("exceptions.lost_days", exceptions.lost_days, YEAR_OF_DAYS),
            ("exceptions.tracking_days", exceptions.tracking_days, YEAR_OF_DAYS),
            ("messages.survey_until_hours", messages.survey_until_hours, SURVEY_HOURS),
            ("messages.reply_hours", messages.reply_hours, YEAR_OF_HOURS),
            ("messages.milestone_hours", messages.milestone_hours, YEAR_OF_HOURS),
            ("polling.floor_minutes", polling.floor_minutes, DAY_OF_MINUTES),
            ("polling.ceiling_minutes", polling.ceiling_minutes, DAY_OF_MINUTES),
            ("polling.acknowledge_minutes", polling.acknowledge_minutes, DAY_OF_MINUTES),
            ("tracking.before_scan_hours", tracking.before_scan_hours, WEEK_OF_HOURS),
            ("tracking.moving_hours", tracking.moving_hours, WEEK_OF_HOURS),
            ("tracking.out_for_delivery_hours", tracking.out_for_delivery_hours, WEEK_OF_HOURS),
            ("tracking.trouble_hours", tracking.trouble_hours, WEEK_OF_HOURS),
            ("tracking.give_up_days", tracking.give_up_days, YEAR_OF_DAYS),
            ("route.quote_ttl_hours", self.route.quote_ttl_hours, YEAR_OF_HOURS),
        ] {
            found.at_most(at, hours, most);
        }
        for (at, table) in [
            ("alerts.pending_overdue_hours", &alerts.pending_overdue_hours),
            ("alerts.logistics_delay_hours", &alerts.logistics_delay_hours),
            ("exceptions.delay_hours", &exceptions.delay_hours),
        ] {
            found.hours_per_platform(at, table);
        }
        for (at, ladder) in [
            ("alerts.ship_ladder", &alerts.ship_ladder),
            ("alerts.acknowledge_ladder", &alerts.acknowledge_ladder),
            ("exceptions.ladder", &exceptions.ladder),
        ] {
            found.ladder_hours(at, ladder);
        }
        found.review_hours("review", &self.review);
        found.review_hours("exceptions.review", &exceptions.review);
        for (index, shop) in self.shops.iter().enumerate() {
            if let Some(review) = &shop.review {
                found.review_hours(&format!("shops[{index}].review"), review);
            }
        }
    }
}

impl Findings {
    fn at_most(&mut self, at: &str, value: u32, most: u32) {
        if value > most {
            self.add(at, format!("must be at most {most}"));
        }
    }

    fn hours_per_platform(&mut self, at: &str, table: &PerPlatform<u32>) {
        self.at_most(&format!("{at}.default"), table.default, YEAR_OF_HOURS);
        for (platform, hours) in &table.platforms {
            self.at_most(&format!("{at}.platforms.{platform}"), *hours, YEAR_OF_HOURS);
        }
    }

    fn ladder_hours(&mut self, at: &str, ladder: &Ladder) {
        self.at_most(&format!("{at}.scale_below_hours"), ladder.scale_below_hours, YEAR_OF_HOURS);
        for (index, step) in ladder.steps.iter().enumerate() {
            self.at_most(
                &format!("{at}.steps[{index}].hours_left"),
                step.hours_left,
                YEAR_OF_HOURS,
            );
        }
    }

    fn review_hours(&mut self, at: &str, review: &ReviewPolicy) {
        let window = review.duplicate_window_hours;
        self.at_most(&format!("{at}.duplicate_window_hours"), window, YEAR_OF_HOURS);
        let grace = review.funds_grace_hours.unwrap_or(0);
        self.at_most(&format!("{at}.funds_grace_hours"), grace, YEAR_OF_HOURS);
    }
}
