//! A stand-in of TikTok Shop, at the HTTP level.
//!
//! It checks signatures and clocks by its own means, rotates refresh tokens, holds orders for the
//! hour of remorse, and follows the published examples in its payloads. Notifications it would send
//! are drained with [`TikTokShopStandIn::notifications`].

mod desk;
mod generate;
mod handover;
mod parcels;
mod returns;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;

pub use generate::{SandboxOrder, SandboxUnit, Shipping, generate};
pub use returns::ReturnKind;

use super::{Answer, Asked, Ledger, Quirk, StandIn, lock, percent_decode};

pub(super) const PLATFORM: &str = "tiktok-shop";
/// How long an access token lives.
const TOKEN_LIFE: TimeDelta = TimeDelta::days(7);
/// Orders that a duplicated page repeats.
const REPEATED: usize = 5;
/// The buyer may reconsider.
const REMORSE: TimeDelta = TimeDelta::hours(1);

/// Where a unit stands.
#[derive(Debug, Clone)]
pub(super) struct UnitState {
    pub(super) id: String,
    pub(super) status: &'static str,
    pub(super) package: Option<String>,
    pub(super) number: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) shipped_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) order: SandboxOrder,
    pub(super) units: Vec<UnitState>,
    pub(super) updated: DateTime<Utc>,
    pub(super) asks_to_cancel: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) order: String,
    pub(super) status: &'static str,
    pub(super) role: &'static str,
    pub(super) reason: String,
    pub(super) updated: DateTime<Utc>,
}

#[derive(Debug, Default)]
pub(super) struct Market {
    pub(super) orders: BTreeMap<String, Kept>,
    pub(super) cases: Vec<Case>,
    returns: Vec<returns::Return>,
    pub(super) stock: BTreeMap<String, u32>,
    pub(super) messages: Vec<(String, String)>,
    pub(super) notices: Vec<Vec<u8>>,
    /// Where notifications go, by topic, and since when.
    pub(super) topics: BTreeMap<String, (String, DateTime<Utc>)>,
    /// How packages were handed over, by package.
    pub(super) handovers: BTreeMap<String, Value>,
    access: BTreeMap<String, DateTime<Utc>>,
    refresh: Option<String>,
    /// The refresh token before the current one, where it lives on.
    former: Option<String>,
    keeps_former: bool,
    pub(super) issued: u64,
}

/// Acts the platform out.
#[derive(Debug)]
pub struct TikTokShopStandIn {
    pub(super) market: Mutex<Market>,
    pub(super) ledger: Ledger,
    app_key: String,
    app_secret: String,
    cipher: String,
    /// Where documents lie.
    base: Mutex<String>,
}

pub(super) fn good(data: &Value) -> Answer {
    let body = json!({
        "code": 0, "data": data, "message": "Success",
        "request_id": "202203070749000101890810281E8C70B7"
    });
    Answer::json(StatusCode::OK, body.to_string())
}

pub(super) fn refused(status: u16, code: i64, message: &str) -> Answer {
    let body = json!({
        "code": code, "data": null, "message": message,
        "request_id": "202203070749000101890810281E8C70B7"
    });
    Answer::json(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), body.to_string())
}

/// A notification as it would come in.
#[derive(Debug, Clone)]
pub struct SentNotification {
    /// The `Authorization` header.
    pub authorization: String,
    /// The body.
    pub body: Vec<u8>,
}

fn digest(key: &str, parts: &[&[u8]]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl TikTokShopStandIn {
    /// An empty shop that writes to `ledger`, for an app with this key and secret and a shop with
    /// this cipher. It takes the refresh token `refresh-0` first and hands out others from then on.
    #[must_use]
    pub fn new(ledger: Ledger, app_key: &str, app_secret: &str, cipher: &str) -> Arc<Self> {
        let market = Market { refresh: Some("refresh-0".to_owned()), ..Market::default() };
        Arc::new(Self {
            market: Mutex::new(market),
            ledger,
            app_key: app_key.to_owned(),
            app_secret: app_secret.to_owned(),
            cipher: cipher.to_owned(),
            base: Mutex::new("https://sandbox.invalid/tiktok-shop".to_owned()),
        })
    }

    /// Sets below which address documents lie, for a stand-in that is served over a socket.
    pub fn set_document_base(&self, base: &str) {
        base.trim_end_matches('/').clone_into(&mut lock(&self.base));
    }

    /// The seller consents again: a fresh refresh token in place of the last one.
    #[must_use]
    pub fn sign_in(&self) -> String {
        let mut market = lock(&self.market);
        market.issued += 1;
        let refresh = format!("refresh-{}", market.issued);
        market.refresh = Some(refresh.clone());
        refresh
    }

    /// Lets the refresh token before the current one be taken as well. What the platform does is not
    /// documented; by default only the newest is good.
    pub fn keep_former_refresh_token(&self) {
        lock(&self.market).keeps_former = true;
    }

    /// Lets an order appear. It is on hold for an hour after payment.
    pub fn place(&self, order: SandboxOrder) {
        let mut lines: BTreeMap<String, u32> = BTreeMap::new();
        for unit in &order.units {
            *lines.entry(unit.sku_id.clone()).or_default() += 1;
        }
        let lines: Vec<(String, u32)> = lines.into_iter().collect();
        self.ledger.order_placed(PLATFORM, &order.id, &lines);
        let mut market = lock(&self.market);
        let units = order
            .units
            .iter()
            .map(|unit| UnitState {
                id: unit.id.clone(),
                status: "AWAITING_SHIPMENT",
                // Only where the platform makes packages with the order.
                package: (!matches!(order.region, "US" | "DE")
                    && order.shipping == Shipping::Platform)
                    .then(|| format!("115{}", order.id)),
                number: None,
                provider: None,
                shipped_at: None,
            })
            .collect();
        let (id, updated) = (order.id.clone(), order.paid_at);
        market.notify(&id, "AWAITING_SHIPMENT", updated);
        market.orders.insert(id, Kept { order, units, updated, asks_to_cancel: false });
    }

    /// The buyer asks to cancel. Returns whether there is such an order.
    pub fn ask_to_cancel(&self, order: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.orders.get_mut(order) else { return false };
        kept.asks_to_cancel = true;
        kept.updated = now;
        market.cases.push(Case {
            id: format!("4035{order}"),
            order: order.to_owned(),
            status: "CANCELLATION_REQUEST_PENDING",
            role: "BUYER",
            reason: "ecom_order_to_ship_canceled_reason_created_by_mistakes".to_owned(),
            updated: now,
        });
        true
    }

    /// Moves everything that has shipped of an order to `IN_TRANSIT`, then to `DELIVERED`. Returns
    /// whether there is such an order.
    pub fn move_on(&self, order: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.orders.get_mut(order) else { return false };
        for unit in &mut kept.units {
            unit.status = match unit.status {
                "AWAITING_COLLECTION" => "IN_TRANSIT",
                "IN_TRANSIT" => "DELIVERED",
                other => other,
            };
        }
        kept.updated = now;
        let status = desk::order_status(kept, now);
        market.notify(order, status, now);
        true
    }

    /// How a package was handed over, word for word; none when it was left to the platform.
    #[must_use]
    pub fn handover_of(&self, package: &str) -> Option<Value> {
        lock(&self.market).handovers.get(package).cloned()
    }

    /// The platform closes an order that has arrived: nothing can be returned any more. Returns
    /// whether there is such an order.
    pub fn complete(&self, order: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.orders.get_mut(order) else { return false };
        if kept.units.iter().any(|unit| unit.status != "DELIVERED") {
            return false;
        }
        for unit in &mut kept.units {
            unit.status = "COMPLETED";
        }
        kept.updated = now;
        market.notify(order, "COMPLETED", now);
        true
    }

    /// The buyer of a delivered order asks for something. Returns the return's id; `None` when there
    /// is no such order or it has not arrived.
    pub fn open_return(&self, order: &str, kind: ReturnKind, now: DateTime<Utc>) -> Option<String> {
        lock(&self.market).open_return(order, kind, now)
    }

    /// The buyer sends the goods of an approved return back. Returns whether one waited for that.
    pub fn send_back(&self, id: &str, now: DateTime<Utc>) -> bool {
        lock(&self.market).send_back(id, now)
    }

    /// What the seller has decided about a return, in the order of the answers.
    #[must_use]
    pub fn decisions_on(&self, id: &str) -> Vec<String> {
        let market = lock(&self.market);
        let known = market.returns.iter().find(|known| known.id == id);
        known
            .map(|known| known.answers.iter().map(|(_, decision)| decision.clone()).collect())
            .unwrap_or_default()
    }

    /// Messages sent to buyers so far, with their conversation.
    #[must_use]
    pub fn messages(&self) -> Vec<(String, String)> {
        lock(&self.market).messages.clone()
    }

    /// Takes the notifications that would have been sent since the last time, signed.
    #[must_use]
    pub fn notifications(&self) -> Vec<SentNotification> {
        let bodies = std::mem::take(&mut lock(&self.market).notices);
        let sign = |body: &[u8]| digest(&self.app_secret, &[self.app_key.as_bytes(), body]);
        let sent = |body: Vec<u8>| SentNotification { authorization: sign(&body), body };
        bodies.into_iter().map(sent).collect()
    }

    fn token(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let is = |name: &str, wanted: &str| asked.query_value(name).as_deref() == Some(wanted);
        if !is("app_key", &self.app_key) || !is("app_secret", &self.app_secret) {
            return refused(200, 36_004_002, "app_key or app_secret is invalid");
        }
        let mut market = lock(&self.market);
        let exchanged = if asked.path.ends_with("/get") {
            is("grant_type", "authorized_code") && is("auth_code", "sandbox-code")
        } else {
            let live = [market.refresh.as_deref(), market.former.as_deref()];
            is("grant_type", "refresh_token")
                && live.into_iter().flatten().any(|known| is("refresh_token", known))
        };
        if !exchanged {
            return refused(200, 36_004_001, "rt has expired");
        }
        market.issued += 1;
        let (access, refresh) =
            (format!("access-{}", market.issued), format!("refresh-{}", market.issued));
        market.access.insert(access.clone(), now + TOKEN_LIFE);
        let former = market.refresh.replace(refresh.clone());
        market.former = former.filter(|_| market.keeps_former);
        good(&json!({
            "access_token": access,
            "access_token_expire_in": (now + TOKEN_LIFE).timestamp(),
            "refresh_token": refresh,
            "refresh_token_expire_in": (now + TimeDelta::days(365)).timestamp(),
            "open_id": "7010736057180325637",
            "seller_name": "Sandbox shop",
            "seller_base_region": "US",
            "user_type": 0
        }))
    }

    /// What every call must bring. `Some` is the refusal.
    fn check(&self, market: &mut Market, asked: &Asked<'_>, now: DateTime<Utc>) -> Option<Answer> {
        let mut pairs: Vec<(String, String)> = asked
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), percent_decode(value)))
            .collect();
        let value = |name: &str| asked.query_value(name).unwrap_or_default();
        let stamp: i64 = value("timestamp").parse().unwrap_or(0);
        let age = now.timestamp() - stamp;
        if !(-30..=300).contains(&age) {
            return Some(refused(400, 36_009_004, "Invalid timestamp. The request has expired"));
        }
        if value("app_key") != self.app_key {
            return Some(refused(400, 36_009_004, "Invalid app_key"));
        }
        pairs.retain(|(name, _)| name != "sign" && name != "access_token");
        pairs.sort();
        let joined: String = pairs.iter().map(|(name, value)| format!("{name}{value}")).collect();
        let secret = self.app_secret.as_bytes();
        let parts = [secret, asked.path.as_bytes(), joined.as_bytes(), asked.body, secret];
        if digest(&self.app_secret, &parts) != value("sign") {
            return Some(refused(401, 106_001, "Invalid signature"));
        }
        if asked.quirk == Some(Quirk::TokenExpired) {
            market.access.clear();
        }
        let live = asked
            .header("x-tts-access-token")
            .and_then(|token| market.access.get(token))
            .is_some_and(|until| now < *until);
        if !live {
            let words = "Expired credentials. The `access_token` or `x-tts-access-token` header \
                         has expired.";
            return Some(refused(401, 105_002, words));
        }
        let cipher = asked.query_value("shop_cipher");
        match asked.path.starts_with("/authorization/") {
            true if cipher.is_some() => {
                Some(refused(400, 36_009_004, "Unexpected identifier shop_cipher"))
            }
            false if cipher.as_deref() != Some(&self.cipher) => {
                Some(refused(400, 106_013, "shop_cipher is missing"))
            }
            _ => None,
        }
    }
}

impl Market {
    pub(super) fn notify(&mut self, order: &str, status: &str, now: DateTime<Utc>) {
        self.issued += 1;
        // The notification's word differs from the call's.
        let status = if status == "CANCELLED" { "CANCEL" } else { status };
        let body = json!({
            "type": 1,
            "tts_notification_id": format!("73{:017}", self.issued),
            "shop_id": "7494049642642441621",
            "timestamp": now.timestamp(),
            "data": {
                "order_id": order, "order_status": status,
                "is_on_hold_order": false, "update_time": now.timestamp()
            }
        });
        self.notices.push(body.to_string().into_bytes());
    }
}

impl StandIn for TikTokShopStandIn {
    fn name(&self) -> &'static str {
        PLATFORM
    }

    fn answer(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        if asked.path.starts_with("/api/v2/token/") {
            return self.token(asked, now);
        }
        if let Some(number) = asked.path.strip_prefix("/documents/") {
            return desk::document(number);
        }
        let mut market = lock(&self.market);
        if let Some(refusal) = self.check(&mut market, asked, now) {
            return refusal;
        }
        let base = lock(&self.base).clone();
        let segments: Vec<String> =
            asked.path.trim_matches('/').split('/').map(percent_decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let body: Value = serde_json::from_slice(asked.body).unwrap_or(Value::Null);
        let ledger = &self.ledger;
        match (asked.method.as_str(), segments.as_slice()) {
            ("GET", ["authorization", "202309", "shops"]) => good(&json!({"shops": [{
                "cipher": self.cipher, "code": "USLCBRLFWK", "id": "7494049642642441621",
                "name": "Sandbox shop", "region": "US", "seller_type": "LOCAL"
            }]})),
            ("POST", ["order", "202309", "orders", "search"]) => market.search(asked, &body, now),
            ("GET", ["order", "202309" | "202507", "orders"]) => market.detail(asked, now),
            ("GET", ["logistics", "202309", "delivery_options", _, "shipping_providers"]) => {
                let named = |(id, name): &(&str, &str)| json!({"id": id, "name": name});
                let providers: Vec<Value> = desk::PROVIDERS.iter().map(named).collect();
                good(&json!({"shipping_providers": providers}))
            }
            ("POST", ["fulfillment", "202309", "orders", id, "packages"]) => {
                market.mark_shipped(id, &body, ledger, now)
            }
            ("POST", ["fulfillment", "202309", kind, id, "shipping_info", "update"]) => {
                market.update_number(kind, id, &body, ledger, now)
            }
            ("POST", ["fulfillment", "202309", "orders", _, "shipping_services", "query"]) => {
                good(&json!({"shipping_services": [{
                    "id": "288233559123860015", "name": "Standard shipping", "price": "5.20",
                    "currency": "USD", "is_default": true, "earliest_delivery_days": 2,
                    "latest_delivery_days": 5, "shipping_provider_id": "7117858858072016686",
                    "shipping_provider_name": "USPS"
                }]}))
            }
            ("POST", ["fulfillment", "202309" | "202512", "packages"]) => {
                market.create_package(&body, ledger, now)
            }
            ("POST", ["fulfillment", "202309", "packages", id, "ship"]) => {
                market.ship_package(id, &body, ledger, now)
            }
            ("POST", ["fulfillment", "202309", "packages", "ship"]) => {
                market.ship_packages(&body, ledger, now)
            }
            ("POST", ["fulfillment", "202309", "packages", "schedule"]) => {
                market.schedule_package(&body, ledger, now)
            }
            ("GET", ["fulfillment", "202309", "packages" | "orders", _, "handover_time_slots"]) => {
                handover::slots(now)
            }
            ("POST", ["fulfillment", "202309", "packages", id, "uncombine"]) => {
                market.uncombine(id, &body, now)
            }
            ("GET", ["order", "202407", "orders", id, "price_detail"]) => market.price_detail(id),
            ("GET", ["event", "202309", "webhooks"]) => market.topics(),
            ("PUT", ["event", "202309", "webhooks"]) => market.set_topic(&body, now),
            ("DELETE", ["event", "202309", "webhooks"]) => market.drop_topic(&body),
            ("GET", ["fulfillment", "202309", "packages", id]) => market.package(id),
            ("GET", ["fulfillment", "202309", "packages", id, "shipping_documents"]) => {
                market.shipping_document(id, &base)
            }
            ("POST", ["return_refund", "202309", "cancellations"]) => {
                market.cancel(&body, ledger, now)
            }
            ("POST", ["return_refund", "202309" | "202602", "cancellations", "search"]) => {
                market.find_cases(&body)
            }
            ("POST", ["return_refund", "202309", "returns", "search"]) => {
                market.find_returns(asked, &body)
            }
            ("POST", ["return_refund", "202309", "returns", id, call @ ("approve" | "reject")]) => {
                market.answer_return(asked, id, call, &body, now)
            }
            ("POST", ["fulfillment", "202309", "orders", id, "split"]) => {
                market.split(id, &body, now)
            }
            ("GET", ["fulfillment", "202309", "combinable_packages", "search"]) => {
                market.find_combinable(asked, now)
            }
            ("POST", ["fulfillment", "202309", "packages", "combine"]) => {
                market.combine(&body, now)
            }
            ("POST", ["return_refund", "202309", "cancellations", id, call]) => {
                market.answer_case(id, call, ledger, now)
            }
            ("POST", ["product", "202309", "inventory", "search"]) => market.stock_of(&body),
            ("POST", ["product", "202309", "products", _, "inventory", "update"]) => {
                market.set_stock(&body, ledger)
            }
            ("GET", ["customer_service", "202407", "performance"]) => good(&json!({
                "performance": {
                    "response_percentage": "93.4", "response_time_mins": "3.4",
                    "satisfaction_percentage": "95.2", "support_session_count": 15
                }
            })),
            ("POST", ["customer_service", "202309", "conversations"]) => {
                good(&json!({"conversation_id": "7106888323922608389"}))
            }
            ("POST", ["customer_service", "202309", "conversations", id, "messages"]) => {
                market.message(id, &body)
            }
            _ => {
                refused(404, 36_009_009, &format!("Invalid path: {} {}", asked.method, asked.path))
            }
        }
    }

    fn too_many_calls(&self) -> Answer {
        let words = "Too many requests. You've made too many requests in a short period of time.";
        refused(429, 36_009_002, words)
    }

    fn failure(&self) -> Answer {
        refused(500, 36_009_003, "Internal error. Please try again.")
    }
}
