//! Cards of carriers.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc, Weekday};

use super::{Outcome, Report, said, same, that};
use crate::error::ErrorKind;
use crate::ids::{IdempotencyKey, ServiceCode, TrackingNumber};
use crate::money::{Currency, Money};
use crate::ports::{
    AddressVerdict, CarrierAdapter, IdempotencySupport, ManifestRequest, PickupRequest, Piece,
    Pieces, PiecesIntent, PiecesRecovery, PiecesRequest, PushNotice, Recovery, VoidOutcome,
    WebhookRequest,
};
use crate::shipment::{
    Label, LabelIntent, LabelRequest, RateQuote, RateRequest, ServiceKey, TrackOutcome, Tracked,
};
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
    /// News as the carrier pushes it to this account's hook. Without it the cards of pushed news are
    /// skipped.
    pub pushed: Option<PushedNews>,
}

/// What a carrier sends to a hook, with everything that proves where it is from.
pub struct PushedNews {
    /// Names and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// A number that it brings news of.
    pub number: TrackingNumber,
}

impl std::fmt::Debug for PushedNews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushedNews").field("number", &self.number).finish_non_exhaustive()
    }
}

impl PushedNews {
    fn receive(
        &self,
        adapter: &dyn CarrierAdapter,
        headers: &[(String, String)],
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<crate::error::Result<PushNotice>, String> {
        let ability = adapter.push().ok_or("no ability")?;
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request =
            WebhookRequest { method: "POST", path_and_query: "/hook", headers: &headers, body };
        Ok(ability.receive(&request, now))
    }
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Runs every card. What the carrier does not declare skips its cards, and the report says so: a
/// missing ability, keys, selling.
pub async fn run(adapter: Arc<dyn CarrierAdapter>, fixture: &Fixture) -> Report {
    let mut report = Report::default();
    let suite = Suite { adapter: adapter.as_ref(), fixture };
    let limits = adapter.limits();
    macro_rules! cards {
        ($($name:literal => $card:ident),* $(,)?) => { $(report.card($name, suite.$card().await);)* };
    }
    macro_rules! cards_where {
        ($missing:expr; $($name:literal => $card:ident),* $(,)?) => {
            match $missing {
                None => { cards! { $($name => $card),* } }
                Some(why) => {
                    let why: &'static str = why;
                    $(report.skipped.push(($name, why.into()));)*
                }
            }
        };
    }
    let sells_nothing = (!limits.sells).then_some("it sells nothing");
    let lacks = |is_there: bool, why: &'static str| (!is_there).then_some(why);
    let knows_no_keys =
        lacks(limits.idempotency == IdempotencySupport::Key, "the carrier knows no keys");
    let takes_no_push = lacks(adapter.push().is_some(), "no ability push")
        .or(lacks(fixture.pushed.is_some(), "the fixture has no pushed news"));
    cards! {
        "limits make sense" => limits,
        "numbers are answered one by one, in order" => track,
        "no numbers are no question" => track_nothing,
    }
    cards_where! { lacks(!limits.sells, "it sells labels");
        "what sells nothing offers nothing and refuses a purchase" => sells_nothing,
    }
    cards_where! { sells_nothing;
        "a sound parcel has offers in one currency" => rates,
        "a parcel far too heavy is told so for good" => overweight,
        "a label has a number, a price and something to print" => label,
        "other keys buy other labels" => other_keys,
        "a purchase is found again" => recover,
    }
    cards_where! { sells_nothing.or(knows_no_keys);
        "the same key buys once" => same_key,
    }
    cards_where! { lacks(adapter.void().is_some(), "no ability void");
        "voiding twice is success" => voiding,
    }
    cards_where! { lacks(adapter.manifests().is_some(), "no ability manifests");
        "a manifest holds the labels asked for" => manifest,
    }
    cards_where! { lacks(adapter.pickups().is_some(), "no ability pickups");
        "a driver is ordered once for a place and day" => pickup,
    }
    cards_where! { lacks(adapter.addresses().is_some(), "no ability addresses");
        "a sound address is deliverable" => address,
    }
    cards_where! { lacks(adapter.pieces().is_some(), "no ability pieces");
        "several pieces are bought as one and each has its label" => pieces,
        "pieces are found again" => recover_pieces,
        "no pieces at all, and more than it takes, are refused" => bounds_of_pieces,
    }
    cards_where! { takes_no_push;
        "pushed news names its parcel, and reads the same again" => pushed,
        "what nobody proves is refused" => unproven,
        "news that is cut or changed is never taken for others" => damaged,
        "numbers are subscribed to one by one, in order" => subscribing,
    }
    report
}

struct Suite<'a> {
    adapter: &'a dyn CarrierAdapter,
    fixture: &'a Fixture,
}

/// A purchase of several pieces whose only answer was lost.
fn lost_at(now: DateTime<Utc>, number: u32, request: &PiecesRequest) -> PiecesIntent {
    let request = request.clone();
    PiecesIntent { key: key(number), request, created_at: now, sent_at: now }
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
        if !limits.sells {
            same("labels at once", &limits.concurrent_labels, &0)?;
            return same("formats", &limits.formats, &Vec::new());
        }
        that(limits.concurrent_labels > 0, || "no label may be bought".into())?;
        that(!limits.formats.is_empty(), || "labels have no format".into())
    }

    async fn sells_nothing(&self) -> Outcome {
        let offers = self.adapter.rates(&self.fixture.rate).await.map_err(said)?;
        that(offers.is_empty(), || format!("{} offers", offers.len()))?;
        let offer = RateQuote {
            service: ServiceKey::new(self.adapter.carrier(), ServiceCode::from_static("NONE")),
            name: "none".into(),
            total: Money::zero(Currency::USD),
            deliver_on: None,
            transit_days: None,
            guaranteed: false,
            token: None,
            quoted_at: self.fixture.now,
        };
        let request = (self.fixture.label)(&offer, 1);
        match self.adapter.buy_label(&request, &key(1)).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
            Err(error) => Err(format!("a purchase: found {error}")),
            Ok(label) => Err(format!("it sold {}", label.record.number)),
        }
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
            sent_at: self.fixture.now,
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
        let unknown = TrackingNumber::from_static("9400109104250532908587");
        let other = if self.adapter.limits().sells {
            self.buy(7).await?.record.number
        } else {
            TrackingNumber::from_static("9400109104250532908594")
        };
        let numbers = [unknown.clone(), other, unknown];
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

    async fn pickup(&self) -> Outcome {
        let ability = self.adapter.pickups().ok_or("no ability")?;
        let is_working_day =
            |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let days = self.fixture.rate.mailing_date.iter_days().skip(1);
        let request = PickupRequest {
            place: self.fixture.rate.sender.clone(),
            date: days.into_iter().find(is_working_day).ok_or("no day to fetch on")?,
            window: NaiveTime::from_hms_opt(13, 0, 0).zip(NaiveTime::from_hms_opt(18, 0, 0)),
            parcels: vec![(self.request(24).await?.service, 2)],
            weight: Grams::new(1_400),
            location: None,
            instructions: None,
        };
        let first = ability.schedule_pickup(&request).await.map_err(said)?;
        let again = ability.schedule_pickup(&request).await.map_err(said)?;
        same("confirmation", &again.confirmation, &first.confirmation)?;
        ability.cancel_pickup(&first).await.map_err(said)?;
        let anew = ability.schedule_pickup(&request).await.map_err(said)?;
        that(anew.confirmation != first.confirmation, || {
            format!("{} is cancelled and comes all the same", first.confirmation)
        })?;
        ability.cancel_pickup(&anew).await.map_err(said)
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

    async fn pieces_of(&self, number: u32, count: u32) -> Result<PiecesRequest, String> {
        let shipment = self.request(number).await?;
        let pieces = (1..=count)
            .map(|place| Piece {
                weight: shipment.weight,
                dimensions: shipment.dimensions,
                references: vec![format!("PIECE-{number}-{place}")],
            })
            .collect();
        Ok(PiecesRequest { shipment, pieces })
    }

    async fn buy_pieces(&self, number: u32, request: &PiecesRequest) -> Result<Pieces, String> {
        let ability = self.adapter.pieces().ok_or("no ability")?;
        ability.buy_pieces(request, &key(number)).await.map_err(said)
    }

    async fn pieces(&self) -> Outcome {
        let request = self.pieces_of(20, 2).await?;
        let sold = self.buy_pieces(20, &request).await?;
        let [first, second] = sold.labels.as_slice() else {
            return Err(format!("{} labels of 2 pieces", sold.labels.len()));
        };
        that(first.record.number != second.record.number, || {
            format!("both are {}", first.record.number)
        })?;
        for label in [first, second] {
            same("carrier", &label.record.carrier, &self.adapter.carrier())?;
            same("key", &label.record.key, &key(20))?;
            let bytes = label.documents.iter().any(|document| !document.bytes.expose().is_empty());
            that(bytes, || format!("there is nothing to print for {}", label.record.number))?;
        }
        let cost = first.record.cost.total().map_err(said)?;
        that(!cost.is_negative(), || format!("it costs {cost}"))?;
        that(second.record.cost.unstated, || "what all pieces cost is told twice".into())?;
        let numbers = [first.record.number.clone(), second.record.number.clone()];
        let answers = self.adapter.track(&numbers).await.map_err(said)?;
        let answered: Vec<&TrackingNumber> = answers.iter().map(|answer| &answer.number).collect();
        same("numbers", &answered, &numbers.iter().collect())
    }

    async fn recover_pieces(&self) -> Outcome {
        let ability = self.adapter.pieces().ok_or("no ability")?;
        let now = self.fixture.now;
        let request = self.pieces_of(21, 2).await?;
        let sold = self.buy_pieces(21, &request).await?;
        let support = self.adapter.limits().idempotency;
        let lost = support == IdempotencySupport::None;
        match ability.recover_pieces(&lost_at(now, 21, &request)).await.map_err(said)? {
            // As with one label: found without paper, given back, and bought anew.
            PiecesRecovery::Absent if support == IdempotencySupport::ReferenceLookup => {
                let anew = self.buy_pieces(21, &request).await?;
                if anew.number == sold.number {
                    return Err("a shipment given back was sold once more".to_owned());
                }
            }
            PiecesRecovery::Found(found) => {
                let numbers = |pieces: &Pieces| {
                    let labels = pieces.labels.iter();
                    labels.map(|label| label.record.number.clone()).collect::<Vec<_>>()
                };
                same("number", &found.number, &sold.number)?;
                same("pieces", &numbers(&found), &numbers(&sold))?;
            }
            PiecesRecovery::Unknowable { .. } if lost => {}
            other => return Err(format!("a shipment bought: found {other:?}")),
        }
        let never = self.pieces_of(22, 2).await?;
        match ability.recover_pieces(&lost_at(now, 22, &never)).await.map_err(said)? {
            PiecesRecovery::Absent => Ok(()),
            PiecesRecovery::Unknowable { .. } if lost => Ok(()),
            other => Err(format!("a shipment never bought: found {other:?}")),
        }
    }

    async fn bounds_of_pieces(&self) -> Outcome {
        let ability = self.adapter.pieces().ok_or("no ability")?;
        let most = ability.max_pieces();
        that(most > 1, || format!("at most {most} pieces are not several"))?;
        for count in [0, most.saturating_add(1)] {
            let request = self.pieces_of(23, count).await?;
            match ability.buy_pieces(&request, &key(23)).await {
                Ok(_) => return Err(format!("{count} pieces were sold")),
                Err(error) if error.is_passing() || error.is_ambiguous() => {
                    return Err(format!("{count} pieces: it may be tried again: {error}"));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The news of the fixture, read.
    fn news(&self) -> Result<(&PushedNews, Vec<Tracked>), String> {
        let news = self.fixture.pushed.as_ref().ok_or("no pushed news")?;
        match news.receive(self.adapter, &news.headers, &news.body, self.fixture.now)? {
            Ok(PushNotice::Tracking(read)) => Ok((news, read)),
            other => Err(format!("found {other:?}")),
        }
    }

    async fn pushed(&self) -> Outcome {
        let (news, read) = self.news()?;
        let found = read.iter().find(|tracked| tracked.number == news.number);
        match found.map(|tracked| &tracked.outcome) {
            Some(TrackOutcome::Found { events, .. }) if !events.is_empty() => {}
            other => return Err(format!("{}: found {other:?}", news.number)),
        }
        same("news", &self.news()?.1, &read)
    }

    async fn unproven(&self) -> Outcome {
        let news = self.fixture.pushed.as_ref().ok_or("no pushed news")?;
        let spoilt: Vec<(String, String)> =
            news.headers.iter().map(|(name, value)| (name.clone(), format!("{value}x"))).collect();
        for headers in [Vec::new(), spoilt] {
            match news.receive(self.adapter, &headers, &news.body, self.fixture.now)? {
                Err(error) if error.kind() == ErrorKind::AuthRejected => {}
                other => return Err(format!("{} headers: found {other:?}", headers.len())),
            }
        }
        Ok(())
    }

    async fn damaged(&self) -> Outcome {
        let (news, read) = self.news()?;
        let mut bodies = vec![Vec::new()];
        bodies.extend(news.body.split_last().map(|(_, cut)| cut.to_vec()));
        for body in bodies {
            match news.receive(self.adapter, &news.headers, &body, self.fixture.now)? {
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::AuthRejected | ErrorKind::UnexpectedAnswer
                    ) => {}
                // A line end behind the news is no part of it.
                Ok(PushNotice::Tracking(same)) if same == read => {}
                other => return Err(format!("{} bytes: found {other:?}", body.len())),
            }
        }
        Ok(())
    }

    async fn subscribing(&self) -> Outcome {
        let ability = self.adapter.push().ok_or("no ability")?;
        let news = self.fixture.pushed.as_ref().ok_or("no pushed news")?;
        let numbers = vec![news.number.clone(); 2];
        match ability.subscribe(&numbers).await {
            Ok(outcomes) => same("outcomes", &outcomes.len(), &numbers.len()),
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
            Err(error) => Err(said(error)),
        }
    }
}
