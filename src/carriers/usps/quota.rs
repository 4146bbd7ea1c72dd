//! Which of the carrier's APIs a call goes to, and the limit it draws from.

use super::{auth, calls, push};
use crate::client::{Operation, Outgoing, Repeat, Response};
use crate::error::Result;

/// One of the carrier's APIs, as the developer portal lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// Checking addresses.
    Addresses,
    /// Quotes (shipping options).
    Shipments,
    /// Payment authorization.
    Payments,
    /// Domestic labels.
    Labels,
    /// Labels to other countries.
    InternationalLabels,
    /// Tracking, in either version.
    Tracking,
    /// Subscriptions to tracking.
    Subscriptions,
    /// SCAN forms.
    ScanForms,
    /// Carrier pickup.
    Pickup,
}

impl Api {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Addresses => "addresses",
            Self::Shipments => "shipments",
            Self::Payments => "payments",
            Self::Labels => "labels",
            Self::InternationalLabels => "international-labels",
            Self::Tracking => "tracking",
            Self::Subscriptions => "subscriptions-tracking",
            Self::ScanForms => "scan-forms",
            Self::Pickup => "pickup",
        }
    }
}

/// An operation that knows its API.
pub(super) trait OfApi: Operation {
    /// Which.
    fn api(&self) -> Api {
        Self::API
    }

    const API: Api;
}

/// The same operation, drawing from the limit of its API instead of the app's.
pub(super) struct OwnLimit<'a, O>(pub(super) &'a O);

impl<O: OfApi> Operation for OwnLimit<'_, O> {
    type Output = O::Output;
    const NAME: &'static str = O::NAME;
    const REPEAT: Repeat = O::REPEAT;
    const QUOTA: &'static str = O::API.as_str();
    const AUTHORIZED: bool = O::AUTHORIZED;

    fn request(&self) -> Result<Outgoing> {
        self.0.request()
    }

    fn parse(&self, response: Response) -> Result<O::Output> {
        self.0.parse(response)
    }
}

/// The international counter's limit, for label calls that go there.
pub(super) struct InternationalLimit<'a, O>(pub(super) &'a O);

impl<O: OfApi> Operation for InternationalLimit<'_, O> {
    type Output = O::Output;
    const NAME: &'static str = O::NAME;
    const REPEAT: Repeat = O::REPEAT;
    const QUOTA: &'static str = Api::InternationalLabels.as_str();
    const AUTHORIZED: bool = O::AUTHORIZED;

    fn request(&self) -> Result<Outgoing> {
        self.0.request()
    }

    fn parse(&self, response: Response) -> Result<O::Output> {
        self.0.parse(response)
    }
}

impl OfApi for calls::ShippingOptions<'_> {
    const API: Api = Api::Shipments;
}
impl OfApi for calls::CheckAddress<'_> {
    const API: Api = Api::Addresses;
}
impl OfApi for auth::AuthorizePayment<'_> {
    const API: Api = Api::Payments;
}
impl OfApi for calls::BuyLabel<'_> {
    const API: Api = Api::Labels;

    fn api(&self) -> Api {
        calls::counter_of(&self.request.service.service)
    }
}
impl OfApi for calls::ReprintByKey<'_> {
    const API: Api = Api::Labels;

    fn api(&self) -> Api {
        calls::counter_of(&self.request.service.service)
    }
}
impl OfApi for calls::CancelLabel<'_> {
    const API: Api = Api::Labels;

    fn api(&self) -> Api {
        calls::counter_of(&self.label.service)
    }
}
impl OfApi for calls::CreateScanForm<'_> {
    const API: Api = Api::ScanForms;
}
impl OfApi for calls::SchedulePickup<'_> {
    const API: Api = Api::Pickup;
}
impl OfApi for calls::GetPickup<'_> {
    const API: Api = Api::Pickup;
}
impl OfApi for calls::CancelPickup<'_> {
    const API: Api = Api::Pickup;
}
impl OfApi for calls::TrackMany<'_> {
    const API: Api = Api::Tracking;
}
impl OfApi for calls::TrackOne<'_> {
    const API: Api = Api::Tracking;
}
impl OfApi for push::Subscribe<'_> {
    const API: Api = Api::Subscriptions;
}
