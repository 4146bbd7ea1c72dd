//! The calls, as values.

use chrono::{NaiveDate, TimeDelta};
use serde_json::json;

use super::config::FedexConfig;
use super::wire::{
    AddressAnswer, AddressBody, AddressToCheck, Answer, CancelAnswer, CancelBody, CancelPickupBody,
    CloseAnswer, CloseBody, CloseDocuments, NumberInfo, PickupAnswer, RateAnswer, Reprint,
    ShipAnswer, TrackAnswer, TrackBody, TrackQuestion, WithTransaction,
};
use super::{map, ship, track};
use crate::address::Address;
use crate::carriers::account::purchase_reference;
use crate::client::wire::unexpected;
use crate::client::{Operation, Outgoing, Repeat, Response};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, TrackingNumber};
use crate::ports::{
    AddressCheck, Manifest, ManifestRequest, Pickup, PickupRequest, Pieces, PiecesRequest,
};
use crate::shipment::{Label, LabelIntent, LabelRequest, RateQuote, RateRequest, TrackOutcome};

/// The part of an answer that says something.
fn output<'a, T: serde::Deserialize<'a>>(response: &'a Response) -> Result<T> {
    let answer: Answer<T> = response.json()?;
    answer.output.ok_or_else(|| unexpected("the answer has no output"))
}

/// Every service offered for a parcel.
pub(super) struct Rates<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) request: &'a RateRequest,
}

impl Operation for Rates<'_> {
    type Output = Vec<RateQuote>;
    const NAME: &'static str = "rates";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/rate/v1/rates/quotes").json(&map::rate_body(self.config, self.request)?)
    }

    fn parse(&self, response: Response) -> Result<Vec<RateQuote>> {
        map::quotes(self.config, output::<RateAnswer>(&response)?)
    }
}

/// Makes a shipment. Each call makes one: there are no keys.
pub(super) struct Ship<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) request: &'a LabelRequest,
    pub(super) key: IdempotencyKey,
}

impl Operation for Ship<'_> {
    type Output = Label;
    const NAME: &'static str = "buy_label";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        let purchase = purchase_reference(self.key);
        Outgoing::post("/ship/v1/shipments").json(&ship::ship_body(
            self.config,
            self.request,
            &[ship::PieceOf::single(self.request)],
            &purchase,
        )?)
    }

    fn parse(&self, response: Response) -> Result<Label> {
        ship::label(self.config, self.request, self.key, output::<ShipAnswer>(&response)?)
    }
}

/// Makes a shipment of several pieces.
pub(super) struct ShipPieces<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) request: &'a PiecesRequest,
    pub(super) key: IdempotencyKey,
}

impl Operation for ShipPieces<'_> {
    type Output = Pieces;
    const NAME: &'static str = "buy_pieces";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        let purchase = purchase_reference(self.key);
        let pieces: Vec<ship::PieceOf<'_>> = self
            .request
            .pieces
            .iter()
            .map(|piece| ship::PieceOf {
                weight: piece.weight,
                dimensions: piece.dimensions,
                references: &piece.references,
            })
            .collect();
        let shipment = &self.request.shipment;
        Outgoing::post("/ship/v1/shipments").json(&ship::ship_body(
            self.config,
            shipment,
            &pieces,
            &purchase,
        )?)
    }

    fn parse(&self, response: Response) -> Result<Pieces> {
        ship::labels(self.config, self.request, self.key, output::<ShipAnswer>(&response)?)
    }
}

/// Cancels a whole shipment.
pub(super) struct Cancel<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) number: &'a str,
}

impl Operation for Cancel<'_> {
    type Output = ();
    const NAME: &'static str = "cancel_label";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::put("/ship/v1/shipments/cancel").json(&CancelBody {
            account_number: map::account(self.config),
            tracking_number: self.number,
            deletion_control: "DELETE_ALL_PACKAGES",
        })
    }

    fn parse(&self, response: Response) -> Result<()> {
        let answer: CancelAnswer = output(&response)?;
        // A good status alone says nothing.
        match answer.cancelled_shipment {
            Some(true) => Ok(()),
            Some(false) => Err(Error::new(
                ErrorKind::Rejected,
                match answer.message {
                    Some(words) => format!("the shipment was not cancelled: {words}"),
                    None => "the shipment was not cancelled".to_owned(),
                },
            )),
            None => Err(unexpected("whether the shipment was cancelled is not said")),
        }
    }
}

/// Asks for up to 30 numbers. Each has its own outcome.
pub(super) struct TrackMany<'a>(pub(super) &'a [TrackingNumber]);

impl Operation for TrackMany<'_> {
    type Output = Vec<(String, TrackOutcome)>;
    const NAME: &'static str = "track";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = "track";

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/track/v1/trackingnumbers").json(&TrackBody {
            include_detailed_scans: true,
            tracking_info: self
                .0
                .iter()
                .map(|number| TrackQuestion {
                    tracking_number_info: NumberInfo { tracking_number: number.as_str() },
                })
                .collect(),
        })
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        Ok(track::outcomes(output::<TrackAnswer>(&response)?))
    }
}

/// Looks for the shipments of a purchase.
pub(super) struct FindPurchase<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) intent: &'a LabelIntent,
}

impl FindPurchase<'_> {
    /// From the day before the purchase to the day after the label's: days are local to the place
    /// it leaves from.
    fn days(&self) -> (NaiveDate, NaiveDate) {
        let bought = self.intent.created_at.date_naive();
        let on_label = self.intent.request.mailing_date;
        let (first, last) = (bought.min(on_label), bought.max(on_label));
        let day = TimeDelta::days(1);
        (
            first.checked_sub_signed(day).unwrap_or(first),
            last.checked_add_signed(day).unwrap_or(last),
        )
    }
}

impl Operation for FindPurchase<'_> {
    type Output = track::FoundPurchase;
    const NAME: &'static str = "recover_label";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = "track";

    fn request(&self) -> Result<Outgoing> {
        let (begin, end) = self.days();
        let mut reference = json!({
            "type": "CUSTOMER_REFERENCE",
            "value": purchase_reference(self.intent.key),
            "accountNumber": self.config.account_number.as_str(),
            "shipDateBegin": map::date(begin),
        });
        if let Some(fields) = reference.as_object_mut() {
            fields.insert(self.config.reference_end_field.clone(), map::date(end).into());
        }
        Outgoing::post("/track/v1/referencenumbers")
            .json(&json!({ "referencesInformation": reference, "includeDetailedScans": true }))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        let answer = output::<TrackAnswer>(&response)?;
        let reference = purchase_reference(self.intent.key);
        Ok(track::purchase(reference.as_ref(), answer))
    }
}

/// Resolves an address.
pub(super) struct CheckAddress<'a>(pub(super) &'a Address);

impl Operation for CheckAddress<'_> {
    type Output = AddressCheck;
    const NAME: &'static str = "check_address";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let mut address = map::postal_address("address", self.0)?;
        // What is asked for is not said beforehand.
        address.residential = None;
        Outgoing::post("/address/v1/addresses/resolve")
            .json(&AddressBody { addresses_to_validate: [AddressToCheck { address }] })
    }

    fn parse(&self, response: Response) -> Result<AddressCheck> {
        map::address_check(self.0, output::<AddressAnswer>(&response)?)
    }
}

/// Closes the day of the Ground network.
pub(super) struct CloseGround<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) request: &'a ManifestRequest,
}

impl Operation for CloseGround<'_> {
    type Output = Manifest;
    const NAME: &'static str = "create_manifest";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        if self.request.numbers.is_empty() {
            return Err(Error::invalid("numbers", "there is nothing to close"));
        }
        Outgoing::put(END_OF_DAY).json(&close_body(self.config, self.request, None))
    }

    fn parse(&self, response: Response) -> Result<Manifest> {
        let answer: WithTransaction<CloseAnswer> = response.json()?;
        map::manifest(self.request, answer)
    }
}

/// Asks for the form of a label that was closed. Closes nothing.
pub(super) struct ReprintGround<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) request: &'a ManifestRequest,
    pub(super) number: &'a TrackingNumber,
}

impl Operation for ReprintGround<'_> {
    type Output = Manifest;
    const NAME: &'static str = "reprint_manifest";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post(END_OF_DAY).json(&close_body(self.config, self.request, Some(self.number)))
    }

    fn parse(&self, response: Response) -> Result<Manifest> {
        let answer: WithTransaction<CloseAnswer> = response.json()?;
        map::manifest(self.request, answer)
    }
}

/// The slash is part of the path.
const END_OF_DAY: &str = "/ship/v1/endofday/";

fn close_body<'a>(
    config: &'a FedexConfig,
    request: &ManifestRequest,
    again: Option<&'a TrackingNumber>,
) -> CloseBody<'a> {
    CloseBody {
        close_req_type: if again.is_some() { "RGCDR" } else { "GCDR" },
        ground_service_category: "GROUND",
        account_number: map::account(config),
        close_date: map::date(request.mailing_date),
        again: again.map(|number| Reprint {
            reprint_option: "BY_TRACKING_NUMBER",
            tracking_number: number.as_str(),
        }),
        close_document_specification: CloseDocuments { close_document_types: ["MANIFEST"] },
    }
}

/// Orders a driver.
pub(super) struct SchedulePickup<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) request: &'a PickupRequest,
}

impl Operation for SchedulePickup<'_> {
    type Output = Pickup;
    const NAME: &'static str = "schedule_pickup";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/pickup/v1/pickups").json(&map::pickup_body(self.config, self.request)?)
    }

    fn parse(&self, response: Response) -> Result<Pickup> {
        map::pickup(self.request, output::<PickupAnswer>(&response)?)
    }
}

/// Cancels a driver.
pub(super) struct CancelPickup<'a> {
    pub(super) config: &'a FedexConfig,
    pub(super) pickup: &'a Pickup,
}

impl Operation for CancelPickup<'_> {
    type Output = ();
    const NAME: &'static str = "cancel_pickup";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let (carrier_code, location) = map::pickup_reference(self.pickup);
        Outgoing::put("/pickup/v1/pickups/cancel").json(&CancelPickupBody {
            associated_account_number: map::account(self.config),
            pickup_confirmation_code: &self.pickup.confirmation,
            scheduled_date: map::date(self.pickup.date),
            carrier_code,
            location,
        })
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}
