//! Messages to buyers and from them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use orderflow::order::{
    Action, AddressProblem, CancelReason, CancelledUnits, Deadline, DeadlineKind, DeadlineSource,
    ExceptionKind, Order, Requirements, erase,
};
use orderflow::rules::message::{
    BuyerFacts, ContentFinding, ContentPolicy, DueMessage, KeywordClassifier, Locale, MessageClass,
    MessageClassifier, MessageContext, MessageKind, MessagePolicy, MissingValue, Placeholder,
    SurveyAnswer, Template, TemplateError, Templates, due_messages, reply_by,
};
use orderflow::rules::{ExceptionItem, ExceptionPolicy, exceptions};
use orderflow::shipment::{Milestone, TrackingEvent, UploadState};
use orderflow::{CarrierId, Country, Personal, TrackingNumber};
use proptest::prelude::*;
use support::*;

fn page(carrier: &CarrierId, number: &TrackingNumber) -> Option<String> {
    Some(format!("https://track.example/{carrier}/{number}"))
}

fn due_with(
    order: &Order,
    exceptions: &[ExceptionItem],
    buyer: BuyerFacts,
    now: DateTime<Utc>,
) -> Vec<DueMessage> {
    let zone = chrono_tz::America::New_York;
    let context =
        MessageContext { shop: "Harbor Goods", zone, tracking_url: &page, exceptions, buyer };
    due_messages(order, &context, &MessagePolicy::default(), now)
}

fn kinds(messages: &[DueMessage]) -> Vec<MessageKind> {
    messages.iter().map(|message| message.kind).collect()
}

fn due(order: &Order, now: DateTime<Utc>) -> Vec<DueMessage> {
    due_with(order, &[], BuyerFacts::default(), now)
}

fn uploaded(id: &str) -> (Order, orderflow::PackageId) {
    let (order, package) = labelled(id, &[("1", 2)]);
    let order = after(
        order,
        vec![
            confirmed(&package),
            Action::UploadStarted { package: package.clone(), key: label_key(&package) },
            Action::Uploaded { package: package.clone(), number: None },
        ],
    );
    (order, package)
}

#[test]
fn shipped_is_told_once_per_parcel_when_the_platform_has_the_number() {
    let (order, package) = labelled("1", &[("1", 2)]);
    assert_eq!(due(&order, now() + hours(5)), []);
    let confirmed_only = after(order, vec![confirmed(&package)]);
    assert_eq!(due(&confirmed_only, now() + hours(5)), []);
    let mut no_upload = confirmed_only;
    no_upload.packages[0].upload.state = UploadState::NotRequired;
    assert_eq!(kinds(&due(&no_upload, now() + hours(5))), [MessageKind::Shipped]);

    let (order, package) = uploaded("2");
    let messages = due(&order, now() + hours(5));
    assert_eq!(kinds(&messages), [MessageKind::Shipped]);
    let message = &messages[0];
    assert_eq!(message.package.as_ref(), Some(&package));
    let text = |placeholder| message.values[&placeholder].as_str();
    assert_eq!(text(Placeholder::OrderId), "2");
    assert_eq!(text(Placeholder::Items), "2 × Thing 1");
    assert_eq!(text(Placeholder::TrackingNumber), "N-2");
    assert_eq!(text(Placeholder::TrackingUrl), "https://track.example/carrier/N-2");
    assert_eq!(text(Placeholder::BuyerName), "Ana Núñez");
    assert!(!format!("{message:?}").contains("Ana"));
    // The same order later has the same key: whoever sent it does not send it again.
    assert_eq!(due(&order, now() + hours(9))[0].key, message.key);
}

#[test]
fn milestones_are_told_once_each_and_not_when_they_are_old() {
    let (order, package) = uploaded("1");
    let moves = [
        Milestone::Accepted,
        Milestone::ArrivedHub,
        Milestone::ArrivedHub,
        Milestone::OutForDelivery,
    ];
    let order = after(order, vec![tracked(&package, &moves)]);
    let found = due(&order, now() + hours(6));
    assert_eq!(
        kinds(&found),
        [MessageKind::Shipped, MessageKind::Milestone, MessageKind::Milestone]
    );
    let keys: BTreeSet<&str> = found.iter().map(|message| message.key.as_str()).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(kinds(&due(&order, now() + hours(4 + 49))), [MessageKind::Shipped]);
    let delivered =
        after(order, vec![tracked(&package, &[Milestone::Accepted, Milestone::Delivered])]);
    assert!(!kinds(&due(&delivered, now() + hours(6))).contains(&MessageKind::Milestone));
}

#[test]
fn the_survey_comes_12_hours_after_delivery_never_after_24_and_not_during_a_complaint() {
    let (order, package) = uploaded("1");
    let order = after(order, vec![tracked(&package, &[Milestone::Accepted, Milestone::Delivered])]);
    let delivered = now() + hours(2);
    let survey = |hour: i64, buyer| {
        kinds(&due_with(&order, &[], buyer, delivered + hours(hour))).contains(&MessageKind::Survey)
    };
    let calm = BuyerFacts::default();
    assert!(kinds(&due(&order, delivered)).contains(&MessageKind::Delivered));
    assert!(!survey(11, calm));
    assert!(survey(12, calm));
    assert!(survey(24, calm));
    assert!(!survey(25, calm));
    assert!(!survey(12, BuyerFacts { complaint_open: true }));
    let answer = SurveyAnswer { score: 2, text: "meh".into(), at: delivered };
    assert!(answer.is_defect(2) && !answer.is_defect(1));
}

#[test]
fn a_delay_is_told_once_per_exception_and_an_address_once_per_version() {
    let (order, package) = uploaded("1");
    let late = now() + hours(50);
    let found = exceptions([&order], &ExceptionPolicy::default(), late);
    let messages = due_with(&order, &found, BuyerFacts::default(), late);
    assert_eq!(kinds(&messages), [MessageKind::Shipped, MessageKind::Delay]);
    let delays = |order: &Order, at: DateTime<Utc>| -> Vec<String> {
        let found = exceptions([order], &ExceptionPolicy::default(), at);
        let messages = due_with(order, &found, BuyerFacts::default(), at);
        let delays = messages.into_iter().filter(|message| message.kind == MessageKind::Delay);
        delays.map(|message| message.key).collect()
    };
    // Every look at the same standstill has the same key, also when it is called stuck by then.
    let told = delays(&order, late);
    assert_eq!(delays(&order, late + hours(1)), told);
    let scanned = after(order.clone(), vec![tracked(&package, &[Milestone::Accepted])]);
    let told = delays(&scanned, now() + hours(60));
    assert_eq!(told.len(), 1);
    assert_eq!(delays(&scanned, now() + hours(80)), told);
    assert_eq!(delays(&scanned, now() + hours(24 * 11)), told);
    // It moves and stops again: another exception, another message.
    let elsewhere = Some("BOISE, ID".to_owned());
    let events = vec![TrackingEvent { place: elsewhere, ..scan(70, Milestone::DepartedHub) }];
    let tracking = Action::Tracked { package: package.clone(), events, estimated_delivery: None };
    let moved = after(scanned, vec![tracking]);
    assert_eq!(delays(&moved, now() + hours(80)), [""; 0]);
    let again = delays(&moved, now() + hours(120));
    assert!(again.len() == 1 && again != told);
    // A parcel on its way back is scanned as well, and nothing is new about it.
    let back = |milestones: &[Milestone]| after(order.clone(), vec![tracked(&package, milestones)]);
    let first = back(&[Milestone::Accepted, Milestone::ReturnStarted]);
    let told = delays(&first, now() + hours(9));
    let later = back(&[Milestone::Accepted, Milestone::ReturnStarted, Milestone::ArrivedHub]);
    assert_eq!((told.len(), delays(&later, now() + hours(9))), (1, told));

    let mut bad = snapshot("2", &[("1", 1)]);
    bad.recipient.as_mut().unwrap().address.city = String::new();
    let order = import_of(&bad);
    let found = exceptions([&order], &ExceptionPolicy::default(), now());
    let asked = due_with(&order, &found, BuyerFacts::default(), now());
    assert_eq!(kinds(&asked), [MessageKind::AddressConfirm]);
    let mut changed = order.clone();
    changed.recipient_version += 1;
    let again = due_with(&changed, &found, BuyerFacts::default(), now());
    assert_ne!(again[0].key, asked[0].key);
    let masked: Vec<ExceptionItem> = found
        .into_iter()
        .map(|item| ExceptionItem { kind: ExceptionKind::Address(AddressProblem::Masked), ..item })
        .collect();
    assert_eq!(due_with(&order, &masked, BuyerFacts::default(), now()), []);
}

#[test]
fn a_promise_is_told_as_the_day_of_the_buyers_clock() {
    let (mut order, _) = uploaded("1");
    order.deadlines = vec![Deadline {
        kind: DeadlineKind::DeliverBy,
        // The last second of 11 March in New York.
        at: "2026-03-12T03:59:59Z".parse().unwrap(),
        starts_at: now(),
        source: DeadlineSource::Platform,
        version: 1,
        requires: Requirements::default(),
    }];
    let messages = due(&order, now() + hours(1));
    assert_eq!(messages[0].values[&Placeholder::Eta].as_str(), "2026-03-11");
}

#[test]
fn a_promise_broken_before_anything_left_is_told_to_the_buyer() {
    let mut order = imported("1", &[("1", 1)]);
    order.deadlines = vec![Deadline {
        kind: DeadlineKind::DeliverBy,
        at: now() - hours(1),
        starts_at: now() - hours(9),
        source: DeadlineSource::Platform,
        version: 1,
        requires: Requirements::default(),
    }];
    let found = exceptions([&order], &ExceptionPolicy::default(), now());
    let messages = due_with(&order, &found, BuyerFacts::default(), now());
    assert_eq!(kinds(&messages), [MessageKind::Delay]);
    assert!(Templates::preset("plain").unwrap().render(&messages[0]).unwrap().is_some());
}

#[test]
fn only_a_cancellation_for_lack_of_stock_is_apologised_for() {
    let cancelled = |reason| {
        let units = vec![CancelledUnits { line: line_id("1"), units: 2, reason, at: now() }];
        after(imported("1", &[("1", 2)]), vec![Action::Cancelled { units }])
    };
    let sorry = due(&cancelled(CancelReason::OutOfStock), now() + hours(1));
    assert_eq!(kinds(&sorry), [MessageKind::CancelRefund]);
    assert_eq!(due(&cancelled(CancelReason::BuyerRequest), now() + hours(1)), []);
}

#[test]
fn erased_and_test_orders_get_no_message() {
    let (order, _) = uploaded("1");
    assert_eq!(due(&erase(&order, now()), now() + hours(5)), []);
    let mut test = order;
    test.test = true;
    assert_eq!(due(&test, now() + hours(5)), []);
}

#[test]
fn every_template_of_every_language_can_be_filled_by_its_message() {
    let templates = Templates::preset("plain").unwrap();
    for kind in MessageKind::ALL {
        for locale in [Locale::En, Locale::Es, Locale::Pt, Locale::Zh] {
            let template = templates.get(kind, locale).unwrap();
            let values: BTreeMap<Placeholder, Personal<String>> =
                Placeholder::ALL.map(|known| (known, known.as_str().into())).into();
            let text = template.render(&values).unwrap();
            assert!(!text.as_str().contains(['{', '}']), "{kind:?} {locale:?}");
            let platform = ContentPolicy::default().without_links().with_max_characters(1_000);
            assert_eq!(platform.check(text.as_str()), [], "{kind:?} {locale:?}");
            assert!(!template.placeholders().contains(&Placeholder::TrackingUrl));
        }
    }
    assert!(Templates::preset("fancy").unwrap_err().to_string().contains("plain"));
}

#[test]
fn a_message_with_a_hole_is_an_error_and_not_an_empty_word() {
    let (order, _) = uploaded("1");
    let mut message = due(&order, now() + hours(5)).remove(0);
    let templates = Templates::preset("plain").unwrap();
    assert_eq!(templates.render(&message), Err(MissingValue(Placeholder::Eta)));
    message.values.insert(Placeholder::Eta, "2026-03-09".into());
    let text = templates.render(&message).unwrap().unwrap();
    assert!(text.as_str().contains("N-1"));
    message.values.insert(Placeholder::BuyerName, "  ".into());
    assert_eq!(templates.render(&message), Err(MissingValue(Placeholder::BuyerName)));
}

#[test]
fn templates_are_checked_when_they_are_read() {
    let wrong = |text| Template::parse(text).unwrap_err();
    assert_eq!(wrong("Hi {name}"), TemplateError::Unknown { name: "name".into(), at: 3 });
    assert_eq!(wrong("Hi {order_id"), TemplateError::LoneBrace { at: 3 });
    assert_eq!(wrong("é } b"), TemplateError::LoneBrace { at: 2 });
    assert_eq!(wrong(" \n"), TemplateError::Empty);
    let braces = Template::parse("{{{order_id}}}").unwrap();
    let values = BTreeMap::from([(Placeholder::OrderId, "1".into())]);
    assert_eq!(braces.render(&values).unwrap().as_str(), "{1}");
    let json = serde_json::to_string(&braces).unwrap();
    assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), braces);
    assert!(serde_json::from_str::<Template>("\"{x}\"").is_err());
}

#[test]
fn what_platforms_forbid_is_found() {
    let policy = ContentPolicy::default()
        .without_links()
        .with_max_characters(10)
        .with_forbidden(["five stars".to_owned()]);
    assert_eq!(
        policy.check("Five STARS at HTTPS://x.example"),
        [
            ContentFinding::Link,
            ContentFinding::TooLong { characters: 31, most: 10 },
            ContentFinding::Forbidden { word: "five stars".into() },
        ]
    );
    assert_eq!(ContentPolicy::default().check("https://x.example"), []);
}

#[test]
fn countries_have_their_language() {
    for (country, locale) in
        [("BR", Locale::Pt), ("MX", Locale::Es), ("US", Locale::En), ("CN", Locale::Zh)]
    {
        assert_eq!(Locale::of_country(Country::new(country).unwrap()), locale);
    }
    assert_eq!(reply_by(now(), &MessagePolicy::default()), now() + hours(24));
    assert_eq!(
        reply_by(DateTime::<Utc>::MAX_UTC, &MessagePolicy::default()),
        DateTime::<Utc>::MAX_UTC
    );
}

#[test]
fn buyers_are_understood_in_four_languages() {
    let classifier = KeywordClassifier::default();
    use MessageClass as C;
    for (text, class) in [
        ("When will my order ship??", C::Urging),
        ("I have NOT received it", C::Urging),
        ("hola, ¿cuándo llega mi pedido?", C::Urging),
        ("Todavía no llegó, es urgente", C::Urging),
        ("Oi, meu pedido não chegou", C::Urging),
        ("cadê meu produto", C::Urging),
        ("什么时候发货", C::Urging),
        ("please cancel, when will you answer", C::Cancel),
        ("Quiero cancelar", C::Cancel),
        ("não quero mais", C::Cancel),
        ("我想取消订单", C::Cancel),
        ("wrong address! please ship to my office", C::AddressChange),
        ("puedo cambiar la dirección?", C::AddressChange),
        ("preciso alterar o endereço", C::AddressChange),
        ("帮我改地址", C::AddressChange),
        ("the cup arrived broken", C::Complaint),
        ("llegó roto", C::Complaint),
        ("veio quebrado", C::Complaint),
        ("东西坏了", C::Complaint),
        ("Can you tell me when my order ships?", C::Urging),
        ("Where is order 123?", C::Urging),
        ("ship my order please", C::Urging),
        ("¿Ya enviaron mi pedido?", C::Urging),
        ("Já enviou?", C::Urging),
        ("Please don’t cancel my order, when will it ship?", C::Urging),
        ("No cancelen mi compra", C::Other),
        ("don't cancel the cup but cancel the plate", C::Cancel),
        ("em rota de entrega", C::Other),
        ("la taza llegó rota", C::Complaint),
        ("insurgente", C::Other),
        ("Muchas gracias", C::Other),
        ("", C::Other),
    ] {
        assert_eq!(classifier.classify(text), class, "{text}");
    }
    // Accents typed as combining characters are the same words.
    assert_eq!(classifier.classify("cua\u{301}ndo"), C::Urging);
}

proptest! {
    #[test]
    fn no_text_breaks_template_policy_or_classifier(text in ".{0,200}") {
        let _ = Template::parse(&text).map(|template| template.render(&BTreeMap::new()));
        let _ = ContentPolicy::default().without_links().check(&text);
        let _ = KeywordClassifier::default().classify(&text);
    }

    #[test]
    fn a_key_is_due_at_most_once_at_a_time(hour in 0_i64..200, moves in prop::collection::vec(0_usize..5, 0..8)) {
        let (order, package) = uploaded("1");
        let milestones: Vec<Milestone> = moves
            .into_iter()
            .map(|index| {
                [
                    Milestone::Accepted,
                    Milestone::ArrivedHub,
                    Milestone::CustomsCleared,
                    Milestone::OutForDelivery,
                    Milestone::Delivered,
                ][index]
            })
            .collect();
        let order = after(order, vec![tracked(&package, &milestones)]);
        let at = now() + TimeDelta::hours(hour);
        let found = due(&order, at);
        let keys: BTreeSet<&String> = found.iter().map(|message| &message.key).collect();
        prop_assert_eq!(keys.len(), found.len());
        prop_assert!(found.iter().all(|message| message.due_at <= at));
    }
}
