//! What adapters of every carrier do with the account they are given.

use std::sync::Arc;

use crate::client::{ClientBuilder, Clock, Limits, Quota, RetryPolicy, SystemClock};
use crate::error::{Error, ErrorKind, Result};

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
