//! Plain requests: one question, one answer, one connection.

use super::{Address, Failure, Stream};
use crate::escape::visible_start;
use crate::token::percent;
use jsonrpc::message::last_member;
use serde_json::Value;
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// The longest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// What every answer begins with.
const BEGINNING: &[u8] = b"HTTP/";

/// The most headers of an answer.
const MAX_HEADERS: usize = 100;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names and values as they came.
    pub headers: Vec<(String, String)>,
    /// The body, or what has come of it.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        json(&self.text())
    }
}

/// A text as JSON; null where it is none.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// A value as JSON. A `Value` that is formatted is 2.5 KB of program more.
pub fn written(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What is at a path in a text of JSON, as it is spelled; empty where there is none. Commands that every build has
/// use this: the reader of a `Value` is 15 KB of program more.
pub fn spelled_at<'a>(json: &'a str, path: &str) -> &'a str {
    path.split('.').fold(json, |json, name| last_member(json, name).unwrap_or_default())
}

/// The member at a path, whose names stand between `.`; null where there is none. `value["name"]`
/// does the same, with a search of its own compiled into every place.
#[inline(never)]
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// The text at a path; empty where there is none.
#[inline(never)]
pub fn text_at<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// The number at a path; 0 where there is none.
#[inline(never)]
pub fn number_at(value: &Value, path: &str) -> u64 {
    at(value, path).as_u64().unwrap_or_default()
}

/// Sends `GET target` and reads the answer, within `timeout`. The key `bearer` goes into
/// the header `Authorization`.
///
/// # Errors
/// Why there is no answer.
pub fn get(
    address: &Address,
    target: &str,
    bearer: Option<&str>,
    timeout: Duration,
) -> Result<Answer, Failure> {
    ask("GET", address, target, bearer, ("", ""), timeout)
}

/// Sends `POST target` without a body, and does what [`get`] does otherwise.
///
/// # Errors
/// Why there is no answer.
pub fn post(
    address: &Address,
    target: &str,
    bearer: Option<&str>,
    timeout: Duration,
) -> Result<Answer, Failure> {
    ask("POST", address, target, bearer, ("Content-Length: 0\r\n", ""), timeout)
}

/// Sends `PUT target` with `body` for what has the tag `if_match`, and does what [`get`] does otherwise.
///
/// # Errors
/// Why there is no answer.
pub fn put(
    address: &Address,
    target: &str,
    bearer: &str,
    if_match: &str,
    body: &str,
    timeout: Duration,
) -> Result<Answer, Failure> {
    let more = format!("If-Match: {if_match}\r\nContent-Length: {}\r\n", body.len());
    ask("PUT", address, target, Some(bearer), (&more, body), timeout)
}

fn ask(
    method: &str,
    address: &Address,
    target: &str,
    bearer: Option<&str>,
    (headers, body): (&str, &str),
    timeout: Duration,
) -> Result<Answer, Failure> {
    let until = Instant::now() + timeout;
    let mut stream = Stream::open(address, until)?;
    // Proxies may refuse a header that is not ASCII.
    let bearer = bearer.map(|key| percent::encode(key, b""));
    let bearer = bearer.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
    let more = format!("Accept: application/json\r\n{bearer}{headers}Connection: close\r\n");
    let mut text = request(method, address, target, &more);
    text.push_str(body);
    stream.send(text.as_bytes())?;
    let (mut answer, mut body) = head(&mut stream, until)?;
    let length = answer.header("content-length").parse().unwrap_or(usize::MAX);
    while body.len() < length && read(&mut stream, &mut body, until)? {}
    body.truncate(length);
    answer.body =
        if answer.header("transfer-encoding").is_empty() { body } else { unchunked(&body) };
    Ok(answer)
}

/// The head of a request. `more` are further headers, each with its line's end.
pub(super) fn request(method: &str, address: &Address, target: &str, more: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: mcp-endpoint-server/{}\r\n{more}\r\n",
        address.authority(),
        crate::VERSION
    )
}

/// Reads the head of an answer, and gives what has come behind it.
pub(super) fn head(stream: &mut Stream, until: Instant) -> Result<(Answer, Vec<u8>), Failure> {
    let mut bytes = Vec::new();
    loop {
        let known = bytes.len();
        let end = match read(stream, &mut bytes, until) {
            Ok(true) => None,
            Ok(false) => Some(Failure::Ended),
            Err(failure) => Some(failure),
        };
        if !bytes.iter().zip(BEGINNING).all(|(byte, expected)| byte == expected) {
            return Err(not_http(&bytes));
        }
        // Reading the head again for every byte of it would take long.
        if bytes.iter().skip(known).any(|byte| *byte == b'\n') {
            if let Some(parts) = parse(&bytes)? {
                return Ok(parts);
            }
        }
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(Failure::TooLong);
        }
        match end {
            // What came before the end tells more than the end.
            Some(Failure::Ended) if !bytes.is_empty() => return Err(not_http(&bytes)),
            Some(failure) => return Err(failure),
            None => {}
        }
    }
}

/// A whole head and what follows it.
fn parse(bytes: &[u8]) -> Result<Option<(Answer, Vec<u8>)>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => {
            let owned = |header: &httparse::Header<'_>| {
                (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
            };
            let headers = response.headers.iter().map(owned).collect();
            let status = response.code.unwrap_or_default();
            let rest = bytes.get(length..).unwrap_or_default().to_vec();
            Ok(Some((Answer { status, headers, body: Vec::new() }, rest)))
        }
        Err(_) => Err(not_http(bytes)),
    }
}

fn not_http(bytes: &[u8]) -> Failure {
    // An alert, or the handshake of a server that is in a hurry.
    if let [0x15 | 0x16, 0x03, ..] = bytes {
        return Failure::SpeaksTls;
    }
    let text = String::from_utf8_lossy(bytes);
    Failure::NotHttp(visible_start(text.lines().next().unwrap_or_default(), 40))
}

/// Reads once; false at the end of the stream.
fn read(stream: &mut Stream, bytes: &mut Vec<u8>, until: Instant) -> Result<bool, Failure> {
    // An answer that never ends is not in time either.
    if Instant::now() >= until {
        return Err(Failure::Silent { connected: true });
    }
    let mut buffer = [0; 4096];
    let count = match stream.read(&mut buffer, until) {
        Ok(count) => count,
        Err(Failure::Ended) => return Ok(false),
        Err(failure) => return Err(failure),
    };
    bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
    if bytes.len() > MAX_ANSWER_BYTES {
        return Err(Failure::TooLong);
    }
    Ok(true)
}

/// A body that proxies have sent in chunks, put together; as far as it is sound.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let (line, after) = rest.split_at(end);
        let size = std::str::from_utf8(line).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else { break };
        let chunk = after.get(2..).unwrap_or_default();
        body.extend_from_slice(chunk.get(..size).unwrap_or(chunk));
        rest = chunk.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::super::served;
    use super::*;
    use std::io::Write;

    #[test]
    fn an_answer_that_never_ends_is_given_up_in_time() {
        for beginning in ["", "HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\n\r\n"] {
            let asked = served(
                move |stream| {
                    stream.write_all(beginning.as_bytes())?;
                    while !beginning.is_empty() && stream.write_all(b"x").is_ok() {
                        std::thread::sleep(Duration::from_micros(100));
                    }
                    std::io::copy(stream, &mut std::io::sink()).map(drop)
                },
                |address| get(&address, "/", None, Duration::from_millis(200)),
            );
            assert_eq!(asked, Err(Failure::Silent { connected: true }), "{beginning}");
        }
    }

    #[test]
    fn what_comes_too_late_is_not_read() {
        let mut bytes = Vec::new();
        let seen = served(
            |stream| {
                stream.write_all(&[b'x'; 8192])?;
                std::io::copy(stream, &mut std::io::sink()).map(drop)
            },
            move |address| {
                let later = Instant::now() + Duration::from_secs(60);
                let mut stream = Stream::open(&address, later).unwrap();
                let first = read(&mut stream, &mut bytes, later);
                (first, read(&mut stream, &mut bytes, Instant::now()))
            },
        );
        assert_eq!(seen, (Ok(true), Err(Failure::Silent { connected: true })));
    }

    #[test]
    fn a_head_that_is_longer_than_any_is_not_read_to_its_end() {
        let asked = served(
            |stream| {
                stream.write_all(b"HTTP/1.1 200 OK\r\nA: ")?;
                stream.write_all(&[b'x'; MAX_HEAD_BYTES])?;
                std::io::copy(stream, &mut std::io::sink()).map(drop)
            },
            |address| get(&address, "/", None, Duration::from_secs(60)),
        );
        assert_eq!(asked, Err(Failure::TooLong));
    }

    #[test]
    fn a_head_that_comes_in_single_bytes_is_read() {
        let asked = served(
            |stream| {
                stream.set_nodelay(true)?;
                for byte in b"HTTP/1.1 204 No\r\nServer: x\r\n\r\n" {
                    stream.write_all(&[*byte])?;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(())
            },
            |address| get(&address, "/", None, Duration::from_secs(60)),
        );
        let answer = asked.unwrap();
        assert_eq!((answer.status, answer.header("server")), (204, "x"));
    }

    #[test]
    fn a_body_in_chunks_is_put_together() {
        assert_eq!(unchunked(b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"), b"abc0123456789");
        assert_eq!(unchunked(b"5\r\nab"), b"ab");
        assert_eq!(unchunked(b"-1\r\nab"), b"");
        assert_eq!(unchunked(b"ffffffffffffffffff\r\nab"), b"");
    }

    #[test]
    fn what_is_no_http_is_distinguished_from_tls() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nA: b\r\n").unwrap(), None);
        assert_eq!(parse(b"\x15\x03\x01\x00\x02\x02\x46").unwrap_err(), Failure::SpeaksTls);
        let ssh = parse(b"SSH-2.0-x\r\nmore").unwrap_err();
        assert_eq!(ssh, Failure::NotHttp("SSH-2.0-x".to_owned()));
        let (answer, rest) = parse(b"HTTP/1.1 404 No\r\nServer: x\r\n\r\nbody").unwrap().unwrap();
        assert_eq!((answer.status, answer.header("server"), &rest[..]), (404, "x", &b"body"[..]));
    }
}
