//! The adapter against the stand-in, through the whole HTTP stack.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use orderflow::carriers::fedex::{FEDEX, Fedex, FedexConfig, TWO_DAY, catalogue};
use orderflow::client::{Quota, RetryPolicy};
use orderflow::conformance::{Report, carriers};
use orderflow::ports::{
    CarrierAdapter, ManifestRequest, Manifests, MultiPiece, PickupRequest, Pickups, Piece,
    PiecesIntent, PiecesRecovery, PiecesRequest, Recovery, VoidLabel,
};
use orderflow::sandbox::fedex::FedexStandIn;
use orderflow::sandbox::{Fault, Faults, Ledger, Sandbox, Scenario, ScriptedFault, VirtualClock};
use orderflow::shipment::number::{Validity, validate};
use orderflow::shipment::{
    LabelFormat, LabelIntent, LabelRequest, ServiceKey, TrackOutcome, TransitState, fold,
};
use orderflow::{ErrorKind, Grams, Retry, ServiceCode, TrackingNumber};
use sha2::Sha256;

use super::house::{intent, key, noon, parcel, purchase, sender, today};

struct Town {
    fedex: Fedex,
    stand_in: Arc<FedexStandIn>,
    ledger: Ledger,
    clock: VirtualClock,
}

fn town(
    change: impl FnOnce(FedexConfig) -> FedexConfig,
    act: impl FnOnce(FedexStandIn) -> FedexStandIn,
    faults: Faults,
) -> Town {
    let (clock, ledger) = (VirtualClock::new(noon()), Ledger::new());
    let stand_in = Arc::new(act(FedexStandIn::new(ledger.clone())));
    let acted: Arc<dyn orderflow::sandbox::StandIn> = Arc::<FedexStandIn>::clone(&stand_in);
    let sandbox = Sandbox::new(clock.clone(), ledger.clone()).with(acted).with_faults(faults);
    let config = FedexConfig::new("canary-key", "canary-secret", "740561073")
        .with_base(sandbox.base_url("fedex"))
        .with_clock(Arc::new(clock.clone()))
        .with_quota(Quota::per_second(1_000).with_burst(1_000))
        .with_retry(RetryPolicy::none());
    let fedex = Fedex::new(change(config), sandbox.transport()).unwrap();
    Town { fedex, stand_in, ledger, clock }
}

fn quiet_town() -> Town {
    town(|config| config, |stand_in| stand_in, Faults::none())
}

/// A purchase to a home, which is what the recipient's address counts as.
fn to_a_home(reference: &str) -> LabelRequest {
    LabelRequest {
        service: ServiceKey::new(FEDEX, ServiceCode::from_static("GROUND_HOME_DELIVERY")),
        ..purchase(reference)
    }
}

async fn state(town: &Town, number: &TrackingNumber) -> TransitState {
    let answer = town.fedex.track(std::slice::from_ref(number)).await.unwrap().remove(0);
    match answer.outcome {
        TrackOutcome::Found { events, .. } => fold(&FEDEX, number, events, None).state,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_adapter_passes_the_suite_of_carriers() {
    let settled = |config: FedexConfig| {
        config.with_settling_time(TimeDelta::zero()).with_push_token("canary-token")
    };
    let town = town(settled, |stand_in| stand_in, Faults::none());
    let body = super::house::fixture("track-122816215025810.response.json");
    let mut mac = Hmac::<Sha256>::new_from_slice(b"canary-token").unwrap();
    mac.update(&body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let fixture = carriers::Fixture {
        rate: parcel(),
        label: Box::new(|quote, number| LabelRequest {
            service: quote.service.clone(),
            token: quote.token.clone(),
            ..purchase(&format!("PK-{number}"))
        }),
        now: noon(),
        pushed: Some(carriers::PushedNews {
            headers: vec![("fdx-signature".into(), signature)],
            body,
            number: TrackingNumber::from_static("122816215025810"),
        }),
    };
    let report: Report = carriers::run(Arc::new(town.fedex), &fixture).await;
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    let missing = ["it sells labels", "the carrier knows no keys"];
    assert_eq!(report.skipped_because(), missing.into(), "and it can do all else");
}

#[tokio::test(start_paused = true)]
async fn quotes_are_for_homes_in_one_currency_and_what_the_label_then_costs() {
    let town = quiet_town();
    let quotes = town.fedex.rates(&parcel()).await.unwrap();
    let services: Vec<&str> = quotes.iter().map(|quote| quote.service.service.as_str()).collect();
    assert_eq!(
        services,
        ["GROUND_HOME_DELIVERY", "FEDEX_EXPRESS_SAVER", "FEDEX_2_DAY", "STANDARD_OVERNIGHT"]
    );
    for quote in quotes {
        let known = catalogue().into_iter().find(|known| known.key == quote.service).unwrap();
        let days = quote.transit_days.unwrap();
        assert!((known.min_transit_days..=known.max_transit_days).contains(&days), "{quote:?}");
        let request = LabelRequest { service: quote.service.clone(), ..purchase("PK-1") };
        let label = town.fedex.buy_label(&request, &key(quote.name.as_str())).await.unwrap();
        assert_eq!(label.record.cost.total().unwrap(), quote.total);
        assert_eq!(validate("fedex", label.record.number.as_str()), Validity::Valid);
    }
}

#[tokio::test(start_paused = true)]
async fn labels_come_in_every_format_the_limits_name() {
    let town = quiet_town();
    for format in town.fedex.limits().formats {
        let request = LabelRequest { format: format.clone(), ..to_a_home("PK-1") };
        let label = town.fedex.buy_label(&request, &key(format.extension())).await.unwrap();
        let bytes = label.documents[0].bytes.expose();
        let begins: &[u8] = match format {
            LabelFormat::Pdf => b"%PDF",
            LabelFormat::Png => b"\x89PNG",
            LabelFormat::Zpl => b"^XA",
            _ => b"\nN\n",
        };
        assert!(bytes.starts_with(begins), "{format:?}");
        assert_eq!(label.documents[0].format, format);
    }
}

#[tokio::test(start_paused = true)]
async fn a_purchase_whose_answer_is_lost_leaves_one_live_label_in_the_end() {
    let lost = Faults::scripted(vec![ScriptedFault {
        stand_in: "fedex".into(),
        path: "/ship/v1/shipments".into(),
        from: 0,
        times: 1,
        fault: Fault::LostAfter,
    }]);
    let delay = TimeDelta::minutes(5);
    let town = town(|config| config, |stand_in| stand_in.with_reference_delay(delay), lost);
    let request = to_a_home("PK-1");
    let error = town.fedex.buy_label(&request, &key("PK-1")).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    let intent = LabelIntent { request: request.clone(), ..intent() };
    // It cannot be found yet, so nothing is known yet.
    let early = town.fedex.recover_label(&intent).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Transient);
    town.clock.advance(TimeDelta::minutes(6));
    assert_eq!(town.fedex.recover_label(&intent).await.unwrap(), Recovery::Absent);
    town.fedex.buy_label(&request, &key("PK-1 again")).await.unwrap();
    let sold = town.ledger.labels();
    let live: Vec<_> = sold.iter().filter(|label| label.voided_at.is_none()).collect();
    assert_eq!((sold.len(), live.len()), (2, 1));
    assert_eq!(live[0].reference, "PK-1");
}

#[tokio::test(start_paused = true)]
async fn pieces_whose_answers_are_lost_again_and_again_leave_one_live_shipment_in_the_end() {
    let lost = |from| ScriptedFault {
        stand_in: "fedex".into(),
        path: "/ship/v1/shipments".into(),
        from,
        times: 1,
        fault: Fault::LostAfter,
    };
    // The second counts what the first lets through: between the sendings there is a cancellation.
    let lost = Faults::scripted(vec![lost(0), lost(1)]);
    let delay = TimeDelta::minutes(5);
    let town = town(|config| config, |stand_in| stand_in.with_reference_delay(delay), lost);
    let piece = Piece { weight: Grams::new(700), dimensions: None, references: Vec::new() };
    let request = PiecesRequest { shipment: to_a_home("PK-1"), pieces: vec![piece; 2] };
    let mut intent =
        PiecesIntent { key: key("PK-1"), request, created_at: noon(), sent_at: noon() };
    let mut sendings = 0;
    loop {
        sendings += 1;
        intent.sent_at = town.clock.now();
        if town.fedex.buy_pieces(&intent.request, &intent.key).await.is_ok() {
            break;
        }
        loop {
            town.clock.advance(TimeDelta::minutes(2));
            match town.fedex.recover_pieces(&intent).await {
                Ok(PiecesRecovery::Absent) => break,
                Ok(other) => panic!("{other:?}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Transient),
            }
        }
    }
    let sold = town.ledger.labels();
    let live = sold.iter().filter(|label| label.voided_at.is_none()).count();
    assert_eq!((sendings, live), (3, 1), "{sold:?}");
}

#[tokio::test(start_paused = true)]
async fn parcels_travel_as_their_story_goes() {
    let town = quiet_town();
    let mut numbers = Vec::new();
    for (scenario, end) in [
        (Scenario::Normal, TransitState::Delivered),
        (Scenario::Delayed, TransitState::Delivered),
        (Scenario::Returned, TransitState::Returning),
        (Scenario::Lost, TransitState::InTransit),
    ] {
        let request = to_a_home("PK-1");
        let label = town.fedex.buy_label(&request, &key(&format!("{scenario:?}"))).await.unwrap();
        let number = label.record.number;
        town.stand_in.set_scenario(number.as_str(), scenario);
        assert_eq!(state(&town, &number).await, TransitState::PreTransit);
        numbers.push((number, end));
    }
    town.clock.advance(TimeDelta::days(20));
    for (number, end) in numbers {
        assert_eq!(state(&town, &number).await, end, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_is_given_back_until_its_first_scan_or_the_close() {
    let town = quiet_town();
    let first = town.fedex.buy_label(&to_a_home("PK-1"), &key("1")).await.unwrap().record;
    let second = town.fedex.buy_label(&to_a_home("PK-2"), &key("2")).await.unwrap().record;
    let third = town.fedex.buy_label(&to_a_home("PK-3"), &key("3")).await.unwrap().record;
    town.fedex.void_label(&first).await.unwrap();
    assert!(town.stand_in.hand_over(second.number.as_str(), noon()));
    let refused = town.fedex.void_label(&second).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    let request = ManifestRequest {
        sender: sender(),
        mailing_date: today(),
        numbers: vec![second.number.clone(), third.number.clone()],
    };
    let manifest = town.fedex.create_manifest(&request).await.unwrap();
    assert!(manifest.documents[0].bytes.expose().starts_with(b"%PDF"));
    let refused = town.fedex.void_label(&third).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    let again = town.fedex.create_manifest(&request).await.unwrap();
    assert_eq!((again.labels, again.documents.len()), (vec![second.number, third.number], 1));
    // What nobody closed is not closed by being asked about.
    let void = ManifestRequest { numbers: vec![first.number], ..request };
    let refused = town.fedex.create_manifest(&void).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
}

#[tokio::test(start_paused = true)]
async fn a_close_whose_answer_was_lost_and_that_of_another_origin_still_give_the_form() {
    let lost = Faults::scripted(vec![ScriptedFault {
        stand_in: "fedex".into(),
        path: "/ship/v1/endofday".into(),
        from: 0,
        times: 2,
        fault: Fault::LostAfter,
    }]);
    let town = town(|config| config, |stand_in| stand_in, lost);
    let mut elsewhere = to_a_home("PK-2");
    elsewhere.sender.address.lines = vec!["5 Other Road".into()];
    let here = town.fedex.buy_label(&to_a_home("PK-1"), &key("1")).await.unwrap().record;
    let there = town.fedex.buy_label(&elsewhere, &key("2")).await.unwrap().record;
    let request = |sender, number: &TrackingNumber| ManifestRequest {
        sender,
        mailing_date: today(),
        numbers: vec![number.clone()],
    };
    let first = request(sender(), &here.number);
    let error = town.fedex.create_manifest(&first).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    // It closed the whole account.
    for request in [first, request(elsewhere.sender, &there.number)] {
        let closed = town.fedex.create_manifest(&request).await.unwrap();
        assert_eq!(closed.labels, request.numbers);
        assert!(closed.documents[0].bytes.expose().starts_with(b"%PDF"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_recovery_asks_again_for_answers_that_cannot_be_read() {
    let fault = |path: &str, fault| ScriptedFault {
        stand_in: "fedex".into(),
        path: path.into(),
        from: 0,
        times: 1,
        fault,
    };
    let faults = vec![
        fault("/shipments/cancel", Fault::Truncated),
        fault("/referencenumbers", Fault::Truncated),
        fault("/ship/v1/shipments", Fault::LostAfter),
    ];
    let town = town(|config| config, |stand_in| stand_in, Faults::scripted(faults));
    let request = to_a_home("PK-1");
    town.fedex.buy_label(&request, &key("PK-1")).await.unwrap_err();
    town.clock.advance(TimeDelta::minutes(20));
    let intent = LabelIntent { request, ..intent() };
    assert_eq!(town.fedex.recover_label(&intent).await.unwrap(), Recovery::Absent);
    assert!(town.ledger.labels()[0].voided_at.is_some());
}

fn driver() -> PickupRequest {
    let time = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    PickupRequest {
        place: sender(),
        date: today(),
        window: Some((time(14), time(18))),
        parcels: vec![(ServiceKey::new(FEDEX, ServiceCode::from_static(TWO_DAY)), 3)],
        weight: Grams::new(4_000),
        location: None,
        instructions: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_pickup_that_is_gone_is_cancelled_already() {
    let town = quiet_town();
    let pickup = town.fedex.schedule_pickup(&driver()).await.unwrap();
    town.fedex.cancel_pickup(&pickup).await.unwrap();
    town.fedex.cancel_pickup(&pickup).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_driver_comes_once_to_a_place_on_a_day_and_a_lost_answer_orders_no_second() {
    let lost = Faults::scripted(vec![ScriptedFault {
        stand_in: "fedex".into(),
        path: "/pickup/v1/pickups".into(),
        from: 0,
        times: 1,
        fault: Fault::LostAfter,
    }]);
    let town = town(|config| config, |stand_in| stand_in, lost);
    let request = driver();
    let first = town.fedex.schedule_pickup(&request).await.unwrap_err();
    assert!(first.is_ambiguous(), "{first:?}");
    let again = town.fedex.schedule_pickup(&request).await.unwrap_err();
    assert_eq!((again.kind(), again.retry()), (ErrorKind::Ambiguous, Retry::LookFirst));
    // Somebody looked and found none.
    town.fedex.settle_pickup(&request, None);
    let ordered = town.fedex.clone().schedule_pickup(&request).await.unwrap();
    let more = PickupRequest { weight: Grams::new(9_000), ..request.clone() };
    assert_eq!(town.fedex.schedule_pickup(&more).await.unwrap(), ordered);
    let tomorrow = PickupRequest { date: request.date + TimeDelta::days(1), ..request.clone() };
    assert_ne!(town.fedex.schedule_pickup(&tomorrow).await.unwrap(), ordered);
    town.fedex.cancel_pickup(&ordered).await.unwrap();
    assert_ne!(town.fedex.schedule_pickup(&request).await.unwrap(), ordered);
    // Somebody looked and found one.
    town.fedex.settle_pickup(&request, Some(&ordered));
    assert_eq!(town.fedex.schedule_pickup(&request).await.unwrap(), ordered);
}

#[tokio::test(start_paused = true)]
async fn express_and_ground_each_send_their_driver() {
    let town = quiet_town();
    let express = town.fedex.schedule_pickup(&driver()).await.unwrap();
    let ground = ServiceKey::new(FEDEX, ServiceCode::from_static("FEDEX_GROUND"));
    let request = PickupRequest { parcels: vec![(ground, 2)], ..driver() };
    assert_ne!(town.fedex.schedule_pickup(&request).await.unwrap(), express);
}
