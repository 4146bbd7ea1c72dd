//! The packing slip of a parcel: order information, what is in it, and notes.

use super::barcode::BarcodeFault;
use super::merge::PageSize;
use super::paper::{Block, Cell, Paper, Table};
use super::pick_list::{described, order_number, variants};
use super::words::Words;
use crate::address::Contact;
use crate::ids::{Sku, TrackingNumber};
use crate::order::Order;
use crate::personal::Personal;
use crate::shipment::Package;

/// A line of a packing slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlipLine {
    /// Stock keeping unit.
    pub sku: Option<Sku>,
    /// Title.
    pub title: String,
    /// Variant attributes, as name and value.
    pub variants: Vec<(String, String)>,
    /// Units in this parcel.
    pub units: u32,
}

/// What a packing slip says. Prices, phone numbers and mail addresses are never on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackingSlip {
    /// The order's number as the buyer sees it.
    pub order_number: String,
    /// When it was ordered, in the shop's words.
    pub placed: String,
    /// The shop's name.
    pub shop: Option<String>,
    /// Whom it goes to; `None` leaves name and address off, as for labels of a platform.
    pub recipient: Option<Contact>,
    /// The wave it is picked in and its number on the pick list, which is that of its label.
    pub place: Option<(String, usize)>,
    /// Number of this parcel and of all, for orders in several parcels.
    pub parcel: Option<(usize, usize)>,
    /// Who carries it, and under which number.
    pub tracking: Option<(String, TrackingNumber)>,
    /// What is in the parcel.
    pub lines: Vec<SlipLine>,
    /// What the buyer wrote.
    pub note: Option<Personal<String>>,
}

impl PackingSlip {
    /// What an order and one of its packages say. The recipient is named only where the seller
    /// writes the address; `placed` is the time of the order in the shop's zone and words.
    #[must_use]
    pub fn of(order: &Order, package: &Package, placed: impl Into<String>) -> Self {
        let lines = package
            .contents
            .iter()
            .map(|packed| {
                let line = order.line(&packed.line);
                SlipLine {
                    sku: line.and_then(|line| line.sku.clone()),
                    title: line
                        .map_or_else(|| packed.line.as_str().to_owned(), |line| line.title.clone()),
                    variants: line.map(variants).unwrap_or_default(),
                    units: packed.units,
                }
            })
            .collect();
        // A parcel whose label was given back stays in the order, emptied.
        let parcels: Vec<&Package> =
            order.packages.iter().filter(|parcel| !parcel.contents.is_empty()).collect();
        let place = parcels.iter().position(|other| other.id == package.id);
        Self {
            order_number: order_number(order),
            placed: placed.into(),
            shop: None,
            place: None,
            recipient: order
                .recipient
                .clone()
                .filter(|_| !order.logistics.is_addressed_by_platform()),
            parcel: place
                .filter(|_| parcels.len() > 1)
                .map(|place| (place.saturating_add(1), parcels.len())),
            tracking: package
                .tracking
                .as_ref()
                .map(|tracking| (tracking.carrier.as_str().to_owned(), tracking.number.clone())),
            lines,
            note: order.note.clone(),
        }
    }

    /// Names the shop.
    #[must_use]
    pub fn with_shop(mut self, shop: impl Into<String>) -> Self {
        self.shop = Some(shop.into());
        self
    }

    /// Says where it stands on the pick list: the wave, and its
    /// [number](super::pick_list::PickList::number_of).
    #[must_use]
    pub fn with_place(mut self, wave: impl Into<String>, number: usize) -> Self {
        self.place = Some((wave.into(), number));
        self
    }

    /// The slip as a paper of this size, with the order's number as a code for the scan at packing:
    /// Code 128, or QR where that cannot hold it.
    ///
    /// # Errors
    /// [`BarcodeFault`] when the order's number is empty, or longer than a QR symbol.
    pub fn paper(&self, words: &Words, size: PageSize) -> Result<Paper, BarcodeFault> {
        let code = Block::code(&self.order_number)?;
        let mut fields = vec![
            (words.order.to_owned(), self.order_number.clone()),
            (words.placed.to_owned(), self.placed.clone()),
        ];
        let mut title = words.packing_slip.to_owned();
        if let Some((wave, number)) = &self.place {
            // As on the pick list, large enough to be found at a glance.
            title = format!("{title} #{number}");
            fields.push((words.wave.to_owned(), wave.clone()));
        }
        if let Some(shop) = &self.shop {
            fields.push((words.shop.to_owned(), shop.clone()));
        }
        if let Some((number, of)) = self.parcel {
            fields.push((words.package.to_owned(), format!("{number} {} {of}", words.of)));
        }
        // The longest texts of the slip, so that they have a row of their own.
        let mut numbers = Vec::new();
        if let Some((carrier, number)) = &self.tracking {
            fields.push((words.carrier.to_owned(), carrier.clone()));
            numbers.push((words.tracking.to_owned(), number.as_str().to_owned()));
        }
        let mut paper = words
            .paper(&title)
            .with_reference(self.order_number.as_str())
            .with_size(size)
            .with(code)
            .with(Block::Fields(fields));
        if !numbers.is_empty() {
            paper.push(Block::Fields(numbers));
        }
        if let Some(recipient) = &self.recipient {
            paper.push(Block::Heading(words.ship_to.to_owned()));
            paper.push(Block::Text(addressed(recipient)));
        }
        let mut table = Table::new()
            .with_column("", 6)
            .with_column(words.units, 18)
            .with_column(words.sku, 26)
            .with_column(words.item, 50);
        for line in &self.lines {
            table.push(vec![
                Cell::Tick,
                Cell::Strong(line.units.to_string()),
                Cell::Text(
                    line.sku.as_ref().map(|sku| sku.as_str().to_owned()).unwrap_or_default(),
                ),
                Cell::Text(described(&line.title, &line.variants)),
            ]);
        }
        paper.push(Block::Table(table));
        if let Some(note) = self.note.as_ref().filter(|note| !note.is_blank()) {
            paper.push(Block::Heading(words.note.to_owned()));
            paper.push(Block::Strong(note.as_str().to_owned()));
        }
        Ok(paper)
    }
}

/// Name and address as lines, as far as they are known.
fn addressed(contact: &Contact) -> String {
    let address = &contact.address;
    let place: Vec<&str> =
        [Some(address.city.as_str()), address.state.as_deref(), address.postal_code.as_deref()]
            .into_iter()
            .flatten()
            .filter(|part| !part.trim().is_empty())
            .collect();
    let country = address.country.map(|country| country.to_string());
    std::iter::once(contact.name.as_str())
        .chain(contact.company.as_ref().map(Personal::as_str))
        .chain(address.lines.iter().map(Personal::as_str))
        .chain([place.join(", ").as_str()])
        .chain(country.as_deref())
        .filter(|line| !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}
