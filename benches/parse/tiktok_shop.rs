//! Pages of TikTok Shop's orders, beside structs written by hand for these pages and mapped to the
//! same orders with the same isolation and the same raw text kept.

use std::collections::BTreeMap;
use std::hint::black_box;

use chrono::{DateTime, Utc};
use orderflow::order::{
    DeadlineKind, LogisticsMode, Payment, PaymentMethod, PaymentState, PlatformBuyer,
    PlatformDeadline, PlatformLine, PlatformOrder, PlatformShipment, SpeedClass, UnitGroup,
    UnitStatus,
};
use orderflow::platforms::tiktok_shop::{Reading, read_search_page};
use orderflow::ports::PlatformItem;
use orderflow::{
    Address, BuyerId, Contact, Country, Currency, LineId, Money, PaymentId, PlatformOrderId,
    PlatformPackageId, Sku, TrackingNumber,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::support::split_mix;
use super::{contest, median, print, title};

const ORDERS: usize = 100;

/// The JSON of one unit.
fn unit(order: u64, number: u64, shipped: bool, state: &mut u64) -> String {
    let name = title(state);
    let mut draw = |below: u64| split_mix(state) % below;
    let (dollars, cents) = (1 + draw(200), 10 + draw(90));
    let (product, sku, image) = (draw(1_000_000), draw(1_000_000), draw(1_000_000));
    let status = if shipped { "IN_TRANSIT" } else { "AWAITING_SHIPMENT" };
    let parcel = if shipped {
        format!(
            r#""package_id":"115{order:016}","package_status":"FULFILLING","tracking_number":"94001118995{order:011}","shipping_provider_id":"6617675021119438849","shipping_provider_name":"USPS","rts_time":1772366400,"#
        )
    } else {
        r#""package_id":"","package_status":"TO_FULFILL","tracking_number":"","#.to_owned()
    };
    format!(
        r#"{{"buyer_service_fee":"0","currency":"USD","display_status":"{status}","handling_duration_days":"2","id":"577{order:014}{number}","is_gift":false,"item_tax":[{{"tax_amount":"1.{cents}","tax_rate":"0.08","tax_type":"SALES_TAX"}}],"original_price":"{dollars}.{cents}",{parcel}"platform_discount":"0","product_id":"17295827{product:011}","product_name":"{name}","retail_delivery_fee":"0","sale_price":"{dollars}.{cents}","seller_discount":"0","seller_sku":"SKU-{sku:08}","sku_id":"272938{product:06}{number}{order:06}","sku_image":"https://p16-oec-va.ibyteimg.com/{image:032}.jpeg","sku_name":"blue, large","sku_type":"NORMAL","small_order_fee":"0"}}"#
    )
}

/// The JSON of one order, of about 3 kB.
fn order(number: u64, state: &mut u64) -> String {
    let draw = split_mix(state) % 100;
    let units = 1 + u64::from(draw >= 60) + u64::from(draw >= 85) + u64::from(draw >= 95);
    let shipped = split_mix(state).is_multiple_of(4);
    let units: Vec<String> = (1..=units).map(|unit_| unit(number, unit_, shipped, state)).collect();
    let name = if split_mix(state).is_multiple_of(5) { "José Núñez" } else { "Ana Smith" };
    let street = 1 + split_mix(state) % 9_000;
    let zip = split_mix(state) % 100_000;
    let (dollars, cents) = (10 + split_mix(state) % 500, 10 + split_mix(state) % 90);
    let status = if shipped { "IN_TRANSIT" } else { "AWAITING_SHIPMENT" };
    format!(
        r#"{{"buyer_email":"{number:08}@chat.seller.tiktok.com","buyer_message":"","cancellation_initiator":"","commerce_platform":"TIKTOK_SHOP","create_time":1772280000,"delivery_option_id":"7091146663229654785","delivery_option_name":"Standard shipping","delivery_sla_time":1772712000,"delivery_type":"HOME_DELIVERY","fast_dispatch_sla_time":1772452800,"fulfillment_type":"FULFILLMENT_BY_SELLER","handling_duration":{{"days":"2","type":"BUSINESS_DAY"}},"has_updated_recipient_address":false,"id":"5764614{number:011}","is_buyer_request_cancel":false,"is_cod":false,"is_on_hold_order":false,"is_replacement_order":false,"is_sample_order":false,"line_items":[{}],"order_type":"NORMAL","packages":[{{"id":"115{number:016}"}}],"paid_time":1772280060,"payment":{{"buyer_service_fee":"0","currency":"USD","original_shipping_fee":"5.00","original_total_product_price":"{dollars}.{cents}","platform_discount":"0","product_tax":"1.{cents}","seller_discount":"0","shipping_fee":"5.00","shipping_fee_platform_discount":"0","shipping_fee_seller_discount":"0","shipping_fee_tax":"0","sub_total":"{dollars}.{cents}","tax":"1.{cents}","total_amount":"{dollars}.{cents}"}},"payment_method_name":"CCDC","recipient_address":{{"address_detail":"{street} Example Street","address_line1":"{street} Example Street","address_line2":"","address_line3":"","address_line4":"","delivery_preferences":{{"drop_off_location":""}},"district_info":[{{"address_level":"L0","address_level_name":"Country","address_name":"United States","iso_code":"US"}},{{"address_level":"L1","address_level_name":"State","address_name":"Colorado","iso_code":"US-CO"}},{{"address_level":"L3","address_level_name":"City","address_name":"Denver"}}],"first_name":"","full_address":"{street} Example Street, Denver","last_name":"","name":"{name}","phone_number":"(+1)5550100{:03}","postal_code":"{zip:05}","region_code":"US"}},"rts_sla_time":1772452800,"shipping_due_time":1772798400,"shipping_provider":"","shipping_provider_id":"","shipping_type":"SELLER","status":"{status}","tracking_number":"","tts_sla_time":1772539200,"update_time":1772366400,"user_id":"7021436{number:012}","warehouse_id":"6955005333819123123"}}"#,
        units.join(","),
        number % 1_000,
    )
}

fn pages(count: usize) -> Vec<String> {
    let mut state = 11;
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
                r#"{{"code":0,"data":{{"next_page_token":"aDU2dHIzMDQ=","orders":[{}],"total_count":{}}},"message":"Success","request_id":"202203070749000101890810281E8C70B7"}}"#,
                orders.join(","),
                count * ORDERS,
            )
        })
        .collect()
}

// ---- by hand ----------------------------------------------------------------------------------

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    Decimal::from_str_exact(<&str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    orders: Vec<&'a RawValue>,
}
#[derive(Deserialize)]
struct HandOrder<'a> {
    buyer_email: String,
    commerce_platform: String,
    create_time: i64,
    delivery_option_id: String,
    delivery_option_name: String,
    delivery_sla_time: i64,
    delivery_type: String,
    fulfillment_type: String,
    id: String,
    #[serde(borrow)]
    line_items: Vec<Unit<'a>>,
    order_type: String,
    paid_time: i64,
    payment: Paid,
    payment_method_name: String,
    #[serde(borrow)]
    recipient_address: Postal<'a>,
    rts_sla_time: i64,
    shipping_due_time: i64,
    shipping_type: String,
    status: String,
    tts_sla_time: i64,
    update_time: i64,
    user_id: String,
    warehouse_id: String,
}
#[derive(Deserialize)]
struct Paid {
    #[serde(deserialize_with = "number")]
    total_amount: Decimal,
}
#[derive(Deserialize)]
struct Postal<'a> {
    address_line1: String,
    address_line2: String,
    #[serde(borrow)]
    district_info: Vec<District<'a>>,
    name: String,
    phone_number: String,
    postal_code: String,
    region_code: &'a str,
}
#[derive(Deserialize)]
struct District<'a> {
    address_level_name: &'a str,
    address_name: String,
    iso_code: Option<&'a str>,
}
#[derive(Deserialize)]
struct Unit<'a> {
    display_status: &'a str,
    id: String,
    item_tax: Vec<Tax>,
    #[serde(deserialize_with = "number")]
    original_price: Decimal,
    package_id: String,
    tracking_number: String,
    shipping_provider_name: Option<String>,
    rts_time: Option<i64>,
    product_id: String,
    product_name: String,
    seller_sku: String,
    sku_id: String,
    sku_image: String,
    sku_name: String,
}
#[derive(Deserialize)]
struct Tax {
    #[serde(deserialize_with = "number")]
    tax_amount: Decimal,
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn hand_line(unit: Unit<'_>, packages: &mut Vec<String>) -> PlatformLine {
    let money = |amount| Money::new(amount, Currency::USD);
    let price = money(unit.original_price);
    let status = match unit.display_status {
        "AWAITING_SHIPMENT" => UnitStatus::New,
        "IN_TRANSIT" => UnitStatus::InTransit,
        _ => UnitStatus::Unknown(unit.display_status.to_owned()),
    };
    if !unit.package_id.is_empty() {
        packages.push(unit.package_id.clone());
    }
    let shipment = (status != UnitStatus::New).then(|| PlatformShipment {
        collected_at: None,
        delivered_at: None,
        package: Some(PlatformPackageId::new(unit.package_id).unwrap()),
        carrier: unit.shipping_provider_name,
        number: Some(TrackingNumber::new(unit.tracking_number).unwrap()),
        url: None,
        shipped_at: unit.rts_time.map(at),
    });
    PlatformLine {
        personal_attributes: Default::default(),
        id: LineId::new(unit.sku_id.as_str()).unwrap(),
        unit_ids: vec![unit.id],
        sku: Some(Sku::new(unit.seller_sku).unwrap()),
        title: unit.product_name,
        attributes: BTreeMap::from([
            ("sku_id".to_owned(), unit.sku_id),
            ("product_id".to_owned(), unit.product_id),
            ("sku_name".to_owned(), unit.sku_name),
        ]),
        quantity: 1,
        unit_price: price,
        line_total: Some(price),
        tax: Some(money(unit.item_tax.into_iter().map(|tax| tax.tax_amount).sum())),
        shipping: None,
        discount: None,
        weight: None,
        image_url: filled(unit.sku_image),
        units: vec![UnitGroup { status, units: 1, shipment, reason: None }],
    }
}

fn by_hand(raw: &str) -> Result<PlatformOrder, serde_json::Error> {
    let wire: HandOrder<'_> = serde_json::from_str(raw)?;
    let (placed_at, paid_at) = (at(wire.create_time), at(wire.paid_time));
    let total = Money::new(wire.payment.total_amount, Currency::USD);
    let mut packages = Vec::new();
    let lines = wire.line_items.into_iter().map(|unit| hand_line(unit, &mut packages)).collect();
    packages.dedup();
    let mut attributes = BTreeMap::from([
        ("order_type".to_owned(), wire.order_type),
        ("commerce_platform".to_owned(), wire.commerce_platform),
        ("fulfillment_type".to_owned(), wire.fulfillment_type),
        ("shipping_type".to_owned(), wire.shipping_type),
        ("delivery_type".to_owned(), wire.delivery_type),
        ("delivery_option_id".to_owned(), wire.delivery_option_id),
        ("warehouse_id".to_owned(), wire.warehouse_id),
    ]);
    if !packages.is_empty() {
        attributes.insert("packages".to_owned(), packages.join(","));
    }
    let postal = wire.recipient_address;
    let (mut city, mut state) = (String::new(), None);
    for district in postal.district_info {
        match district.address_level_name {
            "City" => city = district.address_name,
            "State" => {
                state =
                    district.iso_code.and_then(|code| code.split('-').next_back().map(Into::into));
            }
            _ => {}
        }
    }
    let streets = [filled(postal.address_line1), filled(postal.address_line2)];
    let deadline = |kind, seconds| PlatformDeadline { kind, at: at(seconds) };
    let id = PlatformOrderId::new(wire.id).unwrap();
    Ok(PlatformOrder {
        site: Some("US".to_owned()),
        status: Some(wire.status),
        paid_at: Some(paid_at),
        updated_at: Some(at(wire.update_time)),
        buyer: PlatformBuyer {
            id: Some(BuyerId::new(wire.user_id).unwrap()),
            name: None,
            email: Some(wire.buyer_email.into()),
        },
        recipient: Some(Contact {
            name: postal.name.into(),
            company: None,
            phone: Some(postal.phone_number.into()),
            email: None,
            address: Address {
                lines: streets.into_iter().flatten().map(Into::into).collect(),
                city,
                state,
                postal_code: Some(postal.postal_code),
                country: Country::new(postal.region_code),
                residential: None,
            },
        }),
        logistics: LogisticsMode::SellerCarrier,
        requested_service: Some(wire.delivery_option_name),
        speed: SpeedClass::Standard,
        payments: vec![Payment {
            id: PaymentId::new(id.as_str()).unwrap(),
            amount: total,
            method: Some(PaymentMethod::Other(wire.payment_method_name)),
            state: PaymentState::Paid,
            paid_at: Some(paid_at),
            refunded: Money::zero(Currency::USD),
        }],
        deadlines: vec![
            deadline(DeadlineKind::ShipBy, wire.rts_sla_time),
            deadline(DeadlineKind::CollectBy, wire.tts_sla_time),
            deadline(DeadlineKind::DeliverBy, wire.delivery_sla_time),
            deadline(DeadlineKind::AutoCancelUnlessShipped, wire.shipping_due_time),
        ],
        lines,
        attributes,
        raw: raw.into(),
        ..PlatformOrder::new(id, placed_at, total)
    })
}

fn hand_page(body: &[u8]) -> Vec<Result<PlatformOrder, serde_json::Error>> {
    let answer: Answer<'_> = serde_json::from_slice(body).unwrap();
    answer.data.orders.into_iter().map(|raw| by_hand(raw.get())).collect()
}

/// Damaged orders cost only themselves; an unknown status is kept.
fn isolation(page: &str, reading: &Reading) {
    let mut parts: Vec<String> = page.split(r#"{"buyer_email""#).map(str::to_owned).collect();
    parts[11] = parts[11].replacen(r#""id":"5764614"#, r#""other":"5764614"#, 1);
    parts[51] = parts[51].replacen(r#""total_amount":"#, r#""total_amount":"abc","x":"#, 1);
    parts[91] = parts[91].replace(r#""status":"#, r#""status":"TELEPORTED","x":"#);
    let damaged = parts.join(r#"{"buyer_email""#);
    let items = read_search_page(damaged.as_bytes(), reading).unwrap().items;
    assert_eq!(items.len(), ORDERS);
    let unreadable = items.iter().enumerate().filter_map(|(index, item)| match item {
        PlatformItem::Unreadable(_) => Some(index),
        PlatformItem::Read(_) => None,
    });
    assert_eq!(unreadable.collect::<Vec<_>>(), [10, 50]);
}

pub(crate) fn run(quick: bool) {
    let (count, rounds) = if quick { (5, 5) } else { (20, 15) };
    let reading = Reading::default();
    let pages = pages(count);
    let bytes: usize = pages.iter().map(String::len).sum();
    for page in &pages {
        let ours = read_search_page(page.as_bytes(), &reading).unwrap().items;
        let theirs = hand_page(page.as_bytes());
        assert_eq!(ours.len(), ORDERS);
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            let PlatformItem::Read(ours) = ours else { panic!("{ours:?}") };
            assert_eq!(*ours, theirs.unwrap());
        }
    }
    isolation(&pages[0], &reading);
    let times = contest(
        rounds,
        &mut [
            &mut || {
                for page in &pages {
                    black_box(read_search_page(black_box(page.as_bytes()), &reading).unwrap());
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
    println!("TikTok Shop: {count} pages, {orders} orders, {bytes} bytes, {rounds} rounds");
    print("pages to orders", &times[0], orders, bytes);
    print("structs by hand, same orders, same isolation", &times[1], orders, bytes);
    println!("  ratio {:.2} (wanted: at least 0.8)", median(&times[1]) / median(&times[0]));
}
