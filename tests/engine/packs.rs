//! Orders sold together: whichever id a notification names, they are one order here.

use orderflow::sandbox::Faults;
use orderflow::sandbox::mercado_libre::{SandboxPack, Way, generate};
use orderflow::{LineId, OrderKey, PlatformOrderId};

use super::house::at;
use super::platforms::{World, mercado_libre};

/// A sale of several orders that travel in one parcel.
fn several() -> SandboxPack {
    let mut packs = generate(3, 60, at(-6), at(-1)).into_iter();
    let mut pack = packs.find(|pack| pack.pack.is_some() && pack.items.len() > 1).unwrap();
    pack.way = Way::DropOff;
    pack
}

fn key(world: &World, id: impl ToString) -> OrderKey {
    let order = PlatformOrderId::new(id.to_string()).unwrap();
    OrderKey::new(world.shop.platform.clone(), world.shop.shop.clone(), order)
}

#[tokio::test(start_paused = true)]
async fn refreshing_by_the_pack_and_by_each_of_its_orders_meets_in_one_order() {
    let pack = several();
    let (first, last) = (pack.items[0].order, pack.items[pack.items.len() - 1].order);
    assert_ne!(first, last);
    let ids = [pack.id(), first.to_string(), last.to_string()];
    // Whichever of them is told first.
    for begin in 0..ids.len() {
        let (world, market) = mercado_libre(Faults::none());
        market.place(pack.clone());
        let mut revision = None;
        for id in ids.iter().cycle().skip(begin).take(ids.len()) {
            let order = world.engine.refresh(&key(&world, id), at(0)).await.unwrap();
            assert_eq!(order.key, key(&world, pack.id()), "asked by {id}");
            let lines: Vec<LineId> = order.lines.iter().map(|line| line.id.clone()).collect();
            assert_eq!(lines.len(), pack.items.len());
            for item in &pack.items {
                let own = format!("{}-", item.order);
                assert!(lines.iter().any(|line| line.as_str().starts_with(&own)), "{lines:?}");
            }
            let log = world.engine.store().log(&order.key).await.unwrap().len();
            assert_eq!(*revision.get_or_insert(log), log, "the second look has no news: {id}");
        }
        assert_eq!(world.orders().await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_known_from_a_list_is_met_again_by_the_id_of_any_of_its_parts() {
    let pack = several();
    let (world, market) = mercado_libre(Faults::none());
    market.place(pack.clone());
    world.import().await;
    let known = world.orders().await.remove(0);
    for item in &pack.items {
        let order = world.engine.refresh(&key(&world, item.order), at(0)).await.unwrap();
        assert_eq!(order, known);
    }
    assert_eq!(world.orders().await.len(), 1);
}
