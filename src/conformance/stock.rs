//! Cards of stock systems.

use std::sync::Arc;

use super::{Outcome, Report, said, same, that, together};
use crate::ids::{LineId, OrderKey, PlatformId, PlatformOrderId, ShopId, Sku, WarehouseId};
use crate::ports::{Stock, StockError, StockMove, StockReturn};

/// Runs every card. `fresh` makes a stock system that has exactly these units on hand of
/// each SKU `SKU-1` and `SKU-2`, in the warehouses given.
pub async fn run(fresh: impl Fn(&[(WarehouseId, u32)]) -> Arc<dyn Stock>) -> Report {
    let mut report = Report::default();
    let two = [(WarehouseId::from_static("a"), 3), (WarehouseId::from_static("b"), 10)];
    macro_rules! cards {
        ($($name:literal => $card:ident),* $(,)?) => {
            $(report.card($name, $card(fresh(&two).as_ref()).await);)*
        };
    }
    cards! {
        "the last units go to one order only" => contention,
        "a repetition changes nothing" => repetition,
        "another quantity is refused, a smaller one gives back" => quantity,
        "units that will not ship come back" => release,
        "units that left are off the shelf" => consume,
        "an order sees its own units" => own_units,
        "without a warehouse one that has enough is taken" => choice,
        "a commitment needs no reservation but stock" => commit_alone,
        "units of others are never shipped" => others,
        "what a buyer returned is on the shelf once, or written off" => returns,
    }
    report
}

fn order(id: &str) -> Result<OrderKey, String> {
    Ok(OrderKey::new(
        PlatformId::from_static("conformance"),
        ShopId::from_static("stock"),
        PlatformOrderId::new(id).map_err(said)?,
    ))
}

fn wanted(id: &str, units: u32, warehouse: Option<&'static str>) -> Result<StockMove, String> {
    Ok(StockMove {
        order: order(id)?,
        line: LineId::from_static("1"),
        sku: Sku::from_static("SKU-1"),
        warehouse: warehouse.map(WarehouseId::from_static),
        units,
        package: None,
    })
}

/// Units available in `a`, in `b`, to everybody or to an order.
async fn available(stock: &dyn Stock, id: Option<&str>) -> Result<(u32, u32), String> {
    let sku = Sku::from_static("SKU-1");
    let order = id.map(order).transpose()?;
    let view = stock.view(std::slice::from_ref(&sku), order.as_ref()).await.map_err(said)?;
    Ok((
        view.available(&WarehouseId::from_static("a"), &sku),
        view.available(&WarehouseId::from_static("b"), &sku),
    ))
}

fn short(outcome: Result<(), StockError>) -> Outcome {
    match outcome {
        Err(StockError::Short { .. }) => Ok(()),
        other => Err(format!("found {other:?}, wanted a shortage")),
    }
}

async fn contention(stock: &dyn Stock) -> Outcome {
    let moves: Vec<StockMove> =
        (0..8).map(|id| wanted(&id.to_string(), 2, Some("a"))).collect::<Result<_, _>>()?;
    let calls = moves.iter().map(|wanted| stock.reserve(wanted)).collect();
    let mut won = 0;
    for outcome in together(calls).await {
        if outcome.is_ok() {
            won += 1;
        } else {
            short(outcome)?;
        }
    }
    same("reservations", &won, &1)?;
    same("available", &available(stock, None).await?, &(1, 10))
}

async fn repetition(stock: &dyn Stock) -> Outcome {
    let wanted = wanted("1", 2, Some("b"))?;
    for _ in 0..3 {
        stock.reserve(&wanted).await.map_err(said)?;
    }
    same("reserved", &available(stock, None).await?, &(3, 8))?;
    for _ in 0..3 {
        stock.commit(&wanted).await.map_err(said)?;
        stock.reserve(&wanted).await.map_err(said)?;
    }
    same("committed", &available(stock, None).await?, &(3, 8))?;
    for _ in 0..3 {
        stock.consume(&wanted).await.map_err(said)?;
        stock.reserve(&wanted).await.map_err(said)?;
        stock.commit(&wanted).await.map_err(said)?;
    }
    same("consumed", &available(stock, None).await?, &(3, 8))
}

async fn quantity(stock: &dyn Stock) -> Outcome {
    stock.reserve(&wanted("1", 4, Some("b"))?).await.map_err(said)?;
    match stock.reserve(&wanted("1", 5, Some("b"))?).await {
        Err(StockError::QuantityDiffers { before: 4, wanted: 5, .. }) => {}
        other => return Err(format!("more units: {other:?}")),
    }
    same("more", &available(stock, None).await?, &(3, 6))?;
    stock.reserve(&wanted("1", 3, None)?).await.map_err(said)?;
    same("fewer", &available(stock, None).await?, &(3, 7))
}

async fn release(stock: &dyn Stock) -> Outcome {
    let line = LineId::from_static("1");
    stock.release(&order("0")?, &line).await.map_err(said)?;
    stock.reserve(&wanted("1", 2, Some("b"))?).await.map_err(said)?;
    stock.commit(&wanted("2", 5, Some("b"))?).await.map_err(said)?;
    stock.consume(&wanted("2", 1, Some("b"))?).await.map_err(said)?;
    for _ in 0..2 {
        stock.release(&order("1")?, &line).await.map_err(said)?;
        stock.release(&order("2")?, &line).await.map_err(said)?;
    }
    same("available", &available(stock, None).await?, &(3, 9))
}

async fn consume(stock: &dyn Stock) -> Outcome {
    // In part, from another warehouse than the one set aside, and without any setting aside.
    stock.commit(&wanted("1", 4, Some("b"))?).await.map_err(said)?;
    stock.consume(&wanted("1", 3, Some("b"))?).await.map_err(said)?;
    same("in part", &available(stock, None).await?, &(3, 6))?;
    stock.consume(&wanted("1", 1, Some("a"))?).await.map_err(said)?;
    same("elsewhere", &available(stock, None).await?, &(2, 7))?;
    stock.consume(&wanted("2", 2, Some("b"))?).await.map_err(said)?;
    same("at once", &available(stock, None).await?, &(2, 5))?;
    short(stock.consume(&wanted("3", 6, Some("b"))?).await)?;
    same("too many", &available(stock, None).await?, &(2, 5))
}

async fn own_units(stock: &dyn Stock) -> Outcome {
    stock.reserve(&wanted("1", 3, Some("a"))?).await.map_err(said)?;
    same("others see", &available(stock, Some("2")).await?, &(0, 10))?;
    same("it sees", &available(stock, Some("1")).await?, &(3, 10))?;
    let unknown = [Sku::from_static("SKU-0")];
    let view = stock.view(&unknown, None).await.map_err(said)?;
    that(unknown.iter().all(|sku| view.total(sku) == 0), || "units of an unknown SKU".into())
}

async fn choice(stock: &dyn Stock) -> Outcome {
    stock.reserve(&wanted("1", 4, None)?).await.map_err(said)?;
    same("only b has enough", &available(stock, None).await?, &(3, 6))?;
    short(stock.reserve(&wanted("2", 10, None)?).await)?;
    same("nobody has", &available(stock, None).await?, &(3, 6))?;
    // No warehouse has enough alone: a stock that keeps a line in several takes what is wanted.
    match stock.reserve(&wanted("3", 7, None)?).await {
        Ok(()) => {
            let (a, b) = available(stock, None).await?;
            same("left in both", &(a + b), &2)
        }
        refused => {
            short(refused)?;
            same("nothing is set aside", &available(stock, None).await?, &(3, 6))
        }
    }
}

async fn commit_alone(stock: &dyn Stock) -> Outcome {
    stock.commit(&wanted("1", 2, Some("a"))?).await.map_err(said)?;
    same("available", &available(stock, None).await?, &(1, 10))?;
    short(stock.commit(&wanted("2", 2, Some("a"))?).await)?;
    same("after a shortage", &available(stock, None).await?, &(1, 10))
}

async fn others(stock: &dyn Stock) -> Outcome {
    stock.commit(&wanted("1", 2, Some("a"))?).await.map_err(said)?;
    short(stock.consume(&wanted("2", 2, Some("a"))?).await)?;
    stock.consume(&wanted("1", 2, Some("a"))?).await.map_err(said)?;
    same("available", &available(stock, None).await?, &(1, 10))
}

async fn returns(stock: &dyn Stock) -> Outcome {
    stock.commit(&wanted("1", 4, Some("b"))?).await.map_err(said)?;
    stock.consume(&wanted("1", 4, Some("b"))?).await.map_err(said)?;
    same("shipped", &available(stock, None).await?, &(3, 6))?;
    let returned = |number, units, sellable| -> Result<StockReturn, String> {
        Ok(StockReturn {
            order: order("1")?,
            line: LineId::from_static("1"),
            number,
            sku: Sku::from_static("SKU-1"),
            warehouse: Some(WarehouseId::from_static("b")),
            units,
            sellable,
        })
    };
    for _ in 0..2 {
        stock.take_back(&returned(1, 2, true)?).await.map_err(said)?;
    }
    same("taken back", &available(stock, None).await?, &(3, 8))?;
    stock.take_back(&returned(2, 1, false)?).await.map_err(said)?;
    same("written off", &available(stock, None).await?, &(3, 8))?;
    stock.take_back(&returned(3, 1, true)?).await.map_err(said)?;
    same("another return", &available(stock, None).await?, &(3, 9))
}
