//! Key figures: rates and durations of orders, parcels, messages, units and exceptions.
//!
//! The way of a figure:
//!
//! 1. **Facts.** [`OrderFacts`] is a table of plain facts in columns, filled from orders
//!    ([`OrderFacts::push_order`]) or by a host from its own database ([`OrderRow`]). Parcels,
//!    messages, units and exceptions have rows of their own.
//! 2. **Question.** [`KpiQuery`] says which figures, over which window, as of when, of which orders,
//!    grouped by what.
//! 3. **Counters.** [`KpiQuery::count`] gives [`KpiCounters`]: numerators, denominators, pending and
//!    excluded by reason for each group. They merge, can be stored, and take one more order at a
//!    time ([`LiveCounters`]).
//! 4. **Figures.** A [`Kpi`] is read from counters in either [`DenominatorMode`] and judged by
//!    [`KpiTargets`].
//!
//! Every figure names the instant that must lie in the window, its *cohort instant*, and every
//! order of that cohort is exactly one of: in the numerator, in the rest of the denominator,
//! pending, or excluded for a reason. What is not decided at `as_of` is pending and moves no rate;
//! nothing over nothing is no value, never 100 %. Rates are compared exactly, as integers.
//!
//! | Figure | Cohort instant | Denominator | Numerator |
//! |---|---|---|---|
//! | KPI-01 on-time shipping | paid | shipped in full, or `ship_by` has come | shipped by `ship_by` |
//! | KPI-09 late shipping | paid | as KPI-01 | the rest of KPI-01 |
//! | KPI-02 cancellation | paid | every paid order | cancelled in full |
//! | KPI-03/04 handling time | last ship confirmation | shipped in full, not before it was paid | paid to confirmed |
//! | KPI-05 complaint | paid | every paid order | with a complaint |
//! | KPI-06 delivery delay | `deliver_by` | not cancelled, `deliver_by` has come | late or missing |
//! | KPI-07 tracking upload | last ship confirmation | a number is needed | every number is there |
//! | KPI-08 valid tracking | last upload | scanned, overdue or invalid | valid and scanned |
//! | KPI-10 acknowledgement | placed | acknowledged, or `ack_by` has come | by `ack_by` |
//! | KPI-11 reply | message received | answered, or `reply_by` has come | by `reply_by` |
//! | KPI-12 order defect | paid | every paid order | with a configured defect |
//! | KPI-13 processing accuracy | last ship confirmation | shipped in full | without a mistake |
//! | KPI-16 return | delivered | units delivered | units returned |
//! | KPI-17 carrier | accepted | parcels accepted | [`CarrierCounts`] |
//! | KPI-18 logistics cost | last ship confirmation | what the goods cost | what labels cost |
//! | KPI-20 dispute | paid | every paid order | with a dispute |
//! | K-ACKTIME | acknowledged | acknowledged orders | placed to acknowledged |
//! | K-UPLAT | uploaded | parcels uploaded | confirmed to uploaded |
//! | K-EXC | paid; resolved | every paid order; resolved | with one; opened to resolved |
//!
//! Where words leave room, this module decides:
//!
//! - Facts later than `as_of` have not happened; deadlines are known whenever they lie.
//! - An order that was never paid stands in the cohorts of payment by its placing, an order without
//!   `deliver_by` in KPI-06 by its payment: so that what is excluded is seen.
//! - An order that is shipped in part is pending where the last unit decides.
//! - [`DenominatorMode::AllOrders`] takes every order of the cohort into the denominator that is not
//!   a test, shipped by the platform or unpaid. The numerator of KPI-09 stays "denominator less on
//!   time", so that it remains the rest of KPI-01.
//! - The pair of KPI-07 in time is decided once everything is uploaded or due.

mod counters;
mod cross_check;
mod definitions;
mod facts;
mod figures;
mod fold;
mod from_order;
mod groups;
mod lanes;
mod layout;
mod live;
mod plan;
mod query;
mod reliability;
mod tables;
mod targets;
mod ticks;

pub use counters::KpiCounters;
pub use cross_check::{CrossCheck, Explanation, PlatformFigure, cross_check};
pub use definitions::{
    CancelledBy, Defect, DefectSet, DenominatorMode, ExclusionReason, KpiId, KpiPolicy, KpiSet,
    ShipTimeBasis,
};
pub use facts::{Cancellation, DamagedFacts, OrderFacts, OrderRow, RowKeys};
pub use figures::{
    CostCounts, CostError, CostRatio, Counts, Durations, ExchangeRates, Excluded, Health, Kpi,
    KpiValue, NothingCounted, Ratio,
};
pub use from_order::{OrderExtras, exception_rows, order_row, parcel_rows, units_rows};
pub use groups::{Group, KpiReader};
pub use live::LiveCounters;
pub use query::{
    Dimension, GroupKey, KpiError, KpiQuery, KpiScope, MAX_PERIODS, PeriodUnit, Periods, Window,
};
pub use reliability::{
    CarrierDelayAlert, LATE_SERVICE_BASIS_POINTS, carrier_delay_alerts, carrier_reliability,
    late_weeks,
};
pub use tables::{
    CarrierCounts, ExceptionRow, Grouped, Merge, MessageRow, ParcelCosts, ParcelEnd, ParcelRow,
    UnitsRow,
};
pub use targets::{
    KpiTargets, Limit, Target, TargetError, TargetPreset, late_rate_alert, read_target_presets,
    target_presets,
};
