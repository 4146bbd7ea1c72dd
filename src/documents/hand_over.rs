//! The sheet that goes with parcels to the carrier's driver: how many, which, when, and who.

use super::merge::PageSize;
use super::paper::{Block, Cell, Paper, Table};
use super::words::Words;
use crate::ids::TrackingNumber;

/// Numbers beside each other on the sheet.
const ACROSS: usize = 3;

/// What is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The sheet's number in the books of the seller, to scan when it is looked for.
    pub sheet: String,
    /// The carrier's name.
    pub carrier: String,
    /// When, in the words of the warehouse's clock.
    pub time: String,
    /// From where.
    pub warehouse: String,
    /// Who gives them, if known beforehand.
    pub person: Option<String>,
    /// The parcels' numbers, in the order given.
    pub numbers: Vec<TrackingNumber>,
}

impl HandOver {
    /// Numbers that are listed more than once: the count on the sheet would be wrong.
    #[must_use]
    pub fn repeated(&self) -> Vec<&TrackingNumber> {
        let mut seen = std::collections::BTreeSet::new();
        self.numbers.iter().filter(|number| !seen.insert(number.as_str())).collect()
    }

    /// The sheet as a paper, with its number as a code. Numbers run down the columns of each row of three.
    #[must_use]
    pub fn paper(&self, words: &Words) -> Paper {
        let mut fields = vec![
            (words.sheet.to_owned(), self.sheet.clone()),
            (words.carrier.to_owned(), self.carrier.clone()),
            (words.packages.to_owned(), self.numbers.len().to_string()),
            (words.made_at.to_owned(), self.time.clone()),
            (words.warehouse.to_owned(), self.warehouse.clone()),
        ];
        if let Some(person) = &self.person {
            fields.push((words.person.to_owned(), person.clone()));
        }
        let mut table = (0..ACROSS).fold(Table::new(), |table, _| {
            table.with_column("", 5).with_column(words.tracking, 28)
        });
        for (row, numbers) in self.numbers.chunks(ACROSS).enumerate() {
            let first = row.saturating_mul(ACROSS).saturating_add(1);
            table.push(
                numbers
                    .iter()
                    .zip(first..)
                    .flat_map(|(number, place)| {
                        [Cell::Text(place.to_string()), Cell::from(number.as_str())]
                    })
                    .collect(),
            );
        }
        words
            .paper(words.hand_over)
            .with_size(PageSize::A4)
            .with_reference(self.sheet.as_str())
            .with_code(&self.sheet)
            .with(Block::Fields(fields))
            .with(Block::Table(table))
            .with(Block::Lines(vec![words.given_by.to_owned(), words.taken_by.to_owned()]))
    }
}
