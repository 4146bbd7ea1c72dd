//! Goods that come back: where they are, and what the seller says of them when they are back.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::calls::{AnswerClaim, Get, Resource, Send, number};
use super::look::absent;
use super::wire::instant_opt;
use super::{MERCADO_LIBRE, MercadoLibre, quota, refused};
use crate::client::percent_encode;
use crate::client::wire::{
    exact_decimal_opt, filled, or_empty, string_or_number, string_or_number_opt, unexpected,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{LineId, PlatformOrderId, TrackingNumber};

const NAME: &str = "review_return";
/// "attachments: required for SRF2 and SRF4".
const WITH_EVIDENCE: [&str; 2] = ["SRF2", "SRF4"];

/// A return that belongs to a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GoodsReturn {
    /// Its id, which is not the claim's.
    pub id: String,
    /// Where it stands, in the platform's words, for example `label_generated` or `delivered`.
    pub status: String,
    /// `low_cost`, `return_partial` or `return_total`.
    pub subtype: Option<String>,
    /// Where the money is: `retained`, `refunded` or `available`.
    pub money: Option<String>,
    /// When the buyer gets the money: `shipped`, `delivered` (three days later) or `n/a`.
    pub refund_at: Option<String>,
    /// Whether the platform's warehouse looks at the goods first.
    pub checked_by_platform: bool,
    /// Whether there are reviews to read.
    pub reviewed: bool,
    /// The parcels, those from the platform's warehouse to the seller included.
    pub parcels: Vec<ReturnParcel>,
    /// What comes back.
    pub lines: Vec<ReturnedLine>,
    /// When it was opened.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
}

/// A parcel of a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReturnParcel {
    /// The platform's id of the shipment.
    pub shipment: String,
    /// Where it stands, in the platform's words.
    pub status: Option<String>,
    /// Its tracking number.
    pub number: Option<TrackingNumber>,
    /// `return`, or `return_from_triage` on the way from the platform's warehouse.
    pub kind: Option<String>,
    /// `seller_address` or `warehouse`.
    pub destination: Option<String>,
}

/// A line of an order of which units come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReturnedLine {
    /// The line, by the id it has in the order.
    pub line: LineId,
    /// How many units come back.
    pub units: u32,
    /// Of how many.
    pub ordered: u32,
    /// `total`, `partial`, or `incomplete` for units that never arrived.
    pub context: Option<String>,
}

/// What somebody found who looked at returned goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReturnReview {
    /// The order it is about.
    pub order: Option<String>,
    /// `triage` is the platform's warehouse, `none` the seller.
    pub method: Option<String>,
    /// `closed`, `pending`, `seller_review_pending` or `timeout`.
    pub stage: Option<String>,
    /// What the warehouse found: `success` or `failed`.
    pub status: Option<String>,
    /// `saleable`, `unsaleable`, `discard` or `missing`.
    pub condition: Option<String>,
    /// Where the goods go: `meli`, `buyer` or `seller`.
    pub destination: Option<String>,
    /// The warehouse's finding, for example `accepted` or `different_product`.
    pub reason: Option<String>,
    /// Who is in the right: `buyer`, `seller` or `both`.
    pub benefited: Option<String>,
    /// What became of the seller's own review: `pending`, `success`, `claimed` or `failed`.
    pub seller_status: Option<String>,
    /// The fault the seller named, for example `SRF2`.
    pub seller_reason: Option<String>,
    /// Units that did not arrive.
    pub missing: Option<u32>,
}

/// A fault that the seller may name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ReturnReason {
    /// Its id, for example `SRF2`.
    pub id: String,
    /// Its name, for example `product_damaged`.
    #[serde(default)]
    pub name: Option<String>,
    /// What it means, in the language of the site.
    #[serde(default)]
    pub detail: Option<String>,
    /// What it may be said of: `order`, `package` or both.
    #[serde(default, deserialize_with = "or_empty")]
    pub apply: Vec<String>,
}

/// Why returned goods are not as they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnFault {
    /// One of [`MercadoLibre::return_reasons`].
    pub reason: String,
    /// In the seller's words.
    pub message: String,
    /// Names of files that were uploaded as evidence; the reasons `SRF2` and `SRF4` need one.
    pub evidence: Vec<String>,
    /// Which order of a pack; `None` where there is only one, or for all of them.
    pub order: Option<PlatformOrderId>,
}

#[derive(Deserialize)]
struct WireReturn {
    #[serde(deserialize_with = "string_or_number")]
    id: String,
    status: String,
    #[serde(default)]
    subtype: Option<String>,
    #[serde(default)]
    status_money: Option<String>,
    #[serde(default)]
    refund_at: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    intermediate_check: bool,
    #[serde(default, deserialize_with = "or_empty")]
    related_entities: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    shipments: Vec<WireParcel>,
    #[serde(default, deserialize_with = "or_empty")]
    orders: Vec<WireLine>,
    #[serde(default, deserialize_with = "instant_opt")]
    date_created: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant_opt")]
    last_updated: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant_opt")]
    date_closed: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct WireParcel {
    #[serde(deserialize_with = "string_or_number")]
    shipment_id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    tracking_number: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    destination: WireDestination,
}

#[derive(Default, Deserialize)]
struct WireDestination {
    #[serde(default)]
    name: Option<String>,
}

/// Quantities are texts like `1.0`.
#[derive(Deserialize)]
struct WireLine {
    #[serde(deserialize_with = "string_or_number")]
    order_id: String,
    item_id: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    variation_id: Option<String>,
    #[serde(default)]
    context_type: Option<String>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    total_quantity: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    return_quantity: Option<Decimal>,
}

#[derive(Deserialize)]
struct Reviews {
    #[serde(default, deserialize_with = "or_empty")]
    reviews: Vec<WireReview>,
}

#[derive(Deserialize)]
struct WireReview {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    resource_id: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    resource_reviews: Vec<WireFinding>,
}

#[derive(Deserialize)]
struct WireFinding {
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    product_condition: Option<String>,
    #[serde(default)]
    product_destination: Option<String>,
    #[serde(default)]
    reason_id: Option<String>,
    #[serde(default)]
    benefited: Option<String>,
    #[serde(default)]
    seller_status: Option<String>,
    #[serde(default)]
    seller_reason: Option<String>,
    #[serde(default)]
    missing_quantity: Option<u32>,
}

impl Resource for WireReturn {
    const NAME: &'static str = "get_return";
    const QUOTA: &'static str = quota::CLAIMS;
}

impl Resource for Reviews {
    const NAME: &'static str = "get_return_reviews";
    const QUOTA: &'static str = quota::CLAIMS;
}

impl Resource for Vec<ReturnReason> {
    const NAME: &'static str = "get_return_reasons";
    const QUOTA: &'static str = quota::CLAIMS;
}

fn whole(field: &'static str, quantity: Option<Decimal>) -> Result<u32> {
    quantity
        .filter(|quantity| quantity.fract().is_zero())
        .and_then(|quantity| quantity.to_u32())
        .ok_or_else(|| unexpected(format!("orders.{field} is no number of units")))
}

impl WireLine {
    fn read(self) -> Result<ReturnedLine> {
        let mut line = format!("{}-{}", self.order_id, self.item_id);
        if let Some(variation) = filled(self.variation_id.as_deref()) {
            line.push('-');
            line.push_str(&variation);
        }
        Ok(ReturnedLine {
            line: LineId::new(line)
                .map_err(|_| unexpected("orders.item_id is not usable as an id"))?,
            units: whole("return_quantity", self.return_quantity)?,
            ordered: whole("total_quantity", self.total_quantity)?,
            context: self.context_type,
        })
    }
}

impl WireReturn {
    fn read(self) -> Result<GoodsReturn> {
        let parcels = self.shipments.into_iter().map(|parcel| ReturnParcel {
            shipment: parcel.shipment_id,
            status: parcel.status,
            number: filled(parcel.tracking_number.as_deref())
                .and_then(|number| TrackingNumber::new(number).ok()),
            kind: parcel.kind,
            destination: parcel.destination.name,
        });
        Ok(GoodsReturn {
            id: self.id,
            status: self.status,
            subtype: self.subtype,
            money: self.status_money,
            refund_at: self.refund_at,
            checked_by_platform: self.intermediate_check,
            reviewed: self.related_entities.iter().any(|entity| entity == "reviews"),
            parcels: parcels.collect(),
            lines: self.orders.into_iter().map(WireLine::read).collect::<Result<_>>()?,
            opened_at: self.date_created,
            updated_at: self.last_updated,
            closed_at: self.date_closed,
        })
    }
}

impl WireReview {
    fn read(self) -> impl Iterator<Item = ReturnReview> {
        let (order, method) = (self.resource_id, self.method);
        // An empty text says that nobody at the warehouse looked.
        let said = |text: Option<String>| filled(text.as_deref());
        self.resource_reviews.into_iter().map(move |finding| ReturnReview {
            order: order.clone(),
            method: method.clone(),
            stage: said(finding.stage),
            status: said(finding.status),
            condition: said(finding.product_condition),
            destination: said(finding.product_destination),
            reason: said(finding.reason_id),
            benefited: said(finding.benefited),
            seller_status: said(finding.seller_status),
            seller_reason: said(finding.seller_reason),
            missing: finding.missing_quantity,
        })
    }
}

/// `POST /post-purchase/v1/returns/{id}/return-review`: an empty object says that all is well.
#[derive(Serialize)]
#[serde(untagged)]
enum ReviewBody<'a> {
    Well {},
    Faults(Vec<FaultBody<'a>>),
}

#[derive(Serialize)]
struct FaultBody<'a> {
    reason: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    attachments: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<u64>,
}

fn is_empty(names: &&[String]) -> bool {
    names.is_empty()
}

fn body_of(faults: &[ReturnFault]) -> Result<ReviewBody<'_>> {
    if faults.is_empty() {
        return Ok(ReviewBody::Well {});
    }
    let mut bodies = Vec::with_capacity(faults.len());
    for fault in faults {
        if fault.reason.trim().is_empty() {
            return Err(Error::invalid("faults.reason", "is empty"));
        }
        if fault.message.trim().is_empty() {
            return Err(Error::invalid("faults.message", "is empty"));
        }
        if WITH_EVIDENCE.contains(&fault.reason.as_str()) && fault.evidence.is_empty() {
            return Err(Error::invalid("faults.evidence", "this reason needs a file"));
        }
        let order = fault.order.as_ref();
        bodies.push(FaultBody {
            reason: &fault.reason,
            message: &fault.message,
            attachments: &fault.evidence,
            order_id: order.map(|order| number("faults.order", order.as_str())).transpose()?,
        });
    }
    Ok(ReviewBody::Faults(bodies))
}

/// Whether the seller may say now that the goods are as they should be, or that they are not.
fn may_review(actions: &[String], well: bool) -> bool {
    let end = if well { "_ok" } else { "_fail" };
    actions.iter().any(|action| {
        action == "return_review" || (action.starts_with("return_review") && action.ends_with(end))
    })
}

impl MercadoLibre {
    /// The return that belongs to a claim; a claim has one when its kind is
    /// [`CaseKind::Return`](crate::ports::CaseKind::Return).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when nothing comes back; otherwise whatever the call failed with.
    pub async fn goods_return(&self, claim: &str) -> Result<GoodsReturn> {
        let path = format!("/post-purchase/v2/claims/{}/returns", percent_encode(claim));
        let (wire, _) = self.client.call(&Get::<WireReturn>::new(path)).await?;
        wire.read().map_err(|error| error.with_operation(MERCADO_LIBRE.as_str(), "get_return"))
    }

    /// What was found by whoever looked at the goods of a return, by the return's own id.
    ///
    /// # Errors
    /// Whatever the call failed with.
    pub async fn return_reviews(&self, goods_return: &str) -> Result<Vec<ReturnReview>> {
        let path = format!("/post-purchase/v1/returns/{}/reviews", percent_encode(goods_return));
        let found = absent(self.client.call(&Get::<Reviews>::new(path)).await)?;
        let reviews = found.map(|(answer, _)| answer.reviews).unwrap_or_default();
        Ok(reviews.into_iter().flat_map(WireReview::read).collect())
    }

    /// The faults that the seller may name for the return of a claim.
    ///
    /// # Errors
    /// Whatever the call failed with.
    pub async fn return_reasons(&self, claim: &str) -> Result<Vec<ReturnReason>> {
        let call = Get::<Vec<ReturnReason>>::new("/post-purchase/v1/returns/reasons")
            // "For now only seller_return_failed is valid".
            .with("flow", "seller_return_failed")
            .with("claim_id", claim);
        Ok(self.client.call(&call).await?.0)
    }

    /// Says what the returned goods are like: without faults, as they should be, and the money goes
    /// to the buyer. What the platform already shows is not said again.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a fault without reason, words or the file it needs;
    /// [`ErrorKind::Rejected`] when the claim takes no review now, or nothing comes back by it; [`ErrorKind::Ambiguous`] when the
    /// answer was lost and the claim does not show whether it was taken.
    pub async fn review_return(&self, claim: &str, faults: &[ReturnFault]) -> Result<()> {
        let body = body_of(faults)?;
        let well = faults.is_empty();
        let seller = self.seller.to_string();
        let actions = self.claim(claim).await?.case(&seller).actions;
        let Some(back) = absent(self.goods_return(claim).await)? else {
            return Err(refused(NAME, "nothing comes back by this claim"));
        };
        if !may_review(&actions, well) {
            let told = if well { "success" } else { "claimed" };
            let reviews = self.return_reviews(&back.id).await?;
            if reviews.iter().any(|review| review.seller_status.as_deref() == Some(told)) {
                return Ok(());
            }
            return Err(refused(NAME, "the claim takes no review of the returned goods now"));
        }
        let path = format!("/post-purchase/v1/returns/{}/return-review", percent_encode(&back.id));
        let sent = self.client.call(&Send::<_, AnswerClaim>::new(path, body)).await;
        let error = match sent {
            Err(error) if error.is_ambiguous() => error,
            other => {
                return other.map_err(|error| error.with_operation(MERCADO_LIBRE.as_str(), NAME));
            }
        };
        match self.claim(claim).await.map(|claim| claim.case(&seller)) {
            Ok(now) if !may_review(&now.actions, well) => Ok(()),
            // Money may hang on it: nobody sends it again blindly.
            _ => Err(Error::new(
                ErrorKind::Ambiguous,
                "the answer was lost, and the claim does not show whether the review was taken",
            )
            .with_operation(MERCADO_LIBRE.as_str(), NAME)
            .with_source(error)),
        }
    }
}
