//! Orders whose rows lie anywhere in a file: whole, or told; and files far larger than memory.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Read;
use std::rc::Rc;

use orderflow::PlatformOrderId;
use orderflow::order::PlatformOrder;
use orderflow::platforms::csv::{CsvOrders, CsvShop, ImportReport, Mapping, RowErrorCode as Code};
use orderflow::ports::{Cursor, MarketplaceAdapter, OrderQuery, PlatformItem};

use super::house::{HEADER, at, file, mapping, read, row};

/// The rows of order A before and after those of many others.
fn split(others: usize) -> String {
    let mut text = file(&[("A", "FIRST"), ("A", "SECOND")]);
    for number in 0..others {
        text.push_str(&row(&format!("B-{number}"), "1"));
        text.push('\n');
    }
    text.push_str(&row("A", "LAST"));
    text.push('\n');
    text
}

/// The orders of a shop's list, and what could not be read.
async fn listed(shop: &CsvShop) -> (Vec<PlatformOrder>, Vec<String>) {
    let query = OrderQuery::Released;
    let (mut orders, mut errors) = (Vec::new(), Vec::new());
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = shop.list_orders(&query, cursor.as_ref()).await.unwrap();
        for item in page.items {
            match item {
                PlatformItem::Read(order) => orders.push(*order),
                PlatformItem::Unreadable(bad) => errors.push(bad.reason),
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return (orders, errors);
        }
    }
}

fn shop_over(text: &str, mapping: Mapping) -> (tempfile::TempDir, CsvShop) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.csv"), text).unwrap();
    let orders = folder.path().join("orders.csv");
    let shop = CsvShop::open(orders, mapping, folder.path().join("shipped.csv")).unwrap();
    (folder, shop)
}

#[tokio::test]
async fn an_order_whose_rows_lie_further_apart_than_the_look_back_is_whole_in_a_shop() {
    let (_folder, shop) = shop_over(&format!("\u{feff}sep=,\n{}", split(1_000)), mapping());
    let shop = shop.with_page_size(300);
    let (orders, errors) = listed(&shop).await;
    assert_eq!((orders.len(), errors), (1_001, Vec::new()));
    let skus: Vec<&str> =
        orders[0].lines.iter().map(|line| line.sku.as_ref().unwrap().as_str()).collect();
    assert_eq!((orders[0].id.as_str(), skus), ("A", vec!["FIRST", "LAST", "SECOND"]));
    // A single read, and a list that goes on after a restart, say the same.
    let alone = shop.get_order(&PlatformOrderId::from_static("A")).await.unwrap();
    assert_eq!(alone.lines, orders[0].lines);
    let (_other, restarted) = shop_over(&split(1_000), mapping());
    let restarted = restarted.with_page_size(300);
    let page =
        restarted.list_orders(&OrderQuery::Released, Some(&Cursor::new("300"))).await.unwrap();
    let PlatformItem::Read(order) = &page.items[0] else { panic!("{page:?}") };
    assert_eq!(order.id, orders[300].id);
}

#[tokio::test]
async fn a_far_row_that_disagrees_or_is_bad_costs_the_whole_order_and_names_the_rows() {
    for (bad, told) in [
        (split(400).replace("Denver,80202,US,USD,LAST", "Dover,80202,US,USD,LAST"), "column city"),
        (split(400).replace("LAST,2,", "LAST,none,"), "column qty"),
    ] {
        let (_folder, shop) = shop_over(&bad, mapping());
        let (orders, errors) = listed(&shop).await;
        assert!(orders.iter().all(|order| order.id.as_str() != "A"));
        assert_eq!((orders.len(), errors.len()), (400, 3), "{errors:?}");
        assert!(errors[0].starts_with("row 2: ") && errors[2].starts_with("row 404"), "{errors:?}");
        assert!(errors[2].contains(told), "{errors:?}");
    }
}

#[tokio::test]
async fn a_file_of_nothing_but_spread_orders_gives_each_of_them_whole() {
    // The first rows of all orders, then their last ones: every order is spread.
    let mut text = file(&[]);
    for sku in ["FIRST", "LAST"] {
        for number in 0..3_000 {
            text.push_str(&row(&format!("A-{number}"), sku));
            text.push('\n');
        }
    }
    let (_folder, shop) = shop_over(&text, mapping());
    let (orders, errors) = listed(&shop).await;
    assert_eq!((orders.len(), errors.len()), (3_000, 0));
    for order in &orders {
        let skus: Vec<&str> =
            order.lines.iter().map(|line| line.sku.as_ref().unwrap().as_str()).collect();
        assert_eq!(skus, ["FIRST", "LAST"], "{}", order.id);
    }
}

#[tokio::test]
async fn a_far_row_that_is_written_later_is_joined_the_next_time_the_file_is_read() {
    let (folder, shop) = shop_over(&split(400), mapping());
    assert_eq!(listed(&shop).await.0[0].lines.len(), 3);
    let text = format!("{}{}\n", split(400), row("A", "NEW"));
    std::fs::write(folder.path().join("orders.csv"), text).unwrap();
    let (orders, errors) = listed(&shop).await;
    assert_eq!((orders[0].lines.len(), errors), (4, Vec::new()));
}

#[test]
fn a_stream_tells_which_orders_it_gave_out_without_their_later_rows() {
    let text = split(400);
    let mut report = ImportReport::default();
    let now = at("2026-03-02T00:00:00Z");
    for read in CsvOrders::new(text.as_bytes(), &mapping()).unwrap() {
        report.count(read, |_| None, now);
    }
    let a = PlatformOrderId::from_static("A");
    assert_eq!(report.incomplete, BTreeSet::from([a.clone()]));
    let error = &report.rejected[0];
    assert_eq!((report.rejected.len(), error.row, error.code), (1, 404, Code::OrderAlreadyGiven));
    assert_eq!((error.order.as_ref(), error.column.as_deref()), (Some(&a), Some("order_id")));
    // With a look-back that reaches, nothing is missing.
    let mut report = ImportReport::default();
    for read in CsvOrders::new(text.as_bytes(), &mapping().with_look_back(500)).unwrap() {
        report.count(read, |_| None, now);
    }
    assert_eq!((report.imported, report.rejected.len(), report.incomplete.len()), (401, 0, 0));
}

#[test]
fn rows_that_follow_each_other_are_one_order_however_many_they_are() {
    let skus: Vec<String> = (0..1_000).map(|number| format!("S-{number:04}")).collect();
    let mut rows = vec![("Z", "1")];
    rows.extend(skus.iter().map(|sku| ("A", sku.as_str())));
    rows.push(("B", "1"));
    let (orders, errors) = read(file(&rows).as_bytes(), &mapping().with_look_back(0));
    assert_eq!(errors, []);
    assert_eq!(orders.iter().map(|order| order.lines.len()).collect::<Vec<_>>(), [1, 1_000, 1]);
}

/// So many rows of one length, two to an order, made as they are read.
struct Made {
    rows: u64,
    next: u64,
    line: Vec<u8>,
    at: usize,
    given: Rc<Cell<u64>>,
}

impl Made {
    fn new(rows: u64, given: &Rc<Cell<u64>>) -> Self {
        let line = format!("{}\n", HEADER.replace("address_1", "address1")).into_bytes();
        Self { rows, next: 0, line, at: 0, given: Rc::clone(given) }
    }

    fn row(number: u64) -> String {
        format!("{}\n", row(&format!("{:09}", number / 2), &format!("S{}", number % 2)))
    }
}

impl Read for Made {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.line.len() {
            if self.next == self.rows {
                return Ok(0);
            }
            (self.line, self.at) = (Self::row(self.next).into_bytes(), 0);
            self.next += 1;
        }
        let count = into.len().min(self.line.len() - self.at);
        into[..count].copy_from_slice(&self.line[self.at..self.at + count]);
        self.at += count;
        self.given.set(self.given.get() + count as u64);
        Ok(count)
    }
}

/// Names of a child process that does the reading alone.
const CHILD: &str = "ORDERFLOW_TEST_CHILD";
const ROWS: u64 = 200_000;

/// The most memory that this process ever had, in bytes, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}

#[test]
fn two_hundred_thousand_rows_are_read_in_memory_that_does_not_grow_with_them() {
    // Other tests of this process use memory too: the reading is done in a process of its own.
    if std::env::var_os(CHILD).is_none() {
        let name =
            "spread::two_hundred_thousand_rows_are_read_in_memory_that_does_not_grow_with_them";
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    let given = Rc::new(Cell::new(0));
    let length = Made::row(0).len() as u64;
    let (mut orders, before) = (0_u64, peak());
    let mut ahead = 0;
    for read in CsvOrders::new(Made::new(ROWS, &given), &mapping()).unwrap() {
        assert_eq!(read.unwrap().lines.len(), 2);
        orders += 1;
        ahead = ahead.max(given.get() - 2 * orders * length);
    }
    assert_eq!(orders, ROWS / 2);
    // The look-back, the buffer of 64 KiB, the header's.
    let most = 257 * length + (1 << 16) + (1 << 14);
    assert!(ahead <= most, "{ahead} bytes were read ahead, {most} may be");
    if let (Some(before), Some(after)) = (before, peak()) {
        // 36 bytes an order, while the table of them grows the older one as well, and what the
        // reader holds: kept rows alone would be more than 20 million bytes.
        let most = 12 << 20;
        assert!(after - before < most, "{} bytes more", after - before);
    }
}
