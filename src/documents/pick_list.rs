//! The pick list of a wave, and the order in which its labels are printed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::merge::PageSize;
use super::paper::{Block, Cell, Paper, Table};
use super::words::Words;
use crate::ids::{PackageId, Sku};
use crate::order::{Line, Order};
use crate::shipment::Package;

/// Units of one article in a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickItem {
    /// Where it lies; `None` is unknown and comes last.
    pub bin: Option<String>,
    /// Stock keeping unit, if the line has one.
    pub sku: Option<Sku>,
    /// Title.
    pub title: String,
    /// Variant attributes, as name and value.
    pub variants: Vec<(String, String)>,
    /// Units, at least 1.
    pub units: u32,
}

/// A package of a wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickPackage {
    /// Its id.
    pub package: PackageId,
    /// The order's number as the buyer sees it, or its id.
    pub order_number: String,
    /// What goes in.
    pub items: Vec<PickItem>,
}

impl PickPackage {
    /// What an order and one of its packages say; `bin_of` knows the warehouse.
    ///
    /// A line that the order no longer has is listed by its id, so that nothing is left out.
    #[must_use]
    pub fn of(order: &Order, package: &Package, bin_of: impl Fn(&Sku) -> Option<String>) -> Self {
        let items = package
            .contents
            .iter()
            .map(|packed| {
                let line = order.line(&packed.line);
                let sku = line.and_then(|line| line.sku.clone());
                PickItem {
                    bin: sku.as_ref().and_then(&bin_of),
                    title: line
                        .map_or_else(|| packed.line.as_str().to_owned(), |line| line.title.clone()),
                    variants: line.map(variants).unwrap_or_default(),
                    sku,
                    units: packed.units,
                }
            })
            .collect();
        Self { package: package.id.clone(), order_number: order_number(order), items }
    }

    fn units(&self) -> u32 {
        self.items.iter().map(|item| item.units).fold(0, u32::saturating_add)
    }

    /// Whether one unit of one article is all there is to pick.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.units() == 1
    }

    /// The first item of which something is taken.
    fn taken(&self) -> Option<&PickItem> {
        self.items.iter().find(|item| item.units > 0)
    }

    fn article(&self) -> Option<Place<'_>> {
        self.taken().map(Place::of)
    }

    fn first_place(&self) -> Option<Place<'_>> {
        self.items.iter().map(Place::of).min()
    }
}

/// The number that the buyer sees, or the platform's id.
pub(super) fn order_number(order: &Order) -> String {
    order.number.clone().unwrap_or_else(|| order.key.order.as_str().to_owned())
}

/// Variant attributes of a line, without what nobody packs by: ids that platforms keep beside them,
/// and the name of the only variant there is.
pub(super) fn variants(line: &Line) -> Vec<(String, String)> {
    let tells = |(name, value): &(&String, &String)| {
        *name != "id" && !name.ends_with("_id") && !value.eq_ignore_ascii_case("default")
    };
    let told = line.attributes.iter().filter(tells);
    told.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A title with its variants.
pub(super) fn described(title: &str, variants: &[(String, String)]) -> String {
    if variants.is_empty() {
        return title.to_owned();
    }
    let variants: Vec<String> =
        variants.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{title}\n{}", variants.join(", "))
}

/// Where an article lies and what it is: what lists are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    bin: Option<&'a str>,
    sku: Option<&'a str>,
    title: &'a str,
    variants: &'a [(String, String)],
}

impl<'a> Place<'a> {
    fn of(item: &'a PickItem) -> Self {
        let bin = item.bin.as_deref();
        match &item.sku {
            // One SKU in one variant is one article, whatever each listing calls it.
            Some(sku) => Self { bin, sku: Some(sku.as_str()), title: "", variants: &item.variants },
            None => Self { bin, sku: None, title: &item.title, variants: &item.variants },
        }
    }
}

impl Ord for Place<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let known_first = |one: Option<&str>, other: Option<&str>| match (one, other) {
            (Some(one), Some(other)) => natural(one, other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        known_first(self.bin, other.bin)
            .then_with(|| known_first(self.sku, other.sku))
            .then_with(|| self.title.cmp(other.title))
            .then_with(|| self.variants.cmp(other.variants))
    }
}

impl PartialOrd for Place<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares texts with numbers in them as people count: `A-2` is before `A-10`.
fn natural(one: &str, other: &str) -> Ordering {
    fn parts(text: &str) -> impl Iterator<Item = (bool, &str)> {
        let mut rest = text;
        std::iter::from_fn(move || {
            let digit = rest.chars().next()?.is_ascii_digit();
            let end = rest.find(|letter: char| letter.is_ascii_digit() != digit);
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after;
            Some((digit, part))
        })
    }
    let (mut ours, mut theirs) = (parts(one), parts(other));
    loop {
        let ordering = match (ours.next(), theirs.next()) {
            (None, None) => return one.cmp(other),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some((true, a)), Some((true, b))) => {
                let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            (Some((_, a)), Some((_, b))) => a.cmp(b),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

/// The packages of a wave in the order in which their labels are printed.
///
/// Packages of a single unit come first, those of the same article together, so that a packer takes
/// one article and sticks one label after the other. The others follow by the bin of their first
/// article. The number of a package on the list is the place of its label in the batch.
///
/// ```
/// use orderflow::documents::pick_list::{PickItem, PickList, PickPackage};
/// use orderflow::{PackageId, Sku};
///
/// let item = |sku: &str, bin: &str, units| PickItem {
///     bin: Some(bin.to_owned()),
///     sku: Sku::new(sku).ok(),
///     title: sku.to_owned(),
///     variants: Vec::new(),
///     units,
/// };
/// let package = |id: &str, items| PickPackage {
///     package: PackageId::new(id).unwrap(),
///     order_number: id.to_owned(),
///     items,
/// };
/// let list = PickList::new("morning", vec![
///     package("p1", vec![item("MUG", "A-10", 1)]),
///     package("p2", vec![item("TEA", "A-2", 1), item("MUG", "A-10", 2)]),
///     package("p3", vec![item("MUG", "A-10", 1)]),
/// ]);
/// let order: Vec<&str> = list.label_order().map(|id| id.as_str()).collect();
/// assert_eq!(order, ["p1", "p3", "p2"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickList {
    wave: String,
    made_at: Option<String>,
    packages: Vec<PickPackage>,
}

/// A line of a pick list: all units of one article in a wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickLine {
    /// The article; its units are those of the wave.
    pub item: PickItem,
    /// Number of each package on the list, from 1, with its units.
    pub packages: Vec<(usize, u32)>,
}

impl PickList {
    /// A wave by its name. Packages given twice are listed twice.
    #[must_use]
    pub fn new(wave: impl Into<String>, mut packages: Vec<PickPackage>) -> Self {
        packages.sort_by(|one, other| {
            other.is_single().cmp(&one.is_single()).then_with(|| {
                match (one.first_place(), other.first_place()) {
                    (Some(one), Some(other)) => one.cmp(&other),
                    (one, other) => other.is_some().cmp(&one.is_some()),
                }
            })
        });
        Self { wave: wave.into(), made_at: None, packages }
    }

    /// Says when it was made, in the words of the warehouse's clock.
    #[must_use]
    pub fn with_made_at(mut self, made_at: impl Into<String>) -> Self {
        self.made_at = Some(made_at.into());
        self
    }

    /// The packages, in the order of their labels.
    #[must_use]
    pub fn packages(&self) -> &[PickPackage] {
        &self.packages
    }

    /// The order in which labels are to be merged and printed.
    pub fn label_order(&self) -> impl Iterator<Item = &PackageId> {
        self.packages.iter().map(|package| &package.package)
    }

    /// The number of a package on the list, from 1: the place of its label in the batch.
    #[must_use]
    pub fn number_of(&self, package: &PackageId) -> Option<usize> {
        self.label_order().position(|id| id == package).map(|place| place.saturating_add(1))
    }

    /// The wave's name.
    #[must_use]
    pub fn wave(&self) -> &str {
        &self.wave
    }

    /// The lines, by bin and SKU.
    #[must_use]
    pub fn lines(&self) -> Vec<PickLine> {
        let mut lines: BTreeMap<Place<'_>, Vec<(usize, u32)>> = BTreeMap::new();
        // What it is called on the list: the same whichever package comes first.
        let mut names: BTreeMap<Place<'_>, &str> = BTreeMap::new();
        for (package, number) in self.packages.iter().zip(1_usize..) {
            for item in &package.items {
                let known = names.entry(Place::of(item)).or_insert(&item.title);
                *known = item.title.as_str().min(known);
                let parts = lines.entry(Place::of(item)).or_default();
                match parts.last_mut() {
                    Some((last, units)) if *last == number => {
                        *units = units.saturating_add(item.units);
                    }
                    _ => parts.push((number, item.units)),
                }
            }
        }
        lines
            .into_iter()
            .map(|(place, packages)| {
                let title = names.get(&place).copied().unwrap_or_default().to_owned();
                (place, packages, title)
            })
            .map(|(place, packages, title)| PickLine {
                item: PickItem {
                    bin: place.bin.map(str::to_owned),
                    sku: place.sku.and_then(|sku| Sku::new(sku).ok()),
                    title,
                    variants: place.variants.to_vec(),
                    units: packages.iter().map(|(_, units)| *units).fold(0, u32::saturating_add),
                },
                packages,
            })
            .collect()
    }

    /// The list as a paper: the wave's name as a code to scan, what to take in the order of the
    /// shelves, then the packages in the order of their labels: those of a single unit together for
    /// each article, and each of the others with what is in it. All name their orders.
    #[must_use]
    pub fn paper(&self, words: &Words) -> Paper {
        let lines = self.lines();
        let units = lines.iter().map(|line| line.item.units).fold(0, u32::saturating_add);
        let singles = self.packages.iter().filter(|package| package.is_single()).count();
        let mut fields = vec![(words.wave.to_owned(), self.wave.clone())];
        if let Some(made_at) = &self.made_at {
            fields.push((words.made_at.to_owned(), made_at.clone()));
        }
        fields.push((words.packages.to_owned(), self.packages.len().to_string()));
        fields.push((words.of_these_single.to_owned(), singles.to_string()));
        fields.push((words.units.to_owned(), units.to_string()));
        let mut table = Table::new()
            .with_column("", 4)
            .with_column(words.bin, 13)
            .with_column(words.sku, 20)
            .with_column(words.item, 33)
            .with_column(words.units, 11)
            .with_column(words.label, 19);
        for line in lines {
            let item = &line.item;
            table.push(vec![
                Cell::Tick,
                Cell::Strong(item.bin.clone().unwrap_or_else(|| words.no_bin.to_owned())),
                Cell::Text(
                    item.sku.as_ref().map(|sku| sku.as_str().to_owned()).unwrap_or_default(),
                ),
                Cell::Text(described(&item.title, &item.variants)),
                Cell::Strong(item.units.to_string()),
                Cell::Text(ranges(&line.packages)),
            ]);
        }
        let mut paper = words
            .paper(words.pick_list)
            .with_size(PageSize::A4)
            .with_reference(self.wave.as_str())
            .with_code(&self.wave)
            .with(Block::Fields(fields))
            .with(Block::Table(table));
        let single = self.single(words);
        if !single.is_empty() {
            paper.push(Block::Heading(words.single_items.to_owned()));
            paper.push(Block::Table(single));
        }
        let mut several = Table::new()
            .with_column("", 4)
            .with_column(words.label, 9)
            .with_column(words.order, 24)
            .with_column(words.contents, 63);
        for (package, number) in self.packages.iter().zip(1_usize..) {
            if package.is_single() {
                continue;
            }
            let contents: Vec<String> =
                package.items.iter().map(|item| counted(item, item.units, words)).collect();
            several.push(vec![
                Cell::Tick,
                Cell::Strong(format!("#{number}")),
                Cell::Text(package.order_number.clone()),
                Cell::Text(contents.join("\n")),
            ]);
        }
        if !several.is_empty() {
            paper.push(Block::Heading(words.several_items.to_owned()));
            paper.push(Block::Table(several));
        }
        paper
    }

    /// The packages of a single unit, a row for each article.
    fn single(&self, words: &Words) -> Table {
        let mut table = Table::new()
            .with_column("", 4)
            .with_column(words.label, 12)
            .with_column(words.contents, 30)
            .with_column(words.order, 54);
        let single: Vec<(usize, &PickPackage)> =
            (1..).zip(&self.packages).filter(|(_, package)| package.is_single()).collect();
        for group in single.chunk_by(|(_, one), (_, other)| one.article() == other.article()) {
            let Some(item) = group.first().and_then(|(_, first)| first.taken()) else { continue };
            let numbers: Vec<(usize, u32)> = group.iter().map(|(number, _)| (*number, 1)).collect();
            let orders: Vec<String> = group
                .iter()
                .map(|(number, package)| format!("#{number}\u{a0}{}", package.order_number))
                .collect();
            table.push(vec![
                Cell::Tick,
                Cell::Strong(ranges(&numbers)),
                Cell::Text(counted(item, u32::try_from(group.len()).unwrap_or(u32::MAX), words)),
                Cell::Text(orders.join(", ")),
            ]);
        }
        table
    }
}

/// Units of an article, and where it lies.
fn counted(item: &PickItem, units: u32, words: &Words) -> String {
    let name = item.sku.as_ref().map_or(item.title.as_str(), Sku::as_str);
    let bin = item.bin.as_deref().unwrap_or(words.no_bin);
    format!("{units} × {name} ({bin})")
}

/// Packages as `#1–#4, #9 × 2`: neighbours of one unit each are drawn together.
fn ranges(packages: &[(usize, u32)]) -> String {
    let runs = packages.chunk_by(|one, other| one.1 == 1 && other.1 == 1 && one.0 + 1 == other.0);
    let texts: Vec<String> = runs
        .filter_map(|run| {
            let ((first, units), (last, _)) = (run.first()?, run.last()?);
            Some(match (first == last, *units) {
                (true, 1) => format!("#{first}"),
                // Never broken between two lines: "#4" alone would be one unit.
                (true, units) => format!("#{first}\u{a0}×\u{a0}{units}"),
                (false, _) => format!("#{first}–#{last}"),
            })
        })
        .collect();
    texts.join(", ")
}
