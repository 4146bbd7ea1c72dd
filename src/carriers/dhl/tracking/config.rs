//! What must be known before the adapter can ask.

use std::fmt;
use std::time::Duration;

use crate::carriers::account::{Calls, call_setters, sound};
use crate::client::Quota;
use crate::error::Result;
use crate::ids::CarrierId;
use crate::personal::Personal;

/// Production.
pub const PRODUCTION: &str = "https://api-eu.dhl.com";
/// The test environment.
pub const TEST: &str = "https://api-test.dhl.com";

/// What a fresh key is granted, as widely quoted: one call in five seconds, 250 a day. Whoever was
/// granted more says so.
pub const DEFAULT_QUOTA: Quota = Quota { per: Duration::from_secs(5), calls: 1, burst: 1 };

/// Where news are sent, and what the carrier shows there.
#[derive(Clone)]
pub(super) struct Hook {
    pub(super) address: String,
    pub(super) header: String,
    pub(super) token: Personal<String>,
}

/// A key of the API. It never prints.
///
/// ```
/// use orderflow::carriers::dhl::tracking::DhlTrackingConfig;
///
/// let config = DhlTrackingConfig::new("key of the application");
/// assert!(!format!("{config:?}").contains("application"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct DhlTrackingConfig {
    pub(super) base: String,
    pub(super) key: Personal<String>,
    pub(super) carrier: CarrierId,
    pub(super) service: Option<String>,
    pub(super) hook: Option<Hook>,
    pub(super) open_handshake: bool,
    pub(super) concurrency: usize,
    pub(super) tracking_page: Option<String>,
    pub(super) calls: Calls,
}

impl DhlTrackingConfig {
    /// The key of an application, in production.
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            base: PRODUCTION.to_owned(),
            key: Personal::new(key.into()),
            carrier: super::DHL,
            service: None,
            hook: None,
            open_handshake: false,
            concurrency: 2,
            tracking_page: None,
            calls: Calls::new(DEFAULT_QUOTA),
        }
    }

    /// Sets the base address: [`PRODUCTION`], [`TEST`] or one's own.
    pub fn with_base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// Sets the carrier whose parcels are followed. Default [`DHL`](super::DHL).
    pub fn with_carrier(mut self, carrier: CarrierId) -> Self {
        self.carrier = carrier;
        self
    }

    /// Names the division that carries the parcels, in the API's words (`ecommerce`, `express`,
    /// `parcel-de`, …): shipments of others are not taken for them.
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Sets where news are sent, and the header and token the carrier shows there. Pushed bodies are
    /// not signed: the token is all that protects the hook.
    pub fn with_hook(
        mut self,
        address: impl Into<String>,
        header: impl Into<String>,
        token: impl Into<String>,
    ) -> Self {
        self.hook = Some(Hook {
            address: address.into(),
            header: header.into(),
            token: Personal::new(token.into()),
        });
        self
    }

    /// Sets whether the question if a hook is ours may come without the token. Default no: whether
    /// the carrier shows it there is not documented.
    pub fn with_open_handshake(mut self, open: bool) -> Self {
        self.open_handshake = open;
        self
    }

    /// Sets how many calls are under way at once. Default 2; the quota bounds them anyway.
    pub fn with_concurrency(mut self, calls: usize) -> Self {
        self.concurrency = calls;
        self
    }

    /// Sets the public page that shows a parcel: the number is put behind it. None by default.
    pub fn with_tracking_page(mut self, page: impl Into<String>) -> Self {
        self.tracking_page = Some(page.into());
        self
    }

    call_setters!();

    /// Finds what is missing or cannot be right, before anything is sent.
    pub(super) fn check(&self) -> Result<()> {
        let hook = self.hook.as_ref();
        let problem = if self.key.is_blank() {
            Some(("key", "the key must not be empty"))
        } else if self.concurrency == 0 {
            Some(("concurrency", "no call may be under way"))
        } else if self.service.as_ref().is_some_and(|service| service.trim().is_empty()) {
            Some(("service", "must not be empty"))
        } else if hook.is_some_and(|hook| !hook.address.starts_with("https://")) {
            Some(("hook", "news are sent to https addresses only"))
        } else if hook.is_some_and(|hook| hook.header.trim().is_empty() || hook.token.is_blank()) {
            Some(("hook", "header and token of the hook must not be empty"))
        } else {
            None
        };
        sound(problem)
    }
}

impl fmt::Debug for DhlTrackingConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DhlTrackingConfig")
            .field("base", &self.base)
            .field("carrier", &self.carrier)
            .field("service", &self.service)
            .field("quota", &self.calls.quota)
            .finish_non_exhaustive()
    }
}
