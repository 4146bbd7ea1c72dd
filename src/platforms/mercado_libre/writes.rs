//! What is told about shipments and sales: dispatch, cancellation, splitting.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::calls::{
    Feedback, Get, Notification, NotificationPayload, NotifyShipped, PutTracking, ReadyToShip,
    Resource, Send, Split, number,
};
use super::look::Seen;
use super::statuses::Effect;
use super::webhooks::Notice;
use super::wire::{Paging, WireShipment};
use super::{MERCADO_LIBRE, MercadoLibre, not_there, quota, refused, unsupported};
use crate::client::wire::or_empty;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{PlatformOrderId, PlatformPackageId, TrackingNumber};
use crate::order::{CancelReason, HoldReason, LogisticsMode, PlatformOrder, UnitStatus};
use crate::ports::{
    CancelLine, Cancellations, Confirmed, Cursor, MissedNotices, Page, ParcelParts, PlatformItem,
    PlatformParcels, ShipmentNotice, ShipmentNoticeLine, Unreadable, WebhookNotice,
};

/// "message (<160)".
pub(super) const FEEDBACK_LENGTH: usize = 160;
/// What the history of a shipment says beside our news.
const DISPATCHED: &str = "despachado";

/// What became of a parcel that the seller's own carrier transports, told by the seller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportStep {
    /// On the van.
    OutForDelivery,
    /// Nobody was there.
    ReceiverAbsent,
    /// The area is too dangerous.
    DangerousArea,
    /// The address does not exist.
    BadAddress,
    /// The person there may not take it.
    UnauthorizedReceiver,
    /// Comes back. Final: the buyer gets the money back.
    ReturningToSender,
    /// Delivered. Final.
    Delivered,
}

impl TransportStep {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::OutForDelivery => ("shipped", "out_for_delivery"),
            Self::ReceiverAbsent => ("shipped", "receiver_absent"),
            Self::DangerousArea => ("shipped", "dangerous_area"),
            Self::BadAddress => ("shipped", "bad_address"),
            Self::UnauthorizedReceiver => ("shipped", "unauthorized_receiver"),
            Self::ReturningToSender => ("not_delivered", "returning_to_sender"),
            Self::Delivered => ("delivered", "null"),
        }
    }
}

/// `PUT /shipments/{id}` and Global Selling's `POST …/tracking`.
#[derive(Serialize)]
#[serde(untagged)]
enum TrackingBody<'a> {
    Custom {
        tracking_number: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        service_id: Option<u64>,
    },
    Global {
        tracking_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        tracking_url: Option<&'a str>,
        carrier: &'a str,
    },
}

/// How the platform's shipment relates to a notice.
enum Shown {
    Ours,
    Another,
    Not,
}

fn shown(shipment: &WireShipment, number: &TrackingNumber) -> Shown {
    let left = matches!(
        shipment.effect(),
        Some(Effect::Moving | Effect::Delivered | Effect::Astray | Effect::Returned)
    );
    match shipment.tracking_number.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(theirs) if theirs == number.as_str() => Shown::Ours,
        Some(_) => Shown::Another,
        None if left => Shown::Another,
        None => Shown::Not,
    }
}

/// Why nothing of an order may leave, if so.
pub(super) fn why_not_to_ship(order: &PlatformOrder) -> Option<&'static str> {
    let active = |status: &UnitStatus| *status != UnitStatus::Cancelled;
    if !order.lines.iter().flat_map(|line| &line.units).any(|group| active(&group.status)) {
        return Some("the sale is cancelled");
    }
    if order.holds.iter().any(|hold| hold.reason == HoldReason::Fraud) {
        return Some("the platform suspects fraud: it must not ship");
    }
    if order.paid_at.is_none() {
        return Some("the sale is not paid");
    }
    None
}

/// Whether the notice has every active unit of the order.
fn is_whole(order: &PlatformOrder, lines: &[ShipmentNoticeLine]) -> bool {
    let told = |id: &crate::ids::LineId| -> u32 {
        lines
            .iter()
            .filter(|line| line.line == *id)
            .map(|line| line.units)
            .fold(0, u32::saturating_add)
    };
    order.lines.iter().all(|line| {
        let active: u32 = line
            .units
            .iter()
            .filter(|group| group.status != UnitStatus::Cancelled)
            .map(|group| group.units)
            .fold(0, u32::saturating_add);
        told(&line.id) == active
    })
}

impl MercadoLibre {
    pub(super) async fn tell_shipped(&self, notice: &ShipmentNotice) -> Result<Confirmed> {
        const NAME: &str = "confirm_shipment";
        let Some(number) = &notice.number else {
            return Err(Error::invalid("number", "a shipment is told with its tracking number"));
        };
        if notice.lines.is_empty() || notice.lines.iter().any(|line| line.units == 0) {
            return Err(Error::invalid("lines", "a shipment needs units"));
        }
        let seen = self.look(&notice.order).await?;
        if seen.order.logistics != LogisticsMode::SellerCarrier {
            return Err(unsupported(
                NAME,
                "the platform carries the parcel and sees its scans: there is nothing to upload",
            ));
        }
        let Some(shipment) = seen.shipment() else {
            return Err(unsupported(NAME, "the transport is arranged with the buyer in messages"));
        };
        let conflict = || {
            Error::new(ErrorKind::Conflict, "the shipment has another tracking number")
                .with_operation(MERCADO_LIBRE.as_str(), NAME)
                .with_retry(crate::error::Retry::Never)
                .with_context("order", &notice.order)
        };
        match shown(shipment, number) {
            Shown::Ours => {
                return Ok(Confirmed { already: true, order: Some(Box::new(seen.order)) });
            }
            Shown::Another => return Err(conflict()),
            Shown::Not => {}
        }
        if let Some(why) = why_not_to_ship(&seen.order) {
            return Err(refused(NAME, why));
        }
        if !is_whole(&seen.order, &notice.lines) {
            return Err(unsupported(NAME, "a shipment leaves whole, or is split first"));
        }
        let sent = self.send_tracking(shipment, notice, number).await;
        let Err(error) = sent else { return Ok(Confirmed { already: false, order: None }) };
        if !(error.is_ambiguous() || error.kind() == ErrorKind::Rejected) {
            return Err(error);
        }
        let Ok(now) = self.look(&notice.order).await else { return Err(error) };
        match now.shipment().map(|shipment| shown(shipment, number)) {
            Some(Shown::Ours) => Ok(Confirmed { already: true, order: Some(Box::new(now.order)) }),
            Some(Shown::Another) => Err(conflict()),
            _ if error.is_ambiguous() => Err(not_there(NAME, error)),
            _ => Err(error),
        }
    }

    async fn send_tracking(
        &self,
        shipment: &WireShipment,
        notice: &ShipmentNotice,
        number: &TrackingNumber,
    ) -> Result<()> {
        let url = notice.tracking_url.as_deref().filter(|url| !url.trim().is_empty());
        if self.paths.global {
            let body = TrackingBody::Global {
                tracking_id: number.as_str(),
                tracking_url: url,
                carrier: notice.carrier.as_str(),
            };
            let path = self.paths.shipment(&shipment.id, "/tracking");
            return self.client.call(&Send::<_, NotifyShipped>::new(path, body)).await;
        }
        if shipment.ways().mode == Some("custom") {
            let body = TrackingBody::Custom {
                tracking_number: number.as_str(),
                service_id: self.tracking_service,
            };
            let path = self.paths.shipment(&shipment.id, "");
            return self.client.call(&Send::<_, PutTracking>::new(path, body)).await;
        }
        let Some(service_id) = self.tracking_service else {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the site has no known service_id for tracking numbers; configure it",
            )
            .with_field("tracking_service"));
        };
        let body = Notification {
            payload: NotificationPayload {
                service_id: Some(service_id),
                comment: DISPATCHED,
                // Never in the future: clocks differ by seconds.
                date: self.local(notice.shipped_at.min(self.clock.now())),
            },
            tracking_number: Some(number.as_str()),
            tracking_url: url,
            status: "shipped",
            substatus: "null",
        };
        let path = self.paths.shipment(&shipment.id, "/seller_notifications");
        self.client.call(&Send::<_, NotifyShipped>::new(path, body)).await
    }

    /// An instant with the site's own offset, as the examples have it.
    fn local(&self, at: DateTime<Utc>) -> String {
        match self.site.zone() {
            Some(zone) => at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, false),
            None => at.to_rfc3339_opts(SecondsFormat::Millis, false),
        }
    }

    /// Tells what became of a parcel that the seller's own carrier transports (`me1`).
    /// [`TransportStep::Delivered`] and [`TransportStep::ReturningToSender`] cannot be taken back.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the platform carries the parcel itself or sells across
    /// borders; otherwise whatever the call failed with. After an ambiguous one, read the order.
    pub async fn report_transport(
        &self,
        order: &PlatformOrderId,
        step: TransportStep,
        comment: &str,
        at: DateTime<Utc>,
    ) -> Result<()> {
        const NAME: &str = "report_transport";
        if self.paths.global {
            return Err(unsupported(NAME, "sales across borders have another call"));
        }
        let seen = self.look(order).await?;
        let shipment = seen.shipment().filter(|shipment| shipment.ways().mode == Some("me1"));
        let Some(shipment) = shipment else {
            return Err(unsupported(NAME, "only parcels of the seller's own carrier are reported"));
        };
        let (status, substatus) = step.words();
        let stands = (shipment.status.as_str(), shipment.substatus.as_deref().unwrap_or("null"));
        if stands == (status, substatus) {
            return Ok(());
        }
        let body = Notification {
            payload: NotificationPayload {
                service_id: None,
                comment,
                date: self.local(at.min(self.clock.now())),
            },
            tracking_number: None,
            tracking_url: None,
            status,
            substatus,
        };
        let path = self.paths.shipment(&shipment.id, "/seller_notifications");
        self.client.call(&Send::<_, NotifyShipped>::new(path, body)).await
    }

    /// Says that goods with a manufacturing time are at hand, so that the label can be made.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when there is no shipment of the platform's; otherwise whatever
    /// the call failed with.
    pub async fn mark_ready_to_ship(&self, order: &PlatformOrderId) -> Result<()> {
        const NAME: &str = "mark_ready_to_ship";
        let seen = self.look(order).await?;
        let shipment = seen.shipment().filter(|shipment| shipment.ways().mode == Some("me2"));
        let Some(shipment) = shipment else {
            return Err(unsupported(NAME, "only shipments of the platform wait for the goods"));
        };
        if !matches!(shipment.effect(), Some(Effect::Waiting | Effect::Unpaid | Effect::Hold)) {
            return Ok(());
        }
        let path = self.paths.shipment(&shipment.id, "/process/ready_to_ship");
        let sent =
            self.client.call(&Send::<_, ReadyToShip>::new(path, serde_json::Map::new())).await;
        let error = match sent {
            Err(error) if error.is_ambiguous() => error,
            other => return other,
        };
        let Ok(now) = self.look(order).await else { return Err(error) };
        match now.effect() {
            Some(Effect::LabelReady | Effect::Collection | Effect::Moving) => Ok(()),
            _ => Err(not_there(NAME, error)),
        }
    }
}

// ---- cancelling -------------------------------------------------------------------------------

/// The reasons that the platform takes from sellers.
const CANCEL_REASONS: &[&str] = &[
    "OUT_OF_STOCK",
    "BUYER_NOT_ENOUGH_MONEY",
    "BUYER_REGRETS",
    "SELLER_REGRETS",
    "BUYER_DID_NOT_ANSWER",
    "THEY_NOT_HONORING_POLICIES",
    "OTHER_MY_RESPONSIBILITY",
    "OTHER_THEIR_RESPONSIBILITY",
    "DUBIOUS_BUYER",
    "HIGH_ML_COMISSION",
    "HIGH_TAXES",
    "SELLER_HOLIDAY",
    "UNFRIENDLY_SHIPMENT_POLICY",
    "UNAVAILABLE_PRODUCT",
    "SELLER_ADDRESS_WITHDRAWAL",
    "WRONG_RECEIVER_ADDRESS",
    "HIGH_SHIPMENT_COST",
    "WRONG_SHIPMENT_COST",
    "UNPRINTED_LABEL",
    "UNWITHDRAWN_PRODUCT_BY_DELIVER_COMPANY",
    "DENIED_PACKAGE",
    "UNABLE_TO_READ_LABEL",
    "MANUFACTURING_PRODUCT_NOT_FINISHED",
    "SHIPMENT_PROBLEM_OTHER",
    "DELIVERY_COMPANY_PROBLEM_OTHER",
];

/// The platform's word for why a seller cancels. What has no word is refused: another one would be
/// untrue.
fn cancel_reason(reason: &CancelReason) -> Result<&'static str> {
    let found = match reason {
        CancelReason::OutOfStock => Some("OUT_OF_STOCK"),
        CancelReason::BuyerRequest => Some("BUYER_REGRETS"),
        CancelReason::PricingError => Some("SELLER_REGRETS"),
        CancelReason::Fraud => Some("DUBIOUS_BUYER"),
        CancelReason::Unserviceable => Some("WRONG_RECEIVER_ADDRESS"),
        CancelReason::Undeliverable => Some("DELIVERY_COMPANY_PROBLEM_OTHER"),
        CancelReason::Seller(word) | CancelReason::Platform(word) => {
            CANCEL_REASONS.iter().copied().find(|known| *known == word)
        }
        _ => None,
    };
    found.ok_or_else(|| {
        Error::invalid("lines.reason", format!("Mercado Libre has no word for {reason:?}"))
    })
}

#[derive(Serialize)]
struct FeedbackBody<'a> {
    fulfilled: bool,
    message: &'a str,
    reason: &'a str,
    restock_item: bool,
}

/// `GET /orders/{id}/feedback`.
#[derive(Deserialize)]
struct FeedbackAnswer {
    #[serde(default)]
    sale: Option<Given>,
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    fulfilled: Option<bool>,
}

impl Resource for FeedbackAnswer {
    const NAME: &'static str = "get_feedback";
    const QUOTA: &'static str = quota::ORDERS;
}

/// The order of a pack that a line belongs to.
fn order_of(line: &str) -> &str {
    line.split('-').next().unwrap_or(line)
}

/// The orders of the pack to cancel, each wholly, with the reason given first.
fn to_cancel<'a>(
    order: &'a PlatformOrder,
    lines: &'a [CancelLine],
) -> Result<BTreeMap<&'a str, &'static str>> {
    const NAME: &str = "cancel";
    if lines.is_empty() || lines.iter().any(|line| line.units == 0) {
        return Err(Error::invalid("lines", "a cancellation needs units"));
    }
    let mut orders = BTreeMap::new();
    for line in lines {
        let reason = cancel_reason(&line.reason)?;
        let Some(known) = order.lines.iter().find(|known| known.id == line.line) else {
            return Err(Error::invalid("lines.line", "is no line of the order"));
        };
        let standing = |wanted: fn(&UnitStatus) -> bool| -> u32 {
            known
                .units
                .iter()
                .filter(|group| wanted(&group.status))
                .map(|group| group.units)
                .fold(0, u32::saturating_add)
        };
        let cancelled = standing(|status| *status == UnitStatus::Cancelled);
        if cancelled >= line.units {
            continue;
        }
        let left = standing(|status| {
            matches!(status, UnitStatus::InTransit | UnitStatus::Delivered | UnitStatus::Returned)
        });
        if left > 0 {
            return Err(refused(NAME, "the units have left: money goes back by a claim"));
        }
        if line.units < known.quantity {
            return Err(unsupported(NAME, "a sale is cancelled whole, never in part"));
        }
        orders.entry(order_of(known.id.as_str())).or_insert(reason);
    }
    // Feedback is about a sale: every line of it must be meant.
    let partly = order.lines.iter().any(|line| {
        orders.contains_key(order_of(line.id.as_str()))
            && !lines.iter().any(|meant| meant.line == line.id)
    });
    if partly {
        return Err(unsupported(NAME, "a sale is cancelled whole, with all of its lines"));
    }
    Ok(orders)
}

impl MercadoLibre {
    async fn said_unfulfilled(&self, order: &str) -> Result<bool> {
        let path = format!("{}/feedback", self.paths.order(order));
        match self.client.call(&Get::<FeedbackAnswer>::new(path)).await {
            Ok((answer, _)) => Ok(answer.sale.and_then(|given| given.fulfilled) == Some(false)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Cancellations for MercadoLibre {
    async fn cancel(&self, order: &PlatformOrderId, lines: &[CancelLine]) -> Result<()> {
        if self.paths.global {
            return Err(unsupported(
                "cancel",
                "sales across borders are cancelled by the platform",
            ));
        }
        let Seen { order: known, .. } = self.look(order).await?;
        for (id, reason) in to_cancel(&known, lines)? {
            let body = FeedbackBody {
                fulfilled: false,
                message: &self.cancel_words,
                reason,
                restock_item: reason != "OUT_OF_STOCK",
            };
            let path = format!("{}/feedback", self.paths.order(id));
            let sent = self.client.call(&Send::<_, Feedback>::new(path, body)).await;
            let Err(error) = sent else { continue };
            if !(error.is_ambiguous() || error.kind() == ErrorKind::Rejected) {
                return Err(error);
            }
            // A second feedback is refused: the refusal may be the echo of our own first.
            match self.said_unfulfilled(id).await {
                Ok(true) => {}
                Ok(false) if error.is_ambiguous() => return Err(not_there("cancel", error)),
                Ok(false) | Err(_) => return Err(error),
            }
        }
        Ok(())
    }

    async fn refuse_request(&self, _order: &PlatformOrderId, _reason: &str) -> Result<()> {
        Err(unsupported("refuse_request", "a buyer's wish comes as a claim and is answered there"))
    }
}

// ---- splitting --------------------------------------------------------------------------------

#[derive(Serialize)]
struct SplitBody<'a> {
    reason: &'a str,
    packs: Vec<SplitPack>,
}

#[derive(Serialize)]
struct SplitPack {
    /// In the local examples only.
    #[serde(skip_serializing_if = "Option::is_none")]
    package_id: Option<usize>,
    orders: Vec<SplitOrder>,
}

#[derive(Serialize)]
struct SplitOrder {
    id: OrderNumber,
    quantity: u32,
}

/// A number in the local examples, a text across borders.
#[derive(Serialize)]
#[serde(untagged)]
enum OrderNumber {
    Number(u64),
    Text(String),
}

fn is_split(shipment: &WireShipment) -> bool {
    shipment.status == "cancelled" && shipment.substatus.as_deref() == Some("pack_splitted")
}

#[async_trait]
impl PlatformParcels for MercadoLibre {
    async fn split(
        &self,
        order: &PlatformOrderId,
        parcels: &[Vec<ShipmentNoticeLine>],
    ) -> Result<Vec<ParcelParts>> {
        const NAME: &str = "split";
        if parcels.len() != 2 || parcels.iter().any(Vec::is_empty) {
            return Err(unsupported(NAME, "a shipment is split into two parcels, once"));
        }
        let global = self.paths.global;
        let mut packs = Vec::with_capacity(parcels.len());
        for (place, parcel) in parcels.iter().enumerate() {
            let mut orders: BTreeMap<u64, u32> = BTreeMap::new();
            for line in parcel {
                let id = number("parcels.line", order_of(line.line.as_str()))?;
                let units = orders.entry(id).or_default();
                *units = units.saturating_add(line.units);
            }
            packs.push(SplitPack {
                package_id: (!global).then_some(place + 1),
                orders: orders
                    .into_iter()
                    .map(|(id, quantity)| SplitOrder {
                        id: match global {
                            true => OrderNumber::Text(id.to_string()),
                            false => OrderNumber::Number(id),
                        },
                        quantity,
                    })
                    .collect(),
            });
        }
        let all: Vec<ShipmentNoticeLine> = parcels.iter().flatten().cloned().collect();
        let parts = || {
            let part = |parcel: &Vec<ShipmentNoticeLine>| ParcelParts {
                package: None,
                orders: Vec::new(),
                lines: parcel.iter().map(|line| line.line.clone()).collect(),
            };
            parcels.iter().map(part).collect()
        };
        let seen = self.look(order).await?;
        let Some(shipment) = seen.shipment() else {
            return Err(unsupported(NAME, "the order has no shipment to split"));
        };
        if is_split(shipment) {
            return Ok(parts());
        }
        if matches!(shipment.ways().kind, Some("self_service" | "fulfillment")) {
            return Err(unsupported(NAME, "Flex and Full shipments are not split"));
        }
        if !is_whole(&seen.order, &all) {
            return Err(Error::invalid("parcels", "all units must be in one of the parcels"));
        }
        let body = SplitBody { reason: &self.split_reason, packs };
        let path = self.paths.shipment(&shipment.id, "/split");
        let sent = self.client.call(&Send::<_, Split>::new(path, body)).await;
        let error = match sent {
            Ok(()) => return Ok(parts()),
            Err(error) if error.is_ambiguous() => error,
            Err(error) => return Err(error),
        };
        let Ok((now, _)) = self
            .client
            .call(&Get::<WireShipment>::new(self.paths.shipment(&shipment.id, "")))
            .await
        else {
            return Err(error);
        };
        if is_split(&now) { Ok(parts()) } else { Err(not_there(NAME, error)) }
    }

    async fn combine(&self, _orders: &[PlatformOrderId]) -> Result<Vec<ParcelParts>> {
        Err(unsupported("combine", "packs are made by the buyer's cart, never by the seller"))
    }
}

// ---- notifications that did not arrive ---------------------------------------------------------

/// Notifications asked for at once.
const MISSED_PAGE: u64 = 50;

#[derive(Deserialize)]
struct MissedAnswer {
    #[serde(default, deserialize_with = "or_empty")]
    messages: Vec<Box<serde_json::value::RawValue>>,
    #[serde(default, deserialize_with = "or_empty")]
    paging: Paging,
}

impl Resource for MissedAnswer {
    const NAME: &'static str = "missed_notices";
    const QUOTA: &'static str = quota::ACCOUNT;
}

#[async_trait]
impl MissedNotices for MercadoLibre {
    async fn missed(&self, cursor: Option<&Cursor>) -> Result<Page<WebhookNotice>> {
        let offset: u64 = match cursor {
            None => 0,
            Some(cursor) => cursor
                .as_str()
                .parse()
                .map_err(|_| Error::invalid("cursor", "is no cursor of this adapter"))?,
        };
        let call = Get::<MissedAnswer>::new("/missed_feeds")
            .with("app_id", self.application.as_str())
            .with("offset", offset.to_string())
            .with("limit", MISSED_PAGE.to_string());
        let (answer, _) = self.client.call(&call).await?;
        let (count, now) = (answer.messages.len() as u64, self.clock.now());
        let seller = self.seller.to_string();
        let mut items = Vec::with_capacity(answer.messages.len());
        for raw in &answer.messages {
            let notice: Result<Notice> = crate::client::wire::decode(raw.get().as_bytes());
            match notice
                .and_then(|notice| notice.read(now).map(|read| (notice.is_about(&seller), read)))
            {
                // The application may serve other sellers, too.
                Ok((false, _)) => {}
                Ok((true, read)) => items.push(PlatformItem::Read(Box::new(read))),
                Err(error) => {
                    items.push(Unreadable::new(None, error.message(), raw.get()).into());
                }
            }
        }
        let next = answer.paging.next(offset, count, MISSED_PAGE);
        Ok(Page { items, next: next.map(|next| Cursor::new(next.to_string())) })
    }
}

/// A parcel's id as the platform's calls want it.
pub(super) fn parcel_id(shipment: &WireShipment) -> Result<PlatformPackageId> {
    PlatformPackageId::new(shipment.id.clone())
        .map_err(|_| crate::client::wire::unexpected("id is not usable as a package id"))
}
