//! How parcels travel: their events as virtual time goes by.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::sandbox::Scenario;

/// A parcel on its way.
#[derive(Debug, Clone)]
pub(super) struct Journey<'a> {
    pub(super) sold_at: DateTime<Utc>,
    pub(super) handed_over: Option<DateTime<Utc>>,
    pub(super) days: u8,
    pub(super) scenario: Scenario,
    pub(super) origin: Place<'a>,
    pub(super) destination: Place<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) city: &'a str,
    pub(super) state: &'a str,
    pub(super) zip: &'a str,
}

/// One event of the carrier's own list.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) at: DateTime<Utc>,
    pub(super) code: &'static str,
    pub(super) text: &'static str,
    pub(super) category: &'static str,
    place: Option<(String, String, String)>,
    /// Whether the answer says in which zone the time is; GX leaves it out.
    zoned: bool,
}

/// Everything in the country happens five hours behind UTC here.
const OFFSET: TimeDelta = TimeDelta::hours(-5);

impl Journey<'_> {
    /// All events up to `now`, oldest first.
    pub(super) fn steps(&self, now: DateTime<Utc>) -> Vec<Step> {
        let mut steps = self.plan();
        steps.retain(|step| step.at <= now);
        steps
    }

    fn plan(&self) -> Vec<Step> {
        let at_place = |place: Place<'_>| {
            Some((place.city.to_uppercase(), place.state.to_owned(), place.zip.to_owned()))
        };
        let plant = |place: Place<'_>| {
            Some((
                format!("{} {} DISTRIBUTION CENTER", place.city.to_uppercase(), place.state),
                String::new(),
                String::new(),
            ))
        };
        let step = |at, code, text, category, place, zoned| Step {
            at,
            code,
            text,
            category,
            place,
            zoned,
        };
        let mut steps = vec![step(
            self.sold_at,
            "GX",
            "Shipping Label Created, USPS Awaiting Item",
            "Pre-Shipment",
            None,
            false,
        )];
        let Some(start) = self.handed_over else { return steps };
        let (origin, destination) = (self.origin, self.destination);
        // Handed over in the evening, delivered in the early afternoon.
        let whole = TimeDelta::days(i64::from(self.days)) - TimeDelta::hours(4);
        let part = |percent: i32| start + whole * percent / 100;
        let moving = "Moving Through Network";
        steps.extend([
            step(start, "03", "USPS in possession of item", "Accepted", at_place(origin), true),
            step(
                part(15),
                "10",
                "Arrived at USPS Regional Origin Facility",
                moving,
                plant(origin),
                true,
            ),
            step(part(30), "T1", "Departed USPS Regional Facility", moving, plant(origin), true),
        ]);
        let pause = match self.scenario {
            Scenario::Normal | Scenario::Returned => TimeDelta::zero(),
            Scenario::Delayed => TimeDelta::days(4),
            Scenario::Lost => {
                steps.push(step(
                    part(30) + TimeDelta::days(10),
                    "11",
                    "Sent to Mail Recovery Center",
                    "Alert",
                    None,
                    true,
                ));
                return steps;
            }
        };
        let part = |percent: i32| part(percent) + pause;
        steps.extend([
            step(
                part(55),
                "A1",
                "Arrived at USPS Regional Facility",
                moving,
                plant(destination),
                true,
            ),
            step(part(75), "07", "Arrived at Post Office", moving, at_place(destination), true),
            step(
                part(78),
                "OF",
                "Out for Delivery",
                "Out for Delivery",
                at_place(destination),
                true,
            ),
        ]);
        if self.scenario == Scenario::Returned {
            steps.extend([
                step(part(100), "21", "No Such Number", "Alert", at_place(destination), true),
                step(
                    part(100) + TimeDelta::days(1),
                    "T1",
                    "Departed USPS Regional Facility",
                    moving,
                    plant(destination),
                    true,
                ),
                step(
                    part(100) + TimeDelta::days(4),
                    "01",
                    "Delivered, To Original Sender",
                    "Delivered",
                    at_place(origin),
                    true,
                ),
            ]);
        } else {
            steps.push(step(
                part(100),
                "01",
                "Delivered, In/At Mailbox",
                "Delivered",
                at_place(destination),
                true,
            ));
        }
        steps
    }
}

impl Step {
    /// A movement that cannot be: after the last event there is.
    pub(super) fn contradiction(after: &Self) -> Self {
        Self {
            at: after.at + TimeDelta::minutes(20),
            code: "A1",
            text: "Arrived at USPS Regional Facility",
            category: "Moving Through Network",
            place: Some((
                "MEMPHIS TN DISTRIBUTION CENTER".to_owned(),
                String::new(),
                String::new(),
            )),
            zoned: true,
        }
    }

    fn local(&self) -> DateTime<Utc> {
        self.at + OFFSET
    }

    /// As version 3 writes it: booleans as texts, GMT times whose day was not shifted.
    pub(super) fn v3(&self) -> Value {
        let mut event = json!({
            "eventType": self.text,
            "eventTimestamp": self.local().format("%Y-%m-%dT%H:%M:00").to_string(),
            "eventCountry": null,
            "eventCity": self.place_part(0),
            "eventState": self.place_part(1),
            "eventZIP": self.place_part(2),
            "firm": null,
            "name": null,
            "authorizedAgent": "false",
            "eventCode": self.code,
            "additionalProp": null,
        });
        if let (true, Some(fields)) = (self.zoned, event.as_object_mut()) {
            let wrong_day =
                format!("{}T{}Z", self.local().format("%Y-%m-%d"), self.at.format("%H:%M:%S"));
            fields.insert("GMTTimestamp".to_owned(), wrong_day.into());
            fields.insert("GMTOffset".to_owned(), "-05:00".into());
        }
        event
    }

    /// As version 3.2 writes it.
    pub(super) fn v3r2(&self) -> Value {
        let mut event = json!({
            "eventType": self.text,
            "eventCode": self.code,
            "eventTimestamp": self.local().format("%Y-%m-%dT%H:%M:%S").to_string(),
            "eventCity": self.place_part(0),
            "eventState": self.place_part(1),
            "eventZIPCode": self.place_part(2),
            "eventCountry": null,
            "firm": null,
            "recipientName": null,
        });
        if let (true, Some(fields)) = (self.zoned, event.as_object_mut()) {
            fields.insert(
                "GMTTimestamp".to_owned(),
                self.at.format("%Y-%m-%dT%H:%M:%SZ").to_string().into(),
            );
            fields.insert("GMTOffset".to_owned(), "-05:00".into());
        }
        event
    }

    fn place_part(&self, part: u8) -> Value {
        let Some((city, state, zip)) = &self.place else { return Value::Null };
        let text = match part {
            0 => city,
            1 => state,
            _ => zip,
        };
        if text.is_empty() { Value::Null } else { text.as_str().into() }
    }
}
