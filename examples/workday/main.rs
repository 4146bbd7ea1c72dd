//! A seller's working day, over real HTTP against stand-ins on the loopback address.
//!
//! ```text
//! cargo run --release --all-features --example workday -- [--orders N] [--faults SEED] [--why ORDER] [--out DIR]
//! ```
//!
//! Seven shops on three platforms and in a file are one inbox: Mercado Libre and TikTok Shop in the UK
//! issue their labels themselves; parcels from the United States go with USPS, FedEx, DHL eCommerce or,
//! over the border, DHL Express, whose news are pushed.
//! `--orders` is 20 to 100,000 over all shops (150 by default). Exits non-zero when an order is lost, a label bought twice, or a tracking number not uploaded.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "an example that talks to a person on the terminal"
)]

mod after_sale;
mod day;
mod house;
mod markets;
mod paper;
mod report;
mod timeline;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use house::{ZONE, local};
use orderflow::sandbox::Faults;
use timeline::Timeline;

type Failure = Box<dyn std::error::Error>;

const STORE: &str = "workday.sqlite";
/// What a run writes beside the papers of the warehouses.
const OWN: [&str; 5] =
    [STORE, "workday.sqlite-wal", "workday.sqlite-shm", "orders.csv", "shipments.csv"];

struct Arguments {
    orders: usize,
    why: Option<String>,
    faults: Option<u64>,
    out: PathBuf,
}

fn arguments() -> Result<Arguments, Failure> {
    let mut parsed = Arguments { orders: 150, why: None, faults: None, out: PathBuf::from("out") };
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
            "--why" => parsed.why = Some(value()?),
            "--out" => parsed.out = value()?.into(),
            "--help" | "-h" => {
                println!(
                    "workday [--orders N (default 150)] [--faults SEED] [--why ORDER] [--out DIR (default out)]"
                );
                std::process::exit(0);
            }
            other => return Err(format!("unknown argument {other}; try --help").into()),
        }
    }
    if !(20..=100_000).contains(&parsed.orders) {
        return Err("--orders must be between 20 and 100000".into());
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
    std::fs::create_dir_all(out).map_err(|error| at(out, error))?;
    let marker = out.join(".workday");
    let ours = marker.exists();
    let papers = house::SITES
        .iter()
        .flat_map(|site| paper::FILES.iter().map(move |name| out.join(site.id).join(name)));
    let own: Vec<PathBuf> = OWN.iter().map(|name| out.join(name)).chain(papers).collect();
    if let Some(found) = own.iter().find(|path| !ours && path.exists()) {
        return Err(format!("{} is there already and not from here", found.display()).into());
    }
    for path in own.iter().filter(|_| ours) {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(at(path, error).into());
            }
            _ => {}
        }
    }
    std::fs::write(&marker, "files of the workday example\n")
        .map_err(|error| at(&marker, error))?;
    Ok(out.join(STORE))
}

async fn day(arguments: &Arguments) -> Result<bool, Failure> {
    let today = NaiveDate::from_ymd_opt(2026, 3, 6).ok_or("no such day")?;
    let file = prepare(&arguments.out)?;

    let faults = arguments.faults.map_or_else(Faults::none, |seed| Faults::seeded(seed, 60));
    let before = today - chrono::Days::new(4);
    let start = local(before, 8, 0);
    let house = house::open(&file, &arguments.out, start, faults, arguments.orders).await?;
    let timeline = Timeline::new(ZONE);

    println!(
        "A working day of {} shops: {} orders overnight{}\n",
        house.markets.len(),
        arguments.orders,
        arguments.faults.map_or_else(String::new, |seed| format!(", faults from seed {seed}"))
    );
    day::days_before(&house, &timeline, before).await?;
    println!("\n{}", today.format("%A, %-d %B %Y"));

    day::morning(&house, &timeline, today, arguments.orders).await?;
    let bought = day::labels_bought(&house, &timeline, today).await?;
    paper::printed(&house, &timeline, today, &bought, &arguments.out).await?;
    day::shipped(&house, &timeline, today, &bought).await?;
    paper::handed_over(&house, &timeline, &bought, &arguments.out).await?;
    day::stock_told(&house, &timeline, today).await?;
    day::afternoon(&house, &timeline, today).await?;
    day::collected(&house, &timeline, today).await?;
    report::evening(&house, &timeline, today).await?;
    report::carriers_compared(&house, &timeline, &bought, house.clock.now()).await?;
    day::told_by_courier(&house, &timeline, today).await?;
    report::inbox(&house).await?;
    if let Some(order) = &arguments.why {
        report::why(&house, order).await?;
    }
    report::verdict(&house, arguments.orders).await
}
