//! What an order's price is made of.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::calls::{calls, get};
use super::{TikTokShop, quota, wire};
use crate::client::wire::{exact_decimal_opt, or_empty, string_or_number_opt, unexpected};
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::Result;
use crate::ids::PlatformOrderId;
use crate::money::{Currency, Money};

/// The parts of a price as the platform computes them, of an order or of one of its units. Any may be
/// missing. Deductions are positive. Official samples do not always add up: nothing is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PriceDetail {
    /// Which unit; none for the whole order.
    pub unit_id: Option<String>,
    /// What the buyer pays.
    pub payment: Option<Money>,
    /// Goods and transport before deductions.
    pub total: Option<Money>,
    /// Goods before deductions.
    pub list_price: Option<Money>,
    /// Goods after deductions.
    pub sale_price: Option<Money>,
    /// Goods after deductions, with tax.
    pub subtotal: Option<Money>,
    /// What the seller takes off the goods.
    pub seller_deduction: Option<Money>,
    /// What the platform takes off the goods.
    pub platform_deduction: Option<Money>,
    /// Tax on the goods.
    pub goods_tax: Option<Money>,
    /// Transport before deductions.
    pub shipping_list_price: Option<Money>,
    /// Transport after deductions.
    pub shipping_sale_price: Option<Money>,
    /// What the seller takes off the transport.
    pub shipping_seller_deduction: Option<Money>,
    /// What the platform takes off the transport.
    pub shipping_platform_deduction: Option<Money>,
    /// All tax.
    pub tax: Option<Money>,
    /// Rate of the tax as a fraction of 1, for example 0.021.
    #[serde(with = "rust_decimal::serde::str_option")]
    pub tax_rate: Option<Decimal>,
    /// The price with tax.
    pub net_price: Option<Money>,
    /// Fee for cash on delivery, with tax where the platform adds it.
    pub cash_on_delivery_fee: Option<Money>,
    /// The same of every unit; empty for a unit.
    pub units: Vec<PriceDetail>,
}

calls! {
    /// `GET /order/202407/orders/{id}/price_detail`.
    GetPriceDetail = "price_detail", Freely, ORDERS => WirePrice;
}

#[derive(Deserialize)]
pub(super) struct WirePrice {
    #[serde(default, deserialize_with = "string_or_number_opt")]
    id: Option<String>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    payment: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    total: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    sku_list_price: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    sku_sale_price: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    subtotal: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    subtotal_deduction_seller: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    subtotal_deduction_platform: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    subtotal_tax_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    shipping_list_price: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    shipping_sale_price: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    shipping_fee_deduction_seller: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    shipping_fee_deduction_platform: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    tax_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    tax_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    net_price_amount: Option<Decimal>,
    // Named one way for orders and another way for units.
    #[serde(default, alias = "cod_fee_amount", deserialize_with = "exact_decimal_opt")]
    cod_fee_net_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "or_empty")]
    line_items: Vec<WirePrice>,
}

impl GetPriceDetail {
    fn new(cipher: &str, order: &PlatformOrderId) -> Self {
        let order = percent_encode(order.as_str());
        Self(get(format!("/order/202407/orders/{order}/price_detail"), cipher))
    }
}

/// Reads one level; units without a currency have that of their order.
fn read(wire: WirePrice, of_order: Option<Currency>) -> Result<PriceDetail> {
    let currency = match wire.currency.as_deref() {
        Some(code) => Currency::new(code)
            .map_err(|_| unexpected("currency is not an ISO 4217 code"))
            .map(Some)?,
        None => of_order,
    };
    let currency = currency.ok_or_else(|| unexpected("currency is missing"))?;
    let money = |amount: Option<Decimal>| amount.map(|amount| Money::new(amount, currency));
    let units: Result<Vec<PriceDetail>> =
        wire.line_items.into_iter().map(|unit| read(unit, Some(currency))).collect();
    Ok(PriceDetail {
        unit_id: wire.id,
        payment: money(wire.payment),
        total: money(wire.total),
        list_price: money(wire.sku_list_price),
        sale_price: money(wire.sku_sale_price),
        subtotal: money(wire.subtotal),
        seller_deduction: money(wire.subtotal_deduction_seller),
        platform_deduction: money(wire.subtotal_deduction_platform),
        goods_tax: money(wire.subtotal_tax_amount),
        shipping_list_price: money(wire.shipping_list_price),
        shipping_sale_price: money(wire.shipping_sale_price),
        shipping_seller_deduction: money(wire.shipping_fee_deduction_seller),
        shipping_platform_deduction: money(wire.shipping_fee_deduction_platform),
        tax: money(wire.tax_amount),
        tax_rate: wire.tax_rate,
        net_price: money(wire.net_price_amount),
        cash_on_delivery_fee: money(wire.cod_fee_net_amount),
        units: units?,
    })
}

impl TikTokShop {
    /// What the price of an order and of each of its units is made of.
    ///
    /// # Errors
    /// As every call; [`UnexpectedAnswer`](crate::ErrorKind::UnexpectedAnswer) without a currency.
    pub async fn price_detail(&self, order: &PlatformOrderId) -> Result<PriceDetail> {
        read(self.client.call(&GetPriceDetail::new(&self.cipher, order)).await?, None)
    }
}
