//! The calls about orders, packs and shipments.

use std::marker::PhantomData;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config::Site;
use super::pages::{self, KeptOrder, KeptPage};
use super::quota;
use super::wire::{
    GlobalResult, HistoryRow, Paging, ShipmentItem, WirePack, WireShipment, WireSla,
};
use crate::client::wire::{decode, or_empty, unexpected};
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::{Error, Result};

/// "offset, limit: default 0 / 50; page size above 50 not documented".
pub(super) const PAGE_SIZE: u32 = 50;

/// As in the documentation's examples, to the millisecond.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, false).replace("+00:00", "-00:00")
}

/// Which paths are asked: the local ones, or those of Global Selling.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paths {
    pub(super) global: bool,
}

impl Paths {
    pub(super) fn order(self, id: &str) -> String {
        let id = percent_encode(id);
        if self.global { format!("/marketplace/orders/{id}") } else { format!("/orders/{id}") }
    }

    pub(super) fn pack(self, id: &str) -> String {
        let id = percent_encode(id);
        if self.global { format!("/marketplace/orders/pack/{id}") } else { format!("/packs/{id}") }
    }

    pub(super) fn shipment(self, id: &str, call: &str) -> String {
        let id = percent_encode(id);
        let prefix = if self.global { "/marketplace" } else { "" };
        format!("{prefix}/shipments/{id}{call}")
    }
}

/// Something that one `GET` answers.
pub(super) trait Resource: DeserializeOwned + std::marker::Send {
    const NAME: &'static str;
    const QUOTA: &'static str;
}

macro_rules! resources {
    ($($resource:ty => $name:literal, $quota:expr;)*) => {
        $(impl Resource for $resource {
            const NAME: &'static str = $name;
            const QUOTA: &'static str = $quota;
        })*
    };
}

resources! {
    WirePack => "get_pack", quota::ORDERS;
    WireShipment => "get_shipment", quota::SHIPMENTS;
    WireSla => "get_sla", quota::SHIPMENTS;
    Vec<HistoryRow> => "get_history", quota::SHIPMENTS;
    Vec<ShipmentItem> => "get_shipment_items", quota::SHIPMENTS;
}

/// `GET` of a resource, with its bytes.
pub(super) struct Get<T> {
    path: String,
    query: Vec<(&'static str, String)>,
    of: PhantomData<fn() -> T>,
}

impl<T> Get<T> {
    pub(super) fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: Vec::new(), of: PhantomData }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

impl<T: Resource> Operation for Get<T> {
    type Output = (T, String);
    const NAME: &'static str = T::NAME;
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = T::QUOTA;

    fn request(&self) -> Result<Outgoing> {
        let outgoing = Outgoing::get(self.path.clone());
        Ok(self.query.iter().fold(outgoing, |outgoing, (name, value)| outgoing.query(name, value)))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        let read = response.json()?;
        Ok((read, text_of(&response)?.to_owned()))
    }
}

fn text_of(response: &Response) -> Result<&str> {
    let text = std::str::from_utf8(&response.body);
    let text = text.map_err(|_| unexpected("the answer is not valid JSON: it is not UTF-8"))?;
    Ok(text.trim())
}

/// `GET` of an order, by its path.
pub(super) struct GetOrder(pub(super) String);

impl Operation for GetOrder {
    type Output = KeptOrder;
    const NAME: &'static str = "get_order";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::ORDERS;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get(self.0.clone()))
    }

    fn parse(&self, response: Response) -> Result<KeptOrder> {
        KeptOrder::read(text_of(&response)?)
    }
}

/// Which stamp a search goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    Created,
    Updated,
}

/// What a page of a search is asked for.
pub(super) struct Search {
    pub(super) seller: u64,
    pub(super) site: Site,
    pub(super) by: Stamp,
    pub(super) status: Option<&'static str>,
    /// Half-open.
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) offset: u64,
}

impl Search {
    /// Both ends of their window are in, so ours ends a millisecond earlier.
    fn last(&self) -> DateTime<Utc> {
        self.to.checked_sub_signed(TimeDelta::milliseconds(1)).unwrap_or(self.to)
    }
}

/// `GET /orders/search`.
pub(super) struct SearchOrders<'a>(pub(super) &'a Search);

impl Operation for SearchOrders<'_> {
    type Output = KeptPage;
    const NAME: &'static str = "list_orders";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::SEARCH;

    fn request(&self) -> Result<Outgoing> {
        let search = self.0;
        // `order.last_updated` would be ignored without a word.
        let (from, to) = match search.by {
            Stamp::Created => ("order.date_created.from", "order.date_created.to"),
            Stamp::Updated => ("order.date_last_updated.from", "order.date_last_updated.to"),
        };
        Ok(Outgoing::get("/orders/search")
            .query("seller", search.seller.to_string())
            .query_opt("order.status", search.status)
            .query(from, stamp(search.from))
            .query(to, stamp(search.last()))
            .query("sort", "date_asc")
            .query("offset", search.offset.to_string())
            .query("limit", PAGE_SIZE.to_string()))
    }

    fn parse(&self, response: Response) -> Result<KeptPage> {
        pages::kept_page(&response.body)
    }
}

/// Packs found across borders, with the ids of their orders.
pub(super) struct Found {
    pub(super) packs: Vec<(String, Vec<String>)>,
    /// How many results the page has.
    pub(super) shown: u64,
    pub(super) paging: Paging,
}

/// `GET /marketplace/orders/search`.
pub(super) struct SearchGlobally<'a>(pub(super) &'a Search);

impl Operation for SearchGlobally<'_> {
    type Output = Found;
    const NAME: &'static str = "list_orders";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::SEARCH;

    fn request(&self) -> Result<Outgoing> {
        let search = self.0;
        let (from, to) = match search.by {
            Stamp::Created => ("date_created.from", "date_created.to"),
            Stamp::Updated => ("last_updated.from", "last_updated.to"),
        };
        Ok(Outgoing::get("/marketplace/orders/search")
            .query("seller.id", search.seller.to_string())
            .query("site", search.site.code())
            .query_opt("order.status", search.status)
            .query(from, stamp(search.from))
            .query(to, stamp(search.last()))
            .query("sort", "date_asc")
            .query("offset", search.offset.to_string())
            .query("limit", PAGE_SIZE.to_string()))
    }

    fn parse(&self, response: Response) -> Result<Found> {
        #[derive(serde::Deserialize)]
        struct Answer {
            results: Vec<GlobalResult>,
            #[serde(default, deserialize_with = "or_empty")]
            paging: Paging,
        }
        let answer: Answer = response.json()?;
        let shown = answer.results.len() as u64;
        let packs = answer.results.into_iter().map(|result| {
            let mut orders: Vec<String> =
                result.orders.into_iter().filter_map(|order| order.id).collect();
            if orders.is_empty() {
                orders.push(result.id.clone());
            }
            (result.id, orders)
        });
        Ok(Found { packs: packs.collect(), shown, paging: answer.paging })
    }
}

/// A `POST` or `PUT` of a small JSON body, whose good answer says nothing that is needed.
pub(super) struct Send<B, K> {
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: B,
    of: PhantomData<fn() -> K>,
}

/// What kind of write it is.
pub(super) trait Write: 'static {
    const NAME: &'static str;
    const QUOTA: &'static str;
    const REPEAT: Repeat = Repeat::Never;
    const PUT: bool = false;
}

impl<B: Serialize, K: Write> Send<B, K> {
    pub(super) fn new(path: impl Into<String>, body: B) -> Self {
        Self { path: path.into(), query: Vec::new(), body, of: PhantomData }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

impl<B: Serialize + std::marker::Send + Sync, K: Write> Operation for Send<B, K> {
    type Output = ();
    const NAME: &'static str = K::NAME;
    const REPEAT: Repeat = K::REPEAT;
    const QUOTA: &'static str = K::QUOTA;

    fn request(&self) -> Result<Outgoing> {
        let path = self.path.clone();
        let outgoing = if K::PUT { Outgoing::put(path) } else { Outgoing::post(path) };
        let outgoing =
            self.query.iter().fold(outgoing, |outgoing, (name, value)| outgoing.query(name, value));
        outgoing.json(&self.body)
    }

    fn parse(&self, response: Response) -> Result<()> {
        // An empty body is a good answer to some calls. One that breaks off is not.
        if !response.body.trim_ascii().is_empty() {
            let _: serde::de::IgnoredAny = decode(&response.body)?;
        }
        Ok(())
    }
}

macro_rules! writes {
    ($($(#[$doc:meta])* $kind:ident => $name:literal, $quota:expr $(, $constant:ident = $value:expr)*;)*) => {
        $($(#[$doc])*
        pub(super) struct $kind;
        impl Write for $kind {
            const NAME: &'static str = $name;
            const QUOTA: &'static str = $quota;
            $(const $constant: writes!(@type $constant) = $value;)*
        })*
    };
    (@type REPEAT) => { Repeat };
    (@type PUT) => { bool };
}

writes! {
    /// `POST /shipments/{id}/seller_notifications`.
    NotifyShipped => "confirm_shipment", quota::SHIPMENTS;
    /// `PUT /shipments/{id}`: an absolute value.
    PutTracking => "confirm_shipment", quota::SHIPMENTS, REPEAT = Repeat::Freely, PUT = true;
    /// `POST /shipments/{id}/process/ready_to_ship`: the state it leads to is absolute.
    ReadyToShip => "mark_ready_to_ship", quota::SHIPMENTS;
    /// `POST /shipments/{id}/split`.
    Split => "split", quota::SHIPMENTS;
    /// `POST /orders/{id}/feedback`.
    Feedback => "cancel", quota::ORDERS;
    /// `POST /messages/packs/{pack}/sellers/{seller}`.
    SendMessage => "send_message", quota::MESSAGES_WRITE;
    /// `POST /post-purchase/v1/claims/{id}/…`.
    AnswerClaim => "answer_case", quota::CLAIMS;
    /// `PUT /items/{id}`: an absolute quantity.
    PutItem => "push_stock", quota::ITEMS, REPEAT = Repeat::Freely, PUT = true;
}

/// `POST /shipments/{id}/seller_notifications`, as the documentation's examples write it.
#[derive(Debug, Serialize)]
pub(super) struct Notification<'a> {
    pub(super) payload: NotificationPayload<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tracking_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tracking_url: Option<&'a str>,
    pub(super) status: &'a str,
    /// The text `null` where there is none, in every example.
    pub(super) substatus: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct NotificationPayload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_id: Option<u64>,
    pub(super) comment: &'a str,
    pub(super) date: String,
}

/// An id of theirs as the number they want.
pub(super) fn number(field: &'static str, id: &str) -> Result<u64> {
    id.parse().map_err(|_| Error::invalid(field, "is no number, as all of the platform's ids are"))
}
