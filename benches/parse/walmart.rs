//! Pages of Walmart's orders, beside structs written by hand for these pages and mapped to the same
//! orders with the same isolation and the same raw text kept.

use std::collections::BTreeMap;
use std::hint::black_box;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use orderflow::order::{
    DeadlineKind, PlatformBuyer, PlatformDeadline, PlatformLine, PlatformOrder, PlatformShipment,
    SpeedClass, UnitGroup, UnitStatus,
};
use orderflow::platforms::walmart::{WalmartConfig, read_list_page};
use orderflow::ports::PlatformItem;
use orderflow::{
    Address, BuyerId, Contact, Country, Currency, Grams, LineId, Money, PlatformOrderId, Sku,
    TrackingNumber,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::support::split_mix;
use super::{contest, median, print, title};

const ORDERS: usize = 100;
/// The JSON of one line.
fn line(number: usize, state: &mut u64) -> String {
    let title = title(state);
    let mut draw = |below: u64| split_mix(state) % below;
    let shipping = if draw(100) < 35 {
        let cents = draw(90);
        format!(
            r#",{{"chargeType":"SHIPPING","chargeName":"Shipping","chargeAmount":{{"currency":"USD","amount":5.{:02}}},"tax":null}}"#,
            10 + cents
        )
    } else {
        String::new()
    };
    let (status, tracking) = if draw(4) == 0 {
        let number = 10_000_000 + draw(89_999_999);
        (
            "Shipped",
            format!(
                r#"{{"shipDateTime":1772366400000,"carrierName":{{"otherCarrier":null,"carrier":"USPS"}},"methodCode":"Standard","trackingNumber":"94001118995600{number}","trackingURL":"https://www.walmart.com/tracking?id={number}"}}"#
            ),
        )
    } else {
        ("Acknowledged", "null".to_owned())
    };
    let (dollars, cents, tax) = (1 + draw(200), 10 + draw(90), 10 + draw(90));
    let (sku, image, weight) = (draw(1_000_000), draw(1_000_000), 10 + draw(90));
    format!(
        r#"{{"lineNumber":"{number}","item":{{"productName":"{title}","sku":"SKU-{sku:08}","imageUrl":"https://i5.walmartimages.com/asr/{image:08}.jpeg","weight":{{"value":"1.{weight}","unit":"Pounds"}},"condition":"New"}},"charges":{{"charge":[{{"chargeType":"PRODUCT","chargeName":"ItemPrice","chargeAmount":{{"currency":"USD","amount":{dollars}.{cents}}},"tax":{{"taxName":"Tax1","taxAmount":{{"currency":"USD","amount":1.{tax}}}}}}}{shipping}]}},"orderLineQuantity":{{"unitOfMeasurement":"EACH","amount":"1"}},"statusDate":1772362800000,"orderLineStatuses":{{"orderLineStatus":[{{"status":"{status}","subSellerId":null,"statusQuantity":{{"unitOfMeasurement":"EACH","amount":"1"}},"cancellationReason":null,"trackingInfo":{tracking},"returnCenterAddress":null}}]}},"returnOrderId":null,"refund":null,"originalCarrierMethod":null,"referenceLineId":null,"fulfillment":{{"fulfillmentOption":"S2H","shipMethod":"STANDARD","storeId":null,"pickUpDateTime":1772712000000,"pickUpBy":null,"shippingProgramType":null}},"intentToCancel":null,"configId":null}}"#
    )
}

/// The JSON of one order, of about 3 kB.
fn order(number: u64, state: &mut u64) -> String {
    let draw = split_mix(state) % 100;
    let lines = 1 + usize::from(draw >= 60) + usize::from(draw >= 85) + usize::from(draw >= 95);
    let lines: Vec<String> = (1..=lines).map(|number| line(number, state)).collect();
    let name = if split_mix(state).is_multiple_of(5) { "José Núñez" } else { "Ana Smith" };
    let street = 1 + split_mix(state) % 9_000;
    let zip = split_mix(state) % 100_000;
    let id = 100_000_000_000_u64 + number;
    format!(
        r#"{{"purchaseOrderId":"{id}","customerOrderId":"2000{id}","customerEmailId":"{id:032X}@relay.walmart.com","orderType":null,"originalCustomerOrderID":null,"orderDate":1772280000000,"buyerId":"b-{id}","mart":"WALMART_US","isGuest":false,"paymentTypes":null,"orderSummary":null,"pickupPersons":null,"shippingInfo":{{"phone":"5550100{:03}","estimatedDeliveryDate":1772712000000,"estimatedShipDate":1772434800000,"methodCode":"Standard","postalAddress":{{"name":"{name}","address1":"{street} Example Street","address2":null,"city":"Denver","state":"CO","postalCode":"{zip:05}","country":"USA","addressType":"RESIDENTIAL"}}}},"orderLines":{{"orderLine":[{}]}},"shipNode":{{"type":"SellerFulfilled","name":"Main","id":"1000{:04}"}}}}"#,
        number % 1_000,
        lines.join(","),
        number % 10_000,
    )
}

fn pages(count: usize) -> Vec<String> {
    let mut state = 3;
    let mut number = 0;
    (0..count)
        .map(|_| {
            let orders: Vec<String> = (0..ORDERS)
                .map(|_| {
                    number += 1;
                    order(number, &mut state)
                })
                .collect();
            format!(
                r#"{{"list":{{"meta":{{"totalCount":{},"limit":100,"nextCursor":"?limit=100&hasMoreElements=true&soIndex=100"}},"elements":{{"order":[{}]}}}}}}"#,
                count * ORDERS,
                orders.join(",")
            )
        })
        .collect()
}

// ---- by hand ----------------------------------------------------------------------------------

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get().trim_matches('"');
    Decimal::from_str_exact(raw).map_err(serde::de::Error::custom)
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get().trim_matches('"');
    raw.parse().map_err(serde::de::Error::custom)
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    list: List<'a>,
}
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    elements: Elements<'a>,
}
#[derive(Deserialize)]
struct Elements<'a> {
    #[serde(borrow)]
    order: Vec<&'a RawValue>,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HandOrder<'a> {
    purchase_order_id: String,
    customer_order_id: String,
    customer_email_id: String,
    order_date: i64,
    buyer_id: String,
    mart: String,
    #[serde(borrow)]
    shipping_info: Info<'a>,
    #[serde(borrow)]
    order_lines: Lines<'a>,
    ship_node: Node,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    phone: String,
    estimated_delivery_date: i64,
    estimated_ship_date: i64,
    method_code: String,
    #[serde(borrow)]
    postal_address: Postal<'a>,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Postal<'a> {
    name: String,
    address1: String,
    address2: Option<String>,
    city: String,
    state: String,
    postal_code: String,
    country: &'a str,
    address_type: &'a str,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lines<'a> {
    #[serde(borrow)]
    order_line: Vec<Line<'a>>,
}
#[derive(Deserialize)]
struct Node {
    r#type: String,
    name: String,
    id: String,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    line_number: String,
    item: Item,
    #[serde(borrow)]
    charges: Charges<'a>,
    order_line_quantity: Quantity,
    status_date: i64,
    #[serde(borrow)]
    order_line_statuses: Statuses<'a>,
    fulfillment: Fulfillment,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    product_name: String,
    sku: String,
    image_url: String,
    weight: Weight,
    condition: String,
}
#[derive(Deserialize)]
struct Weight {
    #[serde(deserialize_with = "number")]
    value: Decimal,
}
#[derive(Deserialize)]
struct Charges<'a> {
    #[serde(borrow)]
    charge: Vec<Charge<'a>>,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Charge<'a> {
    charge_type: &'a str,
    #[serde(borrow)]
    charge_amount: Amount<'a>,
    #[serde(borrow)]
    tax: Option<Tax<'a>>,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tax<'a> {
    #[serde(borrow)]
    tax_amount: Amount<'a>,
}
#[derive(Deserialize)]
struct Amount<'a> {
    currency: &'a str,
    #[serde(deserialize_with = "number")]
    amount: Decimal,
}
#[derive(Deserialize)]
struct Quantity {
    #[serde(deserialize_with = "whole")]
    amount: u32,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statuses<'a> {
    #[serde(borrow)]
    order_line_status: Vec<Status<'a>>,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    status: &'a str,
    status_quantity: Quantity,
    tracking_info: Option<Tracking>,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tracking {
    ship_date_time: i64,
    carrier_name: Carrier,
    tracking_number: String,
    #[serde(rename = "trackingURL")]
    tracking_url: String,
}
#[derive(Deserialize)]
struct Carrier {
    carrier: String,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fulfillment {
    fulfillment_option: String,
    ship_method: String,
}

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

/// The last second of the day, `days` later, where the shop is.
fn end_of_day(at: DateTime<Utc>, days: u64) -> DateTime<Utc> {
    let zone = chrono_tz::America::Los_Angeles;
    let next = at.with_timezone(&zone).date_naive() + Days::new(days + 1);
    let midnight = zone.from_local_datetime(&next.and_time(NaiveTime::MIN)).unwrap();
    midnight.to_utc() - TimeDelta::seconds(1)
}

fn hand_line(line: Line<'_>) -> (PlatformLine, Decimal) {
    let (mut goods, mut shipping, mut tax) = (Decimal::ZERO, None, None);
    let mut currency = Currency::USD;
    for charge in line.charges.charge {
        currency = Currency::new(charge.charge_amount.currency).unwrap();
        if charge.charge_type == "PRODUCT" {
            goods += charge.charge_amount.amount;
        } else {
            shipping = Some(shipping.unwrap_or_default() + charge.charge_amount.amount);
        }
        if let Some(more) = charge.tax {
            tax = Some(tax.unwrap_or_default() + more.tax_amount.amount);
        }
    }
    let money = |amount| Money::new(amount, currency);
    let total = goods + shipping.unwrap_or_default() + tax.unwrap_or_default();
    let units = line.order_line_statuses.order_line_status.into_iter().map(|row| UnitGroup {
        status: match row.status {
            "Acknowledged" => UnitStatus::Acknowledged,
            "Shipped" => UnitStatus::Shipped,
            _ => UnitStatus::Unknown(row.status.to_owned()),
        },
        units: row.status_quantity.amount,
        shipment: row.tracking_info.map(|info| PlatformShipment {
            collected_at: None,
            delivered_at: None,
            package: None,
            carrier: Some(info.carrier_name.carrier),
            number: Some(TrackingNumber::new(info.tracking_number).unwrap()),
            url: Some(info.tracking_url),
            shipped_at: Some(at(info.ship_date_time)),
        }),
        reason: None,
    });
    let made = PlatformLine {
        personal_attributes: Default::default(),
        unit_ids: Vec::new(),
        sku: Some(Sku::new(line.item.sku).unwrap()),
        attributes: BTreeMap::from([("condition".to_owned(), line.item.condition)]),
        line_total: Some(money(goods)),
        tax: tax.map(money),
        shipping: shipping.map(money),
        discount: None,
        weight: Some(Grams::from_pounds(line.item.weight.value).unwrap()),
        image_url: Some(line.item.image_url),
        units: units.collect(),
        id: LineId::new(line.line_number).unwrap(),
        title: line.item.product_name,
        quantity: line.order_line_quantity.amount,
        unit_price: money(goods),
    };
    (made, total)
}

fn by_hand(raw: &str) -> Result<PlatformOrder, serde_json::Error> {
    let wire: HandOrder<'_> = serde_json::from_str(raw)?;
    let placed_at = at(wire.order_date);
    let first = &wire.order_lines.order_line[0];
    let attributes = BTreeMap::from([
        ("mart".to_owned(), wire.mart),
        ("shipNode.type".to_owned(), wire.ship_node.r#type),
        ("shipNode.name".to_owned(), wire.ship_node.name),
        ("shipNode.id".to_owned(), wire.ship_node.id),
        ("fulfillmentOption".to_owned(), first.fulfillment.fulfillment_option.clone()),
        ("shipMethod".to_owned(), first.fulfillment.ship_method.clone()),
    ]);
    let lines = &wire.order_lines.order_line;
    let updated_at = lines.iter().map(|line| at(line.status_date)).chain([placed_at]).max();
    let mut total = Decimal::ZERO;
    let lines = wire.order_lines.order_line.into_iter().map(|line| {
        let (line, more) = hand_line(line);
        total += more;
        line
    });
    let lines: Vec<PlatformLine> = lines.collect();
    let (info, postal) = (wire.shipping_info.phone, wire.shipping_info.postal_address);
    let ships = at(wire.shipping_info.estimated_ship_date);
    let streets = [Some(postal.address1), postal.address2].into_iter().flatten();
    let deadline = |kind, at| PlatformDeadline { kind, at };
    let id = PlatformOrderId::new(wire.purchase_order_id).unwrap();
    Ok(PlatformOrder {
        number: Some(wire.customer_order_id),
        site: Some("US".to_owned()),
        paid_at: Some(placed_at),
        updated_at,
        buyer: PlatformBuyer {
            id: Some(BuyerId::new(wire.buyer_id).unwrap()),
            name: None,
            email: Some(wire.customer_email_id.clone().into()),
        },
        recipient: Some(Contact {
            name: postal.name.into(),
            company: None,
            phone: Some(info.into()),
            email: Some(wire.customer_email_id.into()),
            address: Address {
                lines: streets.map(Into::into).collect(),
                city: postal.city,
                state: Some(postal.state),
                postal_code: Some(postal.postal_code),
                country: Country::from_alpha3(postal.country),
                residential: Some(postal.address_type == "RESIDENTIAL"),
            },
        }),
        requested_service: Some(wire.shipping_info.method_code),
        speed: SpeedClass::Standard,
        deadlines: vec![
            deadline(DeadlineKind::ShipBy, end_of_day(ships, 0)),
            deadline(DeadlineKind::DeliverBy, at(wire.shipping_info.estimated_delivery_date)),
            deadline(DeadlineKind::AutoCancelUnlessShipped, end_of_day(ships, 4)),
        ],
        lines,
        attributes,
        raw: raw.into(),
        ..PlatformOrder::new(id, placed_at, Money::new(total, Currency::USD))
    })
}

fn hand_page(body: &[u8]) -> Vec<Result<PlatformOrder, serde_json::Error>> {
    let answer: Answer<'_> = serde_json::from_slice(body).unwrap();
    answer.list.elements.order.into_iter().map(|raw| by_hand(raw.get())).collect()
}

fn config() -> WalmartConfig {
    WalmartConfig::new("id", "secret", "shop").with_zone(chrono_tz::America::Los_Angeles)
}

/// Damaged orders cost only themselves; an unknown status is kept.
fn isolation(page: &str, config: &WalmartConfig) {
    let mut parts: Vec<String> = page.split(r#"{"purchaseOrderId""#).map(str::to_owned).collect();
    parts[11] = parts[11].replacen(r#":"1"#, r#":null,"x":"1"#, 1);
    parts[51] = parts[51].replacen(r#""amount":"#, r#""amount":"abc","x":"#, 1);
    parts[91] = parts[91].replace(r#""status":"Acknowledged""#, r#""status":"Teleported""#);
    let damaged = parts.join(r#"{"purchaseOrderId""#);
    let items = read_list_page(damaged.as_bytes(), config).unwrap().items;
    assert_eq!(items.len(), ORDERS);
    let unreadable = items.iter().enumerate().filter_map(|(index, item)| match item {
        PlatformItem::Unreadable(_) => Some(index),
        PlatformItem::Read(_) => None,
    });
    assert_eq!(unreadable.collect::<Vec<_>>(), [10, 50]);
}

pub(crate) fn run(quick: bool) {
    let (count, rounds) = if quick { (5, 5) } else { (20, 15) };
    let config = config();
    let pages = pages(count);
    let bytes: usize = pages.iter().map(String::len).sum();
    for page in &pages {
        let ours = read_list_page(page.as_bytes(), &config).unwrap().items;
        let theirs = hand_page(page.as_bytes());
        assert_eq!(ours.len(), ORDERS);
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            let PlatformItem::Read(ours) = ours else { panic!("{ours:?}") };
            assert_eq!(*ours, theirs.unwrap());
        }
    }
    isolation(&pages[0], &config);
    let times = contest(
        rounds,
        &mut [
            &mut || {
                for page in &pages {
                    black_box(read_list_page(black_box(page.as_bytes()), &config).unwrap());
                }
            },
            &mut || {
                for page in &pages {
                    black_box(hand_page(black_box(page.as_bytes())));
                }
            },
        ],
    );
    let orders = count * ORDERS;
    println!("Walmart: {count} pages, {orders} orders, {bytes} bytes, {rounds} rounds");
    print("pages to orders", &times[0], orders, bytes);
    print("structs by hand, same orders, same isolation", &times[1], orders, bytes);
    println!("  ratio {:.2} (wanted: at least 0.8)", median(&times[1]) / median(&times[0]));
}
