//! Rows in our words.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::codes;
use super::config::{DecimalMark, Field, Mapping, squeezed};
use super::dates::Dates;
use super::error::RowErrorCode as Code;
use super::wire::{Columns, Fault, Row};
use crate::address::{Address, Contact, Country};
use crate::ids::{BuyerId, InvalidId, LineId, PlatformOrderId, Sku};
use crate::money::{Currency, Money};
use crate::order::{
    DeadlineKind, PlatformBuyer, PlatformDeadline, PlatformLine, PlatformOrder, SnapshotFault,
    UnitGroup, UnitStatus,
};
use crate::personal::Personal;
use crate::units::Grams;

/// What reading depends on beside the file.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    dates: Dates,
    decimal: DecimalMark,
    currency: Option<Currency>,
    country: Option<Country>,
    countries: BTreeMap<String, Country>,
    statuses: BTreeMap<String, UnitStatus>,
    placed_at: Option<DateTime<Utc>>,
    site: Option<String>,
}

impl Reading {
    pub(super) fn new(mapping: &Mapping) -> Self {
        Self {
            dates: Dates::new(&mapping.date_formats, mapping.zone),
            decimal: mapping.decimal,
            currency: mapping.currency,
            country: mapping.country,
            countries: mapping.countries.iter().map(|(k, v)| (squeezed(k), *v)).collect(),
            statuses: mapping.statuses.iter().map(|(k, v)| (squeezed(k), v.clone())).collect(),
            placed_at: mapping.placed_at,
            site: mapping.site.clone(),
        }
    }
}

/// Cells of one row, read by field.
struct Cells<'a> {
    row: &'a Row,
    columns: &'a Columns,
    reading: &'a Reading,
}

type Read<T> = Result<T, Fault>;
/// Cells that may name a person, by their columns.
type Facts = BTreeMap<String, Personal<String>>;

impl<'a> Cells<'a> {
    fn text(&self, field: Field) -> &'a str {
        self.row.cell(self.columns.of(field))
    }

    fn fault(&self, field: Field, code: Code, message: &str) -> Fault {
        Fault::new(self.columns.of(field), code, message)
    }

    fn owned(&self, field: Field) -> Option<String> {
        let text = self.text(field);
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn personal(&self, field: Field) -> Option<Personal<String>> {
        self.owned(field).map(Personal::new)
    }

    fn required(&self, field: Field) -> Read<&'a str> {
        let text = self.text(field);
        if text.is_empty() {
            return Err(self.fault(field, Code::Empty, "the cell is empty"));
        }
        Ok(text)
    }

    /// An id word for word: what a spreadsheet made a number of is refused.
    fn id<T>(
        &self,
        field: Field,
        make: impl Fn(String) -> Result<T, InvalidId>,
    ) -> Read<Option<T>> {
        let text = self.text(field);
        if text.is_empty() {
            return Ok(None);
        }
        if let Some((code, message)) = damage(text) {
            return Err(self.fault(field, code, message));
        }
        make(text.to_owned())
            .map(Some)
            .map_err(|invalid| self.fault(field, Code::BadId, &invalid.to_string()))
    }

    fn required_id<T>(
        &self,
        field: Field,
        make: impl Fn(String) -> Result<T, InvalidId>,
    ) -> Read<T> {
        self.required(field)?;
        self.id(field, make)?.ok_or_else(|| self.fault(field, Code::Empty, "the cell is empty"))
    }

    fn instant(&self, field: Field, ends: bool) -> Read<Option<DateTime<Utc>>> {
        let text = self.text(field);
        if text.is_empty() {
            return Ok(None);
        }
        self.reading
            .dates
            .read(text, ends)
            .map(Some)
            .ok_or_else(|| self.fault(field, Code::BadDate, "no declared date format fits"))
    }

    fn decimal(&self, field: Field) -> Read<Option<Decimal>> {
        let text = self.text(field);
        if text.is_empty() {
            return Ok(None);
        }
        amount(text, self.reading.decimal)
            .map(Some)
            .ok_or_else(|| self.fault(field, Code::BadAmount, "no amount in the declared notation"))
    }

    fn money(&self, field: Field, currency: Currency) -> Read<Option<Money>> {
        let Some(amount) = self.decimal(field)? else { return Ok(None) };
        let money = Money::new(amount, currency);
        if money.is_negative() {
            return Err(self.fault(field, Code::NegativeAmount, "the amount is below zero"));
        }
        Ok(Some(money))
    }

    fn currency(&self) -> Read<Currency> {
        let text = self.text(Field::Currency);
        if text.is_empty() {
            return self.reading.currency.ok_or_else(|| {
                self.fault(Field::Currency, Code::BadCurrency, "no currency is named")
            });
        }
        Currency::new(text)
            .ok()
            .filter(|currency| codes::is_currency(*currency))
            .ok_or_else(|| self.fault(Field::Currency, Code::BadCurrency, "no currency code"))
    }

    fn country(&self) -> Read<Country> {
        let text = self.text(Field::Country);
        if text.is_empty() {
            return self
                .reading
                .country
                .ok_or_else(|| self.fault(Field::Country, Code::Empty, "the cell is empty"));
        }
        let declared = self.reading.countries.get(&squeezed(text)).copied();
        declared
            .or_else(|| Country::new(text).filter(|country| country.is_assigned()))
            .or_else(|| Country::from_alpha3(text))
            .ok_or_else(|| self.fault(Field::Country, Code::BadCountry, "no known country"))
    }

    fn recipient(&self) -> Read<Contact> {
        let name = self.required(Field::RecipientName)?;
        let mut lines = Vec::with_capacity(2);
        lines.push(self.required(Field::AddressLine1)?.into());
        lines.extend(self.personal(Field::AddressLine2));
        lines.extend(self.personal(Field::AddressLine3));
        let city = self.required(Field::City)?.to_owned();
        let country = self.country()?;
        let postal_code = self.owned(Field::PostalCode);
        if postal_code.is_none() && has_postcodes(country) {
            let message = "the country uses postcodes, and there is none";
            return Err(self.fault(Field::PostalCode, Code::Empty, message));
        }
        if let Some((code, message)) = postal_code.as_deref().and_then(damage) {
            return Err(self.fault(Field::PostalCode, code, message));
        }
        Ok(Contact {
            name: name.into(),
            company: self.personal(Field::RecipientCompany),
            phone: self.personal(Field::RecipientPhone),
            email: self.personal(Field::BuyerEmail),
            address: Address {
                lines,
                city,
                state: self.owned(Field::State),
                postal_code,
                country: Some(country),
                residential: None,
            },
        })
    }

    fn weight(&self) -> Read<Option<Grams>> {
        type Convert = fn(Decimal) -> Result<Grams, crate::units::UnitError>;
        let grams: Convert = |grams| {
            // Nothing to round in whole grams.
            if let Some(whole) = grams.to_u32().filter(|_| grams.scale() == 0) {
                return Ok(Grams::new(whole));
            }
            Grams::from_kilograms(
                grams
                    .checked_div(Decimal::from(1_000))
                    .ok_or(crate::units::UnitError::OutOfRange)?,
            )
        };
        let units: [(Field, Convert); 4] = [
            (Field::WeightGrams, grams),
            (Field::WeightKilograms, Grams::from_kilograms),
            (Field::WeightPounds, Grams::from_pounds),
            (Field::WeightOunces, Grams::from_ounces),
        ];
        for (field, convert) in units {
            if let Some(value) = self.decimal(field)?.filter(|value| !value.is_zero()) {
                return convert(value)
                    .map(Some)
                    .map_err(|_| self.fault(field, Code::BadAmount, "no weight"));
            }
        }
        Ok(None)
    }

    fn status(&self) -> UnitStatus {
        let text = self.text(Field::Status);
        if text.is_empty() {
            return UnitStatus::New;
        }
        let known = self.reading.statuses.get(&squeezed(text)).cloned();
        known.unwrap_or_else(|| UnitStatus::Unknown(text.to_owned()))
    }

    /// What columns without a field say: plainly where that was declared, else as personal.
    fn extras(&self, of_order: bool) -> (BTreeMap<String, String>, Facts) {
        let (mut plain, mut personal) = (BTreeMap::new(), BTreeMap::new());
        for extra in self.columns.extras.iter().filter(|extra| extra.of_order == of_order) {
            let text = self.row.cell(Some(extra.column));
            if text.is_empty() {
                continue;
            }
            if extra.is_plain {
                plain.insert(extra.name.clone(), text.to_owned());
            } else {
                personal.insert(extra.name.clone(), text.into());
            }
        }
        (plain, personal)
    }

    /// The line, and what the buyer pays for it in all.
    fn line(&self, currency: Currency) -> Read<(PlatformLine, Money)> {
        let sku = self.required_id(Field::Sku, Sku::new)?;
        let quantity = self.required(Field::Quantity)?;
        let quantity: u32 =
            Some(quantity).and_then(whole).filter(|units| *units > 0).ok_or_else(|| {
                self.fault(Field::Quantity, Code::BadQuantity, "no whole number of at least 1")
            })?;
        let id = match self.id(Field::LineId, LineId::new)? {
            Some(id) => id,
            None => LineId::new(sku.as_str())
                .map_err(|invalid| self.fault(Field::Sku, Code::BadId, &invalid.to_string()))?,
        };
        let line_total = self.money(Field::LineTotal, currency)?;
        let unit_price = self.money(Field::UnitPrice, currency)?;
        let too_much =
            || Fault::new(None, Code::BadAmount, "the amounts are too large to be added");
        let goods = match (line_total, unit_price) {
            (Some(total), _) => total,
            (None, Some(price)) => price.times(quantity).map_err(|_| too_much())?,
            (None, None) => Money::zero(currency),
        };
        let unit_price = unit_price.unwrap_or_else(|| share(goods, quantity));
        let tax = self.money(Field::Tax, currency)?;
        let shipping = self.money(Field::Shipping, currency)?;
        let discount = self
            .decimal(Field::Discount)?
            .filter(|discount| !discount.is_zero())
            .map(|discount| Money::new(discount.abs(), currency));
        let mut total = goods;
        for part in [tax, shipping].into_iter().flatten() {
            total = total.checked_add(&part).map_err(|_| too_much())?;
        }
        if let Some(discount) = discount {
            total = total.checked_sub(&discount).map_err(|_| too_much())?;
        }
        let (attributes, personal_attributes) = self.extras(false);
        let line = PlatformLine {
            id,
            unit_ids: Vec::new(),
            sku: Some(sku),
            title: self.text(Field::Title).to_owned(),
            attributes,
            personal_attributes,
            quantity,
            unit_price,
            line_total,
            tax,
            shipping,
            discount,
            weight: self.weight()?,
            image_url: self.owned(Field::ImageUrl),
            units: vec![UnitGroup::new(self.status(), quantity)],
        };
        Ok((line, total))
    }
}

/// The id of the order that a row belongs to.
pub(super) fn order_id(
    row: &Row,
    columns: &Columns,
    reading: &Reading,
) -> Result<PlatformOrderId, Fault> {
    Cells { row, columns, reading }.required_id(Field::OrderId, PlatformOrderId::new)
}

/// Makes an order of its rows, in any order of rows.
///
/// # Errors
/// The faults by row, at most one a row.
pub(super) fn order(
    rows: &[Row],
    columns: &Columns,
    reading: &Reading,
) -> Result<PlatformOrder, Vec<(usize, Fault)>> {
    let mut faults: Vec<(usize, Fault)> = Vec::new();
    let Some(first) = rows.first() else { return Err(faults) };
    for (index, row) in rows.iter().enumerate() {
        if let Some(fault) = &row.fault {
            faults.push((index, (**fault).clone()));
        } else if let Some(fault) = shown_error(row, columns) {
            faults.push((index, fault));
        } else if index > 0 {
            faults.extend(disagreement(first, row, columns).map(|fault| (index, fault)));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let cells = Cells { row: first, columns, reading };
    let currency = cells.currency().map_err(|fault| vec![(0, fault)])?;
    let mut lines = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        match (Cells { row, columns, reading }).line(currency) {
            Ok(line) => lines.push(line),
            Err(fault) => faults.push((index, fault)),
        }
    }
    let read = head(&cells, currency, &mut lines);
    match read {
        Ok(mut order) if faults.is_empty() => {
            order.lines = lines.into_iter().map(|(line, _)| line).collect();
            match order.check() {
                Ok(()) => Ok(order),
                Err(fault) => Err(vec![(0, contradiction(&fault, columns))]),
            }
        }
        Ok(_) => Err(faults),
        Err(fault) => {
            // One fault a row: the one of the order goes before the one of its first line.
            faults.retain(|(index, _)| *index != 0);
            faults.insert(0, (0, fault));
            Err(faults)
        }
    }
}

fn head(
    cells: &Cells<'_>,
    currency: Currency,
    lines: &mut [(PlatformLine, Money)],
) -> Read<PlatformOrder> {
    let id = cells.required_id(Field::OrderId, PlatformOrderId::new)?;
    let placed_at = match cells.instant(Field::PlacedAt, false)? {
        Some(at) => at,
        None => cells
            .reading
            .placed_at
            .ok_or_else(|| cells.fault(Field::PlacedAt, Code::Empty, "the cell is empty"))?,
    };
    let total = match cells.money(Field::OrderTotal, currency)? {
        Some(total) => total,
        None => Money::sum(lines.iter().map(|(_, total)| total))
            .map_err(|_| Fault::new(None, Code::BadAmount, "the lines cannot be added up"))?
            .unwrap_or(Money::zero(currency)),
    };
    if lines.len() > 1 {
        name_lines(lines, cells.columns.of(Field::LineId).is_some());
    }
    let deadline = |field, kind| -> Read<Option<PlatformDeadline>> {
        Ok(cells.instant(field, true)?.map(|at| PlatformDeadline { kind, at }))
    };
    let mut order = PlatformOrder::new(id, placed_at, total);
    order.number = cells
        .id(Field::OrderNumber, PlatformOrderId::new)?
        .map(|number| number.as_str().to_owned());
    order.site.clone_from(&cells.reading.site);
    order.status = cells.owned(Field::Status);
    order.paid_at = match cells.columns.of(Field::PaidAt) {
        Some(_) => cells.instant(Field::PaidAt, false)?,
        // A file that says nothing of payments is one of orders to ship.
        None => Some(placed_at),
    };
    order.updated_at = cells.instant(Field::UpdatedAt, false)?;
    order.buyer = PlatformBuyer {
        id: cells.id(Field::BuyerId, BuyerId::new)?,
        name: cells.personal(Field::BuyerName),
        email: cells.personal(Field::BuyerEmail),
    };
    order.recipient = Some(cells.recipient()?);
    order.requested_service = cells.owned(Field::ShippingService);
    order.deadlines.extend(deadline(Field::ShipBy, DeadlineKind::ShipBy)?);
    order.deadlines.extend(deadline(Field::DeliverBy, DeadlineKind::DeliverBy)?);
    order.note = cells.personal(Field::Note);
    (order.attributes, order.personal_attributes) = cells.extras(true);
    Ok(order)
}

/// Puts lines in an order that does not depend on the order of rows. Without ids of their own, lines
/// of one SKU are told apart by a count.
fn name_lines(lines: &mut [(PlatformLine, Money)], have_ids: bool) {
    lines.sort_by(|(a, _), (b, _)| {
        let amounts = |line: &PlatformLine| (line.quantity, line.unit_price.amount);
        (a.id.cmp(&b.id))
            .then_with(|| amounts(a).cmp(&amounts(b)))
            .then_with(|| a.title.cmp(&b.title))
            .then_with(|| a.attributes.cmp(&b.attributes))
            .then_with(|| a.personal_attributes.cmp(&b.personal_attributes))
            .then_with(|| a.line_total.map(|m| m.amount).cmp(&b.line_total.map(|m| m.amount)))
            .then_with(|| a.tax.map(|m| m.amount).cmp(&b.tax.map(|m| m.amount)))
            .then_with(|| a.shipping.map(|m| m.amount).cmp(&b.shipping.map(|m| m.amount)))
            .then_with(|| a.discount.map(|m| m.amount).cmp(&b.discount.map(|m| m.amount)))
            .then_with(|| (a.weight, &a.image_url).cmp(&(b.weight, &b.image_url)))
    });
    if have_ids {
        return;
    }
    let mut before: Option<(LineId, u32)> = None;
    for (line, _) in lines {
        let count = match &before {
            Some((id, count)) if *id == line.id => count + 1,
            _ => 1,
        };
        let sku = line.id.clone();
        if count > 1
            && let Ok(id) = LineId::new(format!("{sku}#{count}"))
        {
            line.id = id;
        }
        before = Some((sku, count));
    }
}

fn disagreement(first: &Row, row: &Row, columns: &Columns) -> Option<Fault> {
    let differs = |column: &&usize| first.cell(Some(**column)) != row.cell(Some(**column));
    let column = columns.of_order.iter().find(differs)?;
    let message = format!("the cell differs from row {} of the same order", first.number);
    Some(Fault::new(Some(*column), Code::Disagreement, message))
}

fn contradiction(fault: &SnapshotFault, columns: &Columns) -> Fault {
    let (column, code) = match fault {
        SnapshotFault::DuplicateLine(_) => (columns.of(Field::LineId), Code::DuplicateLine),
        SnapshotFault::ImpossibleInstant { field, .. } => {
            let field = match *field {
                "placed_at" => columns.of(Field::PlacedAt),
                "paid_at" => columns.of(Field::PaidAt),
                "updated_at" => columns.of(Field::UpdatedAt),
                _ => None,
            };
            (field, Code::BadDate)
        }
        _ => (None, Code::BadQuantity),
    };
    Fault::new(column, code, fault.to_string())
}

/// A cell of a field in which a spreadsheet shows an error in place of a value.
fn shown_error(row: &Row, columns: &Columns) -> Option<Fault> {
    let column = columns.claimed.iter().find(|column| is_shown_error(row.cell(Some(**column))))?;
    let message = "a spreadsheet shows this in place of the value";
    Some(Fault::new(Some(*column), Code::SpreadsheetError, message))
}

/// Whether a text is what spreadsheets show where they cannot show a value: `####` of a column that is
/// too narrow, or an error. A text like `#5` is left alone.
fn is_shown_error(text: &str) -> bool {
    const ERRORS: [&str; 12] = [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#GETTING_DATA",
        "#FIELD!",
        "#ERROR!",
    ];
    text.starts_with('#')
        && ((text.len() > 2 && text.bytes().all(|byte| byte == b'#'))
            || ERRORS.iter().any(|error| text.eq_ignore_ascii_case(error)))
}

/// What a spreadsheet did to an id or postcode, so that it is not what it was.
fn damage(text: &str) -> Option<(Code, &'static str)> {
    if is_shown_error(text) {
        return Some((Code::SpreadsheetError, "a spreadsheet shows this in place of the value"));
    }
    if is_scientific(text) {
        let message = "the cell was turned into a number in scientific notation";
        return Some((Code::ScientificNotation, message));
    }
    if is_decimal(text) {
        return Some((Code::DecimalNotation, "the cell was turned into a number with decimals"));
    }
    if text.starts_with(['=', '\'']) {
        let message = "the cell begins with a spreadsheet's mark of a formula or a text";
        return Some((Code::SpreadsheetMark, message));
    }
    if text.chars().any(is_invisible) {
        return Some((Code::InvisibleCharacter, "the cell has characters that nobody sees"));
    }
    None
}

/// Characters without width or look: soft hyphen, joiners, marks of direction, byte order mark.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
    )
}

/// Whether a text is what programs make of whole numbers that they read as ones with decimals, for
/// example `1045000000001.0`.
fn is_decimal(text: &str) -> bool {
    let Some((whole, fraction)) = text.split_once(['.', ',']) else { return false };
    let all =
        |text: &str, fits: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(fits);
    all(whole, u8::is_ascii_digit) && all(fraction, |byte| *byte == b'0')
}

/// Whether a text is what spreadsheets make of long numbers, for example `1.23E+17`. A text like
/// `12E5` may well be a SKU and is left alone.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let (mantissa, exponent) = (mantissa.trim_end(), exponent.trim_start());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let unsigned = exponent.strip_prefix(['+', '-']);
    digits(whole)
        && fraction.is_none_or(digits)
        && digits(unsigned.unwrap_or(exponent).trim_start())
        && (fraction.is_some() || unsigned.is_some())
}

/// A whole number; `2.0` is one, `2.5` is none.
fn whole(text: &str) -> Option<u32> {
    let digits = match text.split_once(['.', ',']) {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.len() < 3 => {
            zeros.bytes().all(|byte| byte == b'0').then_some(whole)?
        }
        Some(_) => return None,
        None => text,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// An amount, digit by digit. Groups of three may be set off by the other mark.
fn amount(text: &str, decimal: DecimalMark) -> Option<Decimal> {
    let (mark, group) = match decimal {
        DecimalMark::Point => (b'.', b','),
        DecimalMark::Comma => (b',', b'.'),
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mut mantissa, mut scale, mut count) = (0_i64, 0_u32, 0_u32);
    // Digits since the last group mark; none before the first.
    let (mut since_group, mut fraction) = (None::<u32>, false);
    for byte in digits.bytes() {
        if byte.is_ascii_digit() {
            mantissa = mantissa.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
            count += 1;
            scale += u32::from(fraction);
            if !fraction {
                since_group = since_group.map(|digits| digits + 1);
            }
        } else if byte == mark && !fraction && count > 0 && since_group.is_none_or(|n| n == 3) {
            fraction = true;
        } else if byte == group
            && !fraction
            && match since_group {
                None => (1..=3).contains(&count),
                Some(digits) => digits == 3,
            }
        {
            since_group = Some(0);
        } else {
            return None;
        }
    }
    let grouped = fraction || since_group.is_none_or(|digits| digits == 3);
    // Beyond 28 decimals there is no such number; the long way says so.
    if count == 0 || !grouped || (fraction && scale == 0) || scale > 28 {
        return None;
    }
    Some(Decimal::new(if negative { -mantissa } else { mantissa }, scale))
}

/// A unit's part of a line's price, rounded to the currency's digits where it does not come out.
fn share(total: Money, units: u32) -> Money {
    if units <= 1 {
        return total;
    }
    let Some(exact) = total.amount.checked_div(Decimal::from(units)) else { return total };
    let digits = total.currency.minor_digits();
    let amount = exact.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    Money::new(amount, total.currency)
}

/// Whether addresses of the country have a postcode. The list is common knowledge of shops, read
/// off no official list: a country that is missing from it only has its orders asked for a postcode.
fn has_postcodes(country: Country) -> bool {
    const WITHOUT: [&str; 48] = [
        "AE", "AG", "AO", "AW", "BF", "BI", "BJ", "BO", "BS", "BW", "BZ", "CD", "CF", "CG", "CI",
        "CK", "CM", "DJ", "DM", "ER", "FJ", "GD", "GH", "GM", "GQ", "GY", "HK", "KI", "KM", "KP",
        "ML", "MO", "MR", "NR", "NU", "QA", "RW", "SB", "SC", "SL", "SR", "TG", "TK", "TO", "TV",
        "UG", "VU", "ZW",
    ];
    WITHOUT.binary_search(&country.as_str()).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_the_declared_notation_only() {
        use DecimalMark::{Comma, Point};
        for (text, mark, wanted) in [
            ("70.02", Point, Some("70.02")),
            ("70.10", Point, Some("70.10")),
            ("1,234,567.5", Point, Some("1234567.5")),
            ("1.234.567,50", Comma, Some("1234567.50")),
            ("-3", Point, Some("-3")),
            ("70,02", Comma, Some("70.02")),
            ("70,02", Point, None),
            ("70.02", Comma, None),
            ("1,23,456", Point, None),
            ("1234,567", Point, None),
            (",5", Comma, None),
            ("5.", Point, None),
            ("$5", Point, None),
            ("1_000", Point, None),
            ("99999999999999999999", Point, None),
        ] {
            assert_eq!(amount(text, mark).map(|d| d.to_string()).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn what_a_spreadsheet_made_of_a_long_number_is_told_from_a_sku() {
        for text in ["1.23E+17", "1,23E+17", "2E+15", "1.5e10", "-1.0E-5"] {
            assert!(is_scientific(text), "{text}");
        }
        for text in ["12E5", "E+5", "1.23", "BLUE+5", "1.2.3E+4", "9E", "LINE-1"] {
            assert!(!is_scientific(text), "{text}");
        }
    }

    #[test]
    fn quantities_are_whole() {
        assert_eq!([whole("2"), whole("2.0"), whole("02")], [Some(2), Some(2), Some(2)]);
        for text in ["2.5", "1.000", "-1", "1e3", "", "+2", "4294967296"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn the_list_of_countries_without_postcodes_is_sorted_for_searching() {
        for code in ["AE", "HK", "ZW"] {
            assert!(!has_postcodes(Country::new(code).unwrap()), "{code}");
        }
        for code in ["US", "BR", "MX", "DE"] {
            assert!(has_postcodes(Country::new(code).unwrap()), "{code}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_amount_with_a_point_is_what_an_exact_decimal_makes_of_it(
            text in "-?[1-9][0-9]{0,9}(\\.[0-9]{1,8})?",
        ) {
            let read = amount(&text, DecimalMark::Point).map(|amount| amount.to_string());
            let exact = Decimal::from_str_exact(&text).ok().map(|exact| exact.to_string());
            proptest::prop_assert_eq!(read, exact);
        }
    }
}
