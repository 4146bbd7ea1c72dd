//! The report of a file of orders: its figures, its bad rows, and what it never does.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that panics has failed, which is what it is for"
)]

#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../examples/kpi_report/report/mod.rs"]
mod report;

use orderflow::rules::kpi::{ExclusionReason, Health};
use proptest::prelude::*;
use report::{Mapping, Question, Report, ReportError, html, read_orders, sample_csv, text};

/// Ten paid orders of UTC days: six shipped on time, one late, one not shipped although its time is
/// over, one with time left, one cancelled by the buyer.
const TEN: &str = "\
order_id,placed_at,status,paid_at,ship_by,shipped_at,state,carrier,sku,units,total
1,2026-03-02 09:10:00,shipped,2026-03-02 10:00:00,2026-03-04 12:00:00,2026-03-04 12:00:00,CO,post,A,2,10.00
2,2026-03-02 09:20:00,shipped,2026-03-02 10:00:00,2026-03-04 12:00:00,2026-03-03 10:00:00,CO,post,A,1,20.00
3,2026-03-02 09:30:00,shipped,2026-03-02 10:00:00,2026-03-04 12:00:00,2026-03-03 10:00:00,CO,post,B,1,30.00
4,2026-03-02 11:00:00,shipped,2026-03-02 12:00:00,2026-03-04 12:00:00,2026-03-03 12:00:00,CO,post,B,1,40.00
5,2026-03-02 11:00:00,shipped,2026-03-02 12:00:00,2026-03-04 12:00:00,2026-03-03 12:00:00,NY,post,B,1,50.00
6,2026-03-02 11:00:00,shipped,2026-03-02 12:00:00,2026-03-04 12:00:00,2026-03-03 12:00:00,NY,post,B,1,60.00
7,2026-03-02 23:59:59,shipped,2026-03-03 00:00:00,2026-03-04 12:00:00,2026-03-04 12:00:01,NY,post,C,1,70.00
8,2026-03-03 11:00:00,paid,2026-03-03 12:00:00,2026-03-05 12:00:00,,NY,,C,1,80.00
9,2026-03-05 11:00:00,paid,2026-03-05 12:00:00,2026-03-09 12:00:00,,NY,,C,1,90.00
10,2026-03-02 11:00:00,cancelled by buyer,2026-03-02 12:00:00,2026-03-04 12:00:00,,NY,,C,1,100.00
";

fn plain() -> Mapping {
    let mut mapping = Mapping::preset("plain").unwrap();
    mapping.zone = chrono_tz::UTC;
    mapping
}

fn question() -> Question {
    Question { as_of: Some("2026-03-06T00:00:00Z".parse().unwrap()), ..Question::default() }
}

fn report_under(csv: &[u8], mapping: &Mapping, question: &Question) -> Result<Report, ReportError> {
    Report::of("test.csv", &read_orders(csv, mapping)?, mapping, question)
}

fn report_of(csv: &str) -> Report {
    report_under(csv.as_bytes(), &plain(), &question()).unwrap()
}

/// Numerator, denominator and value of a figure by its name.
fn figure(report: &Report, name: &str) -> (String, String, Option<String>) {
    let line = report.kpis.iter().find(|kpi| kpi.name == name).unwrap();
    (line.numerator.clone(), line.denominator.clone(), line.value.clone())
}

fn counted(numerator: &str, denominator: &str, value: &str) -> (String, String, Option<String>) {
    (numerator.to_owned(), denominator.to_owned(), Some(value.to_owned()))
}

#[test]
fn the_worked_example_of_on_time_shipping_comes_out_of_a_file() {
    let report = report_of(TEN);
    assert_eq!((report.rows, report.orders, report.rejected.count), (10, 10, 0));
    assert_eq!(figure(&report, "on-time shipping rate"), counted("6", "8", "75.00 %"));
    assert_eq!(figure(&report, "late shipping rate"), counted("2", "8", "25.00 %"));
    let on_time = &report.kpis[0];
    assert_eq!((on_time.pending, on_time.health), (1, Health::Critical));
    assert_eq!(on_time.excluded[&ExclusionReason::CancelledByBuyer], 1);
    assert_eq!(figure(&report, "cancellation rate"), counted("1", "10", "10.00 %"));
}

#[test]
fn every_order_is_in_the_denominator_when_asked_for() {
    let question = Question { all_orders: true, ..question() };
    let report = report_under(TEN.as_bytes(), &plain(), &question).unwrap();
    assert_eq!(figure(&report, "on-time shipping rate"), counted("6", "10", "60.00 %"));
}

#[test]
fn regions_hours_and_trend_count_what_the_file_says() {
    let report = report_of(TEN);
    let regions: Vec<_> =
        report.regions.iter().map(|line| (line.region.as_deref().unwrap(), line.orders)).collect();
    assert_eq!(regions, [("US-NY", 5), ("US-CO", 4)]);
    assert_eq!(report.regions[1].value, ["100.00 USD"]);
    let hours: Vec<_> =
        report.hours.iter().filter(|h| h.orders > 0).map(|h| (h.hour, h.orders)).collect();
    assert_eq!(hours, [(9, 3), (11, 6), (23, 1)]);
    let skus: Vec<_> = report.skus.iter().map(|sku| (sku.name.as_str(), sku.now)).collect();
    assert_eq!(skus, [("B", 4), ("A", 3), ("C", 3)]);
    assert_eq!(report.order_value, ["50.00 USD over 9 orders"]);
    assert_eq!(report.periods.len(), 1);
    assert_eq!(report.periods[0].orders, 10);
}

#[test]
fn bad_rows_are_listed_with_line_column_and_reason_and_the_rest_counts() {
    let mut csv = TEN.as_bytes().to_vec();
    csv.extend_from_slice(b"11,yesterday,paid,,,,,,,,\n");
    csv.extend_from_slice(b"12,2026-03-02 09:10:00\n");
    csv.extend_from_slice(b",2026-03-02 09:10:00,paid,,,,,,,,\n");
    csv.extend_from_slice(b"14,2026-03-02 09:10:00,paid,,,,,,,,-1\n");
    csv.extend_from_slice(b"15,2026-03-02 09:10:00,paid,,,,\xff\xfe,,,,\n");
    csv.extend_from_slice(b"16,9999-03-02 09:10:00,paid,,,,,,,,\n");
    csv.extend_from_slice(b"17,2026-03-02 09:10:00,paid,,,,,,A,0,\n");
    csv.extend_from_slice(b"3,2026-03-02 09:10:00,paid,,,,,,,,\n");
    let report = report_under(&csv, &plain(), &question()).unwrap();
    let notes: Vec<(u64, Option<&str>, &str)> = report
        .rejected
        .first
        .iter()
        .map(|note| (note.line, note.column.as_deref(), note.reason.as_str()))
        .collect();
    assert_eq!(
        notes,
        [
            (12, Some("placed_at"), "\"yesterday\" is no instant of a known format"),
            (13, None, "it has 2 cells, the header has 11"),
            (14, Some("order_id"), "it is empty"),
            (15, Some("total"), "\"-1\" is negative"),
            (16, Some("state"), "it is not UTF-8"),
            (
                17,
                Some("placed_at"),
                "\"9999-03-02 09:10:00\" lies outside of the years 1970 to 2199"
            ),
            (18, Some("units"), "\"0\" is no number from 1"),
            (19, Some("order_id"), "the order stands further above already; only that one counts"),
        ]
    );
    assert_eq!(report.rows, 18);
    assert_eq!(report.kpis, report_of(TEN).kpis);
    assert!(html(&report).contains("Rows that do not count: 8"));
}

#[test]
fn lines_are_those_of_an_editor_however_they_end() {
    let rows = [
        "order_id,placed_at,sku",
        "1,2026-03-02 10:00:00,A",
        "",
        "2,yesterday,A",
        "3,2026-03-02 10:00:00,\"two\u{7}",
        "lines\"",
        "4,yesterday,A",
    ];
    for end in ["\n", "\r\n"] {
        for begin in ["", "\u{feff}", "\u{feff}"] {
            let csv = format!("{begin}{}{end}", rows.join(end));
            let report = report_of(&csv);
            let lines: Vec<u64> = report.rejected.first.iter().map(|note| note.line).collect();
            assert_eq!(lines, [4, 5, 7], "{end:?} {begin:?}");
        }
    }
    // As far as the reader reads ahead, and further.
    let mut csv = String::from("order_id,placed_at,sku\r\n");
    for row in 0..5_000 {
        csv.push_str(&format!("{row},2026-03-02 10:00:00,A\r\n"));
    }
    csv.push_str("x,yesterday,A\r\n");
    assert_eq!(report_of(&csv).rejected.first[0].line, 5_002);
}

#[test]
fn a_quote_that_is_never_closed_is_named_with_its_line_and_what_it_swallows() {
    let csv = "order_id,placed_at,sku\r\n1,2026-03-02 10:00:00,A\r\n\
               2,2026-03-02 10:00:00,\"B\r\n3,2026-03-02 10:00:00,C\r\n4,2026-03-02 10:00:00,D";
    let report = report_of(csv);
    assert_eq!((report.orders, report.rejected.count), (1, 1));
    let note = &report.rejected.first[0];
    assert_eq!(note.line, 3);
    assert_eq!(
        note.reason,
        "the quote that opens in line 3 is never closed: what follows, down to line 5, is in one \
         cell and is not counted"
    );
    // In the middle of a cell, or closed in the end, a quote is none that opens.
    let sound =
        "order_id,placed_at,sku\n1,2026-03-02 10:00:00,5\" pipe\n2,2026-03-02 10:00:00,\"B\"\"\"\n";
    assert_eq!(report_of(sound).rejected.count, 0);
    let error = report_under(b"order_id,\"placed_at,sku\n1,2,3\n", &plain(), &question());
    assert!(matches!(error.unwrap_err(), ReportError::OpenQuote(1)));
    // One that another row closes by chance.
    let csv = "order_id,placed_at,sku\n1,\"2026-03-02 10:00:00,A\n2,2026-03-02 10:00:00,A\n\
               3,2026-03-02 10:00:00\",A,\n";
    let note = &report_of(csv).rejected.first[0];
    assert!(note.reason.ends_with("a quote in it holds 3 lines together: is one too many?"));
}

#[test]
fn numbers_that_a_spreadsheet_has_rounded_are_refused() {
    let report = report_of(
        "order_id,placed_at,sku,total,carrier\n\
         1.23E+17,2026-03-02 10:00:00,A,10,p\n\
         2,2026-03-02 10:00:00,1.5E+10,10,p\n\
         3,2026-03-02 10:00:00,A,1e5,p\n\
         4,2026-03-02 10:00:00,A,\"1,23E+17\",p\n\
         5,2026-03-02 10:00:00,12E5,10,p\n",
    );
    assert_eq!(report.orders, 1, "12E5 may well be a SKU");
    let notes: Vec<(u64, Option<&str>)> =
        report.rejected.first.iter().map(|note| (note.line, note.column.as_deref())).collect();
    assert_eq!(
        notes,
        [(2, Some("order_id")), (3, Some("sku")), (4, Some("total")), (5, Some("total"))]
    );
    for note in &report.rejected.first {
        assert!(note.reason.contains("spreadsheet"), "{}", note.reason);
    }
}

#[test]
fn the_terminal_says_how_many_rows_it_does_not_show() {
    let mut csv = String::from("order_id,placed_at\n");
    for row in 0..20 {
        csv.push_str(&format!("{row},yesterday\n"));
    }
    assert!(text(&report_of(&csv)).contains("… and 12 more; report.html and report.json"));
    let few = "order_id,placed_at\n1,yesterday\n";
    assert!(!text(&report_of(few)).contains("more;"));
}

#[test]
fn an_order_shipped_before_it_was_paid_is_in_no_average() {
    let csv = "order_id,placed_at,status,paid_at,shipped_at\n\
               1,2026-03-02 09:00:00,shipped,2026-03-02 10:00:00,2026-03-02 20:00:00\n\
               2,2026-03-02 09:00:00,shipped,2026-03-04 10:00:00,2026-03-02 20:00:00\n";
    let report = report_of(csv);
    assert_eq!(figure(&report, "handling time"), counted("1", "1", "10.0 h"));
    let line = report.kpis.iter().find(|kpi| kpi.name == "handling time").unwrap();
    assert_eq!(line.excluded[&ExclusionReason::Contradictory], 1);
}

#[test]
fn the_order_of_columns_and_rows_changes_nothing() {
    let mut lines: Vec<Vec<&str>> = TEN.lines().map(|line| line.split(',').collect()).collect();
    lines.iter_mut().for_each(|cells| cells.reverse());
    lines[1..].reverse();
    let permuted: Vec<String> = lines.iter().map(|cells| cells.join(",")).collect();
    assert_eq!(report_of(&permuted.join("\n")), report_of(TEN));
}

#[test]
fn a_figure_without_its_columns_is_absent_and_not_zero() {
    let report = report_of("order_id,placed_at\n1,2026-03-02 10:00:00\n");
    assert!(report.kpis.is_empty());
    let late = report.absent.iter().find(|absent| absent.name == "late shipping rate").unwrap();
    assert_eq!(late.needs, ["shipped_at", "ship_by"]);
    assert!(report.notes.iter().any(|note| note.contains("counts as paid when placed")));
    assert!(report.regions.is_empty() && report.skus.is_empty() && report.carriers.is_empty());
    assert!(html(&report).contains("needs complaint_at"));
}

#[test]
fn an_order_without_a_denominator_has_no_data_and_never_a_hundred_percent() {
    let report = report_of("order_id,placed_at,ship_by,shipped_at\n1,2026-03-02 10:00:00,,\n");
    let on_time = &report.kpis[0];
    assert_eq!((on_time.value.as_deref(), on_time.health), (None, Health::NoData));
    assert_eq!(on_time.excluded[&ExclusionReason::NoDeadline], 1);
}

#[test]
fn a_column_that_is_needed_or_named_by_hand_must_exist() {
    let error = report_under(b"id,when\n", &plain(), &question()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "order_id: the file has no column \"order_id\"; it has \"id\", \"when\""
    );
    let mut mapping = plain();
    mapping.map("order_id=id").unwrap();
    mapping.map("placed_at=when").unwrap();
    assert_eq!(report_under(b"id,when\n", &mapping, &question()).unwrap().orders, 0);
    mapping.map("carrier=by").unwrap();
    let error = report_under(b"id,when\n", &mapping, &question()).unwrap_err();
    assert!(error.to_string().starts_with("carrier: the file has no column \"by\""));
    mapping.map("carrier=").unwrap();
    mapping.map("order_id=").unwrap();
    let error = report_under(b"id,when\n", &mapping, &question()).unwrap_err();
    assert!(matches!(error, ReportError::Unmapped(report::Field::OrderId)));
    let error = report_under(b"order_id,placed_at,placed_at\n", &plain(), &question()).unwrap_err();
    assert!(matches!(error, ReportError::ColumnTwice { .. }));
}

#[test]
fn what_cannot_be_understood_of_a_mapping_names_the_flag() {
    let mut mapping = plain();
    assert_eq!(
        mapping.map("carrier").unwrap_err().to_string(),
        "map: \"carrier\" is not of the form field=column"
    );
    assert!(
        mapping
            .map("weather=Wetter")
            .unwrap_err()
            .to_string()
            .starts_with("map: there is no field")
    );
    mapping.date_formats = vec!["%Q".to_owned()];
    assert!(mapping.check().unwrap_err().to_string().starts_with("date-format:"));
    let mut mapping = plain();
    mapping.delimiter = '→';
    assert!(mapping.check().unwrap_err().to_string().starts_with("delimiter:"));
    let mut mapping = plain();
    mapping.currency = None;
    mapping.map("currency=").unwrap();
    assert!(mapping.check().unwrap_err().to_string().starts_with("currency:"));
    assert!(Mapping::preset("nobody").unwrap_err().to_string().contains("plain, olist"));
}

#[test]
fn an_empty_file_is_an_error_and_a_header_alone_a_report_without_data() {
    let error = report_under(b"", &plain(), &question()).unwrap_err();
    assert!(matches!(error, ReportError::Empty));
    let header = TEN.lines().next().unwrap();
    let report = report_under(header.as_bytes(), &plain(), &Question::default()).unwrap();
    assert_eq!((report.rows, report.orders), (0, 0));
    assert!(report.kpis.iter().all(|kpi| kpi.health == Health::NoData && kpi.value.is_none()));
    let page = html(&report);
    assert!(page.contains("no orders that can be counted") && !page.contains("100.00 %"));
    // A day that nobody named is not invented.
    assert!(!page.contains("1969") && !page.contains("1970"));
    assert!(!text(&report).contains("1969") && !text(&report).contains("1970"));
    assert!(!serde_json::to_string(&report).unwrap().contains("1969"));
}

#[test]
fn an_order_with_a_bad_row_is_left_out_whole_wherever_the_row_stands() {
    let report = report_of(
        "order_id,placed_at,sku,units,total\n\
         1,2026-03-02 10:00:00,A,2,30\n1,2026-03-02 10:00:00,B,none,30\n1,2026-03-02 10:00:00,C,1,30\n\
         2,yesterday,A,1,10\n2,2026-03-02 10:00:00,A,1,10\n\
         3,2026-03-02 10:00:00,D,1,10\n3,2026-03-02 10:00:00,D\n\
         4,2026-03-02 10:00:00,E,1,10\n",
    );
    assert_eq!((report.rows, report.orders), (8, 1));
    let skus: Vec<_> = report.skus.iter().map(|sku| (sku.name.as_str(), sku.now)).collect();
    assert_eq!(skus, [("E", 1)]);
    let whole = "another row of the order cannot be used; it is left out whole";
    let notes: Vec<(u64, &str)> =
        report.rejected.first.iter().map(|note| (note.line, note.reason.as_str())).collect();
    assert_eq!(
        notes,
        [
            (3, "\"none\" is no number from 1; its order is left out"),
            (4, whole),
            (5, "\"yesterday\" is no instant of a known format"),
            (6, whole),
            (8, "it has 3 cells, the header has 5; its order is left out"),
        ]
    );
    // A bad row further below does not take away what is whole.
    let report = report_of(
        "order_id,placed_at,sku\n1,2026-03-02 10:00:00,A\n2,2026-03-02 10:00:00,A\n1,bad,B\n",
    );
    assert_eq!((report.orders, report.rejected.count), (2, 1));
}

#[test]
fn a_file_that_is_parted_or_encoded_otherwise_says_what_to_do() {
    let error = report_under(b"order_id;placed_at\n", &plain(), &question()).unwrap_err();
    assert!(error.to_string().ends_with("give --delimiter ';'"), "{error}");
    let error = report_under(b"order_id\tplaced_at\n", &plain(), &question()).unwrap_err();
    assert!(error.to_string().ends_with("give --delimiter tab"), "{error}");
    let wide: Vec<u8> =
        "\u{feff}order_id,placed_at\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = report_under(&wide, &plain(), &question()).unwrap_err();
    assert!(matches!(error, ReportError::Utf16), "{error}");
}

#[test]
fn a_text_of_the_file_never_becomes_markup_or_a_command_to_the_terminal() {
    let evil = "<script>alert(1)</script>\"'&";
    let quoted = format!("\"{}\"", evil.replace('"', "\"\""));
    let mut csv =
        String::from("order_id,placed_at,state,carrier,sku,seller,accepted_at,status,total\n");
    csv.push_str(&format!(
        "1,2026-03-02 10:00:00,{quoted},{quoted},{quoted},{quoted},2026-03-02 11:00:00,{quoted},5\n"
    ));
    csv.push_str(&format!("2,2026-03-02 10:00:00,{quoted},,,,,,{quoted}\n"));
    csv.push_str("3,2026-03-02 10:00:00,\u{1b}[2J\u{202e}evil,,,,,,5\n");
    let orders = read_orders(csv.as_bytes(), &plain()).unwrap();
    let report = Report::of(evil, &orders, &plain(), &question()).unwrap();
    assert_eq!((report.orders, report.rejected.count), (2, 1));
    let page = html(&report);
    assert!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count() >= 6);
    assert!(!page.to_lowercase().contains("<script") && !page.contains("=\"<"));
    let printed = text(&report);
    for out in [&page, &printed] {
        assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'));
    }
    serde_json::from_str::<serde_json::Value>(&serde_json::to_string(&report).unwrap()).unwrap();
}

#[test]
fn rows_of_one_order_that_follow_each_other_are_its_goods() {
    let report = report_of(
        "order_id,placed_at,sku,units,total\n\
         1,2026-03-02 10:00:00,A,2,30\n1,2026-03-02 10:00:00,B,1,30\n1,2026-03-02 10:00:00,A,1,30\n\
         2,2026-03-02 10:00:00,A,1,10\n",
    );
    assert_eq!((report.rows, report.orders), (4, 2));
    let skus: Vec<_> = report.skus.iter().map(|sku| (sku.name.as_str(), sku.now)).collect();
    assert_eq!(skus, [("A", 4), ("B", 1)]);
    assert_eq!(report.order_value, ["20.00 USD over 2 orders"]);
}

#[test]
fn a_promise_given_as_a_date_lasts_until_the_end_of_that_day() {
    let olist = Mapping::preset("olist").unwrap();
    let header = "order_id,order_status,order_purchase_timestamp,order_approved_at,\
        order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n";
    let row = |id: u32, delivered: &str| {
        format!(
            "{id},delivered,2018-03-01 10:00:00,2018-03-01 11:00:00,2018-03-02 11:00:00,{delivered},2018-03-09 00:00:00\n"
        )
    };
    let rows = [
        row(1, "2018-03-08 10:00:00"),
        row(2, "2018-03-09 23:59:59"),
        row(3, "2018-03-10 00:00:00"),
    ];
    let csv = format!("{header}{}", rows.concat());
    let report = report_under(csv.as_bytes(), &olist, &Question::default()).unwrap();
    assert_eq!(figure(&report, "delivery delay rate"), counted("1", "3", "33.33 %"));
    assert_eq!(figure(&report, "handling time"), counted("3", "3", "24.0 h"));
    assert!(report.absent.iter().any(|absent| absent.name == "on-time shipping rate"));
    let mut strict = olist;
    strict.midnight_deadline_lasts_the_day = false;
    let report = report_under(csv.as_bytes(), &strict, &Question::default()).unwrap();
    assert_eq!(figure(&report, "delivery delay rate"), counted("2", "3", "66.67 %"));
}

#[test]
fn local_times_are_read_in_the_zone_and_other_formats_by_flag() {
    let mut mapping = plain();
    mapping.zone = chrono_tz::Europe::Berlin;
    mapping.date_formats = vec!["%d.%m.%Y %H:%M".to_owned(), "rfc3339".to_owned()];
    mapping.delimiter = ';';
    let csv = "order_id;placed_at\n1;02.03.2026 00:30\n2;2026-03-01T23:45:00Z\n3;2026-03-02\n";
    let report = report_under(csv.as_bytes(), &mapping, &Question::default()).unwrap();
    assert_eq!((report.orders, report.rejected.count), (2, 1));
    assert_eq!(report.hours[0].orders, 2);
    assert_eq!(report.from.unwrap().to_string(), "2026-03-02");
}

#[test]
fn an_assumed_deadline_is_used_and_said() {
    let mut mapping = plain();
    mapping.ship_within_hours = Some(24);
    let csv = "order_id,placed_at,shipped_at\n\
        1,2026-03-02 10:00:00,2026-03-03 10:00:00\n2,2026-03-02 10:00:00,2026-03-03 10:00:01\n";
    let report = report_under(csv.as_bytes(), &mapping, &question()).unwrap();
    assert_eq!(figure(&report, "on-time shipping rate"), counted("1", "2", "50.00 %"));
    assert!(report.notes.iter().any(|note| note.contains("24 hours after payment are assumed")));
}

#[test]
fn what_came_after_the_instant_of_the_report_has_not_happened() {
    let early =
        Question { as_of: Some("2026-03-03T11:00:00Z".parse().unwrap()), ..Question::default() };
    let report = report_under(TEN.as_bytes(), &plain(), &early).unwrap();
    let (shipped, of, _) = figure(&report, "handling time");
    assert_eq!((shipped.as_str(), of.as_str()), ("2", "2"));
    assert_eq!(report.hours.iter().map(|hour| hour.orders).sum::<u64>(), 9);
}

#[test]
fn contradicting_instants_count_and_are_listed() {
    let report = report_of(
        "order_id,placed_at,paid_at,shipped_at\n1,2026-03-02 10:00:00,2026-03-02 09:00:00,2026-03-03 09:00:00\n",
    );
    assert_eq!((report.orders, report.odd.count), (1, 1));
    assert_eq!(report.odd.first[0].reason, "paid_at lies before placed_at");
}

#[test]
fn the_sample_is_what_its_seed_gives_and_shows_something_of_everything() {
    let sample = include_str!("../examples/kpi_report/sample.csv");
    assert_eq!(sample, sample_csv(42));
    let mapping = Mapping::preset("plain").unwrap();
    let report = report_under(sample.as_bytes(), &mapping, &Question::default()).unwrap();
    assert_eq!(report.rejected.count, 3);
    assert!(report.kpis.len() > 15 && report.carriers.len() == 3 && report.sellers.len() == 2);
    assert!(report.skus.iter().any(|sku| sku.fast) && report.skus.iter().any(|sku| sku.slow));
    assert!(report.carrier_alerts.iter().any(|alert| alert.contains("north-post")));
    let page = html(&report);
    assert!(page.matches("<svg").count() >= 5);
    for outside in ["http:", "https:", "src=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(text(&report).contains("KPI-01 on-time shipping rate"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        // Without a header that fits, reading ends before it begins.
        let below = [b"order_id,placed_at,total\n".as_slice(), &bytes].concat();
        for bytes in [bytes, below] {
            if let Ok(report) = report_under(&bytes, &plain(), &Question::default()) {
                html(&report);
            }
        }
    }

    #[test]
    fn every_row_is_counted_once_whatever_is_in_its_cells(
        cells in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![
                    Just("2026-03-02 10:00:00".to_owned()),
                    Just("2199-12-31 23:59:59".to_owned()),
                    Just("1970-01-01".to_owned()),
                    Just("cancelled".to_owned()),
                    Just("79228162514264337593543950335".to_owned()),
                    Just("4294967295".to_owned()),
                    Just(String::new()),
                    "[a-z0-9<>&:. -]{0,12}",
                ],
                11,
            ),
            0..12,
        )
    ) {
        let mut csv = TEN.lines().next().unwrap().to_owned();
        for (row, cells) in cells.iter().enumerate() {
            // The first two are the ones without which nothing counts.
            csv.push_str(&format!("\n{row},2026-03-02 10:00:00,{}", cells[2..].join(",")));
        }
        let report = report_under(csv.as_bytes(), &plain(), &Question::default()).unwrap();
        let rejected = usize::try_from(report.rejected.count).unwrap();
        prop_assert_eq!(report.orders + rejected, cells.len());
        prop_assert!(!html(&report).contains("NaN"));
        text(&report);
    }
}

#[test]
fn what_the_file_does_not_say_and_is_assumed_is_noted() {
    let mut mapping = Mapping::preset("plain").unwrap();
    let csv = "order_id,placed_at,total\n1,2026-03-02 10:00:00,10.00\n";
    let notes = |mapping: &Mapping, csv: &str| {
        report_under(csv.as_bytes(), mapping, &question()).unwrap().notes.join("\n")
    };
    let said = notes(&mapping, csv);
    for assumed in ["taken as USD", "to be in \"US\"", "those of America/New_York"] {
        assert!(said.contains(assumed), "{assumed}: {said}");
    }
    mapping.country = None;
    assert!(!notes(&mapping, csv).contains("to be in"));
    let csv = "order_id,placed_at,total,currency,country\n1,2026-03-02 10:00:00,10.00,EUR,DE\n";
    mapping.country = Some("US".to_owned());
    let said = notes(&mapping, csv);
    assert!(!said.contains("taken as USD") && !said.contains("to be in"), "{said}");
}

#[test]
fn amounts_with_a_comma_before_the_decimals_are_read_where_the_flag_says_so() {
    let csv = "order_id;placed_at;total\n1;2026-03-02 10:00;1.234,50\n2;2026-03-02T10:00;12\n\
        3;2026-03-02T10:00:00;12.50\n";
    let mut mapping = plain();
    mapping.delimiter = ';';
    let report = report_under(csv.as_bytes(), &mapping, &question()).unwrap();
    let reasons: Vec<_> = report.rejected.first.iter().map(|note| note.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["\"1.234,50\" is no amount like 12.50; --decimal-comma reads such amounts"]
    );
    mapping.decimal_comma = true;
    let report = report_under(csv.as_bytes(), &mapping, &question()).unwrap();
    let reasons: Vec<_> = report.rejected.first.iter().map(|note| note.reason.as_str()).collect();
    assert_eq!(reasons, ["\"12.50\" is no amount like 12,50"]);
    assert_eq!(report.order_value, ["623.25 USD over 2 orders"]);
}

#[test]
fn large_letters_and_blanks_of_a_header_decide_nothing() {
    let csv = " Order_ID ,PLACED_AT\n1,2026-03-02 10:00:00\n";
    assert_eq!(report_of(csv).orders, 1);
    let error = report_under(b"Order_ID,ORDER_id,placed_at\n", &plain(), &question()).unwrap_err();
    assert!(matches!(error, ReportError::ColumnTwice { .. }));
    // The one that is written alike is meant.
    let csv = "Order_ID,order_id,placed_at\nx,1,2026-03-02 10:00:00\n";
    assert_eq!(report_of(csv).orders, 1);
}

#[test]
fn a_file_of_which_no_row_counts_is_a_failure_and_a_header_alone_is_none() {
    let bad = report_of("order_id,placed_at\n1,yesterday\n2,today\n");
    assert_eq!(bad.failure().as_deref(), Some("none of the 2 rows can be counted"));
    assert_eq!(report_of("order_id,placed_at\n").failure(), None);
    assert_eq!(report_of(TEN).failure(), None);
}

#[test]
fn a_cancellation_without_a_time_came_after_everything_else_that_is_known() {
    let mapping = Mapping::preset("olist").unwrap();
    let csv = "order_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date\n\
        1,canceled,2026-03-02 10:00:00,2026-03-02 11:00:00,2026-03-04 12:00:00\n";
    let orders = read_orders(csv.as_bytes(), &mapping).unwrap();
    let row = orders.facts.rows().next().unwrap();
    assert_eq!(row.cancellation.unwrap().at, row.accepted_at.unwrap());
}

#[test]
fn a_figure_without_a_target_is_neither_healthy_nor_not() {
    let report = report_of(TEN);
    let handling = report.kpis.iter().find(|kpi| kpi.name == "handling time").unwrap();
    assert_eq!((handling.target.as_ref(), handling.health), (None, Health::NoTarget));
    let json = serde_json::to_value(&report).unwrap();
    let of_json = json["kpis"].as_array().unwrap().iter();
    let health: Vec<_> = of_json
        .filter(|kpi| kpi["target"].is_null() && !kpi["value"].is_null())
        .map(|kpi| kpi["health"].as_str().unwrap())
        .collect();
    assert!(!health.is_empty() && health.iter().all(|health| *health == "no_target"), "{health:?}");
}
