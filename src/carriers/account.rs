//! What adapters of every carrier do with the account they are given.

use std::sync::Arc;

use crate::client::{ClientBuilder, Clock, Limits, Quota, RetryPolicy, SystemClock};
use crate::error::{Error, ErrorKind, Result};
#[cfg(any(feature = "fedex", feature = "dhl"))]
use crate::ids::IdempotencyKey;

/// How an account's calls are made.
#[derive(Clone)]
pub(super) struct Calls {
    pub(super) quota: Quota,
    pub(super) limits: Option<Limits>,
    pub(super) retry: RetryPolicy,
    pub(super) clock: Arc<dyn Clock>,
}

impl Calls {
    pub(super) fn new(quota: Quota) -> Self {
        Self { quota, limits: None, retry: RetryPolicy::default(), clock: Arc::new(SystemClock) }
    }

    /// A client that makes calls so. Each bucket has the account's quota.
    pub(super) fn of(&self, builder: ClientBuilder, buckets: &[&str]) -> ClientBuilder {
        let builder =
            buckets.iter().fold(builder, |builder, bucket| builder.quota(*bucket, self.quota));
        let builder = builder.retry(self.retry).clock(Arc::clone(&self.clock));
        match &self.limits {
            Some(limits) => builder.limits(limits.clone()),
            None => builder,
        }
    }
}

/// The setters of a configuration whose field `calls` is [`Calls`].
macro_rules! call_setters {
    () => {
        /// Sets how fast the carrier may be called. Default [`DEFAULT_QUOTA`].
        pub fn with_quota(mut self, quota: $crate::client::Quota) -> Self {
            self.calls.quota = quota;
            self
        }

        /// Shares limits with other adapters of the same account.
        pub fn with_limits(mut self, limits: $crate::client::Limits) -> Self {
            self.calls.limits = Some(limits);
            self
        }

        /// Sets how often and how long a call is tried.
        pub fn with_retry(mut self, retry: $crate::client::RetryPolicy) -> Self {
            self.calls.retry = retry;
            self
        }

        /// Sets the wall clock, for tests and simulations.
        pub fn with_clock(mut self, clock: ::std::sync::Arc<dyn $crate::client::Clock>) -> Self {
            self.calls.clock = clock;
            self
        }
    };
}
pub(super) use call_setters;

/// A configuration's problem as an error that names the field.
pub(super) fn sound(problem: Option<(&'static str, &'static str)>) -> Result<()> {
    match problem {
        Some((field, message)) => {
            Err(Error::new(ErrorKind::Configuration, message).with_field(field))
        }
        None => Ok(()),
    }
}

/// A label request must name this account, or none.
pub(super) fn check_account(named: Option<&String>, own: Option<&String>) -> Result<()> {
    match (named, own) {
        (Some(named), Some(own)) if named != own => {
            Err(Error::invalid("account", "is not the account of this adapter"))
        }
        _ => Ok(()),
    }
}

/// The name of a purchase on their side: the key to the base of 36, 25 characters, which fits the
/// shortest field (30). It names the purchase and not the parcel: a parcel may be sold a label anew.
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) fn purchase_reference(key: IdempotencyKey) -> String {
    let mut left = key.as_uuid().as_u128();
    let mut digits = ['0'; 25];
    for digit in digits.iter_mut().rev() {
        let value = u32::try_from(left % 36).unwrap_or_default();
        *digit = char::from_digit(value, 36).unwrap_or('0').to_ascii_uppercase();
        left /= 36;
    }
    digits.into_iter().collect()
}

#[cfg(all(test, any(feature = "fedex", feature = "dhl")))]
mod tests {
    use super::*;

    #[test]
    fn a_purchase_is_named_in_25_letters_and_no_other_has_its_name() {
        let name = |text| purchase_reference(IdempotencyKey::derive(&[text]));
        assert_eq!(name("a").len(), 25);
        assert!(name("a").bytes().all(|letter| letter.is_ascii_alphanumeric()));
        assert_ne!(name("a"), name("b"));
        assert_eq!(name("a"), name("a"));
    }
}
