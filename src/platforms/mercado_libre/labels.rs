//! The platform's labels: downloaded, not bought.

use async_trait::async_trait;
use chrono::Utc;
use http::header::ACCEPT;

use super::calls::Get;
use super::look::Seen;
use super::map::Ways;
use super::statuses::Effect;
use super::wire::WireShipment;
use super::writes::{parcel_id, why_not_to_ship};
use super::{MERCADO_LIBRE, MercadoLibre, quota, refused, unsupported};
use crate::client::wire::unexpected;
use crate::client::{Operation, Outgoing, Repeat, Response};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{
    CarrierId, IdempotencyKey, PlatformOrderId, PlatformPackageId, ServiceCode, TrackingNumber,
};
use crate::order::PlatformOrder;
use crate::ports::{PlatformLabelRequest, PlatformLabels};
use crate::shipment::{
    Document, DocumentKind, Label, LabelCost, LabelFormat, LabelRecord, RateQuote, RateRequest,
};

/// Who carries what the platform labels.
const CARRIER: CarrierId = CarrierId::from_static("mercado-envios");
/// "At most 50 ids per call."
const AT_ONCE: usize = 50;

/// Labels of many shipments.
#[derive(Debug)]
#[non_exhaustive]
pub struct LabelBatch {
    /// The documents, each with the shipments it holds, in the order asked for.
    pub documents: Vec<(Vec<PlatformPackageId>, Document)>,
    /// Shipments without a label, and why.
    pub refused: Vec<(PlatformPackageId, Error)>,
}

/// `GET /shipment_labels`.
struct Download<'a> {
    global: bool,
    shipments: &'a [PlatformPackageId],
    format: &'a LabelFormat,
}

impl Operation for Download<'_> {
    type Output = Document;
    const NAME: &'static str = "download_label";
    // The first download moves the shipment to `printed`, later ones change nothing.
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::LABELS;

    fn request(&self) -> Result<Outgoing> {
        if self.global {
            let [shipment] = self.shipments else {
                return Err(Error::invalid("shipments", "labels come one by one across borders"));
            };
            if *self.format != LabelFormat::Pdf {
                return Err(Error::invalid("format", "labels across borders are PDF"));
            }
            let path = format!(
                "/marketplace/shipments/{}/labels",
                crate::client::percent_encode(shipment.as_str())
            );
            return Outgoing::get(path).header(ACCEPT, "application/pdf");
        }
        let kind = match self.format {
            LabelFormat::Pdf => "pdf",
            LabelFormat::Zpl => "zpl2",
            _ => return Err(Error::invalid("format", "labels are PDF or ZPL")),
        };
        let ids: Vec<&str> = self.shipments.iter().map(PlatformPackageId::as_str).collect();
        Outgoing::get("/shipment_labels")
            .query("shipment_ids", ids.join(","))
            .query("response_type", kind)
            .header(ACCEPT, "*/*")
    }

    fn parse(&self, response: Response) -> Result<Document> {
        let body = &response.body;
        let (format, bytes) = match self.format {
            LabelFormat::Pdf if is_whole_pdf(body) => (LabelFormat::Pdf, body.to_vec()),
            LabelFormat::Zpl if body.starts_with(b"PK") => match stored_entry(body) {
                Some(text) => (LabelFormat::Zpl, text.to_vec()),
                None => (LabelFormat::Other("zip".to_owned()), body.to_vec()),
            },
            LabelFormat::Zpl if is_whole_zpl(body) => (LabelFormat::Zpl, body.to_vec()),
            _ => return Err(unexpected("the answer is no label of the format asked for")),
        };
        Ok(Document::new(DocumentKind::Label, format, bytes))
    }
}

fn is_whole_pdf(body: &[u8]) -> bool {
    body.starts_with(b"%PDF-") && body.trim_ascii_end().ends_with(b"%%EOF")
}

fn is_whole_zpl(body: &[u8]) -> bool {
    let text = body.trim_ascii();
    (text.starts_with(b"^XA") || text.starts_with(b"~") || text.starts_with(b"\xEF\xBB\xBF^XA"))
        && text.ends_with(b"^XZ")
}

/// The first file of a ZIP archive, if it is stored as it is.
fn stored_entry(archive: &[u8]) -> Option<&[u8]> {
    let short = |at: usize| -> Option<usize> {
        let bytes: [u8; 2] = archive.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(u16::from_le_bytes(bytes)))
    };
    let long = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = archive.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    archive.strip_prefix(b"PK\x03\x04")?;
    let (flags, method, size) = (short(6)?, short(8)?, long(18)?);
    let start = 30_usize.checked_add(short(26)?)?.checked_add(short(28)?)?;
    // With bit 3 the size stands behind the file.
    let entry = archive.get(start..start.checked_add(size)?)?;
    (method == 0 && flags & 0b1000 == 0 && is_whole_zpl(entry)).then_some(entry)
}

/// Whether the label of a shipment can be downloaded now, or why not.
fn printable(order: &PlatformOrder, shipment: &WireShipment) -> Result<()> {
    const NAME: &str = "buy_label";
    if let Some(why) = why_not_to_ship(order) {
        return Err(refused(NAME, why));
    }
    match shipment.ways() {
        Ways { kind: Some("fulfillment"), .. } => {
            return Err(unsupported(NAME, "the platform ships the parcel itself"));
        }
        Ways { mode: Some("me2"), .. } => {}
        _ => return Err(unsupported(NAME, "the seller's own carrier makes the label")),
    }
    if matches!(shipment.effect(), Some(Effect::LabelReady | Effect::Collection)) {
        return Ok(());
    }
    let buffered = shipment.lead_time.as_ref().and_then(|lead| lead.buffering.at());
    let error = refused(NAME, format!("there is no label in the status {}", shipment.words()));
    Err(match buffered {
        Some(at) => error.with_context("not_before", at.to_rfc3339()),
        None => error,
    })
}

fn record(
    key: IdempotencyKey,
    order: &PlatformOrder,
    shipment: &WireShipment,
    now: chrono::DateTime<Utc>,
) -> Result<LabelRecord> {
    let number = shipment
        .tracking_number
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        // A courier of the seller's scans the shipment's own id.
        .or_else(|| (shipment.ways().kind == Some("self_service")).then_some(shipment.id.as_str()))
        .ok_or_else(|| unexpected("tracking_number is missing"))?;
    let service = shipment.ways().kind.unwrap_or("default").to_owned();
    Ok(LabelRecord {
        key,
        carrier: CARRIER,
        service: ServiceCode::new(service)
            .map_err(|_| unexpected("logistic.type is not usable as a service"))?,
        number: TrackingNumber::new(number)
            .map_err(|_| unexpected("tracking_number is not usable as a number"))?,
        carrier_reference: Some(shipment.id.clone()),
        // The platform settles the transport with the sale, and says no price of the label.
        cost: LabelCost::unstated(order.total.currency),
        purchased_at: shipment.last_updated.unwrap_or(now),
        mailing_date: None,
        formats: Vec::new(),
    })
}

impl MercadoLibre {
    async fn label(
        &self,
        key: IdempotencyKey,
        seen: &Seen,
        shipment: &WireShipment,
        format: &LabelFormat,
    ) -> Result<Label> {
        let mut record = record(key, &seen.order, shipment, self.clock.now())?;
        let shipments = [parcel_id(shipment)?];
        let call = Download { global: self.paths.global, shipments: &shipments, format };
        let document = self.client.call(&call).await?;
        record.formats = vec![document.format.clone()];
        Ok(Label { record, documents: vec![document] })
    }

    /// Downloads the labels of many shipments, fifty a call. Where one id spoils a call, its ids are
    /// asked for one by one.
    ///
    /// # Errors
    /// Only what concerns all of them: a refused account, a wrong format. What concerns one shipment
    /// is in [`LabelBatch::refused`].
    pub async fn download_labels(
        &self,
        shipments: &[PlatformPackageId],
        format: &LabelFormat,
    ) -> Result<LabelBatch> {
        let mut batch = LabelBatch { documents: Vec::new(), refused: Vec::new() };
        let global = self.paths.global;
        for shipments in shipments.chunks(if global { 1 } else { AT_ONCE }) {
            match self.client.call(&Download { global, shipments, format }).await {
                Ok(document) => {
                    batch.documents.push((shipments.to_vec(), document));
                    continue;
                }
                Err(error) if concerns_all(&error) => return Err(error),
                Err(error) => {
                    if let [only] = shipments {
                        batch.refused.push((only.clone(), error));
                        continue;
                    }
                }
            }
            for shipment in shipments {
                let one = std::slice::from_ref(shipment);
                match self.client.call(&Download { global, shipments: one, format }).await {
                    Ok(document) => batch.documents.push((one.to_vec(), document)),
                    Err(error) if concerns_all(&error) => return Err(error),
                    Err(error) => batch.refused.push((shipment.clone(), error)),
                }
            }
        }
        Ok(batch)
    }
}

fn concerns_all(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AuthRejected | ErrorKind::AuthExpired | ErrorKind::InvalidInput
    )
}

#[async_trait]
impl PlatformLabels for MercadoLibre {
    async fn rates(
        &self,
        _order: &PlatformOrderId,
        _request: &RateRequest,
    ) -> Result<Vec<RateQuote>> {
        Err(unsupported("estimate_rates", "buyer and platform have chosen service and price"))
    }

    async fn buy(&self, request: &PlatformLabelRequest, key: &IdempotencyKey) -> Result<Label> {
        let format = &request.label.format;
        if !matches!(format, LabelFormat::Pdf | LabelFormat::Zpl) {
            return Err(Error::invalid("label.format", "labels are PDF or ZPL"));
        }
        let seen = self.look(&request.order).await?;
        let Some(shipment) = seen.shipment() else {
            return Err(unsupported("buy_label", "the transport is arranged with the buyer"));
        };
        printable(&seen.order, shipment)?;
        self.label(*key, &seen, shipment, format).await
    }

    async fn existing(&self, order: &PlatformOrderId) -> Result<Vec<Label>> {
        let seen = self.look(order).await?;
        let Some(shipment) = seen.shipment() else { return Ok(Vec::new()) };
        if printable(&seen.order, shipment).is_err()
            || shipment.effect() != Some(Effect::Collection)
        {
            return Ok(Vec::new());
        }
        // The platform does not know our key: one that is the same every time stands in for it.
        let key = IdempotencyKey::derive(&["mercado-libre-label", &shipment.id]);
        match self.label(key, &seen, shipment, &LabelFormat::Pdf).await {
            Ok(label) => Ok(vec![label]),
            // It exists, whether its document can be had or not.
            Err(_) => Ok(vec![Label {
                record: record(key, &seen.order, shipment, self.clock.now())?,
                documents: Vec::new(),
            }]),
        }
    }

    async fn discard(&self, label: &LabelRecord) -> Result<()> {
        if let Some(shipment) = &label.carrier_reference {
            let call = Get::<WireShipment>::new(self.paths.shipment(shipment, ""));
            if self.client.call(&call).await?.0.effect() == Some(Effect::Void) {
                return Ok(());
            }
        }
        Err(Error::unsupported("labels are not given back: they lapse with the shipment")
            .with_operation(MERCADO_LIBRE.as_str(), "discard_label"))
    }
}
