//! The tool servers of the servers file. A server that runs says how they are. Without one, what can be seen
//! from here is looked at: whether the program is there, whether the HTTP service can be reached. Nothing
//! is started.

use crate::cli::client::http::{at, number_at, text_at};
use crate::cli::client::{connects, Address, Failure};
use crate::escape::visible_start;
use crate::managed::masked;
use crate::settings::servers::{ServerConfig, Transport};
use crate::settings::Settings;
use crate::text::Language;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an HTTP service may take to accept a connection.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The longest text about an entry, in characters.
const MAX_CHARS: usize = 600;

/// What is known of an entry.
pub(super) struct Entry {
    /// Whether nothing is wrong with it.
    pub passed: bool,
    /// Its name, as it can be shown.
    pub name: String,
    /// What was seen, or what is wrong and what to do.
    pub seen: String,
}

impl Entry {
    fn new(name: &str, seen: Result<String, String>) -> Self {
        let passed = seen.is_ok();
        let seen = visible_start(&seen.unwrap_or_else(|why| why), MAX_CHARS);
        Entry { passed, name: visible_start(name, MAX_CHARS), seen }
    }
}

/// The entries as a running server shows them to the key holder.
pub(super) fn of_health(health: &Value, language: Language) -> Vec<Entry> {
    let mut found = Vec::new();
    if let Some(servers) = at(health, "result.managed_servers").as_object() {
        for (name, server) in servers {
            found.push(Entry::new(name, of_server(server, language)));
        }
    }
    found
}

fn of_server(server: &Value, language: Language) -> Result<String, String> {
    let last_line = at(server, "stderr").as_array().and_then(|lines| lines.last()?.as_str());
    let said = last_line.map(|line| language.managed_last_line(line)).unwrap_or_default();
    let why = text_at(server, "last_error");
    match text_at(server, "state") {
        "ready" => {
            Ok(language.managed_ready(text_at(server, "kind"), number_at(server, "tools_count")))
        }
        "starting" => Ok(language.managed_starting() + &said),
        "stopped" => Ok(why.to_owned()),
        "restarting" => {
            let restarts = number_at(server, "restarts");
            Err(language.managed_restarting(why, restarts) + &said)
        }
        _ => Err(why.to_owned()),
    }
}

/// The entries of the file, as far as they can be checked without a server.
pub(super) fn of_file(settings: &Settings, language: Language) -> Vec<Entry> {
    let mut found = Vec::new();
    for entry in &settings.servers {
        let seen = match &entry.server {
            _ if !entry.is_enabled => Ok(language.servers_switched_off()),
            Ok(config) => {
                let mask = |text: String| masked(&text, &config.secrets);
                of_config(config, language).map(mask).map_err(mask)
            }
            Err(why) => Err(why.clone()),
        };
        found.push(Entry::new(&entry.name, seen));
    }
    found
}

fn of_config(config: &ServerConfig, language: Language) -> Result<String, String> {
    match &config.transport {
        Transport::Stdio { command, environment, folder, .. } => {
            if let Some(folder) = folder.as_deref().filter(|folder| !folder.is_dir()) {
                return Err(language.child_no_folder(folder.display()));
            }
            let own = environment.iter().find(|(name, _)| name == "PATH");
            let path = own.map(|(_, path)| path.into()).or_else(|| std::env::var_os("PATH"));
            let path = path.unwrap_or_default();
            let found = match command.contains('/') {
                true => folder.as_deref().unwrap_or(Path::new("")).join(command),
                false => std::env::split_paths(&path)
                    .map(|folder| folder.join(command))
                    .find(|file| is_program(file))
                    .ok_or_else(|| language.child_not_in_path(command, &path.to_string_lossy()))?,
            };
            program(&found, command, language)
        }
        Transport::Http { url, .. } => {
            let address = Address::read(url).map_err(|_| language.servers_odd_url())?;
            let authority = address.authority();
            match connects(&address, Instant::now() + TIMEOUT) {
                Ok(_) => Ok(language.managed_reachable(&authority)),
                Err(Failure::NoSuchHost(why)) => {
                    Err(language.service_no_address(&address.host, &why))
                }
                Err(Failure::Refused) => Err(language.service_refused(&authority)),
                Err(Failure::Unreachable(why)) => {
                    Err(language.service_unreachable(&authority, &why))
                }
                Err(_) => Err(language.service_no_connection(&authority)),
            }
        }
    }
}

/// Says that the program of an entry is there.
fn program(file: &Path, command: &str, language: Language) -> Result<String, String> {
    if !file.is_file() {
        Err(language.child_not_found(command))
    } else if !is_program(file) {
        Err(language.child_not_executable(command))
    } else {
        Ok(language.managed_found(file.display()))
    }
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let data = std::fs::metadata(file);
    data.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}
