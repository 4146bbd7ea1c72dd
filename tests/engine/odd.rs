//! Orders that cannot be read, and deadlines that come near.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow::engine::{Engine, EnginePolicy, Shop};
use orderflow::order::{
    Action, Actor, DeadlineKind, Hold, HoldReason, OrderFilter, OrderSort, PlatformDeadline,
    PlatformLine, PlatformOrder,
};
use orderflow::ports::{
    CarrierNaming, Confirmed, Cursor, MarketplaceAdapter, OrderQuery, Page, PlatformItem,
    PlatformLimits, ShipmentNotice, Unreadable,
};
use orderflow::rules::alert::AlertRule;
use orderflow::rules::{Level, PrintSlots};
use orderflow::store::{MemoryStock, MemoryStore};
use orderflow::{
    CarrierId, Currency, Error, ErrorKind, HoldId, IdempotencyKey, LineId, Money, PlatformId,
    PlatformOrderId, Result, ServiceCode, ShopId, ShopKey, Sku,
};

use super::house::at;

/// A platform with three orders of which the middle one is damaged until it is mended.
#[derive(Debug)]
struct Odd {
    mended: std::sync::atomic::AtomicBool,
    repeats_token: bool,
}

fn order(id: &str) -> PlatformOrder {
    let money = Money::from_minor(1000, Currency::USD);
    PlatformOrder {
        paid_at: Some(at(-2)),
        updated_at: Some(at(-2)),
        lines: vec![PlatformLine {
            sku: Some(Sku::from_static("A")),
            line_total: Some(money),
            ..PlatformLine::new(LineId::from_static("1"), "A", 1, money)
        }],
        deadlines: vec![PlatformDeadline { kind: DeadlineKind::ShipBy, at: at(40) }],
        raw: format!("{{\"id\":\"{id}\"}}").into(),
        ..PlatformOrder::new(PlatformOrderId::new(id).unwrap(), at(-2), money)
    }
}

#[async_trait]
impl MarketplaceAdapter for Odd {
    fn platform(&self) -> PlatformId {
        PlatformId::from_static("odd")
    }
    fn limits(&self) -> PlatformLimits {
        PlatformLimits::default()
    }
    async fn list_orders(
        &self,
        _query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        if self.repeats_token {
            return Ok(Page { items: Vec::new(), next: Some(Cursor::new("again")) });
        }
        assert!(cursor.is_none());
        let read = |id: &str| PlatformItem::Read(Box::new(order(id)));
        let middle = if self.mended.load(std::sync::atomic::Ordering::SeqCst) {
            read("2")
        } else {
            let (id, raw) =
                (PlatformOrderId::from_static("2"), "{\"id\":\"2\",\"orderDate\":\"soon\"}");
            Unreadable::new(Some(id), "orderDate is no instant", raw).into()
        };
        Ok(Page { items: vec![read("1"), middle, read("3")], next: None })
    }
    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        Ok(order(id.as_str()))
    }
    async fn confirm_shipment(
        &self,
        _notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
        Err(Error::unsupported("nothing ships here"))
    }
    fn carrier_name(&self, _carrier: &CarrierId, _service: &ServiceCode) -> CarrierNaming {
        CarrierNaming::Unsupported
    }
}

fn engine(repeats_token: bool) -> (Engine, ShopKey, Arc<Odd>) {
    engine_under(repeats_token, EnginePolicy::default())
}

fn engine_under(repeats_token: bool, policy: EnginePolicy) -> (Engine, ShopKey, Arc<Odd>) {
    let odd = Arc::new(Odd { mended: false.into(), repeats_token });
    let shop = ShopKey::new(PlatformId::from_static("odd"), ShopId::from_static("1"));
    let calendar = orderflow::calendar::WorkCalendar::every_day(chrono_tz::UTC);
    let engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(MemoryStock::new()))
        .shop(Shop::new(shop.clone(), odd.clone(), calendar))
        .policy(policy)
        .build()
        .unwrap();
    (engine, shop, odd)
}

#[tokio::test(start_paused = true)]
async fn one_unreadable_order_costs_only_itself_and_is_kept() {
    let (engine, shop, odd) = engine(false);
    let report = engine.sync(&shop, at(0)).await.unwrap();
    assert_eq!((report.imported, report.quarantined), (2, 1));
    let kept = engine.store().quarantined().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].reason, "orderDate is no instant");
    assert!(kept[0].raw.expose().contains("soon"));
    // The same damage again is not kept twice.
    engine.sync(&shop, at(1)).await.unwrap();
    assert_eq!(engine.store().quarantined().await.unwrap().len(), 1);
    // Once it can be read it leaves the quarantine.
    odd.mended.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(engine.sync(&shop, at(2)).await.unwrap().imported, 1);
    assert!(engine.store().quarantined().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_repeats_its_page_token_is_stopped() {
    let (engine, shop, _) = engine(true);
    let error = engine.sync(&shop, at(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    assert_eq!(engine.known_until(&shop).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn each_warning_is_given_once_and_a_hold_does_not_stop_the_clock() {
    let (engine, shop, _) = engine(false);
    engine.sync(&shop, at(0)).await.unwrap();
    let all = OrderFilter::default();
    let found = engine.store().find(&all, OrderSort::Placed, at(0), 0, 10).await.unwrap();
    let hold = Hold {
        id: HoldId::from_static("h"),
        reason: HoldReason::Manual,
        note: None,
        placed_at: at(0),
        until: None,
        released_at: None,
    };
    let key = &found.orders[0].key;
    engine.act(key, vec![Action::HoldPlaced { hold }], Actor::System, at(0)).await.unwrap();
    let levels = async |hour: i64| -> Vec<Level> {
        let told = engine.alerts(at(hour)).await.unwrap();
        for found in &told {
            let names_hold = found.text().contains("left to ship (on hold: Manual)")
                || found.text().contains("too late to ship (on hold: Manual)");
            let has_level = found.alerts.iter().any(|alert| alert.level.is_some());
            assert_eq!(names_hold, has_level && found.order.as_ref() == Some(key));
        }
        told.iter().flat_map(|found| &found.alerts).filter_map(|alert| alert.level).collect()
    };
    assert_eq!(levels(15).await, []);
    assert_eq!(levels(16).await, [Level::L1, Level::L1]);
    assert_eq!(levels(17).await, []);
    // A check that comes late gives only the highest level.
    assert_eq!(levels(35).await, [Level::L3, Level::L3]);
    assert_eq!(levels(41).await, [Level::Breach, Level::Breach]);
    assert_eq!(levels(90).await, []);
}

#[tokio::test(start_paused = true)]
async fn on_the_days_of_a_promotion_rules_that_are_off_are_on() {
    let told = async |promotion: Option<&str>| {
        let mut policy = EnginePolicy::default();
        policy.alerts.disabled.extend(AlertRule::ALL.iter().copied());
        let slots = PrintSlots::default();
        policy.print_slots = Some(match promotion {
            Some(day) => slots.with_promotion(day.parse().unwrap(), day.parse().unwrap()),
            None => slots,
        });
        let (engine, shop, _) = engine_under(false, policy);
        engine.sync(&shop, at(0)).await.unwrap();
        engine.alerts(at(16)).await.unwrap().len()
    };
    let day = at(16).date_naive();
    assert_eq!(told(None).await, 0);
    assert_eq!(told(Some(&day.pred_opt().unwrap().pred_opt().unwrap().to_string())).await, 0);
    assert!(told(Some(&day.to_string())).await > 0);
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_repeated_over_restarts_until_somebody_takes_notice() {
    let mut policy = EnginePolicy::default();
    policy.alerts.repeat_hours = Some(4);
    policy.alerts.disabled.extend([AlertRule::PendingOverdue, AlertRule::Address]);
    let (engine, shop, _) = engine_under(false, policy);
    engine.sync(&shop, at(0)).await.unwrap();
    let told = async |hour: i64| -> Vec<(bool, String)> {
        let told = engine.alerts(at(hour)).await.unwrap();
        told.iter()
            .flat_map(|found| {
                let subject = found.order.as_ref().unwrap().to_string();
                found.alerts.iter().map(move |alert| (alert.repeated, alert.key(&subject)))
            })
            .collect()
    };
    let first = told(16).await;
    assert_eq!(first.iter().map(|(repeated, _)| *repeated).collect::<Vec<_>>(), [false, false]);
    assert_eq!(told(19).await, []);
    let again = told(20).await;
    assert_eq!(again.iter().map(|(repeated, _)| *repeated).collect::<Vec<_>>(), [true, true]);
    assert_eq!(told(21).await, []);
    engine.acknowledge_alert(&first[0].1, at(22)).await.unwrap();
    let noticed = told(24).await;
    assert_eq!(noticed, [(true, first[1].1.clone())]);
    // The next stage is told whatever was noticed before.
    assert_eq!(told(29).await.iter().filter(|(repeated, _)| !repeated).count(), 2);
}
