//! Reads orders from a file, a row at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read};

use chrono::{DateTime, TimeDelta, Utc};
use csv::{ByteRecord, ReaderBuilder};
use orderflow::rules::analytics::{Sale, SoldItem};
use orderflow::rules::kpi::{
    Cancellation, CancelledBy, OrderFacts, OrderRow, ParcelEnd, ParcelRow, RowKeys,
};
use orderflow::{
    CarrierId, Country, Currency, Money, PlatformId, ServiceCode, ShopId, ShopKey, Sku,
};
use serde::Serialize;

use super::ReportError;
use super::lines::Watched;
use super::mapping::{Field, Mapping, Status, is_scientific, quoted};

/// How many notes about rows are kept; the rest is only counted.
const NOTES_KEPT: usize = 1_000;
/// How many status words without a meaning are kept.
const WORDS_KEPT: usize = 50;

/// What is wrong or odd with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowNote {
    /// Line of the file the row begins in; the header is line 1.
    pub line: u64,
    /// The column, where one is to blame.
    pub column: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// Notes about rows: all are counted, the first are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowNotes {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<RowNote>,
}

impl RowNotes {
    fn push(&mut self, note: RowNote) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < NOTES_KEPT {
            self.first.push(note);
        }
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Orders {
    /// Facts for key figures.
    pub facts: OrderFacts,
    /// Facts for analytics.
    pub sales: Vec<Sale>,
    /// One parcel an order, where it was shipped or accepted.
    pub parcels: Vec<ParcelRow>,
    /// Rows below the header.
    pub rows: u64,
    /// Rows that do not count.
    pub rejected: RowNotes,
    /// Rows that count although their instants contradict each other.
    pub odd: RowNotes,
    /// Fields that the file has a column for.
    pub fields: BTreeSet<Field>,
    /// Columns of the preset that the file does not have.
    pub missing: Vec<(Field, String)>,
    /// Status words without a meaning, with how often they occur; such orders count as open.
    pub unknown_statuses: BTreeMap<String, u64>,
    /// Whether the mapping's currency was taken, because the file did not say it.
    pub assumed_currency: bool,
    /// Whether the mapping's country was taken, because the file did not say it.
    pub assumed_country: bool,
    /// Cancelled orders of which the file does not say when.
    pub cancelled_without_instant: u64,
    /// Cancelled orders of which the file does not say by whom.
    pub cancelled_by_nobody: u64,
    /// When the first order was placed.
    pub first_placed: Option<DateTime<Utc>>,
    /// When the last order was placed.
    pub last_placed: Option<DateTime<Utc>>,
    /// The latest thing that happened.
    pub latest: Option<DateTime<Utc>>,
}

/// Where the columns are.
struct Columns<'a> {
    mapping: &'a Mapping,
    places: BTreeMap<Field, usize>,
    width: usize,
}

/// Why a row cannot be used.
struct Wrong {
    field: Option<Field>,
    reason: String,
    /// Whether its order cannot count without it.
    spoils: bool,
}

impl Wrong {
    fn cell(field: Field, reason: impl Into<String>) -> Self {
        Self { field: Some(field), reason: reason.into(), spoils: true }
    }

    /// A row too many: the order counts as it is.
    fn surplus(reason: &str) -> Self {
        Self { field: Some(Field::OrderId), reason: reason.to_owned(), spoils: false }
    }
}

fn is_current(current: &Option<Found>, id: &str) -> bool {
    current.as_ref().is_some_and(|found| found.id == id)
}

struct Row<'a> {
    columns: &'a Columns<'a>,
    record: &'a ByteRecord,
}

impl Row<'_> {
    /// The text of a field; `None` without a column or when the cell is blank.
    fn text(&self, field: Field) -> Result<Option<&str>, Wrong> {
        let cell = self.columns.places.get(&field).and_then(|place| self.record.get(*place));
        let Some(cell) = cell else { return Ok(None) };
        let text = std::str::from_utf8(cell).map_err(|_| Wrong::cell(field, "it is not UTF-8"))?;
        Ok(Some(text.trim()).filter(|text| !text.is_empty()))
    }

    fn instant(&self, field: Field) -> Result<Option<DateTime<Utc>>, Wrong> {
        let deadline = matches!(
            field,
            Field::AcknowledgeBy | Field::ShipBy | Field::UploadBy | Field::DeliverBy
        );
        self.parsed(field, |text| self.columns.mapping.instant(text, deadline))
    }

    fn parsed<T>(
        &self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Wrong> {
        self.text(field)?.map(parse).transpose().map_err(|reason| Wrong::cell(field, reason))
    }

    fn id<T>(&self, field: Field) -> Result<Option<T>, Wrong>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        self.parsed(field, |text| {
            Self::undamaged(text)?;
            text.parse().map_err(|error: T::Err| error.to_string())
        })
    }

    /// An id that a spreadsheet made a number of is none. A text like `12E5` may well be one.
    fn undamaged(text: &str) -> Result<&str, String> {
        if is_scientific(text) && text.contains(['.', ',', '+', '-']) {
            return Err(format!(
                "{} is what a spreadsheet makes of a long number: its digits are lost",
                quoted(text)
            ));
        }
        Ok(text)
    }

    fn needed<T>(field: Field, value: Option<T>) -> Result<T, Wrong> {
        value.ok_or_else(|| Wrong::cell(field, "it is empty"))
    }

    fn item(&self, total: Option<Money>) -> Result<Option<SoldItem>, Wrong> {
        let units = self.parsed(Field::Units, |text| match text.parse() {
            Ok(0) | Err(_) => Err(format!("{} is no number from 1", quoted(text))),
            Ok(units) => Ok(units),
        })?;
        Ok(self.id::<Sku>(Field::Sku)?.map(|sku| SoldItem {
            sku,
            units: units.unwrap_or(1),
            value: total,
        }))
    }
}

/// An order as far as its rows are read.
struct Found {
    id: String,
    facts: OrderRow,
    sale: Sale,
    parcel: Option<ParcelRow>,
    /// A status word without a meaning.
    unknown_status: Option<String>,
    /// A cancellation: whether the file says when, and by whom.
    cancelled: Option<(bool, bool)>,
    odd: Option<RowNote>,
    assumed_currency: bool,
    assumed_country: bool,
}

/// Orders met so far, and whether each can count.
type Seen = HashMap<String, bool>;

/// Reads every row. A row that cannot be used is noted, and its whole order left out: half an order
/// would give wrong figures. Rows of one order that follow each other are its goods; everything
/// else of it is taken from the first.
pub fn read_orders(input: impl Read, mapping: &Mapping) -> Result<Orders, ReportError> {
    mapping.check()?;
    let mut input = BufReader::new(input);
    let start = input.fill_buf().map_err(|error| ReportError::Unreadable(error.to_string()))?;
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        return Err(ReportError::Utf16);
    }
    let delimiter = u8::try_from(mapping.delimiter).unwrap_or(b',');
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(Watched::new(input, delimiter));
    let header =
        reader.byte_headers().map_err(|error| ReportError::Unreadable(error.to_string()))?.clone();
    if let Some(line) = reader.get_ref().open_quote() {
        return Err(ReportError::OpenQuote(line));
    }
    if header.is_empty() {
        return Err(ReportError::Empty);
    }
    let mut orders = Orders::default();
    let columns = orders.find_columns(mapping, &header)?;
    let mut seen = Seen::new();
    let mut current: Option<Found> = None;
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(ReportError::Unreadable(error.to_string())),
        }
        orders.rows = orders.rows.saturating_add(1);
        let line = reader.get_mut().line_at(record.position().map_or(0, csv::Position::byte));
        let row = Row { columns: &columns, record: &record };
        let taken = if let Some(opened) = reader.get_ref().open_quote() {
            let reason = format!(
                "the quote that opens in line {opened} is never closed: what follows, down to line {}, \
                 is in one cell and is not counted",
                reader.get_ref().reached()
            );
            Err(Wrong { field: None, reason, spoils: true })
        } else if record.len() == columns.width {
            orders.take(&row, line, &mut current, &mut seen)
        } else {
            let mut reason =
                format!("it has {} cells, the header has {}", record.len(), columns.width);
            let breaks = record.iter().flatten().filter(|byte| **byte == b'\n').count();
            if breaks > 0 {
                reason.push_str(&format!(
                    "; a quote in it holds {} lines together: is one too many?",
                    breaks + 1
                ));
            }
            Err(Wrong { field: None, reason, spoils: true })
        };
        let Err(wrong) = taken else { continue };
        let mut reason = wrong.reason;
        if wrong.spoils
            && let Ok(Some(id)) = row.text(Field::OrderId)
            && !seen.get(id).is_some_and(|counts| *counts && !is_current(&current, id))
        {
            // What stands further above is whole; what this row belongs to is not.
            if is_current(&current, id) {
                current = None;
                reason.push_str("; its order is left out");
            }
            seen.insert(id.to_owned(), false);
        }
        let column = wrong.field.and_then(|field| mapping.columns.get(&field).cloned());
        orders.rejected.push(RowNote { line, column, reason });
    }
    if let Some(found) = current.take() {
        orders.keep(found);
    }
    Ok(orders)
}

/// A header that is a single cell is often one that is parted by something else.
fn other_delimiter(delimiter: char, names: &[String]) -> String {
    let [only] = names else { return String::new() };
    let other = [';', '\t', '|', ','].into_iter().find(|other| only.contains(*other));
    other.filter(|other| *other != delimiter).map_or_else(String::new, |other| {
        let name = if other == '\t' { "tab".to_owned() } else { format!("'{other}'") };
        format!("; is it parted by {name}? Then give --delimiter {name}")
    })
}

impl Orders {
    fn find_columns<'a>(
        &mut self,
        mapping: &'a Mapping,
        header: &ByteRecord,
    ) -> Result<Columns<'a>, ReportError> {
        let names: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let mut places = BTreeMap::new();
        for (field, column) in &mapping.columns {
            // As it is written, else with large or small letters and blanks aside.
            let places_of = |is: &dyn Fn(&str) -> bool| -> Vec<usize> {
                let all = names.iter().enumerate().filter(|(_, name)| is(name));
                all.map(|(place, _)| place).collect()
            };
            let mut found = places_of(&|name| name == column.trim());
            if found.is_empty() {
                let wanted = column.trim().to_lowercase();
                found = places_of(&|name| name.to_lowercase() == wanted);
            }
            let place = found.first().copied();
            if found.len() > 1 {
                return Err(ReportError::ColumnTwice { field: *field, column: column.clone() });
            }
            let needed = matches!(field, Field::OrderId | Field::PlacedAt);
            match place {
                Some(place) => {
                    places.insert(*field, place);
                    self.fields.insert(*field);
                }
                None if needed || mapping.by_hand.contains(field) => {
                    let columns = names.iter().map(|name| quoted(name)).collect();
                    let hint = other_delimiter(mapping.delimiter, &names);
                    return Err(ReportError::NoColumn {
                        field: *field,
                        column: column.clone(),
                        columns,
                        hint,
                    });
                }
                None => self.missing.push((*field, column.clone())),
            }
        }
        for field in [Field::OrderId, Field::PlacedAt] {
            if !places.contains_key(&field) {
                return Err(ReportError::Unmapped(field));
            }
        }
        if mapping.ship_within_hours.is_some() {
            self.fields.insert(Field::ShipBy);
        }
        Ok(Columns { mapping, places, width: names.len() })
    }

    fn take(
        &mut self,
        row: &Row<'_>,
        line: u64,
        current: &mut Option<Found>,
        seen: &mut Seen,
    ) -> Result<(), Wrong> {
        let id = Row::needed(Field::OrderId, row.text(Field::OrderId)?)?;
        Row::undamaged(id).map_err(|reason| Wrong::cell(Field::OrderId, reason))?;
        if let Some(found) = current.as_mut().filter(|found| found.id == id) {
            let Some(item) = row.item(None)? else {
                return Err(Wrong::surplus("the same order again, without a SKU"));
            };
            // With several rows the total of the order belongs to none of its SKUs.
            found.sale.items.iter_mut().for_each(|item| item.value = None);
            match found.sale.items.iter_mut().find(|known| known.sku == item.sku) {
                Some(known) => known.units = known.units.saturating_add(item.units),
                None => {
                    found.facts.keys.skus.push(item.sku.clone());
                    found.sale.items.push(item);
                }
            }
            return Ok(());
        }
        match seen.get(id) {
            Some(true) => {
                let reason = "the order stands further above already; only that one counts";
                return Err(Wrong::surplus(reason));
            }
            Some(false) => {
                let reason = "another row of the order cannot be used; it is left out whole";
                return Err(Wrong::surplus(reason));
            }
            None => {}
        }
        let found = order(row, id, line)?;
        seen.insert(id.to_owned(), true);
        if let Some(before) = current.replace(found) {
            self.keep(before);
        }
        Ok(())
    }

    fn keep(&mut self, found: Found) {
        self.assumed_currency |= found.assumed_currency;
        self.assumed_country |= found.assumed_country;
        let Found { facts, sale, parcel, unknown_status, cancelled, odd, .. } = found;
        if let Some(word) = unknown_status {
            let room = self.unknown_statuses.len() < WORDS_KEPT;
            match self.unknown_statuses.get_mut(&word) {
                Some(count) => *count = count.saturating_add(1),
                None if room => drop(self.unknown_statuses.insert(word, 1)),
                None => {}
            }
        }
        if let Some((has_instant, has_who)) = cancelled {
            self.cancelled_without_instant += u64::from(!has_instant);
            self.cancelled_by_nobody += u64::from(!has_who);
        }
        if let Some(odd) = odd {
            self.odd.push(odd);
        }
        let placed = Some(facts.created_at);
        self.first_placed = self.first_placed.map_or(placed, |first| placed.min(Some(first)));
        self.last_placed = self.last_placed.max(placed);
        let happened = [
            placed,
            facts.paid_at,
            facts.acknowledged_at,
            facts.ship_confirmed_at,
            facts.uploaded_at,
            facts.accepted_at,
            facts.delivered_at,
            facts.cancellation.map(|cancellation| cancellation.at),
            facts.complaint_at,
            facts.dispute_at,
        ];
        self.latest = happened.into_iter().flatten().max().max(self.latest);
        self.facts.push(&facts);
        if !facts.test {
            self.sales.push(sale);
        }
        self.parcels.extend(parcel);
    }
}

fn order(row: &Row<'_>, id: &str, line: u64) -> Result<Found, Wrong> {
    let mapping = row.columns.mapping;
    let placed_at = Row::needed(Field::PlacedAt, row.instant(Field::PlacedAt)?)?;
    let word = row.text(Field::Status)?.unwrap_or("").to_lowercase();
    let status = mapping.statuses.get(&word).copied();
    let paid_at = match status {
        Some(Status::Unpaid) => None,
        _ if row.columns.places.contains_key(&Field::PaidAt) => row.instant(Field::PaidAt)?,
        _ => Some(placed_at),
    };
    let shipped_at = row.instant(Field::ShippedAt)?;
    let accepted_at = row.instant(Field::AcceptedAt)?;
    let delivered_at = row.instant(Field::DeliveredAt)?;
    let deliver_by = row.instant(Field::DeliverBy)?;
    let uploaded_at = row.instant(Field::UploadedAt)?;
    let ship_by = row.instant(Field::ShipBy)?.or_else(|| {
        let hours = TimeDelta::hours(i64::from(mapping.ship_within_hours?));
        paid_at?.checked_add_signed(hours)
    });
    let ended = match (row.instant(Field::LostAt)?, row.instant(Field::ReturnedAt)?) {
        (Some(at), _) => Some((ParcelEnd::Lost, at)),
        (None, at) => at.map(|at| (ParcelEnd::Returned, at)),
    };
    let cancelled_at = row.instant(Field::CancelledAt)?;
    let by = match status {
        Some(Status::Cancelled) => Some(None),
        Some(Status::CancelledByBuyer) => Some(Some(CancelledBy::Buyer)),
        Some(Status::CancelledBySeller) => Some(Some(CancelledBy::Seller)),
        Some(Status::CancelledByPlatform) => Some(Some(CancelledBy::Platform)),
        _ => cancelled_at.map(|_| None),
    };
    let said = row.id::<Currency>(Field::Currency)?;
    let currency = said.or(mapping.currency);
    let amount = |field| {
        row.parsed(field, |text| match currency {
            Some(currency) => mapping.amount(text, currency),
            None => Err("its currency is not known".to_owned()),
        })
    };
    let total = amount(Field::Total)?;
    let label_cost = amount(Field::LabelCost)?;
    let product_cost = amount(Field::ProductCost)?;
    let assumed_currency =
        said.is_none() && [total, label_cost, product_cost].iter().any(Option::is_some);
    let item = row.item(total)?;
    let state = row.text(Field::State)?.map(str::to_owned);
    let country = row.text(Field::Country)?.map(str::to_owned);
    let assumed_country = country.is_none() && mapping.country.is_some();
    let country = country.or_else(|| mapping.country.clone());
    let known = country.as_deref().and_then(Country::new);
    let state = state.map(|state| {
        known.and_then(|country| country.state_code(&state)).map_or(state, str::to_owned)
    });
    let region = match (&country, &state) {
        (Some(country), Some(state)) => Some(format!("{country}-{state}")),
        (country, state) => state.clone().or_else(|| country.clone()),
    };
    let keys = RowKeys {
        shop: row.id::<ShopId>(Field::Seller)?,
        carrier: row.id::<CarrierId>(Field::Carrier)?,
        service: row.id::<ServiceCode>(Field::Service)?,
        region,
        skus: item.iter().map(|item| item.sku.clone()).collect(),
        ..RowKeys::default()
    };
    let mut facts = OrderRow::placed(placed_at);
    facts.paid_at = paid_at;
    facts.test = status == Some(Status::Test);
    facts.platform_fulfilled = status == Some(Status::PlatformFulfilled);
    facts.acknowledged_at = row.instant(Field::AcknowledgedAt)?;
    facts.acknowledge_by = row.instant(Field::AcknowledgeBy)?;
    facts.needs_acknowledgement = facts.acknowledge_by.is_some();
    facts.ship_by = ship_by;
    facts.fully_shipped = shipped_at.is_some();
    facts.ship_confirmed_at = shipped_at;
    facts.accepted_at = accepted_at;
    facts.number_needed =
        shipped_at.is_some() && row.columns.places.contains_key(&Field::UploadedAt);
    facts.uploaded_at = uploaded_at;
    facts.upload_by = row.instant(Field::UploadBy)?;
    facts.deliver_by = deliver_by;
    facts.delivered_at = delivered_at;
    facts.complaint_at = row.instant(Field::ComplaintAt)?;
    facts.dispute_at = row.instant(Field::DisputeAt)?;
    facts.product_cost = product_cost;
    facts.order_value = total;
    facts.label_costs = label_cost.into_iter().collect();
    facts.cancellation = by.map(|by| Cancellation {
        // The earliest it can have been: after everything else that happened to it. Who did it only
        // matters where it is known: nobody is blamed without a reason.
        at: cancelled_at.unwrap_or_else(|| {
            let happened = [paid_at, shipped_at, accepted_at, delivered_at];
            happened.into_iter().flatten().fold(placed_at, Ord::max)
        }),
        by: by.unwrap_or(CancelledBy::Buyer),
    });
    facts.keys = keys.clone();

    let unknown_status =
        (status.is_none() && row.columns.places.contains_key(&Field::Status)).then_some(word);
    let cancelled = by.map(|by| (cancelled_at.is_some(), by.is_some()));
    let odd = contradiction(mapping, &facts, line);
    let parcel = (shipped_at.is_some() || accepted_at.is_some()).then_some(ParcelRow {
        keys,
        test: facts.test,
        platform_fulfilled: facts.platform_fulfilled,
        ship_confirmed_at: shipped_at,
        uploaded_at,
        accepted_at,
        delivered_at,
        deliver_by,
        ended,
        label_cost,
        weight: None,
    });
    // A state without a country is still a place: it stands where a country would.
    let (country, state) = match (country, state) {
        (None, Some(state)) => (Some(state), None),
        places => places,
    };
    let shop = facts.keys.shop.clone().unwrap_or(ShopId::from_static("all"));
    let sale = Sale {
        shop: ShopKey::new(PlatformId::from_static("file"), shop),
        buyer: None,
        created_at: placed_at,
        paid_at,
        cancelled: facts.cancellation.is_some(),
        total: total.unwrap_or(Money::zero(currency.unwrap_or(Currency::USD))),
        country,
        state,
        city: None,
        items: item.into_iter().collect(),
        accepted_at,
        delivered_at,
        deliver_by,
    };
    Ok(Found {
        id: id.to_owned(),
        facts,
        sale,
        parcel,
        unknown_status,
        cancelled,
        odd,
        assumed_currency,
        assumed_country,
    })
}

fn contradiction(mapping: &Mapping, facts: &OrderRow, line: u64) -> Option<RowNote> {
    let steps = [
        (Field::PlacedAt, Some(facts.created_at)),
        (Field::PaidAt, facts.paid_at),
        (Field::ShippedAt, facts.ship_confirmed_at),
        (Field::DeliveredAt, facts.delivered_at),
    ];
    let known: Vec<(Field, DateTime<Utc>)> =
        steps.into_iter().filter_map(|(field, at)| Some((field, at?))).collect();
    let (before, after) = known.windows(2).find_map(|pair| match pair {
        [(before, first), (after, second)] if second < first => Some((*before, *after)),
        _ => None,
    })?;
    let column = mapping.columns.get(&after).cloned();
    Some(RowNote { line, column, reason: format!("{after} lies before {before}") })
}
