//! Reading a unit of work whole: pack, orders, shipment and deadline have calls of their own.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use chrono::{DateTime, TimeDelta, Utc};

use super::MercadoLibre;
use super::calls::{Found, Get, GetOrder, PAGE_SIZE, Search, SearchGlobally, SearchOrders, Stamp};
use super::map::ShipmentFacts;
use super::pages::{self, KeptOrder, KeptPage};
use super::statuses::Effect;
use super::wire::{HistoryRow, Paging, ShipmentItem, WirePack, WireShipment, WireSla};
use crate::client::wire::unexpected;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::PlatformOrderId;
use crate::order::{LogisticsMode, PlatformOrder, UnitStatus};
use crate::ports::{Cursor, OrderQuery, Page, PlatformItem, Unreadable};

/// Before the id of a shipment that stands for its order, as notifications name it.
pub(super) const OF_SHIPMENT: &str = "shipments/";
/// Orders of a page that are completed at once.
const AT_ONCE: usize = 8;
/// Windows are not cut smaller than this.
const SMALLEST_WINDOW: TimeDelta = TimeDelta::seconds(1);

/// A unit of work as it was read.
pub(super) struct Seen {
    pub(super) order: PlatformOrder,
    pub(super) facts: ShipmentFacts,
}

impl Seen {
    pub(super) fn shipment(&self) -> Option<&WireShipment> {
        self.facts.shipment.as_ref()
    }

    pub(super) fn effect(&self) -> Option<Effect> {
        self.shipment().and_then(WireShipment::effect)
    }
}

/// What is missing to an order and may be missing for good.
pub(super) fn absent<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ids are numbers of any length.
fn by_number(id: &str) -> (usize, &str) {
    (id.len(), id)
}

impl MercadoLibre {
    /// The orders that an id names: those of the pack, the one of this id, or one of the shipment.
    pub(super) async fn orders_of(
        &self,
        id: &PlatformOrderId,
    ) -> Result<(Vec<KeptOrder>, Option<WirePack>)> {
        if let Some(shipment) = id.as_str().strip_prefix(OF_SHIPMENT) {
            let order = self.order_of_shipment(shipment).await?;
            return Ok((vec![self.one_order(&order).await?], None));
        }
        let pack =
            absent(self.client.call(&Get::<WirePack>::new(self.paths.pack(id.as_str()))).await)?;
        let Some((pack, _)) = pack else {
            return Ok((vec![self.one_order(id.as_str()).await?], None));
        };
        let mut orders = Vec::with_capacity(pack.orders.len());
        for order in pack.orders.iter().filter_map(|order| order.id.as_deref()) {
            orders.push(self.one_order(order).await?);
        }
        if orders.is_empty() {
            return Err(unexpected("the pack names no orders")
                .with_operation(super::MERCADO_LIBRE.as_str(), "get_order"));
        }
        Ok((orders, Some(pack)))
    }

    pub(super) async fn look(&self, id: &PlatformOrderId) -> Result<Seen> {
        let (orders, pack) = self.orders_of(id).await?;
        let (orders, pack) = self.whole(orders, pack).await?;
        let facts = self.shipment_facts(&orders, pack.as_ref()).await?;
        let order = pages::platform_order(&orders, pack.as_ref(), &facts)
            .map_err(|error| error.with_operation(super::MERCADO_LIBRE.as_str(), "get_order"))?;
        Ok(Seen { order, facts })
    }

    /// An order whose goods are in a shipment. Local shipments name it only with their items.
    async fn order_of_shipment(&self, id: &str) -> Result<String> {
        let call = Get::<WireShipment>::new(self.paths.shipment(id, ""));
        if let Some(order) = self.client.call(&call).await?.0.order_id {
            return Ok(order);
        }
        let call = Get::<Vec<ShipmentItem>>::new(self.paths.shipment(id, "/items"));
        let items = absent(self.client.call(&call).await)?.map(|(items, _)| items);
        items.into_iter().flatten().find_map(|item| item.order_id).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the shipment names no order")
                .with_operation(super::MERCADO_LIBRE.as_str(), "get_order")
                .with_context("shipment", id)
        })
    }

    async fn one_order(&self, id: &str) -> Result<KeptOrder> {
        let order = self.client.call(&GetOrder(self.paths.order(id))).await?;
        self.is_ours(&order)?;
        Ok(order)
    }

    /// Refuses the sale of somebody else: what the seller bought with the same account is no order of
    /// the shop's. Across borders a seller has another id on every site, which nothing here knows.
    fn is_ours(&self, order: &KeptOrder) -> Result<()> {
        match &order.seller {
            Some(seller) if !self.paths.global && *seller != self.seller.to_string() => {
                Err(Error::new(ErrorKind::NotFound, "the order is no sale of this seller's")
                    .with_operation(super::MERCADO_LIBRE.as_str(), "get_order")
                    .with_field("seller.id")
                    .with_context("order", &order.id)
                    .with_context("seller", seller))
            }
            _ => Ok(()),
        }
    }

    /// Adds the orders of the pack that are not at hand.
    async fn whole(
        &self,
        mut orders: Vec<KeptOrder>,
        known: Option<WirePack>,
    ) -> Result<(Vec<KeptOrder>, Option<WirePack>)> {
        let id = orders.first().and_then(|order| order.pack_id.clone());
        let pack = match (known, id) {
            (Some(pack), _) => Some(pack),
            (None, None) => None,
            (None, Some(id)) => {
                absent(self.client.call(&Get::<WirePack>::new(self.paths.pack(&id))).await)?
                    .map(|(pack, _)| pack)
            }
        };
        if let Some(pack) = &pack {
            for id in pack.orders.iter().filter_map(|order| order.id.as_deref()) {
                if !orders.iter().any(|order| order.id == id) {
                    orders.push(self.one_order(id).await?);
                }
            }
        }
        // The same order of orders, whichever way they were found.
        orders.sort_by(|a, b| by_number(&a.id).cmp(&by_number(&b.id)));
        Ok((orders, pack))
    }

    async fn shipment_facts(
        &self,
        orders: &[KeptOrder],
        pack: Option<&WirePack>,
    ) -> Result<ShipmentFacts> {
        let mut facts = ShipmentFacts::default();
        let id = pack
            .and_then(|pack| pack.shipment.id.as_deref())
            .or_else(|| orders.iter().find_map(|order| order.shipping_id.as_deref()));
        let Some(id) = id else { return Ok(facts) };
        let path = self.paths.shipment(id, "");
        let Some((shipment, raw)) =
            absent(self.client.call(&Get::<WireShipment>::new(path)).await)?
        else {
            return Ok(facts);
        };
        facts.raw.push(("shipment", raw));
        let effect = shipment.effect();
        let by_platform = shipment.ways().kind == Some("fulfillment");
        let open = matches!(
            effect,
            Some(
                Effect::Unpaid
                    | Effect::Waiting
                    | Effect::LabelReady
                    | Effect::Collection
                    | Effect::Hold
            )
        );
        if open && !by_platform {
            let call = Get::<WireSla>::new(self.paths.shipment(id, "/sla"));
            if let Some((sla, raw)) = absent(self.client.call(&call).await)? {
                facts.raw.push(("sla", raw));
                facts.sla = Some(sla);
            }
        }
        let left = matches!(
            effect,
            Some(Effect::Moving | Effect::Delivered | Effect::Astray | Effect::Returned)
        );
        if left && self.read_history {
            let call = Get::<Vec<HistoryRow>>::new(self.paths.shipment(id, "/history"));
            if let Some((history, raw)) = absent(self.client.call(&call).await)? {
                facts.raw.push(("history", raw));
                facts.history = history;
            }
        }
        facts.shipment = Some(shipment);
        Ok(facts)
    }

    /// Completes what a page shows of a pack. What cannot be read costs only this pack.
    async fn complete(
        &self,
        orders: Vec<KeptOrder>,
    ) -> Result<(PlatformItem<PlatformOrder>, bool)> {
        let shown = orders.len();
        let unit = orders.first().map(|order| order.work_unit().to_owned()).unwrap_or_default();
        let raw = orders.first().map(|order| order.raw.clone()).unwrap_or_default();
        let read = async {
            let (orders, pack) = self.whole(orders, None).await?;
            let facts = self.shipment_facts(&orders, pack.as_ref()).await?;
            let beyond = orders.len() > shown;
            Ok::<_, Error>((pages::kept_item(&orders, pack.as_ref(), &facts)?, beyond))
        };
        match read.await {
            Err(error) => Ok((kept_aside(unit, raw, error)?.into(), false)),
            read => read,
        }
    }

    pub(super) async fn page(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        let mut at = match cursor {
            Some(cursor) => Place::read(cursor)?,
            None => self.start(query)?,
        };
        let released = matches!(query, OrderQuery::Released);
        let (by, status) = match query {
            OrderQuery::Created { .. } => (Stamp::Created, None),
            OrderQuery::Updated { .. } => (Stamp::Updated, None),
            OrderQuery::Released => (Stamp::Created, Some("paid")),
        };
        if at.from >= at.end {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let (mut packs, unreadable, shown, paging) = loop {
            let search = Search {
                seller: self.seller,
                site: self.site.clone(),
                by,
                status,
                from: at.from,
                to: at.to,
                offset: at.offset,
            };
            let KeptPage { packs, unreadable, shown, paging } = self.search(&search).await?;
            // A total over an empty page is a mistake of the platform: smaller windows would be empty too.
            let is_deep = |total| total > u64::from(self.deepest_offset);
            let deep = paging.total.is_some_and(is_deep) && shown > 0;
            let span = at.to.signed_duration_since(at.from);
            if deep && at.offset == 0 && span > SMALLEST_WINDOW {
                // How deep a search may be paged is not documented: a smaller window never is deep.
                at.to = at.from + span / 2;
                continue;
            }
            break (packs, unreadable, shown, paging);
        };
        // An order that changes or is cancelled during the walk leaves the list, and those behind it
        // move up: as many were not shown.
        let gone = at.total.zip(paging.total).map_or(0, |(was, is)| was.saturating_sub(is));
        at.total = paging.total;
        packs.retain(|pack| {
            pack.first().is_none_or(|order| !at.seen.iter().any(|seen| seen == order.work_unit()))
        });
        let units: Vec<String> = packs
            .iter()
            .map(|pack| pack.first().map(|o| o.work_unit().to_owned()).unwrap_or_default())
            .collect();
        let completed = side_by_side(packs, |pack| Box::pin(self.complete(pack))).await;
        let completed = completed.into_iter().collect::<Result<Vec<_>>>()?;
        let all = completed.iter().map(|(item, _)| match item {
            PlatformItem::Unreadable(item) => Some(item),
            PlatformItem::Read(_) => None,
        });
        if let Some(error) = all_failed(all.chain(unreadable.iter().map(Some)).collect()) {
            return Err(error);
        }
        let mut items = Vec::with_capacity(completed.len() + unreadable.len());
        for (unit, (item, reached_beyond)) in units.into_iter().zip(completed) {
            if reached_beyond {
                // Its other orders are on other pages, where they are not to count again.
                at.seen.push(unit);
            }
            if !released || waits(&item) {
                items.push(item);
            }
        }
        items.extend(unreadable.into_iter().map(PlatformItem::Unreadable));
        Ok(Page { items, next: at.after(paging, shown, gone) })
    }

    async fn search(&self, search: &Search) -> Result<KeptPage> {
        if !self.paths.global {
            let mut page = self.client.call(&SearchOrders(search)).await?;
            let mut packs = Vec::with_capacity(page.packs.len());
            for pack in page.packs {
                match pack.iter().try_for_each(|order| self.is_ours(order)) {
                    Ok(()) => packs.push(pack),
                    Err(error) => {
                        let first = pack.first();
                        let unit = first.map(|order| order.work_unit().to_owned());
                        let raw = first.map(|order| order.raw.clone()).unwrap_or_default();
                        page.unreadable.push(kept_aside(unit.unwrap_or_default(), raw, error)?);
                    }
                }
            }
            page.packs = packs;
            return Ok(page);
        }
        let Found { packs: found, shown, paging } =
            self.client.call(&SearchGlobally(search)).await?;
        let (mut packs, mut unreadable) = (Vec::new(), Vec::new());
        for (id, orders) in found {
            let mut pack = Vec::with_capacity(orders.len());
            let mut trouble = None;
            for order in &orders {
                match self.one_order(order).await {
                    Ok(order) => pack.push(order),
                    Err(error) => trouble = Some(error),
                }
            }
            match trouble {
                None => packs.push(pack),
                Some(error) => {
                    let raw = serde_json::json!({ "id": id, "orders": orders }).to_string();
                    unreadable.push(kept_aside(id, raw, error)?);
                }
            }
        }
        Ok(KeptPage { packs, unreadable, shown, paging })
    }

    fn start(&self, query: &OrderQuery) -> Result<Place> {
        let (from, end) = match query {
            OrderQuery::Created { from, to } | OrderQuery::Updated { from, to } => (*from, *to),
            OrderQuery::Released => {
                let now = self.clock.now();
                let days = TimeDelta::days(i64::from(self.released_days));
                (now.checked_sub_signed(days).unwrap_or(now), now)
            }
        };
        Ok(Place { from, to: end, end, offset: 0, total: None, seen: Vec::new() })
    }
}

/// Where none of several orders can be read for now, it is no single order that fails: the page is to
/// be read anew.
fn all_failed(items: Vec<Option<&Unreadable>>) -> Option<Error> {
    let failed: Vec<&Unreadable> =
        items.iter().copied().flatten().filter(|item| item.is_passing).collect();
    let [first, _, ..] = failed.as_slice() else { return None };
    (failed.len() == items.len()).then(|| {
        let message = format!("no order of the page could be read: {}", first.reason);
        Error::new(ErrorKind::Transient, message)
            .with_operation(super::MERCADO_LIBRE.as_str(), "list_orders")
    })
}

/// What an error leaves of one unit of work, so that it costs that unit and no other: where it is
/// refused, or fails on their side for now. Errors about the shop stay errors.
fn kept_aside(unit: String, raw: String, error: Error) -> Result<Unreadable> {
    use ErrorKind as Kind;
    let unreadable = Unreadable::new(PlatformOrderId::new(unit).ok(), error.to_string(), raw);
    match error.kind() {
        Kind::UnexpectedAnswer | Kind::Rejected | Kind::NotFound | Kind::Conflict => Ok(unreadable),
        Kind::Transient => Ok(unreadable.passing()),
        _ => Err(error),
    }
}

/// Whether an order waits for the seller's first step.
fn waits(item: &PlatformItem<PlatformOrder>) -> bool {
    match item {
        PlatformItem::Unreadable(_) => true,
        PlatformItem::Read(order) => {
            order.paid_at.is_some()
                && order.logistics != LogisticsMode::PlatformFulfilled
                && order.lines.iter().flat_map(|line| &line.units).any(|group| {
                    group.units > 0
                        && matches!(group.status, UnitStatus::New | UnitStatus::Unknown(_))
                })
        }
    }
}

/// Where a walk through a list is: in which part of the window, how deep in it, and which packs
/// were told before although not all of their orders had come by.
struct Place {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    end: DateTime<Utc>,
    offset: u64,
    /// How many orders the part had when its last page was read.
    total: Option<u64>,
    seen: Vec<String>,
}

impl Place {
    fn read(cursor: &Cursor) -> Result<Self> {
        let field = |name: &str| {
            cursor.as_str().split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key == name).then_some(value)
            })
        };
        let at = |name: &str| {
            field(name).and_then(|text| text.parse().ok()).and_then(DateTime::from_timestamp_micros)
        };
        let read = || {
            Some(Self {
                from: at("from")?,
                to: at("to")?,
                end: at("end")?,
                offset: field("offset")?.parse().ok()?,
                total: field("total")?.parse().ok(),
                seen: field("seen")?
                    .split(',')
                    .filter(|s| !s.is_empty())
                    .map(str::to_owned)
                    .collect(),
            })
        };
        read().ok_or_else(|| Error::invalid("cursor", "is no cursor of this adapter"))
    }

    /// The next place, after a page that showed so many, while so many had gone from the list; `None`
    /// at the end.
    fn after(mut self, paging: Paging, shown: u64, gone: u64) -> Option<Cursor> {
        if gone > 0 {
            self.offset = self.offset.saturating_sub(gone);
        } else if let Some(next) = paging.next(self.offset, shown, u64::from(PAGE_SIZE)) {
            self.offset = next;
        } else if self.to < self.end {
            self.from = self.to;
            self.to = self.end;
            (self.offset, self.total) = (0, None);
        } else {
            return None;
        }
        Some(Cursor::new(format!(
            "from={}&to={}&end={}&offset={}&total={}&seen={}",
            self.from.timestamp_micros(),
            self.to.timestamp_micros(),
            self.end.timestamp_micros(),
            self.offset,
            self.total.map_or_else(String::new, |total| total.to_string()),
            self.seen.join(",")
        )))
    }
}

/// Runs futures a few at a time; the results come in the order of the input.
async fn side_by_side<'a, I, T>(
    input: Vec<I>,
    start: impl Fn(I) -> Pin<Box<dyn Future<Output = T> + Send + 'a>>,
) -> Vec<T> {
    let mut results = Vec::with_capacity(input.len());
    let mut rest = input.into_iter();
    loop {
        let mut running: Vec<_> = rest.by_ref().take(AT_ONCE).map(&start).collect();
        if running.is_empty() {
            return results;
        }
        let mut done: Vec<Option<T>> = running.iter().map(|_| None).collect();
        poll_fn(|context| {
            let mut pending = false;
            for (slot, future) in done.iter_mut().zip(&mut running) {
                if slot.is_some() {
                    continue;
                }
                match future.as_mut().poll(context) {
                    Poll::Ready(result) => *slot = Some(result),
                    Poll::Pending => pending = true,
                }
            }
            if pending { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        results.extend(done.into_iter().flatten());
    }
}
