//! The calls, each as a value.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::handover::{self, Handover};
use super::map::{self, ReadOrder, Reading};
use super::quota;
use super::wire::{self, ItemError, page_token};
use crate::client::wire::{
    exact_decimal_opt, integer, integer_opt, or_empty, string_or_number, string_or_number_opt,
};
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, PlatformOrderId};
use crate::order::PlatformOrder;
use crate::ports::{Cursor, OrderQuery, Page};
use crate::shipment::LabelRequest;

/// "page_size required, 1..100".
pub(super) const PAGE_SIZE: u32 = 100;
/// "page_size 1..50" of cancellations and returns.
const CASES: u32 = 50;

pub(super) fn get(path: String, cipher: &str) -> Outgoing {
    Outgoing::get(path).query("shop_cipher", cipher)
}

pub(super) fn post(path: String, cipher: &str) -> Outgoing {
    Outgoing::post(path).query("shop_cipher", cipher)
}

/// A call whose request is made beforehand and whose answer is its `data`.
macro_rules! calls {
    ($($(#[$doc:meta])* $call:ident = $name:literal, $repeat:ident, $quota:ident => $output:ident;)*) => {
        $($(#[$doc])*
        pub(super) struct $call(pub(super) Outgoing);

        impl Operation for $call {
            type Output = $output;
            const NAME: &'static str = $name;
            const REPEAT: Repeat = Repeat::$repeat;
            const QUOTA: &'static str = quota::$quota;

            fn request(&self) -> Result<Outgoing> {
                Ok(self.0.clone())
            }

            fn parse(&self, response: Response) -> Result<$output> {
                calls!(@read response $output)
            }
        })*
    };
    // Nothing is used of the data: it may be missing.
    (@read $response:ident Nothing) => { wire::nothing(&$response).map(|()| Nothing {}) };
    (@read $response:ident $output:ident) => { wire::data(&$response) };
}
pub(super) use calls;

calls! {
    /// `GET /authorization/202309/shops`, without a cipher.
    ListShops = "list_shops", Freely, OTHER => Shops;
    /// `GET …/delivery_options/{id}/shipping_providers`.
    ListProviders = "list_providers", Freely, OTHER => Providers;
    /// `POST …/orders/{id}/packages`. There is no key.
    MarkShipped = "confirm_shipment", Never, FULFILMENT => Marked;
    /// `POST …/packages/{id}/ship`. There is no key.
    ShipPackage = "ship_package", Never, FULFILMENT => Nothing;
    /// `POST …/shipping_info/update`: an absolute value.
    UpdateShipping = "update_tracking", Freely, FULFILMENT => Nothing;
    /// `POST …/orders/{id}/shipping_services/query`.
    QueryServices = "rates", Freely, FULFILMENT => Services;
    /// `POST /fulfillment/{version}/packages`: buys a label. There is no key.
    CreatePackage = "buy_label", Never, FULFILMENT => Created;
    /// `GET …/packages/{id}`.
    GetPackage = "get_package", Freely, FULFILMENT => PackageDetail;
    /// `GET …/packages/{id}/shipping_documents`.
    GetDocument = "shipping_document", Freely, FULFILMENT => DocumentLink;
    /// `POST …/orders/{id}/split`. There is no key.
    SplitOrder = "split", Never, FULFILMENT => SplitDone;
    /// `GET …/combinable_packages/search`.
    FindCombinable = "find_combinable", Freely, FULFILMENT => Combinable;
    /// `POST …/packages/combine`. There is no key.
    Combine = "combine", Never, FULFILMENT => Combined;
    /// `POST …/packages/{id}/uncombine`. There is no key.
    Uncombine = "uncombine", Never, FULFILMENT => Combined;
    /// `POST …/cancellations`. There is no key.
    CreateCancellation = "cancel", Never, AFTER_SALE => Cancellation;
    /// `POST /return_refund/{version}/cancellations/search`.
    SearchCancellations = "search_cancellations", Freely, AFTER_SALE => CancellationPage;
    /// `POST …/returns/search`.
    SearchReturns = "search_returns", Freely, AFTER_SALE => ReturnPage;
    /// Approving or refusing, under a key.
    AnswerCase = "answer_case", WithKey, AFTER_SALE => Nothing;
    /// `POST /product/202309/inventory/search`.
    SearchInventory = "search_inventory", Freely, INVENTORY => Inventory;
    /// `POST …/products/{id}/inventory/update`: an absolute value.
    UpdateInventory = "push_stock", Freely, INVENTORY => Updated;
    /// `POST /customer_service/202309/conversations`: gives the one that exists.
    OpenConversation = "open_conversation", Freely, MESSAGES => Conversation;
    /// `POST …/conversations/{id}/messages`. There is no key.
    SendMessage = "send_message", Never, MESSAGES => SentMessage;
}

/// `data` of which nothing is used.
pub(super) struct Nothing {}

// ------------------------------------------------------------------------------- orders

/// `POST /order/202309/orders/search`.
pub(super) struct SearchOrders<'a> {
    pub(super) query: &'a OrderQuery,
    pub(super) cursor: Option<&'a Cursor>,
    pub(super) cipher: &'a str,
    pub(super) reading: &'a Reading,
}

impl Operation for SearchOrders<'_> {
    type Output = Page<PlatformOrder>;
    const NAME: &'static str = "list_orders";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::ORDERS;

    fn request(&self) -> Result<Outgoing> {
        let (sort, body) = match self.query {
            OrderQuery::Created { from, to } => (
                "create_time",
                json!({"create_time_ge": from.timestamp(), "create_time_lt": ceil(*to)}),
            ),
            OrderQuery::Updated { from, to } => (
                "update_time",
                json!({"update_time_ge": from.timestamp(), "update_time_lt": ceil(*to)}),
            ),
            OrderQuery::Released => ("create_time", json!({"order_status": "AWAITING_SHIPMENT"})),
        };
        post("/order/202309/orders/search".to_owned(), self.cipher)
            .query("page_size", PAGE_SIZE.to_string())
            .query("sort_field", sort)
            .query("sort_order", "ASC")
            .query_opt("page_token", self.cursor.map(Cursor::as_str))
            .json(&body)
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        map::read_search_page(&response.body, self.reading)
    }
}

/// The platform counts whole seconds: a window that ends within one must not lose its orders.
fn ceil(at: chrono::DateTime<chrono::Utc>) -> i64 {
    at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0)
}

/// `GET /order/{version}/orders?ids=`.
pub(super) struct GetOrder<'a> {
    pub(super) id: &'a PlatformOrderId,
    pub(super) version: &'a str,
    pub(super) cipher: &'a str,
    pub(super) reading: &'a Reading,
}

impl Operation for GetOrder<'_> {
    type Output = ReadOrder;
    const NAME: &'static str = "get_order";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::ORDERS;

    fn request(&self) -> Result<Outgoing> {
        // A list is one value joined by commas: an id with one would be two.
        if self.id.as_str().contains(',') {
            return Err(Error::invalid("order", "is no id of the platform"));
        }
        Ok(get(format!("/order/{}/orders", self.version), self.cipher)
            .query("ids", self.id.as_str()))
    }

    fn parse(&self, response: Response) -> Result<ReadOrder> {
        map::detail(&response.body, self.id.as_str(), self.reading)?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such order"))
    }
}

// ------------------------------------------------------------------------------- shops, providers

/// Shops that a token is good for.
#[derive(Deserialize)]
pub(super) struct Shops {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) shops: Vec<super::AuthorizedShop>,
}

impl ListShops {
    pub(super) fn new() -> Self {
        Self(Outgoing::get("/authorization/202309/shops"))
    }
}

#[derive(Deserialize)]
pub(super) struct Providers {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) shipping_providers: Vec<ShippingProvider>,
}

/// A carrier as the platform knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShippingProvider {
    /// Its id, which calls carry.
    #[serde(deserialize_with = "string_or_number")]
    pub id: String,
    /// Its name.
    pub name: String,
}

impl ListProviders {
    pub(super) fn new(cipher: &str, option: &str) -> Self {
        let option = percent_encode(option);
        let path = format!("/logistics/202309/delivery_options/{option}/shipping_providers");
        Self(get(path, cipher))
    }
}

// ------------------------------------------------------------------------------- fulfilment

pub(super) fn order_path(order: &PlatformOrderId, call: &str) -> String {
    format!("/fulfillment/202309/orders/{}{call}", percent_encode(order.as_str()))
}

pub(super) fn package_path(package: &str, call: &str) -> String {
    format!("/fulfillment/202309/packages/{}{call}", percent_encode(package))
}

/// The number and provider of a parcel with an own carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SelfShipment {
    pub(super) tracking_number: String,
    pub(super) shipping_provider_id: String,
}

#[derive(Deserialize)]
pub(super) struct Marked {
    // A package id is what proves it.
    #[serde(rename = "package_id", deserialize_with = "string_or_number")]
    pub(super) _package_id: String,
}

impl MarkShipped {
    pub(super) fn new(
        cipher: &str,
        order: &PlatformOrderId,
        units: &[String],
        own: &SelfShipment,
    ) -> Result<Self> {
        let body = json!({
            "tracking_number": own.tracking_number,
            "shipping_provider_id": own.shipping_provider_id,
            "order_line_item_ids": units,
        });
        post(order_path(order, "/packages"), cipher).json(&body).map(Self)
    }
}

impl ShipPackage {
    /// Without an own carrier the platform's is arranged.
    pub(super) fn new(
        cipher: &str,
        package: &str,
        handover: Option<&Handover>,
        own: Option<&SelfShipment>,
    ) -> Result<Self> {
        let body = handover::shipping(handover, own);
        post(package_path(package, "/ship"), cipher).json(&body).map(Self)
    }
}

impl UpdateShipping {
    pub(super) fn of_order(
        cipher: &str,
        order: &PlatformOrderId,
        own: &SelfShipment,
    ) -> Result<Self> {
        post(order_path(order, "/shipping_info/update"), cipher).json(own).map(Self)
    }

    pub(super) fn of_package(cipher: &str, package: &str, own: &SelfShipment) -> Result<Self> {
        post(package_path(package, "/shipping_info/update"), cipher).json(own).map(Self)
    }
}

/// Weight and size as texts.
fn measures(request: &crate::shipment::RateRequest) -> serde_json::Value {
    measured(request.weight.get(), request.dimensions)
}

fn measured(grams: u32, size: Option<crate::units::Dimensions>) -> serde_json::Value {
    let mut body = json!({"weight": {"value": grams.to_string(), "unit": "GRAM"}});
    // "all three or none".
    if let (Some(size), Some(fields)) = (size, body.as_object_mut()) {
        let cm = |length: crate::units::Millimetres| {
            Decimal::new(i64::from(length.get()), 1).normalize().to_string()
        };
        fields.insert(
            "dimension".to_owned(),
            json!({"length": cm(size.length), "width": cm(size.width), "height": cm(size.height), "unit": "CM"}),
        );
    }
    body
}

#[derive(Deserialize)]
pub(super) struct Services {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) shipping_services: Vec<Service>,
}

/// A shipping service on offer, or bought.
#[derive(Clone, Deserialize)]
pub(super) struct Service {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub(super) price: Option<Decimal>,
    #[serde(default)]
    pub(super) currency: Option<String>,
    #[serde(default, deserialize_with = "integer_opt")]
    pub(super) latest_delivery_days: Option<u32>,
    #[serde(default)]
    pub(super) shipping_provider_name: Option<String>,
}

impl QueryServices {
    pub(super) fn new(
        cipher: &str,
        order: &PlatformOrderId,
        units: &[String],
        request: &crate::shipment::RateRequest,
    ) -> Result<Self> {
        let mut body = measures(request);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("order_line_item_ids".to_owned(), json!(units));
        }
        post(order_path(order, "/shipping_services/query"), cipher).json(&body).map(Self)
    }
}

#[derive(Deserialize)]
pub(super) struct Created {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) package_id: String,
    #[serde(default)]
    pub(super) shipping_service_info: Option<Service>,
}

/// The first version that names the units one by one and says how much of the order they are.
const WITH_SHIP_TYPE: &str = "202512";

impl CreatePackage {
    /// `whole` says that `units` are all of the order that is still open.
    pub(super) fn new(
        cipher: &str,
        version: &str,
        (order, units, whole): (&PlatformOrderId, &[String], bool),
        label: &LabelRequest,
    ) -> Result<Self> {
        let mut body = measured(label.weight.get(), label.dimensions);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("order_id".to_owned(), json!(order.as_str()));
            if version < WITH_SHIP_TYPE {
                fields.insert("order_line_item_ids".to_owned(), json!(units));
            } else {
                // "1: all the products in one order …, 2: partial products in one parent order".
                fields.insert("ship_type".to_owned(), json!(if whole { "1" } else { "2" }));
                let units: Vec<_> =
                    units.iter().map(|unit| json!({ "order_line_id": unit })).collect();
                fields.insert("order_line_item".to_owned(), json!(units));
            }
            if let Some(service) = &label.token {
                fields.insert("shipping_service_id".to_owned(), json!(service));
            }
        }
        post(format!("/fulfillment/{version}/packages"), cipher).json(&body).map(Self)
    }
}

#[derive(Deserialize)]
pub(super) struct PackageDetail {
    #[serde(default)]
    pub(super) package_status: Option<String>,
    #[serde(default)]
    pub(super) shipping_provider_name: Option<String>,
    #[serde(default)]
    pub(super) tracking_number: Option<String>,
}

impl GetPackage {
    pub(super) fn new(cipher: &str, package: &str) -> Self {
        Self(get(package_path(package, ""), cipher))
    }
}

#[derive(Deserialize)]
pub(super) struct DocumentLink {
    #[serde(default)]
    pub(super) doc_url: Option<String>,
    #[serde(default)]
    pub(super) tracking_number: Option<String>,
}

impl GetDocument {
    pub(super) fn new(cipher: &str, package: &str, kind: &str, format: Option<&str>) -> Self {
        Self(
            get(package_path(package, "/shipping_documents"), cipher)
                .query("document_type", kind)
                .query("document_size", "A6")
                .query_opt("document_format", format),
        )
    }
}

/// The bytes of a document, from the host its link names. Neither signed nor authorised.
pub(super) struct Download {
    pub(super) path: String,
    pub(super) query: String,
}

impl Operation for Download {
    type Output = Vec<u8>;
    const NAME: &'static str = "download_label";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::OTHER;
    const AUTHORIZED: bool = false;

    fn request(&self) -> Result<Outgoing> {
        let mut outgoing = Outgoing::get(self.path.clone());
        outgoing.query.clone_from(&self.query);
        Ok(outgoing)
    }

    fn parse(&self, response: Response) -> Result<Vec<u8>> {
        Ok(response.body.to_vec())
    }
}

#[derive(Deserialize)]
pub(super) struct SplitDone {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) packages: Vec<SplitPackage>,
}

#[derive(Deserialize)]
pub(super) struct SplitPackage {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) splittable_group_id: Option<String>,
}

impl SplitOrder {
    /// Groups are numbered from 1.
    pub(super) fn new(
        cipher: &str,
        order: &PlatformOrderId,
        groups: &[Vec<String>],
    ) -> Result<Self> {
        let groups: Vec<_> = groups
            .iter()
            .zip(1_u32..)
            .map(|(units, id)| json!({"id": id.to_string(), "order_line_item_ids": units}))
            .collect();
        let body = json!({ "splittable_groups": groups });
        post(order_path(order, "/split"), cipher).json(&body).map(Self)
    }
}

#[derive(Deserialize)]
pub(super) struct Combinable {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) combinable_packages: Vec<PackageOfOrders>,
    #[serde(default, deserialize_with = "page_token")]
    pub(super) next_page_token: Option<String>,
}

/// A package and the orders in it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct PackageOfOrders {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) order_ids: Vec<String>,
}

impl FindCombinable {
    pub(super) fn new(cipher: &str, token: Option<&str>) -> Self {
        let path = "/fulfillment/202309/combinable_packages/search".to_owned();
        Self(get(path, cipher).query("page_size", "50").query_opt("page_token", token))
    }
}

#[derive(Deserialize)]
pub(super) struct Combined {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) packages: Vec<PackageOfOrders>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) errors: Vec<ItemError>,
}

impl Combine {
    pub(super) fn new(cipher: &str, package: &PackageOfOrders) -> Result<Self> {
        let body = json!({ "combinable_packages": [package] });
        post("/fulfillment/202309/packages/combine".to_owned(), cipher).json(&body).map(Self)
    }
}

impl Uncombine {
    pub(super) fn new(cipher: &str, package: &str, orders: &[PlatformOrderId]) -> Result<Self> {
        let orders: Vec<&str> = orders.iter().map(PlatformOrderId::as_str).collect();
        let body = json!({ "order_ids": orders });
        post(package_path(package, "/uncombine"), cipher).json(&body).map(Self)
    }
}

// ------------------------------------------------------------------------------- after the sale

#[derive(Deserialize)]
pub(super) struct Cancellation {
    #[serde(default)]
    pub(super) cancel_status: Option<String>,
}

impl CreateCancellation {
    /// Without units the whole order is cancelled.
    pub(super) fn new(
        cipher: &str,
        order: &PlatformOrderId,
        reason: &str,
        units: Option<&[String]>,
    ) -> Result<Self> {
        let mut body = json!({"order_id": order.as_str(), "cancel_reason": reason});
        if let (Some(units), Some(fields)) = (units, body.as_object_mut()) {
            fields.insert("order_line_item_ids".to_owned(), json!(units));
        }
        post("/return_refund/202309/cancellations".to_owned(), cipher).json(&body).map(Self)
    }
}

/// Cases whose items are read one by one.
#[derive(Deserialize)]
pub(super) struct CancellationPage {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) cancellations: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "page_token")]
    pub(super) next_page_token: Option<String>,
}

/// Cases whose items are read one by one.
#[derive(Deserialize)]
pub(super) struct ReturnPage {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) return_orders: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "page_token")]
    pub(super) next_page_token: Option<String>,
}

fn search(path: &str, cipher: &str, token: Option<&str>) -> Outgoing {
    post(path.to_owned(), cipher)
        .query("page_size", CASES.to_string())
        .query("sort_field", "update_time")
        .query("sort_order", "ASC")
        .query_opt("page_token", token)
}

impl SearchCancellations {
    pub(super) fn new(
        cipher: &str,
        version: &str,
        token: Option<&str>,
        body: &serde_json::Value,
    ) -> Result<Self> {
        let path = format!("/return_refund/{version}/cancellations/search");
        search(&path, cipher, token).json(body).map(Self)
    }
}

impl SearchReturns {
    pub(super) fn new(cipher: &str, token: Option<&str>, body: &serde_json::Value) -> Result<Self> {
        search("/return_refund/202309/returns/search", cipher, token).json(body).map(Self)
    }
}

impl AnswerCase {
    /// `kind` is `cancellations` or `returns`, `call` is `approve` or `reject`.
    pub(super) fn new(
        cipher: &str,
        kind: &str,
        id: &str,
        call: &str,
        key: &IdempotencyKey,
        body: &serde_json::Value,
    ) -> Result<Self> {
        let id = percent_encode(id);
        post(format!("/return_refund/202309/{kind}/{id}/{call}"), cipher)
            .query("idempotency_key", key.to_string())
            .json(body)
            .map(Self)
    }
}

// ------------------------------------------------------------------------------- stock, messages

#[derive(Deserialize)]
pub(super) struct Inventory {
    #[serde(default, deserialize_with = "or_empty")]
    inventory: Vec<ProductInventory>,
}

#[derive(Deserialize)]
struct ProductInventory {
    #[serde(default, deserialize_with = "or_empty")]
    skus: Vec<SkuInventory>,
}

#[derive(Deserialize)]
struct SkuInventory {
    #[serde(deserialize_with = "string_or_number")]
    id: String,
    #[serde(default, deserialize_with = "or_empty")]
    warehouse_inventory: Vec<WarehouseInventory>,
}

/// What is on offer at a place.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct WarehouseInventory {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) warehouse_id: String,
    #[serde(default, deserialize_with = "integer")]
    pub(super) available_quantity: u32,
}

impl Inventory {
    /// The places of a SKU.
    pub(super) fn of(self, sku: &str) -> Vec<WarehouseInventory> {
        self.inventory
            .into_iter()
            .flat_map(|product| product.skus)
            .find(|found| found.id == sku)
            .map(|found| found.warehouse_inventory)
            .unwrap_or_default()
    }
}

impl SearchInventory {
    pub(super) fn new(cipher: &str, sku: &str) -> Result<Self> {
        let path = "/product/202309/inventory/search".to_owned();
        post(path, cipher).json(&json!({"sku_ids": [sku]})).map(Self)
    }
}

#[derive(Deserialize)]
pub(super) struct Updated {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) errors: Vec<ItemError>,
}

impl UpdateInventory {
    pub(super) fn new(
        cipher: &str,
        product: &str,
        sku: &str,
        places: &[(String, u32)],
    ) -> Result<Self> {
        let inventory: Vec<_> = places
            .iter()
            .map(|(warehouse, units)| json!({"warehouse_id": warehouse, "quantity": units}))
            .collect();
        let body = json!({"skus": [{"id": sku, "inventory": inventory}]});
        let product = percent_encode(product);
        post(format!("/product/202309/products/{product}/inventory/update"), cipher)
            .json(&body)
            .map(Self)
    }
}

#[derive(Deserialize)]
pub(super) struct Conversation {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) conversation_id: String,
}

impl OpenConversation {
    pub(super) fn new(cipher: &str, buyer: &str) -> Result<Self> {
        let path = "/customer_service/202309/conversations".to_owned();
        post(path, cipher).json(&json!({"buyer_user_id": buyer})).map(Self)
    }
}

#[derive(Deserialize)]
pub(super) struct SentMessage {
    // A message id is what proves it.
    #[serde(rename = "message_id", deserialize_with = "string_or_number")]
    pub(super) _message_id: String,
}

impl SendMessage {
    pub(super) fn new(cipher: &str, conversation: &str, text: &str) -> Result<Self> {
        let conversation = percent_encode(conversation);
        // The content is a text that holds JSON.
        let content = json!({ "content": text }).to_string();
        post(format!("/customer_service/202309/conversations/{conversation}/messages"), cipher)
            .json(&json!({"type": "TEXT", "content": content}))
            .map(Self)
    }
}
