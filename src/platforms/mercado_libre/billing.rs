//! To whom the invoice of a sale goes.

use serde::{Deserialize, Serialize};

use super::calls::{Get, Resource};
use super::{MercadoLibre, quota, unsupported};
use crate::address::{Address, Country};
use crate::client::percent_encode;
use crate::client::wire::{filled, or_empty, string_or_number_opt};
use crate::error::Result;
use crate::ids::PlatformOrderId;
use crate::personal::Personal;

/// "RFC XAXX010101000: the buyer wants no invoice in his name".
const NOBODY_IN_MEXICO: &str = "XAXX010101000";

/// The buyer as an invoice names him. Which of the fields there are differs from site to site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BillingInfo {
    /// The site, for example `MLB`.
    pub site: Option<String>,
    /// The person's full name, or the company's.
    pub name: Personal<String>,
    /// The kind of document: `CPF` or `CNPJ` in Brazil, `RFC` in Mexico, `DNI`, `CUIL` or `CUIT` in
    /// Argentina, `RUT` in Chile, `CC` in Colombia.
    pub document_kind: Option<String>,
    /// Its number.
    pub document: Option<Personal<String>>,
    /// Whether it is a company; `None` where the site does not say.
    pub company: Option<bool>,
    /// The kind of taxpayer, for example `IVA Responsable Inscripto` or `Contribuinte`.
    pub taxpayer: Option<String>,
    /// Brazil: the state's registration of a company.
    pub state_registration: Option<Personal<String>>,
    /// Mexico: the code of what the invoice is used for, for example `G03`.
    pub cfdi_use: Option<String>,
    /// Chile: what a company lives on.
    pub economic_activity: Option<String>,
    /// Where he has his seat; the number stands behind the street.
    pub address: Option<Address>,
    /// The answer, byte for byte.
    pub raw: Personal<String>,
}

impl BillingInfo {
    /// Whether the buyer wants no invoice in his name (Mexico).
    #[must_use]
    pub fn is_unnamed(&self) -> bool {
        self.document.as_ref().is_some_and(|number| number.as_str() == NOBODY_IN_MEXICO)
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    site_id: Option<String>,
    buyer: WireBuyer,
}

#[derive(Deserialize)]
struct WireBuyer {
    billing_info: WireInfo,
}

#[derive(Deserialize)]
struct WireInfo {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    identification: Identification,
    #[serde(default, deserialize_with = "or_empty")]
    taxes: Taxes,
    #[serde(default)]
    address: Option<WireAddress>,
    #[serde(default, deserialize_with = "or_empty")]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Identification {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    number: Option<String>,
}

#[derive(Default, Deserialize)]
struct Taxes {
    #[serde(default, deserialize_with = "or_empty")]
    taxpayer_type: Described,
    #[serde(default, deserialize_with = "or_empty")]
    inscriptions: Inscriptions,
    #[serde(default, deserialize_with = "or_empty")]
    cfdi: Described,
    #[serde(default)]
    economic_activity: Option<String>,
}

#[derive(Default, Deserialize)]
struct Described {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    id: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Default, Deserialize)]
struct Inscriptions {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    state_registration: Option<String>,
}

#[derive(Deserialize)]
struct WireAddress {
    #[serde(default)]
    street_name: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    street_number: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    neighborhood: Option<String>,
    /// `city` in Uruguay.
    #[serde(default, alias = "city")]
    city_name: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    state: WireState,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    zip_code: Option<String>,
    #[serde(default)]
    country_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct WireState {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

/// `cust_type`, or `customer_type` in Mexico: `BU` is a business, `CO` a consumer.
#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(default, alias = "customer_type")]
    cust_type: Option<String>,
}

impl Resource for Answer {
    const NAME: &'static str = "get_billing_info";
    const QUOTA: &'static str = quota::ORDERS;
}

impl WireAddress {
    fn read(self) -> Address {
        let street = filled(self.street_name.as_deref()).map(|street| {
            match filled(self.street_number.as_deref()) {
                Some(number) => format!("{street} {number}"),
                None => street,
            }
        });
        let lines = [street, filled(self.comment.as_deref()), filled(self.neighborhood.as_deref())];
        Address {
            lines: lines.into_iter().flatten().map(Personal::new).collect(),
            city: filled(self.city_name.as_deref()).unwrap_or_default(),
            // The codes are of several systems: `01`, `DIF`, `CO-DC`.
            state: filled(self.state.name.as_deref())
                .or_else(|| filled(self.state.code.as_deref())),
            postal_code: filled(self.zip_code.as_deref()),
            country: self.country_id.as_deref().and_then(Country::new),
            residential: None,
        }
    }
}

impl Answer {
    fn read(self, raw: String) -> BillingInfo {
        let info = self.buyer.billing_info;
        let names = [filled(info.name.as_deref()), filled(info.last_name.as_deref())];
        let names: Vec<String> = names.into_iter().flatten().collect();
        BillingInfo {
            site: filled(self.site_id.as_deref()),
            name: Personal::new(names.join(" ")),
            document_kind: filled(info.identification.kind.as_deref()),
            document: filled(info.identification.number.as_deref()).map(Personal::new),
            company: match info.attributes.cust_type.as_deref() {
                Some("BU") => Some(true),
                Some("CO") => Some(false),
                _ => None,
            },
            taxpayer: filled(info.taxes.taxpayer_type.description.as_deref()),
            state_registration: filled(info.taxes.inscriptions.state_registration.as_deref())
                .map(Personal::new),
            cfdi_use: filled(info.taxes.cfdi.id.as_deref()),
            economic_activity: filled(info.taxes.economic_activity.as_deref()),
            address: info.address.map(WireAddress::read),
            raw: Personal::new(raw),
        }
    }
}

impl MercadoLibre {
    /// To whom the invoice of a sale goes; `None` where the order names nobody. Takes the id of a
    /// pack or of an order: the orders of a pack have one buyer, and the first one's is read.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) across borders, where the platform
    /// invoices; otherwise whatever the calls failed with.
    pub async fn billing_info(&self, order: &PlatformOrderId) -> Result<Option<BillingInfo>> {
        if self.paths.global {
            return Err(unsupported("get_billing_info", "sales across borders have no such call"));
        }
        let (orders, _) = self.orders_of(order).await?;
        let Some(first) = orders.first() else { return Ok(None) };
        let Some(id) = &first.billing_id else { return Ok(None) };
        let site = first.site.as_deref().unwrap_or(self.site.code());
        let path = format!("/orders/billing-info/{}/{}", percent_encode(site), percent_encode(id));
        let (answer, raw) = self.client.call(&Get::<Answer>::new(path)).await?;
        Ok(Some(answer.read(raw)))
    }
}
