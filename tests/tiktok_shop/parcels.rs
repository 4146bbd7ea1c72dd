//! Returns with their answers, orders that are split, orders that are combined.

use super::house::*;
use super::journey::{fault, label_request};
use orderflow::order::PlatformOrder;
use orderflow::ports::{
    AfterSale, AfterSaleCase, CaseAnswer, CaseKind, MarketplaceAdapter, PlatformLabels,
    PlatformParcels, ShipmentNoticeLine,
};
use orderflow::sandbox::Fault;
use orderflow::sandbox::tiktok_shop::{ReturnKind, Shipping};
use orderflow::{Currency, ErrorKind, IdempotencyKey, Money, PlatformOrderId};

fn key_of(word: &str) -> IdempotencyKey {
    IdempotencyKey::derive(&["answer", word])
}

impl House {
    /// An order that has arrived, and what its buyer asks for.
    async fn returned(&self, units: usize, kind: ReturnKind) -> String {
        let id = self.place("US", Shipping::Seller, units);
        let order = self.shop.get_order(&id).await.unwrap();
        let units = u32::try_from(units).unwrap();
        let told = notice(&order, units, &format!("T{units}"));
        self.shop.confirm_shipment(&told, &key()).await.unwrap();
        assert_eq!(
            self.market.open_return(id.as_str(), kind, at(1)),
            None,
            "not before it arrives"
        );
        self.market.move_on(id.as_str(), at(1));
        self.market.move_on(id.as_str(), at(2));
        self.market.open_return(id.as_str(), kind, at(3)).unwrap()
    }

    async fn case_of(&self, kind: &CaseKind, id: &str) -> AfterSaleCase {
        self.shop.case(kind, id).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_return_is_listed_allowed_received_and_closed() {
    let house = house("US");
    let id = house.returned(2, ReturnKind::ReturnAndRefund).await;
    // Cancellations are listed first, returns after them.
    let first = house.shop.cases(at(0), at(4), None).await.unwrap();
    assert!(first.items.is_empty());
    let second = house.shop.cases(at(0), at(4), first.next.as_ref()).await.unwrap();
    assert_eq!((second.items.len(), second.next.is_some()), (1, false));
    let case = house.case_of(&CaseKind::Return, &id).await;
    assert!(case.open && case.kind == CaseKind::Return && case.lines.len() == 1);
    assert_eq!(case.respond_by, Some(at(3) + chrono::TimeDelta::hours(48)));
    for _ in 0..2 {
        // The same answer under the same key counts once.
        house.shop.answer(&case, &CaseAnswer::AllowReturn, &key_of("allow")).await.unwrap();
    }
    assert_eq!(house.market.decisions_on(&id), ["APPROVE_RETURN"]);
    let waiting = house.case_of(&CaseKind::Return, &id).await;
    assert_eq!((waiting.status.as_str(), waiting.respond_by), ("AWAITING_BUYER_SHIP", None));
    assert!(house.market.send_back(&id, at(5)));
    let back = house.case_of(&CaseKind::Return, &id).await;
    house.shop.answer(&back, &CaseAnswer::Received, &key_of("received")).await.unwrap();
    assert!(!house.case_of(&CaseKind::Return, &id).await.open);
    assert_eq!(house.market.decisions_on(&id), ["APPROVE_RETURN", "APPROVE_RECEIVED_PACKAGE"]);
    let late = house.shop.answer(&back, &CaseAnswer::Received, &key_of("late")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Rejected, "{late}");
}

#[tokio::test(start_paused = true)]
async fn refunds_are_offered_in_part_or_refused_with_a_reason_and_goods_are_replaced() {
    let house = house("US");
    let refund = house.returned(2, ReturnKind::Refund).await;
    let case = house.case_of(&CaseKind::Refund, &refund).await;
    let amount = Money::from_minor(500, Currency::USD);
    let part = CaseAnswer::PartialRefund { amount };
    house.shop.answer(&case, &part, &key_of("part")).await.unwrap();
    assert!(house.case_of(&CaseKind::Refund, &refund).await.open, "the buyer has to agree");
    let refuse = |reason: &str| CaseAnswer::Refuse { reason: reason.into(), comment: None };
    let blank = house.shop.answer(&case, &refuse(""), &key_of("blank")).await.unwrap_err();
    assert_eq!(blank.kind(), ErrorKind::Rejected, "{blank}");
    let reason = refuse("seller_reject_apply_product_has_been_packed");
    house.shop.answer(&case, &reason, &key_of("refuse")).await.unwrap();
    assert_eq!(house.market.decisions_on(&refund), ["OFFER_PARTIAL_REFUND", "REJECT_REFUND"]);
    assert!(!house.case_of(&CaseKind::Refund, &refund).await.open);

    let replacement = house.returned(3, ReturnKind::Replacement).await;
    let case = house.case_of(&CaseKind::Replacement, &replacement).await;
    house.shop.answer(&case, &CaseAnswer::Accept, &key_of("replace")).await.unwrap();
    assert_eq!(house.market.decisions_on(&replacement), ["APPROVE_REPLACEMENT"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_return_that_was_lost_is_given_once() {
    for lost in [Fault::LostAfter, Fault::LostBefore, Fault::Truncated] {
        let house = house_with("US", fault("/approve", 0, lost), |config| config);
        let id = house.returned(2, ReturnKind::Refund).await;
        let case = house.case_of(&CaseKind::Refund, &id).await;
        let told = house.shop.answer(&case, &CaseAnswer::Accept, &key_of("refund")).await;
        if let Err(error) = told {
            assert!(error.is_ambiguous(), "{error}");
            house.shop.answer(&case, &CaseAnswer::Accept, &key_of("refund")).await.unwrap();
        }
        assert_eq!(house.market.decisions_on(&id), ["APPROVE_REFUND"], "{lost:?}");
    }
}

fn parcel(order: &PlatformOrder, units: u32) -> Vec<ShipmentNoticeLine> {
    notice(order, units, "x").lines
}

#[tokio::test(start_paused = true)]
async fn a_split_order_gets_a_label_of_the_platform_for_each_package() {
    let house = house("GB");
    let id = house.place("GB", Shipping::Platform, 3);
    let order = house.shop.get_order(&id).await.unwrap();
    let parts = house.shop.split(&id, &[parcel(&order, 1), parcel(&order, 2)]).await.unwrap();
    let packages: Vec<_> = parts.iter().map(|part| part.package.clone().unwrap()).collect();
    assert_ne!(packages[0], packages[1]);
    let whole = house.shop.buy(&label_request(&order, 3), &key()).await.unwrap_err();
    assert_eq!(whole.kind(), ErrorKind::Rejected, "no package holds all of it any more: {whole}");
    let small = house.shop.buy(&label_request(&order, 1), &key()).await.unwrap();
    let large = house.shop.buy(&label_request(&order, 2), &key()).await.unwrap();
    let of = |label: &orderflow::shipment::Label| label.record.carrier_reference.clone().unwrap();
    assert_eq!([of(&small), of(&large)], [packages[0].to_string(), packages[1].to_string()]);
    assert_eq!(house.ledger.labels().len(), 2);
    let late = house.shop.split(&id, &[parcel(&order, 1), parcel(&order, 2)]).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict, "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_split_must_hold_every_unit_and_fit_the_market() {
    let house = house("TH");
    let id = house.place("TH", Shipping::Platform, 3);
    let order = house.shop.get_order(&id).await.unwrap();
    let short = house.shop.split(&id, &[parcel(&order, 1), parcel(&order, 1)]).await.unwrap_err();
    assert_eq!(short.kind(), ErrorKind::InvalidInput, "{short}");
    let within = house.shop.split(&id, &[parcel(&order, 1), parcel(&order, 2)]).await.unwrap_err();
    assert_eq!(within.kind(), ErrorKind::Unsupported, "{within}");
}

#[tokio::test(start_paused = true)]
async fn combined_orders_leave_in_one_package_under_one_label() {
    let house = house("TH");
    let mut ids = Vec::new();
    for seed in 1..4 {
        let mut sale = order(seed, "TH", Shipping::Platform, 2);
        sale.name = "Ana Smith".to_owned();
        sale.street = if seed == 3 { "9 Elsewhere".to_owned() } else { "1 Example".to_owned() };
        sale.postcode = "10110";
        ids.push(PlatformOrderId::new(sale.id.clone()).unwrap());
        house.market.place(sale);
    }
    let apart = house.shop.combine(&[ids[0].clone(), ids[2].clone()]).await.unwrap_err();
    assert_eq!(apart.kind(), ErrorKind::Rejected, "{apart}");
    let made = house.shop.combine(&ids[..2]).await.unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].orders, ids[..2]);
    let package = made[0].package.clone().unwrap();
    let mut numbers = Vec::new();
    for id in &ids[..2] {
        let order = house.shop.get_order(id).await.unwrap();
        let label = house.shop.buy(&label_request(&order, 2), &key()).await.unwrap();
        assert_eq!(label.record.carrier_reference.as_deref(), Some(package.as_str()));
        numbers.push(label.record.number);
    }
    assert_eq!(numbers[0], numbers[1]);
    assert_eq!(house.ledger.labels().len(), 1, "one package is one label");
    let again = house.shop.combine(&ids[..2]).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Rejected, "what has left is not combined: {again}");
}
