//! Walmart's words in ours.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::value::RawValue;

use super::config::{LineAmount, Market, WalmartConfig};
use super::wire::{
    Amount, LineStatus, ListAnswer, Meta, OnlyId, PostalAddress, WireLine, WireOrder,
};
use crate::address::{Address, Contact, Country};
use crate::client::wire::{decode, decode_text, filled, unexpected};
use crate::error::{Error, Result};
use crate::ids::{BuyerId, LineId, PlatformOrderId, Sku, TrackingNumber};
use crate::money::{Currency, Money};
use crate::order::{
    CancelReason, CancelRequest, DeadlineKind, LogisticsMode, PlatformBuyer, PlatformDeadline,
    PlatformLine, PlatformOrder, PlatformShipment, SpeedClass, UnitGroup, UnitStatus,
};
use crate::personal::Personal;
use crate::ports::{Cursor, Page, PlatformItem, Unreadable};
use crate::units::Grams;

/// What reading an order depends on beside its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) market: Market,
    pub(super) zone: Tz,
    pub(super) auto_cancel_days: Option<u32>,
    pub(super) line_amount: LineAmount,
}

impl Reading {
    pub(super) fn of(config: &WalmartConfig) -> Self {
        Self {
            market: config.market,
            zone: config.zone,
            auto_cancel_days: config.auto_cancel_days,
            line_amount: config.line_amount,
        }
    }
}

/// Reads a page: every order by itself.
pub(super) fn page(body: &[u8], reading: Reading) -> Result<Page<PlatformOrder>> {
    let text = std::str::from_utf8(body)
        .map_err(|_| unexpected("the answer is not valid JSON: it is not UTF-8"))?;
    let (items, meta): (Vec<_>, _) = match in_one_go(text, reading) {
        Some(read) => read,
        None => {
            let (orders, meta) = raw_orders(text)?;
            (orders.into_iter().map(|raw| item(raw.get(), reading)).collect(), meta)
        }
    };
    let next = meta
        .and_then(|meta| meta.next_cursor)
        .filter(|cursor| !cursor.trim().is_empty() && !items.is_empty())
        .map(Cursor::new);
    Ok(Page { items, next })
}

/// Reads a page of good orders going through it once. `None` is any other page, also one with a
/// single bad order: taking orders apart before reading them costs a second time through, and finds
/// out what is wrong with which.
fn in_one_go(
    text: &str,
    reading: Reading,
) -> Option<(Vec<PlatformItem<PlatformOrder>>, Option<Meta>)> {
    let key = text.find("\"order\"")?;
    let list = text.get(key..)?.find('[')? + key;
    let mut rest = text.get(list + 1..)?.trim_start();
    let mut items = Vec::new();
    while !rest.starts_with(']') {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<WireOrder<'_>>();
        let wire = values.next()?.ok()?;
        let (raw, behind) = rest.split_at_checked(values.byte_offset())?;
        items.push(taken(order_of(wire, raw, reading), raw));
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => break,
        }
    }
    // What is left without the list must be a page whose list was that one.
    let frame = format!("{}[null]{}", text.get(..list)?, rest.strip_prefix(']')?);
    let answer: ListAnswer<[(); 1]> = serde_json::from_str(&frame).ok()?;
    answer.list.elements?.order?;
    // A comma behind the last order is no JSON.
    let comma = text.get(..text.len() - rest.len())?.trim_end().ends_with(',');
    (!comma).then_some((items, answer.list.meta))
}

/// The orders of a page, each as it is written: a list, or its only item.
fn raw_orders(text: &str) -> Result<(Vec<&RawValue>, Option<Meta>)> {
    if let Ok(answer) = serde_json::from_str::<ListAnswer<Vec<&RawValue>>>(text) {
        let orders = answer.list.elements.and_then(|elements| elements.order);
        return Ok((orders.unwrap_or_default(), answer.list.meta));
    }
    let answer: ListAnswer<&RawValue> = decode_text(text)?;
    let raw = answer.list.elements.and_then(|elements| elements.order);
    let orders = match raw.map(RawValue::get) {
        None | Some("null") => Vec::new(),
        Some(text) if text.starts_with('{') => raw.into_iter().collect(),
        Some(_) => {
            return Err(unexpected("the answer does not have the promised form at list.elements"));
        }
    };
    Ok((orders, answer.list.meta))
}

fn item(raw: &str, reading: Reading) -> PlatformItem<PlatformOrder> {
    taken(order(raw, reading), raw)
}

/// An order, or what there is of one that cannot be read.
fn taken(read: Result<PlatformOrder>, raw: &str) -> PlatformItem<PlatformOrder> {
    match read {
        Ok(order) => PlatformItem::Read(Box::new(order)),
        Err(error) => {
            let only = serde_json::from_str::<OnlyId>(raw).ok();
            let id = only.and_then(|only| only.purchase_order_id);
            let id = id.and_then(|id| PlatformOrderId::new(id).ok());
            Unreadable::new(id, error.message(), raw).into()
        }
    }
}

/// Reads the answer to a call about one order, bare or as `{"order": …}`.
pub(super) fn single(body: &[u8], reading: Reading) -> Result<PlatformOrder> {
    #[derive(serde::Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow, default)]
        order: Option<&'a RawValue>,
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| unexpected("the answer is not valid JSON: it is not UTF-8"))?;
    let wrapped: Wrapped<'_> = decode(body)?;
    order(wrapped.order.map_or(text.trim(), RawValue::get), reading)
}

/// The answer to a write.
pub(super) struct Receipt {
    /// The order as it stands then; missing where it cannot be read or errors are listed beside it.
    pub(super) order: Option<PlatformOrder>,
    /// The code of the first error beside it.
    pub(super) code: Option<String>,
}

/// Reads the answer to a write. That it names an order is what proves that it is an answer; the order
/// itself proves what was done.
pub(super) fn receipt(body: &[u8], reading: Reading) -> Result<Receipt> {
    #[derive(serde::Deserialize)]
    struct Wrapped<'a> {
        #[serde(default)]
        order: Option<OnlyId>,
        #[serde(borrow, default)]
        errors: Option<&'a RawValue>,
        #[serde(borrow, default)]
        error: Option<&'a RawValue>,
        #[serde(flatten)]
        bare: std::collections::HashMap<String, serde::de::IgnoredAny>,
    }
    let wrapped: Wrapped<'_> = decode(body)?;
    let named = wrapped.order.is_some_and(|only| only.purchase_order_id.is_some())
        || wrapped.bare.contains_key("purchaseOrderId");
    if !named {
        return Err(unexpected("the answer names no purchaseOrderId"));
    }
    let is_empty = |list: &RawValue| matches!(list.get().trim(), "null" | "[]" | "{}" | "\"\"");
    if [wrapped.errors, wrapped.error].into_iter().flatten().any(|list| !is_empty(list)) {
        return Ok(Receipt { order: None, code: super::dialect::first_code(body) });
    }
    Ok(Receipt { order: single(body, reading).ok(), code: None })
}

fn order(raw: &str, reading: Reading) -> Result<PlatformOrder> {
    order_of(decode_text(raw)?, raw, reading)
}

/// Makes an order of what was read of it.
fn order_of(wire: WireOrder<'_>, raw: &str, reading: Reading) -> Result<PlatformOrder> {
    let id = PlatformOrderId::new(wire.purchase_order_id.as_ref())
        .map_err(|_| unexpected("purchaseOrderId is not usable as an id"))?;
    let lines = wire
        .order_lines
        .order_line
        .iter()
        .map(|line| priced_line(line, reading))
        .collect::<Result<Vec<_>>>()?;
    let total = Money::sum(lines.iter().map(|line| &line.total))
        .map_err(|error| unexpected(format!("orderLines cannot be summed: {error}")))?
        .unwrap_or(Money::zero(reading.market.currency()));
    let info = wire.shipping_info.as_ref();
    let method = info.and_then(|info| filled(info.method_code.as_deref()));
    let node = wire.ship_node.as_ref().and_then(|node| node.kind.as_deref());
    Ok(PlatformOrder {
        number: wire
            .customer_order_id
            .as_deref()
            .filter(|number| *number != id.as_str())
            .map(str::to_owned),
        site: Some(reading.market.site().to_owned()),
        paid_at: Some(wire.order_date),
        updated_at: wire
            .order_lines
            .order_line
            .iter()
            .filter_map(|line| line.status_date)
            .chain([wire.order_date])
            .max(),
        buyer: buyer(&wire),
        recipient: info.and_then(|info| {
            info.postal_address.as_ref().map(|postal| contact(postal, info.phone.as_deref(), &wire))
        }),
        logistics: match node {
            Some("WFSFulfilled") => LogisticsMode::PlatformFulfilled,
            _ => LogisticsMode::SellerCarrier,
        },
        speed: speed(&wire, method.as_deref()),
        requested_service: method,
        deadlines: deadlines(&wire, reading),
        cancel_request: cancel_request(&wire, &lines),
        lines: lines.into_iter().map(|priced| priced.line).collect(),
        attributes: attributes(&wire),
        raw: Personal::new(raw.to_owned()),
        ..PlatformOrder::new(id, wire.order_date, total)
    })
}

fn buyer(wire: &WireOrder<'_>) -> PlatformBuyer {
    let email = filled(wire.customer_email_id.as_deref());
    // The relay address is made for the buyer, so its local part names him.
    let relay = || {
        let (local, host) = email.as_deref()?.split_once('@')?;
        host.to_ascii_lowercase().ends_with("walmart.com").then(|| local.to_owned())
    };
    PlatformBuyer {
        id: filled(wire.buyer_id.as_deref()).or_else(relay).and_then(|id| BuyerId::new(id).ok()),
        name: None,
        email: email.map(Personal::new),
    }
}

fn contact(postal: &PostalAddress<'_>, phone: Option<&str>, wire: &WireOrder<'_>) -> Contact {
    let lines = [postal.address1.as_deref(), postal.address2.as_deref()];
    let country = postal.country.as_deref().map(str::trim);
    Contact {
        name: Personal::new(filled(postal.name.as_deref()).unwrap_or_default()),
        company: None,
        phone: filled(phone).map(Personal::new),
        email: filled(wire.customer_email_id.as_deref()).map(Personal::new),
        address: Address {
            lines: lines.into_iter().filter_map(filled).map(Personal::new).collect(),
            city: filled(postal.city.as_deref()).unwrap_or_default(),
            state: filled(postal.state.as_deref()),
            postal_code: filled(postal.postal_code.as_deref()),
            country: country
                .and_then(|code| Country::from_alpha3(code).or_else(|| Country::new(code))),
            residential: postal.address_type.as_deref().and_then(|kind| match kind.trim() {
                kind if kind.eq_ignore_ascii_case("RESIDENTIAL") => Some(true),
                kind if kind.eq_ignore_ascii_case("OFFICE") => Some(false),
                _ => None,
            }),
        },
    }
}

/// A line and what the buyer pays for it in all.
struct PricedLine {
    line: PlatformLine,
    total: Money,
}

fn priced_line(wire: &WireLine<'_>, reading: Reading) -> Result<PricedLine> {
    let name = wire.line_number.as_ref();
    let beyond = |what: &str| unexpected(format!("{what} of orderLine {name} cannot be computed"));
    let id = LineId::new(name).map_err(|_| unexpected("lineNumber is not usable as an id"))?;
    let quantity = wire.order_line_quantity.amount;
    let currency = line_currency(wire, reading.market)?;
    let zero = Money::zero(currency);
    let (mut goods, mut shipping, mut discount, mut fees) = (zero, None, None, zero);
    let mut tax = None;
    let add = |sum: Option<Money>, more: Money| {
        sum.unwrap_or(zero).checked_add(&more).map_err(|_| beyond("charges"))
    };
    for charge in wire.charges.iter().flat_map(|charges| &charges.charge) {
        let amount = money(&charge.charge_amount, currency, name)?;
        let kind = charge.charge_type.as_deref().unwrap_or_default();
        if amount.is_negative() {
            let positive = Money::new(-amount.amount, currency);
            discount = Some(add(discount, positive)?);
        } else if kind.eq_ignore_ascii_case("PRODUCT") {
            goods = add(Some(goods), amount)?;
        } else if kind.eq_ignore_ascii_case("SHIPPING") {
            shipping = Some(add(shipping, amount)?);
        } else {
            fees = add(Some(fees), amount)?;
        }
        if let Some(taxed) = charge.tax.as_ref().and_then(|tax| tax.tax_amount.as_ref()) {
            tax = Some(add(tax, money(taxed, currency, name)?)?);
        }
    }
    let (unit_price, line_total) = match reading.line_amount {
        LineAmount::PerUnit => (goods, goods.times(quantity).map_err(|_| beyond("the total"))?),
        LineAmount::PerLine => (share(goods, quantity), goods),
    };
    let total = [Some(fees), shipping, tax]
        .into_iter()
        .flatten()
        .try_fold(line_total, |sum, part| sum.checked_add(&part))
        .and_then(|sum| sum.checked_sub(&discount.unwrap_or(zero)))
        .map_err(|_| beyond("the total"))?;
    let mut extra = BTreeMap::new();
    keep(&mut extra, "condition", wire.item.condition.as_deref());
    keep(&mut extra, "configId", wire.config_id.as_deref());
    keep(&mut extra, "sellerOrderId", wire.seller_order_id.as_deref());
    let line = PlatformLine {
        sku: filled(wire.item.sku.as_deref()).and_then(|sku| Sku::new(sku).ok()),
        attributes: extra,
        personal_attributes: BTreeMap::new(),
        line_total: Some(line_total),
        tax,
        shipping,
        discount,
        weight: weight(wire),
        image_url: filled(wire.item.image_url.as_deref()),
        units: unit_groups(wire),
        id,
        unit_ids: Vec::new(),
        title: filled(wire.item.product_name.as_deref()).unwrap_or_default(),
        quantity,
        unit_price,
    };
    Ok(PricedLine { line, total })
}

fn line_currency(wire: &WireLine<'_>, market: Market) -> Result<Currency> {
    let code = wire
        .charges
        .iter()
        .flat_map(|charges| &charges.charge)
        .find_map(|charge| charge.charge_amount.currency.as_deref());
    code.map_or(Ok(market.currency()), |code| {
        Currency::new(code).map_err(|_| unexpected("currency is not an ISO 4217 code"))
    })
}

fn money(amount: &Amount<'_>, currency: Currency, line: &str) -> Result<Money> {
    let same = amount.currency.as_deref().is_none_or(|code| {
        code == currency.as_str() || Currency::new(code).is_ok_and(|named| named == currency)
    });
    if same {
        Ok(Money::new(amount.amount, currency))
    } else {
        Err(unexpected(format!("charges of orderLine {line} have several currencies")))
    }
}

/// A unit's part of a line's price, rounded to the currency's digits where it does not come out.
fn share(total: Money, units: u32) -> Money {
    let Some(exact) = total.amount.checked_div(Decimal::from(units)) else { return total };
    let comes_out = exact.checked_mul(Decimal::from(units)) == Some(total.amount);
    let digits = total.currency.minor_digits();
    let amount = if units == 1 {
        total.amount
    } else if comes_out && exact.scale() <= digits {
        exact
    } else {
        exact.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
    };
    Money::new(amount, total.currency)
}

fn weight(wire: &WireLine<'_>) -> Option<Grams> {
    let weight = wire.item.weight.as_ref()?;
    let value = weight.value.filter(|value| *value > Decimal::ZERO)?;
    let unit = weight.unit.as_deref()?.trim();
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(unit));
    if is(&["LB", "LBS", "POUND", "POUNDS"]) {
        Grams::from_pounds(value).ok()
    } else if is(&["OZ", "OUNCE", "OUNCES"]) {
        Grams::from_ounces(value).ok()
    } else if is(&["KG", "KILOGRAM", "KILOGRAMS"]) {
        Grams::from_kilograms(value).ok()
    } else if is(&["G", "GRAM", "GRAMS"]) {
        value.checked_div(Decimal::from(1_000)).and_then(|kg| Grams::from_kilograms(kg).ok())
    } else {
        None
    }
}

fn unit_groups(wire: &WireLine<'_>) -> Vec<UnitGroup> {
    let rows: &[LineStatus<'_>] =
        wire.order_line_statuses.as_ref().map_or(&[], |list| &list.order_line_status);
    let is_refund = |row: &LineStatus<'_>| row.status.eq_ignore_ascii_case("Refund");
    let others: u64 = rows
        .iter()
        .filter(|row| !is_refund(row))
        .map(|r| u64::from(r.status_quantity.amount))
        .sum();
    // A refund row may count units a second time: those that other rows hold, or that were refunded in
    // several steps. Only what no other row holds is left for it.
    let mut left = u64::from(wire.order_line_quantity.amount).saturating_sub(others);
    let mut units = |row: &LineStatus<'_>| {
        let stated = row.status_quantity.amount;
        if !is_refund(row) {
            return Some(stated);
        }
        let taken = u32::try_from(left).unwrap_or(u32::MAX).min(stated);
        left -= u64::from(taken);
        (taken > 0).then_some(taken)
    };
    rows.iter()
        .filter_map(|row| Some((row, units(row)?)))
        .map(|(row, units)| UnitGroup {
            status: unit_status(&row.status),
            units,
            shipment: row.tracking_info.as_ref().map(|info| PlatformShipment {
                collected_at: None,
                delivered_at: None,
                package: None,
                carrier: info.carrier_name.as_ref().and_then(|name| {
                    filled(name.carrier.as_deref())
                        .or_else(|| filled(name.other_carrier.as_deref()))
                }),
                number: filled(info.tracking_number.as_deref())
                    .and_then(|number| TrackingNumber::new(number).ok()),
                url: filled(info.tracking_url.as_deref()),
                shipped_at: info.ship_date_time,
            }),
            reason: filled(row.cancellation_reason.as_deref())
                .or_else(|| is_refund(row).then(|| row.status.clone().into_owned())),
        })
        .collect()
}

fn unit_status(word: &str) -> UnitStatus {
    const WORDS: [(&str, UnitStatus); 6] = [
        ("created", UnitStatus::New),
        ("acknowledged", UnitStatus::Acknowledged),
        ("shipped", UnitStatus::Shipped),
        // Only shipped units are refunded; whether they arrived is not said.
        ("refund", UnitStatus::Shipped),
        ("delivered", UnitStatus::Delivered),
        ("cancelled", UnitStatus::Cancelled),
    ];
    let named = word.trim();
    WORDS
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(named))
        .map_or_else(|| UnitStatus::Unknown(word.to_owned()), |(_, status)| status)
}

fn speed(wire: &WireOrder<'_>, method: Option<&str>) -> SpeedClass {
    let words = wire.order_lines.order_line.iter().filter_map(|line| line.fulfillment.as_ref());
    let fastest = words
        .flat_map(|part| [part.shipping_program_type.as_deref(), part.ship_method.as_deref()])
        .flatten()
        .chain(method)
        .filter_map(speed_word)
        .max();
    fastest.unwrap_or_default()
}

fn speed_word(word: &str) -> Option<SpeedClass> {
    const WORDS: [(&str, SpeedClass); 10] = [
        ("STANDARD", SpeedClass::Standard),
        ("ONEDAY", SpeedClass::NextDay),
        ("NEXTDAY", SpeedClass::NextDay),
        ("TWODAY", SpeedClass::Expedited),
        ("THREEDAY", SpeedClass::Expedited),
        ("EXPRESS", SpeedClass::Expedited),
        ("EXPEDITED", SpeedClass::Expedited),
        ("FREIGHT", SpeedClass::Standard),
        ("WHITEGLOVE", SpeedClass::Standard),
        ("VALUE", SpeedClass::Economy),
    ];
    if word.eq_ignore_ascii_case("STANDARD") {
        // What nearly all orders say.
        return Some(SpeedClass::Standard);
    }
    let squeezed = || word.bytes().filter(u8::is_ascii_alphanumeric);
    WORDS
        .into_iter()
        .find(|(known, _)| known.bytes().eq(squeezed().map(|letter| letter.to_ascii_uppercase())))
        .map(|(_, speed)| speed)
}

fn deadlines(wire: &WireOrder<'_>, reading: Reading) -> Vec<PlatformDeadline> {
    let Some(info) = &wire.shipping_info else { return Vec::new() };
    let day = info.estimated_ship_date.map(|at| at.with_timezone(&reading.zone).date_naive());
    let auto_cancel = day
        .zip(reading.auto_cancel_days)
        .and_then(|(day, later)| day.checked_add_days(Days::new(u64::from(later))));
    [
        (DeadlineKind::AcknowledgeBy, acknowledge_by(wire, reading.market)),
        (DeadlineKind::ShipBy, day.and_then(|day| end_of(day, reading.zone))),
        (DeadlineKind::DeliverBy, info.estimated_delivery_date),
        (
            DeadlineKind::AutoCancelUnlessShipped,
            auto_cancel.and_then(|day| end_of(day, reading.zone)),
        ),
    ]
    .into_iter()
    .filter_map(|(kind, at)| at.map(|at| PlatformDeadline { kind, at }))
    .collect()
}

/// Canada wants orders acknowledged "within four hours of receipt"; the United States name no limit.
fn acknowledge_by(wire: &WireOrder<'_>, market: Market) -> Option<DateTime<Utc>> {
    match market {
        Market::UnitedStates => None,
        Market::Canada => wire.order_date.checked_add_signed(TimeDelta::hours(4)),
    }
}

/// The last second of a local day.
fn end_of(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.succ_opt()?.and_time(NaiveTime::MIN);
    let next = match zone.from_local_datetime(&midnight) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        // The clock jumps over midnight: the day ends with the jump, an hour in every known case.
        LocalResult::None => {
            let later = midnight.checked_add_signed(TimeDelta::hours(1))?;
            zone.from_local_datetime(&later).earliest()?.to_utc()
        }
    };
    next.checked_sub_signed(TimeDelta::seconds(1))
}

fn cancel_request(wire: &WireOrder<'_>, lines: &[PricedLine]) -> Option<CancelRequest> {
    let open = |line: &PlatformLine| {
        line.units.iter().any(|group| {
            group.units > 0
                && matches!(
                    group.status,
                    UnitStatus::New | UnitStatus::Acknowledged | UnitStatus::Unknown(_)
                )
        })
    };
    let asked: Vec<_> = wire
        .order_lines
        .order_line
        .iter()
        .zip(lines)
        .filter(|(_, priced)| open(&priced.line))
        .filter_map(|(line, priced)| Some((line.intent_to_cancel.as_deref()?, priced)))
        .collect();
    let (reason, _) = asked.first()?;
    Some(CancelRequest {
        reason: Some((*reason).into()),
        lines: asked.iter().map(|(_, priced)| priced.line.id.clone()).collect(),
        requested_at: None,
        respond_by: None,
    })
}

fn attributes(wire: &WireOrder<'_>) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    keep(&mut kept, "orderType", wire.order_type.as_deref());
    keep(&mut kept, "originalCustomerOrderID", wire.original_customer_order_id.as_deref());
    keep(&mut kept, "mart", wire.mart.as_deref());
    if let Some(node) = &wire.ship_node {
        keep(&mut kept, "shipNode.type", node.kind.as_deref());
        keep(&mut kept, "shipNode.name", node.name.as_deref());
        keep(&mut kept, "shipNode.id", node.id.as_deref());
    }
    let fulfillment = wire.order_lines.order_line.iter().find_map(|line| line.fulfillment.as_ref());
    if let Some(part) = fulfillment {
        keep(&mut kept, "fulfillmentOption", part.fulfillment_option.as_deref());
        keep(&mut kept, "shipMethod", part.ship_method.as_deref());
        keep(&mut kept, "shippingProgramType", part.shipping_program_type.as_deref());
    }
    kept
}

fn keep(kept: &mut BTreeMap<String, String>, name: &str, value: Option<&str>) {
    if let Some(value) = filled(value) {
        kept.insert(name.to_owned(), value);
    }
}

/// Walmart's words for why a seller cancels in the United States.
const CANCEL_REASONS: &[&str] = &[
    "CUSTOMER_REQUESTED_SELLER_TO_CANCEL",
    "SELLER_CANCEL_OUT_OF_STOCK",
    "SELLER_CANCEL_PRICING_ERROR",
    "SELLER_CANCEL_FRAUD_STOP_SHIPMENT",
    "SELLER_CANCEL_ADDRESS_NOT_SERVICEABLE",
];

/// Walmart's word for why a seller cancels. What has no word of its own is refused: any other word
/// would be untrue, and most count against the seller. Canada knows two: the buyer asked for it, or
/// the seller decided it.
pub(super) fn cancel_reason(reason: &CancelReason, market: Market) -> Result<&'static str> {
    if market == Market::Canada {
        return Ok(match reason {
            CancelReason::BuyerRequest => "CUSTOMER_REQUESTED_SELLER_TO_CANCEL",
            CancelReason::Seller(word) | CancelReason::Platform(word)
                if word == "CUSTOMER_REQUESTED_SELLER_TO_CANCEL" =>
            {
                "CUSTOMER_REQUESTED_SELLER_TO_CANCEL"
            }
            _ => "CANCEL_BY_SELLER",
        });
    }
    Ok(match reason {
        CancelReason::BuyerRequest => "CUSTOMER_REQUESTED_SELLER_TO_CANCEL",
        CancelReason::OutOfStock => "SELLER_CANCEL_OUT_OF_STOCK",
        CancelReason::PricingError => "SELLER_CANCEL_PRICING_ERROR",
        CancelReason::Fraud => "SELLER_CANCEL_FRAUD_STOP_SHIPMENT",
        CancelReason::Unserviceable => "SELLER_CANCEL_ADDRESS_NOT_SERVICEABLE",
        CancelReason::Seller(word) | CancelReason::Platform(word) => CANCEL_REASONS
            .iter()
            .find(|known| *known == word)
            .ok_or_else(|| no_cancel_reason(reason))?,
        _ => return Err(no_cancel_reason(reason)),
    })
}

fn no_cancel_reason(reason: &CancelReason) -> Error {
    Error::invalid("lines.reason", format!("Walmart has no word for the reason {reason:?}"))
}

/// The reasons for refunds that Walmart takes.
const REFUND_REASONS: &[&str] = &[
    "BillingError",
    "TaxExemptCustomer",
    "ItemNotAsAdvertised",
    "IncorrectItemReceived",
    "CancelledYetShipped",
    "ItemNotReceivedByCustomer",
    "IncorrectShippingPrice",
    "DamagedItem",
    "DefectiveItem",
    "CustomerChangedMind",
    "CustomerReceivedItemLate",
    "Missing Parts / Instructions",
    "Finance -> Goodwill",
    "Finance -> Rollback",
    "Buyer canceled",
    "Customer returned item",
    "General adjustment",
    "Merchandise not received",
    "Quality -> Missing Parts / Instructions",
    "Shipping & Delivery -> Damaged",
    "Shipping & Delivery -> Shipping Price Discrepancy",
    "Others",
];

/// Walmart's word for a refund's reason; `Others` for words it does not take.
pub(super) fn refund_reason(reason: &str) -> &'static str {
    let wanted = reason.trim();
    let known = REFUND_REASONS.iter().find(|known| known.eq_ignore_ascii_case(wanted));
    known.copied().unwrap_or("Others")
}

/// The method code that goes back with a shipment. In Canada it goes back as it came, since two
/// spellings of the codes are documented there.
pub(super) fn method_code(requested: Option<&str>, market: Market) -> String {
    const CODES: [&str; 6] = ["Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"];
    let wanted = requested.unwrap_or_default().trim();
    let squeezed = wanted.replace('_', "");
    match CODES.into_iter().find(|code| code.eq_ignore_ascii_case(&squeezed)) {
        Some(_) if market == Market::Canada => wanted.to_owned(),
        Some(code) => code.to_owned(),
        None => "Standard".to_owned(),
    }
}
