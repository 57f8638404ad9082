//! Requests as they come over the wire, and their answers.

mod client;
mod page;
mod plain;
mod status;
mod upgrade;

use super::*;
use crate::managed::Status;
use crate::relay::Policy;
use crate::settings::{Logging, Origins, Security, Server, WebSocket};
use crate::text::Language;
use std::io::Read;
use std::time::Duration;

/// A machine with known memory, address and refusals.
#[derive(Debug)]
struct Pi {
    /// Those of an entry of the servers file.
    agents: Vec<String>,
}

impl Machine for Pi {
    fn memory(&self) -> Option<u64> {
        Some(3 << 20)
    }

    fn guessed_address(&self) -> (String, u16) {
        ("192.0.2.9".to_owned(), 8004)
    }

    fn refusals(&self) -> Vec<RecentRefusal> {
        vec![RecentRefusal {
            address: [192, 0, 2, 66].into(),
            reason: RefusalReason::KeyForToken,
            count: 7,
            last: Moment::from_start(Duration::from_secs(50)),
        }]
    }

    fn managed(&self) -> Vec<ManagedStatus<'_>> {
        let of = |name, kind, status| ManagedStatus {
            name,
            kind,
            status,
            restarts: 0,
            last_end: Some("exit status 1"),
            last_lines: Vec::new(),
            tools: 2,
            agents: 1,
            open_to: None,
            memory: 77,
        };
        let time = of("time", "stdio", Status::Restarting);
        let last_lines = vec!["no \"zone\"", "bye"];
        vec![
            ManagedStatus { restarts: 3, last_lines, ..time },
            ManagedStatus { open_to: Some(&self.agents), ..of("home", "", Status::Misconfigured) },
        ]
    }
}

const KEY: &str = "0123456789abcdef+/ &=小0123456789";

fn settings() -> Settings {
    let seconds = Duration::from_secs;
    Settings {
        server: Server {
            host: "127.0.0.1".to_owned(),
            port: 8004,
            debug: false,
            log_level: log::LevelFilter::Info,
            key: KEY.to_owned(),
            public_url: None,
            path_prefix: String::new(),
            language: Language::Zh,
        },
        websocket: WebSocket {
            max_connections: 1000,
            max_connections_per_agent: 0,
            ping_interval: Some(seconds(30)),
            ping_timeout: seconds(10),
            close_timeout: seconds(10),
            handshake_timeout: seconds(10),
            max_message_size: 16 << 20,
            max_queued: 16 << 20,
            memory_limit: 64 << 20,
        },
        tools: Default::default(),
        relay: Policy::default(),
        security: Security {
            allowed_origins: Origins::Any,
            enable_cors: true,
            trusted_proxies: Vec::new(),
        },
        logging: Logging { log_file: None, max_file_size: 0, backup_count: 0 },
        ..Settings::default()
    }
}

fn only(origins: &[&str]) -> Settings {
    let mut settings = settings();
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    settings.security.allowed_origins = Origins::Only(origins);
    settings
}

fn under(prefix: &str) -> Settings {
    let mut settings = settings();
    settings.server.path_prefix = prefix.to_owned();
    settings
}

/// The answer to a request head, given without its empty last line.
fn asked(settings: &Settings, head: &str) -> Action {
    asked_about(&Relay::new(Policy::default()), settings, head)
}

/// The same, from a server with this relay.
fn asked_about(relay: &Relay, settings: &Settings, head: &str) -> Action {
    let head = format!("{}\r\n\r\n", head.replace('\n', "\r\n"));
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    assert!(request.parse(head.as_bytes()).unwrap().is_complete());
    let request = RequestHead {
        method: request.method.unwrap(),
        target: request.path.unwrap(),
        headers: request.headers,
    };
    let shell = ShellView { connections: 3, accepted: 7, ..ShellView::default() };
    let now = Moment::from_start(Duration::from_millis(61_900));
    let pi = Pi { agents: vec!["kitchen".to_owned()] };
    let context = Context { settings, relay, shell, machine: &pi, now, may_see_key: true };
    answer(&request, &context)
}

/// The body of a response whose head has `head` bytes, unpacked.
fn unpacked(bytes: &[u8], head: usize) -> Vec<u8> {
    let mut body = bytes[head..].to_vec();
    if bytes[..head].windows(4).any(|word| word == b"gzip") && !body.is_empty() {
        let packed = std::mem::take(&mut body);
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut body).unwrap();
    }
    body
}

/// A response, parsed.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    /// The size of the body on the wire.
    sent: usize,
}

impl Got {
    fn read(bytes: &[u8]) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(bytes).unwrap() else {
            panic!("an incomplete head")
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let named = |header: &httparse::Header<'_>| (header.name.to_owned(), text(header.value));
        Got {
            status: response.code.unwrap(),
            headers: response.headers.iter().map(named).collect(),
            body: text(&unpacked(bytes, head)),
            sent: bytes.len() - head,
        }
    }

    /// The value of the only header called `name`.
    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice");
        value
    }

    fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("Content-Type"), Some("application/json; charset=utf-8"));
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The response to a request, checked for what every response must have.
fn got(settings: &Settings, head: &str) -> Got {
    got_about(&Relay::new(Policy::default()), settings, head)
}

/// The same, from a server with this relay.
fn got_about(relay: &Relay, settings: &Settings, head: &str) -> Got {
    let Action::Respond(response) = asked_about(relay, settings, head) else {
        panic!("{head}: a response was expected")
    };
    let got = Got::read(&response.bytes);
    assert_eq!(got.status, response.status);
    every_response_has_this(&got, head.starts_with("HEAD "));
    got
}

fn every_response_has_this(got: &Got, to_head: bool) {
    let length: usize = got.header("Content-Length").unwrap().parse().unwrap();
    assert_eq!(got.sent, if to_head { 0 } else { length });
    assert_eq!(got.header("Cache-Control"), Some("no-store"));
    assert_eq!(got.header("X-Content-Type-Options"), Some("nosniff"));
    let connection = got.header("Connection").unwrap();
    assert!(connection.split(", ").any(|word| word == "close"), "{connection}");
}

/// The upgrade that is granted to a request.
fn upgraded(settings: &Settings, head: &str) -> Upgrade {
    match asked(settings, head) {
        Action::Upgrade(upgrade) => upgrade,
        Action::Respond(response) => panic!("{head}: {}", response.status),
        Action::CheckKey => panic!("{head}: the key may be seen"),
        Action::Reload => panic!("{head}: a reload"),
        Action::Choose(_) => panic!("{head}: a selection"),
    }
}
