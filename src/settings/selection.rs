//! The selection file: which tools agents offer (docs/protocol.md#selection). Strict JSON.

mod change;

pub use change::{entry_in, etag, Change, ChangeError, Changed};

use super::lines::BOM;
use super::{file, short};
use crate::relay::{Patterns, Selection, SelectionEntry, Texts};
use crate::text::Language;
use crate::token::MAX_AGENT_ID_BYTES;
use jsonrpc::message::string;
use jsonrpc::scan::{self, Key, Notes, TextError};
use jsonrpc::splice::place_in;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// How many patterns with a `*` before their end one list may have: each is compared with every tool.
const MAX_WILD: usize = 32;

/// How many bytes a pattern may have.
const MAX_PATTERN: usize = 256;

/// The longest new name of a tool, in bytes. Models take less.
const MAX_NEW_NAME: usize = 256;

/// The largest file, in bytes.
const MAX_FILE: usize = 1 << 20;

/// How many mistakes are told.
const MAX_PROBLEMS: usize = 5;

/// Reads the file at `path`. Where there is none, nothing is chosen.
///
/// # Errors
/// What is wrong with it.
pub fn read(path: &Path, language: Language) -> Result<Selection, Vec<String>> {
    let is_missing = fs::symlink_metadata(path)
        .is_err_and(|e| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory));
    if is_missing {
        return Ok(Selection::default());
    }
    let text = file::read(path, language).map_err(|problem| vec![problem])?;
    parse(text.trim_start_matches(BOM), &path.display().to_string(), language)
}

/// Reads a text; `file` is its name in what is told.
///
/// # Errors
/// What is wrong with it, with line, column and path.
pub fn parse(text: &str, file: &str, language: Language) -> Result<Selection, Vec<String>> {
    let mut reader = Reader { text, file, language, problems: Vec::new() };
    reader.check()?;
    let entries = reader.entries();
    match reader.problems.is_empty() {
        true => Ok(Selection::new(entries, text)),
        false => Err(reader.problems),
    }
}

/// A path in the file, from its end: `("rename", &("kitchen", &("agents", …)))`.
struct Spot<'a> {
    name: &'a str,
    above: Option<&'a Spot<'a>>,
}

impl Spot<'_> {
    fn below<'a>(&'a self, name: &'a str) -> Spot<'a> {
        Spot { name, above: Some(self) }
    }

    /// `agents.kitchen.rename`
    fn path(&self) -> String {
        match self.above.map(Spot::path) {
            None => short(self.name),
            Some(above) => format!("{above}.{}", short(self.name)),
        }
    }
}

/// A member of an object: what its key says, the key as it is spelled, and the value.
type Member<'a> = (String, &'a str, &'a str);

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    language: Language,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// What is wrong at a byte, with its place in the file.
    fn said(&self, at: usize, what: &str) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        self.language.place_column(self.file, line, column, what)
    }

    /// Something is wrong with `part` of the text, whose path in it is `spot`.
    fn problem(&mut self, part: &str, spot: &Spot<'_>, what: &str) {
        if self.problems.len() < MAX_PROBLEMS {
            let at = place_in(self.text, part).unwrap_or_default().start;
            self.problems.push(self.said(at, &format!("{}: {what}", spot.path())));
        }
    }

    /// # Errors
    /// The text is not JSON.
    fn check(&self) -> Result<(), Vec<String>> {
        scan::check(self.text, &mut Notes::default()).map_err(
            |TextError { at, is_behind_value }| {
                vec![self.said(at, &self.syntax_error(at, is_behind_value))]
            },
        )
    }

    fn syntax_error(&self, at: usize, is_behind_value: bool) -> String {
        let language = self.language;
        let rest = self.text.get(at..).unwrap_or_default();
        let before = self.text.get(..at).unwrap_or_default().trim_end();
        match rest.chars().next() {
            None => language.json_ends_early(),
            Some('/' | '#') => language.json_comment(),
            Some('}' | ']') if before.ends_with(',') => language.json_trailing_comma(),
            Some('\'') => language.json_quotes(),
            Some(_) if is_behind_value => language.json_more_behind(),
            Some(c) => language.json_unexpected(&short(&c.to_string())),
        }
    }

    /// The members of an object; `None` if `value` is not an object.
    fn members(&mut self, value: &'a str, spot: &Spot<'_>) -> Vec<Member<'a>> {
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut add = |key: Key<'a>, value: &'a str| {
            members.push((key.name().into_owned(), key.spelled(), value));
        };
        if scan::members(value, &mut add).is_err() {
            let what = self.language.json_not_an_object();
            self.problem(value, spot, &what);
        }
        let mut seen = std::collections::HashSet::new();
        for (name, key, _) in &members {
            if !seen.insert(name.as_str()) {
                let what = self.language.json_said_twice();
                self.problem(key, &spot.below(name), &what);
            }
        }
        members
    }

    fn entries(&mut self) -> Vec<(Box<str>, SelectionEntry)> {
        let root = Spot { name: self.file, above: None };
        let agents = Spot { name: AGENTS, above: None };
        let mut entries = Vec::new();
        for (name, key, value) in self.members(self.text.trim(), &root) {
            if name != AGENTS {
                self.unknown(key, &Spot { name: &name, above: None }, &[AGENTS]);
                continue;
            }
            for (agent, key, value) in self.members(value, &agents) {
                let spot = agents.below(&agent);
                if agent.is_empty() || agent.len() > MAX_AGENT_ID_BYTES {
                    let what = self.language.no_agent_has_this_name();
                    self.problem(key, &spot, &what);
                }
                let entry = self.entry(value, &spot);
                entries.push((agent.as_str().into(), entry));
            }
        }
        entries
    }

    fn unknown(&mut self, key: &str, spot: &Spot<'_>, known: &[&str]) {
        let what = self.language.json_unknown_key(&known.join(", "));
        self.problem(key, spot, &what);
    }

    fn entry(&mut self, value: &'a str, spot: &Spot<'_>) -> SelectionEntry {
        let mut entry = SelectionEntry::default();
        for (name, key, value) in self.members(value, spot) {
            let spot = spot.below(&name);
            match name.as_str() {
                "only" => entry.only = Some(self.patterns(value, &spot)),
                "hide" => entry.hide = self.patterns(value, &spot),
                "rename" => entry.rename = self.texts(value, &spot, true),
                "describe" => entry.describe = self.texts(value, &spot, false),
                _ => self.unknown(key, &spot, &["only", "hide", "rename", "describe"]),
            }
        }
        entry
    }

    fn patterns(&mut self, value: &'a str, spot: &Spot<'_>) -> Patterns {
        let mut elements = Vec::new();
        if scan::elements(value, &mut |element| elements.push(element)).is_err() {
            let what = self.language.json_not_a_list();
            self.problem(value, spot, &what);
        }
        let (mut patterns, mut wild) = (Vec::new(), 0);
        for (place, element) in elements.into_iter().enumerate() {
            let number = place.to_string();
            let Some(pattern) = string(element).filter(|pattern| !pattern.is_empty()) else {
                let what = self.language.json_not_a_text();
                self.problem(element, &spot.below(&number), &what);
                continue;
            };
            let star = pattern.find('*');
            if pattern.len() > MAX_PATTERN && star.is_some() {
                let what = self.language.long_pattern(MAX_PATTERN);
                self.problem(element, &spot.below(&number), &what);
            }
            // One with a star at its end only is found by what it begins with.
            wild += usize::from(star.is_some_and(|at| at + 1 < pattern.len()));
            if wild == MAX_WILD + 1 {
                let what = self.language.too_many_patterns(MAX_WILD);
                self.problem(element, &spot.below(&number), &what);
            }
            patterns.push(pattern.into());
        }
        Patterns::new(patterns)
    }

    fn texts(&mut self, value: &'a str, spot: &Spot<'_>, are_names: bool) -> Texts {
        let mut texts = Vec::new();
        for (name, key, value) in self.members(value, spot) {
            let below = spot.below(&name);
            if name.is_empty() || (are_names && name.contains('*')) {
                let what = self.language.rename_is_exact();
                self.problem(key, &below, &what);
            }
            let Some(text) = string(value).filter(|text| !text.is_empty()) else {
                let what = self.language.json_not_a_text();
                self.problem(value, &below, &what);
                continue;
            };
            // Such a name is written as it is, without escapes.
            let is_odd = |c: char| c.is_control() || matches!(c, '"' | '\\');
            if are_names && (text.len() > MAX_NEW_NAME || text.contains(is_odd)) {
                let what = self.language.odd_new_name(MAX_NEW_NAME);
                self.problem(value, &below, &what);
            }
            texts.push((name.as_str().into(), text.into()));
        }
        Texts::new(texts)
    }
}

/// The member of the file that has the entries.
pub(super) const AGENTS: &str = "agents";

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        parse(text, "tools.json", Language::En).unwrap_err()
    }

    #[test]
    fn the_sample_of_the_documents_is_read() {
        let text = r#"{"agents": {
            "*":       {"hide": ["debug_*"]},
            "kitchen": {"only": ["time/*", "home/HassTurn*"], "rename": {"time/get_current_time": "now"},
                        "describe": {"now": "Tells the time. Use it when the user asks what time it is."}}
        }}"#;
        let selection = parse(text, "tools.json", Language::En).unwrap();
        assert!(!selection.is_empty());
        assert_eq!(selection.text(), text);
        for nothing in ["{}", r#"{"agents":{}}"#, " {\n}\n"] {
            assert!(parse(nothing, "tools.json", Language::En).unwrap().is_empty());
        }
        assert!(!parse(r#"{"agents":{"a":{"only":[]}}}"#, "", Language::En).unwrap().is_empty());
    }

    #[test]
    fn each_mistake_is_reported_with_line_column_and_path() {
        for (text, start, words) in [
            ("", "line 1, column 1: ", "ends"),
            ("{\"agents\": {\n  // kitchen\n", "line 2, column 3: ", "comment"),
            ("{\"agents\": {\n  \"a\": {},\n}}", "line 3, column 1: ", "comma"),
            ("{\"agents\": {\n  \"厨房\": {\"hide\": ['x']}}}", "line 2, column 19: ", "quotes"),
            ("{\"agents\":{}}x", "line 1, column 14: ", "after"),
            ("{\"agents\":{\"a\":tru}}", "line 1, column 16: ", "character t"),
            ("[]", "line 1, column 1: tools.json: ", "object"),
            ("{\"agent\":{}}", "line 1, column 3: agent: ", "agents"),
            ("{\"agents\":[]}", "line 1, column 11: agents: ", "object"),
            ("{\"agents\":{\"a\":\n[]}}", "line 2, column 1: agents.a: ", "object"),
            ("{\"agents\":{\"a\":{\"hid\":[]}}}", "line 1, column 18: agents.a.hid: ", "hide"),
            ("{\"agents\":{\"a\":{\"hide\":\"x\"}}}", "column 24: agents.a.hide: ", "list"),
            ("{\"agents\":{\"a\":{\"hide\":[\"x\",7]}}}", "column 29: agents.a.hide.1: ", "string"),
            ("{\"agents\":{\"a\":{\"only\":[\"\"]}}}", "column 25: agents.a.only.0: ", "string"),
            ("{\"agents\":{\"a\":{\"rename\":[]}}}", "column 26: agents.a.rename: ", "object"),
            ("{\"agents\":{\"a\":{\"rename\":{\"x\":1}}}}", "agents.a.rename.x: ", "string"),
            (
                "{\"agents\":{\"a\":{\"rename\":{\"x*\":\"y\"}}}}",
                "agents.a.rename.x*: ",
                "full name",
            ),
            (
                "{\"agents\":{\"a\":{\"rename\":{\"x\":\"a\\\"b\"}}}}",
                "agents.a.rename.x: ",
                "quotes",
            ),
            ("{\"agents\":{\"a\":{},\"a\":{}}}", "column 20: agents.a: ", "duplicate"),
            (
                "{\"agents\":{\"a\":{\"hide\":[],\"\\u0068ide\":[]}}}",
                "agents.a.hide: ",
                "duplicate",
            ),
            ("{\"agents\":{\"\":{}}}", "column 13: agents.: ", "agent"),
        ] {
            let said = problems(text);
            let place = format!("tools.json, {start}");
            let is_there = said[0].starts_with(&place) || said[0].contains(start);
            assert!(said.len() == 1 && is_there && said[0].contains(words), "{text}: {said:?}");
        }
    }

    #[test]
    fn no_more_than_a_few_mistakes_are_reported_and_not_too_many_patterns_are_taken() {
        let many = vec!["7"; 100].join(",");
        assert_eq!(
            problems(&format!(r#"{{"agents":{{"a":{{"hide":[{many}]}}}}}}"#)).len(),
            MAX_PROBLEMS
        );
        let file = |count| {
            let list: Vec<String> = (0..count).map(|n| format!("\"*{n}\"")).collect();
            format!(r#"{{"agents":{{"a":{{"hide":[{}]}}}}}}"#, list.join(","))
        };
        assert!(parse(&file(MAX_WILD), "", Language::En).is_ok());
        let ends: Vec<String> = (0..1_000).map(|n| format!("\"{n}*\"")).collect();
        let file_of = |list: &str| format!(r#"{{"agents":{{"a":{{"hide":[{list}]}}}}}}"#);
        assert!(parse(&file_of(&ends.join(",")), "", Language::En).is_ok());
        let long = format!("\"*{}\"", "a".repeat(MAX_PATTERN));
        assert!(problems(&file_of(&long))[0].contains("agents.a.hide.0: "));
        assert!(problems(&file(MAX_WILD + 1))[0].contains("agents.a.hide.32: "));
    }
}
