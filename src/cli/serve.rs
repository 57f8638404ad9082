//! Runs the server: settings, log, sockets, the addresses to paste, and what a reload does.

use super::client::own;
use super::output::{wrong_use, End};
use crate::logging;
use crate::net::server::{Reload, Server};
use crate::settings::{self, Settings, Sources};
use crate::token::address::addresses;
use crate::token::SINGLE_MODULE;

/// Runs the server until it is stopped.
pub(super) fn run(sources: Sources) -> End {
    let loaded = match settings::load(&sources) {
        Ok(loaded) => loaded,
        Err(problems) => return wrong_use(&problems),
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
            return End::Badly;
        }
    };
    announce(&settings, &server);
    match server.run() {
        Ok(()) => End::Well,
        Err(error) => {
            log::error!("{}", language.cannot_go_on(&error));
            End::Badly
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

/// What a reload does: it reads the settings again and opens the log file again.
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
