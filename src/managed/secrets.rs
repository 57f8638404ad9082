//! Secrets of the servers file, masked in what people read.

use crate::sorted::sorted;

/// What stands for a secret.
const MASK: &str = "****";

/// `text` with every secret masked.
pub fn masked(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    // The longest first: one may be a part of another.
    let present = secrets.iter().filter(|secret| text.contains(*secret));
    for (_, secret) in sorted(present.map(|secret| (secret.len(), secret))).into_iter().rev() {
        text = text.replace(secret.as_str(), MASK);
    }
    text
}
