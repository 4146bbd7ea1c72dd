//! The adapter against its stand-in, with and without faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::house::*;
use orderflow::conformance::marketplaces;
use orderflow::order::{CancelReason, LogisticsMode, UnitStatus};
use orderflow::ports::{
    AfterSale, BuyerMessages, CancelLine, Cancellations, CaseAnswer, CaseKind, Listing,
    MarketplaceAdapter, MarketplaceExt, OrderQuery, PlatformLabelRequest, PlatformLabels,
    PlatformParcels, TrackingUpdates, WebhookRequest,
};
use orderflow::sandbox::tiktok_shop::{Shipping, generate};
use orderflow::sandbox::{Fault, Faults, Quirk, ScriptedFault};
use orderflow::shipment::{LabelFormat, LabelRequest, ServiceKey};
use orderflow::{
    Address, CarrierId, Contact, Country, ErrorKind, Grams, PackageId, PlatformOrderId,
    ServiceCode, Sku,
};

pub(super) fn fault(path: &str, from: u32, fault: Fault) -> Faults {
    Faults::scripted(vec![ScriptedFault {
        stand_in: "tiktok-shop".into(),
        path: path.into(),
        from,
        times: 1,
        fault,
    }])
}

async fn suite(region: &'static str, carrier: &'static str) {
    let listing = |variant: &str| Listing { item: "17".into(), variant: Some(variant.into()) };
    let house = house_with(region, Faults::none(), |config| {
        config
            .with_listing(Sku::from_static("A/1 %"), listing("1"))
            .with_listing(Sku::from_static("B"), listing("2"))
    });
    let market = house.market.clone();
    let count = AtomicU32::new(0);
    let fixture = marketplaces::Fixture {
        fresh: Box::new(move || {
            let seed = u64::from(count.fetch_add(1, Ordering::SeqCst));
            let order = order(seed, region, Shipping::Seller, 3);
            let id = PlatformOrderId::new(order.id.clone()).unwrap();
            market.place(order);
            id
        }),
        window: (at(-12), at(0)),
        carrier: (CarrierId::from_static(carrier), ServiceCode::from_static("GROUND")),
        now: at(0),
    };
    let report = marketplaces::run(Arc::new(house.shop), &fixture).await;
    report.assert_passed();
    let skipped: Vec<_> = report.skipped.iter().map(|(name, _)| *name).collect();
    assert_eq!(skipped, ["acknowledging twice is success"]);
}

#[tokio::test(start_paused = true)]
async fn the_adapter_passes_the_suite_in_the_united_states() {
    suite("US", "usps").await;
}

#[tokio::test(start_paused = true)]
async fn the_adapter_passes_the_suite_in_the_united_kingdom() {
    suite("GB", "royal-mail").await;
}

#[tokio::test(start_paused = true)]
async fn the_next_refresh_token_is_stored_before_the_new_access_token_is_used() {
    let house = house("US");
    assert_eq!(house.stored().await, "refresh-0");
    let shops = house.shop.shops().await.unwrap();
    assert_eq!((shops[0].cipher.as_str(), shops[0].region.as_str()), ("GCP_cipher", "US"));
    let first = house.stored().await;
    assert_ne!(first, "refresh-0");
    let expiry = orderflow::client::RefreshTokenStore::load(&house.tokens, "shop").await;
    let expiry = expiry.unwrap().unwrap().expires_at.unwrap();
    assert_eq!((expiry - at(0)).num_days(), 365, "the answer names an instant, not a duration");
}

#[tokio::test(start_paused = true)]
async fn a_lost_token_answer_costs_one_call_where_the_old_refresh_token_lives_on() {
    let house = house_with("US", fault("/token/refresh", 0, Fault::LostAfter), |config| config);
    house.market.keep_former_refresh_token();
    let id = house.place("US", Shipping::Seller, 2);
    let lost = house.shop.get_order(&id).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Transient, "{lost}");
    assert!(lost.to_string().contains("may be spent"), "{lost}");
    assert_eq!(house.stored().await, "refresh-0", "what may still be good is kept");
    house.shop.get_order(&id).await.unwrap();
    // The order's notification was number 1, the lost token 2.
    assert_eq!(house.stored().await, "refresh-3");
}

#[tokio::test(start_paused = true)]
async fn a_token_answer_lost_for_good_says_that_the_seller_must_authorise_again() {
    let house = house_with("US", fault("/token/refresh", 0, Fault::LostAfter), |config| config);
    let id = house.place("US", Shipping::Seller, 2);
    let lost = house.shop.get_order(&id).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Transient, "not sent again within the same call: {lost}");
    for _ in 0..2 {
        let refused = house.shop.get_order(&id).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AuthRejected, "{refused}");
        assert!(refused.to_string().contains("authorise the app again"), "{refused}");
    }
    assert_eq!(house.stored().await, "refresh-0");
}

#[tokio::test(start_paused = true)]
async fn a_token_call_that_never_arrived_spends_nothing() {
    let house = house_with("US", fault("/token/refresh", 0, Fault::LostBefore), |config| config);
    let id = house.place("US", Shipping::Seller, 2);
    assert_eq!(house.shop.get_order(&id).await.unwrap_err().kind(), ErrorKind::Transient);
    house.shop.get_order(&id).await.unwrap();
    // The order's notification was number 1.
    assert_eq!(house.stored().await, "refresh-2");
}

#[tokio::test(start_paused = true)]
async fn an_expired_access_token_is_renewed_once_and_the_call_goes_through() {
    let faults = fault("/orders/search", 0, Fault::Quirk(Quirk::TokenExpired));
    let house = house_with("US", faults, |config| config);
    house.place("US", Shipping::Seller, 2);
    let query = OrderQuery::Created { from: at(-12), to: at(0) };
    let page = house.shop.list_orders(&query, None).await.unwrap();
    assert_eq!((page.items.len(), house.stored().await.as_str() != "refresh-0"), (1, true));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_call_is_signed_anew() {
    // The stand-in refuses any signature that does not fit its timestamp.
    let faults = fault("/orders/search", 0, Fault::ServerError);
    let house = house_with("US", faults, |config| config);
    let query = OrderQuery::Released;
    assert!(house.shop.list_orders(&query, None).await.unwrap().items.is_empty());
}

#[tokio::test(start_paused = true)]
async fn many_orders_are_listed_page_by_page_by_creation_and_by_change() {
    let house = house("US");
    for order in generate(7, 250, at(-10), at(-2), "US", Shipping::Seller) {
        house.market.place(order);
    }
    let window = (at(-12), at(0));
    for query in [
        OrderQuery::Created { from: window.0, to: window.1 },
        OrderQuery::Updated { from: window.0, to: window.1 },
        OrderQuery::Released,
    ] {
        let count = house.shop.for_each_page(&query, |_| async { Ok(()) }).await.unwrap();
        assert_eq!(count, 250, "{query:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_ships_in_the_hour_of_remorse() {
    let house = house("US");
    let mut fresh = order(9, "US", Shipping::Seller, 2);
    fresh.placed_at = at(0);
    fresh.paid_at = at(0);
    let id = PlatformOrderId::new(fresh.id.clone()).unwrap();
    house.market.place(fresh);
    let order = house.shop.get_order(&id).await.unwrap();
    assert_eq!((order.holds.len(), order.recipient.is_none()), (1, true));
    let refused = house.shop.confirm_shipment(&notice(&order, 2, "T1"), &key()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    assert!(house.ledger.confirmations().is_empty());
    house.clock.set(at(1));
    assert!(!house.shop.confirm_shipment(&notice(&order, 2, "T1"), &key()).await.unwrap().already);
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_whose_answer_was_lost_is_looked_up_and_not_repeated() {
    for lost in [Fault::LostAfter, Fault::Truncated] {
        let house = house_with("US", fault("/packages", 0, lost), |config| config);
        let id = house.place("US", Shipping::Seller, 2);
        let order = house.shop.get_order(&id).await.unwrap();
        let confirmed =
            house.shop.confirm_shipment(&notice(&order, 2, "T1"), &key()).await.unwrap();
        assert!(confirmed.already);
        assert_eq!(house.ledger.confirmations().len(), 1);
    }
    let house = house_with("US", fault("/packages", 0, Fault::LostBefore), |config| config);
    let id = house.place("US", Shipping::Seller, 2);
    let order = house.shop.get_order(&id).await.unwrap();
    let lost = house.shop.confirm_shipment(&notice(&order, 2, "T1"), &key()).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Transient, "{lost}");
    assert!(house.ledger.confirmations().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_number_changes_for_one_parcel_only_and_only_for_72_hours() {
    let house = house("US");
    let id = house.place("US", Shipping::Seller, 3);
    let order = house.shop.get_order(&id).await.unwrap();
    house.shop.confirm_shipment(&notice(&order, 1, "T1"), &key()).await.unwrap();
    house.shop.confirm_shipment(&notice(&order, 2, "T2"), &key()).await.unwrap();
    house.shop.update_tracking(&number("T2"), &notice(&order, 2, "T3")).await.unwrap();
    let order = house.shop.get_order(&id).await.unwrap();
    let shown: Vec<_> = order.lines[0]
        .units
        .iter()
        .map(|group| {
            let shipment = group.shipment.as_ref().unwrap();
            (group.units, shipment.number.clone().unwrap().to_string())
        })
        .collect();
    assert_eq!(shown, [(1, "T1".to_owned()), (2, "T3".to_owned())]);
    house.clock.set(at(73));
    let late = house.shop.update_tracking(&number("T3"), &notice(&order, 2, "T4")).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Rejected);
}

pub(super) fn label_request(
    order: &orderflow::order::PlatformOrder,
    units: u32,
) -> PlatformLabelRequest {
    let contact = Contact {
        name: "Ana Smith".into(),
        company: None,
        phone: None,
        email: None,
        address: Address {
            lines: vec!["45 Dock Street".into()],
            city: "Newark".into(),
            state: Some("NJ".into()),
            postal_code: Some("07102".into()),
            country: Country::new("US"),
            residential: None,
        },
    };
    let service =
        ServiceKey::new(CarrierId::from_static("usps"), ServiceCode::from_static("Standard"));
    PlatformLabelRequest {
        order: order.id.clone(),
        package: PackageId::new("p1").unwrap(),
        logistics: LogisticsMode::PlatformLabel,
        lines: notice(order, units, "x").lines,
        label: LabelRequest {
            account: None,
            sender: contact.clone(),
            recipient: contact,
            service,
            token: Some("288233559123860015".into()),
            weight: Grams::new(700),
            dimensions: None,
            value: None,
            customs: None,
            mailing_date: at(0).date_naive(),
            format: LabelFormat::Pdf,
            references: vec!["p1".into()],
            warehouse: None,
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_of_the_platform_is_bought_once_in_every_kind_of_market() {
    for region in ["US", "GB"] {
        let house = house(region);
        let id = house.place(region, Shipping::Platform, 2);
        let order = house.shop.get_order(&id).await.unwrap();
        assert_eq!(order.logistics, LogisticsMode::PlatformLabel);
        assert_eq!(order.attributes["recipient_masked"], "true");
        let request = label_request(&order, 2);
        let label = house.shop.buy(&request, &key()).await.unwrap();
        assert!(label.documents[0].bytes.expose().starts_with(b"%PDF"), "{region}");
        let again = house.shop.buy(&request, &key()).await.unwrap();
        assert_eq!(again.record.number, label.record.number);
        assert_eq!(house.shop.existing(&id).await.unwrap().len(), 1);
        assert_eq!(house.ledger.labels().len(), 1, "{region}");
        let upload = house.shop.confirm_shipment(&notice(&order, 2, "OWN"), &key()).await;
        assert_eq!(upload.unwrap_err().kind(), ErrorKind::Conflict);
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_whose_answer_was_lost_is_found_and_not_bought_again() {
    for (region, path) in [("US", "/202309/packages"), ("GB", "/ship")] {
        let house = house_with(region, fault(path, 0, Fault::LostAfter), |config| config);
        let id = house.place(region, Shipping::Platform, 2);
        let order = house.shop.get_order(&id).await.unwrap();
        let label = house.shop.buy(&label_request(&order, 2), &key()).await.unwrap();
        assert_eq!(house.ledger.labels().len(), 1);
        assert_eq!(house.ledger.labels()[0].number, label.record.number.as_str());
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_that_fails_leaves_the_bought_label_without_one() {
    let house = house_with(
        "US",
        Faults::scripted(vec![ScriptedFault {
            stand_in: "tiktok-shop".into(),
            path: "/documents/".into(),
            from: 0,
            times: 1_000,
            fault: Fault::ServerError,
        }]),
        |config| config,
    );
    let id = house.place("US", Shipping::Platform, 2);
    let order = house.shop.get_order(&id).await.unwrap();
    let label = house.shop.buy(&label_request(&order, 2), &key()).await.unwrap();
    assert!(label.documents.is_empty());
    assert_eq!(house.ledger.labels().len(), 1);
}

fn cancel(order: &orderflow::order::PlatformOrder, units: u32, reason: CancelReason) -> CancelLine {
    CancelLine { line: order.lines[0].id.clone(), units, reason }
}

#[tokio::test(start_paused = true)]
async fn a_buyers_wish_to_cancel_is_granted_or_refused_through_its_case() {
    let house = house("US");
    let id = house.place("US", Shipping::Seller, 2);
    house.market.ask_to_cancel(id.as_str(), at(0));
    let order = house.shop.get_order(&id).await.unwrap();
    assert!(order.cancel_request.is_some());
    let ship = house.shop.confirm_shipment(&notice(&order, 2, "T1"), &key()).await;
    assert_eq!(ship.unwrap_err().kind(), ErrorKind::Rejected);
    let page = house.shop.cases(at(-1), at(1), None).await.unwrap();
    assert_eq!((page.items.len(), page.next.is_some()), (1, true));
    house.shop.refuse_request(&id, "seller_reject_apply_product_has_been_packed").await.unwrap();
    assert!(house.shop.get_order(&id).await.unwrap().cancel_request.is_none());
    let nothing = house.shop.refuse_request(&id, "again").await.unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::NotFound);

    let other = house.place("US", Shipping::Seller, 3);
    house.market.ask_to_cancel(other.as_str(), at(0));
    let order = house.shop.get_order(&other).await.unwrap();
    house.shop.cancel(&other, &[cancel(&order, 3, CancelReason::BuyerRequest)]).await.unwrap();
    let order = house.shop.get_order(&other).await.unwrap();
    assert_eq!(order.lines[0].units[0].status, UnitStatus::Cancelled);
    let id = format!("4035{other}");
    let case = house.shop.case(&CaseKind::Cancellation, &id).await.unwrap();
    assert!(!case.open);
    let answer = house.shop.answer(&case, &CaseAnswer::Received, &key()).await.unwrap_err();
    assert_eq!(answer.kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn a_part_is_cancelled_only_as_out_of_stock_and_a_lost_answer_is_looked_up() {
    let house = house_with("US", fault("/cancellations", 0, Fault::LostAfter), |config| config);
    let id = house.place("US", Shipping::Seller, 3);
    let order = house.shop.get_order(&id).await.unwrap();
    let price = [cancel(&order, 1, CancelReason::PricingError)];
    assert_eq!(house.shop.cancel(&id, &price).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let whole = [cancel(&order, 3, CancelReason::OutOfStock)];
    house.shop.cancel(&id, &whole).await.unwrap();
    house.shop.cancel(&id, &whole).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn notifications_of_the_stand_in_are_taken_and_name_their_order() {
    let house = house("US");
    let id = house.place("US", Shipping::Seller, 2);
    let sent = house.market.notifications();
    assert_eq!((sent.len(), house.market.notifications().len()), (1, 0));
    let headers = [("Authorization", sent[0].authorization.as_str())];
    let request = WebhookRequest {
        method: "POST",
        path_and_query: "/",
        headers: &headers,
        body: &sent[0].body,
    };
    let notice = house.shop.webhooks().unwrap().receive(&request, at(0)).unwrap();
    assert_eq!((notice.kind.as_str(), notice.order), ("ORDER_STATUS_CHANGE", Some(id)));
}

#[tokio::test(start_paused = true)]
async fn a_message_reaches_the_buyer_and_a_long_one_is_refused_before_anything_is_sent() {
    let house = house("US");
    let id = house.place("US", Shipping::Seller, 2);
    let words = "Hello \"you\"".to_owned().into();
    house.shop.send_message(&id, &words, &key()).await.unwrap();
    assert_eq!(house.market.messages()[0].1, "Hello \"you\"");
    let long = "x".repeat(2_001).into();
    let error = house.shop.send_message(&id, &long, &key()).await.unwrap_err();
    assert_eq!((error.kind(), house.market.messages().len()), (ErrorKind::InvalidInput, 1));
}

#[tokio::test(start_paused = true)]
async fn combining_is_unsupported_where_the_market_combines_nothing() {
    let house = house("US");
    let ids = [PlatformOrderId::from_static("1"), PlatformOrderId::from_static("2")];
    let error = house.shop.combine(&ids).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn a_parcel_that_moves_is_shown_where_it_is() {
    let house = house("US");
    let id = house.place("US", Shipping::Seller, 2);
    let order = house.shop.get_order(&id).await.unwrap();
    house.shop.confirm_shipment(&notice(&order, 2, "T1"), &key()).await.unwrap();
    for status in [UnitStatus::InTransit, UnitStatus::Delivered] {
        house.market.move_on(id.as_str(), at(1));
        let order = house.shop.get_order(&id).await.unwrap();
        assert_eq!(order.lines[0].units[0].status, status);
    }
}
