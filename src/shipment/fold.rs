//! Folding tracking events into one state, whatever order they arrive in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::tracking::{EventTime, Milestone, TrackingEvent};
use crate::ids::{CarrierId, TrackingNumber};

/// Where a parcel is in its movement.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TransitState {
    /// The carrier does not know the number (yet).
    #[default]
    NotFoundYet,
    /// Only data; no physical scan.
    PreTransit,
    /// First physical scan.
    Accepted,
    /// Moving.
    InTransit,
    /// On the delivery round.
    OutForDelivery,
    /// Waits to be fetched by the buyer.
    AvailableForPickup,
    /// A delivery attempt failed.
    AttemptFailed,
    /// In customs.
    CustomsHold,
    /// Something went wrong; it may still move.
    Delayed,
    /// Delivered. Terminal, but for an explicit return.
    Delivered,
    /// On its way back.
    Returning,
    /// Back at the sender. Terminal.
    Returned,
    /// Lost. Terminal.
    Lost,
    /// Destroyed. Terminal.
    Destroyed,
}

impl TransitState {
    /// Whether nothing more is expected.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Lost | Self::Destroyed)
    }
}

/// A remark about events that were not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoldFinding {
    /// Events from long before the label was made: the number was used before.
    ReusedNumber,
}

/// What all events together say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedTracking {
    /// The state.
    pub state: TransitState,
    /// Every event that counts, deduplicated, in order of time.
    pub events: Vec<TrackingEvent>,
    /// First physical scan.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Delivery.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Last physical scan.
    pub last_scan_at: Option<DateTime<Utc>>,
    /// Remarks.
    pub findings: Vec<FoldFinding>,
}

/// How long before the label's creation an event may lie before it counts as another parcel's.
const REUSE_MARGIN: TimeDelta = TimeDelta::hours(24);

/// How far the westernmost zone is behind UTC: a wall clock whose zone is not told may be that late.
const WESTERNMOST: TimeDelta = TimeDelta::hours(12);

/// Whether an event is older than the label by more than [`REUSE_MARGIN`] in whatever zone its
/// carrier wrote it: a day only when all of it is.
fn is_of_an_earlier_parcel(time: &EventTime, label_created: DateTime<Utc>) -> bool {
    let uncertain = match time {
        EventTime::Instant(_) => TimeDelta::zero(),
        EventTime::Local(_) => WESTERNMOST,
        EventTime::Date(_) => TimeDelta::hours(24) + WESTERNMOST,
    };
    label_created - time.approximate() > REUSE_MARGIN + uncertain
}

/// Folds every event known of a parcel into one state.
///
/// Duplicates merge; a shorter history never replaces a longer one because the caller passes old
/// and new events together. The answer does not depend on the order of `events`: they are sorted
/// by time, a day without a time before instants of that day unless it is a delivery or a return,
/// ties by what they mean and then by code and place. A parcel is not sent back before the delivery
/// of the same day, where that has no time. A delivery is undone only by an explicit return; a
/// delivery after a return began is the one to the sender, and the parcel has returned.
///
/// `label_created` drops events of an earlier parcel under the same number: those older than it by
/// more than 24 hours, wherever a day or a wall clock without a zone was read.
#[must_use]
pub fn fold(
    carrier: &CarrierId,
    number: &TrackingNumber,
    events: impl IntoIterator<Item = TrackingEvent>,
    label_created: Option<DateTime<Utc>>,
) -> FoldedTracking {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    let mut counted: Vec<TrackingEvent> = Vec::new();
    for event in events {
        if label_created.is_some_and(|created| is_of_an_earlier_parcel(&event.time, created)) {
            if !findings.contains(&FoldFinding::ReusedNumber) {
                findings.push(FoldFinding::ReusedNumber);
            }
            continue;
        }
        if seen.insert(event.id(carrier, number)) {
            counted.push(event);
        }
    }
    let mut sent_back: BTreeMap<NaiveDate, DateTime<Utc>> = BTreeMap::new();
    for event in counted.iter().filter(|event| is_return(event) && !is_day(event)) {
        let at = event.time.approximate();
        let first = sent_back.entry(at.date_naive()).or_insert(at);
        *first = at.min(*first);
    }
    counted.sort_by(|a, b| {
        sort_key(a, &sent_back)
            .cmp(&sort_key(b, &sent_back))
            .then_with(|| a.raw_code.cmp(&b.raw_code))
            .then_with(|| a.place.cmp(&b.place))
            .then_with(|| a.raw_text.cmp(&b.raw_text))
    });

    let mut folded = FoldedTracking {
        state: TransitState::NotFoundYet,
        events: Vec::new(),
        accepted_at: None,
        delivered_at: None,
        last_scan_at: None,
        findings,
    };
    for event in &counted {
        let at = event.time.approximate();
        if event.milestone.is_physical() {
            folded.accepted_at.get_or_insert(at);
            folded.last_scan_at = Some(folded.last_scan_at.map_or(at, |last| last.max(at)));
        }
        folded.state = step(folded.state, event.milestone);
        // A parcel delivered back to its sender ends in `Returned` and was never delivered.
        if event.milestone == Milestone::Delivered && folded.state == TransitState::Delivered {
            folded.delivered_at.get_or_insert(at);
        }
    }
    folded.events = counted;
    folded
}

const fn is_day(event: &TrackingEvent) -> bool {
    matches!(event.time, EventTime::Date(_))
}

const fn is_return(event: &TrackingEvent) -> bool {
    matches!(event.milestone, Milestone::ReturnStarted | Milestone::Returned)
}

/// `sent_back` has the first return of each day that has a time.
fn sort_key(
    event: &TrackingEvent,
    sent_back: &BTreeMap<NaiveDate, DateTime<Utc>>,
) -> (NaiveDate, u8, DateTime<Utc>, Milestone) {
    let at = event.time.approximate();
    let day = at.date_naive();
    if !is_day(event) {
        return (day, 1, at, event.milestone);
    }
    match (event.milestone, sent_back.get(&day)) {
        (Milestone::Delivered, Some(sent_back)) => (day, 1, *sent_back, event.milestone),
        (Milestone::Delivered, None) => (day, 2, at, event.milestone),
        _ if is_return(event) => (day, 3, at, event.milestone),
        _ => (day, 0, at, event.milestone),
    }
}

fn step(state: TransitState, milestone: Milestone) -> TransitState {
    use Milestone as M;
    use TransitState as T;
    match (state, milestone) {
        // A return begins a second leg, also after a delivery; nothing else undoes an end.
        (T::Lost, M::Delivered) => T::Delivered,
        (T::Returned | T::Destroyed, _) => state,
        (_, M::ReturnStarted) => T::Returning,
        (_, M::Returned) => T::Returned,
        (T::Delivered | T::Lost, _) => state,
        (T::Returning, M::Lost) => T::Lost,
        (T::Returning, M::Delivered) => T::Returned,
        (T::Returning, _) => T::Returning,
        (_, M::Delivered) => T::Delivered,
        (_, M::Lost) => T::Lost,
        (T::NotFoundYet, M::PreAdvice) => T::PreTransit,
        (_, M::PreAdvice | M::Other) => state,
        (T::NotFoundYet | T::PreTransit, M::Accepted) => T::Accepted,
        (
            _,
            M::Accepted
            | M::ArrivedHub
            | M::DepartedHub
            | M::CustomsCleared
            | M::ArrivedDestination,
        ) => T::InTransit,
        (_, M::CustomsStarted) => T::CustomsHold,
        (_, M::OutForDelivery) => T::OutForDelivery,
        (_, M::AttemptFailed) => T::AttemptFailed,
        (_, M::AvailableForPickup) => T::AvailableForPickup,
        (T::NotFoundYet | T::PreTransit, M::Exception) => state,
        (_, M::Exception) => T::Delayed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    fn event(hour: i64, milestone: Milestone) -> TrackingEvent {
        let base = Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).unwrap();
        TrackingEvent {
            time: EventTime::Instant(base + TimeDelta::hours(hour)),
            place: Some("DENVER, CO".into()),
            raw_code: format!("{milestone:?}"),
            raw_text: String::new(),
            milestone,
            reason: None,
        }
    }

    fn run(events: Vec<TrackingEvent>) -> FoldedTracking {
        fold(&CarrierId::from_static("c"), &TrackingNumber::from_static("1"), events, None)
    }

    #[test]
    fn a_label_made_is_not_an_acceptance() {
        let folded = run(vec![event(0, Milestone::PreAdvice)]);
        assert_eq!(folded.state, TransitState::PreTransit);
        assert_eq!(folded.accepted_at, None);
    }

    #[test]
    fn a_delivery_is_not_undone_by_a_later_stamped_movement() {
        let folded = run(vec![
            event(0, Milestone::Accepted),
            event(30, Milestone::Delivered),
            event(31, Milestone::ArrivedHub),
        ]);
        assert_eq!(folded.state, TransitState::Delivered);
    }

    #[test]
    fn a_return_after_delivery_opens_a_second_leg() {
        let folded = run(vec![
            event(0, Milestone::Accepted),
            event(30, Milestone::Delivered),
            event(60, Milestone::ReturnStarted),
        ]);
        assert_eq!(folded.state, TransitState::Returning);
        assert!(folded.delivered_at.is_some());
    }

    #[test]
    fn a_failed_attempt_is_left_by_any_later_movement() {
        let folded = run(vec![
            event(0, Milestone::Accepted),
            event(10, Milestone::AttemptFailed),
            event(20, Milestone::OutForDelivery),
        ]);
        assert_eq!(folded.state, TransitState::OutForDelivery);
    }

    #[test]
    fn customs_and_delays_are_left_by_any_later_movement_too() {
        for (trouble, state) in [
            (Milestone::CustomsStarted, TransitState::CustomsHold),
            (Milestone::Exception, TransitState::Delayed),
            (Milestone::AttemptFailed, TransitState::AttemptFailed),
        ] {
            let mut events = vec![event(0, Milestone::Accepted), event(10, trouble)];
            assert_eq!(run(events.clone()).state, state);
            events.push(event(20, Milestone::ArrivedHub));
            assert_eq!(run(events).state, TransitState::InTransit);
        }
    }

    #[test]
    fn an_event_that_nobody_knows_is_kept_and_changes_no_state() {
        let mut odd = event(5, Milestone::Other);
        odd.raw_code = "ZZ-99".into();
        odd.raw_text = "Reticulating splines".into();
        let folded = run(vec![event(0, Milestone::Accepted), odd.clone()]);
        assert_eq!(
            (folded.state, folded.last_scan_at),
            (TransitState::Accepted, folded.accepted_at)
        );
        assert!(folded.events.contains(&odd));
    }

    #[test]
    fn events_of_an_earlier_parcel_under_the_same_number_do_not_count() {
        let base = Utc.with_ymd_and_hms(2026, 3, 4, 8, 0, 0).unwrap();
        let folded = fold(
            &CarrierId::from_static("c"),
            &TrackingNumber::from_static("1"),
            vec![event(0, Milestone::Delivered), event(50, Milestone::Accepted)],
            Some(base),
        );
        assert_eq!(folded.state, TransitState::Accepted);
        assert_eq!(folded.findings, [FoldFinding::ReusedNumber]);
    }

    #[test]
    fn a_day_without_time_counts_before_the_instants_of_that_day_unless_it_is_the_delivery() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        let dated = |milestone| TrackingEvent { time: EventTime::Date(day), ..event(0, milestone) };
        let folded = run(vec![dated(Milestone::Delivered), event(3, Milestone::OutForDelivery)]);
        assert_eq!(folded.state, TransitState::Delivered);
        let folded = run(vec![dated(Milestone::ArrivedHub), event(3, Milestone::OutForDelivery)]);
        assert_eq!(folded.state, TransitState::OutForDelivery);
    }

    fn on_day(day: u32, milestone: Milestone) -> TrackingEvent {
        let day = NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        TrackingEvent { time: EventTime::Date(day), ..event(0, milestone) }
    }

    #[test]
    fn a_day_belongs_to_an_earlier_parcel_only_when_all_of_it_does_in_any_zone() {
        let state = |event: TrackingEvent, label: DateTime<Utc>| {
            fold(
                &CarrierId::from_static("c"),
                &TrackingNumber::from_static("1"),
                vec![event],
                Some(label),
            )
            .state
        };
        // Bought at 19:30 in New York on the 3rd, taken over the same local day.
        let label = Utc.with_ymd_and_hms(2026, 3, 4, 0, 30, 0).unwrap();
        assert_eq!(state(on_day(3, Milestone::Accepted), label), TransitState::Accepted);
        // The 3rd ends at noon of the 4th at the latest; a day later it is an earlier parcel's.
        let label = Utc.with_ymd_and_hms(2026, 3, 5, 12, 0, 0).unwrap();
        assert_eq!(state(on_day(3, Milestone::Accepted), label), TransitState::Accepted);
        let second = TimeDelta::seconds(1);
        assert_eq!(
            state(on_day(3, Milestone::Accepted), label + second),
            TransitState::NotFoundYet
        );
        // A wall clock at 08:00 of the 2nd was 20:00 UTC at the latest.
        let clock = TrackingEvent {
            time: EventTime::Local(Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).unwrap().naive_utc()),
            ..event(0, Milestone::Accepted)
        };
        let label = Utc.with_ymd_and_hms(2026, 3, 3, 20, 0, 0).unwrap();
        assert_eq!(state(clock.clone(), label), TransitState::Accepted);
        assert_eq!(state(clock, label + second), TransitState::NotFoundYet);
    }

    #[test]
    fn a_parcel_delivered_after_its_return_began_is_back_at_the_sender() {
        let folded = run(vec![
            event(0, Milestone::Accepted),
            event(10, Milestone::AttemptFailed),
            event(20, Milestone::ReturnStarted),
            event(60, Milestone::Delivered),
        ]);
        assert_eq!((folded.state, folded.delivered_at), (TransitState::Returned, None));
    }

    #[test]
    fn a_delivery_told_by_its_day_comes_before_the_return_of_that_day() {
        let returns = [event(12, Milestone::ReturnStarted), on_day(2, Milestone::ReturnStarted)];
        for sent_back in returns {
            let folded = run(vec![
                event(0, Milestone::Accepted),
                on_day(2, Milestone::Delivered),
                sent_back,
                event(3, Milestone::OutForDelivery),
            ]);
            assert_eq!(folded.state, TransitState::Returning);
            assert!(folded.delivered_at.is_some());
        }
    }

    const MILESTONES: [Milestone; 16] = [
        Milestone::PreAdvice,
        Milestone::Accepted,
        Milestone::ArrivedHub,
        Milestone::DepartedHub,
        Milestone::CustomsStarted,
        Milestone::CustomsCleared,
        Milestone::ArrivedDestination,
        Milestone::OutForDelivery,
        Milestone::AttemptFailed,
        Milestone::AvailableForPickup,
        Milestone::Delivered,
        Milestone::ReturnStarted,
        Milestone::Returned,
        Milestone::Lost,
        Milestone::Exception,
        Milestone::Other,
    ];

    proptest! {
        #[test]
        fn the_fold_does_not_depend_on_arrival_order_or_repetition(
            picks in prop::collection::vec((0_i64..60, 0_usize..16), 0..14),
            seed in any::<u64>(),
        ) {
            let events: Vec<_> = picks.iter().map(|(hour, m)| event(*hour, MILESTONES[*m])).collect();
            let mut shuffled = events.clone();
            shuffled.extend(events.iter().take(4).cloned());
            let mut state = seed | 1;
            for i in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                shuffled.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
            }
            prop_assert_eq!(run(events), run(shuffled));
        }

        #[test]
        fn knowing_more_never_forgets_an_event(
            picks in prop::collection::vec((0_i64..60, 0_usize..16), 1..14),
        ) {
            let events: Vec<_> = picks.iter().map(|(hour, m)| event(*hour, MILESTONES[*m])).collect();
            let half = run(events[..events.len() / 2].to_vec());
            let all = run(events);
            prop_assert!(half.events.iter().all(|event| all.events.contains(event)));
        }
    }
}
