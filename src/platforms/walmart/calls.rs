//! The calls about orders and stock.

use chrono::{DateTime, SecondsFormat, Utc};
use http::StatusCode;
use serde_json::value::RawValue;

use super::map::{self, Reading};
use super::quota;
use super::wire::{
    CancelBody, CancelledLine, CancelledStatus, InventoryBody, InventoryQuantity, RefundBody,
    RefundedLine, SentAmount, SentCancellation, SentCarrier, SentCharge, SentCurrentTracking,
    SentLines, SentQuantity, SentRefund, SentRefundCharge, SentRefundCharges, SentRefundEntry,
    SentRefunds, SentShipment, SentStatuses, SentTax, SentTracking, ShipBody, ShipLine, ShipStatus,
};
use crate::client::wire::unexpected;
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::{Error, Result};
use crate::ids::{PlatformOrderId, TrackingNumber};
use crate::money::Money;
use crate::order::PlatformOrder;
use crate::platforms::lines;
use crate::ports::{
    CancelLine, CarrierNaming, Cursor, OrderQuery, Page, RefundLine, ShipmentNotice, StockLevel,
};

/// "limit ≤200".
pub(super) const PAGE_SIZE: u32 = 200;
/// "sellerOrderId ≤30 chars".
const REFERENCE_LENGTH: usize = 30;

fn path(order: &PlatformOrderId, call: &str) -> String {
    format!("/v3/orders/{}{call}", percent_encode(order.as_str()))
}

/// Seconds and `Z`: milliseconds are refused with "Invalid Date format value".
fn stamp(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `GET /v3/orders` and `GET /v3/orders/released`.
pub(super) struct ListOrders<'a> {
    pub(super) query: &'a OrderQuery,
    pub(super) cursor: Option<&'a Cursor>,
    pub(super) reading: Reading,
}

impl Operation for ListOrders<'_> {
    type Output = Page<PlatformOrder>;
    const NAME: &'static str = "list_orders";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::ORDERS;

    fn request(&self) -> Result<Outgoing> {
        let path = match self.query {
            OrderQuery::Released => "/v3/orders/released",
            OrderQuery::Created { .. } | OrderQuery::Updated { .. } => "/v3/orders",
        };
        let mut outgoing = Outgoing::get(path);
        if let Some(cursor) = self.cursor {
            // A whole query string: neither encoded again nor joined by anything.
            cursor.as_str().trim_start_matches('?').clone_into(&mut outgoing.query);
            return Ok(outgoing);
        }
        outgoing = match self.query {
            OrderQuery::Created { from, to } => {
                outgoing.query("createdStartDate", stamp(from)).query("createdEndDate", stamp(to))
            }
            OrderQuery::Updated { from, to } => outgoing
                .query("lastModifiedStartDate", stamp(from))
                .query("lastModifiedEndDate", stamp(to)),
            OrderQuery::Released => outgoing,
        };
        Ok(outgoing.query("limit", PAGE_SIZE.to_string()).query("productInfo", "true"))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        if response.status == StatusCode::NOT_FOUND {
            return Ok(Page { items: Vec::new(), next: None });
        }
        map::page(&response.body, self.reading)
    }
}

/// `GET /v3/orders/{purchaseOrderId}`.
pub(super) struct GetOrder<'a> {
    pub(super) id: &'a PlatformOrderId,
    pub(super) reading: Reading,
}

impl Operation for GetOrder<'_> {
    type Output = PlatformOrder;
    const NAME: &'static str = "get_order";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::ORDERS;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get(path(self.id, "")).query("productInfo", "true"))
    }

    fn parse(&self, response: Response) -> Result<PlatformOrder> {
        map::single(&response.body, self.reading)
    }
}

/// `POST /v3/orders/{purchaseOrderId}/acknowledge`.
pub(super) struct AcknowledgeOrder<'a> {
    pub(super) id: &'a PlatformOrderId,
    pub(super) reading: Reading,
}

impl Operation for AcknowledgeOrder<'_> {
    type Output = Option<PlatformOrder>;
    const NAME: &'static str = "acknowledge";
    // The second time is answered with "higher status" and changes nothing.
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::ACKNOWLEDGE;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::post(path(self.id, "/acknowledge")))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        Ok(map::receipt(&response.body, self.reading)?.order)
    }
}

/// `POST /v3/orders/{purchaseOrderId}/shipping`: a parcel has left, or has another number now.
pub(super) struct ShipLines<'a> {
    pub(super) notice: &'a ShipmentNotice,
    /// The number that the platform has, when it is to be replaced.
    pub(super) replaces: Option<&'a TrackingNumber>,
    pub(super) reading: Reading,
}

impl ShipLines<'_> {
    fn tracking(&self) -> Result<(SentTracking, &TrackingNumber)> {
        let notice = self.notice;
        let Some(number) = &notice.number else {
            return Err(Error::invalid("number", "Walmart takes no shipment without a number"));
        };
        let url = notice.tracking_url.clone().filter(|url| !url.trim().is_empty());
        let carrier_name =
            match super::carriers::naming(notice.carrier.as_str(), self.reading.market) {
                CarrierNaming::Code(code) => SentCarrier::Carrier(code),
                CarrierNaming::Other { name } if url.is_some() => SentCarrier::OtherCarrier(name),
                _ => {
                    return Err(Error::invalid(
                        "tracking_url",
                        "a carrier that Walmart has no name for needs a tracking page",
                    ));
                }
            };
        let sent = SentTracking {
            ship_date_time: notice.shipped_at.timestamp_millis(),
            carrier_name,
            method_code: map::method_code(notice.requested_service.as_deref(), self.reading.market),
            tracking_number: self.replaces.unwrap_or(number).as_str().to_owned(),
            tracking_url: url,
        };
        Ok((sent, number))
    }

    fn body(&self) -> Result<ShipBody> {
        let notice = self.notice;
        lines::check(&notice.lines)?;
        let (tracking, number) = self.tracking()?;
        let fits = |text: &&str| !text.is_empty() && text.chars().count() <= REFERENCE_LENGTH;
        let order: String = notice.order.as_str().chars().take(REFERENCE_LENGTH).collect();
        let lines = notice.lines.iter().map(|line| ShipLine {
            line_number: line.line.as_str().to_owned(),
            intent_to_cancel_override: notice.override_cancel_request,
            seller_order_id: line
                .reference
                .as_deref()
                .map(str::trim)
                .filter(fits)
                .map_or_else(|| order.clone(), str::to_owned),
            order_line_statuses: SentStatuses {
                order_line_status: vec![ShipStatus {
                    status: "Shipped",
                    status_quantity: SentQuantity::each(line.units),
                    tracking_info: tracking.clone(),
                    current_tracking_info: self.replaces.map(|_| SentCurrentTracking {
                        tracking_number: number.as_str().to_owned(),
                    }),
                }],
            },
        });
        Ok(ShipBody {
            order_shipment: SentShipment {
                process_mode: self.replaces.map(|_| "PARTIAL_UPDATE"),
                order_lines: SentLines { order_line: lines.collect() },
            },
        })
    }
}

impl Operation for ShipLines<'_> {
    type Output = map::Receipt;
    const NAME: &'static str = "confirm_shipment";
    // Charges the buyer, and there is no key.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = quota::SHIP;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post(path(&self.notice.order, "/shipping")).json(&self.body()?)
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        map::receipt(&response.body, self.reading)
    }
}

/// `POST /v3/orders/{purchaseOrderId}/cancel`.
pub(super) struct CancelLines<'a> {
    pub(super) order: &'a PlatformOrderId,
    pub(super) lines: &'a [CancelLine],
    pub(super) reading: Reading,
}

impl Operation for CancelLines<'_> {
    type Output = map::Receipt;
    const NAME: &'static str = "cancel";
    // The quantity is relative: twice would cancel twice as many.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = quota::CANCEL;

    fn request(&self) -> Result<Outgoing> {
        if self.lines.is_empty() {
            return Err(Error::invalid("lines", "a cancellation needs at least one line"));
        }
        if self.lines.iter().any(|line| line.units == 0) {
            return Err(Error::invalid("lines.units", "must be at least 1"));
        }
        lines::once(self.lines.iter().map(|line| &line.line))?;
        let lines = self
            .lines
            .iter()
            .map(|line| {
                Ok(CancelledLine {
                    line_number: line.line.as_str().to_owned(),
                    order_line_statuses: SentStatuses {
                        order_line_status: vec![CancelledStatus {
                            status: "Cancelled",
                            cancellation_reason: map::cancel_reason(
                                &line.reason,
                                self.reading.market,
                            )?,
                            status_quantity: SentQuantity::each(line.units),
                        }],
                    },
                })
            })
            .collect::<Result<_>>()?;
        let body = CancelBody {
            order_cancellation: SentCancellation { order_lines: SentLines { order_line: lines } },
        };
        Outgoing::post(path(self.order, "/cancel")).json(&body)
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        map::receipt(&response.body, self.reading)
    }
}

/// `POST /v3/orders/{purchaseOrderId}/refund`, for lines that are all refunded wholly or all in
/// part: Walmart takes no mixture.
pub(super) struct RefundLines<'a> {
    pub(super) order: &'a PlatformOrderId,
    pub(super) lines: Vec<RefundEntry<'a>>,
    pub(super) reading: Reading,
}

/// A line and the amounts that go back for it, positive.
pub(super) struct RefundEntry<'a> {
    pub(super) line: &'a RefundLine,
    pub(super) parts: Vec<RefundPart>,
}

/// A charge that goes back, positive.
pub(super) struct RefundPart {
    pub(super) amount: Money,
    pub(super) tax: Option<Money>,
}

/// A positive amount as the negative number that Walmart wants.
fn negative(money: Money) -> Result<SentAmount> {
    let amount = RawValue::from_string((-money.amount.abs()).to_string())
        .map_err(|_| Error::invalid("amount", "cannot be written as a number"))?;
    Ok(SentAmount { currency: money.currency.as_str().to_owned(), amount })
}

impl RefundEntry<'_> {
    fn sent(&self) -> Result<RefundedLine> {
        let line = self.line;
        let charge = |part: &RefundPart| -> Result<SentRefundCharge> {
            let tax = part.tax.map(negative).transpose()?;
            Ok(SentRefundCharge {
                refund_reason: map::refund_reason(&line.reason).to_owned(),
                charge: SentCharge {
                    charge_type: "PRODUCT",
                    charge_name: "Item Price",
                    charge_amount: negative(part.amount)?,
                    tax: tax.map(|tax_amount| SentTax { tax_name: "Item Price Tax", tax_amount }),
                },
            })
        };
        Ok(RefundedLine {
            line_number: line.line.as_str().to_owned(),
            is_full_refund: line.amount.is_none(),
            refunds: SentRefunds {
                refund: vec![SentRefundEntry {
                    refund_comments: line.comment.clone(),
                    refund_charges: SentRefundCharges {
                        refund_charge: self.parts.iter().map(charge).collect::<Result<_>>()?,
                    },
                }],
            },
        })
    }
}

impl Operation for RefundLines<'_> {
    type Output = Option<PlatformOrder>;
    const NAME: &'static str = "refund";
    // Money, and no key.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = quota::REFUND;

    fn request(&self) -> Result<Outgoing> {
        let lines = self.lines.iter().map(RefundEntry::sent).collect::<Result<_>>()?;
        let body = RefundBody {
            order_refund: SentRefund {
                purchase_order_id: self.order.as_str().to_owned(),
                order_lines: SentLines { order_line: lines },
            },
        };
        Outgoing::post(path(self.order, "/refund")).json(&body)
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        Ok(map::receipt(&response.body, self.reading)?.order)
    }
}

/// `PUT /v3/inventory`.
pub(super) struct PutInventory<'a> {
    pub(super) level: &'a StockLevel,
}

impl Operation for PutInventory<'_> {
    type Output = ();
    const NAME: &'static str = "push_stock";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::INVENTORY;

    fn request(&self) -> Result<Outgoing> {
        let sku = self.level.sku.as_str();
        let quantity = InventoryQuantity { unit: "EACH", amount: self.level.units };
        Outgoing::put("/v3/inventory")
            .query("sku", sku)
            .query_opt("shipNode", self.level.warehouse.as_ref().map(|node| node.as_str()))
            .json(&InventoryBody { sku, quantity })
    }

    fn parse(&self, response: Response) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Answer {
            #[serde(deserialize_with = "crate::client::wire::string_or_number")]
            sku: String,
        }
        let answer: Answer = response.json()?;
        if answer.sku == self.level.sku.as_str() {
            Ok(())
        } else {
            Err(unexpected("the answer is about another sku"))
        }
    }
}
