//! The suites for adapters, on every adapter and on defective ones.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::NaiveDate;
use orderflow::carriers::usps::{USPS, Usps, UspsConfig};
use orderflow::client::Quota;
use orderflow::conformance::{Report, carriers, marketplaces};
use orderflow::order::{PlatformOrder, PlatformShipment, UnitGroup, UnitStatus};
use orderflow::platforms::walmart::{Walmart, WalmartConfig, WebhookAuth, quota};
use orderflow::ports::{
    CarrierAdapter, CarrierLimits, CarrierNaming, Confirmed, Cursor, IdempotencySupport,
    MarketplaceAdapter, OrderQuery, Page, PlatformItem, PlatformLimits, Recovery, ShipmentNotice,
};
use orderflow::sandbox::usps::UspsStandIn;
use orderflow::sandbox::walmart::{GenerateOptions, WalmartStandIn, generate};
use orderflow::sandbox::{Ledger, Sandbox, VirtualClock};
use orderflow::shipment::{
    Document, DocumentKind, Label, LabelCost, LabelFormat, LabelIntent, LabelRecord, LabelRequest,
    RateQuote, RateRequest, ServiceKey, TrackOutcome, Tracked,
};
use orderflow::{
    Address, CarrierId, Contact, Country, Currency, Dimensions, Error, ErrorKind, Grams,
    IdempotencyKey, Millimetres, Money, PlatformId, PlatformOrderId, Result, ServiceCode,
    TrackingNumber,
};

use super::house::at;

fn plenty() -> Quota {
    Quota::per_second(100_000).with_burst(100_000)
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.failed.iter().map(|(name, _)| *name).collect()
}

#[tokio::test(start_paused = true)]
async fn the_walmart_adapter_passes_the_suite_for_marketplaces() {
    let (clock, ledger) = (VirtualClock::new(at(0)), Ledger::new());
    let market = WalmartStandIn::new(ledger.clone());
    let sandbox = Sandbox::new(clock.clone(), ledger).with(market.clone());
    let mut config = WalmartConfig::new("id-of-client", "secret-of-client", "shop")
        .with_base_url(sandbox.base_url("walmart"))
        .with_webhook_auth(WebhookAuth::Basic {
            header: "authorization".into(),
            user: "u".into(),
            password: "p".to_owned().into(),
        })
        .with_clock(Arc::new(clock));
    for bucket in [quota::ORDERS, quota::ACKNOWLEDGE, quota::SHIP, quota::CANCEL, quota::INVENTORY]
    {
        config = config.with_quota(bucket, plenty());
    }
    let shop = Walmart::new(config, sandbox.transport()).unwrap();
    let count = AtomicU32::new(0);
    let fixture = marketplaces::Fixture {
        fresh: Box::new(move || {
            let seed = u64::from(count.fetch_add(1, Ordering::SeqCst));
            let mut order =
                generate(seed, 1, at(-3), at(-1), &GenerateOptions::default()).remove(0);
            order.lines.truncate(1);
            order.lines[0].units = 3;
            let id = PlatformOrderId::new(order.id.clone()).unwrap();
            market.place(order);
            id
        }),
        window: (at(-12), at(0)),
        carrier: (USPS, ServiceCode::from_static("USPS_GROUND_ADVANTAGE")),
        now: at(0),
    };
    let report = marketplaces::run(Arc::new(shop), &fixture).await;
    println!("{report}");
    report.assert_passed();
    assert!(report.skipped.is_empty(), "{report}");
}

fn contact(street: &str, city: &str, state: &str, zip: &str) -> Contact {
    Contact {
        name: "Ana Smith".into(),
        company: None,
        phone: Some("5555550100".into()),
        email: None,
        address: Address {
            lines: vec![street.into()],
            city: city.into(),
            state: Some(state.into()),
            postal_code: Some(zip.into()),
            country: Country::new("US"),
            residential: Some(true),
        },
    }
}

fn rate() -> RateRequest {
    let mm = Millimetres::new;
    RateRequest {
        sender: contact("45 Dock Street", "Newark", "NJ", "07102"),
        recipient: contact("12 Example Street", "Denver", "CO", "80202"),
        weight: Grams::new(700),
        dimensions: Some(Dimensions::new(mm(250), mm(200), mm(100))),
        value: None,
        customs: None,
        mailing_date: NaiveDate::from_ymd_opt(2026, 3, 4).unwrap(),
    }
}

fn carrier_fixture() -> carriers::Fixture {
    carriers::Fixture {
        rate: rate(),
        label: Box::new(|offer, number| LabelRequest {
            account: None,
            sender: rate().sender,
            recipient: rate().recipient,
            service: offer.service.clone(),
            token: offer.token.clone(),
            weight: rate().weight,
            dimensions: rate().dimensions,
            value: None,
            customs: None,
            mailing_date: rate().mailing_date,
            format: LabelFormat::Pdf,
            references: vec![format!("PK-{number}")],
            warehouse: None,
        }),
        now: at(0),
        pushed: None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_usps_adapter_passes_the_suite_for_carriers() {
    let (clock, ledger) = (VirtualClock::new(at(0)), Ledger::new());
    let sandbox = Sandbox::new(clock.clone(), ledger.clone())
        .with(Arc::new(UspsStandIn::new(ledger.clone())));
    let config =
        UspsConfig::new("key", "secret", "12345678", "903001234", "903001234", "1234567890")
            .with_base(sandbox.base_url("usps"))
            .with_quota(plenty())
            .with_clock(Arc::new(clock));
    let usps = Usps::new(config, sandbox.transport()).unwrap();
    let report = carriers::run(Arc::new(usps), &carrier_fixture()).await;
    println!("{report}");
    report.assert_passed();
    let missing = ["it sells labels", "no ability pieces", "no ability push"];
    assert_eq!(report.skipped_because(), missing.into(), "{report}");
}

// ------------------------------------------------- adapters in memory, sound and defective

#[derive(Debug, Default)]
struct Bazaar {
    orders: Mutex<BTreeMap<PlatformOrderId, PlatformOrder>>,
    /// Takes the same shipment again without noticing.
    forgetful: bool,
}

impl Bazaar {
    fn fresh(&self) -> PlatformOrderId {
        let mut orders = self.orders.lock().unwrap();
        let id = PlatformOrderId::new(format!("B{}", orders.len())).unwrap();
        let mut order = super::support::snapshot(id.as_str(), &[("1", 3)]);
        order.placed_at = at(-2);
        orders.insert(id.clone(), order);
        id
    }
}

#[async_trait]
impl MarketplaceAdapter for Bazaar {
    fn platform(&self) -> PlatformId {
        PlatformId::from_static("bazaar")
    }
    fn limits(&self) -> PlatformLimits {
        let mut limits = PlatformLimits::default();
        limits.partial_shipment = true;
        limits
    }
    async fn list_orders(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        let OrderQuery::Created { from, to } = query else {
            return Err(Error::unsupported("by placement only"));
        };
        let skip: usize = cursor.map_or(0, |cursor| cursor.as_str().parse().unwrap_or(0));
        let orders = self.orders.lock().unwrap();
        let all: Vec<&PlatformOrder> = orders
            .values()
            .filter(|order| *from <= order.placed_at && order.placed_at < *to)
            .collect();
        Ok(Page {
            items: all
                .iter()
                .skip(skip)
                .take(2)
                .map(|order| PlatformItem::Read(Box::new((*order).clone())))
                .collect(),
            next: (skip + 2 < all.len()).then(|| Cursor::new((skip + 2).to_string())),
        })
    }
    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        let found = self.orders.lock().unwrap().get(id).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such order"))
    }
    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
        let mut orders = self.orders.lock().unwrap();
        let order = orders
            .get_mut(&notice.order)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such order"))?;
        let units = &mut order.lines[0].units;
        let under = |group: &UnitGroup| {
            group.shipment.as_ref().and_then(|shipment| shipment.number.clone()) == notice.number
        };
        if units.iter().any(under) && !self.forgetful {
            return Ok(Confirmed { already: true, order: None });
        }
        let wanted = notice.lines[0].units;
        match units
            .iter_mut()
            .find(|group| group.status == UnitStatus::New && group.units >= wanted)
        {
            Some(open) => open.units -= wanted,
            None if self.forgetful => {}
            None => return Err(Error::new(ErrorKind::Conflict, "the units have left")),
        }
        units.push(UnitGroup {
            status: UnitStatus::Shipped,
            units: wanted,
            shipment: Some(PlatformShipment {
                collected_at: None,
                delivered_at: None,
                package: None,
                carrier: None,
                number: notice.number.clone(),
                url: None,
                shipped_at: Some(notice.shipped_at),
            }),
            reason: None,
        });
        units.retain(|group| group.units > 0);
        Ok(Confirmed { already: false, order: None })
    }
    fn carrier_name(&self, carrier: &CarrierId, _service: &ServiceCode) -> CarrierNaming {
        if *carrier == USPS {
            CarrierNaming::Code("post".into())
        } else {
            CarrierNaming::Unsupported
        }
    }
}

async fn bazaar(forgetful: bool) -> Report {
    let bazaar = Arc::new(Bazaar { forgetful, ..Bazaar::default() });
    let makes = bazaar.clone();
    let fixture = marketplaces::Fixture {
        fresh: Box::new(move || makes.fresh()),
        window: (at(-12), at(0)),
        carrier: (USPS, ServiceCode::from_static("GROUND")),
        now: at(0),
    };
    marketplaces::run(bazaar, &fixture).await
}

#[tokio::test(start_paused = true)]
async fn a_marketplace_in_memory_passes_and_says_what_it_lacks() {
    let report = bazaar(false).await;
    println!("{report}");
    report.assert_passed();
    assert_eq!(report.skipped.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_marketplace_that_takes_shipments_twice_is_found_out() {
    assert_eq!(
        failed(&bazaar(true).await),
        [
            "a shipment told twice is told once",
            "a line ships in parts, each told once",
            "another number for units that left is no success",
        ]
    );
}

#[derive(Debug, Default)]
struct Courier {
    sold: Mutex<Vec<Label>>,
    /// Sells again for a key it has sold for.
    greedy: bool,
}

#[async_trait]
impl CarrierAdapter for Courier {
    fn carrier(&self) -> CarrierId {
        CarrierId::from_static("courier")
    }
    fn limits(&self) -> CarrierLimits {
        let mut limits = CarrierLimits::default();
        limits.idempotency = IdempotencySupport::Key;
        limits
    }
    async fn rates(&self, request: &RateRequest) -> Result<Vec<RateQuote>> {
        let heavy = request.weight > Grams::new(30_000);
        let offer = RateQuote {
            service: ServiceKey::new(self.carrier(), ServiceCode::from_static("BIKE")),
            name: "Bike".into(),
            total: Money::from_minor(500, Currency::USD),
            deliver_on: None,
            transit_days: Some(1),
            guaranteed: false,
            token: None,
            quoted_at: at(0),
        };
        Ok(if heavy { Vec::new() } else { vec![offer] })
    }
    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        let mut sold = self.sold.lock().unwrap();
        if let Some(label) = sold.iter().find(|label| label.record.key == *key && !self.greedy) {
            return Ok(label.clone());
        }
        let label = Label {
            record: LabelRecord {
                key: *key,
                carrier: self.carrier(),
                service: request.service.service.clone(),
                number: TrackingNumber::new(format!("C{}", sold.len())).unwrap(),
                carrier_reference: None,
                cost: LabelCost::plain(Money::from_minor(500, Currency::USD)),
                purchased_at: at(0),
                mailing_date: None,
                formats: vec![LabelFormat::Pdf],
            },
            documents: vec![Document::new(DocumentKind::Label, LabelFormat::Pdf, vec![1])],
        };
        sold.push(label.clone());
        Ok(label)
    }
    async fn recover_label(&self, intent: &LabelIntent) -> Result<Recovery> {
        let sold = self.sold.lock().unwrap();
        let found = sold.iter().find(|label| label.record.key == intent.key);
        Ok(found.map_or(Recovery::Absent, |label| Recovery::Found(Box::new(label.clone()))))
    }
    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        let answer = |number: &TrackingNumber| Tracked {
            number: number.clone(),
            outcome: TrackOutcome::NotFoundYet,
        };
        Ok(numbers.iter().map(answer).collect())
    }
    fn tracking_url(&self, _number: &TrackingNumber) -> Option<String> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn a_carrier_in_memory_passes_and_a_greedy_one_is_found_out() {
    let report = carriers::run(Arc::new(Courier::default()), &carrier_fixture()).await;
    println!("{report}");
    report.assert_passed();
    let missing = [
        "it sells labels",
        "no ability void",
        "no ability manifests",
        "no ability pickups",
        "no ability addresses",
        "no ability pieces",
        "no ability push",
    ];
    assert_eq!(report.skipped_because(), missing.into());
    let greedy = Courier { greedy: true, ..Courier::default() };
    let report = carriers::run(Arc::new(greedy), &carrier_fixture()).await;
    assert_eq!(failed(&report), ["the same key buys once"]);
}
