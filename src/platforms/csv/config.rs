//! Which column means what: declared, never guessed.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::dates::is_format;
use super::error::MappingError;
use crate::address::Country;
use crate::money::Currency;
use crate::order::UnitStatus;

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Field {
    /// Id of the order. Required.
    OrderId,
    /// The number that the buyer sees.
    OrderNumber,
    /// Status of the whole order, word for word.
    Status,
    /// When it was placed.
    PlacedAt,
    /// When it was paid; an empty cell is an unpaid order.
    PaidAt,
    /// When it last changed.
    UpdatedAt,
    /// Until when it must leave; a day means its end.
    ShipBy,
    /// Until when it must arrive; a day means its end.
    DeliverBy,
    /// Identity of the buyer.
    BuyerId,
    /// Name of the buyer.
    BuyerName,
    /// E-mail of the buyer.
    BuyerEmail,
    /// Name of the recipient. Required.
    RecipientName,
    /// Company of the recipient.
    RecipientCompany,
    /// Phone of the recipient.
    RecipientPhone,
    /// First street line. Required.
    AddressLine1,
    /// Second street line.
    AddressLine2,
    /// Third street line.
    AddressLine3,
    /// City. Required.
    City,
    /// State or province.
    State,
    /// Postcode. Required where the country uses one.
    PostalCode,
    /// Country: two or three letters, or a word of [`Mapping::countries`]. Required.
    Country,
    /// The service the buyer chose, word for word.
    ShippingService,
    /// Currency of all amounts of the row.
    Currency,
    /// What the buyer pays in all; without it, what the lines add up to.
    OrderTotal,
    /// A note by the buyer.
    Note,
    /// Id of the line; without it, the SKU.
    LineId,
    /// Stock keeping unit. Required.
    Sku,
    /// Title of the goods.
    Title,
    /// Units. Required, at least 1.
    Quantity,
    /// Price of one unit, without tax.
    UnitPrice,
    /// Price of all units of the line, without tax.
    LineTotal,
    /// Tax of the line.
    Tax,
    /// What the buyer pays for the transport of the line.
    Shipping,
    /// Discount on the line; the sign does not matter.
    Discount,
    /// Weight of one unit in grams.
    WeightGrams,
    /// Weight of one unit in kilograms.
    WeightKilograms,
    /// Weight of one unit in pounds.
    WeightPounds,
    /// Weight of one unit in ounces.
    WeightOunces,
    /// Picture of the goods.
    ImageUrl,
}

impl Field {
    /// All of them.
    pub(super) const ALL: [Self; 39] = [
        Self::OrderId,
        Self::OrderNumber,
        Self::Status,
        Self::PlacedAt,
        Self::PaidAt,
        Self::UpdatedAt,
        Self::ShipBy,
        Self::DeliverBy,
        Self::BuyerId,
        Self::BuyerName,
        Self::BuyerEmail,
        Self::RecipientName,
        Self::RecipientCompany,
        Self::RecipientPhone,
        Self::AddressLine1,
        Self::AddressLine2,
        Self::AddressLine3,
        Self::City,
        Self::State,
        Self::PostalCode,
        Self::Country,
        Self::ShippingService,
        Self::Currency,
        Self::OrderTotal,
        Self::Note,
        Self::LineId,
        Self::Sku,
        Self::Title,
        Self::Quantity,
        Self::UnitPrice,
        Self::LineTotal,
        Self::Tax,
        Self::Shipping,
        Self::Discount,
        Self::WeightGrams,
        Self::WeightKilograms,
        Self::WeightPounds,
        Self::WeightOunces,
        Self::ImageUrl,
    ];

    /// The fields whose column a file must have.
    pub(super) const REQUIRED: [Self; 6] = [
        Self::OrderId,
        Self::Sku,
        Self::Quantity,
        Self::RecipientName,
        Self::AddressLine1,
        Self::City,
    ];

    /// Whether it is said of the order, so that all its rows must agree.
    pub(super) const fn is_of_order(self) -> bool {
        (self as usize) < (Self::LineId as usize)
    }

    pub(super) const fn is_date(self) -> bool {
        matches!(
            self,
            Self::PlacedAt | Self::PaidAt | Self::UpdatedAt | Self::ShipBy | Self::DeliverBy
        )
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What separates whole units from fractions in amounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMark {
    /// `1234.50`, grouped `1,234.50`.
    #[default]
    Point,
    /// `1234,50`, grouped `1.234,50`.
    Comma,
}

/// What may separate the cells of a row.
pub(super) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The look-back when none is declared, in rows.
pub const DEFAULT_LOOK_BACK: u32 = 256;
/// The largest look-back, in rows. Every row of it is kept in memory.
pub const MAX_LOOK_BACK: u32 = 100_000;

/// How a file is read: which column is which field, and how cells are written.
///
/// ```
/// use orderflow::platforms::csv::{DecimalMark, Field, Mapping};
///
/// let mapping = Mapping::preset("orderflow")?
///     .with_column(Field::OrderId, "Bestellnummer")
///     .with_decimal(DecimalMark::Comma)
///     .with_dates(["%d.%m.%Y %H:%M"], chrono_tz::Europe::Berlin);
/// assert!(mapping.check().is_ok());
/// # Ok::<(), orderflow::platforms::csv::MappingError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The names that each field's column may have, the preferred one first. Case, blanks and
    /// underscores do not count.
    pub columns: BTreeMap<Field, Vec<String>>,
    /// Columns without a field that are said of the order, not of the line.
    #[serde(default)]
    pub order_columns: Vec<String>,
    /// Columns without a field that name no person: they become plain attributes, which print and
    /// outlive erasure. Any other column without a field may hold a name or a phone number, and is
    /// kept as personal.
    #[serde(default)]
    pub plain_columns: Vec<String>,
    /// `,`, `;`, `|` or a tab; `None` takes what a first line `sep=` says, else detects it from the header.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// How amounts are written.
    #[serde(default)]
    pub decimal: DecimalMark,
    /// The currency of rows that name none.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// The country of rows that name none.
    #[serde(default)]
    pub country: Option<Country>,
    /// Words for countries beside their codes, for example `United States` for `US`.
    #[serde(default)]
    pub countries: BTreeMap<String, Country>,
    /// What the words of the status column say about the units. Case, blanks and underscores do not
    /// count; an empty cell is [`UnitStatus::New`], and a word that is not here is kept as
    /// [`UnitStatus::Unknown`].
    #[serde(default)]
    pub statuses: BTreeMap<String, UnitStatus>,
    /// How dates are written, tried in turn: `rfc3339`, or a format with the letters of `strftime`.
    #[serde(default)]
    pub date_formats: Vec<String>,
    /// The zone of dates that name no offset.
    #[serde(default = "utc")]
    pub zone: Tz,
    /// When orders were placed, for files that do not say.
    #[serde(default)]
    pub placed_at: Option<DateTime<Utc>>,
    /// Site or market of all orders.
    #[serde(default)]
    pub site: Option<String>,
    /// How many rows after an order's first row its further rows may come.
    #[serde(default = "default_look_back")]
    pub look_back: u32,
}

const fn utc() -> Tz {
    Tz::UTC
}

const fn default_look_back() -> u32 {
    DEFAULT_LOOK_BACK
}

/// Presets by name.
const PRESETS: &str = include_str!("presets.json");

impl Mapping {
    /// A mapping that ships with the crate, by name: see [the module](super).
    ///
    /// # Errors
    /// [`MappingError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, MappingError> {
        let mut all: BTreeMap<String, Self> = serde_json::from_str(PRESETS)
            .map_err(|error| MappingError::UnknownPreset(error.to_string()))?;
        all.remove(name).ok_or_else(|| MappingError::UnknownPreset(name.to_owned()))
    }

    /// Adds a name for a field's column, preferred over the ones before.
    #[must_use]
    pub fn with_column(mut self, field: Field, name: impl Into<String>) -> Self {
        self.columns.entry(field).or_default().insert(0, name.into());
        self
    }

    /// Declares columns without a field to be said of the order.
    #[must_use]
    pub fn with_order_columns<T: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        self.order_columns.extend(names.into_iter().map(Into::into));
        self
    }

    /// Declares columns without a field to name no person.
    #[must_use]
    pub fn with_plain_columns<T: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        self.plain_columns.extend(names.into_iter().map(Into::into));
        self
    }

    /// Declares the delimiter.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: char) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Declares how amounts are written.
    #[must_use]
    pub fn with_decimal(mut self, decimal: DecimalMark) -> Self {
        self.decimal = decimal;
        self
    }

    /// Declares the currency of rows that name none.
    #[must_use]
    pub fn with_currency(mut self, currency: Currency) -> Self {
        self.currency = Some(currency);
        self
    }

    /// Declares the country of rows that name none.
    #[must_use]
    pub fn with_country(mut self, country: Country) -> Self {
        self.country = Some(country);
        self
    }

    /// Declares how dates are written, in place of the formats before.
    #[must_use]
    pub fn with_dates<T: Into<String>>(
        mut self,
        formats: impl IntoIterator<Item = T>,
        zone: Tz,
    ) -> Self {
        self.date_formats = formats.into_iter().map(Into::into).collect();
        self.zone = zone;
        self
    }

    /// Declares when orders were placed, for files that do not say.
    #[must_use]
    pub fn with_placed_at(mut self, placed_at: DateTime<Utc>) -> Self {
        self.placed_at = Some(placed_at);
        self
    }

    /// Declares the look-back in rows.
    #[must_use]
    pub fn with_look_back(mut self, rows: u32) -> Self {
        self.look_back = rows;
        self
    }

    /// Whether the mapping can work for any file.
    ///
    /// # Errors
    /// The first [`MappingError`].
    pub fn check(&self) -> Result<(), MappingError> {
        let is_known =
            |delimiter: char| DELIMITERS.iter().any(|known| delimiter == char::from(*known));
        if self.delimiter.is_some_and(|delimiter| !is_known(delimiter)) {
            return Err(MappingError::Delimiter);
        }
        if self.look_back > MAX_LOOK_BACK {
            return Err(MappingError::TooLarge { name: "look_back", most: MAX_LOOK_BACK });
        }
        let declared = |field: &Field| self.columns.get(field).is_some_and(|n| !n.is_empty());
        let defaults = [
            (Field::Currency, self.currency.is_some()),
            (Field::Country, self.country.is_some()),
            (Field::PlacedAt, self.placed_at.is_some()),
        ];
        let required = Field::REQUIRED.into_iter().map(|field| (field, false)).chain(defaults);
        for (field, default) in required {
            if !default && !declared(&field) {
                return Err(MappingError::Undeclared(field));
            }
        }
        let mut claimed: BTreeMap<String, Field> = BTreeMap::new();
        for (field, names) in &self.columns {
            for name in names {
                match claimed.insert(squeezed(name), *field) {
                    Some(first) if first != *field => {
                        return Err(MappingError::ClaimedTwice {
                            column: name.clone(),
                            first,
                            second: *field,
                        });
                    }
                    _ => {}
                }
            }
        }
        if let Some(format) = self.date_formats.iter().find(|format| !is_format(format)) {
            return Err(MappingError::DateFormat(format.clone()));
        }
        let dates = self.columns.keys().any(|field| field.is_date() && declared(field));
        if dates && self.date_formats.is_empty() {
            return Err(MappingError::NoDateFormat);
        }
        Ok(())
    }
}

/// A column's name without what does not count.
pub(super) fn squeezed(name: &str) -> String {
    name.chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '_')
        .flat_map(char::to_lowercase)
        .collect()
}
