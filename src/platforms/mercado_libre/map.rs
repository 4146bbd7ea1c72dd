//! Mercado Libre's words in ours.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::pages::{ReadOrder, raw};
use super::statuses::{self, Effect};
use super::wire::{
    HistoryRow, WireAddress, WireItem, WireOrder, WirePack, WirePayment, WireShipment, WireSla,
};
use crate::address::{Address, Contact, Country};
use crate::client::wire::{filled, unexpected};
use crate::error::Result;
use crate::ids::{
    BuyerId, LineId, PaymentId, PlatformOrderId, PlatformPackageId, Sku, TrackingNumber,
};
use crate::money::{Currency, Money};
use crate::order::{
    DeadlineKind, HoldReason, LogisticsMode, Payment, PaymentMethod, PaymentState, PlatformBuyer,
    PlatformDeadline, PlatformHold, PlatformLine, PlatformOrder, PlatformShipment, PlatformTrouble,
    SpeedClass, UnitGroup, UnitStatus,
};
use crate::personal::Personal;

/// What is known of the shipment of a pack, with the bytes it was read from.
#[derive(Default)]
pub(super) struct ShipmentFacts {
    pub(super) shipment: Option<WireShipment>,
    pub(super) sla: Option<WireSla>,
    pub(super) history: Vec<HistoryRow>,
    pub(super) raw: Vec<(&'static str, String)>,
}

/// How a shipment travels.
pub(super) struct Ways<'a> {
    pub(super) mode: Option<&'a str>,
    pub(super) kind: Option<&'a str>,
}

impl WireShipment {
    pub(super) fn ways(&self) -> Ways<'_> {
        let logistic = self.logistic.as_ref();
        Ways {
            mode: logistic.and_then(|l| l.mode.as_deref()).or(self.mode.as_deref()),
            kind: logistic.and_then(|l| l.kind.as_deref()).or(self.logistic_type.as_deref()),
        }
    }

    pub(super) fn effect(&self) -> Option<Effect> {
        statuses::find(&self.status, self.substatus.as_deref()).map(|row| row.effect)
    }

    /// Status and substatus as one word for people.
    pub(super) fn words(&self) -> String {
        match filled(self.substatus.as_deref()) {
            Some(substatus) => format!("{}/{substatus}", self.status),
            None => self.status.clone(),
        }
    }

    fn logistics(&self) -> LogisticsMode {
        let ways = self.ways();
        match (ways.mode, ways.kind) {
            (_, Some("fulfillment")) => LogisticsMode::PlatformFulfilled,
            (Some("me2"), _) => LogisticsMode::PlatformLabel,
            (Some("me1" | "custom" | "not_specified"), _) | (None, None) => {
                LogisticsMode::SellerCarrier
            }
            // A mode of tomorrow: buying a label on our own account would be the costly mistake.
            _ => LogisticsMode::PlatformLabel,
        }
    }
}

/// What the order's own status says, before the shipment is asked.
enum Standing {
    Unpaid,
    Paid,
    Cancelled,
    Unknown(String),
}

fn standing(order: &WireOrder<'_>) -> Standing {
    let refunded = || order.tags.iter().any(|tag| &**tag == "unfulfilled");
    match &*order.status {
        "confirmed" | "payment_required" | "payment_in_process" | "partially_paid" => {
            Standing::Unpaid
        }
        // Refunded with account money: it never becomes `cancelled` by name.
        "paid" | "partially_refunded" if refunded() => Standing::Cancelled,
        "paid" | "partially_refunded" | "pending_cancel" => Standing::Paid,
        "cancelled" | "invalid" => Standing::Cancelled,
        other => Standing::Unknown(other.to_owned()),
    }
}

pub(super) fn order_of(
    orders: &[ReadOrder<'_>],
    pack: Option<&WirePack>,
    facts: &ShipmentFacts,
) -> Result<PlatformOrder> {
    let first = orders.first().ok_or_else(|| unexpected("the pack has no orders"))?;
    let id = PlatformOrderId::new(first.work_unit().as_ref())
        .map_err(|_| unexpected("id or pack_id is not usable as an id"))?;
    let shipment = facts.shipment.as_ref();
    let row = shipment.map(|s| statuses::find(&s.status, s.substatus.as_deref()));
    let parcel = shipment.map(|shipment| parcel(shipment, facts));
    let mut total: Option<Money> = None;
    let count = orders.iter().map(|order| order.wire.order_items.len()).sum();
    let mut lines: Vec<PlatformLine> = Vec::with_capacity(count);
    for order in orders {
        let wire = &order.wire;
        let currency = currency_of(wire)?;
        let first_line = lines.len();
        for (place, item) in wire.order_items.iter().enumerate() {
            let line = line(wire, place, item, currency, shipment, row.flatten(), parcel.as_ref())?;
            lines.push(line);
        }
        let amount = match wire.total_amount {
            Some(amount) => Money::new(amount, currency),
            // Across borders there is none.
            None => sum_of(lines.get(first_line..).unwrap_or_default(), currency)?,
        };
        let amount = match wire.shipping_cost {
            Some(cost) => amount
                .checked_add(&Money::new(cost, currency))
                .map_err(|_| beyond("shipping_cost"))?,
            None => amount,
        };
        total = Some(match total {
            Some(total) => total
                .checked_add(&amount)
                .map_err(|_| unexpected("currency_id differs between the orders of one pack"))?,
            None => amount,
        });
    }
    let total = total.ok_or_else(|| unexpected("the pack has no orders"))?;
    let unpaid = orders.iter().any(|order| matches!(standing(&order.wire), Standing::Unpaid))
        || row.flatten().is_some_and(|row| row.effect == Effect::Unpaid);
    let placed_at = orders.iter().map(|order| order.wire.date_created).min();
    let logistics = match shipment {
        Some(shipment) if is_closed_by_user(shipment) => LogisticsMode::SellerCarrier,
        Some(shipment) => shipment.logistics(),
        None if first.wire.shipping.id.is_some() => LogisticsMode::PlatformLabel,
        None => LogisticsMode::SellerCarrier,
    };
    let cancelled = orders.iter().all(|order| matches!(standing(&order.wire), Standing::Cancelled));
    Ok(PlatformOrder {
        number: (first.wire.id != id.as_str()).then(|| first.wire.id.clone().into_owned()),
        site: filled(first.wire.context.site.as_deref())
            .or_else(|| first.wire.order_items.first().and_then(|item| site_of(&item.item.id))),
        status: Some(words_of(orders)),
        paid_at: if unpaid { None } else { paid_at(orders) },
        // A parcel that moves does not touch its order's own stamp.
        updated_at: orders
            .iter()
            .filter_map(|order| order.wire.last_updated)
            .chain(shipment.and_then(|shipment| shipment.last_updated))
            .max(),
        buyer: buyer(&first.wire),
        recipient: shipment.and_then(recipient),
        logistics,
        requested_service: shipment.and_then(service),
        speed: shipment.map_or_else(SpeedClass::default, |s| speed(s, facts.sla.as_ref())),
        payments: payments(orders)?,
        deadlines: deadlines(facts),
        holds: holds(orders, shipment, row.flatten().map(|row| row.effect)),
        troubles: match (shipment, row.flatten().and_then(statuses::Row::trouble)) {
            // A cancelled sale has no parcel left to worry about.
            (Some(shipment), Some(kind)) if !cancelled => {
                vec![PlatformTrouble { kind, detail: shipment.words() }]
            }
            _ => Vec::new(),
        },
        completed_at: None,
        note: shipment.and_then(|shipment| {
            let comments = shipment.destination.as_ref().and_then(|d| d.comments.as_deref());
            filled(comments).map(Personal::new)
        }),
        test: orders.iter().any(|order| order.wire.tags.iter().any(|tag| &**tag == "test_order"))
            || shipment.is_some_and(|s| s.tags.iter().any(|tag| tag == "test_shipment")),
        attributes: attributes(orders, pack, facts, row.flatten().and_then(|row| row.note)),
        lines,
        raw: raw(orders, facts),
        ..PlatformOrder::new(id, placed_at.unwrap_or(first.wire.date_created), total)
    })
}

fn sum_of(lines: &[PlatformLine], currency: Currency) -> Result<Money> {
    lines
        .iter()
        .filter_map(|line| line.line_total.as_ref())
        .try_fold(Money::zero(currency), |sum, amount| {
            sum.checked_add(amount).map_err(|_| beyond("order_items"))
        })
}

fn beyond(what: &str) -> crate::Error {
    unexpected(format!("{what} cannot be summed"))
}

/// The buyer and the seller agreed on another way: the sale goes on without this shipment.
fn is_closed_by_user(shipment: &WireShipment) -> bool {
    shipment.status == "cancelled" && shipment.substatus.as_deref() == Some("closed_by_user")
}

fn words_of(orders: &[ReadOrder<'_>]) -> String {
    if let [only] = orders {
        return only.wire.status.clone().into_owned();
    }
    let mut words: Vec<&str> = orders.iter().map(|order| order.wire.status.as_ref()).collect();
    words.dedup();
    words.join(",")
}

/// The site's code at the beginning of an item's id.
fn site_of(item: &str) -> Option<String> {
    item.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_uppercase())).map(str::to_owned)
}

fn currency_of(order: &WireOrder<'_>) -> Result<Currency> {
    let code = order
        .currency_id
        .as_deref()
        .or_else(|| order.order_items.iter().find_map(|item| item.currency_id.as_deref()))
        .ok_or_else(|| unexpected("currency_id is missing"))?;
    Currency::new(code).map_err(|_| unexpected("currency_id is not an ISO 4217 code"))
}

/// A line's id, the same whenever the order is read: order, item, variation, and the element where
/// an item occurs twice.
fn line_id(order: &WireOrder<'_>, place: usize, item: &WireItem<'_>) -> Result<LineId> {
    let facts = &item.item;
    let mut id = format!("{}-{}", order.id, facts.id);
    if let Some(variation) = said(facts.variation_id.as_deref()) {
        id.push('-');
        id.push_str(variation);
    }
    let same = |other: &WireItem<'_>| {
        other.item.id == facts.id && other.item.variation_id == facts.variation_id
    };
    if order.order_items.iter().filter(|other| same(other)).count() > 1 {
        id.push('#');
        match &item.element_id {
            Some(element) => id.push_str(element),
            None => id.push_str(&format!("p{place}")),
        }
    }
    LineId::new(id).map_err(|_| unexpected("order_items.item.id is not usable as an id"))
}

fn line(
    order: &WireOrder<'_>,
    place: usize,
    item: &WireItem<'_>,
    currency: Currency,
    shipment: Option<&WireShipment>,
    row: Option<&statuses::Row>,
    parcel: Option<&PlatformShipment>,
) -> Result<PlatformLine> {
    let facts = &item.item;
    let own = item.currency_id.as_deref().map(Currency::new).transpose();
    if !matches!(own, Ok(own) if own.is_none_or(|own| own == currency)) {
        return Err(unexpected("order_items.currency_id differs from the order's"));
    }
    let unit_price = Money::new(item.unit_price, currency);
    let line_total = unit_price.times(item.quantity).map_err(|_| beyond("unit_price"))?;
    let discount = discount(item, &line_total)?;
    let mut extra = BTreeMap::new();
    keep(&mut extra, "item_id", Some(&facts.id));
    keep(&mut extra, "variation_id", facts.variation_id.as_deref());
    keep(&mut extra, "user_product_id", facts.user_product_id.as_deref());
    keep(&mut extra, "parent_item_id", facts.parent_item_id.as_deref());
    keep(&mut extra, "condition", facts.condition.as_deref());
    keep(&mut extra, "sale_fee", item.sale_fee.as_deref());
    if let Some(days) = item.manufacturing_days {
        extra.insert("manufacturing_days".to_owned(), days.to_string());
    }
    if let Some(stock) = item.stock.iter().next() {
        keep(&mut extra, "store_id", stock.store_id.as_deref());
        keep(&mut extra, "network_node_id", stock.network_node_id.as_deref());
    }
    for attribute in &facts.variation_attributes {
        if let Some(name) = said(attribute.name.as_deref()) {
            keep(&mut extra, name, attribute.value_name.as_deref());
        }
    }
    let sku = filled(facts.seller_sku.as_deref())
        .or_else(|| filled(facts.seller_custom_field.as_deref()))
        .and_then(|sku| Sku::new(sku).ok());
    let group = units(order, item.quantity, shipment, row, parcel);
    let mut line = PlatformLine::new(
        line_id(order, place, item)?,
        filled(facts.title.as_deref()).unwrap_or_default(),
        item.quantity,
        unit_price,
    );
    line.sku = sku;
    line.attributes = extra;
    line.line_total = Some(line_total);
    line.discount = discount;
    line.units = vec![group];
    Ok(line)
}

/// What the buyer saves on a line, if anything: the full price is told of one unit, or of all.
fn discount(item: &WireItem<'_>, line_total: &Money) -> Result<Option<Money>> {
    let currency = line_total.currency;
    let full = match (item.full_unit_price, item.gross_price) {
        (Some(full), _) if full > item.unit_price => {
            let all = Money::new(full, currency).times(item.quantity);
            all.map_err(|_| beyond("full_unit_price"))?.amount
        }
        (None, Some(gross)) if gross > line_total.amount => gross,
        _ => return Ok(None),
    };
    Ok(full.checked_sub(line_total.amount).map(|off| Money::new(off, currency)))
}

/// The worst of order and shipment: a cancelled order wins over any shipment, a cancelled shipment
/// does not cancel its order.
fn units(
    order: &WireOrder<'_>,
    quantity: u32,
    shipment: Option<&WireShipment>,
    row: Option<&statuses::Row>,
    parcel: Option<&PlatformShipment>,
) -> UnitGroup {
    let cancelled = || UnitGroup {
        reason: Some(cancel_words(order)),
        ..UnitGroup::new(UnitStatus::Cancelled, quantity)
    };
    let shipped =
        |status| UnitGroup { shipment: parcel.cloned(), ..UnitGroup::new(status, quantity) };
    let standing = standing(order);
    match standing {
        Standing::Cancelled => return cancelled(),
        Standing::Unknown(word) => return UnitGroup::new(UnitStatus::Unknown(word), quantity),
        Standing::Unpaid | Standing::Paid => {}
    }
    let Some(shipment) = shipment else { return UnitGroup::new(UnitStatus::New, quantity) };
    let Some(row) = row else {
        return UnitGroup::new(UnitStatus::Unknown(shipment.words()), quantity);
    };
    match row.effect {
        Effect::Unpaid
        | Effect::Waiting
        | Effect::LabelReady
        | Effect::Void
        | Effect::Fraud
        | Effect::Hold => UnitGroup::new(UnitStatus::New, quantity),
        // A printed label is no parcel on its way: until the first scan the sale may still be
        // cancelled, and whether the parcel has left is the seller's to say. Its number is kept
        // among the attributes.
        Effect::Collection => UnitGroup::new(UnitStatus::Acknowledged, quantity),
        Effect::Moving | Effect::Astray => shipped(UnitStatus::InTransit),
        Effect::Delivered => shipped(UnitStatus::Delivered),
        Effect::Returned => {
            UnitGroup { reason: Some(shipment.words()), ..shipped(UnitStatus::Returned) }
        }
        Effect::Legacy => UnitGroup::new(UnitStatus::Unknown(shipment.words()), quantity),
    }
}

fn cancel_words(order: &WireOrder<'_>) -> String {
    let detail = order.cancel_detail.as_ref();
    let group = detail.and_then(|detail| filled(detail.group.as_deref()));
    let code = detail.and_then(|detail| filled(detail.code.as_deref()));
    match (group, code) {
        (Some(group), Some(code)) => format!("{group}: {code}"),
        (Some(word), None) | (None, Some(word)) => word,
        (None, None) if order.tags.iter().any(|tag| &**tag == "unfulfilled") => {
            "unfulfilled".into()
        }
        (None, None) => order.status.clone().into_owned(),
    }
}

/// The parcel as the platform knows it.
fn parcel(shipment: &WireShipment, facts: &ShipmentFacts) -> PlatformShipment {
    let handed_over = first_handed_over(&facts.history)
        .or_else(|| shipment.status_history.as_ref().and_then(|h| h.date_shipped));
    PlatformShipment {
        package: PlatformPackageId::new(shipment.id.clone()).ok(),
        carrier: filled(shipment.tracking_method.as_deref()),
        number: filled(shipment.tracking_number.as_deref())
            .and_then(|number| TrackingNumber::new(number).ok()),
        url: None,
        shipped_at: handed_over,
        collected_at: handed_over,
        delivered_at: first_with(&facts.history, Effect::Delivered)
            .or_else(|| shipment.status_history.as_ref().and_then(|h| h.date_delivered)),
    }
}

/// When the parcel first was physically out of the seller's hands.
pub(super) fn first_handed_over(history: &[HistoryRow]) -> Option<DateTime<Utc>> {
    first_with(history, Effect::Moving)
}

/// When a status first said something of the parcel. The history is in no order.
fn first_with(history: &[HistoryRow], effect: Effect) -> Option<DateTime<Utc>> {
    history
        .iter()
        .filter(|row| {
            statuses::find(&row.status, row.substatus.as_deref())
                .is_some_and(|found| found.effect == effect)
        })
        .map(|row| row.date)
        .min()
}

/// When the last payment that was needed came in.
fn paid_at(orders: &[ReadOrder<'_>]) -> Option<DateTime<Utc>> {
    orders
        .iter()
        .filter_map(|order| {
            let wire = &order.wire;
            let approved = wire.payments.iter().filter_map(|payment| payment.date_approved).max();
            let paid = matches!(standing(wire), Standing::Paid);
            approved.or(wire.date_closed.filter(|_| paid)).or(paid.then_some(wire.date_created))
        })
        .max()
}

fn buyer(order: &WireOrder<'_>) -> PlatformBuyer {
    let wire = &order.buyer;
    let name = match (said(wire.first_name.as_deref()), said(wire.last_name.as_deref())) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) => filled(wire.nickname.as_deref()),
    };
    PlatformBuyer {
        id: wire.id.as_deref().and_then(|id| BuyerId::new(id).ok()),
        name: name.map(Personal::new),
        email: filled(wire.email.as_deref()).map(Personal::new),
    }
}

/// A masked field says nothing: `XXXXXXX`.
fn unmasked(text: Option<&str>) -> Option<String> {
    filled(text).filter(|text| !text.chars().all(|c| matches!(c, 'X' | 'x' | '*')))
}

fn recipient(shipment: &WireShipment) -> Option<Contact> {
    let destination = shipment.destination.as_ref();
    let address: &WireAddress = destination
        .and_then(|destination| destination.shipping_address.as_ref())
        .or(shipment.receiver_address.as_ref())?;
    let name = destination
        .and_then(|d| filled(d.receiver_name.as_deref()))
        .or_else(|| filled(address.receiver_name.as_deref()));
    let phone = destination
        .and_then(|d| unmasked(d.receiver_phone.as_deref()))
        .or_else(|| unmasked(address.receiver_phone.as_deref()));
    let street = filled(address.address_line.as_deref()).or_else(|| {
        let street = filled(address.street_name.as_deref())?;
        Some(match filled(address.street_number.as_deref()) {
            Some(number) => format!("{street} {number}"),
            None => street,
        })
    });
    // Until the payment is in, the address is hidden.
    if street.is_none() && address.city.name.is_none() {
        return None;
    }
    let lines =
        [street, filled(address.comment.as_deref()), filled(address.neighborhood.name.as_deref())];
    Some(Contact {
        name: Personal::new(name.unwrap_or_default()),
        company: None,
        phone: phone.map(Personal::new),
        email: None,
        address: Address {
            lines: lines.into_iter().flatten().map(Personal::new).collect(),
            city: filled(address.city.name.as_deref()).unwrap_or_default(),
            // `BR-SP` is the country and the state.
            state: filled(address.state.id.as_deref())
                .map(|id| id.split_once('-').map_or(id.clone(), |(_, state)| state.to_owned()))
                .or_else(|| filled(address.state.name.as_deref())),
            postal_code: filled(address.zip_code.as_deref()),
            country: address.country.id.as_deref().and_then(Country::new),
            residential: match address.delivery_preference.as_deref().map(str::trim) {
                Some("residential") => Some(true),
                Some("business") => Some(false),
                _ => None,
            },
        },
    })
}

fn service(shipment: &WireShipment) -> Option<String> {
    let lead = shipment.lead_time.as_ref().or(shipment.shipping_option.as_ref())?;
    filled(lead.shipping_method.name.as_deref()).or_else(|| filled(lead.name.as_deref()))
}

fn speed(shipment: &WireShipment, sla: Option<&WireSla>) -> SpeedClass {
    if sla.and_then(|sla| sla.service.as_deref()) == Some("instant_gm") {
        return SpeedClass::NextDay;
    }
    let lead = shipment.lead_time.as_ref().or(shipment.shipping_option.as_ref());
    match lead.and_then(|lead| lead.shipping_method.kind.as_deref()) {
        Some("next_day" | "same_day") => SpeedClass::NextDay,
        Some("express" | "two_days" | "priority") => SpeedClass::Expedited,
        _ if shipment.ways().kind == Some("self_service") => SpeedClass::NextDay,
        _ => SpeedClass::Standard,
    }
}

fn deadlines(facts: &ShipmentFacts) -> Vec<PlatformDeadline> {
    let lead = facts
        .shipment
        .as_ref()
        .and_then(|shipment| shipment.lead_time.as_ref().or(shipment.shipping_option.as_ref()));
    let ship_by = facts
        .sla
        .as_ref()
        .and_then(|sla| sla.expected_date)
        .or_else(|| lead.and_then(|lead| lead.estimated_handling_limit.at()));
    let deliver_by = lead.and_then(|lead| lead.estimated_delivery_time.at());
    [(DeadlineKind::ShipBy, ship_by), (DeadlineKind::DeliverBy, deliver_by)]
        .into_iter()
        .filter_map(|(kind, at)| at.map(|at| PlatformDeadline { kind, at }))
        .collect()
}

fn holds(
    orders: &[ReadOrder<'_>],
    shipment: Option<&WireShipment>,
    effect: Option<Effect>,
) -> Vec<PlatformHold> {
    let mut reasons = Vec::new();
    let tagged = |tag: &str| orders.iter().any(|o| o.wire.tags.iter().any(|own| &**own == tag));
    let paid_as = |state: &str| {
        orders
            .iter()
            .flat_map(|order| &order.wire.payments)
            .any(|payment| payment.status.as_deref() == Some(state))
    };
    if tagged("fraud_risk_detected")
        || effect == Some(Effect::Fraud)
        || shipment.is_some_and(|s| s.substatus.as_deref() == Some("fraudulent"))
    {
        reasons.push(HoldReason::Fraud);
    }
    if orders.iter().any(|order| order.wire.status == "pending_cancel") {
        reasons.push(HoldReason::Other("pending_cancel".to_owned()));
    }
    if orders.iter().any(|order| order.wire.status == "partially_paid") || paid_as("charged_back") {
        reasons.push(HoldReason::PaymentAnomaly);
    }
    if paid_as("in_mediation") {
        reasons.push(HoldReason::Other("in_mediation".to_owned()));
    }
    if let Some(shipment) = shipment {
        let closed = is_closed_by_user(shipment);
        if effect == Some(Effect::Hold) || (effect == Some(Effect::Void) && !closed) {
            reasons.push(HoldReason::Other(shipment.words()));
        }
    }
    reasons.into_iter().map(|reason| PlatformHold { reason, until: None }).collect()
}

fn payment_state(payment: &WirePayment<'_>) -> Option<PaymentState> {
    let refunded = payment.transaction_amount_refunded.unwrap_or_default() > Decimal::ZERO;
    Some(match payment.status.as_deref()? {
        "approved" | "in_mediation" if refunded => PaymentState::PartiallyRefunded,
        "approved" | "in_mediation" => PaymentState::Paid,
        "pending" | "in_process" => PaymentState::Pending,
        "authorized" => PaymentState::Authorized,
        "rejected" | "cancelled" => PaymentState::Failed,
        "refunded" => PaymentState::Refunded,
        "charged_back" => PaymentState::ChargedBack,
        _ => return None,
    })
}

/// The payments whose state has a word of ours; the others stay in the attributes, word for word.
fn payments(orders: &[ReadOrder<'_>]) -> Result<Vec<Payment>> {
    let count = orders.iter().map(|order| order.wire.payments.len()).sum();
    let mut read: Vec<Payment> = Vec::with_capacity(count);
    for order in orders {
        let currency = currency_of(&order.wire)?;
        for payment in &order.wire.payments {
            let Some(state) = payment_state(payment) else { continue };
            let Ok(id) = PaymentId::new(payment.id.as_ref()) else { continue };
            let own = payment.currency_id.as_deref().and_then(|code| Currency::new(code).ok());
            let currency = own.unwrap_or(currency);
            let amount = payment.total_paid_amount.or(payment.transaction_amount);
            // One payment may pay several orders of a pack, and is listed in each.
            if read.iter().any(|known| known.id == id) {
                continue;
            }
            read.push(Payment {
                id,
                amount: Money::new(amount.unwrap_or_default(), currency),
                method: payment
                    .payment_method_id
                    .as_ref()
                    .map(|method| PaymentMethod::Other(method.clone().into_owned())),
                state,
                paid_at: payment.date_approved,
                refunded: Money::new(
                    payment.transaction_amount_refunded.unwrap_or_default(),
                    currency,
                ),
            });
        }
    }
    Ok(read)
}

fn attributes(
    orders: &[ReadOrder<'_>],
    pack: Option<&WirePack>,
    facts: &ShipmentFacts,
    note: Option<&str>,
) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    keep_list(&mut kept, "orders", orders.iter().map(|order| &*order.wire.id));
    let tags = orders.iter().flat_map(|order| order.wire.tags.iter().map(|tag| &**tag));
    keep_list(&mut kept, "tags", tags);
    let flows = orders.iter().flat_map(|order| order.wire.context.flows.iter().map(|flow| &**flow));
    keep_list(&mut kept, "context.flows", flows);
    let strange = orders
        .iter()
        .flat_map(|order| &order.wire.payments)
        .filter(|payment| payment_state(payment).is_none())
        .filter_map(|payment| payment.status.as_deref());
    keep_list(&mut kept, "payments.unknown_status", strange);
    let claims = orders.iter().flat_map(|o| &o.wire.mediations).filter_map(|m| m.id.as_deref());
    keep_list(&mut kept, "mediations", claims);
    if let Some(first) = orders.first() {
        let wire = &first.wire;
        keep(&mut kept, "pack_id", wire.pack_id.as_deref());
        keep(&mut kept, "context.channel", wire.context.channel.as_deref());
        keep(&mut kept, "shipping.id", wire.shipping.id.as_deref());
        if let Some(until) = wire.manufacturing_ending_date {
            kept.insert("manufacturing_ending_date".to_owned(), until.to_rfc3339());
        }
    }
    if let Some(detail) = orders.iter().find_map(|order| order.wire.cancel_detail.as_ref()) {
        keep(&mut kept, "cancel_detail.group", detail.group.as_deref());
        keep(&mut kept, "cancel_detail.code", detail.code.as_deref());
        keep(&mut kept, "cancel_detail.requested_by", detail.requested_by.as_deref());
    }
    if let Some(pack) = pack {
        keep(&mut kept, "pack.status", pack.status.as_deref());
        keep(&mut kept, "pack.status_detail", pack.status_detail.as_deref());
        keep(&mut kept, "pack.family_pack_id", pack.family_pack_id.as_deref());
    }
    if let Some(shipment) = &facts.shipment {
        let ways = shipment.ways();
        keep(&mut kept, "shipping.id", Some(&shipment.id));
        keep(&mut kept, "shipping.status", Some(&shipment.status));
        keep(&mut kept, "shipping.substatus", shipment.substatus.as_deref());
        keep(&mut kept, "shipping.note", note);
        keep(&mut kept, "logistic.mode", ways.mode);
        keep(&mut kept, "logistic.type", ways.kind);
        keep(&mut kept, "shipping.tracking_number", shipment.tracking_number.as_deref());
        keep(&mut kept, "shipping.sibling_id", shipment.sibling.sibling_id.as_deref());
        if let Some(from) = shipment.lead_time.as_ref().and_then(|lead| lead.buffering.at()) {
            kept.insert("shipping.not_before".to_owned(), from.to_rfc3339());
        }
    }
    if let Some(sla) = &facts.sla {
        keep(&mut kept, "sla.status", sla.status.as_deref());
        keep(&mut kept, "sla.service", sla.service.as_deref());
    }
    kept
}

fn keep(kept: &mut BTreeMap<String, String>, name: &str, value: Option<&str>) {
    if let Some(value) = filled(value) {
        kept.insert(name.to_owned(), value);
    }
}

/// Keeps each word once, in the order of the alphabet.
fn keep_list<'a>(
    kept: &mut BTreeMap<String, String>,
    name: &str,
    words: impl Iterator<Item = &'a str>,
) {
    let mut words = words.filter_map(|word| said(Some(word)));
    let Some(first) = words.next() else { return };
    let text = match words.next() {
        None => first.to_owned(),
        Some(second) => {
            let mut all = vec![first, second];
            all.extend(words);
            all.sort_unstable();
            all.dedup();
            all.join(",")
        }
    };
    kept.insert(name.to_owned(), text);
}

/// Like [`filled`], without a copy.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
