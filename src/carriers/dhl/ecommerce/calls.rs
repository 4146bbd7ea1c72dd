//! The calls, as values.

use super::config::DhlEcommerceConfig;
use super::track::Kind;
use super::wire::{
    HookBody, LabelAnswer, ManifestAnswer, ManifestBody, ManifestCreated, ManifestIds, QuoteAnswer,
    TrackAnswer,
};
use super::{ClosedDay, map};
use crate::carriers::account::purchase_reference;
use crate::client::wire::{filled, unexpected};
use crate::client::{Operation, Outgoing, Repeat, Response, percent_encode};
use crate::error::{Error, Result};
use crate::ids::{IdempotencyKey, TrackingNumber};
use crate::shipment::{Label, LabelRequest, RateQuote, RateRequest};

/// Packages of one page of tracking: the carrier's largest.
const PAGE: usize = 10;

/// Every product offered for a parcel.
pub(super) struct Products<'a> {
    pub(super) config: &'a DhlEcommerceConfig,
    pub(super) request: &'a RateRequest,
}

impl Operation for Products<'_> {
    type Output = Vec<RateQuote>;
    const NAME: &'static str = "rates";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Outgoing::post("/shipping/v4/products").json(&map::quote_body(self.config, self.request)?)
    }

    fn parse(&self, response: Response) -> Result<Vec<RateQuote>> {
        map::quotes(self.config, response.json::<QuoteAnswer>()?)
    }
}

/// Sells a label. What a second call with the same package id does is not documented, so none is
/// sent: the label is looked for instead.
pub(super) struct BuyLabel<'a> {
    pub(super) config: &'a DhlEcommerceConfig,
    pub(super) request: &'a LabelRequest,
    pub(super) key: IdempotencyKey,
}

impl Operation for BuyLabel<'_> {
    type Output = Label;
    const NAME: &'static str = "buy_label";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        let package_id = purchase_reference(self.key);
        Outgoing::post("/shipping/v4/label")
            .query("format", map::format_name(&self.request.format)?)
            .json(&map::label_body(self.config, self.request, package_id)?)
    }

    fn parse(&self, response: Response) -> Result<Label> {
        map::label(self.config, self.request, self.key, response.json::<LabelAnswer>()?)?
            .ok_or_else(|| unexpected("the answer has no label"))
    }
}

fn label_path(config: &DhlEcommerceConfig) -> String {
    format!("/shipping/v4/label/{}", percent_encode(config.pickup.as_str()))
}

/// Looks for the label of a purchase.
pub(super) struct FindLabel<'a> {
    pub(super) config: &'a DhlEcommerceConfig,
    pub(super) request: &'a LabelRequest,
    pub(super) key: IdempotencyKey,
}

impl Operation for FindLabel<'_> {
    type Output = Option<Label>;
    const NAME: &'static str = "recover_label";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let package_id = purchase_reference(self.key);
        Ok(Outgoing::get(label_path(self.config)).query("packageId", package_id))
    }

    fn parse(&self, response: Response) -> Result<Option<Label>> {
        map::label(self.config, self.request, self.key, response.json::<LabelAnswer>()?)
    }
}

/// Every label under the id of a purchase.
pub(super) struct FindAll<'a> {
    pub(super) config: &'a DhlEcommerceConfig,
    pub(super) key: IdempotencyKey,
}

impl Operation for FindAll<'_> {
    type Output = Vec<super::FoundLabel>;
    const NAME: &'static str = "find_duplicates";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        let package_id = purchase_reference(self.key);
        Ok(Outgoing::get(label_path(self.config)).query("packageId", package_id))
    }

    fn parse(&self, response: Response) -> Result<Self::Output> {
        let answer = response.json::<LabelAnswer>()?;
        let product = filled(answer.ordered_product_id.as_deref());
        let labels =
            answer.labels.ok_or_else(|| unexpected("the answer says nothing of labels"))?;
        let ours = purchase_reference(self.key);
        Ok(labels
            .into_iter()
            .filter(|label| label.package_id.as_deref().map(str::trim) == Some(&*ours))
            .map(|label| super::FoundLabel {
                product: product.clone(),
                own: filled(label.dhl_package_id.as_deref()),
                last_mile: filled(label.tracking_id.as_deref()),
            })
            .collect())
    }
}

/// Whether a label is there, by the carrier's number.
pub(super) struct LookUp<'a> {
    pub(super) config: &'a DhlEcommerceConfig,
    pub(super) number: &'a str,
}

impl Operation for LookUp<'_> {
    type Output = bool;
    const NAME: &'static str = "look_up_label";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get(label_path(self.config)).query("dhlPackageId", self.number))
    }

    fn parse(&self, response: Response) -> Result<bool> {
        let labels = response.json::<LabelAnswer>()?.labels;
        let labels = labels.ok_or_else(|| unexpected("the answer says nothing of labels"))?;
        Ok(!labels.is_empty())
    }
}

/// Voids a domestic label.
pub(super) struct VoidOne<'a> {
    pub(super) config: &'a DhlEcommerceConfig,
    pub(super) number: &'a str,
}

impl Operation for VoidOne<'_> {
    type Output = ();
    const NAME: &'static str = "void_label";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::delete(label_path(self.config)).query("dhlPackageId", self.number))
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}

/// Asks for a manifest of the parcels named. An empty list would mean everything open.
pub(super) struct CloseDay<'a> {
    pub(super) config: &'a DhlEcommerceConfig,
    pub(super) dhl_package_ids: &'a [String],
}

impl Operation for CloseDay<'_> {
    type Output = String;
    const NAME: &'static str = "create_manifest";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        if self.dhl_package_ids.is_empty() {
            return Err(Error::invalid("numbers", "there is nothing to close"));
        }
        Outgoing::post("/shipping/v4/manifest").json(&ManifestBody {
            pickup: self.config.pickup.as_str(),
            manifests: [ManifestIds { dhl_package_ids: self.dhl_package_ids }],
        })
    }

    fn parse(&self, response: Response) -> Result<String> {
        filled(response.json::<ManifestCreated>()?.request_id.as_deref())
            .ok_or_else(|| unexpected("the manifest has no request id"))
    }
}

/// Asks what became of a manifest.
pub(super) struct DayState<'a> {
    pub(super) config: &'a DhlEcommerceConfig,
    pub(super) request_id: &'a str,
}

impl Operation for DayState<'_> {
    type Output = Option<ClosedDay>;
    const NAME: &'static str = "manifest_state";
    const REPEAT: Repeat = Repeat::Freely;

    fn request(&self) -> Result<Outgoing> {
        Ok(Outgoing::get(format!(
            "/shipping/v4/manifest/{}/{}",
            percent_encode(self.config.pickup.as_str()),
            percent_encode(self.request_id)
        )))
    }

    fn parse(&self, response: Response) -> Result<Option<ClosedDay>> {
        map::closed_day(self.request_id, response.json::<ManifestAnswer>()?)
    }
}

/// One page of tracking of up to ten numbers of one kind.
pub(super) struct TrackPage<'a> {
    pub(super) path: &'a str,
    pub(super) kind: Kind,
    pub(super) numbers: &'a [TrackingNumber],
    pub(super) page: usize,
}

/// A page, whether all of it can be read, and whether there is another.
pub(super) struct Page {
    pub(super) packages: Vec<super::wire::TrackedPackage>,
    pub(super) whole: bool,
    pub(super) more: bool,
}

impl Operation for TrackPage<'_> {
    type Output = Page;
    const NAME: &'static str = "track";
    const REPEAT: Repeat = Repeat::Freely;
    const QUOTA: &'static str = "track";

    fn request(&self) -> Result<Outgoing> {
        let numbers: Vec<&str> = self.numbers.iter().map(TrackingNumber::as_str).collect();
        Ok(Outgoing::get(self.path)
            .query(self.kind.parameter(), numbers.join(","))
            .query("offset", (self.page * PAGE).to_string())
            .query("limit", PAGE.to_string()))
    }

    fn parse(&self, response: Response) -> Result<Page> {
        let answer: TrackAnswer = response.json()?;
        let total = answer.total.as_deref().and_then(|total| total.trim().parse::<usize>().ok());
        let seen = (self.page + 1) * PAGE;
        let linked = answer.links.and_then(|links| filled(links.next.as_deref())).is_some();
        let whole = answer.packages.unreadable() == 0;
        let packages = answer.packages.into_vec();
        // An empty page ends it, whatever the answer promises.
        let more = !packages.is_empty() && (linked || total.is_some_and(|total| total > seen));
        Ok(Page { packages, whole, more })
    }
}

/// Tells the carrier where to send news of the whole pickup account.
pub(super) struct RegisterHook<'a>(pub(super) &'a DhlEcommerceConfig);

impl Operation for RegisterHook<'_> {
    type Output = ();
    const NAME: &'static str = "register_hook";
    const REPEAT: Repeat = Repeat::Never;

    fn request(&self) -> Result<Outgoing> {
        let hook = self
            .0
            .hook
            .as_ref()
            .ok_or_else(|| Error::unsupported("no hook is configured").with_field("hook"))?;
        Outgoing::post("/account/v4/webhooks").json(&HookBody {
            pickup: self.0.pickup.as_str(),
            hook_type: "TRACK_EVENTS",
            url: &hook.address,
            username: hook.user.as_str(),
            password: hook.password.as_str(),
            active: true,
        })
    }

    fn parse(&self, _response: Response) -> Result<()> {
        Ok(())
    }
}
