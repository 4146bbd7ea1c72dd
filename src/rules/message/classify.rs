//! What buyers ask, told by words in four languages.

use std::fmt::Debug;

use crate::rules::words::{contains, plain};
use serde::{Deserialize, Serialize};

/// What a buyer's message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageClass {
    /// When does it ship? Where is it?
    Urging,
    /// The order should be cancelled.
    Cancel,
    /// It should go elsewhere.
    AddressChange,
    /// Something is wrong with what came.
    Complaint,
    /// Anything else.
    Other,
}

/// Tells what a buyer's message is about. Hosts with something better implement this.
pub trait MessageClassifier: Debug + Send + Sync {
    /// What the text is about.
    fn classify(&self, text: &str) -> MessageClass;
}

/// Classifies by words in English, Spanish, Portuguese and Chinese.
///
/// Cancelling outweighs a change of address, that a complaint, and that urging: whoever writes
/// "cancel it or ship it" wants a person soon. Accents and case do not matter.
///
/// ```
/// use orderflow::rules::message::{KeywordClassifier, MessageClass, MessageClassifier};
///
/// let classifier = KeywordClassifier::default();
/// assert_eq!(classifier.classify("¿Cuándo envían mi pedido?"), MessageClass::Urging);
/// assert_eq!(classifier.classify("Quero cancelar a compra"), MessageClass::Cancel);
/// assert_eq!(classifier.classify("请问什么时候发货?"), MessageClass::Urging);
/// assert_eq!(classifier.classify("Thank you!"), MessageClass::Other);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KeywordClassifier {
    /// Phrases about cancelling.
    pub cancel: Vec<String>,
    /// Phrases that ask not to cancel: they are no phrases about cancelling.
    pub keep: Vec<String>,
    /// Phrases about another address.
    pub address_change: Vec<String>,
    /// Phrases of complaint.
    pub complaint: Vec<String>,
    /// Phrases that ask when it ships or where it is.
    pub urging: Vec<String>,
}

impl Default for KeywordClassifier {
    fn default() -> Self {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            cancel: list(&[
                "cancel",
                "do not want it",
                "don't want it",
                "anular",
                "ya no lo quiero",
                "desistir",
                "nao quero mais",
                "取消",
                "不要了",
                "不想要",
            ]),
            keep: list(&[
                "don't cancel",
                "dont cancel",
                "do not cancel",
                "no cancelen",
                "no canceles",
                "no cancele",
                "no lo cancele",
                "no la cancele",
                "nao cancele",
                "不要取消",
                "别取消",
            ]),
            address_change: list(&[
                "wrong address",
                "change the address",
                "change my address",
                "change address",
                "different address",
                "new address",
                "another address",
                "cambiar la direccion",
                "cambiar direccion",
                "cambio de direccion",
                "otra direccion",
                "direccion equivocada",
                "direccion incorrecta",
                "mudar o endereco",
                "trocar o endereco",
                "alterar o endereco",
                "outro endereco",
                "endereco errado",
                "改地址",
                "换地址",
                "地址错",
                "地址写错",
                "修改地址",
            ]),
            complaint: list(&[
                "broken",
                "damaged",
                "defective",
                "wrong item",
                "not as described",
                "missing part",
                "does not work",
                "doesn't work",
                "roto",
                "llego rota",
                "vino rota",
                "esta rota",
                "esta toda rota",
                "danado",
                "defectuoso",
                "equivocado",
                "no funciona",
                "incompleto",
                "quebrado",
                "quebrada",
                "danificado",
                "defeito",
                "errado",
                "nao funciona",
                "veio faltando",
                "破",
                "坏",
                "损坏",
                "发错",
                "少发",
                "质量",
                "投诉",
            ]),
            urging: list(&[
                "when will",
                "when do you ship",
                "when my order",
                "when is my",
                "when does it",
                "when are you",
                "not shipped",
                "hasn't shipped",
                "has not shipped",
                "haven't shipped",
                "not arrived",
                "hasn't arrived",
                "not received",
                "haven't received",
                "still waiting",
                "where is my",
                "where's my",
                "where is the",
                "where is order",
                "where's order",
                "hurry",
                "ship it",
                "ship my",
                "cuando",
                "envian",
                "ya enviaron",
                "ya lo enviaron",
                "ya salio",
                "no ha llegado",
                "no llego",
                "no ha salido",
                "donde esta",
                "demora",
                "urgente",
                "apurate",
                "quando",
                "nao chegou",
                "nao enviou",
                "ja enviou",
                "ja enviaram",
                "ja foi enviado",
                "ja saiu",
                "nao foi enviado",
                "onde esta",
                "cade",
                "atrasado",
                "atraso",
                "发货",
                "催",
                "什么时候",
                "还没到",
                "没收到",
                "物流",
                "快点",
                "几天能到",
            ]),
        }
    }
}

impl MessageClassifier for KeywordClassifier {
    fn classify(&self, text: &str) -> MessageClass {
        let text = plain(text);
        let says =
            |phrases: &[String]| phrases.iter().any(|phrase| contains(&text, &plain(phrase)));
        let asked =
            self.keep.iter().map(|phrase| plain(phrase)).filter(|phrase| !phrase.is_empty());
        let without = asked.fold(text.clone(), |text, phrase| text.replace(&phrase, " "));
        let cancels = self.cancel.iter().any(|phrase| contains(&without, &plain(phrase)));
        if cancels {
            MessageClass::Cancel
        } else if says(&self.address_change) {
            MessageClass::AddressChange
        } else if says(&self.complaint) {
            MessageClass::Complaint
        } else if says(&self.urging) {
            MessageClass::Urging
        } else {
            MessageClass::Other
        }
    }
}
