//! Pickups an adapter ordered. Carriers know no keys for them, and a driver costs money.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;

#[cfg(any(feature = "fedex", feature = "dhl"))]
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::ports::{Pickup, PickupRequest};

/// A place, what the carrier sends drivers of its own for, and a local day.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stop {
    place: String,
    day: NaiveDate,
}

impl Stop {
    /// The place is hashed, so that no street lies about in memory twice.
    pub(super) fn of(request: &PickupRequest, network: &str) -> Self {
        let address = &request.place.address;
        let lines: Vec<String> = address
            .lines
            .iter()
            .map(|line| line.as_str().trim().to_ascii_lowercase())
            .chain([address.postal_code.clone().unwrap_or_default(), network.to_owned()])
            .collect();
        let parts: Vec<&str> = lines.iter().map(String::as_str).collect();
        Self { place: crate::ids::hex(&crate::ids::digest(&parts)), day: request.date }
    }
}

/// What was ordered, by place and day. Clones share it; a restart forgets it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ordered(Arc<Mutex<HashMap<Stop, Order>>>);

#[derive(Debug, Clone)]
enum Order {
    Confirmed(Pickup),
    /// It is under way, or its answer was lost.
    #[cfg(any(feature = "fedex", feature = "dhl"))]
    Unclear,
}

impl Ordered {
    fn orders(&self) -> MutexGuard<'_, HashMap<Stop, Order>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders a driver once for a place and day: the second time answers with the first. After an answer
    /// that was lost nothing is sent any more, for two drivers would come.
    #[cfg(any(feature = "fedex", feature = "dhl"))]
    pub(super) async fn once<F>(&self, stop: Stop, order: F) -> Result<Pickup>
    where
        F: Future<Output = Result<Pickup>>,
    {
        let known = {
            let mut orders = self.orders();
            let known = orders.get(&stop).cloned();
            if known.is_none() {
                // Written down before it is sent: a future that is dropped leaves it unclear.
                orders.insert(stop.clone(), Order::Unclear);
            }
            known
        };
        match known {
            Some(Order::Confirmed(pickup)) => return Ok(pickup),
            Some(Order::Unclear) => {
                return Err(Error::new(
                    ErrorKind::Ambiguous,
                    "a driver was asked for at this place and day and the answer is not known: look \
                     at the carrier's before another is ordered",
                )
                .with_retry(Retry::LookFirst));
            }
            None => {}
        }
        let outcome = order.await;
        match &outcome {
            Ok(pickup) => self.confirmed(stop, pickup),
            Err(error) if is_unclear(error) => {}
            Err(_) => {
                self.orders().remove(&stop);
            }
        }
        outcome
    }

    pub(super) fn confirmed(&self, stop: Stop, pickup: &Pickup) {
        self.orders().insert(stop, Order::Confirmed(pickup.clone()));
    }

    #[cfg(feature = "usps")]
    pub(super) fn known(&self, stop: &Stop) -> Option<Pickup> {
        match self.orders().get(stop)? {
            Order::Confirmed(pickup) => Some(pickup.clone()),
            #[cfg(any(feature = "fedex", feature = "dhl"))]
            Order::Unclear => None,
        }
    }

    /// Somebody looked: what became of the order is known, or there is none.
    #[cfg(any(feature = "fedex", feature = "dhl"))]
    pub(super) fn settle(&self, stop: Stop, found: Option<&Pickup>) {
        match found {
            Some(pickup) => self.confirmed(stop, pickup),
            None => {
                self.orders().remove(&stop);
            }
        }
    }

    pub(super) fn cancelled(&self, pickup: &Pickup) {
        self.orders().retain(|_, order| match order {
            Order::Confirmed(known) => known.confirmation != pickup.confirmation,
            #[cfg(any(feature = "fedex", feature = "dhl"))]
            Order::Unclear => true,
        });
    }
}

/// Whether a driver may have been ordered all the same.
#[cfg(any(feature = "fedex", feature = "dhl"))]
fn is_unclear(error: &Error) -> bool {
    error.is_ambiguous()
        || error.kind() == ErrorKind::UnexpectedAnswer
        || error.retry() == Retry::LookFirst
}
