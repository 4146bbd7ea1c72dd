//! Why things are sent back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rules::kpi::Ratio;

/// A reason for a return, normalised (ANA-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// Not as described.
    NotAsDescribed,
    /// Does not work.
    Defective,
    /// Broken on the way.
    DamagedInTransit,
    /// Something else came.
    WrongItem,
    /// Does not fit.
    SizeOrFit,
    /// Not wanted any more.
    ChangedMind,
    /// Came too late.
    Late,
    /// Anything else, or nothing said.
    Other,
}

/// Words that tell a reason, the most telling first: "arrived late and broken" is broken.
const WORDS: &[(ReturnReason, &[&str])] = &[
    (
        ReturnReason::DamagedInTransit,
        &[
            "transit",
            "shipping damage",
            "arrived damaged",
            "arrived broken",
            "broken on arrival",
            "damaged",
        ],
    ),
    (
        ReturnReason::WrongItem,
        &["wrong item", "wrong product", "incorrect item", "different item", "missing"],
    ),
    (
        ReturnReason::NotAsDescribed,
        &[
            "not as described",
            "described",
            "different from",
            "inaccurate",
            "misleading",
            "not match",
        ],
    ),
    (
        ReturnReason::Defective,
        &[
            "defect",
            "does not work",
            "doesn't work",
            "not working",
            "stopped working",
            "faulty",
            "broken",
            "quality",
        ],
    ),
    (
        ReturnReason::SizeOrFit,
        &["size", "fit", "too small", "too big", "too large", "too tight", "too loose"],
    ),
    (ReturnReason::Late, &["late", "too long", "delay", "in time", "on time"]),
    (
        ReturnReason::ChangedMind,
        &[
            "changed mind",
            "changed my mind",
            "no longer",
            "not needed",
            "don't want",
            "do not want",
            "unwanted",
            "by mistake",
            "better price",
            "regret",
        ],
    ),
];

impl ReturnReason {
    /// The reason that a platform's code or a buyer's words tell. Underscores and case do not
    /// matter; what is not understood is [`Other`](Self::Other).
    ///
    /// ```
    /// use orderflow::rules::analytics::ReturnReason;
    ///
    /// assert_eq!(ReturnReason::of("NOT_AS_DESCRIBED"), ReturnReason::NotAsDescribed);
    /// assert_eq!(ReturnReason::of("too small for me"), ReturnReason::SizeOrFit);
    /// assert_eq!(ReturnReason::of("?"), ReturnReason::Other);
    /// ```
    #[must_use]
    pub fn of(words: &str) -> Self {
        let plain: String = words
            .to_lowercase()
            .chars()
            .map(|letter| if matches!(letter, '_' | '-') { ' ' } else { letter })
            .collect();
        // A phrase begins where a word begins: "late" is not in "plate".
        let says = |phrase: &str| {
            plain.match_indices(phrase).any(|(at, _)| {
                let before = plain.get(..at).and_then(|before| before.chars().next_back());
                before.is_none_or(|before| !before.is_alphanumeric())
            })
        };
        WORDS
            .iter()
            .find(|(_, phrases)| phrases.iter().any(|phrase| says(phrase)))
            .map_or(Self::Other, |(reason, _)| *reason)
    }
}

/// How often a reason was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonShare {
    /// Which.
    pub reason: ReturnReason,
    /// Units sent back for it.
    pub units: u64,
    /// Their share of all units sent back.
    pub share: Option<Ratio>,
}

/// The distribution of reasons over returned units: most units first, equal ones in the order of
/// [`ReturnReason`]. Nothing said is [`ReturnReason::Other`].
#[must_use]
pub fn return_reasons<'a>(
    returns: impl IntoIterator<Item = (Option<&'a str>, u32)>,
) -> Vec<ReasonShare> {
    let mut sums: BTreeMap<ReturnReason, u64> = BTreeMap::new();
    for (words, units) in returns {
        let reason = words.map_or(ReturnReason::Other, ReturnReason::of);
        let sum = sums.entry(reason).or_default();
        *sum = sum.saturating_add(u64::from(units));
    }
    let all: u64 = sums.values().copied().fold(0, u64::saturating_add);
    let mut shares: Vec<ReasonShare> = sums
        .into_iter()
        .map(|(reason, units)| ReasonShare { reason, units, share: Ratio::new(units, all) })
        .collect();
    shares.sort_by(|a, b| b.units.cmp(&a.units).then_with(|| a.reason.cmp(&b.reason)));
    shares
}
