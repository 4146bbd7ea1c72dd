//! Anything may come back: nothing may panic, and nothing unknown is success.

use orderflow::TrackingNumber;
use orderflow::carriers::usps::TrackingVersion;
use orderflow::ports::{CarrierAdapter, ValidateAddress};
use proptest::prelude::*;

use orderflow::shipment::RateRequest;

use super::house::{
    canned, canned_with, export, fixture, foreigner, key, parcel, purchase, recipient,
};

const FILES: [&str; 13] = [
    "shipping-options-international.response.json",
    "intl-label.response.json",
    "intl-label-reprint.response.json",
    "intl-prices-base-rates-list.response.json",
    "shipping-options-all-classes.response.json",
    "label-with-return-label.response.multipart.txt",
    "return-label-embedded.response.json",
    "address.response.json",
    "tracking-v3-detail-delivered-gmt-bug.response.json",
    "tracking-v3-detail-doc.response.json",
    "scan-form-vendor-json.response.json",
    "error-shape.json",
    "oauth-invalid-client.error.json",
];

/// Hands the bytes to every call that reads an answer.
fn feed(status: u16, content_type: &'static str, body: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let usps = canned(status, content_type, body.to_vec());
        let number = TrackingNumber::from_static("9261290289104185136058");
        let bought = usps.buy_label(&purchase("PK-1"), &key("PK-1")).await;
        if let Ok(label) = bought {
            assert!(!label.record.number.as_str().is_empty());
        }
        if let Ok(label) = usps.buy_label(&export("PK-1"), &key("PK-1")).await {
            assert!(!label.record.number.as_str().is_empty());
        }
        let _ = usps.rates(&parcel()).await;
        let _ = usps.rates(&RateRequest { recipient: foreigner("GB"), ..parcel() }).await;
        let _ = usps.validate(&recipient().address).await;
        let _ = usps.track(std::slice::from_ref(&number)).await;
        let v3 = canned_with(
            |config| config.with_tracking_version(TrackingVersion::V3),
            status,
            content_type,
            body.to_vec(),
        );
        let _ = v3.track(&[number]).await;
    });
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![Just(200_u16), Just(207), Just(400), Just(404), Just(500), 200_u16..600]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cut_answers_never_panic(file in 0..FILES.len(), part in 0.0_f64..1.0, status in status()) {
        let body = fixture(FILES[file]);
        let length = (0..=body.len()).rev().find(|n| (*n as f64) <= part * body.len() as f64);
        feed(status, "application/json", &body[..length.unwrap_or(0)]);
    }

    #[test]
    fn mutated_answers_never_panic(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        status in status(),
    ) {
        let mut body = fixture(FILES[file]);
        for (at, to) in changes {
            let at = at.index(body.len());
            body[at] = to;
        }
        feed(status, "multipart/form-data; boundary=r6-fpGYWbdZmd9w5-850fEfX", &body);
    }

    #[test]
    fn random_answers_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..400),
        status in status(),
    ) {
        feed(status, "text/html", &body);
    }
}
