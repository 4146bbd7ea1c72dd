//! Any rules, services, prices and parcels.

use super::*;

pub(super) const CODES: [&str; 6] = ["A", "B", "C", "D", "E", "OLD"];

/// More letters than any postcode has.
const LONG: &str = "80202 and so on for thirty letters and more";

pub(super) fn some<T: Clone + std::fmt::Debug + 'static>(
    from: &[T],
    most: usize,
) -> impl Strategy<Value = Vec<T>> + use<T> {
    // Most conditions of most rules are not set.
    let from = from.to_vec();
    prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(prop::sample::select(from), 1..=most),
    ]
}

pub(super) fn maybe<T: Clone + std::fmt::Debug + 'static>(
    from: &[T],
) -> impl Strategy<Value = Option<T>> + use<T> {
    let from = from.to_vec();
    prop_oneof![3 => Just(None), 1 => prop::sample::select(from).prop_map(Some)]
}

pub(super) fn texts(from: &[&str]) -> Vec<String> {
    from.iter().map(|text| (*text).to_owned()).collect()
}

pub(super) fn countries() -> Vec<Country> {
    ["US", "CA", "MX", "BR"].into_iter().filter_map(Country::new).collect()
}

pub(super) fn shops() -> Vec<ShopId> {
    ["shop-1", "shop-2"].map(ShopId::from_static).to_vec()
}

pub(super) fn platforms() -> Vec<PlatformId> {
    ["market", "other"].map(PlatformId::from_static).to_vec()
}

pub(super) fn tags() -> Vec<String> {
    texts(&["gift", "vip", "a tag of some length"])
}

pub(super) fn skus() -> Vec<Sku> {
    ["S1", "S2", "S3"].map(Sku::from_static).to_vec()
}

pub(super) fn warehouses() -> Vec<WarehouseId> {
    ["main", "east"].map(WarehouseId::from_static).to_vec()
}

pub(super) fn amounts() -> Vec<Decimal> {
    ["-1", "0", "19.99", "20", "20.00", "20.001", "20.0000000001", "100"]
        .map(|text| text.parse().unwrap())
        .to_vec()
}

pub(super) fn speeds() -> [SpeedClass; 4] {
    [SpeedClass::Economy, SpeedClass::Standard, SpeedClass::Expedited, SpeedClass::NextDay]
}

pub(super) fn modes() -> [LogisticsMode; 3] {
    [LogisticsMode::PlatformLabel, LogisticsMode::SellerCarrier, LogisticsMode::PlatformFulfilled]
}

pub(super) fn conditions() -> impl Strategy<Value = RouteCondition> {
    let grams = [0, 1, 500, 501, 1_000, 40_000].map(Grams::new);
    let places = (
        some(&platforms(), 2),
        some(&shops(), 2),
        some(&countries(), 3),
        some(
            &texts(&[
                "CO",
                "NY",
                "ny ",
                "Colorado",
                "MS",
                "Mississippi",
                "Mato Grosso do Sul",
                "us-co",
            ]),
            2,
        ),
        some(&texts(&["", "8", "80", "802", "80 202", "80202-1234", "k1a0", LONG, "9"]), 3),
        some(&warehouses(), 1),
        maybe(&[true, false]),
    );
    let goods = (
        maybe(&grams),
        maybe(&grams),
        (maybe(&amounts()), maybe(&amounts()), maybe(&[Currency::USD, Currency::BRL])),
        some(&tags(), 2),
        some(&skus(), 2),
    );
    let ways = (
        some(&modes(), 2),
        some(&speeds(), 2),
        maybe(&speeds()),
        maybe(&[0, 1, 3, 8]),
        maybe(&[0, 10, 500]),
        maybe(&[0, 10, 500]),
        some(&[1, 2, 8], 2),
    );
    (places, goods, ways).prop_map(|(places, goods, ways)| RouteCondition {
        platforms: places.0,
        shops: places.1,
        countries: places.2,
        states: places.3,
        postcode_prefixes: places.4,
        warehouses: places.5,
        residential: places.6,
        min_weight: goods.0,
        max_weight: goods.1,
        min_value: goods.2.0,
        max_value: goods.2.1,
        value_currency: goods.2.2,
        tags: goods.3,
        skus: goods.4,
        logistics: ways.0,
        speeds: ways.1,
        min_speed: ways.2,
        max_transit_days: ways.3,
        min_distance_km: ways.4,
        max_distance_km: ways.5,
        zones: ways.6,
    })
}

pub(super) fn actions() -> impl Strategy<Value = RouteAction> {
    let code = prop::sample::select(CODES.to_vec());
    let set = prop::collection::btree_set(code.clone().prop_map(key_of), 0..5);
    let discounts = ["0.01", "2", "-1.5", "0.00001", "0.000000001"];
    let discount = prop::sample::select(discounts.to_vec());
    prop_oneof![
        1 => code.clone().prop_map(|code| RouteAction::Force(key_of(code))),
        3 => set.clone().prop_map(RouteAction::Only),
        3 => set.prop_map(RouteAction::Exclude),
        3 => (code, discount).prop_map(|(code, discount)| RouteAction::Prefer {
            service: key_of(code),
            discount: discount.parse().unwrap(),
        }),
    ]
}

pub(super) fn rule_sets() -> impl Strategy<Value = Vec<RouteRule>> {
    let one = || (0..4_i32, 0..40_u32, conditions(), actions(), any_bool());
    let few = prop::collection::vec(one(), 0..3);
    prop_oneof![few, prop::collection::vec(one(), 0..14)].prop_map(|rules| {
        let rules = rules.into_iter();
        rules
            .map(|(priority, id, condition, action, stop)| RouteRule {
                stop,
                ..rule(&format!("r{id}"), priority, condition, action)
            })
            .collect()
    })
}

pub(super) fn any_bool() -> impl Strategy<Value = bool> {
    proptest::bool::ANY
}

pub(super) fn catalogues() -> impl Strategy<Value = Vec<CarrierService>> {
    let one = (
        1..6_u32,
        0..4_usize,
        prop::bits::u16::ANY,
        0..3_u32,
        prop::sample::select(speeds().to_vec()),
    );
    // In half of the catalogues coverage is countries alone, which the compiled form knows by number.
    (any_bool(), prop::collection::vec(one, 5)).prop_map(|(is_plain, rows)| {
        let tiers = [CostTier::Low, CostTier::MediumLow, CostTier::Medium, CostTier::High];
        let make = move |(code, (days, tier, bits, priority, speed)): (
            &&'static str,
            (u32, usize, u16, u32, SpeedClass),
        )| {
            let is = |bit: u16| bits & (1 << bit) != 0;
            let rarely = |bit: u16| is(bit) && is(bit + 1);
            let mut service = service(code, days, tiers[tier]);
            service.speed = speed;
            service.priority = priority;
            service.enabled = !rarely(0);
            service.batteries = is(2);
            service.liquids = is(3);
            service.economy = is(4);
            service.max_weight = is(5).then_some(Grams::new(20_000));
            service.capacity_left = rarely(6).then_some(0);
            service.coverage.countries = if is(8) { countries()[..3].to_vec() } else { Vec::new() };
            if is_plain {
                service.max_length_plus_girth = None;
                return service;
            }
            service.coverage.excluded_states =
                if is(9) { texts(&["NY", "Mississippi"]) } else { Vec::new() };
            service.coverage.excluded_postcode_prefixes =
                if is(10) { texts(&["9"]) } else { Vec::new() };
            service.coverage.no_po_box = is(11);
            service.coverage.no_residential = rarely(12);
            service.coverage.no_remote = is(13);
            service.max_value = is(14).then_some(usd(5_000));
            service.max_length_plus_girth = is(15).then_some(Millimetres::new(2_000));
            service
        };
        CODES.iter().zip(rows).map(make).collect()
    })
}

pub(super) fn rate_cards() -> impl Strategy<Value = Option<RateCards>> {
    let price = prop::sample::select(vec![100_i64, 101, 150, 300]);
    let one = (prop::array::uniform4(price), 1..9_u32, 0..30_u8);
    let all = prop::collection::vec(prop::option::weighted(0.8, one), 6).prop_map(|rows| {
        // Two cards of one service, by its two names, are rare.
        let is_usual = |code: &str, odd: u8| code != "OLD" || odd.is_multiple_of(5);
        let rows = CODES.iter().zip(rows).filter_map(|(code, row)| Some((*code, row?)));
        let rows = rows.filter(|(code, (_, _, odd))| is_usual(code, *odd));
        let made = rows.map(|(code, (cents, days, odd))| {
            let mut card = card(code, cents, days);
            match odd {
                0..=3 => card.max_weight = Some(Grams::new(900)),
                4..=8 => {
                    card.zones.remove("near");
                }
                9 => card.currency = Currency::MXN,
                _ => {}
            }
            card
        });
        cards(made.collect())
    });
    prop::option::weighted(0.7, all)
}

pub(super) fn parcels() -> impl Strategy<Value = Routing> {
    let place = (
        prop::option::weighted(0.95, prop::sample::select(countries())),
        maybe(&texts(&[
            "CO",
            "co",
            "N Y",
            "Colorado",
            "COLORADO",
            "US-CO",
            "new york",
            "MS",
            "mississippi",
            "Mato Grosso do Sul",
            "ZZ",
        ])),
        prop::option::weighted(
            0.8,
            prop::sample::select(texts(&[
                "80202",
                "80202-1234",
                "90210",
                "8",
                "",
                "K1A 0B1",
                "802é",
                "K1A0b1",
                LONG,
                "80202 AND SO ON FOR THIRTY LETTERS AND LESS",
            ])),
        ),
        prop::option::of(any_bool()),
        any_bool(),
    );
    let goods = (
        prop::sample::select(vec![0, 1, 499, 500, 501, 900, 1_000, 19_999, 31_000]),
        (
            prop::sample::select(amounts()),
            prop::sample::select(vec![Currency::USD, Currency::USD, Currency::BRL]),
        ),
        prop::collection::btree_set(prop::sample::select(tags()), 0..3),
        prop::collection::btree_set(prop::sample::select(skus()), 0..3),
        (any_bool(), any_bool(), any_bool()),
    );
    let way = (
        prop::sample::select(speeds().to_vec()),
        maybe(&[1_u32, 3, 5, 8]),
        maybe(&[1_i64, 2, 4, 9, -3]),
        maybe(&[0, 10, 499, 500]),
        maybe(&[1, 2, 7]),
        prop::sample::select(modes().to_vec()),
        maybe(&warehouses()),
    );
    (place, goods, way).prop_map(|(place, goods, way)| {
        let mut parcel = Routing::new();
        parcel.address.country = place.0;
        parcel.address.state = place.1;
        parcel.address.postal_code = place.2;
        parcel.address.residential = place.3;
        if place.4 {
            parcel.address.lines = vec!["PO Box 5".into()];
        }
        parcel.weight = Grams::new(goods.0);
        parcel.value = Money::new(goods.1.0, goods.1.1);
        parcel.tags = goods.2;
        parcel.skus = goods.3;
        (parcel.batteries, parcel.remote) = (goods.4.0, goods.4.1);
        let mm = Millimetres::new;
        parcel.dimensions = goods.4.2.then(|| Dimensions::new(mm(900), mm(400), mm(300)));
        parcel.speed = way.0;
        parcel.max_transit_days = way.1;
        parcel.deliver_by = way.2.map(|days| now() + TimeDelta::days(days));
        parcel.distance_km = way.3;
        parcel.zone = way.4;
        parcel.logistics = way.5;
        parcel.warehouse = way.6;
        parcel.quotes.clear();
        parcel.aliases = ServiceAliases::new().with(key_of("OLD"), key_of("E"));
        parcel
    })
}

/// Service, cents, age in hours, days on the way and days until a promised day, other currency.
type QuoteParts = (&'static str, i64, i64, (Option<u32>, Option<i64>), bool);

pub(super) fn live_quotes() -> impl Strategy<Value = Vec<RateQuote>> {
    let one = (
        prop::sample::select(CODES.to_vec()),
        prop::sample::select(vec![100_i64, 150, 151, 900, -5]),
        prop::sample::select(vec![-1_i64, 0, 5, 24, 25]),
        (prop::option::of(1..9_u32), prop::option::weighted(0.2, -2..5_i64)),
        prop::bool::weighted(0.1),
    );
    let quotes = prop::collection::vec(one, 1..8).prop_map(|rows| {
        let make = |(code, cents, age, (days, arrives), foreign): QuoteParts| {
            let currency = if foreign { Currency::MXN } else { Currency::USD };
            let mut made = quote(code, cents, currency);
            made.quoted_at = now() - hours(age);
            made.transit_days = days;
            made.deliver_on = arrives.map(|days: i64| (now() + TimeDelta::days(days)).date_naive());
            made
        };
        rows.into_iter().map(make).collect()
    });
    prop_oneof![2 => Just(Vec::new()), 1 => quotes]
}

pub(super) fn standings() -> impl Strategy<
    Value = (BTreeMap<CarrierId, CarrierAccount>, BTreeMap<ServiceKey, CarrierReliability>, bool),
> {
    let account = prop::option::weighted(
        0.3,
        (0..8_u8).prop_map(|kind| match kind {
            0 => CarrierAccount::new().with_usable(false),
            1 => CarrierAccount::new().with_capacity_left(0),
            2 => CarrierAccount::new().with_calendar(calendar()),
            _ => CarrierAccount::new().with_capacity_left(7),
        }),
    );
    let rate =
        (0..100_u32, 0..30_u32).prop_map(|(decided, late)| CarrierReliability { decided, late });
    let rates = prop::collection::btree_map(
        prop::sample::select(CODES.to_vec()).prop_map(key_of),
        rate,
        0..5,
    );
    (account, rates, any_bool()).prop_map(|(account, rates, demote)| {
        let accounts = account.map(|account| (CarrierId::from_static("carrier"), account));
        (accounts.into_iter().collect(), rates, demote)
    })
}
