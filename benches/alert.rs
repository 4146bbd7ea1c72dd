//! Looking again at 1,000,000 open orders: the ladder and every alert rule.
//!
//! ```text
//! cargo bench --bench alert -- [--quick]
//! ```
//!
//! `all` evaluates every order; `due` keeps each order's next change and evaluates only those whose
//! instant has come, which is what a host with a queue does. Both must give the same notifications.
//! The bar is 2,000,000 evaluations a second on one thread; facts are taken from orders beforehand.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that panics has failed"
)]

mod support;

use std::hint::black_box;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use orderflow::rules::alert::{
    AlertPolicy, FiredAlert, Notification, OrderWatch, WatchedDeadline, WatchedParcel, evaluate,
    next_change,
};
use orderflow::{OrderKey, PackageId, PlatformId, PlatformOrderId, ShopId};
use support::split_mix;

const PLATFORMS: [PlatformId; 3] = [
    PlatformId::from_static("market-1"),
    PlatformId::from_static("mercado-libre"),
    PlatformId::from_static("tiktok-shop"),
];

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

/// Open orders of the last three days: two of three wait for shipment, the others are under way.
fn watches(count: usize) -> Vec<OrderWatch> {
    let mut state = 11;
    (0..count)
        .map(|index| {
            let mut draw = |bound: u64| i64::try_from(split_mix(&mut state) % bound).unwrap();
            let paid = start() - TimeDelta::seconds(draw(3 * 86_400));
            let ship_by = paid + TimeDelta::hours(24 * (1 + draw(5)));
            let shipped = draw(3) == 0;
            let acknowledged = draw(20) > 0;
            let deadline = |starts_at, at| WatchedDeadline { at, starts_at, version: 1 };
            OrderWatch {
                order: OrderKey::new(
                    PLATFORMS[index % 3].clone(),
                    ShopId::new(format!("shop-{}", index % 50)).unwrap(),
                    PlatformOrderId::new(format!("{index:015}")).unwrap(),
                ),
                placed_at: paid,
                paid_at: Some(paid),
                closed: false,
                unprinted: !shipped,
                unacknowledged: !shipped && !acknowledged,
                acknowledge_by: (!acknowledged).then(|| deadline(paid, paid + TimeDelta::hours(1))),
                ship_by: (!shipped).then(|| deadline(paid, ship_by)),
                upload_by: None,
                deliver_by: Some(deadline(paid, ship_by + TimeDelta::days(4))),
                parcels: if shipped {
                    let at = paid + TimeDelta::seconds(draw(86_400));
                    vec![WatchedParcel {
                        package: PackageId::new(format!("PK-{index}")).unwrap(),
                        shipped_at: at,
                        last_sign_at: at + TimeDelta::seconds(draw(86_400)),
                        here_since: at,
                        accepted: draw(4) > 0,
                        upload_open: draw(50) == 0,
                        moving: true,
                        trouble: None,
                    }]
                } else {
                    Vec::new()
                },
                found: Vec::new(),
                holds: Vec::new(),
                messages: Vec::new(),
            }
        })
        .collect()
}

fn median(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    (figures[figures.len() / 2], figures[0], figures[figures.len() - 1])
}

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    let count = if quick { 100_000 } else { 1_000_000 };
    let policy = AlertPolicy::preset("seeds").unwrap();
    let watches = watches(count);
    let first_look = start();
    // What an earlier look left behind: everything that stood an hour ago was fired.
    let earlier = first_look - TimeDelta::hours(1);
    let fired: Vec<Vec<FiredAlert>> = watches
        .iter()
        .map(|watch| {
            evaluate(watch, &[], &policy, earlier).map_or(Vec::new(), |found| {
                found.alerts.iter().map(|alert| alert.fired(earlier)).collect()
            })
        })
        .collect();
    let next: Vec<Option<DateTime<Utc>>> =
        watches.iter().map(|watch| next_change(watch, &[], &policy, earlier)).collect();

    let all = || -> Vec<Notification> {
        watches
            .iter()
            .zip(&fired)
            .filter_map(|(watch, fired)| evaluate(watch, fired, &policy, first_look))
            .collect()
    };
    let due = || -> Vec<Notification> {
        watches
            .iter()
            .zip(&fired)
            .zip(&next)
            .filter(|(_, next)| next.is_some_and(|next| next <= first_look))
            .filter_map(|((watch, fired), _)| evaluate(watch, fired, &policy, first_look))
            .collect()
    };
    let expected = all();
    assert_eq!(expected, due(), "a queue by next change must miss nothing");
    println!(
        "{count} orders, {} of them with news since the last look an hour ago ({:.1} %)",
        expected.len(),
        100.0 * expected.len() as f64 / count as f64
    );
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..7 {
        for (contestant, rates) in rates.iter_mut().enumerate() {
            let begun = Instant::now();
            let found = if contestant == 0 { black_box(all()) } else { black_box(due()) };
            rates.push(count as f64 / begun.elapsed().as_secs_f64());
            drop(found);
        }
    }
    for (name, rates) in ["all", "due"].into_iter().zip(rates) {
        let (median, least, most) = median(rates);
        println!(
            "{name:>4}  {:>6.2} M evaluations/s (of {:.2} to {:.2}); {:.1} times the bar of 2 M",
            median / 1e6,
            least / 1e6,
            most / 1e6,
            median / 2e6
        );
    }
}
