//! What holds for alerts at any sequence of looks.

use super::*;

/// Orders in every situation that the rules know.
fn any_watch() -> impl Strategy<Value = OrderWatch> {
    let instant = -200_i64..200;
    (
        instant.clone(),
        prop::option::of((instant.clone(), 1_i64..150, 1_u32..3)),
        prop::option::of((instant.clone(), 1_i64..30)),
        prop::option::of(instant.clone()),
        any::<[bool; 6]>(),
        instant.clone(),
        prop::option::of(0_u32..4),
    )
        .prop_map(|(paid, ship_by, acknowledge_by, deliver_by, flags, sign, found)| {
            let [closed, unprinted, unacknowledged, upload_open, accepted, parcel] = flags;
            let watched =
                |start: i64, span: i64, version| orderflow::rules::alert::WatchedDeadline {
                    at: now() + hours(start + span),
                    starts_at: now() + hours(start),
                    version,
                };
            let mut watch = OrderWatch::of(&waiting("p", Vec::new()));
            watch.closed = closed;
            watch.unprinted = unprinted;
            watch.unacknowledged = unacknowledged;
            watch.paid_at = Some(now() + hours(paid));
            watch.ship_by = ship_by.map(|(start, span, version)| watched(start, span, version));
            watch.acknowledge_by = acknowledge_by.map(|(start, span)| watched(start, span, 1));
            watch.deliver_by = deliver_by.map(|start| watched(start, 48, 1));
            if parcel {
                watch.parcels.push(orderflow::rules::alert::WatchedParcel {
                    package: orderflow::PackageId::from_static("PK-1"),
                    shipped_at: now() + hours(sign),
                    last_sign_at: now() + hours(sign + 5),
                    here_since: now() + hours(sign + 3),
                    accepted,
                    upload_open,
                    moving: true,
                    trouble: None,
                });
                watch.upload_by = Some(watched(sign, 24, 1));
            }
            if let Some(count) = found {
                watch.found.push((AlertRule::OutOfStock, count, now() + hours(paid)));
            }
            watch
        })
}

proptest! {
    #[test]
    fn each_stage_of_a_fact_fires_at_most_once_for_any_sequence_of_looks(
        watch in any_watch(),
        mut looks in prop::collection::vec(-300_i64..400, 1..40),
        sorted in any::<bool>(),
    ) {
        if sorted {
            looks.sort_unstable();
        }
        let policy = AlertPolicy::default();
        let mut fired: Vec<FiredAlert> = Vec::new();
        for look in looks {
            let now = now() + hours(look);
            let Some(found) = evaluate(&watch, &fired, &policy, now) else { continue };
            for alert in &found.alerts {
                prop_assert!(alert.stage >= 1);
                let earlier = fired
                    .iter()
                    .filter(|known| known.rule == alert.rule && known.fact == alert.fact)
                    .map(|known| known.stage)
                    .max();
                prop_assert!(earlier.is_none_or(|earlier| earlier < alert.stage));
                fired.push(alert.fired(now));
            }
        }
    }

    #[test]
    fn nothing_changes_before_the_next_change(
        watch in any_watch(),
        look in -300_i64..400,
        share in 0_u32..100,
        earlier in prop::collection::vec((-300_i64..400, any::<bool>()), 0..4),
        repeat_hours in prop::option::of(1_u32..60),
    ) {
        let mut policy = AlertPolicy::default();
        policy.repeat_hours = repeat_hours;
        let mut fired: Vec<FiredAlert> = Vec::new();
        for (at, acknowledged) in earlier.into_iter().filter(|(at, _)| *at <= look) {
            let at = now() + hours(at);
            let found = evaluate(&watch, &fired, &policy, at);
            let told = found.iter().flat_map(|found| &found.alerts);
            let told: Vec<_> =
                told.map(|alert| FiredAlert { acknowledged, ..alert.fired(at) }).collect();
            fired.extend(told);
        }
        let now = now() + hours(look);
        let stages = |now| -> Vec<(AlertRule, AlertFact, u8)> {
            evaluate(&watch, &fired, &policy, now).map_or(Vec::new(), |found| {
                let mut stages: Vec<_> = found
                    .alerts
                    .into_iter()
                    .map(|alert| (alert.rule, alert.fact, alert.stage))
                    .collect();
                stages.sort();
                stages
            })
        };
        let next = next_change(&watch, &fired, &policy, now).unwrap_or(now + hours(10_000));
        prop_assert!(next > now);
        let between = now + (next - now - TimeDelta::nanoseconds(1)) * i32::try_from(share).unwrap() / 100;
        prop_assert_eq!(stages(now), stages(between));
    }

    #[test]
    fn the_order_of_orders_and_of_what_was_fired_does_not_matter(
        watches in prop::collection::vec(any_watch(), 1..8),
        look in -100_i64..300,
        seed in any::<u64>(),
    ) {
        let policy = AlertPolicy::default();
        let now = now() + hours(look);
        let mut watches: Vec<OrderWatch> = watches
            .into_iter()
            .enumerate()
            .map(|(index, mut watch)| {
                watch.order = key(&format!("o-{index}"));
                watch
            })
            .collect();
        let all = |watches: &[OrderWatch]| {
            evaluate_alerts(watches.iter().map(|watch| (watch, [].as_slice())), &policy, now)
        };
        let first = all(&watches);
        let turn = usize::try_from(seed % 8).unwrap() % watches.len();
        watches.rotate_left(turn);
        watches.reverse();
        prop_assert_eq!(first, all(&watches));
    }

    #[test]
    fn no_instant_is_too_far_for_an_alert(seconds in any::<i64>(), watch in any_watch()) {
        let now = DateTime::from_timestamp(seconds % 8_000_000_000_000, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let policy = AlertPolicy::default();
        let _ = evaluate(&watch, &[], &policy, now);
        let _ = next_change(&watch, &[], &policy, now);
        let zone = chrono_tz::America::Lima;
        let _ = next_report(now, zone, &report_times());
        let quiet = QuietHours {
            zone,
            from: NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
            to: NaiveTime::from_hms_opt(7, 0, 0).unwrap(),
        };
        let _ = quiet.end_after(now);
    }
}
