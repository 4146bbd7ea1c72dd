//! Claims and mediations.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::calls::{AnswerClaim, Get, Resource, Send, stamp};
use super::wire::{Paging, instant_opt};
use super::{MERCADO_LIBRE, MercadoLibre, quota, unsupported};
use crate::client::percent_encode;
use crate::client::wire::{
    decode, exact_decimal, exact_decimal_opt, filled, or_empty, string_or_number,
    string_or_number_opt, unexpected,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, PlatformOrderId};
use crate::money::{Currency, Money};
use crate::ports::{
    AfterSale, AfterSaleCase, CaseAnswer, CaseKind, Cursor, Page, PlatformItem, Unreadable,
};

/// Claims asked for at once.
const PAGE_SIZE: u64 = 50;
/// Where claims are, on the local sites and across borders.
const LOCAL: &str = "/post-purchase/v1/claims";
const GLOBAL: &str = "/marketplace/v2/claims";

#[derive(Deserialize)]
struct SearchAnswer {
    #[serde(default, deserialize_with = "or_empty")]
    data: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "or_empty")]
    paging: Paging,
}

#[derive(Deserialize)]
pub(super) struct Claim {
    #[serde(deserialize_with = "string_or_number")]
    id: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    resource_id: Option<String>,
    #[serde(default)]
    resource: Option<String>,
    status: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    reason_id: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    players: Vec<Player>,
    #[serde(default)]
    resolution: Option<Resolution>,
    #[serde(default, deserialize_with = "or_empty")]
    related_entities: Vec<String>,
    #[serde(default, deserialize_with = "instant_opt")]
    date_created: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant_opt")]
    last_updated: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Player {
    #[serde(default)]
    role: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    available_actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    action: String,
    #[serde(default, deserialize_with = "instant_opt")]
    due_date: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Resolution {
    #[serde(default)]
    reason: Option<String>,
}

/// `GET …/partial-refund/available-offers`.
#[derive(Deserialize)]
struct Offers {
    #[serde(default)]
    currency_id: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    available_offers: Vec<Offer>,
}

#[derive(Deserialize)]
struct Offer {
    #[serde(deserialize_with = "exact_decimal")]
    percentage: Decimal,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    amount: Option<Decimal>,
}

/// Where a list of claims goes on. A claim that changes while the list is read leaves the window, and
/// all behind it move up a place: so a page begins at the instant of the last claim shown, not at a
/// number of claims.
struct Place {
    since: DateTime<Utc>,
    /// How many claims from there on were shown.
    offset: u64,
}

impl Place {
    /// Behind a page whose claims changed at these instants, if that is later than where it began.
    fn behind(changed: &[Option<DateTime<Utc>>], since: DateTime<Utc>) -> Option<Self> {
        let last = (*changed.last()?)?;
        let in_order = changed.iter().all(|at| at.is_some_and(|at| at <= last));
        let shown = changed.iter().filter(|at| **at == Some(last)).count();
        (in_order && last > since).then_some(Self { since: last, offset: shown as u64 })
    }

    fn read(cursor: &Cursor) -> Option<Self> {
        let (since, offset) = cursor.as_str().split_once('+')?;
        let since = DateTime::from_timestamp_millis(since.parse().ok()?)?;
        Some(Self { since, offset: offset.parse().ok()? })
    }

    fn cursor(self) -> Cursor {
        Cursor::new(format!("{}+{}", self.since.timestamp_millis(), self.offset))
    }
}

/// A row of `GET …/expected-resolutions`.
#[derive(Deserialize)]
struct Expected {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    user_id: Option<String>,
    #[serde(default)]
    player_role: Option<String>,
    #[serde(default)]
    expected_resolution: Option<String>,
}

impl Resource for SearchAnswer {
    const NAME: &'static str = "list_cases";
    const QUOTA: &'static str = quota::CLAIMS;
}

impl Resource for Claim {
    const NAME: &'static str = "get_case";
    const QUOTA: &'static str = quota::CLAIMS;
}

impl Resource for Offers {
    const NAME: &'static str = "get_offers";
    const QUOTA: &'static str = quota::CLAIMS;
}

impl Resource for Vec<Expected> {
    const NAME: &'static str = "get_expected";
    const QUOTA: &'static str = quota::CLAIMS;
}

impl Claim {
    /// What the case is about. Most claims have the type `mediations`, whatever their stage.
    fn case_kind(&self) -> CaseKind {
        let has_return = self.related_entities.iter().any(|entity| entity == "return");
        match (self.kind.as_deref(), self.stage.as_deref()) {
            // "cancel_purchase or ml_case: the buyer wants to cancel".
            (Some("cancel_purchase" | "ml_case"), _) => CaseKind::Cancellation,
            (Some("return" | "returns"), _) => CaseKind::Return,
            (Some("change"), _) => CaseKind::Replacement,
            (Some("mediations"), Some("dispute")) => CaseKind::Dispute,
            (Some("mediations"), _) if has_return => CaseKind::Return,
            (Some("mediations"), _) => CaseKind::Claim,
            (Some(other), _) => CaseKind::Other(other.to_owned()),
            (None, _) => CaseKind::Claim,
        }
    }

    pub(super) fn case(self, seller: &str) -> AfterSaleCase {
        let kind = self.case_kind();
        let ours: Vec<&Action> = self
            .players
            .iter()
            .filter(|player| {
                player.user_id.as_deref() == Some(seller)
                    || (player.user_id.is_none() && player.role.as_deref() == Some("respondent"))
            })
            .flat_map(|player| &player.available_actions)
            .collect();
        let reason = self
            .resolution
            .as_ref()
            .and_then(|resolution| filled(resolution.reason.as_deref()))
            .map(|resolution| match self.reason_id.as_deref() {
                Some(reason) => format!("{reason}: {resolution}"),
                None => resolution,
            })
            .or_else(|| filled(self.reason_id.as_deref()));
        // Other resources are shipments, payments and purchases.
        let order = self
            .resource_id
            .clone()
            .filter(|_| self.resource.as_deref() == Some("order"))
            .and_then(|id| PlatformOrderId::new(id).ok());
        AfterSaleCase {
            kind,
            order,
            lines: Vec::new(),
            open: self.status != "closed",
            status: self.status,
            reason,
            amount: None,
            opened_at: self.date_created,
            updated_at: self.last_updated,
            respond_by: ours.iter().filter_map(|action| action.due_date).min(),
            actions: ours.iter().map(|action| action.action.clone()).collect(),
            id: self.id,
        }
    }
}

#[derive(Serialize)]
struct Percentage {
    percentage: Box<RawValue>,
}

#[derive(Serialize)]
struct Nothing {}

/// An answer that the platform has a call for.
enum Call {
    Refund,
    AllowReturn,
    PartialRefund(Decimal),
    OpenDispute,
}

impl Call {
    const fn path(&self) -> &'static str {
        match self {
            Self::Refund => "/expected-resolutions/refund",
            Self::AllowReturn => "/expected-resolutions/allow-return",
            Self::PartialRefund(_) => "/expected-resolutions/partial-refund",
            Self::OpenDispute => "/actions/open-dispute",
        }
    }

    /// The names under which the claim shows it afterwards.
    const fn shown_as(&self) -> &'static [&'static str] {
        match self {
            Self::Refund => &["refund"],
            Self::AllowReturn => &["allow_return", "return_product"],
            Self::PartialRefund(_) => &["partial_refund"],
            Self::OpenDispute => &[],
        }
    }
}

impl MercadoLibre {
    const fn claims(&self) -> &'static str {
        if self.paths.global { GLOBAL } else { LOCAL }
    }

    fn claim_path(&self, id: &str) -> String {
        format!("{}/{}", self.claims(), percent_encode(id))
    }

    pub(super) async fn claim(&self, id: &str) -> Result<Claim> {
        Ok(self.client.call(&Get::<Claim>::new(self.claim_path(id))).await?.0)
    }

    async fn offer_for(&self, claim: &str, amount: &Money) -> Result<Decimal> {
        let path = format!("{}/partial-refund/available-offers", self.claim_path(claim));
        let (offers, _) = self.client.call(&Get::<Offers>::new(path)).await?;
        let currency = offers.currency_id.as_deref().map(Currency::new).transpose();
        let currency = currency.map_err(|_| unexpected("currency_id is not an ISO 4217 code"))?;
        if currency.is_some_and(|currency| currency != amount.currency) {
            return Err(Error::invalid("answer.amount", "is in another currency than the offers"));
        }
        let offer =
            offers.available_offers.iter().find(|offer| offer.amount == Some(amount.amount));
        offer.map(|offer| offer.percentage).ok_or_else(|| {
            let known: Vec<String> = offers
                .available_offers
                .iter()
                .filter_map(|offer| offer.amount.map(|amount| amount.to_string()))
                .collect();
            // Rounding to the nearest offer would be giving away somebody's money.
            Error::invalid("answer.amount", "is none of the amounts that the platform offers")
                .with_context("offers", known.join(", "))
        })
    }

    /// Whether the claim shows that the answer was taken.
    async fn was_taken(&self, claim: &str, call: &Call) -> Result<bool> {
        let now = self.claim(claim).await?;
        if matches!(call, Call::OpenDispute) {
            return Ok(now.stage.as_deref() == Some("dispute"));
        }
        if now.status == "closed" {
            let reason = now.resolution.and_then(|resolution| resolution.reason);
            return Ok(match call {
                Call::Refund => reason.as_deref() == Some("payment_refunded"),
                Call::PartialRefund(_) => reason.as_deref() == Some("partial_refunded"),
                Call::AllowReturn | Call::OpenDispute => false,
            });
        }
        let path = format!("{}/expected-resolutions", self.claim_path(claim));
        let (expected, _) = self.client.call(&Get::<Vec<Expected>>::new(path)).await?;
        let seller = self.seller.to_string();
        Ok(expected.iter().any(|row| {
            let ours = row.user_id.as_deref() == Some(seller.as_str())
                || (row.user_id.is_none() && row.player_role.as_deref() == Some("respondent"));
            let word = row.expected_resolution.as_deref();
            ours && word.is_some_and(|word| call.shown_as().contains(&word))
        }))
    }
}

#[async_trait]
impl AfterSale for MercadoLibre {
    async fn cases(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<AfterSaleCase>> {
        if from >= to {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let Place { since, offset } = match cursor {
            None => Place { since: from, offset: 0 },
            Some(cursor) => Place::read(cursor)
                .ok_or_else(|| Error::invalid("cursor", "is no cursor of this adapter"))?,
        };
        // "after" and "before" are taken as excluding, so the begin moves back a millisecond; what
        // lies outside of the window is left out below.
        let begin = since.checked_sub_signed(TimeDelta::milliseconds(1)).unwrap_or(since);
        let seller = self.seller.to_string();
        let call = Get::<SearchAnswer>::new(format!("{}/search", self.claims()));
        let call = match self.paths.global {
            true => call.with("user_id", seller.as_str()),
            false => {
                call.with("players.role", "respondent").with("players.user_id", seller.as_str())
            }
        };
        let call = call
            .with("range", format!("last_updated:after:{}:before:{}", stamp(begin), stamp(to)))
            .with("sort", "last_updated:asc")
            .with("offset", offset.to_string())
            .with("limit", PAGE_SIZE.to_string());
        let (answer, _) = self.client.call(&call).await?;
        let count = answer.data.len() as u64;
        let mut items = Vec::with_capacity(answer.data.len());
        let mut changed = Vec::with_capacity(answer.data.len());
        for raw in &answer.data {
            match decode::<Claim>(raw.get().as_bytes()) {
                Ok(claim) => {
                    let case = claim.case(&seller);
                    changed.push(case.updated_at);
                    if case.updated_at.is_none_or(|at| from <= at && at < to) {
                        items.push(PlatformItem::Read(Box::new(case)));
                    }
                }
                Err(error) => {
                    changed.push(None);
                    items.push(Unreadable::new(None, error.message(), raw.get()).into());
                }
            }
        }
        let next = answer.paging.next(offset, count, PAGE_SIZE);
        let next = next
            .map(|next| Place::behind(&changed, since).unwrap_or(Place { since, offset: next }));
        Ok(Page { items, next: next.map(Place::cursor) })
    }

    async fn case(&self, _kind: &CaseKind, id: &str) -> Result<AfterSaleCase> {
        Ok(self.claim(id).await?.case(&self.seller.to_string()))
    }

    async fn answer(
        &self,
        case: &AfterSaleCase,
        answer: &CaseAnswer,
        _key: &IdempotencyKey,
    ) -> Result<()> {
        const NAME: &str = "answer_case";
        let call = match answer {
            CaseAnswer::Accept => Call::Refund,
            CaseAnswer::AllowReturn => Call::AllowReturn,
            CaseAnswer::PartialRefund { amount } => {
                Call::PartialRefund(self.offer_for(&case.id, amount).await?)
            }
            CaseAnswer::Refuse { reason, .. } if reason == "open_dispute" => Call::OpenDispute,
            CaseAnswer::Refuse { .. } => {
                return Err(unsupported(
                    NAME,
                    "a claim is refused by the reason open_dispute only",
                ));
            }
            CaseAnswer::Received => return self.review_return(&case.id, &[]).await,
        };
        // Money, and no key: what the claim already shows is not sent again.
        if self.was_taken(&case.id, &call).await? {
            return Ok(());
        }
        let path = format!("{}{}", self.claim_path(&case.id), call.path());
        let sent = match &call {
            Call::PartialRefund(percentage) => {
                // An answer without a percentage would give half of the money back.
                let percentage = RawValue::from_string(percentage.normalize().to_string())
                    .map_err(|_| unexpected("percentage is no number"))?;
                self.client
                    .call(&Send::<_, AnswerClaim>::new(path, Percentage { percentage }))
                    .await
            }
            _ => self.client.call(&Send::<_, AnswerClaim>::new(path, Nothing {})).await,
        };
        let error = match sent {
            Ok(()) => return Ok(()),
            Err(error) if error.is_ambiguous() => error,
            Err(error) => return Err(error),
        };
        match self.was_taken(&case.id, &call).await {
            Ok(true) => Ok(()),
            // The claim may take a moment to show money on its way: nobody sends it again blindly.
            Ok(false) | Err(_) => Err(Error::new(
                ErrorKind::Ambiguous,
                "the answer was lost, and the claim does not show whether it was taken",
            )
            .with_operation(MERCADO_LIBRE.as_str(), NAME)
            .with_source(error)),
        }
    }
}

#[derive(Serialize)]
struct ClaimMessage<'a> {
    receiver_role: &'a str,
    message: &'a str,
}

impl MercadoLibre {
    /// Writes into a claim, to the buyer or, once there is a mediation, to the mediator. Never sent
    /// again after a lost answer: read the claim's messages first.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] when the claim does not allow it now; otherwise whatever the call
    /// failed with.
    pub async fn write_in_claim(&self, claim: &str, text: &str) -> Result<()> {
        const NAME: &str = "write_in_claim";
        let case = self.claim(claim).await?.case(&self.seller.to_string());
        let may = |action: &str| case.actions.iter().any(|known| known == action);
        let receiver_role = if may("send_message_to_mediator") {
            "mediator"
        } else if may("send_message_to_complainant") {
            "complainant"
        } else {
            return Err(super::refused(NAME, "the claim takes no message of the seller now"));
        };
        let path = format!("{}/actions/send-message", self.claim_path(claim));
        let body = ClaimMessage { receiver_role, message: text };
        let sent = self.client.call(&Send::<_, AnswerClaim>::new(path, body)).await;
        sent.map_err(|error| error.with_operation(MERCADO_LIBRE.as_str(), NAME))
    }
}
