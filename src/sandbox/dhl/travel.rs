//! How parcels travel as virtual time goes by, whichever product carries them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::sandbox::Scenario;

/// The hour at which the daily driver comes: the late afternoon in the middle of the country.
const PICKUP_UTC: u32 = 22;

/// Something that happens to a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Announced,
    Fetched,
    Processed,
    Departed,
    Delayed,
    Arrived,
    OutForDelivery,
    Delivered,
    BadAddress,
    Returning,
}

/// A parcel on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Journey {
    pub(super) sold_at: DateTime<Utc>,
    pub(super) fetched_at: DateTime<Utc>,
    pub(super) days: u8,
    pub(super) scenario: Scenario,
}

/// When a parcel is fetched that nobody brings: in the afternoon of the day it was sold on, or an
/// hour later when the driver has been there.
pub(super) fn fetched_at(sold_at: DateTime<Utc>) -> DateTime<Utc> {
    let driver = sold_at.date_naive().and_hms_opt(PICKUP_UTC, 0, 0).map(|at| at.and_utc());
    let later = sold_at + TimeDelta::hours(1);
    driver.map_or(later, |driver| driver.max(later))
}

impl Journey {
    /// All steps up to `now`, oldest first.
    pub(super) fn steps(&self, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, Step)> {
        let mut steps = self.plan();
        steps.retain(|(at, _)| *at <= now);
        steps
    }

    fn plan(&self) -> Vec<(DateTime<Utc>, Step)> {
        use Step::{
            Announced, Arrived, BadAddress, Delayed, Delivered, Departed, Fetched, OutForDelivery,
            Processed, Returning,
        };
        // Fetched in the afternoon, delivered around noon.
        let whole = TimeDelta::days(i64::from(self.days)) - TimeDelta::hours(5);
        let part = |percent: i32| self.fetched_at + whole * percent / 100;
        let mut steps = vec![
            (self.sold_at, Announced),
            (self.fetched_at, Fetched),
            (part(10), Processed),
            (part(25), Departed),
        ];
        let pause = match self.scenario {
            Scenario::Normal | Scenario::Returned => TimeDelta::zero(),
            Scenario::Delayed => {
                steps.push((part(50), Delayed));
                TimeDelta::days(4)
            }
            // The parcel falls silent.
            Scenario::Lost => return steps,
        };
        let part = |percent: i32| part(percent) + pause;
        steps.extend([(part(60), Arrived), (part(80), OutForDelivery)]);
        if self.scenario == Scenario::Returned {
            let back = part(100) + TimeDelta::days(1);
            steps.extend([(part(100), BadAddress), (back, Returning)]);
        } else {
            steps.push((part(100), Delivered));
        }
        steps
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number of a body, digit by digit; its floating-point value would not be exact.
pub(super) fn number(value: &Value, pointer: &str) -> Option<rust_decimal::Decimal> {
    value.pointer(pointer)?.to_string().trim_matches('"').parse().ok()
}

/// Cents as the carrier writes them: a JSON number.
pub(super) fn amount(cents: u32) -> Value {
    serde_json::json!(f64::from(cents) / 100.0)
}

/// Adds a field to an object; anything else stays as it is.
pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
