//! The API's own types. Missing keys are common, and one official sample contradicts itself.

use serde::{Deserialize, Serialize};

use crate::client::wire::{OneOrMany, lenient_bool_opt, string_or_number_opt};

#[derive(Deserialize)]
pub(super) struct TrackAnswer {
    #[serde(default)]
    pub(super) shipments: OneOrMany<Shipment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shipment {
    /// A text, and a number in an official sample.
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) id: Option<String>,
    pub(super) service: Option<String>,
    pub(super) destination: Option<Place>,
    pub(super) status: Option<Status>,
    pub(super) estimated_time_of_delivery: Option<String>,
    pub(super) details: Option<Details>,
    #[serde(default)]
    pub(super) events: OneOrMany<Status>,
    #[serde(default, deserialize_with = "lenient_bool_opt")]
    pub(super) return_flag: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Details {
    #[serde(default)]
    pub(super) piece_ids: OneOrMany<String>,
}

#[derive(Deserialize)]
pub(super) struct Place {
    pub(super) address: Option<PlaceAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaceAddress {
    pub(super) country_code: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    pub(super) postal_code: Option<String>,
    pub(super) address_locality: Option<String>,
}

/// A status, which is also what an event looks like.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) timestamp: Option<String>,
    pub(super) location: Option<Place>,
    pub(super) status_code: Option<String>,
    pub(super) status: Option<String>,
    pub(super) description: Option<String>,
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
    #[serde(rename = "self")]
    pub(super) own: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) failure: Option<Failure>,
    #[serde(default)]
    pub(super) shipments: OneOrMany<Shipment>,
}

#[derive(Deserialize)]
pub(super) struct Failure {
    pub(super) title: Option<String>,
    pub(super) detail: Option<String>,
}
