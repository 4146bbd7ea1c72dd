//! What prices are made of.

use super::official::{answer, id, scripted};
use serde_json::json;

/// What the OpenAPI text gives as examples of single fields, put together.
#[tokio::test]
async fn a_price_is_read_with_its_parts_for_the_order_and_for_every_unit() {
    let parts = json!({
        "currency": "USD", "payment": "101.00", "total": "122.00", "sku_list_price": "97.00",
        "sku_sale_price": "96.00", "subtotal": "98.00", "subtotal_deduction_seller": "0.50",
        "subtotal_deduction_platform": "0.50", "subtotal_tax_amount": "2.00",
        "shipping_list_price": "25.00", "shipping_sale_price": "3.00",
        "shipping_fee_deduction_seller": "10.00", "shipping_fee_deduction_platform": "12.00",
        "tax_amount": "2.00", "tax_rate": "0.021", "net_price_amount": "97.00"
    });
    let mut whole = parts.clone();
    whole["cod_fee_net_amount"] = json!("0.00");
    let mut unit = parts;
    unit["id"] = json!("576461413032342720");
    unit["cod_fee_amount"] = json!("1.00");
    unit.as_object_mut().unwrap().remove("currency");
    whole["line_items"] = json!([unit]);
    let (shop, script) = scripted("US", vec![answer(&whole)]);
    let price = shop.price_detail(&id()).await.unwrap();
    assert_eq!(script.path(0), "/order/202407/orders/576461413038785752/price_detail");
    let one = &price.units[0];
    assert_eq!((&price.unit_id, one.unit_id.as_deref()), (&None, Some("576461413032342720")));
    for part in [&price, one] {
        let amounts = [
            part.payment,
            part.total,
            part.list_price,
            part.sale_price,
            part.subtotal,
            part.seller_deduction,
            part.platform_deduction,
            part.goods_tax,
            part.shipping_list_price,
            part.shipping_sale_price,
            part.shipping_seller_deduction,
            part.shipping_platform_deduction,
            part.tax,
            part.net_price,
        ];
        let read = amounts.map(|amount| amount.unwrap().amount.to_string());
        let wanted = [
            "101.00", "122.00", "97.00", "96.00", "98.00", "0.50", "0.50", "2.00", "25.00", "3.00",
            "10.00", "12.00", "2.00", "97.00",
        ];
        assert_eq!(read, wanted);
        assert_eq!(part.tax_rate.unwrap().to_string(), "0.021");
    }
    assert_eq!(one.cash_on_delivery_fee.unwrap().amount.to_string(), "1.00");
    let (shop, _) = scripted("US", vec![answer(&json!({"payment": "1.00"}))]);
    let error = shop.price_detail(&id()).await.unwrap_err();
    assert!(error.to_string().contains("currency"), "{error}");
}
