//! What must be known of an account before the adapter can work for it.

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;

use crate::carriers::account::{Calls, call_setters, sound};
use crate::carriers::fitting::us_state;
use crate::client::Quota;
use crate::error::Result;
use crate::ids::ServiceCode;
use crate::money::Currency;
use crate::personal::Personal;

/// Production.
pub const PRODUCTION: &str = "https://api.dhlecs.com";
/// The sandbox. Labels made in one of the two are unknown to the other.
pub const SANDBOX: &str = "https://api-sandbox.dhlecs.com";

/// The carrier publishes no limits; this stays far from what it answers with "spike arrest".
pub const DEFAULT_QUOTA: Quota = Quota::per_second(5).with_burst(10);

/// Which of the two numbers of a parcel becomes the number of its label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberOfLabel {
    /// The carrier's own (`dhlPackageId`): there from the purchase on, for every product.
    #[default]
    DhlPackage,
    /// The last mile's (`trackingId`): for domestic parcels the post office's, with the routing
    /// part `420` and ZIP in front. International parcels may have none until they have left; their
    /// label then has the carrier's own. Closing the day costs one enquiry per ten labels more.
    LastMile,
}

/// What the last mile does with a parcel that cannot be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endorsement {
    /// Address service requested.
    Address,
    /// Forwarding service requested.
    Forwarding,
    /// Change service requested.
    Change,
    /// Return service requested.
    Return,
}

impl Endorsement {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "1",
            Self::Forwarding => "2",
            Self::Change => "3",
            Self::Return => "4",
        }
    }
}

/// Who logs in at our hook: what [`DhlEcommerce::register_hook`](super::DhlEcommerce::register_hook)
/// tells the carrier.
#[derive(Clone)]
pub(super) struct Hook {
    pub(super) address: String,
    pub(super) user: Personal<String>,
    pub(super) password: Personal<String>,
}

/// An account with the carrier. Secrets never print.
///
/// ```
/// use orderflow::carriers::dhl::ecommerce::{DhlEcommerceConfig, SANDBOX};
///
/// let config = DhlEcommerceConfig::new("id", "secret", "5234567", "USORD1").with_base(SANDBOX);
/// assert!(!format!("{config:?}").contains("5234567"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct DhlEcommerceConfig {
    pub(super) base: String,
    pub(super) client_id: Personal<String>,
    pub(super) client_secret: Personal<String>,
    pub(super) pickup: Personal<String>,
    pub(super) distribution_center: String,
    pub(super) account_name: Option<String>,
    pub(super) currency: Currency,
    pub(super) products: Vec<ServiceCode>,
    pub(super) number: NumberOfLabel,
    pub(super) endorsement: Option<Endorsement>,
    pub(super) delivery_service: Option<String>,
    pub(super) insure: bool,
    pub(super) text_length: usize,
    pub(super) customs_states: Option<Vec<String>>,
    pub(super) fallback_phone: Option<Personal<String>>,
    pub(super) tracking_path: String,
    pub(super) tracking_page: Option<String>,
    pub(super) absent_codes: Vec<String>,
    pub(super) closed_codes: Vec<String>,
    pub(super) settle: TimeDelta,
    pub(super) manifest_poll: Duration,
    pub(super) manifest_wait: Duration,
    pub(super) hook: Option<Hook>,
    pub(super) calls: Calls,
}

impl DhlEcommerceConfig {
    /// The credentials, the pickup account and the distribution center the carrier gave it (for
    /// example `USORD1`), in production.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        pickup: impl Into<String>,
        distribution_center: impl Into<String>,
    ) -> Self {
        Self {
            base: PRODUCTION.to_owned(),
            client_id: Personal::new(client_id.into()),
            client_secret: Personal::new(client_secret.into()),
            pickup: Personal::new(pickup.into()),
            distribution_center: distribution_center.into(),
            account_name: None,
            currency: Currency::USD,
            products: super::catalogue().into_iter().map(|service| service.key.service).collect(),
            number: NumberOfLabel::default(),
            endorsement: None,
            delivery_service: None,
            insure: false,
            text_length: 35,
            customs_states: None,
            fallback_phone: None,
            tracking_path: "/tracking/v4/package/open".to_owned(),
            tracking_page: None,
            absent_codes: Vec::new(),
            closed_codes: Vec::new(),
            settle: TimeDelta::minutes(2),
            manifest_poll: Duration::from_secs(5),
            manifest_wait: Duration::from_secs(120),
            hook: None,
            calls: Calls::new(DEFAULT_QUOTA),
        }
    }

    /// Sets the base address: [`PRODUCTION`], [`SANDBOX`] or one's own. Links inside answers are
    /// never followed: some lead to other hosts.
    pub fn with_base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// Sets the host's name for this account. A label request that names another one is refused
    /// instead of being charged to the wrong account.
    pub fn with_account_name(mut self, name: impl Into<String>) -> Self {
        self.account_name = Some(name.into());
        self
    }

    /// Sets the currency quotes are asked in. Default USD.
    pub fn with_currency(mut self, currency: Currency) -> Self {
        self.currency = currency;
        self
    }

    /// Sets which products are offered. By default those of the [catalogue](super::catalogue).
    /// Bound printed matter is quoted only if asked for by its id, which this adapter does not.
    pub fn with_products(mut self, products: impl IntoIterator<Item = ServiceCode>) -> Self {
        self.products = products.into_iter().collect();
        self
    }

    /// Sets which number a label gets. Which one a marketplace wants depends on the carrier it
    /// expects: the carrier's own, or the post office's.
    pub fn with_number_of_label(mut self, number: NumberOfLabel) -> Self {
        self.number = number;
        self
    }

    /// Sets what becomes of a parcel that cannot be delivered.
    pub fn with_endorsement(mut self, endorsement: Endorsement) -> Self {
        self.endorsement = Some(endorsement);
        self
    }

    /// Sets the extra service: `DELCON` (delivery confirmation) or `SIGCON` (signature).
    pub fn with_delivery_service(mut self, service: impl Into<String>) -> Self {
        self.delivery_service = Some(service.into());
        self
    }

    /// Sets whether parcels are insured for the value of the goods, which may cost. Default no.
    pub fn with_insurance(mut self, insure: bool) -> Self {
        self.insure = insure;
        self
    }

    /// Sets the longest name, firm, city and street line. Default 35: the carrier states no
    /// lengths, and 35 is what labels of the last mile customarily hold.
    pub fn with_text_length(mut self, characters: usize) -> Self {
        self.text_length = characters;
        self
    }

    /// Sets the states of the United States, by their two letters, to which nothing is sent without a
    /// customs declaration. The reference says "APO/FPO/DPO and the non-continental places" and does
    /// not list them. Default: the military post offices, the Pacific territories and the freely
    /// associated states ([`is_behind_customs_line`](crate::shipment::is_behind_customs_line)); a
    /// declaration to any other place is sent along when there is one.
    pub fn with_customs_states<T: Into<String>>(
        mut self,
        states: impl IntoIterator<Item = T>,
    ) -> Self {
        self.customs_states = Some(states.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the phone number for recipients without one, where the country wants one.
    pub fn with_fallback_phone(mut self, phone: impl Into<String>) -> Self {
        self.fallback_phone = Some(Personal::new(phone.into()));
        self
    }

    /// Sets the path of tracking. The reference says `/tracking/v4/package/open`, which is the
    /// default; clients have been seen to ask `/tracking/v4/package`.
    pub fn with_tracking_path(mut self, path: impl Into<String>) -> Self {
        self.tracking_path = path.into();
        self
    }

    /// Sets the public page that shows a parcel: the number is put behind it. None by default, since
    /// the carrier's references name none.
    pub fn with_tracking_page(mut self, page: impl Into<String>) -> Self {
        self.tracking_page = Some(page.into());
        self
    }

    /// Names error codes that mean "there is no such label" when one is looked for, besides the
    /// status 404. The carrier does not document what it says; with none named, any other refusal
    /// leaves a lost purchase undecided.
    pub fn with_absent_codes<T: Into<String>>(
        mut self,
        codes: impl IntoIterator<Item = T>,
    ) -> Self {
        self.absent_codes = codes.into_iter().map(Into::into).collect();
        self
    }

    /// Names error codes with which a manifest refuses a parcel that is on an earlier one: such a parcel
    /// counts as closed, without a form. The carrier does not document them; with none named, it counts as
    /// refused.
    pub fn with_closed_codes<T: Into<String>>(
        mut self,
        codes: impl IntoIterator<Item = T>,
    ) -> Self {
        self.closed_codes = codes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets after how long a label that cannot be found counts as never sold. Default 2 minutes: a
    /// purchase that timed out may still be under way.
    pub fn with_settling_time(mut self, settle: TimeDelta) -> Self {
        self.settle = settle;
        self
    }

    /// Sets how often a manifest is asked for and how long it is waited for. Default every 5
    /// seconds for 2 minutes; the carrier needs 10 seconds to a minute.
    pub fn with_manifest_wait(mut self, every: Duration, at_most: Duration) -> Self {
        self.manifest_poll = every;
        self.manifest_wait = at_most;
        self
    }

    /// Sets where the carrier sends news, and the user and password it shows there.
    pub fn with_hook(
        mut self,
        address: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.hook = Some(Hook {
            address: address.into(),
            user: Personal::new(user.into()),
            password: Personal::new(password.into()),
        });
        self
    }

    call_setters!();

    /// Finds what is missing or cannot be right, before anything is sent.
    pub(super) fn check(&self) -> Result<()> {
        let hook = self.hook.as_ref();
        let problem = if self.client_id.is_blank() || self.client_secret.is_blank() {
            Some(("client_id", "id and secret must not be empty"))
        } else if self.pickup.is_blank() {
            Some(("pickup", "the pickup account must not be empty"))
        } else if self.distribution_center.trim().is_empty() {
            Some(("distribution_center", "the distribution center must not be empty"))
        } else if self.text_length < 10 {
            Some(("text_length", "texts of fewer than 10 characters hold no address"))
        } else if self.customs_states.iter().flatten().any(|state| us_state(state).is_none()) {
            Some(("customs_states", "must be states of the United States"))
        } else if !self.tracking_path.starts_with('/') {
            Some(("tracking_path", "a path begins with a slash"))
        } else if self.settle < TimeDelta::zero() {
            Some(("settling_time", "must not be negative"))
        } else if self.manifest_poll.is_zero() {
            Some(("manifest_wait", "asking without a pause is not allowed"))
        } else if self.delivery_service.as_deref().is_some_and(|s| s != "DELCON" && s != "SIGCON") {
            Some(("delivery_service", "is DELCON or SIGCON"))
        } else if hook.is_some_and(|hook| !hook.address.starts_with("https://")) {
            Some(("hook", "news are sent to https addresses only"))
        } else if hook.is_some_and(|hook| hook.user.is_blank() || hook.password.is_blank()) {
            Some(("hook", "user and password of the hook must not be empty"))
        } else {
            None
        };
        sound(problem)
    }
}

impl fmt::Debug for DhlEcommerceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DhlEcommerceConfig")
            .field("base", &self.base)
            .field("distribution_center", &self.distribution_center)
            .field("currency", &self.currency)
            .field("products", &self.products)
            .field("number", &self.number)
            .field("quota", &self.calls.quota)
            .finish_non_exhaustive()
    }
}
