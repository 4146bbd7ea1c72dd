//! The steps of the day.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use orderflow::carriers::dhl::express::DHL_EXPRESS;
use orderflow::engine::{BatchOptions, ItemOutcome, PackageRef, Received};
use orderflow::ports::{CarrierAdapter, PushNotice, Stock, WebhookRequest};
use orderflow::rules::{ExceptionItem, exception_report};
use orderflow::sandbox::Scenario;
use orderflow::sandbox::walmart::{GenerateOptions, generate};
use orderflow::{ErrorKind, OrderKey};

use crate::Failure;
use crate::after_sale;
use crate::house::{HOOK_HEADER, HOOK_TOKEN, House, hours, local};
use crate::markets::{Notice, Source};
use crate::timeline::Timeline;

/// Orders of the days before: some arrive today, two are delayed.
pub const EARLIER: usize = 8;
const DELAYED: usize = 2;
/// Rounds a step may take until nothing is left to do; faults make more than one necessary.
pub const ROUNDS: usize = 30;

/// Four days ago a few orders came in and shipped; two of their parcels will not move.
pub async fn days_before(
    house: &House,
    timeline: &Timeline,
    day: NaiveDate,
) -> Result<(), Failure> {
    let orders =
        generate(7, EARLIER, local(day, 6, 0), local(day, 8, 0), &GenerateOptions::default());
    for market in &house.markets {
        if let Source::Walmart(stand_in) = &market.source {
            for order in orders.clone() {
                stand_in.place(order);
            }
        }
    }
    println!("{}, four days before", day.format("%A, %-d %B %Y"));
    let now = local(day, 9, 0);
    house.clock.set(now);
    bring_in(house, now - hours(12), now).await?;
    let items = house.engine.awaiting_labels(now).await?;
    let bought = buy_all(house, &items, now, |_| {}).await?;
    house.engine.mark_printed(&bought, now).await?;
    let now = local(day, 11, 0);
    house.clock.set(now);
    house.engine.mark_packed(&bought, now).await?;
    ship_all(house, &bought, now, |_| {}).await?;
    // Labels are bought side by side, in another order each time: the orders say which.
    let mut shipped = bought.clone();
    shipped.sort();
    for item in shipped.iter().take(DELAYED) {
        let order = house.engine.store().order(&item.order).await?.ok_or("the order is gone")?;
        let tracking = order.package(&item.package).and_then(|package| package.tracking.as_ref());
        let number = tracking.ok_or("the parcel has no number")?.number.as_str();
        house.post.set_scenario(number, Scenario::Delayed);
        house.express.set_scenario(number, Scenario::Delayed);
        house.light.set_scenario(number, Scenario::Delayed);
        house.courier.set_scenario(number, Scenario::Delayed);
    }
    timeline.at(now, &format!("{} parcels shipped", bought.len()));
    let told = tell_stock(house, now).await?;
    timeline.note(&format!("{told} stock levels told to the shops that offer the goods"));
    Ok(())
}

/// Tells every shop the stock that moved since it was told last.
pub async fn tell_stock(house: &House, now: DateTime<Utc>) -> Result<u64, Failure> {
    let mut told = 0;
    for _ in 0..ROUNDS {
        let report = house.engine.push_stock(now).await?;
        told += report.told;
        if report.failed.is_empty() && house.engine.stopped_shops().is_empty() {
            break;
        }
        house.let_in_again(now).await?;
    }
    Ok(told)
}

/// One shelf, many shops: what one sold, the others may not sell again.
pub async fn stock_told(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
) -> Result<(), Failure> {
    let now = local(today, 10, 45);
    house.clock.set(now);
    let told = tell_stock(house, now).await?;
    timeline.at(now, &format!("{told} stock levels that moved are told to the shops"));
    let shared = house.shared_goods();
    for sku in shared.iter().take(1) {
        let units = house.stock.view(std::slice::from_ref(sku), None).await?.total(sku);
        let shops: Vec<String> = house
            .levels_there(sku)
            .into_iter()
            .map(|(label, level)| {
                format!("{label} {}", level.map_or("none".to_owned(), |level| level.to_string()))
            })
            .collect();
        timeline.note(&format!("{sku}: {units} left to sell; shown: {}", shops.join(", ")));
    }
    Ok(())
}

pub async fn morning(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
    orders: usize,
) -> Result<(), Failure> {
    let nine = local(today, 9, 0);
    let night = nine - hours(12);
    for market in &house.markets {
        market.overnight(market.share(orders), night, nine)?;
    }
    house.clock.set(nine);
    let told = notified(house, nine).await?;
    timeline.at(nine, &told);
    let figures = bring_in(house, night, nine).await?;
    let mut fetched = 0;
    house.look_at_all(nine, |order| fetched += usize::from(order.placed_at >= night)).await?;
    timeline.note(&format!("{fetched} orders of the last 12 hours are in one inbox"));
    timeline.note(&format!(
        "{} reviewed and ready to be packed, {} wait for a person",
        figures.0, figures.1
    ));

    let ten_past = local(today, 9, 10);
    house.clock.set(ten_past);
    let open = house.engine.exceptions(ten_past).await?;
    let addresses: Vec<&ExceptionItem> = open
        .iter()
        .filter(|item| matches!(item.kind, orderflow::order::ExceptionKind::Address(_)))
        .collect();
    let held: BTreeSet<_> = addresses.iter().map(|item| &item.order).collect();
    timeline.at(ten_past, &format!("{} address exceptions", held.len()));
    for item in addresses {
        timeline.note(&format!("order {}: {}", item.order.order, item.detail));
    }
    Ok(())
}

/// Takes in what the platforms push, as they push it: some of it twice, and something that is not
/// from them at all. Then reads what the notifications name.
async fn notified(house: &House, now: DateTime<Utc>) -> Result<String, Failure> {
    let (mut new, mut repeated, mut refused) = (0_usize, 0_usize, 0_usize);
    for market in &house.markets {
        let notices = market.notices();
        // The platforms did not see every answer in time, and try those again.
        let again = notices.iter().step_by(3);
        let forged = notices.first().map(Notice::forged);
        for notice in notices.iter().chain(again).chain(&forged) {
            let headers: Vec<(&str, &str)> = notice
                .authorization
                .iter()
                .map(|value| ("authorization", value.as_str()))
                .collect();
            let request = WebhookRequest {
                method: "POST",
                path_and_query: "/notifications",
                headers: &headers,
                body: &notice.body,
            };
            match house.engine.receive(&market.key, &request, now).await {
                Ok(Received::New) => new += 1,
                Ok(Received::Repeated) => repeated += 1,
                Err(error) if error.kind() == ErrorKind::AuthRejected => refused += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
    let mut read = 0;
    for _ in 0..ROUNDS {
        let report = house.engine.work_inbox(now).await?;
        read += report.orders_read;
        if report.waiting == 0 {
            break;
        }
        house.let_in_again(now).await?;
    }
    Ok(format!(
        "{new} notifications taken in, {repeated} repeated, {refused} forged ones refused; {read} orders read"
    ))
}

/// Fetches a window of every shop and takes the orders as far as they go without spending money.
/// Returns how many passed the review and how many wait for a person.
async fn bring_in(
    house: &House,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(u64, u64), Failure> {
    for market in &house.markets {
        for round in 1..=ROUNDS {
            match house.engine.fetch_window(&market.key, from, now, now).await {
                Ok(_) => break,
                Err(error) if round == ROUNDS => return Err(error.into()),
                Err(_) => house.let_in_again(now).await?,
            }
        }
    }
    let mut approved = 0;
    let mut waiting = 0;
    for _ in 0..ROUNDS {
        let report = house.engine.advance(now).await?;
        approved += report.approved;
        waiting += report.needs_person;
        if report.troubles.is_empty() {
            break;
        }
        house.let_in_again(now).await?;
    }
    Ok((approved, waiting))
}

pub async fn labels_bought(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
) -> Result<Vec<PackageRef>, Failure> {
    let now = local(today, 9, 30);
    house.clock.set(now);
    let items = house.engine.awaiting_labels(now).await?;
    timeline.at(now, &format!("{} parcels are routed and labels bought in bulk", items.len()));
    let begun = std::time::Instant::now();
    let bought = buy_all(house, &items, now, |p| timeline.progress("labels", p)).await?;
    timeline.note(&format!("{} labels in {:.1} s", bought.len(), begun.elapsed().as_secs_f64()));
    let mut reason = None;
    let wave: BTreeSet<&OrderKey> = bought.iter().map(|item| &item.order).collect();
    house
        .look_at_all(now, |order| {
            let choice = order.packages.iter().find_map(|package| package.choice.as_ref());
            if let (true, None, Some(choice)) = (wave.contains(&order.key), &reason, choice) {
                let text = choice.reasons.first().map_or("", String::as_str);
                reason = Some(format!("order {}: {text}", order.key.order));
            }
        })
        .await?;
    timeline.note(&reason.unwrap_or_default());
    Ok(bought)
}

/// Buys until every item has a label: answers that were lost are recovered, never bought again.
async fn buy_all(
    house: &House,
    items: &[PackageRef],
    now: DateTime<Utc>,
    progress: impl Fn(orderflow::engine::Progress) + Send + Sync,
) -> Result<Vec<PackageRef>, Failure> {
    let mut left = items.to_vec();
    let mut problems = Vec::new();
    for round in 0..ROUNDS {
        if left.is_empty() {
            break;
        }
        // What was given up on a busy machine is free again after a while.
        let now = now + TimeDelta::minutes(i64::try_from(round)?);
        if round > 0 {
            house.clock.set(now);
            house.let_in_again(now).await?;
        }
        let quiet = |_| {};
        let options = BatchOptions::default();
        let outcomes = if round == 0 {
            house.engine.buy_labels(&left, &options, now, &progress).await
        } else {
            house.engine.buy_labels(&left, &options, now, quiet).await
        };
        // The platform could not be read again just now: the next round tries.
        let Ok(outcomes) = outcomes else { continue };
        problems.clear();
        let mut next = Vec::new();
        for (item, outcome) in left.into_iter().zip(outcomes) {
            match outcome {
                ItemOutcome::Done(_) => {}
                ItemOutcome::Skipped(why) if why == "it has a label" => {}
                other => {
                    problems.push(format!("{}: {other:?}", item.package));
                    next.push(item);
                }
            }
        }
        left = next;
    }
    if let Some(problem) = problems.first().filter(|_| !left.is_empty()) {
        return Err(format!("{} parcels got no label, for example {problem}", left.len()).into());
    }
    Ok(items.to_vec())
}

pub async fn shipped(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
    bought: &[PackageRef],
) -> Result<(), Failure> {
    let now = local(today, 10, 30);
    house.clock.set(now);
    house.engine.mark_packed(bought, now).await?;
    timeline
        .at(now, &format!("{} parcels packed, shipped and told to the platforms", bought.len()));
    let begun = std::time::Instant::now();
    ship_all(house, bought, now, |p| timeline.progress("told", p)).await?;
    timeline.note(&format!("in {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// Confirms and uploads until the platform has every number.
async fn ship_all(
    house: &House,
    items: &[PackageRef],
    now: DateTime<Utc>,
    progress: impl Fn(orderflow::engine::Progress) + Send + Sync,
) -> Result<(), Failure> {
    for round in 0..ROUNDS {
        if round > 0 {
            house.let_in_again(now).await?;
        }
        let quiet = |_| {};
        let outcomes = if round == 0 {
            house.engine.confirm_shipments(items, now, now, &progress).await
        } else {
            house.engine.confirm_shipments(items, now, now, quiet).await
        };
        let Ok(outcomes) = outcomes else { continue };
        house.engine.recover(now).await?;
        let failed = outcomes.iter().any(|outcome| matches!(outcome, ItemOutcome::Failed(_)));
        if !failed && house.open_intents().await? == 0 {
            break;
        }
    }
    Ok(())
}

pub async fn afternoon(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
) -> Result<(), Failure> {
    let now = local(today, 15, 0);
    house.clock.set(now);
    for _ in 0..ROUNDS {
        if house.engine.track(now).await?.errors.is_empty() {
            break;
        }
    }
    after_sale::cases(house, timeline, now).await?;
    let open = house.engine.exceptions(now).await?;
    let report = exception_report(open, &[], now);
    let delayed: BTreeSet<_> = report
        .open
        .iter()
        .filter(|item| {
            use orderflow::order::ExceptionKind as K;
            matches!(item.kind, K::CarrierDelay | K::Stuck | K::Uncollected)
        })
        .map(|item| (&item.order, &item.package))
        .collect();
    timeline.at(
        now,
        &format!(
            "exception report: {} open, {} parcels delayed, {} due within a day",
            report.open.len(),
            delayed.len(),
            report.due_within_a_day
        ),
    );
    use orderflow::order::ExceptionKind::ComplaintOpened;
    let told = |item: &&ExceptionItem| item.package.is_some() || item.kind == ComplaintOpened;
    for item in report.open.iter().filter(told) {
        timeline.note(&format!("order {}: {}", item.order.order, item.detail));
    }
    let told = house.engine.alerts(now).await?;
    timeline.note(&format!("{} alerts that nobody was told before", told.len()));
    let (found, due): (Vec<_>, Vec<_>) =
        told.iter().partition(|told| told.alerts.iter().any(|alert| alert.due_at.is_none()));
    if !due.is_empty() {
        timeline.note(&format!("  {} of them are about deadlines that come", due.len()));
    }
    for found in found {
        let channels: Vec<String> =
            found.channels.iter().map(|channel| format!("{channel:?}").to_lowercase()).collect();
        for alert in &found.alerts {
            timeline.note(&format!("  {} ({})", alert.text, channels.join(", ")));
        }
    }
    Ok(())
}

/// The carriers of the platforms have collected what they labelled: the platforms tell it.
pub async fn collected(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
) -> Result<(), Failure> {
    let now = local(today, 16, 0);
    house.clock.set(now);
    for market in &house.markets {
        for round in 1..=ROUNDS {
            match house.engine.read_open_again(&market.key, now).await {
                Ok(report) if report.unread == 0 => break,
                Ok(_) => {}
                Err(error) if round == ROUNDS => return Err(error.into()),
                Err(_) => house.let_in_again(now).await?,
            }
        }
    }
    timeline.at(now, &notified(house, now).await?);
    Ok(())
}

/// 18:00: the courier's driver came, and its tracking tells of every scan by itself: some of it
/// twice, some of a parcel that is not ours, and something that is not from it at all.
pub async fn told_by_courier(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
) -> Result<(), Failure> {
    let now = local(today, 18, 0);
    house.clock.set(now);
    let hook = house.news.push().ok_or("no hook is configured")?;
    let (mut moved, mut repeated, mut refused) = (0, 0, 0);
    let bodies = house.courier.pushed(now);
    for (body, token) in bodies
        .iter()
        .flat_map(|body| [(body, HOOK_TOKEN), (body, HOOK_TOKEN)])
        .chain(bodies.first().map(|body| (body, "guessed")))
    {
        let headers = [(HOOK_HEADER, token)];
        let request = WebhookRequest {
            method: "POST",
            path_and_query: "/hooks/dhl",
            headers: &headers,
            body,
        };
        match hook.receive(&request, now) {
            Ok(PushNotice::Tracking(news)) => {
                let report = house.engine.take_tracked(&DHL_EXPRESS, news, now).await?;
                if let Some(error) = report.errors.into_iter().next() {
                    return Err(error.into());
                }
                moved += report.moved;
                repeated += u64::from(report.moved == 0);
            }
            Ok(other) => return Err(format!("the courier pushed {other:?}").into()),
            Err(error) if error.kind() == ErrorKind::AuthRejected => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    timeline.at(
        now,
        &format!(
            "DHL tells of its parcels abroad: {moved} moved, {repeated} told again, {refused} forged refused"
        ),
    );
    let mut lines = Vec::new();
    house
        .look_at_all(now, |order| {
            for package in &order.packages {
                let tracking = package.tracking.as_ref().filter(|t| t.carrier == DHL_EXPRESS);
                if let (Some(tracking), Some(event)) = (tracking, package.movement.events.last()) {
                    lines.push(format!(
                        "order {}: {}: {}, {}",
                        order.key.order,
                        tracking.number,
                        event.raw_text,
                        event.place.as_deref().unwrap_or("?")
                    ));
                }
            }
        })
        .await?;
    lines.iter().for_each(|line| timeline.note(line));
    Ok(())
}
