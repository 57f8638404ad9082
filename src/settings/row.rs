//! One row of the table of options.

use super::value::Kind;
use crate::text::Language;

/// One option.
#[derive(Debug)]
pub struct Row {
    /// The section it stands in.
    pub section: &'static str,
    /// Its key.
    pub key: &'static str,
    /// Its default, as it would be written in the file.
    pub default: &'static str,
    /// What its value is, and where that goes.
    pub kind: Kind,
    /// What it means, its unit, what 0 means, and what a peer sees when it bites; in Chinese.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// Its option on the command line, without the `--`.
    pub option: Option<&'static str>,
    /// Whether empty is a value of its own; elsewhere empty means the default.
    pub may_be_empty: bool,
}

impl Row {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{VARIABLES}{}_{}", self.section, self.key).to_ascii_uppercase()
    }

    /// What it means.
    pub fn meaning(&self, language: Language) -> &'static str {
        match language {
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }
}

/// What the names of all our environment variables begin with.
pub const VARIABLES: &str = "MCP_ENDPOINT_";

/// What most rows leave out.
pub(super) const ROW: Row = Row {
    section: "",
    key: "",
    default: "",
    kind: Kind::Switch(|_, _| ()),
    zh: "",
    en: "",
    option: None,
    may_be_empty: false,
};
