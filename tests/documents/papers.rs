//! Warehouse papers: what they say, in which order, on how many pages, in which letters.

use chrono::NaiveDate;
use orderflow::documents::Words;
use orderflow::documents::barcode::{BarcodeFault, Code128, Qr};
use orderflow::documents::hand_over::HandOver;
use orderflow::documents::manifest::{ManifestFault, ManifestKey, ManifestList, ManifestParcel};
use orderflow::documents::merge::{PageSize, merge};
use orderflow::documents::packing_slip::{PackingSlip, SlipLine};
use orderflow::documents::paper::{Block, Cell, FontFault, Fonts, Paper, Table, print_together};
use orderflow::documents::pick_list::{PickItem, PickList, PickPackage};
use orderflow::order::LogisticsMode;
use orderflow::shipment::DocumentKind;
use orderflow::{
    Address, CarrierId, Contact, Country, Grams, PackageId, ServiceCode, Sku, TrackingNumber,
};

use crate::support::labelled_twice;
use crate::tools::{assert_sound, page_texts, picture};

/// A few letters that papers have no font for; see SOURCES.md beside it.
const HANGUL: &[u8] = include_bytes!("../fixtures/documents/NotoSansCJKsc-hangul.otf");

fn number(text: &str) -> TrackingNumber {
    TrackingNumber::new(text).unwrap()
}

fn item(bin: Option<&str>, sku: &str, title: &str, units: u32) -> PickItem {
    PickItem {
        bin: bin.map(str::to_owned),
        sku: Some(Sku::new(sku).unwrap()),
        title: title.to_owned(),
        variants: Vec::new(),
        units,
    }
}

fn package(id: &str, items: Vec<PickItem>) -> PickPackage {
    PickPackage { package: PackageId::new(id).unwrap(), order_number: format!("O-{id}"), items }
}

fn wave() -> PickList {
    let mug = || item(Some("A-10-3"), "MUG-BLU", "Caneca de cerâmica azul", 1);
    let tea = |units| item(Some("A-2-1"), "TEA-GRN", "Chá verde orgânico da montanha", units);
    let shirt = |units| PickItem {
        variants: vec![("Cor".into(), "Açafrão".into()), ("Tamanho".into(), "GG".into())],
        ..item(Some("B-1-4"), "SHIRT-7", "Camiseta básica", units)
    };
    PickList::new(
        "2026-03-06 morning",
        vec![
            package("p1", vec![tea(2), mug()]),
            package("p2", vec![mug()]),
            package("p3", vec![shirt(1), tea(1), item(None, "GIFT", "Gift card", 1)]),
            package("p4", vec![tea(1)]),
            package("p5", vec![mug()]),
            package("p6", vec![shirt(3)]),
        ],
    )
    .with_made_at("06/03/2026 09:30")
}

fn slip() -> PackingSlip {
    PackingSlip {
        order_number: "2000003508897734".to_owned(),
        placed: "05/03/2026 18:44".to_owned(),
        shop: Some("Casa & Jardim".to_owned()),
        place: Some(("2026-03-06 morning".to_owned(), 12)),
        recipient: Some(Contact {
            name: "João da Conceição".into(),
            company: None,
            phone: Some("+55 11 5555 0100".into()),
            email: Some("joao@example.com".into()),
            address: Address {
                lines: vec!["Rua São Bento, 120".into(), "Apto 42".into()],
                city: "São Paulo".to_owned(),
                state: Some("SP".to_owned()),
                postal_code: Some("01011-100".to_owned()),
                country: Country::new("BR"),
                residential: Some(true),
            },
        }),
        parcel: Some((1, 2)),
        tracking: Some(("Correios".to_owned(), number("AA123456785BR"))),
        lines: vec![SlipLine {
            sku: Some(Sku::new("MUG-BLU").unwrap()),
            title: "Caneca de cerâmica azul".to_owned(),
            variants: vec![("Volume".to_owned(), "300 ml".to_owned())],
            units: 2,
        }],
        note: Some("¿Puede enviarlo como regalo, sin precio? ¡Gracias!".into()),
    }
}

fn sheet(count: usize) -> HandOver {
    HandOver {
        sheet: "LOU2-0042".to_owned(),
        carrier: "USPS".to_owned(),
        time: "06/03/2026 16:30".to_owned(),
        warehouse: "Louisville 2".to_owned(),
        person: Some("M. Ortega".to_owned()),
        numbers: (0..count).map(|index| number(&format!("94001112062138{index:08}"))).collect(),
    }
}

/// The text of a paper's pages, or an empty list without the program.
fn texts(paper: &Paper) -> Vec<String> {
    let printed = paper.pdf(&Fonts::default());
    assert!(printed.uncovered.is_empty(), "{:?}", printed.uncovered);
    assert_sound(printed.bytes.expose());
    let texts = page_texts(printed.bytes.expose()).unwrap_or_default();
    assert!(texts.is_empty() || texts.len() == printed.pages);
    texts
}

fn position(text: &str, part: &str) -> usize {
    text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"))
}

#[test]
fn a_pick_list_runs_along_the_shelves_and_counts_every_unit() {
    let list = wave();
    let order: Vec<&str> = list.label_order().map(PackageId::as_str).collect();
    assert_eq!(order, ["p4", "p2", "p5", "p1", "p3", "p6"]);
    let lines = list.lines();
    let seen: Vec<String> = lines
        .iter()
        .map(|line| {
            let item = &line.item;
            let bin = item.bin.as_deref().unwrap_or("-");
            let sku = item.sku.as_ref().unwrap().as_str();
            format!("{bin} {sku} {} {:?}", item.units, line.packages)
        })
        .collect();
    assert_eq!(
        seen,
        [
            "A-2-1 TEA-GRN 4 [(1, 1), (4, 2), (5, 1)]",
            "A-10-3 MUG-BLU 3 [(2, 1), (3, 1), (4, 1)]",
            "B-1-4 SHIRT-7 4 [(5, 1), (6, 3)]",
            "- GIFT 1 [(5, 1)]",
        ]
    );
    let pages = texts(&list.paper(&Words::ENGLISH));
    let Some(page) = pages.first() else { return };
    assert_eq!(pages.len(), 1);
    assert!(page.contains("#1, #4 × 2, #5") && page.contains("#2–#4"), "{page}");
    assert!(page.contains("Cor: Açafrão, Tamanho: GG"), "{page}");
    assert!(position(page, "A-2-1") < position(page, "A-10-3"), "{page}");
    assert!(page.contains("page 1 of 1"), "{page}");
}

#[test]
fn a_picker_finds_the_slip_and_the_order_of_every_label_of_the_list() {
    let list = wave();
    let pages = texts(&list.paper(&Words::ENGLISH));
    let all = pages.join("\n");
    if !pages.is_empty() {
        // Those of one article in a row, with their orders in the order of the labels.
        let singles =
            &all[position(&all, "Packages of one item")..position(&all, "Packages of several")];
        assert!(position(singles, "#1 O-p4") < position(singles, "#2 O-p2"), "{singles}");
        assert!(singles.contains("#2–#3") && singles.contains("2 × MUG-BLU (A-10-3)"), "{singles}");
        assert!(singles.contains("#2 O-p2, #3 O-p5"), "{singles}");
        let several = &all[position(&all, "Packages of several")..];
        for order in ["O-p1", "O-p3", "O-p6"] {
            assert!(several.contains(order), "{several}");
        }
    }
    for (place, package) in list.packages().iter().enumerate() {
        assert_eq!(list.number_of(&package.package), Some(place + 1));
    }
    assert_eq!(list.number_of(&PackageId::new("p99").unwrap()), None);
    let slip = PackingSlip { place: None, ..slip() }.with_place(list.wave(), 3);
    let pages = texts(&slip.paper(&Words::ENGLISH, PageSize::LABEL).unwrap());
    let Some(page) = pages.first() else { return };
    assert!(page.contains("Packing slip #3") && page.contains("2026-03-06 morning"), "{page}");
    assert!(page.contains("Packing slip #3 · 2000003508897734"), "{page}");
}

#[test]
fn articles_of_one_sku_in_other_variants_or_bins_are_other_lines() {
    let red = PickItem {
        variants: vec![("Colour".into(), "red".into())],
        ..item(Some("A-1"), "CAP", "Cap", 1)
    };
    let blue = PickItem { variants: vec![("Colour".into(), "blue".into())], ..red.clone() };
    let elsewhere = PickItem { bin: Some("A-9".into()), ..red.clone() };
    let list = PickList::new("w", vec![package("p", vec![red.clone(), blue, elsewhere, red])]);
    let units: Vec<u32> = list.lines().iter().map(|line| line.item.units).collect();
    assert_eq!(units, [1, 2, 1]);
}

#[test]
fn a_list_over_many_pages_repeats_its_header_and_loses_no_row() {
    let packages = (0..700)
        .map(|index| {
            package(
                &format!("p{index}"),
                vec![item(Some(&format!("C-{index}")), &format!("SKU-{index}"), "Thing", 2)],
            )
        })
        .collect();
    let paper = PickList::new("large", packages).paper(&Words::SPANISH);
    let pages = texts(&paper);
    let Some(first) = pages.first() else { return };
    assert!(pages.len() > 10);
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("página {} de {}", index + 1, pages.len())), "{page}");
        assert!(page.contains("SKU") || page.contains("Contenido"), "{page}");
    }
    assert!(first.contains("Ubicación"));
    let all = pages.join("\n");
    let rows = (0..700).filter(|index| all.contains(&format!("SKU-{index} ")));
    assert_eq!(rows.count(), 700);
}

#[test]
fn a_packing_slip_names_the_person_only_as_far_as_the_parcel_does() {
    let paper = slip().paper(&Words::PORTUGUESE, PageSize::LABEL).unwrap();
    assert!(!format!("{paper:?}").contains("João"));
    let html = paper.html();
    for needed in ["João da Conceição", "Rua São Bento, 120", "01011-100", "Casa &amp; Jardim"]
    {
        assert!(html.as_str().contains(needed), "{needed}");
    }
    assert!(!html.as_str().contains("5555 0100") && !html.as_str().contains("joao@"));
    let pages = texts(&paper);
    let Some(page) = pages.first() else { return };
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert!(page.contains("João da Conceição") && page.contains("¡Gracias!"), "{page}");
    assert!(!page.contains("5555"));
    let without = PackingSlip { recipient: None, ..slip() };
    let html = without.paper(&Words::PORTUGUESE, PageSize::LABEL).unwrap().html();
    assert!(!html.as_str().contains("João"));
}

#[test]
fn papers_of_an_order_say_what_its_package_holds() {
    let (order, first, second) = labelled_twice("1001");
    let package = order.package(&second).unwrap();
    let pick = PickPackage::of(&order, package, |sku| Some(format!("BIN-{}", sku.as_str())));
    assert_eq!((&pick.package, pick.order_number.as_str()), (&second, "1001"));
    let [item] = pick.items.as_slice() else { panic!("{pick:?}") };
    assert_eq!((item.title.as_str(), item.units), ("Thing 2", 2));
    assert_eq!(item.bin.as_deref(), Some("BIN-SKU-2"));
    let slip = PackingSlip::of(&order, package, "6 March 2026");
    assert_eq!(slip.parcel, Some((2, 2)));
    assert_eq!(slip.tracking.as_ref().unwrap().1.as_str(), "B-1001");
    assert_eq!(slip.lines.len(), 1);
    assert_eq!(slip.recipient.as_ref().unwrap().name.as_str(), "Ana Núñez");
    // Where the platform writes the address, the slip leaves it to the label.
    let mut by_platform = order.clone();
    by_platform.logistics = LogisticsMode::PlatformLabel;
    let slip = PackingSlip::of(&by_platform, order.package(&first).unwrap(), "6 March 2026");
    assert_eq!((slip.recipient, slip.parcel), (None, Some((1, 2))));
}

#[test]
fn a_hand_over_sheet_lists_and_counts_every_number() {
    let pages = texts(&sheet(250).paper(&Words::ENGLISH));
    let all = pages.join("\n");
    if !pages.is_empty() {
        assert!(all.contains("250"));
        for index in 0..250 {
            assert!(all.contains(&format!("94001112062138{index:08}")), "{index}");
        }
        assert!(pages.last().unwrap().contains("Taken by"));
    }
    let mut twice = sheet(3);
    twice.numbers.push(twice.numbers[1].clone());
    assert_eq!(twice.repeated(), [&twice.numbers[1]]);
}

fn parcel(tracking: &str) -> ManifestParcel {
    ManifestParcel {
        key: ManifestKey {
            carrier: CarrierId::new("carrier-1").unwrap(),
            account: "main".to_owned(),
            origin_postcode: "40202".to_owned(),
            date: NaiveDate::from_ymd_opt(2026, 3, 6).unwrap(),
        },
        number: number(tracking),
        service: ServiceCode::new("GROUND").unwrap(),
        weight: Grams::new(450),
        manifest: None,
    }
}

#[test]
fn a_manifest_refuses_parcels_of_another_carrier_day_place_or_account() {
    let mut other = parcel("B");
    other.key.origin_postcode = "40203".to_owned();
    other.key.date = other.key.date.succ_opt().unwrap();
    let taken = ManifestParcel { manifest: Some("M-1".to_owned()), ..parcel("C") };
    let faults = ManifestList::new(vec![parcel("A"), other.clone(), taken.clone(), parcel("A")])
        .unwrap_err();
    assert_eq!(
        faults,
        [
            ManifestFault::Differs { number: number("B"), field: "origin_postcode" },
            ManifestFault::Differs { number: number("B"), field: "date" },
            ManifestFault::Taken { number: number("C"), manifest: "M-1".to_owned() },
            ManifestFault::Repeated(number("A")),
        ]
    );
    assert_eq!(ManifestList::new(Vec::new()), Err(vec![ManifestFault::Empty]));
    let (lists, faults) =
        ManifestList::group(vec![parcel("A"), other, taken, parcel("A"), parcel("D")]);
    let sizes: Vec<usize> = lists.iter().map(|list| list.parcels().len()).collect();
    assert_eq!(sizes, [2, 1]);
    assert_eq!(faults.len(), 2);
    let pages = texts(&lists[0].paper(&Words::ENGLISH));
    let Some(page) = pages.first() else { return };
    assert!(
        page.contains("40202") && page.contains("2026-03-06") && page.contains("900"),
        "{page}"
    );
}

#[test]
fn letters_of_the_markets_are_printed_and_can_be_read_back() {
    let lines = [
        "Português: São João, ação, avó, pêssego, R$ 12,90",
        "Español: ¿Qué? ¡Año nuevo! pingüino, 5 €",
        "Français: œuvre, ça, naïve; Deutsch: Straße, Größe",
        "Tiếng Việt: Phường Bến Nghé, Quận 1",
        "Polski: Łódź, źdźbło; Türkçe: İstanbul, ığdır",
    ];
    let text = lines.join("\n");
    let pages = texts(&Paper::new("Letters").with(Block::text(&text)));
    let Some(page) = pages.first() else { return };
    for line in lines {
        assert!(page.contains(line), "{line} is not in {page}");
    }
    // The same letters as marks behind plain ones, as some phones send them.
    let pages = texts(&Paper::new("Letters").with(Block::text("Sa\u{303}o Joa\u{303}o")));
    assert!(pages.is_empty() || pages[0].contains("São João"));
}

#[test]
fn chinese_is_printed_and_read_back_by_itself() {
    let list = PickList::new(
        "上海",
        vec![
            package(
                "p1",
                vec![item(Some("A-1"), "MUG", "蓝色陶瓷马克杯 300 ml（São Paulo 专供）", 2)],
            ),
            package("p2", vec![item(Some("A-2"), "TEA", "中文红茶叶", 1)]),
            package("p3", vec![item(Some("A-3"), "CUP", "藍色陶瓷馬克杯，繁體，ひらがな", 1)]),
            // The first and the last letter of the second level of GB 2312, and rare ones of it.
            package("p4", vec![item(Some("A-4"), "OLD", "亍齄鼢龠", 1)]),
        ],
    );
    let paper = list.paper(&Words::CHINESE);
    let printed = paper.pdf(&Fonts::default());
    assert!(printed.uncovered.is_empty(), "{:?}", printed.uncovered);
    assert_sound(printed.bytes.expose());
    assert!(printed.bytes.expose().len() < 60_000, "the fonts are not cut");
    let Some(pages) = page_texts(printed.bytes.expose()) else { return };
    for part in [
        "拣货单",
        "蓝色陶瓷马克杯 300 ml（São Paulo",
        "中文红茶叶",
        "货位",
        "藍色陶瓷馬克杯",
        "亍齄鼢龠",
    ] {
        assert!(pages[0].contains(part), "{part} is not in {}", pages[0]);
    }
}

#[test]
fn chinese_that_must_be_seen_is_darker_than_other_chinese() {
    // The same letters in the same places: only what is strong differs.
    let ink = |cell: Cell| {
        let mut table = Table::new().with_column("", 1);
        table.push(vec![cell]);
        let printed = Paper::new("-").with(Block::Table(table)).pdf(&Fonts::default());
        let (_, _, dots) = picture(printed.bytes.expose(), 1, 200)?;
        Some(dots.iter().map(|dot| u64::from(255 - dot)).sum::<u64>())
    };
    let Some(nothing) = ink(Cell::from("")) else { return };
    let letters = "蓝色陶瓷马克杯".repeat(4);
    let plain = ink(Cell::Text(letters.clone())).unwrap() - nothing;
    let strong = ink(Cell::Strong(letters)).unwrap() - nothing;
    // Larger by a tenth is darker by a fifth: bold is more than that.
    assert!(strong * 100 > plain * 135, "{strong} against {plain}");
}

#[test]
fn a_few_chinese_letters_add_only_themselves_to_a_paper() {
    let of = |title: &str| {
        let mut slip = slip();
        slip.lines[0].title = title.to_owned();
        let paper = slip.paper(&Words::PORTUGUESE, PageSize::LABEL).unwrap();
        paper.pdf(&Fonts::default()).bytes.expose().len()
    };
    let (plain, chinese) = (of("Caneca azul"), of("蓝色陶瓷马克杯三百升"));
    assert!(chinese > plain && chinese - plain < 8_000, "{chinese} against {plain}");
}

#[test]
fn a_font_of_the_host_prints_what_the_others_have_not() {
    let paper = Paper::new("머그컵").with(Block::text("파란색 龘 mug"));
    let without = paper.pdf(&Fonts::default());
    assert_eq!(without.uncovered[&'컵'], 2, "in the title, and at the foot of the page");
    let fonts = Fonts::default().with_font(HANGUL).unwrap();
    let printed = paper.pdf(&fonts);
    assert!(printed.uncovered.is_empty(), "{:?}", printed.uncovered);
    assert_sound(printed.bytes.expose());
    let Some(pages) = page_texts(printed.bytes.expose()) else { return };
    assert!(pages[0].contains("머그컵") && pages[0].contains("파란색 龘 mug"), "{}", pages[0]);
}

#[test]
fn what_no_font_has_is_printed_as_its_number_and_named() {
    let paper = Paper::new("Note").with(Block::text("hello 😀 שלום ok 😀\u{FE0F}\u{200D}"));
    let printed = paper.pdf(&Fonts::default());
    let named: Vec<(char, usize)> = printed.uncovered.iter().map(|(c, n)| (*c, *n)).collect();
    assert_eq!(named, [('ו', 1), ('ל', 1), ('ם', 1), ('ש', 1), ('😀', 2)]);
    let Some(pages) = page_texts(printed.bytes.expose()) else { return };
    assert!(pages[0].contains("hello [U+1F600] [U+05E9]"), "{}", pages[0]);
    assert!(pages[0].contains("ok [U+1F600]"), "{}", pages[0]);
}

#[test]
fn bytes_that_are_no_font_are_refused() {
    assert!(matches!(
        Fonts::default().with_font(b"no font".to_vec()),
        Err(FontFault::Unreadable(_))
    ));
    let half = HANGUL[..HANGUL.len() / 2].to_vec();
    assert!(Fonts::default().with_font(half).is_err());
}

#[test]
fn long_texts_wrap_inside_their_column_and_tall_rows_break_over_pages() {
    let mut table = Table::new().with_column("A", 1).with_column("B", 3);
    let word = "W".repeat(120);
    let story = "every word of this story counts ".repeat(400) + "END";
    table.push(vec![Cell::Text(word), Cell::Text(story)]);
    table.push(vec![Cell::Strong("after".to_owned())]);
    let pages = texts(&Paper::new("Tall").with(Block::Table(table)));
    if pages.is_empty() {
        return;
    }
    assert!(pages.len() > 1);
    let all = pages.join("\n");
    assert_eq!(all.matches('W').count(), 120);
    assert_eq!(all.matches("counts").count(), 400);
    assert!(all.contains("END") && all.contains("after"));
}

#[test]
fn a_sheet_of_any_size_ends() {
    for size in [PageSize { width: 1, height: 1 }, PageSize { width: 500, height: 90_000 }] {
        let paper = wave().paper(&Words::ENGLISH).with_size(size);
        assert!(paper.pdf(&Fonts::default()).pages > 0);
    }
    let empty = Paper::new("").with(Block::Table(Table::new()));
    assert_eq!(empty.pdf(&Fonts::default()).pages, 1);
    let two = Paper::new("x").with(Block::NewPage).with(Block::NewPage).with(Block::text("y"));
    assert_eq!(two.pdf(&Fonts::default()).pages, 2);
}

#[test]
fn what_a_buyer_wrote_stays_text_in_html() {
    let note = "<script src=//x></script> & \"quoted\" 'too' \u{7}";
    let html = Paper::new("<b>").with(Block::text(note)).html();
    assert!(!html.as_str().contains("<script") && !html.as_str().contains("<b>"));
    assert!(html.as_str().contains("&lt;script src=//x&gt;"));
    assert!(!html.as_str().contains("http-equiv") && !html.as_str().contains("https:"));
}

#[test]
fn a_paper_can_be_merged_with_labels() {
    let document =
        wave().paper(&Words::ENGLISH).pdf(&Fonts::default()).into_document(DocumentKind::Other);
    let merged = merge(&[document.clone(), document]);
    assert_eq!(merged.faults().count(), 0);
    assert_sound(merged.documents[0].bytes.expose());
}

/// Finds a bar code on grey dots.
fn scan(dots: Vec<u8>, width: usize, height: usize, format: rxing::BarcodeFormat) -> String {
    let (width, height) = (u32::try_from(width).unwrap(), u32::try_from(height).unwrap());
    rxing::helpers::detect_in_luma(dots, width, height, Some(format)).unwrap().getText().to_owned()
}

/// A Code 128 symbol as dots, four to a module, with its quiet zones.
fn drawn(code: &Code128) -> (Vec<u8>, usize, usize) {
    let (scale, height) = (4, 60);
    let width = (code.modules() + 20) * scale;
    let mut row = vec![255; width];
    for (start, wide) in code.bars() {
        row[(start + 10) * scale..(start + 10 + wide) * scale].fill(0);
    }
    (row.repeat(height), width, height)
}

#[test]
fn code_128_is_read_back_in_every_set() {
    for text in [
        "A",
        "7",
        "12",
        "1234",
        "123",
        "12345",
        "9400111206213859496247",
        "O-2000003508897734",
        "abc123456def",
        "X12Y",
        "AB\tCD\u{1}",
        "a\tb",
        "~}|{`",
        " !\"#$%&'()*+,-./",
        "1Z999AA10123456784",
        "00123456a00",
        "12\t345678",
    ] {
        let code = Code128::new(text).unwrap();
        let (dots, width, height) = drawn(&code);
        assert_eq!(scan(dots, width, height, rxing::BarcodeFormat::CODE_128), text);
    }
    assert_eq!(Code128::new(""), Err(BarcodeFault::Empty));
    assert_eq!(Code128::new("ação"), Err(BarcodeFault::Character('ç')));
    assert_eq!(Code128::new(&"1".repeat(81)), Err(BarcodeFault::TooLong { length: 81, limit: 80 }));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]

    #[test]
    fn code_128_of_any_ascii_is_read_back(text in "[\\x00-\\x7f]{1,40}") {
        let (dots, width, height) = drawn(&Code128::new(&text).unwrap());
        proptest::prop_assert_eq!(scan(dots, width, height, rxing::BarcodeFormat::CODE_128), text);
    }

    #[test]
    fn papers_of_any_text_have_pages(text in "\\PC{0,300}", width in 0_u32..9_000, height in 0_u32..9_000) {
        let mut table = Table::new().with_column(text.clone(), 1).with_column("x", 9);
        table.push(vec![Cell::Text(text.clone()), Cell::Tick, Cell::from("beyond")]);
        let paper = Paper::new(text.clone())
            .with_size(PageSize { width, height })
            .with(Block::Fields(vec![(text.clone(), text.clone()); 3]))
            .with(Block::Table(table))
            .with(Block::Lines(vec![text.clone(); 2]));
        proptest::prop_assert!(paper.pdf(&Fonts::default()).pages > 0);
        proptest::prop_assert!(paper.html().as_str().ends_with("</html>\n"));
    }
}

#[test]
fn qr_is_read_back() {
    for text in ["https://example.com/o/2000003508897734", "São Paulo 上海", "1"] {
        let code = Qr::new(text).unwrap();
        let scale = 5;
        let side = (code.side() + 8) * scale;
        let mut dots = vec![255; side * side];
        for (column, row, length) in code.runs() {
            for y in (row + 4) * scale..(row + 5) * scale {
                let x = (column + 4) * scale;
                dots[y * side + x..y * side + x + length * scale].fill(0);
            }
        }
        assert_eq!(scan(dots, side, side, rxing::BarcodeFormat::QR_CODE), text);
    }
    assert_eq!(Qr::new(""), Err(BarcodeFault::Empty));
    assert!(matches!(Qr::new(&"x".repeat(4_000)), Err(BarcodeFault::TooLong { .. })));
    assert!(Qr::new(&"x".repeat(2_331)).is_ok());
}

#[test]
fn bar_codes_are_read_from_the_printed_page() {
    let paper = Paper::new("Codes")
        .with_size(PageSize::LABEL)
        .with(Block::Code128(Code128::new("9400111206213859496247").unwrap()));
    let printed = paper.pdf(&Fonts::default());
    let Some((width, height, dots)) = picture(printed.bytes.expose(), 1, 203) else { return };
    let read = scan(dots, width, height, rxing::BarcodeFormat::CODE_128);
    assert_eq!(read, "9400111206213859496247");
    let paper = Paper::new("Codes").with(Block::Qr(Qr::new("O-2000003508897734").unwrap()));
    let printed = paper.pdf(&Fonts::default());
    let (width, height, dots) = picture(printed.bytes.expose(), 1, 203).unwrap();
    assert_eq!(scan(dots, width, height, rxing::BarcodeFormat::QR_CODE), "O-2000003508897734");
}

/// What a scanner reads from the first page of a paper; `None` without the program that shows it.
fn scanned(paper: &Paper, format: rxing::BarcodeFormat) -> Option<String> {
    let printed = paper.pdf(&Fonts::default());
    let (width, height, dots) = picture(printed.bytes.expose(), 1, 203)?;
    Some(scan(dots, width, height, format))
}

#[test]
fn every_paper_has_a_code_that_is_read_from_its_page() {
    use rxing::BarcodeFormat::{CODE_128, QR_CODE};
    let list = ManifestList::new(vec![parcel("A1"), parcel("A2")]).unwrap();
    let mut chinese = list.key().clone();
    chinese.account = "上海".to_owned();
    let abroad = ManifestList::new(vec![ManifestParcel { key: chinese, ..parcel("A1") }]).unwrap();
    let papers = [
        (wave().paper(&Words::ENGLISH), CODE_128, "2026-03-06 morning"),
        (PickList::new("早班", Vec::new()).paper(&Words::CHINESE), QR_CODE, "早班"),
        (sheet(9).paper(&Words::SPANISH), CODE_128, "LOU2-0042"),
        (list.paper(&Words::ENGLISH), CODE_128, "carrier-1/main/40202/2026-03-06"),
        (abroad.paper(&Words::CHINESE), QR_CODE, "carrier-1/上海/40202/2026-03-06"),
    ];
    for (paper, format, said) in papers {
        let Some(read) = scanned(&paper, format) else { return };
        assert_eq!(read, said, "{paper:?}");
        assert_eq!(paper.html().as_str().matches("<svg").count(), 1);
    }
}

#[test]
fn an_order_number_that_bars_cannot_carry_is_a_qr_code_on_its_slip() {
    // Letters beyond ASCII, and more letters than bars of a readable width have room for.
    let long = "WEB-Harbor-Goods-2026-03-06-0000000000000001045-parcel";
    for number in ["Pedido nº 1045 – São João", long] {
        let slip = PackingSlip { order_number: number.to_owned(), ..slip() };
        let paper = slip.paper(&Words::PORTUGUESE, PageSize::LABEL).unwrap();
        assert!(paper.html().as_str().contains("class=\"qr\""), "{number}");
        let Some(read) = scanned(&paper, rxing::BarcodeFormat::QR_CODE) else { return };
        assert_eq!(read, number);
    }
    let nameless = PackingSlip { order_number: String::new(), ..slip() };
    assert_eq!(nameless.paper(&Words::ENGLISH, PageSize::LABEL), Err(BarcodeFault::Empty));
}

#[test]
fn numbers_with_hyphens_stay_whole_at_the_end_of_a_line() {
    let text = "order WEB-1045000000014 ".repeat(40);
    let pages = texts(&Paper::new("Wide").with_size(PageSize::LABEL).with(Block::text(text)));
    let Some(page) = pages.first() else { return };
    assert_eq!(page.matches("WEB-1045000000014").count(), 40, "{page}");
}

#[test]
fn text_that_turns_its_surroundings_round_is_shown_plainly() {
    let hostile = "\u{202E}evil\u{202C} \u{2066}\u{7}\u{0}end";
    let paper = Paper::new("Note").with(Block::text(hostile));
    assert!(!paper.html().as_str().contains(['\u{202E}', '\u{2066}', '\u{7}', '\u{0}']));
    let pages = texts(&paper);
    assert!(pages.is_empty() || pages[0].contains("evil") && pages[0].contains("end"));
}

#[test]
fn vectors_in_html_have_the_bars_of_the_code() {
    let code = Code128::new("AB12").unwrap();
    let svg = code.svg(20);
    assert_eq!(svg.matches("v20h-").count(), code.bars().count());
    assert!(svg.contains(&format!("viewBox=\"0 0 {} 20\"", code.modules() + 20)));
    let paper = Paper::new("x").with(Block::Code128(code)).with(Block::Qr(Qr::new("y").unwrap()));
    assert_eq!(paper.html().as_str().matches("<svg").count(), 2);
}

/// Writes samples to look at; run with `PAPER_OUT=folder`.
#[test]
fn samples_can_be_written_to_look_at() {
    let fonts = Fonts::default();
    let slip = slip();
    let papers = [
        ("pick", wave().paper(&Words::PORTUGUESE)),
        ("slip", slip.paper(&Words::PORTUGUESE, PageSize::LABEL).unwrap()),
        ("slip-a4", slip.paper(&Words::SPANISH, PageSize::A4).unwrap()),
        ("hand-over", sheet(100).paper(&Words::ENGLISH)),
        (
            "manifest",
            ManifestList::new(vec![parcel("A1"), parcel("A2")]).unwrap().paper(&Words::CHINESE),
        ),
    ];
    for (name, paper) in papers {
        let printed = paper.pdf(&fonts);
        assert!(printed.uncovered.is_empty(), "{name}: {:?}", printed.uncovered);
        if let Some(folder) = std::env::var_os("PAPER_OUT").map(std::path::PathBuf::from) {
            std::fs::write(folder.join(format!("{name}.pdf")), printed.bytes.expose()).unwrap();
            std::fs::write(folder.join(format!("{name}.html")), paper.html().as_str()).unwrap();
        }
    }
}

#[test]
fn five_hundred_slips_printed_together_have_each_font_once_and_stay_small() {
    let fonts = Fonts::default();
    let slips: Vec<Paper> = (0..500)
        .map(|place| {
            let (order, package, _) = labelled_twice(&format!("{:05}", 10_000 + place));
            let package = order.package(&package).unwrap();
            PackingSlip::of(&order, package, "06/03/2026")
                .with_shop("Loja São João")
                .paper(&Words::PORTUGUESE, PageSize::LABEL)
                .unwrap()
        })
        .collect();
    let together = print_together(&slips, &fonts);
    let bytes = together.bytes.expose();
    assert_eq!(together.pages, 500);
    let count = |what: &[u8]| bytes.windows(what.len()).filter(|window| *window == what).count();
    assert_eq!(count(b"/FontFile2"), 2, "regular and bold");
    let one = slips[0].pdf(&fonts).bytes.expose().len();
    println!("500 slips: {} bytes together, {one} bytes each alone", bytes.len());
    assert!(bytes.len() < 1_000_000, "{}", bytes.len());
    assert!(bytes.len() * 8 < one * 500, "{} against {one} each", bytes.len());
    assert_sound(bytes);
    // Every page says what its slip says, in the same order.
    if let Some(pages) = page_texts(bytes) {
        assert_eq!(pages.len(), 500);
        for place in [0, 137, 499] {
            assert!(pages[place].contains(&format!("{:05}", 10_000 + place)), "{}", pages[place]);
            let alone = page_texts(slips[place].pdf(&fonts).bytes.expose()).unwrap();
            assert_eq!(pages[place], alone[0]);
        }
    }
    assert_eq!(print_together([], &fonts).pages, 0);
}

#[test]
fn papers_printed_together_keep_their_own_size_and_count_of_pages() {
    let fonts = Fonts::default();
    let small = Paper::new("Slip").with_size(PageSize::LABEL).with(Block::text("1 caneca"));
    let long = Paper::new("List").with(Block::text("line\n".repeat(120)));
    let together = print_together([&small, &long, &small], &fonts);
    let pages = long.pdf(&fonts).pages;
    assert!(pages > 1);
    assert_eq!(together.pages, pages + 2);
    let bytes = together.bytes.expose();
    assert_sound(bytes);
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(text.matches("/MediaBox [0 0 288 432]").count(), 2);
    if let Some(texts) = page_texts(bytes) {
        let first = texts[1].lines().last().unwrap_or_default().trim().to_owned();
        assert!(first.ends_with(&format!("of {pages}")), "{first}");
    }
}

#[test]
fn a_tracking_number_of_22_digits_stays_on_one_line_of_a_slip() {
    let (order, package, _) = labelled_twice("10001");
    let package = order.package(&package).unwrap();
    let mut slip = PackingSlip::of(&order, package, "06/03/2026");
    slip.tracking = Some(("usps".to_owned(), number("9234690361980900000135")));
    let paper = slip.paper(&Words::ENGLISH, PageSize::LABEL).unwrap();
    if let Some(pages) = page_texts(paper.pdf(&Fonts::default()).bytes.expose()) {
        assert!(pages[0].contains("9234690361980900000135"), "{}", pages[0]);
    }
}
