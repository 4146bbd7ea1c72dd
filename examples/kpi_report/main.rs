//! Key figures, sales, regions, hours and carriers from a file of orders.
//!
//! ```text
//! cargo run --release --example kpi_report                             # the sample beside it
//! cargo run --release --example kpi_report -- orders.csv --preset olist --out report
//! cargo run --release --example kpi_report -- orders.csv --map order_id=Number --map placed_at=Date \
//!     --zone Europe/Berlin --date-format '%d.%m.%Y %H:%M' --delimiter ';' --decimal-comma --currency EUR
//! ```
//!
//! Prints the figures, and writes `report.html` (one page without scripts) and `report.json` into the
//! folder of `--out`. Rows that cannot be read are listed and do not stop it; where not one can be
//! read, it fails.

#![allow(
    clippy::print_stderr,
    unreachable_pub,
    reason = "an example that talks to a person on the terminal"
)]

mod report;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use report::{Field, Mapping, Question, Report, html, read_orders, sample_csv, text};

type Failure = Box<dyn std::error::Error>;

const SAMPLE: &[u8] = include_bytes!("sample.csv");

const USAGE: &str = "\
kpi_report [FILE] [options]       without FILE: the sample that comes with the example

  --preset NAME          how the columns are called; see below (plain)
  --map FIELD=COLUMN     the column of a field; FIELD= takes it away; may be repeated
  --zone ZONE            zone of times without one, and of days and hours, such as Europe/Berlin
  --date-format FORMAT   as of strftime, or rfc3339; may be repeated, the first that fits counts
  --delimiter CHARACTER  what parts cells
  --decimal-comma        amounts are written like 1.234,50
  --currency CODE        currency of amounts where no column says it
  --country CODE         country of buyers where no column says it
  --ship-within HOURS    assumed deadline to ship after payment, where no column says it
  --targets NAME         preset of targets (seed)
  --all-orders           every order in the denominator, also those not decided
  --from DATE --to DATE  local dates, both included
  --as-of INSTANT        what is known, such as 2026-03-04T10:00:00Z
  --out DIR              where report.html and report.json go (out/kpi_report)
  --sample SEED          only prints an invented file of orders
";

struct Arguments {
    file: Option<PathBuf>,
    mapping: Mapping,
    question: Question,
    out: PathBuf,
    sample: Option<u64>,
}

fn arguments() -> Result<Option<Arguments>, Failure> {
    let mut words = std::env::args_os().skip(1);
    let mut file = None;
    let mut flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut out = PathBuf::from("out/kpi_report");
    while let Some(word) = words.next() {
        let flag = word.to_str().filter(|word| word.starts_with("--")).map(str::to_owned);
        let Some(flag) = flag else {
            if file.replace(PathBuf::from(word)).is_some() {
                return Err("only one file can be read; --help says how".into());
            }
            continue;
        };
        match flag.as_str() {
            "--help" => return Ok(None),
            "--all-orders" | "--decimal-comma" => drop(flags.entry(flag).or_default()),
            "--out" => out = words.next().ok_or("--out wants a value")?.into(),
            "--preset" | "--map" | "--zone" | "--date-format" | "--delimiter" | "--currency"
            | "--country" | "--ship-within" | "--targets" | "--from" | "--to" | "--as-of"
            | "--sample" => {
                let value = words.next().ok_or(format!("{flag} wants a value"))?;
                let value = value.into_string().map_err(|_| format!("{flag} wants UTF-8"))?;
                flags.entry(flag).or_default().push(value);
            }
            _ => return Err(format!("{flag} is not known; --help lists what is").into()),
        }
    }
    let last = |flag: &str| flags.get(flag).and_then(|values| values.last());
    let mut mapping = Mapping::preset(last("--preset").map_or("plain", String::as_str))?;
    for text in flags.get("--map").into_iter().flatten() {
        mapping.map(text)?;
    }
    if let Some(zone) = last("--zone") {
        mapping.zone = zone.parse().map_err(|_| format!("--zone: {zone:?} is no zone"))?;
    }
    if let Some(formats) = flags.get("--date-format") {
        mapping.date_formats.clone_from(formats);
    }
    if let Some(delimiter) = last("--delimiter") {
        mapping.delimiter = match delimiter.as_str() {
            "\\t" | "tab" => '\t',
            text => {
                let mut letters = text.chars();
                letters
                    .next()
                    .filter(|_| letters.next().is_none())
                    .ok_or("--delimiter wants one character")?
            }
        };
    }
    mapping.decimal_comma |= flags.contains_key("--decimal-comma");
    if let Some(currency) = last("--currency") {
        mapping.currency = Some(currency.parse()?);
    }
    if let Some(country) = last("--country") {
        mapping.country = Some(country.clone());
    }
    if let Some(hours) = last("--ship-within") {
        let hours = hours.parse().map_err(|_| "--ship-within wants a number of hours")?;
        mapping.ship_within_hours = Some(hours);
    }
    let date = |flag: &str| {
        let parse = |text: &String| {
            text.parse().map_err(|_| format!("{flag} wants a date like 2026-03-04"))
        };
        last(flag).map(parse).transpose()
    };
    let as_of = |text: &String| {
        text.parse().map_err(|_| "--as-of wants an instant like 2026-03-04T10:00:00Z")
    };
    let question = Question {
        from: date("--from")?,
        to: date("--to")?,
        as_of: last("--as-of").map(as_of).transpose()?,
        targets: last("--targets").cloned(),
        all_orders: flags.contains_key("--all-orders"),
    };
    let seed = |text: &String| text.parse().map_err(|_| "--sample wants a number as seed");
    let sample = last("--sample").map(seed).transpose()?;
    Ok(Some(Arguments { file, mapping, question, out, sample }))
}

/// Prints. A reader who has seen enough, such as `head`, is no failure.
fn say(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn help() -> Result<(), Failure> {
    let mut text = format!("{USAGE}\nPresets\n");
    for preset in Mapping::presets()? {
        text.push_str(&format!("  {:<16} {}\n", preset.name, preset.title));
    }
    text.push_str("\nFields\n");
    for field in Field::ALL {
        text.push_str(&format!("  {:<16} {}\n", field.name(), field.what()));
    }
    say(&text)
}

fn run() -> Result<(), Failure> {
    let Some(arguments) = arguments()? else { return help() };
    if let Some(seed) = arguments.sample {
        return say(&sample_csv(seed));
    }
    let (source, input): (String, Box<dyn Read>) = match &arguments.file {
        None => ("the sample".to_owned(), Box::new(SAMPLE)),
        Some(path) => {
            let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, Box::new(BufReader::new(file)))
        }
    };
    let orders = read_orders(input, &arguments.mapping)?;
    let report = Report::of(&source, &orders, &arguments.mapping, &arguments.question)?;
    std::fs::create_dir_all(&arguments.out)?;
    let json = serde_json::to_string_pretty(&report)?;
    let mut written = String::new();
    for (name, content) in [("report.html", html(&report)), ("report.json", json)] {
        let path = arguments.out.join(name);
        std::fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        written.push_str(&format!("{} written\n", path.display()));
    }
    say(&format!("{}{written}", text(&report)))?;
    report.failure().map_or(Ok(()), |why| Err(why.into()))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
