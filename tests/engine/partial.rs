//! Partial shipments on a platform without keys: nothing is told twice.

use chrono::TimeDelta;
use orderflow::platforms::walmart::{Walmart, WalmartConfig};
use orderflow::ports::{MarketplaceAdapter, OrderQuery, ShipmentNotice, ShipmentNoticeLine};
use orderflow::sandbox::walmart::{GenerateOptions, WalmartStandIn, generate};
use orderflow::sandbox::{Fault, Faults, Ledger, Sandbox, ScriptedFault, VirtualClock};
use orderflow::{
    CarrierId, ErrorKind, IdempotencyKey, LineId, PackageId, PlatformOrderId, ServiceCode,
    TrackingNumber,
};
use std::sync::Arc;

use super::house::at;

struct World {
    shop: Walmart,
    ledger: Ledger,
    order: PlatformOrderId,
    line: LineId,
}

async fn world(units: u32, faults: Faults) -> World {
    let (clock, ledger) = (VirtualClock::new(at(0)), Ledger::new());
    let market = WalmartStandIn::new(ledger.clone());
    let mut order = generate(7, 1, at(-3), at(-1), &GenerateOptions::default()).remove(0);
    order.lines.truncate(1);
    order.lines[0].units = units;
    let id = PlatformOrderId::new(order.id.clone()).unwrap();
    let line = LineId::new(order.lines[0].number.clone()).unwrap();
    market.place(order);
    let sandbox = Sandbox::new(clock.clone(), ledger.clone()).with(market).with_faults(faults);
    let config = WalmartConfig::new("id-of-client", "secret-of-client", "shop")
        .with_base_url(sandbox.base_url("walmart"))
        .with_clock(Arc::new(clock));
    let shop = Walmart::new(config, sandbox.transport()).unwrap();
    MarketplaceAdapter::acknowledge(&shop).unwrap().acknowledge(&id).await.unwrap();
    World { shop, ledger, order: id, line }
}

impl World {
    fn notice(&self, units: u32, number: &str) -> ShipmentNotice {
        ShipmentNotice {
            order: self.order.clone(),
            package: PackageId::from_static("PK-1"),
            lines: vec![ShipmentNoticeLine { line: self.line.clone(), reference: None, units }],
            carrier: CarrierId::from_static("usps"),
            service: ServiceCode::from_static("GROUND"),
            number: Some(TrackingNumber::new(number).unwrap()),
            tracking_url: None,
            shipped_at: at(0),
            requested_service: None,
            override_cancel_request: false,
        }
    }

    async fn confirm(&self, notice: &ShipmentNotice) -> orderflow::Result<bool> {
        let key = IdempotencyKey::derive(&["upload"]);
        self.shop.confirm_shipment(notice, &key).await.map(|confirmed| confirmed.already)
    }

    fn confirmed(&self) -> Vec<(u32, String)> {
        self.ledger.confirmations().into_iter().map(|c| (c.units, c.number)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_part_of_a_line_is_told_once() {
    let world = world(3, Faults::none()).await;
    let first = world.notice(1, "9400A");
    assert!(!world.confirm(&first).await.unwrap());
    assert!(world.confirm(&first).await.unwrap());
    assert!(!world.confirm(&world.notice(2, "9400B")).await.unwrap());
    assert!(world.confirm(&world.notice(2, "9400B")).await.unwrap());
    assert_eq!(world.confirmed(), [(1, "9400A".to_owned()), (2, "9400B".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_part_whose_answer_was_lost_is_not_told_again() {
    let lost = ScriptedFault {
        stand_in: "walmart".into(),
        path: "/shipping".into(),
        from: 0,
        times: 1,
        fault: Fault::LostAfter,
    };
    let world = world(3, Faults::scripted(vec![lost])).await;
    let first = world.notice(1, "9400A");
    assert!(world.confirm(&first).await.unwrap());
    assert!(world.confirm(&first).await.unwrap());
    assert_eq!(world.confirmed(), [(1, "9400A".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_ship_date_a_second_ahead_is_taken_as_now() {
    let world = world(1, Faults::none()).await;
    let mut notice = world.notice(1, "9400A");
    notice.shipped_at += TimeDelta::seconds(1);
    assert!(!world.confirm(&notice).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn another_number_for_units_that_left_is_a_conflict() {
    let world = world(1, Faults::none()).await;
    world.confirm(&world.notice(1, "9400A")).await.unwrap();
    let error = world.confirm(&world.notice(1, "9400B")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn changing_one_parcels_number_leaves_the_others() {
    let world = world(2, Faults::none()).await;
    world.confirm(&world.notice(1, "9400A")).await.unwrap();
    world.confirm(&world.notice(1, "9400B")).await.unwrap();
    let ability = world.shop.tracking_updates().unwrap();
    let old = TrackingNumber::from_static("9400A");
    ability.update_tracking(&old, &world.notice(1, "9400C")).await.unwrap();
    ability.update_tracking(&old, &world.notice(1, "9400C")).await.unwrap();
    let order = world.shop.get_order(&world.order).await.unwrap();
    let mut numbers: Vec<String> = order.lines[0]
        .units
        .iter()
        .filter_map(|group| group.shipment.as_ref()?.number.as_ref().map(ToString::to_string))
        .collect();
    numbers.sort();
    assert_eq!(numbers, ["9400B", "9400C"]);
    let never = TrackingNumber::from_static("NEVER");
    let refused = ability.update_tracking(&never, &world.notice(1, "9400D")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn orders_not_yet_acknowledged_are_released() {
    let world = world(1, Faults::none()).await;
    let page = world.shop.list_orders(&OrderQuery::Released, None).await.unwrap();
    assert!(page.items.is_empty() && page.next.is_none());
}
