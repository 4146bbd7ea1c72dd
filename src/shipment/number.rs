//! Whether a text can be a tracking number of a carrier, and whose it may be.
//!
//! The formats are data: one table names shape and check digit of every format that has a usable
//! rule. Detection is ambiguous by nature — a random 12-digit text is a valid number of some
//! carrier one time in ten — so [`candidates`] returns all that fit and never a guess, and the
//! carrier that sold the label always knows better: **a number from a carrier's own answer is not
//! to be rejected because of this module**. USPS itself has published numbers whose check digit
//! is wrong.
//!
//! ```
//! use orderflow::shipment::number::{Validity, candidates, validate};
//!
//! assert_eq!(validate("usps", "9400 1091 0425 0532 9085 87"), Validity::Valid);
//! assert_eq!(validate("usps", "9400 1091 0425 0532 9085 88"), Validity::BadChecksum);
//! assert_eq!(validate("usps", "hello"), Validity::BadFormat);
//!
//! let candidates = candidates("1Z1202R66698804005");
//! assert_eq!(candidates[0].carrier.as_str(), "ups");
//! ```

use crate::ids::CarrierId;

/// What can be said about a number and a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validity {
    /// It has the shape of one of the carrier's formats, and the check digit, where that format
    /// has one, is right.
    Valid,
    /// The shape fits, the check digit does not: most likely mistyped.
    BadChecksum,
    /// No format of the carrier looks like this, or it is a placeholder of zeros.
    BadFormat,
    /// No rule is known for this carrier: nothing speaks for or against the number.
    Unchecked,
}

/// A carrier whose number it may be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Candidate {
    /// The carrier.
    pub carrier: CarrierId,
    /// Which of its formats fits, for example `impb`.
    pub format: &'static str,
}

/// How a check digit is computed. Positions count from the left of the body, which is every
/// character the digit covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Weights 3, 1, 3, 1 … from the right; what is missing to the next ten.
    Gs1Mod10,
    /// Weights 8 6 4 2 3 5 9 7 over eight digits, modulo 11 (UPU S10).
    S10Mod11,
    /// Weights 3, 1, 7 … over eleven digits; modulo 11, then modulo 10.
    Fedex12,
    /// Weights 1, 7, 3 … over thirteen digits; modulo 11, then modulo 10.
    Fedex34,
    /// Weights 1, 2 … from the left, letters as (ASCII − 3) mod 10, products not reduced; what is
    /// missing to the next ten.
    Ups,
    /// The body as a number, modulo 7.
    Mod7,
}

impl Algorithm {
    /// Computes the check digit of a body; `None` when the body has the wrong length or
    /// characters for this algorithm.
    ///
    /// ```
    /// use orderflow::shipment::number::Algorithm;
    ///
    /// assert_eq!(Algorithm::Gs1Mod10.check_digit("940010910425053290858"), Some('7'));
    /// assert_eq!(Algorithm::S10Mod11.check_digit("12345678"), Some('5'));
    /// ```
    #[must_use]
    pub fn check_digit(self, body: &str) -> Option<char> {
        let digit = match self {
            Self::Gs1Mod10 => missing_to_ten(weighted(body.bytes().rev(), &[3, 1])?),
            Self::S10Mod11 => {
                if body.len() != 8 {
                    return None;
                }
                match weighted(body.bytes(), &[8, 6, 4, 2, 3, 5, 9, 7])? % 11 {
                    0 => 5,
                    1 => 0,
                    rest => 11 - rest,
                }
            }
            Self::Fedex12 if body.len() == 11 => weighted(body.bytes(), &[3, 1, 7])? % 11 % 10,
            Self::Fedex34 if body.len() == 13 => weighted(body.bytes(), &[1, 7, 3])? % 11 % 10,
            Self::Fedex12 | Self::Fedex34 => return None,
            Self::Ups => {
                let digits = body.bytes().map(|byte| {
                    if byte.is_ascii_uppercase() { b'0' + (byte - 3) % 10 } else { byte }
                });
                missing_to_ten(weighted(digits, &[1, 2])?)
            }
            Self::Mod7 => {
                if body.is_empty() {
                    return None;
                }
                body.bytes().try_fold(0, |rest, byte| {
                    byte.is_ascii_digit().then(|| (rest * 10 + u32::from(byte - b'0')) % 7)
                })?
            }
        };
        char::from_digit(digit, 10)
    }
}

fn missing_to_ten(sum: u32) -> u32 {
    (10 - sum % 10) % 10
}

/// Sums digit × weight, the weights repeated; `None` when there is no digit or a non-digit.
fn weighted(digits: impl Iterator<Item = u8>, weights: &[u32]) -> Option<u32> {
    let mut sum = None;
    for (byte, weight) in digits.zip(weights.iter().cycle()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        // Bounded by the longest body a caller can pass; a wrapped sum would only be a wrong digit.
        sum = Some(sum.unwrap_or(0_u32).wrapping_add(u32::from(byte - b'0') * weight));
    }
    sum
}

/// Which characters follow the prefix.
#[derive(Debug, Clone, Copy)]
enum Tail {
    Digits,
    /// Upper-case letters and digits, then one digit.
    MixedThenDigit,
    /// Upper-case letters and digits, at least one digit.
    Mixed,
    /// Two or three letters, then digits only.
    LettersThenDigits,
}

/// The outside of a format.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// One of the prefixes (none means any), characters of one kind, one of the total lengths.
    Prefixed { prefixes: &'static [&'static str], tail: Tail, lengths: (usize, usize) },
    /// Two letters, nine digits, two letters of a country.
    S10,
    /// Intelligent Mail package barcode with its application identifier. The mailer id that
    /// follows the three digits of service has nine digits if it starts with a 9, else six.
    Impb,
}

/// Which part the check digit covers, and how.
#[derive(Debug, Clone, Copy)]
enum Check {
    /// There is none, or no usable rule is known.
    None,
    /// `algorithm` over `put_in_front` and everything from `from` (counted from the left) to the
    /// check digit, which stands `after` characters before the end.
    Digit { algorithm: Algorithm, put_in_front: &'static str, from: Begin, after: usize },
}

/// Where the body begins.
#[derive(Debug, Clone, Copy)]
enum Begin {
    Start(usize),
    /// This many characters before the check digit.
    BeforeDigit(usize),
}

#[derive(Debug, Clone, Copy)]
struct Format {
    carrier: &'static str,
    name: &'static str,
    shape: Shape,
    check: Check,
}

const fn digits(prefixes: &'static [&'static str], length: usize) -> Shape {
    Shape::Prefixed { prefixes, tail: Tail::Digits, lengths: (length, length) }
}

const fn whole(algorithm: Algorithm) -> Check {
    Check::Digit { algorithm, put_in_front: "", from: Begin::Start(0), after: 0 }
}

const fn whole_after(put_in_front: &'static str) -> Check {
    Check::Digit { algorithm: Algorithm::Gs1Mod10, put_in_front, from: Begin::Start(0), after: 0 }
}

const fn last(algorithm: Algorithm, body: usize) -> Check {
    Check::Digit { algorithm, put_in_front: "", from: Begin::BeforeDigit(body), after: 0 }
}

/// Every format with a usable rule, formats that decide by their prefix first.
/// As of 2026-06; from jkeen/tracking_number_data (MIT) and official samples.
const FORMATS: &[Format] = &[
    // Before DHL eCommerce, whose LX, RX, UV and CN fit this shape too.
    Format {
        carrier: "usps",
        name: "s10",
        shape: Shape::S10,
        check: Check::Digit {
            algorithm: Algorithm::S10Mod11,
            put_in_front: "",
            from: Begin::Start(2),
            after: 2,
        },
    },
    Format {
        carrier: "ups",
        name: "1z",
        shape: Shape::Prefixed { prefixes: &["1Z"], tail: Tail::MixedThenDigit, lengths: (18, 18) },
        check: last(Algorithm::Ups, 15),
    },
    Format {
        carrier: "ups",
        name: "waybill",
        shape: digits(&["A", "H", "J", "K", "T", "V"], 11),
        check: last(Algorithm::Ups, 9),
    },
    Format {
        carrier: "fedex",
        name: "door_tag",
        shape: digits(&["DT"], 14),
        check: last(Algorithm::Fedex12, 11),
    },
    Format {
        carrier: "dhl",
        name: "express_piece",
        shape: Shape::Prefixed {
            prefixes: &["J"],
            tail: Tail::LettersThenDigits,
            lengths: (12, 24),
        },
        check: Check::None,
    },
    Format {
        carrier: "dhl",
        name: "ecommerce",
        shape: Shape::Prefixed {
            prefixes: &["GM", "LX", "RX", "UV", "CN", "SG", "TH", "IN", "HK", "MY"],
            tail: Tail::Mixed,
            lengths: (12, 41),
        },
        check: Check::None,
    },
    Format { carrier: "usps", name: "impb", shape: Shape::Impb, check: whole(Algorithm::Gs1Mod10) },
    Format {
        carrier: "usps",
        name: "legacy",
        shape: digits(&["91"], 22),
        check: whole(Algorithm::Gs1Mod10),
    },
    Format { carrier: "usps", name: "legacy_20", shape: digits(&[], 20), check: whole_after("91") },
    Format {
        carrier: "usps",
        name: "twenty",
        shape: digits(&[], 20),
        check: whole(Algorithm::Gs1Mod10),
    },
    // An IMpb without its application identifier: the postal service delivers these parcels.
    Format {
        carrier: "fedex",
        name: "ground_economy",
        shape: digits(&["02", "6129", "7489"], 20),
        check: whole_after("92"),
    },
    Format {
        carrier: "fedex",
        name: "ground_economy_92",
        shape: digits(&["9202", "926129", "927489"], 22),
        check: whole(Algorithm::Gs1Mod10),
    },
    Format {
        carrier: "fedex",
        name: "ground_96",
        shape: digits(&["96"], 22),
        check: last(Algorithm::Gs1Mod10, 14),
    },
    Format {
        carrier: "fedex",
        name: "ground_gsn",
        shape: digits(&["96"], 34),
        check: last(Algorithm::Fedex34, 13),
    },
    Format {
        carrier: "fedex",
        name: "express_34",
        shape: digits(&["0", "1", "2", "3", "4", "5", "6", "7", "8"], 34),
        check: last(Algorithm::Fedex34, 13),
    },
    Format {
        carrier: "fedex",
        name: "astra",
        shape: digits(&["3"], 32),
        check: Check::Digit {
            algorithm: Algorithm::Fedex12,
            put_in_front: "",
            from: Begin::Start(16),
            after: 4,
        },
    },
    Format {
        carrier: "fedex",
        name: "sscc_18",
        shape: digits(&[], 18),
        check: last(Algorithm::Gs1Mod10, 15),
    },
    Format {
        carrier: "fedex",
        name: "ground_15",
        shape: digits(&[], 15),
        check: whole(Algorithm::Gs1Mod10),
    },
    Format {
        carrier: "fedex",
        name: "express_12",
        shape: digits(&[], 12),
        check: whole(Algorithm::Fedex12),
    },
    Format {
        carrier: "dhl",
        name: "express",
        shape: digits(&[], 10),
        check: whole(Algorithm::Mod7),
    },
    Format {
        carrier: "dhl",
        name: "express_11",
        shape: digits(&[], 11),
        check: whole(Algorithm::Mod7),
    },
    Format { carrier: "dhl", name: "ecommerce_14", shape: digits(&[], 14), check: Check::None },
];

/// Countries whose posts issue S10 numbers, in order (UPU members, as of 2026-06).
const S10_COUNTRIES: &str = "\
    AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BI BJ BN BO BR BS BT BW BY BZ CA CD CF \
    CG CH CI CL CM CN CO CR CU CV CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FR GA GB GD \
    GE GH GM GN GQ GR GT GW GY HK HN HR HT HU ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KI KM \
    KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MR MT MU MV MW \
    MX MY MZ NA NE NG NI NL NO NP NR NZ OM PA PE PG PH PK PL PT PY QA RO RS RU RW SA SB SC SD \
    SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL TM TN TO TR TT TV TZ UA UG US UY \
    UZ VA VC VE VN VU WS YE ZA ZM ZW";

/// Prepares a number for comparison: no blanks, no hyphens, upper case. Nothing else is changed;
/// doing it twice changes nothing more.
///
/// ```
/// use orderflow::shipment::number::normalize;
///
/// assert_eq!(normalize(" 1z 1202-r66698804005 "), "1Z1202R66698804005");
/// ```
#[must_use]
pub fn normalize(number: &str) -> String {
    number
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

/// Splits the `420` + ZIP routing part off a United States package barcode: the ZIP (5 or 9
/// digits) and the number to store. Any other text comes back whole, [normalised](normalize).
///
/// ```
/// use orderflow::shipment::number::without_routing;
///
/// let (zip, number) = without_routing("420787459400111206206406260787");
/// assert_eq!((zip.as_deref(), number.as_str()), (Some("78745"), "9400111206206406260787"));
/// ```
#[must_use]
pub fn without_routing(number: &str) -> (Option<String>, String) {
    let number = normalize(number);
    // 34 digits are ZIP+4 with 22 or ZIP with 26: the first that is a right number wins, and a
    // right shape with a wrong digit is better than nothing.
    let mut second_best = None;
    for zip_length in [9, 5] {
        let Some((zip, rest)) = routed(&number, zip_length) else { continue };
        match best(rest, |format| format.is_routed()) {
            Some((_, Validity::Valid)) => return (Some(zip.to_owned()), rest.to_owned()),
            Some(_) => {
                second_best.get_or_insert((zip.to_owned(), rest.to_owned()));
            }
            None => {}
        }
    }
    match second_best {
        Some((zip, rest)) => (Some(zip), rest),
        None => (None, number),
    }
}

fn routed(number: &str, zip_length: usize) -> Option<(&str, &str)> {
    let rest = number.strip_prefix("420")?;
    if !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (zip, rest) = rest.split_at_checked(zip_length)?;
    // 20 digits without their 91 are never printed behind a routing part.
    matches!((zip_length, rest.len()), (5, 22 | 26) | (9, 22)).then_some((zip, rest))
}

/// Judges a number against the formats of one carrier: `usps`, `fedex`, `ups` or `dhl`.
#[must_use]
pub fn validate(carrier: &str, number: &str) -> Validity {
    if !FORMATS.iter().any(|format| format.carrier == carrier) {
        return Validity::Unchecked;
    }
    let plain = normalize(number);
    let of_carrier = |number: &str| best(number, |format| format.carrier == carrier);
    let (zip, unrouted) = without_routing(&plain);
    let judged = match (zip.is_some(), carrier) {
        (false, _) => of_carrier(&plain),
        (true, "usps") => of_carrier(&unrouted),
        // Ground Economy has the post's barcode; any other number of theirs is not routed so.
        (true, _) => of_carrier(&plain)
            .filter(|(_, validity)| *validity == Validity::Valid)
            .or_else(|| best(&unrouted, |format| format.carrier == carrier && format.is_routed())),
    };
    judged.map_or(Validity::BadFormat, |(_, validity)| validity)
}

/// All carriers whose number it may be, those that a prefix decides first. Empty when it is
/// nobody's. Only right check digits count.
#[must_use]
pub fn candidates(number: &str) -> Vec<Candidate> {
    let plain = normalize(number);
    let (zip, unrouted) = without_routing(&plain);
    let mut candidates = Vec::new();
    if zip.is_some() {
        candidates.extend(fitting(&unrouted, Format::is_routed));
    }
    candidates.extend(fitting(&plain, |_| true));
    candidates
}

fn fitting(number: &str, wanted: impl Fn(&Format) -> bool) -> impl Iterator<Item = Candidate> {
    FORMATS
        .iter()
        .filter(move |format| wanted(format) && format.judge(number) == Some(Validity::Valid))
        .map(|format| Candidate {
            carrier: CarrierId::from_static(format.carrier),
            format: format.name,
        })
}

/// The most favourable judgement of all wanted formats whose shape fits.
fn best(number: &str, wanted: impl Fn(&Format) -> bool) -> Option<(&'static Format, Validity)> {
    FORMATS
        .iter()
        .filter(|format| wanted(format))
        .filter_map(|format| Some((format, format.judge(number)?)))
        .min_by_key(|(_, validity)| match validity {
            Validity::Valid => 0,
            Validity::BadChecksum => 1,
            Validity::BadFormat | Validity::Unchecked => 2,
        })
}

impl Format {
    /// Whether `420` and a ZIP may stand in front: of what the post delivers in the United States.
    fn is_routed(&self) -> bool {
        match self.carrier {
            "usps" => self.name != "s10",
            _ => self.name == "ground_economy_92",
        }
    }

    /// `None` when the shape does not fit.
    fn judge(&self, number: &str) -> Option<Validity> {
        if !number.is_ascii() || !self.shape.fits(number) {
            return None;
        }
        let Check::Digit { algorithm, put_in_front, from, after } = self.check else {
            return Some(placeholder(number).unwrap_or(Validity::Valid));
        };
        let covered = number.get(..number.len().checked_sub(after)?)?;
        let (body, digit) = covered.split_at_checked(covered.len().checked_sub(1)?)?;
        let start = match from {
            Begin::Start(start) => start,
            Begin::BeforeDigit(length) => body.len().checked_sub(length)?,
        };
        let body = body.get(start..)?;
        let expected = if put_in_front.is_empty() {
            algorithm.check_digit(body)?
        } else {
            algorithm.check_digit(&format!("{put_in_front}{body}"))?
        };
        Some(if !digit.starts_with(expected) {
            Validity::BadChecksum
        } else {
            placeholder(body).unwrap_or(Validity::Valid)
        })
    }
}

/// A body of zeros has a right check digit in most formats, and is never a parcel.
fn placeholder(body: &str) -> Option<Validity> {
    body.bytes().all(|byte| byte == b'0').then_some(Validity::BadFormat)
}

impl Shape {
    fn fits(self, number: &str) -> bool {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        let is_mixed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        match self {
            Self::Prefixed { prefixes, tail, lengths: (shortest, longest) } => {
                if !(shortest..=longest).contains(&number.len()) {
                    return false;
                }
                let rest = if prefixes.is_empty() {
                    Some(number)
                } else {
                    prefixes.iter().find_map(|prefix| number.strip_prefix(prefix))
                };
                let Some(rest) = rest else { return false };
                match tail {
                    Tail::Digits => rest.bytes().all(is_digit),
                    Tail::MixedThenDigit => {
                        rest.bytes().all(is_mixed) && rest.bytes().next_back().is_some_and(is_digit)
                    }
                    Tail::Mixed => rest.bytes().all(is_mixed) && rest.bytes().any(is_digit),
                    Tail::LettersThenDigits => {
                        let letters =
                            rest.bytes().take_while(|byte| byte.is_ascii_uppercase()).count();
                        matches!(letters, 2 | 3)
                            && rest.len() >= letters + 9
                            && rest.bytes().skip(letters).all(is_digit)
                    }
                }
            }
            Self::S10 => {
                let mut parts = number.bytes();
                let mut next = |count: usize| parts.by_ref().take(count).collect::<Vec<u8>>();
                let (service, serial, country) = (next(2), next(9), next(3));
                service.iter().all(u8::is_ascii_uppercase)
                    && serial.len() == 9
                    && serial.iter().all(u8::is_ascii_digit)
                    && country.len() == 2
                    && S10_COUNTRIES.split(' ').any(|known| known.as_bytes() == country)
            }
            Self::Impb => {
                if !number.bytes().all(is_digit) {
                    return false;
                }
                let mut digits = number.bytes();
                let identifier = (digits.next(), digits.next());
                let nine_digit_mailer = digits.nth(3) == Some(b'9');
                match identifier {
                    (Some(b'9'), Some(b'2')) => {
                        nine_digit_mailer && matches!(number.len(), 22 | 26)
                    }
                    (Some(b'9'), Some(b'3')) => {
                        !nine_digit_mailer && matches!(number.len(), 22 | 26)
                    }
                    (Some(b'9'), Some(b'4')) => {
                        matches!(number.len(), 22 | 26) || (nine_digit_mailer && number.len() == 30)
                    }
                    (Some(b'9'), Some(b'5')) => matches!(number.len(), 22 | 26),
                    _ => false,
                }
            }
        }
    }
}
