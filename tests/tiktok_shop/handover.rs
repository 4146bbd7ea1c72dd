//! Handing packages over, taking labels back, prices and subscriptions, against the stand-in.

use super::house::*;
use super::journey::{fault, label_request};
use orderflow::order::{CancelReason, LogisticsMode, UnitStatus};
use orderflow::platforms::tiktok_shop::{
    Handover, HandoverChoice, ORDER_TOPICS, PackageToShip, TikTokShop,
};
use orderflow::ports::{
    CancelLine, Cancellations, MarketplaceAdapter, PlatformLabels, PlatformParcels,
};
use orderflow::sandbox::tiktok_shop::Shipping;
use orderflow::sandbox::{Fault, Faults};
use orderflow::{
    Dimensions, ErrorKind, LineId, Millimetres, PlatformOrderId, PlatformPackageId, Retry,
};
use serde_json::json;

/// The package of an order that the platform made with it.
async fn package_of(shop: &TikTokShop, id: &PlatformOrderId) -> PlatformPackageId {
    let order = shop.get_order(id).await.unwrap();
    PlatformPackageId::new(order.attributes["packages"].clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn packages_shipped_together_have_each_an_outcome_of_their_own() {
    let house = house_with("TH", Faults::none(), |config| config.with_ship_batch(2));
    let mut packages = Vec::new();
    for units in 1..4 {
        let id = house.place("TH", Shipping::Platform, units);
        packages.push(PackageToShip::new(package_of(&house.shop, &id).await));
    }
    packages.insert(1, PackageToShip::new(PlatformPackageId::from_static("42")));
    packages.push(packages[0].clone());
    let outcomes = house.shop.ship_packages(&packages).await;
    let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err()).collect();
    let kinds: Vec<_> = kinds.into_iter().map(|error| error.map(orderflow::Error::kind)).collect();
    let twice = Some(ErrorKind::InvalidInput);
    assert_eq!(kinds, [None, Some(ErrorKind::NotFound), None, None, twice]);
    let unknown = outcomes[1].as_ref().unwrap_err();
    assert!(unknown.context().any(|(name, value)| name == "package" && value == "42"));
    assert_eq!(house.ledger.labels().len(), 3);
    // What has been shipped is refused package by package, too.
    let again = house.shop.ship_packages(&packages[2..3]).await.remove(0).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Rejected, "{again}");
    assert!(house.shop.ship_packages(&[]).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_every_package_of_a_batch_is_looked_up() {
    for (lost, done) in [(Fault::LostAfter, true), (Fault::LostBefore, false)] {
        let house = house_with("TH", fault("/packages/ship", 0, lost), |config| config);
        let mut packages = Vec::new();
        for units in 1..3 {
            let id = house.place("TH", Shipping::Platform, units);
            packages.push(PackageToShip::new(package_of(&house.shop, &id).await));
        }
        for outcome in house.shop.ship_packages(&packages).await {
            match outcome {
                Ok(()) => assert!(done),
                Err(error) => {
                    assert!(!done && error.kind() == ErrorKind::Transient, "{error}");
                    assert!(matches!(error.retry(), Retry::After(_)), "safe to send again");
                }
            }
        }
        assert_eq!(house.ledger.labels().len(), if done { 2 } else { 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_package_is_handed_over_as_the_seller_chose() {
    let slot = json!({
        "start_time": at(4).timestamp(), "end_time": at(6).timestamp()
    });
    let cases = [
        (HandoverChoice::ByPlatform, None),
        (HandoverChoice::DropOff, Some(json!({"handover_method": "DROP_OFF"}))),
        (
            HandoverChoice::FirstPickup,
            // Not the one that is over, and not the one that is taken.
            Some(json!({"handover_method": "PICKUP", "pickup_slot": slot})),
        ),
    ];
    for (choice, told) in cases {
        let house = house_with("TH", Faults::none(), |config| config.with_handover(choice));
        let id = house.place("TH", Shipping::Platform, 2);
        let package = package_of(&house.shop, &id).await;
        let order = house.shop.get_order(&id).await.unwrap();
        house.shop.buy(&label_request(&order, 2), &key()).await.unwrap();
        assert_eq!(house.market.handover_of(package.as_str()), told, "{choice:?}");
    }
    let house = house("TH");
    let id = house.place("TH", Shipping::Platform, 2);
    let package = package_of(&house.shop, &id).await;
    let options = house.shop.handover_options(&package).await.unwrap();
    assert!(options.pickup && options.drop_off && !options.van_collection);
    let free: Vec<_> = options.slots.iter().map(|slot| slot.from).collect();
    assert_eq!(free, [at(-5), at(4), at(20)]);
    let chosen = PackageToShip::new(package.clone())
        .with_handover(Handover::Pickup(options.slots.last().copied()));
    house.shop.ship_packages(&[chosen]).await.remove(0).unwrap();
    let told = house.market.handover_of(package.as_str()).unwrap();
    assert_eq!(told["pickup_slot"]["start_time"], json!(at(20).timestamp()));
}

#[tokio::test(start_paused = true)]
async fn where_no_package_exists_yet_scheduling_the_handover_makes_one() {
    for lost in [None, Some(Fault::LostAfter)] {
        let faults = lost.map_or(Faults::none(), |lost| fault("/packages/schedule", 0, lost));
        let house =
            house_with("DE", faults, |config| config.with_handover(HandoverChoice::DropOff));
        let id = house.place("DE", Shipping::Platform, 2);
        let order = house.shop.get_order(&id).await.unwrap();
        assert!(!order.attributes.contains_key("packages"));
        let label = house.shop.buy(&label_request(&order, 2), &key()).await.unwrap();
        assert_eq!(house.ledger.labels()[0].number, label.record.number.as_str());
        assert_eq!(house.ledger.labels().len(), 1);
        let package = label.record.carrier_reference.unwrap();
        assert_eq!(house.market.handover_of(&package).unwrap()["handover_method"], "DROP_OFF");
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_united_kingdom_a_package_with_dimensions_is_created_and_one_without_is_shipped() {
    let mm = Millimetres::new;
    for (size, created) in [(Some(Dimensions::new(mm(250), mm(200), mm(100))), true), (None, false)]
    {
        let house = house("GB");
        let id = house.place("GB", Shipping::Platform, 2);
        let waiting = package_of(&house.shop, &id).await;
        let order = house.shop.get_order(&id).await.unwrap();
        let mut request = label_request(&order, 2);
        request.label.dimensions = size;
        let label = house.shop.buy(&request, &key()).await.unwrap();
        let package = label.record.carrier_reference.unwrap();
        assert_eq!(package != waiting.as_str(), created, "{size:?}");
        assert_eq!(
            label.record.cost.postage.amount.is_zero(),
            !created,
            "only creating has a price"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_is_not_taken_back_and_lapses_with_its_order() {
    let house = house("US");
    let id = house.place("US", Shipping::Platform, 2);
    let order = house.shop.get_order(&id).await.unwrap();
    assert_eq!(order.logistics, LogisticsMode::PlatformLabel);
    let mut label = house.shop.buy(&label_request(&order, 2), &key()).await.unwrap().record;
    let unused = house.shop.discard(&label).await.unwrap_err();
    assert_eq!(unused.kind(), ErrorKind::Unsupported, "{unused}");

    // A part of what is arranged cannot be cancelled; all of it can, until it is collected.
    let line = |units: u32| CancelLine {
        line: order.lines[0].id.clone(),
        units,
        reason: CancelReason::OutOfStock,
    };
    let part = house.shop.cancel(&id, &[line(1)]).await.unwrap_err();
    assert_eq!(part.kind(), ErrorKind::Rejected, "{part}");
    house.shop.cancel(&id, &[line(2)]).await.unwrap();
    let after = house.shop.get_order(&id).await.unwrap();
    assert_eq!(after.lines[0].units[0].status, UnitStatus::Cancelled);
    house.shop.discard(&label).await.unwrap();
    label.carrier_reference = None;
    let nameless = house.shop.discard(&label).await.unwrap_err();
    assert_eq!(nameless.field(), Some("carrier_reference"), "{nameless}");

    let other = house.place("US", Shipping::Platform, 3);
    let order = house.shop.get_order(&other).await.unwrap();
    let label = house.shop.buy(&label_request(&order, 3), &key()).await.unwrap().record;
    assert!(house.market.move_on(other.as_str(), at(1)));
    let used = house.shop.discard(&label).await.unwrap_err();
    assert_eq!(used.kind(), ErrorKind::Rejected, "{used}");
    let late = CancelLine {
        line: LineId::new(order.lines[0].id.as_str()).unwrap(),
        units: 3,
        reason: CancelReason::OutOfStock,
    };
    let late = house.shop.cancel(&other, &[late]).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Rejected, "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_combined_package_is_taken_apart_again_before_it_ships() {
    let house = house("TH");
    let mut ids = Vec::new();
    for seed in 1..3 {
        let mut sale = order(seed, "TH", Shipping::Platform, 2);
        "Ana Smith".clone_into(&mut sale.name);
        "1 Example".clone_into(&mut sale.street);
        sale.postcode = "10110";
        ids.push(PlatformOrderId::new(sale.id.clone()).unwrap());
        house.market.place(sale);
    }
    let package = house.shop.combine(&ids).await.unwrap()[0].package.clone().unwrap();
    let apart = house.shop.uncombine(&package, &ids).await.unwrap();
    let orders: Vec<_> = apart.iter().flat_map(|part| part.orders.clone()).collect();
    assert_eq!(orders, ids);
    let mut numbers = std::collections::BTreeSet::new();
    for id in &ids {
        let order = house.shop.get_order(id).await.unwrap();
        let label = house.shop.buy(&label_request(&order, 2), &key()).await.unwrap();
        numbers.insert(label.record.number);
    }
    assert_eq!(numbers.len(), 2);
    let late = house.shop.uncombine(&package, &ids).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Rejected, "{late}");
}

#[tokio::test(start_paused = true)]
async fn every_topic_of_orders_is_subscribed_listed_and_dropped() {
    let house = house("US");
    for topic in ORDER_TOPICS {
        house.shop.subscribe(topic, "https://erp.example/hook").await.unwrap();
    }
    house.shop.subscribe(ORDER_TOPICS[0], "https://erp.example/other").await.unwrap();
    let known = house.shop.subscriptions().await.unwrap();
    assert_eq!(known.len(), ORDER_TOPICS.len());
    let first = known.iter().find(|known| known.topic == ORDER_TOPICS[0]).unwrap();
    assert_eq!(first.address, "https://erp.example/other", "a topic has one address");
    for topic in ORDER_TOPICS {
        house.shop.unsubscribe(topic).await.unwrap();
    }
    assert!(house.shop.subscriptions().await.unwrap().is_empty());
    assert_eq!(house.shop.unsubscribe(" ").await.unwrap_err().field(), Some("topic"));
}

#[tokio::test(start_paused = true)]
async fn a_price_is_told_for_the_order_and_for_each_of_its_units() {
    let house = house("GB");
    let id = house.place("GB", Shipping::Seller, 3);
    let order = house.shop.get_order(&id).await.unwrap();
    let price = house.shop.price_detail(&id).await.unwrap();
    assert_eq!(price.payment, Some(order.total));
    let units: Vec<_> = price.units.iter().map(|unit| unit.unit_id.clone().unwrap()).collect();
    assert_eq!(units, order.lines[0].unit_ids);
}

#[test]
fn versions_and_batches_that_cannot_be_right_are_refused_by_name() {
    let sandbox = orderflow::sandbox::Sandbox::new(
        orderflow::sandbox::VirtualClock::new(at(0)),
        orderflow::sandbox::Ledger::new(),
    );
    let config = || config("US", &sandbox);
    let cases = [
        (config().with_detail_version("20230"), "detail_version"),
        (config().with_packages_version("v1"), "packages_version"),
        (config().with_cancellations_version("2026-02"), "cancellations_version"),
        (config().with_eligibility_version(""), "eligibility_version"),
        (config().with_ship_batch(0), "ship_batch"),
    ];
    for (config, field) in cases {
        let error = TikTokShop::new(config, sandbox.transport()).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some(field)));
    }
}

#[tokio::test(start_paused = true)]
async fn newer_versions_are_asked_and_answer_the_same() {
    let house = house_with("US", Faults::none(), |config| {
        config
            .with_detail_version("202507")
            .with_packages_version("202512")
            .with_cancellations_version("202602")
    });
    let id = house.place("US", Shipping::Platform, 2);
    let order = house.shop.get_order(&id).await.unwrap();
    house.shop.buy(&label_request(&order, 2), &key()).await.unwrap();
    assert_eq!(house.ledger.labels().len(), 1);
    let other = house.place("US", Shipping::Seller, 3);
    house.market.ask_to_cancel(other.as_str(), at(0));
    let shop: &dyn MarketplaceAdapter = &house.shop;
    let page = shop.after_sale().unwrap().cases(at(-1), at(1), None).await.unwrap();
    assert_eq!(page.items.len(), 1);
}
