//! Purchases in the carrier's words, and labels in ours.

use rust_decimal::Decimal;

use super::catalogue::GROUND_ECONOMY;
use super::config::FedexConfig;
use super::customs;
use super::map::{
    account, date, declared, imperial, money, party, residential, size, smart_post,
    special_services, weight,
};
use super::wire::{
    Completed, LabelSpecification, Paper, Payment, Payor, PriceView, Reference, ResponsibleParty,
    ShipAnswer, ShipBody, Shipment, Shipped, ShippedPackage,
};
use crate::carriers::account::check_account;
use crate::carriers::events::day;
use crate::carriers::fitting::check_reference;
use crate::carriers::images::{self, Encoding};
use crate::client::wire::{Number, filled, unexpected};
use crate::error::{Error, Result};
use crate::ids::{IdempotencyKey, TrackingNumber};
use crate::ports::{Pieces, PiecesRequest};
use crate::shipment::{
    Document, DocumentKind, ExportReason, Label, LabelCost, LabelFormat, LabelRecord, LabelRequest,
    TaxIdOwner,
};
use crate::units::{Dimensions, Grams};

/// "P_O_NUMBER - 30", "INVOICE_NUMBER - 30", "DEPARTMENT_NUMBER - 30" (ship specification).
const REFERENCE_LENGTH: usize = 30;

fn label_specification(format: &LabelFormat) -> Result<LabelSpecification> {
    // Paper for lasers, stock for thermal printers: the wrong pair is refused.
    let (image_type, label_stock_type, resolution) = match format {
        LabelFormat::Pdf => ("PDF", "PAPER_4X6", None),
        LabelFormat::Png => ("PNG", "PAPER_4X6", None),
        LabelFormat::Zpl => ("ZPLII", "STOCK_4X6", Some(203)),
        LabelFormat::Epl => ("EPL2", "STOCK_4X6", Some(203)),
        LabelFormat::Other(_) => {
            return Err(Error::unsupported("the carrier has no such label format"));
        }
    };
    Ok(LabelSpecification {
        image_type,
        label_stock_type,
        label_format_type: "COMMON2D",
        resolution,
    })
}

/// One of the parcels of a shipment.
#[derive(Clone, Copy)]
pub(super) struct PieceOf<'a> {
    pub(super) weight: Grams,
    pub(super) dimensions: Option<Dimensions>,
    pub(super) references: &'a [String],
}

impl<'a> PieceOf<'a> {
    pub(super) fn single(request: &'a LabelRequest) -> Self {
        let LabelRequest { weight, dimensions, references, .. } = request;
        Self { weight: *weight, dimensions: *dimensions, references }
    }
}

pub(super) fn ship_body<'a>(
    config: &'a FedexConfig,
    request: &'a LabelRequest,
    pieces: &[PieceOf<'a>],
    purchase: &'a str,
) -> Result<ShipBody<'a>> {
    check_account(request.account.as_ref(), config.account_name.as_ref())?;
    let total = pieces.iter().fold(Grams::ZERO, |sum, piece| sum.saturating_add(piece.weight));
    let customs = customs::declaration(
        &request.sender,
        &request.recipient,
        total,
        request.customs.as_deref(),
    )?;
    let service = request.service.service.as_str();
    if service == GROUND_ECONOMY && config.hub_id.is_none() {
        return Err(Error::unsupported("Ground Economy needs a hub in the configuration"));
    }
    let imperial = imperial(&request.sender.address);
    let mut recipient = party(config, "recipient", &request.recipient)?;
    recipient.address.residential = Some(residential(&request.recipient));
    recipient.tins = customs::tins(customs, TaxIdOwner::Recipient)?;
    let mut shipper = party(config, "sender", &request.sender)?;
    shipper.tins = customs::tins(customs, TaxIdOwner::Sender)?;
    let mut total_weight = Decimal::ZERO;
    let mut packages = Vec::with_capacity(pieces.len());
    for (piece, sequence_number) in pieces.iter().zip(1..) {
        let weight = weight(piece.weight, imperial)?;
        total_weight = total_weight.saturating_add(weight.value.0);
        packages.push(ShippedPackage {
            sequence_number,
            weight,
            dimensions: piece.dimensions.map(|side| size(side, imperial)).transpose()?,
            customer_references: references(piece.references, purchase)?,
            // What is declared is the worth of the whole shipment, so it stands once.
            declared_value: declared(config, request.value.as_ref())
                .filter(|_| sequence_number == 1),
            package_special_services: special_services(config),
        });
    }
    Ok(ShipBody {
        label_response_options: "LABEL",
        merge_label_doc_option: "NONE",
        account_number: account(config),
        requested_shipment: Shipment {
            ship_datestamp: date(request.mailing_date),
            shipper,
            recipients: [recipient],
            pickup_type: config.hand_over.as_str(),
            service_type: service.to_owned(),
            packaging_type: "YOUR_PACKAGING",
            total_weight: Number(total_weight),
            shipping_charges_payment: Payment {
                payment_type: "SENDER",
                payor: Payor {
                    responsible_party: ResponsibleParty { account_number: account(config) },
                },
            },
            label_specification: label_specification(&request.format)?,
            total_package_count: u32::try_from(packages.len()).unwrap_or(u32::MAX),
            requested_package_line_items: packages,
            customs_clearance_detail: customs
                .map(|declaration| customs::clearance(config, declaration, imperial))
                .transpose()?,
            shipping_document_specification: customs
                .filter(|declaration| declaration.reason != ExportReason::Documents)
                .map(|_| customs::INVOICE),
            smart_post_info_detail: smart_post(config, total).filter(|_| service == GROUND_ECONOMY),
        },
    })
}

/// The purchase, then what the host wants to read on the label.
fn references<'a>(given: &'a [String], purchase: &'a str) -> Result<Vec<Reference<'a>>> {
    const KINDS: [&str; 3] = ["P_O_NUMBER", "INVOICE_NUMBER", "DEPARTMENT_NUMBER"];
    if given.len() > KINDS.len() {
        return Err(Error::invalid("references", "the carrier takes at most three references"));
    }
    let mut references =
        vec![Reference { customer_reference_type: "CUSTOMER_REFERENCE", value: purchase }];
    for (index, (kind, reference)) in KINDS.into_iter().zip(given).enumerate() {
        check_reference(index, reference, REFERENCE_LENGTH)?;
        references.push(Reference { customer_reference_type: kind, value: reference });
    }
    Ok(references)
}

pub(super) fn label(
    config: &FedexConfig,
    request: &LabelRequest,
    key: IdempotencyKey,
    answer: ShipAnswer,
) -> Result<Label> {
    let shipped = answer
        .transaction_shipments
        .into_iter()
        .next()
        .ok_or_else(|| unexpected("the answer has no shipment"))?;
    let Shipped { piece_responses, shipment_documents, .. } = &shipped;
    let number = piece_responses
        .iter()
        .find_map(|piece| filled(piece.tracking_number.as_deref()))
        .or_else(|| filled(shipped.master_tracking_number.as_deref()))
        .ok_or_else(|| unexpected("the shipment has no tracking number"))?;
    let of_pieces = piece_responses.iter().flat_map(|piece| &piece.package_documents);
    let mut papers = Papers::of(of_pieces);
    // What stands for the whole shipment repeats the labels of its pieces.
    let pieces_have_labels = papers.has_label();
    papers.add(
        shipment_documents
            .iter()
            .filter(|paper| !(pieces_have_labels && kind_of(paper) == DocumentKind::Label)),
    );
    let documents = papers.with_label(|| format!("shipment {number}"))?;
    let mailing_date =
        shipped.ship_datestamp.as_deref().and_then(day).or(Some(request.mailing_date));
    Ok(Label {
        record: LabelRecord {
            key,
            carrier: super::FEDEX,
            service: request.service.service.clone(),
            number: TrackingNumber::new(number)?,
            // Only whole shipments are cancelled, by the number of the master.
            carrier_reference: filled(shipped.master_tracking_number.as_deref()),
            cost: cost(config, shipped.completed_shipment_detail.as_ref()),
            purchased_at: config.calls.clock.now(),
            mailing_date,
            formats: documents.iter().map(|document| document.format.clone()).collect(),
        },
        documents,
    })
}

/// The labels of a shipment of several pieces, in their order. What it costs stands on the first.
pub(super) fn labels(
    config: &FedexConfig,
    request: &PiecesRequest,
    key: IdempotencyKey,
    answer: ShipAnswer,
) -> Result<Pieces> {
    let shipped = answer
        .transaction_shipments
        .into_iter()
        .next()
        .ok_or_else(|| unexpected("the answer has no shipment"))?;
    let master = filled(shipped.master_tracking_number.as_deref())
        .ok_or_else(|| unexpected("the shipment has no number"))?;
    if shipped.piece_responses.len() != request.pieces.len() {
        return Err(unexpected(format!(
            "shipment {master} has {} labels for {} pieces",
            shipped.piece_responses.len(),
            request.pieces.len()
        )));
    }
    let mailing_date =
        shipped.ship_datestamp.as_deref().and_then(day).or(Some(request.shipment.mailing_date));
    let whole = cost(config, shipped.completed_shipment_detail.as_ref());
    let mut labels = Vec::with_capacity(request.pieces.len());
    for piece in shipped.piece_responses.iter() {
        let number = filled(piece.tracking_number.as_deref()).ok_or_else(|| {
            unexpected(format!("a piece of shipment {master} has no tracking number"))
        })?;
        let papers = Papers::of(&piece.package_documents);
        let documents = papers.with_label(|| format!("piece {number}"))?;
        labels.push(Label {
            record: LabelRecord {
                key,
                carrier: super::FEDEX,
                service: request.shipment.service.service.clone(),
                number: TrackingNumber::new(number)?,
                carrier_reference: Some(master.clone()),
                cost: if labels.is_empty() {
                    whole.clone()
                } else {
                    LabelCost::unstated(config.currency)
                },
                purchased_at: config.calls.clock.now(),
                mailing_date,
                formats: documents.iter().map(|document| document.format.clone()).collect(),
            },
            documents,
        });
    }
    // What stands for the whole shipment repeats the labels of its pieces.
    let of_all = shipped.shipment_documents.iter();
    let Papers { documents, .. } =
        Papers::of(of_all.filter(|paper| kind_of(paper) != DocumentKind::Label));
    Ok(Pieces { number: TrackingNumber::new(master)?, labels, documents })
}

/// What the shipment costs. Never the sum of its pieces: each repeats the whole.
fn cost(config: &FedexConfig, detail: Option<&Completed>) -> LabelCost {
    let rating = detail.and_then(|detail| detail.shipment_rating.as_ref());
    let price = rating.and_then(|rating| {
        let views = &rating.shipment_rate_details;
        let kind = |view: &PriceView| view.rate_type.as_deref().unwrap_or_default().to_owned();
        let actual = rating.actual_rate_type.as_deref();
        views
            .iter()
            .find(|view| actual == Some(kind(view).as_str()))
            .or_else(|| views.iter().find(|view| kind(view).contains("ACCOUNT")))
            .or_else(|| views.first())
            .and_then(|view| money(view)?.1)
    });
    // It is missing where somebody else is billed, and zero is missing too: not free, but unknown.
    price.map_or_else(|| LabelCost::unstated(config.currency), LabelCost::plain)
}

/// The papers of a shipment or of one of its pieces. One that cannot be read is kept as it came: it
/// costs neither the label beside it nor the number.
#[derive(Default)]
struct Papers {
    documents: Vec<Document>,
    /// Why a label among them cannot be read.
    unreadable: Option<&'static str>,
}

impl Papers {
    fn of<'a>(papers: impl IntoIterator<Item = &'a Paper>) -> Self {
        let mut all = Self::default();
        all.add(papers);
        all
    }

    fn add<'a>(&mut self, papers: impl IntoIterator<Item = &'a Paper>) {
        for paper in papers {
            let encoded = paper.encoded_label.as_deref().unwrap_or_default();
            if encoded.trim().is_empty() {
                continue;
            }
            let (kind, text) = (kind_of(paper), encoded.as_bytes());
            let format = paper.doc_type.as_deref().unwrap_or_default();
            let document =
                images::document(kind, format, Encoding::Base64, text).unwrap_or_else(|why| {
                    if kind == DocumentKind::Label {
                        self.unreadable.get_or_insert(why);
                    }
                    images::damaged(format, text)
                });
            self.documents.push(document);
        }
    }

    fn has_label(&self) -> bool {
        self.documents.iter().any(|document| document.kind == DocumentKind::Label)
    }

    /// All of them, where a label is among them.
    fn with_label(self, whose: impl FnOnce() -> String) -> Result<Vec<Document>> {
        if self.has_label() {
            return Ok(self.documents);
        }
        let why = self.unreadable.unwrap_or("nothing is called one");
        Err(unexpected(format!("{} has no label: {why}", whose())))
    }
}

fn kind_of(paper: &Paper) -> DocumentKind {
    let content = paper.content_type.as_deref().unwrap_or_default().to_ascii_uppercase();
    if content.contains("RETURN") {
        DocumentKind::ReturnLabel
    } else if content.contains("LABEL") {
        DocumentKind::Label
    } else if ["INVOICE", "CERTIFICATE", "DECLARATION"].iter().any(|word| content.contains(word)) {
        DocumentKind::Customs
    } else {
        DocumentKind::Other
    }
}
