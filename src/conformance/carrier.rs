//! Cards of carriers.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Outcome, Report, said, same, that};
use crate::error::ErrorKind;
use crate::ids::{IdempotencyKey, TrackingNumber};
use crate::ports::{
    AddressVerdict, CarrierAdapter, IdempotencySupport, ManifestRequest, Recovery, VoidOutcome,
};
use crate::shipment::{Label, LabelIntent, LabelRequest, RateQuote, RateRequest, TrackOutcome};
use crate::units::Grams;

/// Makes a purchase of an offer; the number tells purchases apart.
pub type MakeLabelRequest = Box<dyn Fn(&RateQuote, u32) -> LabelRequest + Send + Sync>;

/// What the suite needs to know of the account it runs on.
pub struct Fixture {
    /// A parcel that the carrier takes.
    pub rate: RateRequest,
    /// A purchase of an offer; the number tells purchases apart and belongs into the references.
    pub label: MakeLabelRequest,
    /// The time at the carrier.
    pub now: DateTime<Utc>,
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Runs every card. A missing ability skips its cards.
pub async fn run(adapter: Arc<dyn CarrierAdapter>, fixture: &Fixture) -> Report {
    let mut report = Report::default();
    let suite = Suite { adapter: adapter.as_ref(), fixture };
    macro_rules! cards {
        ($($name:literal => $card:ident),* $(,)?) => { $(report.card($name, suite.$card().await);)* };
    }
    macro_rules! cards_of {
        ($ability:ident: $($name:literal => $card:ident),* $(,)?) => {
            if adapter.$ability().is_some() {
                cards! { $($name => $card),* }
            } else {
                $(report.skipped.push(($name, concat!("no ability ", stringify!($ability)).into()));)*
            }
        };
    }
    cards! {
        "limits make sense" => limits,
        "a sound parcel has offers in one currency" => rates,
        "a parcel far too heavy is told so for good" => overweight,
        "a label has a number, a price and something to print" => label,
        "other keys buy other labels" => other_keys,
        "a purchase is found again" => recover,
        "numbers are answered one by one, in order" => track,
        "no numbers are no question" => track_nothing,
    }
    if adapter.limits().idempotency == IdempotencySupport::Key {
        cards! { "the same key buys once" => same_key }
    } else {
        report.skipped.push(("the same key buys once", "the carrier knows no keys".into()));
    }
    cards_of! { void:
        "voiding twice is success" => voiding,
    }
    cards_of! { manifests:
        "a manifest holds the labels asked for" => manifest,
    }
    cards_of! { addresses:
        "a sound address is deliverable" => address,
    }
    report
}

struct Suite<'a> {
    adapter: &'a dyn CarrierAdapter,
    fixture: &'a Fixture,
}

fn key(number: u32) -> IdempotencyKey {
    IdempotencyKey::derive(&["conformance", &number.to_string()])
}

impl Suite<'_> {
    async fn request(&self, number: u32) -> Result<LabelRequest, String> {
        let offers = self.adapter.rates(&self.fixture.rate).await.map_err(said)?;
        let offer = offers.first().ok_or("there is no offer")?;
        Ok((self.fixture.label)(offer, number))
    }

    async fn buy(&self, number: u32) -> Result<Label, String> {
        let request = self.request(number).await?;
        self.adapter.buy_label(&request, &key(number)).await.map_err(said)
    }

    async fn limits(&self) -> Outcome {
        let limits = self.adapter.limits();
        that(limits.track_batch > 0, || "no number fits a question".into())?;
        that(limits.concurrent_labels > 0, || "no label may be bought".into())?;
        that(!limits.formats.is_empty(), || "labels have no format".into())
    }

    async fn rates(&self) -> Outcome {
        let offers = self.adapter.rates(&self.fixture.rate).await.map_err(said)?;
        let first = offers.first().ok_or("there is no offer")?;
        for offer in &offers {
            same("carrier", &offer.service.carrier, &self.adapter.carrier())?;
            same("currency", &offer.total.currency, &first.total.currency)?;
            that(!offer.total.is_negative() && !offer.total.is_zero(), || {
                format!("{} costs {}", offer.service, offer.total)
            })?;
        }
        Ok(())
    }

    async fn overweight(&self) -> Outcome {
        let request = RateRequest { weight: Grams::new(5_000_000), ..self.fixture.rate.clone() };
        match self.adapter.rates(&request).await {
            Ok(offers) => that(offers.is_empty(), || format!("{} offers", offers.len())),
            Err(error) if error.is_passing() || error.is_ambiguous() => {
                Err(format!("it may be asked again: {error}"))
            }
            Err(_) => Ok(()),
        }
    }

    async fn label(&self) -> Outcome {
        let label = self.buy(1).await?;
        same("carrier", &label.record.carrier, &self.adapter.carrier())?;
        same("key", &label.record.key, &key(1))?;
        let cost = label.record.cost.total().map_err(said)?;
        that(!cost.is_negative(), || format!("it costs {cost}"))?;
        let bytes = label.documents.iter().any(|document| !document.bytes.expose().is_empty());
        that(bytes, || "there is nothing to print".into())
    }

    async fn same_key(&self) -> Outcome {
        let request = self.request(2).await?;
        let first = self.adapter.buy_label(&request, &key(2)).await.map_err(said)?;
        let second = self.adapter.buy_label(&request, &key(2)).await.map_err(said)?;
        same("number", &second.record.number, &first.record.number)
    }

    async fn other_keys(&self) -> Outcome {
        let (first, second) = (self.buy(3).await?, self.buy(4).await?);
        that(first.record.number != second.record.number, || {
            format!("both are {}", first.record.number)
        })
    }

    async fn recover(&self) -> Outcome {
        let request = self.request(5).await?;
        let bought = self.adapter.buy_label(&request, &key(5)).await.map_err(said)?;
        let request_again = request.clone();
        let intent = |number, request| LabelIntent {
            key: key(number),
            request,
            created_at: self.fixture.now,
        };
        let found = self.adapter.recover_label(&intent(5, request)).await.map_err(said)?;
        let support = self.adapter.limits().idempotency;
        let lost = support == IdempotencySupport::None;
        match found {
            // What is found by its reference has no paper: it is given back, and bought anew.
            Recovery::Absent if support == IdempotencySupport::ReferenceLookup => {
                let anew = self.adapter.buy_label(&request_again, &key(5)).await.map_err(said)?;
                if anew.record.number == bought.record.number {
                    return Err("a label given back was sold once more".to_owned());
                }
            }
            Recovery::Found(label) => same("number", &label.record.number, &bought.record.number)?,
            Recovery::Unknowable { .. } if lost => {}
            other => return Err(format!("a bought label: found {other:?}")),
        }
        let never = self.request(6).await?;
        match self.adapter.recover_label(&intent(6, never)).await.map_err(said)? {
            Recovery::Absent => Ok(()),
            Recovery::Unknowable { .. } if lost => Ok(()),
            other => Err(format!("a label never bought: found {other:?}")),
        }
    }

    async fn track(&self) -> Outcome {
        let bought = self.buy(7).await?.record.number;
        let unknown = TrackingNumber::from_static("9400109104250532908587");
        let numbers = [unknown.clone(), bought.clone(), unknown];
        let answers = self.adapter.track(&numbers).await.map_err(said)?;
        let asked: Vec<&TrackingNumber> = numbers.iter().collect();
        let answered: Vec<&TrackingNumber> = answers.iter().map(|answer| &answer.number).collect();
        same("numbers", &answered, &asked)?;
        match answers.first().map(|answer| &answer.outcome) {
            Some(TrackOutcome::NotFoundYet | TrackOutcome::Failed { .. }) => Ok(()),
            other => Err(format!("an unknown number: found {other:?}")),
        }
    }

    async fn track_nothing(&self) -> Outcome {
        same("answers", &self.adapter.track(&[]).await.map_err(said)?.len(), &0)
    }

    async fn voiding(&self) -> Outcome {
        let ability = self.adapter.void().ok_or("no ability")?;
        let label = self.buy(8).await?.record;
        let first = ability.void_label(&label).await.map_err(said)?;
        let second = ability.void_label(&label).await.map_err(said)?;
        let done = (VoidOutcome::Voided, VoidOutcome::Voided);
        same("outcome", &(first, second), &done)
    }

    async fn manifest(&self) -> Outcome {
        let ability = self.adapter.manifests().ok_or("no ability")?;
        let label = self.buy(9).await?.record;
        let request = ManifestRequest {
            sender: self.fixture.rate.sender.clone(),
            mailing_date: self.fixture.rate.mailing_date,
            numbers: vec![label.number.clone()],
        };
        let manifest = ability.create_manifest(&request).await.map_err(said)?;
        that(!manifest.number.is_empty(), || "it has no number".into())?;
        same("labels", &manifest.labels, &vec![label.number])
    }

    async fn address(&self) -> Outcome {
        let ability = self.adapter.addresses().ok_or("no ability")?;
        let check = ability.validate(&self.fixture.rate.recipient.address).await.map_err(said)?;
        same("verdict", &check.verdict, &AddressVerdict::Deliverable)?;
        let mut empty = self.fixture.rate.recipient.address.clone();
        empty.lines.clear();
        match ability.validate(&empty).await {
            Ok(check) => that(check.verdict != AddressVerdict::Deliverable, || {
                "an address without street is deliverable".into()
            }),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Rejected) => {
                Ok(())
            }
            Err(error) => Err(format!("an address without street: found {error}")),
        }
    }
}
