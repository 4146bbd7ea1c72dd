//! What is beside shipping: cancelling, cases, parcels, stock and messages.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::calls::{
    AnswerCase, Combine, CreateCancellation, FindCombinable, OpenConversation, PackageOfOrders,
    SearchCancellations, SearchInventory, SearchReturns, SendMessage, SplitOrder, Uncombine,
    UpdateInventory,
};
use super::map::Unit;
use super::{TIKTOK_SHOP, TikTokShop, cases, dialect, not_there, settle};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, LineId, PlatformOrderId, PlatformPackageId};
use crate::order::{CancelReason, UnitStatus};
use crate::personal::Personal;
use crate::platforms::lines;
use crate::ports::{
    AfterSale, AfterSaleCase, BuyerMessages, CancelLine, Cancellations, CaseAnswer, CaseKind,
    Cursor, Page, ParcelParts, PlatformItem, PlatformParcels, ShipmentNoticeLine, StockLevel,
    StockPush,
};

/// "text at most 2000 chars".
const LONGEST_MESSAGE: usize = 2_000;
const ONLY_WHOLE: &str = "units whose shipment is arranged are cancelled with the whole order only";
/// Pages after which a search for something to combine is given up.
const PAGES: u32 = 200;

impl TikTokShop {
    /// The platform's key of a reason to cancel. A reason without a key is refused: any other would
    /// be untrue, and most count against the seller.
    fn cancel_reason(&self, reason: &CancelReason) -> Result<String> {
        let ours = match reason {
            CancelReason::OutOfStock => "out_of_stock",
            CancelReason::PricingError => "pricing_error",
            CancelReason::BuyerRequest => "buyer_request",
            CancelReason::Unserviceable => "unserviceable",
            CancelReason::Seller(word) | CancelReason::Platform(word) if !word.is_empty() => {
                return Ok(self.cancel_reasons.get(word).unwrap_or(word).clone());
            }
            _ => "",
        };
        self.cancel_reasons.get(ours).cloned().ok_or_else(|| {
            Error::invalid("lines.reason", format!("there is no key for the reason {reason:?}"))
        })
    }

    fn search_cancellations(
        &self,
        token: Option<&str>,
        body: &serde_json::Value,
    ) -> Result<SearchCancellations> {
        SearchCancellations::new(&self.cipher, &self.versions.cancellations, token, body)
    }

    /// The buyer's request to cancel that waits for an answer.
    async fn pending(&self, order: &PlatformOrderId) -> Result<Option<AfterSaleCase>> {
        let body = json!({
            "order_ids": [order.as_str()],
            "cancel_status": ["CANCELLATION_REQUEST_PENDING"],
        });
        let call = self.search_cancellations(None, &body)?;
        let page = self.client.call(&call).await?;
        for raw in page.cancellations {
            let case = cases::read(raw.get())?;
            if case.open && case.order.as_ref() == Some(order) {
                return Ok(Some(case));
            }
        }
        Ok(None)
    }

    async fn answer_case(
        &self,
        case: &AfterSaleCase,
        answer: &CaseAnswer,
        key: &IdempotencyKey,
    ) -> Result<()> {
        let (kind, call, body) = cases::answer(case, answer)?;
        let call = AnswerCase::new(&self.cipher, kind, &case.id, call, key, &body)?;
        self.client.call(&call).await.map(|_| ())
    }
}

/// The units of a cancellation; `None` when as many are cancelled as it asks for. Units that can
/// still leave come first. Those whose shipment is arranged go only with everything that is not
/// cancelled of their line, until the carrier collects them: who asks for less means others.
fn to_cancel(units: &[Unit], lines: &[CancelLine]) -> Result<Option<Vec<String>>> {
    let mut chosen = Vec::new();
    for line in lines {
        let count = |suits: fn(&Unit) -> bool| -> Vec<&Unit> {
            units.iter().filter(|unit| unit.line == line.line && suits(unit)).collect()
        };
        if count(|_| true).is_empty() {
            return Err(Error::invalid("lines.line", "is no line of the order"));
        }
        let wanted = usize::try_from(line.units).unwrap_or(usize::MAX);
        let gone = count(|unit| unit.status == UnitStatus::Cancelled).len();
        if gone >= wanted {
            continue;
        }
        let more = wanted.saturating_sub(gone);
        let open = count(Unit::is_open);
        let arranged = count(|unit| unit.status == UnitStatus::Shipped);
        let here = open.len() + arranged.len();
        if more > here {
            return Err(Error::new(ErrorKind::Rejected, "the line has fewer units open"));
        }
        if more > open.len() && more < here {
            return Err(Error::new(ErrorKind::Rejected, ONLY_WHOLE));
        }
        chosen.extend(open.into_iter().chain(arranged).take(more).map(|unit| unit.id.clone()));
    }
    Ok((!chosen.is_empty()).then_some(chosen))
}

/// How many of these units are cancelled.
fn cancelled_of(units: &[Unit], chosen: &BTreeSet<&str>) -> usize {
    let gone = units.iter().filter(|unit| unit.status == UnitStatus::Cancelled);
    gone.filter(|unit| chosen.contains(unit.id.as_str())).count()
}

#[async_trait]
impl Cancellations for TikTokShop {
    async fn cancel(&self, order: &PlatformOrderId, lines: &[CancelLine]) -> Result<()> {
        let named = |error: Error| match error.operation() {
            Some(_) => error,
            None => {
                error.with_operation(TIKTOK_SHOP.as_str(), "cancel").with_context("order", order)
            }
        };
        let Some(first) = lines.first() else {
            return Err(Error::invalid("lines", "a cancellation needs at least one line"));
        };
        if lines.iter().any(|line| line.units == 0) {
            return Err(Error::invalid("lines.units", "must be at least 1"));
        }
        if lines.iter().any(|line| line.reason != first.reason) {
            return Err(Error::invalid("lines.reason", "one cancellation has one reason"));
        }
        lines::once(lines.iter().map(|line| &line.line))?;
        let reason = self.cancel_reason(&first.reason)?;
        let before = self.read(order).await?;
        let Some(units) = to_cancel(&before.units, lines).map_err(named)? else { return Ok(()) };
        let chosen: BTreeSet<&str> = units.iter().map(String::as_str).collect();
        let mut live = before.units.iter().filter(|unit| unit.status != UnitStatus::Cancelled);
        let whole = live.all(|unit| chosen.contains(unit.id.as_str()));
        let is_chosen = |unit: &&Unit| chosen.contains(unit.id.as_str());
        if !whole && before.units.iter().filter(is_chosen).any(|unit| !unit.is_open()) {
            return Err(named(Error::new(ErrorKind::Rejected, ONLY_WHOLE)));
        }
        // A request of the buyer's is granted rather than overtaken, which would count.
        if whole
            && first.reason == CancelReason::BuyerRequest
            && before.order.cancel_request.is_some()
            && let Some(case) = self.pending(order).await?
        {
            let key = IdempotencyKey::derive(&["tiktok-shop", "cancel", &case.id]);
            return self.answer_case(&case, &CaseAnswer::Accept, &key).await;
        }
        let partly = matches!(self.reading.region.as_str(), "US" | "GB");
        let allowed = whole || (partly && first.reason == CancelReason::OutOfStock);
        if !allowed {
            return Err(named(Error::unsupported(
                "part of an order is cancelled in the US and the UK only, as out of stock",
            )));
        }
        let call =
            CreateCancellation::new(&self.cipher, order, &reason, (!whole).then_some(&*units))?;
        let error = match self.client.call(&call).await {
            Ok(done) if done.cancel_status.as_deref().is_none_or(|s| !s.contains("REJECT")) => {
                return Ok(());
            }
            Ok(_) => Error::new(ErrorKind::Rejected, "the cancellation was refused"),
            Err(error) => error,
        };
        if !(error.is_ambiguous() || error.kind() == ErrorKind::Rejected) {
            return Err(named(error));
        }
        let Ok(after) = self.read(order).await else { return Err(named(error)) };
        // What became of the units that were chosen: another look at the request would choose others.
        match cancelled_of(&after.units, &chosen) {
            gone if gone == chosen.len() => Ok(()),
            0 if error.is_ambiguous() => Err(not_there("cancel", error)),
            _ => Err(named(error)),
        }
    }

    async fn refuse_request(&self, order: &PlatformOrderId, reason: &str) -> Result<()> {
        let Some(case) = self.pending(order).await? else {
            return Err(Error::new(ErrorKind::NotFound, "no request to cancel is waiting")
                .with_operation(TIKTOK_SHOP.as_str(), "refuse_request")
                .with_context("order", order));
        };
        let key = IdempotencyKey::derive(&["tiktok-shop", "refuse", &case.id]);
        let answer = CaseAnswer::Refuse { reason: reason.to_owned(), comment: None };
        self.answer_case(&case, &answer, &key).await
    }
}

/// Cursors of cases: cancellations first, then returns.
const CANCELLATIONS: &str = "cancellations:";
const RETURNS: &str = "returns:";

#[async_trait]
impl AfterSale for TikTokShop {
    async fn cases(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<AfterSaleCase>> {
        let body = json!({"update_time_ge": from.timestamp(), "update_time_lt": to.timestamp()});
        let place = cursor.map_or(CANCELLATIONS, Cursor::as_str);
        let filled = |token: &str| (!token.is_empty()).then(|| token.to_owned());
        let next = |prefix: &str, token: Option<String>| {
            token.map(|token| Cursor::new(prefix.to_owned() + &token))
        };
        if let Some(token) = place.strip_prefix(RETURNS) {
            let call = SearchReturns::new(&self.cipher, filled(token).as_deref(), &body)?;
            let page = self.client.call(&call).await?;
            let items = page.return_orders.iter().map(|raw| cases::item(raw.get())).collect();
            return Ok(Page { items, next: next(RETURNS, page.next_page_token) });
        }
        let Some(token) = place.strip_prefix(CANCELLATIONS) else {
            return Err(Error::invalid("cursor", "is none of this list"));
        };
        let call = self.search_cancellations(filled(token).as_deref(), &body)?;
        let page = self.client.call(&call).await?;
        let items = page.cancellations.iter().map(|raw| cases::item(raw.get())).collect();
        let next = next(CANCELLATIONS, page.next_page_token).or(Some(Cursor::new(RETURNS)));
        Ok(Page { items, next })
    }

    async fn case(&self, kind: &CaseKind, id: &str) -> Result<AfterSaleCase> {
        let raw = if *kind == CaseKind::Cancellation {
            let body = json!({ "cancel_ids": [id] });
            let call = self.search_cancellations(None, &body)?;
            self.client.call(&call).await?.cancellations
        } else {
            let body = json!({ "return_ids": [id] });
            let call = SearchReturns::new(&self.cipher, None, &body)?;
            self.client.call(&call).await?.return_orders
        };
        for raw in raw {
            if let PlatformItem::Read(case) = cases::item(raw.get())
                && case.id == id
            {
                return Ok(*case);
            }
        }
        Err(Error::new(ErrorKind::NotFound, "there is no such case")
            .with_operation(TIKTOK_SHOP.as_str(), "case"))
    }

    async fn answer(
        &self,
        case: &AfterSaleCase,
        answer: &CaseAnswer,
        key: &IdempotencyKey,
    ) -> Result<()> {
        self.answer_case(case, answer, key).await
    }
}

#[async_trait]
impl PlatformParcels for TikTokShop {
    async fn split(
        &self,
        order: &PlatformOrderId,
        parcels: &[Vec<ShipmentNoticeLine>],
    ) -> Result<Vec<ParcelParts>> {
        let named = |error: Error| error.with_operation(TIKTOK_SHOP.as_str(), "split");
        if parcels.len() < 2 {
            return Err(named(Error::invalid("parcels", "a split needs at least two")));
        }
        for parcel in parcels {
            lines::check(parcel).map_err(named)?;
        }
        let market = self.market("split")?;
        let before = self.read(order).await?;
        let mut rest = before.units.clone();
        let mut groups = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            let units = settle::to_ship(&rest, parcel, None).map_err(named)?;
            rest.retain(|unit| !units.contains(&unit.id));
            groups.push(units);
        }
        if rest.iter().any(Unit::is_open) {
            return Err(named(Error::invalid("parcels", "a unit of the order is in none")));
        }
        let named_lines = |parcel: &[ShipmentNoticeLine]| -> Vec<LineId> {
            parcel.iter().map(|line| line.line.clone()).collect()
        };
        if !market.split_units {
            let mut seen = BTreeSet::new();
            let twice = parcels.iter().flatten().any(|line| !seen.insert(&line.line));
            if twice {
                return Err(named(Error::unsupported(
                    "the market splits orders by whole SKUs, not within one",
                )));
            }
        }
        let done = self.client.call(&SplitOrder::new(&self.cipher, order, &groups)?).await?;
        Ok(parcels
            .iter()
            .zip(1_u32..)
            .map(|(parcel, group)| {
                let group = group.to_string();
                let made = done
                    .packages
                    .iter()
                    .find(|package| package.splittable_group_id.as_ref() == Some(&group));
                ParcelParts {
                    package: made.and_then(|made| PlatformPackageId::new(made.id.clone()).ok()),
                    orders: vec![order.clone()],
                    lines: named_lines(parcel),
                }
            })
            .collect())
    }

    async fn combine(&self, orders: &[PlatformOrderId]) -> Result<Vec<ParcelParts>> {
        let named = |error: Error| error.with_operation(TIKTOK_SHOP.as_str(), "combine");
        let wanted: BTreeSet<&str> = orders.iter().map(PlatformOrderId::as_str).collect();
        if wanted.len() < 2 {
            return Err(named(Error::invalid("orders", "at least two orders are combined")));
        }
        if !self.market("combine")?.combine {
            return Err(named(Error::unsupported(
                "the market combines nothing: ship each order under the same number",
            )));
        }
        let mut token: Option<String> = None;
        let mut found: Option<PackageOfOrders> = None;
        for _ in 0..PAGES {
            let page =
                self.client.call(&FindCombinable::new(&self.cipher, token.as_deref())).await?;
            found = page.combinable_packages.into_iter().find(|package| {
                let offered: BTreeSet<&str> =
                    package.order_ids.iter().map(String::as_str).collect();
                wanted.is_subset(&offered)
            });
            token = page.next_page_token;
            if found.is_some() || token.is_none() {
                break;
            }
        }
        let Some(mut package) = found else {
            return Err(named(Error::new(
                ErrorKind::Rejected,
                "the platform does not offer to combine these orders",
            )));
        };
        package.order_ids.retain(|id| wanted.contains(id.as_str()));
        let done = self.client.call(&Combine::new(&self.cipher, &package)?).await?;
        if let Some(error) = done.errors.first() {
            return Err(named(dialect::item_error(error)));
        }
        Ok(parts(done.packages))
    }
}

/// Packages with the orders in them.
fn parts(packages: Vec<PackageOfOrders>) -> Vec<ParcelParts> {
    packages
        .into_iter()
        .map(|made| ParcelParts {
            package: PlatformPackageId::new(made.id).ok(),
            orders: made
                .order_ids
                .into_iter()
                .filter_map(|id| PlatformOrderId::new(id).ok())
                .collect(),
            lines: Vec::new(),
        })
        .collect()
}

impl TikTokShop {
    /// Takes orders out of a package that the platform had combined, before it is shipped. Every
    /// order gets a package of its own; the answer says which.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) without orders. No key is taken: after a lost answer
    /// the orders are to be read.
    pub async fn uncombine(
        &self,
        package: &PlatformPackageId,
        orders: &[PlatformOrderId],
    ) -> Result<Vec<ParcelParts>> {
        if orders.is_empty() {
            return Err(Error::invalid("orders", "at least one order is taken out")
                .with_operation(TIKTOK_SHOP.as_str(), "uncombine"));
        }
        let call = Uncombine::new(&self.cipher, package.as_str(), orders)?;
        Ok(parts(self.client.call(&call).await?.packages))
    }

    async fn push_level(&self, level: &StockLevel) -> Result<()> {
        let learned = || {
            let listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
            listings.get(&level.sku).cloned()
        };
        let unknown = || {
            Error::invalid("listing", "where the SKU is offered is not known: name its listing")
                .with_operation(TIKTOK_SHOP.as_str(), "push_stock")
        };
        let listing = level.listing.clone().or_else(learned).ok_or_else(unknown)?;
        let sku = listing.variant.as_deref().ok_or_else(unknown)?;
        // "you must include all warehouse ids": those not meant keep what they have.
        let places = self.client.call(&SearchInventory::new(&self.cipher, sku)?).await?.of(sku);
        let mut places: Vec<(String, u32)> = places
            .into_iter()
            .map(|place| (place.warehouse_id, place.available_quantity))
            .collect();
        let meant = match (&level.warehouse, places.len()) {
            (Some(warehouse), _) => {
                places.iter_mut().find(|(id, _)| id == warehouse.as_str()).map(|(_, units)| units)
            }
            (None, 1) => places.first_mut().map(|(_, units)| units),
            (None, _) => None,
        };
        let Some(units) = meant else {
            return Err(Error::invalid("warehouse", "is none of the warehouses of the SKU")
                .with_operation(TIKTOK_SHOP.as_str(), "push_stock"));
        };
        *units = level.units;
        let call = UpdateInventory::new(&self.cipher, &listing.item, sku, &places)?;
        match self.client.call(&call).await?.errors.first() {
            Some(error) => {
                let error = dialect::item_error(error);
                Err(error.with_operation(TIKTOK_SHOP.as_str(), "push_stock"))
            }
            None => Ok(()),
        }
    }
}

#[async_trait]
impl StockPush for TikTokShop {
    async fn push_stock(&self, levels: &[StockLevel]) -> Vec<Result<()>> {
        let mut outcomes = Vec::with_capacity(levels.len());
        for level in levels {
            outcomes.push(self.push_level(level).await);
        }
        outcomes
    }
}

#[async_trait]
impl BuyerMessages for TikTokShop {
    async fn send_message(
        &self,
        order: &PlatformOrderId,
        text: &Personal<String>,
        _key: &IdempotencyKey,
    ) -> Result<()> {
        let named = |error: Error| error.with_operation(TIKTOK_SHOP.as_str(), "send_message");
        if text.as_str().trim().is_empty() || text.as_str().chars().count() > LONGEST_MESSAGE {
            return Err(named(Error::invalid("text", "must have 1 to 2000 characters")));
        }
        let read = self.read(order).await?;
        let buyer = read.order.buyer.id.ok_or_else(|| {
            named(Error::new(ErrorKind::Rejected, "the order does not name its buyer"))
        })?;
        let call = OpenConversation::new(&self.cipher, buyer.as_str())?;
        let conversation = self.client.call(&call).await?.conversation_id;
        // No key is taken: after a lost answer the message is not sent again.
        let call = SendMessage::new(&self.cipher, &conversation, text.as_str())?;
        self.client.call(&call).await.map(|_| ())
    }
}
