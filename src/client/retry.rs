//! Whether to send again: a pure decision.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::operation::Repeat;
use crate::error::{ErrorKind, Retry};

/// How often and how long a call is tried.
///
/// ```
/// use std::time::Duration;
/// use orderflow::client::RetryPolicy;
///
/// let policy = RetryPolicy::default().with_max_attempts(3).with_deadline(Duration::from_secs(20));
/// assert_eq!(policy.max_attempts, 3);
/// assert_eq!(RetryPolicy::none().max_attempts, 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many times a call is sent at most, the first one included. Default 5; 0 counts as 1.
    /// The one re-send with a renewed token is not counted.
    pub max_attempts: u32,
    /// The pause after the first failure, halved to full at random and doubled each time.
    /// Default 500 ms.
    pub base: Duration,
    /// The longest pause of our own choosing. Default 30 s.
    pub cap: Duration,
    /// How long a call may take in all: attempts, pauses, waiting for permits and for a token.
    /// Default 2 min.
    pub deadline: Duration,
    /// The longest pause of *their* choosing (`Retry-After`) that is slept through. A longer one
    /// is handed to the caller as [`Retry::After`]. Default 60 s.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
            max_retry_after: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// One attempt only. A renewed token still earns its one re-send.
    #[must_use]
    pub fn none() -> Self {
        Self::default().with_max_attempts(1)
    }

    /// Sets how many times a call is sent at most.
    #[must_use]
    pub const fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the pause after the first failure.
    #[must_use]
    pub const fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets the longest pause of our own choosing.
    #[must_use]
    pub const fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets how long a call may take in all.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the longest `Retry-After` that is slept through.
    #[must_use]
    pub const fn with_max_retry_after(mut self, pause: Duration) -> Self {
        self.max_retry_after = pause;
        self
    }

    /// The pause before attempt `attempt + 1`: `base * 2^(attempt - 1)` up to `cap`, of which
    /// `jitter` takes away at most half.
    fn backoff(&self, attempt: u32, jitter: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let full = self.base.saturating_mul(1_u32 << doublings).min(self.cap);
        let half = full / 2;
        // `half` times a number below one cannot overflow.
        half.saturating_add(half.mul_f64(jitter.clamp(0.0, 1.0))).min(full)
    }
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing can have reached them.
    NotSent,
    /// Sent, but there is no answer.
    NoAnswer,
    /// They did it, but the answer cannot be used.
    Unreadable,
    /// An answer that says no.
    Refused {
        status: u16,
        kind: ErrorKind,
        /// The pause they asked for.
        pause: Option<Duration>,
    },
}

impl Failure {
    /// The kind, where status and table are weighed: a table row that knows the case wins, but a
    /// 429 or 5xx that the table found unreadable (the HTML page of a gateway) is still passing.
    pub(super) fn kind(self) -> ErrorKind {
        match self {
            Self::NotSent | Self::NoAnswer => ErrorKind::Transient,
            Self::Unreadable => ErrorKind::UnexpectedAnswer,
            Self::Refused { status, kind, .. } => match (status, kind) {
                (429, ErrorKind::Transient | ErrorKind::UnexpectedAnswer) => ErrorKind::RateLimited,
                (500.., ErrorKind::UnexpectedAnswer) => ErrorKind::Transient,
                _ => kind,
            },
        }
    }

    /// Whether the call may have had its effect although this is a failure.
    pub(super) fn may_have_acted(self) -> bool {
        match self {
            Self::NotSent => false,
            Self::NoAnswer | Self::Unreadable => true,
            Self::Refused { status, .. } => match self.kind() {
                ErrorKind::Transient | ErrorKind::Ambiguous => true,
                ErrorKind::UnexpectedAnswer => status < 300,
                _ => false,
            },
        }
    }

    fn pause(self) -> Option<Duration> {
        match self {
            Self::Refused { pause, .. } => pause.filter(|pause| !pause.is_zero()),
            _ => None,
        }
    }
}

/// What is known when the decision is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Attempts made so far, at least 1.
    pub(super) attempt: u32,
    pub(super) repeat: Repeat,
    /// Time since the call began.
    pub(super) elapsed: Duration,
    /// Whether an earlier attempt may have had its effect.
    pub(super) uncertain: bool,
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Give up with this kind and advice; `None` is the advice the kind implies.
    Stop { kind: ErrorKind, retry: Option<Retry> },
    /// Send again after this pause.
    Pause(Duration),
}

/// Decides about one failed attempt. `jitter` is drawn from `[0, 1)`.
pub(super) fn decide(
    policy: &RetryPolicy,
    progress: Progress,
    failure: Failure,
    jitter: f64,
) -> Decision {
    let Progress { attempt, repeat, elapsed, .. } = progress;
    let uncertain = repeat != Repeat::Freely && (progress.uncertain || failure.may_have_acted());
    let kind = failure.kind();
    let stop = |retry: Option<Retry>| match settle(uncertain, kind) {
        ErrorKind::Ambiguous => Decision::Stop { kind: ErrorKind::Ambiguous, retry: None },
        kind => Decision::Stop { kind, retry },
    };

    let passing = matches!(kind, ErrorKind::Transient | ErrorKind::RateLimited);
    if !passing || (uncertain && repeat == Repeat::Never) {
        return stop(None);
    }
    let exhausted = Some(Retry::Exhausted { attempts: attempt });
    if attempt >= policy.max_attempts {
        return stop(exhausted);
    }
    let named = failure.pause();
    if let Some(pause) = named.filter(|pause| *pause > policy.max_retry_after) {
        return stop(Some(Retry::After(pause)));
    }
    let pause = named.unwrap_or_else(|| policy.backoff(attempt, jitter));
    if elapsed.saturating_add(pause) >= policy.deadline {
        return stop(named.map(Retry::After).or(exhausted));
    }
    Decision::Pause(pause)
}

/// The kind to report when an earlier attempt may have had its effect: only an answer about the
/// matter itself settles what happened; a refused token or a full queue does not.
pub(super) fn settle(uncertain: bool, kind: ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::Rejected
        | ErrorKind::NotFound
        | ErrorKind::AlreadyDone
        | ErrorKind::Conflict => kind,
        _ if uncertain => ErrorKind::Ambiguous,
        _ => kind,
    }
}

/// Reads a `Retry-After` value: whole seconds, or a date in any of the three forms of HTTP, which
/// `now` turns into a pause. Tolerates the header's name repeated inside its value.
pub(super) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is a very long time, not nonsense.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    if let Some(date) = http_date(value) {
        return Some((date - now).to_std().unwrap_or(Duration::ZERO));
    }
    // Seen in the wild: `Retry-After: Retry-After: 30`.
    let (name, rest) = value.split_once([':', '='])?;
    name.trim().eq_ignore_ascii_case("retry-after").then(|| retry_after(rest, now)).flatten()
}

fn http_date(value: &str) -> Option<DateTime<Utc>> {
    // RFC 9110 requires all three to be accepted; the first is what everybody sends.
    DateTime::parse_from_rfc2822(value).map(|date| date.to_utc()).ok().or_else(|| {
        ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(value, form).ok())
            .map(|date| date.and_utc())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn progress(attempt: u32, repeat: Repeat) -> Progress {
        Progress { attempt, repeat, elapsed: Duration::ZERO, uncertain: false }
    }

    fn refused(status: u16, kind: ErrorKind) -> Failure {
        Failure::Refused { status, kind, pause: None }
    }

    fn stopped(decision: Decision) -> (ErrorKind, Option<Retry>) {
        match decision {
            Decision::Stop { kind, retry } => (kind, retry),
            Decision::Pause(pause) => panic!("paused for {pause:?}"),
        }
    }

    const AMBIGUOUS: (ErrorKind, Option<Retry>) = (ErrorKind::Ambiguous, None);

    #[test]
    fn pauses_double_from_the_base_to_the_cap_and_jitter_takes_at_most_half() {
        let policy = RetryPolicy::default();
        let pauses: Vec<_> = (1..=8).map(|attempt| policy.backoff(attempt, 0.0)).collect();
        let millis: Vec<_> = pauses.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000]);
        assert!(policy.backoff(1, 0.999) <= Duration::from_millis(500));
        assert!(policy.backoff(u32::MAX, 0.999) <= Duration::from_secs(30));
    }

    #[test]
    fn a_call_that_must_not_happen_twice_is_never_repeated_once_they_may_have_acted() {
        let policy = RetryPolicy::default();
        let unsure = [
            Failure::NoAnswer,
            Failure::Unreadable,
            refused(500, ErrorKind::Transient),
            refused(502, ErrorKind::UnexpectedAnswer),
            refused(200, ErrorKind::UnexpectedAnswer),
            refused(200, ErrorKind::Transient),
        ];
        for failure in unsure {
            let decision = decide(&policy, progress(1, Repeat::Never), failure, 0.5);
            assert_eq!(stopped(decision), AMBIGUOUS, "{failure:?}");
        }
        for failure in [
            Failure::NotSent,
            refused(429, ErrorKind::RateLimited),
            refused(429, ErrorKind::UnexpectedAnswer),
        ] {
            let decision = decide(&policy, progress(1, Repeat::Never), failure, 0.5);
            assert!(matches!(decision, Decision::Pause(_)), "{failure:?}");
        }
    }

    #[test]
    fn a_table_row_that_knows_the_case_beats_the_status() {
        let policy = RetryPolicy::default();
        for kind in [ErrorKind::Rejected, ErrorKind::AlreadyDone, ErrorKind::NotFound] {
            let decision = decide(&policy, progress(1, Repeat::Never), refused(500, kind), 0.5);
            assert_eq!(stopped(decision), (kind, None));
        }
    }

    #[test]
    fn a_keyed_call_that_runs_out_of_attempts_after_an_unsure_one_stays_ambiguous() {
        let policy = RetryPolicy::default();
        let mut last = progress(5, Repeat::WithKey);
        assert_eq!(stopped(decide(&policy, last, Failure::NoAnswer, 0.5)), AMBIGUOUS);
        let exhausted = Some(Retry::Exhausted { attempts: 5 });
        assert_eq!(
            stopped(decide(&policy, last, Failure::NotSent, 0.5)),
            (ErrorKind::Transient, exhausted)
        );
        // The first attempt timed out, the last ones did not even connect: still unsure.
        last.uncertain = true;
        assert_eq!(stopped(decide(&policy, last, Failure::NotSent, 0.5)), AMBIGUOUS);
        let refusal = refused(401, ErrorKind::AuthRejected);
        assert_eq!(stopped(decide(&policy, last, refusal, 0.5)), AMBIGUOUS);
        // An answer about the matter itself settles it.
        let answer = refused(422, ErrorKind::Rejected);
        assert_eq!(stopped(decide(&policy, last, answer, 0.5)), (ErrorKind::Rejected, None));
    }

    #[test]
    fn a_pause_longer_than_allowed_is_handed_to_the_caller() {
        let pause = Some(Duration::from_secs(61));
        let failure = Failure::Refused { status: 429, kind: ErrorKind::RateLimited, pause };
        let decision = decide(&RetryPolicy::default(), progress(1, Repeat::Never), failure, 0.5);
        let advice = Some(Retry::After(Duration::from_secs(61)));
        assert_eq!(stopped(decision), (ErrorKind::RateLimited, advice));
    }

    #[test]
    fn retry_after_is_read_in_seconds_as_date_and_with_its_name_inside() {
        let now = DateTime::from_timestamp(784_111_777, 0).unwrap(); // 1994-11-06T08:49:37Z
        let read = |value: &str| retry_after(value, now).map(|pause| pause.as_secs());
        assert_eq!(read("30"), Some(30));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("Retry-After: 30"), Some(30));
        assert_eq!(read("retry-after=7"), Some(7));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(read("Sunday, 06-Nov-94 08:50:07 GMT"), Some(30));
        assert_eq!(read("Sun Nov  6 08:50:07 1994"), Some(30));
        assert_eq!(read("Retry-After: Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(read("99999999999999999999999"), Some(u64::MAX));
        for nonsense in ["", "soon", "-5", "1.5.2", ":", "Retry-After", "06 Nov"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    fn any_kind() -> impl Strategy<Value = ErrorKind> {
        prop::sample::select(vec![
            ErrorKind::Transient,
            ErrorKind::RateLimited,
            ErrorKind::AuthExpired,
            ErrorKind::AuthRejected,
            ErrorKind::Rejected,
            ErrorKind::NotFound,
            ErrorKind::AlreadyDone,
            ErrorKind::Conflict,
            ErrorKind::Ambiguous,
            ErrorKind::UnexpectedAnswer,
        ])
    }

    fn any_failure() -> impl Strategy<Value = Failure> {
        prop_oneof![
            Just(Failure::NotSent),
            Just(Failure::NoAnswer),
            Just(Failure::Unreadable),
            (100_u16..600, any_kind(), prop::option::of(0_u64..400)).prop_map(
                |(status, kind, pause)| Failure::Refused {
                    status,
                    kind,
                    pause: pause.map(Duration::from_secs)
                }
            ),
        ]
    }

    fn any_repeat() -> impl Strategy<Value = Repeat> {
        prop::sample::select(vec![Repeat::Freely, Repeat::WithKey, Repeat::Never])
    }

    proptest! {
        #[test]
        fn any_sequence_of_failures_ends_within_attempts_and_deadline(
            failures in prop::collection::vec(any_failure(), 1..40),
            repeat in any_repeat(),
            max_attempts in 0_u32..9,
            deadline in 0_u64..300,
            jitter in 0.0_f64..1.0,
        ) {
            let policy = RetryPolicy::default()
                .with_max_attempts(max_attempts)
                .with_deadline(Duration::from_secs(deadline));
            let mut state = progress(0, repeat);
            for failure in failures {
                state.attempt += 1;
                match decide(&policy, state, failure, jitter) {
                    Decision::Stop { kind, retry } => {
                        prop_assert!(kind != ErrorKind::Ambiguous || retry.is_none());
                        break;
                    }
                    Decision::Pause(pause) => {
                        prop_assert!(state.attempt < max_attempts);
                        prop_assert!(pause <= policy.max_retry_after.max(policy.cap));
                        prop_assert!(state.elapsed + pause < policy.deadline);
                        prop_assert!(repeat != Repeat::Never || !failure.may_have_acted());
                        state.elapsed += pause;
                        state.uncertain |= failure.may_have_acted();
                    }
                }
            }
        }

        #[test]
        fn a_lost_answer_of_a_call_that_must_not_repeat_never_pauses(
            attempt in 1_u32..100, jitter in 0.0_f64..1.0, uncertain: bool,
        ) {
            let state = Progress { uncertain, ..progress(attempt, Repeat::Never) };
            let decision = decide(&RetryPolicy::default(), state, Failure::NoAnswer, jitter);
            prop_assert_eq!(stopped(decision), AMBIGUOUS);
        }

        #[test]
        fn retry_after_accepts_any_text(text in ".*") {
            let _ = retry_after(&text, DateTime::UNIX_EPOCH);
        }
    }
}
