//! The servers file, which the setting `servers_file` names.

mod file;
mod relaxed_json;
mod secret;
mod variables;

pub use file::{ServerConfig, ServerEntry, ServersFile, ToolChoice, Transport};
pub use variables::Variables;

use crate::relay::{Patterns, SelectionEntry, ServerRules, Texts};
use crate::text::Language;
use std::fmt::Display;
use std::path::Path;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub entries: Vec<ServerEntry>,
    /// Sentences for the log.
    pub notes: Vec<String>,
    pub warnings: Vec<String>,
    /// Whether something of it does not do what its owner means.
    pub is_doubtful: bool,
}

/// Reads the servers file at `path`. One that `may_be_missing` has no entries then. `shown` is its name in what
/// people read.
///
/// # Errors
/// What is wrong with the whole file.
pub(super) fn read(
    path: &Path,
    shown: impl Display,
    may_be_missing: bool,
    variables: Variables<'_>,
    language: Language,
) -> Result<Found, String> {
    let named = |what: &str| language.servers_file_wrong(&shown, what);
    let mut found = Found::default();
    if may_be_missing && !path.exists() {
        return Ok(found);
    }
    if !path.exists() {
        return Err(named(&language.servers_file_missing()));
    }
    let text = super::file::read(path, language)?;
    let file = ServersFile::read(&text, variables, language).map_err(|why| named(&why))?;
    let enabled = || file.entries.iter().filter(|entry| entry.is_enabled);
    let faults = enabled().filter_map(|entry| {
        Some(language.servers_entry(&entry.name, entry.server.as_ref().err()?))
    });
    found.is_doubtful = !file.warnings.is_empty() || enabled().any(|entry| entry.server.is_err());
    found.warnings = file.warnings.iter().cloned().chain(faults).map(|what| named(&what)).collect();
    #[cfg(unix)]
    if std::fs::metadata(path)
        .is_ok_and(|file| std::os::unix::fs::MetadataExt::mode(&file) & 0o022 != 0)
    {
        found.warnings.push(named(&language.servers_writable()));
    }
    let is_open =
        |entry: &&ServerEntry| entry.server.as_ref().is_ok_and(|server| server.agents.is_none());
    let open: Vec<&str> = enabled().filter(is_open).map(|entry| entry.name.as_str()).collect();
    if !open.is_empty() {
        found.notes.push(language.servers_open(&open.join(", ")));
    }
    found.entries = file.entries;
    Ok(found)
}

/// Adds `program`, this one, as a tool server for a demonstration. Returns whether it stands in for an entry of
/// the same name.
pub(super) fn add_demo(entries: &mut Vec<ServerEntry>, program: &str, language: Language) -> bool {
    let name = "demo";
    let code = language.code();
    let transport = Transport::Stdio {
        command: program.to_owned(),
        arguments: [name, "--language", code].map(str::to_owned).into(),
        environment: Vec::new(),
        folder: None,
    };
    let server = Ok(ServerConfig { transport, ..ServerConfig::default() });
    let before = entries.len();
    entries.retain(|entry| entry.name != name);
    let stands_in = entries.len() < before;
    entries.push(ServerEntry {
        name: name.to_owned(),
        is_enabled: true,
        variables: Vec::new(),
        server,
    });
    stands_in
}

/// What holds for the tool servers of these entries in the relay.
pub(super) fn rules(entries: &[ServerEntry]) -> Vec<(Box<str>, ServerRules)> {
    let enabled = entries.iter().filter(|entry| entry.is_enabled);
    let rules = enabled.filter_map(|entry| {
        let config = entry.server.as_ref().ok()?;
        let rules = ServerRules { tools: choice(&config.tools), request_timeout: config.timeout };
        Some((entry.name.as_str().into(), rules))
    });
    rules.collect()
}

fn choice(tools: &ToolChoice) -> SelectionEntry {
    let patterns = |list: &[String]| {
        Patterns::new(list.iter().map(|pattern| pattern.as_str().into()).collect())
    };
    let texts = tools.describe.iter();
    let texts = texts.map(|(tool, text)| (tool.as_str().into(), text.as_str().into()));
    let mut entry = SelectionEntry::default();
    entry.only = (!tools.only.is_empty()).then(|| patterns(&tools.only));
    entry.hide = patterns(&tools.hide);
    entry.describe = Texts::new(texts.collect());
    entry
}
