use orderflow::order::PlatformOrder;
use orderflow::platforms::csv::{CsvOrders, Mapping};
use proptest::prelude::*;

use super::house::{HEADER, mapping, read};

/// Rows as cells: a few orders with a few lines each.
fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    let line = (0_u8..6, "[A-Za-z0-9]{1,6}", 1_u32..9, 0_u32..100_000);
    let name = "[ -~é\u{4e00}]{0,12}";
    (prop::collection::vec(line, 1..24), prop::collection::vec(name, 6)).prop_map(
        |(lines, names)| {
            lines
                .into_iter()
                .map(|(order, sku, units, cents)| {
                    vec![
                        format!("00{order}"),
                        "2026-03-01".into(),
                        format!("N{}", names[usize::from(order)].trim()),
                        "1 \"Main\" St; Unit, 4".into(),
                        "Den\tver".into(),
                        "01201".into(),
                        "US".into(),
                        "USD".into(),
                        sku,
                        units.to_string(),
                        format!("{}.{:02}", cents / 100, cents % 100),
                    ]
                })
                .collect()
        },
    )
}

fn written(rows: &[Vec<String>], delimiter: u8, mark: bool, crlf: bool) -> Vec<u8> {
    let end = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(end)
        .from_writer(if mark { b"\xEF\xBB\xBF".to_vec() } else { Vec::new() });
    writer.write_record(HEADER.replace("address_1", "address1").split(',')).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

fn sorted(file: &[u8], mapping: &Mapping) -> Vec<PlatformOrder> {
    let (mut orders, errors) = read(file, mapping);
    assert_eq!(errors, []);
    orders.sort_by(|a, b| a.id.cmp(&b.id));
    orders
}

proptest! {
    #[test]
    fn any_bytes_end_in_orders_or_errors(bytes: Vec<u8>) {
        if let Ok(rows) = CsvOrders::new(bytes.as_slice(), &mapping()) {
            prop_assert!(rows.count() <= bytes.len());
        }
    }

    #[test]
    fn any_bytes_after_a_good_header_end_in_orders_or_errors(bytes: Vec<u8>) {
        let mut file = HEADER.replace("address_1", "address1").into_bytes();
        file.push(b'\n');
        file.extend_from_slice(&bytes);
        let rows = CsvOrders::new(file.as_slice(), &mapping()).unwrap();
        prop_assert!(rows.count() <= bytes.len() + 1);
    }

    #[test]
    fn the_order_of_rows_within_the_look_back_does_not_matter(
        rows in rows(),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let mut other = rows.clone();
        let turn = shuffled.index(other.len());
        other.rotate_left(turn);
        other.reverse();
        let mapping = mapping();
        let found = sorted(&written(&other, b',', false, false), &mapping);
        prop_assert_eq!(found, sorted(&written(&rows, b',', false, false), &mapping));
    }

    #[test]
    fn delimiters_marks_and_line_ends_do_not_matter(rows in rows(), mark: bool, crlf: bool) {
        let plain = sorted(&written(&rows, b',', false, false), &mapping());
        for delimiter in [b',', b';', b'\t', b'|'] {
            let found = sorted(&written(&rows, delimiter, mark, crlf), &mapping());
            prop_assert_eq!(&found, &plain);
        }
    }

    #[test]
    fn every_unit_of_the_file_is_in_exactly_one_order(rows in rows()) {
        let units: u32 = rows.iter().map(|row| row[9].parse::<u32>().unwrap()).sum();
        let orders = sorted(&written(&rows, b',', false, false), &mapping());
        let found: u32 = orders.iter().flat_map(|o| &o.lines).map(|line| line.quantity).sum();
        prop_assert_eq!(found, units);
    }
}
