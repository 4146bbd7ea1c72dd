//! What must be known of an account before the adapter can work for it.

use std::fmt;

use chrono::TimeDelta;

use crate::carriers::account::{Calls, call_setters, sound};
use crate::client::Quota;
use crate::error::Result;
use crate::ids::ServiceCode;
use crate::money::Currency;
use crate::personal::Personal;

/// Production.
pub const PRODUCTION: &str = "https://apis.fedex.com";
/// The sandbox. It has credentials and account numbers of its own, and many answers are canned.
pub const SANDBOX: &str = "https://apis-sandbox.fedex.com";

/// "1400 transactions in 10 seconds" for each project (rate-limit guide): 140 a second in the
/// mean, of which a burst takes a half.
pub const DEFAULT_QUOTA: Quota = Quota::per_second(70).with_burst(700);

/// How the project logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grant {
    /// A seller's own account.
    ClientCredentials,
    /// A compatible software provider that acts for a seller.
    Provider {
        /// The seller's key.
        child_key: Personal<String>,
        /// The seller's secret.
        child_secret: Personal<String>,
    },
    /// A company that ships for its own parts.
    Parent {
        /// The part's key.
        child_key: Personal<String>,
        /// The part's secret.
        child_secret: Personal<String>,
    },
}

/// How the carrier gets the parcels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandOver {
    /// A driver comes every day.
    #[default]
    ScheduledPickup,
    /// A driver is ordered.
    OrderedPickup,
    /// They are brought to the carrier.
    DropOff,
}

impl HandOver {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ScheduledPickup => "USE_SCHEDULED_PICKUP",
            Self::OrderedPickup => "CONTACT_FEDEX_TO_SCHEDULE",
            Self::DropOff => "DROPOFF_AT_FEDEX_LOCATION",
        }
    }
}

/// Who must sign for a parcel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// What the service does by itself.
    #[default]
    Service,
    /// Nobody.
    None,
    /// Somebody there or nearby.
    Indirect,
    /// Somebody at the address.
    Direct,
    /// An adult.
    Adult,
}

impl Signature {
    pub(super) const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Service => None,
            Self::None => Some("NO_SIGNATURE_REQUIRED"),
            Self::Indirect => Some("INDIRECT"),
            Self::Direct => Some("DIRECT"),
            Self::Adult => Some("ADULT"),
        }
    }
}

/// Key and secret of a project.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) id: Personal<String>,
    pub(super) secret: Personal<String>,
}

/// An account with the carrier. Secrets never print.
///
/// ```
/// use orderflow::carriers::fedex::{FedexConfig, SANDBOX};
///
/// let config = FedexConfig::new("key", "secret", "740561073").with_base(SANDBOX);
/// assert!(!format!("{config:?}").contains("740561073"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct FedexConfig {
    pub(super) base: String,
    pub(super) ship: Credentials,
    pub(super) track: Option<Credentials>,
    pub(super) grant: Grant,
    pub(super) account_number: Personal<String>,
    pub(super) account_name: Option<String>,
    pub(super) currency: Currency,
    pub(super) services: Vec<ServiceCode>,
    pub(super) hand_over: HandOver,
    pub(super) signature: Signature,
    pub(super) hub_id: Option<String>,
    pub(super) fallback_phone: Option<Personal<String>>,
    pub(super) declare_value: bool,
    pub(super) reference_end_field: String,
    pub(super) settle: TimeDelta,
    pub(super) calls: Calls,
    pub(super) push_token: Option<Personal<String>>,
}

impl FedexConfig {
    /// Key and secret of a project, and the account that ships and pays, in production.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        account_number: impl Into<String>,
    ) -> Self {
        Self {
            base: PRODUCTION.to_owned(),
            ship: Credentials {
                id: Personal::new(client_id.into()),
                secret: Personal::new(client_secret.into()),
            },
            track: None,
            grant: Grant::ClientCredentials,
            account_number: Personal::new(account_number.into()),
            account_name: None,
            currency: Currency::USD,
            services: super::catalogue().into_iter().map(|service| service.key.service).collect(),
            hand_over: HandOver::default(),
            signature: Signature::default(),
            hub_id: None,
            fallback_phone: None,
            declare_value: false,
            reference_end_field: "shipDateEndDate".to_owned(),
            settle: TimeDelta::minutes(15),
            calls: Calls::new(DEFAULT_QUOTA),
            push_token: None,
        }
    }

    /// Sets the security token of the account's webhook, as given on the developer portal. Without it
    /// nothing that is pushed is taken.
    pub fn with_push_token(mut self, token: impl Into<String>) -> Self {
        self.push_token = Some(Personal::new(token.into()));
        self
    }

    /// Sets the base address: [`PRODUCTION`], [`SANDBOX`] or one's own.
    pub fn with_base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// Sets key and secret of the project that may track. The carrier grants tracking to projects
    /// of their own; without this the one pair is used for all.
    pub fn with_track_credentials(
        mut self,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        self.track = Some(Credentials {
            id: Personal::new(client_id.into()),
            secret: Personal::new(client_secret.into()),
        });
        self
    }

    /// Sets how the project logs in.
    pub fn with_grant(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// Sets the host's name for this account. A label request that names another one is refused
    /// instead of being charged to the wrong account.
    pub fn with_account_name(mut self, name: impl Into<String>) -> Self {
        self.account_name = Some(name.into());
        self
    }

    /// Sets the currency quotes are compared in: one answer holds prices in several. Default USD.
    pub fn with_currency(mut self, currency: Currency) -> Self {
        self.currency = currency;
        self
    }

    /// Sets which services are quoted. By default those of the [catalogue](super::catalogue): the
    /// carrier would also offer freight.
    pub fn with_services(mut self, services: impl IntoIterator<Item = ServiceCode>) -> Self {
        self.services = services.into_iter().collect();
        self
    }

    /// Sets how the carrier gets the parcels.
    pub fn with_hand_over(mut self, hand_over: HandOver) -> Self {
        self.hand_over = hand_over;
        self
    }

    /// Sets who must sign.
    pub fn with_signature(mut self, signature: Signature) -> Self {
        self.signature = signature;
        self
    }

    /// Sets the hub of Ground Economy (`SMART_POST`), which is not sold without.
    pub fn with_hub_id(mut self, hub_id: impl Into<String>) -> Self {
        self.hub_id = Some(hub_id.into());
        self
    }

    /// Sets the phone number for parties without one: the carrier sells no label without, and
    /// platforms hide those of buyers.
    pub fn with_fallback_phone(mut self, phone: impl Into<String>) -> Self {
        self.fallback_phone = Some(Personal::new(phone.into()));
        self
    }

    /// Sets whether the value of the goods is declared, which insures them and costs. Default no.
    pub fn with_declared_value(mut self, declare: bool) -> Self {
        self.declare_value = declare;
        self
    }

    /// Sets the name of the field that ends a search by reference. The schema says
    /// `shipDateEndDate`, the official samples say `shipDateEnd`.
    pub fn with_reference_end_field(mut self, name: impl Into<String>) -> Self {
        self.reference_end_field = name.into();
        self
    }

    /// Sets after how long a shipment that cannot be found by its reference counts as never made.
    /// Default 15 minutes: new shipments are found with a delay that the carrier does not state.
    pub fn with_settling_time(mut self, settle: TimeDelta) -> Self {
        self.settle = settle;
        self
    }

    call_setters!();

    /// Finds what is missing or cannot be right, before anything is sent.
    pub(super) fn check(&self) -> Result<()> {
        let blank =
            |credentials: &Credentials| credentials.id.is_blank() || credentials.secret.is_blank();
        let children = match &self.grant {
            Grant::ClientCredentials => false,
            Grant::Provider { child_key, child_secret }
            | Grant::Parent { child_key, child_secret } => {
                child_key.is_blank() || child_secret.is_blank()
            }
        };
        let problem = if blank(&self.ship) {
            Some(("client_id", "key and secret of the project must not be empty"))
        } else if self.track.as_ref().is_some_and(blank) {
            Some(("track_credentials", "key and secret for tracking must not be empty"))
        } else if children {
            Some(("grant", "key and secret of the child must not be empty"))
        } else if self.account_number.is_blank() {
            Some(("account_number", "the account number must not be empty"))
        } else if self.reference_end_field.trim().is_empty() {
            Some(("reference_end_field", "the name of a field must not be empty"))
        } else if self.push_token.as_ref().is_some_and(Personal::is_blank) {
            Some(("push_token", "the security token must not be empty"))
        } else if self.settle < TimeDelta::zero() {
            Some(("settling_time", "must not be negative"))
        } else {
            None
        };
        sound(problem)
    }
}

impl fmt::Debug for FedexConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FedexConfig")
            .field("base", &self.base)
            .field("currency", &self.currency)
            .field("services", &self.services)
            .field("hand_over", &self.hand_over)
            .field("quota", &self.calls.quota)
            .finish_non_exhaustive()
    }
}
