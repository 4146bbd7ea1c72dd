//! Which states the ZIP codes of the United States lie in.

/// ZIP codes that reach over the border of a state, or lie beyond that of their prefix, and the states
/// that addresses in them name. Source: the tabulation areas of the Census Bureau of 2010 that lie in
/// several states; and Alta in Wyoming and American Samoa, whose prefixes are those of other states.
#[rustfmt::skip]
const ACROSS: &[(&str, &[&str])] = &[
    ("02861", &["RI", "MA"]), ("42223", &["KY", "TN"]), ("59221", &["MT", "ND"]),
    ("63673", &["MO", "IL"]), ("71749", &["AR", "LA"]), ("73949", &["OK", "TX"]),
    ("81137", &["CO", "NM"]), ("83414", &["WY", "ID"]), ("84536", &["UT", "AZ"]),
    ("86044", &["AZ", "UT"]), ("86515", &["AZ", "NM"]), ("88063", &["NM", "TX"]),
    ("89439", &["NV", "CA"]), ("96799", &["AS"]), ("97635", &["OR", "CA"]),
];

/// The states that a ZIP code may lie in. Source: the public list of ZIP code prefixes by state;
/// `None` is a prefix that is not assigned.
pub(super) fn states_of(zip: &str) -> Option<&'static [&'static str]> {
    let own = zip.get(..5)?;
    if let Some((_, states)) = ACROSS.iter().find(|(code, _)| *code == own) {
        return Some(states);
    }
    let prefix: u16 = zip.get(..3)?.parse().ok()?;
    Some(match prefix {
        5 => &["NY"],
        6..=9 => &["PR", "VI"],
        10..=27 => &["MA"],
        28..=29 => &["RI"],
        30..=38 => &["NH"],
        39..=49 => &["ME"],
        50..=54 | 56..=59 => &["VT"],
        55 => &["MA"],
        60..=62 | 64..=69 => &["CT"],
        63 => &["CT", "NY"],
        70..=89 => &["NJ"],
        90..=98 => &["AE"],
        100..=149 => &["NY"],
        150..=196 => &["PA"],
        197..=199 => &["DE"],
        200 | 202..=205 => &["DC"],
        201 => &["VA"],
        206..=212 | 214..=219 => &["MD"],
        220..=246 => &["VA"],
        247..=268 => &["WV"],
        270..=289 => &["NC"],
        290..=299 => &["SC"],
        300..=319 | 398..=399 => &["GA"],
        320..=339 | 341..=342 | 344 | 346..=347 | 349 => &["FL"],
        340 => &["AA"],
        350..=352 | 354..=369 => &["AL"],
        370..=385 => &["TN"],
        386..=397 => &["MS"],
        400..=418 | 420..=427 => &["KY"],
        430..=459 => &["OH"],
        460..=479 => &["IN"],
        480..=499 => &["MI"],
        500..=516 | 520..=528 => &["IA"],
        530..=532 | 534..=535 | 537..=549 => &["WI"],
        550..=551 | 553..=567 => &["MN"],
        569 => &["DC"],
        570..=577 => &["SD"],
        580..=588 => &["ND"],
        590..=599 => &["MT"],
        600..=620 | 622..=629 => &["IL"],
        630..=631 | 633..=641 | 644..=658 => &["MO"],
        660..=662 | 664..=679 => &["KS"],
        680..=681 | 683..=693 => &["NE"],
        700..=701 | 703..=708 | 710..=714 => &["LA"],
        716..=729 => &["AR"],
        730..=731 | 734..=741 | 743..=749 => &["OK"],
        733 | 750..=799 | 885 => &["TX"],
        800..=816 => &["CO"],
        820..=831 => &["WY"],
        832..=838 => &["ID"],
        840..=847 => &["UT"],
        850..=853 | 855..=857 | 859..=860 | 863..=865 => &["AZ"],
        870..=871 | 873..=875 | 877..=884 => &["NM"],
        889..=891 | 893..=895 | 897..=898 => &["NV"],
        900..=908 | 910..=928 | 930..=961 => &["CA"],
        962..=966 => &["AP"],
        967..=968 => &["HI"],
        969 => &["GU", "MP", "FM", "MH", "PW"],
        970..=979 => &["OR"],
        980..=986 | 988..=994 => &["WA"],
        995..=999 => &["AK"],
        _ => return None,
    })
}
