//! Until when a label can be given back.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::calendar::{resolve_local, written};
use crate::ids::CarrierId;

/// Until when a carrier takes labels back. Data: carriers change it.
///
/// ```
/// use chrono::{NaiveDate, TimeZone, Utc};
/// use orderflow::rules::{LabelStanding, VoidVerdict, VoidWindow, void_verdict};
///
/// let usps = VoidWindow::preset("usps").unwrap();
/// let label = LabelStanding::new(NaiveDate::from_ymd_opt(2026, 3, 4));
/// // 00:30 in Chicago on the day after the mailing date.
/// let ends = Utc.with_ymd_and_hms(2026, 3, 5, 6, 30, 0).unwrap();
/// let before = ends - chrono::TimeDelta::seconds(1);
/// assert_eq!(void_verdict(&usps, &label, before), VoidVerdict::Possible { until: Some(ends) });
/// assert_eq!(void_verdict(&usps, &label, ends), VoidVerdict::RefundOnly);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoidWindow {
    /// Its name.
    pub name: String,
    /// Which carrier.
    pub carrier: CarrierId,
    /// When this was true.
    #[serde(deserialize_with = "written::date")]
    pub as_of: NaiveDate,
    /// Who says so.
    pub source: String,
    /// When it ends.
    pub until: VoidUntil,
    /// Whether a manifest ends it.
    #[serde(default)]
    pub ends_with_manifest: bool,
    /// Whether the first scan ends it.
    #[serde(default)]
    pub ends_with_scan: bool,
    /// Whether only labels within the country can be given back.
    #[serde(default)]
    pub domestic_only: bool,
    /// What is left afterwards.
    #[serde(default)]
    pub afterwards: VoidAfterwards,
}

/// When a window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VoidUntil {
    /// There is no window: the carrier takes no labels back.
    Never,
    /// Not by the clock.
    Open,
    /// At a local time some days after the mailing date.
    LocalTime {
        /// Days after the day printed on the label.
        days_after_mailing: u32,
        /// Local time, excluded.
        #[serde(deserialize_with = "written::time")]
        time: NaiveTime,
        /// Whose clock.
        zone: Tz,
    },
}

/// What is left when a window has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidAfterwards {
    /// Nothing: the label is paid.
    #[default]
    Nothing,
    /// A refund can be asked for.
    RefundRequest,
}

/// What decides whether a label can be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelStanding {
    /// The day printed on the label.
    pub mailing_date: Option<NaiveDate>,
    /// Whether it is on a manifest.
    pub manifested: bool,
    /// Whether the carrier has scanned it.
    pub scanned: bool,
    /// Whether it crosses a border.
    pub international: bool,
}

impl LabelStanding {
    /// A label within the country that nobody has touched.
    #[must_use]
    pub const fn new(mailing_date: Option<NaiveDate>) -> Self {
        Self { mailing_date, manifested: false, scanned: false, international: false }
    }

    /// Says that it is on a manifest.
    #[must_use]
    pub const fn manifested(mut self) -> Self {
        self.manifested = true;
        self
    }

    /// Says that the carrier has scanned it.
    #[must_use]
    pub const fn scanned(mut self) -> Self {
        self.scanned = true;
        self
    }

    /// Says that it crosses a border.
    #[must_use]
    pub const fn international(mut self) -> Self {
        self.international = true;
        self
    }
}

/// Whether a label can be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidVerdict {
    /// Yes.
    Possible {
        /// Until this instant, excluded; `None` is not by the clock.
        until: Option<DateTime<Utc>>,
    },
    /// Not any more, but a refund can be asked for.
    RefundOnly,
    /// Not any more.
    TooLate,
    /// Never with this carrier, or never for this kind of label.
    Never,
}

/// The windows, dated, with their sources.
const PRESETS: &str = include_str!("presets/void_windows.json");

impl VoidWindow {
    /// The windows of the carriers of this crate.
    #[must_use]
    pub fn presets() -> Vec<Self> {
        // Read by a test of this crate.
        serde_json::from_str(PRESETS).unwrap_or_default()
    }

    /// A window by the carrier's name.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        Self::presets().into_iter().find(|window| window.name == name)
    }
}

/// Whether a label can be given back at `now`. The carrier has the last word: a verdict saves a call
/// and tells a person what to expect. A label without mailing date has no end by the clock.
#[must_use]
pub fn void_verdict(window: &VoidWindow, label: &LabelStanding, now: DateTime<Utc>) -> VoidVerdict {
    if window.until == VoidUntil::Never || (window.domestic_only && label.international) {
        return VoidVerdict::Never;
    }
    let until = match window.until {
        VoidUntil::LocalTime { days_after_mailing, time, zone } => label
            .mailing_date
            .and_then(|day| day.checked_add_days(Days::new(u64::from(days_after_mailing))))
            .map(|day| resolve_local(zone, day.and_time(time))),
        VoidUntil::Never | VoidUntil::Open => None,
    };
    let is_over = (window.ends_with_manifest && label.manifested)
        || (window.ends_with_scan && label.scanned)
        || until.is_some_and(|until| until <= now);
    match (is_over, window.afterwards) {
        (false, _) => VoidVerdict::Possible { until },
        (true, VoidAfterwards::RefundRequest) => VoidVerdict::RefundOnly,
        (true, VoidAfterwards::Nothing) => VoidVerdict::TooLate,
    }
}
