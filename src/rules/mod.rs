//! Decisions as pure functions that explain themselves.
//!
//! Every rule takes facts and `now` and returns a verdict with its reasons. No clock, no I/O, no
//! randomness; the same input gives the same answer, whatever order lists come in.

mod allocate;
mod dashboard;
mod exceptions;
pub mod kpi;
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
    CarrierReliability, RouteAction, RouteCondition, RouteDecision, RouteFacts, RouteInput,
    RoutePolicy, RouteRule, ServiceRejection, route,
};
pub use sla::{
    Anchor, Penalty, SlaRule, SlaRules, SlaScope, Span, deadlines, earliest_unmet, is_met, presets,
};
