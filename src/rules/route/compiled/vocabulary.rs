//! What rules and parcels are compared by: every value that rules name, numbered, and a parcel in
//! those numbers.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::super::{RouteCondition, RouteInput, RouteRule};
use super::text::{Ladder, NONE, PrefixTable, Start, TextTable, Word, folded_text};
use crate::address::{Country, WrittenState};
use crate::order::{LogisticsMode, SpeedClass};
use crate::units::Grams;

/// A class that constrained records never reach.
pub(super) const UNKNOWN: u16 = u16::MAX - 1;
pub(super) const ANY: u16 = u16::MAX;

/// The word of exact conditions: where each of them lies, and how many values have a bit of their
/// own. The last bit of each stands for every other value.
pub(super) const PLATFORM: Field = Field { from: 0, width: 16 };
pub(super) const COUNTRY: Field = Field { from: 16, width: 24 };
pub(super) const SPEED: Field = Field { from: 40, width: 4 };
pub(super) const LOGISTICS: Field = Field { from: 44, width: 3 };
pub(super) const RESIDENTIAL: Field = Field { from: 47, width: 3 };
pub(super) const ZONE: Field = Field { from: 50, width: 14 };

#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) from: u32,
    width: u32,
}

impl Field {
    pub(super) const fn whole(self) -> u64 {
        ((1 << self.width) - 1) << self.from
    }

    /// The bit of a value, the last one for values without a bit of their own.
    #[inline]
    pub(super) const fn bit(self, value: u32) -> u64 {
        let last = self.width - 1;
        1 << (self.from + if value < last { value } else { last })
    }

    /// Whether a value has a bit of its own.
    pub(super) const fn has(self, value: u32) -> bool {
        value < self.width - 1
    }
}

pub(super) const fn speed_number(speed: SpeedClass) -> u32 {
    match speed {
        SpeedClass::Economy => 0,
        SpeedClass::Standard => 1,
        SpeedClass::Expedited => 2,
        SpeedClass::NextDay => 3,
    }
}

pub(super) const fn logistics_number(mode: LogisticsMode) -> u32 {
    match mode {
        LogisticsMode::PlatformLabel => 0,
        LogisticsMode::SellerCarrier => 1,
        LogisticsMode::PlatformFulfilled => 2,
    }
}

pub(super) const fn residential_number(residential: Option<bool>) -> u32 {
    match residential {
        Some(true) => 0,
        Some(false) => 1,
        None => 2,
    }
}

/// Numbers of countries by their two letters.
#[derive(Debug, Clone)]
pub(super) struct Countries {
    ids: Vec<u32>,
    pub(super) count: u32,
}

impl Default for Countries {
    fn default() -> Self {
        Self { ids: vec![NONE; 26 * 26], count: 0 }
    }
}

impl Countries {
    #[inline]
    fn place(country: Country) -> usize {
        match country.as_str().as_bytes() {
            [a, b] => usize::from(a.wrapping_sub(b'A')) * 26 + usize::from(b.wrapping_sub(b'A')),
            _ => usize::MAX,
        }
    }

    pub(super) fn insert(&mut self, country: Country) -> u32 {
        let count = &mut self.count;
        self.ids.get_mut(Self::place(country)).map_or(NONE, |id| {
            if *id == NONE {
                *id = *count;
                *count += 1;
            }
            *id
        })
    }

    #[inline]
    pub(super) fn get(&self, country: Country) -> u32 {
        self.ids.get(Self::place(country)).copied().unwrap_or(NONE)
    }
}

/// Every value that rules name, numbered.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    pub(super) platforms: TextTable,
    pub(super) shops: TextTable,
    pub(super) warehouses: TextTable,
    pub(super) states: TextTable,
    pub(super) tags: TextTable,
    pub(super) skus: TextTable,
    pub(super) prefixes: PrefixTable,
    /// Also the countries of services and zone charts, after those of the rules.
    pub(super) countries: Countries,
    pub(super) zones: Vec<u32>,
    pub(super) weights: Ladder,
    pub(super) days: Ladder,
    pub(super) values: Vec<i64>,
    pub(super) value_scale: u32,
}

/// The largest number of decimals that values of rules are compared with as whole numbers.
pub(super) const MOST_DECIMALS: u32 = 6;

/// An amount as a whole number of units of `scale` decimals; `None` when it is none.
pub(super) fn scaled(amount: Decimal, scale: u32) -> Option<i64> {
    let amount = amount.normalize();
    let missing = scale.checked_sub(amount.scale())?;
    let units = amount.mantissa().checked_mul(10_i128.checked_pow(missing)?)?;
    i64::try_from(units).ok()
}

/// The same, rounded down, and at the ends of the range when it is outside.
#[inline]
pub(super) fn scaled_floor(amount: Decimal, scale: u32) -> i64 {
    let units = amount.mantissa();
    let units = match amount.scale().cmp(&scale) {
        Ordering::Equal => units,
        Ordering::Less => units.saturating_mul(10_i128.pow(scale - amount.scale())),
        Ordering::Greater => units.div_euclid(10_i128.pow(amount.scale() - scale)),
    };
    i64::try_from(units).unwrap_or(if units < 0 { i64::MIN } else { i64::MAX })
}

/// A state of a country that has known ones, as the table of states has it: `US-CO`. No folded text
/// is like it, for its letters are large.
#[inline]
fn coded(country: Country, code: &str) -> ([u8; 8], usize) {
    let (mut bytes, mut length) = ([0; 8], 0);
    for byte in country.as_str().bytes().chain([b'-']).chain(code.bytes()) {
        if let Some(place) = bytes.get_mut(length) {
            *place = byte;
            length += 1;
        }
    }
    (bytes, length)
}

impl Vocabulary {
    /// Numbers the states of a condition: each as it is written, for addresses whose states are not
    /// known, and as every state it means in a country whose states are.
    pub(super) fn states_of(&mut self, condition: &RouteCondition) -> Vec<u32> {
        let mut ids = Vec::new();
        for text in &condition.states {
            ids.push(self.states.insert(folded_text(text).as_bytes()));
            for country in Country::with_known_states() {
                if let Some(code) = country.state_code(text) {
                    let (bytes, length) = coded(country, code);
                    ids.push(self.states.insert(bytes.get(..length).unwrap_or_default()));
                }
            }
        }
        ids
    }

    /// Numbers the states that no condition names as well: an address that has the code of one is
    /// done with a single look.
    fn number_all_states(&mut self) {
        if self.states.len() == 0 {
            return;
        }
        for country in Country::with_known_states() {
            for code in country.state_codes() {
                let (bytes, length) = coded(country, code);
                self.states.insert(bytes.get(..length).unwrap_or_default());
            }
        }
    }

    /// The number of the state of an address, or [`NONE`].
    #[inline]
    fn state(&self, country: Option<Country>, text: &str) -> u32 {
        const LONGEST_CODE: usize = 4;
        if let Some(country) = country
            && text.len() <= LONGEST_CODE
        {
            let (bytes, length) = coded(country, text);
            let id = self.states.get(bytes.get(..length).unwrap_or_default());
            if id != NONE {
                return id;
            }
        }
        match (country, WrittenState::of(country, text).code()) {
            (Some(country), Some(code)) => {
                let (bytes, length) = coded(country, code);
                self.states.get(bytes.get(..length).unwrap_or_default())
            }
            _ => self.states.find_folded(text),
        }
    }

    pub(super) fn of(rules: &[RouteRule]) -> Self {
        let mut known = Self::default();
        let (mut weights, mut days, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for rule in rules {
            let condition = &rule.condition;
            for platform in &condition.platforms {
                known.platforms.insert(platform.as_str().as_bytes());
            }
            for shop in &condition.shops {
                known.shops.insert(shop.as_str().as_bytes());
            }
            for warehouse in &condition.warehouses {
                known.warehouses.insert(warehouse.as_str().as_bytes());
            }
            known.states_of(condition);
            for tag in &condition.tags {
                known.tags.insert(tag.as_bytes());
            }
            for sku in &condition.skus {
                known.skus.insert(sku.as_str().as_bytes());
            }
            for prefix in &condition.postcode_prefixes {
                known.prefixes.insert(prefix);
            }
            for country in &condition.countries {
                known.countries.insert(*country);
            }
            known.zones.extend(&condition.zones);
            weights.extend(condition.min_weight.map(Grams::get));
            weights.extend(condition.max_weight.map(Grams::get));
            days.extend(condition.max_transit_days);
            values.extend(condition.min_value);
            values.extend(condition.max_value);
        }
        known.number_all_states();
        known.zones.sort_unstable();
        known.zones.dedup();
        known.weights = Ladder::new(weights);
        known.days = Ladder::new(days);
        let decimals = values.iter().map(|value| value.normalize().scale());
        // Cents are what amounts come in: comparing them needs no arithmetic then.
        known.value_scale = decimals.filter(|scale| *scale <= MOST_DECIMALS).fold(2, u32::max);
        known.values =
            values.iter().filter_map(|value| scaled(*value, known.value_scale)).collect();
        known.values.sort_unstable();
        known.values.dedup();
        known
    }
}

/// A parcel as the index sees it: texts looked up, numbers put into classes. Belongs to the
/// [`CompiledRoutes`](super::CompiledRoutes) that made it.
#[derive(Debug, Clone, Copy)]
pub struct RouteFeatures<'a> {
    pub(super) input: &'a RouteInput<'a>,
    pub(super) exact: u64,
    pub(super) tags: u64,
    pub(super) country: u32,
    pub(super) platform: u32,
    pub(super) state: u32,
    pub(super) weight: u16,
    pub(super) value: u16,
    pub(super) days: u16,
    /// The postcode prefixes it has, [`NONE`] where there are fewer.
    pub(super) prefixes: [u32; PREFIXES],
    pub(super) code: Option<Start>,
    /// Its zone in the first zone chart.
    pub(super) zone: u32,
}

/// Prefixes a parcel remembers. Rules with more different lengths are looked up again.
pub(super) const PREFIXES: usize = 3;

pub(super) fn class(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(UNKNOWN).min(UNKNOWN - 1)
}

impl Vocabulary {
    #[inline]
    pub(super) fn features<'a>(&self, input: &'a RouteInput<'a>) -> RouteFeatures<'a> {
        let address = input.destination;
        // The texts lie apart in memory. Reading them all before anything depends on one of them
        // lets the processor wait for all at once.
        let state = address.state.as_deref().filter(|_| self.states.len() > 0);
        let code = address.postal_code.as_deref().map(Start::of);
        let first_tag = if self.tags.len() > 0 { input.tags.first() } else { None };
        let first_tag = first_tag.map(|tag| (Word::of(tag), input.tags.len()));
        let platform = self.platforms.find(Word::of(input.platform.as_str()));
        let country = address.country.map_or(NONE, |country| self.countries.get(country));
        let state = state.map_or(NONE, |state| self.state(address.country, state));
        let zone = match input.zone {
            Some(zone) if !self.zones.is_empty() => {
                self.zones.binary_search(&zone).map_or(NONE, |id| u32::try_from(id).unwrap_or(NONE))
            }
            _ => NONE,
        };
        let mut tags = 0_u64;
        if let Some((first, count)) = first_tag {
            tags |= 1_u64.checked_shl(self.tags.find(first)).unwrap_or(0);
            if count > 1 {
                for tag in input.tags {
                    let id = self.tags.find(Word::of(tag));
                    tags |= 1_u64.checked_shl(id).unwrap_or(0);
                }
            }
        }
        let value = if self.values.is_empty() {
            0
        } else {
            let units = scaled_floor(input.value.amount, self.value_scale);
            if self.values.len() <= 16 {
                self.values.iter().filter(|bound| **bound <= units).count()
            } else {
                self.values.partition_point(|bound| *bound <= units)
            }
        };
        let weight = class(self.weights.at_most(input.weight.get()));
        let value = class(value);
        let mut prefixes = [NONE; PREFIXES];
        if self.prefixes.lengths() <= PREFIXES
            && let Some(code) = &code
        {
            self.prefixes.fill(code, &mut prefixes);
        }
        RouteFeatures {
            input,
            exact: PLATFORM.bit(platform)
                | COUNTRY.bit(country)
                | SPEED.bit(speed_number(input.speed))
                | LOGISTICS.bit(logistics_number(input.logistics))
                | RESIDENTIAL.bit(residential_number(address.residential))
                | ZONE.bit(zone),
            tags,
            country,
            platform,
            state,
            weight,
            value,
            days: input.max_transit_days.map_or(UNKNOWN, |days| class(self.days.below(days))),
            prefixes,
            code,
            zone: NONE,
        }
    }
}
