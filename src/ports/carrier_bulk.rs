//! Hundreds of parcels at once: quotes across carriers, purchases, enquiries.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};

use super::CarrierAdapter;
use super::caught::caught;
use crate::error::{Error, ErrorKind, Result};
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
    /// How long a carrier may take for one price, also in a dry run. One that takes longer is left out for the rest of
    /// the call, so that it costs the call this time once and not for every parcel. Default 30 seconds.
    pub patience: Duration,
    /// How long a carrier may take for one purchase, its waiting and trying again included. One that takes
    /// longer is [`PurchaseOutcome::Ambiguous`], as a lost answer is. Default 2 minutes.
    pub purchase_patience: Duration,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self {
            concurrency: 8,
            dry_run: false,
            patience: Duration::from_secs(30),
            purchase_patience: Duration::from_secs(120),
        }
    }
}

impl BulkOptions {
    /// Asks for a dry run.
    #[must_use]
    pub const fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Sets how long a carrier may take for one price.
    #[must_use]
    pub const fn with_patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// Sets how long a carrier may take for one purchase.
    #[must_use]
    pub const fn with_purchase_patience(mut self, time: Duration) -> Self {
        self.purchase_patience = time;
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

/// Carriers that let a call wait in vain: each costs it one wait.
#[derive(Debug, Default)]
pub(crate) struct Silent(Mutex<BTreeSet<CarrierId>>);

impl Silent {
    fn carriers(&self) -> std::sync::MutexGuard<'_, BTreeSet<CarrierId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offers for a parcel, unless the carrier takes too long now, or did before.
    pub(crate) async fn rates<C: CarrierAdapter + ?Sized>(
        &self,
        carrier: &C,
        request: &RateRequest,
        patience: Duration,
    ) -> Result<Vec<RateQuote>> {
        let id = carrier.carrier();
        let silent =
            |why| Err(Error::new(ErrorKind::Transient, why).with_operation(id.as_str(), "rates"));
        if self.carriers().contains(&id) {
            return silent("the carrier gave no price in time before and is not asked again");
        }
        match tokio::time::timeout(patience, carrier.rates(request)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.carriers().insert(id.clone());
                silent("the carrier gave no price in time")
            }
        }
    }
}

/// Asks every carrier for a price of every parcel: one answer for each parcel, in order. A carrier
/// that fails costs neither the others nor the other parcels; one that gives no answer within
/// [`BulkOptions::patience`] is left out for the rest of the call, and each parcel says so.
///
/// Needs a tokio runtime with its timer.
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
    let silent = &Silent::default();
    let answers: Vec<(usize, CarrierId, Result<Vec<RateQuote>>)> = stream::iter(asked)
        .map(|(place, carrier, parcel)| async move {
            let asked = silent.rates(carrier.as_ref(), &parcel, options.patience);
            let id = carrier.carrier();
            let answer = caught(id.as_str(), "rates", asked).await.and_then(|answer| answer);
            (place, id, answer)
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
    /// Buys labels: one outcome for each item, in order; one item's failure never costs another, nor
    /// does a panic of the adapter, or an answer that takes longer than
    /// [`BulkOptions::purchase_patience`]: after both a purchase is ambiguous. The keys are stored by
    /// the caller before. Needs a tokio runtime with its timer. A dry run asks for the price of exactly the service that would be bought, for no
    /// longer than [`BulkOptions::patience`].
    ///
    /// A key names one purchase: of several items with the same key only the first is worked on, and
    /// the others are [`PurchaseOutcome::Failed`] with
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) and the field `key`, whatever they ask for.
    async fn buy_labels(
        &self,
        items: &[(LabelRequest, IdempotencyKey)],
        options: BulkOptions,
    ) -> Vec<PurchaseOutcome> {
        let mut keys = HashSet::with_capacity(items.len());
        // Owned items, so that the future can be spawned.
        let items: Vec<(LabelRequest, IdempotencyKey, bool)> =
            items.iter().map(|(request, key)| (request.clone(), *key, keys.insert(*key))).collect();
        let silent = &Silent::default();
        let carrier = &self.carrier();
        stream::iter(items)
            .map(|(request, key, is_first)| async move {
                if !is_first {
                    let error = Error::invalid("key", "another item of the call has the same key");
                    return PurchaseOutcome::Failed(error);
                }
                if options.dry_run {
                    return would_buy(self, &request, silent, options.patience).await;
                }
                let bought = self.buy_label(&request, &key);
                let bought = tokio::time::timeout(options.purchase_patience, bought);
                let bought = caught(carrier.as_str(), "buy_label", bought).await;
                let in_time = bought.and_then(|answer| {
                    answer.unwrap_or_else(|_| {
                        let late = "the carrier gave no answer in time: it may have sold the label";
                        Err(Error::new(ErrorKind::Ambiguous, late)
                            .with_operation(carrier.as_str(), "buy_label"))
                    })
                });
                match in_time {
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
    /// have meanwhile from those that have not. Only a scan of the parcel itself is a movement
    /// ([`Milestone::is_physical`](crate::shipment::Milestone::is_physical)): data that were sent, codes
    /// nobody knows and trouble without a scan leave it silent.
    async fn enquire(&self, parcels: &[Enquiry]) -> EnquiryReport {
        let mut report = EnquiryReport {
            carrier: self.carrier(),
            moved: Vec::new(),
            silent: Vec::new(),
            failed: Vec::new(),
        };
        let numbers: Vec<TrackingNumber> =
            parcels.iter().map(|parcel| parcel.number.clone()).collect();
        let tracked = caught(report.carrier.as_str(), "track", self.track(&numbers)).await;
        let answers: Vec<Tracked> = match tracked.and_then(|answer| answer) {
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
                        .filter(|event| event.milestone.is_physical())
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
    silent: &Silent,
    patience: Duration,
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
    let id = carrier.carrier();
    let answer = caught(id.as_str(), "rates", silent.rates(carrier, &asked, patience)).await;
    match answer.and_then(|answer| answer) {
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
                    .with_operation(id.as_str(), "rates"),
                ),
            }
        }
        Err(error) => PurchaseOutcome::Failed(error),
    }
}
