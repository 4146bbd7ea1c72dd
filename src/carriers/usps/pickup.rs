//! Pickups: theirs to ours and back.

use chrono::NaiveDate;

use super::address::{fit, fit_name, phone_digits};
use super::catalogue::{
    GROUND_ADVANTAGE, PRIORITY_MAIL, PRIORITY_MAIL_EXPRESS, is_international, mail_class,
};
use super::config::UspsConfig;
use super::map::{day, read_day, unexpected};
use super::wire::{
    PickupAddress, PickupAnswer, PickupBody, PickupContact, PickupLocation, PickupPackages,
    PickupPlace,
};
use crate::client::wire::{Number, OneOrMany};
use crate::error::{Error, Result};
use crate::ports::{Pickup, PickupRequest};

const LOCATIONS: [&str; 10] = [
    "FRONT_DOOR",
    "BACK_DOOR",
    "SIDE_DOOR",
    "KNOCK_ON_DOOR",
    "MAIL_ROOM",
    "OFFICE",
    "PORCH",
    "RECEPTION",
    "MAILBOX",
    "OTHER",
];

pub(super) fn pickup_body(config: &UspsConfig, request: &PickupRequest) -> Result<PickupBody> {
    let name = fit_name("place", &request.place)?;
    let (Some(first_name), Some(last_name)) = (name.first, name.last) else {
        return Err(Error::invalid("place.name", "a pickup needs a first and a last name"));
    };
    let fitted = fit("place", &request.place.address)?;
    let email = request
        .place
        .email
        .as_ref()
        .filter(|email| !email.is_blank())
        .map(|email| PickupContact::Email(email.as_str().trim().to_owned()));
    let phone = phone_digits(request.place.phone.as_ref()).map(PickupContact::CellNumber);
    let contact: Vec<PickupContact> = email.into_iter().chain(phone).collect();
    if contact.is_empty() {
        return Err(Error::invalid("place.phone", "a pickup needs a phone or an e-mail address"));
    }
    let location = request.location.as_deref().unwrap_or(&config.pickup_location).trim();
    let location = location.to_ascii_uppercase().replace([' ', '-'], "_");
    if !LOCATIONS.contains(&location.as_str()) {
        return Err(Error::invalid("location", "is not one of the carrier's pickup locations"));
    }
    let instructions = request.instructions.clone().filter(|text| !text.trim().is_empty());
    if location == "OTHER" && instructions.is_none() {
        return Err(Error::invalid("instructions", "are needed for the location OTHER"));
    }
    let mut packages: Vec<PickupPackages> = Vec::new();
    for (service, count) in request.parcels.iter().filter(|(_, count)| *count > 0) {
        let package_type = match mail_class(&service.service).as_str() {
            GROUND_ADVANTAGE => "USPS_GROUND_ADVANTAGE",
            PRIORITY_MAIL => "PRIORITY_MAIL",
            PRIORITY_MAIL_EXPRESS => "PRIORITY_MAIL_EXPRESS",
            class if is_international(class) => "INTERNATIONAL",
            _ => "OTHER",
        };
        match packages.iter_mut().find(|known| known.package_type == package_type) {
            Some(known) => known.package_count = known.package_count.saturating_add(*count),
            None => packages.push(PickupPackages { package_type, package_count: *count }),
        }
    }
    if packages.is_empty() {
        return Err(Error::invalid("parcels", "there is nothing to fetch"));
    }
    Ok(PickupBody {
        pickup_date: day(request.date),
        pickup_address: PickupAddress {
            first_name,
            last_name,
            firm: name.firm,
            address: PickupPlace {
                street_address: fitted.street,
                secondary_address: fitted.secondary,
                city: fitted.city,
                state: fitted.state,
                zip_code: fitted.zip5,
                zip_plus4: fitted.plus4,
            },
            contact,
        },
        packages,
        estimated_weight: Number(request.weight.to_pounds(2)),
        pickup_location: PickupLocation {
            package_location: location,
            special_instructions: instructions,
        },
    })
}

pub(super) fn pickup(answer: OneOrMany<PickupAnswer>, asked: NaiveDate) -> Result<Pickup> {
    let answer = answer.into_iter().next().ok_or_else(|| unexpected("the answer has no pickup"))?;
    let confirmation = answer
        .confirmation_number
        .filter(|number| !number.trim().is_empty())
        .ok_or_else(|| unexpected("the pickup has no confirmation number"))?;
    let date = answer
        .pickup_date
        .or_else(|| answer.carrier_pickup_request.and_then(|nested| nested.pickup_date))
        .as_deref()
        .and_then(read_day)
        .unwrap_or(asked);
    Ok(Pickup { confirmation, date, cost: None, reference: None })
}
