//! The suite for marketplaces on this adapter, also when much goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::house::*;
use chrono::TimeDelta;
use orderflow::conformance::{Report, marketplaces};
use orderflow::sandbox::Faults;
use orderflow::sandbox::mercado_libre::{Way, generate};
use orderflow::{CarrierId, ServiceCode};

async fn run(faults: Faults, global: bool) -> Report {
    let house = house_with(faults, |config| config.with_global_selling(global));
    house.market.offer("A/1 %", "MLB1");
    house.market.offer("B", "MLB2");
    let market = house.market.clone();
    let count = AtomicU64::new(0);
    let fixture = marketplaces::Fixture {
        fresh: Box::new(move || {
            let seed = count.fetch_add(1, Ordering::SeqCst);
            let from = noon() - TimeDelta::hours(3);
            let mut pack = generate(seed, 1, from, from + TimeDelta::hours(2)).remove(0);
            pack.items.truncate(1);
            pack.items[0].units = 3;
            pack.way = Way::OwnCarrier;
            let fresh = id(pack.id());
            market.place(pack);
            fresh
        }),
        window: (noon() - TimeDelta::hours(12), noon()),
        carrier: (CarrierId::from_static("correios"), ServiceCode::from_static("SEDEX")),
        now: noon(),
    };
    marketplaces::run(Arc::new(house.shop), &fixture).await
}

#[tokio::test(start_paused = true)]
async fn the_adapter_passes_the_suite_for_marketplaces() {
    let report = run(Faults::none(), false).await;
    println!("{report}");
    report.assert_passed();
    let skipped: Vec<_> = report.skipped.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        skipped,
        [
            "acknowledging twice is success",
            "a line ships in parts, each told once",
            "a number can be changed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_adapter_passes_the_suite_although_calls_are_throttled_lost_and_broken() {
    // Faults that pass by being sent again, or by looking first. A token call whose answer is lost
    // ends the session for good, as on the platform: it is left alone.
    use orderflow::sandbox::{Fault, ScriptedFault};
    let faults = [
        ("orders/search", 0, Fault::Throttled { retry_after: Some(1) }),
        ("orders/search", 2, Fault::LostAfter),
        ("orders/search", 4, Fault::Quirk(orderflow::sandbox::Quirk::DuplicatedPage)),
        ("orders/search", 5, Fault::Quirk(orderflow::sandbox::Quirk::ReorderedPage)),
        ("packs/", 1, Fault::ServerError),
        ("packs/", 5, Fault::Quirk(orderflow::sandbox::Quirk::TokenExpired)),
        ("packs/", 9, Fault::GatewayPage),
        ("shipments/", 3, Fault::LostBefore),
        ("shipments/", 8, Fault::LostAfter),
        ("feedback", 0, Fault::LostAfter),
        ("items/", 0, Fault::LostAfter),
    ];
    let script = faults
        .into_iter()
        .map(|(path, from, fault)| ScriptedFault {
            stand_in: "mercado-libre".into(),
            path: path.into(),
            from,
            times: 1,
            fault,
        })
        .collect();
    let report = run(Faults::scripted(script), false).await;
    println!("{report}");
    report.assert_passed();
}

#[tokio::test(start_paused = true)]
async fn the_adapter_passes_the_suite_across_borders() {
    let report = run(Faults::none(), true).await;
    println!("{report}");
    report.assert_passed();
}
