//! Shops, platforms, sites and currencies that rules name and that no shop has.

use std::collections::BTreeSet;

use super::{Findings, Policy, ShopPolicy};
use crate::ids::PlatformId;
use crate::money::Currency;
use crate::rules::route::{RouteCondition, RouteRule};
use crate::rules::sla::presets;

/// The platform of which this crate has presets that another name is surely meant to be. Others are
/// the host's and may have any name.
fn meant_by(platform: &PlatformId) -> Option<PlatformId> {
    let letters = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|letter| letter.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let known: BTreeSet<PlatformId> =
        presets::names().filter_map(|name| presets::load(name).ok()?.platform).collect();
    if known.contains(platform) {
        return None;
    }
    let own = letters(platform.as_str());
    known.into_iter().find(|known| {
        let first_word = known.as_str().split('-').next().map(letters);
        let known = letters(known.as_str());
        // A name that goes on where a known one ends is one of its own, as for another country.
        own == known
            || Some(&own) == first_word.as_ref()
            || (own.len() > 5 && !own.starts_with(&known) && distance(&own, &known) <= 2)
    })
}

/// How many letters must be changed, put in or left out to make one of the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (letter, above) in a.iter().zip(1..) {
        let mut next = vec![above];
        for ((other, pair), left) in b.iter().zip(row.windows(2)).zip(0..) {
            let (Some(diagonal), Some(up)) = (pair.first(), pair.last()) else { continue };
            let before: usize = next.get(left).copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(letter != other)).min(up + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

impl Policy {
    pub(super) fn check_names(&self, found: &mut Findings) {
        for (index, shop) in self.shops.iter().enumerate() {
            if let Some(meant) = meant_by(&shop.platform) {
                found.add(
                    format!("shops[{index}].platform"),
                    format!("{:?} is surely {:?}", shop.platform.as_str(), meant.as_str()),
                );
            }
        }
        let has = |platform: &PlatformId| self.shops.iter().any(|shop| shop.platform == *platform);
        for (at, table) in [
            ("alerts.pending_overdue_hours", &self.alerts.pending_overdue_hours),
            ("alerts.logistics_delay_hours", &self.alerts.logistics_delay_hours),
            ("exceptions.delay_hours", &self.exceptions.delay_hours),
        ] {
            for platform in table.platforms.keys() {
                found.table_platform(
                    &format!("{at}.platforms.{platform}"),
                    platform,
                    has(platform),
                );
            }
        }
        for (index, row) in self.carrier_names.rows().iter().enumerate() {
            if let Some(platform) = &row.platform {
                let at = format!("carrier_names[{index}].platform");
                found.table_platform(&at, platform, has(platform));
            }
        }
        if self.shops.is_empty() {
            return;
        }
        for (index, rule) in self.sla_rules.iter().enumerate() {
            if let Some(site) = &rule.scope.site {
                let of = rule.scope.platform.as_ref();
                let concerned =
                    self.shops.iter().filter(|shop| of.is_none_or(|of| shop.platform == *of));
                // A shop that does not say its site may have this one.
                let mut sites = concerned.map(|shop| shop.site.as_deref()).peekable();
                let is_other = |known: &str| !known.trim().is_empty() && known != site;
                let is_none =
                    sites.peek().is_some() && sites.all(|known| known.is_some_and(is_other));
                if is_none {
                    found.add(format!("sla_rules[{index}].scope.site"), "no shop has this site");
                }
            }
        }
        for (index, rule) in self.route_rules.iter().enumerate() {
            self.check_route_names(&format!("route_rules[{index}].when"), rule, found);
        }
        for (index, service) in self.services.iter().enumerate() {
            if let Some(most) = service.max_value
                && self.shops.iter().all(|shop| shop.currency != most.currency)
            {
                found.add(
                    format!("services[{index}].max_value.currency"),
                    format!("no shop sells in {}: no order can be compared with it", most.currency),
                );
            }
        }
    }

    fn check_route_names(&self, at: &str, rule: &RouteRule, found: &mut Findings) {
        let condition = &rule.condition;
        for (index, platform) in condition.platforms.iter().enumerate() {
            if self.shops.iter().all(|shop| shop.platform != *platform) {
                found.add(format!("{at}.platforms[{index}]"), "no shop is on this platform");
            }
        }
        for (index, own) in condition.shops.iter().enumerate() {
            if self.shops.iter().all(|shop| shop.shop != *own) {
                found.add(format!("{at}.shops[{index}]"), "there is no such shop");
            }
        }
        let concerned = |shop: &&ShopPolicy| {
            (condition.platforms.is_empty() || condition.platforms.contains(&shop.platform))
                && (condition.shops.is_empty() || condition.shops.contains(&shop.shop))
        };
        let currencies: BTreeSet<Currency> =
            self.shops.iter().filter(concerned).map(|shop| shop.currency).collect();
        found.value_currency(at, condition, &currencies);
    }
}

impl Findings {
    /// A platform in a table for all platforms: it may be there without a shop, but not misspelt.
    fn table_platform(&mut self, at: &str, platform: &PlatformId, has_shop: bool) {
        if let Some(meant) = meant_by(platform).filter(|_| !has_shop) {
            self.add(at, format!("{:?} is surely {:?}", platform.as_str(), meant.as_str()));
        }
    }

    fn value_currency(
        &mut self,
        at: &str,
        condition: &RouteCondition,
        currencies: &BTreeSet<Currency>,
    ) {
        if condition.min_value.is_none() && condition.max_value.is_none() {
            return;
        }
        let named: Vec<String> = currencies.iter().map(ToString::to_string).collect();
        match condition.value_currency {
            None if currencies.len() > 1 => self.add(
                format!("{at}.value_currency"),
                format!(
                    "is missing: the rule is for shops that sell in {}, and a value is not the same \
                     in each",
                    named.join(" and ")
                ),
            ),
            Some(own) if !currencies.is_empty() && !currencies.contains(&own) => self.add(
                format!("{at}.value_currency"),
                format!("no shop that the rule is for sells in {own}: it never holds"),
            ),
            _ => {}
        }
    }
}
