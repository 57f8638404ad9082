//! The command line.

pub use super::commands::Task;
use super::commands::{Given, SubCommand, DEMO, LEFT_OUT, OPTIONS, SUBCOMMANDS};
use crate::escape::visible;
use crate::settings::environment::{self, Environment};
use crate::settings::table::{self, Row, TABLE};
use crate::settings::{language_named, short, Sources};
use crate::spelling::edits;
use crate::text::Language;
use lexopt::{Arg, Error, Parser, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Run the server.
    Run(Sources),
    /// Check the configuration, say so, and end.
    Test(Sources),
    /// Do something beside the server, and end.
    Beside(Task, Sources),
    /// Be an MCP server on standard input and output, in this language. It needs no configuration.
    Demo(Language),
    /// Print [`super::help::text`] of the program, or of the command with this name, and end.
    Help(Language, Option<String>),
    /// Print the version and end.
    Version,
}

/// How many letters a slip of the finger changes at most.
const ALIKE: usize = 2;

/// What is wrong with a command line.
enum Fault {
    /// The parser says it.
    Option(Error),
    /// There is no such sub-command.
    SubCommand(String),
    /// This program was built without this sub-command.
    LeftOut(&'static str),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Option(error)
    }
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// One line that names the option; the program ends with status 2.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
) -> Result<Command, String> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let language = chosen(&arguments)
        .or_else(|| environment::named_language(&environment))
        .unwrap_or_else(|| environment::system_language(&environment));
    let mut parser = Parser::from_args(arguments);
    read(&mut parser, language, environment).map_err(|fault| match fault {
        Fault::LeftOut(DEMO) => language.demo_not_built_in(),
        Fault::LeftOut(_) => language.not_built_in(),
        Fault::SubCommand(name) => {
            let distance = |known: &&SubCommand| edits(known.name(), &name);
            match SUBCOMMANDS.iter().min_by_key(distance) {
                Some(near) if distance(&near) <= ALIKE => {
                    language.unknown_command(&short(&name), near.name())
                }
                _ => {
                    let known: Vec<&str> = SUBCOMMANDS.iter().map(SubCommand::name).collect();
                    language.strange_command(&short(&name), &known.join(", "))
                }
            }
        }
        Fault::Option(error) => said(error, language),
    })
}

fn said(error: Error, language: Language) -> String {
    match error {
        Error::MissingValue { option } => {
            language.option_without_value(&option.unwrap_or_default())
        }
        Error::UnexpectedOption(option) => language.unknown_option(&visible(&option)),
        Error::UnexpectedArgument(argument) => {
            language.unknown_option(&visible(&argument.to_string_lossy()))
        }
        Error::UnexpectedValue { option, .. } => language.option_with_value(&option),
        other => language.option_unreadable(&visible(&other.to_string())),
    }
}

fn read(
    parser: &mut Parser,
    language: Language,
    environment: Environment,
) -> Result<Command, Fault> {
    let lookup: fn(&str) -> Option<String> = |name| std::env::var(name).ok();
    let mut sources = Sources { environment, lookup: Some(lookup), ..Sources::default() };
    let (mut test, mut given) = (false, Given::default());
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => {
                let behind = || parser.raw_args().ok()?.next()?.into_string().ok();
                let name = given.word().or_else(behind);
                return Ok(Command::Help(language, name));
            }
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            Arg::Short('t') | Arg::Long("test") => test = true,
            Arg::Long("demo") if LEFT_OUT.contains(&DEMO) => return Err(Fault::LeftOut(DEMO)),
            Arg::Long("demo") => {
                let program =
                    std::env::current_exe().unwrap_or_else(|_| env!("CARGO_PKG_NAME").into());
                sources.demo = Some(program.to_string_lossy().into_owned());
            }
            Arg::Short('c') | Arg::Long("config") => {
                sources.config = Some(PathBuf::from(parser.value()?));
            }
            Arg::Short('v') | Arg::Long("verbose") => {
                let level = table::row("server", "log_level");
                sources.overrides.extend(level.map(|row| (row, "DEBUG".to_owned())));
            }
            Arg::Long(name) => {
                if let Some((name, has_value)) = OPTIONS.iter().find(|(known, _)| *known == name) {
                    let value = if *has_value { parser.value()?.string()? } else { String::new() };
                    given.options.push((name, value));
                } else if let Some(row) = by_option(name) {
                    sources.overrides.push((row, parser.value()?.string()?));
                } else {
                    return Err(Arg::Long(name).unexpected().into());
                }
            }
            Arg::Value(word) => {
                let word = word.string()?;
                let left_out =
                    LEFT_OUT.iter().find(|name| given.words.is_empty() && **name == word);
                if let Some(name) = left_out {
                    return Err(Fault::LeftOut(name));
                }
                given.words.push(word);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let found = match given.word() {
        Some(name) => match SUBCOMMANDS.iter().find(|known| known.name() == name) {
            None => return Err(Fault::SubCommand(name)),
            found => found,
        },
        None => None,
    };
    let taken = found.map_or(&[][..], |found| found.options);
    if let Some((other, _)) = given.options.iter().find(|(name, _)| !taken.contains(name)) {
        return Err(Arg::Long(other).unexpected().into());
    }
    let Some(found) = found else {
        return Ok(match test {
            true => Command::Test(heeding_environment(sources)),
            false => Command::Run(sources),
        });
    };
    if sources.demo.is_some() {
        return Err(Arg::Long("demo").unexpected().into());
    }
    let task = found.task.map(|task| task(&mut given));
    if let Some(more) = given.word() {
        return Err(Arg::Value(more.into()).unexpected().into());
    }
    if test {
        return Err(Arg::Long("test").unexpected().into());
    }
    Ok(match task {
        None => Command::Demo(language),
        Some(task) => Command::Beside(task, heeding_environment(sources)),
    })
}

/// A command speaks the language of its caller rather than that of the configuration: what the environment
/// says counts as an option where there is none.
fn heeding_environment(mut sources: Sources) -> Sources {
    let is_language = |row: &&Row| row.option == Some("language");
    if sources.overrides.iter().all(|(row, _)| !is_language(row)) {
        let named = environment::named_language(&sources.environment);
        let code = named.map(Language::code);
        let row = TABLE.iter().find(is_language);
        sources.overrides.extend(row.zip(code).map(|(row, code)| (row, code.to_owned())));
    }
    sources
}

/// The language that an option names, wherever it stands.
fn chosen(arguments: &[OsString]) -> Option<Language> {
    let name = "--language";
    let mut named = None;
    let mut rest = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = rest.next() {
        let value = match argument.strip_prefix(name) {
            Some("") => rest.next(),
            Some(value) => value.strip_prefix('=').map(|value| value.to_owned().into()),
            None => None,
        };
        named = value.and_then(|value| language_named(value.trim())).flatten().or(named);
    }
    named
}

fn by_option(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.option == Some(name))
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "doctor")]
    use super::super::commands::Call;
    use super::*;

    fn run(arguments: &[&str]) -> Result<Command, String> {
        let environment = vec![("LANG".to_owned(), "en_GB.UTF-8".to_owned())];
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
        assert!(matches!(run(&["-h"]), Ok(Command::Help(Language::En, None))));
        assert!(matches!(run(&["-h"]), Ok(Command::Help(Language::En, None))));
        assert!(matches!(run(&["-v", "demo"]), Ok(Command::Demo(Language::En))));
        assert!(matches!(run(&["--version"]), Ok(Command::Version)));
    }

    #[cfg(feature = "doctor")]
    fn task(arguments: &[&str]) -> Task {
        match run(arguments) {
            Ok(Command::Beside(task, ..)) => task,
            other => panic!("{other:?}"),
        }
    }

    #[cfg(feature = "doctor")]
    #[test]
    fn a_sub_command_may_stand_anywhere_between_options() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(task(&["token"]), Task::Token(None));
        assert_eq!(
            task(&["--port", "1", "token", "-c", "x", "kitchen"]),
            Task::Token(some("kitchen"))
        );
        assert_eq!(task(&["doctor", "http://h"]), Task::Doctor(some("http://h")));
        assert_eq!(task(&["health"]), Task::Health(None));
        assert_eq!(task(&["status", "--watch"]), Task::Status { at: None, watch: true });
        assert_eq!(task(&["--watch", "status", "h"]), Task::Status { at: some("h"), watch: true });
        let tools = |agent| Task::Tools { agent: some(agent), json: true, changes: Vec::new() };
        assert_eq!(task(&["tools", "--json", "kitchen"]), tools("kitchen"));
        assert_eq!(task(&["--json", "tools", "--agent=a"]), tools("a"));
        let (tool, agent) = (some("now"), some("a"));
        let call = Call { tool, agent, arguments: vec!["x=1".to_owned()], json: false };
        assert_eq!(task(&["call", "now", "--agent", "a", "x=1"]), Task::Call(call));
    }

    #[test]
    fn help_may_be_about_one_command() {
        for arguments in [&["call", "-h"][..], &["--help", "call"], &["call", "x", "--help", "y"]] {
            let named = run(arguments);
            assert!(matches!(&named, Ok(Command::Help(_, Some(name))) if name == "call"));
        }
    }

    #[test]
    fn an_unknown_sub_command_gets_the_nearest_name() {
        let strange = parse([OsString::from("run")], Vec::new()).unwrap_err();
        let known = "token, status, doctor, health, reload, tools, call, demo";
        assert!(strange.contains(known), "{strange}");
        for (given, nearest) in [("doktor", "doctor"), ("tokens", "token"), ("stat", "status")] {
            let line = run(&[given]).unwrap_err();
            assert!(line.contains(given) && line.contains(&format!("`{nearest}`")), "{line}");
        }
    }

    #[test]
    fn the_language_of_a_sub_command_and_of_help_is_the_one_that_was_chosen() {
        let spoken = |arguments: &[&str]| match run(arguments) {
            Ok(Command::Help(language, _)) => language,
            Ok(Command::Beside(_, sources) | Command::Test(sources)) => {
                crate::settings::check(&sources).unwrap().settings.server.language
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(spoken(&["health"]), Language::En);
        assert_eq!(spoken(&["-t"]), Language::En);
        assert_eq!(spoken(&["health", "--language", "zh"]), Language::Zh);
        assert_eq!(spoken(&["--language", "zh", "--help"]), Language::Zh);
        assert_eq!(spoken(&["--help", "--language=zh"]), Language::Zh);
        let wrong = run(&["--prot", "1", "--language", "zh"]).unwrap_err();
        assert!(wrong.contains("未知"), "{wrong}");
        let silent = [("LANG", "C.UTF-8"), ("MCP_ENDPOINT_SERVER_LANGUAGE", "en")];
        for (pairs, expected) in [(&silent[..1], None), (&silent, Some(Language::En))] {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(environment::named_language(&pairs.collect()), expected);
        }
    }

    #[test]
    fn a_wrong_option_is_one_line_that_names_it() {
        for (arguments, named) in [
            (&["--prot", "1"][..], "--prot"),
            (&["-x"], "-x"),
            (&["run"], "run"),
            (&["token", "a", "b"], "b"),
            (&["--watch"], "--watch"),
            (&["doctor", "--watch"], "--watch"),
            (&["doctor", "-t"], "--test"),
            (&["demo", "--watch"], "--watch"),
            (&["demo", "x"], "x"),
            (&["health", "--demo"], "--demo"),
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
        assert_eq!(parse(arguments, Vec::new()).unwrap_err().lines().count(), 1);
    }
}
