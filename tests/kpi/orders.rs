//! Rows from orders.

use super::*;

fn with_deadlines(mut order: Order) -> Order {
    order.deadlines = [
        (DeadlineKind::AcknowledgeBy, 1),
        (DeadlineKind::ShipBy, 48),
        (DeadlineKind::UploadTrackingBy, 72),
        (DeadlineKind::DeliverBy, 120),
    ]
    .map(|(kind, after)| Deadline {
        kind,
        at: now() + hours(after),
        starts_at: now(),
        source: DeadlineSource::Platform,
        version: 1,
        requires: orderflow::order::Requirements::default(),
    })
    .to_vec();
    order
}

fn expected_keys() -> RowKeys {
    RowKeys {
        shop: Some(ShopId::from_static("shop-1")),
        platform: Some(PlatformId::from_static("market")),
        site: Some("US".into()),
        region: Some("US-CO".into()),
        skus: vec![Sku::from_static("SKU-1")],
        ..RowKeys::default()
    }
}

#[test]
fn an_order_gives_the_row_a_host_would_write() {
    let (order, package) = labelled("row", &[("1", 2)]);
    let before = order_row(&order, &OrderExtras::default());
    assert!(!before.fully_shipped && before.ship_confirmed_at.is_none());
    assert_eq!(before.keys, expected_keys());
    let order = after(order, vec![confirmed(&package)]);
    let order = after(order, vec![tracked(&package, &[Milestone::Accepted, Milestone::Delivered])]);
    let mut order = with_deadlines(order);
    order.packages[0].upload.state = UploadState::Uploaded;
    order.packages[0].upload.uploaded_at = Some(now() + hours(1));
    let extras = OrderExtras {
        complaint_at: Some(now() + hours(9)),
        product_cost: Some(usd(400)),
        ..OrderExtras::default()
    };
    let shipped = order.packages[0].shipped.as_ref().unwrap().confirmed_at;
    let row = OrderRow {
        keys: RowKeys {
            carrier: Some(CarrierId::from_static("carrier")),
            service: Some(ServiceCode::from_static("GROUND")),
            warehouse: Some(WarehouseId::from_static("main")),
            ..expected_keys()
        },
        paid_at: Some(now() - hours(2)),
        needs_acknowledgement: true,
        acknowledged_at: Some(now()),
        acknowledge_by: Some(now() + hours(1)),
        ship_by: Some(now() + hours(48)),
        fully_shipped: true,
        ship_confirmed_at: Some(shipped),
        accepted_at: Some(now() + hours(1)),
        number_needed: true,
        uploaded_at: Some(now() + hours(1)),
        upload_by: Some(now() + hours(72)),
        deliver_by: Some(now() + hours(120)),
        delivered_at: Some(now() + hours(2)),
        complaint_at: Some(now() + hours(9)),
        product_cost: Some(usd(400)),
        order_value: Some(usd(1_000)),
        label_costs: vec![usd(523)],
        ..OrderRow::placed(now() - hours(2))
    };
    assert_eq!(order_row(&order, &extras), row);

    let mut from_order = OrderFacts::new();
    from_order.push_order(&order, &extras);
    let from_row: OrderFacts = [row].into_iter().collect();
    let query = KpiQuery::new(Window::new(day(0), day(31)), day(31)).grouped_by([
        Dimension::Carrier,
        Dimension::Region,
        Dimension::Sku,
    ]);
    assert_eq!(query.count(&from_order).unwrap(), query.count(&from_row).unwrap());
}

#[test]
fn the_last_parcel_decides_for_an_order_shipped_in_parts() {
    let (order, first, second) = labelled_twice("parts");
    let order = after(order, vec![confirmed(&first)]);
    let half = order_row(&order, &OrderExtras::default());
    assert!(!half.fully_shipped);
    assert!(half.ship_confirmed_at.is_some() && half.number_needed);
    let order = after(order, vec![confirmed(&second), tracked(&first, &[Milestone::Delivered])]);
    let whole = order_row(&order, &OrderExtras::default());
    assert!(whole.fully_shipped && whole.ship_confirmed_at > half.ship_confirmed_at);
    assert_eq!(whole.delivered_at, None, "one parcel is still on its way");
    assert_eq!(whole.accepted_at, None, "one parcel was never scanned");
    assert_eq!(parcel_rows(&order, &OrderExtras::default()).len(), 2);
}

#[test]
fn cancellations_of_an_order_weigh_by_the_sellers_fault() {
    let (mut order, _) = labelled("cancelled", &[("1", 2)]);
    let units = |reason, at| CancelledUnits { line: line_id("1"), units: 1, reason, at };
    order.packages.clear();
    order.cancellations.push(units(CancelReason::OutOfStock, now()));
    assert_eq!(order_row(&order, &OrderExtras::default()).cancellation, None, "one unit is left");
    order.cancellations.push(units(CancelReason::BuyerRequest, now() + hours(1)));
    let cancellation = order_row(&order, &OrderExtras::default()).cancellation.unwrap();
    assert_eq!((cancellation.by, cancellation.at), (CancelledBy::Seller, now() + hours(1)));
    order.cancellations[0].reason = CancelReason::NotShipped;
    let cancellation = order_row(&order, &OrderExtras::default()).cancellation.unwrap();
    assert_eq!(cancellation.by, CancelledBy::NotShipped);
}

#[test]
fn units_incidents_and_numbers_of_an_order_become_rows() {
    let (order, package) = labelled("rows", &[("1", 3)]);
    let order = after(order, vec![confirmed(&package), tracked(&package, &[Milestone::Delivered])]);
    let mut order = order;
    order.returns.push(ReturnedUnits {
        line: line_id("1"),
        units: 2,
        reason: None,
        at: now() + hours(90),
        restock: true,
    });
    let units = units_rows(&order, &OrderExtras::default());
    assert_eq!(units.len(), 1);
    assert_eq!((units[0].delivered, &units[0].returned), (3, &vec![(2, now() + hours(90))]));
    order.incidents.clear();
    let incident = |kind, at| Incident {
        kind,
        package: None,
        detail: String::new(),
        first_at: at,
        last_at: at,
        count: 1,
        resolved_at: Some(at + hours(5)),
    };
    order.incidents.push(incident(ExceptionKind::ShippingMistake, now() + hours(30)));
    order.incidents.push(incident(ExceptionKind::ComplaintOpened, now() + hours(40)));
    let extras =
        OrderExtras { exceptions: vec![(now() + hours(10), None)], ..OrderExtras::default() };
    let row = order_row(&order, &extras);
    assert_eq!(row.mistake_at, Some(now() + hours(30)));
    assert_eq!(row.complaint_at, Some(now() + hours(40)));
    assert_eq!(row.exception_at, Some(now() + hours(10)));
    assert_eq!(exception_rows(&order, &extras).len(), 3);
    let tracking = order.packages[0].tracking.as_mut().unwrap();
    (tracking.carrier, tracking.manual) = (CarrierId::from_static("usps"), true);
    assert!(!order_row(&order, &extras).numbers_valid, "typed in, and no number of that carrier");
    order.logistics = LogisticsMode::PlatformFulfilled;
    assert!(order_row(&order, &extras).platform_fulfilled);
}
