//! Orders that are known, and platforms and buyers that say something else of them afterwards.

use std::sync::Arc;

use orderflow::engine::{BatchOptions, EnginePolicy, ItemOutcome, PackageRef, Schedule};
use orderflow::order::{Action, Actor, ExceptionKind, OrderState, Review};
use orderflow::sandbox::{Fault, Faults, ScriptedFault};
use orderflow::shipment::{LabelState, UploadState};
use orderflow::store::{MemoryStock, MemoryStore};
use orderflow::{ErrorKind, LineId, Sku, WarehouseId};

use super::bazaar::{Bazaar, SIGNED, builder_over, engine, key, request, shop, words};
use super::house::{House, at};
use super::support::platform_line;
use super::{bought, imported};

fn parcels(order: &orderflow::order::Order) -> Vec<PackageRef> {
    let parcel = |package: &orderflow::shipment::Package| PackageRef {
        order: order.key.clone(),
        package: package.id.clone(),
    };
    order.packages.iter().map(parcel).collect()
}

#[tokio::test(start_paused = true)]
async fn a_known_order_waits_while_its_platform_contradicts_itself_and_goes_on_afterwards() {
    for twisted in ["a line twice", "no units"] {
        let bazaar = Bazaar::new(&["a"]);
        let engine = engine(&[("1", &bazaar)]);
        engine.sync(&shop("1"), at(0)).await.unwrap();
        engine.advance(at(0)).await.unwrap();
        let good = bazaar.book().orders["a"].clone();
        let mut bad = good.clone();
        bad.updated_at = Some(at(1));
        match twisted {
            "a line twice" => bad.lines.push(bad.lines[0].clone()),
            _ => bad.lines[0].quantity = 0,
        }
        bazaar.book().orders.insert("a".into(), bad);
        // Whichever way it is read.
        match twisted {
            "a line twice" => engine.sync(&shop("1"), at(2)).await.map(|_| ()).unwrap(),
            _ => {
                let refused = engine.refresh(&key("1", "a"), at(2)).await.unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::UnexpectedAnswer);
            }
        }
        let held = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
        assert!(held.is_held(at(2)), "{twisted}");
        let told = engine.exceptions(at(2)).await.unwrap();
        assert!(told.iter().any(|item| item.kind == ExceptionKind::ImportFailure), "{told:?}");
        assert_eq!(engine.store().quarantined().await.unwrap().len(), 1);
        // Again and again: one hold.
        engine.sync(&shop("1"), at(3)).await.unwrap();
        let held = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
        assert_eq!(held.holds.len(), 1);
        // The old word is good again, though it is no news.
        bazaar.book().orders.insert("a".into(), good);
        engine.sync(&shop("1"), at(4)).await.unwrap();
        let free = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
        assert!(!free.is_held(at(4)), "{twisted}");
        assert!(free.incidents.iter().all(|incident| incident.resolved_at.is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_left_is_not_held_by_an_odd_word_of_the_platform() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    engine.sync(&shop("1"), at(0)).await.unwrap();
    bazaar.cancel_there("a");
    engine.sync(&shop("1"), at(1)).await.unwrap();
    bazaar.book().orders.get_mut("a").unwrap().lines[0].quantity = 0;
    engine.sync(&shop("1"), at(2)).await.unwrap();
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::Cancelled);
    assert!(!order.is_held(at(2)));
}

#[tokio::test(start_paused = true)]
async fn notices_that_name_what_can_be_no_order_keep_no_real_one_waiting() {
    let bazaar = Bazaar::new(&["real"]);
    let engine = engine(&[("1", &bazaar)]);
    let one = shop("1");
    for number in 0..300 {
        let body = format!("f{number}:..{number}");
        engine.receive(&one, &request(&body, SIGNED), at(0)).await.unwrap();
    }
    engine.receive(&one, &request("e1:real", SIGNED), at(0)).await.unwrap();
    let mut done = 0;
    for round in 0..4 {
        done += engine.work_inbox(at(round)).await.unwrap().done;
    }
    assert_eq!(done, 301);
    assert!(engine.store().order(&key("1", "real")).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_answer_was_lost_is_not_sent_again_unless_that_is_harmless() {
    for harmless in [false, true] {
        let bazaar = Bazaar::new(&["a"]);
        let engine = engine(&[("1", &bazaar)]);
        engine.sync(&shop("1"), at(0)).await.unwrap();
        bazaar.book().loses_answers = true;
        bazaar.book().looks_for_messages = harmless;
        let text = [(key("1", "a"), "It is on its way.".to_owned().into())];
        assert_eq!(words(&engine.contact_buyers(&text, at(0)).await), ["ambiguous"]);
        bazaar.book().loses_answers = false;
        engine.work_outbox(at(1)).await.unwrap();
        engine.work_outbox(at(2)).await.unwrap();
        assert_eq!(bazaar.book().messages.len(), if harmless { 2 } else { 1 });
        assert!(engine.store().unsettled().await.unwrap().is_empty());
        let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
        let asked = order.incidents.iter().any(|incident| incident.detail.contains("message"));
        assert_eq!(asked, !harmless, "a person looks");
        assert_eq!(words(&engine.contact_buyers(&text, at(3)).await), ["skipped"]);
    }
}

/// One labelled parcel whose buyer asks to cancel.
async fn asked_to_cancel(faults: Faults) -> House {
    let house = super::house::house(faults);
    house.place(1, 0);
    imported(&house).await;
    assert_eq!(bought(&house).await, ["done"]);
    house
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_cancel_that_a_person_refused_is_shipped_over_and_does_not_come_back() {
    let house = asked_to_cancel(Faults::none()).await;
    let order = house.only_order().await;
    house.market.ask_to_cancel(order.key.order.as_str(), at(0));
    house.clock.set(at(1));
    house.engine.sync(&house.shop, at(1)).await.unwrap();
    assert!(house.only_order().await.is_held(at(1)));
    let refused = house.engine.refuse_cancellation(&order.key, "it left already", "Ana", at(1));
    assert!(!refused.await.unwrap().is_held(at(1)));
    let nothing = house.engine.refuse_cancellation(&order.key, "again", "Ana", at(1)).await;
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::Rejected);
    // Walmart goes on showing the wish.
    house.clock.set(at(2));
    house.engine.read_open_again(&house.shop, at(2)).await.unwrap();
    let order = house.only_order().await;
    assert!(!order.is_held(at(2)) && order.cancel_request.is_none());
    let outcomes =
        house.engine.confirm_shipments(&parcels(&order), at(2), at(2), |_| {}).await.unwrap();
    assert!(matches!(outcomes[0], ItemOutcome::Done(())), "{outcomes:?}");
    assert_eq!(house.only_order().await.packages[0].upload.state, UploadState::Uploaded);
    house.assert_clean(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_parcel_that_had_left_before_the_wish_to_cancel_is_still_told_to_the_platform() {
    let lost = ScriptedFault {
        stand_in: "walmart".into(),
        path: "/shipping".into(),
        from: 0,
        times: 20,
        fault: Fault::ServerError,
    };
    let house = asked_to_cancel(Faults::scripted(vec![lost])).await;
    let order = house.only_order().await;
    let items = parcels(&order);
    let confirmed = house.engine.confirm_shipments(&items, at(0), at(0), |_| {}).await.unwrap();
    assert!(matches!(confirmed[0], ItemOutcome::Done(())));
    assert_eq!(house.only_order().await.packages[0].upload.state, UploadState::InFlight);
    house.market.ask_to_cancel(order.key.order.as_str(), at(0));
    for hour in 1..30 {
        house.clock.set(at(hour));
        house.engine.work_outbox(at(hour)).await.unwrap();
    }
    assert_eq!(house.only_order().await.packages[0].upload.state, UploadState::Uploaded);
    house.assert_clean(0).await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_refused_because_of_the_wish_is_sent_when_a_person_refuses_the_wish() {
    let house = asked_to_cancel(Faults::none()).await;
    let order = house.only_order().await;
    let package = order.packages[0].id.clone();
    let engine = &house.engine;
    engine.confirm_shipments(&parcels(&order), at(0), at(0), |_| {}).await.unwrap();
    // As an earlier release left it.
    let past = vec![Action::CancelRequested {
        request: orderflow::order::CancelRequest {
            lines: Vec::new(),
            reason: None,
            requested_at: None,
            respond_by: None,
        },
    }];
    engine.act(&order.key, past, Actor::Platform, at(0)).await.unwrap();
    let mut rejected = engine.store().order(&order.key).await.unwrap().unwrap();
    rejected.packages[0].upload.state = UploadState::Rejected;
    let closed = orderflow::order::Event::new(
        Action::CancelRequestClosed,
        at(1),
        Actor::Person("Ana".into()),
    );
    let after = orderflow::order::apply(&rejected, &closed, at(1)).unwrap();
    assert_eq!(after.order.packages[0].upload.state, UploadState::Pending);
    assert_eq!(after.effects, [orderflow::order::Effect::UploadTracking { package }]);
    let by_platform =
        orderflow::order::Event::new(Action::CancelRequestClosed, at(1), Actor::Platform);
    let after = orderflow::order::apply(&rejected, &by_platform, at(1)).unwrap();
    assert_eq!(after.order.packages[0].upload.state, UploadState::Rejected);
}

/// An engine over two warehouses with these units of the only SKU.
fn two_warehouses(
    bazaar: &Arc<Bazaar>,
    here: u32,
    there: u32,
    policy: EnginePolicy,
) -> (orderflow::engine::Engine, Arc<MemoryStock>) {
    let sku = Sku::from_static("SKU-1");
    let (main, other) = (WarehouseId::from_static("main"), WarehouseId::from_static("other"));
    let stock = MemoryStock::new().with(main, sku.clone(), here).with(other.clone(), sku, there);
    let stock = Arc::new(stock);
    let store = Arc::new(MemoryStore::new());
    let shops = [("1", bazaar)];
    let builder = builder_over(store, Arc::clone(&stock), &shops, policy, |shop| shop);
    let second = super::bazaar::warehouse(other);
    (builder.warehouse(second).build().unwrap(), stock)
}

#[tokio::test(start_paused = true)]
async fn a_line_whose_units_lie_in_two_warehouses_ships_from_both() {
    let bazaar = Bazaar::new(&["a"]);
    let (engine, stock) = two_warehouses(&bazaar, 1, 1, EnginePolicy::default());
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let report = engine.advance(at(0)).await.unwrap();
    assert!(report.troubles.is_empty(), "{:?}", report.troubles);
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(order.incidents.is_empty(), "{:?}", order.incidents);
    let units: Vec<u32> = order.packages.iter().map(|package| package.contents[0].units).collect();
    assert_eq!(units, [1, 1]);
    let froms: std::collections::BTreeSet<_> =
        order.packages.iter().map(|package| package.warehouse.clone()).collect();
    assert_eq!(froms.len(), 2);
    // Nobody else gets them.
    bazaar.sell("b");
    bazaar.book().orders.get_mut("b").unwrap().lines = vec![platform_line("1", 1)];
    engine.sync(&shop("1"), at(1)).await.unwrap();
    engine.advance(at(1)).await.unwrap();
    let late = engine.store().order(&key("1", "b")).await.unwrap().unwrap();
    assert!(late.packages.is_empty());
    engine
        .cancel_orders(&[key("1", "a")], &orderflow::order::CancelReason::OutOfStock, at(2))
        .await;
    engine.work_outbox(at(3)).await.unwrap();
    let skus = [Sku::from_static("SKU-1")];
    let view = orderflow::ports::Stock::view(stock.as_ref(), &skus, None).await.unwrap();
    for place in ["main", "other"] {
        let place = WarehouseId::from_static(place);
        assert_eq!(stock.on_hand(&place, &Sku::from_static("SKU-1")), 1);
        assert!(view.available(&place, &Sku::from_static("SKU-1")) <= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn where_parts_may_ship_what_there_is_ships_and_the_rest_is_owed() {
    for allowed in [true, false] {
        let bazaar = Bazaar::new(&["a"]);
        let mut policy = EnginePolicy::default();
        policy.allocation.allow_partial = allowed;
        bazaar.book().takes_no_acknowledgement = true;
        let (engine, _) = two_warehouses(&bazaar, 1, 0, policy);
        engine.sync(&shop("1"), at(0)).await.unwrap();
        engine.advance(at(0)).await.unwrap();
        let approved = Action::Reviewed {
            review: Review::Approved { at: at(0), by: Actor::Person("Ana".into()) },
        };
        let person = Actor::Person("Ana".into());
        engine.act(&key("1", "a"), vec![approved], person, at(0)).await.unwrap();
        engine.tick(&Schedule::default(), at(1)).await;
        let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
        let line = LineId::from_static("1");
        if allowed {
            let why = (&order.incidents, &order.review, order.acknowledged_at, &order.backorders);
            assert_eq!(order.packages.len(), 1, "{why:?}");
            assert_eq!(order.packages[0].contents[0].units, 1);
            let owed: Vec<_> =
                order.backorders.iter().map(|short| (short.line.clone(), short.units)).collect();
            assert_eq!(owed, [(line, 1)]);
        } else {
            assert!(order.packages.is_empty());
            let told = &order.incidents.iter().find(|i| i.kind == ExceptionKind::Oversold).unwrap();
            assert_eq!(told.detail, "line 1: stock is short: SKU-1: 2 wanted, 1 available");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_platform_takes_one_number_per_line_the_second_parcel_ships_untold() {
    let bazaar = Bazaar::new(&["a"]);
    let (engine, _) = two_warehouses(&bazaar, 1, 1, EnginePolicy::default());
    engine.sync(&shop("1"), at(0)).await.unwrap();
    engine.advance(at(0)).await.unwrap();
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    let items = parcels(&order);
    assert_eq!(items.len(), 2);
    for (item, number) in items.iter().zip(["N-1", "N-2"]) {
        let entered = Action::TrackingEntered {
            package: item.package.clone(),
            carrier: orderflow::CarrierId::from_static("courier"),
            service: None,
            number: orderflow::TrackingNumber::new(number).unwrap(),
        };
        engine.act(&item.order, vec![entered], Actor::System, at(0)).await.unwrap();
    }
    for (hour, item) in (0..).zip(&items) {
        engine.sync(&shop("1"), at(hour)).await.unwrap();
        let item = std::slice::from_ref(item);
        let outcomes = engine.confirm_shipments(item, at(hour), at(hour), |_| {}).await.unwrap();
        assert!(matches!(outcomes[0], ItemOutcome::Done(())), "{outcomes:?}");
    }
    engine.tick(&Schedule::default(), at(2)).await;
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    let states: Vec<_> = order.packages.iter().map(|package| package.upload.state).collect();
    assert_eq!(states, [UploadState::Uploaded, UploadState::NotRequired]);
    assert_eq!(bazaar.book().confirmed, ["a"], "told once");
    let told: Vec<_> = order.incidents.iter().map(|i| (i.kind, i.detail.as_str())).collect();
    let words = "the platform takes one number per line and has N-1: N-2 is not told";
    assert_eq!(told, [(ExceptionKind::PartialUpload, words)]);
    assert_eq!(order.state(), OrderState::AwaitingCollection);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_asks_for_all_units_that_shall_be_cancelled_those_of_before_included() {
    let bazaar = Bazaar::new(&["a"]);
    let engine = engine(&[("1", &bazaar)]);
    bazaar.book().orders.get_mut("a").unwrap().lines = vec![platform_line("1", 4)];
    engine.sync(&shop("1"), at(0)).await.unwrap();
    let mut part = bazaar.book().orders["a"].clone();
    part.updated_at = Some(at(1));
    let unit = |status, units| orderflow::order::UnitGroup::new(status, units);
    use orderflow::order::UnitStatus::{Cancelled, New};
    part.lines[0].units = vec![unit(Cancelled, 1), unit(New, 3)];
    bazaar.book().orders.insert("a".into(), part);
    engine.sync(&shop("1"), at(1)).await.unwrap();
    let reason = orderflow::order::CancelReason::OutOfStock;
    assert_eq!(words(&engine.cancel_orders(&[key("1", "a")], &reason, at(2)).await), ["done"]);
    assert_eq!(bazaar.book().cancelled_units, [4]);
}

#[tokio::test(start_paused = true)]
async fn a_label_whose_money_is_asked_back_is_given_up_and_another_may_be_bought() {
    let house = asked_to_cancel(Faults::none()).await;
    let order = house.only_order().await;
    let package = order.packages[0].id.clone();
    // Past the night, when the shipping file was made: the post takes a refund request.
    house.clock.set(at(30));
    let after = house
        .engine
        .void_label(order.clone(), &package, "another address", at(30))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.packages[0].label.state, LabelState::Voided, "{:?}", after.incidents);
    assert_eq!(after.packages[0].label.voided.len(), 1);
    let told: Vec<_> = after.incidents.iter().map(|i| (i.kind, i.detail.as_str())).collect();
    assert!(
        matches!(told.as_slice(), [(ExceptionKind::LabelFailed, why)] if why.contains("refund")),
        "{told:?}"
    );
    let item = PackageRef { order: order.key.clone(), package };
    assert!(house.engine.label_documents(&item).await.unwrap().is_empty(), "nothing to print");
    house.engine.sync(&house.shop, at(30)).await.unwrap();
    let options = BatchOptions::default();
    let again = house.engine.buy_labels(&[item], &options, at(30), |_| {}).await.unwrap();
    assert!(matches!(again[0], ItemOutcome::Done(_)), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_label_that_is_to_be_void_is_not_printed() {
    let house = asked_to_cancel(Faults::none()).await;
    let order = house.only_order().await;
    let item = PackageRef { order: order.key.clone(), package: order.packages[0].id.clone() };
    assert!(!house.engine.label_documents(&item).await.unwrap().is_empty());
    let asked =
        Action::VoidRequested { package: item.package.clone(), reason: "a mistake".to_owned() };
    house.engine.act(&item.order, vec![asked], Actor::System, at(0)).await.unwrap();
    assert!(house.engine.label_documents(&item).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_approved_order_that_waits_for_goods_to_be_acknowledged_is_in_the_list() {
    let bazaar = Bazaar::new(&["a"]);
    let (engine, stock) = two_warehouses(&bazaar, 1, 0, EnginePolicy::default());
    engine.sync(&shop("1"), at(0)).await.unwrap();
    engine.advance(at(0)).await.unwrap();
    let approved = Action::Reviewed {
        review: Review::Approved { at: at(0), by: Actor::Person("Ana".into()) },
    };
    engine.act(&key("1", "a"), vec![approved], Actor::Person("Ana".into()), at(0)).await.unwrap();
    for hour in 1..4 {
        engine.advance(at(hour)).await.unwrap();
    }
    let told = engine.exceptions(at(4)).await.unwrap();
    let short: Vec<_> = told.iter().filter(|i| i.kind == ExceptionKind::OutOfStock).collect();
    assert_eq!((short.len(), short[0].count), (1, 1), "{told:?}");
    stock.set(WarehouseId::from_static("main"), Sku::from_static("SKU-1"), 5);
    engine.advance(at(5)).await.unwrap();
    let order = engine.store().order(&key("1", "a")).await.unwrap().unwrap();
    assert!(order.acknowledged_at.is_some() && !order.packages.is_empty());
    assert!(order.incidents.iter().all(|incident| incident.resolved_at.is_some()));
}
