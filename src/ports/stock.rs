//! Stock: the one place that says how many units there are.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::{LineId, OrderKey, PackageId, Sku, WarehouseId};
use crate::warehouse::StockView;

/// Units of a SKU for a line of an order: the key under which every operation is repeatable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockMove {
    /// The order.
    pub order: OrderKey,
    /// The line.
    pub line: LineId,
    /// The SKU.
    pub sku: Sku,
    /// Which warehouse; `None` lets the stock choose one that has enough, or several where none has
    /// and it can keep a line in several.
    pub warehouse: Option<WarehouseId>,
    /// How many units.
    pub units: u32,
    /// Which parcel they leave in, when they leave: units of one line may leave in several, and each
    /// leaves once.
    #[serde(default)]
    pub package: Option<PackageId>,
}

/// Units that a buyer sent back, checked and decided about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReturn {
    /// The order.
    pub order: OrderKey,
    /// The line.
    pub line: LineId,
    /// Which return of the order, from 1: the key under which it counts once.
    pub number: u32,
    /// The SKU.
    pub sku: Sku,
    /// Where they are; `None` lets the stock choose.
    pub warehouse: Option<WarehouseId>,
    /// How many units.
    pub units: u32,
    /// Whether they can be sold again; otherwise they are written off.
    pub sellable: bool,
}

/// Why stock could not be moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StockError {
    /// Too few units.
    #[error("{sku}: {wanted} wanted, {available} available")]
    Short {
        /// Which SKU.
        sku: Sku,
        /// How many were wanted.
        wanted: u32,
        /// How many there are.
        available: u32,
    },
    /// The same line was moved before with another quantity: adjust it explicitly.
    #[error("line {line} was already moved with {before} units, not {wanted}")]
    QuantityDiffers {
        /// Which line.
        line: LineId,
        /// Units moved before.
        before: u32,
        /// Units wanted now.
        wanted: u32,
    },
    /// The stock system failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// A stock system. Atomicity is the implementer's duty: two reservations of the last unit never both
/// succeed. Every operation is keyed by `(order, line)`; repeating it changes nothing.
#[async_trait]
pub trait Stock: Debug + Send + Sync + 'static {
    /// Units available per warehouse of some SKUs: `on_hand − reserved − committed − buffer`. What is
    /// set aside for `order` itself counts as available to it.
    async fn view(&self, skus: &[Sku], order: Option<&OrderKey>) -> Result<StockView, StockError>;

    /// Sets units aside for a paid order.
    async fn reserve(&self, wanted: &StockMove) -> Result<(), StockError>;

    /// Turns a reservation into a commitment, once the order is acknowledged or approved.
    async fn commit(&self, wanted: &StockMove) -> Result<(), StockError>;

    /// Takes shipped units off the shelf.
    async fn consume(&self, shipped: &StockMove) -> Result<(), StockError>;

    /// Fewer units of a line are wanted than before: gives back what is set aside for it beyond
    /// `wanted.units`, which counts every unit that has left or still shall. What is set aside stays
    /// reserved, or committed, as it was; nothing is set aside anew. Repeating it changes nothing.
    async fn reduce(&self, wanted: &StockMove) -> Result<(), StockError>;

    /// Gives units back that will not ship.
    async fn release(&self, order: &OrderKey, line: &LineId) -> Result<(), StockError>;

    /// Takes back units that a buyer returned: sellable ones are on hand again, others are written
    /// off. Each return of an order counts once.
    async fn take_back(&self, returned: &StockReturn) -> Result<(), StockError>;
}
