//! W5: the whole path (list, label, upload) against a local server, beside bare HTTP that makes the
//! same calls in the same process, round by round.
//!
//! ```text
//! cargo bench --bench pipeline -- [--orders N] [--rounds R] [--quick]
//! ```
//!
//! The server is a process of its own with one thread. `bare` is a plain HTTP client with a task
//! that fetches pages ahead; it keeps nothing, parses only what the next call needs, and is the limit.
//! `memory` and `sqlite` are this crate's engine with its HTTP stack: parsing, review, allocation,
//! routing, intents before effects; with SQLite every step is on disk before the next.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a bench that panics has failed"
)]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use orderflow::calendar::WorkCalendar;
use orderflow::client::{
    Client, Dialect, Operation, Outgoing, Problem, Quota, Repeat, ReqwestTransport, Response,
    Verdict,
};
use orderflow::engine::{Carrier, Engine, EnginePolicy, Shop, StraightOptions};
use orderflow::order::{PlatformBuyer, PlatformLine, PlatformOrder, SpeedClass};
use orderflow::ports::{
    CarrierAdapter, CarrierLimits, CarrierNaming, Confirmed, Cursor, MarketplaceAdapter,
    OrderQuery, Page, PlatformItem, PlatformLimits, Recovery, ShipmentNotice,
};
use orderflow::shipment::{
    CarrierService, CostTier, Coverage, Document, DocumentKind, Label, LabelCost, LabelFormat,
    LabelIntent, LabelRecord, LabelRequest, RateQuote, RateRequest, ServiceKey, TrackOutcome,
    Tracked,
};
use orderflow::store::{MemoryStock, MemoryStore, SqliteStore};
use orderflow::warehouse::{FulfillmentChannel, Warehouse};
use orderflow::{
    Address, CarrierId, Contact, Country, Currency, ErrorKind, Grams, IdempotencyKey, LineId,
    Money, PlatformId, PlatformOrderId, Result, ServiceCode, ShopId, ShopKey, Sku, TrackingNumber,
    VendorDetail, WarehouseId,
};
use serde::{Deserialize, Serialize};
use support::split_mix;

const PAGE: usize = 100;

// ---------------------------------------------------------------- the server, a process of its own

/// Pages of 100 orders, about 3 KB an order.
fn pages(orders: usize) -> Vec<String> {
    let mut state = 3_u64;
    let mut pages = Vec::new();
    for page in 0..orders.div_ceil(PAGE) {
        let mut list = Vec::new();
        for slot in 0..PAGE.min(orders - page * PAGE) {
            let number = page * PAGE + slot;
            let lines: Vec<serde_json::Value> = (0..1 + split_mix(&mut state) % 3)
                .map(|line| {
                    let words: Vec<String> = (0..14)
                        .map(|_| format!("{:x}", split_mix(&mut state) % 0xFFFF_FFFF))
                        .collect();
                    serde_json::json!({
                        "lineNumber": (line + 1).to_string(),
                        "item": {
                            "sku": format!("SKU-{}", split_mix(&mut state) % 100),
                            "productName": words.join(" "),
                            "imageUrl": format!("https://images.example/{}", words[0]),
                            "weight": {"value": "1.67", "unit": "LB"},
                            "condition": "New", "configId": null, "upc": null
                        },
                        "charges": {"charge": [{
                            "chargeType": "PRODUCT", "chargeName": "ItemPrice",
                            "chargeAmount": {"currency": "USD", "amount": 20.02}, "tax": null
                        }]},
                        "orderLineQuantity": {"unitOfMeasurement": "EACH", "amount": "1"},
                        "statusDate": 1_767_225_600_000_u64,
                        "orderLineStatuses": {"orderLineStatus": [{
                            "status": "Created",
                            "statusQuantity": {"unitOfMeasurement": "EACH", "amount": "1"},
                            "cancellationReason": null, "trackingInfo": null
                        }]},
                        "fulfillment": {"fulfillmentOption": "S2H", "shipMethod": "VALUE", "storeId": null},
                        "refund": null, "originalCarrierMethod": null, "referenceLineId": null
                    })
                })
                .collect();
            list.push(serde_json::json!({
                "purchaseOrderId": format!("{:015}", number),
                "customerOrderId": format!("C{number:014}"),
                "customerEmailId": "relay@example.com",
                "orderDate": 1_767_225_600_000_u64 + number as u64,
                "buyerId": null, "mart": null, "isGuest": false,
                "shippingInfo": {
                    "phone": "5550100", "methodCode": "Value",
                    "postalAddress": {
                        "name": format!("Ana Núñez {number}"),
                        "address1": format!("{} Example Street", 1 + number % 900),
                        "address2": "Apt 4", "city": "Denver", "state": "CO",
                        "postalCode": "80202", "country": "USA", "addressType": "RESIDENTIAL"
                    }
                },
                "orderLines": {"orderLine": lines}
            }));
        }
        pages.push(
            serde_json::to_string(&serde_json::json!({"list": {"elements": {"order": list}}}))
                .unwrap(),
        );
    }
    pages
}

/// Serves until its standard input closes; prints its port.
fn serve(orders: usize, latency: Duration) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let pages: Arc<Vec<bytes::Bytes>> =
        Arc::new(pages(orders).into_iter().map(bytes::Bytes::from).collect());
    let image = "JVBERi0x".repeat(1_250);
    let sold = Arc::new(AtomicU64::new(0));
    std::thread::spawn(|| {
        let mut nothing = String::new();
        let _ = std::io::stdin().read_line(&mut nothing);
        std::process::exit(0);
    });
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        std::io::stdout().flush().expect("flushed");
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let (pages, image, sold) = (Arc::clone(&pages), image.clone(), Arc::clone(&sold));
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let (pages, image, sold) = (Arc::clone(&pages), image.clone(), Arc::clone(&sold));
                    async move {
                        let path = request.uri().path().to_owned();
                        let query = request.uri().query().unwrap_or("").to_owned();
                        let _ = request.into_body().collect().await;
                        if !latency.is_zero() {
                            tokio::time::sleep(latency).await;
                        }
                        let body = match path.as_str() {
                            "/orders" => {
                                let offset: usize =
                                    query.trim_start_matches("offset=").parse().unwrap_or(0);
                                pages.get(offset / PAGE).cloned().unwrap_or_default()
                            }
                            "/labels" => {
                                let number = sold.fetch_add(1, Ordering::Relaxed);
                                format!("{{\"trackingNumber\":\"N{number:012}\",\"cost\":5.23,\"label\":\"{image}\"}}").into()
                            }
                            _ => "{\"status\":\"ok\",\"tracking\":\"taken\"}".into(),
                        };
                        Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(body)))
                    }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(orders: usize, latency_ms: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--serve", &orders.to_string(), &latency_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, base: format!("http://{}", line.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// ------------------------------------------------------------------------------ bare HTTP, the limit

fn label_body(order: &str) -> String {
    format!(
        "{{\"reference\":\"{order}\",\"to\":{{\"name\":\"Ana Núñez\",\"street\":\"12 Example Street\"}},\"pad\":\"{}\"}}",
        "x".repeat(1_000)
    )
}

fn tracking_body(order: &str, number: &str) -> String {
    format!("{{\"order\":\"{order}\",\"number\":\"{number}\",\"pad\":\"{}\"}}", "x".repeat(340))
}

#[derive(Deserialize)]
struct IdPage {
    list: IdList,
}
#[derive(Deserialize)]
struct IdList {
    elements: IdElements,
}
#[derive(Deserialize)]
struct IdElements {
    order: Vec<IdOnly>,
}
#[derive(Deserialize)]
struct IdOnly {
    #[serde(rename = "purchaseOrderId")]
    id: String,
}
#[derive(Deserialize)]
struct NumberOnly<'a> {
    #[serde(rename = "trackingNumber", borrow)]
    number: &'a str,
}

async fn bare(base: &str, orders: usize, in_flight: usize) -> usize {
    let client =
        reqwest::Client::builder().tcp_nodelay(true).pool_max_idle_per_host(512).build().unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel::<String>(in_flight);
    let producer = {
        let (client, base) = (client.clone(), base.to_owned());
        tokio::spawn(async move {
            for offset in (0..orders).step_by(PAGE) {
                let bytes = client
                    .get(format!("{base}/orders?offset={offset}"))
                    .send()
                    .await
                    .unwrap()
                    .bytes()
                    .await
                    .unwrap();
                let page: IdPage = serde_json::from_slice(&bytes).unwrap();
                for order in page.list.elements.order {
                    sender.send(order.id).await.unwrap();
                }
            }
        })
    };
    let done = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|id| (id, receiver))
    })
    .map(|id| {
        let client = &client;
        async move {
            let bytes = client
                .post(format!("{base}/labels"))
                .header("content-type", "application/json")
                .body(label_body(&id))
                .send()
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
            let number =
                serde_json::from_slice::<NumberOnly<'_>>(&bytes).unwrap().number.to_owned();
            client
                .post(format!("{base}/tracking"))
                .header("content-type", "application/json")
                .body(tracking_body(&id, &number))
                .send()
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
        }
    })
    .buffer_unordered(in_flight)
    .count()
    .await;
    producer.await.unwrap();
    done
}

// ------------------------------------------------------------- adapters over the crate's HTTP stack

#[derive(Debug)]
struct Plain;

impl Dialect for Plain {
    fn adapter(&self) -> &'static str {
        "bench"
    }
    fn prepare(&self, _outgoing: &mut Outgoing, _attempt: &str) -> Result<()> {
        Ok(())
    }
    fn authorize(&self, _outgoing: &mut Outgoing, _token: http::HeaderValue) {}
    fn verdict(&self, _operation: &'static str, response: &Response) -> Verdict {
        if response.status.is_success() {
            return Verdict::Good;
        }
        Verdict::Refused(Box::new(Problem {
            kind: ErrorKind::Transient,
            pause: None,
            message: "refused",
            vendor: VendorDetail::with_status(response.status.as_u16()),
        }))
    }
}

fn client(base: &str) -> Client {
    let transport = Arc::new(ReqwestTransport::new().unwrap());
    Client::builder(Arc::new(Plain), transport, base, "bench")
        .quota("default", Quota::per_second(10_000_000).with_burst(10_000_000))
        .build()
        .unwrap()
}

mod wire {
    use super::*;
    #[derive(Deserialize)]
    pub struct OrdersPage {
        pub list: List,
    }
    #[derive(Deserialize)]
    pub struct List {
        pub elements: Elements,
    }
    #[derive(Deserialize)]
    pub struct Elements {
        pub order: Vec<Order>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Order {
        pub purchase_order_id: String,
        pub customer_order_id: String,
        pub customer_email_id: String,
        pub order_date: i64,
        pub shipping_info: ShippingInfo,
        pub order_lines: Lines,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct ShippingInfo {
        pub phone: String,
        pub method_code: String,
        pub postal_address: PostalAddress,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct PostalAddress {
        pub name: String,
        pub address1: String,
        pub address2: Option<String>,
        pub city: String,
        pub state: String,
        pub postal_code: String,
        pub country: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Lines {
        pub order_line: Vec<Line>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Line {
        pub line_number: String,
        pub item: Item,
        pub charges: Charges,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Item {
        pub sku: String,
        pub product_name: String,
        pub image_url: Option<String>,
    }
    #[derive(Deserialize)]
    pub struct Charges {
        pub charge: Vec<Charge>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Charge {
        pub charge_amount: Amount,
    }
    #[derive(Deserialize)]
    pub struct Amount {
        #[serde(deserialize_with = "orderflow::client::wire::exact_decimal")]
        pub amount: rust_decimal::Decimal,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Sold {
        pub tracking_number: String,
        #[serde(deserialize_with = "orderflow::client::wire::exact_decimal")]
        pub cost: rust_decimal::Decimal,
        pub label: String,
    }
}

struct ListOrders {
    offset: usize,
}

impl Operation for ListOrders {
    type Output = Vec<PlatformOrder>;
    const NAME: &'static str = "list_orders";
    const REPEAT: Repeat = Repeat::Freely;
    const AUTHORIZED: bool = false;
    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get("/orders").query("offset", self.offset.to_string()))
    }
    fn parse(&self, response: Response) -> Result<Vec<PlatformOrder>> {
        let page: wire::OrdersPage = response.json()?;
        page.list.elements.order.into_iter().map(map_order).collect()
    }
}

fn map_order(order: wire::Order) -> Result<PlatformOrder> {
    let placed_at = DateTime::from_timestamp_millis(order.order_date).unwrap_or_default();
    let address = order.shipping_info.postal_address;
    let lines: Vec<PlatformLine> = order
        .order_lines
        .order_line
        .into_iter()
        .map(|line| {
            let price = line
                .charges
                .charge
                .first()
                .map_or(rust_decimal::Decimal::ZERO, |c| c.charge_amount.amount);
            let price = Money::new(price, Currency::USD);
            Ok(PlatformLine {
                sku: Some(Sku::new(line.item.sku)?),
                line_total: Some(price),
                weight: Some(Grams::new(758)),
                image_url: line.item.image_url,
                ..PlatformLine::new(
                    LineId::new(line.line_number)?,
                    line.item.product_name,
                    1,
                    price,
                )
            })
        })
        .collect::<Result<_>>()?;
    let total = Money::sum(lines.iter().map(|line| &line.unit_price)).ok().flatten();
    Ok(PlatformOrder {
        number: Some(order.customer_order_id),
        paid_at: Some(placed_at),
        updated_at: Some(placed_at),
        buyer: PlatformBuyer { id: None, name: None, email: Some(order.customer_email_id.into()) },
        recipient: Some(Contact {
            name: address.name.into(),
            company: None,
            phone: Some(order.shipping_info.phone.into()),
            email: None,
            address: Address {
                lines: [Some(address.address1), address.address2]
                    .into_iter()
                    .flatten()
                    .map(Into::into)
                    .collect(),
                city: address.city,
                state: Some(address.state),
                postal_code: Some(address.postal_code),
                country: Country::from_alpha3(&address.country),
                residential: Some(true),
            },
        }),
        requested_service: Some(order.shipping_info.method_code),
        lines,
        ..PlatformOrder::new(
            PlatformOrderId::new(order.purchase_order_id)?,
            placed_at,
            total.unwrap_or(Money::zero(Currency::USD)),
        )
    })
}

#[derive(Serialize)]
struct Post {
    body: String,
    path: &'static str,
}

impl Operation for Post {
    type Output = Response;
    const NAME: &'static str = "post";
    const REPEAT: Repeat = Repeat::Never;
    const AUTHORIZED: bool = false;
    fn request(&self) -> Result<Outgoing> {
        let mut outgoing = Outgoing::post(self.path);
        outgoing.body = orderflow::client::Body::Bytes {
            content_type: "application/json",
            bytes: self.body.clone().into(),
        };
        Ok(outgoing)
    }
    fn parse(&self, response: Response) -> Result<Response> {
        Ok(response)
    }
}

#[derive(Debug)]
struct Market {
    client: Client,
    orders: usize,
}

#[async_trait]
impl MarketplaceAdapter for Market {
    fn platform(&self) -> PlatformId {
        PlatformId::from_static("bench")
    }
    fn limits(&self) -> PlatformLimits {
        PlatformLimits::default()
    }
    async fn list_orders(
        &self,
        _query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<PlatformOrder>> {
        let offset = cursor.and_then(|cursor| cursor.as_str().parse().ok()).unwrap_or(0);
        let orders = self.client.call(&ListOrders { offset }).await?;
        let next = offset + PAGE;
        Ok(Page {
            items: orders.into_iter().map(|order| PlatformItem::Read(Box::new(order))).collect(),
            next: (next < self.orders).then(|| Cursor::new(next.to_string())),
        })
    }
    async fn get_order(&self, _id: &PlatformOrderId) -> Result<PlatformOrder> {
        Err(orderflow::Error::unsupported("the bench lists"))
    }
    async fn confirm_shipment(
        &self,
        notice: &ShipmentNotice,
        _key: &IdempotencyKey,
    ) -> Result<Confirmed> {
        let number = notice.number.as_ref().map_or("", TrackingNumber::as_str);
        let body = tracking_body(notice.order.as_str(), number);
        self.client.call(&Post { body, path: "/tracking" }).await?;
        Ok(Confirmed { already: false, order: None })
    }
    fn carrier_name(&self, carrier: &CarrierId, _service: &ServiceCode) -> CarrierNaming {
        CarrierNaming::Code(carrier.to_string())
    }
}

#[derive(Debug)]
struct PostOffice {
    client: Client,
}

#[async_trait]
impl CarrierAdapter for PostOffice {
    fn carrier(&self) -> CarrierId {
        CarrierId::from_static("post")
    }
    fn limits(&self) -> CarrierLimits {
        CarrierLimits::default()
    }
    async fn rates(&self, _request: &RateRequest) -> Result<Vec<RateQuote>> {
        Ok(Vec::new())
    }
    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        let body = label_body(request.references.first().map_or("", String::as_str));
        let response = self.client.call(&Post { body, path: "/labels" }).await?;
        let sold: wire::Sold = response.json()?;
        Ok(Label {
            record: LabelRecord {
                key: *key,
                carrier: self.carrier(),
                service: request.service.service.clone(),
                number: TrackingNumber::new(sold.tracking_number)?,
                carrier_reference: None,
                cost: LabelCost::plain(Money::new(sold.cost, Currency::USD)),
                purchased_at: Utc::now(),
                mailing_date: Some(request.mailing_date),
                formats: vec![LabelFormat::Pdf],
            },
            documents: vec![Document::new(
                DocumentKind::Label,
                LabelFormat::Pdf,
                sold.label.into_bytes(),
            )],
        })
    }
    async fn recover_label(&self, _intent: &LabelIntent) -> Result<Recovery> {
        Ok(Recovery::Unknowable { reason: "the bench forgets".into() })
    }
    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        Ok(numbers
            .iter()
            .map(|number| Tracked { number: number.clone(), outcome: TrackOutcome::NotFoundYet })
            .collect())
    }
    fn tracking_url(&self, _number: &TrackingNumber) -> Option<String> {
        None
    }
}

fn engine(
    base: &str,
    orders: usize,
    store: Arc<dyn orderflow::ports::store::Store>,
) -> (Engine, ShopKey) {
    let calendar = WorkCalendar::every_day(chrono_tz::UTC);
    let sender = Contact {
        name: "Sender".into(),
        address: Address {
            lines: vec!["1 Dock Street".into()],
            city: "Newark".into(),
            state: Some("NJ".into()),
            postal_code: Some("07102".into()),
            country: Country::new("US"),
            residential: None,
        },
        ..Contact::default()
    };
    let warehouse = Warehouse {
        id: WarehouseId::from_static("main"),
        channel: FulfillmentChannel::MerchantFulfilled,
        sender,
        calendar: calendar.clone(),
        enabled: true,
        platforms: Default::default(),
        countries: Default::default(),
        capacity_left: None,
        unit_cost: None,
        transit_days: BTreeMap::new(),
        priority: 0,
    };
    let stock = MemoryStock::new();
    for sku in 0..100 {
        stock.set(warehouse.id.clone(), Sku::new(format!("SKU-{sku}")).unwrap(), 10_000_000);
    }
    let service = CarrierService {
        key: ServiceKey::new(CarrierId::from_static("post"), ServiceCode::from_static("GROUND")),
        name: "Ground".into(),
        enabled: true,
        speed: SpeedClass::Standard,
        min_transit_days: 2,
        max_transit_days: 5,
        cost_tier: CostTier::Low,
        coverage: Coverage::default(),
        max_weight: None,
        max_length_plus_girth: None,
        max_length: None,
        max_value: None,
        batteries: true,
        liquids: true,
        economy: true,
        capacity_left: None,
        priority: 0,
    };
    let shop = ShopKey::new(PlatformId::from_static("bench"), ShopId::from_static("1"));
    let mut policy = EnginePolicy::default();
    policy.ask_for_quotes = false;
    let engine = Engine::builder(store, Arc::new(stock))
        .shop(Shop::new(shop.clone(), Arc::new(Market { client: client(base), orders }), calendar))
        .carrier(Carrier::new(Arc::new(PostOffice { client: client(base) }), vec![service]))
        .warehouse(warehouse)
        .policy(policy)
        .build()
        .unwrap();
    (engine, shop)
}

async fn ours(
    base: &str,
    orders: usize,
    in_flight: usize,
    store: Arc<dyn orderflow::ports::store::Store>,
) -> usize {
    let (engine, shop) = engine(base, orders, store);
    let now = Utc::now();
    let options = StraightOptions::default().with_in_flight(in_flight);
    let report = engine
        .straight_through(&shop, now - TimeDelta::days(400), now, &options, now)
        .await
        .unwrap();
    assert!(report.advanced.troubles.is_empty(), "{:?}", report.advanced.troubles.first());
    assert_eq!((report.labels, report.shipped), (orders as u64, orders as u64));
    usize::try_from(report.shipped).unwrap()
}

// --------------------------------------------------------------------------------------- measuring

/// User and system time of this process in microseconds, and its peak memory in MiB.
fn usage() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kb| kb.parse::<u64>().ok())
        .unwrap_or(0);
    ((ticks(11) + ticks(12)) * 10_000, peak / 1024)
}

#[derive(Default)]
struct Samples {
    rate: Vec<f64>,
    cpu: Vec<f64>,
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--serve") {
        serve(words[1].parse().unwrap(), Duration::from_millis(words[2].parse().unwrap()));
        return;
    }
    let value = |name: &str| {
        words
            .iter()
            .position(|word| word == name)
            .and_then(|at| words.get(at + 1)?.parse::<usize>().ok())
    };
    let quick = words.iter().any(|word| word == "--quick");
    let orders = value("--orders").unwrap_or(if quick { 1_000 } else { 10_000 });
    let rounds = value("--rounds").unwrap_or(if quick { 1 } else { 5 });
    println!("{orders} orders a round, {rounds} rounds, medians (min..max)");
    println!(
        "latency in flight  who      orders/s               client CPU us/order  ratio to bare"
    );
    for (latency, in_flight) in [(0, 16), (0, 64), (0, 256), (50, 256)] {
        let server = Server::start(orders, latency);
        let mut samples: BTreeMap<&str, Samples> = BTreeMap::new();
        for _ in 0..rounds {
            for who in ["bare", "memory", "sqlite"] {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()
                    .unwrap();
                let folder = tempfile::tempdir().unwrap();
                let (cpu, _) = usage();
                let begun = Instant::now();
                let done = runtime.block_on(async {
                    match who {
                        "bare" => bare(&server.base, orders, in_flight).await,
                        "memory" => {
                            ours(&server.base, orders, in_flight, Arc::new(MemoryStore::new()))
                                .await
                        }
                        _ => {
                            let store =
                                SqliteStore::open(folder.path().join("orders.sqlite")).unwrap();
                            ours(&server.base, orders, in_flight, Arc::new(store)).await
                        }
                    }
                });
                let seconds = begun.elapsed().as_secs_f64();
                let (after, _) = usage();
                assert_eq!(done, orders);
                let entry = samples.entry(who).or_default();
                entry.rate.push(orders as f64 / seconds);
                entry.cpu.push((after - cpu) as f64 / orders as f64);
            }
        }
        let limit = median(&samples["bare"].rate);
        for who in ["bare", "memory", "sqlite"] {
            let entry = &samples[who];
            let (low, high) =
                entry.rate.iter().fold((f64::MAX, 0.0_f64), |(l, h), r| (l.min(*r), h.max(*r)));
            println!(
                "{latency:>5} ms {in_flight:>9}  {who:<7} {:>7.0} ({low:.0}..{high:.0})  {:>12.0}  {:>18.2}",
                median(&entry.rate),
                median(&entry.cpu),
                median(&entry.rate) / limit
            );
        }
    }
    println!("peak memory of this process: {} MiB", usage().1);
}
