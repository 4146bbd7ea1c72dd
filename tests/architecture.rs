//! The floors hold, and no vendor's name leaves its folder.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(SRC), &mut found);
    found.sort();
    assert!(found.len() > 30, "the sources were not found");
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(SRC).unwrap().to_string_lossy().replace('\\', "/");
            (name, text)
        })
        .collect()
}

/// The floor of every top-level module. A module imports only from floors below its own, or from
/// its own module.
fn floors() -> BTreeMap<&'static str, u8> {
    BTreeMap::from([
        ("address", 0),
        ("calendar", 0),
        ("error", 0),
        ("ids", 0),
        ("money", 0),
        ("personal", 0),
        ("units", 0),
        ("customer", 1),
        ("order", 1),
        ("shipment", 1),
        ("warehouse", 1),
        ("ports", 2),
        ("rules", 2),
        ("client", 3),
        ("documents", 4),
        ("carriers", 4),
        ("platforms", 4),
        ("store", 5),
        ("engine", 6),
        ("conformance", 7),
        ("sandbox", 7),
    ])
}

/// The code of a file without comments, doc examples and test modules.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text.get(..end)
        .unwrap_or(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_module_imports_only_from_floors_below_its_own() {
    let floors = floors();
    let mut broken = Vec::new();
    for (name, text) in sources() {
        let top = name.split(['/', '.']).next().unwrap();
        if top == "lib" {
            continue;
        }
        let own = *floors.get(top).unwrap_or_else(|| panic!("{top} has no floor: add it here"));
        for used in code(&text).match_indices("crate::").map(|(at, _)| at + 7) {
            let rest = &code(&text)[used..];
            let target: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let Some(floor) = floors.get(target.as_str()) else { continue };
            // Domain modules describe one thing together and may know each other.
            let beside = *floor == own && (own <= 1 || target == top);
            if *floor >= own && !beside {
                broken.push(format!("{name} (floor {own}) uses crate::{target} (floor {floor})"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn rules_and_domain_see_no_clock_no_socket_and_no_environment() {
    for (name, text) in sources() {
        let pure = ["order", "shipment", "rules", "address", "calendar", "money", "units", "ids"]
            .iter()
            .any(|top| name.starts_with(top));
        if !pure {
            continue;
        }
        for forbidden in [
            "Utc::now",
            "Local::now",
            "SystemTime",
            "Instant::now",
            "std::env",
            "std::net",
            "std::fs",
            "tokio",
        ] {
            assert!(!code(&text).contains(forbidden), "{name} contains {forbidden}");
        }
    }
}

#[test]
fn no_vendor_name_leaves_its_folder() {
    // The table of number formats is the one place of the domain that knows carriers: numbers are
    // recognised by their shape before anybody knows whose they are.
    let excused = ["shipment/number.rs", "shipment/number/"];
    let vendors = ["walmart", "usps", "mercado", "tiktok", "fedex", "dhl", "amazon", "ebay"];
    let mut broken = Vec::new();
    for (name, text) in sources() {
        let own_room = name.starts_with("platforms/")
            || name.starts_with("carriers/")
            || name.starts_with("sandbox/")
            || name == "lib.rs"
            || excused.iter().any(|excused| name.starts_with(excused));
        if own_room {
            continue;
        }
        let code = code(&text).to_lowercase();
        for vendor in vendors {
            if code.contains(vendor) {
                broken.push(format!("{name} names {vendor}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_vendors_folder_names_no_other_vendor_of_its_kind() {
    let mut broken = Vec::new();
    for (name, text) in sources() {
        for (folder, others) in [
            ("platforms/walmart/", &["mercado", "tiktok"][..]),
            ("platforms/mercado_libre/", &["walmart", "tiktok"][..]),
            ("platforms/tiktok_shop/", &["walmart", "mercado"][..]),
            ("carriers/usps/", &["fedex", "dhl"][..]),
            ("carriers/fedex/", &["usps", "dhl"][..]),
            ("carriers/dhl/", &["usps", "fedex"][..]),
        ] {
            // What a marketplace calls a carrier is that marketplace's own vocabulary.
            if name.starts_with(folder) {
                for other in others {
                    if code(&text).to_lowercase().contains(other) {
                        broken.push(format!("{name} names {other}"));
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn public_types_are_send_and_sync_and_ports_are_object_safe() {
    fn shared<T: Send + Sync + ?Sized>() {}
    shared::<orderflow::Error>();
    shared::<orderflow::order::Order>();
    shared::<orderflow::shipment::Label>();
    shared::<dyn orderflow::ports::MarketplaceAdapter>();
    shared::<dyn orderflow::ports::CarrierAdapter>();
    shared::<dyn orderflow::ports::Stock>();
    shared::<dyn orderflow::ports::store::Store>();
    #[cfg(feature = "engine")]
    shared::<orderflow::engine::Engine>();
}

#[test]
fn every_test_that_the_rule_book_names_exists() {
    const ROOT: &str = env!("CARGO_MANIFEST_DIR");
    let book = std::fs::read_to_string(format!("{SRC}/rules/_book.rs")).unwrap();
    let mut rows = 0;
    let mut missing = Vec::new();
    for line in book.lines().filter(|line| line.starts_with("//! | ")) {
        let Some(pinned) = line.split('|').nth(4).map(str::trim) else { continue };
        if matches!(pinned, "Pinned by" | "doc example") {
            continue;
        }
        rows += 1;
        let named = pinned.trim_matches('`');
        let (file, test) = named.split_once("::").unwrap_or_else(|| panic!("no test in {line}"));
        let mut places = vec![format!("{ROOT}/tests/{file}.rs"), format!("{ROOT}/src/{file}.rs")];
        if let Ok(folder) = std::fs::read_dir(format!("{ROOT}/tests/{file}")) {
            places.extend(folder.map(|entry| entry.unwrap().path().display().to_string()));
        }
        let found = places
            .iter()
            .filter_map(|place| std::fs::read_to_string(place).ok())
            .any(|text| text.contains(&format!("fn {test}(")));
        if !found {
            missing.push(named.to_owned());
        }
    }
    assert!(rows > 90, "the table was not found");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_marketplace_outside_the_crate_takes_less_than_two_hundred_lines() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/custom_adapter.rs");
    let lines = std::fs::read_to_string(path).unwrap().lines().count();
    assert!(lines < 200, "{lines} lines");
}
