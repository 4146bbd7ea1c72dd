//! Hundreds of parcels at once: quotes across carriers, purchases, enquiries.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};

use super::CarrierAdapter;
use crate::error::{Error, Result};
use crate::ids::{CarrierId, IdempotencyKey, TrackingNumber};
use crate::shipment::{
    Label, LabelRequest, RateQuote, RateRequest, TrackOutcome, Tracked, TrackingEvent,
};

/// How many parcels are worked on at once, and whether anything is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkOptions {
    /// Calls under way at once, at least 1. Default 8.
    pub concurrency: usize,
    /// Do everything up to the purchase and say what would happen.
    pub dry_run: bool,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self { concurrency: 8, dry_run: false }
    }
}

impl BulkOptions {
    /// Asks for a dry run.
    #[must_use]
    pub const fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Bounds the calls under way at once; 0 counts as 1.
    #[must_use]
    pub const fn with_concurrency(mut self, calls: usize) -> Self {
        self.concurrency = if calls == 0 { 1 } else { calls };
        self
    }
}

/// What all carriers said of one parcel.
#[derive(Debug)]
pub struct ParcelQuotes {
    /// Every offer, by carrier in the order given.
    pub quotes: Vec<RateQuote>,
    /// Carriers that could not be asked, and why: they cost only themselves.
    pub failed: Vec<(CarrierId, Error)>,
}

/// Asks every carrier for a price of every parcel: one answer for each parcel, in order. A carrier
/// that fails costs neither the others nor the other parcels.
pub async fn quotes(
    carriers: &[Arc<dyn CarrierAdapter>],
    parcels: &[RateRequest],
    options: BulkOptions,
) -> Vec<ParcelQuotes> {
    let asked: Vec<(usize, Arc<dyn CarrierAdapter>, RateRequest)> = parcels
        .iter()
        .enumerate()
        .flat_map(|(place, parcel)| {
            carriers.iter().map(move |carrier| (place, carrier.clone(), parcel.clone()))
        })
        .collect();
    let answers: Vec<(usize, CarrierId, Result<Vec<RateQuote>>)> = stream::iter(asked)
        .map(|(place, carrier, parcel)| async move {
            (place, carrier.carrier(), carrier.rates(&parcel).await)
        })
        .buffered(options.concurrency.max(1))
        .collect()
        .await;
    let mut found: Vec<ParcelQuotes> =
        parcels.iter().map(|_| ParcelQuotes { quotes: Vec::new(), failed: Vec::new() }).collect();
    for (place, carrier, answer) in answers {
        let Some(parcel) = found.get_mut(place) else { continue };
        match answer {
            Ok(offers) => parcel.quotes.extend(offers),
            Err(error) => parcel.failed.push((carrier, error)),
        }
    }
    found
}

/// What became of one purchase.
#[derive(Debug)]
pub enum PurchaseOutcome {
    /// Bought.
    Bought(Box<Label>),
    /// A dry run would have bought it, at this price.
    WouldBuy(Box<RateQuote>),
    /// Failed for certain: nothing was bought.
    Failed(Error),
    /// It may have been bought: go on with
    /// [`recover_label`](CarrierAdapter::recover_label) under the same key.
    Ambiguous(Error),
}

/// A parcel that has not moved for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enquiry {
    /// Its number.
    pub number: TrackingNumber,
    /// The last sign of it that is known.
    pub last_sign_at: DateTime<Utc>,
}

/// What a carrier knows of parcels that have not moved for too long.
#[derive(Debug)]
pub struct EnquiryReport {
    /// Which carrier.
    pub carrier: CarrierId,
    /// Parcels with a newer sign, and that sign.
    pub moved: Vec<(TrackingNumber, TrackingEvent)>,
    /// Parcels without: what to write to the carrier about.
    pub silent: Vec<TrackingNumber>,
    /// Parcels that could not be asked about, and why.
    pub failed: Vec<(TrackingNumber, String)>,
}

impl EnquiryReport {
    /// One message for the carrier about every parcel without a sign; `None` when there is none.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        if self.silent.is_empty() {
            return None;
        }
        let numbers: Vec<&str> = self.silent.iter().map(TrackingNumber::as_str).collect();
        Some(format!(
            "Please look for these {} parcels, which have not moved:\n{}",
            numbers.len(),
            numbers.join("\n")
        ))
    }
}

/// Conveniences over every adapter. Nobody implements this by hand.
#[async_trait]
pub trait CarrierExt: CarrierAdapter {
    /// Buys labels: one outcome for each item, in order; one item's failure never costs another. The
    /// keys are stored by the caller before. A dry run asks for the price of exactly the service that
    /// would be bought.
    async fn buy_labels(
        &self,
        items: &[(LabelRequest, IdempotencyKey)],
        options: BulkOptions,
    ) -> Vec<PurchaseOutcome> {
        // Owned items, so that the future can be spawned.
        stream::iter(items.to_vec())
            .map(|(request, key)| async move {
                if options.dry_run {
                    return would_buy(self, &request).await;
                }
                match self.buy_label(&request, &key).await {
                    Ok(label) => PurchaseOutcome::Bought(Box::new(label)),
                    Err(error) if error.may_have_acted() => PurchaseOutcome::Ambiguous(error),
                    Err(error) => PurchaseOutcome::Failed(error),
                }
            })
            .buffered(options.concurrency.max(1))
            .collect()
            .await
    }

    /// Asks about parcels that have not moved for too long, all of one carrier, and tells those that
    /// have meanwhile from those that have not.
    async fn enquire(&self, parcels: &[Enquiry]) -> EnquiryReport {
        let mut report = EnquiryReport {
            carrier: self.carrier(),
            moved: Vec::new(),
            silent: Vec::new(),
            failed: Vec::new(),
        };
        let numbers: Vec<TrackingNumber> =
            parcels.iter().map(|parcel| parcel.number.clone()).collect();
        let answers: Vec<Tracked> = match self.track(&numbers).await {
            Ok(answers) => answers,
            Err(error) => {
                let words = error.to_string();
                report.failed = numbers.into_iter().map(|number| (number, words.clone())).collect();
                return report;
            }
        };
        for parcel in parcels {
            let number = parcel.number.clone();
            let answer = answers.iter().find(|answer| answer.number == number);
            match answer.map(|answer| &answer.outcome) {
                Some(TrackOutcome::Found { events, .. }) => {
                    let newest = events
                        .iter()
                        .filter(|event| event.time.approximate() > parcel.last_sign_at)
                        .max_by_key(|event| event.time.approximate());
                    match newest {
                        Some(event) => report.moved.push((number, event.clone())),
                        None => report.silent.push(number),
                    }
                }
                Some(TrackOutcome::NotFoundYet) => report.silent.push(number),
                Some(TrackOutcome::Failed { reason, .. }) => {
                    report.failed.push((number, reason.clone()));
                }
                None => report.failed.push((number, "the carrier did not answer".to_owned())),
            }
        }
        report
    }
}

impl<T: CarrierAdapter + ?Sized> CarrierExt for T {}

async fn would_buy<T: CarrierAdapter + ?Sized>(
    carrier: &T,
    request: &LabelRequest,
) -> PurchaseOutcome {
    let asked = RateRequest {
        sender: request.sender.clone(),
        recipient: request.recipient.clone(),
        weight: request.weight,
        dimensions: request.dimensions,
        value: request.value,
        customs: request.customs.clone(),
        mailing_date: request.mailing_date,
    };
    match carrier.rates(&asked).await {
        Ok(offers) => {
            let offer = offers
                .into_iter()
                .filter(|offer| offer.service == request.service)
                .min_by(|a, b| a.total.amount.cmp(&b.total.amount));
            match offer {
                Some(offer) => PurchaseOutcome::WouldBuy(Box::new(offer)),
                None => PurchaseOutcome::Failed(
                    Error::unsupported(format!(
                        "{} is not offered for this parcel",
                        request.service
                    ))
                    .with_operation(carrier.carrier().as_str(), "rates"),
                ),
            }
        }
        Err(error) => PurchaseOutcome::Failed(error),
    }
}
