//! The command line: the server, and the commands beside it.
//!
//! [`options`] reads the command line. [`serve`] runs the server, every other file carries out one
//! command. [`client`] dials a server as everybody does, [`doctor`] finds what is wrong on the way
//! to it. The commands only read the configuration: none of them makes a file or a key.

#[cfg(feature = "doctor")]
mod call;
mod check;
#[cfg(feature = "doctor")]
mod choice;
pub mod client;
mod commands;
#[cfg(feature = "children")]
mod demo;
#[cfg(feature = "doctor")]
pub mod doctor;
mod health;
mod help;
pub mod options;
mod output;
mod reload;
mod serve;
#[cfg(feature = "doctor")]
mod status;
pub mod table;
mod token;
#[cfg(feature = "doctor")]
mod tools;

pub use output::End;

use crate::settings::{self, Environment, Sources};
use options::{Command, Task};
use output::{complain, say, wrong_use};
use std::ffi::OsString;

/// Does what the command line asks for.
pub fn run(arguments: impl IntoIterator<Item = OsString>, environment: Environment) -> End {
    match options::parse(arguments, environment) {
        Err(problem) => return wrong_use(&problem),
        Ok(Command::Help(language, name)) => {
            say(&help::text(language, name.as_deref()).trim_end());
        }
        Ok(Command::Version) => say(&crate::VERSION),
        Ok(Command::Test(sources)) => return check::tell(&sources),
        #[cfg(feature = "children")]
        Ok(Command::Demo(language)) => return demo::serve(language),
        #[cfg(not(feature = "children"))]
        Ok(Command::Demo(_)) => {}
        Ok(Command::Beside(task, sources)) => return beside(task, &sources),
        Ok(Command::Run(sources)) => return serve::run(sources),
    }
    End::Well
}

/// Carries out `task`, a command beside the server.
fn beside(task: Task, sources: &Sources) -> End {
    let mut loaded = match settings::check(sources) {
        Ok(loaded) => loaded,
        Err(problems) => {
            complain(&problems);
            // The health of a container is 0 or 1.
            return if matches!(task, Task::Health(_)) { End::Badly } else { End::WrongUse };
        }
    };
    if settings::key_is_wanted(sources, &loaded.settings) {
        // A key that is too short is replaced at the next start.
        loaded.settings.server.key.clear();
    }
    let language = loaded.settings.server.language;
    match task {
        Task::Token(agent) => token::print(&loaded, agent.as_deref(), language),
        Task::Health(at) => health::tell(&loaded, at.as_deref(), language),
        Task::Reload(at) => reload::ask(&loaded, at.as_deref(), language),
        #[cfg(feature = "doctor")]
        Task::Doctor(at) => {
            match settings::check_files(sources) {
                Ok(found) => loaded.settings.servers = found.settings.servers,
                // It is no obstacle on the way to the server.
                Err(problems) => complain(&problems),
            }
            match doctor::visit(&loaded, at.as_deref(), language, &mut |line| say(&line)) {
                Ok(true) => End::Well,
                Ok(false) => End::Badly,
                Err(problem) => wrong_use(&problem),
            }
        }
        #[cfg(feature = "doctor")]
        Task::Status { at, watch } => status::show(&loaded, at.as_deref(), watch, language),
        #[cfg(feature = "doctor")]
        Task::Tools { agent, json, changes } if !changes.is_empty() => {
            choice::change(&loaded, &sources.folder, agent.as_deref(), &changes, json, language)
        }
        #[cfg(feature = "doctor")]
        Task::Tools { agent, json, .. } => tools::show(&loaded, agent.as_deref(), json, language),
        #[cfg(feature = "doctor")]
        Task::Call(call) => call::run(&loaded, &call, language),
    }
}
