//! Cancellations and returns in our terms.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::map::instant;
use crate::client::wire::{
    decode, exact_decimal_opt, filled, integer_opt, or_empty, string_or_number,
    string_or_number_opt,
};
use crate::error::{Error, Result};
use crate::ids::{LineId, PlatformOrderId};
use crate::money::{Currency, Money};
use crate::personal::Personal;
use crate::ports::{AfterSaleCase, CaseAnswer, CaseKind, PlatformItem, Unreadable};

#[derive(Deserialize)]
struct WireCase {
    #[serde(alias = "cancel_id", alias = "return_id", deserialize_with = "string_or_number")]
    id: String,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    order_id: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    return_type: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    cancel_type: Option<String>,
    #[serde(default, deserialize_with = "string_or_number_opt")]
    role: Option<String>,
    #[serde(alias = "cancel_status", alias = "return_status")]
    status: String,
    #[serde(
        default,
        alias = "cancel_reason",
        alias = "return_reason",
        deserialize_with = "string_or_number_opt"
    )]
    reason: Option<String>,
    #[serde(default)]
    refund_amount: Option<WireRefund>,
    #[serde(
        default,
        alias = "cancel_line_items",
        alias = "return_line_items",
        deserialize_with = "or_empty"
    )]
    items: Vec<WireItem>,
    #[serde(default)]
    seller_next_action_response: Option<Vec<WireAction>>,
    #[serde(default, deserialize_with = "integer_opt")]
    create_time: Option<i64>,
    #[serde(default, deserialize_with = "integer_opt")]
    update_time: Option<i64>,
}

#[derive(Deserialize)]
struct WireRefund {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    refund_total: Option<Decimal>,
}

#[derive(Deserialize)]
struct WireItem {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    sku_id: Option<String>,
}

#[derive(Deserialize)]
struct WireAction {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    action: Option<String>,
    #[serde(default, deserialize_with = "integer_opt")]
    deadline: Option<i64>,
}

/// Whether a request still runs. Two spellings of a withdrawn one are in use.
fn is_open(status: &str) -> bool {
    const ENDINGS: [&str; 5] = ["_SUCCESS", "_COMPLETE", "_CANCEL", "_CANCELLED", "_REJECT"];
    /// "Seller inspected the returned items and rejected": spelled unlike every other end.
    const REFUSED: &str = "REJECT_RECEIVE_PACKAGE";
    status != REFUSED && !ENDINGS.iter().any(|ending| status.ends_with(ending))
}

/// Reads a cancellation or a return.
pub(super) fn read(raw: &str) -> Result<AfterSaleCase> {
    let wire: WireCase = decode(raw.as_bytes())?;
    let kind = match wire.return_type.as_deref() {
        // What the seller or the platform cancels nobody asks for.
        None => match (wire.cancel_type.as_deref(), wire.role.as_deref()) {
            (Some("BUYER_CANCEL"), _) | (_, None | Some("BUYER")) => CaseKind::Cancellation,
            (word, Some(role)) => CaseKind::Other(format!("{} {role}", word.unwrap_or("CANCEL"))),
        },
        Some("REFUND") => CaseKind::Refund,
        Some("RETURN_AND_REFUND") => CaseKind::Return,
        Some("REPLACEMENT") => CaseKind::Replacement,
        Some(word) => CaseKind::Other(word.to_owned()),
    };
    let mut lines: Vec<LineId> = Vec::new();
    for sku in wire.items.iter().filter_map(|item| item.sku_id.as_deref()) {
        if let Ok(line) = LineId::new(sku)
            && !lines.contains(&line)
        {
            lines.push(line);
        }
    }
    let actions = wire.seller_next_action_response.unwrap_or_default();
    let amount = wire.refund_amount.and_then(|refund| {
        let currency = Currency::new(refund.currency.as_deref()?).ok()?;
        Some(Money::new(refund.refund_total?, currency))
    });
    Ok(AfterSaleCase {
        id: wire.id,
        kind,
        order: wire.order_id.and_then(|id| PlatformOrderId::new(id).ok()),
        lines,
        open: is_open(&wire.status),
        status: wire.status,
        reason: filled(wire.reason.as_deref()),
        amount,
        opened_at: instant(wire.create_time),
        updated_at: instant(wire.update_time),
        respond_by: actions.iter().filter_map(|action| instant(action.deadline)).min(),
        actions: actions.into_iter().filter_map(|action| action.action).collect(),
    })
}

/// Reads an item of a page; one that cannot be read is kept.
pub(super) fn item(raw: &str) -> PlatformItem<AfterSaleCase> {
    match read(raw) {
        Ok(case) => PlatformItem::Read(Box::new(case)),
        // The id of a case is no order's.
        Err(error) => Unreadable::new(None, error.message(), raw).into(),
    }
}

/// The call that answers a case: its kind in the path, `approve` or `reject`, and the body.
pub(super) fn answer(
    case: &AfterSaleCase,
    answer: &CaseAnswer,
) -> Result<(&'static str, &'static str, serde_json::Value)> {
    let none = || {
        Err(Error::unsupported("the platform has no such answer to such a case")
            .with_operation("tiktok-shop", "answer_case"))
    };
    let goods_are_back = case.status == "BUYER_SHIPPED_ITEM"
        || case.actions.iter().any(|action| action == "SELLER_RESPOND_RECEIVE_PACKAGE");
    let comment = |comment: &Option<Personal<String>>| {
        comment.as_ref().map(|words| words.as_str().to_owned()).unwrap_or_default()
    };
    if case.kind == CaseKind::Cancellation {
        return match answer {
            CaseAnswer::Accept => Ok(("cancellations", "approve", json!({}))),
            CaseAnswer::Refuse { reason, comment: words } => Ok((
                "cancellations",
                "reject",
                json!({"reject_reason": reason, "comment": comment(words)}),
            )),
            _ => none(),
        };
    }
    let (call, mut body) = match (answer, &case.kind) {
        (CaseAnswer::Accept, CaseKind::Refund) => {
            ("approve", json!({"decision": "APPROVE_REFUND"}))
        }
        (CaseAnswer::Accept | CaseAnswer::AllowReturn, CaseKind::Return) if !goods_are_back => {
            ("approve", json!({"decision": "APPROVE_RETURN"}))
        }
        (CaseAnswer::Accept, CaseKind::Replacement) => {
            ("approve", json!({"decision": "APPROVE_REPLACEMENT"}))
        }
        (CaseAnswer::Accept | CaseAnswer::Received, CaseKind::Return) => {
            ("approve", json!({"decision": "APPROVE_RECEIVED_PACKAGE"}))
        }
        (CaseAnswer::PartialRefund { amount }, CaseKind::Refund | CaseKind::Return) => (
            "approve",
            json!({
                "decision": "OFFER_PARTIAL_REFUND",
                "partial_refund": {
                    "amount": amount.amount.to_string(),
                    "currency": amount.currency.as_str(),
                },
            }),
        ),
        (CaseAnswer::Refuse { .. }, CaseKind::Refund) => {
            ("reject", json!({"decision": "REJECT_REFUND"}))
        }
        (CaseAnswer::Refuse { .. }, CaseKind::Return) if goods_are_back => {
            ("reject", json!({"decision": "REJECT_RECEIVED_PACKAGE"}))
        }
        (CaseAnswer::Refuse { .. }, CaseKind::Return) => {
            ("reject", json!({"decision": "REJECT_RETURN"}))
        }
        (CaseAnswer::Refuse { .. }, CaseKind::Replacement) => {
            ("reject", json!({"decision": "REJECT_REPLACEMENT"}))
        }
        _ => return none(),
    };
    if let (CaseAnswer::Refuse { reason, comment: words }, Some(fields)) =
        (answer, body.as_object_mut())
    {
        fields.insert("reject_reason".to_owned(), json!(reason));
        fields.insert("comment".to_owned(), json!(comment(words)));
    }
    Ok(("returns", call, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_request_of_the_official_shape_is_open_with_its_deadline() {
        let raw = r#"{"cancel_id":"4035318504086604100","cancel_line_items":[
            {"order_line_item_id":"576468844534141348","sku_id":"2729382476852921560"}],
            "cancel_reason":"ecom_order_to_ship_canceled_reason_created_by_mistakes",
            "cancel_status":"CANCELLATION_REQUEST_PENDING","create_time":1690451136,
            "order_id":"577087614418520388","refund_amount":{"currency":"USD","refund_total":"1.23"},
            "seller_next_action_response":[{"action":"SELLER_RESPOND_CANCEL","deadline":1690554680}],
            "update_time":1690451136}"#;
        let case = read(raw).unwrap();
        assert!(case.open && case.kind == CaseKind::Cancellation);
        assert_eq!(case.respond_by.unwrap().timestamp(), 1_690_554_680);
        assert_eq!(case.amount.unwrap().amount.to_string(), "1.23");
        assert_eq!(case.lines.len(), 1);
    }

    #[test]
    fn every_status_of_a_request_is_open_or_closed_and_a_new_word_is_open() {
        let words = [
            ("CANCELLATION_REQUEST_PENDING", true),
            ("CANCELLATION_REQUEST_SUCCESS", false),
            ("CANCELLATION_REQUEST_CANCEL", false),
            ("CANCELLATION_REQUEST_CANCELLED", false),
            ("CANCELLATION_REQUEST_COMPLETE", false),
            ("RETURN_OR_REFUND_REQUEST_PENDING", true),
            ("REFUND_OR_RETURN_REQUEST_REJECT", false),
            ("AWAITING_BUYER_SHIP", true),
            ("BUYER_SHIPPED_ITEM", true),
            ("REJECT_RECEIVE_PACKAGE", false),
            ("RETURN_OR_REFUND_REQUEST_SUCCESS", false),
            ("RETURN_OR_REFUND_REQUEST_CANCEL", false),
            ("RETURN_OR_REFUND_REQUEST_COMPLETE", false),
            ("AWAITING_BUYER_RESPONSE", true),
            ("REPLACEMENT_REQUEST_PENDING", true),
            ("REPLACEMENT_REQUEST_REJECT", false),
            ("REPLACEMENT_REQUEST_REFUND_SUCCESS", false),
            ("REPLACEMENT_REQUEST_CANCEL", false),
            ("REPLACEMENT_REQUEST_COMPLETE", false),
            ("A_NEW_WORD", true),
        ];
        for (word, open) in words {
            assert_eq!(is_open(word), open, "{word}");
            let raw = format!(
                r#"{{"return_id":"1","return_status":"{word}","return_type":"A_NEW_TYPE"}}"#
            );
            let case = read(&raw).unwrap();
            assert_eq!((case.status.as_str(), case.open), (word, open));
            assert_eq!(case.kind, CaseKind::Other("A_NEW_TYPE".to_owned()));
        }
    }
}
