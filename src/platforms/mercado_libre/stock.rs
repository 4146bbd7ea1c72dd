//! Stock: by item, or by user product with its version.

use async_trait::async_trait;
use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::calls::{Get, PutItem, Resource, Send, number};
use super::{MercadoLibre, quota};
use crate::client::wire::{or_empty, string_or_number_opt};
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ports::{StockLevel, StockPush};

const VERSION: HeaderName = HeaderName::from_static("x-version");
/// How often a level is tried when somebody else writes at the same time.
const ATTEMPTS: u32 = 3;

/// Items of a seller with a SKU.
#[derive(Deserialize)]
struct Items {
    #[serde(default, deserialize_with = "or_empty")]
    results: Vec<String>,
}

impl Resource for Items {
    const NAME: &'static str = "find_item";
    const QUOTA: &'static str = quota::ITEMS;
}

#[derive(Serialize)]
#[serde(untagged)]
enum ItemBody {
    Item { available_quantity: u32 },
    Variations { variations: [Variation; 1] },
}

#[derive(Serialize)]
struct Variation {
    id: u64,
    available_quantity: u32,
}

/// `GET /user-products/{id}/stock`, with the version it has.
struct ReadStock<'a> {
    product: &'a str,
}

struct Stock {
    version: String,
    locations: Vec<Location>,
}

#[derive(Deserialize)]
struct StockAnswer {
    #[serde(default, deserialize_with = "or_empty")]
    locations: Vec<Location>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    store_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    network_node_id: Option<String>,
}

impl Operation for ReadStock<'_> {
    type Output = Stock;
    const NAME: &'static str = "get_stock";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::STOCK;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get(format!("/user-products/{}/stock", percent_encode(self.product))))
    }

    fn parse(&self, response: Response) -> Result<Stock> {
        let answer: StockAnswer = response.json()?;
        let version = response.header("x-version").map(str::to_owned).ok_or_else(|| {
            Error::new(ErrorKind::UnexpectedAnswer, "the header x-version is missing")
        })?;
        Ok(Stock { version, locations: answer.locations })
    }
}

/// `PUT /user-products/{id}/stock/type/…`: an absolute quantity, for one version.
struct WriteStock<'a> {
    product: &'a str,
    version: &'a str,
    at: Place<'a>,
    units: u32,
}

enum Place<'a> {
    SellingAddress,
    Warehouse { store: &'a str, node: &'a str },
}

#[derive(Serialize)]
#[serde(untagged)]
enum StockBody<'a> {
    Quantity { quantity: u32 },
    Locations { locations: [SentLocation<'a>; 1] },
}

#[derive(Serialize)]
struct SentLocation<'a> {
    store_id: &'a str,
    network_node_id: &'a str,
    quantity: u32,
}

impl Operation for WriteStock<'_> {
    type Output = ();
    const NAME: &'static str = "push_stock";
    // With the version, a repetition of what has worked is a conflict, not a second effect.
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::STOCK;

    fn request(&self) -> Result<Outgoing> {
        let (kind, body) = match self.at {
            Place::SellingAddress => {
                ("selling_address", StockBody::Quantity { quantity: self.units })
            }
            Place::Warehouse { store, node } => {
                let location =
                    SentLocation { store_id: store, network_node_id: node, quantity: self.units };
                ("seller_warehouse", StockBody::Locations { locations: [location] })
            }
        };
        let product = percent_encode(self.product);
        Outgoing::put(format!("/user-products/{product}/stock/type/{kind}"))
            .header(VERSION, self.version)?
            .json(&body)
    }

    fn parse(&self, _response: Response) -> Result<()> {
        // 204 without a body, or 200 with what is written now.
        Ok(())
    }
}

/// `MLBU1458960576` is a user product, `MLB3737188005` an item.
fn is_user_product(id: &str) -> bool {
    id.as_bytes().get(3) == Some(&b'U') && id.get(4..).is_some_and(|rest| !rest.is_empty())
}

impl MercadoLibre {
    async fn set_level(&self, level: &StockLevel) -> Result<()> {
        match &level.listing {
            Some(listing) if is_user_product(&listing.item) => {
                self.set_user_product(&listing.item, level).await
            }
            Some(listing) => self.set_item(&listing.item, listing.variant.as_deref(), level).await,
            None => {
                let item = self.item_of(level).await?;
                self.set_item(&item, None, level).await
            }
        }
    }

    async fn item_of(&self, level: &StockLevel) -> Result<String> {
        let call = Get::<Items>::new(format!("/users/{}/items/search", self.seller))
            .with("seller_sku", level.sku.as_str());
        let (found, _) = self.client.call(&call).await?;
        match found.results.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Error::invalid("sku", "no item of the seller has it: name the listing")),
            _ => Err(Error::invalid("sku", "several items have it: name the listing")),
        }
    }

    async fn set_item(&self, item: &str, variant: Option<&str>, level: &StockLevel) -> Result<()> {
        if level.warehouse.is_some() {
            return Err(Error::invalid(
                "warehouse",
                "stock by place is kept by user product: name it as the listing's item",
            ));
        }
        let available_quantity = level.units;
        let body = match variant {
            None => ItemBody::Item { available_quantity },
            Some(variant) => ItemBody::Variations {
                variations: [Variation {
                    id: number("listing.variant", variant)?,
                    available_quantity,
                }],
            },
        };
        let path = format!("/items/{}", percent_encode(item));
        self.client.call(&Send::<_, PutItem>::new(path, body)).await
    }

    async fn set_user_product(&self, product: &str, level: &StockLevel) -> Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let stock = self.client.call(&ReadStock { product }).await?;
            let at = place(&stock.locations, level)?;
            let call = WriteStock { product, version: &stock.version, at, units: level.units };
            match self.client.call(&call).await {
                // Somebody else wrote first: their version is read, ours is the newest wish.
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {}
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    return Err(error.with_retry(Retry::After(super::AFTER_LOOKING)));
                }
                other => return other,
            }
        }
    }
}

fn place<'a>(locations: &'a [Location], level: &'a StockLevel) -> Result<Place<'a>> {
    let depots: Vec<(&str, &str)> = locations
        .iter()
        .filter(|location| location.kind.as_deref() == Some("seller_warehouse"))
        .filter_map(|location| {
            Some((location.store_id.as_deref()?, location.network_node_id.as_deref()?))
        })
        .collect();
    match (&level.warehouse, depots.as_slice()) {
        (None, []) => Ok(Place::SellingAddress),
        (None, [(store, node)]) => Ok(Place::Warehouse { store, node }),
        (None, _) => Err(Error::invalid("warehouse", "the seller has several: name one")),
        (Some(wanted), depots) => depots
            .iter()
            .find(|(store, node)| *store == wanted.as_str() || *node == wanted.as_str())
            .map(|(store, node)| Place::Warehouse { store, node })
            .ok_or_else(|| Error::invalid("warehouse", "is no depot of the user product")),
    }
}

#[async_trait]
impl StockPush for MercadoLibre {
    async fn push_stock(&self, levels: &[StockLevel]) -> Vec<Result<()>> {
        let mut outcomes = Vec::with_capacity(levels.len());
        for level in levels {
            outcomes.push(self.set_level(level).await);
        }
        outcomes
    }
}
