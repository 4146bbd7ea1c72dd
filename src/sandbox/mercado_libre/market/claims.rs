//! Claims, and what the seller answers.

use chrono::DateTime;
use serde_json::{Value, json};

use super::super::{Answer, Asked, SandboxClaim, bad, bodies, created, good, not_found};
use super::{Desk, Market, body_of, whole};

impl Market {
    pub(super) fn claims(&self, desk: &Desk<'_>, asked: &Asked<'_>) -> Answer {
        let range = asked.query_value("range").unwrap_or_default();
        let edge = |word: &str| {
            let (_, rest) = range.split_once(&format!(":{word}:"))?;
            // The stamps hold colons themselves: the next word ends them.
            let end = rest.find(":before:").unwrap_or(rest.len());
            DateTime::parse_from_rfc3339(rest.get(..end)?).ok().map(|at| at.to_utc())
        };
        let (after, before) = (edge("after"), edge("before"));
        let mut found: Vec<&SandboxClaim> = self
            .claims
            .values()
            .filter(|claim| after.is_none_or(|at| claim.changed_at > at))
            .filter(|claim| before.is_none_or(|at| claim.changed_at < at))
            .collect();
        found.sort_by_key(|claim| (claim.changed_at, claim.id));
        let (offset, limit) = (whole(asked, "offset", 0), whole(asked, "limit", 30));
        let total = found.len();
        let data: Vec<Value> = found
            .into_iter()
            .skip(offset)
            .take(limit)
            .map(|claim| bodies::claim(claim, desk.seller))
            .collect();
        good(&json!({"paging": {"offset": offset, "limit": limit, "total": total}, "data": data}))
    }

    pub(super) fn claim(
        &mut self,
        desk: &Desk<'_>,
        asked: &Asked<'_>,
        method: &str,
        id: &str,
        rest: &[&str],
    ) -> Answer {
        let claim = id.parse().ok().and_then(|id: u64| self.claims.get_mut(&id));
        let Some(claim) = claim else { return not_found("Claim") };
        let seller = desk.seller;
        let offered = match (method, rest) {
            ("GET", []) => return good(&bodies::claim(claim, seller)),
            ("GET", ["expected-resolutions"]) => {
                let rows = claim.offered.iter().map(|word| {
                    json!({"player_role": "respondent", "user_id": seller, "status": "pending",
                        "expected_resolution": word})
                });
                return good(&rows.collect());
            }
            ("GET", ["partial-refund", "available-offers"]) => {
                let offers: Vec<Value> = [10_u64, 20, 50]
                    .iter()
                    .map(|percent| {
                        let cents = claim.cents * percent / 100;
                        let amount = format!("{}.{:02}", cents / 100, cents % 100);
                        let amount: Value = serde_json::from_str(&amount).unwrap_or_default();
                        json!({"percentage": percent, "amount": amount})
                    })
                    .collect();
                let currency = match claim.site {
                    "MLB" => "BRL",
                    "MLM" => "MXN",
                    _ => "ARS",
                };
                return good(&json!({"currency_id": currency, "available_offers": offers}));
            }
            ("POST", ["expected-resolutions", "refund"]) => "refund",
            ("POST", ["expected-resolutions", "allow-return"]) => "allow_return",
            ("POST", ["expected-resolutions", "partial-refund"]) => {
                let percent =
                    body_of(asked).and_then(|body| body.get("percentage").and_then(Value::as_u64));
                if !percent.is_some_and(|percent| [10, 20, 50].contains(&percent)) {
                    return bad("bad_request", "the percentage is none of the offers");
                }
                "partial_refund"
            }
            ("POST", ["actions", "open-dispute"]) => {
                claim.stage = "dispute";
                claim.changed_at = desk.now;
                claim.offered.push("open_dispute");
                return good(&bodies::claim(claim, seller));
            }
            ("POST", ["actions", "send-message"]) => {
                claim.offered.push("message");
                return created(&json!({"execution_response_code": 201}));
            }
            _ => return not_found("Resource"),
        };
        if claim.resolution.is_some() {
            return bad("bad_request", "The claim is closed");
        }
        claim.offered.push(offered);
        claim.changed_at = desk.now;
        if offered == "refund" {
            claim.resolution = Some("payment_refunded");
        }
        created(&json!([{"player_role": "respondent", "user_id": seller,
            "expected_resolution": offered, "status": "pending"}]))
    }
}
