//! Rules about a whole shop: connection, late shipping, carriers, returns.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::policy::AlertPolicy;
use super::{Alert, AlertFact, AlertRule, FiredAlert, Notification};
use crate::ids::{ShopKey, Sku};
use crate::rules::exceptions::Severity;
use crate::rules::ladder::Channel;
use crate::shipment::ServiceKey;

/// A share as two whole numbers, compared exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fraction {
    /// How many of them.
    pub part: u64,
    /// Of how many; 0 has no share.
    pub whole: u64,
}

impl Fraction {
    /// Puts the two numbers together.
    #[must_use]
    pub const fn new(part: u64, whole: u64) -> Self {
        Self { part, whole }
    }

    /// Whether the share is more than so many percent; equal is not more, nothing of nothing is
    /// not more.
    ///
    /// ```
    /// use orderflow::rules::alert::Fraction;
    ///
    /// assert!(!Fraction::new(1, 20).is_above_percent(5));
    /// assert!(Fraction::new(2, 20).is_above_percent(5));
    /// assert!(!Fraction::new(0, 0).is_above_percent(0));
    /// ```
    #[must_use]
    pub const fn is_above_percent(self, percent: u32) -> bool {
        100 * (self.part as u128) > (percent as u128) * (self.whole as u128)
    }

    /// The share in percent with two decimals, half up; `none` of nothing. For people only.
    #[must_use]
    pub fn percent_text(self) -> String {
        if self.whole == 0 {
            return "none".to_owned();
        }
        let whole = u128::from(self.whole);
        let hundredths = (u128::from(self.part) * 20_000 + whole) / (2 * whole);
        format!("{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// How often a service was late in two weeks that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceDelay {
    /// Which.
    pub service: ServiceKey,
    /// Late of decided, the week before last.
    pub before: Fraction,
    /// Late of decided, last week.
    pub last: Fraction,
    /// The end of the last week: the same pair of weeks alerts once.
    pub until: DateTime<Utc>,
}

/// How often units of a SKU came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkuReturns {
    /// Which.
    pub sku: Sku,
    /// Returned of delivered in this period.
    pub now: Fraction,
    /// The same in the periods before, newest first; the mean of up to four is the measure.
    pub before: Vec<Fraction>,
    /// The end of this period: the same period alerts once.
    pub until: DateTime<Utc>,
}

impl SkuReturns {
    /// Whether the rate jumped: at least twice the mean of the four periods before, at least
    /// three points above it, and at least five units. Exact; without earlier periods there is no
    /// jump.
    #[must_use]
    pub fn is_jump(&self) -> bool {
        if self.now.part < 5 || self.now.whole == 0 {
            return false;
        }
        // The mean of rates, as the definition says, over one common denominator.
        let known: Vec<Fraction> =
            self.before.iter().copied().filter(|rate| rate.whole > 0).take(4).collect();
        let Ok(count) = u128::try_from(known.len()) else { return false };
        if count == 0 {
            return false;
        }
        let Some((sum, common)) = known.iter().try_fold((0_u128, 1_u128), |(sum, common), rate| {
            let (part, whole) = (u128::from(rate.part), u128::from(rate.whole));
            let sum = sum.checked_mul(whole)?.checked_add(part.checked_mul(common)?)?;
            Some((sum, common.checked_mul(whole)?))
        }) else {
            // Counts beyond all shops: rates in millionths are exact enough.
            return self.is_jump_in_millionths(&known);
        };
        let compare = || {
            let (part, whole) = (u128::from(self.now.part), u128::from(self.now.whole));
            let mean_whole = common.checked_mul(count)?;
            // part / whole >= 2 * sum / mean_whole
            let twice = part.checked_mul(mean_whole)? >= sum.checked_mul(2)?.checked_mul(whole)?;
            // part / whole - sum / mean_whole >= 3 / 100
            let left = part.checked_mul(mean_whole)?.checked_mul(100)?;
            let right = sum
                .checked_mul(whole)?
                .checked_mul(100)?
                .checked_add(whole.checked_mul(mean_whole)?.checked_mul(3)?)?;
            Some(twice && left >= right)
        };
        compare().unwrap_or_else(|| self.is_jump_in_millionths(&known))
    }

    fn is_jump_in_millionths(&self, before: &[Fraction]) -> bool {
        let rate = |fraction: Fraction| {
            u128::from(fraction.part) * 1_000_000 / u128::from(fraction.whole.max(1))
        };
        let count = u128::try_from(before.len()).unwrap_or(1).max(1);
        let mean = before.iter().map(|fraction| rate(*fraction)).sum::<u128>() / count;
        let now = rate(self.now);
        now >= 2 * mean && now >= mean + 30_000
    }
}

/// What the rules about a shop look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopWatch {
    /// Which shop.
    pub shop: ShopKey,
    /// Since when the shop is to be read; counts while it never was. `None` is not known, and a shop
    /// that was never read is not told then.
    #[serde(default)]
    pub watched_since: Option<DateTime<Utc>>,
    /// When orders were read last without failure; `None` is never.
    pub last_read_at: Option<DateTime<Utc>>,
    /// Minutes between two readings, as planned.
    pub poll_minutes: u32,
    /// Since when something fails: reading, uploading, pushing stock. In words, without secrets.
    pub failing: Option<(DateTime<Utc>, String)>,
    /// Since when the credentials are refused.
    pub rejected_at: Option<DateTime<Utc>>,
    /// Shipped late of decided, over the last 30 days.
    pub late: Fraction,
    /// How often services were late.
    pub services: Vec<ServiceDelay>,
    /// How often SKUs came back.
    pub returns: Vec<SkuReturns>,
}

impl ShopWatch {
    /// A shop of which nothing is known but how often it is read.
    #[must_use]
    pub const fn new(shop: ShopKey, poll_minutes: u32) -> Self {
        Self {
            shop,
            watched_since: None,
            last_read_at: None,
            poll_minutes,
            failing: None,
            rejected_at: None,
            late: Fraction::new(0, 0),
            services: Vec::new(),
            returns: Vec::new(),
        }
    }
}

/// Thresholds of the rules about a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ShopWatchOptions {
    /// Readings in a row that may be missed. Default 3.
    pub missed_readings: u32,
    /// A late rate above so many percent is a warning. Default 5.
    pub late_warn_percent: u32,
    /// A late rate above so many percent is critical. Default 10.
    pub late_critical_percent: u32,
    /// A service late more often than so many percent in both weeks is reported. Default 5.
    pub carrier_percent: u32,
}

impl Default for ShopWatchOptions {
    fn default() -> Self {
        Self {
            missed_readings: 3,
            late_warn_percent: 5,
            late_critical_percent: 10,
            carrier_percent: 5,
        }
    }
}

/// The notification due about a shop at `now`, if any, merged. Pure; give `fired` what earlier
/// notifications about the shop left behind.
#[must_use]
pub fn evaluate_shop(
    watch: &ShopWatch,
    fired: &[FiredAlert],
    policy: &AlertPolicy,
    options: &ShopWatchOptions,
    now: DateTime<Utc>,
) -> Option<Notification> {
    let mut alerts = Vec::new();
    let mut tell = |alert: Alert| {
        let before = fired
            .iter()
            .filter(|known| known.rule == alert.rule && known.fact == alert.fact)
            .map(|known| known.stage)
            .max();
        if policy.is_on(alert.rule) && before.is_none_or(|before| before < alert.stage) {
            alerts.push(alert);
        }
    };
    let make = |rule, fact, stage, severity, usual: &[Channel], text, since| Alert {
        rule,
        fact,
        stage,
        level: None,
        severity,
        channels: policy.channels_of(rule, usual),
        text,
        since,
        due_at: None,
        superseded: Vec::new(),
        repeated: false,
    };
    let shop = &watch.shop;
    let sync = &[Channel::System, Channel::Email];
    if let Some(since) = watch.rejected_at {
        let fact = AlertFact::Subject(format!("credentials {}", since.timestamp()));
        let text = format!("shop {shop}: the platform refuses the credentials");
        tell(make(AlertRule::Sync, fact, 1, Severity::Critical, sync, text, since));
    }
    if let Some((since, what)) = &watch.failing {
        let fact = AlertFact::Subject(format!("failing {}", since.timestamp()));
        let text = format!("shop {shop}: {what}");
        tell(make(AlertRule::Sync, fact, 1, Severity::Warning, sync, text, *since));
    }
    if let Some(last) = watch.last_read_at.or(watch.watched_since) {
        let allowed = i64::from(watch.poll_minutes) * i64::from(options.missed_readings);
        let silent = now.signed_duration_since(last);
        if silent >= TimeDelta::minutes(allowed.max(1)) {
            let fact = AlertFact::Subject(format!("silent {}", last.timestamp()));
            let text =
                format!("shop {shop}: orders were not read for {} minutes", silent.num_minutes());
            tell(make(AlertRule::Sync, fact, 1, Severity::Warning, sync, text, last));
        }
    }
    let rate = watch.late;
    let text = || {
        format!(
            "shop {shop}: {} of {} shipped late ({})",
            rate.part,
            rate.whole,
            rate.percent_text()
        )
    };
    // While the rate stays above a threshold it is one fact, until the host forgets it.
    let fact = AlertFact::Subject("late rate".to_owned());
    if rate.is_above_percent(options.late_critical_percent) {
        let usual = &[Channel::Email, Channel::Sms];
        tell(make(AlertRule::LateRate, fact, 2, Severity::Critical, usual, text(), now));
    } else if rate.is_above_percent(options.late_warn_percent) {
        let usual = &[Channel::Email];
        tell(make(AlertRule::LateRate, fact, 1, Severity::Warning, usual, text(), now));
    }
    let mut services: Vec<&ServiceDelay> = watch.services.iter().collect();
    services.sort_by(|a, b| a.service.cmp(&b.service).then_with(|| a.until.cmp(&b.until)));
    for delay in services {
        if delay.before.is_above_percent(options.carrier_percent)
            && delay.last.is_above_percent(options.carrier_percent)
        {
            let fact = AlertFact::Subject(format!("{} {}", delay.service, delay.until.timestamp()));
            let text = format!(
                "{} was late in two weeks in a row ({}, then {}): consider another service",
                delay.service,
                delay.before.percent_text(),
                delay.last.percent_text()
            );
            let usual = &[Channel::Email];
            tell(make(AlertRule::Carrier, fact, 1, Severity::Warning, usual, text, delay.until));
        }
    }
    let mut returns: Vec<&SkuReturns> = watch.returns.iter().filter(|sku| sku.is_jump()).collect();
    returns.sort_by(|a, b| a.sku.cmp(&b.sku).then_with(|| a.until.cmp(&b.until)));
    for jump in returns {
        let fact = AlertFact::Subject(format!("{} {}", jump.sku, jump.until.timestamp()));
        let text = format!(
            "{}: {} of {} units came back ({}), at least twice as often as before",
            jump.sku,
            jump.now.part,
            jump.now.whole,
            jump.now.percent_text()
        );
        let usual = &[Channel::Email];
        tell(make(AlertRule::Returns, fact, 1, Severity::Warning, usual, text, jump.until));
    }
    Notification::merged(None, watch.shop.clone(), alerts)
}
