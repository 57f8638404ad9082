//! The doctor: goes the way of the manager console, a tool and a device, and names the first step
//! that fails, why, and what to do.
//!
//! [`managed`] looks at the tool servers of the servers file. [`steps`] plays the steps, [`cause`] says what an observation means, [`paste`] what is wrong with an
//! address before anybody is asked. The last two are pure.

pub mod cause;
mod managed;
pub mod paste;
mod steps;

use crate::cli::client::{http, own, Address, Kind};
use crate::cli::table::columns;
use crate::lan::Hint;
use crate::settings::Loaded;
use crate::text::Language;
use crate::token::address::addresses;
use crate::token::SINGLE_MODULE;
use cause::Cause;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use steps::{Step, Visit};

/// How wide the names of the steps are, in columns.
const NAME_WIDTH: usize = 8;

/// Visits the server at `at`, or the configured one where others reach it, and tells what is seen
/// line by line. True: all is well.
///
/// # Errors
/// Why there is nobody to visit: a line for the terminal.
pub fn visit(
    loaded: &Loaded,
    at: Option<&str>,
    language: Language,
    tell: &mut dyn FnMut(String),
) -> Result<bool, String> {
    let (text, hint) = match at {
        Some(text) => (text.to_owned(), None),
        None => configured(loaded, language)?,
    };
    let given = at.is_some();
    let address = Address::read(&text).map_err(|why| why.text(language, &text))?;
    tell(language.doctor_visits(&address.base(if is_dialled(&address) { "ws" } else { "http" })));
    let mut notes = notes(&address, language);
    // That it is a loopback address shows in the address.
    let hint = hint.filter(|hint| *hint != Hint::LoopbackOnly);
    notes.extend(hint.map(|hint| hint.said(language)));
    if let Some(flaw) = paste::flaw(&address, &text) {
        let failed = Row { passed: false, name: language.step_address(), time: None };
        tell(failed.line(&address.kind.text(language)));
        tell(language.doctor_fails(&Cause::Pasted(flaw).text(language)));
        return Ok(false);
    }
    let mut visit = Visit::new(address, loaded, given, language);
    let mut failure = None;
    for step in visit.steps() {
        let begun = Instant::now();
        let seen = (step.play)(&mut visit);
        let row =
            Row { passed: seen.is_ok(), name: (step.name)(language), time: Some(begun.elapsed()) };
        match seen {
            Ok(seen) => tell(row.line(&seen)),
            Err(cause) => {
                tell(row.line(""));
                failure = Some((step, cause));
                break;
            }
        }
    }
    notes.append(&mut visit.notes);
    if let Some((step, _)) = &failure {
        notes.extend(at_home(loaded, given, step, language));
    }
    let entries = match &failure {
        None => visit.managed(),
        Some((step, _)) if step.is_way && !given => managed::of_file(&loaded.settings, language),
        Some(_) => Vec::new(),
    };
    visit.leave();
    if !entries.is_empty() {
        tell(language.doctor_entries());
    }
    let mut bad = Vec::new();
    for entry in entries {
        tell(Row { passed: entry.passed, name: entry.name.clone(), time: None }.line(&entry.seen));
        bad.extend((!entry.passed).then_some(entry.name));
    }
    for note in notes {
        tell(format!("! {note}"));
    }
    tell(match &failure {
        Some((_, cause)) => language.doctor_fails(&cause.text(language)),
        None if !bad.is_empty() => language.doctor_fails(&language.managed_fail(&bad.join(", "))),
        None => language.doctor_is_content(),
    });
    Ok(failure.is_none() && bad.is_empty())
}

/// One line of the way.
struct Row {
    passed: bool,
    name: String,
    time: Option<Duration>,
}

impl Row {
    fn line(&self, seen: &str) -> String {
        let mark = if self.passed { '✓' } else { '✗' };
        let time = self
            .time
            .map(|time| format!("{} ms", u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
            .unwrap_or_default();
        let blanks = " ".repeat(NAME_WIDTH.saturating_sub(columns(&self.name)));
        format!("{mark} {}{blanks} {time:>8}  {seen}", self.name).trim_end().to_owned()
    }
}

fn is_dialled(address: &Address) -> bool {
    matches!(address.kind, Kind::Tool | Kind::Robot)
}

/// The console's address of the configured server, or only where it is; and what its owner should
/// know about that.
fn configured(loaded: &Loaded, language: Language) -> Result<(String, Option<Hint>), String> {
    let settings = &loaded.settings;
    if settings.server.port == 0 && settings.server.public_url.is_none() {
        return Err(language.port_unknown());
    }
    let (base, hint) = own::base(settings, &own::listening(settings));
    let console = addresses(&base, &settings.server.key, SINGLE_MODULE, language).console;
    if !settings.server.key.is_empty() {
        return Ok((console, hint));
    }
    let bare = console.split('?').next().unwrap_or_default();
    Ok((bare.trim_end_matches("/health").to_owned(), hint))
}

/// What there is to say about an address, wherever it leads.
fn notes(address: &Address, language: Language) -> Vec<String> {
    let container = match address.host.parse::<IpAddr>() {
        // What Docker gives its networks by default.
        Ok(IpAddr::V4(place)) => matches!(place.octets(), [172, 17..=31, ..]),
        _ => false,
    };
    let mut notes = Vec::new();
    if address.is_loopback() {
        notes.push(language.note_loopback());
    }
    if container {
        notes.push(language.note_container(&address.host));
    }
    notes
}

/// Whether the configured server answers on this machine, where the way to it failed from outside.
fn at_home(loaded: &Loaded, given: bool, step: &Step, language: Language) -> Option<String> {
    let settings = &loaded.settings;
    if given || settings.server.public_url.is_none() || !step.is_way {
        return None;
    }
    let here = own::here(settings, language).ok()?;
    let base = here.base("http");
    let answer = http::get(&here, "/health", None, Duration::from_secs(3));
    let alive = answer.is_ok_and(|answer| http::text_at(&answer.json(), "status") == "healthy");
    Some(if alive { language.note_alive_here(&base) } else { language.note_dead_here(&base) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_do_not_reach_far_are_warned_of() {
        let english = Language::En;
        let shown = |text: &str| notes(&Address::read(text).unwrap(), english);
        for text in ["http://127.0.0.2:8004", "ws://[::1]:1/mcp_endpoint/mcp/", "LocalHost:8004"] {
            assert_eq!(shown(text), [english.note_loopback()], "{text}");
        }
        for host in ["172.17.0.2", "172.31.255.1"] {
            assert_eq!(shown(&format!("http://{host}:8004")), [english.note_container(host)]);
        }
        for text in ["http://192.168.1.5:8004", "http://172.16.0.1", "https://mcp.example"] {
            assert_eq!(shown(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_names_of_steps_stand_in_one_column_in_either_language() {
        for language in [Language::Zh, Language::En] {
            let widths: Vec<usize> = [Language::step_address, Language::step_server]
                .iter()
                .map(|name| Row { passed: true, name: name(language), time: None }.line("x"))
                .map(|line| columns(&line))
                .collect();
            assert_eq!(widths.first(), widths.last());
        }
    }
}
