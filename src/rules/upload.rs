//! Telling a platform about a parcel: how its carrier is called there, and what to do when the
//! platform knows something already.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{CarrierId, PlatformId, ServiceCode, TrackingNumber};
use crate::shipment::NumberChanges;

/// What a carrier's service is called on a platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CarrierCode {
    /// The platform's own code or provider id.
    Code(String),
    /// A free name, with the tracking page if the platform takes one. `{number}` stands for the
    /// tracking number.
    Other {
        /// The name shown to the buyer.
        name: String,
        /// The page.
        #[serde(default)]
        url: Option<String>,
    },
    /// It cannot be named: no label of it may be bought for this platform.
    Unsupported,
}

/// One row of a [`CarrierMap`]. Fields left out fit everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarrierMapRow {
    /// Platform.
    #[serde(default)]
    pub platform: Option<PlatformId>,
    /// Site or market.
    #[serde(default)]
    pub site: Option<String>,
    /// Carrier.
    pub carrier: CarrierId,
    /// Service.
    #[serde(default)]
    pub service: Option<ServiceCode>,
    /// What it is called.
    pub code: CarrierCode,
}

/// How carriers are called on platforms: data of a host, asked before the adapter's own names.
///
/// ```
/// use orderflow::rules::{CarrierCode, CarrierMap};
/// use orderflow::{CarrierId, PlatformId, ServiceCode};
///
/// let map: CarrierMap = serde_json::from_str(
///     r#"[
///         { "carrier": "royal-parcel", "code": { "other": { "name": "Royal Parcel" } } },
///         { "platform": "bazaar", "carrier": "royal-parcel", "code": { "code": "RP-17" } }
///     ]"#,
/// )?;
/// let (bazaar, carrier) = (PlatformId::new("bazaar")?, CarrierId::new("royal-parcel")?);
/// let service = ServiceCode::new("NEXT_DAY")?;
/// assert_eq!(
///     map.code(&bazaar, None, &carrier, &service),
///     Some(&CarrierCode::Code("RP-17".to_owned()))
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CarrierMap {
    rows: Vec<CarrierMapRow>,
}

impl CarrierMap {
    /// A map of rows.
    #[must_use]
    pub const fn new(rows: Vec<CarrierMapRow>) -> Self {
        Self { rows }
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> &[CarrierMapRow] {
        &self.rows
    }

    /// What a service is called, by the most specific row that fits: one that names the platform comes
    /// before every one that does not; among those, one that names the site, then one that names the
    /// service. Of equal rows, which are a mistake, a code comes before a name and both in alphabetical
    /// order, so that the order of rows does not matter. `None` when no row fits: then the adapter's
    /// own name counts.
    #[must_use]
    pub fn code(
        &self,
        platform: &PlatformId,
        site: Option<&str>,
        carrier: &CarrierId,
        service: &ServiceCode,
    ) -> Option<&CarrierCode> {
        let weight = |row: &CarrierMapRow| {
            4 * u8::from(row.platform.is_some())
                + 2 * u8::from(row.site.is_some())
                + u8::from(row.service.is_some())
        };
        let mut best: Option<&CarrierMapRow> = None;
        for row in &self.rows {
            let fits = row.carrier == *carrier
                && row.platform.as_ref().is_none_or(|own| own == platform)
                && row.site.as_deref().is_none_or(|own| Some(own) == site)
                && row.service.as_ref().is_none_or(|own| own == service);
            let comes_first = |best: &CarrierMapRow| {
                weight(row).cmp(&weight(best)).then_with(|| best.code.cmp(&row.code)).is_gt()
            };
            if fits && best.is_none_or(comes_first) {
                best = Some(row);
            }
        }
        best.map(|row| &row.code)
    }
}

/// What to do about the number of a parcel on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadVerdict {
    /// Send it.
    Send,
    /// The platform has exactly this number: done.
    Done,
    /// The platform has another number that was ours, and may be given the new one.
    Update,
    /// The platform has another number and takes no change: exception `UploadConflict`.
    Conflict,
}

/// Judges what a platform says about a parcel that is to be uploaded.
///
/// - nothing there: send;
/// - the same number there: success, however often it was sent;
/// - another number there that we uploaded before: an update, if the platform still allows one;
/// - another number that we never sent: a conflict, never overwritten.
///
/// `changes` are the changes made so far, `shipped_at` begins the window for changes.
#[must_use]
pub fn judge_upload(
    on_platform: Option<&TrackingNumber>,
    uploaded_before: Option<&TrackingNumber>,
    wanted: &TrackingNumber,
    allowed: &NumberChanges,
    changes: u32,
    shipped_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> UploadVerdict {
    match on_platform {
        None => UploadVerdict::Send,
        Some(there) if there == wanted => UploadVerdict::Done,
        Some(there)
            if Some(there) == uploaded_before && allowed.permits(changes, shipped_at, now) =>
        {
            UploadVerdict::Update
        }
        Some(_) => UploadVerdict::Conflict,
    }
}

impl NumberChanges {
    /// Whether one more change is allowed at `now`.
    #[must_use]
    pub fn permits(&self, changes: u32, shipped_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let in_window = self.within_hours.is_none_or(|hours| {
            now.signed_duration_since(shipped_at) <= TimeDelta::hours(i64::from(hours))
        });
        in_window && self.most.is_none_or(|most| changes < most)
    }
}

/// Numbers of several parcels for a line on a platform that has one slot: which to send.
///
/// The first by parcel is sent, the others are named in a note, each once, and make the exception
/// `PartialUpload`.
#[must_use]
pub fn only_slot<'a, K: Ord>(
    parcels: impl IntoIterator<Item = (K, &'a TrackingNumber)>,
) -> Option<(&'a TrackingNumber, Vec<&'a TrackingNumber>)> {
    let mut parcels: Vec<(K, &TrackingNumber)> = parcels.into_iter().collect();
    parcels.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    let mut numbers = parcels.into_iter().map(|(_, number)| number);
    let first = numbers.next()?;
    let mut named = BTreeSet::from([first]);
    Some((first, numbers.filter(|number| named.insert(*number)).collect()))
}
