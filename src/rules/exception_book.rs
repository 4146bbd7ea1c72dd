//! What became of every exception: found, worked on, over.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::exceptions::ExceptionItem;
use crate::calendar::{local_time, resolve_local};
use crate::ids::{OrderKey, PackageId};
use crate::order::ExceptionKind;

/// Where the work on an exception stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum ExceptionStatus {
    /// Nobody works on it.
    #[default]
    Open,
    /// Somebody does.
    InProgress {
        /// Who.
        by: String,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Over: the condition is gone, or somebody solved it.
    Resolved {
        /// When.
        at: DateTime<Utc>,
        /// Who said so; `None` when the condition went away by itself.
        by: Option<String>,
    },
    /// Not to be bothered with, although the condition may stand.
    Dismissed {
        /// When.
        at: DateTime<Utc>,
        /// Who said so.
        by: String,
        /// Why.
        reason: String,
    },
}

impl ExceptionStatus {
    /// Whether it still wants attention.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open | Self::InProgress { .. })
    }
}

/// Names an exception: there is one per order, kind and parcel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExceptionKey {
    /// Which order.
    pub order: OrderKey,
    /// What.
    pub kind: ExceptionKind,
    /// Which parcel, for exceptions of one parcel.
    pub package: Option<PackageId>,
}

impl ExceptionItem {
    /// Its name in an [`ExceptionBook`].
    #[must_use]
    pub fn key(&self) -> ExceptionKey {
        ExceptionKey { order: self.order.clone(), kind: self.kind, package: self.package.clone() }
    }
}

/// An exception and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRecord {
    /// As it was seen last.
    pub item: ExceptionItem,
    /// Where the work on it stands.
    pub status: ExceptionStatus,
    /// When it was seen first.
    pub opened_at: DateTime<Utc>,
    /// How often it occurred: raised when it comes back or happens again, not when it merely lasts.
    pub occurrences: u32,
    /// Whether the condition stood when it was looked at last.
    pub stands: bool,
}

/// Why the work on an exception cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExceptionBookError {
    /// There is no such exception.
    #[error("there is no exception {kind:?} of order {order}")]
    Unknown {
        /// Which order.
        order: OrderKey,
        /// Which kind.
        kind: ExceptionKind,
    },
    /// It is over.
    #[error("the exception {kind:?} of order {order} is over")]
    Closed {
        /// Which order.
        order: OrderKey,
        /// Which kind.
        kind: ExceptionKind,
    },
    /// A dismissal without a reason.
    #[error("reason is empty: dismissing an exception needs one")]
    NoReason,
}

/// What a look at the present exceptions changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookChanges {
    /// Exceptions that are new, or came back.
    pub opened: Vec<ExceptionKey>,
    /// Exceptions whose condition went away.
    pub closed: Vec<ExceptionKey>,
}

/// The exceptions of some orders and what became of them.
///
/// ```text
/// Open → InProgress → Resolved | Dismissed(reason)
/// any open one → Resolved when its condition disappears
/// Resolved → Open when it comes back; Dismissed → Open when it happens once more
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionBook {
    #[serde(with = "records")]
    records: BTreeMap<ExceptionKey, ExceptionRecord>,
}

/// JSON has no maps with composed keys: the records are written as a list.
mod records {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{ExceptionKey, ExceptionRecord};

    pub(super) fn serialize<S: Serializer>(
        records: &BTreeMap<ExceptionKey, ExceptionRecord>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        records.values().collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<ExceptionKey, ExceptionRecord>, D::Error> {
        let records = Vec::<ExceptionRecord>::deserialize(deserializer)?;
        Ok(records.into_iter().map(|record| (record.item.key(), record)).collect())
    }
}

impl ExceptionBook {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every record, by order, kind and parcel.
    pub fn records(&self) -> impl Iterator<Item = &ExceptionRecord> {
        self.records.values()
    }

    /// One record.
    #[must_use]
    pub fn get(&self, key: &ExceptionKey) -> Option<&ExceptionRecord> {
        self.records.get(key)
    }

    /// Takes over what [`exceptions`](super::exceptions) found for **all** orders of this book: new
    /// ones open, those that are gone close. Looking twice at the same changes nothing.
    pub fn update(&mut self, found: &[ExceptionItem], now: DateTime<Utc>) -> BookChanges {
        let mut changes = BookChanges::default();
        let present: BTreeMap<ExceptionKey, &ExceptionItem> =
            found.iter().map(|item| (item.key(), item)).collect();
        for (key, item) in &present {
            match self.records.get_mut(key) {
                None => {
                    self.records.insert(
                        key.clone(),
                        ExceptionRecord {
                            item: (*item).clone(),
                            status: ExceptionStatus::Open,
                            opened_at: now,
                            occurrences: item.count.max(1),
                            stands: true,
                        },
                    );
                    changes.opened.push(key.clone());
                }
                Some(record) => {
                    let back = !record.stands;
                    let again = item.count.saturating_sub(record.item.count);
                    record.occurrences =
                        record.occurrences.saturating_add(again.max(u32::from(back)));
                    let reopen = match record.status {
                        ExceptionStatus::Resolved { .. } => back || again > 0,
                        ExceptionStatus::Dismissed { .. } => again > 0 || back,
                        _ => false,
                    };
                    record.stands = true;
                    record.item = (*item).clone();
                    if reopen {
                        record.status = ExceptionStatus::Open;
                        record.opened_at = now;
                        changes.opened.push(key.clone());
                    }
                }
            }
        }
        for (key, record) in &mut self.records {
            if record.stands && !present.contains_key(key) {
                record.stands = false;
                if record.status.is_open() {
                    record.status = ExceptionStatus::Resolved { at: now, by: None };
                    changes.closed.push(key.clone());
                }
            }
        }
        changes
    }

    fn open_record(
        &mut self,
        key: &ExceptionKey,
    ) -> Result<&mut ExceptionRecord, ExceptionBookError> {
        let (order, kind) = (key.order.clone(), key.kind);
        match self.records.get_mut(key) {
            None => Err(ExceptionBookError::Unknown { order, kind }),
            Some(record) if !record.status.is_open() => {
                Err(ExceptionBookError::Closed { order, kind })
            }
            Some(record) => Ok(record),
        }
    }

    /// Records that somebody works on it.
    ///
    /// # Errors
    /// [`ExceptionBookError::Unknown`] or [`ExceptionBookError::Closed`].
    pub fn begin(
        &mut self,
        key: &ExceptionKey,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<(), ExceptionBookError> {
        self.open_record(key)?.status =
            ExceptionStatus::InProgress { by: by.to_owned(), since: now };
        Ok(())
    }

    /// Records that somebody solved it. It opens again only when it comes back or happens again.
    ///
    /// # Errors
    /// [`ExceptionBookError::Unknown`] or [`ExceptionBookError::Closed`].
    pub fn resolve(
        &mut self,
        key: &ExceptionKey,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<(), ExceptionBookError> {
        self.open_record(key)?.status =
            ExceptionStatus::Resolved { at: now, by: Some(by.to_owned()) };
        Ok(())
    }

    /// Records that it is not to be bothered with.
    ///
    /// # Errors
    /// [`ExceptionBookError::NoReason`] for a blank reason, [`ExceptionBookError::Unknown`] or
    /// [`ExceptionBookError::Closed`].
    pub fn dismiss(
        &mut self,
        key: &ExceptionKey,
        by: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), ExceptionBookError> {
        if reason.trim().is_empty() {
            return Err(ExceptionBookError::NoReason);
        }
        self.open_record(key)?.status = ExceptionStatus::Dismissed {
            at: now,
            by: by.to_owned(),
            reason: reason.trim().to_owned(),
        };
        Ok(())
    }

    /// Seconds from opening to resolving, of every exception resolved in `[from, to)`: the input of
    /// the mean time to resolve.
    #[must_use]
    pub fn times_to_resolve(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<i64> {
        let mut seconds: Vec<i64> = self
            .records
            .values()
            .filter_map(|record| match &record.status {
                ExceptionStatus::Resolved { at, .. } if from <= *at && *at < to => {
                    Some(at.signed_duration_since(record.opened_at).num_seconds().max(0))
                }
                _ => None,
            })
            .collect();
        seconds.sort_unstable();
        seconds
    }
}

/// The times of day of the exception report: 09:00 and 15:00.
#[must_use]
pub fn report_times() -> Vec<NaiveTime> {
    [9, 15].into_iter().filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0)).collect()
}

/// The next report strictly after `now`, at one of `times` of the local day. A time that clocks
/// skip is the first instant after the gap; one that comes twice is the later. `None` without
/// times.
///
/// ```
/// use chrono::{TimeZone, Utc};
/// use orderflow::rules::{next_report, report_times};
///
/// let zone = chrono_tz::America::New_York;
/// // Saturday 15:00 EST; the next morning is already daylight saving time.
/// let now = Utc.with_ymd_and_hms(2026, 3, 7, 20, 0, 0).unwrap();
/// let next = next_report(now, zone, &report_times()).unwrap();
/// assert_eq!(next.to_rfc3339(), "2026-03-08T13:00:00+00:00");
/// ```
#[must_use]
pub fn next_report(now: DateTime<Utc>, zone: Tz, times: &[NaiveTime]) -> Option<DateTime<Utc>> {
    let today = local_time(zone, now).date();
    // A zone may skip a whole day, so the day after tomorrow is looked at too.
    today
        .pred_opt()
        .unwrap_or(today)
        .iter_days()
        .take(4)
        .flat_map(|day| times.iter().map(move |time| resolve_local(zone, day.and_time(*time))))
        .filter(|report| *report > now)
        .min()
}
