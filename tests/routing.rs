//! Routing: every line of its rules with its numbers, and what holds whatever the input.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod support;

#[path = "routing/anything.rs"]
mod anything;
#[path = "routing/examples.rs"]
mod examples;
#[path = "routing/lint.rs"]
mod lint;
#[path = "routing/prices.rs"]
mod prices;
#[path = "routing/properties.rs"]
mod properties;
#[path = "routing/refusals.rs"]
mod refusals;
#[path = "routing/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use orderflow::calendar::WorkCalendar;
use orderflow::order::{Actor, LogisticsMode, SpeedClass};
use orderflow::rules::{
    CarrierAccount, CarrierReliability, CompiledRoutes, LiveFacts, OverrideRefused, QuoteProblem,
    RateCard, RateCardFault, RateCards, RouteAction, RouteCondition, RouteFacts, RouteFinding,
    RouteInput, RoutePolicy, RouteRule, RoutedParcel, ServiceAliases, ServiceCatalogue,
    ServiceRejection, ZoneArea, ZoneChart, ZoneRates, cost_against_baseline, lint_routes,
    monthly_volume, override_service, packaging_share, price_spread, route,
};
use orderflow::shipment::{CarrierService, CostTier, Coverage, RateQuote, ServiceKey};
use orderflow::{
    Address, CarrierId, Country, Currency, Dimensions, Grams, Millimetres, Money, PlatformId,
    ServiceCode, ShopId, Sku, WarehouseId,
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use support::*;

use anything::*;
use world::*;
