//! The servers file: which tool servers the program runs or dials itself, in every dialect that users have
//! (docs/protocol.md#servers-file).
//!
//! Reading is pure: the text and the variables are handed in. What is wrong with the whole file is an error;
//! what is wrong with an entry is kept in the entry, and the others run.

use super::relaxed_json::{place, strict};
use super::secret::{basic_authorization, is_secret, secret_arguments, without_scheme};
use super::variables::{self, Variables};
use crate::escape::visible_start;
use crate::sorted::sorted;
use crate::text::Language;
use crate::token::url::{Url, UrlError};
use jsonrpc::message::string;
use jsonrpc::scan;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServersFile {
    /// Its entries, in the order of the file, those that are switched off included.
    pub entries: Vec<ServerEntry>,
    /// What is odd about the file: sentences for the log.
    pub warnings: Vec<String>,
}

/// An entry of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEntry {
    /// Its name, which labels the tool server.
    pub name: String,
    /// Whether it is to run.
    pub is_enabled: bool,
    /// The variables that it names, in their order. No other child inherits them, even if this entry does not run.
    pub variables: Vec<String>,
    /// What it says, or what is wrong with it.
    pub server: Result<ServerConfig, String>,
}

/// A tool server that the program runs or dials itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ServerConfig {
    /// How it is reached.
    pub transport: Transport,
    /// The agents that may use it, in their order; `None` is every agent.
    pub agents: Option<Vec<String>>,
    /// How long a request may stay unanswered; `None` is the setting `request_timeout`.
    pub timeout: Option<Duration>,
    /// Which of its tools are offered.
    pub tools: ToolChoice,
    /// What no log line may show: values of `env`, of headers and of variables.
    pub secrets: Vec<String>,
}

/// Nothing of it: it has secrets.
impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig").finish_non_exhaustive()
    }
}

/// How a tool server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A program on standard input and output.
    Stdio {
        /// The program: a path, or a name that is looked up in `PATH`.
        command: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// Variables besides those it inherits.
        environment: Vec<(String, String)>,
        /// Its working directory.
        folder: Option<PathBuf>,
    },
    /// An HTTP service.
    Http {
        /// Its address.
        url: String,
        /// Headers for each request.
        headers: Vec<(String, String)>,
        /// Whether it speaks only HTTP+SSE, the older transport.
        is_sse: bool,
    },
}

impl Default for Transport {
    fn default() -> Self {
        Transport::Http { url: String::new(), headers: Vec::new(), is_sse: false }
    }
}

/// Which tools of an entry are offered, by the names that its server gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolChoice {
    /// Only these, if there are any.
    pub only: Vec<String>,
    /// All but these.
    pub hide: Vec<String>,
    /// Descriptions in place of the server's.
    pub describe: Vec<(String, String)>,
}

/// A timeout of this or more is taken for milliseconds.
const MIN_MILLISECONDS: u64 = 1000;

/// The longest timeout, in milliseconds.
const MAX_TIMEOUT: u64 = 86_400_000;

/// The longest name of an entry, in bytes. It becomes a label.
const MAX_NAME_BYTES: usize = 128;

/// Whether this build can run a command. The others leave out what reads one.
const CAN_RUN: bool = cfg!(any(test, all(unix, feature = "children")));

/// How many unknown keys are named.
const MAX_UNKNOWN: usize = 20;

impl ServersFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong with the whole file.
    pub fn read(text: &str, variables: Variables<'_>, language: Language) -> Result<Self, String> {
        let json = strict(text);
        let top = json.trim();
        let mut lists = Vec::new();
        let mut unknown = Unknown::default();
        let read = scan::check(&json, &mut scan::Notes::default());
        if let Err(error) = read {
            let (line, column) = place(text, error.at);
            return Err(language.servers_not_json(line, column));
        }
        let read = scan::members(top, |key, value| match &*key.name() {
            "mcpServers" | "servers" => lists.push(value),
            name => unknown.note(name),
        });
        if read.is_err() || lists.is_empty() {
            return Err(language.servers_missing());
        }
        let mut file = ServersFile::default();
        for list in lists {
            let read = scan::members(list, |key, value| {
                let mut reader = EntryReader::new(variables, language, &mut unknown);
                let name = key.name().into_owned();
                let entry = reader.entry(&name, value);
                file.warnings.extend(reader.warnings.iter().map(|warning| {
                    language.servers_entry(&visible_start(&name, MAX_NAME_BYTES), warning)
                }));
                match file.entries.iter_mut().find(|known| known.name == name) {
                    Some(known) => {
                        known.server = Err(language.servers_twice());
                        known.variables.extend(entry.variables);
                        known.variables = sorted(std::mem::take(&mut known.variables));
                    }
                    None => file.entries.push(entry),
                }
            });
            read.map_err(|_| language.servers_missing())?;
        }
        if !unknown.names.is_empty() {
            file.warnings.push(language.servers_unknown_keys(&unknown.names.join(", ")));
        }
        Ok(file)
    }
}

/// The keys that mean nothing to this program.
#[derive(Default)]
struct Unknown {
    names: Vec<String>,
}

impl Unknown {
    fn note(&mut self, name: &str) {
        // Editors put the schema of the file there.
        let shown = visible_start(name, MAX_NAME_BYTES);
        if name != "$schema" && self.names.len() < MAX_UNKNOWN && !self.names.contains(&shown) {
            self.names.push(shown);
        }
    }
}

/// The members of an entry, as they are spelled.
#[derive(Default)]
struct Members<'a> {
    kind: Option<&'a str>,
    command: Option<&'a str>,
    args: Option<&'a str>,
    env: Option<&'a str>,
    cwd: Option<&'a str>,
    url: Option<&'a str>,
    headers: Option<&'a str>,
    disabled: Option<&'a str>,
    enabled: Option<&'a str>,
    timeout: Option<&'a str>,
    tools: Option<&'a str>,
    agents: Option<&'a str>,
}

/// Reads one entry.
struct EntryReader<'a> {
    variables: Variables<'a>,
    language: Language,
    unknown: &'a mut Unknown,
    warnings: Vec<String>,
    server: ServerConfig,
    /// The variables that were put in.
    named: Vec<String>,
}

/// The fault of an entry, as people read it.
type EntryError = String;

impl<'r> EntryReader<'r> {
    fn new(variables: Variables<'r>, language: Language, unknown: &'r mut Unknown) -> Self {
        let (warnings, server) = (Vec::new(), ServerConfig::default());
        EntryReader { variables, language, unknown, warnings, server, named: Vec::new() }
    }

    fn entry(&mut self, name: &str, value: &str) -> ServerEntry {
        let mut found = Members::default();
        let mut slots = Vec::new();
        let is_object = scan::members(value, |key, value| {
            let slot = match &*key.name() {
                "type" | "transportType" | "transport" => &mut found.kind,
                "command" => &mut found.command,
                "args" => &mut found.args,
                "env" => &mut found.env,
                "cwd" => &mut found.cwd,
                "url" => &mut found.url,
                "headers" | "http_headers" => &mut found.headers,
                "disabled" => &mut found.disabled,
                "enabled" => &mut found.enabled,
                "timeout" => &mut found.timeout,
                "tools" => &mut found.tools,
                "agents" => &mut found.agents,
                name => return slots.push(name.to_owned()),
            };
            // Many programs write every member they know of.
            *slot = Some(value).filter(|value| *value != "null").or(*slot);
        })
        .is_ok();
        slots.iter().for_each(|name| self.unknown.note(name));
        let is_true = |raw| raw == Some("true");
        let is_enabled = !is_true(found.disabled) && found.enabled != Some("false");
        let server = if name.is_empty() || name.len() > MAX_NAME_BYTES || has_control(name) {
            Err(self.language.servers_odd_name(MAX_NAME_BYTES))
        } else if is_object {
            self.server(&found)
        } else {
            Err(self.language.servers_no_object())
        };
        let server = server.map(|()| std::mem::take(&mut self.server));
        // Reading ends at the first fault, so they are looked for in the text as well.
        let named = std::mem::take(&mut self.named).into_iter();
        let mut variables = sorted(named.chain(variables::named_in(value).map(str::to_owned)));
        variables.dedup();
        ServerEntry { name: name.to_owned(), is_enabled, variables, server }
    }

    fn server(&mut self, found: &Members<'_>) -> Result<(), EntryError> {
        for (name, flag) in [("disabled", found.disabled), ("enabled", found.enabled)] {
            if !matches!(flag, None | Some("true" | "false")) {
                return Err(self.language.servers_not_true_or_false(name));
            }
        }
        self.server.transport = match self.kind(found)? {
            Kind::Stdio if CAN_RUN => self.stdio(found)?,
            Kind::Stdio => return Err(self.language.no_children_here()),
            kind => self.http(found, kind == Kind::Sse)?,
        };
        self.server.timeout = found.timeout.map(|raw| self.timeout(raw)).transpose()?;
        if let Some(raw) = found.agents {
            // One name needs no list.
            let is_one = raw.starts_with('"');
            let agents =
                if is_one { vec![self.text("agents", raw)?] } else { self.texts("agents", raw)? };
            self.server.agents = Some(sorted(agents));
        }
        if let Some(raw) = found.tools {
            self.choice(raw)?;
        }
        let mut secrets = std::mem::take(&mut self.server.secrets);
        let bare = secrets.iter().filter_map(|secret| without_scheme(secret)).map(str::to_owned);
        let bare: Vec<String> = bare.collect();
        secrets.extend(bare);
        self.server.secrets = sorted(secrets);
        self.server.secrets.dedup();
        Ok(())
    }

    fn kind(&mut self, found: &Members<'_>) -> Result<Kind, EntryError> {
        if let Some(raw) = found.kind {
            let text = self.text("type", raw)?;
            let folded = text.to_ascii_lowercase().replace(['-', '_'], "");
            return match &*folded {
                "stdio" => Ok(Kind::Stdio),
                "sse" => Ok(Kind::Sse),
                "http" | "streamablehttp" => Ok(Kind::Http),
                // As the file has it: a variable may be a secret.
                _ => {
                    let text = string(raw).unwrap_or(raw.into());
                    Err(self.language.servers_unknown_kind(&visible_start(&text, 40)))
                }
            };
        }
        match (found.command, found.url) {
            (Some(_), Some(_)) => Err(self.language.servers_both()),
            (Some(_), None) => Ok(Kind::Stdio),
            (None, Some(url)) => {
                let url = url.trim_end_matches(['"', '/']);
                Ok(if url.ends_with("/sse") { Kind::Sse } else { Kind::Http })
            }
            (None, None) => Err(self.language.servers_neither()),
        }
    }

    fn stdio(&mut self, found: &Members<'_>) -> Result<Transport, EntryError> {
        let command = found.command.ok_or_else(|| self.language.servers_needs("command"))?;
        let command = self.text("command", command)?;
        if command.trim().is_empty() {
            return Err(self.language.servers_needs("command"));
        }
        let arguments = found.args.map(|raw| self.texts("args", raw)).transpose()?;
        let environment = found.env.map(|raw| self.pairs("env", raw)).transpose()?;
        let environment = environment.unwrap_or_default();
        if environment.iter().any(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(self.language.servers_odd_variable());
        }
        let folder = found.cwd.map(|raw| self.text("cwd", raw)).transpose()?;
        let arguments = arguments.unwrap_or_default();
        self.server.secrets.extend(secret_arguments(&arguments));
        Ok(Transport::Stdio { command, arguments, environment, folder: folder.map(Into::into) })
    }

    fn http(&mut self, found: &Members<'_>, is_sse: bool) -> Result<Transport, EntryError> {
        let url = found.url.ok_or_else(|| self.language.servers_needs("url"))?;
        let url = self.text("url", url)?.trim().to_owned();
        let is_address = ["http://", "https://"].iter().any(|scheme| {
            let start = url.get(..scheme.len()).unwrap_or_default();
            start.eq_ignore_ascii_case(scheme) && url.len() > scheme.len()
        });
        if !is_address || has_control(&url) || url.contains(' ') {
            return Err(self.language.servers_odd_url());
        }
        // None of these repeats the address, which may hold secrets.
        let address = Url::read(&url).map_err(|error| match error {
            UrlError::Port => self.language.servers_odd_port(),
            UrlError::Scheme | UrlError::Host => self.language.servers_odd_url(),
        })?;
        if address.secure {
            return Err(self.language.service_needs_tls());
        }
        let headers = found.headers.map(|raw| self.pairs("headers", raw)).transpose()?;
        let mut headers = headers.unwrap_or_default();
        if let Some((basic, secrets)) = basic_authorization(&url) {
            self.server.secrets.extend(secrets);
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Authorization")) {
                headers.push(("Authorization".to_owned(), basic));
            }
        }
        for (name, value) in &headers {
            let is_token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_token) || value.contains(['\r', '\n', '\0'])
            {
                return Err(self.language.servers_odd_header(&visible_start(name, 40)));
            }
        }
        Ok(Transport::Http { url, headers, is_sse })
    }

    /// A timeout in seconds, or in milliseconds where it is that large.
    fn timeout(&mut self, raw: &str) -> Result<Duration, EntryError> {
        let text = string(raw).unwrap_or(raw.into());
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let tenth = part.bytes().next().map_or(0, |digit| u64::from(digit & 15));
        let number: Option<u64> =
            whole.parse().ok().filter(|_| is_digits(whole) && is_digits(part));
        let number = number.filter(|number| *number > 0 || tenth > 0);
        let number = number.ok_or_else(|| self.language.servers_odd_timeout())?;
        let millis = if number < MIN_MILLISECONDS {
            number * 1000 + tenth * 100
        } else {
            self.warnings.push(self.language.servers_milliseconds(raw));
            number
        };
        Ok(Duration::from_millis(millis.min(MAX_TIMEOUT)))
    }

    /// `{"allow": […], "deny": […]}`, or `{TOOL: {"enabled": …, "description": …}}`.
    fn choice(&mut self, raw: &str) -> Result<(), EntryError> {
        let mut members = Vec::new();
        scan::members(raw, |key, value| members.push((key.name().into_owned(), value)))
            .map_err(|_| self.language.servers_not_object("tools"))?;
        for (name, value) in members {
            match &*name {
                "allow" if value.starts_with('[') => {
                    self.server.tools.only = self.texts("tools.allow", value)?;
                }
                "deny" if value.starts_with('[') => {
                    self.server.tools.hide = self.texts("tools.deny", value)?;
                }
                _ => self.tool(name, value)?,
            }
        }
        Ok(())
    }

    fn tool(&mut self, name: String, raw: &str) -> Result<(), EntryError> {
        let (mut is_hidden, mut description) = (raw == "false", None);
        let is_flag = matches!(raw, "true" | "false");
        let read = scan::members(raw, |key, value| match &*key.name() {
            "enabled" | "enable" => is_hidden = value == "false",
            "description" => description = string(value).filter(|text| !text.is_empty()),
            _ => (),
        });
        if !is_flag && read.is_err() {
            return Err(self.language.servers_not_object("tools"));
        }
        let tools = &mut self.server.tools;
        tools.describe.extend(description.map(|text| (name.clone(), text.into_owned())));
        if is_hidden {
            tools.hide.push(name);
        }
        Ok(())
    }

    /// A string, its variables put in. Numbers and truth values are taken as they are spelled.
    fn text(&mut self, key: &str, raw: &str) -> Result<String, EntryError> {
        let text = match raw.as_bytes().first() {
            Some(b'"') => string(raw).ok_or_else(|| self.language.servers_not_text(key))?,
            Some(b'{' | b'[') | None => return Err(self.language.servers_not_text(key)),
            _ if raw == "null" => return Err(self.language.servers_not_text(key)),
            _ => raw.into(),
        };
        let put_in = variables::put_in(&text, self.variables).map_err(|error| match error {
            variables::VariableError::Unset(name) => self.language.servers_unset(key, &name),
            variables::VariableError::Unreadable => self.language.servers_odd_reference(key),
        })?;
        if put_in.text.contains('\0') {
            return Err(self.language.servers_zero_byte(key));
        }
        self.server.secrets.extend(put_in.values.into_iter().filter(|value| is_secret(value)));
        self.named.extend(put_in.names);
        Ok(put_in.text)
    }

    fn texts(&mut self, key: &str, raw: &str) -> Result<Vec<String>, EntryError> {
        let mut elements = Vec::new();
        scan::elements(raw, &mut |element| elements.push(element))
            .map_err(|_| self.language.servers_not_list(key))?;
        elements.into_iter().map(|element| self.text(key, element)).collect()
    }

    /// The members of an object of strings, or the `NAME=VALUE` of a list. Their values are secrets.
    fn pairs(&mut self, key: &str, raw: &str) -> Result<Vec<(String, String)>, EntryError> {
        let mut pairs = Vec::new();
        if raw.starts_with('[') {
            for text in self.texts(key, raw)? {
                // A name alone stands for a variable that the child inherits anyway.
                let pair = text.split_once('=');
                pairs.extend(pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
        } else {
            let mut members = Vec::new();
            scan::members(raw, |name, value| members.push((name.name().into_owned(), value)))
                .map_err(|_| self.language.servers_not_object(key))?;
            for (name, value) in members {
                let value = self.text(&[key, ".", &visible_start(&name, 40)].concat(), value)?;
                pairs.push((name, value));
            }
        }
        let values = pairs.iter().map(|(_, value)| value.clone());
        self.server.secrets.extend(values.filter(|value| is_secret(value)));
        Ok(pairs)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stdio,
    Http,
    Sse,
}

fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}

#[cfg(test)]
mod tests;
