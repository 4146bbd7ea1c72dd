//! Tracking-number formats: published vectors and properties.

// The exemption of tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use orderflow::shipment::number::{
    Algorithm, Validity, candidates, normalize, validate, without_routing,
};
use proptest::prelude::*;
use serde_json::Value;

fn vectors(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/fixtures/tracking-numbers/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// Whom the vectors mean with `s10`: the post that tracks them here.
fn carrier(row: &Value) -> &str {
    match text(row, "carrier") {
        "s10" => "usps",
        other => other,
    }
}

#[test]
fn every_published_vector_of_our_carriers_is_judged_right() {
    let mut judged = 0;
    for row in vectors("vectors-upstream.json") {
        let carrier = carrier(&row);
        if !["usps", "fedex", "ups", "dhl"].contains(&carrier) {
            continue;
        }
        let number = text(&row, "number");
        let validity = validate(carrier, number);
        assert_eq!(
            validity == Validity::Valid,
            row["valid"] == true,
            "{carrier} {} {number}: {validity:?}",
            text(&row, "format"),
        );
        if text(&row, "fails_because") == "checksum" {
            assert_eq!(validity, Validity::BadChecksum, "{number}");
        }
        judged += 1;
    }
    assert!(judged > 100, "only {judged} vectors were found");
}

#[test]
fn numbers_from_fixtures_and_official_examples_are_judged_right() {
    for row in vectors("vectors-extra.json") {
        let number = text(&row, "number");
        let expected = match number {
            // Right digit, but a 92 whose mailer id starts with 1 belongs to nobody.
            "9261212345678900017627" => Validity::BadFormat,
            _ if row["valid"] == true => Validity::Valid,
            _ => Validity::BadChecksum,
        };
        assert_eq!(validate(carrier(&row), number), expected, "{number}");
    }
}

#[test]
fn computed_check_digits_agree_with_an_independent_implementation() {
    for row in vectors("vectors-extra.json") {
        let algorithm = match text(&row, "format") {
            "usps_impb_22" | "fedex_ground_15" | "fedex_ground_economy_20" => Algorithm::Gs1Mod10,
            "s10" => Algorithm::S10Mod11,
            "fedex_12" => Algorithm::Fedex12,
            "ups_1z" => Algorithm::Ups,
            other => panic!("no algorithm for {other}"),
        };
        let expected = row["expected_check_digit"].as_u64().and_then(|d| u32::try_from(d).ok());
        let computed = algorithm.check_digit(text(&row, "checksum_body"));
        assert_eq!(computed.and_then(|d| d.to_digit(10)), expected, "{}", text(&row, "number"));
    }
}

fn names(number: &str) -> Vec<(String, &'static str)> {
    candidates(number).into_iter().map(|c| (c.carrier.to_string(), c.format)).collect()
}

#[test]
fn a_collision_returns_all_candidates_with_the_routed_barcode_first() {
    let found = names("4201028200009261290113185417468510");
    assert_eq!(found[0], ("usps".to_owned(), "impb"));
    assert!(found.contains(&("fedex".to_owned(), "express_34")), "{found:?}");
}

#[test]
fn an_international_postal_number_is_tried_before_the_look_alike() {
    let found = names("LX123456785US");
    assert_eq!(found[0], ("usps".to_owned(), "s10"));
    assert_eq!(found[1], ("dhl".to_owned(), "ecommerce"));
    assert!(names("RB123456785XX").is_empty());
}

#[test]
fn placeholders_of_zeros_are_nobodys_number() {
    for number in ["000000000000", "000000000000000", "0000000000", "00000000000000000000"] {
        assert!(candidates(number).is_empty(), "{number}");
        for carrier in ["usps", "fedex", "ups", "dhl"] {
            assert_ne!(validate(carrier, number), Validity::Valid, "{carrier} {number}");
        }
    }
}

#[test]
fn a_carrier_without_rules_is_neither_believed_nor_refused() {
    assert_eq!(validate("correios", "AA123456785BR"), Validity::Unchecked);
}

#[test]
fn a_ground_economy_number_behind_a_routing_part_is_both_carriers() {
    // 20 digits of theirs with the application identifier in front.
    for number in ["9202394653001023698293", "9261292701078443410536"] {
        for zip in ["63118", "631182628"] {
            let routed = format!("420{zip}{number}");
            let (read, rest) = without_routing(&routed);
            assert_eq!((read.as_deref(), rest.as_str()), (Some(zip), number));
            assert_eq!(validate("fedex", &routed), Validity::Valid, "{routed}");
            assert!(
                names(&routed).contains(&("fedex".to_owned(), "ground_economy_92")),
                "{routed}"
            );
        }
        let mut wrong = format!("42063118{number}");
        let last = wrong.pop().unwrap();
        wrong.push(if last == '0' { '1' } else { '0' });
        assert_eq!(validate("fedex", &wrong), Validity::BadChecksum, "{wrong}");
    }
    // What is not theirs does not become it by a routing part.
    assert_eq!(validate("fedex", "420787459400111206206406260787"), Validity::BadFormat);
    assert_eq!(validate("fedex", "42063118794947717776"), Validity::BadFormat);
}

#[test]
fn thirty_four_digits_are_split_where_the_barcode_is_right() {
    let (zip, number) = without_routing("4201028200009261290113185417468510");
    assert_eq!((zip.as_deref(), number.as_str()), (Some("102820000"), "9261290113185417468510"));
    let (zip, number) = without_routing("4201002334249200190132607600833457");
    assert_eq!((zip.as_deref(), number.as_str()), (Some("100233424"), "9200190132607600833457"));
    assert_eq!(without_routing("1Z1202R66698804005"), (None, "1Z1202R66698804005".into()));
}

/// Appends the right digit to a body.
fn complete(algorithm: Algorithm, prefix: &str, body: &str) -> String {
    let digit = algorithm.check_digit(&format!("{prefix}{body}")).unwrap();
    format!("{body}{digit}")
}

proptest! {
    #[test]
    fn a_body_with_its_computed_digit_is_valid_in_every_format(
        body in "[1-9][0-9]{32}",
        account in "[A-Z0-9]{8}",
    ) {
        let cut = |from: usize, to: usize| &body[from..to];
        let impb = |start: &str, rest: &str| {
            complete(Algorithm::Gs1Mod10, "", &format!("{start}{rest}"))
        };
        let numbers = [
            ("usps", impb("920019", cut(0, 15))),
            ("usps", impb("930011", cut(0, 19))),
            ("usps", impb("940019", cut(0, 23))),
            ("usps", impb("950015", cut(0, 15))),
            ("usps", impb("91", cut(0, 19))),
            ("usps", complete(Algorithm::Gs1Mod10, "91", cut(0, 19))),
            ("usps", format!("RB{}US", complete(Algorithm::S10Mod11, "", cut(0, 8)))),
            ("fedex", complete(Algorithm::Fedex12, "", cut(0, 11))),
            ("fedex", format!("DT{}", complete(Algorithm::Fedex12, "", cut(0, 11)))),
            ("fedex", complete(Algorithm::Gs1Mod10, "", cut(0, 14))),
            ("fedex", format!("9600123{}", complete(Algorithm::Gs1Mod10, "", cut(0, 14)))),
            ("fedex", format!("00{}", complete(Algorithm::Gs1Mod10, "", cut(0, 15)))),
            ("fedex", complete(Algorithm::Gs1Mod10, "92", &format!("6129{}", cut(0, 15)))),
            ("fedex", format!("10{}{}", cut(0, 18), complete(Algorithm::Fedex34, "", cut(18, 31)))),
            ("fedex", format!("3{}{}1234", cut(0, 15), complete(Algorithm::Fedex12, "", cut(0, 11)))),
            ("ups", format!("1Z{}", complete(Algorithm::Ups, "", &format!("{account}{}", cut(0, 7))))),
            ("ups", format!("K{}", complete(Algorithm::Ups, "", cut(0, 9)))),
            ("dhl", complete(Algorithm::Mod7, "", cut(0, 9))),
            ("dhl", complete(Algorithm::Mod7, "", cut(0, 10))),
        ];
        for (carrier, number) in numbers {
            prop_assert_eq!(validate(carrier, &number), Validity::Valid, "{} {}", carrier, number);
            prop_assert!(candidates(&number).iter().any(|c| c.carrier.as_str() == carrier));
        }
    }

    #[test]
    fn case_blanks_and_hyphens_do_not_matter_and_normalising_twice_equals_once(
        gaps in prop::collection::vec(0_usize..4, 18),
    ) {
        let spread: String = "1z1202r66698804005"
            .chars()
            .zip(gaps)
            .flat_map(|(letter, gap)| {
                let filler = [" ", "-", " - ", ""][gap];
                std::iter::once(letter).chain(filler.chars())
            })
            .collect();
        prop_assert_eq!(validate("ups", &spread), Validity::Valid);
        prop_assert_eq!(normalize(&normalize(&spread)), normalize(&spread));
    }

    #[test]
    fn a_routing_part_keeps_a_package_barcode_valid(zip in "[0-9]{5}([0-9]{4})?") {
        for number in ["9400111206206406260787", "9261290289104185136058", "9505511069605048600624"] {
            let routed = format!("420{zip}{number}");
            prop_assert_eq!(validate("usps", &routed), Validity::Valid);
            prop_assert_eq!(without_routing(&routed), (Some(zip.clone()), number.to_owned()));
        }
    }

    #[test]
    fn no_single_wrong_digit_goes_unnoticed_in_a_package_barcode(
        body in "94[0-9]{19}",
        at in 2_usize..21,
        shift in 1_u32..10,
    ) {
        let number = complete(Algorithm::Gs1Mod10, "", &body);
        let mut letters: Vec<char> = number.chars().collect();
        let digit = letters[at].to_digit(10).unwrap();
        letters[at] = char::from_digit((digit + shift) % 10, 10).unwrap();
        let wrong: String = letters.into_iter().collect();
        prop_assert_ne!(validate("usps", &wrong), Validity::Valid);
    }

    #[test]
    fn anything_can_be_judged(number in "\\PC{0,60}", carrier in "usps|fedex|ups|dhl|x") {
        let _ = validate(&carrier, &number);
        let _ = candidates(&number);
        let _ = without_routing(&number);
    }
}
