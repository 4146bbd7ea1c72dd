//! Orders to test with.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it, and what panics in it has failed"
)]

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use orderflow::order::{
    Action, Actor, Allocation, Event, Order, PlannedPackage, PlatformLine, PlatformOrder, Review,
    apply, import,
};
use orderflow::shipment::{
    EventTime, LabelCost, LabelRecord, Milestone, PackedLine, TrackingEvent,
};
use orderflow::{
    Address, CarrierId, Contact, Country, Currency, Grams, IdempotencyKey, LineId, Money, OrderKey,
    PackageId, PlatformId, PlatformOrderId, ServiceCode, ShopId, Sku, TrackingNumber, WarehouseId,
};

pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 4, 15, 0, 0).unwrap()
}

pub fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

pub fn key(id: &str) -> OrderKey {
    OrderKey::new(
        PlatformId::from_static("market"),
        ShopId::from_static("shop-1"),
        PlatformOrderId::new(id).unwrap(),
    )
}

pub fn line_id(id: &str) -> LineId {
    LineId::new(id).unwrap()
}

pub fn usd(cents: i64) -> Money {
    Money::from_minor(cents, Currency::USD)
}

pub fn recipient() -> Contact {
    Contact {
        name: "Ana Núñez".into(),
        company: None,
        phone: Some("5550100".into()),
        email: Some("relay@example.com".into()),
        address: Address {
            lines: vec!["12 Example Street".into(), "Apt 4".into()],
            city: "Denver".into(),
            state: Some("CO".into()),
            postal_code: Some("80202".into()),
            country: Country::new("US"),
            residential: Some(true),
        },
    }
}

pub fn snapshot(id: &str, lines: &[(&str, u32)]) -> PlatformOrder {
    PlatformOrder {
        site: Some("US".into()),
        paid_at: Some(now() - hours(2)),
        updated_at: Some(now() - hours(1)),
        recipient: Some(recipient()),
        requested_service: Some("Value".into()),
        lines: lines.iter().map(|(id, units)| platform_line(id, *units)).collect(),
        ..PlatformOrder::new(
            PlatformOrderId::new(id).unwrap(),
            now() - hours(2),
            usd(1000 * i64::try_from(lines.len()).unwrap()),
        )
    }
}

pub fn platform_line(id: &str, units: u32) -> PlatformLine {
    PlatformLine {
        sku: Some(Sku::new(format!("SKU-{id}")).unwrap()),
        line_total: Some(usd(1000 * i64::from(units))),
        weight: Some(Grams::new(300)),
        ..PlatformLine::new(line_id(id), format!("Thing {id}"), units, usd(1000))
    }
}

/// An order that was imported, paid, and wants an acknowledgement.
pub fn imported(id: &str, lines: &[(&str, u32)]) -> Order {
    import_of(&snapshot(id, lines))
}

pub fn import_of(snapshot: &PlatformOrder) -> Order {
    let action =
        Action::Imported { snapshot: Box::new(snapshot.clone()), needs_acknowledgement: true };
    let key = key(snapshot.id.as_str());
    import(&key, &Event::once(action, now() - hours(1), Actor::Platform)).unwrap().order
}

/// Applies actions that must all be accepted.
pub fn after(order: Order, actions: Vec<Action>) -> Order {
    actions.into_iter().fold(order, |order, action| {
        let at = now() + TimeDelta::seconds(i64::try_from(order.version).unwrap());
        let event = Event::new(action, at, Actor::System);
        apply(&order, &event, now()).unwrap_or_else(|why| panic!("{:?}: {why}", event.kind())).order
    })
}

pub fn approved() -> Action {
    Action::Reviewed { review: Review::Approved { at: now(), by: Actor::System } }
}

pub fn acknowledged() -> Action {
    Action::Acknowledged { acknowledged_at: now() }
}

/// One parcel per entry: `(sequence, [(line, units)])`.
pub fn allocated(order: &Order, parcels: &[(u32, &[(&str, u32)])]) -> Action {
    let packages = parcels
        .iter()
        .map(|(sequence, contents)| PlannedPackage {
            id: PackageId::derive(&order.key, *sequence),
            warehouse: WarehouseId::from_static("main"),
            contents: contents
                .iter()
                .map(|(line, units)| PackedLine { line: line_id(line), units: *units })
                .collect(),
            weight: Grams::new(500),
            dimensions: None,
        })
        .collect();
    Action::Allocated {
        allocation: Allocation { packages, backordered: Vec::new(), reasons: Vec::new() },
    }
}

pub fn label_key(package: &PackageId) -> IdempotencyKey {
    IdempotencyKey::derive(&["label", package.as_str(), "1"])
}

pub fn record(package: &PackageId, number: &str) -> LabelRecord {
    LabelRecord {
        key: label_key(package),
        carrier: CarrierId::from_static("carrier"),
        service: ServiceCode::from_static("GROUND"),
        number: TrackingNumber::new(number).unwrap(),
        carrier_reference: None,
        cost: LabelCost::plain(usd(523)),
        purchased_at: now(),
        mailing_date: None,
        formats: Vec::new(),
    }
}

pub fn label_requested(package: &PackageId) -> Action {
    Action::LabelRequested {
        package: package.clone(),
        key: label_key(package),
        platform_read_at: now(),
    }
}

pub fn purchased(package: &PackageId, number: &str) -> Action {
    Action::LabelPurchased { package: package.clone(), record: record(package, number) }
}

pub fn confirmed(package: &PackageId) -> Action {
    Action::ShipmentConfirmed {
        package: package.clone(),
        shipped_at: now(),
        platform_read_at: now(),
        carrier_named: true,
        untracked_allowed: false,
    }
}

pub fn scan(hour: i64, milestone: Milestone) -> TrackingEvent {
    TrackingEvent {
        time: EventTime::Instant(now() + hours(hour)),
        place: Some("DENVER, CO".into()),
        raw_code: format!("{milestone:?}"),
        raw_text: format!("{milestone:?}"),
        milestone,
        reason: None,
    }
}

pub fn tracked(package: &PackageId, milestones: &[Milestone]) -> Action {
    Action::Tracked {
        package: package.clone(),
        events: milestones.iter().zip(1..).map(|(m, hour)| scan(hour, *m)).collect(),
        estimated_delivery: None,
    }
}

/// An order whose lines are all in one labelled parcel, ready to be confirmed.
pub fn labelled(id: &str, lines: &[(&str, u32)]) -> (Order, PackageId) {
    let order = after(imported(id, lines), vec![approved(), acknowledged()]);
    let plan = allocated(&order, &[(1, lines)]);
    let package = PackageId::derive(&order.key, 1);
    let order = after(
        order,
        vec![plan, label_requested(&package), purchased(&package, &format!("N-{id}"))],
    );
    (order, package)
}

/// Two lines in two labelled parcels.
pub fn labelled_twice(id: &str) -> (Order, PackageId, PackageId) {
    let order = after(imported(id, &[("1", 1), ("2", 2)]), vec![approved(), acknowledged()]);
    let plan = allocated(&order, &[(1, &[("1", 1)]), (2, &[("2", 2)])]);
    let (first, second) = (PackageId::derive(&order.key, 1), PackageId::derive(&order.key, 2));
    let order = after(
        order,
        vec![
            plan,
            label_requested(&first),
            purchased(&first, &format!("A-{id}")),
            label_requested(&second),
            purchased(&second, &format!("B-{id}")),
        ],
    );
    (order, first, second)
}
