//! Files that nobody meant: cut characters, stray quotes, rows without an end.

use std::io::Read;

use orderflow::PlatformOrderId;
use orderflow::platforms::csv::{CsvOrders, CsvShop, RowError, RowErrorCode as Code};
use orderflow::ports::MarketplaceAdapter;

use super::house::{HEADER, file, mapping, read, row};

/// Gives a few bytes at a time, however many are asked for.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(into.len());
        let (now, later) = self.0.split_at(count);
        into[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

/// The ids of the orders, and the errors: nothing may be lost beside them.
fn found(file: &[u8]) -> (Vec<String>, Vec<RowError>) {
    let (orders, errors) = read(file, &mapping());
    (orders.iter().map(|order| order.id.to_string()).collect(), errors)
}

/// A bad row between two good ones.
fn around(bad: &[u8]) -> RowError {
    let mut text = file(&[("GOOD-1", "1")]).into_bytes();
    text.extend_from_slice(bad);
    text.extend_from_slice(format!("\n{}\n", row("GOOD-2", "1")).as_bytes());
    let (ids, mut errors) = found(&text);
    assert_eq!(ids, ["GOOD-1", "GOOD-2"]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

#[test]
fn a_character_cut_by_the_end_of_a_cell_is_an_error_of_that_cell() {
    // The two bytes of an é, with the end of a cell between them: together they are good UTF-8.
    let good = row("BAD", "1").into_bytes();
    let at = good.windows(6).position(|bytes| bytes == b"Denver").unwrap() + 6;
    let mut bad = good[..at].to_vec();
    bad.extend_from_slice(b"\xC3,\xA9");
    bad.extend_from_slice(&good[at + 1..]);
    let error = around(&bad);
    assert_eq!((error.row, error.column.as_deref(), error.code), (3, Some("city"), Code::NotUtf8));
    assert_eq!(error.order.unwrap().as_str(), "BAD");
}

#[test]
fn a_character_cut_by_the_end_of_a_read_is_whole() {
    let text = file(&[("Ä-1", "1"), ("日本-2", "Ж")]).replace("Canary Name", "José Núñez 🚚");
    let whole = read(text.as_bytes(), &mapping());
    assert_eq!((whole.0.len(), whole.1.len()), (2, 0));
    for size in 1..8 {
        let rows = CsvOrders::new(Drops(text.as_bytes(), size), &mapping()).unwrap();
        let orders: Vec<_> = rows.map(Result::unwrap).collect();
        assert_eq!(orders, whole.0, "{size} bytes at a time");
    }
}

#[test]
fn a_mark_carriage_returns_and_quotes_in_the_middle_change_nothing() {
    let text = file(&[("A", "1"), ("B", "1")]);
    let plain = read(text.as_bytes(), &mapping());
    let dressed = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(read(dressed.as_bytes(), &mapping()), plain);
    let (orders, errors) =
        read(text.replace("1 Canary", "1 \"The\" Canary").as_bytes(), &mapping());
    assert_eq!(errors, []);
    for order in orders {
        let lines = &order.recipient.unwrap().address.lines;
        assert_eq!(lines[0].as_str(), "1 \"The\" Canary Street");
    }
}

#[test]
fn a_nul_is_no_id_and_costs_only_its_row() {
    let error = around(row("B\0D", "1").as_bytes());
    assert_eq!(
        (error.row, error.column.as_deref(), error.code),
        (3, Some("order_id"), Code::BadId)
    );
}

#[test]
fn a_header_in_the_middle_is_a_row_that_cannot_be_read() {
    let error = around(HEADER.replace("address_1", "address1").as_bytes());
    assert_eq!(
        (error.row, error.column.as_deref(), error.code),
        (3, Some("currency"), Code::BadCurrency)
    );
}

#[test]
fn a_quote_that_is_never_closed_is_told_with_the_row_it_begins_in() {
    let text = format!(
        "{}{}\n{}\n",
        file(&[("GOOD-1", "1")]),
        row("BAD", "1").replace("1 Canary", "\"1 Canary"),
        row("SWALLOWED", "1"),
    );
    let (ids, errors) = found(text.as_bytes());
    assert_eq!(ids, ["GOOD-1"]);
    assert_eq!((errors.len(), errors[0].row, errors[0].code), (1, 3, Code::CellCount));
    // What it swallowed is kept beside the error.
    assert!(errors[0].raw.as_str().contains("SWALLOWED"));
}

#[test]
fn a_cell_of_ten_megabytes_costs_only_its_order() {
    let bad = row("BAD", "1").replace("Canary Name", &"x".repeat(10_000_000));
    let error = around(bad.as_bytes());
    assert_eq!((error.row, error.line, error.code), (3, 3, Code::TooLarge));
    assert_eq!(error.order.unwrap().as_str(), "BAD");
    assert!(error.raw.as_str().len() < 100_000);
}

#[test]
fn a_hundred_thousand_columns_are_read_and_more_cells_than_a_row_can_have_are_not() {
    let names: String = (0..100_000).map(|number| format!(",x{number}")).collect();
    let cells = ",1".repeat(100_000);
    let header = HEADER.replace("address_1", "address1");
    let text = format!("{header}{names}\n{}{cells}\n{}\n", row("A", "1"), row("B", "1"));
    let (orders, errors) = read(text.as_bytes(), &mapping());
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].lines[0].personal_attributes.len(), 100_000);
    assert_eq!((errors.len(), errors[0].row, errors[0].code), (1, 3, Code::CellCount));

    let error = around(format!("{}{}", row("BAD", "1"), ",".repeat(300_000)).as_bytes());
    assert_eq!((error.code, error.order.unwrap().as_str()), (Code::TooLarge, "BAD"));
}

#[test]
fn a_header_without_an_end_is_refused() {
    let text = format!("order_id,\"{}", "x".repeat(3_000_000));
    let (ids, errors) = found(text.as_bytes());
    assert_eq!((ids.len(), errors[0].row, errors[0].code), (0, 1, Code::TooLarge));
}

/// A good row, then a row whose quote is never closed, without ever being in memory.
struct Endless {
    head: Vec<u8>,
    given: usize,
    length: usize,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = into.len().min(self.length - self.given);
        for (place, byte) in into[..count].iter_mut().enumerate() {
            *byte = self.head.get(self.given + place).copied().unwrap_or(b'x');
        }
        self.given += count;
        Ok(count)
    }
}

/// The most memory that this process ever had, in kilobytes, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn what_a_quote_without_an_end_swallows_is_passed_over_without_being_kept() {
    const SIZE: usize = 96 << 20;
    let head = format!("{}BAD,\"", file(&[("GOOD-1", "1")])).into_bytes();
    let before = peak();
    let file = Endless { head, given: 0, length: SIZE };
    let mut rows = CsvOrders::new(file, &mapping().with_look_back(0)).unwrap();
    assert_eq!(rows.next().unwrap().unwrap().id.as_str(), "GOOD-1");
    let error = rows.next().unwrap().unwrap_err();
    assert_eq!((error.row, error.code), (3, Code::TooLarge));
    assert_eq!(error.order.unwrap().as_str(), "BAD");
    assert!(rows.next().is_none());
    if let (Some(before), Some(after)) = (before, peak()) {
        // Other tests of this process use some as well; a kept row would take twice its size.
        assert!(after - before < (SIZE as u64 >> 10), "{} kB more", after - before);
    }
}

#[tokio::test]
async fn orders_behind_a_row_that_is_too_large_are_found_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let bad = row("BAD", "1").replace("Canary Name", &"x".repeat(2_000_000));
    let text = format!("\u{feff}{}{bad}\n\n{}\n", file(&[("A", "1")]), row("B", "1"));
    std::fs::write(folder.path().join("orders.csv"), text).unwrap();
    let export = folder.path().join("shipped.csv");
    let shop = CsvShop::open(folder.path().join("orders.csv"), mapping(), export).unwrap();
    for id in ["B", "A"] {
        let order = shop.get_order(&PlatformOrderId::new(id).unwrap()).await.unwrap();
        assert_eq!(order.lines[0].quantity, 2);
    }
    let error = shop.get_order(&PlatformOrderId::from_static("BAD")).await.unwrap_err();
    assert!(error.to_string().contains("row 3: the row is too large"), "{error}");
}
