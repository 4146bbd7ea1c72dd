//! Personal data that never prints.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that identifies a person or is a secret of theirs.
///
/// `Debug` prints `[redacted]`; there is no `Display`. Serialisation is faithful, since stores must
/// keep the value; [`Personal::expose`] is the one deliberate way to read it.
///
/// ```
/// use orderflow::Personal;
///
/// let phone = Personal::new("+1 555 0100".to_owned());
/// assert_eq!(format!("{phone:?}"), "[redacted]");
/// assert_eq!(phone.expose(), "+1 555 0100");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Wraps a value.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Reads the value. Every call is a place to check that it does not end in a log.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Personal<String> {
    /// The text as `&str`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty or blank.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<&str> for Personal<String> {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Personal<String> {
    fn from(text: String) -> Self {
        Self(text)
    }
}
