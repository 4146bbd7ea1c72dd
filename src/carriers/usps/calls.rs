//! The calls, as values.

use http::header::{ACCEPT, HeaderName, IF_MATCH};

use super::catalogue::{is_international, mail_class};
use super::config::UspsConfig;
use super::quota::Api;
use super::wire::{
    AddressAnswer, CancelAnswer, OptionsAnswer, PickupAnswer, ReprintBody, TrackDetail,
    TrackQuestion,
};
use super::{abroad, map, pickup};
use super::{address, multipart};
use crate::address::Address;
use crate::client::wire::{OneOrMany, Readable};
use crate::client::{Operation, Outgoing, Repeat, Response, Token, percent_encode};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, ServiceCode, TrackingNumber};
use crate::ports::{AddressCheck, Manifest, ManifestRequest, Pickup, PickupRequest, VoidOutcome};
use crate::shipment::{Label, LabelRecord, LabelRequest, RateQuote, RateRequest, TrackOutcome};

const PAYMENT_TOKEN: HeaderName = HeaderName::from_static("x-payment-authorization-token");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("x-idempotency-key");
/// One JSON with Base64 images instead of multipart. Both are understood in answers.
const VENDOR_JSON: &str = "application/vnd.usps.labels+json";

/// Adds the payment token, marked sensitive so that it never prints.
fn paid(mut outgoing: Outgoing, payment: &Token) -> Outgoing {
    outgoing.headers.insert(PAYMENT_TOKEN, payment.header_value());
    outgoing
}

/// Where labels are sold: those to other countries have a counter of their own, under the same
/// rules.
fn counter(service: &ServiceCode) -> &'static str {
    match counter_of(service) {
        Api::InternationalLabels => "/international-labels/v3/international-label",
        _ => "/labels/v3/label",
    }
}

/// The API that counts label calls for a service.
pub(super) fn counter_of(service: &ServiceCode) -> Api {
    if is_international(&mail_class(service)) { Api::InternationalLabels } else { Api::Labels }
}

/// Everything offered between two ZIPs, or from one to another country.
pub(super) struct ShippingOptions<'a> {
    pub(super) config: &'a UspsConfig,
    pub(super) request: &'a RateRequest,
}

impl Operation for ShippingOptions<'_> {
    type Output = Vec<RateQuote>;
    const NAME: &'static str = "rates";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let outgoing = Outgoing::post("/shipments/v3/options/search");
        if address::is_domestic(&self.request.recipient.address) {
            outgoing.json(&map::options_request(self.config, self.request)?)
        } else {
            outgoing.json(&abroad::options_request(self.config, self.request)?)
        }
    }

    fn parse(&self, response: Response) -> Result<Vec<RateQuote>> {
        let answer: OptionsAnswer = response.json()?;
        map::quotes(self.config, answer)
    }
}

/// Standardises and confirms an address.
pub(super) struct CheckAddress<'a>(pub(super) &'a Address);

impl Operation for CheckAddress<'_> {
    type Output = AddressCheck;
    const NAME: &'static str = "check_address";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let fitted = address::fit("address", self.0)?;
        Ok(Outgoing::get("/addresses/v3/address")
            .query("streetAddress", &fitted.street)
            .query_opt("secondaryAddress", fitted.secondary)
            .query("city", &fitted.city)
            .query("state", fitted.state)
            .query("ZIPCode", &fitted.zip5)
            .query_opt("ZIPPlus4", fitted.plus4))
    }

    fn parse(&self, response: Response) -> Result<AddressCheck> {
        let answer: AddressAnswer = response.json()?;
        Ok(map::address_check(self.0, answer))
    }
}

/// Buys a label. The carrier gives the label already made when it has seen the key before.
pub(super) struct BuyLabel<'a> {
    pub(super) config: &'a UspsConfig,
    pub(super) request: &'a LabelRequest,
    pub(super) key: &'a IdempotencyKey,
    pub(super) payment: &'a Token,
}

impl Operation for BuyLabel<'_> {
    type Output = Label;
    const NAME: &'static str = "buy_label";
    const REPEAT: Repeat = Repeat::WithKey;

    fn request(&self) -> Result<Outgoing> {
        let outgoing = Outgoing::post(counter(&self.request.service.service))
            .json(&map::purchase(self.config, self.request)?)?
            .header(ACCEPT, VENDOR_JSON)?
            .header(IDEMPOTENCY_KEY, &self.key.to_string())?;
        Ok(paid(outgoing, self.payment))
    }

    fn parse(&self, response: Response) -> Result<Label> {
        map::label(self.config, self.request, *self.key, &response)
    }
}

/// Prints the label bought under a key once more: at most three times, until its mailing date.
pub(super) struct ReprintByKey<'a> {
    pub(super) config: &'a UspsConfig,
    pub(super) request: &'a LabelRequest,
    pub(super) key: &'a IdempotencyKey,
    pub(super) payment: &'a Token,
}

impl Operation for ReprintByKey<'_> {
    type Output = Label;
    const NAME: &'static str = "reprint_label";
    // Buys nothing; a repetition costs one of three reprints at worst.
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let image_info = map::image_info(self.config, &self.request.format, false)?;
        let counter = counter(&self.request.service.service);
        let outgoing = Outgoing::post(format!("{counter}-reprint"))
            .json(&ReprintBody { image_info })?
            .header(ACCEPT, VENDOR_JSON)?
            .header(IDEMPOTENCY_KEY, &self.key.to_string())?;
        Ok(paid(outgoing, self.payment))
    }

    fn parse(&self, response: Response) -> Result<Label> {
        map::label(self.config, self.request, *self.key, &response)
    }
}

/// Cancels a label, or asks for its refund when it was reported already.
pub(super) struct CancelLabel<'a> {
    pub(super) label: &'a LabelRecord,
    pub(super) payment: &'a Token,
}

impl Operation for CancelLabel<'_> {
    type Output = VoidOutcome;
    const NAME: &'static str = "cancel_label";
    // Done twice it answers "cancelled already", which is success.
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let number = percent_encode(self.label.number.as_str());
        let path = format!("{}/{number}", counter(&self.label.service));
        Ok(paid(Outgoing::delete(path), self.payment))
    }

    fn parse(&self, response: Response) -> Result<VoidOutcome> {
        let answer: CancelAnswer = response.json()?;
        match answer.status.as_deref().map(str::trim) {
            Some("CANCELED" | "CANCELLED") => Ok(VoidOutcome::Voided),
            Some("DISPUTED") => Ok(VoidOutcome::RefundRequested { reference: answer.dispute_id }),
            _ => Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "neither cancelled nor disputed: the label may still be live",
            )),
        }
    }
}

/// Makes a SCAN form of a set of labels.
pub(super) struct CreateScanForm<'a>(pub(super) &'a ManifestRequest);

impl Operation for CreateScanForm<'_> {
    type Output = Manifest;
    const NAME: &'static str = "create_manifest";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/scan-forms/v3/scan-form")
            .json(&map::scan_form_request(self.0)?)?
            .header(ACCEPT, VENDOR_JSON)
    }

    fn parse(&self, response: Response) -> Result<Manifest> {
        map::manifest(&self.0.numbers, &response)
    }
}

/// Orders a driver.
pub(super) struct SchedulePickup<'a> {
    pub(super) config: &'a UspsConfig,
    pub(super) request: &'a PickupRequest,
}

impl Operation for SchedulePickup<'_> {
    type Output = Pickup;
    const NAME: &'static str = "schedule_pickup";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/pickup/v3/carrier-pickup")
            .json(&pickup::pickup_body(self.config, self.request)?)
    }

    fn parse(&self, response: Response) -> Result<Pickup> {
        let answer: OneOrMany<PickupAnswer> = response.json()?;
        pickup::pickup(answer, self.request.date)
    }
}

/// Reads a pickup and its entity tag, which changing it needs.
pub(super) struct GetPickup<'a>(pub(super) &'a Pickup);

impl Operation for GetPickup<'_> {
    type Output = (Pickup, Option<String>);
    const NAME: &'static str = "get_pickup";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get(pickup_path(self.0)))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        let etag = response.header("etag").map(str::to_owned);
        let answer: OneOrMany<PickupAnswer> = response.json()?;
        Ok((pickup::pickup(answer, self.0.date)?, etag))
    }
}

/// Cancels a pickup. The tag is not older than an hour and good for one use.
pub(super) struct CancelPickup<'a> {
    pub(super) pickup: &'a Pickup,
    pub(super) etag: Option<String>,
}

impl Operation for CancelPickup<'_> {
    type Output = ();
    const NAME: &'static str = "cancel_pickup";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let outgoing = Outgoing::delete(pickup_path(self.pickup));
        match &self.etag {
            Some(etag) => outgoing.header(IF_MATCH, etag),
            None => Ok(outgoing),
        }
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}

fn pickup_path(pickup: &Pickup) -> String {
    format!("/pickup/v3/carrier-pickup/{}", percent_encode(&pickup.confirmation))
}

/// Asks for up to 35 numbers (version 3.2). Answers come in any order, each with its own outcome.
pub(super) struct TrackMany<'a>(pub(super) &'a [TrackingNumber]);

impl Operation for TrackMany<'_> {
    type Output = Vec<(String, TrackOutcome)>;
    const NAME: &'static str = "track";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let questions: Vec<TrackQuestion<'_>> = self
            .0
            .iter()
            .map(|number| TrackQuestion { tracking_number: number.as_str() })
            .collect();
        Outgoing::post("/tracking/v3r2/tracking").json(&questions)
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        let answers: Readable<TrackDetail> = response.json()?;
        if answers.is_unreadable() {
            return Err(map::unexpected("no history of the answer can be read"));
        }
        Ok(answers
            .into_iter()
            .filter_map(|answer| {
                let number = answer.tracking_number.clone()?;
                Some((number, map::tracked(answer)))
            })
            .collect())
    }
}

/// Asks for one number (version 3).
pub(super) struct TrackOne<'a>(pub(super) &'a TrackingNumber);

impl Operation for TrackOne<'_> {
    type Output = TrackOutcome;
    const NAME: &'static str = "track";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let path = format!("/tracking/v3/tracking/{}", percent_encode(self.0.as_str()));
        Ok(Outgoing::get(path).query("expand", "DETAIL"))
    }

    fn parse(&self, response: Response) -> Result<TrackOutcome> {
        let answer: TrackDetail = response.json()?;
        if answer.tracking_number.is_none()
            && answer.status.is_none()
            && answer.tracking_events.is_empty()
            && answer.error.is_none()
        {
            return Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the answer has neither a number nor a status nor events",
            ));
        }
        Ok(map::tracked(answer))
    }
}

/// What of an answer is JSON, whether it is multipart or not.
pub(super) fn multipart_of(response: &Response) -> Option<Vec<multipart::Part<'_>>> {
    let body = multipart::trim_start(&response.body);
    if body.first() == Some(&b'{') {
        return None;
    }
    multipart::parts(response.header("content-type"), body)
}
