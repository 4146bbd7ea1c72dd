//! Signatures of calls and of notifications. Public, so that a host can sign calls of its own.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::client::percent_encode;
use crate::ids::hex;
use crate::personal::Personal;

/// Signs calls to the platform with an app's key and secret.
///
/// The signature is the lower-case hexadecimal HMAC-SHA256 of
/// `secret + path + sorted decoded query + body + secret`. It holds for one timestamp: sign again
/// before sending again.
///
/// ```
/// use orderflow::platforms::tiktok_shop::CallSigner;
///
/// let signer = CallSigner::new("29a39d", "e59af819cc");
/// let query = [("app_key", "29a39d"), ("timestamp", "1623812664")];
/// assert_eq!(
///     signer.sign("/authorization/202309/shops", &query, b""),
///     "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8"
/// );
///
/// // The whole query of a call of your own, ready to be sent: percent-encoded and signed.
/// let query = signer.signed_query("/authorization/202309/shops", &[], b"", 1_623_812_664);
/// assert_eq!(
///     query,
///     "app_key=29a39d&timestamp=1623812664\
///      &sign=b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8"
/// );
/// ```
#[derive(Clone)]
pub struct CallSigner {
    app_key: String,
    app_secret: Personal<String>,
}

impl CallSigner {
    /// A signer of one app.
    #[must_use]
    pub fn new(app_key: impl Into<String>, app_secret: impl Into<String>) -> Self {
        Self { app_key: app_key.into(), app_secret: Personal::new(app_secret.into()) }
    }

    /// The app's key, which is no secret.
    #[must_use]
    pub fn app_key(&self) -> &str {
        &self.app_key
    }

    /// The signature of a call: `path` without host and query, the query with *decoded* values, and
    /// exactly the bytes of the body. `sign` and `access_token` in the query are left out. The body
    /// of a `multipart/form-data` call is not signed: hand in an empty one.
    #[must_use]
    pub fn sign(&self, path: &str, query: &[(&str, &str)], body: &[u8]) -> String {
        let mut sorted: Vec<_> = query
            .iter()
            .filter(|(name, _)| !matches!(*name, "sign" | "access_token"))
            .copied()
            .collect();
        sorted.sort_unstable();
        let secret = self.app_secret.as_str().as_bytes();
        let Some(mut mac) = keyed(secret) else { return String::new() };
        mac.update(secret);
        mac.update(path.as_bytes());
        for (name, value) in sorted {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        mac.update(body);
        mac.update(secret);
        hex(&mac.finalize().into_bytes())
    }

    /// The query of a call with `app_key`, `timestamp` (Unix seconds) and `sign` added, encoded for
    /// the wire. The platform takes timestamps from five minutes before to thirty seconds after its
    /// own time.
    #[must_use]
    pub fn signed_query(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &[u8],
        timestamp: i64,
    ) -> String {
        let timestamp = timestamp.to_string();
        let mut all = query.to_vec();
        all.push(("app_key", &self.app_key));
        all.push(("timestamp", &timestamp));
        let sign = self.sign(path, &all, body);
        all.push(("sign", &sign));
        let pairs: Vec<String> =
            all.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
        pairs.join("&")
    }

    /// Whether `given` is the signature of a notification: lower-case hexadecimal HMAC-SHA256 of
    /// `app_key + body` under the secret, as the `Authorization` header carries it, without any
    /// prefix. The time it takes does not tell.
    #[must_use]
    pub fn verifies_notification(&self, body: &[u8], given: &str) -> bool {
        let secret = self.app_secret.as_str().as_bytes();
        // An empty secret would let anybody sign.
        let (Some(mac), Some(given)) = (keyed(secret), signature_bytes(given)) else {
            return false;
        };
        !secret.is_empty()
            && mac
                .chain_update(self.app_key.as_bytes())
                .chain_update(body)
                .verify_slice(&given)
                .is_ok()
    }
}

impl fmt::Debug for CallSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSigner").field("app_key", &self.app_key).finish_non_exhaustive()
    }
}

fn keyed(secret: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(secret).ok()
}

/// 64 lower-case hexadecimal digits as bytes.
fn signature_bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits: Option<Vec<u8>> = text.bytes().map(digit).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0_u8, |byte, nibble| (byte << 4) | nibble))
            .collect(),
    )
}
