//! Printing labels: merged, sent to a printer, and recorded; and the papers that go with parcels.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Engine;
use super::commit::Alongside;
use super::labels::{ItemOutcome, PackageRef, again};
use crate::documents::merge::{MergeOptions, merge_with};
use crate::error::{Error, ErrorKind, Result};
use crate::order::{Action, Actor};
use crate::ports::{PrintJob, PrintReceipt, PrintTransport};
use crate::shipment::{Document, DocumentKind};

/// What became of a batch of labels, or of other papers.
#[derive(Debug)]
pub struct PrintReport {
    /// What the printer took: one job for each format, with its name.
    pub jobs: Vec<(String, PrintReceipt)>,
    /// One outcome for each item, in order.
    pub items: Vec<ItemOutcome<()>>,
}

impl Engine {
    /// Prints the labels of parcels in the order given, one job for each format; pictures become
    /// pages. Papers that are no labels, such as the invoice of a courier, do not go to the label
    /// printer: [`Engine::print_papers`] prints them. What the printer took whole counts as printed
    /// and the name of its job stands in the log of the order. Printing again prints what was
    /// bought, is counted, and never buys.
    ///
    /// A label that cannot be merged costs only itself. Where the printer broke off in the middle,
    /// the items of that job fail with [`ErrorKind::Ambiguous`]: look at the paper first.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when the store fails as a whole.
    pub async fn print_labels(
        &self,
        items: &[PackageRef],
        printer: &dyn PrintTransport,
        job: &str,
        now: DateTime<Utc>,
    ) -> Result<PrintReport> {
        let (jobs, printed) = self.sent(items, DocumentKind::is_label, printer, job).await?;
        let mut outcomes = Vec::with_capacity(items.len());
        for (item, printed) in items.iter().zip(printed) {
            outcomes.push(match printed {
                Ok(Some(jobs)) => self.record_print(item, &jobs, now).await,
                Ok(None) => ItemOutcome::Skipped("it has no label".to_owned()),
                Err(error) => ItemOutcome::Failed(error),
            });
        }
        Ok(PrintReport { jobs, items: outcomes })
    }

    /// Prints the papers of these kinds that belong to parcels, in the order given, one job for each
    /// format: customs forms and invoices for the pouch on the parcel, receipts, and whatever else a
    /// carrier adds. A parcel that has none is passed over. It changes no order: only a label makes a
    /// parcel printed.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when the store fails as a whole.
    pub async fn print_papers(
        &self,
        items: &[PackageRef],
        kinds: &[DocumentKind],
        printer: &dyn PrintTransport,
        job: &str,
    ) -> Result<PrintReport> {
        let wanted = |kind: DocumentKind| kinds.contains(&kind);
        let (jobs, printed) = self.sent(items, wanted, printer, job).await?;
        let items = printed
            .into_iter()
            .map(|printed| match printed {
                Ok(Some(_)) => ItemOutcome::Done(()),
                Ok(None) => ItemOutcome::Skipped("it has no such paper".to_owned()),
                Err(error) => ItemOutcome::Failed(error),
            })
            .collect();
        Ok(PrintReport { jobs, items })
    }

    /// Merges the documents of these kinds and hands them to a printer: the jobs that were taken,
    /// and for each item the names of its jobs, or nothing where it has no such document.
    async fn sent(
        &self,
        items: &[PackageRef],
        wanted: impl Fn(DocumentKind) -> bool,
        printer: &dyn PrintTransport,
        job: &str,
    ) -> Result<(Vec<(String, PrintReceipt)>, Vec<Result<Option<String>>>)> {
        let mut batch: Vec<Document> = Vec::new();
        let mut places: Vec<std::ops::Range<usize>> = Vec::new();
        for item in items {
            let first = batch.len();
            let stored = self.label_documents(item).await?;
            let documents = stored.into_iter().map(|stored| stored.document);
            batch.extend(documents.filter(|document| wanted(document.kind)));
            places.push(first..batch.len());
        }
        // Pictures go among the pages: one job for each format, and a parcel's papers together.
        // What comes out counts as printed, so it must show what it is to show.
        let options = MergeOptions::default().with_pictures_among_pages().with_contents_checked();
        let merged = merge_with(&batch, &options);
        let mut jobs = Vec::new();
        let mut names = Vec::with_capacity(merged.documents.len());
        let mut broken: BTreeMap<usize, Error> = BTreeMap::new();
        let many = merged.documents.len() > 1;
        for (place, document) in merged.documents.iter().enumerate() {
            let name = if many {
                format!("{job}-{}", document.format.extension())
            } else {
                job.to_owned()
            };
            names.push(name.clone());
            match printer.print(&PrintJob::new(name.clone(), document.clone())).await {
                Ok(receipt) => jobs.push((name, receipt)),
                Err(error) => {
                    broken.insert(place, error);
                }
            }
        }
        let printed = items
            .iter()
            .zip(places)
            .map(|(item, places)| {
                let own = merged.items.get(places).unwrap_or_default();
                let fault = own.iter().find_map(|outcome| match outcome {
                    Err(fault) => Some(
                        Error::new(ErrorKind::UnexpectedAnswer, fault.to_string())
                            .with_context("package", &item.package),
                    ),
                    Ok(placed) => broken.get(&placed.document).map(again),
                });
                if let Some(error) = fault {
                    return Err(error);
                }
                let mut used: Vec<&str> = own
                    .iter()
                    .filter_map(|placed| names.get(placed.as_ref().ok()?.document))
                    .map(String::as_str)
                    .collect();
                used.dedup();
                Ok((!used.is_empty()).then(|| used.join(", ")))
            })
            .collect();
        Ok((jobs, printed))
    }

    async fn record_print(
        &self,
        item: &PackageRef,
        job: &str,
        now: DateTime<Utc>,
    ) -> ItemOutcome<()> {
        let action =
            Action::LabelPrinted { package: item.package.clone(), job: Some(job.to_owned()) };
        let changed = self
            .change(&item.order, None, &Actor::System, now, |_| {
                Ok(Some((vec![action.clone()], Alongside::default(), ())))
            })
            .await;
        match changed {
            Ok(_) => ItemOutcome::Done(()),
            Err(error) => ItemOutcome::Failed(error),
        }
    }
}
