//! What a host decides about alerts. All of it is data.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::AlertRule;
use crate::calendar::{local_time, resolve_local, written};
use crate::ids::PlatformId;
use crate::rules::keyed::by_word;
use crate::rules::ladder::{Channel, Ladder};
use crate::rules::print_slots::PrintSlots;

/// A value that differs between platforms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerPlatform<T> {
    /// For platforms that are not named.
    pub default: T,
    /// For those that are.
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    pub platforms: BTreeMap<PlatformId, T>,
}

impl<T> PerPlatform<T> {
    /// The same value for every platform.
    #[must_use]
    pub const fn all(default: T) -> Self {
        Self { default, platforms: BTreeMap::new() }
    }

    /// The value of a platform.
    #[must_use]
    pub fn of(&self, platform: &PlatformId) -> &T {
        self.platforms.get(platform).unwrap_or(&self.default)
    }
}

impl PerPlatform<u32> {
    /// Hours without a scan after shipping until a parcel is late, as the guides for sellers have
    /// them.
    pub(in crate::rules) fn usual_delay_hours() -> Self {
        USUAL_HOURS.logistics_delay_hours.clone()
    }
}

/// What a policy has that says nothing of these hours: those of the preset `seeds`.
#[derive(Deserialize)]
struct UsualHours {
    pending_overdue_hours: PerPlatform<u32>,
    logistics_delay_hours: PerPlatform<u32>,
}

static USUAL_HOURS: LazyLock<UsualHours> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Named {
        name: String,
        policy: UsualHours,
    }
    // Read by a test of this crate.
    let presets: Vec<Named> = serde_json::from_str(PRESETS).unwrap_or_default();
    let seeds = presets.into_iter().find(|preset| preset.name == "seeds");
    seeds.map_or_else(
        || UsualHours {
            pending_overdue_hours: PerPlatform::all(24),
            logistics_delay_hours: PerPlatform::all(48),
        },
        |preset| preset.policy,
    )
});

/// Hours in which e-mail waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// Whose clock.
    pub zone: Tz,
    /// Local time at which they begin, included.
    #[serde(deserialize_with = "written::time")]
    pub from: NaiveTime,
    /// Local time at which they end, excluded. Earlier than `from` is the next morning; equal is
    /// no quiet at all.
    #[serde(deserialize_with = "written::time")]
    pub to: NaiveTime,
}

impl QuietHours {
    /// The end of the quiet hours that `now` lies in; `None` outside of them.
    #[must_use]
    pub fn end_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = local_time(self.zone, now);
        let (time, today) = (local.time(), local.date());
        let end = if self.from < self.to {
            (self.from <= time && time < self.to).then_some(today)?
        } else if self.from == self.to {
            return None;
        } else if time >= self.from {
            today.succ_opt()?
        } else {
            (time < self.to).then_some(today)?
        };
        let end = resolve_local(self.zone, end.and_time(self.to));
        (end > now).then_some(end)
    }
}

/// Thresholds and channels of every rule.
///
/// ```
/// use orderflow::rules::alert::AlertPolicy;
///
/// let policy = AlertPolicy::preset("seeds").unwrap();
/// let platform = orderflow::PlatformId::from_static("tiktok-shop");
/// assert_eq!(*policy.pending_overdue_hours.of(&platform), 48);
/// assert!(AlertPolicy::preset("seedz").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AlertPolicy {
    /// Hours from payment until an order that is not printed is overdue. Default 24; TikTok Shop 48.
    pub pending_overdue_hours: PerPlatform<u32>,
    /// Hours without a scan after shipping until a parcel is delayed. Default 48; TikTok Shop
    /// 72.
    pub logistics_delay_hours: PerPlatform<u32>,
    /// The ladder before ship-by.
    pub ship_ladder: Ladder,
    /// The ladder before acknowledge-by; its spans are short, so its percentages count.
    pub acknowledge_ladder: Ladder,
    /// Minutes from the order until the first warning that it is not acknowledged. Default 30.
    pub acknowledge_minutes: u32,
    /// Hours from shipping without a first scan. Default 24.
    pub uncollected_hours: u32,
    /// Minutes from shipping until a missing upload is noted. Default 2.
    pub upload_note_minutes: u32,
    /// Minutes from shipping until a missing upload is mailed. Default 60.
    pub upload_mail_minutes: u32,
    /// Hours before the deadline of the upload for the last warning. Default 6.
    pub upload_last_hours: u32,
    /// Hours at the same place. Default 72.
    pub stuck_hours: u32,
    /// Hours in customs. Default 48.
    pub customs_hours: u32,
    /// Hours before the answer to a buyer's message is due. Default 4.
    pub reply_hours: u32,
    /// Hours after which an alert that nobody acknowledged is sent again; `None` is never.
    pub repeat_hours: Option<u32>,
    /// Rules that are switched off. In promotion mode none is.
    pub disabled: BTreeSet<AlertRule>,
    /// Promotion mode at any time: every rule is on. On the promotion days of the
    /// [print slots](crate::rules::PrintSlots) it is on by itself, see [`AlertPolicy::at`].
    pub promotion: bool,
    /// Channels of rules whose usual ones do not suit. A ladder keeps its own.
    #[serde(deserialize_with = "by_word")]
    pub channels: BTreeMap<AlertRule, Vec<Channel>>,
    /// When e-mail waits.
    pub quiet: Option<QuietHours>,
}

impl Default for AlertPolicy {
    fn default() -> Self {
        let mut acknowledge_ladder = Ladder::default();
        for step in &mut acknowledge_ladder.steps {
            step.channels = vec![Channel::System, Channel::Sms];
        }
        Self {
            pending_overdue_hours: USUAL_HOURS.pending_overdue_hours.clone(),
            logistics_delay_hours: PerPlatform::usual_delay_hours(),
            ship_ladder: Ladder::default(),
            acknowledge_ladder,
            acknowledge_minutes: 30,
            uncollected_hours: 24,
            upload_note_minutes: 2,
            upload_mail_minutes: 60,
            upload_last_hours: 6,
            stuck_hours: 72,
            customs_hours: 48,
            reply_hours: 4,
            repeat_hours: None,
            disabled: BTreeSet::new(),
            promotion: false,
            channels: BTreeMap::new(),
            quiet: None,
        }
    }
}

/// The presets, dated, with their sources.
const PRESETS: &str = include_str!("../presets/alerts.json");

/// No preset of this crate has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no alert preset {name:?}; there are: {known}")]
pub struct UnknownAlertPreset {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub known: String,
}

#[derive(Deserialize)]
struct Preset {
    name: String,
    #[expect(dead_code, reason = "kept in the file for those who read it")]
    as_of: chrono::NaiveDate,
    #[expect(dead_code, reason = "kept in the file for those who read it")]
    source: String,
    policy: AlertPolicy,
}

impl AlertPolicy {
    /// A preset by name. `seeds` has the hours that sellers of each platform work by.
    ///
    /// # Errors
    /// [`UnknownAlertPreset`], which lists the names.
    pub fn preset(name: &str) -> Result<Self, UnknownAlertPreset> {
        let presets: Vec<Preset> = serde_json::from_str(PRESETS).unwrap_or_default();
        let known: Vec<&str> = presets.iter().map(|preset| preset.name.as_str()).collect();
        let known = known.join(", ");
        presets
            .into_iter()
            .find(|preset| preset.name == name)
            .map(|preset| preset.policy)
            .ok_or_else(|| UnknownAlertPreset { name: name.to_owned(), known })
    }

    /// What holds at an instant in a shop's zone: promotion mode where the shop's print slots have a
    /// promotion on that local day.
    #[must_use]
    pub fn at(&self, slots: &PrintSlots, now: DateTime<Utc>, zone: Tz) -> Cow<'_, Self> {
        if self.promotion || !slots.is_promotion_at(now, zone) {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { promotion: true, ..self.clone() })
    }

    /// Whether a rule may fire.
    #[must_use]
    pub fn is_on(&self, rule: AlertRule) -> bool {
        self.promotion || !self.disabled.contains(&rule)
    }

    pub(super) fn channels_of(&self, rule: AlertRule, usual: &[Channel]) -> Vec<Channel> {
        let mut channels = self.channels.get(&rule).cloned().unwrap_or_else(|| usual.to_vec());
        channels.sort_unstable();
        channels.dedup();
        channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn night() -> QuietHours {
        QuietHours {
            zone: chrono_tz::America::Sao_Paulo,
            from: NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
            to: NaiveTime::from_hms_opt(7, 30, 0).unwrap(),
        }
    }

    #[test]
    fn quiet_hours_reach_over_midnight() {
        let at = |d, h, m| Utc.with_ymd_and_hms(2026, 3, d, h, m, 0).unwrap();
        // São Paulo is three hours behind.
        assert_eq!(night().end_after(at(5, 1, 0)), Some(at(5, 10, 30)));
        assert_eq!(night().end_after(at(5, 9, 0)), Some(at(5, 10, 30)));
        assert_eq!(night().end_after(at(5, 10, 30)), None);
        assert_eq!(night().end_after(at(5, 12, 0)), None);
        assert_eq!(night().end_after(at(5, 0, 59)), None);
        let none = QuietHours { to: night().from, ..night() };
        assert_eq!(none.end_after(at(5, 1, 0)), None);
        assert_eq!(night().end_after(DateTime::<Utc>::MAX_UTC), None);
        assert_eq!(night().end_after(DateTime::<Utc>::MIN_UTC), None);
    }

    #[test]
    fn what_is_left_out_has_the_hours_of_the_guides_for_every_platform() {
        let (usual, seeds) = (AlertPolicy::default(), AlertPolicy::preset("seeds").unwrap());
        for id in ["mercado-libre", "walmart", "tiktok-shop", "csv", "somewhere"] {
            let platform = PlatformId::from_static(id);
            for (usual, seeds) in [
                (&usual.pending_overdue_hours, &seeds.pending_overdue_hours),
                (&usual.logistics_delay_hours, &seeds.logistics_delay_hours),
                (
                    &crate::rules::ExceptionPolicy::default().delay_hours,
                    &seeds.logistics_delay_hours,
                ),
            ] {
                assert_eq!(usual.of(&platform), seeds.of(&platform), "{id}");
            }
        }
        let late = PlatformId::from_static("tiktok-shop");
        assert_eq!(*usual.pending_overdue_hours.of(&late), 48);
        assert_eq!(*usual.logistics_delay_hours.of(&late), 72);
    }

    #[test]
    fn every_preset_can_be_read_and_a_policy_survives_being_written() {
        let seeds = AlertPolicy::preset("seeds").unwrap();
        let text = serde_json::to_string(&seeds).unwrap();
        assert_eq!(serde_json::from_str::<AlertPolicy>(&text).unwrap(), seeds);
        let empty: AlertPolicy = serde_json::from_str("{}").unwrap();
        assert_eq!(empty, AlertPolicy::default());
        let error = AlertPolicy::preset("nothing").unwrap_err();
        assert!(error.to_string().contains("seeds"), "{error}");
    }
}
