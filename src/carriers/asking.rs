//! Asking for many numbers: in pieces, a few calls at a time, one outcome per number.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::TrackingNumber;
use crate::shipment::{TrackOutcome, Tracked};

/// The answer to a call that may be repeated: one that cannot be read is asked for once more.
#[cfg(any(feature = "fedex", feature = "dhl"))]
pub(super) async fn once_more<T, F>(ask: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    match ask().await {
        Err(error) if error.kind() == ErrorKind::UnexpectedAnswer => ask().await,
        answer => answer,
    }
}

/// How a carrier is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pieces {
    /// Numbers in one call.
    pub(super) size: usize,
    /// Calls under way at once.
    pub(super) at_once: usize,
    /// A number as the carrier may spell it back.
    pub(super) canonical: fn(&str) -> String,
}

impl Pieces {
    /// Asks with `ask`, which answers for the numbers of one piece in any order. Numbers that come
    /// twice are asked once. A piece that fails spoils nobody else's answer; when all fail, the
    /// first error is the answer.
    pub(super) async fn ask<F, Fut>(
        self,
        numbers: &[TrackingNumber],
        ask: F,
    ) -> Result<Vec<Tracked>>
    where
        F: Fn(Vec<TrackingNumber>) -> Fut,
        Fut: Future<Output = Result<Vec<(String, TrackOutcome)>>> + Send + 'static,
    {
        let mut seen: HashSet<String> = HashSet::with_capacity(numbers.len());
        let mut in_order = numbers.to_vec();
        in_order.retain(|number| seen.insert((self.canonical)(number.as_str())));
        let mut pieces = in_order.chunks(self.size.max(1)).map(<[TrackingNumber]>::to_vec);
        let mut calls = JoinSet::new();
        let mut outcomes: HashMap<String, TrackOutcome> = HashMap::with_capacity(in_order.len());
        let mut first_error: Option<Error> = None;
        let mut failed = 0_usize;
        loop {
            while calls.len() < self.at_once.max(1)
                && let Some(piece) = pieces.next()
            {
                let answer = ask(piece.clone());
                calls.spawn(async move { (piece, answer.await) }.in_current_span());
            }
            match calls.join_next().await {
                Some(Ok((piece, Ok(answers)))) => self.sort_out(&piece, answers, &mut outcomes),
                Some(Ok((piece, Err(error)))) => {
                    if let ([number], Some(outcome)) = (piece.as_slice(), about_the_number(&error))
                    {
                        outcomes.insert((self.canonical)(number.as_str()), outcome);
                        continue;
                    }
                    failed += piece.len();
                    for number in &piece {
                        outcomes.insert((self.canonical)(number.as_str()), failure(&error));
                    }
                    first_error.get_or_insert(error);
                }
                // A piece that panicked leaves its numbers unanswered; that is said below.
                Some(Err(_)) => {}
                None => break,
            }
        }
        if let Some(error) = first_error
            && failed == in_order.len()
        {
            return Err(error);
        }
        Ok(answered(numbers, |number| outcomes.get(&(self.canonical)(number)).cloned()))
    }

    fn sort_out(
        self,
        piece: &[TrackingNumber],
        answers: Vec<(String, TrackOutcome)>,
        outcomes: &mut HashMap<String, TrackOutcome>,
    ) {
        let mut by_number: HashMap<String, TrackOutcome> = answers
            .into_iter()
            .map(|(number, outcome)| ((self.canonical)(&number), outcome))
            .collect();
        for number in piece {
            let number = (self.canonical)(number.as_str());
            let outcome = by_number
                .remove(&number)
                .unwrap_or_else(|| unanswered("the answer leaves this number out"));
            outcomes.insert(number, outcome);
        }
    }
}

/// Asks for numbers of several kinds, each kind by itself: one call asks for one kind only. A kind that
/// fails spoils no other's answer; when all that were asked for fail, the first error is the answer.
#[cfg(feature = "dhl")]
pub(super) async fn by_kind<K, F, Fut>(
    numbers: &[TrackingNumber],
    kinds: &[K],
    kind_of: impl Fn(&str) -> K,
    ask: F,
) -> Result<Vec<Tracked>>
where
    K: Copy + PartialEq,
    F: Fn(K, Vec<TrackingNumber>) -> Fut,
    Fut: Future<Output = Result<Vec<Tracked>>>,
{
    let mut outcomes: HashMap<&str, TrackOutcome> = HashMap::with_capacity(numbers.len());
    let (mut failed, mut first_error) = (0_usize, None);
    for kind in kinds {
        let some: Vec<&TrackingNumber> =
            numbers.iter().filter(|number| kind_of(number.as_str()) == *kind).collect();
        if some.is_empty() {
            continue;
        }
        match ask(*kind, some.iter().copied().cloned().collect()).await {
            Ok(tracked) => outcomes.extend(
                some.iter().zip(tracked).map(|(number, answer)| (number.as_str(), answer.outcome)),
            ),
            Err(error) => {
                failed += some.len();
                for number in some {
                    outcomes.insert(number.as_str(), failure(&error));
                }
                first_error.get_or_insert(error);
            }
        }
    }
    if let Some(error) = first_error
        && failed == numbers.len()
    {
        return Err(error);
    }
    Ok(answered(numbers, |number| outcomes.get(number).cloned()))
}

/// One outcome for each number, in the order of the numbers.
fn answered(
    numbers: &[TrackingNumber],
    outcome: impl Fn(&str) -> Option<TrackOutcome>,
) -> Vec<Tracked> {
    numbers
        .iter()
        .map(|number| Tracked {
            number: number.clone(),
            outcome: outcome(number.as_str())
                .unwrap_or_else(|| unanswered("asking for it was interrupted")),
        })
        .collect()
}

/// What a failed call means for each number it asked for.
fn failure(error: &Error) -> TrackOutcome {
    let reason = format!("{}: {}", error.kind(), error.message());
    TrackOutcome::Failed { reason, retry: error.is_passing() }
}

fn unanswered(reason: &str) -> TrackOutcome {
    TrackOutcome::Failed { reason: reason.to_owned(), retry: true }
}

/// A refusal that speaks of the only number asked for is its outcome.
fn about_the_number(error: &Error) -> Option<TrackOutcome> {
    match error.kind() {
        ErrorKind::NotFound => Some(TrackOutcome::NotFoundYet),
        ErrorKind::Rejected => {
            Some(TrackOutcome::Failed { reason: error.message().to_owned(), retry: false })
        }
        _ => None,
    }
}
