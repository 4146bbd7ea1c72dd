//! Why things are sent back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rules::kpi::Ratio;
use crate::rules::words::{contains, plain};

/// A reason for a return, normalised (ANA-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// Not as described.
    NotAsDescribed,
    /// Does not work.
    Defective,
    /// Broken on the way.
    DamagedInTransit,
    /// Something else came.
    WrongItem,
    /// Does not fit.
    SizeOrFit,
    /// Not wanted any more.
    ChangedMind,
    /// Came too late.
    Late,
    /// Anything else, or nothing said.
    Other,
}

/// Words that tell a reason, in English, Spanish, Portuguese and Chinese, without accents; the most
/// telling first: "arrived late and broken" is broken.
const WORDS: &[(ReturnReason, &[&str])] = &[
    (
        ReturnReason::DamagedInTransit,
        &[
            "in transit",
            "during transit",
            "transit damage",
            "shipping damage",
            "arrived damaged",
            "arrived broken",
            "broken on arrival",
            "damaged",
            "llego roto",
            "llego rota",
            "llego danad",
            "danado en el envio",
            "golpeado",
            "chegou quebrad",
            "chegou danificad",
            "danificad",
            "amassad",
            "运输损坏",
            "破损",
            "压坏",
            "摔坏",
        ],
    ),
    (
        ReturnReason::WrongItem,
        &[
            "wrong item",
            "wrong product",
            "incorrect item",
            "different item",
            "missing",
            "producto equivocado",
            "producto incorrecto",
            "otro producto",
            "articulo equivocado",
            "incompleto",
            "falta",
            "faltan",
            "faltaba",
            "produto errado",
            "outro produto",
            "item errado",
            "发错",
            "错货",
            "少发",
            "漏发",
        ],
    ),
    (
        ReturnReason::NotAsDescribed,
        &[
            "not as described",
            "described",
            "different from",
            "inaccurate",
            "misleading",
            "not match",
            "no es como",
            "no coincide",
            "distinto a",
            "diferente a",
            "descripcion",
            "descricao",
            "diferente do anunci",
            "diferente da foto",
            "nao corresponde",
            "与描述不符",
            "描述不符",
            "不一样",
        ],
    ),
    (
        ReturnReason::Defective,
        &[
            "defect",
            "does not work",
            "doesn't work",
            "not working",
            "stopped working",
            "faulty",
            "broken",
            "quality",
            "no funciona",
            "fallado",
            "falla",
            "roto",
            "rota",
            "rotos",
            "rotas",
            "fallas",
            "calidad",
            "nao funciona",
            "defeito",
            "quebrad",
            "qualidade",
            "坏",
            "质量",
            "故障",
            "不能用",
        ],
    ),
    (
        ReturnReason::SizeOrFit,
        &[
            "size",
            "fit",
            "fits",
            "fitting",
            "fitted",
            "too small",
            "too big",
            "too large",
            "too tight",
            "too loose",
            "talle",
            "talla",
            "tamano",
            "me queda",
            "muy grande",
            "muy chico",
            "muy pequeno",
            "tamanho",
            "nao serviu",
            "nao serve",
            "grande demais",
            "pequeno demais",
            "尺码",
            "尺寸",
            "太大",
            "太小",
        ],
    ),
    (
        ReturnReason::Late,
        &[
            "late",
            "later than",
            "too long",
            "delay",
            "delayed",
            "in time",
            "on time",
            "tarde",
            "demora",
            "demoro",
            "atraso",
            "atrasad",
            "demorou",
            "太慢",
            "太晚",
            "迟",
        ],
    ),
    (
        ReturnReason::ChangedMind,
        &[
            "changed mind",
            "changed my mind",
            "no longer",
            "not needed",
            "don't want",
            "do not want",
            "unwanted",
            "by mistake",
            "better price",
            "regret",
            "arrepen",
            "ya no lo quiero",
            "ya no lo necesito",
            "por error",
            "cambie de opinion",
            "nao quero mais",
            "nao preciso",
            "mudei de ideia",
            "comprei errado",
            "不想要",
            "不要了",
            "不喜欢",
            "拍错",
        ],
    ),
];

/// Words that are others when letters follow: "latex" is not late, "fitness" does not fit.
const WHOLE: &[&str] = &["late", "fit", "tarde", "falta", "falla", "rota", "roto"];

impl ReturnReason {
    /// The reason that a platform's code or a buyer's words tell, in English, Spanish, Portuguese or
    /// Chinese. Underscores, accents and case do not matter; what is not understood is
    /// [`Other`](Self::Other).
    ///
    /// ```
    /// use orderflow::rules::analytics::ReturnReason;
    ///
    /// assert_eq!(ReturnReason::of("NOT_AS_DESCRIBED"), ReturnReason::NotAsDescribed);
    /// assert_eq!(ReturnReason::of("too small for me"), ReturnReason::SizeOrFit);
    /// assert_eq!(ReturnReason::of("?"), ReturnReason::Other);
    /// ```
    #[must_use]
    pub fn of(words: &str) -> Self {
        let plain: String = plain(words)
            .chars()
            .map(|letter| if matches!(letter, '_' | '-') { ' ' } else { letter })
            .collect();
        // A phrase begins where a word begins: "late" is not in "plate".
        let says = |phrase: &str| {
            if !WHOLE.contains(&phrase) {
                return contains(&plain, phrase);
            }
            plain.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == phrase)
        };
        WORDS
            .iter()
            .find(|(_, phrases)| phrases.iter().any(|phrase| says(phrase)))
            .map_or(Self::Other, |(reason, _)| *reason)
    }
}

/// How often a reason was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonShare {
    /// Which.
    pub reason: ReturnReason,
    /// Units sent back for it.
    pub units: u64,
    /// Their share of all units sent back.
    pub share: Option<Ratio>,
}

/// The distribution of reasons over returned units: most units first, equal ones in the order of
/// [`ReturnReason`]. Nothing said is [`ReturnReason::Other`].
#[must_use]
pub fn return_reasons<'a>(
    returns: impl IntoIterator<Item = (Option<&'a str>, u32)>,
) -> Vec<ReasonShare> {
    let mut sums: BTreeMap<ReturnReason, u64> = BTreeMap::new();
    for (words, units) in returns {
        let reason = words.map_or(ReturnReason::Other, ReturnReason::of);
        let sum = sums.entry(reason).or_default();
        *sum = sum.saturating_add(u64::from(units));
    }
    let all: u64 = sums.values().copied().fold(0, u64::saturating_add);
    let mut shares: Vec<ReasonShare> = sums
        .into_iter()
        .map(|(reason, units)| ReasonShare { reason, units, share: Ratio::new(units, all) })
        .collect();
    shares.sort_by(|a, b| b.units.cmp(&a.units).then_with(|| a.reason.cmp(&b.reason)));
    shares
}
