//! Printers that speak the Internet Printing Protocol: those of CUPS, and most on a network.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Uri};
use ipp::attribute::IppAttributeName;
use ipp::model::{DelimiterTag, StatusCode};
use ipp::operation::IppOperation as _;
use ipp::operation::builder::IppOperationBuilder;
use ipp::parser::IppParser;
use ipp::payload::IppPayload;
use ipp::reader::IppReader;
use ipp::value::IppValue;
use tokio::time::timeout;

use crate::client::{Transport, WireRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::{PrintJob, PrintReceipt, PrintTransport};
use crate::shipment::LabelFormat;

/// How long a job may take to be handed over.
const DEADLINE: Duration = Duration::from_secs(120);
/// Answers are short.
const MOST_ANSWER: u64 = 1024 * 1024;

/// A printer reached by `ipp://` or `ipps://`.
///
/// The document goes along as it is, with its media type. Labels in a printer's own language go as
/// raw data, which the queue must accept.
///
/// ```no_run
/// # fn run(transport: std::sync::Arc<dyn orderflow::client::Transport>) -> orderflow::Result<()> {
/// use orderflow::documents::ipp::IppPrinter;
///
/// let printer = IppPrinter::new("ipp://print-server:631/printers/labels", transport)?;
/// # let _ = printer;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct IppPrinter {
    address: Uri,
    url: String,
    user: String,
    deadline: Duration,
    transport: Arc<dyn Transport>,
}

impl IppPrinter {
    /// A printer by its address. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when the address is none of `ipp://host…` and `ipps://host…`.
    pub fn new(address: &str, transport: Arc<dyn Transport>) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::Configuration, format!("the printer's address {why}"))
                .with_field("address")
        };
        let parsed: Uri = address.parse().map_err(|_| wrong("cannot be read"))?;
        let (scheme, port) = match parsed.scheme_str() {
            Some("ipp") => ("http", 631),
            Some("ipps") => ("https", 631),
            _ => return Err(wrong("begins with neither ipp:// nor ipps://")),
        };
        if parsed.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(wrong("has a user in it, which would be sent and printed in the clear"));
        }
        let host =
            parsed.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("has no host"))?;
        let port = parsed.port_u16().unwrap_or(port);
        let path = parsed.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{scheme}://{host}:{port}{path}");
        let user = "orderflow".to_owned();
        Ok(Self { address: parsed, url, user, deadline: DEADLINE, transport })
    }

    /// Sets whose job it is, as the queue shows it. Default `orderflow`.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// Sets how long handing over may take. Default two minutes.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn fault(&self, kind: ErrorKind, words: impl Into<String>) -> Error {
        Error::new(kind, words)
            .with_operation("ipp", "print")
            .with_context("printer", self.url.split('?').next().unwrap_or_default())
    }

    /// Verb, version and attributes, then the document.
    fn request(&self, job: &PrintJob) -> Result<WireRequest> {
        let bytes = job.document.bytes.expose();
        if bytes.is_empty() {
            return Err(Error::invalid("document.bytes", "there is nothing to print"));
        }
        let media_type = match job.document.format {
            LabelFormat::Pdf | LabelFormat::Png => job.document.format.media_type(),
            _ => "application/octet-stream",
        };
        let payload = IppPayload::empty();
        let print = IppOperationBuilder::print_job(self.address.clone(), payload)
            .user_name(self.user.as_str())
            .job_title(job.name.as_str())
            .document_format(media_type)
            .build()
            .map_err(|fault| Error::invalid("name", fault.to_string()))?;
        let mut body = print.into_ipp_request().to_bytes().to_vec();
        body.extend_from_slice(bytes);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/ipp"));
        Ok(WireRequest::new(Method::POST, &self.url)
            .with_headers(headers)
            .with_body(body)
            .with_max_response(MOST_ANSWER))
    }

    /// The number of the job that the printer took.
    fn job_number(&self, answer: &[u8]) -> Result<Option<i32>> {
        let unclear = |words: String| self.fault(ErrorKind::Ambiguous, words);
        let answer = IppParser::new(IppReader::new(Cursor::new(answer.to_vec())))
            .parse()
            .map_err(|fault| unclear(format!("the answer cannot be read ({fault})")))?;
        let code = answer.header().operation_or_status;
        let status = answer.header().status_code();
        if !status.is_success() {
            let kind = match status {
                StatusCode::ServerErrorBusy
                | StatusCode::ServerErrorTemporaryError
                | StatusCode::ServerErrorNotAcceptingJobs
                | StatusCode::ServerErrorServiceUnavailable => ErrorKind::Transient,
                StatusCode::ClientErrorNotAuthenticated
                | StatusCode::ClientErrorNotAuthorized
                | StatusCode::ClientErrorForbidden => ErrorKind::AuthRejected,
                StatusCode::ClientErrorNotFound | StatusCode::ClientErrorGone => {
                    ErrorKind::NotFound
                }
                // It may have begun to print what it then gave up.
                StatusCode::ServerErrorDeviceError
                | StatusCode::ServerErrorInternalError
                | StatusCode::ServerErrorJobCanceled => ErrorKind::Ambiguous,
                _ => ErrorKind::Rejected,
            };
            return Err(self.fault(kind, format!("the printer refused: {status} (0x{code:04x})")));
        }
        let number =
            answer.attributes().groups_of(DelimiterTag::JobAttributes).find_map(
                |group| match group.get(IppAttributeName::JOB_ID)?.value() {
                    IppValue::Integer(number) => Some(*number),
                    _ => None,
                },
            );
        Ok(number)
    }
}

#[async_trait]
impl PrintTransport for IppPrinter {
    async fn print(&self, job: &PrintJob) -> Result<PrintReceipt> {
        let request = self.request(job)?;
        let sent = timeout(self.deadline, self.transport.send(request)).await;
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(fault)) if !fault.is_before_send() => {
                let words = format!("{fault}; paper may have come out");
                return Err(self.fault(ErrorKind::Ambiguous, words));
            }
            Ok(Err(fault)) => {
                return Err(self.fault(ErrorKind::Transient, format!("{fault}; nothing was sent")));
            }
            Err(_) => {
                let words = "no answer within the deadline; paper may have come out";
                return Err(self.fault(ErrorKind::Ambiguous, words));
            }
        };
        match answer.status.as_u16() {
            200 => {}
            401 | 403 => {
                return Err(self.fault(ErrorKind::AuthRejected, "the print server lets nobody in"));
            }
            404 => return Err(self.fault(ErrorKind::NotFound, "there is no such printer")),
            status => {
                let kind = if status >= 500 { ErrorKind::Ambiguous } else { ErrorKind::Rejected };
                return Err(self.fault(kind, format!("the print server answered {status}")));
            }
        }
        let number = self.job_number(&answer.body)?;
        Ok(PrintReceipt {
            bytes: u64::try_from(job.document.bytes.expose().len()).unwrap_or(u64::MAX),
            reference: number.map(|number| number.to_string()),
        })
    }
}
