//! What spreadsheets do to files of orders, and columns of which nobody said what they hold.

use orderflow::order::{Action, Actor, Event, erase, import};
use orderflow::platforms::csv::{RowError, RowErrorCode as Code};
use orderflow::{OrderKey, ShopId};

use super::house::{at, file, mapping, read, row};

/// The only error of a file with a bad row between two good ones.
fn around(bad: &str) -> RowError {
    let text = format!("{}{bad}\n{}\n", file(&[("GOOD-1", "1")]), row("GOOD-2", "1"));
    let (orders, mut errors) = read(text.as_bytes(), &mapping());
    let ids: Vec<&str> = orders.iter().map(|order| order.id.as_str()).collect();
    assert_eq!(ids, ["GOOD-1", "GOOD-2"], "a bad row costs no other order");
    assert_eq!(errors.len(), 1, "{bad}: {errors:?}");
    errors.remove(0)
}

#[test]
fn what_a_spreadsheet_did_to_a_cell_is_told_with_row_column_and_code() {
    let good = row("BAD", "1");
    let with = |cell: &str, bad: &str| good.replacen(cell, bad, 1);
    for (bad, column, code) in [
        (with("BAD", "########"), "order_id", Code::SpreadsheetError),
        (with("BAD", "#N/A"), "order_id", Code::SpreadsheetError),
        (with("BAD", "#REF!"), "order_id", Code::SpreadsheetError),
        (with("BAD", "'00123"), "order_id", Code::SpreadsheetMark),
        (with("BAD", "=A1+1"), "order_id", Code::SpreadsheetMark),
        (with("BAD", "=\"a\"&\"b\""), "order_id", Code::SpreadsheetMark),
        (with("BAD", "00\u{200b}123"), "order_id", Code::InvisibleCharacter),
        (with("BAD", "123\u{feff}"), "order_id", Code::InvisibleCharacter),
        (with(",1,2,", ",#VALUE!,2,"), "sku", Code::SpreadsheetError),
        (with(",1,2,", ",'1,2,"), "sku", Code::SpreadsheetMark),
        (with(",1,2,", ",A\u{200d}B,2,"), "sku", Code::InvisibleCharacter),
        (with("BAD", "1.23 E+17"), "order_id", Code::ScientificNotation),
        (with("BAD", "1.23E +17"), "order_id", Code::ScientificNotation),
        (with("BAD", "1.23e+ 17"), "order_id", Code::ScientificNotation),
        (with("BAD", "1045000000001.0"), "order_id", Code::DecimalNotation),
        (with("BAD", "1045000000001.00"), "order_id", Code::DecimalNotation),
        (with("BAD", "\"1045000000001,0\""), "order_id", Code::DecimalNotation),
        (with(",1,2,", ",7.0,2,"), "sku", Code::DecimalNotation),
        (with("80202", "80202.0"), "postal_code", Code::DecimalNotation),
        (with("80202", "'80202"), "postal_code", Code::SpreadsheetMark),
        (with("80202", "#####"), "postal_code", Code::SpreadsheetError),
        (with("2026-03-01", "##########"), "placed_at", Code::SpreadsheetError),
        (with("Canary Name", "#NAME?"), "recipient_name", Code::SpreadsheetError),
        (with("1 Canary Street", "#n/a"), "address1", Code::SpreadsheetError),
        (with("10.00", "#DIV/0!"), "price", Code::SpreadsheetError),
        (with("USD", "QQQ"), "currency", Code::BadCurrency),
        (with("USD", "XXX"), "currency", Code::BadCurrency),
        (with(",US,", ",ZZ,"), "country", Code::BadCountry),
        (with(",US,", ",UK,"), "country", Code::BadCountry),
    ] {
        let error = around(&bad);
        assert_eq!(
            (error.row, error.column.as_deref(), error.code),
            (3, Some(column), code),
            "{bad}"
        );
    }
}

#[test]
fn the_text_form_of_a_spreadsheet_reads_as_its_text() {
    let text = format!(
        "{}{}\n{}\n",
        file(&[]),
        row("=\"00123\"", "=\"007\"").replace("80202", "=\"01201\""),
        row("\"=\"\"00123\"\"\"", "008").replace("80202", "01201"),
    );
    let (orders, errors) = read(text.as_bytes(), &mapping());
    assert_eq!((orders.len(), errors), (1, Vec::new()));
    assert_eq!(orders[0].id.as_str(), "00123");
    let skus: Vec<_> =
        orders[0].lines.iter().map(|line| line.sku.as_ref().unwrap().as_str()).collect();
    assert_eq!(skus, ["007", "008"]);
    let recipient = orders[0].recipient.as_ref().unwrap();
    assert_eq!(recipient.address.postal_code.as_deref(), Some("01201"));
}

#[test]
fn cells_that_only_look_odd_are_left_alone() {
    let text = format!(
        "{}{}\n",
        file(&[]),
        row("#5", "##").replace("Denver", "'s-Hertogenbosch").replace("Canary Name", "#1 Fan"),
    ) + &format!("{}\n", row("1.5", "V2.0"))
        + &format!("{}\n", row("10.0.0", "1.05"));
    let (orders, errors) = read(text.as_bytes(), &mapping());
    assert_eq!(errors, []);
    assert_eq!(orders[0].recipient.as_ref().unwrap().address.city, "'s-Hertogenbosch");
}

#[test]
fn a_word_for_a_country_is_declared_and_goes_before_the_codes() {
    let mut mapping = mapping();
    let britain = orderflow::Country::new("GB").unwrap();
    mapping.countries.insert("UK".into(), britain);
    let text = file(&[("A", "1")]).replace(",US,", ",UK,");
    let (orders, errors) = read(text.as_bytes(), &mapping);
    assert_eq!(errors, []);
    assert_eq!(orders[0].recipient.as_ref().unwrap().address.country, Some(britain));
}

#[test]
fn a_first_line_that_names_the_separator_is_understood() {
    let plain = file(&[("A", "1"), ("B", "2")]);
    let wanted = read(plain.as_bytes(), &mapping());
    for (line, delimiter) in
        [("sep=,\r\n", ","), ("sep=;\n", ";"), ("SEP=\t\n", "\t"), ("sep=|\n", "|")]
    {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{line}{}", plain.replace(',', delimiter));
            assert_eq!(read(text.as_bytes(), &mapping()), wanted, "{line:?}");
        }
    }
    // A file of one semicolon-separated column more than the header of commas: the line decides.
    let (orders, errors) = read(format!("sep=;\n{plain}").as_bytes(), &mapping());
    assert_eq!((orders.len(), errors[0].code), (0, Code::MissingColumn));
    // Lines are counted as an editor does, rows from the header on.
    let bad = format!("sep=,\n{}{}\n", file(&[]), row("A", "1").replace(",2,10.00", ",none,10.00"));
    let (_, errors) = read(bad.as_bytes(), &mapping());
    assert_eq!((errors[0].row, errors[0].line), (2, 3));
}

#[test]
fn a_file_in_utf_16_is_named_as_such() {
    let text = file(&[("A", "1")]);
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (mark, bytes) in [([0xFF, 0xFE], &little), ([0xFE, 0xFF], &big)] {
        for file in [bytes.clone(), [mark.as_slice(), bytes].concat()] {
            let (orders, errors) = read(&file, &mapping());
            assert_eq!((orders.len(), errors.len(), errors[0].code), (0, 1, Code::Utf16));
            assert!(errors[0].message.contains("UTF-8"), "{}", errors[0]);
        }
    }
}

#[test]
fn columns_of_which_nobody_said_what_they_hold_never_print_and_are_erased() {
    let text = file(&[("A", "1")])
        .replace(",price", ",price,Kontakt,Gift for,Color")
        .replace(",10.00", ",10.00,CANARY-1,CANARY-2,blue");
    let mapping = mapping().with_order_columns(["Gift for"]).with_plain_columns(["color"]);
    let (orders, errors) = read(text.as_bytes(), &mapping);
    assert_eq!(errors, []);
    let snapshot = &orders[0];
    assert_eq!(snapshot.lines[0].attributes["Color"], "blue");
    assert_eq!(snapshot.lines[0].personal_attributes["Kontakt"].as_str(), "CANARY-1");
    assert_eq!(snapshot.personal_attributes["Gift for"].as_str(), "CANARY-2");
    assert!(!format!("{snapshot:?}").contains("CANARY"));

    let now = at("2026-03-02T00:00:00Z");
    let action =
        Action::Imported { snapshot: Box::new(snapshot.clone()), needs_acknowledgement: false };
    let key = OrderKey::new(
        orderflow::platforms::csv::CSV,
        ShopId::from_static("1"),
        snapshot.id.clone(),
    );
    let order = import(&key, &Event::once(action, now, Actor::Platform)).unwrap().order;
    assert_eq!(order.lines[0].personal_attributes["Kontakt"].as_str(), "CANARY-1");
    assert!(!format!("{order:?}").contains("CANARY"));
    // They survive a store, and nothing of them survives erasure.
    let stored = serde_json::to_string(&order).unwrap();
    assert_eq!(serde_json::from_str::<orderflow::order::Order>(&stored).unwrap(), order);
    let erased = serde_json::to_string(&erase(&order, now)).unwrap();
    assert!(!erased.contains("CANARY") && erased.contains("blue"), "{erased}");
}
