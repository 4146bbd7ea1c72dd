//! W3: reading orders. Each platform's parse function beside hand-written code for the same bytes,
//! round by round in one process.
//!
//! ```text
//! cargo bench --bench parse -- [--quick]
//! ```
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that panics has failed"
)]

#[path = "parse/csv_orders.rs"]
mod csv_orders;
#[path = "parse/mercado_libre.rs"]
mod mercado_libre;
mod support;
#[path = "parse/tiktok_shop.rs"]
mod tiktok_shop;
#[path = "parse/walmart.rs"]
mod walmart;

use std::time::Instant;

use self::support::split_mix;

const WORDS: [&str; 16] = [
    "steel",
    "bottle",
    "large",
    "kitchen",
    "organizer",
    "black",
    "outdoor",
    "cotton",
    "travel",
    "premium",
    "set",
    "with",
    "handle",
    "wireless",
    "compact",
    "storage",
];

/// A title of 8 to 22 words, some with a quote that JSON escapes.
pub(crate) fn title(state: &mut u64) -> String {
    let mut draw = |below: u64| split_mix(state) % below;
    let mut title = String::new();
    for _ in 0..8 + draw(15) {
        title.push_str(WORDS[usize::try_from(draw(16)).unwrap()]);
        title.push(' ');
    }
    if draw(100) < 15 {
        title.push_str("12\\\" wide ");
    }
    title.push('x');
    title
}

/// Seconds that this thread has been running, so that other work of the machine does not count; the
/// seconds since `begun` where the system does not tell.
fn seconds(begun: Instant) -> f64 {
    // The account is brought up to date when the thread gives way.
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos: Option<f64> = account.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| begun.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

/// Runs the contestants in turn, `rounds` times, and returns the seconds of each, by contestant.
pub(crate) fn contest(rounds: usize, contestants: &mut [&mut dyn FnMut()]) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(rounds); contestants.len()];
    let start = Instant::now();
    for _ in 0..rounds {
        for (contestant, times) in contestants.iter_mut().zip(&mut times) {
            let begun = seconds(start);
            contestant();
            times.push(seconds(start) - begun);
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    times
}

pub(crate) fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Prints a contestant: orders and megabytes a second at the median, and the spread.
pub(crate) fn print(name: &str, sorted: &[f64], orders: usize, bytes: usize) {
    let middle = median(sorted);
    println!(
        "  {name:<46} {:>10.0} orders/s {:>7.1} MB/s  ({:.4} s; {:.4} to {:.4})",
        orders as f64 / middle,
        bytes as f64 / middle / 1e6,
        middle,
        sorted[0],
        sorted[sorted.len() - 1],
    );
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    // Memory is measured before anything else has grown the process.
    csv_orders::memory(quick);
    csv_orders::run(quick);
    walmart::run(quick);
    mercado_libre::run(quick);
    tiktok_shop::run(quick);
}
