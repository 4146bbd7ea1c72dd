//! Comparing what people and platforms write in addresses, where large and small letters and blanks
//! decide nothing, and what of it can be printed.

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

/// Whether a text can be printed as it reads: no control characters but blanks, and none that turn
/// the direction of what follows.
pub(crate) fn is_printable(text: &str) -> bool {
    !text.chars().any(|letter| {
        let is_blank = letter.is_whitespace();
        let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (letter.is_control() && !is_blank) || turns
    })
}

/// A street, name or city as two orders are compared by it: the words in small letters. Marks part
/// words as blanks do, so that `1/23` is not `12/3`; dots and apostrophes do so only between digits.
pub(crate) fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut parted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() {
            if parted && !words.is_empty() {
                words.push(' ');
            }
            parted = false;
            words.extend(letter.to_lowercase());
        } else if matches!(letter, '.' | '\'' | '’') {
            let digit = |letter: Option<char>| letter.is_some_and(char::is_numeric);
            parted |= digit(words.chars().next_back()) && digit(letters.peek().copied());
        } else {
            parted = true;
        }
    }
    words
}

/// Whether platform masking hides a text or a part of it: three stars in it, or nothing but stars.
pub(crate) fn is_masked(text: &str) -> bool {
    text.contains("***")
        || (text.contains('*')
            && text.chars().all(|letter| letter == '*' || letter.is_whitespace()))
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

    #[test]
    fn words_are_parted_by_blanks_and_marks_and_digits_never_run_together() {
        for (a, b) in [
            ("12 EXAMPLE street.", "12 Example Street"),
            ("P.O. Box  9", "PO BOX 9"),
            ("O'Brien", "OBrien"),
            ("Apt. #4", "apt 4"),
        ] {
            assert_eq!(words(a), words(b));
        }
        for (a, b) in [
            ("1/23 Main Street", "12/3 Main Street"),
            ("1 23rd Street", "12 3rd Street"),
            ("5-1 Main", "51 Main"),
            ("1.2 km", "12 km"),
        ] {
            assert_ne!(words(a), words(b));
        }
    }

    #[test]
    fn stars_alone_hide_a_text_and_one_star_in_it_does_not() {
        assert!(is_masked("**") && is_masked("+1 ***12") && is_masked("* *"));
        assert!(!is_masked("") && !is_masked("Shop *Nine*") && !is_masked(" "));
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
