//! What in a policy cannot work or is surely not meant.

mod bounds;
mod named;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::NaiveTime;
use rust_decimal::Decimal;

use super::{Policy, PolicyFinding, ShopPolicy};
use crate::calendar::{END_OF_DAY, MAX_WORKING_DAYS, WorkCalendar};
use crate::ids::PlatformId;
use crate::order::DeadlineKind;
use crate::rules::alert::PerPlatform;
use crate::rules::kpi::{KpiTargets, target_presets};
use crate::rules::ladder::{Ladder, Level};
use crate::rules::review::ReviewPolicy;
use crate::rules::route::{
    RouteAction, RouteCondition, RouteFinding, RouteRule, ServiceCatalogue, lint_routes,
};
use crate::rules::sla::{
    Anchor, MAX_CALENDAR_DAYS, MAX_ELAPSED_HOURS, SlaRule, SlaScope, Span, presets,
};
use crate::rules::upload::CarrierCode;
use crate::shipment::{CarrierService, is_hs_code};
use crate::units::Grams;

impl Policy {
    /// Everything in the policy that cannot work or is surely not meant, by field. Empty is sound.
    ///
    /// - Calendars: no weekday worked, half days and special hours on days off, special hours
    ///   without usual ones.
    /// - Shops: twice the same, a calendar or preset that does not exist or is of another platform,
    ///   presets of deadlines that contradict each other.
    /// - Deadline rules: spans of nothing or longer than [`MAX_ELAPSED_HOURS`],
    ///   [`MAX_CALENDAR_DAYS`] or [`MAX_WORKING_DAYS`]; [anchors that do not suit](Anchor::suits);
    ///   rules that another one hides, those of a platform or site without a shop, and a later step
    ///   that is due before an earlier one.
    /// - Targets: limits of the wrong kind or out of range, values healthy and critical at once.
    /// - Ladders that do not climb, have no step or tell nobody; hours, days and percents out of range,
    ///   or so long that nobody can mean them.
    /// - Allocation, services and routing rules: what [`lint_routes`] finds, reversed ranges,
    ///   discounts below zero, empty lists of services, platforms and shops that there are not, value
    ///   limits in a currency that no shop sells in, or without one for shops of several.
    /// - Names of carriers: two for the same carrier, pages that are no http or https address.
    /// - Platforms that are misspelt; ids, names, codes and tags that are empty.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyFinding> {
        let mut found = Findings(Vec::new());
        for (name, calendar) in &self.calendars {
            let at = format!("calendars.{name}");
            found.text(&at, name);
            found.calendar(&at, calendar);
        }
        self.check_shops(&mut found);
        self.check_sla_rules(&mut found);
        self.check_alerts(&mut found);
        self.check_exceptions(&mut found);
        found.review("review", &self.review);
        self.check_classification(&mut found);
        self.check_allocation(&mut found);
        self.check_services(&mut found);
        self.check_routing(&mut found);
        self.check_carrier_names(&mut found);
        self.check_customs(&mut found);
        self.check_print_slots(&mut found);
        self.check_polling(&mut found);
        self.check_bounds(&mut found);
        self.check_names(&mut found);
        if self.messages.survey_hours > self.messages.survey_until_hours {
            found.add("messages.survey_hours", "must not be more than survey_until_hours");
        }
        found.positive("messages.reply_hours", self.messages.reply_hours);
        found.positive("messages.milestone_hours", self.messages.milestone_hours);
        for (id, target) in &self.kpi_targets.targets {
            for (field, fault) in target.faults(*id) {
                found.add(format!("kpi_targets.targets.{}.{field}", word(id)), fault);
            }
        }
        found.0.sort_by(|a, b| a.field.cmp(&b.field).then_with(|| a.reason.cmp(&b.reason)));
        found.0
    }

    fn check_shops(&self, found: &mut Findings) {
        let mut keys = BTreeSet::new();
        for (index, shop) in self.shops.iter().enumerate() {
            let at = format!("shops[{index}]");
            if !keys.insert(shop.key()) {
                found.add(format!("{at}.shop"), format!("{} occurs twice", shop.key()));
            }
            found.optional_text(&format!("{at}.site"), shop.site.as_deref());
            if !self.calendars.contains_key(&shop.calendar) {
                let known: Vec<&str> = self.calendars.keys().map(String::as_str).collect();
                found.add(
                    format!("{at}.calendar"),
                    format!(
                        "there is no calendar {:?}; there are: {}",
                        shop.calendar,
                        known.join(", ")
                    ),
                );
            }
            let (of, review) = match &shop.review {
                Some(own) => (format!("{at}.review"), own),
                None => ("review".to_owned(), &self.review),
            };
            if review.manual_over.is_some_and(|limit| limit.currency != shop.currency) {
                found.add(
                    format!("{of}.manual_over.currency"),
                    format!(
                        "is not {}, that of {}: every order of it would need a person",
                        shop.currency,
                        shop.key()
                    ),
                );
            }
            found.presets(&format!("{at}.sla_presets"), shop);
            if let Err(error) = KpiTargets::preset(&shop.kpi_targets) {
                found.add(format!("{at}.kpi_targets"), error);
            }
            let preset = target_presets()
                .unwrap_or_default()
                .into_iter()
                .find(|preset| preset.name == shop.kpi_targets);
            if preset.and_then(|preset| preset.platform).is_some_and(|of| of != shop.platform) {
                found.add(
                    format!("{at}.kpi_targets"),
                    format!("the preset {:?} is for another platform", shop.kpi_targets),
                );
            }
            if let Some(review) = &shop.review {
                found.review(&format!("{at}.review"), review);
            }
        }
    }

    fn check_sla_rules(&self, found: &mut Findings) {
        let mut names = BTreeSet::new();
        for (index, rule) in self.sla_rules.iter().enumerate() {
            let at = format!("sla_rules[{index}]");
            if rule.name.trim().is_empty() {
                found.add(format!("{at}.name"), "is empty");
            } else if !names.insert(&rule.name) {
                found.add(format!("{at}.name"), format!("{:?} occurs twice", rule.name));
            }
            found.sla_scope(&format!("{at}.scope"), &rule.scope);
            let platform = rule.scope.platform.as_ref();
            if !self.shops.is_empty()
                && platform.is_some_and(|of| self.shops.iter().all(|shop| shop.platform != *of))
            {
                found.add(format!("{at}.scope.platform"), "no shop is on this platform");
            }
            if !rule.anchor.suits(rule.kind) {
                found.add(format!("{at}.anchor"), unsuited(rule));
            }
            found.span(&format!("{at}.span"), &rule.span);
            if let Some(penalty) = &rule.penalty {
                found.text(&format!("{at}.penalty.kind"), &penalty.kind);
            }
            if let Some((other, earlier)) =
                self.sla_rules.iter().enumerate().find(|(_, earlier)| comes_too_late(rule, earlier))
            {
                let (kind, before) = (word(&rule.kind), word(&earlier.kind));
                found.add(
                    format!("{at}.span"),
                    format!("{kind} is due after {before}, which sla_rules[{other}] sets"),
                );
            }
            let same = |other: &SlaRule| {
                (other.kind, other.anchor, &other.scope) == (rule.kind, rule.anchor, &rule.scope)
            };
            let earlier = self.sla_rules.iter().take(index).position(same);
            if let Some(earlier) = earlier {
                found.add(
                    at,
                    format!("sets the same deadline of the same orders as sla_rules[{earlier}]"),
                );
            }
        }
    }

    fn check_alerts(&self, found: &mut Findings) {
        let alerts = &self.alerts;
        found.ladder("alerts.ship_ladder", &alerts.ship_ladder);
        found.ladder("alerts.acknowledge_ladder", &alerts.acknowledge_ladder);
        found.per_platform("alerts.pending_overdue_hours", &alerts.pending_overdue_hours);
        found.per_platform("alerts.logistics_delay_hours", &alerts.logistics_delay_hours);
        for (name, value) in [
            ("acknowledge_minutes", alerts.acknowledge_minutes),
            ("uncollected_hours", alerts.uncollected_hours),
            ("upload_mail_minutes", alerts.upload_mail_minutes),
            ("upload_last_hours", alerts.upload_last_hours),
            ("stuck_hours", alerts.stuck_hours),
            ("customs_hours", alerts.customs_hours),
            ("reply_hours", alerts.reply_hours),
        ] {
            found.positive(&format!("alerts.{name}"), value);
        }
        if alerts.upload_note_minutes > alerts.upload_mail_minutes {
            found.add("alerts.upload_note_minutes", "must not be more than upload_mail_minutes");
        }
        if alerts.repeat_hours == Some(0) {
            found.add("alerts.repeat_hours", "must be at least 1; leave it out for never");
        }
        let shop = &self.shop_alerts;
        found.positive("shop_alerts.missed_readings", shop.missed_readings);
        for (name, percent) in [
            ("late_warn_percent", shop.late_warn_percent),
            ("late_critical_percent", shop.late_critical_percent),
            ("carrier_percent", shop.carrier_percent),
        ] {
            if percent > 100 {
                found.add(format!("shop_alerts.{name}"), "must be at most 100");
            }
        }
        if shop.late_warn_percent > shop.late_critical_percent {
            found.add(
                "shop_alerts.late_warn_percent",
                "must not be more than late_critical_percent",
            );
        }
    }

    fn check_exceptions(&self, found: &mut Findings) {
        let exceptions = &self.exceptions;
        found.ladder("exceptions.ladder", &exceptions.ladder);
        found.per_platform("exceptions.delay_hours", &exceptions.delay_hours);
        for (name, value) in [
            ("uncollected_hours", exceptions.uncollected_hours),
            ("stuck_hours", exceptions.stuck_hours),
            ("customs_hours", exceptions.customs_hours),
            ("lost_days", exceptions.lost_days),
            ("tracking_days", exceptions.tracking_days),
        ] {
            found.positive(&format!("exceptions.{name}"), value);
        }
        found.review("exceptions.review", &exceptions.review);
    }

    fn check_classification(&self, found: &mut Findings) {
        let classification = &self.classification;
        let at = "classification.value_bands";
        found.ascending(at, classification.value_bands.iter().map(|(bound, _)| bound));
        for (index, (bound, name)) in classification.value_bands.iter().enumerate() {
            if *bound <= Decimal::ZERO {
                found.add(format!("{at}[{index}]"), "must be above 0: no value is below it");
            }
            found.text(&format!("{at}[{index}]"), name);
        }
        let at = "classification.weight_classes";
        found.ascending(at, classification.weight_classes.iter().map(|(bound, _)| bound));
        for (index, (bound, name)) in classification.weight_classes.iter().enumerate() {
            found.positive(&format!("{at}[{index}]"), bound.get());
            found.text(&format!("{at}[{index}]"), name);
        }
        found.texts("classification.urgent_tags", &classification.urgent_tags);
    }

    fn check_allocation(&self, found: &mut Findings) {
        if self.allocation.max_splits == 0 {
            found.add("allocation.max_splits", "must be at least 1");
        }
        found.optional_amount("allocation.min_split_value", self.allocation.min_split_value);
        let mut seen = Vec::new();
        for (index, preference) in self.allocation.preferences.iter().enumerate() {
            if seen.contains(preference) {
                found.add(format!("allocation.preferences[{index}]"), "occurs twice");
            }
            seen.push(*preference);
        }
        if let Some(size) = self.allocation.box_size {
            for (name, side) in
                [("length", size.length), ("width", size.width), ("height", size.height)]
            {
                found.positive(&format!("allocation.box_size.{name}"), side.get());
            }
        }
    }

    fn check_services(&self, found: &mut Findings) {
        let mut names = BTreeSet::new();
        for (index, name) in self.catalogues.iter().enumerate() {
            if ServiceCatalogue::preset(name).is_none() {
                found
                    .add(format!("catalogues[{index}]"), format!("there is no catalogue {name:?}"));
            }
            if !names.insert(name) {
                found.add(format!("catalogues[{index}]"), "occurs twice");
            }
        }
        let mut keys = BTreeMap::new();
        for (index, service) in self.services.iter().enumerate() {
            let at = format!("services[{index}]");
            if let Some(earlier) = keys.insert(&service.key, index) {
                found.add(format!("{at}.key"), format!("is that of services[{earlier}], too"));
            }
            found.service(&at, service);
        }
    }

    fn check_routing(&self, found: &mut Findings) {
        found.positive("route.quote_ttl_hours", self.route.quote_ttl_hours);
        for (index, rule) in self.route_rules.iter().enumerate() {
            found.route_rule(&format!("route_rules[{index}]"), rule);
        }
        let services = self.all_services();
        // Without a catalogue here the host's adapters bring the services: names and coverage
        // cannot be judged, contradictions within the rules can.
        let cards = self.rate_cards.clone().unwrap_or_default();
        for finding in lint_routes(&self.route_rules, &services, &cards, &self.service_aliases()) {
            let needs_catalogue = matches!(
                finding,
                RouteFinding::UnknownService { .. }
                    | RouteFinding::ForcesDisabled { .. }
                    | RouteFinding::Uncovered { .. }
                    | RouteFinding::NothingLeft { .. }
            );
            if needs_catalogue && services.is_empty() {
                continue;
            }
            let field = match &finding {
                // Every range of a rule is looked at above, not only the first.
                RouteFinding::NeverHolds { field, .. } if field.starts_with("max_") => continue,
                RouteFinding::NeverHolds { field, .. } => format!("when.{field}"),
                _ => finding.field().to_owned(),
            };
            let index = finding
                .rule()
                .and_then(|id| self.route_rules.iter().rposition(|rule| rule.id == id));
            let at = match index {
                Some(index) => format!("route_rules[{index}].{field}"),
                None => "services".to_owned(),
            };
            found.add(at, finding);
        }
    }

    fn check_carrier_names(&self, found: &mut Findings) {
        let mut known = BTreeMap::new();
        for (index, row) in self.carrier_names.rows().iter().enumerate() {
            let at = format!("carrier_names[{index}]");
            found.optional_text(&format!("{at}.site"), row.site.as_deref());
            match &row.code {
                CarrierCode::Code(code) => found.text(&format!("{at}.code.code"), code),
                CarrierCode::Other { name, url } => {
                    found.text(&format!("{at}.code.other.name"), name);
                    if url.as_deref().is_some_and(|url| !is_web_address(url)) {
                        found.add(
                            format!("{at}.code.other.url"),
                            "must begin with http:// or https:// and a host",
                        );
                    }
                }
                CarrierCode::Unsupported => {}
            }
            let key = (&row.platform, &row.site, &row.carrier, &row.service);
            match known.get(&key) {
                Some((earlier, code)) if *code != &row.code => found.add(
                    format!("{at}.code"),
                    format!("contradicts carrier_names[{earlier}], which fits the same"),
                ),
                Some((earlier, _)) => {
                    found.add(at, format!("says the same as carrier_names[{earlier}]"));
                }
                None => {
                    known.insert(key, (index, &row.code));
                }
            }
        }
    }

    fn check_customs(&self, found: &mut Findings) {
        for (sku, facts) in &self.customs.goods {
            let at = format!("customs.goods.{sku}");
            found.optional_text(&format!("{at}.description"), facts.description.as_deref());
            if facts.hs_code.as_deref().is_some_and(|code| !is_hs_code(code)) {
                found.add(format!("{at}.hs_code"), "must be 6 to 12 digits");
            }
            if facts.unit_weight == Some(Grams::ZERO) {
                found.add(format!("{at}.unit_weight"), "must be at least 1 g");
            }
        }
    }

    fn check_print_slots(&self, found: &mut Findings) {
        let slots = &self.print_slots;
        for (field, times) in [("normal", &slots.normal), ("promotion", &slots.promotion)] {
            if times.is_empty() {
                found.add(format!("print_slots.{field}"), "has no run: nothing would be printed");
            }
            for (index, time) in times.iter().enumerate() {
                if times.iter().take(index).any(|earlier| earlier == time) {
                    found.add(format!("print_slots.{field}[{index}]"), "occurs twice");
                }
            }
        }
        for (index, days) in slots.promotions.iter().enumerate() {
            if days.last < days.first {
                found.add(
                    format!("print_slots.promotions[{index}].last"),
                    "is before the first day",
                );
            }
        }
    }

    fn check_polling(&self, found: &mut Findings) {
        let polling = &self.polling;
        found.positive("polling.floor_minutes", polling.floor_minutes);
        if polling.floor_minutes > polling.ceiling_minutes {
            found.add("polling.floor_minutes", "must not be more than ceiling_minutes");
        }
        if polling.acknowledge_minutes < polling.floor_minutes {
            found.add("polling.acknowledge_minutes", "must not be less than floor_minutes");
        }
        for (name, value) in [
            ("before_scan_hours", self.tracking.before_scan_hours),
            ("moving_hours", self.tracking.moving_hours),
            ("out_for_delivery_hours", self.tracking.out_for_delivery_hours),
            ("trouble_hours", self.tracking.trouble_hours),
            ("give_up_days", self.tracking.give_up_days),
        ] {
            found.positive(&format!("tracking.{name}"), value);
        }
    }
}

/// Whether a deadline that comes before another one in the life of an order is due after it, where
/// both count hours from one instant of the same orders.
fn comes_too_late(rule: &SlaRule, other: &SlaRule) -> bool {
    use DeadlineKind as K;
    let after = match rule.kind {
        K::PayBy => &[K::AutoCancelUnlessPaid][..],
        K::AcknowledgeBy => &[K::ShipBy, K::DeliverBy, K::AutoCancelUnlessAcknowledged],
        K::ShipBy => &[K::DeliverBy, K::AutoCancelUnlessShipped],
        K::DeliverBy => &[K::AutoCancelUnlessDelivered],
        _ => return false,
    };
    let (Span::Elapsed { hours }, Span::Elapsed { hours: most }) = (&rule.span, &other.span) else {
        return false;
    };
    after.contains(&other.kind)
        && rule.anchor == other.anchor
        && rule.scope == other.scope
        && hours > most
}

/// Why a deadline cannot be counted from where its rule says.
fn unsuited(rule: &SlaRule) -> String {
    let (kind, anchor) = (word(&rule.kind), word(&rule.anchor));
    match rule.anchor {
        Anchor::MessageReceived => format!("only reply_by counts from {anchor}"),
        Anchor::CancelRequested => format!("only respond_to_cancel_by counts from {anchor}"),
        _ if Anchor::MessageReceived.suits(rule.kind) => {
            format!("{kind} counts from message_received, never from {anchor}")
        }
        _ if Anchor::CancelRequested.suits(rule.kind) => {
            format!("{kind} counts from cancel_requested, never from {anchor}")
        }
        Anchor::ShipBy => format!("{kind} cannot count from itself"),
        _ => format!("{kind} is met by {anchor} already"),
    }
}

/// A value as documents write it.
fn word<T: serde::Serialize + fmt::Debug>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{value:?}"),
    }
}

/// Whether a text is an address of the web, perhaps with places to fill in.
fn is_web_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let begins_host = |c: char| c.is_alphanumeric() || matches!(c, '[' | '{');
    is_web
        && rest.starts_with(begins_host)
        && !rest.chars().any(|c| c.is_whitespace() || c.is_control())
}

struct Findings(Vec<PolicyFinding>);

impl Findings {
    fn add(&mut self, field: impl Into<String>, reason: impl fmt::Display) {
        self.0.push(PolicyFinding { field: field.into(), reason: reason.to_string() });
    }

    fn text(&mut self, at: &str, text: &str) {
        if text.trim().is_empty() {
            self.add(at, "is empty");
        }
    }

    fn optional_text(&mut self, at: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(at, text);
        }
    }

    fn texts<'a>(&mut self, at: &str, texts: impl IntoIterator<Item = &'a String>) {
        for (index, text) in texts.into_iter().enumerate() {
            self.text(&format!("{at}[{index}]"), text);
        }
    }

    fn positive(&mut self, at: &str, value: u32) {
        if value == 0 {
            self.add(at, "must be at least 1");
        }
    }

    fn optional_amount(&mut self, at: &str, amount: Option<Decimal>) {
        if amount.is_some_and(|amount| amount < Decimal::ZERO) {
            self.add(at, "must not be negative");
        }
    }

    fn per_platform(&mut self, at: &str, hours: &PerPlatform<u32>) {
        self.positive(&format!("{at}.default"), hours.default);
        for (platform, hours) in &hours.platforms {
            self.positive(&format!("{at}.platforms.{platform}"), *hours);
        }
    }

    fn review(&mut self, at: &str, review: &ReviewPolicy) {
        let over = review.manual_over.map(|money| money.amount);
        self.optional_amount(&format!("{at}.manual_over.amount"), over);
    }

    fn calendar(&mut self, at: &str, calendar: &WorkCalendar) {
        if !calendar.working_weekdays.contains(&true) {
            self.add(format!("{at}.working_weekdays"), "no weekday is worked");
        }
        for day in calendar.half_days.keys().filter(|day| !calendar.is_working_day(**day)) {
            self.add(format!("{at}.half_days.{day}"), "is no working day");
        }
        for day in calendar.special_hours.keys().filter(|day| !calendar.is_working_day(**day)) {
            self.add(format!("{at}.special_hours.{day}"), "is no working day");
        }
        if calendar.hours.is_none() && !calendar.special_hours.is_empty() {
            self.add(format!("{at}.special_hours"), "need the usual hours, which are missing");
        }
    }

    /// Presets of deadlines: those there are, for this platform, that do not contradict each other.
    fn presets(&mut self, at: &str, shop: &ShopPolicy) {
        let mut earlier: Vec<(&String, Vec<SlaRule>)> = Vec::new();
        for (index, name) in shop.sla_presets.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let preset = match presets::load(name) {
                Ok(preset) => preset,
                Err(error) => {
                    self.add(at, error);
                    continue;
                }
            };
            let is_other = |of: &PlatformId| *of != shop.platform;
            if preset.platform.as_ref().is_some_and(is_other) {
                self.add(at.as_str(), format!("the preset {name:?} is for another platform"));
            }
            if let (Some(of), Some(site)) = (&preset.site, &shop.site)
                && of != site
            {
                self.add(at.as_str(), format!("the preset {name:?} is for the site {of}"));
            }
            let rules = if preset.platform.is_none() {
                preset.for_platform(&shop.platform).rules
            } else {
                preset.rules
            };
            for (other, theirs) in &earlier {
                if *other == name {
                    self.add(at.as_str(), "occurs twice");
                } else if let Some(kind) = contradiction(theirs, &rules) {
                    self.add(
                        at.as_str(),
                        format!("{name:?} and {other:?} contradict each other about {kind}"),
                    );
                }
            }
            earlier.push((name, rules));
        }
    }

    fn sla_scope(&mut self, at: &str, scope: &SlaScope) {
        let fields =
            [("site", &scope.site), ("category", &scope.category), ("service", &scope.service)];
        for (name, value) in fields {
            self.optional_text(&format!("{at}.{name}"), value.as_deref());
        }
    }

    fn span(&mut self, at: &str, span: &Span) {
        let mut at_most = |field: &str, value: u32, most: u32| {
            if value > most {
                self.add(format!("{at}.{field}"), format!("must be at most {most}"));
            }
        };
        match span {
            Span::Elapsed { hours } => {
                at_most("elapsed.hours", *hours, MAX_ELAPSED_HOURS);
                self.positive(&format!("{at}.elapsed.hours"), *hours);
            }
            Span::CalendarDays { days, end_of_day, .. } => {
                at_most("calendar_days.days", *days, MAX_CALENDAR_DAYS);
                let at = format!("{at}.calendar_days");
                // Today is a span only to the end of the day: earlier times may have passed.
                if *days == 0 && end_of_day.is_none_or(|time| time < END_OF_DAY) {
                    let field = format!("{at}.days");
                    self.add(field, "must be at least 1, or 0 with end_of_day 23:59:59");
                } else if let Some(time) = end_of_day {
                    self.end_of_day(&at, *time);
                }
            }
            Span::BusinessDays { days, calendar, end_of_day } => {
                at_most("business_days.days", *days, MAX_WORKING_DAYS);
                let at = format!("{at}.business_days");
                self.calendar(&format!("{at}.calendar"), calendar);
                let cutoffs = calendar.half_days.values().chain([&calendar.cutoff]);
                let latest = cutoffs.max().copied().unwrap_or(calendar.cutoff);
                if *days == 0 && *end_of_day < latest {
                    self.add(
                        format!("{at}.end_of_day"),
                        format!("must not be before the cut-off ({latest}) where days is 0"),
                    );
                } else {
                    self.end_of_day(&at, *end_of_day);
                }
            }
        }
    }

    /// Midnight begins a day. Who writes it surely means the end.
    fn end_of_day(&mut self, at: &str, time: NaiveTime) {
        if time == NaiveTime::MIN {
            self.add(
                format!("{at}.end_of_day"),
                "is the first instant of the day; its end is 23:59:59",
            );
        }
    }

    /// Steps must come nearer and nearer to the deadline, each level once.
    fn ladder(&mut self, at: &str, ladder: &Ladder) {
        if ladder.steps.is_empty() {
            self.add(format!("{at}.steps"), "there is no step: nobody would be warned");
        }
        if ladder.breach_channels.is_empty() {
            self.add(format!("{at}.breach_channels"), "is empty: nobody would be told");
        }
        let mut before: Option<(Level, u32, u32)> = None;
        for (index, step) in ladder.steps.iter().enumerate() {
            let at = format!("{at}.steps[{index}]");
            if step.channels.is_empty() {
                self.add(format!("{at}.channels"), "is empty: nobody would be told");
            }
            if step.level == Level::Breach {
                self.add(format!("{at}.level"), "a breach is no step: it has channels of its own");
            }
            self.positive(&format!("{at}.hours_left"), step.hours_left);
            if !(1..=100).contains(&step.percent_left) {
                self.add(format!("{at}.percent_left"), "must be between 1 and 100");
            }
            if let Some((level, hours, percent)) = before {
                if step.level <= level {
                    self.add(format!("{at}.level"), "must be above the step before");
                }
                if step.hours_left >= hours {
                    self.add(format!("{at}.hours_left"), "must be less than in the step before");
                }
                if step.percent_left >= percent {
                    self.add(format!("{at}.percent_left"), "must be less than in the step before");
                }
            }
            before = Some((step.level, step.hours_left, step.percent_left));
        }
    }

    fn service(&mut self, at: &str, service: &CarrierService) {
        self.text(&format!("{at}.name"), &service.name);
        if service.min_transit_days > service.max_transit_days {
            self.add(format!("{at}.min_transit_days"), "must not be more than max_transit_days");
        }
        if service.max_weight.is_some_and(|weight| weight.get() == 0) {
            self.add(format!("{at}.max_weight"), "must be at least 1; leave it out for no limit");
        }
        let most = service.max_value.map(|money| money.amount);
        self.optional_amount(&format!("{at}.max_value.amount"), most);
        let coverage = &service.coverage;
        for (name, texts) in [
            ("states", &coverage.states),
            ("excluded_states", &coverage.excluded_states),
            ("postcode_prefixes", &coverage.postcode_prefixes),
            ("excluded_postcode_prefixes", &coverage.excluded_postcode_prefixes),
            ("cities", &coverage.cities),
            ("excluded_cities", &coverage.excluded_cities),
        ] {
            self.texts(&format!("{at}.coverage.{name}"), texts);
        }
    }

    fn route_rule(&mut self, at: &str, rule: &RouteRule) {
        self.text(&format!("{at}.id"), &rule.id);
        self.route_condition(&format!("{at}.when"), &rule.condition);
        match &rule.action {
            RouteAction::Prefer { discount, .. } => {
                self.optional_amount(&format!("{at}.then.prefer.discount"), Some(*discount));
            }
            RouteAction::Only(services) if services.is_empty() => {
                self.add(format!("{at}.then.only"), "names no service: nothing could be sent");
            }
            RouteAction::Exclude(services) if services.is_empty() => {
                self.add(format!("{at}.then.exclude"), "names no service");
            }
            RouteAction::Force(_) | RouteAction::Only(_) | RouteAction::Exclude(_) => {}
        }
    }

    fn route_condition(&mut self, at: &str, condition: &RouteCondition) {
        let lists = [
            ("states", &condition.states),
            ("postcode_prefixes", &condition.postcode_prefixes),
            ("tags", &condition.tags),
        ];
        for (name, texts) in lists {
            self.texts(&format!("{at}.{name}"), texts);
        }
        let (least, most) = (condition.min_weight, condition.max_weight);
        self.range(at, "weight", least.map(|weight| weight.get()), most.map(|most| most.get()), 0);
        let (least, most) = (condition.min_distance_km, condition.max_distance_km);
        self.range(at, "distance_km", least, most, 0);
        self.range(at, "value", condition.min_value, condition.max_value, Decimal::MIN);
        self.optional_amount(&format!("{at}.min_value"), condition.min_value);
    }

    /// A range whose end is excluded; `lowest` is what there is anyway.
    fn range<T: PartialOrd>(
        &mut self,
        at: &str,
        of: &str,
        least: Option<T>,
        most: Option<T>,
        lowest: T,
    ) {
        let least = least.unwrap_or(lowest);
        if most.is_some_and(|most| least >= most) {
            self.add(format!("{at}.max_{of}"), format!("must be above min_{of}: nothing fits"));
        }
    }

    fn ascending<'a, T: PartialOrd + 'a>(
        &mut self,
        at: &str,
        bounds: impl IntoIterator<Item = &'a T>,
    ) {
        let mut before: Option<&T> = None;
        for (index, bound) in bounds.into_iter().enumerate() {
            if before.is_some_and(|before| bound <= before) {
                self.add(format!("{at}[{index}]"), "must be above the one before");
            }
            before = Some(bound);
        }
    }
}

/// The first kind of deadline for which two presets say different things about the same orders.
fn contradiction(one: &[SlaRule], other: &[SlaRule]) -> Option<String> {
    let said = |rules: &[SlaRule], of: &SlaRule| -> Vec<SlaRule> {
        let mut said: Vec<SlaRule> = rules
            .iter()
            .filter(|rule| rule.kind == of.kind && rule.scope == of.scope)
            // Names and words for people contradict nothing.
            .map(|rule| SlaRule { name: String::new(), penalty: None, ..rule.clone() })
            .collect();
        said.sort_by_key(|rule| format!("{rule:?}"));
        said.dedup();
        said
    };
    other.iter().find_map(|rule| {
        let (theirs, own) = (said(one, rule), said(other, rule));
        (!theirs.is_empty() && theirs != own).then(|| word(&rule.kind))
    })
}
