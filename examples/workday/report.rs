//! What the seller reads at the end of the day, and the verdict.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use orderflow::carriers::dhl::express::DHL_EXPRESS;
use orderflow::engine::PackageRef;
use orderflow::order::{Action, LogisticsMode, Review, TimeRange};
use orderflow::ports::ParcelQuotes;
use orderflow::rules::kpi::{DenominatorMode, KpiId, KpiQuery, KpiTargets, OrderExtras, Window};
use orderflow::shipment::UploadState;
use orderflow::{CarrierId, Currency, Money, ShopKey};
use rust_decimal::Decimal;

use crate::Failure;
use crate::after_sale;
use crate::day::{EARLIER, ROUNDS, tell_stock};
use crate::house::{House, ZONE, hours, local};
use crate::markets::ADDRESS_PROBLEMS;
use crate::timeline::Timeline;

pub async fn evening(house: &House, timeline: &Timeline, today: NaiveDate) -> Result<(), Failure> {
    let now = local(today, 17, 0);
    house.clock.set(now);
    house.engine.advance(now).await?;
    tell_stock(house, now).await?;
    // The night's orders belong to the day that ships them.
    let figures = house.engine.dashboard(local(today, 9, 0) - hours(12), now).await?;
    timeline.at(now, "the day's figures");
    let money = |sums: &BTreeMap<Currency, Decimal>| {
        let texts: Vec<String> =
            sums.iter().map(|(currency, amount)| format!("{amount} {currency}")).collect();
        texts.join(", ")
    };
    timeline.note(&format!(
        "{} orders, {} paid, {} on average",
        figures.orders,
        money(&figures.paid_value),
        money(&figures.average_order_value)
    ));
    timeline.note(&format!(
        "{} parcels shipped, the platforms know all they want of {}, {} delivered",
        figures.parcels_shipped, figures.parcels_uploaded, figures.parcels_delivered
    ));
    key_figures(house, timeline, now).await?;
    let open = house.engine.exceptions(now).await?.len();
    timeline.note(&format!(
        "exceptions: {open} open; incidents: {} open, {} resolved today",
        figures.incidents_open, figures.incidents_resolved
    ));
    label_costs(house, timeline, &figures.label_cost).await?;
    for (service, labels) in &figures.labels_by_service {
        timeline.note(&format!("  {labels:>5} x {service}"));
    }
    let best: Vec<String> = figures
        .hot_sellers
        .iter()
        .map(|seller| format!("{} ({})", seller.sku, seller.units))
        .collect();
    timeline.note(&format!("best sellers: {}", best.join(", ")));
    after_sale::figures(house, timeline, now).await?;
    compared(house, timeline, today, now).await
}

/// What the day's labels cost. Where a platform bills later it states no price: that is not zero.
async fn label_costs(
    house: &House,
    timeline: &Timeline,
    stated: &BTreeMap<Currency, Decimal>,
) -> Result<(), Failure> {
    let mut parcels: BTreeMap<CarrierId, usize> = BTreeMap::new();
    house
        .look_at_all(house.clock.now(), |order| {
            for package in &order.packages {
                let Some(record) = package.label.record.as_ref() else { continue };
                if record.cost.total().map_or(true, |total| total.amount.is_zero()) {
                    *parcels.entry(record.carrier.clone()).or_default() += 1;
                }
            }
        })
        .await?;
    let sums = stated.iter().filter(|(_, amount)| !amount.is_zero());
    let sums: Vec<String> = sums.map(|(currency, amount)| format!("{amount} {currency}")).collect();
    let parcels: Vec<String> =
        parcels.iter().map(|(carrier, count)| format!("{count} of {carrier}")).collect();
    let unstated = match parcels.is_empty() {
        true => String::new(),
        false => format!("; not stated for {}", parcels.join(", ")),
    };
    timeline.note(&format!("labels cost {}{unstated}", sums.join(", ")));
    Ok(())
}

/// The figures that platforms judge sellers by, over the last 30 days, with what they are made of.
async fn key_figures(
    house: &House,
    timeline: &Timeline,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let window = Window::new(now - TimeDelta::days(30), now);
    let placed = TimeRange { from: Some(window.from), to: Some(window.to) };
    let facts = house.engine.order_facts(placed, now, |_| OrderExtras::default()).await?;
    let asked = [
        KpiId::OnTimeShipping,
        KpiId::HandlingTime,
        KpiId::TrackingUpload,
        KpiId::Cancellation,
        KpiId::Acknowledgement,
        KpiId::Complaint,
    ];
    let counters = KpiQuery::new(window, now).with_kpis(asked).count(&facts)?;
    let targets = KpiTargets::preset("seed")?;
    for id in asked {
        let figure = counters.total(id, DenominatorMode::Decided, &targets);
        let target = figure
            .target
            .as_ref()
            .map_or_else(String::new, |target| format!(" (target: {})", target.healthy));
        timeline.note(&format!("{figure}{target}"));
    }
    timeline.note("  (nobody was there to acknowledge from 21:00 to 09:00; a running engine is)");
    Ok(())
}

/// Whether every platform knows the same orders as the store; what differs is mended.
async fn compared(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    timeline.note("compared with the platforms (orders, missing, extra, different, unreadable):");
    let from = local(today, 9, 0) - hours(12);
    for market in &house.markets {
        for round in 1..=ROUNDS {
            let found = match house.engine.compare_shop(&market.key, from, now, now).await {
                Ok(found) if found.errors.is_empty() || round == ROUNDS => found,
                Err(error) if round == ROUNDS => return Err(error.into()),
                _ => {
                    house.let_in_again(now).await?;
                    continue;
                }
            };
            timeline.note(&format!(
                "  {:<24} {:>5} {:>3} {:>3} {:>3} {:>3}",
                market.label,
                found.compared,
                found.missing.len(),
                found.extra.len(),
                found.mismatched.len(),
                found.unreadable.len()
            ));
            for bad in &found.unreadable {
                let order = bad.id.as_ref().map_or("without an id", |id| id.as_str());
                timeline.note(&format!("    order {order}: {}", bad.reason));
            }
            for error in &found.errors {
                timeline.note(&format!("    not read: {error}"));
            }
            break;
        }
    }
    Ok(())
}

/// What the day's carrier labels cost, and what they would have cost with one carrier alone: a parcel
/// that a carrier does not take goes with whoever took it. What the seller's own rule sends by courier
/// was not chosen by its price and is left out.
pub async fn carriers_compared(
    house: &House,
    timeline: &Timeline,
    items: &[PackageRef],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let mut bought: BTreeMap<PackageRef, Money> = BTreeMap::new();
    house
        .look_at_all(now, |order| {
            for package in &order.packages {
                let item = PackageRef { order: order.key.clone(), package: package.id.clone() };
                let record = package.label.record.as_ref();
                if let Some(record) = record.filter(|record| {
                    order.logistics == LogisticsMode::SellerCarrier
                        && record.carrier != DHL_EXPRESS
                        && items.contains(&item)
                }) && let Ok(total) = record.cost.total()
                {
                    bought.insert(item, total);
                }
            }
        })
        .await?;
    let asked: Vec<PackageRef> = bought.keys().cloned().collect();
    let mut answers = Vec::new();
    for _ in 0..ROUNDS {
        answers = house.engine.quote_parcels(&asked, now).await?;
        // A carrier that does not take a parcel says so for good.
        let may_come =
            |found: &ParcelQuotes| found.failed.iter().any(|(_, error)| error.is_passing());
        if !answers.iter().flatten().any(may_come) {
            break;
        }
    }
    let mut alone: BTreeMap<CarrierId, (Decimal, usize)> = BTreeMap::new();
    let carriers: BTreeSet<CarrierId> = answers
        .iter()
        .flatten()
        .flat_map(|found| found.quotes.iter().map(|quote| quote.service.carrier.clone()))
        .collect();
    for ((_, paid), answer) in bought.iter().zip(&answers) {
        for carrier in &carriers {
            let offers = answer.iter().flat_map(|found| &found.quotes).filter(|quote| {
                quote.service.carrier == *carrier && quote.total.currency == paid.currency
            });
            let cheapest = offers.map(|quote| quote.total.amount).min();
            let (sum, parcels) = alone.entry(carrier.clone()).or_default();
            *sum += cheapest.unwrap_or(paid.amount);
            *parcels += usize::from(cheapest.is_some());
        }
    }
    let paid: Decimal = bought.values().map(|money| money.amount).sum();
    timeline.note(&format!(
        "{} carrier labels chosen by price cost {paid} USD; with one carrier wherever it offers:",
        bought.len()
    ));
    for (carrier, (sum, parcels)) in alone {
        let saved = sum - paid;
        timeline.note(&format!(
            "  {:<16} {sum:>9} USD, {parcels} parcels with it ({saved:+} against it)",
            carrier.as_str()
        ));
    }
    Ok(())
}

/// Everything that was decided about an order, and why, from its log.
pub async fn why(house: &House, id: &str) -> Result<(), Failure> {
    let mut found = None;
    house
        .look_at_all(house.clock.now(), |order| {
            if order.key.order.as_str() == id {
                found = Some(order.clone());
            }
        })
        .await?;
    println!("\nWhy: order {id}");
    let Some(order) = found else {
        println!("  there is no such order; the store of the day knows all of them");
        return Ok(());
    };
    let at = |at: DateTime<Utc>| at.with_timezone(&ZONE).format("%-d %b %H:%M");
    println!("  {} of {}, {}", order.total, house.label(&order.key.shop_key()), order.state());
    for event in house.engine.store().log(&order.key).await? {
        let reasons: Vec<String> = match &event.action {
            Action::Allocated { allocation } => allocation.reasons.clone(),
            Action::Routed { choice, .. } => choice.reasons.clone(),
            Action::LabelPurchased { record, .. } => {
                let cost =
                    record.cost.total().map_or("a price not stated".into(), |m| m.to_string());
                vec![format!(
                    "{} {} for {cost}, number {}",
                    record.carrier, record.service, record.number
                )]
            }
            Action::Reviewed {
                review: Review::NeedsPerson { findings, .. } | Review::Refused { findings, .. },
            } => findings.clone(),
            Action::LabelFailed { reason, .. } | Action::VoidRejected { reason, .. } => {
                vec![reason.clone()]
            }
            Action::IncidentRaised { kind, detail, .. } => vec![format!("{kind:?}: {detail}")],
            _ => Vec::new(),
        };
        println!("  {}  {:?} by {}", at(event.at), event.kind(), event.actor);
        for reason in reasons {
            println!("           {reason}");
        }
    }
    Ok(())
}

/// A shop's row of the inbox.
#[derive(Default)]
struct Row {
    orders: u32,
    shipped: u32,
    of_platform: u32,
    of_carrier: u32,
    uploaded: u32,
    exceptions: u32,
}

/// All shops as one inbox: the days before and today.
pub async fn inbox(house: &House) -> Result<(), Failure> {
    let now = house.clock.now();
    let mut rows: BTreeMap<ShopKey, Row> = BTreeMap::new();
    house
        .look_at_all(now, |order| {
            let row = rows.entry(order.key.shop_key()).or_default();
            row.orders += 1;
            for package in &order.packages {
                row.shipped += u32::from(package.shipped.is_some());
                let bought = u32::from(package.label.record.is_some());
                match order.logistics {
                    LogisticsMode::SellerCarrier => row.of_carrier += bought,
                    _ => row.of_platform += bought,
                }
                row.uploaded += u32::from(package.upload.state == UploadState::Uploaded);
            }
        })
        .await?;
    for item in house.engine.exceptions(now).await? {
        rows.entry(item.order.shop_key()).or_default().exceptions += 1;
    }
    println!("\nOne inbox, eight orders of four days before included");
    println!(
        "  {:<26}{:>8}{:>9}{:>17}{:>16}{:>10}{:>12}",
        "shop", "orders", "shipped", "platform labels", "carrier labels", "uploaded", "exceptions"
    );
    for (shop, row) in &rows {
        println!(
            "  {:<26}{:>8}{:>9}{:>17}{:>16}{:>10}{:>12}",
            house.label(shop),
            row.orders,
            row.shipped,
            row.of_platform,
            row.of_carrier,
            row.uploaded,
            row.exceptions
        );
    }
    Ok(())
}

/// The ledger of the stand-ins is the witness: what was really ordered, sold and confirmed.
pub async fn verdict(house: &House, orders: usize) -> Result<bool, Failure> {
    let now = house.clock.now() + TimeDelta::minutes(1);
    for market in &house.markets {
        market.witness()?;
    }
    let placed = house.ledger.orders();
    let mut known = 0_usize;
    let mut held = BTreeSet::new();
    let mut not_uploaded = 0;
    house
        .look_at_all(now, |order| {
            known += 1;
            if order.packages.is_empty() {
                held.insert(order.key.order.to_string());
            }
            // The platforms know the numbers of their own labels.
            let told = |state| matches!(state, UploadState::Uploaded | UploadState::NotRequired);
            not_uploaded += order
                .packages
                .iter()
                .filter(|package| package.shipped.is_none() || !told(package.upload.state))
                .count();
        })
        .await?;
    let findings = house.ledger.audit(&held);
    let unsettled = house.open_intents().await?;
    // What was found after a lost answer and given back costs nothing.
    let labels = house.ledger.labels();
    let given_back = labels.iter().filter(|label| label.voided_at.is_some()).count();
    let sold = labels.len() - given_back;
    let uploaded: BTreeSet<String> =
        house.ledger.confirmations().into_iter().map(|parcel| parcel.number).collect();
    let wrong_levels = house.wrong_levels().await?;
    println!("\nThe ledger's verdict");
    println!(
        "  {placed} orders on the platforms, {known} known here, {} wait for an address",
        held.len()
    );
    println!(
        "  {sold} labels sold ({given_back} more were given back), {} numbers on the platforms, {unsettled} intents open, {not_uploaded} parcels not told",
        uploaded.len()
    );
    println!("  {wrong_levels} stock levels on the platforms that the shelf does not have");
    for finding in &findings {
        println!("  ! {finding:?}");
    }
    let good = findings.is_empty()
        && unsettled == 0
        && not_uploaded == 0
        && wrong_levels == 0
        && placed == known
        && held.len() == ADDRESS_PROBLEMS
        && sold == orders + EARLIER - ADDRESS_PROBLEMS
        && uploaded.len() == sold;
    println!(
        "  {}",
        if good {
            "nothing lost, nothing bought twice, every number uploaded"
        } else {
            "NOT GOOD: see above"
        }
    );
    Ok(good)
}
