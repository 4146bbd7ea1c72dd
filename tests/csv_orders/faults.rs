use orderflow::platforms::csv::{RowError, RowErrorCode as Code};

use super::house::{file, mapping, read, row};

/// A good order before and after what is wrong.
fn around(bad: &str) -> Vec<RowError> {
    let text = format!("{}{bad}\n{}\n", file(&[("GOOD-1", "1")]), row("GOOD-2", "1"));
    let (orders, errors) = read(text.as_bytes(), &mapping());
    let ids: Vec<&str> = orders.iter().map(|order| order.id.as_str()).collect();
    assert_eq!(ids, ["GOOD-1", "GOOD-2"], "a bad row costs no other order");
    errors
}

#[test]
fn each_fault_is_told_with_its_row_column_and_code_and_costs_only_its_order() {
    let good = row("BAD", "1");
    let without = |cell: &str, with: &str| good.replacen(cell, with, 1);
    for (bad, column, code) in [
        (without("BAD", ""), Some("order_id"), Code::Empty),
        (without("BAD", "1.23E+17"), Some("order_id"), Code::ScientificNotation),
        (without("BAD", &"x".repeat(129)), Some("order_id"), Code::BadId),
        (without("2026-03-01", ""), Some("placed_at"), Code::Empty),
        (without("2026-03-01", "01/03/2026"), Some("placed_at"), Code::BadDate),
        (without("2026-03-01", "1812-03-01"), Some("placed_at"), Code::BadDate),
        (without("Canary Name", " "), Some("recipient_name"), Code::Empty),
        (without("1 Canary Street", ""), Some("address1"), Code::Empty),
        (without("Denver", ""), Some("city"), Code::Empty),
        (without("80202", ""), Some("postal_code"), Code::Empty),
        (without("80202", "8.0E+4"), Some("postal_code"), Code::ScientificNotation),
        (without(",US,", ",,"), Some("country"), Code::Empty),
        (without(",US,", ",Atlantis,"), Some("country"), Code::BadCountry),
        (without("USD", "DOLLARS"), Some("currency"), Code::BadCurrency),
        (without("USD", ""), Some("currency"), Code::BadCurrency),
        (without(",1,2,", ",,2,"), Some("sku"), Code::Empty),
        (without(",1,2,", ",2.5E+15,2,"), Some("sku"), Code::ScientificNotation),
        (without(",1,2,", ",1,0,"), Some("qty"), Code::BadQuantity),
        (without(",1,2,", ",1,1.5,"), Some("qty"), Code::BadQuantity),
        (without("10.00", "ten"), Some("price"), Code::BadAmount),
        // One decimal more than an exact number has.
        (without("10.00", "0.00000000000000000000000000001"), Some("price"), Code::BadAmount),
        (without("10.00", "-10.00"), Some("price"), Code::NegativeAmount),
        (format!("{good},more"), None, Code::CellCount),
        ("BAD,2026-03-01".to_owned(), None, Code::CellCount),
    ] {
        let errors = around(&bad);
        assert_eq!(errors.len(), 1, "{bad}: {errors:?}");
        let error = &errors[0];
        assert_eq!((error.row, error.column.as_deref(), error.code), (3, column, code), "{bad}");
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains("Canary"), "{printed}");
    }
}

#[test]
fn bytes_that_are_not_utf8_cost_only_their_order() {
    let mut text = file(&[("GOOD-1", "1")]).into_bytes();
    text.extend_from_slice(&row("BAD", "1").replace("Denver", "Den\u{1}ver").into_bytes());
    let at = text.iter().position(|byte| *byte == 1).unwrap();
    text[at] = 0xFF;
    text.extend_from_slice(format!("\n{}\n", row("GOOD-2", "1")).as_bytes());
    let (orders, errors) = read(&text, &mapping());
    assert_eq!(orders.len(), 2);
    let found = (errors[0].row, errors[0].column.as_deref(), errors[0].code);
    assert_eq!(found, (3, Some("city"), Code::NotUtf8));
    assert_eq!(errors[0].order.as_ref().unwrap().as_str(), "BAD");
}

#[test]
fn rows_that_disagree_about_their_order_are_refused_together_with_their_numbers() {
    let other = row("BAD", "2").replace("Denver", "Dover");
    let errors = around(&format!("{}\n{other}\n{}", row("BAD", "1"), row("BAD", "3")));
    let found: Vec<(u64, Code)> = errors.iter().map(|error| (error.row, error.code)).collect();
    let wanted = [(3, Code::OrderRejected), (4, Code::Disagreement), (5, Code::OrderRejected)];
    assert_eq!(found, wanted);
    assert_eq!(errors[1].column.as_deref(), Some("city"));
    assert!(errors[1].message.contains("row 3"), "{}", errors[1]);
}

#[test]
fn one_bad_line_keeps_half_an_order_from_shipping() {
    let bad = row("BAD", "2").replace(",2,10.00", ",none,10.00");
    let errors = around(&format!("{}\n{bad}", row("BAD", "1")));
    let found: Vec<(u64, Code)> = errors.iter().map(|error| (error.row, error.code)).collect();
    assert_eq!(found, [(3, Code::OrderRejected), (4, Code::BadQuantity)]);
}

#[test]
fn two_lines_with_one_id_are_refused() {
    let header = file(&[]).replace("sku", "sku,line_id");
    let line = |sku: &str| row("A", sku).replace(&format!(",{sku},2"), &format!(",{sku},7,2"));
    let text = format!("{header}{}\n{}\n", line("X"), line("Y"));
    let (orders, errors) = read(text.as_bytes(), &mapping());
    assert_eq!(orders, []);
    assert_eq!((errors[0].code, errors[1].code), (Code::DuplicateLine, Code::OrderRejected));
}

#[test]
fn a_header_without_a_required_column_or_with_one_twice_is_refused_at_once() {
    for (text, code) in [
        ("", Code::MissingColumn),
        ("order_id,sku\nA,1\n", Code::MissingColumn),
        ("order_id,Order ID,sku\n", Code::DuplicateColumn),
        ("order_id,s\u{fffd}ku\n", Code::MissingColumn),
    ] {
        let (orders, errors) = read(text.as_bytes(), &mapping());
        assert_eq!((orders.len(), errors.len(), errors[0].code), (0, 1, code), "{text}");
    }
    let (_, errors) = read(b"order_id,s\xFFku\n", &mapping());
    assert_eq!(errors[0].code, Code::NotUtf8);
}

#[test]
fn a_status_that_nobody_knows_is_kept_and_is_no_success() {
    let text = file(&[("A", "1")])
        .replace("order_id,", "order_id,status,")
        .replace("A,2026", "A,Teleported,2026");
    let (orders, _) = read(text.as_bytes(), &mapping());
    let unknown = orderflow::order::UnitStatus::Unknown("Teleported".into());
    assert_eq!(orders[0].lines[0].units[0].status, unknown);
}

#[test]
fn a_report_keeps_the_rows_to_itself() {
    let errors = around(&row("BAD", "1").replace("Denver", ""));
    assert!(errors[0].raw.as_str().contains("Canary"));
    assert!(!serde_json::to_string(&errors).unwrap().contains("Canary"));
}
