//! Faults, scripted or drawn from a seed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::{Quirk, lock};

/// Something that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// 429 in the vendor's words; nothing happens.
    Throttled {
        /// Seconds in the `Retry-After` header, if one is sent.
        retry_after: Option<u32>,
    },
    /// 500 in the vendor's words; nothing happens.
    ServerError,
    /// 502 with a page of HTML from a gateway; nothing happens.
    GatewayPage,
    /// The connection breaks before the vendor acts.
    LostBefore,
    /// The vendor acts; the connection breaks before the answer.
    LostAfter,
    /// The vendor acts; half of the answer's body is missing.
    Truncated,
    /// Something that the vendor's stand-in acts out.
    Quirk(Quirk),
}

/// A fault at a named place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptedFault {
    /// Which stand-in, for example `usps`.
    pub stand_in: String,
    /// A part of the path, for example `/label`.
    pub path: String,
    /// The first call it hits, counted from 0 over calls whose path fits.
    pub from: u32,
    /// How many calls in a row it hits.
    pub times: u32,
    /// What goes wrong.
    pub fault: Fault,
}

#[derive(Debug, Default)]
struct Seen {
    calls: u64,
    scripted: Vec<u32>,
    in_a_row: BTreeMap<String, u32>,
}

/// A plan of what goes wrong. Cheap to clone; clones share their counters.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    script: Arc<Vec<ScriptedFault>>,
    seed: Option<u64>,
    permille: u32,
    seen: Arc<Mutex<Seen>>,
}

/// At most this many faults in a row on one path, so that a patient client always gets through.
const IN_A_ROW: u32 = 2;

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Exactly these.
    #[must_use]
    pub fn scripted(script: Vec<ScriptedFault>) -> Self {
        let seen = Seen { scripted: vec![0; script.len()], ..Seen::default() };
        Self { script: Arc::new(script), seen: Arc::new(Mutex::new(seen)), ..Self::default() }
    }

    /// Every kind of fault, drawn from a seed, on `permille` of 1,000 requests; never more than two
    /// in a row on one path.
    #[must_use]
    pub fn seeded(seed: u64, permille: u32) -> Self {
        Self { seed: Some(seed), permille, ..Self::default() }
    }

    /// The fault of the next request, if it has one.
    pub(super) fn next(&self, stand_in: &str, path: &str) -> Option<Fault> {
        let mut seen = lock(&self.seen);
        for (index, scripted) in self.script.iter().enumerate() {
            if scripted.stand_in != stand_in || !path.contains(&scripted.path) {
                continue;
            }
            let Some(count) = seen.scripted.get_mut(index) else { continue };
            let call = *count;
            *count += 1;
            if call >= scripted.from && call - scripted.from < scripted.times {
                return Some(scripted.fault);
            }
        }
        let seed = self.seed?;
        seen.calls += 1;
        let mut state = seed ^ seen.calls.wrapping_mul(0xA24B_AED4_963E_E407);
        let row = seen.in_a_row.entry(format!("{stand_in}{path}")).or_default();
        let hit = split_mix(&mut state) % 1000 < u64::from(self.permille) && *row < IN_A_ROW;
        if !hit {
            *row = 0;
            return None;
        }
        *row += 1;
        Some(match split_mix(&mut state) % 12 {
            0 => Fault::Throttled { retry_after: Some(1) },
            1 => Fault::Throttled { retry_after: None },
            2 => Fault::ServerError,
            3 => Fault::GatewayPage,
            4 => Fault::LostBefore,
            5 => Fault::LostAfter,
            6 => Fault::Truncated,
            7 => Fault::Quirk(Quirk::TokenExpired),
            8 => Fault::Quirk(Quirk::DuplicatedPage),
            9 => Fault::Quirk(Quirk::ReorderedPage),
            10 => Fault::Quirk(Quirk::LateTracking),
            _ => Fault::Quirk(Quirk::ContradictoryTracking),
        })
    }
}

/// SplitMix64: the same draws in every language.
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scripted_fault_hits_exactly_the_calls_it_names() {
        let faults = Faults::scripted(vec![ScriptedFault {
            stand_in: "carrier".into(),
            path: "/label".into(),
            from: 1,
            times: 2,
            fault: Fault::LostAfter,
        }]);
        let hits: Vec<bool> =
            (0..5).map(|_| faults.next("carrier", "/v3/label").is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert_eq!(faults.next("other", "/v3/label"), None);
    }

    #[test]
    fn seeded_faults_never_hit_one_path_three_times_in_a_row() {
        let faults = Faults::seeded(7, 900);
        let hits: Vec<bool> = (0..500).map(|_| faults.next("a", "/x").is_some()).collect();
        assert!(hits.windows(3).all(|three| three.contains(&false)));
        assert!(hits.iter().filter(|hit| **hit).count() > 200);
    }
}
