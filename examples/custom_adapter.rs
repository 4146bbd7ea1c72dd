//! A marketplace that this crate does not know, written with its public API alone: it passes the
//! suite that the crate's own adapters pass, and an engine runs it.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::conformance::marketplaces::{self, Fixture};
use orderflow::engine::{Engine, Shop};
use orderflow::order::{PlatformLine, PlatformOrder, UnitGroup, UnitStatus};
use orderflow::ports::{CarrierNaming, Confirmed, Cursor, MarketplaceAdapter, OrderQuery};
use orderflow::ports::{Page, PlatformItem, PlatformLimits, ShipmentNotice, Unreadable};
use orderflow::store::{MemoryStock, MemoryStore};
use orderflow::{Address, CarrierId, Contact, Country, Currency, Error, ErrorKind, LineId, Money};
use orderflow::{
    IdempotencyKey, PlatformId, PlatformOrderId, Result, ServiceCode, ShopId, ShopKey,
};
use serde::{Deserialize, Serialize};

const KIOSK: PlatformId = PlatformId::from_static("kiosk");
const PAGE: u32 = 2;

/// An order as the kiosk writes it.
#[derive(Serialize, Deserialize)]
struct KioskOrder {
    at: DateTime<Utc>,
    name: String,
    street: String,
    cents: i64,
    units: u32,
    sent: BTreeMap<String, u32>, // units by tracking number
}

/// The kiosk: JSON texts by number. A real one would be called over `orderflow::client`.
#[derive(Clone, Default)]
struct Kiosk(Arc<Mutex<BTreeMap<u32, String>>>);

impl std::fmt::Debug for Kiosk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kiosk")
    }
}

fn unexpected(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::UnexpectedAnswer, what.to_string()).with_operation("kiosk", "read")
}

/// Their bytes, without repeating them in errors: they may be personal.
fn theirs(text: &str) -> Result<KioskOrder> {
    serde_json::from_str(text).map_err(|e| unexpected(format!("no order at column {}", e.column())))
}

/// Their words in ours.
fn read(number: u32, text: &str) -> Result<PlatformOrder> {
    let KioskOrder { at, name, street, cents, units, sent } = theirs(text)?;
    let price = Money::from_minor(cents, Currency::USD);
    let mut line = PlatformLine::new(LineId::from_static("1"), "Mug", units, price);
    line.sku = Some(orderflow::Sku::from_static("MUG"));
    let left = units.saturating_sub(sent.values().sum());
    line.units = vec![UnitGroup::new(UnitStatus::New, left)];
    line.units.retain(|group| group.units > 0);
    for (number, units) in sent {
        line.units.push(UnitGroup::shipped(units, number.parse()?));
    }
    let address = Address {
        lines: vec![street.into()],
        city: "Denver".into(),
        postal_code: Some("80202".into()),
        country: Some(Country::US),
        ..Address::default()
    };
    let id = PlatformOrderId::new(number.to_string())?;
    Ok(PlatformOrder {
        paid_at: Some(at),
        recipient: Some(Contact { name: name.into(), address, ..Contact::default() }),
        lines: vec![line],
        raw: text.into(),
        ..PlatformOrder::new(id, at, price.times(units).map_err(unexpected)?)
    })
}

impl Kiosk {
    fn orders(&self) -> MutexGuard<'_, BTreeMap<u32, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: &PlatformOrderId) -> Result<(u32, String)> {
        let number: Option<u32> = id.as_str().parse().ok();
        number
            .and_then(|number| Some((number, self.orders().get(&number)?.clone())))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such order"))
    }

    /// A buyer orders three mugs.
    fn sell(&self, at: DateTime<Utc>) -> PlatformOrderId {
        let mut orders = self.orders();
        let number = orders.keys().last().map_or(1, |last| last + 1);
        let order = r#","name":"Ana Smith","street":"1 Main St","cents":1250,"units":3,"sent":{}}"#;
        orders.insert(number, format!("{{\"at\":\"{}\"{order}", at.to_rfc3339()));
        number.to_string().parse().unwrap_or(PlatformOrderId::from_static("none"))
    }
}

#[async_trait]
impl MarketplaceAdapter for Kiosk {
    fn platform(&self) -> PlatformId {
        KIOSK
    }

    fn limits(&self) -> PlatformLimits {
        let mut limits = PlatformLimits::default();
        (limits.partial_shipment, limits.packages_per_line_many) = (true, true);
        limits.page_size = PAGE;
        limits
    }

    async fn list_orders(
        &self,
        query: &OrderQuery,
        at: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        let after = at.map_or(Ok(0), |cursor| cursor.as_str().parse());
        let after: u32 = after.map_err(|_| Error::invalid("cursor", "is none of the kiosk's"))?;
        let (mut items, mut next) = (Vec::new(), None);
        for (number, text) in self.orders().range(after + 1..).take(PAGE as usize) {
            next = Some(Cursor::new(number.to_string()));
            match (read(*number, text), query) {
                (Ok(order), OrderQuery::Created { from, to })
                    if order.placed_at < *from || order.placed_at >= *to => {}
                (Ok(order), _) => items.push(PlatformItem::Read(Box::new(order))),
                (Err(error), _) => {
                    let id = number.to_string().parse().ok();
                    items.push(Unreadable::new(id, error.message(), text.as_str()).into());
                }
            }
        }
        Ok(Page { items, next })
    }

    async fn get_order(&self, id: &PlatformOrderId) -> Result<PlatformOrder> {
        let (number, text) = self.find(id)?;
        read(number, &text)
    }

    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        _: &IdempotencyKey,
    ) -> Result<Confirmed> {
        let number = notice.number.as_ref().map(ToString::to_string);
        let number = number.ok_or_else(|| Error::unsupported("the kiosk wants a number"))?;
        let (id, text) = self.find(&notice.order)?;
        let mut order = theirs(&text)?;
        let units: u32 = notice.lines.iter().map(|line| line.units).sum();
        let already = order.sent.get(&number).is_some_and(|sent| *sent >= units);
        if !already && order.sent.values().sum::<u32>() + units > order.units {
            return Err(Error::new(ErrorKind::Conflict, "the units left under another number"));
        }
        if !already {
            order.sent.insert(number, units);
            self.orders().insert(id, serde_json::to_string(&order).map_err(unexpected)?);
        }
        Ok(Confirmed { already, order: None })
    }

    fn carrier_name(&self, carrier: &CarrierId, _: &ServiceCode) -> CarrierNaming {
        CarrierNaming::Other { name: carrier.to_string() }
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let (kiosk, now) = (Kiosk::default(), Utc::now());
    let buyers = kiosk.clone();
    let fixture = Fixture {
        fresh: Box::new(move || buyers.sell(now - TimeDelta::hours(1))),
        window: (now - TimeDelta::hours(2), now),
        carrier: (CarrierId::from_static("usps"), ServiceCode::from_static("GROUND")),
        now,
    };
    let report = marketplaces::run(Arc::new(kiosk.clone()), &fixture).await;
    println!("{report}");
    let key = ShopKey::new(KIOSK, ShopId::from_static("corner"));
    let hours = WorkCalendar::weekdays(chrono_tz::America::Denver, NaiveTime::MIN);
    let engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(MemoryStock::new()))
        .shop(Shop::new(key.clone(), Arc::new(kiosk), hours))
        .build()?;
    println!("{:?}", engine.sync(&key, now).await?);
    Ok(if report.is_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
