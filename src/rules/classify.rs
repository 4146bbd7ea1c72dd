//! What kind of order it is: tags and priority after import.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::order::{LogisticsMode, Order, Priority, SpeedClass};
use crate::units::Grams;

/// Bands and priorities of a shop. All of it is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ClassificationPolicy {
    /// Upper bounds of value bands, excluded, with their names, ascending; the name of what lies
    /// above all of them is `high`. For orders in `currency` only.
    pub value_bands: Vec<(Decimal, String)>,
    /// The currency of the bands. Orders in another get no band.
    pub currency: Currency,
    /// Upper bounds of weight classes, included, with their names, ascending; what lies above all
    /// of them is `heavy`.
    pub weight_classes: Vec<(Grams, String)>,
    /// The priority of orders whose buyer paid for speed.
    pub expedited_priority: Priority,
    /// Tags of platform or host that make an order urgent.
    pub urgent_tags: BTreeSet<String>,
}

impl Default for ClassificationPolicy {
    /// Low below 50, medium below 200, high; light up to 453 g (1 lb), medium up to 9,072 g (20 lb).
    fn default() -> Self {
        Self {
            value_bands: vec![
                (Decimal::from(50), "low".to_owned()),
                (Decimal::from(200), "medium".to_owned()),
            ],
            currency: Currency::USD,
            weight_classes: vec![
                (Grams::new(453), "light".to_owned()),
                (Grams::new(9_072), "medium".to_owned()),
            ],
            expedited_priority: Priority::High,
            urgent_tags: BTreeSet::new(),
        }
    }
}

/// What an order was classified as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// Tags of the form `dimension:value`, for example `platform:csv` or `weight:light`.
    pub tags: BTreeSet<String>,
    /// How urgent.
    pub priority: Priority,
}

/// Classifies an order: by platform, site, region, value band, weight class, who arranges
/// transport, speed, and whether the buyer has bought before. Pure; unknown facts give no tag.
///
/// `earlier_orders` is how many paid orders of this buyer came before; `None` when that is not
/// known.
#[must_use]
pub fn classify(
    order: &Order,
    earlier_orders: Option<u32>,
    policy: &ClassificationPolicy,
) -> Classification {
    let mut tags = BTreeSet::new();
    let mut tag = |dimension: &str, value: &str| {
        let value = value.trim();
        if !value.is_empty() {
            tags.insert(format!("{dimension}:{value}"));
        }
    };
    tag("platform", order.key.platform.as_str());
    tag("site", order.site.as_deref().unwrap_or(""));
    if let Some(recipient) = &order.recipient {
        if let Some(country) = recipient.address.country {
            tag("country", country.as_str());
            let state = recipient.address.state.as_deref().unwrap_or("").trim();
            if !state.is_empty() {
                tag("region", &country.region(state));
            }
        }
        match recipient.address.residential {
            Some(true) => tag("place", "residential"),
            Some(false) => tag("place", "business"),
            None => {}
        }
    }
    if order.total.currency == policy.currency && !order.total.is_negative() {
        let band = policy
            .value_bands
            .iter()
            .find(|(below, _)| order.total.amount < *below)
            .map_or("high", |(_, name)| name.as_str());
        tag("value", band);
    }
    let weight = order.lines.iter().try_fold(Grams::ZERO, |sum, line| {
        Some(sum.saturating_add(line.weight?.saturating_mul(line.ordered)))
    });
    if let Some(weight) = weight.filter(|weight| *weight > Grams::ZERO) {
        let class = policy
            .weight_classes
            .iter()
            .find(|(most, _)| weight <= *most)
            .map_or("heavy", |(_, name)| name.as_str());
        tag("weight", class);
    }
    tag(
        "logistics",
        match order.logistics {
            LogisticsMode::PlatformLabel => "platform_label",
            LogisticsMode::SellerCarrier => "seller_carrier",
            LogisticsMode::PlatformFulfilled => "platform_fulfilled",
        },
    );
    tag(
        "speed",
        match order.speed {
            SpeedClass::Economy => "economy",
            SpeedClass::Standard => "standard",
            SpeedClass::Expedited => "expedited",
            SpeedClass::NextDay => "next_day",
        },
    );
    match earlier_orders {
        Some(0) => tag("buyer", "first"),
        Some(_) => tag("buyer", "repeat"),
        None => {}
    }
    let priority = if order.tags.intersection(&policy.urgent_tags).next().is_some() {
        Priority::Urgent
    } else if order.speed >= SpeedClass::Expedited {
        policy.expedited_priority
    } else {
        Priority::Normal
    };
    // What people and platforms set is never lowered.
    Classification { tags, priority: priority.max(order.priority) }
}
