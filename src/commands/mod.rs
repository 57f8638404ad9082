//! What the program does beside the server: addresses, status, health, and the doctor.
//!
//! The configuration is only read: none of these makes a file or a key.

mod health;
mod reload;
#[cfg(feature = "doctor")]
mod status;
mod token;

use crate::client::{own, Address};
#[cfg(feature = "doctor")]
use crate::doctor;
use crate::settings::options::Task;
use crate::settings::{self, Loaded, Sources};
use crate::text::Language;
use std::fmt::Display;
use std::io::Write;

/// How a command ended: the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// 0: as it should be.
    Well,
    /// 1: something is wrong.
    Badly,
    /// 2: the command cannot be carried out as it was given.
    WrongUse,
}

impl End {
    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            End::Well => 0,
            End::Badly => 1,
            End::WrongUse => 2,
        }
    }
}

/// Carries out `task`.
pub fn run(task: Task, sources: &Sources) -> End {
    let mut loaded = match settings::check(sources) {
        Ok(loaded) => loaded,
        Err(problems) => {
            complain(&problems);
            // The health of a container is 0 or 1.
            return if matches!(task, Task::Health(_)) { End::Badly } else { End::WrongUse };
        }
    };
    if settings::key_is_wanted(sources, &loaded.settings) {
        // One that is too short is replaced at the next start.
        loaded.settings.server.key.clear();
    }
    let language = loaded.settings.server.language;
    match task {
        Task::Token(agent) => token::print(&loaded, agent.as_deref(), language),
        Task::Health(at) => health::tell(&loaded, at.as_deref(), language),
        Task::Reload(at) => reload::ask(&loaded, at.as_deref(), language),
        #[cfg(feature = "doctor")]
        Task::Doctor(at) => visit(&loaded, at.as_deref(), language),
        #[cfg(feature = "doctor")]
        Task::Status { at, watch } => status::show(&loaded, at.as_deref(), watch, language),
        #[cfg(not(feature = "doctor"))]
        Task::Doctor(_) | Task::Status { .. } => wrong_use(&language.not_built_in()),
    }
}

#[cfg(feature = "doctor")]
fn visit(loaded: &Loaded, at: Option<&str>, language: Language) -> End {
    match doctor::visit(loaded, at, language, &mut |line| say(&line)) {
        Ok(true) => End::Well,
        Ok(false) => End::Badly,
        Err(problem) => wrong_use(&problem),
    }
}

/// The server at the address that was given, or the configured one, and its key.
fn keyed(
    loaded: &Loaded,
    given: Option<&str>,
    language: Language,
) -> Result<(Address, String), String> {
    let address = own::named(&loaded.settings, given, language)?;
    let key = match &address.key {
        Some(key) => key.clone(),
        None if given.is_none() || own::is_own(&loaded.settings, &address) => {
            loaded.settings.server.key.clone()
        }
        None => return Err(language.key_of_other(&address.base("http"))),
    };
    if key.is_empty() {
        return Err(language.status_key(loaded.file.display()));
    }
    Ok((address, key))
}

/// A line on standard output. Whoever does not read it does not need it.
fn say(line: &dyn Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line on standard error.
fn complain(line: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn wrong_use(problem: &str) -> End {
    complain(&problem);
    End::WrongUse
}
