//! The report as one page: no script, no network, nothing but itself.

use std::fmt::Write as _;

use orderflow::rules::kpi::{Health, KpiId, PeriodUnit};

use super::chart::{Line, Point, Scale, as_float, bars, columns, escaped, lines, round_up};
use super::figures::{PeriodLine, RatioLine, Report, in_words};
use super::read::RowNotes;

/// How many rows of a table are shown; JSON has them all.
const SHOWN: usize = 15;
/// How many notes about rows are shown.
const NOTES_SHOWN: usize = 50;
/// A rate of fewer orders than this is drawn as a hollow point, outside of the line.
const FEW: u64 = 5;

const STYLE: &str = "
:root{color-scheme:light;--ink:#1c2430;--soft:#5b6675;--rule:#dde2e8;--bar:#3b6ea8;--second:#c0702a}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:var(--ink);background:#fff;max-width:1080px;margin:0 auto;padding:24px 20px 60px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:38px 0 6px}
p,li{max-width:80ch}.soft,figcaption,caption{color:var(--soft)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px;margin:8px 0}
caption{text-align:left;padding:2px 0 6px}
th,td{text-align:left;padding:6px 8px;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap}th{vertical-align:bottom}
.health{display:inline-block;padding:0 8px;border-radius:9px;font-size:13px;white-space:nowrap;background:#eceff3}
.healthy{background:#d9f0de;color:#14532d}.warning{background:#fdeec4;color:#6b4a00}.critical{background:#f9d5d2;color:#7f1d1d}
figure{margin:10px 0 4px}svg{width:100%;height:auto;max-width:900px;display:block}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}.grid{stroke:var(--rule)}
.bar{fill:var(--bar)}.line{fill:none;stroke-width:2}.line.a{stroke:var(--bar)}.line.b{stroke:var(--second)}
.dot.a{fill:var(--bar);stroke:var(--bar)}.dot.b{fill:var(--second);stroke:var(--second)}.dot.hollow{fill:#fff}
.target{stroke:#7f1d1d;stroke-dasharray:5 4}svg .targettext{fill:#7f1d1d}
td:first-child:not(.n){min-width:9em}.why{min-width:14em}
.cell{color:var(--soft);font-size:13px}
td.n .cell{display:block}
@media print{h2{break-after:avoid}figure,tr{break-inside:avoid}}
";

/// The whole page.
pub fn html(report: &Report) -> String {
    let mut page = String::with_capacity(64 * 1024);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Order report, {}</title><style>{STYLE}</style></head><body>",
        report.days()
    );
    head(&mut page, report);
    key_figures(&mut page, report);
    series(&mut page, report);
    trend(&mut page, report);
    places(&mut page, report);
    hours(&mut page, report);
    carriers(&mut page, report);
    sellers(&mut page, report);
    row_notes(
        &mut page,
        "Rows that do not count",
        "These rows could not be read and are left out of every figure.",
        &report.rejected,
    );
    row_notes(
        &mut page,
        "Rows that contradict themselves",
        "These rows count, but one thing in them happened before another that must come first. They distort durations.",
        &report.odd,
    );
    page.push_str("</body></html>\n");
    page
}

fn head(page: &mut String, report: &Report) {
    let known = escaped(report.known_up_to());
    let _ = write!(
        page,
        "<h1>Orders, {}</h1><p class=\"soft\">From {}: {} rows, {} orders. Known up to {known}; days and hours are those of {}.</p>",
        report.days(),
        escaped(&report.source),
        report.rows,
        report.orders,
        escaped(&report.zone)
    );
    if report.orders == 0 {
        page.push_str("<p><strong>The file has no orders that can be counted.</strong></p>");
    }
    if report.rejected.count > 0 {
        let _ = write!(
            page,
            "<p><strong>{} rows could not be read</strong> and are listed at the end.</p>",
            report.rejected.count
        );
    }
    list(page, report.notes.iter().map(|note| escaped(note)));
}

fn list(page: &mut String, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("<li>{item}</li>")).collect();
    if !items.is_empty() {
        let _ = write!(page, "<ul>{}</ul>", items.concat());
    }
}

/// A table. Heads that begin with `#` are of numbers; cells are HTML already.
fn table(page: &mut String, caption: &str, heads: &[&str], rows: &[Vec<String>]) {
    let class = |head: &str| if head.starts_with('#') { " class=\"n\"" } else { "" };
    let _ = write!(
        page,
        "<div class=\"scroll\"><table><caption>{}</caption><thead><tr>",
        escaped(caption)
    );
    for head in heads {
        let _ = write!(
            page,
            "<th scope=\"col\"{}>{}</th>",
            class(head),
            escaped(head.trim_start_matches('#'))
        );
    }
    page.push_str("</tr></thead><tbody>");
    for row in rows {
        page.push_str("<tr>");
        for (head, cell) in heads.iter().zip(row) {
            let _ = write!(page, "<td{}>{cell}</td>", class(head));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div>");
}

fn further(page: &mut String, all: usize) {
    if let Some(more) = all.checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = write!(page, "<p class=\"soft\">{more} further ones are in report.json.</p>");
    }
}

fn health(health: Health) -> String {
    let class = match health {
        Health::Healthy => "healthy",
        Health::Warning => "warning",
        Health::Critical => "critical",
        Health::NoData | Health::NoTarget => "",
    };
    format!("<span class=\"health {class}\">{health}</span>")
}

fn dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

fn rate(ratio: Option<&RatioLine>) -> String {
    dash(ratio.map(|ratio| {
        let RatioLine { numerator, denominator, percent } = ratio;
        format!("{percent} <span class=\"cell\">{numerator}/{denominator}</span>")
    }))
}

fn time(seconds: Option<i64>) -> String {
    dash(seconds.map(in_words))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn key_figures(page: &mut String, report: &Report) {
    page.push_str("<h2>Key figures</h2>");
    let rows: Vec<Vec<String>> = report
        .kpis
        .iter()
        .map(|kpi| {
            let mut value = format!("<strong>{}</strong>", dash(kpi.value.as_deref().map(escaped)));
            if let Some(durations) = &kpi.durations {
                let _ = write!(
                    value,
                    "<br><span class=\"cell\">half within {}<br>90 of 100 within {}</span>",
                    time(durations.p50_seconds),
                    time(durations.p90_seconds)
                );
                if kpi.id == KpiId::UploadLatency {
                    // Its target is about these.
                    let p95 = time(durations.p95_seconds);
                    let _ = write!(value, "<br><span class=\"cell\">95 of 100 within {p95}</span>");
                }
            }
            let reasons: Vec<String> = kpi
                .excluded
                .iter()
                .map(|(reason, count)| format!("{count} {}", escaped(&reason.to_string())))
                .collect();
            vec![
                format!("{}<br><span class=\"cell\">{}</span>", capital(kpi.name), kpi.code),
                value,
                escaped(&kpi.numerator),
                escaped(&kpi.denominator),
                kpi.pending.to_string(),
                if reasons.is_empty() {
                    "0".to_owned()
                } else {
                    format!("<div class=\"why\">{}</div>", reasons.join("<br>"))
                },
                dash(kpi.target.as_deref().map(escaped)).replace(" %", "\u{a0}%"),
                health(kpi.health),
            ]
        })
        .collect();
    let mode = if report.all_orders {
        "every order counts in \"of\", decided or not"
    } else {
        "only decided orders count"
    };
    table(
        page,
        &format!("Targets: {}; {mode}.", report.targets_title),
        &["Figure", "#Value", "#Counted", "#Of", "#Pending", "Excluded", "Target", "Health"],
        &rows,
    );
    page.push_str(
        "<p class=\"soft\"><strong>Counted / of</strong> is what the value is computed from; for durations it is how many were measured and the value is their mean. \
         <strong>Pending</strong> orders are not decided yet, for example not shipped while there is still time: they move no rate. \
         <strong>Excluded</strong> orders never count, for the reason given. Nothing counted is \"no data\", never 100 %. \
         A figure looks at the orders whose own instant lies in the period: shipping rates at the payment, delivery rates at the promised day, durations at their end.</p>",
    );
    if !report.absent.is_empty() {
        page.push_str("<p class=\"soft\">Not in this file:</p>");
        list(
            page,
            report.absent.iter().map(|absent| {
                format!(
                    "{} {} (needs {})",
                    absent.code,
                    escaped(absent.name),
                    escaped(&absent.needs.join(", and "))
                )
            }),
        );
    }
}

const fn unit(report: &Report) -> (&'static str, &'static str) {
    match report.period {
        PeriodUnit::Month => ("month", "Months"),
        _ => ("week", "Weeks, by their Monday"),
    }
}

fn percent_of(ratio: &RatioLine) -> f64 {
    100.0 * as_float(ratio.numerator) / as_float(ratio.denominator).max(1.0)
}

fn series(page: &mut String, report: &Report) {
    let (name, labels_are) = unit(report);
    let labels: Vec<String> = report.periods.iter().map(|p| p.begins.to_string()).collect();
    let rates = |of: fn(&PeriodLine) -> Option<&RatioLine>| -> Vec<Option<Point>> {
        let point = |line: &PeriodLine| {
            of(line).map(|ratio| Point {
                value: percent_of(ratio),
                says: format!(
                    "{}: {} ({}/{})",
                    line.begins, ratio.percent, ratio.numerator, ratio.denominator
                ),
                partial: line.partial || ratio.denominator < FEW,
            })
        };
        report.periods.iter().map(point).collect()
    };
    let on_time: Vec<Line> = [
        Line {
            name: "shipped on time (KPI-01)",
            class: "a",
            points: rates(|line| line.on_time_shipping.as_ref()),
        },
        Line {
            name: "delivered on time",
            class: "b",
            points: rates(|line| line.on_time_delivery.as_ref()),
        },
    ]
    .into_iter()
    .filter(|line| line.points.iter().any(Option::is_some))
    .collect();
    let _ = write!(page, "<h2>On time, by {name}</h2>");
    if on_time.is_empty() {
        page.push_str("<p class=\"soft\">The file has no deadline that came: a column of ship_by or deliver_by is needed.</p>");
    } else {
        let values = on_time.iter().flat_map(|line| line.points.iter().flatten());
        let least = values.map(|point| point.value).fold(100.0, f64::min);
        // A scale from 0 would hide what happens between 90 and 100.
        let least = [80.0, 60.0, 40.0, 20.0].into_iter().find(|step| least >= *step).unwrap_or(0.0);
        let scale = Scale { least, most: 100.0, unit: " %" };
        let title = format!("Share of orders on time by {name}, in percent");
        let target = report.on_time_target.map(|share| {
            (f64::from(share) / 100.0, format!("target {}.{:02} %", share / 100, share % 100))
        });
        let target = target.as_ref().map(|(value, words)| (*value, words.as_str()));
        let chart = lines(&title, &labels, &on_time, &scale, target);
        let _ = write!(
            page,
            "<figure>{chart}<figcaption>{labels_are}; the axis begins at {least:.0} %. Shipping by the day of payment, delivery by the promised day. A hollow point is a {name} that the period cuts, or one with fewer than {FEW} orders.</figcaption></figure>"
        );
    }
    let _ = write!(page, "<h2>Orders placed, by {name}</h2>");
    let most = report.periods.iter().map(|line| line.orders).max().unwrap_or(0);
    let points = report
        .periods
        .iter()
        .map(|line| {
            Some(Point {
                value: as_float(line.orders),
                says: format!("{}: {} orders", line.begins, line.orders),
                partial: line.partial,
            })
        })
        .collect();
    let placed = [Line { name: "orders placed", class: "a", points }];
    let scale = Scale { least: 0.0, most: round_up(most.max(1)), unit: "" };
    let chart = lines(&format!("Orders placed by {name}"), &labels, &placed, &scale, None);
    let _ = write!(
        page,
        "<figure>{chart}<figcaption>{labels_are}. A hollow point is a {name} that the period cuts.</figcaption></figure>"
    );
}

fn trend(page: &mut String, report: &Report) {
    let Some(to) = report.trend_to else { return };
    let _ = write!(
        page,
        "<h2>Sales trend</h2><p>In the {} days up to {to}: <strong>{}</strong> orders, {} in the {} days before ({}).</p>",
        report.trend_days,
        report.trend.now,
        report.trend.before,
        report.trend_days,
        escaped(&report.trend.growth)
    );
    if !report.order_value.is_empty() {
        let values: Vec<String> = report.order_value.iter().map(|value| escaped(value)).collect();
        let _ = write!(page, "<p>An order is worth {} on average.</p>", values.join("; "));
    }
    if report.skus.is_empty() {
        page.push_str("<p class=\"soft\">The file has no column of SKUs.</p>");
        return;
    }
    let row = |sku: &super::figures::TrendLine| {
        let mark = if sku.fast {
            "grows fast"
        } else if sku.slow {
            "slow"
        } else {
            ""
        };
        vec![
            escaped(&sku.name),
            sku.now.to_string(),
            sku.before.to_string(),
            escaped(&sku.growth),
            mark.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = report.skus.iter().take(SHOWN).map(row).collect();
    table(
        page,
        "Units of paid orders that were not cancelled. Fast: 20 % more and at least 10 units. Slow: 20 % less, or not sold for 30 days.",
        &["SKU", "#Units", "#Before", "#Change", ""],
        &rows,
    );
    further(page, report.skus.len());
}

fn places(page: &mut String, report: &Report) {
    page.push_str("<h2>Regions</h2>");
    if report.regions.iter().all(|line| line.region.is_none()) {
        page.push_str("<p class=\"soft\">The file has no column of states or countries.</p>");
        return;
    }
    let name = |line: &super::figures::RegionLine| {
        line.region.clone().unwrap_or_else(|| "not known".to_owned())
    };
    let chart: Vec<(String, u64, String)> = report
        .regions
        .iter()
        .take(SHOWN)
        .map(|line| {
            let share = line.share.as_ref().map_or("–", |share| share.percent.as_str());
            (name(line), line.orders, format!("{} orders, {share}", line.orders))
        })
        .collect();
    if report.regions.len() > 1 {
        let _ = write!(page, "<figure>{}</figure>", bars("Orders by region", &chart));
    }
    let row = |line: &super::figures::RegionLine| {
        let value: Vec<String> = line.value.iter().map(|value| escaped(value)).collect();
        vec![
            escaped(&name(line)),
            line.orders.to_string(),
            dash(line.share.as_ref().map(|share| share.percent.clone())),
            if value.is_empty() { "–".to_owned() } else { value.join("<br>") },
            time(line.mean_transit_seconds),
            rate(line.late.as_ref()),
            if line.warehouse_hint { "a warehouse here may pay" } else { "" }.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = report.regions.iter().take(SHOWN).map(row).collect();
    table(
        page,
        "Paid orders that were not cancelled, by the day of payment; late are those of them that came after the promised day, or have not come although it is over. A warehouse may pay where 30 % of orders go and parcels take 7 days or more.",
        &["Region", "#Orders", "#Share", "#Value", "#Mean transit", "#Late", ""],
        &rows,
    );
    further(page, report.regions.len());
}

fn hours(page: &mut String, report: &Report) {
    let bars: Vec<(String, u64, String)> = report
        .hours
        .iter()
        .map(|hour| {
            let share =
                hour.share.map_or_else(String::new, |share| format!(", {}", share.percent()));
            let says = format!(
                "{:02}:00 to {:02}:59: {} orders{share}",
                hour.hour, hour.hour, hour.orders
            );
            (hour.hour.to_string(), hour.orders, says)
        })
        .collect();
    page.push_str("<h2>Hour of day</h2>");
    let busiest = report.hours.iter().rev().max_by_key(|hour| hour.orders);
    if let Some(busiest) = busiest.filter(|hour| hour.orders > 0) {
        let share =
            busiest.share.map_or_else(String::new, |share| format!(" ({})", share.percent()));
        let _ = write!(
            page,
            "<p>Most orders come between {:02}:00 and {:02}:59: {}{share}.</p>",
            busiest.hour, busiest.hour, busiest.orders
        );
    }
    let _ = write!(
        page,
        "<figure>{}<figcaption>Orders placed in each hour of the day, {}.</figcaption></figure>",
        columns("Orders by hour of day", &bars),
        escaped(&report.zone)
    );
}

fn carriers(page: &mut String, report: &Report) {
    page.push_str("<h2>Carriers</h2>");
    if report.carriers.is_empty() {
        page.push_str("<p class=\"soft\">No parcel was taken over by a carrier in this period, or the file has no column that says when.</p>");
        return;
    }
    let named = report.carriers.iter().any(|line| line.name != "unknown");
    let name =
        |name: &str| if named { name.to_owned() } else { "all (no column of carriers)".to_owned() };
    let chart: Vec<(String, u64, String)> = report
        .carriers
        .iter()
        .filter_map(|line| {
            let seconds = u64::try_from(line.transit.mean_seconds?).ok()?;
            Some((name(&line.name), seconds, in_words(line.transit.mean_seconds?)))
        })
        .take(SHOWN)
        .collect();
    if chart.len() > 1 {
        let _ = write!(
            page,
            "<figure>{}<figcaption>Mean time from the first scan to delivery.</figcaption></figure>",
            bars("Mean transit by carrier", &chart)
        );
    }
    let row = |line: &super::figures::CarrierLine| {
        let cost: Vec<String> = line.cost_per_parcel.iter().map(|cost| escaped(cost)).collect();
        vec![
            escaped(&name(&line.name)),
            line.parcels.to_string(),
            time(line.transit.mean_seconds),
            time(line.transit.p50_seconds),
            time(line.transit.p90_seconds),
            rate(line.on_time.as_ref()),
            line.pending.to_string(),
            rate(line.delivered.as_ref()),
            rate(line.lost_or_returned.as_ref()),
            if cost.is_empty() { "–".to_owned() } else { cost.join("<br>") },
        ]
    };
    let rows: Vec<Vec<String>> = report.carriers.iter().take(SHOWN).map(row).collect();
    table(
        page,
        "Parcels by their first scan. On time is by the promised day; pending promises have not come. Delivered and lost or returned are of the parcels decided: ended, or on the way for more than 30 days.",
        &[
            "Carrier",
            "#Parcels",
            "#Mean transit",
            "#Half within",
            "#90 of 100",
            "#On time",
            "#Pending",
            "#Delivered",
            "#Lost or returned",
            "#Cost per parcel",
        ],
        &rows,
    );
    further(page, report.carriers.len());
    list(page, report.carrier_alerts.iter().map(|alert| escaped(alert)));
}

fn sellers(page: &mut String, report: &Report) {
    if report.sellers.is_empty() {
        return;
    }
    page.push_str("<h2>Sellers</h2>");
    let row = |line: &super::figures::SellerLine| {
        vec![
            escaped(&line.name),
            line.orders.to_string(),
            rate(line.on_time_shipping.as_ref()),
            rate(line.on_time_delivery.as_ref()),
            time(line.handling.as_ref().and_then(|handling| handling.mean_seconds)),
        ]
    };
    let rows: Vec<Vec<String>> = report.sellers.iter().take(SHOWN).map(row).collect();
    table(
        page,
        "Paid orders of each seller.",
        &["Seller", "#Orders", "#Shipped on time", "#Delivered on time", "#Mean handling time"],
        &rows,
    );
    further(page, report.sellers.len());
}

fn row_notes(page: &mut String, title: &str, what: &str, notes: &RowNotes) {
    if notes.count == 0 {
        return;
    }
    let _ = write!(page, "<h2>{title}: {}</h2>", notes.count);
    let row = |note: &super::read::RowNote| {
        vec![
            note.line.to_string(),
            dash(note.column.as_deref().map(escaped)),
            escaped(&note.reason),
        ]
    };
    let rows: Vec<Vec<String>> = notes.first.iter().take(NOTES_SHOWN).map(row).collect();
    table(page, what, &["#Line", "Column", "Reason"], &rows);
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    if notes.count > shown {
        let _ = write!(page, "<p class=\"soft\">{} more are not shown.</p>", notes.count - shown);
    }
}
