//! The report on a terminal.

use std::fmt::Write as _;

use super::chart::unseen;
use super::figures::{RatioLine, Report, in_words};

/// How many rows of a list are printed.
const PRINTED: usize = 8;

/// A text that does nothing to a terminal but stand there.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if unseen(letter) { '\u{FFFD}' } else { letter }).collect()
}

fn rate(ratio: Option<&RatioLine>) -> String {
    ratio.map_or_else(
        || "–".to_owned(),
        |ratio| format!("{} ({}/{})", ratio.percent, ratio.numerator, ratio.denominator),
    )
}

fn time(seconds: Option<i64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), in_words)
}

/// The report in lines of text.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}: {} rows, {} orders, {} rows rejected, {} odd",
        plain(&report.source),
        report.rows,
        report.orders,
        report.rejected.count,
        report.odd.count
    );
    let _ =
        writeln!(out, "{}, {}; known up to {}", report.days(), report.zone, report.known_up_to());
    for note in &report.notes {
        let _ = writeln!(out, "  {}", plain(note));
    }
    key_figures(&mut out, report);
    if let Some(to) = report.trend_to {
        let _ = writeln!(
            out,
            "\nSales trend: {} orders in the {} days up to {to}, {} before ({})",
            report.trend.now, report.trend_days, report.trend.before, report.trend.growth
        );
    }
    for value in &report.order_value {
        let _ = writeln!(out, "  an order is worth {value}");
    }
    for sku in report.skus.iter().take(PRINTED) {
        let mark = if sku.fast {
            "  grows fast"
        } else if sku.slow {
            "  slow"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "  {:<24} {:>6} units, {:>6} before, {}{mark}",
            plain(&sku.name),
            sku.now,
            sku.before,
            sku.growth
        );
    }
    if report.regions.iter().any(|line| line.region.is_some()) {
        out.push_str("\nRegions\n");
        for line in report.regions.iter().take(PRINTED) {
            let _ = writeln!(
                out,
                "  {:<24} {:>6} orders, transit {}, late {}",
                plain(line.region.as_deref().unwrap_or("not known")),
                line.orders,
                time(line.mean_transit_seconds),
                rate(line.late.as_ref())
            );
        }
    }
    hours(&mut out, report);
    if !report.carriers.is_empty() {
        out.push_str("\nCarriers\n");
    }
    for line in report.carriers.iter().take(PRINTED) {
        let _ = writeln!(
            out,
            "  {:<24} {:>6} parcels, transit {} (half within {}, 90 of 100 within {}), on time {}, delivered {}",
            plain(&line.name),
            line.parcels,
            time(line.transit.mean_seconds),
            time(line.transit.p50_seconds),
            time(line.transit.p90_seconds),
            rate(line.on_time.as_ref()),
            rate(line.delivered.as_ref())
        );
    }
    for alert in &report.carrier_alerts {
        let _ = writeln!(out, "  {}", plain(alert));
    }
    for (title, notes) in [("Rejected rows", &report.rejected), ("Odd rows", &report.odd)] {
        if notes.count > 0 {
            let _ = writeln!(out, "\n{title}: {}", notes.count);
        }
        for note in notes.first.iter().take(PRINTED) {
            let column =
                note.column.as_deref().map_or_else(String::new, |c| format!("{}: ", plain(c)));
            let _ = writeln!(out, "  line {}: {column}{}", note.line, plain(&note.reason));
        }
        let printed = u64::try_from(notes.first.len().min(PRINTED)).unwrap_or(u64::MAX);
        let more = notes.count.saturating_sub(printed);
        if more > 0 {
            let _ = writeln!(
                out,
                "  … and {more} more; report.html and report.json list the first 1000"
            );
        }
    }
    out
}

fn key_figures(out: &mut String, report: &Report) {
    let _ = writeln!(
        out,
        "\n{:<48} {:>10} {:>16} {:>16} {:>8} {:>9}  {:<10} target",
        "Figure", "value", "counted", "of", "pending", "excluded", "health"
    );
    for kpi in &report.kpis {
        let excluded: u64 = kpi.excluded.values().sum();
        let health = kpi.health.to_string();
        let _ = writeln!(
            out,
            "{:<48} {:>10} {:>16} {:>16} {:>8} {:>9}  {:<10} {}",
            plain(&format!("{} {}", kpi.code, kpi.name)),
            kpi.value.as_deref().unwrap_or("–"),
            kpi.numerator,
            kpi.denominator,
            kpi.pending,
            excluded,
            health,
            kpi.target.as_deref().unwrap_or("–")
        );
    }
    for absent in &report.absent {
        let needs = absent.needs.join(", ");
        let _ =
            writeln!(out, "  not in this file: {} {} (needs {needs})", absent.code, absent.name);
    }
}

fn hours(out: &mut String, report: &Report) {
    const WIDTH: u64 = 40;
    let most = report.hours.iter().map(|hour| hour.orders).max().unwrap_or(0).max(1);
    out.push_str("\nHour of day\n");
    for hour in &report.hours {
        let length = u128::from(hour.orders) * u128::from(WIDTH) / u128::from(most);
        let bar = "█".repeat(usize::try_from(length).unwrap_or(0));
        let _ = writeln!(out, "  {:02} {bar} {}", hour.hour, hour.orders);
    }
}
