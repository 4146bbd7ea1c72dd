//! How parcels travel: their scans as virtual time goes by.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::sandbox::Scenario;

/// A parcel on its way.
#[derive(Debug, Clone)]
pub(super) struct Journey<'a> {
    pub(super) sold_at: DateTime<Utc>,
    pub(super) cancelled: Option<DateTime<Utc>>,
    pub(super) handed_over: Option<DateTime<Utc>>,
    pub(super) days: u8,
    pub(super) scenario: Scenario,
    /// City and state.
    pub(super) from: &'a [String; 2],
    pub(super) to: &'a [String; 2],
}

/// One scan of the carrier's own list.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    pub(super) at: DateTime<Utc>,
    pub(super) code: &'static str,
    pub(super) text: &'static str,
    exception: Option<(&'static str, &'static str)>,
    place: Option<[String; 2]>,
}

impl Journey<'_> {
    /// All scans up to `now`, oldest first.
    pub(super) fn scans(&self, now: DateTime<Utc>) -> Vec<Scan> {
        let mut scans = self.plan();
        scans.retain(|scan| scan.at <= now);
        scans
    }

    fn plan(&self) -> Vec<Scan> {
        let scan = |at, code, text, place: Option<&[String; 2]>| Scan {
            at,
            code,
            text,
            exception: None,
            place: place.cloned(),
        };
        let mut scans = vec![scan(self.sold_at, "OC", "Shipment information sent to FedEx", None)];
        if let Some(at) = self.cancelled {
            scans.push(scan(at, "CA", "Shipment cancelled by sender", None));
            return scans;
        }
        let Some(start) = self.handed_over else { return scans };
        let (from, to) = (Some(self.from), Some(self.to));
        // Fetched in the afternoon, delivered around noon.
        let whole = TimeDelta::days(i64::from(self.days)) - TimeDelta::hours(5);
        let part = |percent: i32| start + whole * percent / 100;
        scans.extend([
            scan(start, "PU", "Picked up", from),
            scan(part(10), "AR", "Arrived at FedEx location", from),
            scan(part(25), "DP", "Left FedEx origin facility", from),
        ]);
        let pause = match self.scenario {
            Scenario::Normal | Scenario::Returned => TimeDelta::zero(),
            Scenario::Delayed => {
                scans.push(Scan {
                    exception: Some(("A52", "Package delayed")),
                    ..scan(part(50), "DY", "Delay", from)
                });
                TimeDelta::days(4)
            }
            // No code says lost: the parcel falls silent.
            Scenario::Lost => return scans,
        };
        let part = |percent: i32| part(percent) + pause;
        scans.extend([
            scan(part(60), "AR", "Arrived at FedEx location", to),
            scan(part(75), "AR", "At local FedEx facility", to),
            scan(part(80), "OD", "On FedEx vehicle for delivery", to),
        ]);
        if self.scenario == Scenario::Returned {
            scans.extend([
                Scan {
                    exception: Some(("03", "Incorrect address")),
                    ..scan(part(100), "DE", "Delivery exception", to)
                },
                scan(part(100) + TimeDelta::days(1), "RS", "Returning package to shipper", to),
            ]);
        } else {
            scans.push(scan(part(100), "DL", "Delivered", to));
        }
        scans
    }
}

impl Scan {
    /// A movement that cannot be: after the last scan there is.
    pub(super) fn contradiction(after: &Self) -> Self {
        Self {
            at: after.at + TimeDelta::minutes(20),
            code: "AR",
            text: "Arrived at FedEx location",
            exception: None,
            place: Some(["MEMPHIS".to_owned(), "TN".to_owned()]),
        }
    }

    pub(super) fn written(&self) -> Value {
        let local = self.at + TimeDelta::hours(-5);
        // A pickup has only its day, at midnight and without offset.
        let date = if self.code == "PU" {
            local.format("%Y-%m-%dT00:00:00").to_string()
        } else {
            local.format("%Y-%m-%dT%H:%M:%S-05:00").to_string()
        };
        let (exception, description) = self.exception.unwrap_or_default();
        json!({
            "date": date,
            "eventType": self.code,
            "eventDescription": self.text,
            "exceptionCode": exception,
            "exceptionDescription": description,
            "scanLocation": {
                "streetLines": [""],
                "city": self.place.as_ref().map(|[city, _]| city.to_uppercase()),
                "stateOrProvinceCode": self.place.as_ref().map(|[_, state]| state),
                "countryCode": "US",
            },
            "derivedStatusCode": "IT",
        })
    }
}
