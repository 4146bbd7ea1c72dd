//! Printing labels: merged, sent to a printer, and recorded.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Engine;
use super::commit::Alongside;
use super::labels::{ItemOutcome, PackageRef, again};
use crate::documents::merge::{MergeOptions, merge_with};
use crate::error::{Error, ErrorKind, Result};
use crate::order::{Action, Actor};
use crate::ports::{PrintJob, PrintReceipt, PrintTransport};
use crate::shipment::Document;

/// What became of a batch of labels.
#[derive(Debug)]
pub struct PrintReport {
    /// What the printer took: one job for each format, with its name.
    pub jobs: Vec<(String, PrintReceipt)>,
    /// One outcome for each item, in order.
    pub items: Vec<ItemOutcome<()>>,
}

impl Engine {
    /// Prints the labels of parcels in the order given, with the papers that belong to them, one job
    /// for each format; pictures become pages. What the printer took whole counts as printed and the
    /// name of its job stands in the log of the order. Printing again prints what was bought, is counted, and never buys.
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
        let mut batch: Vec<Document> = Vec::new();
        let mut places: Vec<std::ops::Range<usize>> = Vec::new();
        for item in items {
            let first = batch.len();
            let stored = self.label_documents(item).await?;
            batch.extend(stored.into_iter().map(|stored| stored.document));
            places.push(first..batch.len());
        }
        // Pictures go among the pages: one job for each format, and a parcel's papers together.
        let merged = merge_with(&batch, &MergeOptions::default().with_pictures_among_pages());
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
        let mut outcomes = Vec::with_capacity(items.len());
        for (item, places) in items.iter().zip(places) {
            let own = merged.items.get(places).unwrap_or_default();
            let fault = own.iter().find_map(|outcome| match outcome {
                Err(fault) => Some(
                    Error::new(ErrorKind::UnexpectedAnswer, fault.to_string())
                        .with_context("package", &item.package),
                ),
                Ok(placed) => broken.get(&placed.document).map(again),
            });
            outcomes.push(match fault {
                Some(error) => ItemOutcome::Failed(error),
                None if own.is_empty() => ItemOutcome::Skipped("it has no label".to_owned()),
                None => {
                    let mut used: Vec<&str> = own
                        .iter()
                        .filter_map(|placed| names.get(placed.as_ref().ok()?.document))
                        .map(String::as_str)
                        .collect();
                    used.dedup();
                    self.record_print(item, &used.join(", "), now).await
                }
            });
        }
        Ok(PrintReport { jobs, items: outcomes })
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
