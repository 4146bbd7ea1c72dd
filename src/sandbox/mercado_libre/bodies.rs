//! Bodies as the published examples have them.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Kept, SandboxItem};

/// The offset of the platform's stamps, whatever the site.
fn local(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    FixedOffset::west_opt(4 * 3600).map_or(at.fixed_offset(), |offset| at.with_timezone(&offset))
}

/// `2024-11-01T09:34:59.000-04:00`.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    local(at).to_rfc3339_opts(SecondsFormat::Millis, false)
}

/// `2024-08-15T17:38:30.000-0400`: packs leave the colon out.
fn bare_stamp(at: DateTime<Utc>) -> String {
    local(at).format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()
}

/// An amount as a number with two decimals.
fn amount(cents: u64) -> Value {
    serde_json::from_str(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap_or(Value::Null)
}

pub(super) fn order(kept: &Kept, item: &SandboxItem, seller: u64) -> Value {
    let pack = &kept.pack;
    let price = item.article.cents;
    let total = price * u64::from(item.units);
    let cancelled = kept.is_cancelled(item.order);
    let shipping = (pack.way != super::Way::Arranged).then_some(pack.shipment);
    let mut tags = vec!["paid", "not_delivered"];
    if pack.pack.is_some() {
        tags.insert(0, "pack_order");
    }
    if pack.way == super::Way::Arranged {
        tags.push("no_shipping");
    }
    tags.extend(pack.tags.iter().copied());
    json!({
        "id": item.order,
        "date_created": stamp(pack.placed_at),
        "last_updated": stamp(kept.touched),
        "date_closed": stamp(pack.placed_at + chrono::TimeDelta::minutes(1)),
        "pack_id": pack.pack,
        "fulfilled": null,
        "buying_mode": "buy_equals_pay",
        "shipping_cost": null,
        "mediations": [],
        "total_amount": amount(total),
        "paid_amount": amount(total),
        "order_items": [{
            "item": {
                "id": item.item,
                "title": item.article.title,
                "category_id": format!("{}1055", pack.site),
                "variation_id": null,
                "seller_custom_field": null,
                "variation_attributes": [],
                "condition": "new",
                "seller_sku": item.article.sku,
                "user_product_id": null
            },
            "quantity": item.units,
            "requested_quantity": {"measure": "unit", "value": item.units},
            "picked_quantity": null,
            "unit_price": amount(price),
            "full_unit_price": amount(price),
            "currency_id": pack.currency,
            "manufacturing_days": null,
            "sale_fee": amount(price / 10),
            "listing_type_id": "gold_special",
            "element_id": null
        }],
        "currency_id": pack.currency,
        "payments": [{
            "id": item.order % 1_000_000_000_000,
            "order_id": item.order,
            "payer_id": pack.buyer,
            "site_id": pack.site,
            "payment_method_id": "account_money",
            "currency_id": pack.currency,
            "payment_type": "account_money",
            "status": if cancelled { "refunded" } else { "approved" },
            "status_detail": if cancelled { "refunded" } else { "accredited" },
            "transaction_amount": amount(total),
            "transaction_amount_refunded": amount(if cancelled { total } else { 0 }),
            "total_paid_amount": amount(total),
            "date_approved": stamp(pack.placed_at + chrono::TimeDelta::minutes(1))
        }],
        "shipping": {"id": shipping},
        "status": if cancelled { "cancelled" } else { "paid" },
        "status_detail": null,
        "tags": tags,
        "feedback": {"seller": null, "buyer": null},
        "context": {"channel": "marketplace", "site": pack.site, "flows": []},
        "seller": {"id": seller},
        "buyer": {"id": pack.buyer, "nickname": format!("BUYER{}", pack.buyer)},
        "taxes": {"amount": null, "currency_id": null, "id": null},
        "cancel_detail": kept.cancelled.get(&item.order).map(|(group, code)| json!({
            "group": group, "code": code, "description": code, "requested_by": group,
            "date": stamp(kept.touched)
        })),
        "manufacturing_ending_date": null,
        "order_request": {"change": null, "return": null}
    })
}

pub(super) fn pack(kept: &Kept, id: u64) -> Value {
    let orders: Vec<Value> = kept.pack.items.iter().map(|item| json!({"id": item.order})).collect();
    let split = kept.substatus == Some("pack_splitted");
    json!({
        "shipment": {"id": kept.pack.shipment},
        "orders": orders,
        "id": id,
        "status": if split { "cancelled" } else { "released" },
        "status_detail": split.then_some("splitted"),
        "buyer": {"id": kept.pack.buyer},
        "date_created": bare_stamp(kept.pack.placed_at),
        "last_updated": bare_stamp(kept.touched)
    })
}

pub(super) fn shipment(kept: &Kept) -> Value {
    let pack = &kept.pack;
    let (mode, kind) = pack.way.words();
    // The number is there once the label is, or once the seller has told it.
    let number = kept.tracking.clone();
    let phone = if mode == "me1" { "1199988776644" } else { "XXXXXXX" };
    json!({
        "id": pack.shipment,
        "status": kept.status,
        "substatus": kept.substatus,
        "date_created": stamp(pack.placed_at),
        "last_updated": stamp(kept.moved),
        "declared_value": null,
        "tracking_number": number,
        "tracking_method": if mode == "me2" { "Mercado Envíos" } else { "Other" },
        "items_types": ["new"],
        "origin": {"type": "selling_address", "sender_id": null, "shipping_address": {
            "address_line": "XXXXXXX", "zip_code": "XXXXXXX", "country": {"id": pack.country, "name": pack.country}
        }},
        "destination": {
            "type": "buying_address",
            "receiver_id": pack.buyer,
            "receiver_name": pack.name,
            "receiver_phone": phone,
            "comments": null,
            "shipping_address": {
                "address_id": 1_132_588_531,
                "address_line": pack.street,
                "street_name": null,
                "street_number": null,
                "comment": null,
                "zip_code": pack.zip,
                "city": {"id": null, "name": pack.city},
                "state": {"id": pack.state, "name": pack.state},
                "country": {"id": pack.country, "name": pack.country},
                "neighborhood": {"id": null, "name": null},
                "municipality": {"id": null, "name": null},
                "types": ["default_buying_address"],
                "delivery_preference": "residential"
            }
        },
        "source": {"site_id": pack.site, "market_place": "MELI"},
        "tags": [],
        "logistic": {"mode": mode, "type": kind, "direction": "forward"},
        "sibling": {"reason": null, "sibling_id": null},
        "lead_time": {
            "option_id": 721_103_001,
            "shipping_method": {"id": 501_645, "type": "standard", "name": "Normal", "deliver_to": "address"},
            "currency_id": pack.currency,
            "cost": 0,
            "cost_type": "free",
            "service_id": 721,
            "buffering": {"date": null},
            "estimated_delivery_time": {
                "type": "known_frame", "date": stamp(pack.deliver_by), "unit": "hour",
                "shipping": 96, "handling": 48
            }
        },
        "dimensions": {"height": 10, "length": 28, "weight": 765, "width": 26}
    })
}

pub(super) fn sla(kept: &Kept, now: DateTime<Utc>) -> Value {
    json!({
        "status": if now > kept.pack.ship_by { "delayed" } else { "on_time" },
        "service": "xd_same_day",
        "expected_date": local(kept.pack.ship_by).to_rfc3339_opts(SecondsFormat::Secs, false),
        "last_updated": now.to_rfc3339_opts(SecondsFormat::Secs, true)
    })
}

pub(super) fn history(kept: &Kept) -> Value {
    let rows = kept.history.iter().map(|(status, substatus, at)| {
        json!({"status": status, "substatus": substatus, "date": stamp(*at)})
    });
    rows.collect()
}

pub(super) fn claim(claim: &super::SandboxClaim, seller: u64) -> Value {
    let actions: Vec<Value> = claim
        .actions
        .iter()
        .map(|action| json!({"action": action, "mandatory": true, "due_date": stamp(claim.due_at)}))
        .collect();
    json!({
        "id": claim.id,
        "resource_id": claim.order,
        "status": if claim.resolution.is_some() { "closed" } else { "opened" },
        "type": "mediations",
        "stage": claim.stage,
        "parent_id": null,
        "resource": "order",
        "reason_id": claim.reason,
        "fulfilled": true,
        "quantity_type": "total",
        "players": [
            {"role": "complainant", "type": "buyer", "user_id": claim.buyer, "available_actions": []},
            {"role": "respondent", "type": "seller", "user_id": seller, "available_actions": actions}
        ],
        "resolution": claim.resolution.map(|reason| json!({
            "reason": reason, "date_created": stamp(claim.changed_at), "benefited": ["complainant"],
            "closed_by": "respondent", "applied_coverage": false
        })),
        "site_id": claim.site,
        "date_created": stamp(claim.opened_at),
        "last_updated": stamp(claim.changed_at),
        "related_entities": []
    })
}
