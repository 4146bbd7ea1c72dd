//! Prices and transit times: made up, but the same for the same parcel every time.

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

/// A price offered for a mail class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub(super) mail_class: &'static str,
    pub(super) indicator: &'static str,
    category: &'static str,
    description: &'static str,
    /// Letters of the SKU before zone and weight.
    sku: &'static str,
    base: u32,
    per_zone: u32,
    per_pound: u32,
}

/// Every offer, decoys included: flat-rate prices that only hold in that box, and media mail,
/// which is cheap and takes media only.
const OFFERS: &[Offer] = &[
    Offer {
        mail_class: "PRIORITY_MAIL",
        indicator: "FE",
        category: "FLATS",
        description: "Priority Mail Flat Rate Envelope",
        sku: "DPFE1XXXX",
        base: 399,
        per_zone: 0,
        per_pound: 0,
    },
    Offer {
        mail_class: "USPS_GROUND_ADVANTAGE",
        indicator: "SP",
        category: "MACHINABLE",
        description: "USPS Ground Advantage<SUP>&#153;</SUP> Machinable Single-piece",
        sku: "DUXP0XXXX",
        base: 450,
        per_zone: 45,
        per_pound: 62,
    },
    Offer {
        mail_class: "MEDIA_MAIL",
        indicator: "SP",
        category: "MACHINABLE",
        description: "Media Mail Machinable Single-piece",
        sku: "DMXX0XXXX",
        base: 413,
        per_zone: 0,
        per_pound: 76,
    },
    Offer {
        mail_class: "PRIORITY_MAIL",
        indicator: "SP",
        category: "MACHINABLE",
        description: "Priority Mail<SUP>reg;</SUP> Machinable Single-piece",
        sku: "DPXX0XXXX",
        base: 790,
        per_zone: 70,
        per_pound: 118,
    },
    Offer {
        mail_class: "PRIORITY_MAIL_EXPRESS",
        indicator: "FP",
        category: "FLATS",
        description: "Priority Mail Express Padded Flat Rate Envelope",
        sku: "DEFE2XXXX",
        base: 1_225,
        per_zone: 0,
        per_pound: 0,
    },
    Offer {
        mail_class: "PRIORITY_MAIL_EXPRESS",
        indicator: "PA",
        category: "MACHINABLE",
        description: "Priority Mail Express Machinable Single-piece",
        sku: "DEXX0XXXX",
        base: 2_840,
        per_zone: 240,
        per_pound: 265,
    },
];

/// What is offered to other countries, a decoy included.
const ABROAD: &[Offer] = &[
    Offer {
        mail_class: "FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE",
        indicator: "SP",
        category: "MACHINABLE",
        description: "First-Class Package International Service Machinable ISC Single-piece",
        sku: "IFXP0XXXX",
        base: 1_480,
        per_zone: 95,
        per_pound: 640,
    },
    Offer {
        mail_class: "PRIORITY_MAIL_INTERNATIONAL",
        indicator: "FE",
        category: "FLATS",
        description: "Priority Mail International ISC Flat Rate Envelope",
        sku: "IPFE0XXXX",
        base: 1_390,
        per_zone: 0,
        per_pound: 0,
    },
    Offer {
        mail_class: "PRIORITY_MAIL_INTERNATIONAL",
        indicator: "SP",
        category: "MACHINABLE",
        description: "Priority Mail International Machinable ISC Single-piece",
        sku: "IPXX0XXXX",
        base: 3_860,
        per_zone: 240,
        per_pound: 480,
    },
    Offer {
        mail_class: "PRIORITY_MAIL_EXPRESS_INTERNATIONAL",
        indicator: "PA",
        category: "MACHINABLE",
        description: "Priority Mail Express International ISC Single-piece",
        sku: "IEXX0XXXX",
        base: 5_920,
        per_zone: 310,
        per_pound: 690,
    },
];

/// What is asked for at once: all of a parcel that prices depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parcel {
    pub(super) zone: u8,
    /// Hundredths of a pound.
    pub(super) centipounds: u32,
    /// Cubic inches above two cubic feet pay a fee.
    pub(super) large: bool,
}

impl Parcel {
    /// Reads weight and sides of a `packageDescription`.
    pub(super) fn read(zone: u8, description: &Value) -> Self {
        let number = |key: &str| {
            // The text of a number is exact; its floating-point value is not.
            let text = description.get(key).map(Value::to_string).unwrap_or_default();
            text.parse::<Decimal>().unwrap_or_default()
        };
        let volume = number("length")
            .checked_mul(number("width"))
            .and_then(|area| area.checked_mul(number("height")));
        let centipounds = number("weight").checked_mul(Decimal::ONE_HUNDRED).map(|w| w.ceil());
        Self {
            zone,
            centipounds: centipounds.and_then(|weight| weight.to_u32()).unwrap_or(u32::MAX),
            large: volume.is_none_or(|volume| volume > Decimal::from(3_456)),
        }
    }

    pub(super) fn is_too_heavy(self) -> bool {
        self.centipounds > 7_000
    }

    fn pounds(self) -> u32 {
        self.centipounds.div_ceil(100).max(1)
    }
}

/// The zone between two ZIPs, 1 to 8, by the distance of their first three digits.
pub(super) fn zone(origin: &str, destination: &str) -> u8 {
    let area = |zip: &str| zip.get(..3).and_then(|area| area.parse::<u16>().ok()).unwrap_or(0);
    let distance = area(origin).abs_diff(area(destination));
    u8::try_from(distance / 120).unwrap_or(7).min(7) + 1
}

impl Offer {
    /// The offer a label asks for, at one counter or the other.
    pub(super) fn find(abroad: bool, mail_class: &str, indicator: &str) -> Option<&'static Self> {
        let offers = if abroad { ABROAD } else { OFFERS };
        offers.iter().find(|offer| offer.mail_class == mail_class && offer.indicator == indicator)
    }

    /// Whether it is offered for the weight at all.
    pub(super) fn takes(&self, parcel: Parcel) -> bool {
        !self.mail_class.starts_with("FIRST-CLASS") || parcel.centipounds <= 400
    }

    /// Postage in cents, without fees.
    pub(super) fn postage(&self, parcel: Parcel) -> u32 {
        let steps = u32::from(parcel.zone) - 1;
        self.base + steps * self.per_zone + (parcel.pounds() - 1) * self.per_pound
    }

    pub(super) fn sku(&self, parcel: Parcel) -> String {
        format!("{}C{:02}{:03}0", self.sku, parcel.zone, parcel.pounds())
    }

    /// Days on the way.
    pub(super) fn days(&self, zone: u8) -> u8 {
        match self.mail_class {
            "PRIORITY_MAIL_EXPRESS" => 1 + u8::from(zone > 4),
            "PRIORITY_MAIL" => 1 + zone / 4,
            "PRIORITY_MAIL_EXPRESS_INTERNATIONAL" => 3 + zone / 4,
            "PRIORITY_MAIL_INTERNATIONAL" => 6 + zone / 2,
            "FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE" => 8 + zone,
            _ => 2 + zone * 3 / 8,
        }
    }

    fn is_guaranteed(&self) -> bool {
        self.mail_class == "PRIORITY_MAIL_EXPRESS"
    }

    pub(super) fn commitment(&self, zone: u8, mailing: NaiveDate) -> Value {
        let days = self.days(zone);
        let mut on = mailing + TimeDelta::days(i64::from(days));
        // Only Express is delivered on Sundays.
        if on.weekday() == Weekday::Sun && !self.is_guaranteed() {
            on += TimeDelta::days(1);
        }
        let name = if days == 1 { "1 Day".to_owned() } else { format!("{days} Days") };
        json!({
            "name": name,
            "scheduleDeliveryDate": on.to_string(),
            "guaranteedDelivery": self.is_guaranteed(),
        })
    }
}

/// Fees that a parcel pays with any offer, as listed on labels and rates.
pub(super) fn fees(parcel: Parcel) -> Vec<(&'static str, &'static str, u32)> {
    if parcel.large {
        vec![("Nonstandard Volume > 2 cu ft", "D813XUXXXCX0000", 1_800)]
    } else {
        Vec::new()
    }
}

/// Cents as the carrier writes them: a JSON number of dollars.
pub(super) fn dollars(cents: u32) -> Value {
    json!(f64::from(cents) / 100.0)
}

/// The price group of a country, 1 to 8; `None` where no mail goes.
pub(super) fn group(country: &str) -> Option<u8> {
    let letters: u32 = match country.as_bytes() {
        b"US" | b"ZZ" => return None,
        &[first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
            u32::from(first) + u32::from(second)
        }
        _ => return None,
    };
    u8::try_from(letters % 8).ok().map(|group| group + 1)
}

/// The `pricingOptions` answer for all outbound classes; without a mailing date to other countries,
/// where nothing is promised.
pub(super) fn options(price_type: &Value, parcel: Parcel, mailing: Option<NaiveDate>) -> Value {
    let offered = if mailing.is_some() { OFFERS } else { ABROAD };
    let offered: Vec<&Offer> = offered.iter().filter(|offer| offer.takes(parcel)).collect();
    let facility = if mailing.is_some() { "NONE" } else { "INTERNATIONAL_SERVICE_CENTER" };
    let fees: Vec<Value> = fees(parcel)
        .into_iter()
        .map(|(name, sku, cents)| json!({"name": name, "SKU": sku, "price": dollars(cents)}))
        .collect();
    let fee_cents = if fees.is_empty() { 0 } else { 1_800 };
    let mut classes: Vec<&str> = offered.iter().map(|offer| offer.mail_class).collect();
    classes.sort_unstable();
    classes.dedup();
    let shipping_options: Vec<Value> = classes
        .into_iter()
        .map(|class| {
            let offers: Vec<Value> = offered
                .iter()
                .filter(|offer| offer.mail_class == class)
                .map(|offer| {
                    let price = offer.postage(parcel);
                    json!({
                        "commitment": mailing.map(|day| offer.commitment(parcel.zone, day)),
                        "totalPrice": dollars(price + fee_cents),
                        "totalBasePrice": dollars(price + fee_cents),
                        "rates": [{
                            "description": offer.description,
                            "startDate": "2026-01-18",
                            "endDate": "",
                            "price": dollars(price),
                            "zone": format!("{:02}", parcel.zone),
                            "weight": f64::from(parcel.centipounds) / 100.0,
                            "dimensionalWeight": 0,
                            "dimWeight": 0,
                            "fees": fees,
                            "priceType": price_type,
                            "mailClass": offer.mail_class,
                            "productName": "",
                            "productDefinition": "",
                            "processingCategory": offer.category,
                            "rateIndicator": offer.indicator,
                            "destinationEntryFacilityType": facility,
                            "SKU": offer.sku(parcel),
                        }],
                        "extraServices": [{
                            "name": "USPS Tracking",
                            "price": 0,
                            "extraService": "920",
                            "priceType": price_type,
                            "warnings": [],
                            "SKU": "DXTL0EXXXCX0000",
                        }],
                    })
                })
                .collect();
            json!({"mailClass": class, "rateOptions": offers})
        })
        .collect();
    json!([{"priceType": price_type, "shippingOptions": shipping_options}])
}
