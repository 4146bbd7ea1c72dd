//! What the core makes of the platform's snapshots.

use super::house::*;
use chrono::{DateTime, TimeDelta, Utc};
use orderflow::order::{
    Action, Actor, Event, LogisticsMode, Order, OrderState, PlatformOrder, apply, import, reconcile,
};
use orderflow::platforms::mercado_libre::MERCADO_LIBRE;
use orderflow::ports::MarketplaceAdapter;
use orderflow::sandbox::mercado_libre::Way;
use orderflow::shipment::UploadState;
use orderflow::{OrderKey, ShopId};

fn imported(snapshot: &PlatformOrder, now: DateTime<Utc>) -> Order {
    let key = OrderKey::new(MERCADO_LIBRE, ShopId::from_static("shop"), snapshot.id.clone());
    let action =
        Action::Imported { snapshot: Box::new(snapshot.clone()), needs_acknowledgement: false };
    import(&key, &Event::once(action, now, Actor::Platform)).unwrap().order
}

fn merged(order: &Order, snapshot: &PlatformOrder, now: DateTime<Utc>) -> Order {
    let after = reconcile(order, snapshot, now)
        .iter()
        .fold(order.clone(), |order, event| apply(&order, event, now).unwrap().order);
    assert!(reconcile(&after, snapshot, now).is_empty(), "merging twice changes nothing");
    after
}

#[tokio::test(start_paused = true)]
async fn a_parcel_of_the_platform_goes_from_paid_to_delivered_without_an_upload() {
    let house = house();
    let pack = house.sale(1, Way::DropOff);
    let read = async || house.shop.get_order(&id(pack.id())).await.unwrap();
    let mut order = imported(&read().await, house.clock.now());
    assert_eq!(order.state(), OrderState::AwaitingShipment);
    assert_eq!(order.logistics, LogisticsMode::PlatformLabel);
    house.market.set_shipment(&pack.id(), "ready_to_ship", Some("printed"), house.clock.now());
    order = merged(&order, &read().await, house.clock.now());
    assert_eq!(order.state(), OrderState::AwaitingShipment, "a printed label is no parcel");
    house.clock.advance(TimeDelta::hours(1));
    house.market.set_shipment(&pack.id(), "ready_to_ship", Some("picked_up"), house.clock.now());
    order = merged(&order, &read().await, house.clock.now());
    assert_eq!(order.state(), OrderState::InTransit, "the platform saw it in the carrier's hands");
    assert_eq!(order.packages[0].upload.state, UploadState::NotRequired);
    house.clock.advance(TimeDelta::hours(20));
    house.market.set_shipment(&pack.id(), "shipped", None, house.clock.now());
    order = merged(&order, &read().await, house.clock.now());
    house.clock.advance(TimeDelta::hours(20));
    house.market.set_shipment(&pack.id(), "delivered", None, house.clock.now());
    order = merged(&order, &read().await, house.clock.now());
    assert_eq!(order.state(), OrderState::Delivered);
    assert_eq!(order.packages.len(), 1, "one shipment is one parcel, however often it is read");
}

#[tokio::test(start_paused = true)]
async fn a_sale_that_is_cancelled_after_printing_ends_without_an_open_incident() {
    for substatus in ["printed", "ready_for_pickup", "in_packing_list", "delayed"] {
        let house = house();
        let pack = house.sale(1, Way::DropOff);
        let read = async || house.shop.get_order(&id(pack.id())).await.unwrap();
        let mut order = imported(&read().await, house.clock.now());
        house.clock.advance(TimeDelta::hours(1));
        house.market.set_shipment(&pack.id(), "ready_to_ship", Some(substatus), house.clock.now());
        let snapshot = read().await;
        assert_eq!(snapshot.attributes["shipping.substatus"], substatus);
        order = merged(&order, &snapshot, house.clock.now());
        house.clock.advance(TimeDelta::hours(1));
        house.market.cancel(&pack.id(), "buyer", "buyer_cancel_express", house.clock.now());
        order = merged(&order, &read().await, house.clock.now());
        assert_eq!(order.state(), OrderState::Cancelled, "{substatus}");
        let open = order.incidents.iter().filter(|incident| incident.resolved_at.is_none());
        assert_eq!(open.count(), 0, "{substatus}: {:?}", order.incidents);
    }
}

#[tokio::test(start_paused = true)]
async fn a_movement_alone_is_news_although_the_order_has_its_old_stamp() {
    let house = house();
    let pack = house.sale(1, Way::DropOff);
    let before = house.shop.get_order(&id(pack.id())).await.unwrap();
    let order = imported(&before, house.clock.now());
    house.clock.advance(TimeDelta::hours(2));
    house.market.set_shipment(&pack.id(), "shipped", None, house.clock.now());
    let after = house.shop.get_order(&id(pack.id())).await.unwrap();
    assert!(!reconcile(&order, &after, house.clock.now()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sale_with_suspected_fraud_is_held_and_a_cancelled_one_ends() {
    let house = house();
    let mut pack =
        orderflow::sandbox::mercado_libre::generate(5, 1, noon() - TimeDelta::hours(5), noon())
            .remove(0);
    pack.way = Way::OwnCarrier;
    pack.tags = vec!["fraud_risk_detected"];
    house.market.place(pack.clone());
    let order = imported(&house.shop.get_order(&id(pack.id())).await.unwrap(), house.clock.now());
    assert!(order.is_held(house.clock.now()));
    house.clock.advance(TimeDelta::hours(1));
    house.market.cancel(&pack.id(), "fraud", "fraud", house.clock.now());
    let snapshot = house.shop.get_order(&id(pack.id())).await.unwrap();
    assert_eq!(merged(&order, &snapshot, house.clock.now()).state(), OrderState::Cancelled);
}
