//! Who buys, and who comes back. A customer is a buyer id on a platform; names are not identity.

use std::collections::BTreeMap;

use chrono::{DateTime, Months, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Sale;
use crate::ids::{BuyerId, PlatformId};
use crate::money::Currency;
use crate::rules::kpi::{Ratio, Window};

type Customer<'a> = (&'a PlatformId, &'a BuyerId);

fn customer(sale: &Sale) -> Option<Customer<'_>> {
    Some((&sale.shop.platform, sale.buyer.as_ref()?))
}

/// Who comes back (ANA-06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatPurchase {
    /// Customers with a paid order in the window.
    pub customers: u64,
    /// Of those, with two or more paid orders by the window's end.
    pub returning_customers: u64,
    /// The rate of customers.
    pub rate: Option<Ratio>,
    /// Paid orders in the window whose buyer is known.
    pub orders: u64,
    /// Of those, by customers who had a paid order before it.
    pub orders_of_returning: u64,
    /// The share of orders.
    pub order_share: Option<Ratio>,
    /// Paid orders in the window whose buyer is not known; left out.
    pub unknown_buyers: u64,
}

/// ANA-06: customers with two or more paid orders by the end of the window, of the customers with
/// one or more in it. Orders before the window are needed to know who returns: give all there are.
///
/// Of two orders at the same instant one counts as the earlier.
#[must_use]
pub fn repeat_purchase<'a>(
    sales: impl IntoIterator<Item = &'a Sale>,
    window: &Window,
) -> RepeatPurchase {
    let mut orders: BTreeMap<Customer<'a>, Vec<DateTime<Utc>>> = BTreeMap::new();
    let mut unknown_buyers = 0_u64;
    for sale in sales.into_iter().filter(|sale| !sale.cancelled) {
        let Some(paid_at) = sale.paid_at.filter(|paid_at| *paid_at < window.to) else { continue };
        match customer(sale) {
            Some(customer) => orders.entry(customer).or_default().push(paid_at),
            None => unknown_buyers += u64::from(window.contains(paid_at)),
        }
    }
    let (mut customers, mut returning, mut all, mut of_returning) = (0_u64, 0_u64, 0_u64, 0_u64);
    for mut instants in orders.into_values() {
        instants.sort_unstable();
        let within = instants.iter().filter(|paid_at| window.contains(**paid_at)).count() as u64;
        if within == 0 {
            continue;
        }
        let known = instants.len() as u64;
        customers += 1;
        returning += u64::from(known >= 2);
        all += within;
        // The first order ever is nobody's return.
        of_returning += within - u64::from(known == within);
    }
    RepeatPurchase {
        customers,
        returning_customers: returning,
        rate: Ratio::new(returning, customers),
        orders: all,
        orders_of_returning: of_returning,
        order_share: Ratio::new(of_returning, all),
        unknown_buyers,
    }
}

/// How often a customer bought in twelve months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// Once.
    Once,
    /// Two to four times.
    Several,
    /// Five times or more.
    Often,
}

/// Who is a VIP. All of it is configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SegmentPolicy {
    /// The best so many percent by value. Default 5.
    pub vip_percent: u32,
    /// Over so many months. Default 12.
    pub months: u32,
}

impl Default for SegmentPolicy {
    fn default() -> Self {
        Self { vip_percent: 5, months: 12 }
    }
}

/// A customer and what he is to the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// On which platform.
    pub platform: PlatformId,
    /// Who.
    pub buyer: BuyerId,
    /// Paid orders of which something is left.
    pub orders: u64,
    /// What they come to, in the currency asked for.
    pub value: Decimal,
    /// How often.
    pub frequency: Frequency,
    /// Whether among the best by value.
    pub vip: bool,
}

/// Segments customers by what they spent, in one currency, and how often they bought, in the months
/// up to `as_of`; best first, equal ones by platform and id. The number of VIPs is rounded up: of
/// one customer one is a VIP.
#[must_use]
pub fn segments<'a>(
    sales: impl IntoIterator<Item = &'a Sale>,
    currency: Currency,
    policy: &SegmentPolicy,
    as_of: DateTime<Utc>,
) -> Vec<Segment> {
    let from =
        as_of.checked_sub_months(Months::new(policy.months)).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let window = Window::new(from, as_of);
    let mut sums: BTreeMap<Customer<'a>, (u64, Decimal)> = BTreeMap::new();
    for sale in
        sales.into_iter().filter(|sale| sale.counts_in(&window) && sale.total.currency == currency)
    {
        if let Some(customer) = customer(sale) {
            let (orders, value) = sums.entry(customer).or_default();
            *orders += 1;
            *value = value.saturating_add(sale.total.amount);
        }
    }
    let mut segments: Vec<Segment> = sums
        .into_iter()
        .map(|((platform, buyer), (orders, value))| Segment {
            platform: platform.clone(),
            buyer: buyer.clone(),
            orders,
            value,
            frequency: match orders {
                0 | 1 => Frequency::Once,
                2..=4 => Frequency::Several,
                _ => Frequency::Often,
            },
            vip: false,
        })
        .collect();
    segments.sort_by(|a, b| {
        b.value
            .cmp(&a.value)
            .then_with(|| a.platform.cmp(&b.platform))
            .then_with(|| a.buyer.cmp(&b.buyer))
    });
    let percent = usize::try_from(policy.vip_percent.min(100)).unwrap_or(100);
    let vips = segments.len().saturating_mul(percent).div_ceil(100);
    for segment in segments.iter_mut().take(vips) {
        segment.vip = true;
    }
    segments
}
