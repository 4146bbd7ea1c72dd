//! What buyers ask for after the sale, and how the platforms judge the seller.

use chrono::{DateTime, TimeDelta, Utc};
use orderflow::engine::CaseReport;
use orderflow::order::{OrderFilter, OrderSort};
use orderflow::ports::StatedFigure;
use orderflow::sandbox::mercado_libre::SandboxClaim;
use orderflow::{ErrorKind, Result};

use crate::Failure;
use crate::day::ROUNDS;
use crate::house::House;
use crate::markets::Source;
use crate::timeline::Timeline;

/// A buyer complains, and what buyers ask for is read from every shop: the complaint comes into the
/// one list of exceptions.
pub async fn cases(house: &House, timeline: &Timeline, now: DateTime<Utc>) -> Result<(), Failure> {
    complain(house, now).await?;
    for market in &house.markets {
        let read = || house.engine.read_cases(&market.key, now - TimeDelta::days(30), now, now);
        let done = |report: &CaseReport| report.errors.is_empty();
        let Some(report) = insist(house, now, read, done).await? else { continue };
        if report.changed > 0 {
            timeline.note(&format!("{}: {} new cases of buyers", market.label, report.changed));
        }
    }
    Ok(())
}

/// The first buyer of the first shop of Mercado Libre did not get what was ordered.
async fn complain(house: &House, now: DateTime<Utc>) -> Result<(), Failure> {
    for market in &house.markets {
        let Source::MercadoLibre(stand_in, _) = &market.source else { continue };
        let filter = OrderFilter {
            shops: vec![market.key.shop.clone()],
            platforms: vec![market.key.platform.clone()],
            ..OrderFilter::default()
        };
        let first = house.engine.store().find(&filter, OrderSort::Placed, now, 0, 1).await?;
        let Some(order) = first.orders.first() else { continue };
        // The claim names the sale, the inbox knows it by its pack.
        let sale = order.lines.first().and_then(|line| line.id.as_str().split('-').next());
        let opened_at = now - TimeDelta::hours(1);
        stand_in.open_claim(SandboxClaim {
            id: 5_300_000_001,
            order: sale.ok_or("the order has no line")?.parse()?,
            buyer: order.buyer.id.as_ref().map_or("1", |id| id.as_str()).parse()?,
            site: "MLB",
            reason: "PDD9549",
            opened_at,
            changed_at: opened_at,
            due_at: now + TimeDelta::days(2),
            stage: "claim",
            resolution: None,
            actions: vec!["refund", "send_message_to_complainant"],
            offered: Vec::new(),
            cents: 4_990,
        });
        return Ok(());
    }
    Ok(())
}

/// How each platform that says so judges the seller, beside our own figure of the same days.
pub async fn figures(
    house: &House,
    timeline: &Timeline,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    timeline.note("what the platforms say of the seller (theirs, ours of the same days):");
    for market in &house.markets {
        let read = || house.engine.read_figures(&market.key, now);
        let done = |_: &Vec<StatedFigure>| true;
        if insist(house, now, read, done).await?.is_none() {
            continue;
        }
        for check in house.engine.compare_figures(&market.key, now).await? {
            let why = check.explanations.first().map(ToString::to_string).unwrap_or_default();
            let why = if check.agrees { "agrees".to_owned() } else { why };
            timeline.note(&format!(
                "  {:<24} {:<24} {:>6.2} % {:>9}  {why}",
                market.label,
                check.theirs.name,
                check.theirs.value * rust_decimal::Decimal::ONE_HUNDRED,
                check.ours.map_or_else(|| "nothing".to_owned(), |ratio| ratio.percent()),
            ));
        }
    }
    Ok(())
}

/// Asks until it is done: faults make more than one round necessary. `None` where the platform has
/// nothing of the kind.
async fn insist<T, F: Future<Output = Result<T>>>(
    house: &House,
    now: DateTime<Utc>,
    ask: impl Fn() -> F,
    done: impl Fn(&T) -> bool,
) -> Result<Option<T>, Failure> {
    for round in 1..=ROUNDS {
        match ask().await {
            Ok(found) if done(&found) || round == ROUNDS => return Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(None),
            Err(error) if round == ROUNDS => return Err(error.into()),
            _ => house.let_in_again(now).await?,
        }
    }
    Ok(None)
}
