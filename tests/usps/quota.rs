//! How fast the carrier is called, in virtual time.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode};
use orderflow::carriers::usps::{Api, DEFAULT_QUOTA, Usps, UspsConfig};
use orderflow::client::{Quota, Response, RetryPolicy, Transport, TransportError, WireRequest};
use orderflow::ports::{CarrierAdapter, ValidateAddress};
use orderflow::sandbox::VirtualClock;
use orderflow::{ErrorKind, Retry, TrackingNumber};
use tokio::time::Instant;

use super::house::{config, noon, parcel, recipient};

/// Writes down when it was called, and refuses the first calls to a path as too many.
#[derive(Debug, Default)]
struct Timed {
    calls: Mutex<Vec<(Instant, String)>>,
    throttle: Mutex<Option<(&'static str, &'static str)>>,
}

impl Timed {
    fn times(&self, part: &str) -> Vec<Instant> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(_, url)| url.contains(part)).map(|(at, _)| *at).collect()
    }
}

#[async_trait]
impl Transport for Timed {
    async fn send(&self, request: WireRequest) -> Result<Response, TransportError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if request.url.ends_with("/oauth2/v3/token") {
            let body = br#"{"access_token":"t","expires_in":288000}"#.as_slice().into();
            return Ok(Response { status: StatusCode::OK, headers, body });
        }
        self.calls.lock().unwrap().push((Instant::now(), request.url.clone()));
        let mut throttle = self.throttle.lock().unwrap();
        if let Some((part, pause)) = *throttle
            && request.url.contains(part)
        {
            *throttle = None;
            headers.insert("retry-after", HeaderValue::from_static(pause));
            let body = br#"{"error":{"code":"429","message":"Too Many Requests"}}"#.as_slice();
            return Ok(Response {
                status: StatusCode::TOO_MANY_REQUESTS,
                headers,
                body: body.into(),
            });
        }
        let body = br#"{"additionalInfo":{"DPVConfirmation":"Y"},"pricingOptions":[]}"#.as_slice();
        Ok(Response { status: StatusCode::OK, headers, body: body.into() })
    }
}

fn timed(change: impl FnOnce(UspsConfig) -> UspsConfig) -> (Usps, std::sync::Arc<Timed>) {
    let transport = std::sync::Arc::<Timed>::default();
    let mut patient = RetryPolicy::default();
    patient.deadline = Duration::from_secs(86_400);
    let config = config(&VirtualClock::new(noon())).with_quota(DEFAULT_QUOTA).with_retry(patient);
    let wire: std::sync::Arc<dyn Transport> = std::sync::Arc::<Timed>::clone(&transport);
    (Usps::new(change(config), wire).unwrap(), transport)
}

/// The most calls within any hour.
fn worst_hour(times: &[Instant]) -> usize {
    let hour = Duration::from_secs(3_600);
    times
        .iter()
        .map(|start| times.iter().filter(|at| **at >= *start && **at - *start < hour).count())
        .max()
        .unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_new_app_makes_at_most_sixty_calls_in_any_hour_over_all_apis() {
    let (usps, transport) = timed(|config| config);
    for _ in 0..100 {
        usps.validate(&recipient().address).await.unwrap();
        usps.rates(&parcel()).await.unwrap();
    }
    let times = transport.times("");
    assert_eq!(times.len(), 200);
    assert_eq!(worst_hour(&times), 60);
    // A pause refills it, and then too the hour holds.
    tokio::time::advance(Duration::from_secs(3_600)).await;
    for _ in 0..100 {
        usps.validate(&recipient().address).await.unwrap();
    }
    assert_eq!(worst_hour(&transport.times("")), 60);
}

#[tokio::test(start_paused = true)]
async fn an_api_with_a_limit_of_its_own_neither_waits_for_the_app_nor_spends_its_calls() {
    let (usps, transport) =
        timed(|config| config.with_api_quota(Api::Addresses, Quota::per_hour(600).with_burst(100)));
    let start = Instant::now();
    for _ in 0..100 {
        usps.validate(&recipient().address).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    for _ in 0..20 {
        usps.rates(&parcel()).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "the burst of the app is still there");
    for _ in 0..60 {
        usps.rates(&parcel()).await.unwrap();
    }
    assert!(worst_hour(&transport.times("/options/search")) <= 60);
    assert!(start.elapsed() > Duration::from_secs(3_600));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_wait_longer_than_it_may_says_when_to_come_again() {
    let mut hasty = RetryPolicy::default();
    hasty.deadline = Duration::from_secs(30);
    let (usps, transport) = timed(|config| config.with_retry(hasty));
    for _ in 0..20 {
        usps.validate(&recipient().address).await.unwrap();
    }
    let error = usps.validate(&recipient().address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let Retry::After(pause) = error.retry() else { panic!("{error:?}") };
    assert!((30..=88).contains(&pause.as_secs()), "{pause:?}");
    assert_eq!(transport.times("").len(), 20, "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_pauses_every_call_under_the_same_limit_and_no_other() {
    let (usps, transport) =
        timed(|config| config.with_api_quota(Api::Tracking, Quota::per_hour(600).with_burst(100)));
    // The pause as the specification's own example writes it.
    *transport.throttle.lock().unwrap() = Some(("/address", "Retry-After: 30"));
    let start = Instant::now();
    let address = recipient().address;
    let checking = {
        let (usps, address) = (usps.clone(), address.clone());
        tokio::spawn(async move { usps.validate(&address).await })
    };
    while transport.times("/address").is_empty() {
        tokio::task::yield_now().await;
    }
    let number = TrackingNumber::from_static("9234690361980900000142");
    usps.track(&[number]).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    usps.rates(&parcel()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(30));
    checking.await.unwrap().unwrap();
    assert_eq!(transport.times("/address").len(), 2);

    *transport.throttle.lock().unwrap() = Some(("/address", "3600"));
    let error = usps.validate(&address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3_600)));
}
