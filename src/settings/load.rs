//! Option over environment over file: reading them all, and telling everything that is wrong.

use super::environment::{system_language, variable, Environment};
use super::file::{self, Source};
use super::key::{new_key, with_key, MIN_KEY_CHARS};
use super::lines::{Content, Entry};
use super::table::{row, Row, SECTIONS, TABLE, VARIABLES};
use super::{save, selection, servers, short, value, Settings};
use crate::ownership;
use crate::relay::Selection;
use crate::sorted::sorted;
use crate::spelling::edits;
use crate::text::Language;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where settings come from.
#[derive(Debug, Default)]
pub struct Sources {
    /// The working directory, from which the file is looked for; empty: the one of the process.
    pub folder: PathBuf,
    /// The file, where it is not the default one.
    pub config: Option<PathBuf>,
    /// The environment; other variables than ours do not matter.
    pub environment: Environment,
    /// Looks up a variable of another program that the servers file names.
    pub lookup: Option<fn(&str) -> Option<String>>,
    /// This program, where it is to run itself as a tool server for a demonstration.
    pub demo: Option<String>,
    /// What options said, the last word last.
    pub overrides: Vec<(&'static Row, String)>,
}

/// Settings that were read without a fault.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The configuration file, which need not exist.
    pub file: PathBuf,
    /// What was done about it: sentences for the log.
    pub notes: Vec<String>,
    /// What is odd about it: sentences for the log. They never contain a key.
    pub warnings: Vec<String>,
    /// Whether a section, a key or a variable is one that nobody knows.
    pub has_unknown_names: bool,
}

/// Everything that is wrong, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// Reads the settings at the start. Creates the file where there is none, and the key where there
/// is none; where they cannot be saved, a warning says so (docs/protocol.md#key).
///
/// # Errors
/// Everything that is wrong; then nothing was written.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    let (source, mut loaded) = read(sources)?;
    read_files(sources, &mut loaded)?;
    if !source.fresh && !key_is_wanted(sources, &loaded.settings) {
        return Ok(loaded);
    }
    // Another start may be making them at this moment: the second one takes what the first has made.
    let _lock = save::lock(&source.file);
    let (source, mut loaded) = read(sources)?;
    read_files(sources, &mut loaded)?;
    let language = loaded.settings.server.language;
    let mut text = source.text.clone();
    if key_is_wanted(sources, &loaded.settings) {
        let short = !loaded.settings.server.key.is_empty();
        let key = new_key().map_err(|error| Problems(vec![language.no_random_key(error)]))?;
        text = with_key(&text, &source.content, &key);
        loaded.settings.server.key = key;
        if short {
            loaded.warnings.push(language.key_was_short(MIN_KEY_CHARS));
        }
    }
    let made_a_key = text != source.text;
    let shown = source.file.display();
    let saved = match (source.fresh, made_a_key) {
        (true, _) => save::create(&source.file, &text),
        (false, true) => save::update(&source.file, &source.text, &text),
        (false, false) => return Ok(loaded),
    };
    let saved = saved.map_err(|error| match ownership::obstacle(&source.file) {
        Some(obstacle) => language.obstacle(&obstacle),
        None => language.not_writable(error),
    });
    match saved {
        Ok(()) => {
            if source.fresh {
                loaded.notes.push(language.config_created(&shown));
            }
            if made_a_key {
                loaded.notes.push(language.key_saved(&shown));
            }
        }
        Err(error) if made_a_key => loaded.warnings.push(language.key_not_saved(&shown, error)),
        Err(error) => loaded.warnings.push(language.config_not_created(&shown, error)),
    }
    Ok(loaded)
}

/// Reads the settings again while the server runs with `current` ones, and writes nothing. A file
/// without a key leaves the current one in force. `had_file`: the current ones came from a file. Without
/// it all would be as in a new one, limits and allowed origins too, so its absence is a fault then.
///
/// # Errors
/// Everything that is wrong.
pub fn reload(sources: &Sources, current: &Settings, had_file: bool) -> Result<Loaded, Problems> {
    let (source, mut loaded) = read(sources)?;
    read_files(sources, &mut loaded)?;
    let language = current.server.language;
    if source.fresh && had_file {
        return Err(Problems(vec![language.config_gone(source.file.display())]));
    }
    if key_is_wanted(sources, &loaded.settings) {
        if !loaded.settings.server.key.is_empty() {
            loaded.warnings.push(loaded.settings.server.language.key_stays(MIN_KEY_CHARS));
        }
        loaded.settings.server.key.clone_from(&current.server.key);
    }
    Ok(loaded)
}

/// Reads the settings only to see whether they are right, and writes nothing; the key may be
/// missing. The files that the settings name are not read.
///
/// # Errors
/// Everything that is wrong.
pub fn check(sources: &Sources) -> Result<Loaded, Problems> {
    read(sources).map(|(_, loaded)| loaded)
}

/// Like [`check`], with the files that the settings name.
///
/// # Errors
/// Everything that is wrong.
pub fn check_files(sources: &Sources) -> Result<Loaded, Problems> {
    let mut loaded = check(sources)?;
    read_files(sources, &mut loaded)?;
    Ok(loaded)
}

/// Reads the files that the settings name.
fn read_files(sources: &Sources, loaded: &mut Loaded) -> Result<(), Problems> {
    let settings = &mut loaded.settings;
    let language = settings.server.language;
    if let Some(named) = &settings.tools.servers_file {
        let is_default =
            row("tools", "servers_file").is_some_and(|row| named.as_os_str() == row.default);
        let variables = |name: &str| sources.lookup.and_then(|lookup| lookup(name));
        let path = sources.folder.join(named);
        let found = servers::read(&path, named.display(), is_default, &variables, language)
            .map_err(|problem| Problems(vec![problem]))?;
        loaded.notes.extend(found.notes);
        loaded.warnings.extend(found.warnings);
        loaded.has_unknown_names |= found.is_doubtful;
        settings.servers = found.entries;
    }
    if let Some(program) = &sources.demo {
        if servers::add_demo(&mut settings.servers, program, language) {
            loaded.warnings.push(language.servers_demo_instead());
        }
    }
    let mut selection = Selection::default();
    if let Some(path) = &settings.tools.selection_file {
        let path = sources.folder.join(path);
        selection = selection::read(&path, language).map_err(Problems)?;
        if !settings.relay.handshake && !selection.is_empty() {
            loaded.warnings.push(language.selection_is_off(&path.display().to_string()));
        }
    }
    settings.set_selection(selection);
    Ok(())
}

/// Whether a start with these settings would make a key. One from the environment is used as it is.
pub fn key_is_wanted(sources: &Sources, settings: &Settings) -> bool {
    let given = |row: &Row| given(sources, row).is_some();
    settings.server.key.chars().count() < MIN_KEY_CHARS && !row("server", "key").is_some_and(given)
}

fn read(sources: &Sources) -> Result<(Source, Loaded), Problems> {
    let language = spoken(sources, None);
    let source = file::find(&sources.folder, sources.config.as_deref(), language)
        .map_err(|problem| Problems(vec![problem]))?;
    let mut loaded = understand(&source, sources)?;
    warn_of_readers(&source, sources, &mut loaded);
    Ok((source, loaded))
}

/// A key that everybody can read protects nothing. One that is too short is about to be replaced, and
/// the file's mode with it.
#[cfg(unix)]
fn warn_of_readers(source: &Source, sources: &Sources, loaded: &mut Loaded) {
    use std::os::unix::fs::MetadataExt;
    let server = &loaded.settings.server;
    let is_in_file = variable(&sources.environment, "MCP_ENDPOINT_SERVER_KEY").is_none();
    if source.fresh || !is_in_file || key_is_wanted(sources, &loaded.settings) {
        return;
    }
    let mode = std::fs::metadata(&source.file).map_or(0, |file| file.mode() & 0o777);
    if mode & 0o006 != 0 {
        let said = server.language.key_for_all_to_see(source.file.display(), mode);
        loaded.warnings.push(said);
    }
}

#[cfg(not(unix))]
fn warn_of_readers(_source: &Source, _sources: &Sources, _loaded: &mut Loaded) {}

/// What a file's text, the environment and the options say together.
pub(super) fn understand(source: &Source, sources: &Sources) -> Result<Loaded, Problems> {
    // In a file that cannot be read otherwise, the language may still be told.
    let language = spoken(sources, Some(&source.content));
    let errors = file::line_errors(source, language);
    if !errors.is_empty() {
        return Err(Problems(errors));
    }
    let locale = system_language(&sources.environment);
    let mut reading = Reading::new(language, locale);
    reading.file(&source.content, &source.read_from);
    reading.environment(sources);
    for (row, value) in &sources.overrides {
        let place = language.place_option(row.option.unwrap_or(row.key));
        reading.value(row, value.trim(), &place);
    }
    let has_unknown_names = reading.has_unknown_names;
    let (settings, warnings) = reading.done()?;
    let file = source.file.clone();
    Ok(Loaded { settings, file, notes: Vec::new(), warnings, has_unknown_names })
}

/// What an environment variable says about an option; an empty one says nothing, unless empty
/// means something there.
fn given<'a>(sources: &'a Sources, row: &Row) -> Option<&'a str> {
    let value = variable(&sources.environment, &row.variable())?.trim();
    (row.may_be_empty || !value.is_empty()).then_some(value)
}

/// The language in which to complain about settings that may be wrong in any way.
fn spoken(sources: &Sources, content: Option<&Content>) -> Language {
    let locale = system_language(&sources.environment);
    let Some(row) = row("server", "language") else { return locale };
    let named = |text| value::language(text).map(|named| named.unwrap_or(locale));
    let option = sources.overrides.iter().rev().find(|(other, _)| other.key == row.key);
    let in_file = || named(&content?.last(row.section, row.key)?.value);
    option
        .and_then(|(_, text)| named(text.trim()))
        .or_else(|| named(given(sources, row)?))
        .or_else(in_file)
        .unwrap_or(locale)
}

/// Settings in the making.
struct Reading {
    language: Language,
    /// What `[server] language = auto` is.
    locale: Language,
    settings: Settings,
    warnings: Vec<String>,
    has_unknown_names: bool,
    problems: Vec<String>,
}

impl Reading {
    fn new(language: Language, locale: Language) -> Self {
        let mut settings = Settings::default();
        settings.speak(locale);
        let (warnings, problems) = (Vec::new(), Vec::new());
        Reading { language, locale, settings, warnings, has_unknown_names: false, problems }
    }

    fn value(&mut self, row: &Row, text: &str, place: &str) {
        let text = if text.is_empty() && !row.may_be_empty { row.default } else { text };
        if row.kind.read(&mut self.settings, text).is_some() {
            if row.key == "language" && value::language(text) == Some(None) {
                self.settings.speak(self.locale);
            }
            return;
        }
        // What was meant to be a key is as secret as one.
        let shown = if row.key == "key" { "***".to_owned() } else { short(text) };
        let accepted = row.kind.accepted(self.language);
        let sentence = self.language.wrong_value(place, row.section, row.key, &shown, &accepted);
        self.problems.push(sentence);
    }

    fn file(&mut self, content: &Content, path: &Path) {
        let language = self.language;
        let shown = path.display();
        let place = |line| language.place_line(&shown, line);
        let mut last: Vec<(&Row, &Entry)> = Vec::new();
        for section in &content.sections {
            let name = &section.name;
            if !is_section(name) {
                let (place, nearest) = (place(section.line), nearest_section(name));
                self.has_unknown_names = true;
                self.warnings.push(language.unknown_section(&place, &short(name), nearest));
                continue;
            }
            for entry in &section.entries {
                let place = place(entry.line);
                let Some(row) = row(name, &entry.key) else {
                    let (nearest, key) = nearest_key(name, &entry.key);
                    let (given, unknown) = (short(name), short(&entry.key));
                    self.has_unknown_names = true;
                    self.warnings
                        .push(language.unknown_key(&place, &given, &unknown, nearest, key));
                    continue;
                };
                match last.iter_mut().find(|(known, _)| std::ptr::eq(*known, row)) {
                    Some((_, earlier)) => {
                        let (section, key) = (row.section, row.key);
                        let said = language.said_twice(&place, section, key, earlier.line);
                        self.warnings.push(said);
                        *earlier = entry;
                    }
                    None => last.push((row, entry)),
                }
            }
        }
        for (row, entry) in last {
            self.value(row, &entry.value, &place(entry.line));
        }
    }

    fn environment(&mut self, sources: &Sources) {
        // Other programs know the servers file by this name.
        let named = sources.lookup.and_then(|lookup| lookup("MCP_CONFIG"));
        let named = named.filter(|path| !path.trim().is_empty());
        if let (Some(row), Some(path)) = (row("tools", "servers_file"), named) {
            self.value(row, path.trim(), &self.language.place_variable("MCP_CONFIG"));
        }
        for row in TABLE {
            let Some(value) = given(sources, row) else { continue };
            let variable = row.variable();
            // Kubernetes and Docker tell a container so about a service of our name.
            if row.key == "port" && value.starts_with("tcp://") {
                self.warnings.push(self.language.port_of_a_service(&variable));
                continue;
            }
            if row.key == "key" && value.chars().count() < MIN_KEY_CHARS {
                self.warnings.push(self.language.key_is_short(&variable, MIN_KEY_CHARS));
            }
            self.value(row, value, &self.language.place_variable(&variable));
        }
        // Other programs may have variables of this beginning: only what looks like a slip of
        // the finger is worth a word.
        let names = sources.environment.iter().map(|(name, _)| name.as_str());
        for name in sorted(names.filter(|name| name.starts_with(VARIABLES))) {
            let distance = |known: &String| edits(known, name);
            let nearest = TABLE.iter().map(Row::variable).min_by_key(distance);
            if let Some(near) = nearest.filter(|near| (1..=2).contains(&edits(near, name))) {
                self.has_unknown_names = true;
                self.warnings.push(self.language.unknown_variable(&short(name), &near));
            }
        }
    }

    fn done(mut self) -> Result<(Settings, Vec<String>), Problems> {
        if !self.problems.is_empty() {
            return Err(Problems(self.problems));
        }
        let server = &mut self.settings.server;
        if server.debug {
            server.log_level = log::LevelFilter::Debug;
        }
        let url = server.public_url.as_deref().unwrap_or_default();
        for (key, text) in [("public_url", url), ("path_prefix", &server.path_prefix)] {
            let text = text.to_ascii_lowercase();
            if text.contains("key") || text.contains("call") || text.contains("/mcp/") {
                self.warnings.push(self.language.address_refused(key));
            }
        }
        let prefix = &server.path_prefix;
        let url = url.strip_suffix("/mcp_endpoint").unwrap_or(url);
        if !url.is_empty() && !url.ends_with(prefix.as_str()) {
            self.warnings.push(self.language.prefix_not_in_url(prefix));
        }
        let limits = &self.settings.websocket;
        for (smaller, larger, odd) in [
            ("max_queued", "max_message_size", limits.max_queued < limits.max_message_size),
            ("memory_limit", "max_queued", limits.memory_limit < limits.max_queued),
        ] {
            if odd {
                self.warnings.push(self.language.limits_at_odds(smaller, larger));
            }
        }
        Ok((self.settings, self.warnings))
    }
}

fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|(known, ..)| known.eq_ignore_ascii_case(name))
}

fn nearest_section(name: &str) -> &'static str {
    let nearest = SECTIONS.iter().min_by_key(|(known, ..)| edits(known, name));
    nearest.map_or("", |(known, ..)| known)
}

/// The option whose name is nearest; of equally near ones, that of the same section.
fn nearest_key(section: &str, key: &str) -> (&'static str, &'static str) {
    let distance = |row: &&Row| (edits(row.key, key), !row.section.eq_ignore_ascii_case(section));
    TABLE.iter().min_by_key(distance).map_or(("", ""), |row| (row.section, row.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_may_be_in_another_section() {
        assert_eq!(nearest_key("server", "prot"), ("server", "port"));
        assert_eq!(nearest_key("server", "ping_timeout"), ("websocket", "ping_timeout"));
        assert_eq!(nearest_key("relay", "handshake_timout"), ("relay", "handshake_timeout"));
        assert_eq!(nearest_section("websockets"), "websocket");
    }

    #[test]
    fn a_shown_text_is_one_short_line() {
        assert_eq!(short("a\nb"), "a\\nb");
        assert!(short(&"长".repeat(1000)).chars().count() <= 61);
    }
}
