//! Pages of Mercado Libre's orders, beside structs written by hand for these pages and mapped to
//! the same orders with the same isolation and the same raw text kept.

use std::collections::BTreeMap;
use std::hint::black_box;

use chrono::{DateTime, Utc};
use orderflow::order::{
    LogisticsMode, Payment, PaymentMethod, PaymentState, PlatformBuyer, PlatformLine,
    PlatformOrder, UnitGroup, UnitStatus,
};
use orderflow::platforms::mercado_libre::read_search_page;
use orderflow::ports::PlatformItem;
use orderflow::{BuyerId, Currency, LineId, Money, PaymentId, PlatformOrderId, Sku};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::support::split_mix;
use super::{contest, median, print, title};

const ORDERS: usize = 50;

/// The JSON of one line.
fn item(number: u64, state: &mut u64) -> String {
    let name = title(state);
    let mut draw = |below: u64| split_mix(state) % below;
    let (whole, cents, item, sku) =
        (1 + draw(900), 10 + draw(90), draw(1_000_000_000), draw(1_000_000));
    format!(
        r#"{{"item":{{"id":"MLB{number}{item:09}","title":"{name}","category_id":"MLB188658","variation_id":17{item:09},"seller_custom_field":null,"variation_attributes":[{{"id":"COLOR","name":"Cor","value_id":"52049","value_name":"Azul"}}],"warranty":"Garantia de fábrica: 3 meses","condition":"new","seller_sku":"SKU-{sku:08}","global_price":null,"net_weight":null,"user_product_id":"MLBU{item:010}","release_date":null}},"quantity":1,"requested_quantity":{{"measure":"unit","value":1}},"picked_quantity":null,"unit_price":{whole}.{cents},"full_unit_price":{whole}.{cents},"currency_id":"BRL","manufacturing_days":null,"sale_fee":11.{cents},"listing_type_id":"gold_special","base_exchange_rate":null,"base_currency_id":null,"element_id":{number},"stock":[{{"store_id":"54936888","network_node_id":"163942"}}]}}"#
    )
}

/// The JSON of one order, of about 3 kB.
fn order(number: u64, state: &mut u64) -> String {
    let draw = split_mix(state) % 100;
    let items = 1 + u64::from(draw >= 60) + u64::from(draw >= 85) + u64::from(draw >= 95);
    let items: Vec<String> = (1..=items).map(|number| item(number, state)).collect();
    let name = if split_mix(state).is_multiple_of(5) { "JOSÉ NÚÑEZ" } else { "ANA SMITH" };
    let (whole, cents) = (10 + split_mix(state) % 900, 10 + split_mix(state) % 90);
    format!(
        r#"{{"id":200000{number:010},"date_created":"2026-03-01T09:34:59.000-04:00","last_updated":"2026-03-01T09:37:20.000-04:00","date_closed":"2026-03-01T09:35:43.000-04:00","pack_id":200001{number:010},"fulfilled":null,"buying_mode":"buy_equals_pay","shipping_cost":null,"mediations":[],"total_amount":{whole}.{cents},"paid_amount":{whole}.{cents},"order_items":[{}],"currency_id":"BRL","payments":[{{"id":91{number:010},"order_id":200000{number:010},"payer_id":6427433,"collector":{{"id":779432305}},"card_id":null,"reason":"{name}","site_id":"MLB","payment_method_id":"account_money","currency_id":"BRL","installments":1,"issuer_id":"2007","atm_transfer_reference":{{"transaction_id":null,"company_id":null}},"activation_uri":null,"operation_type":"regular_payment","payment_type":"account_money","available_actions":["refund"],"status":"approved","status_code":null,"status_detail":"accredited","transaction_amount":{whole}.{cents},"transaction_amount_refunded":0.0,"taxes_amount":0.0,"shipping_cost":0.0,"overpaid_amount":0.0,"total_paid_amount":{whole}.{cents},"installment_amount":null,"deferred_period":null,"date_approved":"2026-03-01T09:35:42.000-04:00","transaction_order_id":null,"date_created":"2026-03-01T09:35:42.000-04:00","date_last_modified":"2026-03-01T09:37:12.000-04:00","marketplace_fee":22.14,"reference_id":null,"authorization_code":null}}],"shipping":{{"id":44{number:09}}},"status":"paid","status_detail":null,"tags":["pack_order","order_has_discount","catalog","paid","not_delivered"],"feedback":{{"seller":null,"buyer":null}},"context":{{"channel":"marketplace","site":"MLB","flows":["catalog"]}},"seller":{{"id":779432305,"user_type":null,"tags":[],"status":null,"buy_restrictions":[]}},"buyer":{{"id":64{number:08},"nickname":"{name}","user_type":null,"tags":[],"status":null,"buy_restrictions":[]}},"taxes":{{"amount":null,"currency_id":null,"id":null}},"cancel_detail":null,"manufacturing_ending_date":null,"order_request":{{"change":null,"return":null}}}}"#,
        items.join(","),
    )
}

fn pages(count: usize) -> Vec<String> {
    let mut state = 13;
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
                r#"{{"query":"","results":[{}],"sort":{{"id":"date_asc","name":"Date ascending"}},"available_sorts":[],"filters":[],"paging":{{"total":{},"offset":0,"limit":50}},"display":"complete"}}"#,
                orders.join(","),
                count * ORDERS,
            )
        })
        .collect()
}

// ---- by hand ----------------------------------------------------------------------------------

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    Decimal::from_str_exact(raw).map_err(serde::de::Error::custom)
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let text = <&str>::deserialize(deserializer)?;
    let read = DateTime::parse_from_rfc3339(text).map_err(serde::de::Error::custom)?;
    Ok(read.to_utc())
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}
#[derive(Deserialize)]
struct HandOrder<'a> {
    id: u64,
    pack_id: u64,
    #[serde(deserialize_with = "instant")]
    date_created: DateTime<Utc>,
    #[serde(deserialize_with = "instant")]
    last_updated: DateTime<Utc>,
    status: String,
    #[serde(borrow)]
    tags: Vec<&'a str>,
    #[serde(borrow)]
    order_items: Vec<Line<'a>>,
    #[serde(deserialize_with = "number")]
    total_amount: Decimal,
    #[serde(borrow)]
    payments: Vec<Paid<'a>>,
    shipping: WithId,
    buyer: Buyer,
    #[serde(borrow)]
    context: Context<'a>,
}
#[derive(Deserialize)]
struct WithId {
    id: u64,
}
#[derive(Deserialize)]
struct Buyer {
    id: u64,
    nickname: String,
}
#[derive(Deserialize)]
struct Context<'a> {
    channel: String,
    site: String,
    #[serde(borrow)]
    flows: Vec<&'a str>,
}
#[derive(Deserialize)]
struct Line<'a> {
    item: Item,
    quantity: u32,
    #[serde(deserialize_with = "number")]
    unit_price: Decimal,
    #[serde(borrow)]
    sale_fee: &'a RawValue,
    stock: Vec<Stock>,
}
#[derive(Deserialize)]
struct Item {
    id: String,
    title: String,
    variation_id: u64,
    variation_attributes: Vec<Attribute>,
    seller_sku: String,
    user_product_id: String,
    condition: String,
}
#[derive(Deserialize)]
struct Attribute {
    name: String,
    value_name: String,
}
#[derive(Deserialize)]
struct Stock {
    store_id: String,
    network_node_id: String,
}
#[derive(Deserialize)]
struct Paid<'a> {
    id: u64,
    payment_method_id: String,
    status: &'a str,
    #[serde(deserialize_with = "number")]
    transaction_amount_refunded: Decimal,
    #[serde(deserialize_with = "number")]
    total_paid_amount: Decimal,
    #[serde(deserialize_with = "instant")]
    date_approved: DateTime<Utc>,
}

fn hand_line(order: u64, line: Line<'_>) -> PlatformLine {
    let price = Money::new(line.unit_price, Currency::BRL);
    let item = line.item;
    let id = format!("{order}-{}-{}", item.id, item.variation_id);
    let mut attributes = BTreeMap::from([
        ("item_id".to_owned(), item.id),
        ("variation_id".to_owned(), item.variation_id.to_string()),
        ("user_product_id".to_owned(), item.user_product_id),
        ("condition".to_owned(), item.condition),
        ("sale_fee".to_owned(), line.sale_fee.get().to_owned()),
    ]);
    if let Some(stock) = line.stock.into_iter().next() {
        attributes.insert("store_id".to_owned(), stock.store_id);
        attributes.insert("network_node_id".to_owned(), stock.network_node_id);
    }
    for attribute in item.variation_attributes {
        attributes.insert(attribute.name, attribute.value_name);
    }
    PlatformLine {
        sku: Some(Sku::new(item.seller_sku).unwrap()),
        attributes,
        line_total: Some(price.times(line.quantity).unwrap()),
        units: vec![UnitGroup::new(UnitStatus::New, line.quantity)],
        ..PlatformLine::new(LineId::new(id).unwrap(), item.title, line.quantity, price)
    }
}

fn by_hand(raw: &str) -> Result<PlatformOrder, serde_json::Error> {
    let mut wire: HandOrder<'_> = serde_json::from_str(raw)?;
    let total = Money::new(wire.total_amount, Currency::BRL);
    wire.tags.sort_unstable();
    let attributes = BTreeMap::from([
        ("orders".to_owned(), wire.id.to_string()),
        ("tags".to_owned(), wire.tags.join(",")),
        ("context.flows".to_owned(), wire.context.flows.join(",")),
        ("context.channel".to_owned(), wire.context.channel),
        ("pack_id".to_owned(), wire.pack_id.to_string()),
        ("shipping.id".to_owned(), wire.shipping.id.to_string()),
    ]);
    let paid_at = wire.payments.iter().map(|payment| payment.date_approved).max();
    let payments = wire.payments.into_iter().map(|payment| Payment {
        id: PaymentId::new(payment.id.to_string()).unwrap(),
        amount: Money::new(payment.total_paid_amount, Currency::BRL),
        method: Some(PaymentMethod::Other(payment.payment_method_id)),
        state: match payment.status {
            "approved" => PaymentState::Paid,
            _ => PaymentState::Pending,
        },
        paid_at: Some(payment.date_approved),
        refunded: Money::new(payment.transaction_amount_refunded, Currency::BRL),
    });
    let payments = payments.collect();
    let id = PlatformOrderId::new(wire.pack_id.to_string()).unwrap();
    Ok(PlatformOrder {
        number: Some(wire.id.to_string()),
        site: Some(wire.context.site),
        status: Some(wire.status),
        paid_at,
        updated_at: Some(wire.last_updated),
        buyer: PlatformBuyer {
            id: Some(BuyerId::new(wire.buyer.id.to_string()).unwrap()),
            name: Some(wire.buyer.nickname.into()),
            email: None,
        },
        logistics: LogisticsMode::PlatformLabel,
        payments,
        lines: wire.order_items.into_iter().map(|line| hand_line(wire.id, line)).collect(),
        attributes,
        raw: raw.into(),
        ..PlatformOrder::new(id, wire.date_created, total)
    })
}

fn hand_page(body: &[u8]) -> Vec<Result<PlatformOrder, serde_json::Error>> {
    let answer: Answer<'_> = serde_json::from_slice(body).unwrap();
    answer.results.into_iter().map(|raw| by_hand(raw.get())).collect()
}

/// Damaged orders cost only themselves; an unknown status is kept.
fn isolation(page: &str) {
    let mut parts: Vec<String> = page.split(r#"{"id":200000"#).map(str::to_owned).collect();
    parts[11] = parts[11].replacen(r#""order_items":"#, r#""other":"#, 1);
    parts[31] = parts[31].replacen(r#""unit_price":"#, r#""unit_price":"abc","x":"#, 1);
    parts[41] = parts[41].replace(r#""status":"paid""#, r#""status":"teleported""#);
    let damaged = parts.join(r#"{"id":200000"#);
    let items = read_search_page(damaged.as_bytes()).unwrap().items;
    assert_eq!(items.len(), ORDERS);
    let unreadable = items.iter().filter(|item| matches!(item, PlatformItem::Unreadable(_)));
    assert_eq!(unreadable.count(), 2);
}

pub(crate) fn run(quick: bool) {
    let (count, rounds) = if quick { (10, 5) } else { (40, 15) };
    let pages = pages(count);
    let bytes: usize = pages.iter().map(String::len).sum();
    for page in &pages {
        let ours = read_search_page(page.as_bytes()).unwrap().items;
        let theirs = hand_page(page.as_bytes());
        assert_eq!(ours.len(), ORDERS);
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            let PlatformItem::Read(ours) = ours else { panic!("{ours:?}") };
            assert_eq!(*ours, theirs.unwrap());
        }
    }
    isolation(&pages[0]);
    let times = contest(
        rounds,
        &mut [
            &mut || {
                for page in &pages {
                    black_box(read_search_page(black_box(page.as_bytes())).unwrap());
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
    println!("Mercado Libre: {count} pages, {orders} orders, {bytes} bytes, {rounds} rounds");
    print("pages to orders", &times[0], orders, bytes);
    print("structs by hand, same orders, same isolation", &times[1], orders, bytes);
    println!("  ratio {:.2} (wanted: at least 0.8)", median(&times[1]) / median(&times[0]));
}
