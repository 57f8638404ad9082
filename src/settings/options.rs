//! The command line.

use super::table::{Row, TABLE};
use super::Sources;
use crate::text::Language;
use lexopt::{Arg, Error, Parser, ValueExt};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Run the server.
    Run(Sources),
    /// Check the configuration, say so, and end.
    Test(Sources),
    /// Print [`super::render::help`] and end.
    Help(Language),
    /// Print the version and end.
    Version,
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// One line that names the option; the program ends with status 2.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: BTreeMap<String, String>,
) -> Result<Command, String> {
    let language = language(&environment);
    let arguments: Vec<_> = arguments.into_iter().collect();
    let mut parser = Parser::from_args(arguments);
    read(&mut parser, language, environment).map_err(|error| match error {
        Error::MissingValue { option } => {
            language.option_without_value(&option.unwrap_or_default())
        }
        Error::UnexpectedOption(option) => language.unknown_option(&shown(&option)),
        Error::UnexpectedArgument(argument) => {
            language.unknown_option(&shown(&argument.to_string_lossy()))
        }
        Error::UnexpectedValue { option, .. } => language.option_with_value(&option),
        other => language.option_unreadable(&shown(&other.to_string())),
    })
}

fn shown(text: &str) -> String {
    crate::logging::visible(text).into_owned()
}

fn read(
    parser: &mut Parser,
    language: Language,
    environment: BTreeMap<String, String>,
) -> Result<Command, Error> {
    let mut sources = Sources { environment, ..Sources::default() };
    let mut test = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(language)),
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            Arg::Short('t') | Arg::Long("test") => test = true,
            Arg::Short('c') | Arg::Long("config") => {
                sources.config = Some(PathBuf::from(parser.value()?));
            }
            Arg::Short('v') | Arg::Long("verbose") => {
                let level = super::table::row("server", "log_level");
                sources.overrides.extend(level.map(|row| (row, "DEBUG".to_owned())));
            }
            Arg::Long(name) => match by_option(name) {
                Some(row) => sources.overrides.push((row, parser.value()?.string()?)),
                None => return Err(Arg::Long(name).unexpected()),
            },
            other => return Err(other.unexpected()),
        }
    }
    Ok(if test { Command::Test(sources) } else { Command::Run(sources) })
}

fn by_option(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.option == Some(name))
}

/// The language of somebody whose settings are not read yet: English where the system speaks it.
pub fn language(environment: &BTreeMap<String, String>) -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| environment.get(*name))
        .find(|locale| !locale.is_empty());
    match locale {
        Some(locale) if locale.starts_with("en") => Language::En,
        _ => Language::Zh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Result<Command, String> {
        let environment = BTreeMap::from([("LANG".to_owned(), "en_GB.UTF-8".to_owned())]);
        parse(arguments.iter().map(OsString::from), environment)
    }

    #[test]
    fn options_of_the_table_override() {
        let Ok(Command::Run(sources)) = run(&["-v", "--port=1", "--port", "2", "-cx.cfg"]) else {
            panic!("not to be run");
        };
        let said: Vec<_> = sources.overrides.iter().map(|(r, v)| (r.key, v.as_str())).collect();
        assert_eq!(said, [("log_level", "DEBUG"), ("port", "1"), ("port", "2")]);
        assert_eq!(sources.config, Some(PathBuf::from("x.cfg")));
        assert!(matches!(run(&["-t"]), Ok(Command::Test(_))));
        assert!(matches!(run(&["-h"]), Ok(Command::Help(Language::En))));
        assert!(matches!(run(&["--version"]), Ok(Command::Version)));
    }

    #[test]
    fn a_wrong_option_is_one_line_that_names_it() {
        for (arguments, named) in [
            (&["--prot", "1"][..], "--prot"),
            (&["-x"], "-x"),
            (&["run"], "run"),
            (&["--port"], "--port"),
            (&["-c"], "-c"),
            (&["--test=1"], "--test"),
            (&["a\nb"], "a\\nb"),
        ] {
            let line = run(arguments).unwrap_err();
            assert!(line.contains(named) && line.lines().count() == 1, "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let arguments = ["--host".into(), OsString::from_vec(vec![0xff])];
        assert_eq!(parse(arguments, BTreeMap::new()).unwrap_err().lines().count(), 1);
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let with = |pairs: &[(&str, &str)]| {
            language(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert_eq!(with(&[]), Language::Zh);
        assert_eq!(with(&[("LANG", "en_US.UTF-8")]), Language::En);
        assert_eq!(with(&[("LC_ALL", "zh_CN.UTF-8"), ("LANG", "en_US")]), Language::Zh);
        assert_eq!(with(&[("LC_ALL", ""), ("LANG", "en_US")]), Language::En);
    }
}
