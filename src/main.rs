//! The program: options, settings, logging, run.

#![forbid(unsafe_code)]

use mcp_endpoint_server::client::own;
use mcp_endpoint_server::commands;
use mcp_endpoint_server::net::server::{Reload, Server};
use mcp_endpoint_server::settings::options::{self, Command};
use mcp_endpoint_server::settings::{self, Settings, Sources};
use mcp_endpoint_server::token::address::addresses;
use mcp_endpoint_server::token::SINGLE_MODULE;
use mcp_endpoint_server::{logging, VERSION};
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// What is wrong was said before anything was opened.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    mcp_endpoint_server::net::survive_full_files();
    let status = dispatch();
    logging::finish();
    status
}

fn dispatch() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    match options::parse(arguments, settings::environment()) {
        Err(problem) => refuse(&problem),
        Ok(Command::Help(language)) => tell(settings::render::help(language).trim_end()),
        Ok(Command::Version) => tell(VERSION),
        Ok(Command::Test(sources)) => match settings::check(&sources) {
            Err(problems) => refuse(&problems.to_string()),
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    complain(warning);
                }
                let language = loaded.settings.server.language;
                if !loaded.settings.server.key.is_empty()
                    && settings::key_is_wanted(&sources, &loaded.settings)
                {
                    complain(&language.key_would_be_replaced(settings::SHORTEST_KEY));
                }
                let file = loaded.file.display();
                if loaded.has_unknown_names {
                    // It would run, but not as its owner means.
                    return ExitCode::FAILURE;
                }
                tell(&match loaded.file.exists() {
                    true => language.config_is_right(file),
                    false => language.config_is_made(file),
                })
            }
        },
        Ok(Command::Beside(task, sources)) => {
            ExitCode::from(commands::run(task, &sources).status())
        }
        Ok(Command::Run(sources)) => run(sources),
    }
}

fn tell(text: &str) -> ExitCode {
    // Whoever does not read it does not need it.
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::SUCCESS
}

/// A line on standard error. Whoever does not read it does not need it.
fn complain(line: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn refuse(problem: &str) -> ExitCode {
    complain(&problem);
    ExitCode::from(WRONG_USE)
}

fn run(sources: Sources) -> ExitCode {
    let loaded = match settings::load(&sources) {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(&problems.to_string()),
    };
    let settings = loaded.settings;
    let language = settings.server.language;
    logging::configure(&settings);
    for note in &loaded.notes {
        log::info!("{note}");
    }
    for warning in &loaded.warnings {
        log::warn!("{warning}");
    }
    let reload = reload_from(sources, settings.clone(), loaded.file.is_file());
    let server = match Server::open(settings.clone(), reload) {
        Ok(server) => server,
        Err(error) => {
            let (host, port) = (&settings.server.host, settings.server.port);
            log::error!("{}", language.cannot_listen(host, port, &error));
            return ExitCode::FAILURE;
        }
    };
    announce(&settings, &server);
    match server.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{}", language.cannot_go_on(&error));
            ExitCode::FAILURE
        }
    }
}

/// Prints the two addresses people paste, to the terminal only: they are secrets.
fn announce(settings: &Settings, server: &Server) {
    let language = settings.server.language;
    let listening = server.addresses();
    for address in &listening {
        log::info!("{}", language.listening(address));
    }
    let (base, hint) = own::base(settings, &listening);
    let printed = addresses(&base, &settings.server.key, SINGLE_MODULE, language);
    let lines = [
        Some(language.console_address(&printed.console)),
        Some(language.module_address(&printed.tool)),
        Some(language.page_address(&printed.page)),
        hint.map(|hint| hint.said(language)),
        printed.warning,
    ];
    let text: String = lines.into_iter().flatten().map(|line| line + "\n").collect();
    logging::print(&text);
}

/// Reads the settings again when it is asked to, and opens the log file anew.
fn reload_from(sources: Sources, started: Settings, mut had_file: bool) -> Reload {
    let mut current = started.clone();
    Box::new(move || {
        let language = current.server.language;
        match settings::reload(&sources, &current, had_file) {
            Err(problems) => {
                logging::reopen();
                log::error!("{}", language.reload_failed(&problems));
                Err(problems.0)
            }
            Ok(loaded) => {
                let needing = started.needs_restart(&loaded.settings).into_iter();
                let mut warnings: Vec<String> =
                    needing.map(|name| language.needs_restart(name)).collect();
                if current.server.key != loaded.settings.server.key {
                    warnings.push(language.key_changed());
                }
                warnings.extend(loaded.warnings);
                logging::configure(&loaded.settings);
                for warning in &warnings {
                    log::warn!("{warning}");
                }
                current.clone_from(&loaded.settings);
                had_file = loaded.file.is_file();
                log::info!("{}", current.server.language.reloaded());
                Ok((loaded.settings, warnings))
            }
        }
    })
}
