//! The calls, as values.

use chrono::{NaiveDate, TimeDelta};

use super::config::DhlExpressConfig;
use super::track::FoundShipment;
use super::wire::{AddressAnswer, PickupAnswer, RateAnswer, ShipmentAnswer, TrackAnswer};
use super::{map, track};
use crate::address::Address;
use crate::carriers::account::purchase_reference;
use crate::carriers::dhl::shared::date;
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::Result;
use crate::ids::{IdempotencyKey, TrackingNumber};
use crate::ports::{AddressCheck, Pickup, PickupRequest, Pieces, PiecesRequest};
use crate::shipment::{Label, LabelIntent, LabelRequest, RateQuote, RateRequest, TrackOutcome};

/// Every product offered for a parcel.
pub(super) struct Rates<'a> {
    pub(super) config: &'a DhlExpressConfig,
    pub(super) request: &'a RateRequest,
}

impl Operation for Rates<'_> {
    type Output = Vec<RateQuote>;
    const NAME: &'static str = "rates";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/rates").json(&map::rate_body(self.config, self.request)?)
    }

    fn parse(&self, response: Response) -> Result<Vec<RateQuote>> {
        map::quotes(self.config, response.json::<RateAnswer>()?)
    }
}

/// Makes a shipment. Each call makes one: there are no keys.
pub(super) struct Ship<'a> {
    pub(super) config: &'a DhlExpressConfig,
    pub(super) request: &'a LabelRequest,
    pub(super) key: IdempotencyKey,
}

impl Operation for Ship<'_> {
    type Output = Label;
    const NAME: &'static str = "buy_label";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        let purchase = purchase_reference(self.key);
        Outgoing::post("/shipments").json(&map::shipment_body(
            self.config,
            self.request,
            None,
            purchase,
        )?)
    }

    fn parse(&self, response: Response) -> Result<Label> {
        map::label(self.config, self.request, self.key, &response.json::<ShipmentAnswer>()?)
    }
}

/// Makes a shipment of several pieces.
pub(super) struct ShipPieces<'a> {
    pub(super) config: &'a DhlExpressConfig,
    pub(super) request: &'a PiecesRequest,
    pub(super) key: IdempotencyKey,
}

impl Operation for ShipPieces<'_> {
    type Output = Pieces;
    const NAME: &'static str = "buy_pieces";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        let purchase = purchase_reference(self.key);
        Outgoing::post("/shipments").json(&map::shipment_body(
            self.config,
            &self.request.shipment,
            Some(&self.request.pieces),
            purchase,
        )?)
    }

    fn parse(&self, response: Response) -> Result<Pieces> {
        map::pieces(self.config, self.request, self.key, &response.json::<ShipmentAnswer>()?)
    }
}

/// Looks for the shipments of a purchase.
pub(super) struct FindPurchase<'a> {
    pub(super) config: &'a DhlExpressConfig,
    pub(super) intent: &'a LabelIntent,
}

impl FindPurchase<'_> {
    /// From the day before the purchase to the day after it was last sent, or after the label's: days
    /// are local to the place it leaves from.
    fn days(&self) -> (NaiveDate, NaiveDate) {
        let LabelIntent { request, created_at, sent_at, .. } = self.intent;
        let (intended, sent) = (created_at.date_naive(), sent_at.date_naive());
        let first = intended.min(request.mailing_date);
        let last = intended.max(sent).max(request.mailing_date);
        let day = TimeDelta::days(1);
        (
            first.checked_sub_signed(day).unwrap_or(first),
            last.checked_add_signed(day).unwrap_or(last),
        )
    }
}

impl Operation for FindPurchase<'_> {
    type Output = std::result::Result<Vec<FoundShipment>, String>;
    const NAME: &'static str = "recover_label";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = "track";

    fn request(&self) -> Result<Outgoing> {
        let (from, to) = self.days();
        Ok(Outgoing::get("/tracking")
            .query("shipmentReference", purchase_reference(self.intent.key))
            .query("shipperAccountNumber", self.config.account_number.as_str())
            .query("dateRangeFrom", date(from))
            .query("dateRangeTo", date(to))
            .query("levelOfDetail", "all"))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        Ok(match response.json::<TrackAnswer>() {
            Ok(answer) => track::shipments(&purchase_reference(self.intent.key), answer)
                .map_err(str::to_owned),
            Err(error) => Err(error.to_string()),
        })
    }
}

/// Asks for many numbers of one kind. The carrier leaves out what it does not know.
pub(super) struct TrackMany<'a>(pub(super) &'a [TrackingNumber]);

impl Operation for TrackMany<'_> {
    type Output = Vec<(String, TrackOutcome)>;
    const NAME: &'static str = "track";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = "track";

    fn request(&self) -> Result<Outgoing> {
        let pieces = self.0.first().is_some_and(|number| track::is_piece(number.as_str()));
        let name = if pieces { "pieceTrackingNumber" } else { "shipmentTrackingNumber" };
        let numbers: Vec<&str> = self.0.iter().map(TrackingNumber::as_str).collect();
        Ok(Outgoing::get("/tracking")
            .query(name, numbers.join(","))
            .query("trackingView", "all-checkpoints")
            .query("levelOfDetail", "all"))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        Ok(track::outcomes(self.0, response.json::<TrackAnswer>()?))
    }
}

/// Asks for one shipment, with the offset of each event.
pub(super) struct TrackOne<'a>(pub(super) &'a TrackingNumber);

impl Operation for TrackOne<'_> {
    type Output = Vec<(String, TrackOutcome)>;
    const NAME: &'static str = "track";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = "track";

    fn request(&self) -> Result<Outgoing> {
        let path = format!("/shipments/{}/tracking", percent_encode(self.0.as_str()));
        Ok(Outgoing::get(path)
            .query("trackingView", "all-checkpoints")
            .query("levelOfDetail", "all")
            .query("requestGMTOffsetPerEvent", "true"))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        Ok(track::outcomes(std::slice::from_ref(self.0), response.json::<TrackAnswer>()?))
    }
}

/// Whether the carrier delivers to a place.
pub(super) struct CheckPlace<'a>(pub(super) &'a Address);

impl Operation for CheckPlace<'_> {
    type Output = AddressCheck;
    const NAME: &'static str = "check_address";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let (country, postal_code, city) = map::place_query(self.0)?;
        Ok(Outgoing::get("/address-validate")
            .query("type", "delivery")
            .query("countryCode", country)
            .query_opt("postalCode", postal_code)
            .query("cityName", city)
            .query("strictValidation", "true"))
    }

    fn parse(&self, response: Response) -> Result<AddressCheck> {
        Ok(map::address_check(response.json::<AddressAnswer>()?))
    }
}

/// Orders a driver.
pub(super) struct SchedulePickup<'a> {
    pub(super) config: &'a DhlExpressConfig,
    pub(super) request: &'a PickupRequest,
}

impl Operation for SchedulePickup<'_> {
    type Output = Pickup;
    const NAME: &'static str = "schedule_pickup";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/pickups").json(&map::pickup_body(self.config, self.request)?)
    }

    fn parse(&self, response: Response) -> Result<Pickup> {
        map::pickup(self.request, response.json::<PickupAnswer>()?)
    }
}

/// Cancels one driver.
pub(super) struct CancelPickup<'a> {
    pub(super) config: &'a DhlExpressConfig,
    pub(super) number: &'a str,
}

impl Operation for CancelPickup<'_> {
    type Output = ();
    const NAME: &'static str = "cancel_pickup";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::delete(format!("/pickups/{}", percent_encode(self.number)))
            .query("requestorName", self.config.requestor.trim())
            .query("reason", "not needed any more"))
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}
