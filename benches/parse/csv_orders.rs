//! Importing CSV files, beside the csv crate's own deserialisation of the same file.

use std::hint::black_box;
use std::io::Read;

use csv::StringRecord;
use orderflow::order::PlatformOrder;
use orderflow::platforms::csv::{CsvOrders, Mapping};
use serde::Deserialize;

use super::support::split_mix;
use super::{contest, median, print};

const HEADER: &str = "order_id,placed_at,buyer_name,email,recipient_name,phone,address_line_1,\
                      address_line_2,city,state,zip,country,shipping_service,currency,sku,title,\
                      quantity,unit_price,tax,shipping,weight_grams,color\n";

/// The file's row as the csv crate reads it.
#[derive(Deserialize)]
#[expect(dead_code, reason = "the contest is about reading them")]
struct Row {
    order_id: String,
    placed_at: String,
    buyer_name: Option<String>,
    email: Option<String>,
    recipient_name: String,
    phone: Option<String>,
    address_line_1: String,
    address_line_2: Option<String>,
    city: String,
    state: Option<String>,
    zip: String,
    country: String,
    shipping_service: Option<String>,
    currency: String,
    sku: String,
    title: String,
    quantity: u32,
    unit_price: String,
    tax: Option<String>,
    shipping: Option<String>,
    weight_grams: Option<String>,
    color: Option<String>,
}

/// Writes rows as they are asked for: a file of any length without its memory.
struct Made {
    left: usize,
    number: usize,
    state: u64,
    chunk: Vec<u8>,
    at: usize,
}

impl Made {
    fn new(rows: usize) -> Self {
        Self { left: rows, number: 0, state: 5, chunk: HEADER.as_bytes().to_vec(), at: 0 }
    }

    /// One order of 1 to 3 lines.
    fn more(&mut self) {
        let draw = split_mix(&mut self.state);
        let lines = (1 + usize::from(draw % 10 > 6) + usize::from(draw % 10 > 8)).min(self.left);
        self.number += 1;
        let (number, day) = (self.number, 1 + draw % 28);
        for line in 0..lines {
            let item = split_mix(&mut self.state);
            let row = format!(
                "{number:012},2026-03-{day:02}T10:{:02}:00Z,Ana María {number},b{number}@example.com,\
                 Ana María {number},+1 555 {:07},\"{} Example Street, Unit {}\",,Denver,CO,{:05},US,\
                 Standard,USD,SKU-{:06}-{line},A thing to hold things number {},{},{}.{:02},{}.{:02},\
                 4.99,{},blue\n",
                draw % 60,
                draw % 10_000_000,
                draw % 9_999,
                draw % 90,
                draw % 100_000,
                item % 1_000_000,
                item % 5_000,
                1 + item % 3,
                item % 200,
                item % 100,
                item % 9,
                item % 100,
                100 + item % 4_000,
            );
            self.chunk.extend_from_slice(row.as_bytes());
        }
        self.left -= lines;
    }
}

impl Read for Made {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.chunk.len() {
            self.chunk.clear();
            self.at = 0;
            while self.left > 0 && self.chunk.len() < 60_000 {
                self.more();
            }
        }
        let read = buffer.len().min(self.chunk.len() - self.at);
        buffer[..read].copy_from_slice(&self.chunk[self.at..self.at + read]);
        self.at += read;
        Ok(read)
    }
}

fn mapping() -> Mapping {
    Mapping::preset("orderflow").unwrap()
}

fn ours(file: &[u8]) -> Vec<PlatformOrder> {
    CsvOrders::new(file, &mapping()).unwrap().map(Result::unwrap).collect()
}

/// Every row with its record reused.
fn theirs(file: &[u8], mut each: impl FnMut(Row)) {
    let mut reader = csv::Reader::from_reader(file);
    let header = reader.headers().unwrap().clone();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).unwrap() {
        each(record.deserialize(Some(&header)).unwrap());
    }
}

fn same_answers(file: &[u8]) -> usize {
    let orders = ours(file);
    let mut lines = Vec::new();
    for order in &orders {
        let recipient = order.recipient.as_ref().unwrap();
        for line in &order.lines {
            lines.push((
                order.id.to_string(),
                line.sku.as_ref().unwrap().to_string(),
                line.quantity,
                line.unit_price.amount.to_string(),
                recipient.address.line1().to_owned(),
            ));
        }
    }
    let mut rows = Vec::new();
    theirs(file, |row| {
        rows.push((row.order_id, row.sku, row.quantity, row.unit_price, row.address_line_1));
    });
    lines.sort();
    rows.sort();
    assert_eq!(lines, rows);
    orders.len()
}

/// A line of `/proc/self/status` in kB; none on other systems.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
}

/// Peak memory while a long file is read order by order.
pub(crate) fn memory(quick: bool) {
    let rows = if quick { 100_000 } else { 1_000_000 };
    let before = status("VmRSS");
    let (mut orders, mut lines) = (0_usize, 0_usize);
    for order in CsvOrders::new(Made::new(rows), &mapping()).unwrap() {
        lines += order.unwrap().lines.len();
        orders += 1;
    }
    assert_eq!(lines, rows);
    println!("CSV: {rows} rows, {orders} orders, one by one");
    if let (Some(before), Some(peak)) = (before, status("VmHWM")) {
        println!(
            "  peak memory {} MB, of which before the import {} MB",
            peak / 1024,
            before / 1024
        );
    }
}

pub(crate) fn run(quick: bool) {
    let (rows, rounds) = if quick { (20_000, 3) } else { (200_000, 7) };
    let mut file = Vec::new();
    Made::new(rows).read_to_end(&mut file).unwrap();
    let orders = same_answers(&file);
    let times = contest(
        rounds,
        &mut [
            &mut || {
                for order in CsvOrders::new(black_box(file.as_slice()), &mapping()).unwrap() {
                    black_box(order.unwrap());
                }
            },
            &mut || theirs(black_box(&file), |row| drop(black_box(row))),
        ],
    );
    println!("CSV: {rows} rows, {orders} orders, {} MB, {rounds} rounds", file.len() / 1_000_000);
    print("rows to orders", &times[0], orders, file.len());
    print("the csv crate, rows to structs of texts", &times[1], orders, file.len());
    println!("  ratio {:.2} (wanted: at least 0.5)", median(&times[1]) / median(&times[0]));
}
