//! Connections and handshakes, before the measurement starts.

use super::frames::{masked, measure};
use super::relays::Relay;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The `Sec-WebSocket-Key` of every handshake here (RFC 6455, section 1.3).
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The `Sec-WebSocket-Accept` for [`KEY`].
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// How long a relay may take to answer during a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The client name of most robots.
const ROBOT: &str = "XiaozhiMCPEndpointClient";

/// A connection that waits for each answer.
pub(crate) struct Dial {
    socket: TcpStream,
    pending: Vec<u8>,
}

impl Dial {
    /// Connects to an endpoint of an agent: `mcp` for tool servers, `call` for robots.
    pub(crate) fn connect(relay: &Relay, endpoint: &str, agent: &str) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", relay.port)).expect("the relay listens");
        socket.set_nodelay(true).expect("a socket option");
        socket.set_read_timeout(Some(HANDSHAKE_TIMEOUT)).expect("a socket option");
        let mut dial = Dial { socket, pending: Vec::new() };
        let path = Relay::path(endpoint, agent);
        dial.write(
            format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: {KEY}\r\n\r\n"
            )
            .as_bytes(),
        );
        let end = loop {
            match dial.pending.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => dial.more(),
            }
        };
        let head: Vec<u8> = dial.pending.drain(..end).collect();
        let head = String::from_utf8_lossy(&head);
        assert!(head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT), "no upgrade: {head}");
        dial
    }

    /// A tool server with these tools, known to the relay.
    pub(crate) fn tool(relay: &Relay, agent: &str, server: &str, names: &[String]) -> Self {
        let mut dial = Self::connect(relay, "mcp", agent);
        if relay.is_product {
            let initialize = dial.receive();
            let version = r#""protocolVersion":"2024-11-05","capabilities":{"tools":{}}"#;
            dial.say(&format!(
                r#"{{"jsonrpc":"2.0","id":{},"result":{{{version},"serverInfo":{{"name":"{server}","version":"1.0"}}}}}}"#,
                id_of(&initialize)
            ));
            assert!(dial.receive().contains("notifications/initialized"));
            let list = dial.receive();
            assert!(list.contains("tools/list"), "not a list: {list}");
            let schema = r#"{"type":"object","properties":{"room":{"type":"string"}}}"#;
            let tools: Vec<String> = names
                .iter()
                .map(|name| {
                    format!(r#"{{"name":"{name}","description":"x","inputSchema":{schema}}}"#)
                })
                .collect();
            let (id, tools) = (id_of(&list), tools.join(","));
            dial.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{tools}]}}}}"#));
        }
        dial
    }

    /// A robot after its handshake.
    pub(crate) fn robot(relay: &Relay, agent: &str) -> Self {
        let mut dial = Self::connect(relay, "call", agent);
        if relay.is_product {
            dial.say(&format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2024-11-05","capabilities":{{}},"clientInfo":{{"name":"{ROBOT}","version":"1.0"}}}}}}"#
            ));
            let answer = dial.receive();
            assert!(answer.contains("serverInfo"), "no answer to initialize: {answer}");
            dial.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        }
        dial
    }

    /// The socket, which must have no unread data.
    pub(crate) fn into_socket(self) -> TcpStream {
        assert!(self.pending.is_empty(), "something came unasked");
        self.socket
    }

    fn say(&mut self, text: &str) {
        self.write(&masked(text));
    }

    fn receive(&mut self) -> String {
        loop {
            if let Some((start, end, _)) = measure(&self.pending) {
                if end <= self.pending.len() {
                    let frame: Vec<u8> = self.pending.drain(..end).collect();
                    return String::from_utf8_lossy(&frame[start..]).into_owned();
                }
            }
            self.more();
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the relay takes it");
    }

    fn more(&mut self) {
        let mut buffer = [0; 4096];
        let count = self.socket.read(&mut buffer).expect("the relay answers");
        assert!(count > 0, "the relay hung up: {}", String::from_utf8_lossy(&self.pending));
        self.pending.extend_from_slice(&buffer[..count]);
    }
}

/// The id of a message that the relay made.
fn id_of(text: &str) -> &str {
    let rest = text.split_once("\"id\":").map_or("", |(_, rest)| rest);
    rest.split([',', '}']).next().unwrap_or_default()
}
