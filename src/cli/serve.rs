//! Runs the server: settings, log, sockets, the addresses to paste, and what a reload does.

use super::client::own;
use super::output::{wrong_use, End};
use crate::logging;
use crate::net::server::{Files, Server};
use crate::relay::Selection;
use crate::settings::{self, Settings, Sources};
use crate::token::address::addresses;
use crate::token::SINGLE_MODULE;
use std::path::PathBuf;

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
    let (started, had_file) = (settings.clone(), loaded.file.is_file());
    let files = OwnFiles { sources, current: started.clone(), started, had_file };
    let server = match Server::open(settings.clone(), Box::new(files)) {
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

/// The files with the settings, for the running server.
struct OwnFiles {
    sources: Sources,
    started: Settings,
    current: Settings,
    had_file: bool,
}

impl Files for OwnFiles {
    /// Reads the settings again and opens the log file again.
    fn reload(&mut self) -> Result<(Settings, Vec<String>), Vec<String>> {
        let language = self.current.server.language;
        let loaded = match settings::reload(&self.sources, &self.current, self.had_file) {
            Ok(loaded) => loaded,
            Err(problems) => {
                logging::reopen();
                log::error!("{}", language.reload_failed(&problems));
                return Err(problems.0);
            }
        };
        let needing = self.started.needs_restart(&loaded.settings).into_iter();
        let mut warnings: Vec<String> = needing.map(|name| language.needs_restart(name)).collect();
        if self.current.server.key != loaded.settings.server.key {
            warnings.push(language.key_changed());
        }
        warnings.extend(loaded.warnings);
        logging::configure(&loaded.settings);
        for warning in &warnings {
            log::warn!("{warning}");
        }
        self.current.clone_from(&loaded.settings);
        self.had_file = loaded.file.is_file();
        log::info!("{}", self.current.server.language.reloaded());
        Ok((loaded.settings, warnings))
    }

    fn selection_file(&self) -> Option<PathBuf> {
        let file = self.current.tools.selection_file.as_ref();
        file.map(|file| self.sources.folder.join(file))
    }

    fn choose(&mut self, selection: Selection) -> Settings {
        self.current.set_selection(selection);
        self.current.clone()
    }
}
