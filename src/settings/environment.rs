//! The environment: its variables, and the language they name before any settings are read.

use super::table::{row, VARIABLES};
use super::value;
use crate::text::Language;
use std::ffi::OsString;

/// Variables, each with its value. Few are looked at, which needs no table.
pub type Environment = Vec<(String, String)>;

/// The value of a variable.
pub(super) fn variable<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The variables of this process that settings and the choice of a language look at.
pub fn environment() -> Environment {
    let ours =
        |name: &str| name.starts_with(VARIABLES) || name.starts_with("LC_") || name == "LANG";
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (text(name), value));
    all.filter(|(name, _)| ours(name)).map(|(name, value)| (name, text(value))).collect()
}

/// The language that the environment names: by our variable, or by the locale.
pub(crate) fn named_language(environment: &Environment) -> Option<Language> {
    let row = row("server", "language")?;
    let ours = variable(environment, &row.variable()).unwrap_or_default();
    value::language(ours.trim()).flatten().or_else(|| match locale(environment) {
        locale if locale.starts_with("en") => Some(Language::En),
        locale if locale.starts_with("zh") => Some(Language::Zh),
        _ => None,
    })
}

/// The language of the system: English where its locale is English, else Chinese.
pub fn system_language(environment: &Environment) -> Language {
    match locale(environment).starts_with("en") {
        true => Language::En,
        false => Language::Zh,
    }
}

/// The locale of messages, in the order of POSIX; empty where there is none.
fn locale(environment: &Environment) -> &str {
    let names = ["LC_ALL", "LC_MESSAGES", "LANG"].iter();
    let mut set = names.filter_map(|name| variable(environment, name));
    set.find(|locale| !locale.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let with = |pairs: &[(&str, &str)]| {
            system_language(
                &pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            )
        };
        assert_eq!(with(&[]), Language::Zh);
        assert_eq!(with(&[("LANG", "en_US.UTF-8")]), Language::En);
        assert_eq!(with(&[("LC_ALL", "zh_CN.UTF-8"), ("LANG", "en_US")]), Language::Zh);
        assert_eq!(with(&[("LC_ALL", ""), ("LANG", "en_US")]), Language::En);
    }
}
