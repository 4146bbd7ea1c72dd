//! When labels are bought and printed: a few runs a day, more in a promotion.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::exception_book::next_report;
use crate::calendar::{local_time, resolve_local};

/// The runs of a day, in the shop's local time. Data of the host.
///
/// ```
/// use chrono::{TimeZone, Utc};
/// use orderflow::rules::PrintSlots;
///
/// let slots = PrintSlots::default();
/// let zone = chrono_tz::America::Sao_Paulo;
/// let noon = Utc.with_ymd_and_hms(2026, 11, 26, 15, 0, 0).unwrap();
/// // Noon in São Paulo: the next run is at 15:00, in a promotion at 14:00.
/// assert_eq!(slots.next(noon, zone).unwrap().to_rfc3339(), "2026-11-26T18:00:00+00:00");
/// let black_friday = slots.with_promotion(
///     "2026-11-26".parse().unwrap(),
///     "2026-11-30".parse().unwrap(),
/// );
/// assert_eq!(black_friday.next(noon, zone).unwrap().to_rfc3339(), "2026-11-26T17:00:00+00:00");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PrintSlots {
    /// On usual days. Default 09:30 and 15:00.
    #[serde(deserialize_with = "crate::calendar::written::time_list")]
    pub normal: Vec<NaiveTime>,
    /// In a promotion. Default 09:30, 14:00 and 19:00; [`PrintSlots::with_late_run`] adds a fourth.
    #[serde(deserialize_with = "crate::calendar::written::time_list")]
    pub promotion: Vec<NaiveTime>,
    /// When there are promotions.
    pub promotions: Vec<PromotionDays>,
}

/// The local days of a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromotionDays {
    /// The first.
    #[serde(deserialize_with = "crate::calendar::written::date")]
    pub first: NaiveDate,
    /// The last, included.
    #[serde(deserialize_with = "crate::calendar::written::date")]
    pub last: NaiveDate,
}

impl Default for PrintSlots {
    fn default() -> Self {
        let at = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
        Self {
            normal: vec![at(9, 30), at(15, 0)],
            promotion: vec![at(9, 30), at(14, 0), at(19, 0)],
            promotions: Vec::new(),
        }
    }
}

impl PrintSlots {
    /// Adds a promotion: its first and last local day.
    #[must_use]
    pub fn with_promotion(mut self, first: NaiveDate, last: NaiveDate) -> Self {
        self.promotions.push(PromotionDays { first, last });
        self
    }

    /// Adds the run at 22:00 to the days of promotions.
    #[must_use]
    pub fn with_late_run(mut self) -> Self {
        self.promotion.extend(NaiveTime::from_hms_opt(22, 0, 0));
        self
    }

    /// Whether a local day belongs to a promotion.
    #[must_use]
    pub fn is_promotion(&self, day: NaiveDate) -> bool {
        self.promotions.iter().any(|days| days.first <= day && day <= days.last)
    }

    /// Whether an instant lies on a local day of a promotion. Alerts are then in promotion mode too:
    /// [`AlertPolicy::at`](super::alert::AlertPolicy::at).
    #[must_use]
    pub fn is_promotion_at(&self, now: DateTime<Utc>, zone: Tz) -> bool {
        self.is_promotion(local_time(zone, now).date())
    }

    /// The runs of a local day, sorted; a time that the clock skips is the end of the gap.
    #[must_use]
    pub fn of_day(&self, day: NaiveDate, zone: Tz) -> Vec<DateTime<Utc>> {
        let times = if self.is_promotion(day) { &self.promotion } else { &self.normal };
        let mut runs: Vec<DateTime<Utc>> =
            times.iter().map(|time| resolve_local(zone, day.and_time(*time))).collect();
        runs.sort_unstable();
        runs.dedup();
        runs
    }

    /// The first run after `now`; `None` when no day has one.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let today = local_time(zone, now).date();
        let soon = today.pred_opt().unwrap_or(today).iter_days().take(4);
        let next = soon.flat_map(|day| self.of_day(day, zone)).filter(|run| *run > now).min();
        // A promotion without runs may hide the usual ones for long.
        next.or_else(|| {
            let after = self.promotions.iter().map(|days| days.last).filter(|last| *last >= today);
            let end = after.max()?.succ_opt()?;
            next_report(resolve_local(zone, end.and_time(NaiveTime::MIN)), zone, &self.normal)
        })
    }
}
