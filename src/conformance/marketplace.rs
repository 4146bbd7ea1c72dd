//! Cards of marketplaces.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Outcome, Report, said, same, that};
use crate::error::ErrorKind;
use crate::ids::{
    CarrierId, EventId, IdempotencyKey, LineId, PackageId, PlatformOrderId, ServiceCode, Sku,
    TrackingNumber,
};
use crate::order::{CancelReason, PlatformOrder, UnitStatus};
use crate::ports::{
    CancelLine, CarrierNaming, MarketplaceAdapter, OrderQuery, PageWalk, PlatformItem,
    ShipmentNotice, ShipmentNoticeLine, StockLevel, WebhookRequest,
};

/// Pages after which a list counts as endless.
const ENDLESS: u32 = 1_000;

/// What the suite needs to know of the account it runs on.
pub struct Fixture {
    /// Makes a new order appear: paid, not acknowledged, with one line of at least two units.
    pub fresh: Box<dyn Fn() -> PlatformOrderId + Send + Sync>,
    /// A window of placement that contains every order of the account.
    pub window: (DateTime<Utc>, DateTime<Utc>),
    /// A carrier and service that the platform has a name for.
    pub carrier: (CarrierId, ServiceCode),
    /// The time on the platform.
    pub now: DateTime<Utc>,
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture").field("window", &self.window).finish_non_exhaustive()
    }
}

/// Runs every card. A missing ability skips its cards.
pub async fn run(adapter: Arc<dyn MarketplaceAdapter>, fixture: &Fixture) -> Report {
    let mut report = Report::default();
    let suite = Suite { adapter: adapter.as_ref(), fixture };
    macro_rules! cards {
        ($($name:literal => $card:ident),* $(,)?) => { $(report.card($name, suite.$card().await);)* };
    }
    macro_rules! cards_of {
        ($ability:ident: $($name:literal => $card:ident),* $(,)?) => {
            if adapter.$ability().is_some() {
                cards! { $($name => $card),* }
            } else {
                $(report.skipped.push(($name, concat!("no ability ", stringify!($ability)).into()));)*
            }
        };
    }
    cards! {
        "abilities are those the limits promise" => abilities,
        "a list ends and yields every order once" => listing,
        "an empty window is an empty list" => empty_window,
        "a list and a single read tell the same" => same_twice,
        "an unknown order is not found" => unknown,
        "personal data does not print" => silent,
        "a known carrier has a name" => naming,
    }
    cards_of! { acknowledge:
        "acknowledging twice is success" => acknowledging,
    }
    cards! {
        "a shipment told twice is told once" => shipping_twice,
    }
    if adapter.limits().partial_shipment {
        cards! { "a line ships in parts, each told once" => shipping_in_parts }
    } else {
        let name = "a line ships in parts, each told once";
        report.skipped.push((name, "the platform takes no partial shipment".into()));
    }
    cards! {
        "another number for units that left is no success" => other_number,
    }
    cards_of! { tracking_updates:
        "a number can be changed" => changing_number,
    }
    cards_of! { cancellations:
        "cancelling twice is success" => cancelling,
        "shipped units are not cancelled" => cancelling_shipped,
    }
    cards_of! { stock:
        "stock levels are answered one by one" => pushing_stock,
    }
    cards_of! { webhooks:
        "a notification without signature is refused" => unsigned,
    }
    report
}

struct Suite<'a> {
    adapter: &'a dyn MarketplaceAdapter,
    fixture: &'a Fixture,
}

impl Suite<'_> {
    async fn all(&self, query: &OrderQuery) -> Result<Vec<PlatformOrder>, String> {
        let mut orders = Vec::new();
        let mut walk = PageWalk::within(ENDLESS);
        loop {
            let page = self.adapter.list_orders(query, walk.cursor()).await.map_err(said)?;
            for item in page.items {
                match item {
                    PlatformItem::Read(order) => orders.push(*order),
                    PlatformItem::Unreadable(unreadable) => return Err(unreadable.reason),
                }
            }
            if !walk.go_on(page.next).map_err(said)? {
                return Ok(orders);
            }
        }
    }

    fn window(&self) -> OrderQuery {
        OrderQuery::Created { from: self.fixture.window.0, to: self.fixture.window.1 }
    }

    /// A new order, acknowledged where the platform wants it.
    async fn ready(&self) -> Result<PlatformOrder, String> {
        let id = (self.fixture.fresh)();
        if let Some(ability) = self.adapter.acknowledge() {
            ability.acknowledge(&id).await.map_err(said)?;
        }
        self.adapter.get_order(&id).await.map_err(said)
    }

    fn line(order: &PlatformOrder) -> Result<(LineId, u32), String> {
        let line = order.lines.first().ok_or("the fresh order has no line")?;
        that(line.quantity >= 2, || "the fresh order's line has fewer than two units".into())?;
        Ok((line.id.clone(), line.quantity))
    }

    fn notice(
        &self,
        order: &PlatformOrder,
        units: u32,
        number: &str,
    ) -> Result<ShipmentNotice, String> {
        let (line, _) = Self::line(order)?;
        let number = format!("{number}{}", order.id);
        Ok(ShipmentNotice {
            order: order.id.clone(),
            package: PackageId::from_static("PK-CONFORMANCE"),
            lines: vec![ShipmentNoticeLine { line, reference: None, units }],
            carrier: self.fixture.carrier.0.clone(),
            service: self.fixture.carrier.1.clone(),
            number: Some(TrackingNumber::new(number).map_err(said)?),
            tracking_url: Some("https://tracking.example/".into()),
            shipped_at: self.fixture.now,
            requested_service: None,
            override_cancel_request: false,
        })
    }

    async fn confirm(&self, notice: &ShipmentNotice) -> Result<bool, crate::Error> {
        let number = notice.number.as_ref().map_or("", TrackingNumber::as_str);
        let key = IdempotencyKey::derive(&["conformance", number]);
        self.adapter.confirm_shipment(notice, &key).await.map(|confirmed| confirmed.already)
    }

    /// Units of the first line under each number.
    async fn numbers(&self, id: &PlatformOrderId) -> Result<BTreeMap<String, u32>, String> {
        let order = self.adapter.get_order(id).await.map_err(said)?;
        let mut units = BTreeMap::new();
        for group in order.lines.first().into_iter().flat_map(|line| &line.units) {
            if let Some(number) = group.shipment.as_ref().and_then(|s| s.number.as_ref()) {
                *units.entry(number.to_string()).or_default() += group.units;
            }
        }
        Ok(units)
    }

    async fn abilities(&self) -> Outcome {
        let limits = self.adapter.limits();
        same(
            "acknowledgement",
            &self.adapter.acknowledge().is_some(),
            &limits.needs_acknowledgement,
        )?;
        same(
            "changing numbers",
            &self.adapter.tracking_updates().is_some(),
            &(limits.tracking_update != crate::shipment::NumberChanges::NEVER),
        )?;
        that(limits.page_size > 0, || "a page holds nothing".into())
    }

    async fn listing(&self) -> Outcome {
        let mut wanted = [(self.fixture.fresh)(), (self.fixture.fresh)()];
        wanted.sort();
        let orders = self.all(&self.window()).await?;
        let mut ids: Vec<_> = orders.into_iter().map(|order| order.id).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        same("orders listed", &count, &ids.len())?;
        that(wanted.iter().all(|id| ids.contains(id)), || "a new order is not listed".into())
    }

    async fn empty_window(&self) -> Outcome {
        let to = self.fixture.window.0;
        let query = OrderQuery::Created { from: to - chrono::TimeDelta::hours(1), to };
        same("orders before the window", &self.all(&query).await?.len(), &0)
    }

    async fn same_twice(&self) -> Outcome {
        let id = (self.fixture.fresh)();
        let listed = self.all(&self.window()).await?;
        let listed = listed.into_iter().find(|order| order.id == id).ok_or("not listed")?;
        let single = self.adapter.get_order(&id).await.map_err(said)?;
        same("total", &single.total, &listed.total)?;
        same("lines", &single.lines, &listed.lines)?;
        same("recipient", &single.recipient, &listed.recipient)
    }

    async fn unknown(&self) -> Outcome {
        let id = PlatformOrderId::from_static("000000000000000");
        match self.adapter.get_order(&id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(format!("found {error}")),
            Ok(_) => Err("found an order".into()),
        }
    }

    async fn silent(&self) -> Outcome {
        let order = self.adapter.get_order(&(self.fixture.fresh)()).await.map_err(said)?;
        let recipient = order.recipient.as_ref().ok_or("the fresh order has no recipient")?;
        let printed = format!("{order:?} {:?}", self.adapter);
        for text in [recipient.name.as_str(), recipient.address.line1()] {
            that(text.is_empty() || !printed.contains(text), || {
                "a name or street prints".to_owned()
            })?;
        }
        Ok(())
    }

    async fn naming(&self) -> Outcome {
        let (carrier, service) = &self.fixture.carrier;
        let found = self.adapter.carrier_name(carrier, service);
        that(found != CarrierNaming::Unsupported, || "it has none".into())?;
        let stranger = CarrierId::from_static("no-such-carrier-anywhere");
        let found = self.adapter.carrier_name(&stranger, service);
        that(!matches!(found, CarrierNaming::Code(_)), || format!("a stranger has {found:?}"))
    }

    async fn acknowledging(&self) -> Outcome {
        let ability = self.adapter.acknowledge().ok_or("no ability")?;
        let id = (self.fixture.fresh)();
        let first = ability.acknowledge(&id).await.map_err(said)?;
        let second = ability.acknowledge(&id).await.map_err(said)?;
        same("already", &(first.already, second.already), &(false, true))?;
        let order = self.adapter.get_order(&id).await.map_err(said)?;
        let new = order
            .lines
            .iter()
            .flat_map(|line| &line.units)
            .any(|group| group.status == UnitStatus::New);
        that(!new, || "units are still new".into())
    }

    async fn shipping_twice(&self) -> Outcome {
        let order = self.ready().await?;
        let (_, units) = Self::line(&order)?;
        let notice = self.notice(&order, units, "W")?;
        let first = self.confirm(&notice).await.map_err(said)?;
        let second = self.confirm(&notice).await.map_err(said)?;
        same("already", &(first, second), &(false, true))
    }

    async fn shipping_in_parts(&self) -> Outcome {
        let order = self.ready().await?;
        let (_, units) = Self::line(&order)?;
        let parts = [self.notice(&order, 1, "P")?, self.notice(&order, units - 1, "Q")?];
        for notice in &parts {
            for already in [false, true] {
                let found = self.confirm(notice).await.map_err(said)?;
                same("already", &found, &already)?;
            }
        }
        let wanted: BTreeMap<String, u32> =
            [(format!("P{}", order.id), 1), (format!("Q{}", order.id), units - 1)].into();
        same("units by number", &self.numbers(&order.id).await?, &wanted)
    }

    async fn other_number(&self) -> Outcome {
        let order = self.ready().await?;
        let (_, units) = Self::line(&order)?;
        self.confirm(&self.notice(&order, units, "X")?).await.map_err(said)?;
        match self.confirm(&self.notice(&order, units, "Y")?).await {
            Ok(_) => Err("it was taken".into()),
            Err(error) if error.is_passing() => Err(format!("it may be sent again: {error}")),
            Err(_) => Ok(()),
        }
    }

    async fn changing_number(&self) -> Outcome {
        let ability = self.adapter.tracking_updates().ok_or("no ability")?;
        let order = self.ready().await?;
        let (_, units) = Self::line(&order)?;
        let before = self.notice(&order, units, "O")?;
        self.confirm(&before).await.map_err(said)?;
        let old = before.number.clone().ok_or("no number")?;
        ability.update_tracking(&old, &self.notice(&order, units, "N")?).await.map_err(said)?;
        let wanted = BTreeMap::from([(format!("N{}", order.id), units)]);
        same("units by number", &self.numbers(&order.id).await?, &wanted)
    }

    fn cancellation(order: &PlatformOrder) -> Result<CancelLine, String> {
        let (line, units) = Self::line(order)?;
        Ok(CancelLine { line, units, reason: CancelReason::OutOfStock })
    }

    async fn cancelling(&self) -> Outcome {
        let ability = self.adapter.cancellations().ok_or("no ability")?;
        let order = self.ready().await?;
        let lines = [Self::cancellation(&order)?];
        ability.cancel(&order.id, &lines).await.map_err(said)?;
        ability.cancel(&order.id, &lines).await.map_err(said)?;
        let order = self.adapter.get_order(&order.id).await.map_err(said)?;
        let line = order.lines.first().ok_or("no line")?;
        let all = line.units.iter().all(|group| group.status == UnitStatus::Cancelled);
        that(all, || format!("found {:?}", line.units))
    }

    async fn cancelling_shipped(&self) -> Outcome {
        let ability = self.adapter.cancellations().ok_or("no ability")?;
        let order = self.ready().await?;
        let (_, units) = Self::line(&order)?;
        self.confirm(&self.notice(&order, units, "S")?).await.map_err(said)?;
        match ability.cancel(&order.id, &[Self::cancellation(&order)?]).await {
            Err(error) if error.kind() == ErrorKind::Rejected => Ok(()),
            Err(error) => Err(format!("found {error}")),
            Ok(()) => Err("they were cancelled".into()),
        }
    }

    async fn pushing_stock(&self) -> Outcome {
        let ability = self.adapter.stock().ok_or("no ability")?;
        let level = |sku, units| StockLevel { sku, listing: None, warehouse: None, units };
        let levels = [level(Sku::from_static("A/1 %"), 3), level(Sku::from_static("B"), 0)];
        let outcomes = ability.push_stock(&levels).await;
        same("outcomes", &outcomes.len(), &levels.len())?;
        outcomes.into_iter().collect::<Result<Vec<()>, _>>().map(|_| ()).map_err(said)
    }

    async fn unsigned(&self) -> Outcome {
        let ability = self.adapter.webhooks().ok_or("no ability")?;
        let body = br#"{"source":{"eventType":"x","eventId":"1"},"payload":{}}"#;
        let request = WebhookRequest { method: "POST", path_and_query: "/", headers: &[], body };
        match ability.receive(&request, self.fixture.now) {
            Err(error) if error.kind() == ErrorKind::AuthRejected => Ok(()),
            Err(error) => Err(format!("found {error}")),
            Ok(notice) => {
                let event: EventId = notice.event_id;
                Err(format!("notification {event} was taken"))
            }
        }
    }
}
