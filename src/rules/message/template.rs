//! Templates with typed placeholders, checked when they are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DueMessage, Locale, MessageKind};
use crate::personal::Personal;

/// Something that a message may speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placeholder {
    /// The order's number for buyers.
    OrderId,
    /// The buyer's or recipient's name.
    BuyerName,
    /// The carrier.
    Carrier,
    /// The tracking number.
    TrackingNumber,
    /// The tracking page.
    TrackingUrl,
    /// The goods.
    Items,
    /// The day of arrival.
    Eta,
    /// The shop.
    Shop,
}

impl Placeholder {
    /// Every placeholder.
    pub const ALL: [Self; 8] = [
        Self::OrderId,
        Self::BuyerName,
        Self::Carrier,
        Self::TrackingNumber,
        Self::TrackingUrl,
        Self::Items,
        Self::Eta,
        Self::Shop,
    ];

    /// Its name between braces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderId => "order_id",
            Self::BuyerName => "buyer_name",
            Self::Carrier => "carrier",
            Self::TrackingNumber => "tracking_number",
            Self::TrackingUrl => "tracking_url",
            Self::Items => "items",
            Self::Eta => "eta",
            Self::Shop => "shop",
        }
    }
}

/// A template that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// No placeholder has this name.
    #[error("there is no placeholder {{{name}}} (at character {at})")]
    Unknown {
        /// What stands between the braces.
        name: String,
        /// Where, counted in characters from 0.
        at: usize,
    },
    /// An opening brace without its end, or an end without its beginning. Braces are doubled to be
    /// braces.
    #[error("a brace stands alone at character {at}; write it twice to mean it")]
    LoneBrace {
        /// Where, counted in characters from 0.
        at: usize,
    },
    /// Nothing but blanks.
    #[error("the template is empty")]
    Empty,
}

/// A value that the template needs and the message does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message has no {}", .0.as_str())]
pub struct MissingValue(pub Placeholder);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// A text with placeholders.
///
/// ```
/// use std::collections::BTreeMap;
/// use orderflow::Personal;
/// use orderflow::rules::message::{Placeholder, Template};
///
/// let template = Template::parse("Order {order_id} is on its way.")?;
/// let values = BTreeMap::from([(Placeholder::OrderId, Personal::from("42"))]);
/// assert_eq!(template.render(&values)?.as_str(), "Order 42 is on its way.");
/// assert!(Template::parse("Order {order}").is_err());
/// assert!(template.render(&BTreeMap::new()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

impl Template {
    /// Reads a template; every placeholder is checked here and not when it is used.
    ///
    /// # Errors
    /// [`TemplateError`] with the place.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        if source.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut letters = source.chars().enumerate().peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '{' if letters.peek().is_some_and(|(_, next)| *next == '{') => {
                    letters.next();
                    text.push('{');
                }
                '}' if letters.peek().is_some_and(|(_, next)| *next == '}') => {
                    letters.next();
                    text.push('}');
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match letters.next() {
                            Some((_, '}')) => break,
                            Some((_, '{')) | None => return Err(TemplateError::LoneBrace { at }),
                            Some((_, letter)) => name.push(letter),
                        }
                    }
                    let placeholder = Placeholder::ALL
                        .into_iter()
                        .find(|known| known.as_str() == name.trim())
                        .ok_or(TemplateError::Unknown { name, at })?;
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(Part::Value(placeholder));
                }
                '}' => return Err(TemplateError::LoneBrace { at }),
                other => text.push(other),
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self { source: source.to_owned(), parts })
    }

    /// What it speaks of.
    #[must_use]
    pub fn placeholders(&self) -> BTreeSet<Placeholder> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Value(placeholder) => Some(*placeholder),
                Part::Text(_) => None,
            })
            .collect()
    }

    /// The text with its values. It may name the buyer, so it is personal.
    ///
    /// # Errors
    /// [`MissingValue`]: a message with a hole is not sent.
    pub fn render(
        &self,
        values: &BTreeMap<Placeholder, Personal<String>>,
    ) -> Result<Personal<String>, MissingValue> {
        let mut text = String::with_capacity(self.source.len() + 64);
        for part in &self.parts {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Value(placeholder) => text.push_str(
                    values
                        .get(placeholder)
                        .map(Personal::as_str)
                        .filter(|value| !value.trim().is_empty())
                        .ok_or(MissingValue(*placeholder))?,
                ),
            }
        }
        Ok(Personal::new(text))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Serialize for Template {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Self::parse(&source).map_err(serde::de::Error::custom)
    }
}

/// What a platform lets sellers write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ContentPolicy {
    /// Whether links may occur.
    pub links: bool,
    /// Longest text, in characters; `None` is no limit.
    pub max_characters: Option<usize>,
    /// Words that must not occur, in any case: for example those that beg for reviews.
    pub forbidden: Vec<String>,
}

impl Default for ContentPolicy {
    fn default() -> Self {
        Self { links: true, max_characters: None, forbidden: Vec::new() }
    }
}

impl ContentPolicy {
    /// Forbids links.
    #[must_use]
    pub const fn without_links(mut self) -> Self {
        self.links = false;
        self
    }

    /// Limits the length, in characters.
    #[must_use]
    pub const fn with_max_characters(mut self, most: usize) -> Self {
        self.max_characters = Some(most);
        self
    }

    /// Forbids words, in any case.
    #[must_use]
    pub fn with_forbidden(mut self, words: impl IntoIterator<Item = String>) -> Self {
        self.forbidden.extend(words);
        self
    }

    /// What a platform would object to; empty is a text that may be sent.
    #[must_use]
    pub fn check(&self, text: &str) -> Vec<ContentFinding> {
        let lower = text.to_lowercase();
        let mut findings = Vec::new();
        if !self.links && ["http://", "https://", "www."].iter().any(|mark| lower.contains(mark)) {
            findings.push(ContentFinding::Link);
        }
        if let Some(most) = self.max_characters {
            let characters = text.chars().count();
            if characters > most {
                findings.push(ContentFinding::TooLong { characters, most });
            }
        }
        for word in &self.forbidden {
            if !word.trim().is_empty() && lower.contains(&word.to_lowercase()) {
                findings.push(ContentFinding::Forbidden { word: word.clone() });
            }
        }
        findings
    }
}

/// What a platform would object to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentFinding {
    /// A link.
    #[error("links are not allowed")]
    Link,
    /// Too long.
    #[error("{characters} characters of at most {most}")]
    TooLong {
        /// How long it is.
        characters: usize,
        /// How long it may be.
        most: usize,
    },
    /// A forbidden word.
    #[error("the word {word:?} is not allowed")]
    Forbidden {
        /// Which.
        word: String,
    },
}

/// No set of templates of this crate has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no set of templates {name:?}; there are: {known}")]
pub struct UnknownTemplateSet {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub known: String,
}

const PRESETS: &str = include_str!("../presets/messages.json");

/// A template for every kind of message, in several languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Templates(BTreeMap<MessageKind, BTreeMap<Locale, Template>>);

impl Templates {
    /// Templates of this crate by name. `plain` has every kind in English, Spanish, Portuguese and
    /// Chinese, without links.
    ///
    /// # Errors
    /// [`UnknownTemplateSet`], which lists the names.
    pub fn preset(name: &str) -> Result<Self, UnknownTemplateSet> {
        let mut sets: BTreeMap<String, Self> = serde_json::from_str(PRESETS).unwrap_or_default();
        let known = sets.keys().cloned().collect::<Vec<_>>().join(", ");
        sets.remove(name).ok_or_else(|| UnknownTemplateSet { name: name.to_owned(), known })
    }

    /// Sets a template.
    #[must_use]
    pub fn with(mut self, kind: MessageKind, locale: Locale, template: Template) -> Self {
        self.0.entry(kind).or_default().insert(locale, template);
        self
    }

    /// The template of a kind: in the language asked for, else in English.
    #[must_use]
    pub fn get(&self, kind: MessageKind, locale: Locale) -> Option<&Template> {
        let languages = self.0.get(&kind)?;
        languages.get(&locale).or_else(|| languages.get(&Locale::En))
    }

    /// The text of a message; `None` when there is no template for its kind.
    ///
    /// # Errors
    /// [`MissingValue`].
    pub fn render(&self, message: &DueMessage) -> Result<Option<Personal<String>>, MissingValue> {
        self.get(message.kind, message.locale)
            .map(|template| template.render(&message.values))
            .transpose()
    }
}
