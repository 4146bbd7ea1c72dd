//! Finds the rules that hold for a parcel without walking through all of them.
//!
//! Every rule lies in the buckets of its most selective exact condition (a postcode prefix, a SKU,
//! a state …), in the order of running. A parcel falls into a handful of buckets; what is left of a
//! rule's conditions is compared there as a record of two words and three ranges. Conditions that
//! do not fit a record are asked in their plain form, so that the answer is always exact.

use rust_decimal::Decimal;

use super::super::{RouteAction, RouteCondition, RouteRule};
use super::text::{NONE, fits_start};
use super::vocabulary::{
    ANY, COUNTRY, Field, LOGISTICS, PLATFORM, PREFIXES, RESIDENTIAL, RouteFeatures, SPEED, UNKNOWN,
    Vocabulary, ZONE, class, logistics_number, residential_number, scaled, speed_number,
};
use crate::order::SpeedClass;

/// The conditions of a rule that its bucket does not imply.
#[derive(Debug, Clone, Copy)]
struct Record {
    number: u32,
    /// Classes of weights, first included, last excluded.
    weight: (u16, u16),
    value: (u16, u16),
    /// The last class of admissible days, included.
    days: u16,
    /// Whether the plain form must be asked as well.
    plain: bool,
    exact: u64,
    /// Any of these; 0 is no condition.
    tags: u64,
}

impl Record {
    #[inline]
    fn fits(&self, parcel: &RouteFeatures<'_>, rules: &[RouteRule]) -> bool {
        // One branch for all: which condition fails is not predictable.
        let fits = (self.exact & parcel.exact == parcel.exact)
            & ((self.tags == 0) | (self.tags & parcel.tags != 0))
            & (self.weight.0 <= parcel.weight)
            & (parcel.weight < self.weight.1)
            & (self.value.0 <= parcel.value)
            & (parcel.value < self.value.1)
            & (parcel.days <= self.days);
        fits && (!self.plain
            || rules
                .get(self.number as usize)
                .is_some_and(|rule| rule.condition.holds(parcel.input)))
    }
}

/// By what a rule is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Prefix,
    Sku,
    Shop,
    Warehouse,
    State,
    Tag,
    Country,
    Platform,
    Any,
}

const KEYS: [Key; 9] = [
    Key::Prefix,
    Key::Sku,
    Key::Shop,
    Key::Warehouse,
    Key::State,
    Key::Tag,
    Key::Country,
    Key::Platform,
    Key::Any,
];

impl Key {
    /// How many values a rule lists for this condition.
    fn listed(self, condition: &RouteCondition) -> usize {
        match self {
            Self::Prefix => condition.postcode_prefixes.len(),
            Self::Sku => condition.skus.len(),
            Self::Shop => condition.shops.len(),
            Self::Warehouse => condition.warehouses.len(),
            Self::State => condition.states.len(),
            Self::Tag => condition.tags.len(),
            Self::Country => condition.countries.len(),
            Self::Platform => condition.platforms.len(),
            Self::Any => 1,
        }
    }

    /// How many different values all rules list.
    fn known(self, vocabulary: &Vocabulary) -> usize {
        match self {
            Self::Prefix => vocabulary.prefixes.len(),
            Self::Sku => vocabulary.skus.len(),
            Self::Shop => vocabulary.shops.len(),
            Self::Warehouse => vocabulary.warehouses.len(),
            Self::State => vocabulary.states.len(),
            Self::Tag => vocabulary.tags.len(),
            Self::Country => vocabulary.countries.count as usize,
            Self::Platform => vocabulary.platforms.len(),
            Self::Any => 1,
        }
    }

    /// Whether a record has no room for it, so that rules in other buckets are asked plainly.
    const fn is_outside_records(self) -> bool {
        matches!(self, Self::Prefix | Self::Sku | Self::Shop | Self::Warehouse | Self::State)
    }

    /// How well a rule is found by it: different values over values listed. What records have no
    /// room for counts four times, because asking plainly costs more than a few records.
    fn selectivity(self, condition: &RouteCondition, vocabulary: &Vocabulary) -> usize {
        let weight = if self.is_outside_records() { 4_000 } else { 1_000 };
        weight * self.known(vocabulary) / self.listed(condition).max(1)
    }

    /// Whether a parcel can have several values of it.
    const fn is_plural(self) -> bool {
        matches!(self, Self::Prefix | Self::Sku | Self::Tag)
    }

    fn values(self, condition: &RouteCondition, vocabulary: &mut Vocabulary) -> Vec<u32> {
        let v = vocabulary;
        let mut ids: Vec<u32> = match self {
            Self::Prefix => {
                condition.postcode_prefixes.iter().map(|text| v.prefixes.insert(text)).collect()
            }
            Self::Sku => {
                condition.skus.iter().map(|id| v.skus.insert(id.as_str().as_bytes())).collect()
            }
            Self::Shop => {
                condition.shops.iter().map(|id| v.shops.insert(id.as_str().as_bytes())).collect()
            }
            Self::Warehouse => condition
                .warehouses
                .iter()
                .map(|id| v.warehouses.insert(id.as_str().as_bytes()))
                .collect(),
            Self::State => v.states_of(condition),
            Self::Tag => condition.tags.iter().map(|text| v.tags.insert(text.as_bytes())).collect(),
            Self::Country => condition.countries.iter().map(|c| v.countries.insert(*c)).collect(),
            Self::Platform => condition
                .platforms
                .iter()
                .map(|id| v.platforms.insert(id.as_str().as_bytes()))
                .collect(),
            Self::Any => vec![0],
        };
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Where the records of a bucket lie, and their blocks if it is large.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u32,
    to: u32,
    blocks: u32,
}

/// The buckets of every value of a key.
type Spans = Vec<Span>;

/// Buckets above this many records have blocks.
const LARGE: usize = 64;

/// Records of a large bucket that are looked at before its blocks: the first that holds is mostly
/// among them.
const NEAR: usize = 16;

/// Groups that classes of weights and values are put into.
const GROUPS: usize = 16;

/// Which of 64 records allow what, one bit for each: a few words tell which of them to look at.
#[derive(Debug, Clone)]
struct Block {
    exact: [u64; 64],
    untagged: u64,
    tags: [u64; 64],
    weight: [u64; GROUPS],
    value: [u64; GROUPS],
}

impl Block {
    fn of(records: &[Record], vocabulary: &Vocabulary) -> Self {
        let mut block = Self {
            exact: [0; 64],
            untagged: 0,
            tags: [0; 64],
            weight: [0; GROUPS],
            value: [0; GROUPS],
        };
        for (record, place) in records.iter().zip(0..64) {
            let own = 1_u64 << place;
            let mark = |words: &mut [u64; 64], bits: u64| {
                for (word, bit) in words.iter_mut().zip(0..64) {
                    if bits & (1_u64 << bit) != 0 {
                        *word |= own;
                    }
                }
            };
            mark(&mut block.exact, record.exact);
            mark(&mut block.tags, record.tags);
            if record.tags == 0 {
                block.untagged |= own;
            }
            // Groups are coarser than classes: what a group lets through is compared again.
            let range = |words: &mut [u64; GROUPS], (from, to): (u16, u16), bounds: usize| {
                let last = group(to.saturating_sub(1), bounds);
                for (word, number) in words.iter_mut().zip(0..) {
                    if from < to && (group(from, bounds)..=last).contains(&number) {
                        *word |= own;
                    }
                }
            };
            range(&mut block.weight, record.weight, vocabulary.weights.len());
            range(&mut block.value, record.value, vocabulary.values.len());
        }
        block
    }

    /// The records that may fit.
    #[inline]
    fn candidates(&self, parcel: &RouteFeatures<'_>, weight: usize, value: usize) -> u64 {
        let pick = |words: &[u64], number: usize| words.get(number).copied().unwrap_or(0);
        let mut left = pick(&self.weight, weight) & pick(&self.value, value);
        let mut bits = parcel.exact;
        while bits != 0 {
            left &= pick(&self.exact, bits.trailing_zeros() as usize);
            bits &= bits - 1;
        }
        let mut tagged = self.untagged;
        let mut tags = parcel.tags;
        while tags != 0 {
            tagged |= pick(&self.tags, tags.trailing_zeros() as usize);
            tags &= tags - 1;
        }
        left & tagged
    }
}

/// The group of a class among `bounds` bounds. Rises with the class.
#[inline]
fn group(class: u16, bounds: usize) -> usize {
    let shift = (usize::BITS - bounds.leading_zeros()).saturating_sub(GROUPS.trailing_zeros());
    (usize::from(class) >> shift).min(GROUPS - 1)
}

/// The records of a bucket.
#[derive(Clone, Copy)]
struct Bucket<'a> {
    records: &'a [Record],
    blocks: &'a [Block],
}

impl Bucket<'_> {
    /// The number of the first record before `end` that fits, else `end`.
    #[inline(always)]
    fn first(
        self,
        end: u32,
        parcel: &RouteFeatures<'_>,
        vocabulary: &Vocabulary,
        rules: &[RouteRule],
    ) -> u32 {
        let mut found = end;
        self.each_fit(end, parcel, vocabulary, rules, |number| {
            found = number;
            true
        });
        found
    }

    /// Shows the records before `end` that fit, ascending, until `show` says that it has enough.
    #[inline]
    fn each_fit(
        self,
        end: u32,
        parcel: &RouteFeatures<'_>,
        vocabulary: &Vocabulary,
        rules: &[RouteRule],
        mut show: impl FnMut(u32) -> bool,
    ) {
        let near = if self.blocks.is_empty() { self.records.len() } else { NEAR };
        for record in self.records.iter().take(near) {
            if record.number >= end || (record.fits(parcel, rules) && show(record.number)) {
                return;
            }
        }
        if self.blocks.is_empty() {
            return;
        }
        let weight = group(parcel.weight, vocabulary.weights.len());
        let value = group(parcel.value, vocabulary.values.len());
        let mut fresh = u64::MAX << NEAR;
        for (block, records) in self.blocks.iter().zip(self.records.chunks(64)) {
            let mut left = block.candidates(parcel, weight, value) & fresh;
            fresh = u64::MAX;
            while left != 0 {
                let place = left.trailing_zeros() as usize;
                left &= left - 1;
                let Some(record) = records.get(place) else { break };
                if record.number >= end || (record.fits(parcel, rules) && show(record.number)) {
                    return;
                }
            }
        }
    }
}

/// Rules in buckets.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleIndex {
    records: Vec<Record>,
    prefixes: Spans,
    skus: Spans,
    shops: Spans,
    warehouses: Spans,
    states: Spans,
    tags: Spans,
    countries: Spans,
    platforms: Spans,
    any: Spans,
    blocks: Vec<Block>,
    /// Whether no rule is found by a tag, SKU, shop, warehouse or one of many prefix lengths.
    is_simple: bool,
}

impl RuleIndex {
    /// Indexes some of the rules, given with their numbers in the order of running.
    pub(super) fn build<'r>(
        rules: impl Iterator<Item = (u32, &'r RouteRule)>,
        vocabulary: &mut Vocabulary,
    ) -> Self {
        let mut buckets: Vec<Vec<Vec<Record>>> =
            KEYS.iter().map(|key| vec![Vec::new(); key.known(vocabulary)]).collect();
        for (number, rule) in rules {
            let condition = &rule.condition;
            // A preference must be found once, not once for every tag that fits.
            let once = matches!(rule.action, RouteAction::Prefer { .. }) && !rule.is_final();
            let key = KEYS
                .into_iter()
                .filter(|key| {
                    let listed = key.listed(condition);
                    // Beginnings that are longer than what a parcel keeps of its postcode are asked
                    // plainly.
                    let fits = *key != Key::Prefix
                        || condition.postcode_prefixes.iter().all(|text| fits_start(text));
                    listed > 0 && fits && !(once && key.is_plural() && listed > 1)
                })
                // The first of the most selective ones.
                .rev()
                .max_by_key(|key| key.selectivity(condition, vocabulary))
                .unwrap_or(Key::Any);
            let record = record(number, condition, key, vocabulary);
            let of_key = KEYS.iter().position(|known| *known == key).unwrap_or(0);
            for id in key.values(condition, vocabulary) {
                let bucket = buckets.get_mut(of_key).and_then(|all| all.get_mut(id as usize));
                if let Some(bucket) = bucket {
                    bucket.push(record);
                }
            }
        }
        let mut index = Self::default();
        for (key, buckets) in KEYS.into_iter().zip(buckets) {
            let mut spans = Spans::new();
            for bucket in buckets {
                let mut blocks = NONE;
                if bucket.len() > LARGE {
                    blocks = u32::try_from(index.blocks.len()).unwrap_or(NONE);
                    let made = bucket.chunks(64).map(|records| Block::of(records, vocabulary));
                    index.blocks.extend(made);
                }
                let from = u32::try_from(index.records.len()).unwrap_or(NONE);
                index.records.extend(bucket);
                let to = u32::try_from(index.records.len()).unwrap_or(NONE);
                spans.push(Span { from, to, blocks });
            }
            if spans.iter().all(|span| span.from == span.to) {
                spans = Spans::new();
            }
            *index.spans_mut(key) = spans;
        }
        index.is_simple = [&index.tags, &index.skus, &index.shops, &index.warehouses]
            .iter()
            .all(|spans| spans.is_empty())
            && (index.prefixes.is_empty() || vocabulary.prefixes.lengths() <= PREFIXES);
        index
    }

    fn spans_mut(&mut self, key: Key) -> &mut Spans {
        match key {
            Key::Prefix => &mut self.prefixes,
            Key::Sku => &mut self.skus,
            Key::Shop => &mut self.shops,
            Key::Warehouse => &mut self.warehouses,
            Key::State => &mut self.states,
            Key::Tag => &mut self.tags,
            Key::Country => &mut self.countries,
            Key::Platform => &mut self.platforms,
            Key::Any => &mut self.any,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Shows every bucket a parcel falls into.
    #[inline]
    fn each_bucket(
        &self,
        parcel: &RouteFeatures<'_>,
        vocabulary: &Vocabulary,
        mut visit: impl FnMut(Bucket<'_>),
    ) {
        // What a parcel has at most one of is looked at in one loop, so that the scan is compiled
        // into one place; what it may have several of goes another, rarer way.
        let [first, second, third] = parcel.prefixes;
        let single = [
            (&self.prefixes, first),
            (&self.prefixes, second),
            (&self.prefixes, third),
            (&self.states, parcel.state),
            (&self.countries, parcel.country),
            (&self.platforms, parcel.platform),
            (&self.any, 0),
        ];
        for (spans, id) in single {
            if let Some(bucket) = self.bucket(spans, id) {
                visit(bucket);
            }
        }
        if !self.is_simple {
            self.each_other_bucket(parcel, vocabulary, &mut visit);
        }
    }

    #[inline(always)]
    fn bucket(&self, spans: &Spans, id: u32) -> Option<Bucket<'_>> {
        let span = spans.get(id as usize)?;
        let records = self.records.get(span.from as usize..span.to as usize)?;
        let blocks = self.blocks.get(span.blocks as usize..).unwrap_or_default();
        Some(Bucket { records, blocks })
    }

    fn each_other_bucket(
        &self,
        parcel: &RouteFeatures<'_>,
        vocabulary: &Vocabulary,
        visit: &mut dyn FnMut(Bucket<'_>),
    ) {
        let input = parcel.input;
        let mut show = |spans: &Spans, id: u32| {
            if let Some(bucket) = self.bucket(spans, id) {
                visit(bucket);
            }
        };
        if !self.tags.is_empty() {
            if vocabulary.tags.len() <= 64 {
                let mut tags = parcel.tags;
                while tags != 0 {
                    show(&self.tags, tags.trailing_zeros());
                    tags &= tags - 1;
                }
            } else {
                for tag in input.tags {
                    show(&self.tags, vocabulary.tags.get(tag.as_bytes()));
                }
            }
        }
        if !self.prefixes.is_empty()
            && vocabulary.prefixes.lengths() > PREFIXES
            && let Some(code) = &parcel.code
        {
            for id in vocabulary.prefixes.of(code) {
                show(&self.prefixes, id);
            }
        }
        if !self.skus.is_empty() {
            for sku in input.skus {
                show(&self.skus, vocabulary.skus.get(sku.as_str().as_bytes()));
            }
        }
        if !self.shops.is_empty() {
            show(&self.shops, vocabulary.shops.get(input.shop.as_str().as_bytes()));
        }
        if !self.warehouses.is_empty()
            && let Some(warehouse) = input.warehouse
        {
            show(&self.warehouses, vocabulary.warehouses.get(warehouse.as_str().as_bytes()));
        }
    }

    /// The number of the first rule that holds.
    #[inline]
    pub(super) fn first(
        &self,
        parcel: &RouteFeatures<'_>,
        vocabulary: &Vocabulary,
        rules: &[RouteRule],
    ) -> Option<u32> {
        let mut best = NONE;
        self.each_bucket(parcel, vocabulary, |bucket| {
            best = bucket.first(best, parcel, vocabulary, rules);
        });
        (best != NONE).then_some(best)
    }

    /// Shows every rule before `end` that holds, in no order; a rule may come several times when a
    /// parcel has several of its values.
    pub(super) fn each_before(
        &self,
        end: u32,
        parcel: &RouteFeatures<'_>,
        vocabulary: &Vocabulary,
        rules: &[RouteRule],
        mut show: impl FnMut(u32),
    ) {
        self.each_bucket(parcel, vocabulary, |bucket| {
            bucket.each_fit(end, parcel, vocabulary, rules, |number| {
                show(number);
                false
            });
        });
    }
}

fn record(number: u32, condition: &RouteCondition, key: Key, v: &mut Vocabulary) -> Record {
    let mut plain = condition.min_distance_km.is_some()
        || condition.max_distance_km.is_some()
        || condition.value_currency.is_some();
    for other in KEYS.into_iter().filter(|other| other.is_outside_records() && *other != key) {
        plain |= other.listed(condition) > 0;
    }
    let mut word = |field: Field, values: Option<Vec<u32>>| match values {
        None => field.whole(),
        Some(values) if values.iter().all(|value| field.has(*value)) => {
            values.iter().fold(0, |bits, value| bits | field.bit(*value))
        }
        Some(_) => {
            plain = true;
            field.whole()
        }
    };
    let listed = |key: Key, v: &mut Vocabulary| {
        (key.listed(condition) > 0).then(|| key.values(condition, v))
    };
    let zones = (!condition.zones.is_empty()).then(|| {
        let place = |zone: &u32| v.zones.binary_search(zone).unwrap_or(usize::MAX);
        condition.zones.iter().map(|zone| u32::try_from(place(zone)).unwrap_or(NONE)).collect()
    });
    let mut exact = word(PLATFORM, listed(Key::Platform, v))
        | word(COUNTRY, listed(Key::Country, v))
        | word(ZONE, zones);
    // These have no values without a bit of their own.
    let bits = |field: Field, numbers: &mut dyn Iterator<Item = u32>| {
        numbers.fold(0_u64, |bits, number| bits | (1 << (field.from + number)))
    };
    let speeds =
        [SpeedClass::Economy, SpeedClass::Standard, SpeedClass::Expedited, SpeedClass::NextDay];
    exact |= bits(
        SPEED,
        &mut speeds
            .into_iter()
            .filter(|speed| condition.speeds.is_empty() || condition.speeds.contains(speed))
            .filter(|speed| condition.min_speed.is_none_or(|least| *speed >= least))
            .map(speed_number),
    );
    exact |= if condition.logistics.is_empty() {
        LOGISTICS.whole()
    } else {
        bits(LOGISTICS, &mut condition.logistics.iter().map(|mode| logistics_number(*mode)))
    };
    exact |= condition
        .residential
        .map_or(RESIDENTIAL.whole(), |wanted| RESIDENTIAL.bit(residential_number(Some(wanted))));
    let mut tags = 0_u64;
    if !condition.tags.is_empty() && key != Key::Tag {
        let ids = Key::Tag.values(condition, v);
        if ids.iter().all(|id| *id < 64) {
            tags = ids.iter().fold(0, |bits, id| bits | (1 << id));
        } else {
            plain = true;
        }
    }
    // A range whose ends have no class of their own is left to the plain form.
    let mut range = |from: Option<usize>, to: Option<usize>| {
        let fits = |end: &usize| *end < usize::from(UNKNOWN - 1);
        if from.iter().chain(&to).all(fits) {
            (from.map_or(0, class), to.map_or(ANY, class))
        } else {
            plain = true;
            (0, ANY)
        }
    };
    // A parcel's class counts the bounds at most its weight: the class of a bound is its place + 1.
    let weight = range(
        condition.min_weight.map(|least| v.weights.at_most(least.get())),
        condition.max_weight.map(|most| v.weights.at_most(most.get())),
    );
    let place = |value: Decimal| {
        scaled(value, v.value_scale)
            .map_or(usize::MAX, |units| v.values.partition_point(|bound| *bound <= units))
    };
    let value = range(condition.min_value.map(place), condition.max_value.map(place));
    let (_, days) = range(None, condition.max_transit_days.map(|most| v.days.below(most)));
    Record { number, weight, value, days, plain, exact, tags }
}
