//! What must be known of an account before the adapter can work for it.

use std::fmt;

use super::customs::EXPORT_REFERENCE_LENGTH;
use super::push::UspsPush;
use super::quota::Api;
use crate::carriers::account::{Calls, call_setters, sound};
use crate::client::Quota;
use crate::error::Result;
use crate::ids::ServiceCode;
use crate::personal::Personal;

/// Production.
pub const PRODUCTION: &str = "https://apis.usps.com";
/// "TEM", the test environment. It has credentials of its own and refuses production's.
pub const TEST: &str = "https://apis-tem.usps.com";

/// "Default rate limit for new applications: 60 requests per hour" (developer portal, 2026-06).
/// In the worst hour a quota lets `calls + burst - 1` through, which is 60 here.
pub const DEFAULT_QUOTA: Quota = Quota::per_hour(41).with_burst(20);

/// Which prices are asked for and charged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceType {
    /// Post-office prices.
    Retail,
    /// Prices for businesses, the usual.
    #[default]
    Commercial,
    /// A contract of this account.
    Contract,
    /// A negotiated service agreement.
    Nsa,
}

impl PriceType {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Retail => "RETAIL",
            Self::Commercial => "COMMERCIAL",
            Self::Contract => "CONTRACT",
            Self::Nsa => "NSA",
        }
    }
}

/// What kind of account pays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountType {
    /// Enterprise Payment System.
    #[default]
    Eps,
    /// Permit imprint; the ZIP of the permit is needed too.
    Permit,
    /// Postage meter.
    Meter,
}

impl AccountType {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Eps => "EPS",
            Self::Permit => "PERMIT",
            Self::Meter => "METER",
        }
    }
}

/// Which tracking API is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackingVersion {
    /// One number per call. Being closed by the carrier.
    V3,
    /// Up to 35 numbers per call (3.2).
    #[default]
    V3r2,
}

/// Resolution of printer-language labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrinterDpi {
    /// 203 dots per inch.
    #[default]
    Dpi203,
    /// 300 dots per inch.
    Dpi300,
}

/// An account with the carrier.
///
/// Consumer key and secret come from the developer portal; CRID, MID, manifest MID and the payment
/// account from the Business Customer Gateway. Secrets never print.
///
/// ```
/// use orderflow::carriers::usps::{TEST, UspsConfig};
///
/// let config = UspsConfig::new("key", "secret", "12345678", "903123456", "903123457", "1000123456")
///     .with_base(TEST);
/// assert!(!format!("{config:?}").contains("secret\""));
/// ```
#[derive(Clone)]
#[must_use]
pub struct UspsConfig {
    pub(super) base: String,
    pub(super) consumer_key: Personal<String>,
    pub(super) consumer_secret: Personal<String>,
    pub(super) crid: String,
    pub(super) mid: String,
    pub(super) manifest_mid: String,
    pub(super) account_type: AccountType,
    pub(super) account_number: Personal<String>,
    pub(super) permit_zip: Option<String>,
    pub(super) account_name: Option<String>,
    pub(super) price_type: PriceType,
    pub(super) scopes: Vec<String>,
    pub(super) services: Vec<ServiceCode>,
    pub(super) extra_services: Vec<u16>,
    pub(super) extra_services_abroad: Vec<u16>,
    pub(super) export_exemption: Option<String>,
    pub(super) calls: Calls,
    pub(super) api_quotas: Vec<(Api, Quota)>,
    pub(super) push: Option<UspsPush>,
    pub(super) dpi: PrinterDpi,
    pub(super) receipts: bool,
    pub(super) tracking: TrackingVersion,
    pub(super) pickup_location: String,
}

impl UspsConfig {
    /// The account that owns labels and pays for them, in production, at commercial prices.
    pub fn new(
        consumer_key: impl Into<String>,
        consumer_secret: impl Into<String>,
        crid: impl Into<String>,
        mid: impl Into<String>,
        manifest_mid: impl Into<String>,
        account_number: impl Into<String>,
    ) -> Self {
        Self {
            base: PRODUCTION.to_owned(),
            consumer_key: Personal::new(consumer_key.into()),
            consumer_secret: Personal::new(consumer_secret.into()),
            crid: crid.into(),
            mid: mid.into(),
            manifest_mid: manifest_mid.into(),
            account_type: AccountType::default(),
            account_number: Personal::new(account_number.into()),
            permit_zip: None,
            account_name: None,
            price_type: PriceType::default(),
            scopes: ["addresses", "labels", "payments", "shipments", "tracking"]
                .map(str::to_owned)
                .to_vec(),
            services: super::catalogue().into_iter().map(|service| service.key.service).collect(),
            extra_services: Vec::new(),
            extra_services_abroad: Vec::new(),
            export_exemption: None,
            calls: Calls::new(DEFAULT_QUOTA),
            api_quotas: Vec::new(),
            push: None,
            dpi: PrinterDpi::default(),
            receipts: false,
            tracking: TrackingVersion::default(),
            pickup_location: "FRONT_DOOR".to_owned(),
        }
    }

    /// Sets the base address: [`PRODUCTION`], [`TEST`] or one's own.
    pub fn with_base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// Sets what kind of account pays. A permit needs the ZIP it was issued for.
    pub fn with_account_type(mut self, kind: AccountType, permit_zip: Option<String>) -> Self {
        self.account_type = kind;
        self.permit_zip = permit_zip;
        self
    }

    /// Sets the host's name for this account. A label request that names another one is refused
    /// instead of being charged to the wrong account.
    pub fn with_account_name(mut self, name: impl Into<String>) -> Self {
        self.account_name = Some(name.into());
        self
    }

    /// Sets which prices are asked for.
    pub fn with_price_type(mut self, price_type: PriceType) -> Self {
        self.price_type = price_type;
        self
    }

    /// Sets the OAuth scopes the app must have been granted. The carrier hands out tokens with
    /// fewer scopes without saying so; a missing one becomes a configuration error at login.
    /// `international-labels`, `scan-forms` and `pickup` are worth adding where they are used.
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets which mail classes are quoted. By default those of the [catalogue](super::catalogue):
    /// the carrier would also offer media and library mail, whose contents are restricted.
    pub fn with_services(mut self, services: impl IntoIterator<Item = ServiceCode>) -> Self {
        self.services = services.into_iter().collect();
        self
    }

    /// Sets extra services by the carrier's codes, for example 921 for a signature. They are part
    /// of quotes and labels alike, within the country.
    pub fn with_extra_services(mut self, codes: impl IntoIterator<Item = u16>) -> Self {
        self.extra_services = codes.into_iter().collect();
        self
    }

    /// Sets extra services of parcels to other countries, for example 930 for insurance: there are
    /// fewer, and a domestic code is refused.
    pub fn with_extra_services_abroad(mut self, codes: impl IntoIterator<Item = u16>) -> Self {
        self.extra_services_abroad = codes.into_iter().collect();
        self
    }

    /// Sets what the export authority is told where a customs declaration has no
    /// [`export_reference`](crate::shipment::CustomsDeclaration::export_reference), for example
    /// `NO EEI 30.37(a)` for goods of at most 2,500 USD per tariff number. It is a legal statement of
    /// the exporter; without it such labels are refused. At most 35 characters.
    pub fn with_export_exemption(mut self, legend: impl Into<String>) -> Self {
        self.export_exemption = Some(legend.into());
        self
    }

    call_setters!();

    /// Gives one API a limit of its own; its calls no longer count for the one of the app.
    pub fn with_api_quota(mut self, api: Api, quota: Quota) -> Self {
        self.api_quotas.retain(|(known, _)| *known != api);
        self.api_quotas.push((api, quota));
        self
    }

    /// Takes news of parcels that the carrier sends by itself. Needs the scope
    /// `subscriptions-tracking` where it subscribes.
    pub fn with_push(mut self, push: UspsPush) -> Self {
        self.push = Some(push);
        self
    }

    /// Sets the resolution of ZPL labels. EPL is always 300 dots per inch.
    pub fn with_printer_dpi(mut self, dpi: PrinterDpi) -> Self {
        self.dpi = dpi;
        self
    }

    /// Sets whether a receipt is bought along as a document of its own. Printer languages have
    /// none.
    pub fn with_receipts(mut self, receipts: bool) -> Self {
        self.receipts = receipts;
        self
    }

    /// Sets which tracking API is asked.
    pub fn with_tracking_version(mut self, version: TrackingVersion) -> Self {
        self.tracking = version;
        self
    }

    /// Sets where parcels wait when a pickup does not say: `FRONT_DOOR`, `MAIL_ROOM` …
    pub fn with_pickup_location(mut self, location: impl Into<String>) -> Self {
        self.pickup_location = location.into();
        self
    }

    /// Finds what is missing or cannot be right, before anything is sent.
    pub(super) fn check(&self) -> Result<()> {
        let digits = |text: &str, lengths: &[usize]| {
            lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let problem = if self.consumer_key.is_blank() || self.consumer_secret.is_blank() {
            Some(("consumer_key", "consumer key and secret must not be empty"))
        } else if self.crid.trim().is_empty() {
            Some(("crid", "the customer registration id must not be empty"))
        } else if !digits(&self.mid, &[6, 9]) {
            Some(("mid", "a mailer id has 6 or 9 digits"))
        } else if !digits(&self.manifest_mid, &[6, 9]) {
            Some(("manifest_mid", "a manifest mailer id has 6 or 9 digits"))
        } else if self.account_number.is_blank() {
            Some(("account_number", "the payment account must not be empty"))
        } else if self.account_type == AccountType::Permit
            && !self.permit_zip.as_deref().is_some_and(|zip| digits(zip, &[5]))
        {
            Some(("permit_zip", "a permit needs the five-digit ZIP it was issued for"))
        } else if self.export_exemption.as_ref().is_some_and(|legend| {
            !(1..=EXPORT_REFERENCE_LENGTH).contains(&legend.trim().chars().count())
        }) {
            Some(("export_exemption", "an exemption has 1 to 35 characters"))
        } else {
            self.push.as_ref().and_then(UspsPush::problem)
        };
        sound(problem)
    }
}

impl fmt::Debug for UspsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UspsConfig")
            .field("base", &self.base)
            .field("crid", &self.crid)
            .field("mid", &self.mid)
            .field("account_type", &self.account_type)
            .field("account_number", &self.account_number)
            .field("price_type", &self.price_type)
            .field("quota", &self.calls.quota)
            .field("tracking", &self.tracking)
            .finish_non_exhaustive()
    }
}
