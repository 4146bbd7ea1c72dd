//! Which reasons the platform takes, for this order and this case.

use serde::{Deserialize, Serialize};

use super::calls::{calls, get};
use super::{TikTokShop, quota, wire};
use crate::client::wire::{or_empty, string_or_number_opt};
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::Result;
use crate::ids::PlatformOrderId;

/// Whether units may be cancelled by the seller, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CancelEligibility {
    /// The platform's id of their SKU.
    pub sku_id: Option<String>,
    /// Which units.
    pub unit_ids: Vec<String>,
    /// Whether they may be cancelled.
    pub eligible: bool,
    /// Keys of the reasons that are taken, good for
    /// [`TikTokShopConfig::with_cancel_reason`](super::TikTokShopConfig::with_cancel_reason).
    pub reasons: Vec<String>,
    /// Why they may not, as the platform's code.
    pub refusal_code: Option<String>,
    /// Why they may not, in the platform's words.
    pub refusal: Option<String>,
}

/// A reason with which a request of a buyer may be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RejectReason {
    /// Its key, for [`CaseAnswer::Refuse`](crate::ports::CaseAnswer::Refuse).
    pub name: String,
    /// What it says.
    #[serde(default)]
    pub text: Option<String>,
}

calls! {
    /// `GET /return_refund/{version}/orders/{id}/aftersale_eligibility`.
    GetEligibility = "cancel_eligibility", Freely, AFTER_SALE => Eligibility;
    /// `GET /return_refund/202309/reject_reasons`.
    GetRejectReasons = "reject_reasons", Freely, AFTER_SALE => Reasons;
}

#[derive(Deserialize)]
pub(super) struct Eligibility {
    #[serde(default, deserialize_with = "or_empty")]
    sku_eligibility: Vec<SkuEligibility>,
}

#[derive(Deserialize)]
struct SkuEligibility {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    sku_id: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    line_item_eligibility: Vec<UnitEligibility>,
}

#[derive(Deserialize)]
struct UnitEligibility {
    #[serde(default)]
    eligible: bool,
    #[serde(default)]
    available_reason_names: Option<Vec<String>>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    ineligible_code: Option<String>,
    #[serde(default)]
    ineligible_reason: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    order_line_items_ids: Vec<String>,
    #[serde(default)]
    request_type: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Reasons {
    #[serde(default, deserialize_with = "or_empty")]
    reasons: Vec<RejectReason>,
}

impl TikTokShop {
    /// Whether the units of an order may be cancelled by the seller, and which reasons are taken: they
    /// differ by market and by where the order stands.
    ///
    /// # Errors
    /// As every call.
    pub async fn cancel_eligibility(
        &self,
        order: &PlatformOrderId,
    ) -> Result<Vec<CancelEligibility>> {
        let (version, id) = (&self.versions.eligibility, percent_encode(order.as_str()));
        let path = format!("/return_refund/{version}/orders/{id}/aftersale_eligibility");
        let call = GetEligibility(get(path, &self.cipher).query("request_types", "CANCEL"));
        let answer = self.client.call(&call).await?;
        let of_sku = |sku: SkuEligibility| {
            let id = sku.sku_id;
            let cancels = |units: &UnitEligibility| {
                units.request_type.as_deref().is_none_or(|kind| kind == "CANCEL")
            };
            sku.line_item_eligibility.into_iter().filter(cancels).map(move |units| {
                CancelEligibility {
                    sku_id: id.clone(),
                    unit_ids: units.order_line_items_ids,
                    eligible: units.eligible,
                    reasons: units.available_reason_names.unwrap_or_default(),
                    refusal_code: units.ineligible_code,
                    refusal: units.ineligible_reason,
                }
            })
        };
        Ok(answer.sku_eligibility.into_iter().flat_map(of_sku).collect())
    }

    /// The reasons with which a case (a cancellation or a return, by its id) may be refused.
    ///
    /// # Errors
    /// As every call.
    pub async fn reject_reasons(&self, case: &str) -> Result<Vec<RejectReason>> {
        let path = "/return_refund/202309/reject_reasons".to_owned();
        let call = get(path, &self.cipher).query("return_or_cancel_id", case);
        Ok(self.client.call(&GetRejectReasons(call)).await?.reasons)
    }
}
