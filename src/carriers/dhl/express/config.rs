//! What must be known of an account before the adapter can work for it.

use std::fmt;

use chrono::{NaiveTime, TimeDelta};
use chrono_tz::Tz;

use crate::carriers::account::{Calls, call_setters, sound};
use crate::client::Quota;
use crate::error::Result;
use crate::ids::ServiceCode;
use crate::money::Currency;
use crate::personal::Personal;

/// Production.
pub const PRODUCTION: &str = "https://express.api.dhl.com/mydhlapi";
/// The test environment: 500 calls a day. Labels made there are not found by its tracking; some
/// waybills named in the official specification are.
pub const TEST: &str = "https://express.api.dhl.com/mydhlapi/test";

/// The carrier publishes no rate of calls for production; this is gentle.
pub const DEFAULT_QUOTA: Quota = Quota::per_second(5).with_burst(10);

/// What becomes of a waybill whose answer was lost: its paper is not to be had again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostWaybill {
    /// It counts as bought, without anything to print. A person prints it with the carrier's own
    /// tools, or gives it up.
    #[default]
    Keep,
    /// It is given up and another one is bought. A waybill that is never handed over is customarily
    /// not billed; its data have been sent to customs all the same.
    GiveUp,
}

/// An account with the carrier. Secrets never print.
///
/// ```
/// use orderflow::carriers::dhl::express::{DhlExpressConfig, TEST};
///
/// let config = DhlExpressConfig::new("user", "password", "123456789").with_base(TEST);
/// assert!(!format!("{config:?}").contains("123456789"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct DhlExpressConfig {
    pub(super) base: String,
    pub(super) version: String,
    pub(super) user: Personal<String>,
    pub(super) password: Personal<String>,
    pub(super) account_number: Personal<String>,
    pub(super) duties_account: Option<Personal<String>>,
    pub(super) account_name: Option<String>,
    pub(super) currency: Option<Currency>,
    pub(super) products: Vec<ServiceCode>,
    pub(super) agreements: Vec<ServiceCode>,
    pub(super) zone: Tz,
    pub(super) ready_at: NaiveTime,
    pub(super) contents: String,
    pub(super) label_template: String,
    pub(super) invoice: bool,
    pub(super) paperless: bool,
    pub(super) insure: bool,
    pub(super) exact_times: bool,
    pub(super) track_batch: usize,
    pub(super) lost: LostWaybill,
    pub(super) fallback_phone: Option<Personal<String>>,
    pub(super) requestor: String,
    pub(super) tracking_page: Option<String>,
    pub(super) settle: TimeDelta,
    pub(super) calls: Calls,
}

impl DhlExpressConfig {
    /// User and password of the API, and the account that ships and pays, in production.
    pub fn new(
        user: impl Into<String>,
        password: impl Into<String>,
        account_number: impl Into<String>,
    ) -> Self {
        Self {
            base: PRODUCTION.to_owned(),
            version: "3.1.0".to_owned(),
            user: Personal::new(user.into()),
            password: Personal::new(password.into()),
            account_number: Personal::new(account_number.into()),
            duties_account: None,
            account_name: None,
            currency: None,
            products: super::catalogue().into_iter().map(|service| service.key.service).collect(),
            agreements: Vec::new(),
            zone: Tz::UTC,
            ready_at: NaiveTime::from_hms_opt(17, 0, 0).unwrap_or_default(),
            contents: "Merchandise".to_owned(),
            label_template: "ECOM26_84_001".to_owned(),
            invoice: true,
            paperless: false,
            insure: false,
            exact_times: false,
            track_batch: 50,
            lost: LostWaybill::default(),
            fallback_phone: None,
            requestor: "Shipping".to_owned(),
            tracking_page: None,
            settle: TimeDelta::minutes(15),
            calls: Calls::new(DEFAULT_QUOTA),
        }
    }

    /// Sets the base address: [`PRODUCTION`], [`TEST`] or one's own.
    pub fn with_base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// Sets the version sent with every call (`x-version`). Default `3.1.0`, which this adapter was
    /// written for.
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the account that pays duties and taxes when the sender does. Default the shipping one.
    pub fn with_duties_account(mut self, number: impl Into<String>) -> Self {
        self.duties_account = Some(Personal::new(number.into()));
        self
    }

    /// Sets the host's name for this account. A label request that names another one is refused
    /// instead of being charged to the wrong account.
    pub fn with_account_name(mut self, name: impl Into<String>) -> Self {
        self.account_name = Some(name.into());
        self
    }

    /// Sets the currency the account is billed in: quotes in another are left out. By default
    /// quotes are in the currency the carrier says it bills in.
    pub fn with_currency(mut self, currency: Currency) -> Self {
        self.currency = Some(currency);
        self
    }

    /// Sets which products are offered. By default those of the [catalogue](super::catalogue).
    pub fn with_products(mut self, products: impl IntoIterator<Item = ServiceCode>) -> Self {
        self.products = products.into_iter().collect();
        self
    }

    /// Names products the account has an agreement for. Without one they are quoted and then refused,
    /// so they are not offered.
    pub fn with_agreements(mut self, products: impl IntoIterator<Item = ServiceCode>) -> Self {
        self.agreements = products.into_iter().collect();
        self
    }

    /// Sets the time zone of the place parcels leave from, and at which local time they are ready.
    /// Default 17:00 UTC. A day's labels bought after that time are ready ten minutes later.
    pub fn with_ready_at(mut self, zone: Tz, time: NaiveTime) -> Self {
        self.zone = zone;
        self.ready_at = time;
        self
    }

    /// Sets what is said to be in parcels without a customs declaration, at most 70 characters.
    /// Default "Merchandise".
    pub fn with_contents(mut self, contents: impl Into<String>) -> Self {
        self.contents = contents.into();
        self
    }

    /// Sets the template of labels. Default `ECOM26_84_001`.
    pub fn with_label_template(mut self, template: impl Into<String>) -> Self {
        self.label_template = template.into();
        self
    }

    /// Sets whether the carrier draws the invoice for customs from the declaration. Default yes.
    pub fn with_invoice(mut self, invoice: bool) -> Self {
        self.invoice = invoice;
        self
    }

    /// Sets whether customs papers are sent electronically (`WY`, paperless trade). Default no.
    pub fn with_paperless_trade(mut self, paperless: bool) -> Self {
        self.paperless = paperless;
        self
    }

    /// Sets whether shipments are insured (`II`) for the value of the goods, which costs. Default no.
    pub fn with_insurance(mut self, insure: bool) -> Self {
        self.insure = insure;
        self
    }

    /// Sets whether events have their offset from UTC. The carrier says it only when asked for one
    /// waybill at a time, so this costs a call for each. By default many are asked at once and
    /// times are local.
    pub fn with_exact_times(mut self, exact: bool) -> Self {
        self.exact_times = exact;
        self
    }

    /// Sets how many numbers are asked for in one call, at most 200. Default 50.
    pub fn with_track_batch(mut self, numbers: usize) -> Self {
        self.track_batch = numbers;
        self
    }

    /// Sets what becomes of a waybill whose answer was lost.
    pub fn with_lost_waybills(mut self, lost: LostWaybill) -> Self {
        self.lost = lost;
        self
    }

    /// Sets the phone number for parties without one: the carrier sells no label without, and
    /// platforms hide those of buyers.
    pub fn with_fallback_phone(mut self, phone: impl Into<String>) -> Self {
        self.fallback_phone = Some(Personal::new(phone.into()));
        self
    }

    /// Sets the name under which pickups are cancelled. Default "Shipping".
    pub fn with_requestor(mut self, name: impl Into<String>) -> Self {
        self.requestor = name.into();
        self
    }

    /// Sets the public page that shows a parcel: the number is put behind it. None by default, since
    /// the carrier's specification names none.
    pub fn with_tracking_page(mut self, page: impl Into<String>) -> Self {
        self.tracking_page = Some(page.into());
        self
    }

    /// Sets after how long a shipment that cannot be found by its reference counts as never made.
    /// Default 15 minutes: whether new ones are found at once is not documented.
    pub fn with_settling_time(mut self, settle: TimeDelta) -> Self {
        self.settle = settle;
        self
    }

    call_setters!();

    /// Finds what is missing or cannot be right, before anything is sent.
    pub(super) fn check(&self) -> Result<()> {
        let contents = self.contents.trim().chars().count();
        let problem = if self.user.is_blank() || self.password.is_blank() {
            Some(("user", "user and password must not be empty"))
        } else if self.account_number.is_blank() || self.account_number.as_str().len() > 12 {
            Some(("account_number", "an account number has 1 to 12 characters"))
        } else if self.version.trim().is_empty() {
            Some(("version", "the version must not be empty"))
        } else if !(1..=70).contains(&contents) {
            Some(("contents", "are 1 to 70 characters"))
        } else if !(1..=200).contains(&self.track_batch) {
            Some(("track_batch", "the carrier takes 1 to 200 numbers in a call"))
        } else if self.requestor.trim().is_empty() {
            Some(("requestor", "the name must not be empty"))
        } else if self.settle < TimeDelta::zero() {
            Some(("settling_time", "must not be negative"))
        } else {
            None
        };
        sound(problem)
    }
}

impl fmt::Debug for DhlExpressConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DhlExpressConfig")
            .field("base", &self.base)
            .field("version", &self.version)
            .field("products", &self.products)
            .field("zone", &self.zone)
            .field("quota", &self.calls.quota)
            .finish_non_exhaustive()
    }
}
