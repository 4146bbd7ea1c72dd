//! A parcel with everything routing asks for, and three services that may take it.

use super::*;

pub(super) fn calendar() -> WorkCalendar {
    WorkCalendar::weekdays(chrono_tz::America::New_York, NaiveTime::from_hms_opt(14, 0, 0).unwrap())
}

pub(super) fn rule(
    id: &str,
    priority: i32,
    condition: RouteCondition,
    action: RouteAction,
) -> RouteRule {
    RouteRule { id: id.into(), priority, condition, action, stop: false }
}

pub(super) fn only(codes: &[&'static str]) -> RouteAction {
    RouteAction::Only(codes.iter().map(|code| key_of(code)).collect())
}

pub(super) fn always() -> RouteCondition {
    RouteCondition::default()
}

pub(super) fn service(code: &'static str, days: u32, tier: CostTier) -> CarrierService {
    CarrierService {
        key: key_of(code),
        name: code.to_owned(),
        enabled: true,
        speed: if days <= 2 { SpeedClass::Expedited } else { SpeedClass::Standard },
        min_transit_days: 1,
        max_transit_days: days,
        cost_tier: tier,
        coverage: Coverage::default(),
        max_weight: Some(Grams::new(31_750)),
        max_length_plus_girth: Some(Millimetres::new(3_300)),
        max_length: None,
        max_value: None,
        batteries: false,
        liquids: true,
        economy: tier == CostTier::Low,
        capacity_left: None,
        priority: 0,
    }
}

pub(super) fn key_of(code: &'static str) -> ServiceKey {
    ServiceKey::new(CarrierId::from_static("carrier"), ServiceCode::from_static(code))
}

pub(super) fn quote(code: &'static str, cents: i64, currency: Currency) -> RateQuote {
    RateQuote {
        service: key_of(code),
        name: code.to_owned(),
        total: Money::from_minor(cents, currency),
        deliver_on: None,
        transit_days: None,
        guaranteed: false,
        token: None,
        quoted_at: now(),
    }
}

#[derive(Debug, Clone)]
pub(super) struct Routing {
    pub(super) address: Address,
    pub(super) calendar: WorkCalendar,
    pub(super) tags: BTreeSet<String>,
    pub(super) services: Vec<CarrierService>,
    pub(super) rules: Vec<RouteRule>,
    pub(super) quotes: Vec<RateQuote>,
    pub(super) reliability: BTreeMap<ServiceKey, CarrierReliability>,
    pub(super) deliver_by: Option<DateTime<Utc>>,
    pub(super) batteries: bool,
    pub(super) liquids: bool,
    pub(super) speed: SpeedClass,
    pub(super) policy: RoutePolicy,
    pub(super) weight: Grams,
    pub(super) value: Money,
    pub(super) dimensions: Option<Dimensions>,
    pub(super) warehouse: Option<WarehouseId>,
    pub(super) remote: bool,
    pub(super) distance_km: Option<u32>,
    pub(super) zone: Option<u32>,
    pub(super) logistics: LogisticsMode,
    pub(super) skus: BTreeSet<Sku>,
    pub(super) max_transit_days: Option<u32>,
    pub(super) accepted: Option<BTreeSet<ServiceKey>>,
    pub(super) cards: Option<RateCards>,
    pub(super) accounts: BTreeMap<CarrierId, CarrierAccount>,
    pub(super) aliases: ServiceAliases,
}

impl Routing {
    pub(super) fn new() -> Self {
        Self {
            address: recipient().address,
            calendar: calendar(),
            tags: BTreeSet::new(),
            services: vec![
                service("ECONOMY", 8, CostTier::Low),
                service("GROUND", 5, CostTier::Medium),
                service("EXPRESS", 2, CostTier::High),
            ],
            rules: Vec::new(),
            quotes: vec![
                quote("ECONOMY", 500, Currency::USD),
                quote("GROUND", 800, Currency::USD),
                quote("EXPRESS", 3000, Currency::USD),
            ],
            reliability: BTreeMap::new(),
            deliver_by: None,
            batteries: false,
            liquids: false,
            speed: SpeedClass::Standard,
            policy: RoutePolicy::default(),
            weight: Grams::new(900),
            value: usd(2000),
            dimensions: None,
            warehouse: None,
            remote: false,
            distance_km: None,
            zone: None,
            logistics: LogisticsMode::SellerCarrier,
            skus: BTreeSet::new(),
            max_transit_days: None,
            accepted: None,
            cards: None,
            accounts: BTreeMap::new(),
            aliases: ServiceAliases::new(),
        }
    }

    pub(super) fn decide(&self) -> orderflow::rules::RouteDecision {
        self.with(|input, facts| route(input, facts, &self.policy, now()))
    }

    pub(super) fn with<T>(&self, ask: impl FnOnce(&RouteInput<'_>, &RouteFacts<'_>) -> T) -> T {
        let order = key("route");
        let input = RouteInput {
            warehouse: self.warehouse.as_ref(),
            remote: self.remote,
            distance_km: self.distance_km,
            zone: self.zone,
            dimensions: self.dimensions,
            logistics: self.logistics,
            tags: &self.tags,
            skus: &self.skus,
            speed: self.speed,
            deliver_by: self.deliver_by,
            max_transit_days: self.max_transit_days,
            batteries: self.batteries,
            liquids: self.liquids,
            platform_accepts: self.accepted.as_ref(),
            ..RouteInput::new(
                &order.platform,
                &order.shop,
                &self.address,
                &self.calendar,
                self.weight,
                self.value,
            )
        };
        let facts = RouteFacts {
            services: &self.services,
            rules: &self.rules,
            quotes: &self.quotes,
            cards: self.cards.as_ref(),
            reliability: &self.reliability,
            accounts: &self.accounts,
            aliases: &self.aliases,
        };
        ask(&input, &facts)
    }

    pub(super) fn compiled(&self) -> CompiledRoutes {
        CompiledRoutes::new(
            self.rules.clone(),
            &self.services,
            self.cards.clone().unwrap_or_default(),
            self.aliases.clone(),
            self.policy.clone(),
        )
        .unwrap()
    }

    pub(super) fn reason(&self, code: &'static str) -> Option<ServiceRejection> {
        let rejected = self.decide().rejected;
        rejected.into_iter().find(|(key, _)| *key == key_of(code)).map(|(_, why)| why)
    }

    pub(super) fn chosen(&self) -> Option<String> {
        self.decide().chosen.map(|choice| choice.service.service.to_string())
    }
}

pub(super) fn chart() -> ZoneChart {
    let area = |zone: &str, country: &str, prefixes: &[&str]| ZoneArea {
        zone: zone.into(),
        country: Country::new(country).unwrap(),
        postcode_prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
    };
    ZoneChart {
        areas: vec![
            area("near", "US", &["80", "81"]),
            area("door", "US", &["802"]),
            area("far", "US", &[]),
        ],
        elsewhere: Some("world".into()),
    }
}

pub(super) fn card(code: &'static str, cents: [i64; 4], days: u32) -> RateCard {
    let zones = ["door", "near", "far", "world"].into_iter().zip(cents).map(|(zone, cents)| {
        let prices = (1..=3).map(|step| Decimal::new(cents * step, 2)).collect();
        (zone.to_owned(), ZoneRates { transit_days: days, prices })
    });
    RateCard {
        service: key_of(code),
        currency: Currency::USD,
        chart: "c".into(),
        max_weight: None,
        steps: vec![Grams::new(500), Grams::new(1_000), Grams::new(30_000)],
        zones: zones.collect(),
    }
}

pub(super) fn cards(cards: Vec<RateCard>) -> RateCards {
    RateCards::new(BTreeMap::from([("c".to_owned(), chart())]), cards).unwrap()
}
