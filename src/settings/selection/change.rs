//! Changing an agent's entry in the selection file (docs/protocol.md#selection-over-http).

use super::{parse, read, Reader, AGENTS, MAX_FILE};
use crate::ownership;
use crate::relay::Selection;
use crate::settings::file::decode;
use crate::settings::lines::BOM;
use crate::settings::save;
use crate::text::Language;
use jsonrpc::message::{last_member, quoted};
use jsonrpc::scan;
use jsonrpc::splice::place_in;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// A change of one entry, still to be made. It has all that is needed, because a helper thread makes it.
#[derive(Debug)]
pub struct Change {
    /// The selection file; `None`: there is none.
    pub file: Option<PathBuf>,
    /// The agent's id, or `*` for all agents.
    pub agent: String,
    /// The new entry, or `null` to remove the entry.
    pub entry: Vec<u8>,
    /// The tag of the text that the change is for; `None`: any text.
    pub if_match: Option<String>,
    /// The language of the reader.
    pub language: Language,
}

/// A change that was made.
#[derive(Debug)]
pub struct Changed {
    /// The file.
    pub file: PathBuf,
    /// Whose entry was changed.
    pub agent: String,
    /// The selection in the file now.
    pub selection: Selection,
    /// The entry before, as it was spelled.
    pub before: Option<String>,
}

/// Why the selection was not changed.
#[derive(Debug)]
pub enum ChangeError {
    /// The file is not what it was: this is the selection in it now.
    Changed(Selection),
    /// The file or the new entry is wrong.
    Invalid(Vec<String>),
    /// Another program, or other changes, keep the file busy.
    Busy,
    /// The file cannot be written.
    NotWritten(String),
}

/// What tells one text of the file from another.
pub fn etag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// The entry of an agent in the text of a file, as it is spelled.
pub fn entry_in<'a>(text: &'a str, agent: &str) -> Option<&'a str> {
    last_member(last_member(text, AGENTS)?, agent)
}

impl Change {
    /// Makes the change, if the file is what it is for. Waits for the disk, and for other programs.
    ///
    /// # Errors
    /// Why it was not made; then nothing was written.
    pub fn make(self) -> Result<Changed, ChangeError> {
        let Change { file, agent, entry, if_match, language } = self;
        let Some(file) = file else {
            return Err(ChangeError::NotWritten(language.no_selection_file()));
        };
        let path = &file;
        let shown = path.display().to_string();
        let Some(_lock) = save::lock(path) else { return Err(ChangeError::Busy) };
        let old = read(path, language).map_err(ChangeError::Invalid)?;
        let is_other = |tag: &str| tag != "*" && tag.trim_start_matches("W/") != etag(old.text());
        if if_match.as_deref().is_some_and(is_other) {
            return Err(ChangeError::Changed(old));
        }
        let entry = decode(entry, Path::new(&agent), language)
            .map_err(|problem| ChangeError::Invalid(vec![problem]))?;
        let entry = entry.trim_start_matches(BOM).trim();
        // By itself first: it must not reach beyond its place.
        let reader = Reader { text: entry, file: &agent, language, problems: Vec::new() };
        reader.check().map_err(ChangeError::Invalid)?;
        let text = match entry {
            "null" => without_entry(old.text(), &agent),
            entry => with_entry(old.text(), &agent, entry),
        };
        if text.len() > MAX_FILE {
            return Err(ChangeError::Invalid(vec![language.config_too_large(&shown)]));
        }
        // There is no file, and none is needed.
        let selection = match text.is_empty() {
            true => Selection::default(),
            false => parse(&text, &shown, language).map_err(ChangeError::Invalid)?,
        };
        let saved = match old.text() {
            same if same == text => Ok(()),
            "" => save::create(path, &text),
            old => save::update(path, old, &text),
        };
        saved.map_err(|error| {
            ChangeError::NotWritten(match ownership::obstacle(path) {
                Some(obstacle) => language.obstacle(&obstacle),
                None => language.selection_not_saved(&shown, language.not_writable(error)),
            })
        })?;
        let before = entry_in(old.text(), &agent).map(str::to_owned);
        Ok(Changed { file, agent, selection, before })
    }
}

/// `text` with `entry` as the entry of an agent. Everything else stays as it is.
fn with_entry(text: &str, agent: &str, entry: &str) -> String {
    let key = quoted(agent);
    let Some(agents) = last_member(text, AGENTS) else {
        return format!("{{\"agents\": {{\n  {key}: {entry}\n}}}}\n");
    };
    let (part, new) = match last_member(agents, agent) {
        Some(old) => (old, entry.to_owned()),
        None => {
            let inside = agents.get(1..).unwrap_or_default();
            let end = if inside.trim_start().starts_with('}') { "\n" } else { "," };
            (agents.get(..1).unwrap_or_default(), format!("{{\n  {key}: {entry}{end}"))
        }
    };
    let place = place_in(text, part).unwrap_or_default();
    let (before, behind) = (text.get(..place.start), text.get(place.end..));
    [before.unwrap_or_default(), &new, behind.unwrap_or_default()].concat()
}

/// `text` without the entry of an agent. What [`with_entry`] has added leaves no trace.
fn without_entry(text: &str, agent: &str) -> String {
    let mut found = None;
    let _ = scan::members(last_member(text, AGENTS).unwrap_or_default(), |key, value| {
        if key.name() == agent {
            found = place_in(text, key.spelled()).zip(place_in(text, value));
        }
    });
    let Some((key, value)) = found else { return text.to_owned() };
    // The key stands in quotes.
    let before = text.get(..key.start.saturating_sub(1)).unwrap_or_default().trim_end();
    let behind = text.get(value.end..).unwrap_or_default();
    match (behind.trim_start().strip_prefix(','), before.strip_suffix(',')) {
        (Some(behind), _) => [before, behind].concat(),
        (None, Some(before)) => [before, behind].concat(),
        (None, None) => [before, behind.strip_prefix('\n').unwrap_or(behind)].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_put_into_its_place_and_nothing_else_changes() {
        for (text, agent, expected) in [
            ("", "a", "{\"agents\": {\n  \"a\": {1}\n}}\n"),
            ("{}", "a\"b", "{\"agents\": {\n  \"a\\\"b\": {1}\n}}\n"),
            ("{\"agents\":{}}", "a", "{\"agents\":{\n  \"a\": {1}\n}}"),
            ("{\"agents\":{ \"b\" : {} }}", "a", "{\"agents\":{\n  \"a\": {1}, \"b\" : {} }}"),
            (
                " {\"agents\":{\"b\":{}, \"a\" :{}\n}}\n",
                "a",
                " {\"agents\":{\"b\":{}, \"a\" :{1}\n}}\n",
            ),
        ] {
            assert_eq!(with_entry(text, agent, "{1}"), expected, "{text}");
        }
    }

    #[test]
    fn an_entry_that_was_added_is_removed_without_a_trace() {
        for text in [
            "{\"agents\":{}}",
            "{\"agents\": { }}\n",
            "{\"agents\":{ \"b\" : {} }}",
            "{\"agents\": {\n  \"b\": {\"hide\": [\"x\"]},\n  \"c\": {}\n}}\n",
        ] {
            let added = with_entry(text, "a\"b", "{\"hide\": [\"y\"]}");
            assert_eq!(without_entry(&added, "a\"b"), text);
            assert_eq!(without_entry(text, "a\"b"), text);
        }
        let three = "{\"agents\": {\"a\": {},\n \"b\": {} ,\n \"c\": {}\n}}";
        for (agent, expected) in [
            ("a", "{\"agents\": {\n \"b\": {} ,\n \"c\": {}\n}}"),
            ("b", "{\"agents\": {\"a\": {},\n \"c\": {}\n}}"),
            ("c", "{\"agents\": {\"a\": {},\n \"b\": {} \n}}"),
        ] {
            assert_eq!(without_entry(three, agent), expected);
        }
        assert_eq!(without_entry("", "a"), "");
    }
}
