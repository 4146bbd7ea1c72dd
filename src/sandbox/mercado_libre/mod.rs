//! A stand-in of Mercado Libre at the HTTP level.
//!
//! Payloads follow the published examples: packs with one shipment, orders without their shipment's
//! movements, refresh tokens that are good once, a search that never shows cancelled orders, stock
//! with a version, conversations that may be blocked, notifications without a signature.

mod bodies;
mod generate;
mod market;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

pub use generate::{Article, CATALOGUE, SandboxItem, SandboxPack, Way, generate};

use self::market::Market;
use super::{Answer, Asked, Ledger, Quirk, StandIn, lock, percent_decode};

const PLATFORM: &str = "mercado-libre";
/// "6 h".
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(6);
/// After printing: when the carrier takes the parcel, sends it off, and brings it.
const PICKED_UP_AFTER: TimeDelta = TimeDelta::hours(6);
const SHIPPED_AFTER: TimeDelta = TimeDelta::hours(12);
const DELIVERED_AFTER: TimeDelta = TimeDelta::hours(60);

/// The application of the stand-in.
pub const CLIENT_ID: &str = "5503910054141466";
/// Its secret.
pub const CLIENT_SECRET: &str = "secret-of-the-sandbox-application";
/// The refresh token of the seller's sign-in; good once.
pub const FIRST_REFRESH_TOKEN: &str = "TG-sandbox-first";

/// A sale with everything that has happened to it.
#[derive(Debug)]
struct Kept {
    pack: SandboxPack,
    status: &'static str,
    substatus: Option<&'static str>,
    tracking: Option<String>,
    printed_at: Option<DateTime<Utc>>,
    history: Vec<(&'static str, Option<&'static str>, DateTime<Utc>)>,
    /// The orders' own stamp.
    touched: DateTime<Utc>,
    /// The shipment's own stamp.
    moved: DateTime<Utc>,
    cancelled: BTreeMap<u64, (&'static str, String)>,
    feedback: BTreeMap<u64, Value>,
    messages: Vec<Value>,
    blocked: Option<String>,
}

impl Kept {
    fn is_cancelled(&self, order: u64) -> bool {
        self.cancelled.contains_key(&order)
    }

    fn to(&mut self, status: &'static str, substatus: Option<&'static str>, at: DateTime<Utc>) {
        self.status = status;
        self.substatus = substatus;
        self.moved = at;
        self.history.push((status, substatus, at));
    }

    /// Whether the parcel has left.
    fn has_left(&self) -> bool {
        matches!(self.status, "shipped" | "delivered" | "not_delivered")
            || self.substatus == Some("picked_up")
    }
}

/// A buyer's claim to appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxClaim {
    /// Its id.
    pub id: u64,
    /// Which order.
    pub order: u64,
    /// Who claims.
    pub buyer: u64,
    /// The site.
    pub site: &'static str,
    /// Why, for example `PDD9549`.
    pub reason: &'static str,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// Until when the seller must act.
    pub due_at: DateTime<Utc>,
    /// `claim` or `dispute`.
    pub stage: &'static str,
    /// How it ended.
    pub resolution: Option<&'static str>,
    /// What the seller may do.
    pub actions: Vec<&'static str>,
    /// What the seller has offered.
    pub offered: Vec<&'static str>,
    /// Money at stake, in hundredths.
    pub cents: u64,
}

/// Acts the platform out for one seller.
#[derive(Debug)]
pub struct MercadoLibreStandIn {
    market: Mutex<Market>,
    ledger: Ledger,
    seller: u64,
}

fn failure(status: StatusCode, error: &str, message: &str) -> Answer {
    let body = json!({"message": message, "error": error, "status": status.as_u16(), "cause": []});
    Answer::json(status, body.to_string())
}

fn not_found(what: &str) -> Answer {
    let body = json!({
        "message": format!("{what} not found."), "error": format!("{}_not_found", what.to_lowercase()),
        "status": 404, "cause": null
    });
    Answer::json(StatusCode::NOT_FOUND, body.to_string())
}

fn bad(error: &str, message: &str) -> Answer {
    failure(StatusCode::BAD_REQUEST, error, message)
}

fn good(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body.to_string())
}

fn created(body: &Value) -> Answer {
    Answer::json(StatusCode::CREATED, body.to_string())
}

fn empty(status: StatusCode) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: bytes::Bytes::new() }
}

impl MercadoLibreStandIn {
    /// An empty platform for the account `seller` that writes to `ledger`.
    #[must_use]
    pub fn new(seller: u64, ledger: Ledger) -> Arc<Self> {
        let market = Market { refresh: FIRST_REFRESH_TOKEN.to_owned(), ..Market::default() };
        Arc::new(Self { market: Mutex::new(market), ledger, seller })
    }

    /// The account's user id.
    #[must_use]
    pub const fn seller(&self) -> u64 {
        self.seller
    }

    /// The seller signs in again: a fresh refresh token in place of the last one.
    #[must_use]
    pub fn sign_in(&self) -> String {
        let mut market = lock(&self.market);
        market.issued += 1;
        market.refresh = format!("TG-sandbox-{}", market.issued);
        market.refresh.clone()
    }

    /// Lets a sale appear, and queues its notification.
    pub fn place(&self, pack: SandboxPack) {
        let id = pack.id();
        self.ledger.order_placed(PLATFORM, &id, &pack.lines());
        let mut market = lock(&self.market);
        for item in &pack.items {
            market.orders.insert(item.order, id.clone());
            market.items.entry(item.article.sku.to_owned()).or_insert_with(|| item.item.clone());
        }
        let (status, substatus) = match pack.way {
            Way::DropOff | Way::Flex => ("ready_to_ship", Some("ready_to_print")),
            Way::Full => ("ready_to_ship", Some("in_warehouse")),
            Way::OwnCarrier | Way::Custom => ("pending", None),
            Way::Arranged => ("to_be_agreed", None),
        };
        if pack.way != Way::Arranged {
            market.shipments.insert(pack.shipment, id.clone());
        }
        let tracking = match pack.way {
            Way::DropOff | Way::Full => Some(format!("MEL{}", pack.shipment)),
            Way::Flex => Some(pack.shipment.to_string()),
            Way::OwnCarrier | Way::Custom | Way::Arranged => None,
        };
        let at = pack.placed_at;
        let orders: Vec<u64> = pack.items.iter().map(|item| item.order).collect();
        let kept = Kept {
            status,
            substatus,
            tracking,
            printed_at: None,
            history: vec![(status, substatus, at)],
            touched: at + TimeDelta::minutes(1),
            moved: at,
            cancelled: BTreeMap::new(),
            feedback: BTreeMap::new(),
            messages: Vec::new(),
            blocked: None,
            pack,
        };
        market.packs.insert(id, kept);
        for order in orders {
            market.notify(self.seller, "orders_v2", &format!("/orders/{order}"), at);
        }
    }

    /// Offers an item with a SKU, so that stock can be pushed for it.
    pub fn offer(&self, sku: &str, item: &str) {
        lock(&self.market).items.insert(sku.to_owned(), item.to_owned());
    }

    /// Keeps stock of a user product at depots, given as store and node; none is the seller's own
    /// address.
    pub fn keep_stock(&self, user_product: &str, depots: &[(&str, &str)]) {
        let depots = depots.iter().map(|(s, n)| ((*s).to_owned(), (*n).to_owned())).collect();
        lock(&self.market).stock.insert(
            user_product.to_owned(),
            market::ProductStock { version: 1, depots, units: BTreeMap::new(), contested: 0 },
        );
    }

    /// Somebody else writes the stock of a user product just before the next `times` writes.
    pub fn contest_stock(&self, user_product: &str, times: u32) {
        if let Some(stock) = lock(&self.market).stock.get_mut(user_product) {
            stock.contested = times;
        }
    }

    /// The units of a user product at a store; the seller's own address has the empty name.
    #[must_use]
    pub fn stock_of(&self, user_product: &str, store: &str) -> Option<u64> {
        lock(&self.market).stock.get(user_product)?.units.get(store).copied()
    }

    /// Sets where a shipment stands. Returns whether there is such a sale.
    pub fn set_shipment(
        &self,
        pack: &str,
        status: &'static str,
        substatus: Option<&'static str>,
        now: DateTime<Utc>,
    ) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.packs.get_mut(pack) else { return false };
        kept.to(status, substatus, now);
        let shipment = kept.pack.shipment;
        market.notify(self.seller, "shipments", &format!("/shipments/{shipment}"), now);
        true
    }

    /// Cancels every order of a sale, as buyer or platform do. Returns whether there is such a sale.
    pub fn cancel(&self, pack: &str, group: &'static str, code: &str, now: DateTime<Utc>) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.packs.get_mut(pack) else { return false };
        let orders: Vec<u64> = kept.pack.items.iter().map(|item| item.order).collect();
        for order in &orders {
            kept.cancelled.insert(*order, (group, code.to_owned()));
        }
        kept.touched = now;
        kept.to("cancelled", Some("cancelled_manually"), now);
        self.ledger.order_cancelled(PLATFORM, pack);
        for order in orders {
            market.notify(self.seller, "orders_v2", &format!("/orders/{order}"), now);
        }
        true
    }

    /// Blocks a conversation, for example with `blocked_by_buyer`. Returns whether there is such a
    /// sale.
    pub fn block_conversation(&self, pack: &str, why: &str) -> bool {
        let mut market = lock(&self.market);
        let Some(kept) = market.packs.get_mut(pack) else { return false };
        kept.blocked = Some(why.to_owned());
        true
    }

    /// The texts that the seller has sent about a sale.
    #[must_use]
    pub fn messages_about(&self, pack: &str) -> Vec<String> {
        let market = lock(&self.market);
        let messages = market.packs.get(pack).map(|kept| kept.messages.as_slice());
        messages
            .unwrap_or_default()
            .iter()
            .filter_map(|message| Some(message.get("text")?.as_str()?.to_owned()))
            .collect()
    }

    /// Lets a claim appear, and queues its notification.
    pub fn open_claim(&self, claim: SandboxClaim) {
        let mut market = lock(&self.market);
        let resource = format!("/post-purchase/v1/claims/{}", claim.id);
        market.notify(self.seller, "post_purchase", &resource, claim.opened_at);
        market.claims.insert(claim.id, claim);
    }

    /// What the seller has answered to a claim, in the order of the answers.
    #[must_use]
    pub fn answers_to(&self, claim: u64) -> Vec<&'static str> {
        lock(&self.market).claims.get(&claim).map(|claim| claim.offered.clone()).unwrap_or_default()
    }

    /// Takes the notifications that the platform would have sent by now, as bodies.
    #[must_use]
    pub fn take_notices(&self) -> Vec<Vec<u8>> {
        let notices = std::mem::take(&mut lock(&self.market).notices);
        notices.into_iter().map(|notice| notice.to_string().into_bytes()).collect()
    }

    /// The notifications that wait could not be delivered: from now on they are missed ones.
    pub fn lose_notices(&self) {
        let mut market = lock(&self.market);
        let lost = std::mem::take(&mut market.notices);
        market.missed.extend(lost);
    }

    /// How many labels were downloaded for the first time.
    #[must_use]
    pub fn labels_printed(&self) -> usize {
        lock(&self.market).packs.values().filter(|kept| kept.printed_at.is_some()).count()
    }

    /// How many refresh tokens were exchanged.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        lock(&self.market).issued
    }

    fn login(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        let body = String::from_utf8_lossy(asked.body);
        let field = |name: &str| {
            body.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key == name).then(|| percent_decode(&value.replace('+', " ")))
            })
        };
        if field("client_id").as_deref() != Some(CLIENT_ID)
            || field("client_secret").as_deref() != Some(CLIENT_SECRET)
        {
            return bad("invalid_client", "invalid client_id or client_secret.");
        }
        if field("grant_type").as_deref() != Some("refresh_token") {
            return bad("unsupported_grant_type", "unsupported grant type");
        }
        let mut market = lock(&self.market);
        if field("refresh_token").as_deref() != Some(market.refresh.as_str()) {
            let body = json!({
                "error_description": "Error validating grant. Your authorization code or refresh token may be expired or it was already used",
                "error": "invalid_grant", "status": 400, "cause": []
            });
            return Answer::json(StatusCode::BAD_REQUEST, body.to_string());
        }
        market.issued += 1;
        let token = format!("APP_USR-sandbox-{}", market.issued);
        market.refresh = format!("TG-sandbox-{}", market.issued);
        market.tokens.insert(token.clone(), now + TOKEN_LIFE);
        good(&json!({
            "access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIFE.num_seconds(),
            "scope": "offline_access read write", "user_id": self.seller,
            "refresh_token": market.refresh
        }))
    }

    fn is_signed_in(market: &mut Market, asked: &Asked<'_>, now: DateTime<Utc>) -> bool {
        if asked.quirk == Some(Quirk::TokenExpired) {
            market.tokens.clear();
        }
        asked.bearer().and_then(|token| market.tokens.get(token)).is_some_and(|until| now < *until)
    }
}

impl StandIn for MercadoLibreStandIn {
    fn name(&self) -> &'static str {
        "mercado-libre"
    }

    fn answer(&self, asked: &Asked<'_>, now: DateTime<Utc>) -> Answer {
        if asked.path == "/oauth/token" {
            return self.login(asked, now);
        }
        let mut market = lock(&self.market);
        if !Self::is_signed_in(&mut market, asked, now) {
            return failure(StatusCode::UNAUTHORIZED, "not_found", "invalid access token");
        }
        market.let_time_pass(self.seller, &self.ledger, now);
        let segments: Vec<String> =
            asked.path.trim_matches('/').split('/').map(percent_decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let desk = market::Desk { seller: self.seller, ledger: &self.ledger, now };
        market.serve(&desk, asked, &segments)
    }

    fn too_many_calls(&self) -> Answer {
        failure(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too Many Requests")
    }

    fn failure(&self) -> Answer {
        failure(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal server error")
    }
}

/// An answer whose body is a document.
fn document(media: &'static str, bytes: Vec<u8>) -> Answer {
    let mut answer = empty(StatusCode::OK);
    answer.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(media));
    answer.body = bytes.into();
    answer
}
