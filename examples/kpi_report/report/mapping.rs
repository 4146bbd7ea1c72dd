//! Which column of the file is which fact, and how its texts are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use orderflow::calendar::{END_OF_DAY, resolve_local};
use orderflow::{Currency, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ReportError;

/// The presets that come with the example.
const PRESETS: &str = include_str!("../mappings.json");

/// A date format that stands for RFC 3339, such as `2026-03-04T10:00:00Z`.
const RFC3339: &str = "rfc3339";

/// Years an order may lie in. A typing error must not stretch the report over millennia.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

macro_rules! fields {
    ($($field:ident $text:literal $what:literal)*) => {
        /// A fact that a column may hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Field {
            $(#[doc = $what] #[serde(rename = $text)] $field,)*
        }

        impl Field {
            /// Every field, in order.
            pub const ALL: &[Self] = &[$(Self::$field,)*];

            /// Its name on the command line and in presets.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$field => $text,)* }
            }

            /// What it is, in words.
            pub const fn what(self) -> &'static str {
                match self { $(Self::$field => $what,)* }
            }
        }
    };
}

fields! {
    OrderId "order_id" "number of the order; needed"
    PlacedAt "placed_at" "when it was placed; needed"
    Status "status" "status in words, see the preset's statuses"
    PaidAt "paid_at" "when it was paid; without such a column, when it was placed"
    AcknowledgedAt "acknowledged_at" "when it was acknowledged"
    AcknowledgeBy "acknowledge_by" "until when it must be"
    ShipBy "ship_by" "until when it must leave"
    ShippedAt "shipped_at" "when its last parcel was confirmed as shipped"
    UploadedAt "uploaded_at" "when its tracking number reached the marketplace"
    UploadBy "upload_by" "until when it must"
    AcceptedAt "accepted_at" "when the carrier first scanned it or took it over"
    DeliverBy "deliver_by" "until when it was promised"
    DeliveredAt "delivered_at" "when it arrived"
    ReturnedAt "returned_at" "when the carrier brought it back"
    LostAt "lost_at" "when it was given up as lost"
    CancelledAt "cancelled_at" "when it was cancelled in full"
    ComplaintAt "complaint_at" "when the buyer complained"
    DisputeAt "dispute_at" "when a dispute was opened"
    Total "total" "what the buyer pays"
    LabelCost "label_cost" "what the label cost"
    ProductCost "product_cost" "what the goods cost the seller"
    Currency "currency" "currency of the amounts, if not one for all"
    Country "country" "country of the buyer, if not one for all"
    State "state" "state of the buyer"
    Carrier "carrier" "carrier"
    Service "service" "service of the carrier"
    Seller "seller" "seller or shop"
    Sku "sku" "stock keeping unit; further rows of the same order add further ones"
    Units "units" "units of it, 1 if there is no such column"
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Field {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.name() == text)
            .ok_or_else(|| ReportError::UnknownField(text.to_owned()))
    }
}

/// What a status word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Goes its way; the instants say how far it is.
    Open,
    /// Not paid yet, whatever the instants say.
    Unpaid,
    /// Cancelled; the file does not say by whom.
    Cancelled,
    /// Cancelled by the buyer.
    CancelledByBuyer,
    /// Cancelled by the seller.
    CancelledBySeller,
    /// Cancelled by the platform, not by the seller's fault.
    CancelledByPlatform,
    /// A test.
    Test,
    /// The platform stores and ships it.
    PlatformFulfilled,
}

/// How a file is read: a preset, changed by flags.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Name of the preset.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// The day it was last compared with its source.
    pub as_of: NaiveDate,
    /// Where the columns are described.
    pub source: String,
    /// Column of each field. Two fields may have one column.
    pub columns: BTreeMap<Field, String>,
    /// Zone of the texts without one, and of days, weeks and hours.
    pub zone: Tz,
    /// Formats of instants, tried in turn; `rfc3339` is one.
    pub date_formats: Vec<String>,
    /// What parts cells.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Whether a comma stands before the decimals of an amount, and points part thousands.
    #[serde(default)]
    pub decimal_comma: bool,
    /// Currency where no column says it.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// Country where no column says it.
    #[serde(default)]
    pub country: Option<String>,
    /// Whether a deadline at midnight is a bare date, and lasts until the end of that day.
    #[serde(default)]
    pub midnight_deadline_lasts_the_day: bool,
    /// Assumed deadline to ship, in hours after payment, where no column says it.
    #[serde(default)]
    pub ship_within_hours: Option<u32>,
    /// What status words mean, in small letters.
    #[serde(default)]
    pub statuses: BTreeMap<String, Status>,
    /// What a reader of the report must know about this kind of file.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Fields whose column was named by hand: such a column must exist.
    #[serde(skip)]
    pub by_hand: BTreeSet<Field>,
}

const fn comma() -> char {
    ','
}

impl Mapping {
    /// Every preset that comes with the example.
    pub fn presets() -> Result<Vec<Self>, ReportError> {
        serde_json::from_str(PRESETS).map_err(|error| ReportError::Presets(error.to_string()))
    }

    /// A preset by name.
    pub fn preset(name: &str) -> Result<Self, ReportError> {
        let presets = Self::presets()?;
        let known: Vec<String> = presets.iter().map(|preset| preset.name.clone()).collect();
        presets
            .into_iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| ReportError::UnknownPreset { name: name.to_owned(), known })
    }

    /// Names a column by `field=column`; an empty column takes the field away.
    pub fn map(&mut self, text: &str) -> Result<(), ReportError> {
        let (field, column) =
            text.split_once('=').ok_or_else(|| ReportError::NotAMapping(text.to_owned()))?;
        let field: Field = field.trim().parse()?;
        if column.is_empty() {
            self.columns.remove(&field);
            self.by_hand.remove(&field);
        } else {
            self.columns.insert(field, column.to_owned());
            self.by_hand.insert(field);
        }
        Ok(())
    }

    /// Checks what can be checked without a file.
    pub fn check(&self) -> Result<(), ReportError> {
        if self.date_formats.is_empty() {
            return Err(ReportError::DateFormat("there is none".to_owned()));
        }
        for format in &self.date_formats {
            if format != RFC3339
                && StrftimeItems::new(format).any(|item| matches!(item, Item::Error))
            {
                return Err(ReportError::DateFormat(format!("{format:?} cannot be understood")));
            }
        }
        let amount = |field: &&Field| self.columns.contains_key(field);
        if let Some(field) =
            [Field::Total, Field::LabelCost, Field::ProductCost].iter().find(amount)
            && self.currency.is_none()
            && !self.columns.contains_key(&Field::Currency)
        {
            return Err(ReportError::NoCurrency(*field));
        }
        if u8::try_from(self.delimiter).is_ok_and(|byte| byte.is_ascii()) {
            Ok(())
        } else {
            Err(ReportError::Delimiter(self.delimiter))
        }
    }

    /// Reads an instant. A deadline given as a date lasts until the end of that day.
    pub fn instant(&self, text: &str, deadline: bool) -> Result<DateTime<Utc>, String> {
        let wrong = || format!("{} is no instant of a known format", quoted(text));
        let instant = self
            .date_formats
            .iter()
            .find_map(|format| self.parsed(format, text, deadline))
            .ok_or_else(wrong)?;
        if YEARS.contains(&instant.year()) {
            Ok(instant)
        } else {
            Err(format!(
                "{} lies outside of the years {} to {}",
                quoted(text),
                YEARS.start(),
                YEARS.end()
            ))
        }
    }

    fn parsed(&self, format: &str, text: &str, deadline: bool) -> Option<DateTime<Utc>> {
        if format == RFC3339 {
            return DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.to_utc());
        }
        if let Ok(instant) = DateTime::parse_from_str(text, format) {
            return Some(instant.to_utc());
        }
        let local = match NaiveDateTime::parse_from_str(text, format) {
            Ok(local) if !self.midnight_deadline_lasts_the_day => local,
            Ok(local) if deadline && local.time() == NaiveTime::MIN => {
                local.date().and_time(END_OF_DAY)
            }
            Ok(local) => local,
            Err(_) if ["%H", "%I", "%T", "%R"].iter().any(|time| format.contains(time)) => {
                return None;
            }
            Err(_) => {
                let day = NaiveDate::parse_from_str(text, format).ok()?;
                day.and_time(if deadline { END_OF_DAY } else { NaiveTime::MIN })
            }
        };
        Some(resolve_local(self.zone, local))
    }

    /// Reads an amount that is not negative, with a point before the decimals, or a comma where the
    /// mapping says so.
    pub fn amount(&self, text: &str, currency: Currency) -> Result<Money, String> {
        if is_scientific(text) {
            return Err(format!(
                "{} is in scientific notation, as spreadsheets write numbers they have rounded",
                quoted(text)
            ));
        }
        let amount: Decimal = if self.decimal_comma {
            with_point(text)
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| format!("{} is no amount like 12,50", quoted(text)))?
        } else {
            text.parse().map_err(|_| {
                let hint = if with_point(text).is_some() && text.contains(',') {
                    "; --decimal-comma reads such amounts"
                } else {
                    ""
                };
                format!("{} is no amount like 12.50{hint}", quoted(text))
            })?
        };
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(format!("{} is negative", quoted(text)));
        }
        Ok(Money::new(amount, currency))
    }
}

/// An amount such as `1.234,50` as `1234.50`. Points must part thousands.
fn with_point(text: &str) -> Option<String> {
    let (whole, decimals) = match text.split_once(',') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    };
    let mut groups = whole.split('.');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    if rest.iter().any(|group| group.len() != 3) || decimals.is_some_and(|text| text.contains('.'))
    {
        return None;
    }
    let decimals = decimals.map(|decimals| format!(".{decimals}")).unwrap_or_default();
    Some(format!("{first}{}{decimals}", rest.concat()))
}

/// Whether a text is a number in scientific notation, such as `1.23E+17` or `1e5`.
pub fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).map(str::to_owned);
    let (mantissa, exponent) = (
        unsigned(mantissa).unwrap_or_else(|| mantissa.to_owned()),
        unsigned(exponent).unwrap_or_else(|| exponent.to_owned()),
    );
    let parts = mantissa.split_once(['.', ',']).unwrap_or((&mantissa, "0"));
    digits(parts.0) && digits(parts.1) && digits(&exponent)
}

/// A text of the file for a message: short, without line breaks or control characters.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let short: String = text.chars().take(LONGEST).collect();
    let more = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("{short:?}{more}")
}
