//! How Mercado Libre says yes and no.

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::wire::string_or_number_opt;
use crate::client::{Dialect, Outgoing, Problem, Response, Verdict, bearer};
use crate::error::{ErrorKind, Result, VendorDetail};

const FORMAT_NEW: HeaderName = HeaderName::from_static("x-format-new");

/// Mercado Libre's headers and tables.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MercadoLibreDialect;

/// A row of the status table: what a status means when no code says more.
struct StatusRow {
    status: u16,
    kind: ErrorKind,
    message: &'static str,
}

#[rustfmt::skip]
const STATUSES: &[StatusRow] = &[
    StatusRow { status: 400, kind: ErrorKind::Rejected, message: "the request was refused" },
    StatusRow { status: 401, kind: ErrorKind::AuthExpired, message: "the token was refused" },
    // Scope or functional permission missing, somebody else's resource, blocked address: none passes.
    StatusRow { status: 403, kind: ErrorKind::AuthRejected, message: "access is not granted" },
    StatusRow { status: 404, kind: ErrorKind::NotFound, message: "there is no such thing" },
    // Tracking of a parcel that the platform itself ships.
    StatusRow { status: 406, kind: ErrorKind::Rejected, message: "not acceptable for this shipment" },
    StatusRow { status: 409, kind: ErrorKind::Conflict, message: "somebody else changed it first" },
    StatusRow { status: 423, kind: ErrorKind::Transient, message: "it is locked for now" },
    StatusRow { status: 424, kind: ErrorKind::Transient, message: "a system behind theirs failed" },
    StatusRow { status: 429, kind: ErrorKind::RateLimited, message: "too many calls" },
    StatusRow { status: 451, kind: ErrorKind::Rejected, message: "not available for legal reasons" },
];

/// A row of the code table.
struct CodeRow {
    code: &'static str,
    kind: ErrorKind,
    message: &'static str,
}

#[rustfmt::skip]
const CODES: &[CodeRow] = &[
    // Final: the seller must sign in again.
    CodeRow { code: "invalid_grant", kind: ErrorKind::AuthRejected, message: "the refresh token is spent or revoked: the seller has to sign in again" },
    CodeRow { code: "invalid_client", kind: ErrorKind::AuthRejected, message: "the application's keys are refused" },
    CodeRow { code: "invalid_scope", kind: ErrorKind::AuthRejected, message: "the scope is refused" },
    CodeRow { code: "unauthorized_client", kind: ErrorKind::AuthRejected, message: "the application may not act for the seller" },
    CodeRow { code: "unauthorized_application", kind: ErrorKind::AuthRejected, message: "the application is blocked" },
    CodeRow { code: "invalid_operator_user_id", kind: ErrorKind::AuthRejected, message: "only the main account may authorise" },
    CodeRow { code: "Invalid scopes", kind: ErrorKind::AuthRejected, message: "the application lacks a scope" },
    CodeRow { code: "PA_UNAUTHORIZED_RESULT_FROM_POLICIES", kind: ErrorKind::AuthRejected, message: "a policy of theirs blocks the application or its address" },
    CodeRow { code: "local_rate_limited", kind: ErrorKind::RateLimited, message: "too many calls" },
    CodeRow { code: "too_many_requests", kind: ErrorKind::RateLimited, message: "too many calls" },
];

impl Dialect for MercadoLibreDialect {
    fn adapter(&self) -> &'static str {
        "mercado-libre"
    }

    fn prepare(&self, outgoing: &mut Outgoing, _attempt_id: &str) -> Result<()> {
        // Shipments have an old and a new body; only the new one names the logistics in full.
        if outgoing.path.contains("/shipments/") {
            outgoing.headers.insert(FORMAT_NEW, HeaderValue::from_static("true"));
        }
        outgoing
            .headers
            .entry(ACCEPT)
            .or_insert_with(|| HeaderValue::from_static("application/json"));
        Ok(())
    }

    fn authorize(&self, outgoing: &mut Outgoing, token: HeaderValue) {
        outgoing.headers.insert(AUTHORIZATION, bearer(&token));
    }

    fn verdict(&self, operation: &'static str, response: &Response) -> Verdict {
        let status = response.status.as_u16();
        if response.status.is_success() {
            return Verdict::Good;
        }
        let found = ErrorBody::read(&response.body);
        let says =
            |code: &str| [&found.error, &found.code].into_iter().flatten().any(|said| said == code);
        let by_status = STATUSES.iter().find(|row| row.status == status);
        let (kind, message) = if response.status.is_server_error() {
            (ErrorKind::Transient, "a fault on their side")
        } else if let Some(row) = CODES.iter().find(|row| says(row.code)) {
            (row.kind, row.message)
        } else if found.is_blocked_conversation() {
            (ErrorKind::Rejected, "the conversation is blocked")
        } else if let Some(row) = by_status {
            (row.kind, row.message)
        } else if response.status.is_client_error() {
            (ErrorKind::Rejected, "the request was refused")
        } else {
            (ErrorKind::UnexpectedAnswer, "the status is none that is promised")
        };
        // A notification may name anybody's order, and one thing that is withheld says nothing about
        // the seller's own access: that the token call and the search of orders tell.
        let is_the_shops = matches!(operation, "token" | "authorize" | "list_orders");
        let is_known = CODES.iter().any(|row| says(row.code));
        let (kind, message) = match kind {
            ErrorKind::AuthRejected if status == 403 && !is_known && !is_the_shops => {
                (ErrorKind::Rejected, "access to this is not granted")
            }
            _ => (kind, message),
        };
        let mut vendor = VendorDetail::with_status(status);
        vendor.code = if found.is_blocked_conversation() {
            found.message.clone()
        } else {
            found.error.or(found.code)
        };
        vendor.message = found.message.or(found.description);
        Verdict::Refused(Box::new(Problem { kind, pause: None, message, vendor }))
    }
}

/// What could be made out of an error body.
#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    error: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    code: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    message: Option<String>,
    #[serde(default, rename = "error_description", deserialize_with = "string_or_number_opt")]
    description: Option<String>,
}

impl ErrorBody {
    fn read(body: &[u8]) -> Self {
        if let Ok(found) = serde_json::from_slice(body) {
            return found;
        }
        // A field of another form must not hide the others.
        let fields: std::collections::HashMap<String, Box<RawValue>> =
            serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| {
            fields.get(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
        };
        Self {
            error: text("error"),
            code: text("code"),
            message: text("message"),
            description: text("error_description"),
        }
    }

    fn is_blocked_conversation(&self) -> bool {
        [&self.error, &self.code, &self.message]
            .into_iter()
            .flatten()
            .any(|text| text.starts_with("blocked_by_") || text.starts_with("blocked_conversation"))
    }
}
