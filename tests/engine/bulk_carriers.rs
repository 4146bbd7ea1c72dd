//! Hundreds of parcels over several carriers: partial failure, dry runs, enquiries.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use orderflow::ports::{
    BulkOptions, CarrierAdapter, CarrierExt, CarrierLimits, Enquiry, PurchaseOutcome, Recovery,
    quotes,
};
use orderflow::shipment::{
    Document, DocumentKind, EventTime, Label, LabelCost, LabelFormat, LabelIntent, LabelRecord,
    LabelRequest, Milestone, RateQuote, RateRequest, ServiceKey, TrackOutcome, Tracked,
    TrackingEvent,
};
use orderflow::{
    CarrierId, Currency, Error, ErrorKind, Grams, IdempotencyKey, Money, Result, ServiceCode,
    TrackingNumber,
};

use super::house::at;
use super::support::recipient;

/// Sells one service; what it is told of a weight decides what goes wrong.
#[derive(Debug, Default)]
struct Van {
    name: &'static str,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    bought: Mutex<Vec<IdempotencyKey>>,
    news: BTreeMap<&'static str, TrackOutcome>,
}

const REFUSED: Grams = Grams::new(13);
const LOST: Grams = Grams::new(14);
const BROKEN: Grams = Grams::new(15);
const ENDLESS: Grams = Grams::new(16);

impl Van {
    fn named(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    fn key(&self) -> ServiceKey {
        ServiceKey::new(CarrierId::from_static(self.name), ServiceCode::from_static("VAN"))
    }

    async fn at_work(&self) {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl CarrierAdapter for Van {
    fn carrier(&self) -> CarrierId {
        CarrierId::from_static(self.name)
    }
    fn limits(&self) -> CarrierLimits {
        CarrierLimits::default()
    }
    async fn rates(&self, request: &RateRequest) -> Result<Vec<RateQuote>> {
        self.at_work().await;
        assert_ne!(request.weight, BROKEN, "the van broke down");
        if self.name == "closed" {
            return Err(Error::new(ErrorKind::Transient, "the carrier is closed"));
        }
        if self.name == "silent" {
            std::future::pending::<()>().await;
        }
        if request.weight == REFUSED {
            return Ok(Vec::new());
        }
        Ok(vec![RateQuote {
            service: self.key(),
            name: "Van".into(),
            total: Money::from_minor(i64::from(request.weight.get()), Currency::USD),
            deliver_on: None,
            transit_days: Some(2),
            guaranteed: false,
            token: None,
            quoted_at: at(0),
        }])
    }
    async fn buy_label(&self, request: &LabelRequest, key: &IdempotencyKey) -> Result<Label> {
        self.at_work().await;
        assert_ne!(request.weight, BROKEN, "the van broke down");
        match request.weight {
            REFUSED => return Err(Error::new(ErrorKind::Rejected, "not this one")),
            LOST => return Err(Error::new(ErrorKind::Ambiguous, "the answer was lost")),
            ENDLESS => std::future::pending().await,
            _ => self.bought.lock().unwrap().push(*key),
        }
        Ok(Label {
            record: LabelRecord {
                key: *key,
                carrier: self.carrier(),
                service: request.service.service.clone(),
                number: TrackingNumber::new(format!("V{}", request.weight.get())).unwrap(),
                carrier_reference: None,
                cost: LabelCost::plain(Money::from_minor(5, Currency::USD)),
                purchased_at: at(0),
                mailing_date: None,
                formats: vec![LabelFormat::Pdf],
            },
            documents: vec![Document::new(DocumentKind::Label, LabelFormat::Pdf, vec![1])],
        })
    }
    async fn recover_label(&self, _intent: &LabelIntent) -> Result<Recovery> {
        Ok(Recovery::Absent)
    }
    async fn track(&self, numbers: &[TrackingNumber]) -> Result<Vec<Tracked>> {
        if self.name == "closed" {
            return Err(Error::new(ErrorKind::Transient, "the carrier is closed"));
        }
        let answer = |number: &TrackingNumber| {
            let outcome = self.news.get(number.as_str()).cloned();
            let outcome = outcome.unwrap_or(TrackOutcome::NotFoundYet);
            Tracked { number: number.clone(), outcome }
        };
        // Carriers answer in their own order.
        Ok(numbers.iter().rev().map(answer).collect())
    }
    fn tracking_url(&self, _number: &TrackingNumber) -> Option<String> {
        None
    }
}

fn parcel(grams: u32) -> RateRequest {
    RateRequest {
        sender: recipient(),
        recipient: recipient(),
        weight: Grams::new(grams),
        dimensions: None,
        value: None,
        customs: None,
        mailing_date: NaiveDate::from_ymd_opt(2026, 3, 4).unwrap(),
    }
}

fn purchase(van: &Van, grams: u32) -> (LabelRequest, IdempotencyKey) {
    let asked = parcel(grams);
    let request = LabelRequest {
        account: None,
        sender: asked.sender,
        recipient: asked.recipient,
        service: van.key(),
        token: None,
        weight: asked.weight,
        dimensions: None,
        value: None,
        customs: None,
        mailing_date: asked.mailing_date,
        format: LabelFormat::Pdf,
        references: Vec::new(),
        warehouse: None,
    };
    (request, IdempotencyKey::derive(&["van", &grams.to_string()]))
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_is_closed_costs_no_other_and_prices_keep_their_parcels() {
    let (first, closed, second) = (Van::named("a"), Van::named("closed"), Van::named("b"));
    let carriers: Vec<Arc<dyn CarrierAdapter>> =
        vec![Arc::new(first), Arc::new(closed), Arc::new(second)];
    let parcels: Vec<RateRequest> = (100..150).map(parcel).collect();
    let found = quotes(&carriers, &parcels, BulkOptions::default()).await;
    assert_eq!(found.len(), 50);
    for (asked, found) in parcels.iter().zip(&found) {
        let cents = Money::from_minor(i64::from(asked.weight.get()), Currency::USD);
        let offers: Vec<_> =
            found.quotes.iter().map(|q| (q.service.carrier.as_str(), q.total)).collect();
        assert_eq!(offers, [("a", cents), ("b", cents)]);
        assert_eq!(found.failed.len(), 1);
        assert_eq!(found.failed[0].0.as_str(), "closed");
        assert_eq!(found.failed[0].1.kind(), ErrorKind::Transient);
    }
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_never_answers_costs_the_call_its_patience_once() {
    let carriers: Vec<Arc<dyn CarrierAdapter>> =
        vec![Arc::new(Van::named("a")), Arc::new(Van::named("silent"))];
    let parcels: Vec<RateRequest> = (100..400).map(parcel).collect();
    let options = BulkOptions::default().with_patience(Duration::from_secs(10));
    let begun = tokio::time::Instant::now();
    let found = quotes(&carriers, &parcels, options).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10 + 300 / 8), "{took:?}");
    assert!(found.iter().all(|found| found.quotes.len() == 1 && found.failed.len() == 1));
    assert!(found[0].failed[0].1.message().ends_with("no price in time"));
    assert!(found[299].failed[0].1.message().contains("is not asked again"));
}

#[tokio::test(start_paused = true)]
async fn purchases_are_answered_one_by_one_with_no_more_at_once_than_allowed() {
    let van = Van::named("a");
    let mut items: Vec<_> = (100..130).map(|grams| purchase(&van, grams)).collect();
    items.insert(5, purchase(&van, REFUSED.get()));
    items.insert(20, purchase(&van, LOST.get()));
    let options = BulkOptions::default().with_concurrency(4);
    let outcomes = van.buy_labels(&items, options).await;
    assert_eq!(outcomes.len(), 32);
    assert!(matches!(&outcomes[5], PurchaseOutcome::Failed(e) if e.kind() == ErrorKind::Rejected));
    assert!(matches!(outcomes[20], PurchaseOutcome::Ambiguous(_)));
    for ((request, key), outcome) in items.iter().zip(&outcomes) {
        if let PurchaseOutcome::Bought(label) = outcome {
            assert_eq!(label.record.key, *key);
            assert_eq!(label.record.number.as_str(), format!("V{}", request.weight.get()));
        }
    }
    assert_eq!(van.bought.lock().unwrap().len(), 30);
    assert_eq!(van.most_under_way.load(Ordering::SeqCst), 4);
    // It can be spawned, and the engine of it stays whole.
    let shared: Arc<dyn CarrierAdapter> = Arc::new(Van::named("b"));
    let items = vec![purchase(&van, 100)];
    let spawned = tokio::spawn(async move { shared.buy_labels(&items, options).await.len() });
    assert_eq!(spawned.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_buys_nothing_and_says_what_is_not_offered() {
    let van = Van::named("a");
    let mut items: Vec<_> = [100, REFUSED.get()].map(|grams| purchase(&van, grams)).to_vec();
    let mut other = purchase(&van, 101);
    other.0.service.service = ServiceCode::from_static("BIKE");
    items.push(other);
    let outcomes = van.buy_labels(&items, BulkOptions::default().dry_run()).await;
    assert!(
        matches!(&outcomes[0], PurchaseOutcome::WouldBuy(q) if q.total == Money::from_minor(100, Currency::USD))
    );
    for refused in &outcomes[1..] {
        let PurchaseOutcome::Failed(error) = refused else { panic!("{refused:?}") };
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    assert!(van.bought.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_key_names_one_purchase_and_never_two() {
    let van = Van::named("a");
    let (first, key) = purchase(&van, 100);
    let (other, _) = purchase(&van, 101);
    let items = [(first.clone(), key), (first, key), (other, key), purchase(&van, 102)];
    for options in [BulkOptions::default(), BulkOptions::default().dry_run()] {
        let outcomes = van.buy_labels(&items, options).await;
        for again in &outcomes[1..3] {
            let PurchaseOutcome::Failed(error) = again else { panic!("{again:?}") };
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("key")));
        }
        for worked in [&outcomes[0], &outcomes[3]] {
            assert!(matches!(worked, PurchaseOutcome::Bought(_) | PurchaseOutcome::WouldBuy(_)));
        }
    }
    assert_eq!(van.bought.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_waits_no_longer_than_its_patience() {
    let van = Van::named("silent");
    let items: Vec<_> = (100..140).map(|grams| purchase(&van, grams)).collect();
    let options = BulkOptions::default().dry_run().with_patience(Duration::from_secs(10));
    let begun = tokio::time::Instant::now();
    let outcomes = van.buy_labels(&items, options).await;
    assert!(begun.elapsed() < Duration::from_secs(11), "{:?}", begun.elapsed());
    for outcome in &outcomes {
        let PurchaseOutcome::Failed(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.kind(), ErrorKind::Transient);
    }
}

#[tokio::test(start_paused = true)]
async fn a_purchase_that_never_ends_is_ambiguous_and_costs_no_other() {
    let van = Van::named("a");
    let items: Vec<_> = [100, ENDLESS.get(), 102].map(|grams| purchase(&van, grams)).to_vec();
    let options =
        BulkOptions::default().with_concurrency(1).with_purchase_patience(Duration::from_secs(10));
    let begun = tokio::time::Instant::now();
    let outcomes = van.buy_labels(&items, options).await;
    assert!(begun.elapsed() < Duration::from_secs(11), "{:?}", begun.elapsed());
    let PurchaseOutcome::Ambiguous(error) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Ambiguous, Some("buy_label")));
    for bought in [&outcomes[0], &outcomes[2]] {
        assert!(matches!(bought, PurchaseOutcome::Bought(_)), "{bought:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_costs_its_own_item_only() {
    let van = Van::named("a");
    let items: Vec<_> = [100, BROKEN.get(), 102].map(|grams| purchase(&van, grams)).to_vec();
    let outcomes = van.buy_labels(&items, BulkOptions::default()).await;
    // Whether it bought before is not known.
    let PurchaseOutcome::Ambiguous(error) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert!(error.message().contains("the van broke down"), "{error}");
    assert!(matches!(
        (&outcomes[0], &outcomes[2]),
        (PurchaseOutcome::Bought(_), PurchaseOutcome::Bought(_))
    ));
    let dry = van.buy_labels(&items, BulkOptions::default().dry_run()).await;
    assert!(matches!(&dry[1], PurchaseOutcome::Failed(_)), "{dry:?}");
    assert!(matches!(&dry[2], PurchaseOutcome::WouldBuy(_)), "{dry:?}");
    let carriers: Vec<Arc<dyn CarrierAdapter>> = vec![Arc::new(van), Arc::new(Van::named("b"))];
    let found =
        quotes(&carriers, &[parcel(BROKEN.get()), parcel(100)], BulkOptions::default()).await;
    assert_eq!((found[0].failed.len(), found[1].quotes.len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_enquiry_tells_parcels_that_moved_from_those_that_did_not() {
    let sign = |hours: i64| TrackingEvent {
        time: EventTime::Instant(at(0) + TimeDelta::hours(hours)),
        place: None,
        raw_code: "X".into(),
        raw_text: String::new(),
        milestone: Milestone::ArrivedHub,
        reason: None,
    };
    let found = |hours: &[i64]| TrackOutcome::Found {
        events: hours.iter().map(|hours| sign(*hours)).collect(),
        estimated_delivery: None,
    };
    let failed = TrackOutcome::Failed { reason: "no access".into(), retry: false };
    let news = [("M1", found(&[-9, 5, 2])), ("S1", found(&[-9, 0])), ("F1", failed)];
    let van = Van { news: BTreeMap::from(news), ..Van::named("a") };
    let delayed = |number: &'static str| Enquiry {
        number: TrackingNumber::from_static(number),
        last_sign_at: at(0),
    };
    let parcels = ["M1", "S1", "F1", "U1"].map(delayed);
    let report = van.enquire(&parcels).await;
    let moved: Vec<_> = report.moved.iter().map(|(n, event)| (n.as_str(), event.time)).collect();
    assert_eq!(moved, [("M1", sign(5).time)]);
    let silent: Vec<_> = report.silent.iter().map(TrackingNumber::as_str).collect();
    assert_eq!(silent, ["S1", "U1"]);
    assert_eq!(report.failed, [(TrackingNumber::from_static("F1"), "no access".to_owned())]);
    let message = report.message().unwrap();
    assert!(message.contains("these 2 parcels") && message.ends_with("S1\nU1"), "{message}");
    let closed = Van::named("closed").enquire(&parcels).await;
    assert_eq!((closed.failed.len(), closed.message()), (4, None));
}

#[tokio::test(start_paused = true)]
async fn data_and_trouble_without_a_scan_are_no_movement_for_an_enquiry() {
    let sign = |milestone| TrackingEvent {
        time: EventTime::Instant(at(0) + TimeDelta::hours(5)),
        place: None,
        raw_code: "X".into(),
        raw_text: String::new(),
        milestone,
        reason: None,
    };
    let found =
        |milestone| TrackOutcome::Found { events: vec![sign(milestone)], estimated_delivery: None };
    let news = [
        ("A1", found(Milestone::Other)),
        ("A2", found(Milestone::PreAdvice)),
        ("A3", found(Milestone::Exception)),
        ("A4", found(Milestone::Accepted)),
    ];
    let van = Van { news: BTreeMap::from(news), ..Van::named("a") };
    let parcels = ["A1", "A2", "A3", "A4"]
        .map(|number| Enquiry { number: TrackingNumber::from_static(number), last_sign_at: at(0) });
    let report = van.enquire(&parcels).await;
    let silent: Vec<_> = report.silent.iter().map(TrackingNumber::as_str).collect();
    assert_eq!(silent, ["A1", "A2", "A3"]);
    assert_eq!(report.moved, [(TrackingNumber::from_static("A4"), sign(Milestone::Accepted))]);
}
