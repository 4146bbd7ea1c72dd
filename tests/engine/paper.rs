//! Labels on paper: printed in one job, recorded, printed again without buying; the scan check.

use std::sync::Mutex;

use async_trait::async_trait;
use orderflow::documents::merge::merge;
use orderflow::engine::ItemOutcome;
use orderflow::order::{Action, Actor, ExceptionKind};
use orderflow::ports::store::{Commit, StoredDocument};
use orderflow::ports::{PrintJob, PrintReceipt, PrintTransport};
use orderflow::sandbox::Faults;
use orderflow::shipment::{Document, DocumentKind, LabelFormat, LabelState, WarehouseState};
use orderflow::{Error, ErrorKind, Result, Sku};

use super::house::{at, house};
use super::{imported, labelled};

/// Takes jobs, or breaks off.
#[derive(Debug, Default)]
struct Printer {
    jobs: Mutex<Vec<PrintJob>>,
    breaks: Mutex<Option<ErrorKind>>,
}

#[async_trait]
impl PrintTransport for Printer {
    async fn print(&self, job: &PrintJob) -> Result<PrintReceipt> {
        if let Some(kind) = self.breaks.lock().unwrap().take() {
            return Err(Error::new(kind, "out of paper"));
        }
        self.jobs.lock().unwrap().push(job.clone());
        let bytes = u64::try_from(job.document.bytes.expose().len()).unwrap();
        Ok(PrintReceipt { bytes, reference: None })
    }
}

fn done(items: &[ItemOutcome<()>]) -> usize {
    items.iter().filter(|item| item.is_done()).count()
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_job_in_its_order_and_counts_as_printed() {
    let (house, mut items) = labelled(12).await;
    items.reverse();
    let printer = Printer::default();
    let report = house.engine.print_labels(&items, &printer, "wave-1", at(0)).await.unwrap();
    assert_eq!((done(&report.items), report.jobs.len()), (12, 1));
    let job = printer.jobs.lock().unwrap()[0].clone();
    assert_eq!((job.name.as_str(), &job.document.format), ("wave-1", &LabelFormat::Pdf));
    // The pages are those of the labels, in the order of the batch.
    let mut labels = Vec::new();
    for item in &items {
        let stored = house.engine.label_documents(item).await.unwrap();
        labels.extend(stored.into_iter().map(|stored| stored.document));
    }
    let merged = merge(&labels);
    assert_eq!(merged.document(&LabelFormat::Pdf).unwrap().bytes, job.document.bytes);
    for order in house.orders().await {
        assert_eq!(order.packages[0].label.state, LabelState::Printed);
        let log = house.engine.store().log(&order.key).await.unwrap();
        assert!(log.iter().any(|event| matches!(
            &event.action,
            Action::LabelPrinted { job: Some(job), .. } if job == "wave-1"
        )));
    }
    // Again: the same paper, counted, nothing bought.
    let sold = house.ledger.labels().len();
    house.engine.print_labels(&items[..1], &printer, "again", at(1)).await.unwrap();
    assert_eq!(house.ledger.labels().len(), sold);
    let orders = house.orders().await;
    let again = orders.iter().find(|order| order.key == items[0].order).unwrap();
    assert_eq!(again.packages[0].label.prints, 2);
}

#[tokio::test(start_paused = true)]
async fn an_invoice_is_a_job_of_its_own_and_never_fed_to_the_label_printer() {
    let (house, items) = labelled(3).await;
    // The courier of the last parcel made an invoice too.
    let order = house.engine.store().order(&items[2].order).await.unwrap().unwrap();
    let key = order.package(&items[2].package).unwrap().label.record.as_ref().unwrap().key;
    let label = house.engine.label_documents(&items[0]).await.unwrap().remove(0).document;
    let invoice = Document { kind: DocumentKind::Customs, ..label.clone() };
    let mut commit = Commit::new(order.clone(), Some(order.version), Vec::new());
    commit.documents.push(StoredDocument {
        order: order.key.clone(),
        package: items[2].package.clone(),
        key,
        position: 9,
        document: invoice.clone(),
    });
    house.engine.store().commit(vec![commit]).await.unwrap();
    let printer = Printer::default();
    let report = house.engine.print_labels(&items, &printer, "labels", at(0)).await.unwrap();
    assert_eq!(done(&report.items), 3);
    let mut labels = Vec::new();
    for item in &items {
        let stored = house.engine.label_documents(item).await.unwrap().into_iter();
        labels.extend(stored.map(|stored| stored.document).filter(|paper| paper.kind.is_label()));
    }
    assert_eq!(labels.len(), 3);
    let printed = printer.jobs.lock().unwrap().remove(0).document;
    assert_eq!(printed, merge(&labels).documents[0]);
    let kinds = [DocumentKind::Customs];
    let report = house.engine.print_papers(&items, &kinds, &printer, "customs").await.unwrap();
    assert!(matches!(
        report.items[..],
        [ItemOutcome::Skipped(_), ItemOutcome::Skipped(_), ItemOutcome::Done(())]
    ));
    let printed = printer.jobs.lock().unwrap().remove(0);
    assert_eq!((printed.name.as_str(), printed.document.kind), ("customs", DocumentKind::Customs));
    assert_eq!(printed.document, merge(&[invoice]).documents[0]);
    // An invoice on paper is no label on the parcel: that was printed once.
    let order = house.engine.store().order(&items[2].order).await.unwrap().unwrap();
    assert_eq!(order.package(&items[2].package).unwrap().label.prints, 1);
    // What the printer does not take fails only those that have such a paper.
    *printer.breaks.lock().unwrap() = Some(ErrorKind::Transient);
    let report = house.engine.print_papers(&items, &kinds, &printer, "customs").await.unwrap();
    assert!(matches!(report.items[..], [ItemOutcome::Skipped(_), _, ItemOutcome::Failed(_)]));
}

#[tokio::test(start_paused = true)]
async fn a_label_that_would_come_out_blank_is_not_printed() {
    let (house, items) = labelled(2).await;
    let order = house.engine.store().order(&items[1].order).await.unwrap().unwrap();
    let mut stored = house.engine.label_documents(&items[1]).await.unwrap().remove(0);
    let text = String::from_utf8(stored.document.bytes.expose().clone()).unwrap();
    // The font in place of what is drawn.
    let blank = text.replace("/Contents 4 0 R", "/Contents 5 0 R");
    assert_ne!(blank, text);
    stored.document = Document::new(DocumentKind::Label, LabelFormat::Pdf, blank.into_bytes());
    stored.position = 9;
    let mut commit = Commit::new(order.clone(), Some(order.version), Vec::new());
    commit.documents.push(stored);
    house.engine.store().commit(vec![commit]).await.unwrap();
    let printer = Printer::default();
    let report = house.engine.print_labels(&items, &printer, "labels", at(0)).await.unwrap();
    assert!(matches!(report.items[..], [ItemOutcome::Done(()), ItemOutcome::Failed(_)]));
}

#[tokio::test(start_paused = true)]
async fn what_the_printer_did_not_take_is_not_printed() {
    let (house, items) = labelled(3).await;
    let printer = Printer::default();
    *printer.breaks.lock().unwrap() = Some(ErrorKind::Ambiguous);
    let report = house.engine.print_labels(&items, &printer, "wave-1", at(0)).await.unwrap();
    assert!(report.jobs.is_empty());
    for item in &report.items {
        let ItemOutcome::Failed(error) = item else { panic!("{item:?}") };
        assert_eq!(error.kind(), ErrorKind::Ambiguous);
    }
    for order in house.orders().await {
        assert_eq!(order.packages[0].label.state, LabelState::Purchased);
    }
    let report = house.engine.print_labels(&items, &printer, "wave-1", at(0)).await.unwrap();
    assert_eq!(done(&report.items), 3);
}

#[tokio::test(start_paused = true)]
async fn a_parcel_without_a_label_is_passed_over() {
    let house = house(Faults::none());
    house.place(1, 0);
    imported(&house).await;
    let items = house.engine.awaiting_labels(at(0)).await.unwrap();
    let printer = Printer::default();
    let report = house.engine.print_labels(&items, &printer, "wave", at(0)).await.unwrap();
    assert!(matches!(report.items[0], ItemOutcome::Skipped(_)));
    assert!(printer.jobs.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_fits_packs_the_parcel_and_one_that_does_not_sends_it_back() {
    let (house, items) = labelled(1).await;
    let order = house.only_order().await;
    let mut right: Vec<(Sku, u32)> = order.packages[0]
        .contents
        .iter()
        .map(|packed| (order.line(&packed.line).unwrap().sku.clone().unwrap(), packed.units))
        .collect();
    let by = Actor::Person("Kim".into());
    let mut wrong = right.clone();
    wrong[0].1 += 1;
    let found = house.engine.check_scan(&items[0], &wrong, &by, at(0)).await.unwrap();
    assert_eq!(found.surplus.len(), 1);
    let order = house.only_order().await;
    assert_eq!(order.packages[0].work, WarehouseState::NotReleased);
    let told = order.incidents.iter().find(|i| i.kind == ExceptionKind::OutOfStock).unwrap();
    assert!(told.detail.contains("too many: 1"), "{}", told.detail);
    right.reverse();
    let found = house.engine.check_scan(&items[0], &right, &by, at(1)).await.unwrap();
    assert!(found.is_none());
    assert_eq!(house.only_order().await.packages[0].work, WarehouseState::Packed);
    let log = house.engine.store().log(&order.key).await.unwrap();
    assert!(log.iter().any(|event| event.actor == by));
}
