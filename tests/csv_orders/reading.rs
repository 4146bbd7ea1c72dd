use orderflow::order::PlatformOrder;
use orderflow::platforms::csv::{
    CsvOrders, DecimalMark, Field, ImportReport, Mapping, MappingError, RowErrorCode,
};
use orderflow::{Currency, OrderKey, ShopId};

use super::house::{at, file, fixture, mapping, read, row};

fn expected(name: &str) -> Vec<PlatformOrder> {
    serde_json::from_slice(&fixture(name)).unwrap()
}

#[test]
fn a_file_in_the_neutral_columns_is_read_as_written() {
    let (orders, errors) = read(&fixture("orders.csv"), &mapping());
    assert_eq!(errors, []);
    assert_eq!(orders, expected("orders.expect.json"));
}

#[test]
fn an_export_of_a_platform_is_read_once_dates_and_currency_are_declared() {
    let preset = Mapping::preset("tiktok_shop_orders").unwrap();
    assert_eq!(preset.check(), Err(MappingError::Undeclared(Field::Currency)));
    let preset = preset.with_currency(Currency::new("THB").unwrap());
    assert_eq!(preset.check(), Err(MappingError::NoDateFormat));
    let bangkok = chrono_tz::Asia::Bangkok;
    let mut preset = preset.with_dates(["%d/%m/%Y %H:%M:%S"], bangkok);
    // This file has no column for postcodes, and the country uses them.
    let (_, errors) = read(&fixture("tiktok_shop_orders.csv"), &preset);
    assert_eq!(errors[0].code, RowErrorCode::Empty);
    preset = preset.with_column(Field::PostalCode, "Commune");
    let with_code = String::from_utf8(fixture("tiktok_shop_orders.csv"))
        .unwrap()
        .replace("Bang Rak,,", "Bang Rak,10500,");
    let (orders, errors) = read(with_code.as_bytes(), &preset);
    assert_eq!(errors, []);
    assert_eq!(orders, expected("tiktok_shop_orders.expect.json"));
}

#[test]
fn rows_of_an_order_are_joined_within_the_look_back_and_refused_beyond() {
    let rows = file(&[("A", "1"), ("B", "1"), ("A", "2"), ("C", "1"), ("A", "3")]);
    let (orders, errors) = read(rows.as_bytes(), &mapping().with_look_back(4));
    assert_eq!((orders.len(), errors.len()), (3, 0));
    assert_eq!(orders[0].lines.len(), 3);

    let (orders, errors) = read(rows.as_bytes(), &mapping().with_look_back(2));
    assert_eq!(orders.iter().map(|order| order.lines.len()).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!((errors[0].row, errors[0].code), (6, RowErrorCode::OrderAlreadyGiven));
    assert_eq!(errors[0].order.as_ref().unwrap().as_str(), "A");
}

#[test]
fn columns_are_found_by_name_whatever_their_case_and_blanks() {
    let text = file(&[("A", "1")]).replace("order_id", " Order ID ").replace("qty", "QTY");
    let (orders, errors) = read(text.as_bytes(), &mapping());
    assert_eq!((orders.len(), errors.len()), (1, 0));
}

#[test]
fn amounts_with_a_comma_and_dates_in_a_zone_are_read_as_declared() {
    let mapping = mapping()
        .with_decimal(DecimalMark::Comma)
        .with_dates(["%d.%m.%Y %H:%M"], chrono_tz::Europe::Berlin);
    let text = file(&[("A", "1")])
        .replace(',', ";")
        .replace("10.00", "1.010,50")
        .replace("2026-03-01", "01.03.2026 08:00");
    let (orders, errors) = read(text.as_bytes(), &mapping);
    assert_eq!(errors, []);
    assert_eq!(orders[0].lines[0].unit_price.amount.to_string(), "1010.50");
    assert_eq!(orders[0].total.amount.to_string(), "2021.00");
    assert_eq!(orders[0].placed_at, at("2026-03-01T07:00:00Z"));
}

#[test]
fn lines_without_ids_are_named_by_their_sku_and_told_apart_by_a_count() {
    let (orders, _) = read(file(&[("A", "X"), ("A", "Y"), ("A", "X")]).as_bytes(), &mapping());
    let ids: Vec<&str> = orders[0].lines.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(ids, ["X", "X#2", "Y"]);
}

#[test]
fn importing_the_same_file_again_changes_nothing() {
    let now = at("2026-03-02T00:00:00Z");
    let text = file(&[("A", "1"), ("B", "1"), ("A", "2")]);
    let mut known = std::collections::BTreeMap::new();
    let mut run = |text: &str| {
        let mut report = ImportReport::default();
        for read in CsvOrders::new(text.as_bytes(), &mapping()).unwrap() {
            let find = |snapshot: &PlatformOrder| known.get(&snapshot.id).cloned();
            if let Some(snapshot) = report.count(read, find, now) {
                let shop = ShopId::from_static("1");
                let platform = orderflow::platforms::csv::CSV;
                let key = OrderKey::new(platform, shop, snapshot.id.clone());
                let imported = orderflow::order::Event::once(
                    orderflow::order::Action::Imported {
                        snapshot: Box::new(snapshot.clone()),
                        needs_acknowledgement: false,
                    },
                    now,
                    orderflow::order::Actor::Platform,
                );
                let order = orderflow::order::import(&key, &imported).unwrap().order;
                known.insert(snapshot.id, order);
            }
        }
        report
    };
    let first = run(&text);
    assert_eq!((first.imported, first.updated, first.unchanged), (2, 0, 0));
    let second = run(&text);
    assert_eq!((second.imported, second.updated, second.unchanged), (0, 0, 2));
    let changed = format!("{text}{}\n", row("C", "1")).replace("B,2026-03-01", "B,2026-03-02");
    let third = run(&changed);
    assert_eq!((third.imported, third.updated, third.unchanged), (1, 1, 1));
}

#[test]
fn the_mapping_of_the_preset_survives_serialisation() {
    for name in ["orderflow", "tiktok_shop_orders"] {
        let mapping = Mapping::preset(name).unwrap();
        let text = serde_json::to_string(&mapping).unwrap();
        assert_eq!(serde_json::from_str::<Mapping>(&text).unwrap(), mapping);
    }
    let unknown = Mapping::preset("nobody").unwrap_err();
    assert_eq!(unknown, MappingError::UnknownPreset("nobody".into()));
}

#[test]
fn a_mapping_that_cannot_work_is_told_before_any_file() {
    let twice = mapping().with_column(Field::Note, "SKU");
    assert!(matches!(twice.check(), Err(MappingError::ClaimedTwice { .. })));
    assert_eq!(mapping().with_delimiter(':').check(), Err(MappingError::Delimiter));
    let far = mapping().with_look_back(u32::MAX).check();
    assert!(matches!(far, Err(MappingError::TooLarge { name: "look_back", .. })));
    let format = mapping().with_dates(["%Q"], chrono_tz::UTC).check();
    assert_eq!(format, Err(MappingError::DateFormat("%Q".into())));
}
