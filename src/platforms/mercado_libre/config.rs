//! How a shop on Mercado Libre is reached.

use std::sync::Arc;

use chrono_tz::Tz;

use crate::client::{
    Clock, MemoryRefreshTokenStore, Quota, RefreshTokenStore, RetryPolicy, StoredToken, SystemClock,
};
use crate::money::Currency;
use crate::personal::Personal;

/// Where every site answers, and Global Selling too.
pub const PRODUCTION: &str = "https://api.mercadolibre.com";

/// The site a seller sells on, by its code. Open: a site without a row in the table still reads
/// orders, since those name their own currency.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Site(String);

/// What is known of a site.
struct SiteRow {
    code: &'static str,
    currency: &'static str,
    zone: Tz,
    /// The `service_id` that goes with a tracking number of a seller's own carrier.
    tracking_service: Option<u64>,
    /// The account that messages pass through where an agent stands between.
    message_agent: Option<u64>,
    /// What a buyer reads when a sale is cancelled and nothing else is configured.
    cancel_words: &'static str,
}

const SPANISH: &str = "El vendedor cancela la venta.";

#[rustfmt::skip]
const SITES: &[SiteRow] = &[
    SiteRow { code: "MLB", currency: "BRL", zone: Tz::America__Sao_Paulo, tracking_service: Some(11),
        message_agent: Some(3_037_675_074), cancel_words: "O vendedor cancela a venda." },
    SiteRow { code: "MLM", currency: "MXN", zone: Tz::America__Mexico_City, tracking_service: Some(231_876),
        message_agent: Some(3_037_204_279), cancel_words: SPANISH },
    SiteRow { code: "MLA", currency: "ARS", zone: Tz::America__Argentina__Buenos_Aires, tracking_service: Some(154),
        message_agent: Some(3_037_674_934), cancel_words: SPANISH },
    SiteRow { code: "MLC", currency: "CLP", zone: Tz::America__Santiago, tracking_service: Some(282_578),
        message_agent: Some(3_020_819_166), cancel_words: SPANISH },
    SiteRow { code: "MCO", currency: "COP", zone: Tz::America__Bogota, tracking_service: Some(282_579),
        message_agent: Some(3_037_204_123), cancel_words: SPANISH },
    SiteRow { code: "MLU", currency: "UYU", zone: Tz::America__Montevideo, tracking_service: Some(282_604),
        message_agent: Some(3_037_204_685), cancel_words: SPANISH },
    SiteRow { code: "MPE", currency: "PEN", zone: Tz::America__Lima, tracking_service: Some(361_180),
        message_agent: Some(3_037_204_685), cancel_words: SPANISH },
];

impl Site {
    /// Takes a site's code in any case, for example `MLB`.
    pub fn new(code: impl AsRef<str>) -> Self {
        Self(code.as_ref().trim().to_ascii_uppercase())
    }

    /// Brazil.
    #[must_use]
    pub fn brazil() -> Self {
        Self::new("MLB")
    }

    /// Mexico.
    #[must_use]
    pub fn mexico() -> Self {
        Self::new("MLM")
    }

    /// Argentina.
    #[must_use]
    pub fn argentina() -> Self {
        Self::new("MLA")
    }

    /// Chile.
    #[must_use]
    pub fn chile() -> Self {
        Self::new("MLC")
    }

    /// Colombia.
    #[must_use]
    pub fn colombia() -> Self {
        Self::new("MCO")
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0
    }

    fn row(&self) -> Option<&'static SiteRow> {
        SITES.iter().find(|row| row.code == self.0)
    }

    /// The currency of its prices, where the site is known.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.row().and_then(|row| Currency::new(row.currency).ok())
    }

    /// The time zone of its largest city, where the site is known. Offsets in answers are not the
    /// site's own.
    #[must_use]
    pub fn zone(&self) -> Option<Tz> {
        self.row().map(|row| row.zone)
    }

    pub(super) fn tracking_service(&self) -> Option<u64> {
        self.row().and_then(|row| row.tracking_service)
    }

    pub(super) fn message_agent(&self) -> Option<u64> {
        self.row().and_then(|row| row.message_agent)
    }

    pub(super) fn cancel_words(&self) -> &'static str {
        self.row().map_or(SPANISH, |row| row.cancel_words)
    }
}

/// How a shop on Mercado Libre is reached. Secrets never print.
#[derive(Debug, Clone)]
#[must_use]
pub struct MercadoLibreConfig {
    pub(super) client_id: String,
    pub(super) client_secret: Personal<String>,
    pub(super) seller: u64,
    pub(super) site: Site,
    pub(super) account: String,
    pub(super) tokens: Arc<dyn RefreshTokenStore>,
    pub(super) base_url: String,
    pub(super) global_selling: bool,
    pub(super) quotas: Vec<(String, Quota)>,
    pub(super) retry: RetryPolicy,
    pub(super) deepest_offset: u32,
    pub(super) released_days: u32,
    pub(super) read_history: bool,
    pub(super) message_agent: bool,
    pub(super) split_reason: String,
    pub(super) tracking_service: Option<u64>,
    pub(super) cancel_words: Option<String>,
    pub(super) clock: Arc<dyn Clock>,
}

impl MercadoLibreConfig {
    /// Starts with the application's keys, the seller's user id and his site. `account` names the
    /// shop in logs and in the store of refresh tokens, which must survive restarts: each refresh
    /// token is good once.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        seller: u64,
        site: Site,
        account: impl Into<String>,
        tokens: Arc<dyn RefreshTokenStore>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: Personal::new(client_secret.into()),
            seller,
            message_agent: matches!(site.code(), "MLB" | "MLC"),
            site,
            account: account.into(),
            tokens,
            base_url: PRODUCTION.to_owned(),
            global_selling: false,
            quotas: Vec::new(),
            retry: RetryPolicy::default(),
            deepest_offset: 1_000,
            released_days: 30,
            read_history: true,
            split_reason: "OTHER_MOTIVE".to_owned(),
            tracking_service: None,
            cancel_words: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// As [`new`](Self::new), with a refresh token kept in memory only: for tests and examples. A
    /// restart loses the session.
    pub fn in_memory(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        seller: u64,
        site: Site,
        refresh_token: impl Into<String>,
    ) -> Self {
        let account = seller.to_string();
        let store = MemoryRefreshTokenStore::new()
            .with_token(&account, StoredToken::new(refresh_token.into()));
        Self::new(client_id, client_secret, seller, site, account, Arc::new(store))
    }

    /// Sets another address, for example of a sandbox.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// Sells across borders: orders, packs and shipments are read below `/marketplace`. Default no.
    pub fn with_global_selling(mut self, global_selling: bool) -> Self {
        self.global_selling = global_selling;
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

    /// Sets up to which offset a search is paged before its window is cut in halves. Default 1,000;
    /// the real bound is not documented, and somebody stops at 9,950.
    pub fn with_deepest_offset(mut self, offset: u32) -> Self {
        self.deepest_offset = offset.max(super::calls::PAGE_SIZE);
        self
    }

    /// Sets how far back orders that wait for shipment are listed, in days. Default 30; the platform
    /// searches 12 months.
    pub fn with_released_days(mut self, days: u32) -> Self {
        self.released_days = days.clamp(1, super::HISTORY_DAYS);
        self
    }

    /// Sets whether the history of a parcel on its way is read for the instant it left. Default yes;
    /// it costs a call for each such order.
    pub fn with_history(mut self, read: bool) -> Self {
        self.read_history = read;
        self
    }

    /// Sets whether messages go to the platform's agent instead of to the buyer. Default yes in
    /// Brazil and Chile, where the agent began in February 2026, and no elsewhere.
    pub fn with_message_agent(mut self, agent: bool) -> Self {
        self.message_agent = agent;
        self
    }

    /// Sets the reason given when a pack is split: `FRAGILE`, `ANOTHER_WAREHOUSE`,
    /// `IRREGULAR_SHAPE`, `OTHER_MOTIVE` (default) or `DIMENSIONS_EXCEEDED`.
    pub fn with_split_reason(mut self, reason: impl Into<String>) -> Self {
        self.split_reason = reason.into();
        self
    }

    /// Sets the `service_id` sent with tracking numbers, where the site's own is not right.
    pub fn with_tracking_service(mut self, service: u64) -> Self {
        self.tracking_service = Some(service);
        self
    }

    /// Sets what a buyer reads when a sale is cancelled, at most 159 characters.
    pub fn with_cancel_words(mut self, words: impl Into<String>) -> Self {
        self.cancel_words = Some(words.into());
        self
    }

    /// Sets the wall clock, for tests and simulations.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}
