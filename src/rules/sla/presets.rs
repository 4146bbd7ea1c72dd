//! Presets: the numbers platforms' sellers work by, as dated data.
//!
//! Each preset has a name, the day it was compared with its source, and a note on that source.
//! Numbers of sellers' guides are the default of their platform; what a platform states itself is
//! a preset with a name of its own, to be chosen. Platforms change them: a newer file of the same
//! form can be [read](from_json) at any time.
//!
//! ```
//! use orderflow::rules::{SlaRules, presets};
//!
//! for name in presets::names() {
//!     let preset = presets::load(name)?;
//!     println!("{name}: as of {}, {}", preset.as_of, preset.source);
//! }
//! # Ok::<(), presets::PresetError>(())
//! ```

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;

use super::{Anchor, Penalty, SlaRule, SlaScope, Span};
use crate::ids::PlatformId;
use crate::order::{DeadlineKind, ShipTimeBasis};

/// The day the embedded presets were last compared with their sources.
pub const AS_OF: &str = "2026-06-27";

const EMBEDDED: &str = include_str!("../presets/sla.json");

static PRESETS: LazyLock<Result<Vec<Preset>, PresetError>> = LazyLock::new(|| from_json(EMBEDDED));

/// A preset that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// There is no preset of this name.
    #[error("there is no preset `{name}`; there are {}", known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The data do not have the form of presets.
    #[error("presets, field `{field}`: {reason}")]
    Invalid {
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// This preset has no numbers by category.
    #[error("the preset `{0}` has no numbers by category")]
    NotByCategory(String),
    /// A number of days beyond what the platform allows.
    #[error("`days`: {days} is outside of {least} to {most}")]
    DaysOutOfBounds {
        /// The days given.
        days: u32,
        /// The fewest allowed.
        least: u32,
        /// The most allowed.
        most: u32,
    },
}

/// A named set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// For which platform; `None` for any.
    pub platform: Option<PlatformId>,
    /// For which site; `None` for any.
    pub site: Option<String>,
    /// When it was last compared with its source.
    pub as_of: NaiveDate,
    /// Where it is from, in words.
    pub source: String,
    /// Its rules, with platform and site filled in.
    pub rules: Vec<SlaRule>,
    by_default: bool,
    category_days: Option<CategoryDays>,
}

/// The bounds of a rule whose days depend on the category.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CategoryDays {
    least: u32,
    most: u32,
    name: String,
    kind: DeadlineKind,
    anchor: Anchor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    presets: Vec<WirePreset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePreset {
    name: String,
    #[serde(default)]
    extends: Option<String>,
    #[serde(default)]
    platform: Option<PlatformId>,
    #[serde(default)]
    site: Option<String>,
    #[serde(default)]
    default: bool,
    as_of: NaiveDate,
    source: String,
    #[serde(default)]
    category_days: Option<CategoryDays>,
    #[serde(default)]
    rules: Vec<WireRule>,
}

/// A rule in a file. One with the name of a rule of the extended preset takes its place, and may
/// take another name (`as`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRule {
    name: String,
    #[serde(default, rename = "as")]
    new_name: Option<String>,
    #[serde(default)]
    scope: SlaScope,
    kind: DeadlineKind,
    anchor: Anchor,
    span: Span,
    #[serde(default)]
    requires: crate::order::Requirements,
    #[serde(default)]
    penalty: Option<Penalty>,
}

impl Preset {
    /// Its rules for another platform, for example one that keeps the same numbers.
    #[must_use]
    pub fn for_platform(mut self, platform: &PlatformId) -> Self {
        self.platform = Some(platform.clone());
        for rule in &mut self.rules {
            rule.scope.platform = Some(platform.clone());
        }
        self
    }

    /// Adds the days of a category, where the preset has them by category. A category is a tag of
    /// the order; orders of no known category keep the preset's own number.
    ///
    /// # Errors
    /// [`PresetError::NotByCategory`]; [`PresetError::DaysOutOfBounds`].
    pub fn with_category_days(mut self, category: &str, days: u32) -> Result<Self, PresetError> {
        let Some(bounds) = &self.category_days else {
            return Err(PresetError::NotByCategory(self.name));
        };
        let (least, most) = (bounds.least, bounds.most);
        if !(least..=most).contains(&days) {
            return Err(PresetError::DaysOutOfBounds { days, least, most });
        }
        let general = self.rules.iter().find(|rule| rule.kind == bounds.kind);
        let rule = SlaRule {
            name: format!("{}:{category}", bounds.name),
            scope: SlaScope {
                platform: self.platform.clone(),
                site: self.site.clone(),
                category: Some(category.to_owned()),
                service: None,
            },
            kind: bounds.kind,
            anchor: bounds.anchor,
            span: Span::Elapsed { hours: days.saturating_mul(24) },
            requires: general.map(|rule| rule.requires).unwrap_or_default(),
            penalty: general.and_then(|rule| rule.penalty.clone()),
        };
        self.rules.retain(|other| other.name != rule.name);
        self.rules.push(rule);
        Ok(self)
    }

    /// Chooses which instant counts as shipped, for the rules on shipping.
    #[must_use]
    pub fn with_ship_time_basis(mut self, basis: ShipTimeBasis) -> Self {
        for rule in self.rules.iter_mut().filter(|rule| rule.kind == DeadlineKind::ShipBy) {
            rule.requires.ship_time_basis = basis;
        }
        self
    }

    /// Whether it is the default of its platform.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        self.by_default
    }
}

fn embedded() -> Result<&'static [Preset], PresetError> {
    PRESETS.as_deref().map_err(Clone::clone)
}

/// The names of all embedded presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    embedded().unwrap_or_default().iter().map(|preset| preset.name.as_str())
}

/// An embedded preset by its name.
///
/// # Errors
/// [`PresetError::Unknown`], which lists the names there are.
pub fn load(name: &str) -> Result<Preset, PresetError> {
    embedded()?.iter().find(|preset| preset.name == name).cloned().ok_or_else(|| {
        PresetError::Unknown { name: name.to_owned(), known: names().map(str::to_owned).collect() }
    })
}

/// The default preset of a platform; `None` when this crate has none.
#[must_use]
pub fn default_for(platform: &PlatformId) -> Option<Preset> {
    embedded()
        .unwrap_or_default()
        .iter()
        .find(|preset| preset.by_default && preset.platform.as_ref() == Some(platform))
        .cloned()
}

/// Reads presets from JSON of the form of the embedded ones.
///
/// A preset that `extends` an earlier one of the same text starts with its rules.
///
/// ```
/// use orderflow::rules::presets;
///
/// let mine = presets::from_json(
///     r#"{ "presets": [ {
///         "name": "mine", "as_of": "2026-01-01", "source": "our contract",
///         "rules": [ { "name": "ship", "kind": "ship_by", "anchor": "order_paid",
///                      "span": { "elapsed": { "hours": 36 } } } ]
///     } ] }"#,
/// )?;
/// assert_eq!(mine[0].rules[0].name, "ship");
///
/// let wrong = presets::from_json(r#"{ "presets": [ { "name": "mine", "as_of": 2026 } ] }"#);
/// assert!(wrong.unwrap_err().to_string().contains("`presets[0].as_of`"));
/// # Ok::<(), presets::PresetError>(())
/// ```
///
/// # Errors
/// [`PresetError::Invalid`], which names the field.
pub fn from_json(text: &str) -> Result<Vec<Preset>, PresetError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let file: WireFile =
        serde_path_to_error::deserialize(&mut reader).map_err(|error| PresetError::Invalid {
            field: error.path().to_string(),
            reason: error.into_inner().to_string(),
        })?;
    reader.end().map_err(|error| PresetError::Invalid {
        field: ".".to_owned(),
        reason: error.to_string(),
    })?;
    let mut presets: Vec<Preset> = Vec::with_capacity(file.presets.len());
    for (index, wire) in file.presets.into_iter().enumerate() {
        let invalid = |field: &str, reason: String| PresetError::Invalid {
            field: format!("presets[{index}].{field}"),
            reason,
        };
        if presets.iter().any(|preset| preset.name == wire.name) {
            return Err(invalid("name", format!("`{}` is there twice", wire.name)));
        }
        let base = match &wire.extends {
            None => None,
            Some(name) => {
                let found = presets.iter().find(|preset| preset.name == *name);
                Some(found.ok_or_else(|| {
                    invalid("extends", format!("there is no earlier preset `{name}`"))
                })?)
            }
        };
        let preset = assemble(wire, base);
        let mut seen = BTreeSet::new();
        if let Some(twice) = preset.rules.iter().find(|rule| !seen.insert(&rule.name)) {
            return Err(invalid("rules", format!("`{}` is there twice", twice.name)));
        }
        presets.push(preset);
    }
    Ok(presets)
}

fn assemble(wire: WirePreset, base: Option<&Preset>) -> Preset {
    let replaced = |rule: &SlaRule| wire.rules.iter().any(|own| own.name == rule.name);
    let mut rules: Vec<SlaRule> =
        base.iter().flat_map(|base| &base.rules).filter(|rule| !replaced(rule)).cloned().collect();
    rules.extend(wire.rules.into_iter().map(|rule| SlaRule {
        name: rule.new_name.unwrap_or(rule.name),
        scope: rule.scope,
        kind: rule.kind,
        anchor: rule.anchor,
        span: rule.span,
        requires: rule.requires,
        penalty: rule.penalty,
    }));
    for rule in &mut rules {
        if wire.platform.is_some() {
            rule.scope.platform.clone_from(&wire.platform);
        }
        if wire.site.is_some() {
            rule.scope.site.clone_from(&wire.site);
        }
    }
    Preset {
        name: wire.name,
        platform: wire.platform,
        site: wire.site,
        as_of: wire.as_of,
        source: wire.source,
        rules,
        by_default: wire.default,
        category_days: wire
            .category_days
            .or_else(|| base.and_then(|base| base.category_days.clone())),
    }
}

/// A shop that must acknowledge within one hour, ship within 48 (or 72) hours of payment by the
/// service the buyer chose, and upload tracking within 24 hours of shipping: the strictest
/// numbers told for platforms with acknowledgement.
///
/// These are the rules of the preset `acknowledged_orders`.
#[must_use]
pub fn acknowledged_orders(platform: &PlatformId) -> Vec<SlaRule> {
    load("acknowledged_orders")
        .map(|preset| preset.for_platform(platform).rules)
        .unwrap_or_default()
}
