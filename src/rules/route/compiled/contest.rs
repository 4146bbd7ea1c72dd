//! Which of the services that rules left wins.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::prices::{NO_PRICE, PriceBook, Row, cell_days, cell_price};
use super::vocabulary::RouteFeatures;
use super::{CompiledRoutes, LiveFacts, MAX_SERVICES, Profile, Set, WORDS, has, meets};
use crate::rules::route::filter::{Promise, Schedule, coverage_gap, excess, platform_accepts};
use crate::rules::route::rank::Runner;

/// The service that leads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leader {
    pub(super) number: usize,
    pub(super) cell: u64,
    cost: i64,
    pub(super) days: u32,
}

/// What comparing prices alone says.
enum Clear {
    Best(Option<Leader>),
    /// Several cost the same: more than prices decides.
    Tied,
}

/// One decision among the services that rules left.
pub(super) struct Contest<'a> {
    pub(super) routes: &'a CompiledRoutes,
    pub(super) parcel: &'a RouteFeatures<'a>,
    pub(super) live: &'a LiveFacts<'a>,
    pub(super) now: DateTime<Utc>,
    pub(super) discounts: Option<&'a [i64; MAX_SERVICES]>,
}

impl Contest<'_> {
    /// With prices the cheapest wins; without any, price class and weight decide.
    #[inline]
    pub(super) fn run(&self, open: &Set) -> Option<Leader> {
        let (input, routes) = (self.parcel.input, self.routes);
        let schedule = input.deliver_by.is_some().then(|| Schedule::of(input, self.now));
        if let Some(book) = &routes.book {
            let best = self.cheapest(open, book, schedule.as_ref());
            if best.is_some() {
                return best;
            }
        }
        let most_days = input.max_transit_days.unwrap_or(u32::MAX);
        let mut row = Row::NONE;
        let mut best: Option<Leader> = None;
        self.each(open, |number, profile| {
            // A service with a price was asked above, with the days of its card, and refused.
            let is_priced = input.weight <= profile.max_priced
                && routes.book.as_ref().is_some_and(|book| {
                    book.cell(profile.place, &mut row, self.parcel) != NO_PRICE
                });
            if is_priced {
                return;
            }
            let days = routes.services.get(number).map_or(0, |s| s.max_transit_days);
            let leader = Leader { number, cell: NO_PRICE, cost: 0, days };
            if input.weight <= profile.max_weight
                && days <= most_days
                && self.keeps_deadline(number, days, schedule.as_ref())
                && self.is_allowed(number)
                && best.is_none_or(|best| self.comes_before(leader, best, false))
            {
                best = Some(leader);
            }
        });
        best
    }

    fn cheapest(
        &self,
        open: &Set,
        book: &PriceBook,
        schedule: Option<&Schedule<'_>>,
    ) -> Option<Leader> {
        let (input, routes) = (self.parcel.input, self.routes);
        let most_days = input.max_transit_days.unwrap_or(u32::MAX);
        let weight = input.weight;
        let discounts: &[i64] = self.discounts.map_or(&[], |sums| sums);
        // Services that need more than numbers to be asked: none of them, as a rule.
        let unusual = schedule.is_some()
            || input.platform_accepts.is_some()
            || !self.live.accounts.is_empty();
        let asked = if unusual { [u64::MAX; WORDS] } else { routes.careful };
        if !unusual && discounts.is_empty() && !meets(open, &routes.careful) {
            match self.cheapest_by_numbers(open, book, most_days) {
                Clear::Best(best) => return best,
                Clear::Tied => {}
            }
        }
        let mut row = Row::NONE;
        let mut best = Leader { number: usize::MAX, cell: NO_PRICE, cost: i64::MAX, days: 0 };
        self.each(open, |number, profile| {
            let cell = book.cell(profile.place, &mut row, self.parcel);
            let days = cell_days(cell);
            let cost = cell_price(cell) - discounts.get(number).copied().unwrap_or(0);
            // One test for all: which of them fails is not predictable.
            let fails = (cell == NO_PRICE)
                | (days > most_days)
                | (weight > profile.max_priced)
                | (cost > best.cost);
            if fails {
                return;
            }
            let leader = Leader { number, cell, cost, days };
            let is_clear = cost < best.cost && !has(&asked, number);
            if is_clear || self.may_lead(leader, best, schedule) {
                best = leader;
            }
        });
        (best.cell != NO_PRICE).then_some(best)
    }

    /// The same where numbers alone decide, without a branch that depends on prices.
    #[inline]
    fn cheapest_by_numbers(&self, open: &Set, book: &PriceBook, most_days: u32) -> Clear {
        let weight = self.parcel.input.weight;
        let (mut best, mut number_of_best, mut is_tied) = (NO_PRICE, 0, false);
        let mut offer = |number: usize, cell: u64, fails: bool| {
            let cell = if fails { NO_PRICE } else { cell };
            let (price, leading) = (cell_price(cell), cell_price(best));
            is_tied = (price == leading) | (is_tied & (price > leading));
            number_of_best = if price < leading { number } else { number_of_best };
            best = if price < leading { cell } else { best };
        };
        if let Some(row) = book.only_row(self.parcel) {
            self.each_number(open, |number| {
                if let (Some(price), Some(days), Some(most)) =
                    (row.prices.get(number), row.days.get(number), self.routes.most.get(number))
                {
                    // No price is the highest price of all, so it never leads.
                    let cell = (u64::from(*price) << 32) | u64::from(*days);
                    let fails = (u32::from(*days) > most_days) | (weight.get() > *most);
                    offer(number, cell, fails);
                }
            });
        } else {
            let mut row = Row::NONE;
            self.each(open, |number, profile| {
                let cell = book.cell(profile.place, &mut row, self.parcel);
                let fails = (cell_days(cell) > most_days) | (weight > profile.max_priced);
                offer(number, cell, fails);
            });
        }
        if best == NO_PRICE {
            return Clear::Best(None);
        }
        if is_tied {
            return Clear::Tied;
        }
        let (number, cost, days) = (number_of_best, cell_price(best), cell_days(best));
        Clear::Best(Some(Leader { number, cell: best, cost, days }))
    }

    /// Whether a service with the best cost so far passes the other filters, and wins a tie.
    #[inline(never)]
    fn may_lead(&self, leader: Leader, best: Leader, schedule: Option<&Schedule<'_>>) -> bool {
        self.keeps_deadline(leader.number, leader.days, schedule)
            && self.is_allowed(leader.number)
            && (leader.cost < best.cost || self.comes_before(leader, best, true))
    }

    /// Shows the services that are open.
    #[inline(always)]
    fn each(&self, open: &Set, mut show: impl FnMut(usize, &Profile)) {
        self.each_number(open, |number| {
            if let Some(profile) = self.routes.profiles.get(number) {
                show(number, profile);
            }
        });
    }

    /// Shows the numbers of the services that are open.
    #[inline(always)]
    fn each_number(&self, open: &Set, mut show: impl FnMut(usize)) {
        for (word, base) in open.iter().zip((0..).step_by(64)).take(self.routes.words) {
            let mut word = *word;
            while word != 0 {
                show(base + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }

    fn discount(&self, number: usize) -> i64 {
        self.discounts.and_then(|sums| sums.get(number)).copied().unwrap_or(0)
    }

    fn keeps_deadline(&self, number: usize, days: u32, schedule: Option<&Schedule<'_>>) -> bool {
        let Some(schedule) = schedule else { return true };
        let Some(service) = self.routes.services.get(number) else { return false };
        let account = self.live.accounts.get(&service.key.carrier);
        let calendar = account.and_then(|account| account.calendar.as_ref());
        let promise = Promise { deliver_on: None, transit_days: Some(days) };
        schedule.rejects(days, calendar, promise).is_none()
    }

    /// The filters that need texts: platform, coverage, unusual limits, account.
    fn is_allowed(&self, number: usize) -> bool {
        let (input, routes) = (self.parcel.input, self.routes);
        let careful = has(&routes.careful, number);
        let Some(service) = routes.services.get(number) else { return false };
        let account = self.live.accounts.get(&service.key.carrier);
        account.is_none_or(|account| account.usable && account.capacity_left != Some(0))
            && platform_accepts(input, service, &routes.aliases)
            && (!careful
                || (coverage_gap(input, &service.coverage).is_none()
                    && excess(input, service).is_none()))
    }

    fn comes_before(&self, leader: Leader, best: Leader, priced: bool) -> bool {
        let (Some(a), Some(b)) = (self.runner(leader, priced), self.runner(best, priced)) else {
            return false;
        };
        a.compare(&b, self.parcel.input, &self.routes.policy).is_lt()
    }

    fn runner(&self, leader: Leader, priced: bool) -> Option<Runner<'_>> {
        let service = self.routes.services.get(leader.number)?;
        let scale = self.routes.scale;
        Some(Runner {
            service,
            cost: priced.then(|| Decimal::new(leader.cost, scale)),
            discount: Decimal::new(self.discount(leader.number), scale),
            transit_days: leader.days,
            reliability: self.live.reliability.get(&service.key).copied().unwrap_or_default(),
        })
    }
}
