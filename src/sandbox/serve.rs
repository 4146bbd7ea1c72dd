//! The stand-ins as a transport in this process and as a server on the loopback address.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Answer, Asked, Fault, Faults, Ledger, StandIn, VirtualClock};
use crate::client::{Response, Transport, TransportError, WireRequest};

/// Several vendors acted out together, with one clock, one ledger and one plan of faults.
#[derive(Debug, Clone)]
pub struct Sandbox {
    clock: VirtualClock,
    ledger: Ledger,
    stand_ins: BTreeMap<String, Arc<dyn StandIn>>,
    faults: Faults,
    latency: Duration,
}

/// What a request met.
enum Met {
    Answer(Answer),
    /// The connection breaks.
    Broken,
}

impl Sandbox {
    /// A sandbox without vendors.
    #[must_use]
    pub fn new(clock: VirtualClock, ledger: Ledger) -> Self {
        Self {
            clock,
            ledger,
            stand_ins: BTreeMap::new(),
            faults: Faults::none(),
            latency: Duration::ZERO,
        }
    }

    /// Adds a vendor, mounted under its name.
    #[must_use]
    pub fn with(self, stand_in: Arc<dyn StandIn>) -> Self {
        self.with_named(stand_in.name(), stand_in)
    }

    /// Adds a vendor, mounted under another name: two accounts of one vendor live side by side.
    /// The name is one segment of a path. Scripted faults name it too.
    #[must_use]
    pub fn with_named(mut self, name: impl Into<String>, stand_in: Arc<dyn StandIn>) -> Self {
        self.stand_ins.insert(name.into(), stand_in);
        self
    }

    /// Sets what goes wrong.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Sets how long every answer takes.
    #[must_use]
    pub const fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The clock all vendors share.
    #[must_use]
    pub const fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// The ledger all vendors write to.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The base address of a vendor for the transport in this process.
    #[must_use]
    pub fn base_url(&self, stand_in: &str) -> String {
        format!("https://sandbox.invalid/{stand_in}")
    }

    /// A transport that reaches the vendors without sockets.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(InProcess(self.clone()))
    }

    fn meet(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Met {
        let trimmed = path.trim_start_matches('/');
        let (name, rest) = trimmed.split_at(trimmed.find('/').unwrap_or(trimmed.len()));
        let Some(stand_in) = self.stand_ins.get(name) else {
            // Not a bare 404: whoever reads a test's failure must see what was not expected.
            let text = format!("this request was not expected: {method} {path}");
            return Met::Answer(Answer {
                status: StatusCode::NOT_FOUND,
                headers: HeaderMap::new(),
                body: text.into(),
            });
        };
        let fault = self.faults.next(name, rest);
        match fault {
            Some(Fault::Throttled { retry_after }) => {
                let mut answer = stand_in.too_many_calls();
                if let Some(seconds) = retry_after {
                    answer.headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                return Met::Answer(answer);
            }
            Some(Fault::ServerError) => return Met::Answer(stand_in.failure()),
            Some(Fault::GatewayPage) => return Met::Answer(gateway_page()),
            Some(Fault::LostBefore) => return Met::Broken,
            _ => {}
        }
        let quirk = match fault {
            Some(Fault::Quirk(quirk)) => Some(quirk),
            _ => None,
        };
        let asked = Asked { method, path: rest, query, headers, body, quirk };
        let mut answer = stand_in.answer(&asked, self.clock.now());
        match fault {
            Some(Fault::LostAfter) => Met::Broken,
            Some(Fault::Truncated) => {
                answer.body = answer.body.slice(..answer.body.len() / 2);
                Met::Answer(answer)
            }
            _ => Met::Answer(answer),
        }
    }

    /// Serves the vendors over HTTP/1.1 on a free port of the loopback address until the server is
    /// dropped.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn serve(&self) -> std::io::Result<LoopbackServer> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(());
        let sandbox = self.clone();
        tokio::spawn(async move {
            loop {
                let mut until = stopped.clone();
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    _ = until.changed() => return,
                };
                // A connection that fails to open is the peer's affair.
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(sandbox.clone(), stream, until));
            }
        });
        Ok(LoopbackServer { address, _stop: stop })
    }
}

async fn connection(
    sandbox: Sandbox,
    stream: tokio::net::TcpStream,
    mut until: watch::Receiver<()>,
) {
    let service = service_fn(move |request| answer(sandbox.clone(), request));
    let serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A broken connection is what a fault looks like from here.
        _ = serving => {}
        _ = until.changed() => {}
    }
}

/// The error with which a service breaks its connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks here")]
struct Breaks;

impl From<Infallible> for Breaks {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn answer(
    sandbox: Sandbox,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Breaks> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Breaks)?.to_bytes();
    if !sandbox.latency.is_zero() {
        tokio::time::sleep(sandbox.latency).await;
    }
    let query = parts.uri.query().unwrap_or("");
    match sandbox.meet(&parts.method, parts.uri.path(), query, &parts.headers, &body) {
        Met::Broken => Err(Breaks),
        Met::Answer(answer) => {
            let mut response = hyper::Response::new(Full::new(answer.body));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        }
    }
}

fn gateway_page() -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    Answer {
        status: StatusCode::BAD_GATEWAY,
        headers,
        body: "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>".into(),
    }
}

/// A sandbox served on the loopback address. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct LoopbackServer {
    address: SocketAddr,
    _stop: watch::Sender<()>,
}

impl LoopbackServer {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address of a vendor.
    #[must_use]
    pub fn base_url(&self, stand_in: &str) -> String {
        format!("http://{}/{stand_in}", self.address)
    }
}

/// Reaches a [`Sandbox`] without sockets.
#[derive(Debug, Clone)]
pub struct InProcess(Sandbox);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        if !self.0.latency.is_zero() {
            tokio::time::sleep(self.0.latency).await;
        }
        let uri: http::Uri = request
            .url
            .parse()
            .map_err(|_| TransportError::before_send("the address is not readable"))?;
        let met = self.0.meet(
            &request.method,
            uri.path(),
            uri.query().unwrap_or(""),
            &request.headers,
            &request.body,
        );
        match met {
            Met::Broken => {
                Err(TransportError::after_send("the connection closed before the answer"))
            }
            Met::Answer(answer) if answer.body.len() as u64 > request.max_response => {
                Err(TransportError::too_large(request.max_response))
            }
            Met::Answer(answer) => {
                Ok(Response { status: answer.status, headers: answer.headers, body: answer.body })
            }
        }
    }
}
