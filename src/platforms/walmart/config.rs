//! How a shop on Walmart is reached.

use std::sync::Arc;

use chrono_tz::Tz;

use crate::client::{Clock, Quota, RetryPolicy, SystemClock};
use crate::money::Currency;
use crate::personal::Personal;

/// Where production answers.
pub const PRODUCTION: &str = "https://marketplace.walmartapis.com";
/// Where the sandbox answers, with the same credentials.
pub const SANDBOX: &str = "https://sandbox.walmartapis.com";

/// A country's marketplace. Every call says which one it means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Market {
    /// The United States.
    #[default]
    UnitedStates,
    /// Canada.
    Canada,
}

impl Market {
    /// The word of the header `WM_MARKET`. The United States are what is meant without one.
    pub(super) const fn header(self) -> Option<&'static str> {
        match self {
            Self::UnitedStates => None,
            Self::Canada => Some("ca"),
        }
    }

    /// The site that orders are said to come from.
    pub(super) const fn site(self) -> &'static str {
        match self {
            Self::UnitedStates => "US",
            Self::Canada => "CA",
        }
    }

    /// The currency where an amount names none.
    pub(super) fn currency(self) -> Currency {
        match self {
            Self::UnitedStates => Currency::USD,
            Self::Canada => Currency::new("CAD").unwrap_or(Currency::USD),
        }
    }
}

/// How the amount of a line's `PRODUCT` charge is meant. The reference does not say and shows only
/// lines of one unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LineAmount {
    /// It is the price of the whole line.
    #[default]
    PerLine,
    /// It is the price of one unit.
    PerUnit,
}

/// How the notifications of a subscription prove where they come from.
#[derive(Debug, Clone, Default)]
pub enum WebhookAuth {
    /// None was agreed: there is no ability to receive notifications.
    #[default]
    None,
    /// `authMethod` `HMAC`: HMAC-SHA256 of the body in the header `header`.
    Hmac {
        /// The subscription's `authHeaderName`.
        header: String,
        /// The subscription's `clientSecret`.
        secret: Personal<String>,
    },
    /// `authMethod` `BASIC_AUTH`: base64 of user and password in the header `header`.
    Basic {
        /// The subscription's `authHeaderName`.
        header: String,
        /// The subscription's `userName`.
        user: Personal<String>,
        /// The subscription's `password`.
        password: Personal<String>,
    },
    /// The newer flow: `WM_SEC.SIGNATURE` over verb, path, `WM_SEC.TIMESTAMP` and body.
    Signed {
        /// The secret shared with Walmart.
        secret: Personal<String>,
    },
}

impl WebhookAuth {
    /// Whether notifications are taken from anybody, since the secret that should prove them is empty.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::None => false,
            Self::Hmac { secret, .. } | Self::Signed { secret } => secret.as_str().is_empty(),
            Self::Basic { user, password, .. } => {
                user.as_str().is_empty() && password.as_str().is_empty()
            }
        }
    }
}

/// How a shop on Walmart is reached. Secrets never print.
#[derive(Debug, Clone)]
#[must_use]
pub struct WalmartConfig {
    pub(super) client_id: Personal<String>,
    pub(super) client_secret: Personal<String>,
    pub(super) account: String,
    pub(super) base_url: String,
    pub(super) quotas: Vec<(String, Quota)>,
    pub(super) retry: RetryPolicy,
    pub(super) zone: Tz,
    pub(super) market: Market,
    pub(super) auto_cancel_days: Option<u32>,
    pub(super) line_amount: LineAmount,
    pub(super) webhook_auth: WebhookAuth,
    pub(super) clock: Arc<dyn Clock>,
}

impl WalmartConfig {
    /// Starts with the seller's own API keys. `account` names the shop in logs.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        account: impl Into<String>,
    ) -> Self {
        Self {
            client_id: Personal::new(client_id.into()),
            client_secret: Personal::new(client_secret.into()),
            account: account.into(),
            base_url: PRODUCTION.to_owned(),
            quotas: Vec::new(),
            retry: RetryPolicy::default(),
            zone: Tz::America__New_York,
            market: Market::default(),
            auto_cancel_days: Some(4),
            line_amount: LineAmount::default(),
            webhook_auth: WebhookAuth::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets another address, for example [`SANDBOX`].
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// Sets the limit of a bucket; see [`quota`](super::quota) for their names.
    pub fn with_quota(mut self, bucket: impl Into<String>, quota: Quota) -> Self {
        self.quotas.push((bucket.into(), quota));
        self
    }

    /// Sets how often and how long a call is tried.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the market, and with it what is known of it: the zone of ship dates (for Canada
    /// `America/Toronto`), and whether Walmart cancels by itself what was not shipped (not known for
    /// Canada). Call [`with_zone`](Self::with_zone) and
    /// [`with_auto_cancel_days`](Self::with_auto_cancel_days) afterwards to say otherwise.
    pub fn with_market(mut self, market: Market) -> Self {
        self.market = market;
        (self.zone, self.auto_cancel_days) = match market {
            Market::UnitedStates => (Tz::America__New_York, Some(4)),
            Market::Canada => (Tz::America__Toronto, None),
        };
        self
    }

    /// Sets the zone in which the day of the estimated ship date is read. Default
    /// `America/New_York`: the dates seen lie at 04:00 to 07:00 UTC, which is the intended day in
    /// every zone of the mainland when read in the easternmost, and its day ends first.
    pub fn with_zone(mut self, zone: Tz) -> Self {
        self.zone = zone;
        self
    }

    /// Sets how many calendar days after the estimated ship date Walmart cancels what was not
    /// shipped. Default 4 in the United States, the policy since June 2023.
    pub fn with_auto_cancel_days(mut self, days: u32) -> Self {
        self.auto_cancel_days = Some(days);
        self
    }

    /// Sets how the amount of a line's `PRODUCT` charge is meant. Default
    /// [`LineAmount::PerLine`].
    pub fn with_line_amount(mut self, line_amount: LineAmount) -> Self {
        self.line_amount = line_amount;
        self
    }

    /// Sets how notifications prove where they come from.
    pub fn with_webhook_auth(mut self, auth: WebhookAuth) -> Self {
        self.webhook_auth = auth;
        self
    }

    /// Sets the wall clock, for tests and simulations.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}
