//! Parcels to other countries, in the carrier's fields: nothing is ever cut.

use serde::Serialize;

use super::address::{self, CITY_LENGTH, fit_name, fit_street};
use super::catalogue::{PRIORITY_MAIL_EXPRESS_INTERNATIONAL, is_international, mail_class};
use super::config::{PriceType, UspsConfig};
use super::customs::CustomsForm;
use super::map;
use super::map::{day, dollars, inches, pounds, pricing};
use super::wire::{ImageInfo, LabelPackage, OptionsPackage, PostalAddress, PricingOption};
use crate::address::{Address, Contact, Country};
use crate::carriers::fitting::{fit_text, misfit, printable_address, squeezed};
use crate::error::{Error, Result};
use crate::order::AddressProblem;
use crate::personal::Personal;
use crate::shipment::{DutiesPayer, LabelFormat, LabelRequest, RateRequest};

/// Longest foreign postcode, and province (international labels specification 3.3.7).
const POSTCODE_LENGTH: usize = 11;
const PROVINCE_LENGTH: usize = 40;
/// "Up to two customer references may be provided."
pub(super) const REFERENCES: usize = 2;

// ---- Quotes ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OptionsRequest<'a> {
    pricing_options: [PricingOption<'a>; 1],
    #[serde(rename = "originZIPCode")]
    origin_zip_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_postal_code: Option<String>,
    destination_country_code: String,
    package_description: OptionsPackage<'a>,
}

/// Whether anything can be offered: duties are never paid by the sender here, see
/// [`customs::form`](super::customs::form).
pub(super) fn is_offered(request: &RateRequest) -> bool {
    request.customs.as_ref().is_none_or(|customs| customs.duties != DutiesPayer::Sender)
}

pub(super) fn options_request<'a>(
    config: &'a UspsConfig,
    request: &RateRequest,
) -> Result<OptionsRequest<'a>> {
    let (origin, _) = address::zip("sender", &request.sender.address)?;
    let (country, _) = country_of("recipient", &request.recipient.address)?;
    let dimensions = request.dimensions.ok_or_else(map::no_size)?;
    let [length, width, height] = inches(dimensions)?;
    let extra_services = config.extra_services_abroad.as_slice();
    let package_value =
        if extra_services.is_empty() { None } else { dollars(request.value.as_ref())? };
    Ok(OptionsRequest {
        pricing_options: [PricingOption {
            // There is no word for agreements here; a contract not found falls back to published
            // prices.
            price_type: match config.price_type {
                PriceType::Nsa => PriceType::Contract.as_str(),
                price_type => price_type.as_str(),
            },
            ..pricing(config)
        }],
        origin_zip_code: origin,
        foreign_postal_code: postcode("recipient", &request.recipient.address, country)?,
        destination_country_code: country.to_string(),
        package_description: OptionsPackage {
            weight: pounds(request.weight)?,
            length,
            width,
            height,
            mail_class: "ALL",
            extra_services,
            package_value,
            mailing_date: day(request.mailing_date),
        },
    })
}

// ---- Labels ----

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelBody<'a> {
    pub(super) image_info: ImageInfo,
    pub(super) to_address: ForeignAddress,
    pub(super) from_address: PostalAddress,
    pub(super) package_description: LabelPackage<'a>,
    pub(super) customs_form: CustomsForm<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ForeignAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firm: Option<String>,
    street_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary_address: Option<String>,
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    province: Option<String>,
    country: &'static str,
    #[serde(rename = "countryISOAlpha2Code")]
    country_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

/// A recipient in another country.
pub(super) fn foreign_address(role: &str, contact: &Contact) -> Result<ForeignAddress> {
    let address = &contact.address;
    if address.is_masked() {
        return Err(misfit(role, "address", AddressProblem::Masked));
    }
    printable_address(role, address)?;
    let (country, country_name) = country_of(role, address)?;
    let name = fit_name(role, contact)?;
    let (street_address, secondary_address) = fit_street(role, address)?;
    let province = squeezed(address.state.as_deref().unwrap_or_default());
    if province.chars().count() > PROVINCE_LENGTH {
        return Err(misfit(role, "address.state", AddressProblem::TooLong));
    }
    Ok(ForeignAddress {
        first_name: name.first,
        last_name: name.last,
        firm: name.firm,
        street_address,
        secondary_address,
        city: fit_text(role, "address.city", &address.city, CITY_LENGTH)?,
        postal_code: postcode(role, address, country)?,
        province: Some(province).filter(|province| !province.is_empty()),
        country: country_name,
        country_code: country.to_string(),
        phone: phone(contact.phone.as_ref()),
    })
}

fn country_of(role: &str, address: &Address) -> Result<(Country, &'static str)> {
    let unrecognised = || misfit(role, "address.country", AddressProblem::Unrecognised);
    let country = address.country.ok_or_else(unrecognised)?;
    Ok((country, country.english_name().ok_or_else(unrecognised)?))
}

/// The postcode, which some countries have not.
fn postcode(role: &str, address: &Address, country: Country) -> Result<Option<String>> {
    let code = squeezed(address.postal_code.as_deref().unwrap_or_default());
    let wrong = |problem| Err(misfit(role, "address.postal_code", problem));
    if code.chars().count() > POSTCODE_LENGTH {
        return wrong(AddressProblem::TooLong);
    }
    // "When shipping to Canada, this field must start with a letter."
    if country.as_str() == "CA" && !code.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return wrong(if code.is_empty() {
            AddressProblem::Incomplete
        } else {
            AddressProblem::Unrecognised
        });
    }
    Ok(Some(code).filter(|code| !code.is_empty()))
}

/// `^\+?[1-9][0-9]{7,14}$` or `^[0-9]{6,15}$`; anything else is left out, for it is optional.
fn phone(phone: Option<&Personal<String>>) -> Option<String> {
    let text = phone?.as_str().trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let with_country = text.starts_with('+') && !digits.starts_with('0');
    match digits.len() {
        8..=15 if with_country => Some(format!("+{digits}")),
        6..=15 => Some(digits),
        _ => None,
    }
}

/// The sender of a label with a customs form: "firm is required in From Address" (160023). A sender
/// without one trades under its own name.
pub(super) fn with_firm(mut sender: PostalAddress) -> Result<PostalAddress> {
    if sender.firm.is_none() {
        let name = [sender.first_name.as_deref(), sender.last_name.as_deref()];
        let firm = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if firm.is_empty() || firm.chars().count() > address::NAME_LENGTH {
            return Err(misfit("sender", "company", AddressProblem::TooLong));
        }
        sender.firm = Some(firm);
    }
    Ok(sender)
}

/// Labels with customs forms come in fewer formats.
pub(super) fn check_format(format: &LabelFormat) -> Result<()> {
    let known = match format {
        LabelFormat::Pdf | LabelFormat::Zpl => true,
        LabelFormat::Other(name) => name.eq_ignore_ascii_case("TIFF"),
        LabelFormat::Png | LabelFormat::Epl => false,
    };
    if known {
        Ok(())
    } else {
        Err(Error::unsupported("labels with a customs form are printed as PDF, ZPL or TIFF only"))
    }
}

/// Whether the service of a purchase goes where its recipient is.
pub(super) fn check_service(request: &LabelRequest) -> Result<bool> {
    let class = mail_class(&request.service.service);
    let abroad = !address::is_domestic(&request.recipient.address);
    match (is_international(&class), abroad) {
        (true, false) => Err(Error::invalid("service", "goes to other countries only")),
        (false, true) => Err(Error::invalid("service", "does not leave the country")),
        _ => Ok(abroad),
    }
}

/// The rate indicator of a parcel in the sender's own packaging.
pub(super) fn own_packaging(class: &str) -> &'static str {
    if class == PRIORITY_MAIL_EXPRESS_INTERNATIONAL { "PA" } else { "SP" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_phone_keeps_its_country() {
        let of = |text: &str| phone(Some(&text.into()));
        assert_eq!(of("+44 20 7946 0000").as_deref(), Some("+442079460000"));
        assert_eq!(of("020 7946 0000").as_deref(), Some("02079460000"));
        assert_eq!(of("+0 12345"), Some("012345".to_owned()));
        assert_eq!(of("12"), None);
        assert_eq!(phone(None), None);
    }

    #[test]
    fn a_canadian_postcode_starts_with_a_letter() {
        let of = |code: &str, country: &str| {
            let address = Address { postal_code: Some(code.into()), ..Address::default() };
            postcode("recipient", &address, Country::new(country).unwrap()).ok()
        };
        assert_eq!(of("K1A  0B1", "CA"), Some(Some("K1A 0B1".to_owned())));
        assert_eq!(of("10115", "CA"), None);
        assert_eq!(of("", "CA"), None);
        assert_eq!(of("", "HK"), Some(None));
        assert_eq!(of("123456789012", "DE"), None);
    }
}
