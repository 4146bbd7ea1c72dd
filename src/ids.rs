//! Identifiers as types of their own, so that they cannot be mixed up.
//!
//! Every id is an *open* text: a new vendor never edits the domain. An id is 1 to 128 characters
//! without control characters and without blanks at its ends; nothing else is assumed, and what a
//! vendor sent is kept word for word.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The longest id accepted, in characters.
pub const MAX_ID_LENGTH: usize = 128;

/// A text that cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {reason}")]
pub struct InvalidId {
    /// Which kind of id was meant, for example `platform order id`.
    pub kind: &'static str,
    /// What is wrong with the text.
    pub reason: InvalidIdReason,
}

/// Why a text cannot be an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdReason {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text has more than [`MAX_ID_LENGTH`] characters.
    #[error("is longer than 128 characters")]
    TooLong,
    /// The text contains a control character or begins or ends with a blank.
    #[error("contains control characters or begins or ends with a blank")]
    BadCharacter,
}

fn check(kind: &'static str, text: &str) -> Result<(), InvalidId> {
    // Nearly all ids, told by a look at each byte.
    if (1..=MAX_ID_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = if text.is_empty() {
        InvalidIdReason::Empty
    } else if text.len() > MAX_ID_LENGTH && text.chars().count() > MAX_ID_LENGTH {
        InvalidIdReason::TooLong
    } else if text.chars().any(char::is_control) || text.trim() != text {
        InvalidIdReason::BadCharacter
    } else {
        return Ok(());
    };
    Err(InvalidId { kind, reason })
}

impl From<InvalidId> for crate::Error {
    fn from(invalid: InvalidId) -> Self {
        Self::invalid(invalid.kind, invalid.to_string())
    }
}

macro_rules! open_id {
    ($(#[$meta:meta])* $name:ident, $kind:literal) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// Takes a text as id.
            ///
            /// # Errors
            /// [`InvalidId`] when the text is empty, longer than [`MAX_ID_LENGTH`] characters,
            /// or contains control characters or outer blanks.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                check($kind, &text)?;
                Ok(Self(Cow::Owned(text)))
            }

            /// An id known when the program is written. The text is not checked.
            #[must_use]
            pub const fn from_static(text: &'static str) -> Self {
                Self(Cow::Borrowed(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;

            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

open_id!(
    /// A marketplace, for example `walmart`. Adapters export their own as a constant.
    PlatformId, "platform"
);
open_id!(
    /// A seller's shop on a platform.
    ShopId, "shop id"
);
open_id!(
    /// The platform's id of an order.
    PlatformOrderId, "platform order id"
);
open_id!(
    /// The platform's id of an order line.
    LineId, "order line id"
);
open_id!(
    /// A stock keeping unit.
    Sku, "sku"
);
open_id!(
    /// A parcel. Made by this crate with [`PackageId::derive`] or taken from a host.
    PackageId, "package id"
);
open_id!(
    /// A platform's own id of a parcel.
    PlatformPackageId, "platform package id"
);
open_id!(
    /// A payment of an order.
    PaymentId, "payment id"
);
open_id!(
    /// A buyer on a platform. Names are not identity.
    BuyerId, "buyer id"
);
open_id!(
    /// A warehouse or another place that parcels leave from.
    WarehouseId, "warehouse id"
);
open_id!(
    /// A carrier, for example `usps`. Adapters export their own as a constant.
    CarrierId, "carrier"
);
open_id!(
    /// A carrier's service, for example a mail class.
    ServiceCode, "service code"
);
open_id!(
    /// A tracking number as stored: trimmed, otherwise as the carrier gave it.
    TrackingNumber, "tracking number"
);
open_id!(
    /// A hold on an order, at least keyed by reason and source.
    HoldId, "hold id"
);
open_id!(
    /// An event, for at-most-once application.
    EventId, "event id"
);

impl EventId {
    /// The id of an event that has none of its own: a hash of its content.
    #[must_use]
    pub fn of_content(parts: &[&str]) -> Self {
        Self(Cow::Owned(hex(&digest(parts)[..16])))
    }
}

/// Identifies an order across shops and platforms.
///
/// Displays as `platform/shop/order`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OrderKey {
    /// The marketplace.
    pub platform: PlatformId,
    /// The shop on it.
    pub shop: ShopId,
    /// The order in that shop.
    pub order: PlatformOrderId,
}

impl OrderKey {
    /// Puts the three parts together.
    #[must_use]
    pub fn new(platform: PlatformId, shop: ShopId, order: PlatformOrderId) -> Self {
        Self { platform, shop, order }
    }

    /// The shop part.
    #[must_use]
    pub fn shop_key(&self) -> ShopKey {
        ShopKey { platform: self.platform.clone(), shop: self.shop.clone() }
    }
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.platform, self.shop, self.order)
    }
}

/// Identifies a shop across platforms.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShopKey {
    /// The marketplace.
    pub platform: PlatformId,
    /// The shop on it.
    pub shop: ShopId,
}

impl ShopKey {
    /// Puts the two parts together.
    #[must_use]
    pub fn new(platform: PlatformId, shop: ShopId) -> Self {
        Self { platform, shop }
    }
}

impl fmt::Display for ShopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.platform, self.shop)
    }
}

impl PackageId {
    /// The id of the `sequence`-th parcel of an order: the same inputs give the same id on every
    /// machine, so that a crash between planning and storing cannot create a second parcel.
    ///
    /// The form is `PK-` and 12 characters of the Crockford base-32 alphabet (60 bits), short
    /// enough to be a printed reference on every carrier's label.
    ///
    /// ```
    /// use orderflow::{OrderKey, PackageId, PlatformId, PlatformOrderId, ShopId};
    ///
    /// let key = OrderKey::new(
    ///     PlatformId::from_static("csv"),
    ///     ShopId::from_static("1"),
    ///     PlatformOrderId::from_static("42"),
    /// );
    /// assert_eq!(PackageId::derive(&key, 1), PackageId::derive(&key, 1));
    /// assert_ne!(PackageId::derive(&key, 1), PackageId::derive(&key, 2));
    /// ```
    #[must_use]
    pub fn derive(order: &OrderKey, sequence: u32) -> Self {
        const ALPHABET: [char; 32] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G',
            'H', 'J', 'K', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
        ];
        let hash = digest(&[
            "package",
            order.platform.as_str(),
            order.shop.as_str(),
            order.order.as_str(),
            &sequence.to_string(),
        ]);
        let mut bits = hash.iter().take(8).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        let mut text = String::with_capacity(15);
        text.push_str("PK-");
        for _ in 0..12 {
            let index = usize::try_from(bits & 31).unwrap_or(0);
            text.extend(ALPHABET.get(index));
            bits >>= 5;
        }
        Self(Cow::Owned(text))
    }
}

/// The key under which an outside effect happens at most once.
///
/// Keys are derived from what they stand for, never drawn at random: a process that restarts
/// arrives at the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(Uuid);

impl IdempotencyKey {
    /// Derives the key of `parts`, in order. Different parts give different keys.
    ///
    /// ```
    /// use orderflow::IdempotencyKey;
    ///
    /// let first = IdempotencyKey::derive(&["label", "PK-1", "1"]);
    /// assert_eq!(first, IdempotencyKey::derive(&["label", "PK-1", "1"]));
    /// assert_ne!(first, IdempotencyKey::derive(&["label", "PK-11", ""]));
    /// assert_eq!(first.to_string().len(), 36);
    /// ```
    #[must_use]
    pub fn derive(parts: &[&str]) -> Self {
        let hash = digest(parts);
        let mut bytes = [0_u8; 16];
        for (byte, source) in bytes.iter_mut().zip(hash) {
            *byte = source;
        }
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Takes a UUID as key, for example one stored elsewhere.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The key as UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

/// SHA-256 of parts, each preceded by its length so that no two lists collide by joining.
pub(crate) fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// Lower-case hexadecimal text of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_the_text_word_for_word_and_refuses_what_cannot_be_one() {
        assert_eq!(PlatformOrderId::new("00123-é").unwrap().as_str(), "00123-é");
        assert_eq!(Sku::new("").unwrap_err().reason, InvalidIdReason::Empty);
        assert_eq!(Sku::new(" a").unwrap_err().reason, InvalidIdReason::BadCharacter);
        assert_eq!(Sku::new("a\u{0}").unwrap_err().reason, InvalidIdReason::BadCharacter);
        assert_eq!(Sku::new("x".repeat(129)).unwrap_err().reason, InvalidIdReason::TooLong);
        assert!(Sku::new("é".repeat(128)).is_ok());
        assert!(serde_json::from_str::<Sku>("\"\"").is_err());
    }

    #[test]
    fn package_ids_are_stable_across_releases() {
        let key = OrderKey::new(
            PlatformId::from_static("p"),
            ShopId::from_static("s"),
            PlatformOrderId::from_static("o"),
        );
        let id = PackageId::derive(&key, 1);
        assert_eq!(id.as_str().len(), 15);
        assert!(id.as_str().starts_with("PK-"));
    }
}
