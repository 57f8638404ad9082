//! An HTTP service in the test, which says what the test wants on raw sockets.

use serde_json::{json, Value};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request that the stub got.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Method and target.
    pub line: String,
    /// The head.
    pub head: String,
    /// The message; null where there is none.
    pub body: Value,
}

impl Request {
    pub(super) fn is(&self, method: &str) -> bool {
        self.body["method"] == method
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// A service.
pub(super) struct Stub {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    /// A service that answers each request by `answer`, each connection in a thread of its own.
    pub(super) fn start(answer: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), answer)
    }

    /// The same at this address.
    pub(super) fn at(
        address: SocketAddr,
        answer: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (known, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (known, answer) = (Arc::clone(&known), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream;
                    let Some(request) = read(&stream) else { return };
                    known.lock().unwrap().push(request.clone());
                    answer(&request, &mut stream);
                });
            }
        });
        Stub { address, requests }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// An entry for it.
    pub(super) fn entry(&self) -> Value {
        json!({"url": self.url("/mcp")})
    }

    /// The requests so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut head) = (String::new(), String::new());
    reader.read_line(&mut line).ok()?;
    while !head.ends_with("\r\n\r\n") && head != "\r\n" {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut request = Request { line, head, body: Value::Null };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = serde_json::from_slice(&body).unwrap_or_default();
    Some(request)
}

/// Writes a text. The peer may be gone.
pub(super) fn write(stream: &mut TcpStream, text: impl AsRef<[u8]>) {
    let _ = stream.write_all(text.as_ref());
}

/// Writes a response with its length.
pub(super) fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    write(stream, format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"));
}

/// Writes the answer to a request as JSON.
pub(super) fn answer(request: &Request, stream: &mut TcpStream, headers: &str, result: &Value) {
    let body = json!({"jsonrpc": "2.0", "id": request.body["id"], "result": result});
    let headers = format!("{headers}Content-Type: application/json\r\n");
    respond(stream, "200 OK", &headers, &serde_json::to_string_pretty(&body).unwrap());
}

/// Does what a well-behaved service without sessions does. It has the tool `name`, which says its name.
pub(super) fn serve(request: &Request, stream: &mut TcpStream, name: &str) {
    match request.body["method"].as_str() {
        Some("initialize") => answer(request, stream, "", &initialize_result()),
        Some("tools/list") => answer(request, stream, "", &tools(name)),
        Some("tools/call") => answer(request, stream, "", &content(name)),
        Some("ping") => answer(request, stream, "", &json!({})),
        Some(_) => respond(stream, "202 Accepted", "", ""),
        None => respond(stream, "405 Method Not Allowed", "", ""),
    }
}

pub(super) fn initialize_result() -> Value {
    json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {"listChanged": true}},
        "serverInfo": {"name": "stub", "version": "1"}})
}

pub(super) fn tools(name: &str) -> Value {
    json!({"tools": [{"name": name, "inputSchema": {"type": "object"}}]})
}

pub(super) fn content(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}
