//! Decisions as pure functions that explain themselves.
//!
//! Every rule takes facts and `now` and returns a verdict with its reasons. No clock, no I/O, no
//! randomness; the same input gives the same answer, whatever order lists come in.
//!
//! The [rule book](_book) lists every rule with its function and its test.

pub mod _book;
pub mod alert;
mod allocate;
pub mod analytics;
mod classify;
mod combine;
mod customs;
mod dashboard;
mod exception_book;
mod exceptions;
mod keyed;
pub mod kpi;
mod ladder;
mod manual;
pub mod message;
mod picking;
mod policy;
mod poll;
mod print_slots;
mod resolve;
mod review;
mod route;
mod sla;
mod upload;
mod void;
mod words;

pub use allocate::{
    AllocationPolicy, AllocationPreference, AllocationShortfall, AllocationVerdict,
    RejectedWarehouse, WarehouseRejection, allocate,
};
pub use classify::{Classification, ClassificationPolicy, classify};
pub use combine::{CombinedOrders, combinable};
pub use customs::{CustomsBook, CustomsFacts, CustomsGap, declare};
pub use dashboard::{Dashboard, HotSeller, Percentiles, dashboard};
pub use exception_book::{
    BookChanges, ExceptionBook, ExceptionBookError, ExceptionKey, ExceptionRecord, ExceptionStatus,
    next_report, report_times,
};
pub use exceptions::{
    ExceptionItem, ExceptionPolicy, ExceptionReport, Severity, ShopException, ShopTrouble,
    exception_report, exceptions, is_weight_suspicious, shop_exceptions, sort_exceptions,
};
pub use ladder::{Channel, Fired, Ladder, LadderStep, Level, Warning, warning};
pub use manual::{
    ManualReview, ManualReviewError, ManualReviewPlan, ShipmentPreview, plan_manual_review,
    preview, review_queue,
};
pub use picking::{PickCheckError, PickDifference, check_pick};
pub use policy::{Policy, PolicyError, PolicyFinding, PolicyPresetError, ShopPolicy};
pub use poll::{
    PollAdvice, PollFinding, PollPlan, PollPolicy, PollTier, TrackPollPolicy, check_poll_interval,
    next_track_poll, poll_plan,
};
pub use print_slots::{PrintSlots, PromotionDays};
pub use resolve::{
    CarrierEnquiry, Resolution, ResolutionAbilities, ResolutionPlan, ResolutionRefusal,
    ResolutionStep, carrier_enquiries, plan_resolution,
};
pub use review::{
    Finding, PaymentAnomaly, ReviewContext, ReviewPolicy, ReviewVerdict, may_acknowledge,
    payment_anomaly, review, validate,
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
    Anchor, DeadlineVerdict, DueIndex, MAX_CALENDAR_DAYS, MAX_ELAPSED_HOURS, Missing, Penalty,
    SlaError, SlaFault, SlaRule, SlaRules, SlaScope, Span, Standing, deadlines, earliest_unmet,
    is_met, judge, met_at, missing, presets, reply_deadline,
};
pub use upload::{CarrierCode, CarrierMap, CarrierMapRow, UploadVerdict, judge_upload, only_slot};
pub use void::{LabelStanding, VoidAfterwards, VoidUntil, VoidVerdict, VoidWindow, void_verdict};
