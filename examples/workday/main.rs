//! A seller's working day, over real HTTP against stand-ins on the loopback address.
//!
//! ```text
//! cargo run --release --features sandbox --example workday -- [--orders N] [--faults SEED] [--out DIR]
//! ```
//!
//! `--orders` is 10 to 100,000 (150 by default). Exits non-zero when an order is lost, a label bought twice, or a tracking number not uploaded.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "an example that talks to a person on the terminal"
)]

mod house;
mod timeline;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use house::{House, ZONE, hours, local};
use orderflow::engine::{BatchOptions, ItemOutcome, PackageRef};
use orderflow::order::{OrderFilter, OrderSort, TimeRange};
use orderflow::rules::kpi::{DenominatorMode, KpiId, KpiQuery, KpiTargets, OrderExtras, Window};
use orderflow::rules::{ExceptionItem, exception_report};
use orderflow::sandbox::walmart::{GenerateOptions, generate};
use orderflow::sandbox::{Faults, usps::Scenario};
use orderflow::shipment::UploadState;
use timeline::Timeline;

type Failure = Box<dyn std::error::Error>;

/// Orders of the days before: some arrive today, two are delayed.
const EARLIER: usize = 8;
const DELAYED: usize = 2;
/// Rounds a step may take until nothing is left to do; faults make more than one necessary.
const ROUNDS: usize = 30;

struct Arguments {
    orders: usize,
    faults: Option<u64>,
    out: PathBuf,
}

fn arguments() -> Result<Arguments, Failure> {
    let mut parsed = Arguments { orders: 150, faults: None, out: PathBuf::from("out") };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--orders" => {
                parsed.orders = value()?.parse().map_err(|_| "--orders wants a number")?;
            }
            "--faults" => {
                parsed.faults =
                    Some(value()?.parse().map_err(|_| "--faults wants a number as seed")?);
            }
            "--out" => parsed.out = value()?.into(),
            "--help" | "-h" => {
                println!(
                    "workday [--orders N (default 150)] [--faults SEED] [--out DIR (default out)]"
                );
                std::process::exit(0);
            }
            other => return Err(format!("unknown argument {other}; try --help").into()),
        }
    }
    if !(10..=100_000).contains(&parsed.orders) {
        return Err("--orders must be between 10 and 100000".into());
    }
    Ok(parsed)
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match day(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the day broke off: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The files that an earlier run wrote give way; anything else stays, and stops the day rather than
/// being overwritten. Returns where the store goes.
fn prepare(out: &Path) -> Result<PathBuf, Failure> {
    let at = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let labels = out.join("labels");
    std::fs::create_dir_all(&labels).map_err(|error| at(&labels, error))?;
    let marker = out.join(".workday");
    let file = out.join("workday.sqlite");
    let ours = marker.exists();
    if !ours && file.exists() {
        return Err(format!("{} is there already and not from here", file.display()).into());
    }
    if ours {
        for entry in std::fs::read_dir(&labels).map_err(|error| at(&labels, error))? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if name.is_some_and(|name| name.contains("-PK-") && path.is_file()) {
                std::fs::remove_file(&path).map_err(|error| at(&path, error))?;
            }
        }
        for ending in ["", "-wal", "-shm"] {
            let path = out.join(format!("workday.sqlite{ending}"));
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(at(&path, error).into());
                }
                _ => {}
            }
        }
    }
    std::fs::write(&marker, "files of the workday example\n")
        .map_err(|error| at(&marker, error))?;
    Ok(file)
}

async fn day(arguments: &Arguments) -> Result<bool, Failure> {
    let today = NaiveDate::from_ymd_opt(2026, 3, 6).ok_or("no such day")?;
    let file = prepare(&arguments.out)?;

    let faults = arguments.faults.map_or_else(Faults::none, |seed| Faults::seeded(seed, 60));
    let before = today - chrono::Days::new(4);
    let house = house::open(&file, local(before, 8, 0), faults, arguments.orders).await?;
    let timeline = Timeline::new(ZONE);

    println!(
        "A working day of one shop: {} orders overnight{}\n",
        arguments.orders,
        arguments.faults.map_or_else(String::new, |seed| format!(", faults from seed {seed}"))
    );
    days_before(&house, &timeline, before).await?;
    println!("\n{}", today.format("%A, %-d %B %Y"));

    let mut last_report: Vec<ExceptionItem> = Vec::new();
    morning(&house, &timeline, today, arguments).await?;
    let bought = labels_bought(&house, &timeline, today).await?;
    paper(&house, &timeline, today, &bought, &arguments.out).await?;
    shipped(&house, &timeline, today, &bought).await?;
    afternoon(&house, &timeline, today, &mut last_report).await?;
    evening(&house, &timeline, today).await?;
    verdict(&house, arguments).await
}

/// Four days ago a few orders came in and shipped; two of their parcels will not move.
async fn days_before(house: &House, timeline: &Timeline, day: NaiveDate) -> Result<(), Failure> {
    let orders =
        generate(7, EARLIER, local(day, 6, 0), local(day, 8, 0), &GenerateOptions::default());
    for order in orders {
        house.market.place(order);
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
    for label in house.ledger.labels().iter().take(DELAYED) {
        house.post.set_scenario(&label.number, Scenario::Delayed);
    }
    timeline.at(now, &format!("{} parcels shipped", bought.len()));
    Ok(())
}

async fn morning(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let options = GenerateOptions::default().with_address_problems(5);
    let nine = local(today, 9, 0);
    for order in generate(42, arguments.orders, nine - hours(12), nine, &options) {
        house.market.place(order);
    }
    house.clock.set(nine);
    let fetched = bring_in(house, nine - hours(12), nine).await?;
    timeline.at(nine, &format!("{} orders of the last 12 hours fetched", fetched.0));
    timeline
        .note(&format!("{} reviewed and acknowledged, {} wait for a person", fetched.1, fetched.2));

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

/// Fetches a window and takes the orders as far as they go without spending money. Returns how
/// many are new, acknowledged, and waiting for a person.
async fn bring_in(
    house: &House,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(u64, u64, u64), Failure> {
    let mut imported = 0;
    let mut acknowledged = 0;
    let mut waiting = 0;
    for round in 0..ROUNDS {
        match house.engine.fetch_window(&house.shop, from, now, now).await {
            Ok(report) => imported += report.imported,
            Err(error) if round + 1 == ROUNDS => return Err(error.into()),
            Err(_) => continue,
        }
        break;
    }
    for _ in 0..ROUNDS {
        let report = house.engine.advance(now).await?;
        acknowledged += report.acknowledged;
        waiting += report.needs_person;
        if report.troubles.is_empty() {
            break;
        }
    }
    Ok((imported, acknowledged, waiting))
}

async fn labels_bought(
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
    if let Some(order) = bought.first().map(|item| &item.order)
        && let Some(order) = house.engine.store().order(order).await?
        && let Some(choice) = order.packages.iter().find_map(|package| package.choice.as_ref())
    {
        timeline.note(&format!(
            "order {}: {}",
            order.key.order,
            choice.reasons.first().map_or("", String::as_str)
        ));
    }
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

async fn paper(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
    bought: &[PackageRef],
    out: &Path,
) -> Result<(), Failure> {
    let now = local(today, 9, 45);
    house.clock.set(now);
    let mut files = 0;
    for (item, number) in bought.iter().zip(1..) {
        for document in house.engine.label_documents(item).await? {
            let name =
                format!("{number:04}-{}.{}", item.package, document.document.format.extension());
            std::fs::write(out.join("labels").join(name), document.document.bytes.expose())?;
            files += 1;
        }
    }
    let list = house.engine.pick_list(bought).await?;
    let place: BTreeMap<String, usize> =
        bought.iter().map(|item| item.package.to_string()).zip(1..).collect();
    let mut text = format!("PICK LIST  {}  warehouse newark\n\n", today.format("%-d %B %Y, 09:45"));
    for item in &list {
        let sku = item.sku.as_ref().map_or("(no SKU)", |sku| sku.as_str());
        // A title from outside must not look like another line.
        let title: String =
            item.title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.push_str(&format!("[ ] {:>4} x {sku:<14} {title}\n", item.units));
        for (parcel, units) in &item.parcels {
            text.push_str(&format!(
                "         {units} for label {:04}, {} (order {})\n",
                place.get(&parcel.package).copied().unwrap_or_default(),
                parcel.package,
                parcel.order
            ));
        }
    }
    std::fs::write(out.join("pick-list.txt"), text)?;
    house.engine.mark_printed(bought, now).await?;
    timeline.at(
        now,
        &format!(
            "{files} label files and a pick list of {} SKUs written to {}/",
            list.len(),
            out.display()
        ),
    );
    Ok(())
}

async fn shipped(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
    bought: &[PackageRef],
) -> Result<(), Failure> {
    let now = local(today, 10, 30);
    house.clock.set(now);
    house.engine.mark_packed(bought, now).await?;
    timeline.at(now, &format!("{} parcels packed; shipped and uploaded", bought.len()));
    let begun = std::time::Instant::now();
    ship_all(house, bought, now, |p| timeline.progress("uploads", p)).await?;
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
        let quiet = |_| {};
        let outcomes = if round == 0 {
            house.engine.confirm_shipments(items, now, now, &progress).await
        } else {
            house.engine.confirm_shipments(items, now, now, quiet).await
        };
        let Ok(outcomes) = outcomes else { continue };
        house.engine.recover(now).await?;
        let failed = outcomes.iter().any(|outcome| matches!(outcome, ItemOutcome::Failed(_)));
        if !failed && house.engine.store().unsettled().await?.is_empty() {
            break;
        }
    }
    Ok(())
}

async fn afternoon(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
    last: &mut Vec<ExceptionItem>,
) -> Result<(), Failure> {
    let now = local(today, 15, 0);
    house.clock.set(now);
    for _ in 0..ROUNDS {
        if house.engine.track(now).await?.errors.is_empty() {
            break;
        }
    }
    let open = house.engine.exceptions(now).await?;
    let report = exception_report(open, last, now);
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
    for item in report.open.iter().filter(|item| item.package.is_some()) {
        timeline.note(&format!("order {}: {}", item.order.order, item.detail));
    }
    *last = report.open;
    let told = house.engine.alerts(now).await?;
    timeline.note(&format!("{} alerts that nobody was told before", told.len()));
    for found in told.iter().filter(|found| found.alerts.iter().any(|alert| alert.due_at.is_none()))
    {
        let channels: Vec<String> =
            found.channels.iter().map(|channel| format!("{channel:?}").to_lowercase()).collect();
        for alert in &found.alerts {
            timeline.note(&format!("  {} ({})", alert.text, channels.join(", ")));
        }
    }
    Ok(())
}

async fn evening(house: &House, timeline: &Timeline, today: NaiveDate) -> Result<(), Failure> {
    let now = local(today, 17, 0);
    house.clock.set(now);
    house.engine.advance(now).await?;
    // The night's orders belong to the day that ships them.
    let figures = house.engine.dashboard(local(today, 9, 0) - hours(12), now).await?;
    timeline.at(now, "the day's figures");
    let money = |sums: &BTreeMap<orderflow::Currency, rust_decimal::Decimal>| {
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
        "{} parcels shipped, {} uploaded, {} delivered",
        figures.parcels_shipped, figures.parcels_uploaded, figures.parcels_delivered
    ));
    key_figures(house, timeline, now).await?;
    timeline.note(&format!(
        "incidents: {} open, {} resolved today",
        figures.incidents_open, figures.incidents_resolved
    ));
    timeline.note(&format!("labels cost {}", money(&figures.label_cost)));
    for (service, labels) in &figures.labels_by_service {
        timeline.note(&format!("  {labels:>5} x {service}"));
    }
    let best: Vec<String> = figures
        .hot_sellers
        .iter()
        .map(|seller| format!("{} ({})", seller.sku, seller.units))
        .collect();
    timeline.note(&format!("best sellers: {}", best.join(", ")));
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

/// The ledger of the stand-ins is the witness: what was really ordered, sold and confirmed.
async fn verdict(house: &House, arguments: &Arguments) -> Result<bool, Failure> {
    let now = house.clock.now() + TimeDelta::minutes(1);
    let placed = house.ledger.orders();
    let all = OrderFilter::default();
    let mut known = 0_usize;
    let mut held = BTreeSet::new();
    let mut not_uploaded = 0;
    loop {
        let page =
            house.engine.store().find(&all, OrderSort::Placed, now, known as u64, 500).await?;
        if page.orders.is_empty() {
            break;
        }
        for order in &page.orders {
            known += 1;
            if order.packages.is_empty() {
                held.insert(order.key.order.to_string());
            }
            not_uploaded += order
                .packages
                .iter()
                .filter(|package| {
                    package.shipped.is_some() && package.upload.state != UploadState::Uploaded
                })
                .count();
        }
    }
    let findings = house.ledger.audit(&held);
    let unsettled = house.engine.store().unsettled().await?.len();
    let sold = house.ledger.labels().len();
    let uploaded: BTreeSet<String> =
        house.ledger.confirmations().into_iter().map(|parcel| parcel.number).collect();
    println!("\nThe ledger's verdict");
    println!(
        "  {placed} orders on the platform, {known} known here, {} wait for an address",
        held.len()
    );
    println!(
        "  {sold} labels sold, {} numbers on the platform, {unsettled} intents open",
        uploaded.len()
    );
    for finding in &findings {
        println!("  ! {finding:?}");
    }
    let good = findings.is_empty()
        && unsettled == 0
        && not_uploaded == 0
        && placed == known
        && held.len() == 5
        && sold == arguments.orders + EARLIER - 5
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
