//! Comparing what people and platforms write in addresses: large and small letters and blanks decide
//! nothing.

/// A text in small letters without blanks: `"SW1A 1AA"` and `"sw1a1aa"` are one.
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase)
}

/// Whether two texts are one but for large letters and blanks.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    a == b || folded(a).eq(folded(b))
}

/// Whether a text begins with another, but for large letters and blanks.
pub(crate) fn begins_with(text: &str, beginning: &str) -> bool {
    let mut letters = folded(text);
    text.starts_with(beginning) || folded(beginning).all(|letter| letters.next() == Some(letter))
}

/// A small letter without the accents of Spanish, Portuguese, French and German; `None` is an accent
/// that stands alone.
pub(crate) const fn without_accent(letter: char) -> Option<char> {
    Some(match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        '\u{300}'..='\u{36f}' => return None,
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_and_blanks_decide_nothing() {
        assert!(is_same("ca", " CA") && is_same("São Paulo", "SÃO  PAULO"));
        assert!(!is_same("CA", "CO"));
        assert!(begins_with("SW1A 1AA", "sw1a1") && begins_with("sw1a1aa", "SW1A 1"));
        assert!(!begins_with("SW1", "SW1A") && begins_with("SW1", ""));
    }

    proptest! {
        #[test]
        fn a_beginning_is_what_the_folded_text_starts_with(
            text in "[aAbB ç]{0,6}", beginning in "[aAbB ç]{0,3}",
        ) {
            let fold = |text: &str| folded(text).collect::<String>();
            prop_assert_eq!(
                begins_with(&text, &beginning),
                fold(&text).starts_with(&fold(&beginning))
            );
        }
    }
}
