//! Cards of stores.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Outcome, Report, said, same, that, together};
use crate::address::{Address, Contact, Country};
use crate::error::ErrorKind;
use crate::ids::{
    BuyerId, EventId, IdempotencyKey, LineId, OrderKey, PackageId, PlatformId, PlatformOrderId,
    ShopId, ShopKey, Sku,
};
use crate::money::{Currency, Money};
use crate::order::{
    Action, Actor, CancelReason, CancelledUnits, Event, Order, OrderFilter, OrderSort, OrderState,
    PlatformBuyer, PlatformLine, PlatformOrder, Priority, TimeRange, apply, erase, import,
};
use crate::ports::store::{
    Commit, Committed, IntendedEffect, Intent, QuarantineEntry, Settlement, Store, StoredDocument,
};
use crate::ports::{StatedFigure, WebhookNotice};
use crate::shipment::{Document, DocumentKind, LabelFormat};

/// Runs every card against an empty store.
pub async fn run(store: Arc<dyn Store>) -> Report {
    let store = store.as_ref();
    let mut report = Report::default();
    macro_rules! cards {
        ($($name:literal => $card:ident),* $(,)?) => {
            $(report.card($name, $card(store).await);)*
        };
    }
    cards! {
        "a new order is found by its key, with its log" => insert,
        "another version is a conflict and writes nothing" => conflict,
        "a commit that fails leaves nothing behind" => atomicity,
        "a repeated commit is done and changes nothing" => repeat,
        "the log keeps the order of events" => log_order,
        "many writers of one order: exactly one wins" => race,
        "commits of one call are judged one by one" => batch,
        "an intent of a known key must have the same content" => intent_keys,
        "an intent is claimed by one worker only" => claim,
        "one intent is taken by one of those who ask for it" => claim_one,
        "a lease ends" => lease,
        "a postponed intent is not due before its time" => postpone,
        "a settled intent is over and keeps its outcome" => settle,
        "a horizon never moves backwards" => cursors,
        "the quarantine keeps the same bytes once" => quarantine,
        "a notice is stored once and processed once" => inbox,
        "a key fires once" => fired,
        "figures stay by shop, instant and name" => figures,
        "documents come back byte for byte" => documents,
        "open orders are paged in key order, closed ones left out" => open_orders,
        "a search agrees with the filter" => search,
        "an erased order has no personal data left" => erasure,
    }
    report
}

const CANARY: &str = "Zzyzx Canary 7391";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_636_400, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

fn minutes(minutes: i64) -> DateTime<Utc> {
    now() + TimeDelta::minutes(minutes)
}

fn shop(name: &str) -> Result<ShopKey, String> {
    Ok(ShopKey::new(PlatformId::from_static("conformance"), ShopId::new(name).map_err(said)?))
}

fn key(name: &str, id: &str) -> Result<OrderKey, String> {
    let shop = shop(name)?;
    Ok(OrderKey::new(shop.platform, shop.shop, PlatformOrderId::new(id).map_err(said)?))
}

fn snapshot(id: &PlatformOrderId, number: u32) -> Result<PlatformOrder, String> {
    let total = Money::from_minor(1000 + i64::from(number), Currency::USD);
    let buyer = BuyerId::new(format!("buyer-{}", number % 3)).map_err(said)?;
    let paid = number % 4 != 3;
    let placed_at = minutes(-i64::from(number));
    Ok(PlatformOrder {
        site: Some("US".into()),
        paid_at: paid.then_some(placed_at),
        updated_at: Some(placed_at),
        buyer: PlatformBuyer {
            id: Some(buyer),
            name: Some(CANARY.into()),
            email: Some(CANARY.into()),
        },
        recipient: Some(Contact {
            name: CANARY.into(),
            company: None,
            phone: Some(CANARY.into()),
            email: Some(CANARY.into()),
            address: Address {
                lines: vec![CANARY.into()],
                city: "Denver".into(),
                state: Some("CO".into()),
                postal_code: Some("80202".into()),
                country: Country::new("US"),
                residential: None,
            },
        }),
        lines: vec![PlatformLine {
            sku: Some(Sku::from_static("SKU-1")),
            line_total: Some(total),
            ..PlatformLine::new(LineId::from_static("1"), "Thing", 1, total)
        }],
        note: Some(CANARY.into()),
        raw: CANARY.into(),
        ..PlatformOrder::new(id.clone(), placed_at, total)
    })
}

/// A new order, not yet stored.
fn sample(key: &OrderKey, number: u32) -> Result<Commit, String> {
    let snapshot = Box::new(snapshot(&key.order, number)?);
    let action = Action::Imported { snapshot, needs_acknowledgement: false };
    let event = Event::once(action, now(), Actor::Platform);
    let order = import(key, &event).map_err(said)?.order;
    Ok(Commit::new(order, None, vec![event]))
}

/// The next commit of an order: `events` times another priority.
fn next(order: &Order, events: u32, at: DateTime<Utc>) -> Result<Commit, String> {
    let (mut after, mut log) = (order.clone(), Vec::new());
    for step in 0..events {
        let priority =
            if after.priority == Priority::High { Priority::Normal } else { Priority::High };
        let at = at + TimeDelta::seconds(i64::from(step));
        let event = Event::new(Action::PrioritySet { priority }, at, Actor::System);
        after = apply(&after, &event, at).map_err(said)?.order;
        log.push(event);
    }
    Ok(Commit::new(after, Some(order.version), log))
}

fn intent(key: &OrderKey, part: &str, due_at: DateTime<Utc>) -> Intent {
    Intent {
        key: IdempotencyKey::derive(&["conformance", &key.to_string(), part]),
        order: key.clone(),
        package: Some(PackageId::derive(key, 1)),
        effect: IntendedEffect::ReleaseStock { line: LineId::from_static("1") },
        created_at: now(),
        due_at,
        attempts: 0,
        resent_at: None,
    }
}

async fn done(store: &dyn Store, commit: Commit) -> Result<Order, String> {
    let order = commit.order.clone();
    let outcome = store.commit(vec![commit]).await.map_err(said)?;
    same("the outcome of a commit", &outcome, &vec![Committed::Done])?;
    Ok(order)
}

/// Ends intents, so that the next card finds none.
async fn settle_all(store: &dyn Store, order: &Order, intents: &[Intent]) -> Outcome {
    let mut commit = Commit::new(order.clone(), Some(order.version), Vec::new());
    commit.settled = intents
        .iter()
        .map(|intent| Settlement { key: intent.key, at: now(), outcome: "done".into() })
        .collect();
    done(store, commit).await.map(drop)
}

async fn insert(store: &dyn Store) -> Outcome {
    let key = key("insert", "1")?;
    same("before", &store.order(&key).await.map_err(said)?, &None)?;
    same("the log before", &store.log(&key).await.map_err(said)?, &Vec::new())?;
    let commit = sample(&key, 0)?;
    let events = commit.events.clone();
    let order = done(store, commit).await?;
    same("the order", &store.order(&key).await.map_err(said)?, &Some(order.clone()))?;
    same("the log", &store.log(&key).await.map_err(said)?, &events)?;
    let unknown = self::key("insert", "2")?;
    let several = store.orders(&[unknown, key]).await.map_err(said)?;
    same("several", &several, &vec![None, Some(order)])
}

async fn conflict(store: &dyn Store) -> Outcome {
    let key = key("conflict", "1")?;
    let missing = next(&sample(&key, 0)?.order, 1, now())?;
    let outcome = store.commit(vec![missing]).await.map_err(said)?;
    same("no such order", &outcome, &vec![Committed::Conflict { found: None }])?;
    let first = done(store, sample(&key, 0)?).await?;
    let second = done(store, next(&first, 1, minutes(1))?).await?;
    let mut late = next(&first, 2, minutes(2))?;
    late.intents.push(intent(&key, "late", now()));
    late.documents.push(document(&key, 0));
    let late_intent = late.intents.first().map(|intent| intent.key);
    let outcome = store.commit(vec![late]).await.map_err(said)?;
    let wanted = vec![Committed::Conflict { found: Some(second.version) }];
    same("an old version", &outcome, &wanted)?;
    same("the order", &store.order(&key).await.map_err(said)?, &Some(second))?;
    that(store.log(&key).await.map_err(said)?.len() == 2, || "the log has grown".into())?;
    if let Some(late) = late_intent {
        same("the intent", &store.intent(&late).await.map_err(said)?, &None)?;
    }
    let place = document(&key, 0);
    let documents = store.documents(&place.package, &place.key).await.map_err(said)?;
    that(documents.is_empty(), || "a document of a lost race is there".into())
}

async fn atomicity(store: &dyn Store) -> Outcome {
    let (one, two) = (key("atomicity", "1")?, key("atomicity", "2")?);
    let known = intent(&one, "known", now());
    let mut first = sample(&one, 0)?;
    first.intents.push(known.clone());
    let order = done(store, first).await?;
    // Fails at its last intent.
    let mut bad = next(&order, 1, minutes(1))?;
    bad.documents.push(document(&one, 0));
    bad.intents.push(intent(&one, "new", now()));
    bad.intents.push(Intent { package: None, ..known.clone() });
    let failed = store.commit(vec![bad]).await;
    that(failed.is_err(), || "a commit with a contradicting intent is accepted".into())?;
    same("the order", &store.order(&one).await.map_err(said)?, &Some(order.clone()))?;
    that(store.log(&one).await.map_err(said)?.len() == 1, || "the log has grown".into())?;
    let new = intent(&one, "new", now()).key;
    same("the new intent", &store.intent(&new).await.map_err(said)?, &None)?;
    // The store goes on working.
    done(store, sample(&two, 0)?).await?;
    settle_all(store, &order, &[known]).await
}

async fn repeat(store: &dyn Store) -> Outcome {
    let key = key("repeat", "1")?;
    let (first, intended) = (sample(&key, 0)?, intent(&key, "once", now()));
    let order = done(store, first.clone()).await?;
    done(store, first.clone()).await?;
    let mut second = next(&order, 2, minutes(1))?;
    second.intents.push(intended.clone());
    let order = done(store, second.clone()).await?;
    done(store, second).await?;
    that(store.log(&key).await.map_err(said)?.len() == 3, || "events were written twice".into())?;
    let outcome = store.commit(vec![first]).await.map_err(said)?;
    let wanted = vec![Committed::Conflict { found: Some(order.version) }];
    same("an older commit again", &outcome, &wanted)?;
    settle_all(store, &order, &[intended]).await
}

async fn log_order(store: &dyn Store) -> Outcome {
    let key = key("log", "1")?;
    let first = sample(&key, 0)?;
    let mut wanted = first.events.clone();
    let mut order = done(store, first).await?;
    for step in 0..5 {
        // Times fall: the order of writing counts.
        let commit = next(&order, 3, minutes(-step * 10))?;
        wanted.extend(commit.events.clone());
        order = done(store, commit).await?;
    }
    same("the log", &store.log(&key).await.map_err(said)?, &wanted)
}

async fn race(store: &dyn Store) -> Outcome {
    let key = key("race", "1")?;
    let order = done(store, sample(&key, 0)?).await?;
    let mut calls = Vec::new();
    for writer in 0..8 {
        calls.push(store.commit(vec![next(&order, 1, minutes(writer))?]));
    }
    let mut won = 0;
    for outcome in together(calls).await {
        won += usize::from(outcome.map_err(said)? == vec![Committed::Done]);
    }
    same("winners", &won, &1)?;
    same("events", &store.log(&key).await.map_err(said)?.len(), &2)
}

async fn batch(store: &dyn Store) -> Outcome {
    let (one, two) = (key("batch", "1")?, key("batch", "2")?);
    let first = sample(&one, 0)?;
    let second = next(&first.order, 1, now())?;
    let missing = next(&sample(&two, 1)?.order, 1, now())?;
    let outcome = store.commit(vec![first, missing, second]).await.map_err(said)?;
    let wanted = vec![Committed::Done, Committed::Conflict { found: None }, Committed::Done];
    same("the outcomes", &outcome, &wanted)?;
    same("the log", &store.log(&one).await.map_err(said)?.len(), &2)?;
    same("nothing", &store.commit(Vec::new()).await.map_err(said)?, &Vec::new())
}

async fn intent_keys(store: &dyn Store) -> Outcome {
    let key = key("intents", "1")?;
    let intended = intent(&key, "a", now());
    let mut commit = sample(&key, 0)?;
    commit.intents.push(intended.clone());
    let order = done(store, commit).await?;
    // The same again is nothing new, also at another time.
    let mut again = next(&order, 1, minutes(1))?;
    again.intents.push(Intent { due_at: minutes(5), ..intended.clone() });
    let order = done(store, again).await?;
    let found = store.intent(&intended.key).await.map_err(said)?;
    same("the intent", &found, &Some((intended.clone(), None)))?;
    let mut other = next(&order, 1, minutes(2))?;
    let effect = IntendedEffect::ReleaseStock { line: LineId::from_static("2") };
    other.intents.push(Intent { effect, ..intended.clone() });
    match store.commit(vec![other]).await {
        Err(error) => same("the error", &error.kind(), &ErrorKind::Conflict)?,
        Ok(outcome) => return Err(format!("another content was accepted: {outcome:?}")),
    }
    settle_all(store, &order, &[intended]).await
}

/// An order with due intents.
async fn with_intents(
    store: &dyn Store,
    name: &str,
    count: i64,
) -> Result<(Order, Vec<Intent>), String> {
    let key = key(name, "1")?;
    let mut commit = sample(&key, 0)?;
    // The last one is due first.
    commit.intents =
        (0..count).map(|number| intent(&key, &number.to_string(), minutes(-number))).collect();
    let intents = commit.intents.clone();
    Ok((done(store, commit).await?, intents))
}

async fn claim(store: &dyn Store) -> Outcome {
    let (order, intents) = with_intents(store, "claim", 40).await?;
    let oldest = store.claim("w", now(), minutes(1), 2).await.map_err(said)?;
    let wanted: Vec<Intent> = intents.iter().rev().take(2).cloned().collect();
    same("the oldest", &oldest, &wanted)?;
    let mut seen: BTreeSet<IdempotencyKey> = oldest.iter().map(|intent| intent.key).collect();
    let mut taken = seen.len();
    let names: Vec<String> = (0..8).map(|worker| format!("worker-{worker}")).collect();
    for _ in 0..3 {
        let calls = names.iter().map(|name| store.claim(name, now(), minutes(1), 3)).collect();
        for claimed in together(calls).await {
            let claimed = claimed.map_err(said)?;
            that(claimed.len() <= 3, || "more than the limit".into())?;
            taken += claimed.len();
            seen.extend(claimed.iter().map(|intent| intent.key));
        }
    }
    same("claims", &taken, &intents.len())?;
    same("intents claimed", &seen.len(), &intents.len())?;
    settle_all(store, &order, &intents).await
}

async fn lease(store: &dyn Store) -> Outcome {
    let (order, intents) = with_intents(store, "lease", 1).await?;
    let claim = |worker, at| store.claim(worker, minutes(at), minutes(at + 10), 10);
    same("the first claim", &claim("a", 0).await.map_err(said)?, &intents)?;
    same("another", &claim("b", 9).await.map_err(said)?, &Vec::new())?;
    same("the same worker", &claim("a", 9).await.map_err(said)?, &Vec::new())?;
    same("after the lease", &claim("b", 10).await.map_err(said)?, &intents)?;
    settle_all(store, &order, &intents).await
}

async fn postpone(store: &dyn Store) -> Outcome {
    let (order, intents) = with_intents(store, "postpone", 1).await?;
    let [intended] = intents.as_slice() else { return Err("no intent".into()) };
    store.claim("a", now(), minutes(60), 10).await.map_err(said)?;
    store.postpone(&intended.key, minutes(5)).await.map_err(said)?;
    let early = store.claim("b", minutes(4), minutes(60), 10).await.map_err(said)?;
    same("before it is due", &early, &Vec::new())?;
    let due = store.claim("b", minutes(5), minutes(60), 10).await.map_err(said)?;
    let wanted = Intent { due_at: minutes(5), attempts: 1, ..intended.clone() };
    same("when it is due", &due, &vec![wanted.clone()])?;
    that(store.resend(&intended.key, minutes(6)).await.map_err(said)?, || "it is not over".into())?;
    let again = store.unsettled().await.map_err(said)?;
    let wanted = Intent { resent_at: Some(minutes(6)), ..wanted };
    that(again.contains(&wanted), || format!("sent again, it must say when: {again:?}"))?;
    settle_all(store, &order, &intents).await?;
    store.postpone(&intended.key, minutes(6)).await.map_err(said)?;
    let over = store.resend(&intended.key, minutes(7)).await.map_err(said)?;
    that(!over, || "what is over must not be sent again".into())?;
    let over = store.claim("b", minutes(90), minutes(99), 10).await.map_err(said)?;
    same("once it is over", &over, &Vec::new())
}

async fn settle(store: &dyn Store) -> Outcome {
    let (order, intents) = with_intents(store, "settle", 2).await?;
    let [one, two] = intents.as_slice() else { return Err("no intents".into()) };
    let waiting = store.unsettled().await.map_err(said)?;
    that(waiting.contains(one) && waiting.contains(two), || "an intent is missing".into())?;
    settle_all(store, &order, std::slice::from_ref(one)).await?;
    same("not over", &store.unsettled().await.map_err(said)?, &vec![two.clone()])?;
    let found = store.intent(&one.key).await.map_err(said)?;
    same("the intent", &found, &Some((one.clone(), Some("done".into()))))?;
    let mut again = Commit::new(order.clone(), Some(order.version), Vec::new());
    again.settled.push(Settlement { key: one.key, at: minutes(1), outcome: "again".into() });
    again.intents.push(one.clone());
    done(store, again).await?;
    let found = store.intent(&one.key).await.map_err(said)?;
    same("settled again", &found, &Some((one.clone(), Some("done".into()))))?;
    settle_all(store, &order, &intents).await?;
    same("all over", &store.unsettled().await.map_err(said)?, &Vec::new())
}

async fn cursors(store: &dyn Store) -> Outcome {
    let (one, two) = (shop("cursor-1")?, shop("cursor-2")?);
    same("at first", &store.horizon(&one).await.map_err(said)?, &None)?;
    for at in [0, 10, 5] {
        store.advance(&one, minutes(at)).await.map_err(said)?;
    }
    same("the horizon", &store.horizon(&one).await.map_err(said)?, &Some(minutes(10)))?;
    same("of another shop", &store.horizon(&two).await.map_err(said)?, &None)?;
    store.reset_horizon(&one, minutes(3)).await.map_err(said)?;
    same("reset", &store.horizon(&one).await.map_err(said)?, &Some(minutes(3)))?;
    same("of another shop", &store.horizon(&two).await.map_err(said)?, &None)
}

async fn quarantine(store: &dyn Store) -> Outcome {
    let shop = shop("quarantine")?;
    let order = PlatformOrderId::from_static("q-1");
    let entry = |raw: &str, at| QuarantineEntry {
        shop: shop.clone(),
        order: Some(order.clone()),
        reason: "field `total`".into(),
        raw: raw.into(),
        seen_at: minutes(at),
    };
    for entry in [entry("{1}", 0), entry("{2}", 1), entry("{1}", 2)] {
        store.quarantine(&entry).await.map_err(said)?;
    }
    let kept = async || -> Result<Vec<QuarantineEntry>, String> {
        let all = store.quarantined().await.map_err(said)?;
        Ok(all.into_iter().filter(|entry| entry.shop == shop).collect())
    };
    same("entries", &kept().await?, &vec![entry("{2}", 1), entry("{1}", 2)])?;
    store.release(&shop, &PlatformOrderId::from_static("q-2")).await.map_err(said)?;
    same("another order released", &kept().await?.len(), &2)?;
    store.release(&shop, &order).await.map_err(said)?;
    same("released", &kept().await?, &Vec::new())
}

async fn inbox(store: &dyn Store) -> Outcome {
    let (one, two) = (shop("inbox-1")?, shop("inbox-2")?);
    let notice = |id: &'static str| WebhookNotice {
        event_id: EventId::from_static(id),
        kind: "order.changed".into(),
        order: Some(PlatformOrderId::from_static("1")),
        sent_at: Some(now()),
    };
    for (shop, id, new) in [(&one, "a", true), (&one, "b", true), (&one, "a", false)] {
        let stored = store.receive(shop, &notice(id), now()).await.map_err(said)?;
        same("whether it is new", &stored, &new)?;
    }
    same("of another shop", &store.receive(&two, &notice("a"), now()).await.map_err(said)?, &true)?;
    let first = store.pending(&one, 1).await.map_err(said)?;
    same("the oldest", &first, &vec![notice("a")])?;
    store.processed(&one, &EventId::from_static("a")).await.map_err(said)?;
    let left = store.pending(&one, 10).await.map_err(said)?;
    same("what is left", &left, &vec![notice("b")])?;
    let theirs = store.pending(&two, 10).await.map_err(said)?;
    same("what is left of another shop", &theirs, &vec![notice("a")])?;
    let again = store.receive(&one, &notice("a"), now()).await.map_err(said)?;
    same("again once processed", &again, &false)?;
    for (shop, id) in [(&one, "b"), (&two, "a")] {
        store.processed(shop, &EventId::from_static(id)).await.map_err(said)?;
        same("at the end", &store.pending(shop, 10).await.map_err(said)?, &Vec::new())?;
    }
    Ok(())
}

async fn fired(store: &dyn Store) -> Outcome {
    let calls = (0..8).map(|_| store.fire("conformance/late/1", now())).collect();
    let mut first = 0;
    for fired in together(calls).await {
        first += usize::from(fired.map_err(said)?);
    }
    same("how often it fired", &first, &1)?;
    store.fire("conformance/late/1", minutes(9)).await.map_err(said)?;
    let keys = ["conformance/late/2".to_owned(), "conformance/late/1".to_owned()];
    let found = store.fired(&keys).await.map_err(said)?;
    same("what was fired", &found, &vec![None, Some(now())])
}

async fn figures(store: &dyn Store) -> Outcome {
    let shop =
        |name| ShopKey::new(PlatformId::from_static("conformance"), ShopId::from_static(name));
    let (one, two) = (shop("figures-1"), shop("figures-2"));
    let stated = |name: &str, value: i64| StatedFigure {
        name: name.into(),
        kpi: Some("KPI-02".into()),
        value: rust_decimal::Decimal::new(value, 4),
        numerator: Some(value.unsigned_abs()),
        denominator: None,
        value_with_excluded: None,
        from: minutes(-60),
        to: now(),
    };
    store.keep_figures(&one, now(), &[stated("b", 1), stated("a", 2)]).await.map_err(said)?;
    store.keep_figures(&two, now(), &[stated("a", 3)]).await.map_err(said)?;
    store.keep_figures(&one, minutes(5), &[stated("a", 4)]).await.map_err(said)?;
    store.keep_figures(&one, now(), &[stated("b", 228)]).await.map_err(said)?;
    let wanted =
        vec![(now(), stated("a", 2)), (now(), stated("b", 228)), (minutes(5), stated("a", 4))];
    same("all of a shop", &store.figures(&one, now()).await.map_err(said)?, &wanted)?;
    let later = store.figures(&one, minutes(1)).await.map_err(said)?;
    same("from a later instant", &later, &wanted.get(2..).unwrap_or_default().to_vec())
}

fn document(key: &OrderKey, position: u32) -> StoredDocument {
    let bytes = (0..=255).chain(CANARY.bytes()).collect();
    StoredDocument {
        order: key.clone(),
        package: PackageId::derive(key, 1),
        key: IdempotencyKey::derive(&["conformance", "document", &key.to_string()]),
        position,
        document: Document::new(DocumentKind::Label, LabelFormat::Other("tspl".into()), bytes),
    }
}

async fn documents(store: &dyn Store) -> Outcome {
    let key = key("documents", "1")?;
    let mut commit = sample(&key, 0)?;
    let wanted = vec![document(&key, 0), document(&key, 1)];
    commit.documents = wanted.iter().rev().cloned().collect();
    done(store, commit).await?;
    let place = document(&key, 0);
    let found = store.documents(&place.package, &place.key).await.map_err(said)?;
    same("the documents", &found, &wanted)?;
    let other = IdempotencyKey::derive(&["conformance", "document", "other"]);
    let found = store.documents(&place.package, &other).await.map_err(said)?;
    that(found.is_empty(), || "documents of another purchase".into())
}

fn cancelled(order: &Order) -> Result<Commit, String> {
    let units = vec![CancelledUnits {
        line: LineId::from_static("1"),
        units: 1,
        reason: CancelReason::BuyerRequest,
        at: minutes(30),
    }];
    let action = Action::Cancelled { units };
    let event = Event::new(action, minutes(30), Actor::Platform);
    let after = apply(order, &event, minutes(30)).map_err(said)?.order;
    Ok(Commit::new(after, Some(order.version), vec![event]))
}

async fn open_orders(store: &dyn Store) -> Outcome {
    let mut wanted = Vec::new();
    for number in [5, 3, 9, 1, 7, 10] {
        let key = key("open", &number.to_string())?;
        let order = done(store, sample(&key, 0)?).await?;
        if number == 3 {
            let order = done(store, cancelled(&order)?).await?;
            same("the state", &order.state(), &OrderState::Cancelled)?;
        } else {
            wanted.push(key);
        }
    }
    wanted.sort();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.open_orders(after.as_ref(), 2).await.map_err(said)?;
        that(page.len() <= 2, || "more than the limit".into())?;
        let Some(last) = page.last() else { break };
        that(after.as_ref().is_none_or(|after| after < last), || "it goes round".into())?;
        after = Some(last.clone());
        found.extend(page);
    }
    that(found.is_sorted(), || "not in key order".into())?;
    found.retain(|key| key.shop.as_str() == "open");
    same("the open orders", &found, &wanted)
}

async fn search(store: &dyn Store) -> Outcome {
    let mut all = Vec::new();
    for number in 0..24 {
        let key = key(if number % 2 == 0 { "find-a" } else { "find-b" }, &number.to_string())?;
        let mut order = done(store, sample(&key, number)?).await?;
        if number % 5 == 0 {
            order = done(store, next(&order, 1, now())?).await?;
        }
        if number % 6 == 0 {
            order = done(store, cancelled(&order)?).await?;
        }
        all.push(order);
    }
    let shops = vec![ShopId::from_static("find-a"), ShopId::from_static("find-b")];
    let base = OrderFilter { shops, ..OrderFilter::default() };
    let filters = [
        base.clone(),
        OrderFilter { shops: vec![ShopId::from_static("find-a")], ..base.clone() },
        OrderFilter { platforms: vec![PlatformId::from_static("other")], ..base.clone() },
        OrderFilter { states: vec![OrderState::Unpaid, OrderState::Cancelled], ..base.clone() },
        OrderFilter { buyers: vec![BuyerId::from_static("buyer-1")], ..base.clone() },
        OrderFilter { orders: vec![PlatformOrderId::from_static("4")], ..base.clone() },
        OrderFilter { priorities: vec![Priority::High], ..base.clone() },
        OrderFilter { countries: Country::new("US").into_iter().collect(), ..base.clone() },
        OrderFilter {
            placed: TimeRange { from: Some(minutes(-9)), to: Some(minutes(-3)) },
            ..base.clone()
        },
        OrderFilter { ship_by: TimeRange { from: None, to: Some(minutes(3)) }, ..base.clone() },
        OrderFilter {
            paid: TimeRange { from: Some(minutes(-9)), to: None },
            held: Some(false),
            ..base
        },
    ];
    for filter in &filters {
        for sort in [OrderSort::ShipBy, OrderSort::Placed, OrderSort::Priority, OrderSort::Total] {
            let mut wanted: Vec<Order> =
                all.iter().filter(|order| filter.matches(order, now())).cloned().collect();
            wanted.sort_by(|a, b| sort.compare(a, b));
            let page = store.find(filter, sort, now(), 2, 5).await.map_err(said)?;
            let total = u64::try_from(wanted.len()).map_err(said)?;
            same("how many match", &page.total, &total)?;
            let wanted: Vec<Order> = wanted.into_iter().skip(2).take(5).collect();
            that(page.orders == wanted, || format!("another page by {sort:?} of {filter:?}"))?;
        }
    }
    Ok(())
}

async fn erasure(store: &dyn Store) -> Outcome {
    let key = key("erase", "1")?;
    let unknown = erase(&sample(&self::key("erase", "2")?, 0)?.order, now());
    same("an unknown order", &store.erase(&unknown).await.map_err(said)?, &false)?;
    let mut commit = sample(&key, 0)?;
    let (place, intended) = (document(&key, 0), intent(&key, "a", now()));
    commit.documents.push(place.clone());
    commit.intents.push(intended.clone());
    let order = done(store, commit).await?;
    let entry = QuarantineEntry {
        shop: key.shop_key(),
        order: Some(key.order.clone()),
        reason: "field `total`".into(),
        raw: CANARY.into(),
        seen_at: now(),
    };
    store.quarantine(&entry).await.map_err(said)?;
    let erased = erase(&order, now());
    same("whether there was one", &store.erase(&erased).await.map_err(said)?, &true)?;
    same("the order", &store.order(&key).await.map_err(said)?, &Some(erased.clone()))?;
    let log = serde_json::to_string(&store.log(&key).await.map_err(said)?).map_err(said)?;
    that(!log.contains(CANARY), || "the log names a person".into())?;
    let documents = store.documents(&place.package, &place.key).await.map_err(said)?;
    that(documents.is_empty(), || "a document is left".into())?;
    same("intents", &store.unsettled().await.map_err(said)?, &Vec::new())?;
    let claimed = store.claim("w", minutes(60), minutes(70), 10).await.map_err(said)?;
    same("claims", &claimed, &Vec::new())?;
    let quarantined = store.quarantined().await.map_err(said)?;
    that(quarantined.iter().all(|kept| kept.raw != entry.raw), || {
        "the quarantine names a person".into()
    })?;
    // The order goes on from where it was.
    let commit = next(&erased, 1, minutes(1))?;
    done(store, commit.clone()).await?;
    done(store, commit).await.map(drop)
}

async fn claim_one(store: &dyn Store) -> Outcome {
    let (order, intents) = with_intents(store, "claim-one", 2).await?;
    let (first, second) = match intents.as_slice() {
        [first, second, ..] => (first.key, second.key),
        _ => return Err("two intents were wanted".into()),
    };
    let names: Vec<String> = (0..8).map(|name| format!("w{name}")).collect();
    let calls = names.iter().map(|name| store.claim_one(&first, name, now(), minutes(1))).collect();
    let mut won = 0;
    for outcome in together(calls).await {
        won += u32::from(outcome.map_err(said)?);
    }
    same("winners", &won, &1)?;
    let again = store.claim_one(&first, "later", minutes(1), minutes(2)).await.map_err(said)?;
    that(again, || "a lease that ended must be free".into())?;
    store.postpone(&first, minutes(5)).await.map_err(said)?;
    let freed = store.claim_one(&first, "x", minutes(1), minutes(2)).await.map_err(said)?;
    that(freed, || "a postponed intent must be free, due or not".into())?;
    let unknown = IdempotencyKey::derive(&["conformance", "nobody"]);
    let nobody = store.claim_one(&unknown, "x", now(), minutes(1)).await.map_err(said)?;
    that(!nobody, || "an intent that does not exist was taken".into())?;
    let other = store.claim_one(&second, "x", now(), minutes(1)).await.map_err(said)?;
    that(other, || "the lease of one intent must not keep another".into())?;
    settle_all(store, &order, &intents).await?;
    let over = store.claim_one(&first, "x", minutes(9), minutes(10)).await.map_err(said)?;
    that(!over, || "an intent that is over was taken".into())
}
