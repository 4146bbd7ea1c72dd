//! Finding phrases in what people write, in the languages of the markets.

use crate::address::text::without_accent;

/// Lower case without the accents of Spanish and Portuguese, blanks collapsed.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        let letter = match without_accent(letter) {
            None => continue,
            Some('’') => '\'',
            Some(blank) if blank.is_whitespace() => ' ',
            Some(other) => other,
        };
        if letter != ' ' || !plain.ends_with(' ') {
            plain.push(letter);
        }
    }
    plain
}

/// Whether a phrase occurs, beginning where a word begins: "urgente" is not in "insurgente".
/// Scripts without blanks between words match anywhere.
pub(super) fn contains(text: &str, phrase: &str) -> bool {
    !phrase.is_empty()
        && text.match_indices(phrase).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            !phrase.starts_with(|first: char| first.is_ascii_alphanumeric())
                || before.is_none_or(|before| !before.is_ascii_alphanumeric())
        })
}
