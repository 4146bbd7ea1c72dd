//! Pages of orders, and orders on their way from one call to the next.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::calls::PAGE_SIZE;
use super::map::{ShipmentFacts, order_of};
use super::wire::{OnlyIds, Paging, SearchAnswer, WireOrder, WirePack};
use crate::client::wire::{decode, decode_text, unexpected};
use crate::error::Result;
use crate::ids::PlatformOrderId;
#[cfg(doc)]
use crate::order::LogisticsMode;
use crate::order::PlatformOrder;
use crate::personal::Personal;
use crate::ports::{Cursor, Page, PlatformItem, Unreadable};

/// Whether a text can be the id of an order, a pack or a shipment: they are numbers of any length.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// An order as it was read, beside its bytes.
pub(super) struct ReadOrder<'a> {
    pub(super) wire: WireOrder<'a>,
    pub(super) raw: &'a str,
}

impl<'a> ReadOrder<'a> {
    fn read(raw: &'a str) -> Result<Self> {
        let wire: WireOrder<'a> = decode_text(raw)?;
        for (name, id) in [("id", Some(&wire.id)), ("pack_id", wire.pack_id.as_ref())] {
            if id.is_some_and(|id| !is_id(id)) {
                return Err(unexpected(format!("{name} is no number")));
            }
        }
        if wire.order_items.is_empty() {
            return Err(unexpected("order_items is empty"));
        }
        Ok(Self { wire, raw })
    }

    /// The unit of work: the pack, or the order where there is none.
    pub(super) fn work_unit(&self) -> &Cow<'a, str> {
        self.wire.pack_id.as_ref().unwrap_or(&self.wire.id)
    }

    fn to_kept(&self) -> KeptOrder {
        let owned = |id: &Option<Cow<'_, str>>| id.as_deref().map(str::to_owned);
        KeptOrder {
            id: self.wire.id.clone().into_owned(),
            pack_id: owned(&self.wire.pack_id),
            shipping_id: owned(&self.wire.shipping.id),
            billing_id: owned(&self.wire.buyer.billing_info.id),
            seller: self.wire.seller.as_ref().and_then(|seller| owned(&seller.id)),
            site: owned(&self.wire.context.site),
            raw: self.raw.to_owned(),
        }
    }
}

/// The bytes of an order that can be read, kept between the calls for the rest of its unit of work,
/// and the ids by which that is found.
pub(super) struct KeptOrder {
    pub(super) id: String,
    pub(super) pack_id: Option<String>,
    pub(super) shipping_id: Option<String>,
    pub(super) billing_id: Option<String>,
    /// Whose sale it is, where that is said.
    pub(super) seller: Option<String>,
    pub(super) site: Option<String>,
    pub(super) raw: String,
}

impl KeptOrder {
    pub(super) fn read(raw: &str) -> Result<Self> {
        Ok(ReadOrder::read(raw)?.to_kept())
    }

    /// The unit of work: the pack, or the order where there is none.
    pub(super) fn work_unit(&self) -> &str {
        self.pack_id.as_deref().unwrap_or(&self.id)
    }
}

/// A page of a search, kept until the rest of its packs is read.
pub(super) struct KeptPage {
    pub(super) packs: Vec<Vec<KeptOrder>>,
    pub(super) unreadable: Vec<Unreadable>,
    /// How many results the page has.
    pub(super) shown: u64,
    pub(super) paging: Paging,
}

/// Reads a page of `GET /orders/search` for what its packs still lack.
pub(super) fn kept_page(body: &[u8]) -> Result<KeptPage> {
    let Grouped { packs, unreadable, shown, paging } = grouped(body)?;
    let packs = packs.iter().map(|pack| pack.iter().map(ReadOrder::to_kept).collect()).collect();
    Ok(KeptPage { packs, unreadable, shown, paging })
}

/// A page of a search: packs with the orders that the page shows of them.
struct Grouped<'a> {
    packs: Vec<Vec<ReadOrder<'a>>>,
    unreadable: Vec<Unreadable>,
    shown: u64,
    paging: Paging,
}

/// Reads a page of `GET /orders/search`, every order by itself, and groups the orders of one pack.
fn grouped(body: &[u8]) -> Result<Grouped<'_>> {
    let answer: SearchAnswer<'_> = decode(body)?;
    let mut packs: Vec<Vec<ReadOrder<'_>>> = Vec::with_capacity(answer.results.len());
    let mut places: BTreeMap<Cow<'_, str>, usize> = BTreeMap::new();
    let mut unreadable = Vec::new();
    let shown = answer.results.len() as u64;
    for raw in answer.results {
        match ReadOrder::read(raw.get()) {
            Ok(order) => {
                let place = *places.entry(order.work_unit().clone()).or_insert(packs.len());
                match packs.get_mut(place) {
                    // A page may repeat an order.
                    Some(pack) if pack.iter().any(|known| known.wire.id == order.wire.id) => {}
                    Some(pack) => pack.push(order),
                    None => packs.push(vec![order]),
                }
            }
            Err(error) => unreadable.push(self::unreadable(raw.get(), error.message())),
        }
    }
    Ok(Grouped { packs, unreadable, shown, paging: answer.paging })
}

fn unreadable(raw: &str, reason: &str) -> Unreadable {
    let ids: Option<OnlyIds> = serde_json::from_str(raw).ok();
    let id = ids.and_then(|ids| ids.pack_id.or(ids.id));
    Unreadable::new(id.and_then(|id| PlatformOrderId::new(id).ok()), reason, raw)
}

/// Reads a page of `GET /orders/search` as it is, without the shipments, which have calls of their
/// own: there are no recipients and deadlines, a pack holds only the orders that the page shows, and
/// units read as new unless the order itself says otherwise. An order with a shipment reads as
/// [`LogisticsMode::PlatformLabel`] until the shipment tells, so that nobody buys a label for it.
///
/// The adapter reads lists with the same code and then adds what is missing. The next page's token
/// is the plain offset.
///
/// # Errors
/// [`UnexpectedAnswer`](crate::ErrorKind::UnexpectedAnswer) when the page as a whole is not readable,
/// or does not say where in the list it is although that goes on; an order that is not readable costs
/// only itself.
pub fn read_search_page(body: &[u8]) -> Result<Page<PlatformOrder>> {
    let Grouped { packs, unreadable, shown, paging } = grouped(body)?;
    let offset = paging.offset.unwrap_or_default();
    let next = paging.next(offset, shown, u64::from(PAGE_SIZE));
    if next.is_some() && paging.offset.is_none() {
        return Err(unexpected("paging.offset is missing, and the list goes on"));
    }
    let nothing = ShipmentFacts::default();
    let mut items: Vec<_> = packs.iter().map(|pack| item(pack, None, &nothing)).collect();
    items.extend(unreadable.into_iter().map(PlatformItem::Unreadable));
    Ok(Page { items, next: next.map(|next| Cursor::new(next.to_string())) })
}

fn item(
    orders: &[ReadOrder<'_>],
    pack: Option<&WirePack>,
    facts: &ShipmentFacts,
) -> PlatformItem<PlatformOrder> {
    match order_of(orders, pack, facts) {
        Ok(order) => PlatformItem::Read(Box::new(order)),
        Err(error) => {
            let unit = orders.first().map(|order| order.work_unit().as_ref());
            let id = unit.and_then(|unit| PlatformOrderId::new(unit).ok());
            Unreadable::new(id, error.message(), raw(orders, facts)).into()
        }
    }
}

/// The order whose parts are all at hand.
pub(super) fn platform_order(
    orders: &[KeptOrder],
    pack: Option<&WirePack>,
    facts: &ShipmentFacts,
) -> Result<PlatformOrder> {
    order_of(&read_again(orders)?, pack, facts)
}

/// Like [`platform_order`], as an item of a list.
pub(super) fn kept_item(
    orders: &[KeptOrder],
    pack: Option<&WirePack>,
    facts: &ShipmentFacts,
) -> Result<PlatformItem<PlatformOrder>> {
    Ok(item(&read_again(orders)?, pack, facts))
}

fn read_again(orders: &[KeptOrder]) -> Result<Vec<ReadOrder<'_>>> {
    orders.iter().map(|order| ReadOrder::read(&order.raw)).collect()
}

/// The bytes everything was read from: those of the only order as they came, else all of them under
/// the names of their calls.
pub(super) fn raw(orders: &[ReadOrder<'_>], facts: &ShipmentFacts) -> Personal<String> {
    if let ([only], []) = (orders, facts.raw.as_slice()) {
        return Personal::new(only.raw.to_owned());
    }
    let mut text = String::from("{\"orders\":[");
    for (index, order) in orders.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(order.raw);
    }
    text.push(']');
    for (name, raw) in &facts.raw {
        text.push_str(",\"");
        text.push_str(name);
        text.push_str("\":");
        text.push_str(raw);
    }
    text.push('}');
    Personal::new(text)
}
