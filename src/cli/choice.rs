//! The options `--hide`, `--show` and `--only` of `tools`: they change an agent's entry in the selection
//! (docs/protocol.md#selection), in the running server or, where there is none, in the file.

use super::client::http::{self, text_at};
use super::client::{own, Address, Failure, MAX_WAIT};
use super::output::{complain, wrong_use, End};
use super::token::agent_name;
use super::tools;
use crate::escape::visible_start;
use crate::relay::{Patterns, ALL_AGENTS};
use crate::settings::selection::{self, entry_in, etag, Change, ChangeError};
use crate::settings::Loaded;
use crate::spelling::edits;
use crate::text::Language;
use crate::token::percent;
use jsonrpc::message::{last_member, quoted, string};
use jsonrpc::scan::{elements, members};
use std::path::Path;

/// How often a change is tried, where somebody else changes the selection at the same time.
const MAX_ATTEMPTS: usize = 5;

/// The longest sentence or entry that is shown, in characters.
const MAX_SHOWN_CHARS: usize = 1000;

/// Among how many tools the one with the nearest name is searched.
const MAX_CANDIDATES: usize = 2_000;

/// What the options ask for.
struct Wish<'a> {
    hide: Vec<&'a str>,
    show: Vec<&'a str>,
    only: Vec<&'a str>,
}

/// What is known of an agent: its entry, that of all agents, and its tools with their labels.
struct Known {
    entry: String,
    all: String,
    tools: Vec<(String, String)>,
    etag: String,
}

/// Changes the selection of `agent` as `options` say, and prints the tools that it has then.
pub(super) fn change(
    loaded: &Loaded,
    folder: &Path,
    agent: Option<&str>,
    options: &[(&'static str, String)],
    json: bool,
    language: Language,
) -> End {
    let keyed = own::keyed(loaded, None, language);
    let asked = agent_name(agent, language)
        .and_then(|agent| Ok((agent, Wish::read(options, language)?, keyed?)));
    let (agent, wish, (address, key)) = match asked {
        Ok(asked) => asked,
        Err(problem) => return wrong_use(&problem),
    };
    let Some(file) = &loaded.settings.tools.selection_file else {
        return wrong_use(&language.no_selection_file());
    };
    let file = folder.join(file);
    for _ in 0..MAX_ATTEMPTS {
        let shown = match ask(&address, agent, &key, language) {
            Ok(shown) => shown,
            Err(problem) => return badly(&problem),
        };
        let is_running = shown.is_some();
        let known = match shown.map_or_else(|| read(&file, agent, language), Ok) {
            Ok(known) => known,
            Err(problems) => return wrong_use(&problems.join("\n")),
        };
        let entry = known.changed(agent, &wish);
        let is_new = entry != known.changed(agent, &Wish::default());
        // An empty entry says nothing, so none is kept.
        let new = if entry == "{}" { "null" } else { &entry };
        let outcome = match (is_new, is_running) {
            (false, _) => Ok(true),
            (true, true) => put(&address, agent, &key, &known.etag, new, language),
            (true, false) => {
                let change = Change {
                    file: Some(file.clone()),
                    agent: agent.to_owned(),
                    entry: new.as_bytes().to_vec(),
                    if_match: Some(known.etag.clone()),
                    language,
                };
                match change.make() {
                    Ok(_) => Ok(true),
                    Err(ChangeError::Changed(_)) => Ok(false),
                    Err(ChangeError::Invalid(problems)) => Err(problems.join("\n")),
                    Err(ChangeError::Busy) => Err(language.selection_busy()),
                    Err(ChangeError::NotWritten(why)) => Err(why),
                }
            }
        };
        match outcome {
            Err(problem) => return badly(&problem),
            Ok(false) => continue,
            Ok(true) => {}
        }
        let (name, shown) =
            (visible_start(agent, MAX_SHOWN_CHARS), visible_start(&entry, MAX_SHOWN_CHARS));
        complain(&match (is_new, is_running) {
            (false, _) => language.choice_as_before(&name, &shown),
            (true, true) => language.choice_changed(&name, &shown),
            (true, false) => {
                let file = file.display().to_string();
                language.choice_saved(&name, &shown, &file, &address.base("http"))
            }
        });
        if !loaded.settings.relay.handshake {
            complain(&language.selection_is_off(&file.display().to_string()));
        }
        let known = Known { entry, ..known };
        known.notes(agent, &wish, language).iter().for_each(|note| complain(note));
        return match is_running && agent != ALL_AGENTS {
            true => tools::show(loaded, Some(agent), json, language),
            false => End::Well,
        };
    }
    badly(&language.selection_changed())
}

fn badly(problem: &str) -> End {
    problem.lines().for_each(|line| complain(&line));
    End::Badly
}

fn target(address: &Address, agent: &str) -> String {
    address.target(&format!("/selection?agent={}", percent::encode(agent, b"")))
}

/// What the running server knows of `agent`; `None` where no server runs.
fn ask(
    address: &Address,
    agent: &str,
    key: &str,
    language: Language,
) -> Result<Option<Known>, String> {
    let base = address.base("http");
    let answer = match http::get(address, &target(address, agent), Some(key), MAX_WAIT) {
        Err(Failure::Refused | Failure::Unreachable(_) | Failure::NoSuchHost(_)) => {
            return Ok(None)
        }
        Err(failure) => return Err(language.no_answer(&base, &failure.text(language))),
        Ok(answer) if answer.status == 401 => return Err(language.cause_wrong_own_key()),
        Ok(answer) => answer,
    };
    let body = std::str::from_utf8(&answer.body).unwrap_or_default();
    match (answer.status, last_member(body, "entry"), last_member(body, "all")) {
        (200, Some(entry), Some(all)) => {
            let mut tools = Vec::new();
            let _ = elements(last_member(body, "tools").unwrap_or("[]"), &mut |tool| {
                let text = |name| last_member(tool, name).and_then(string).unwrap_or_default();
                tools.push((text("label").into_owned(), text("tool").into_owned()));
            });
            let (entry, all) = (entry.to_owned(), all.to_owned());
            Ok(Some(Known { entry, all, tools, etag: answer.header("etag").to_owned() }))
        }
        (status, ..) => Err(language.choice_unknown(&base, status)),
    }
}

/// What the file says of `agent`.
fn read(file: &Path, agent: &str, language: Language) -> Result<Known, Vec<String>> {
    let selection = selection::read(file, language)?;
    let text = selection.text();
    let entry = |agent| entry_in(text, agent).unwrap_or("{}").to_owned();
    let (entry, all) = (entry(agent), entry(ALL_AGENTS));
    Ok(Known { entry, all, tools: Vec::new(), etag: etag(text) })
}

/// Gives the running server the new entry; false where it has another selection than it had.
fn put(
    address: &Address,
    agent: &str,
    key: &str,
    etag: &str,
    entry: &str,
    language: Language,
) -> Result<bool, String> {
    let base = address.base("http");
    let answer = http::put(address, &target(address, agent), key, etag, entry, MAX_WAIT)
        .map_err(|failure| language.no_answer(&base, &failure.text(language)))?;
    match answer.status {
        200 => Ok(true),
        412 => Ok(false),
        401 => Err(language.cause_wrong_own_key()),
        status => {
            let json = answer.json();
            let lines = text_at(&json, "error.data.details").lines();
            let lines: Vec<String> =
                lines.map(|line| visible_start(line, MAX_SHOWN_CHARS)).collect();
            match lines.is_empty() {
                true => Err(language.choice_unknown(&base, status)),
                false => Err(format!("{}\n{}", language.choice_refused(&base), lines.join("\n"))),
            }
        }
    }
}

impl<'a> Wish<'a> {
    /// Nothing is to be changed.
    fn default() -> Self {
        Wish { hide: Vec::new(), show: Vec::new(), only: Vec::new() }
    }

    /// # Errors
    /// What contradicts itself.
    fn read(options: &'a [(&'static str, String)], language: Language) -> Result<Self, String> {
        let of = |name| {
            let values = options.iter().filter(|(known, _)| *known == name);
            values.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        let wish = Wish { hide: of("hide"), show: of("show"), only: of("only") };
        if wish.hide.contains(&"") || wish.show.contains(&"") {
            return Err(language.pattern_is_empty());
        }
        let is_contrary =
            |pattern: &&&str| wish.show.contains(pattern) || wish.only.contains(pattern);
        if let Some(pattern) = wish.hide.iter().find(is_contrary) {
            return Err(language.pattern_both_ways(&visible_start(pattern, MAX_SHOWN_CHARS)));
        }
        if wish.only.len() > 1 && wish.only.iter().any(|pattern| matches!(*pattern, "" | "*")) {
            return Err(language.only_both_ways());
        }
        Ok(wish)
    }
}

/// The texts of a list that is a member of `entry`.
fn list(entry: &str, name: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let _ = elements(last_member(entry, name).unwrap_or("[]"), &mut |text| {
        texts.extend(string(text).map(std::borrow::Cow::into_owned));
    });
    texts
}

/// Whether a pattern picks a tool.
fn picks(pattern: &str, (label, tool): &(String, String)) -> bool {
    Patterns::new(vec![pattern.into()]).pick(&format!("{label}/{tool}"), tool)
}

impl Known {
    /// The entry as `wish` wants it. Other members stay as they are spelled.
    fn changed(&self, agent: &str, wish: &Wish<'_>) -> String {
        let mut parts: Vec<(String, String)> = Vec::new();
        let _ = members(&self.entry, |key, value| {
            parts.push((key.name().into_owned(), format!("\"{}\": {value}", key.spelled())));
        });
        let mut put = |name: &str, texts: &[String]| {
            if list(&self.entry, name) == texts && !(texts.is_empty() && name == "only") {
                return;
            }
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            let part = format!("\"{name}\": [{}]", texts.join(", "));
            match parts.iter_mut().find(|(known, _)| known == name) {
                _ if texts.is_empty() => parts.retain(|(known, _)| known != name),
                Some((_, old)) => *old = part,
                None => parts.push((name.to_owned(), part)),
            }
        };
        let mut only: Vec<String> = Vec::new();
        for pattern in &wish.only {
            // Without `only`, the one of all agents would hold.
            let is_plain = *pattern == "*" && !self.is_limited_by_all(agent);
            if !pattern.is_empty() && !is_plain && !only.iter().any(|known| known == pattern) {
                only.push((*pattern).to_owned());
            }
        }
        if !wish.only.is_empty() {
            put("only", &only);
        }
        let mut hide = list(&self.entry, "hide");
        hide.retain(|pattern| !wish.show.contains(&&**pattern));
        for pattern in &wish.hide {
            if !hide.iter().any(|known| known == pattern) {
                hide.push((*pattern).to_owned());
            }
        }
        put("hide", &hide);
        let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
        format!("{{{}}}", parts.join(", "))
    }

    /// Whether the `only` of all agents holds for `agent`, unless it has its own.
    fn is_limited_by_all(&self, agent: &str) -> bool {
        agent != ALL_AGENTS && last_member(&self.all, "only").is_some()
    }

    /// Patterns that pick no tool, and what still hides the tools that are to be shown.
    fn notes(&self, agent: &str, wish: &Wish<'_>, language: Language) -> Vec<String> {
        let mut notes = Vec::new();
        for pattern in wish.hide.iter().chain(&wish.show).chain(&wish.only) {
            let is_used = matches!(*pattern, "" | "*")
                || self.tools.is_empty()
                || self.tools.iter().any(|tool| picks(pattern, tool));
            if !is_used {
                let nearest = self.nearest(pattern);
                let (pattern, nearest) = (short(pattern), short(&nearest));
                notes.push(language.pattern_without_tool(&pattern, &nearest));
            }
        }
        // Without a server the pattern itself is taken for the name of a tool.
        let named = wish.show.iter().filter(|pattern| !pattern.contains('*')).map(|pattern| {
            let (label, tool) = pattern.split_once('/').unwrap_or(("", pattern));
            (label.to_owned(), tool.to_owned())
        });
        let named: Vec<_> = if self.tools.is_empty() { named.collect() } else { Vec::new() };
        for tool in self.tools.iter().chain(&named) {
            if wish.show.iter().any(|pattern| picks(pattern, tool)) {
                let note = self.still_hidden(agent, tool, language);
                notes.extend(note.filter(|note| !notes.contains(note)));
            }
        }
        notes
    }

    /// What hides `tool`, if something does.
    fn still_hidden(
        &self,
        agent: &str,
        tool: &(String, String),
        language: Language,
    ) -> Option<String> {
        for (owner, entry) in [(agent, &self.entry), (ALL_AGENTS, &self.all)] {
            if let Some(pattern) = list(entry, "hide").iter().find(|hide| picks(hide, tool)) {
                return Some(language.still_hidden(
                    &short(&tool.1),
                    &short(pattern),
                    &short(owner),
                ));
            }
        }
        let is_own = last_member(&self.entry, "only").is_some();
        if !is_own && !self.is_limited_by_all(agent) {
            return None;
        }
        let (owner, entry) = if is_own { (agent, &self.entry) } else { (ALL_AGENTS, &self.all) };
        let is_picked = list(entry, "only").iter().any(|only| picks(only, tool));
        (!is_picked).then(|| language.still_left_out(&short(&tool.1), &short(owner)))
    }

    /// The name that is nearest to `pattern`: `TOOL`, or `LABEL/TOOL` where it has a `/`.
    fn nearest(&self, pattern: &str) -> String {
        let plain = pattern.replace('*', "");
        let names = self.tools.iter().take(MAX_CANDIDATES).map(|(label, tool)| {
            match pattern.contains('/') {
                true => format!("{label}/{tool}"),
                false => tool.clone(),
            }
        });
        names.min_by_key(|name| edits(name, &plain)).unwrap_or_default()
    }
}

/// A name or pattern as it is shown.
fn short(text: &str) -> String {
    visible_start(text, tools::MAX_CELL_CHARS)
}
