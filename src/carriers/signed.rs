//! Signatures of what carriers send by themselves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Whether a text is the HMAC-SHA256 of some bytes, as Base64 or as hexadecimal digits: carriers'
/// guides contradict themselves about which. Compared in constant time.
pub(crate) fn is_signed(secret: &[u8], parts: &[&[u8]], signature: &str) -> bool {
    if secret.is_empty() {
        return false;
    }
    let signature = signature.trim();
    let given = match hex(signature) {
        Some(bytes) => Some(bytes),
        None => STANDARD.decode(signature).ok(),
    };
    let (Some(given), Ok(mut mac)) = (given, Hmac::<Sha256>::new_from_slice(secret)) else {
        return false;
    };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(&given).is_ok()
}

/// 64 hexadecimal digits. Base64 of 32 bytes has 44 characters, so the two are never confused.
fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_known_in_both_spellings_and_nothing_else_is() {
        // Case 2 of RFC 4231.
        let (secret, body) = (b"Jefe".as_slice(), b"what do ya want for nothing?".as_slice());
        let hexadecimal = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(is_signed(secret, &[body], hexadecimal));
        assert!(is_signed(secret, &[body], &hexadecimal.to_uppercase()));
        assert!(is_signed(secret, &[b"what do ya ", b"want for nothing?"], hexadecimal));
        let base64 = STANDARD.encode(hex(hexadecimal).unwrap());
        assert!(is_signed(secret, &[body], &base64));
        for wrong in ["", "x", &hexadecimal[..62], &base64[..43], &hexadecimal.replace('5', "6")] {
            assert!(!is_signed(secret, &[body], wrong), "{wrong}");
        }
        assert!(!is_signed(b"Jeff", &[body], hexadecimal));
        let mut anybody = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        anybody.update(body);
        let forged = STANDARD.encode(anybody.finalize().into_bytes());
        assert!(!is_signed(b"", &[body], &forged), "no secret protects nothing");
    }
}
