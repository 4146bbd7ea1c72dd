//! The API's own types. Missing keys are common, and one official sample contradicts itself.

use serde::{Deserialize, Serialize};

use crate::client::wire::{Readable, readable_bool_opt, readable_opt, readable_text_opt};

#[derive(Deserialize)]
pub(super) struct TrackAnswer {
    #[serde(default)]
    pub(super) shipments: Readable<Shipment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shipment {
    /// A text, and a number in an official sample.
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) service: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) destination: Option<Place>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) status: Option<Status>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) estimated_time_of_delivery: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) details: Option<Details>,
    #[serde(default)]
    pub(super) events: Readable<Status>,
    #[serde(default, deserialize_with = "readable_bool_opt")]
    pub(super) return_flag: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Details {
    #[serde(default)]
    pub(super) piece_ids: Readable<String>,
}

#[derive(Deserialize)]
pub(super) struct Place {
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) address: Option<PlaceAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaceAddress {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) country_code: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) postal_code: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) address_locality: Option<String>,
}

/// A status, which is also what an event looks like.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) timestamp: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) location: Option<Place>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) status_code: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) remark: Option<String>,
}

// ---- Push ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubscriptionBody<'a> {
    pub(super) hook: HookBody<'a>,
    pub(super) format: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<&'a str>,
    pub(super) events: [&'static str; 5],
    #[serde(rename = "shipmentIDs")]
    pub(super) shipment_ids: Vec<&'a str>,
}

#[derive(Serialize)]
pub(super) struct HookBody<'a> {
    pub(super) uri: &'a str,
    pub(super) authentication: HookAuthentication<'a>,
}

#[derive(Serialize)]
pub(super) struct HookAuthentication<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) header: &'a str,
    pub(super) token: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Pushed {
    pub(super) scope: String,
    #[serde(default, rename = "self", deserialize_with = "readable_text_opt")]
    pub(super) own: Option<String>,
    #[serde(default, deserialize_with = "readable_text_opt")]
    pub(super) secret: Option<String>,
    #[serde(default, deserialize_with = "readable_opt")]
    pub(super) failure: Option<Failure>,
    #[serde(default)]
    pub(super) shipments: Readable<Shipment>,
}

#[derive(Deserialize)]
pub(super) struct Failure {
    pub(super) title: Option<String>,
    pub(super) detail: Option<String>,
}
