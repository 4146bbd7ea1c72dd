//! What went wrong, and what the caller should do next.
//!
//! Pure functions return small enums of their own. Anything that talks to a vendor or a store
//! returns [`Error`]: a [kind](ErrorKind), [retry advice](Retry), who was asked for what, and the
//! vendor's own words. Secrets and personal data never enter an `Error`: texts from a vendor
//! pass through the redaction of the HTTP stack first.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The network, a time-out before anything was sent, or a fault on their side.
    Transient,
    /// Too many calls; [`Error::retry`] says how long to wait if they said so.
    RateLimited,
    /// The access token is no longer good. The client renews it once by itself.
    AuthExpired,
    /// The credentials are refused. Stop the account until a person acts.
    AuthRejected,
    /// They understood and said no, for business reasons.
    Rejected,
    /// There is no such thing on their side.
    NotFound,
    /// It had been done before. Callers treat this as success.
    AlreadyDone,
    /// Somebody else changed it first: load again and decide again.
    Conflict,
    /// Sent, but the answer is lost: it may have worked. Look before sending again.
    Ambiguous,
    /// This adapter cannot do that. Nothing was sent.
    Unsupported,
    /// The input is wrong; [`Error::field`] names the field. Nothing was sent.
    InvalidInput,
    /// Their answer is not of the promised form.
    UnexpectedAnswer,
    /// The configuration is incomplete or contradictory.
    Configuration,
    /// The store failed.
    Storage,
}

impl ErrorKind {
    /// The kind as a short word for logs and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited => "rate limited",
            Self::AuthExpired => "authorization expired",
            Self::AuthRejected => "authorization rejected",
            Self::Rejected => "rejected",
            Self::NotFound => "not found",
            Self::AlreadyDone => "already done",
            Self::Conflict => "conflict",
            Self::Ambiguous => "outcome unknown",
            Self::Unsupported => "unsupported",
            Self::InvalidInput => "invalid input",
            Self::UnexpectedAnswer => "unexpected answer",
            Self::Configuration => "configuration",
            Self::Storage => "storage",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the caller should do after an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Sending the same again cannot help.
    Never,
    /// The same call may be sent again after this pause.
    After(Duration),
    /// They may have acted. Ask what happened before sending again.
    LookFirst,
    /// Every allowed attempt was made.
    Exhausted {
        /// How many attempts were made.
        attempts: u32,
    },
}

/// What the vendor said, in the vendor's terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VendorDetail {
    /// HTTP status.
    pub status: Option<u16>,
    /// Their error code, word for word (leading zeros count).
    pub code: Option<String>,
    /// Their words, redacted and shortened to at most 500 characters.
    pub message: Option<String>,
    /// Their request or correlation id, for a support case.
    pub request_id: Option<String>,
    /// The field they complain about, as a path in their request.
    pub field: Option<String>,
}

impl VendorDetail {
    /// Starts a detail with an HTTP status.
    #[must_use]
    pub fn with_status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
}

/// An error of anything that talks: adapters, the HTTP stack, stores, the engine.
///
/// ```
/// use orderflow::{Error, ErrorKind, Retry};
///
/// let error = Error::new(ErrorKind::Ambiguous, "the connection closed while reading the answer")
///     .with_operation("usps", "create_label");
/// assert_eq!(error.retry(), Retry::LookFirst);
/// assert_eq!(
///     error.to_string(),
///     "usps create_label: outcome unknown: the connection closed while reading the answer",
/// );
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    adapter: Option<String>,
    operation: Option<&'static str>,
    message: String,
    field: Option<String>,
    context: Vec<(&'static str, String)>,
    vendor: Option<VendorDetail>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The pause advised when an error is transient and nobody named one.
const DEFAULT_PAUSE: Duration = Duration::from_secs(2);

impl Error {
    /// Creates an error with the retry advice its kind implies: `Transient` and `RateLimited`
    /// after two seconds, `Ambiguous` and `Conflict` look first, everything else never.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::Transient | ErrorKind::RateLimited => Retry::After(DEFAULT_PAUSE),
            ErrorKind::Ambiguous | ErrorKind::Conflict => Retry::LookFirst,
            _ => Retry::Never,
        };
        Self(Box::new(Inner {
            kind,
            retry,
            adapter: None,
            operation: None,
            message: message.into(),
            field: None,
            context: Vec::new(),
            vendor: None,
            source: None,
        }))
    }

    /// An [`ErrorKind::InvalidInput`] that names the field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message).with_field(field)
    }

    /// An [`ErrorKind::Unsupported`]: nothing was sent.
    #[must_use]
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Names the adapter and the operation that failed.
    #[must_use]
    pub fn with_operation(mut self, adapter: impl Into<String>, operation: &'static str) -> Self {
        self.0.adapter = Some(adapter.into());
        self.0.operation = Some(operation);
        self
    }

    /// Whether a call that changes something may have done so although it failed: it was never
    /// answered, its answer cannot be read, or its attempts ran out on transient faults. Unknown is
    /// not success, and not failure either. [`ErrorKind::Conflict`] is known: they said what is there.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        self.kind() != ErrorKind::Conflict
            && (matches!(self.retry(), Retry::LookFirst | Retry::Exhausted { .. })
                || matches!(
                    self.kind(),
                    ErrorKind::Ambiguous
                        | ErrorKind::Transient
                        | ErrorKind::RateLimited
                        | ErrorKind::UnexpectedAnswer
                ))
    }

    /// Overrides the retry advice.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Names the field of *our* input that is wrong.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Adds a named fact, for example an order key. Never a secret, never personal data.
    #[must_use]
    pub fn with_context(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Adds what the vendor said.
    #[must_use]
    pub fn with_vendor(mut self, vendor: VendorDetail) -> Self {
        self.0.vendor = Some(vendor);
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What to do next.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The adapter that was asked, for example `walmart`.
    #[must_use]
    pub fn adapter(&self) -> Option<&str> {
        self.0.adapter.as_deref()
    }

    /// The operation that failed, for example `create_label`.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Our words for what happened.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The field of our input that is wrong, if that is the trouble.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The named facts added on the way up.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.context.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// What the vendor said.
    #[must_use]
    pub fn vendor(&self) -> Option<&VendorDetail> {
        self.0.vendor.as_ref()
    }

    /// Whether the vendor may have acted although we do not know it.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.0.kind == ErrorKind::Ambiguous
    }

    /// Whether the thing asked for had been done before.
    #[must_use]
    pub fn is_already_done(&self) -> bool {
        self.0.kind == ErrorKind::AlreadyDone
    }

    /// Whether waiting may help: transient faults and rate limits.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Transient | ErrorKind::RateLimited)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        match (&inner.adapter, inner.operation) {
            (Some(adapter), Some(operation)) => write!(f, "{adapter} {operation}: ")?,
            (Some(adapter), None) => write!(f, "{adapter}: ")?,
            _ => {}
        }
        write!(f, "{}: {}", inner.kind, inner.message)?;
        if let Some(field) = &inner.field {
            write!(f, " (field {field})")?;
        }
        if let Some(vendor) = &inner.vendor {
            let mut parts = Vec::new();
            if let Some(status) = vendor.status {
                parts.push(format!("status {status}"));
            }
            if let Some(code) = &vendor.code {
                parts.push(format!("code {code}"));
            }
            if let Some(message) = &vendor.message {
                parts.push(format!("\"{message}\""));
            }
            if let Some(field) = &vendor.field {
                parts.push(format!("at {field}"));
            }
            if let Some(request_id) = &vendor.request_id {
                parts.push(format!("request {request_id}"));
            }
            if !parts.is_empty() {
                write!(f, " [{}]", parts.join(", "))?;
            }
        }
        for (name, value) in &inner.context {
            write!(f, ", {name} {value}")?;
        }
        if let Retry::Exhausted { attempts } = inner.retry {
            write!(f, ", after {attempts} attempts")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("retry", &inner.retry)
            .field("adapter", &inner.adapter)
            .field("operation", &inner.operation)
            .field("message", &inner.message)
            .field("field", &inner.field)
            .field("context", &inner.context)
            .field("vendor", &inner.vendor)
            .field("source", &inner.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
