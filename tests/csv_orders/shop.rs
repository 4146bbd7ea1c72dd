use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use orderflow::conformance::marketplaces;
use orderflow::order::UnitStatus;
use orderflow::platforms::csv::CsvShop;
use orderflow::ports::{
    CarrierNaming, MarketplaceAdapter, MarketplaceExt, OrderQuery, PlatformItem, ShipmentNotice,
    ShipmentNoticeLine,
};
use orderflow::{
    CarrierId, ErrorKind, IdempotencyKey, LineId, PackageId, PlatformOrderId, ServiceCode,
    TrackingNumber,
};

use super::house::{at, file, mapping, row};

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    writeln!(file, "{text}").unwrap();
}

fn shop(folder: &Path, text: &str) -> CsvShop {
    std::fs::write(folder.join("orders.csv"), text).unwrap();
    CsvShop::open(folder.join("orders.csv"), mapping(), folder.join("shipped.csv")).unwrap()
}

fn notice(order: &str, line: &str, units: u32, number: &str) -> ShipmentNotice {
    ShipmentNotice {
        order: PlatformOrderId::new(order).unwrap(),
        package: PackageId::from_static("PK-1"),
        lines: vec![ShipmentNoticeLine {
            line: LineId::new(line).unwrap(),
            reference: None,
            units,
        }],
        carrier: CarrierId::from_static("usps"),
        service: ServiceCode::from_static("GROUND"),
        number: Some(TrackingNumber::new(number).unwrap()),
        tracking_url: Some("https://tracking.example/?a=1,2".into()),
        shipped_at: at("2026-03-02T10:00:00Z"),
        requested_service: None,
        override_cancel_request: false,
    }
}

fn key() -> IdempotencyKey {
    IdempotencyKey::derive(&["test"])
}

fn everything() -> OrderQuery {
    OrderQuery::Updated { from: at("2026-01-01T00:00:00Z"), to: at("2026-01-02T00:00:00Z") }
}

async fn listed(shop: &CsvShop, query: &OrderQuery) -> Vec<String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    shop.for_each_page(query, |page| {
        for item in page.items {
            let id = match item {
                PlatformItem::Read(order) => order.id.to_string(),
                PlatformItem::Unreadable(bad) => format!("! {}", bad.reason),
            };
            sender.send(id).unwrap();
        }
        std::future::ready(Ok(()))
    })
    .await
    .unwrap();
    drop(sender);
    receiver.iter().collect()
}

#[tokio::test]
async fn the_shop_over_a_file_passes_the_suite_for_marketplaces() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(folder.path(), &file(&[])).with_page_size(3);
    let path = folder.path().join("orders.csv");
    let count = AtomicU32::new(0);
    let fixture = marketplaces::Fixture {
        fresh: Box::new(move || {
            let id = format!("F-{}", count.fetch_add(1, Ordering::SeqCst));
            append(&path, &row(&id, "MUG"));
            PlatformOrderId::new(id).unwrap()
        }),
        window: (at("2026-02-01T00:00:00Z"), at("2026-04-01T00:00:00Z")),
        carrier: (CarrierId::from_static("usps"), ServiceCode::from_static("GROUND")),
        now: at("2026-03-02T00:00:00Z"),
    };
    let report = marketplaces::run(Arc::new(shop), &fixture).await;
    println!("{report}");
    report.assert_passed();
}

#[tokio::test]
async fn pages_go_through_the_file_and_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (0..10).map(|n| format!("A-{n}")).collect();
    let rows: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "1")).collect();
    let shop = shop(folder.path(), &file(&rows)).with_page_size(4);
    assert_eq!(listed(&shop, &everything()).await, ids);

    let first = shop.list_orders(&everything(), None).await.unwrap();
    let (orders, export) = (folder.path().join("orders.csv"), folder.path().join("other.csv"));
    let restarted = CsvShop::open(orders, mapping(), export).unwrap().with_page_size(4);
    let second = restarted.list_orders(&everything(), first.next.as_ref()).await.unwrap();
    let PlatformItem::Read(order) = &second.items[0] else { panic!("{second:?}") };
    assert_eq!(order.id.as_str(), "A-4");
}

#[tokio::test]
async fn windows_of_placement_are_half_open() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(folder.path(), &file(&[("A", "1")]));
    let midnight = at("2026-03-01T00:00:00Z");
    let hour = chrono::TimeDelta::hours(1);
    let window = |from, to| OrderQuery::Created { from, to };
    assert_eq!(listed(&shop, &window(midnight, midnight + hour)).await, ["A"]);
    assert!(listed(&shop, &window(midnight - hour, midnight)).await.is_empty());
}

#[tokio::test]
async fn bad_rows_are_kept_as_unreadable_and_cost_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let bad = row("B", "1").replace(",2,10.00", ",0,10.00");
    let text = format!("{}{bad}\n{}\n", file(&[("A", "1")]), row("C", "1"));
    let shop = shop(folder.path(), &text);
    let found = listed(&shop, &OrderQuery::Released).await;
    assert_eq!(found, ["A", "! row 3, column qty: no whole number of at least 1", "C"]);
    let error = shop.get_order(&PlatformOrderId::from_static("B")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
    assert!(error.to_string().contains("row 3, column qty"), "{error}");
}

#[tokio::test]
async fn a_shipment_is_a_row_on_disk_that_survives_a_restart_and_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = shop(folder.path(), &file(&[("A", "1")]));
    let told = first.confirm_shipment(&notice("A", "1", 1, "W1"), &key()).await.unwrap();
    assert!(!told.already);
    let written = std::fs::read_to_string(folder.path().join("shipped.csv")).unwrap();
    let wanted = "order_id,line_id,units,carrier,service,tracking_number,tracking_url,shipped_at\n\
                  A,1,1,usps,GROUND,W1,\"https://tracking.example/?a=1,2\",2026-03-02T10:00:00Z\n";
    assert_eq!(written, wanted);
    assert_eq!(listed(&first, &OrderQuery::Released).await, ["A"], "one unit is still here");
    drop(first);

    let again = shop(folder.path(), &file(&[("A", "1")]));
    let told = again.confirm_shipment(&notice("A", "1", 1, "W1"), &key()).await.unwrap();
    assert!(told.already);
    let order = again.get_order(&PlatformOrderId::from_static("A")).await.unwrap();
    let units: Vec<_> =
        order.lines[0].units.iter().map(|group| (group.status.clone(), group.units)).collect();
    assert_eq!(units, [(UnitStatus::Shipped, 1), (UnitStatus::New, 1)]);
    again.confirm_shipment(&notice("A", "1", 1, "W2"), &key()).await.unwrap();
    assert!(listed(&again, &OrderQuery::Released).await.is_empty());
    let error = again.confirm_shipment(&notice("A", "1", 1, "W3"), &key()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let written = std::fs::read_to_string(folder.path().join("shipped.csv")).unwrap();
    assert_eq!(written.lines().count(), 3);
}

#[tokio::test]
async fn half_a_row_left_by_a_crash_is_cut_off_and_told_anew() {
    let folder = tempfile::tempdir().unwrap();
    let first = shop(folder.path(), &file(&[("A", "1")]));
    first.confirm_shipment(&notice("A", "1", 1, "W1"), &key()).await.unwrap();
    drop(first);
    let path = folder.path().join("shipped.csv");
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let again = shop(folder.path(), &file(&[("A", "1")]));
        again.confirm_shipment(&notice("A", "1", 1, "W1"), &key()).await.unwrap();
        drop(again);
        assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at {length}");
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_before_anything_is() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(folder.path(), &file(&[("A", "1")]));
    let before = std::fs::read(folder.path().join("shipped.csv")).unwrap();
    let mut untracked = notice("A", "1", 1, "W1");
    untracked.number = None;
    let mut empty = notice("A", "1", 1, "W1");
    empty.lines.clear();
    for (notice, kind) in [
        (untracked, ErrorKind::Unsupported),
        (empty, ErrorKind::InvalidInput),
        (notice("A", "1", 0, "W1"), ErrorKind::InvalidInput),
        (notice("A", "2", 1, "W1"), ErrorKind::InvalidInput),
        (notice("A", "1", 3, "W1"), ErrorKind::Rejected),
        (notice("B", "1", 1, "W1"), ErrorKind::NotFound),
    ] {
        let error = shop.confirm_shipment(&notice, &key()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(std::fs::read(folder.path().join("shipped.csv")).unwrap(), before);
}

#[test]
fn an_export_has_one_writer_and_foreign_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let first = shop(folder.path(), &file(&[]));
    let orders = folder.path().join("orders.csv");
    let second = CsvShop::open(&orders, mapping(), folder.path().join("shipped.csv"));
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Configuration);
    drop(first);
    let foreign = folder.path().join("foreign.csv");
    std::fs::write(&foreign, "a,b\n1,2\n").unwrap();
    let refused = CsvShop::open(&orders, mapping(), &foreign);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "a,b\n1,2\n");
}

#[test]
fn every_carrier_is_called_by_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(folder.path(), &file(&[]));
    let carrier = CarrierId::from_static("anyone");
    let found = shop.carrier_name(&carrier, &ServiceCode::from_static("x"));
    assert_eq!(found, CarrierNaming::Other { name: "anyone".into() });
}

/// Changes a file, and makes sure that its time of writing shows it.
fn rewrite(path: &Path, text: &str) {
    let before = std::fs::metadata(path).unwrap().modified().unwrap();
    std::fs::write(path, text).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(before + std::time::Duration::from_secs(1)).unwrap();
}

#[tokio::test]
async fn a_file_that_is_written_to_during_a_list_is_told_and_gives_no_order_of_two_versions() {
    let ids = |letter: &str| -> Vec<String> { (0..10).map(|n| format!("{letter}-{n}")).collect() };
    let text = |ids: &[String]| {
        let rows: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "1")).collect();
        file(&rows)
    };
    let (old, new) = (ids("A"), ids("B"));
    let longer = format!("{}{}\n", text(&new), row("B-X", "1"));
    for renamed in [false, true] {
        for changed in [text(&new), longer.clone(), file(&[])] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("orders.csv");
            let shop = shop(folder.path(), &text(&old)).with_page_size(4);
            let first = shop.list_orders(&everything(), None).await.unwrap();
            assert_eq!(first.items.len(), 4);
            if renamed {
                std::fs::write(folder.path().join("next.csv"), &changed).unwrap();
                std::fs::rename(folder.path().join("next.csv"), &path).unwrap();
            } else {
                rewrite(&path, &changed);
            }
            // Whether the same process goes on or another one does.
            let export = folder.path().join("other.csv");
            let other = CsvShop::open(&path, mapping(), export).unwrap().with_page_size(4);
            for shop in [&shop, &other] {
                let told = shop.list_orders(&everything(), first.next.as_ref()).await.unwrap_err();
                assert_eq!((told.kind(), told.operation()), (ErrorKind::Conflict, Some("read")));
                assert!(told.message().contains("from its beginning"), "{told}");
            }
            let wanted: Vec<String> = changed
                .lines()
                .skip(1)
                .map(|line| line.split(',').next().unwrap().to_owned())
                .collect();
            assert_eq!(listed(&shop, &everything()).await, wanted);
        }
    }
}

#[tokio::test]
async fn the_engine_begins_a_list_again_whose_file_was_written_to() {
    use orderflow::engine::{Engine, Shop};
    use orderflow::ports::{Cursor, Page, PlatformLimits};
    use orderflow::store::{MemoryStock, MemoryStore};

    /// A shop whose file is written anew behind its first page.
    #[derive(Debug)]
    struct Rewritten {
        shop: CsvShop,
        path: std::path::PathBuf,
        pages: AtomicU32,
    }

    #[async_trait::async_trait]
    impl MarketplaceAdapter for Rewritten {
        fn platform(&self) -> orderflow::PlatformId {
            self.shop.platform()
        }
        fn limits(&self) -> PlatformLimits {
            self.shop.limits()
        }
        async fn list_orders(
            &self,
            query: &OrderQuery,
            cursor: Option<&Cursor>,
        ) -> orderflow::Result<Page<orderflow::order::PlatformOrder>> {
            let page = self.shop.list_orders(query, cursor).await?;
            if self.pages.fetch_add(1, Ordering::SeqCst) == 0 {
                rewrite(&self.path, &file(&[("A-1", "1"), ("B-1", "1"), ("B-2", "1")]));
            }
            Ok(page)
        }
        async fn get_order(
            &self,
            id: &PlatformOrderId,
        ) -> orderflow::Result<orderflow::order::PlatformOrder> {
            self.shop.get_order(id).await
        }
        async fn confirm_shipment(
            &self,
            notice: &ShipmentNotice,
            key: &IdempotencyKey,
        ) -> orderflow::Result<orderflow::ports::Confirmed> {
            self.shop.confirm_shipment(notice, key).await
        }
        fn carrier_name(&self, carrier: &CarrierId, service: &ServiceCode) -> CarrierNaming {
            self.shop.carrier_name(carrier, service)
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let text = file(&[("A-1", "1"), ("A-2", "1"), ("A-3", "1")]);
    let shop = shop(folder.path(), &text).with_page_size(1);
    let path = folder.path().join("orders.csv");
    let adapter = Rewritten { shop, path, pages: AtomicU32::new(0) };
    let key = orderflow::ShopKey::new(adapter.platform(), orderflow::ShopId::from_static("file"));
    let hours = orderflow::calendar::WorkCalendar::every_day(chrono_tz::UTC);
    let engine = Engine::builder(Arc::new(MemoryStore::new()), Arc::new(MemoryStock::new()))
        .shop(Shop::new(key.clone(), Arc::new(adapter), hours))
        .build()
        .unwrap();
    let now = at("2026-03-02T00:00:00Z");
    assert_eq!(engine.sync(&key, now).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(engine.known_until(&key).await.unwrap(), None);
    engine.sync(&key, now).await.unwrap();
    let all = orderflow::order::OrderFilter::default();
    let sort = orderflow::order::OrderSort::Placed;
    let found = engine.store().find(&all, sort, now, 0, 10).await.unwrap().orders;
    let ids: Vec<&str> = found.iter().map(|order| order.key.order.as_str()).collect();
    assert_eq!(ids, ["A-1", "B-1", "B-2"]);
}
