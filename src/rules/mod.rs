//! Decisions as pure functions that explain themselves.
//!
//! Every rule takes facts and `now` and returns a verdict with its reasons. No clock, no I/O, no
//! randomness; the same input gives the same answer, whatever order lists come in.

mod allocate;
mod dashboard;
mod exceptions;
mod ladder;
mod poll;
mod review;
mod route;
mod sla;

pub use allocate::{
    AllocationPolicy, AllocationPreference, AllocationVerdict, Candidate, RejectedWarehouse,
    WarehouseRejection, allocate,
};
pub use dashboard::{Dashboard, HotSeller, Percentiles, dashboard};
pub use exceptions::{
    ExceptionItem, ExceptionPolicy, ExceptionReport, Severity, exception_report, exceptions,
    sort_exceptions,
};
pub use ladder::{Channel, Fired, Ladder, LadderStep, Level, Warning, warning};
pub use poll::{PollAdvice, PollFinding, PollPlan, PollTier, check_poll_interval, poll_plan};
pub use review::{
    Finding, ReviewContext, ReviewPolicy, ReviewVerdict, may_acknowledge, review, validate,
};
pub use route::{
    BaselineReport, CarrierAccount, CarrierReliability, CarrierVolume, CompileError,
    CompiledRoutes, ListedService, LiveFacts, MAX_SERVICES, ManualRoute, NEGOTIATE_FROM,
    OverrideRefused, PackagingShare, PriceSpread, QuoteProblem, RateCard, RateCardError,
    RateCardFault, RateCards, RouteAction, RouteCondition, RouteDecision, RouteExample, RouteFacts,
    RouteFeatures, RouteFinding, RouteInput, RoutePolicy, RouteRule, Routed, RoutedParcel,
    ServiceAliases, ServiceCatalogue, ServiceRejection, ZoneArea, ZoneChart, ZoneRates,
    cost_against_baseline, earliest_ship, lint_routes, monthly_volume, override_service,
    packaging_share, price_spread, route,
};
pub use sla::{
    Anchor, Penalty, SlaRule, SlaRules, SlaScope, Span, deadlines, earliest_unmet, is_met, presets,
};
