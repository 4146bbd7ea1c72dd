//! Labels of the platform's own shipping.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;

use super::calls::{
    CreatePackage, Download, GetDocument, GetPackage, QueryServices, Service, ShipPackage,
};
use super::config::PlatformShipping;
use super::dialect::TikTokDialect;
use super::handover::{Goods, SchedulePackage};
use super::map::ReadOrder;
use super::{TIKTOK_SHOP, TikTokShop, may_ship, not_there, settle};
use crate::client::Client;
use crate::client::wire::unexpected;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ids::{CarrierId, IdempotencyKey, PlatformOrderId, ServiceCode, TrackingNumber};
use crate::money::{Currency, Money};
use crate::order::{LogisticsMode, UnitStatus};
use crate::platforms::lines;
use crate::ports::{PlatformLabelRequest, PlatformLabels};
use crate::shipment::{
    Document, DocumentKind, Label, LabelCost, LabelFormat, LabelRecord, LabelRequest, RateQuote,
    RateRequest, ServiceKey,
};

/// What a package is called when the platform tells no service.
const SERVICE: ServiceCode = ServiceCode::from_static("platform-shipping");

/// The carrier's id for a provider's name: as configured for confirming, else its words.
fn carrier_id(shop: &TikTokShop, name: &str) -> Result<CarrierId> {
    let known = shop.carriers.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    if let Some((carrier, _)) = known {
        return Ok(carrier.clone());
    }
    let slug: String = name
        .trim()
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect();
    CarrierId::new(slug).map_err(|_| unexpected("shipping_provider_name is not usable"))
}

fn format_of(bytes: &[u8]) -> Option<LabelFormat> {
    // The first bytes decide, not the request and not a header.
    if bytes.starts_with(b"%PDF") {
        Some(LabelFormat::Pdf)
    } else if bytes.starts_with(b"\x89PNG") {
        Some(LabelFormat::Png)
    } else if bytes.starts_with(b"^XA") {
        Some(LabelFormat::Zpl)
    } else {
        None
    }
}

impl TikTokShop {
    /// The bytes behind a link. The link lies on another host and must not see token or signature.
    async fn download(&self, link: &str) -> Result<Vec<u8>> {
        let uri: http::Uri =
            link.parse().map_err(|_| unexpected("doc_url is not readable as an address"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(unexpected("doc_url is no absolute address"));
        };
        let dialect = TikTokDialect {
            signer: self.receiver.signer.clone(),
            clock: self.clock.clone(),
            signs: false,
        };
        let client = Client::builder(
            Arc::new(dialect),
            self.transport.clone(),
            &format!("{scheme}://{authority}"),
            self.client.account(),
        )
        .retry(self.retry)
        .clock(self.clock.clone())
        .build()?;
        let query = uri.query().unwrap_or_default().to_owned();
        client.call(&Download { path: uri.path().to_owned(), query }).await
    }

    /// What was bought for a package, as far as this process did it.
    fn bought_for(&self, package: &str) -> Option<Service> {
        self.bought.lock().unwrap_or_else(PoisonError::into_inner).get(package).cloned()
    }

    /// The label of a package that is arranged.
    ///
    /// # Errors
    /// Never [`NotFound`](ErrorKind::NotFound): the order names the package.
    async fn label_of(
        &self,
        package: &str,
        key: IdempotencyKey,
        request: Option<&LabelRequest>,
    ) -> Result<Label> {
        let (kind, format) = match request.map(|request| &request.format) {
            Some(LabelFormat::Png) => ("SHIPPING_LABEL_PICTURE", None),
            // "ZPL (BR and MX only)".
            Some(LabelFormat::Zpl) if matches!(self.reading.region.as_str(), "BR" | "MX") => {
                ("SHIPPING_LABEL", Some("ZPL"))
            }
            _ => ("SHIPPING_LABEL", None),
        };
        let unread = |error: Option<Error>| match error {
            Some(error) if error.kind() != ErrorKind::NotFound => error,
            missing => {
                let late =
                    Error::new(ErrorKind::Transient, "the package has no tracking number yet")
                        .with_retry(Retry::LookFirst)
                        .with_operation(TIKTOK_SHOP.as_str(), "buy_label")
                        .with_context("package", package);
                match missing {
                    Some(error) => late.with_source(error),
                    None => late,
                }
            }
        };
        // The label exists: a detail or a document that is late must not make it look as if it did not.
        let detail = self.client.call(&GetPackage::new(&self.cipher, package)).await;
        let link = self.client.call(&GetDocument::new(&self.cipher, package, kind, format)).await;
        let (link, number) = match link {
            Ok(link) => (link.doc_url, link.tracking_number),
            Err(_) => (None, None),
        };
        let shown = detail.as_ref().ok();
        let number = number
            .or_else(|| shown.and_then(|detail| detail.tracking_number.clone()))
            .and_then(|number| TrackingNumber::new(number).ok());
        let service = self.bought_for(package);
        let provider = service
            .as_ref()
            .and_then(|service| service.shipping_provider_name.as_deref())
            .or_else(|| Some(shown?.shipping_provider_name.as_deref().unwrap_or("tiktok-shop")));
        let (Some(number), Some(provider)) = (number, provider) else {
            return Err(unread(detail.err()));
        };
        let bytes = match &link {
            Some(link) => self.download(link).await.ok(),
            None => None,
        };
        let document = bytes.and_then(|bytes| {
            let format = format_of(&bytes)?;
            Some(Document::new(DocumentKind::Label, format, bytes))
        });
        let price = service.as_ref().and_then(|service| {
            Some(Money::new(service.price?, Currency::new(service.currency.as_deref()?).ok()?))
        });
        Ok(Label {
            record: LabelRecord {
                key,
                carrier: carrier_id(self, provider)?,
                service: request.map_or(SERVICE, |request| request.service.service.clone()),
                number,
                carrier_reference: Some(package.to_owned()),
                // What platform shipping costs is settled on the statement, if no price was told.
                cost: price.map_or(LabelCost::unstated(self.currency()), LabelCost::plain),
                purchased_at: self.clock.now(),
                mailing_date: request.map(|request| request.mailing_date),
                formats: document.iter().map(|document| document.format.clone()).collect(),
            },
            documents: document.into_iter().collect(),
        })
    }

    /// The currency in which a zero is written.
    fn currency(&self) -> Currency {
        let code = match self.reading.region.as_str() {
            "GB" => "GBP",
            "ES" | "IE" | "IT" | "DE" | "FR" => "EUR",
            "JP" => "JPY",
            "ID" => "IDR",
            "MY" => "MYR",
            "PH" => "PHP",
            "SG" => "SGD",
            "TH" => "THB",
            "VN" => "VND",
            "BR" => "BRL",
            "MX" => "MXN",
            _ => "USD",
        };
        Currency::new(code).unwrap_or(Currency::USD)
    }

    /// Arranges a package and says which it is.
    async fn arrange(&self, request: &PlatformLabelRequest, before: &ReadOrder) -> Result<String> {
        let (order, lines) = (&request.order, &request.lines);
        let waiting = settle::waiting(&before.units, lines);
        let units = || settle::to_ship(&before.units, lines, None);
        let packed = |units: &[String]| {
            before.units.iter().any(|unit| unit.package.is_some() && units.contains(&unit.id))
        };
        let creates = match self.market("buy_label")?.platform {
            PlatformShipping::CreatePackage => true,
            PlatformShipping::ShipPackage => false,
            PlatformShipping::CreateOrShip => {
                request.label.dimensions.is_some() || !packed(&units()?)
            }
        };
        if creates {
            let units = units()?;
            let active = before.units.iter().filter(|unit| unit.status != UnitStatus::Cancelled);
            let whole = active.count() == units.len();
            let (version, contents) = (&self.versions.packages, (order, &*units, whole));
            let call = CreatePackage::new(&self.cipher, version, contents, &request.label)?;
            let created = self.client.call(&call).await?;
            if let Some(service) = created.shipping_service_info {
                let mut bought = self.bought.lock().unwrap_or_else(PoisonError::into_inner);
                bought.insert(created.package_id.clone(), service);
            }
            return Ok(created.package_id);
        }
        if let Some(package) = waiting.first() {
            let handover = self.handover_of(Goods::Package(package)).await?;
            let call = ShipPackage::new(&self.cipher, package, handover.as_ref(), None)?;
            self.client.call(&call).await?;
            return Ok(package.clone());
        }
        let units = units()?;
        if packed(&units) {
            return Err(Error::new(
                ErrorKind::Rejected,
                "no package of the platform holds exactly these units: split the order first",
            ));
        }
        let handover = self.handover_of(Goods::Units(order, &units)).await?;
        let call = SchedulePackage::new(&self.cipher, order, &units, handover.as_ref())?;
        Ok(self.client.call(&call).await?.package_id)
    }
}

#[async_trait]
impl PlatformLabels for TikTokShop {
    async fn rates(
        &self,
        order: &PlatformOrderId,
        request: &RateRequest,
    ) -> Result<Vec<RateQuote>> {
        if self.market("rates")?.platform != PlatformShipping::CreatePackage {
            return Err(Error::unsupported("the market offers no choice of services")
                .with_operation(TIKTOK_SHOP.as_str(), "rates"));
        }
        let read = self.read(order).await?;
        let open = read.units.iter().filter(|unit| unit.is_open());
        let units: Vec<String> = open.map(|unit| unit.id.clone()).collect();
        if units.is_empty() {
            return Err(Error::new(ErrorKind::Rejected, "no unit of the order is open")
                .with_operation(TIKTOK_SHOP.as_str(), "rates"));
        }
        let call = QueryServices::new(&self.cipher, order, &units, request)?;
        let services = self.client.call(&call).await?.shipping_services;
        let quotes = services.into_iter().filter_map(|service| {
            let currency = Currency::new(service.currency.as_deref()?).ok()?;
            let name = service.name.clone().unwrap_or_else(|| service.id.clone());
            let provider = service.shipping_provider_name.as_deref().unwrap_or("tiktok-shop");
            Some(RateQuote {
                service: ServiceKey::new(
                    carrier_id(self, provider).ok()?,
                    ServiceCode::new(name.trim()).ok()?,
                ),
                name,
                total: Money::new(service.price?, currency),
                deliver_on: None,
                transit_days: service.latest_delivery_days,
                guaranteed: false,
                token: Some(service.id),
                quoted_at: self.clock.now(),
            })
        });
        Ok(quotes.collect())
    }

    async fn buy(&self, request: &PlatformLabelRequest, key: &IdempotencyKey) -> Result<Label> {
        let named = |error: Error| match error.operation() {
            Some(_) => error,
            None => error
                .with_operation(TIKTOK_SHOP.as_str(), "buy_label")
                .with_context("order", &request.order),
        };
        // Whatever fails from here on, the label is bought: it is looked for, not given up.
        let bought = |error: Error, package: &str| {
            Error::new(ErrorKind::Ambiguous, "the label is bought, and cannot be read yet")
                .with_retry(Retry::LookFirst)
                .with_operation(TIKTOK_SHOP.as_str(), "buy_label")
                .with_context("order", &request.order)
                .with_context("package", package)
                .with_source(error)
        };
        lines::check(&request.lines).map_err(named)?;
        self.market("buy_label")?;
        let before = self.read(&request.order).await?;
        if before.order.logistics != LogisticsMode::PlatformLabel {
            return Err(named(Error::unsupported("the platform does not ship this order")));
        }
        let label = Some(&request.label);
        // It costs money and there is no key: look first.
        let found = settle::arranged(&before.units, &request.lines);
        if let Some(package) = found.first() {
            if settle::may_have_twin(&before.units, &request.lines) {
                // It may be this parcel's label or its twin's.
                return Err(named(Error::new(
                    ErrorKind::Conflict,
                    "a label for the same contents exists, and the order may have two such parcels",
                )));
            }
            return self
                .label_of(package, *key, label)
                .await
                .map_err(|error| bought(error, package));
        }
        may_ship(&before.order, false).map_err(named)?;
        let error = match self.arrange(request, &before).await {
            Ok(package) => {
                let read = self.label_of(&package, *key, label).await;
                return read.map_err(|error| bought(error, &package));
            }
            Err(error) => named(error),
        };
        if !(error.is_ambiguous() || error.kind() == ErrorKind::Rejected) {
            return Err(error);
        }
        let Ok(after) = self.read(&request.order).await else { return Err(error) };
        let waited = settle::waiting(&before.units, &request.lines);
        match settle::arranged(&after.units, &request.lines).first() {
            // Refused because it has been arranged: with another order of a combined package.
            Some(package) if error.is_ambiguous() || waited.contains(package) => {
                self.label_of(package, *key, label).await.map_err(|error| bought(error, package))
            }
            None if error.is_ambiguous()
                && settle::to_ship(&after.units, &request.lines, None).is_ok() =>
            {
                Err(not_there("buy_label", error))
            }
            _ => Err(error),
        }
    }

    async fn existing(&self, order: &PlatformOrderId) -> Result<Vec<Label>> {
        let read = self.read(order).await?;
        if read.order.logistics != LogisticsMode::PlatformLabel {
            return Ok(Vec::new());
        }
        let mut labels = Vec::new();
        for package in settle::all_arranged(&read.units).into_keys() {
            // The platform does not know our key: one that is the same every time stands in for it.
            let key = IdempotencyKey::derive(&["tiktok-shop-label", order.as_str(), &package]);
            labels.push(self.label_of(&package, key, None).await?);
        }
        Ok(labels)
    }

    /// No call takes a label back. It lapses with its order: where its package is cancelled there is
    /// nothing left to do.
    ///
    /// # Errors
    /// [`Rejected`](ErrorKind::Rejected) when the carrier has the package,
    /// [`Unsupported`](ErrorKind::Unsupported) while it could still be used: cancel the order.
    async fn discard(&self, label: &LabelRecord) -> Result<()> {
        let named = |error: Error| error.with_operation(TIKTOK_SHOP.as_str(), "discard_label");
        let Some(package) = label.carrier_reference.as_deref() else {
            return Err(named(Error::invalid("carrier_reference", "names no package")));
        };
        let detail = self.client.call(&GetPackage::new(&self.cipher, package)).await?;
        match detail.package_status.as_deref() {
            Some("CANCELLED") => Ok(()),
            Some("FULFILLING" | "COMPLETED") => Err(named(Error::new(
                ErrorKind::Rejected,
                "the carrier has the package: its label is used",
            ))),
            _ => Err(named(Error::unsupported(
                "the platform takes no label back: it lapses when the order is cancelled",
            ))),
        }
    }
}
