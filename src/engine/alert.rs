//! Alerts over the store: what is due now and was not given before.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Engine;
use crate::error::Result;
use crate::ids::ShopKey;
use crate::rules::alert::{
    Alert, AlertPolicy, FiredAlert, Notification, OrderWatch, evaluate, fired_key,
    sort_notifications,
};

impl Engine {
    /// What the staff must hear of and was not told before, one notification per order, worst
    /// first: each stage of a fact once, over restarts and workers too. A hold does not stop the
    /// clock.
    ///
    /// On the promotion days of [`EnginePolicy::print_slots`](super::EnginePolicy::print_slots), in
    /// the zone of the order's shop, every rule is on.
    ///
    /// A notification counts as given when it is returned: send it at least once, keyed by
    /// [`Alert::key`](crate::rules::alert::Alert::key).
    ///
    /// # Errors
    /// [`Storage`](crate::ErrorKind::Storage).
    pub async fn alerts(&self, now: DateTime<Utc>) -> Result<Vec<Notification>> {
        let mut standing: Vec<(OrderWatch, Notification)> = Vec::new();
        self.for_open_orders(|order| {
            let watch = OrderWatch::under(order, &self.0.policy.exceptions.review);
            let policy = self.alert_policy(&watch.order.shop_key(), now);
            if let Some(found) = evaluate(&watch, &[], &policy, now) {
                standing.push((watch, found));
            }
        })
        .await?;
        let mut due: BTreeMap<_, (OrderWatch, Vec<FiredAlert>)> = BTreeMap::new();
        for (watch, found) in standing {
            let fired = self.fired_of(&watch, &found.alerts, now).await?;
            due.insert(watch.order.clone(), (watch, fired));
        }
        let mut notifications: Vec<Notification> = due
            .values()
            .filter_map(|(watch, fired)| {
                let policy = self.alert_policy(&watch.order.shop_key(), now);
                evaluate(watch, fired, &policy, now)
            })
            .collect();
        sort_notifications(&mut notifications);
        let mut told = Vec::with_capacity(notifications.len());
        for notification in notifications {
            let subject = notification.order.as_ref().map(ToString::to_string).unwrap_or_default();
            let mut mine = Vec::new();
            for alert in &notification.alerts {
                let mut key = alert.key(&subject);
                if alert.repeated
                    && let Some(first) = self.0.store.fired(std::slice::from_ref(&key)).await?[..]
                        .first()
                        .copied()
                        .flatten()
                {
                    key = repeat_key(&key, self.periods(first, now));
                }
                // Another worker may have been faster.
                mine.push(self.0.store.fire(&key, now).await?);
            }
            let mut mine = mine.into_iter();
            told.extend(notification.retain(|_| mine.next().unwrap_or(false)));
        }
        Ok(told)
    }

    /// What holds for the alerts of a shop now.
    fn alert_policy(&self, shop: &ShopKey, now: DateTime<Utc>) -> Cow<'_, AlertPolicy> {
        let policy = &self.0.policy;
        match (&policy.print_slots, self.shop(shop)) {
            (Some(slots), Ok(shop)) => policy.alerts.at(slots, now, shop.calendar.zone),
            _ => Cow::Borrowed(&policy.alerts),
        }
    }

    /// Somebody took notice of an alert: it is not repeated before its next stage. `key` is that of
    /// [`Alert::key`](crate::rules::alert::Alert::key) for the order's key.
    ///
    /// # Errors
    /// [`Storage`](crate::ErrorKind::Storage).
    pub async fn acknowledge_alert(&self, key: &str, now: DateTime<Utc>) -> Result<()> {
        self.0.store.fire(&noticed_key(key), now).await?;
        Ok(())
    }

    /// Whole periods of repetition since an alert was given.
    fn periods(&self, first: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
        let period = i64::from(self.0.policy.alerts.repeat_hours.unwrap_or(u32::MAX)).max(1);
        now.signed_duration_since(first).num_hours().max(0) / period
    }

    /// What was fired before about the facts behind some alerts.
    async fn fired_of(
        &self,
        watch: &OrderWatch,
        alerts: &[Alert],
        now: DateTime<Utc>,
    ) -> Result<Vec<FiredAlert>> {
        let subject = watch.order.to_string();
        let mut keys = Vec::new();
        let mut places = Vec::new();
        for alert in alerts {
            for stage in 1..=alert.stage {
                let key = fired_key(&subject, alert.rule, &alert.fact, stage);
                keys.push(noticed_key(&key));
                keys.push(key);
                places.push((alert, stage));
            }
        }
        let answers = self.0.store.fired(&keys).await?;
        let mut fired = Vec::new();
        for ((alert, stage), answer) in places.into_iter().zip(answers.chunks(2)) {
            let [noticed, Some(at)] = answer else { continue };
            let mut last = *at;
            // A repetition is remembered under the number of its period.
            let periods = self.periods(*at, now);
            if self.0.policy.alerts.repeat_hours.is_some() && periods > 0 {
                let key = repeat_key(&fired_key(&subject, alert.rule, &alert.fact, stage), periods);
                let repeated = self.0.store.fired(&[key]).await?;
                if let Some(Some(at)) = repeated.first() {
                    last = *at;
                }
            }
            fired.push(FiredAlert {
                rule: alert.rule,
                fact: alert.fact.clone(),
                stage,
                at: last.min(now),
                acknowledged: noticed.is_some(),
            });
        }
        Ok(fired)
    }
}

fn noticed_key(key: &str) -> String {
    format!("{key}|noticed")
}

fn repeat_key(key: &str, period: i64) -> String {
    format!("{key}|again {period}")
}
