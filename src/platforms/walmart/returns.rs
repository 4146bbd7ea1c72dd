//! Returns: what buyers send back, and the refund for it.
//!
//! This part of the API writes instants as text, money as `{currencyAmount, currencyUnit}` and
//! quantities as `{unitOfMeasure, measurementValue}`, unlike the rest of it.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{WALMART, Walmart, quota};
use crate::client::wire::{
    decode, exact_decimal, object_opt, or_empty, string_or_number, string_or_number_opt, unexpected,
};
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdempotencyKey, LineId, PlatformOrderId};
use crate::money::{Currency, Money};
use crate::ports::{
    AfterSale, AfterSaleCase, CaseAnswer, CaseKind, Cursor, Page, PlatformItem, Unreadable,
};

/// "limit ≤200".
const PAGE_SIZE: &str = "200";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(default, deserialize_with = "object_opt")]
    meta: Option<Meta>,
    #[serde(borrow, default, deserialize_with = "or_empty")]
    return_orders: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReturn {
    #[serde(deserialize_with = "string_or_number")]
    return_order_id: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    customer_order_id: Option<String>,
    #[serde(default)]
    return_type: Option<String>,
    #[serde(default)]
    return_order_date: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "object_opt")]
    total_refund_amount: Option<WireMoney>,
    #[serde(default, deserialize_with = "or_empty")]
    return_order_lines: Vec<WireReturnLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMoney {
    #[serde(deserialize_with = "exact_decimal")]
    currency_amount: Decimal,
    currency_unit: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReturnLine {
    return_order_line_number: u32,
    #[serde(default)]
    return_reason: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    purchase_order_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    purchase_order_line_number: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    status_time: Option<DateTime<Utc>>,
    #[serde(default)]
    quantity: Option<WireQuantity>,
    #[serde(default)]
    refunded_qty: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireQuantity {
    measurement_value: u32,
}

impl WireReturn {
    /// Units of each line that were not refunded yet.
    fn due(&self) -> Vec<RefundedLine> {
        let lines = self.return_order_lines.iter().map(|line| RefundedLine {
            return_order_line_number: line.return_order_line_number,
            quantity: SentQuantity {
                unit_of_measure: "EA",
                measurement_value: line
                    .quantity
                    .as_ref()
                    .map_or(0, |quantity| quantity.measurement_value)
                    .saturating_sub(line.refunded_qty.unwrap_or(0)),
            },
        });
        lines.filter(|line| line.quantity.measurement_value > 0).collect()
    }

    fn case(&self) -> Result<AfterSaleCase> {
        let first = self.return_order_lines.first();
        let order = first.and_then(|line| line.purchase_order_id.as_deref());
        let done = |line: &&WireReturnLine| line.status.as_deref() == Some("COMPLETED");
        let waiting = self.return_order_lines.iter().find(|line| !done(line));
        let amount = self.total_refund_amount.as_ref().map(|money| {
            Currency::new(&money.currency_unit)
                .map(|currency| Money::new(money.currency_amount, currency))
                .map_err(|_| unexpected("totalRefundAmount.currencyUnit is no ISO 4217 code"))
        });
        let line_id = |line: &WireReturnLine| {
            // A return may span purchase orders; a case names the lines of its own order.
            let number = line.purchase_order_line_number.clone()?;
            let own = line.purchase_order_id.as_deref() == order;
            own.then(|| LineId::new(number).ok()).flatten()
        };
        Ok(AfterSaleCase {
            id: self.return_order_id.clone(),
            kind: match self.return_type.as_deref() {
                Some("REFUND") | None => CaseKind::Return,
                Some("REPLACEMENT") => CaseKind::Replacement,
                Some(other) => CaseKind::Other(other.to_owned()),
            },
            order: order.and_then(|order| PlatformOrderId::new(order).ok()),
            lines: self.return_order_lines.iter().filter_map(line_id).collect(),
            status: waiting.or(first).and_then(|line| line.status.clone()).unwrap_or_default(),
            open: waiting.is_some(),
            reason: first.and_then(|line| line.return_reason.clone()),
            amount: amount.transpose()?,
            opened_at: self.return_order_date,
            updated_at: self.return_order_lines.iter().filter_map(|line| line.status_time).max(),
            respond_by: None,
            actions: Vec::new(),
        })
    }
}

fn page(body: &[u8]) -> Result<Page<AfterSaleCase>> {
    let answer: Answer<'_> = decode(body)?;
    let item = |raw: &RawValue| {
        let read = decode::<WireReturn>(raw.get().as_bytes()).and_then(|wire| wire.case());
        read.map_or_else(
            |error| Unreadable::new(None, error.message(), raw.get()).into(),
            |case| PlatformItem::Read(Box::new(case)),
        )
    };
    let items: Vec<_> = answer.return_orders.into_iter().map(item).collect();
    let next = answer
        .meta
        .and_then(|meta| meta.next_cursor)
        .filter(|cursor| !cursor.trim().is_empty() && !items.is_empty())
        .map(Cursor::new);
    Ok(Page { items, next })
}

/// `GET /v3/returns`, changed in a window.
struct ListReturns<'a> {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    cursor: Option<&'a Cursor>,
}

impl Operation for ListReturns<'_> {
    type Output = Page<AfterSaleCase>;
    const NAME: &'static str = "list_returns";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::RETURNS;

    fn request(&self) -> Result<Outgoing> {
        let mut outgoing = Outgoing::get("/v3/returns");
        if let Some(cursor) = self.cursor {
            // A whole query string, as in the list of orders.
            cursor.as_str().trim_start_matches('?').clone_into(&mut outgoing.query);
            return Ok(outgoing);
        }
        let stamp = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Ok(outgoing
            .query("returnLastModifiedStartDate", stamp(&self.from))
            .query("returnLastModifiedEndDate", stamp(&self.to))
            .query("limit", PAGE_SIZE))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        page(&response.body)
    }
}

/// `GET /v3/returns?returnOrderId=`.
struct GetReturn<'a> {
    id: &'a str,
}

impl Operation for GetReturn<'_> {
    type Output = WireReturn;
    const NAME: &'static str = "get_return";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = quota::RETURNS;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get("/v3/returns").query("returnOrderId", self.id))
    }

    fn parse(&self, response: Response) -> Result<WireReturn> {
        let answer: Answer<'_> = response.json()?;
        let mut found = answer.return_orders.into_iter().map(|raw| decode(raw.get().as_bytes()));
        found
            .find(|wire: &Result<WireReturn>| {
                wire.as_ref().map_or(true, |wire| wire.return_order_id == self.id)
            })
            .unwrap_or_else(|| Err(Error::new(ErrorKind::NotFound, "there is no such return")))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundBody<'a> {
    customer_order_id: &'a str,
    refund_lines: &'a [RefundedLine],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundedLine {
    return_order_line_number: u32,
    quantity: SentQuantity,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentQuantity {
    unit_of_measure: &'static str,
    measurement_value: u32,
}

/// `POST /v3/returns/{returnOrderId}/refund`.
struct RefundReturn<'a> {
    id: &'a str,
    customer_order_id: &'a str,
    lines: &'a [RefundedLine],
}

impl Operation for RefundReturn<'_> {
    type Output = ();
    const NAME: &'static str = "refund_return";
    // Money, and no key.
    const REPEAT: Repeat = Repeat::Never;
    const QUOTA: &'static str = quota::RETURNS;

    fn request(&self) -> Result<Outgoing> {
        let body =
            RefundBody { customer_order_id: self.customer_order_id, refund_lines: self.lines };
        Outgoing::post(format!("/v3/returns/{}/refund", percent_encode(self.id))).json(&body)
    }

    fn parse(&self, response: Response) -> Result<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Receipt {
            #[serde(deserialize_with = "string_or_number")]
            return_order_id: String,
        }
        let receipt: Receipt = response.json()?;
        if receipt.return_order_id == self.id {
            Ok(())
        } else {
            Err(unexpected("the answer is about another return"))
        }
    }
}

#[async_trait]
impl AfterSale for Walmart {
    async fn cases(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<AfterSaleCase>> {
        self.client.call(&ListReturns { from, to, cursor }).await
    }

    async fn case(&self, _kind: &CaseKind, id: &str) -> Result<AfterSaleCase> {
        self.client.call(&GetReturn { id }).await?.case()
    }

    async fn answer(
        &self,
        case: &AfterSaleCase,
        answer: &CaseAnswer,
        _key: &IdempotencyKey,
    ) -> Result<()> {
        let refunds = matches!(answer, CaseAnswer::Accept | CaseAnswer::Received);
        if !refunds || case.kind != CaseKind::Return {
            return Err(Error::unsupported(
                "Walmart has one answer to a return: the refund of what was sent back",
            )
            .with_operation(WALMART.as_str(), "answer"));
        }
        // There is no key: what is refunded already is not sent again.
        let wire = self.client.call(&GetReturn { id: &case.id }).await?;
        let lines = wire.due();
        if lines.is_empty() {
            return Ok(());
        }
        let Some(customer_order_id) = wire.customer_order_id.as_deref() else {
            return Err(unexpected("the return names no customerOrderId"));
        };
        let call = RefundReturn { id: &case.id, customer_order_id, lines: &lines };
        let error = match self.client.call(&call).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if !error.is_ambiguous() {
            return Err(error);
        }
        // Counts of refunded units may lag, so that only a full count proves anything.
        match self.client.call(&GetReturn { id: &case.id }).await {
            Ok(now) if now.due().is_empty() => Ok(()),
            _ => Err(error),
        }
    }
}
