//! Reads an HTTP response: bytes to a head and the pieces of a body, however its end is told.

/// The longest head, in bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// The most headers of a head.
const MAX_HEADERS: usize = 100;

/// The longest line before a chunk, in bytes, and the longest trailer.
const MAX_LINE_BYTES: usize = 1 << 10;

/// The head of a response, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// What the body is.
    pub content: Content,
    /// `Mcp-Session-Id`
    pub session: Option<Box<str>>,
    /// `Location`
    pub location: Option<Box<str>>,
}

/// What a body is, as `Content-Type` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// `application/json`
    Json,
    /// `text/event-stream`
    Events,
    /// `text/html`
    Html,
    /// Anything else, or not told.
    #[default]
    Other,
}

/// The next part of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// More bytes are needed.
    Incomplete,
    /// The head.
    Head(Head),
    /// A piece of the body.
    Body(&'a [u8]),
    /// The body is complete.
    End,
}

/// Why bytes are no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// They are not HTTP.
    NotHttp,
    /// The head is too large.
    HeadTooLarge,
    /// The length of the body is told in a way that contradicts itself, or that nobody understands.
    OddLength,
    /// A chunk does not have the length it claims, or claims none.
    OddChunk,
    /// The connection ended before the response.
    CutShort,
}

/// Reads one response.
#[derive(Debug, Default)]
pub struct ResponseReader {
    /// The bytes of the head, while it is incomplete.
    head: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// So many bytes of the body are missing.
    Length(u64),
    /// Everything until the end of the connection is the body.
    UntilEnd,
    /// The line before a chunk: what it says so far, and how many bytes it has.
    Size {
        size: u64,
        digits: usize,
        length: usize,
        is_number: bool,
    },
    /// So many bytes of a chunk are missing.
    Chunk(u64),
    /// The line's end behind a chunk.
    ChunkEnd,
    /// What follows the last chunk: its bytes so far, and those of its last line.
    Trailer {
        length: usize,
        line: usize,
    },
    Over,
}

const SIZE: State = State::Size { size: 0, digits: 0, length: 0, is_number: true };

impl ResponseReader {
    /// The next part in `bytes`, from which it is taken.
    ///
    /// # Errors
    /// Why they are no response.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Part<'a>, ResponseError> {
        loop {
            if self.state == State::Over {
                return Ok(Part::End);
            }
            if let State::Length(missing) | State::Chunk(missing) = self.state {
                let size = usize::try_from(missing).unwrap_or(usize::MAX).min(bytes.len());
                let (piece, rest) = bytes.split_at_checked(size).unwrap_or_default();
                let missing = missing - size as u64;
                self.state = match self.state {
                    State::Length(_) if missing == 0 => State::Over,
                    State::Length(_) => State::Length(missing),
                    _ if missing == 0 => State::ChunkEnd,
                    _ => State::Chunk(missing),
                };
                *bytes = rest;
                if !piece.is_empty() {
                    return Ok(Part::Body(piece));
                }
                if missing > 0 {
                    return Ok(Part::Incomplete);
                }
                continue;
            }
            if self.state == State::UntilEnd && !bytes.is_empty() {
                return Ok(Part::Body(std::mem::take(bytes)));
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(Part::Incomplete) };
            *bytes = rest;
            if self.state == State::Head {
                if let Some(head) = self.head_byte(byte)? {
                    return Ok(Part::Head(head));
                }
            } else {
                self.state = framing(self.state, byte).ok_or(ResponseError::OddChunk)?;
            }
        }
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`ResponseError::CutShort`] where the response is not complete.
    pub fn end(&mut self) -> Result<(), ResponseError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::UntilEnd | State::Over => Ok(()),
            _ => Err(ResponseError::CutShort),
        }
    }

    /// Whether nothing has come.
    pub fn is_fresh(&self) -> bool {
        self.state == State::Head && self.head.is_empty()
    }

    /// The bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.head.capacity()
    }

    fn head_byte(&mut self, byte: u8) -> Result<Option<Head>, ResponseError> {
        self.head.push(byte);
        let start = self.head.get(..5).unwrap_or(&self.head);
        if !b"HTTP/".starts_with(start) {
            return Err(ResponseError::NotHttp);
        }
        if self.head.len() > MAX_HEAD_BYTES {
            return Err(ResponseError::HeadTooLarge);
        }
        // The head ends with an empty line, so it is parsed once.
        if !self.head.ends_with(b"\n\r\n") && !self.head.ends_with(b"\n\n") {
            return Ok(None);
        }
        let bytes = std::mem::take(&mut self.head);
        let (head, state) = read_head(&bytes)?;
        // What says only that the answer will come.
        if head.status < 200 {
            return Ok(None);
        }
        self.state = state;
        Ok(Some(head))
    }
}

/// Reads a whole head, and how the body's end is told.
fn read_head(bytes: &[u8]) -> Result<(Head, State), ResponseError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => (),
        Err(httparse::Error::TooManyHeaders) => return Err(ResponseError::HeadTooLarge),
        _ => return Err(ResponseError::NotHttp),
    }
    let mut head = Head { status: response.code.unwrap_or_default(), ..Head::default() };
    let (mut length, mut is_chunked) = (None, false);
    for header in response.headers.iter() {
        let value = String::from_utf8_lossy(header.value);
        let value = value.trim();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let given = value.parse::<u64>().map_err(|_| ResponseError::OddLength)?;
            if length.is_some_and(|length| length != given) {
                return Err(ResponseError::OddLength);
            }
            length = Some(given);
        } else if is("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") || is_chunked {
                return Err(ResponseError::OddLength);
            }
            is_chunked = true;
        } else if is("content-type") {
            let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            head.content = match &*kind {
                "application/json" => Content::Json,
                "text/event-stream" => Content::Events,
                "text/html" => Content::Html,
                _ => Content::Other,
            };
        } else if is("mcp-session-id") {
            // It is sent back as it came, so it must not end a line.
            let is_visible = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
            head.session = is_visible.then(|| value.into());
        } else if is("location") {
            head.location = Some(value.into());
        }
    }
    let state = match length {
        _ if matches!(head.status, 204 | 304) => State::Over,
        // Chunks win where both are told (RFC 9112, 6.3).
        _ if is_chunked => SIZE,
        Some(0) => State::Over,
        Some(length) => State::Length(length),
        None => State::UntilEnd,
    };
    Ok((head, state))
}

/// What a byte between chunks means; `None` where it may not stand there.
fn framing(state: State, byte: u8) -> Option<State> {
    Some(match (state, byte) {
        (State::Size { size, digits, .. }, b'\n') if digits > 0 => match size {
            0 => State::Trailer { length: 0, line: 0 },
            _ => State::Chunk(size),
        },
        (State::Size { length, .. }, _) if length >= MAX_LINE_BYTES => return None,
        (State::Size { size, digits, length, is_number: true }, _) if byte.is_ascii_hexdigit() => {
            let digit = char::from(byte).to_digit(16)?;
            let size = size.checked_mul(16)? | u64::from(digit);
            State::Size { size, digits: digits + 1, length: length + 1, is_number: true }
        }
        // An extension, which means nothing, or blanks.
        (State::Size { size, digits, length, .. }, b';' | b' ' | b'\t' | b'\r') if digits > 0 => {
            State::Size { size, digits, length: length + 1, is_number: false }
        }
        (State::Size { size, digits, length, is_number: false }, _) => {
            State::Size { size, digits, length: length + 1, is_number: false }
        }
        (State::ChunkEnd, b'\r') => State::ChunkEnd,
        (State::ChunkEnd, b'\n') => SIZE,
        (State::Trailer { line: 0, .. }, b'\n') => State::Over,
        (State::Trailer { length, .. }, _) if length >= MAX_HEAD_BYTES => return None,
        (State::Trailer { length, .. }, b'\n') => State::Trailer { length: length + 1, line: 0 },
        (State::Trailer { length, line }, b'\r') => State::Trailer { length: length + 1, line },
        (State::Trailer { length, line }, _) => {
            State::Trailer { length: length + 1, line: line + 1 }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a response that comes in pieces of `step` bytes; then the connection ends.
    fn read(text: &str, step: usize) -> Result<(Head, String), ResponseError> {
        let (mut reader, mut head, mut body) = (ResponseReader::default(), None, Vec::new());
        for mut piece in text.as_bytes().chunks(step) {
            loop {
                match reader.next(&mut piece)? {
                    Part::Incomplete => break,
                    Part::Head(found) => assert!(head.replace(found).is_none()),
                    Part::Body(bytes) => body.extend_from_slice(bytes),
                    Part::End => return Ok((head.unwrap(), String::from_utf8(body).unwrap())),
                }
            }
        }
        reader.end()?;
        Ok((head.unwrap(), String::from_utf8(body).unwrap()))
    }

    /// The body of a response with these headers and these bytes, the same in pieces of every size.
    fn body(headers: &str, bytes: &str) -> Result<String, ResponseError> {
        let text = format!("HTTP/1.1 200 OK\r\n{headers}\r\n{bytes}");
        let whole = read(&text, text.len());
        for step in 1..text.len() {
            assert_eq!(read(&text, step), whole, "{step}: {text}");
        }
        whole.map(|(_, body)| body)
    }

    const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

    #[test]
    fn a_body_ends_where_its_length_says() {
        assert_eq!(body("Content-Length: 5\r\n", "hello and more").unwrap(), "hello");
        assert_eq!(body("content-length: 0\r\n", "more").unwrap(), "");
        assert_eq!(body("", "until the end").unwrap(), "until the end");
        let chunks = "5\r\nhello\r\n001 ;x=\"y\"\r\n!\r\n0\r\nX: y\r\nZ: a\r\n\r\nmore";
        assert_eq!(body(CHUNKED, chunks).unwrap(), "hello!");
        assert_eq!(body(CHUNKED, "a\n0123456789\n0\n\n").unwrap(), "0123456789");
        let both = format!("Content-Length: 3\r\n{CHUNKED}");
        assert_eq!(body(&both, "1\r\nx\r\n0\r\n\r\n").unwrap(), "x");
    }

    #[test]
    fn a_response_that_is_cut_is_noticed() {
        for (headers, bytes) in [
            ("Content-Length: 5\r\n", "hell"),
            ("Content-Length: 18446744073709551615\r\n", "hell"),
            (CHUNKED, "5\r\nhell"),
            (CHUNKED, "5\r\nhello"),
            (CHUNKED, "5\r\nhello\r\n"),
            (CHUNKED, "0\r\n"),
            (CHUNKED, "ffffffffffffffff\r\nx"),
        ] {
            assert_eq!(body(headers, bytes), Err(ResponseError::CutShort), "{bytes}");
        }
        let mut reader = ResponseReader::default();
        assert!(reader.is_fresh());
        assert_eq!(reader.end(), Err(ResponseError::CutShort));
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        for (headers, bytes, error) in [
            ("Content-Length: 5\r\nContent-Length: 6\r\n", "", ResponseError::OddLength),
            ("Content-Length: -1\r\n", "", ResponseError::OddLength),
            ("Content-Length: 18446744073709551616\r\n", "", ResponseError::OddLength),
            ("Transfer-Encoding: gzip\r\n", "", ResponseError::OddLength),
            ("Transfer-Encoding: gzip, chunked\r\n", "", ResponseError::OddLength),
            (CHUNKED, "3\r\nhello\r\n", ResponseError::OddChunk),
            (CHUNKED, "x\r\n", ResponseError::OddChunk),
            (CHUNKED, "\r\n", ResponseError::OddChunk),
            (CHUNKED, "-1\r\n", ResponseError::OddChunk),
            (CHUNKED, "10000000000000000\r\n", ResponseError::OddChunk),
        ] {
            assert_eq!(body(headers, bytes), Err(error), "{headers}{bytes}");
        }
        let endless = format!("1;{}", "x".repeat(MAX_LINE_BYTES));
        let text = format!("HTTP/1.1 200 OK\r\n{CHUNKED}\r\n{endless}");
        assert_eq!(read(&text, text.len()), Err(ResponseError::OddChunk));
        let text = format!("HTTP/1.1 200 OK\r\n{CHUNKED}\r\n0\r\n{}", "x\n".repeat(MAX_HEAD_BYTES));
        assert_eq!(read(&text, text.len()), Err(ResponseError::OddChunk));
    }

    #[test]
    fn a_head_says_what_the_body_is() {
        let text = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 404\r\n\
            CONTENT-TYPE: Text/Event-Stream ; charset=utf-8\r\nMcp-Session-Id: a-1\r\n\
            Location: /x y\r\nContent-Length: 0\r\n\r\n";
        for step in 1..text.len() {
            let head = Head {
                status: 404,
                content: Content::Events,
                session: Some("a-1".into()),
                location: Some("/x y".into()),
            };
            assert_eq!(read(text, step), Ok((head, String::new())));
        }
        let text = "HTTP/1.1 204 No Content\r\nMcp-Session-Id: a\tb\r\n\r\n";
        let (head, _) = read(text, 1).unwrap();
        assert_eq!((head.status, head.content, head.session), (204, Content::Other, None));
    }

    #[test]
    fn what_is_no_http_is_noticed_early() {
        for text in ["\u{16}\u{3}\u{1}", "SSH-2.0", "HTTPS", "HTTP/1.1 OK\r\n\r\n", "\r\n\r\n"] {
            assert_eq!(read(text, 1), Err(ResponseError::NotHttp), "{text}");
        }
        let many = "X: y\r\n".repeat(MAX_HEADERS + 1);
        let long = format!("X: {}\r\n", "y".repeat(MAX_HEAD_BYTES));
        for headers in [many, long] {
            let text = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
            assert_eq!(read(&text, 999), Err(ResponseError::HeadTooLarge));
        }
    }
}
