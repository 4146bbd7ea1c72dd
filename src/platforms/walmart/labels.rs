//! Ship with Walmart: labels at Walmart's rates.

use chrono::{DateTime, SecondsFormat, Utc};
use http::StatusCode;
use http::header::ACCEPT;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::config::Market;
use super::quota;
use crate::address::{Contact, Country};
use crate::client::wire::{
    OneOrMany, exact_decimal, string_or_number, string_or_number_opt, unexpected,
};
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::{Error, Result};
use crate::ids::{CarrierId, IdempotencyKey, LineId, PlatformOrderId, ServiceCode, TrackingNumber};
use crate::money::{Currency, Money};
use crate::order::{DeadlineKind, PlatformOrder};
use crate::ports::ShipmentNoticeLine;
use crate::shipment::{
    Document, DocumentKind, Label, LabelCost, LabelFormat, LabelRecord, LabelRequest, RateQuote,
    RateRequest, ServiceKey,
};
use crate::units::{Dimensions, Grams};

/// The package type of a box of one's own, as in every example.
const OWN_BOX: &str = "CUSTOM_PACKAGE";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BoxDimensions {
    box_dimension_unit: &'static str,
    box_weight_unit: &'static str,
    box_weight: Box<RawValue>,
    box_length: Box<RawValue>,
    box_width: Box<RawValue>,
    box_height: Box<RawValue>,
}

impl BoxDimensions {
    fn new(weight: Grams, dimensions: Option<Dimensions>) -> Result<Self> {
        let Some(dimensions) = dimensions else {
            return Err(Error::invalid("dimensions", "Ship with Walmart needs the box's size"));
        };
        let number = |value: Decimal| {
            RawValue::from_string(value.normalize().to_string())
                .map_err(|_| Error::invalid("dimensions", "cannot be written as a number"))
        };
        Ok(Self {
            box_dimension_unit: "IN",
            box_weight_unit: "LB",
            box_weight: number(weight.to_pounds(3))?,
            box_length: number(dimensions.length.to_inches(2))?,
            box_width: number(dimensions.width.to_inches(2))?,
            box_height: number(dimensions.height.to_inches(2))?,
        })
    }
}

/// What is in a box; the line number is a text whatever one of the examples shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BoxItem {
    pub(super) line_number: String,
    pub(super) sku: String,
    pub(super) quantity: u32,
}

impl BoxItem {
    /// The units of a parcel, with the SKUs that Walmart wants beside them.
    pub(super) fn of_lines(
        order: &PlatformOrder,
        lines: &[ShipmentNoticeLine],
    ) -> Result<Vec<Self>> {
        lines.iter().map(|line| Self::new(order, &line.line, line.units)).collect()
    }

    /// Every unit of an order.
    pub(super) fn of_order(order: &PlatformOrder) -> Result<Vec<Self>> {
        let lines = order.lines.iter().filter(|line| line.quantity > 0);
        lines.map(|line| Self::new(order, &line.id, line.quantity)).collect()
    }

    fn new(order: &PlatformOrder, line: &LineId, quantity: u32) -> Result<Self> {
        let known = order.lines.iter().find(|known| known.id == *line);
        let sku = known.and_then(|known| known.sku.as_ref());
        let Some(sku) = sku else {
            return Err(Error::invalid("lines.line", "is no line of the order with a SKU"));
        };
        Ok(Self { line_number: line.as_str().to_owned(), sku: sku.as_str().to_owned(), quantity })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RateAddress {
    postal_code: String,
    country_code: String,
    address_lines: Vec<String>,
    city: String,
    state: String,
}

impl RateAddress {
    fn new(contact: &Contact, field: &str) -> Result<Self> {
        let address = &contact.address;
        Ok(Self {
            postal_code: wanted(address.postal_code.as_deref(), field, "postal_code")?,
            country_code: address.country.unwrap_or(Country::US).as_str().to_owned(),
            address_lines: address.lines.iter().map(|line| line.as_str().to_owned()).collect(),
            city: wanted(Some(&address.city), field, "city")?,
            state: wanted(address.state.as_deref(), field, "state")?,
        })
    }
}

fn wanted(text: Option<&str>, owner: &str, field: &str) -> Result<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| Error::invalid(format!("{owner}.{field}"), "is needed by Walmart"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RateBody<'a> {
    package_type: &'static str,
    purchase_order_id: &'a str,
    box_items: &'a [BoxItem],
    box_dimensions: BoxDimensions,
    ship_by_date: String,
    deliver_by_date: String,
    from_address: RateAddress,
    to_address: RateAddress,
    include_services_not_meeting_delivery_promise: bool,
}

/// `POST /v3/shipping/labels/shipping-estimates`.
pub(super) struct EstimateRates<'a> {
    pub(super) order: &'a PlatformOrder,
    pub(super) items: &'a [BoxItem],
    pub(super) request: &'a RateRequest,
    pub(super) now: DateTime<Utc>,
}

#[derive(Deserialize)]
struct RatesAnswer {
    data: RatesData,
}

#[derive(Deserialize)]
struct RatesData {
    #[serde(default)]
    estimates: OneOrMany<Estimate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Estimate {
    name: String,
    #[serde(default)]
    display_name: Option<String>,
    estimated_rate: RateAmount,
    #[serde(default)]
    delivery_date: Option<String>,
    carrier_name: String,
}

#[derive(Deserialize)]
struct RateAmount {
    #[serde(deserialize_with = "exact_decimal")]
    amount: Decimal,
    currency: String,
}

/// What buying needs of an estimate, and the price that no later answer repeats.
#[derive(Serialize, Deserialize)]
struct QuoteToken {
    carrier: String,
    service: String,
    price: Money,
}

impl QuoteToken {
    fn read(token: Option<&str>) -> Option<Self> {
        serde_json::from_str(token?).ok()
    }
}

impl Operation for EstimateRates<'_> {
    type Output = Vec<RateQuote>;
    const NAME: &'static str = "rates";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::LABELS;

    fn request(&self) -> Result<Outgoing> {
        let due = |kind: DeadlineKind, field: &str| {
            let found = self.order.deadlines.iter().find(|deadline| deadline.kind == kind);
            found.map(|due| due.at.to_rfc3339_opts(SecondsFormat::Millis, true)).ok_or_else(|| {
                Error::invalid(field, "the order has no such date, and Walmart wants one")
            })
        };
        let body = RateBody {
            package_type: OWN_BOX,
            purchase_order_id: self.order.id.as_str(),
            box_items: self.items,
            box_dimensions: BoxDimensions::new(self.request.weight, self.request.dimensions)?,
            ship_by_date: due(DeadlineKind::ShipBy, "order.ship_by")?,
            deliver_by_date: due(DeadlineKind::DeliverBy, "order.deliver_by")?,
            from_address: RateAddress::new(&self.request.sender, "sender")?,
            to_address: RateAddress::new(&self.request.recipient, "recipient")?,
            include_services_not_meeting_delivery_promise: true,
        };
        Outgoing::post("/v3/shipping/labels/shipping-estimates").json(&body)
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        let answer: RatesAnswer = response.json()?;
        answer.data.estimates.into_iter().map(|estimate| self.quote(estimate)).collect()
    }
}

impl EstimateRates<'_> {
    fn quote(&self, estimate: Estimate) -> Result<RateQuote> {
        let currency = Currency::new(&estimate.estimated_rate.currency)
            .map_err(|_| unexpected("estimatedRate.currency is no currency"))?;
        let total = Money::new(estimate.estimated_rate.amount, currency);
        let service = ServiceKey::new(
            carrier_id(&estimate.carrier_name)?,
            ServiceCode::new(estimate.name.clone())
                .map_err(|_| unexpected("estimates.name is not usable as a service"))?,
        );
        let day = estimate.delivery_date.as_deref().and_then(|text| {
            DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc().date_naive())
        });
        let token = QuoteToken {
            carrier: estimate.carrier_name,
            service: estimate.name.clone(),
            price: total,
        };
        Ok(RateQuote {
            service,
            name: estimate.display_name.unwrap_or(estimate.name),
            total,
            deliver_on: day,
            transit_days: None,
            guaranteed: false,
            token: serde_json::to_string(&token).ok(),
            quoted_at: self.now,
        })
    }
}

/// Our id of a carrier: Walmart's short name in lower case.
fn carrier_id(name: &str) -> Result<CarrierId> {
    CarrierId::new(name.trim().to_ascii_lowercase().replace(' ', "-"))
        .map_err(|_| unexpected("carrierName is not usable as a carrier"))
}

/// Walmart's short name of one of our carriers.
fn short_name(carrier: &CarrierId) -> String {
    match super::carriers::naming(carrier.as_str(), Market::UnitedStates) {
        crate::ports::CarrierNaming::Code(code) => code,
        _ => carrier.as_str().to_owned(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SenderAddress {
    contact_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_name: Option<String>,
    address_line1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_line2: Option<String>,
    city: String,
    state: String,
    postal_code: String,
    country: String,
    phone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

impl SenderAddress {
    fn new(contact: &Contact) -> Result<Self> {
        let address = &contact.address;
        let text = |value: Option<&str>, field| wanted(value, "sender", field);
        let company = contact.company.as_ref().map(|company| company.as_str().to_owned());
        let name = Some(contact.name.as_str()).filter(|name| !name.trim().is_empty());
        Ok(Self {
            contact_name: text(name.or(company.as_deref()), "name")?,
            company_name: company,
            address_line1: text(Some(address.line1()), "address.lines")?,
            address_line2: address.further_lines(),
            city: text(Some(&address.city), "city")?,
            state: text(address.state.as_deref(), "state")?,
            postal_code: text(address.postal_code.as_deref(), "postal_code")?,
            country: address.country.unwrap_or(Country::US).as_str().to_owned(),
            phone: text(contact.phone.as_ref().map(|phone| phone.as_str()), "phone")?,
            email: contact.email.as_ref().map(|email| email.as_str().to_owned()),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuyBody<'a> {
    package_type: &'static str,
    box_dimensions: BoxDimensions,
    box_items: &'a [BoxItem],
    from_address: SenderAddress,
    purchase_order_id: &'a str,
    carrier_name: String,
    carrier_service_type: String,
}

/// `POST /v3/shipping/labels`; the answer holds the number, the document is fetched apart.
pub(super) struct BuyLabel<'a> {
    pub(super) order: &'a PlatformOrderId,
    pub(super) items: &'a [BoxItem],
    pub(super) label: &'a LabelRequest,
}

#[derive(Deserialize)]
struct OneLabel {
    data: SoldLabel,
}

#[derive(Deserialize)]
struct ManyLabels {
    #[serde(default)]
    data: OneOrMany<SoldLabel>,
}

/// A label as Walmart knows it. Its price is not among the fields.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SoldLabel {
    #[serde(deserialize_with = "string_or_number")]
    pub(super) tracking_no: String,
    #[serde(default)]
    box_items: OneOrMany<SoldItem>,
    pub(super) carrier_name: String,
    #[serde(default)]
    carrier_service_type: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SoldItem {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    sku: Option<String>,
    quantity: u32,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    line_number: Option<String>,
}

impl SoldLabel {
    /// Whether exactly these units are in its box.
    pub(super) fn holds(&self, items: &[BoxItem]) -> bool {
        let mut wanted: Vec<_> =
            items.iter().map(|item| (item.line_number.as_str(), item.quantity)).collect();
        let mut held: Vec<_> = self
            .box_items
            .iter()
            .map(|item| (item.line_number.as_deref().unwrap_or_default(), item.quantity))
            .collect();
        wanted.sort_unstable();
        held.sort_unstable();
        let skus_fit = self.box_items.iter().all(|held| {
            held.sku.is_none() || items.iter().any(|item| Some(&item.sku) == held.sku.as_ref())
        });
        wanted == held && skus_fit
    }

    /// What is kept of it. Without the request the price is unknown and reads zero.
    pub(super) fn record(
        &self,
        key: IdempotencyKey,
        request: Option<&LabelRequest>,
        now: DateTime<Utc>,
        formats: Vec<LabelFormat>,
    ) -> Result<LabelRecord> {
        let token = request.and_then(|request| QuoteToken::read(request.token.as_deref()));
        let price = token.map_or(Money::zero(Currency::USD), |token| token.price);
        let sold_as = self.carrier_service_type.clone().unwrap_or_else(|| "unknown".to_owned());
        let service = match request {
            Some(request) => request.service.service.clone(),
            None => ServiceCode::new(sold_as)
                .map_err(|_| unexpected("carrierServiceType is not usable"))?,
        };
        Ok(LabelRecord {
            key,
            carrier: carrier_id(&self.carrier_name)?,
            service,
            number: TrackingNumber::new(self.tracking_no.clone())
                .map_err(|_| unexpected("trackingNo is not usable as a number"))?,
            carrier_reference: Some(self.carrier_name.clone()),
            cost: LabelCost::plain(price),
            purchased_at: now,
            mailing_date: request.map(|request| request.mailing_date),
            formats,
        })
    }
}

impl Operation for BuyLabel<'_> {
    type Output = SoldLabel;
    const NAME: &'static str = "buy_label";
    // Money, and no key.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = quota::LABELS;

    fn request(&self) -> Result<Outgoing> {
        let label = self.label;
        let token = QuoteToken::read(label.token.as_deref());
        let (carrier_name, carrier_service_type) = match token {
            Some(token) => (token.carrier, token.service),
            None => (short_name(&label.service.carrier), label.service.service.as_str().to_owned()),
        };
        let body = BuyBody {
            package_type: OWN_BOX,
            box_dimensions: BoxDimensions::new(label.weight, label.dimensions)?,
            box_items: self.items,
            from_address: SenderAddress::new(&label.sender)?,
            purchase_order_id: self.order.as_str(),
            carrier_name,
            carrier_service_type,
        };
        Outgoing::post("/v3/shipping/labels").json(&body)
    }

    fn parse(&self, response: Response) -> Result<SoldLabel> {
        Ok(response.json::<OneLabel>()?.data)
    }
}

/// `GET /v3/shipping/labels/purchase-orders/{purchaseOrderId}`.
pub(super) struct ListLabels<'a> {
    pub(super) order: &'a PlatformOrderId,
}

impl Operation for ListLabels<'_> {
    type Output = Vec<SoldLabel>;
    const NAME: &'static str = "list_labels";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::LABELS;

    fn request(&self) -> Result<Outgoing> {
        let order = percent_encode(self.order.as_str());
        Ok(Outgoing::get(format!("/v3/shipping/labels/purchase-orders/{order}")))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        if response.status == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        Ok(response.json::<ManyLabels>()?.data.into_vec())
    }
}

fn document_path(carrier: &str, number: &str) -> String {
    let (carrier, number) = (percent_encode(carrier), percent_encode(number));
    format!("/v3/shipping/labels/carriers/{carrier}/trackings/{number}")
}

/// `GET /v3/shipping/labels/carriers/{carrierShortName}/trackings/{trackingNo}`.
pub(super) struct DownloadLabel<'a> {
    pub(super) sold: &'a SoldLabel,
    pub(super) png: bool,
}

impl Operation for DownloadLabel<'_> {
    type Output = Document;
    const NAME: &'static str = "download_label";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::LABELS;

    fn request(&self) -> Result<Outgoing> {
        let media = if self.png { "image/png" } else { "application/pdf" };
        Outgoing::get(document_path(&self.sold.carrier_name, &self.sold.tracking_no))
            .header(ACCEPT, media)
    }

    fn parse(&self, response: Response) -> Result<Document> {
        // The first bytes decide, not the request and not the header.
        let format = if response.body.starts_with(b"%PDF") {
            LabelFormat::Pdf
        } else if response.body.starts_with(b"\x89PNG") {
            LabelFormat::Png
        } else {
            return Err(unexpected("the label is neither PDF nor PNG"));
        };
        Ok(Document::new(DocumentKind::Label, format, response.body.to_vec()))
    }
}

/// `DELETE` of the same address.
pub(super) struct DiscardLabel<'a> {
    pub(super) label: &'a LabelRecord,
}

impl Operation for DiscardLabel<'_> {
    type Output = ();
    const NAME: &'static str = "discard_label";
    // The number is gone after the first time.
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::LABELS;

    fn request(&self) -> Result<Outgoing> {
        let label = self.label;
        let carrier = label.carrier_reference.clone().unwrap_or_else(|| short_name(&label.carrier));
        Ok(Outgoing::delete(document_path(&carrier, label.number.as_str())))
    }

    fn parse(&self, response: Response) -> Result<()> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(deserialize_with = "crate::client::wire::lenient_bool")]
            data: bool,
        }
        if response.json::<Answer>()?.data {
            return Ok(());
        }
        Err(Error::new(crate::ErrorKind::Rejected, "the label was not given back"))
    }
}

/// A label with its document.
pub(super) fn with_document(mut record: LabelRecord, document: Document) -> Label {
    record.formats = vec![document.format.clone()];
    Label { record, documents: vec![document] }
}
