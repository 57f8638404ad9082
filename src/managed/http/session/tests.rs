mod faults;
mod older;
mod random;

use super::*;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const INITIALIZE_RESULT: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#;
const SERVER: &str = "the server";

/// A session, and what has become of it.
struct Test {
    session: Session,
    now: Moment,
    /// The exchanges that want a connection.
    dialled: Vec<usize>,
    closed: Vec<usize>,
    messages: Vec<String>,
    end: Option<Option<String>>,
}

fn test(url: &str, is_sse: bool) -> Test {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let service = Service {
        url: Url::read(url).unwrap(),
        headers: vec![header("Authorization", "Bearer secret-1"), header("Accept", "x")],
        is_sse,
        secrets: vec!["secret-1".to_owned()],
    };
    let limits = Limits { language: Language::En, max_message_size: 10_000, max_queued: 20_000 };
    let now = Moment::from_start(Duration::from_secs(100));
    let session = Session::new(now, service, limits);
    let (dialled, closed, messages) = (Vec::new(), Vec::new(), Vec::new());
    let mut test = Test { session, now, dialled, closed, messages, end: None };
    test.look();
    test
}

/// A session whose handshake is done, with this id, and whose server has no stream to offer.
fn open(id: &str) -> Test {
    let mut test = test("http://h:81/mcp", false);
    test.send(INITIALIZE);
    let key = test.accept();
    test.request(key);
    test.answer(key, &format!("{id}Content-Type: application/json\r\n"), INITIALIZE_RESULT);
    test.send(INITIALIZED);
    let key = test.accept();
    test.request(key);
    test.read(key, "HTTP/1.1 202 Accepted\r\n\r\n");
    let key = test.accept();
    assert!(test.request(key).starts_with("GET /mcp HTTP/1.1\r\n"));
    test.read(key, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(std::mem::take(&mut test.messages), [INITIALIZE_RESULT]);
    test.closed.clear();
    test
}

impl Test {
    fn look(&mut self) {
        while let Some(output) = self.session.next_output() {
            assert!(self.end.is_none(), "{output:?} after the end");
            match output {
                Output::Dial(key) => self.dialled.push(key),
                Output::DialNext(key) => self.dialled.push(1000 + key),
                Output::Close(key) => {
                    self.dialled.retain(|dialled| *dialled != key);
                    self.closed.push(key);
                }
                Output::Message(text) => self.messages.push(text),
                Output::Ended(why) => self.end = Some(why),
            }
        }
        assert!(self.session.next_deadline().is_none_or(|at| at > self.now), "it would be busy");
    }

    fn send(&mut self, message: &str) {
        assert!(self.session.send(&[message]));
        self.session.time(self.now);
        self.look();
    }

    fn call(&mut self, id: u32) {
        self.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#));
    }

    /// Sends a call, whose request the server gets.
    fn called(&mut self, id: u32) -> usize {
        self.call(id);
        let key = self.accept();
        self.request(key);
        key
    }

    /// The next exchange gets its connection.
    fn accept(&mut self) -> usize {
        let key = self.dialled.remove(0);
        self.session.connected(self.now, key);
        self.look();
        key
    }

    /// What the server gets from an exchange.
    fn request(&mut self, key: usize) -> String {
        let request = self.session.unwritten(key).concat();
        for part in [5, request.len() - 5] {
            assert_eq!(
                self.session.unwritten(key).concat().len(),
                request.len() - if part == 5 { 0 } else { 5 }
            );
            self.session.wrote(self.now, key, part);
        }
        String::from_utf8(request).unwrap()
    }

    fn read(&mut self, key: usize, bytes: impl AsRef<[u8]>) {
        self.session.read(self.now, key, bytes.as_ref());
        self.look();
    }

    fn answer(&mut self, key: usize, headers: &str, body: &str) {
        let length = body.len();
        self.read(
            key,
            format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{body}"),
        );
    }

    /// The beginning of a stream of events.
    fn stream(&mut self, key: usize, events: &str) {
        self.read(
            key,
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{events}"),
        );
    }

    fn hang_up(&mut self, key: usize) {
        self.session.closed(self.now, key);
        self.look();
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now = self.now.after(Duration::from_millis(milliseconds));
        self.session.time(self.now);
        self.look();
    }

    /// The one message that has come.
    fn message(&mut self) -> String {
        let mut messages = std::mem::take(&mut self.messages);
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// The code and the details of the error that answers the call with this id.
    fn error(&mut self, id: u32) -> String {
        let message = self.message();
        let json: serde_json::Value = serde_json::from_str(&message).unwrap();
        assert_eq!(json["id"], id, "{message}");
        assert!(!message.contains("secret"), "{message}");
        format!("{}: {}", json["error"]["code"], json["error"]["data"]["details"].as_str().unwrap())
    }

    fn ended_with(&mut self, words: &str) {
        let why = self.end.clone().expect(SERVER).expect(SERVER);
        assert!(why.contains(words) && !why.contains("secret"), "{why}");
        assert_eq!(self.session.next_deadline(), None);
    }
}

#[test]
fn a_handshake_keeps_session_and_version() {
    let mut test = test("http://h:81/a?k=v", false);
    assert!(test.dialled.is_empty());
    // What is sent too early waits.
    test.send(INITIALIZE);
    test.call(5);
    test.call(6);
    let key = test.accept();
    let request = test.request(key);
    assert_eq!(
        request,
        format!(
            "POST /a?k=v HTTP/1.1\r\nAuthorization: Bearer secret-1\r\nHost: h:81\r\n\
             User-Agent: mcp-endpoint-server/{}\r\nAccept: application/json, text/event-stream\r\n\
             Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{INITIALIZE}",
            crate::VERSION,
            INITIALIZE.len()
        )
    );
    test.answer(key, "Mcp-Session-Id: s1\r\nContent-Type: application/json\r\n", INITIALIZE_RESULT);
    assert_eq!(test.message(), INITIALIZE_RESULT);
    // The calls were sent before, but are behind the end of the handshake.
    let key = test.accept();
    assert!(test.request(key).ends_with("tools/call\"}"));
}

#[test]
fn after_the_handshake_everything_goes_at_once() {
    let mut test = open("Mcp-Session-Id: s1\r\n");
    for id in 2..8 {
        test.call(id);
    }
    let keys: Vec<usize> = (2..8).map(|_| test.accept()).collect();
    for (id, key) in (2..8).zip(&keys) {
        let request = test.request(*key);
        assert!(request.contains("\r\nMcp-Session-Id: s1\r\n"), "{request}");
        assert!(request.contains("\r\nMCP-Protocol-Version: 2025-06-18\r\n"), "{request}");
        assert!(request.contains(&format!("\"id\":{id}")), "{request}");
    }
    for (id, key) in (2..8).zip(keys).rev() {
        let answer = format!("{{\"jsonrpc\":\"2.0\",\r\n \"id\": {id}, \"result\": {{}}}}\n");
        test.answer(key, "Content-Type: application/json\r\n", &answer);
        assert_eq!(test.message(), answer.trim().replace(['\r', '\n'], " "));
        assert_eq!(test.closed.pop(), Some(key));
    }
    assert_eq!((test.session.exchanges.len(), test.session.unsent()), (0, 0));
}

#[test]
fn an_answer_may_come_as_a_stream_with_other_messages_before_it() {
    let mut test = open("");
    let key = test.called(2);
    test.stream(
        key,
        ": hi\r\n\r\nevent: message\r\ndata: {\"method\":\"a\"}\r\n\r\nid: 1\r\ndata:\r\n\r\n",
    );
    assert_eq!(test.message(), r#"{"method":"a"}"#);
    // In two pieces, of which one ends within a character.
    let answer = "data: {\"id\":\"2\",\"result\":\"小\"}\r\n\r\n";
    let (start, end) = answer.as_bytes().split_at(26);
    test.read(key, start);
    test.read(key, end);
    assert_eq!(test.message(), r#"{"id":"2","result":"小"}"#);
    assert_eq!(test.closed, [key]);
    // What still comes means nothing.
    test.read(key, "data: {\"id\":2}\r\n\r\n");
    assert!(test.messages.is_empty());
}

#[test]
fn the_messages_of_a_list_are_delivered_one_by_one() {
    let mut test = open("");
    let key = test.called(2);
    test.answer(key, "", r#" [{"method":"a"}, {"id":2,"result":{}}] "#);
    assert_eq!(test.messages, [r#"{"method":"a"}"#, r#"{"id":2,"result":{}}"#]);
}

#[test]
fn redirects_to_the_same_server_are_followed_and_remembered() {
    let mut test = open("");
    let mut key = test.called(2);
    for target in ["a", "/b/", "http://h:81/c?d", "e", "f"] {
        test.read(
            key,
            format!("HTTP/1.1 307 x\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"),
        );
        assert_eq!(std::mem::take(&mut test.closed), [key]);
        key = test.accept();
        let request = test.request(key);
        let expected = format!("POST {}", target.strip_prefix("http://h:81").unwrap_or(target));
        let expected = expected
            .replace("POST a", "POST /a")
            .replace("POST e", "POST /e")
            .replace("POST f", "POST /f");
        assert!(request.starts_with(&expected), "{request}");
        assert!(request.contains("\"id\":2"));
    }
    test.answer(key, "", r#"{"id":2,"result":{}}"#);
    test.message();
    test.call(3);
    let key = test.accept();
    assert!(test.request(key).starts_with("POST /f "));
    for _ in 0..5 {
        test.read(key, "HTTP/1.1 308 x\r\nLocation: /f\r\n\r\n");
        test.accept();
        test.request(key);
    }
    test.read(key, "HTTP/1.1 308 x\r\nLocation: /f\r\n\r\n");
    assert!(test.error(3).contains("redirects"));
}

#[test]
fn a_session_is_deleted_at_its_end() {
    let mut test = open("Mcp-Session-Id: s1\r\n");
    test.called(2);
    test.session.end(test.now);
    test.look();
    let key = test.accept();
    let request = test.request(key);
    assert!(request.starts_with("DELETE /mcp HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("Mcp-Session-Id: s1\r\n"), "{request}");
    assert!(test.session.send(&["{}"]));
    test.pass(1_999);
    assert_eq!(test.end, None);
    test.read(key, "HTTP/1.1 405 No\r\n\r\n");
    assert_eq!(test.end, Some(None));

    // A server that does not answer is not waited for.
    let mut test = open("Mcp-Session-Id: s1\r\n");
    test.session.end(test.now);
    test.pass(2_000);
    assert_eq!(test.end, Some(None));

    // Without a session there is nothing to tell.
    let mut test = open("");
    test.session.end(test.now);
    test.look();
    assert_eq!((test.end.clone(), test.dialled.len()), (Some(None), 0));
    test.session.end(test.now);
    test.look();

    let mut test = open("Mcp-Session-Id: s1\r\n");
    test.called(2);
    test.session.abort();
    test.look();
    assert_eq!((test.end.clone(), test.closed.len()), (Some(None), 1));
}

#[test]
fn the_stream_is_opened_again_with_the_last_id() {
    let mut test = open("");
    test.session.open_stream(test.now);
    test.look();
    let key = test.accept();
    test.request(key);
    test.pass(100_000_000);
    test.stream(key, "retry: 250\nid: 7\ndata: {\"method\":\"a\"}\n\ndata: {\"meth");
    assert_eq!(test.message(), r#"{"method":"a"}"#);
    test.hang_up(key);
    test.pass(249);
    assert!(test.dialled.is_empty());
    test.pass(1);
    let key = test.accept();
    let request = test.request(key);
    assert!(
        request.contains("GET /mcp HTTP/1.1\r\n") && request.contains("\r\nLast-Event-ID: 7\r\n")
    );
    // A stream that keeps ending is opened ever more rarely.
    for wait in [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        test.stream(key, "");
        test.hang_up(key);
        test.pass(wait - 1);
        assert!(test.dialled.is_empty(), "{wait}");
        test.pass(1);
        test.accept();
        test.request(key);
    }
    // What is no stream of events is not asked for again.
    test.answer(key, "Content-Type: application/json\r\n", "{}");
    assert_eq!((test.session.exchanges.len(), test.end.clone()), (0, None));
}

#[test]
fn the_rest_of_an_answer_is_fetched_where_the_server_offers_that() {
    let mut test = open("");
    let key = test.called(2);
    test.stream(key, "id: a1\ndata:\n\nretry: 100\n");
    test.hang_up(key);
    test.pass(100);
    let key = test.accept();
    let request = test.request(key);
    assert!(request.starts_with("GET /mcp ") && request.contains("\r\nLast-Event-ID: a1\r\n"));
    assert!(!request.contains("tools/call"));
    test.stream(key, "id: a2\ndata: {\"id\":2,\"result\":{}}\n\n");
    assert_eq!(test.message(), r#"{"id":2,"result":{}}"#);

    for response in
        ["HTTP/1.1 400 No\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"]
    {
        let mut test = open("Mcp-Session-Id: s1\r\n");
        let key = test.called(2);
        test.stream(key, "id: a1\ndata:\n\n");
        test.hang_up(key);
        for _ in 0..3 {
            test.pass(60_000);
            if !test.dialled.is_empty() {
                test.accept();
                test.request(key);
                test.read(key, response);
                test.hang_up(key);
            }
        }
        assert!(test.error(2).starts_with("-32003"));
        assert_eq!(test.end, None);
    }
}

#[test]
fn a_call_that_is_withdrawn_is_forgotten() {
    let cancel = |id: u32| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        )
    };
    let mut test = open("");
    let key = test.called(2);
    test.send(&cancel(2));
    assert_eq!(test.closed, [key]);
    let key = test.accept();
    assert!(test.request(key).contains("cancelled"));
    test.read(key, "HTTP/1.1 500 x\r\n\r\n");
    test.hang_up(key);
    assert_eq!((test.messages.len(), test.end.clone()), (0, None));
    // Of one that still waits the server need not know.
    test.session.limits.max_queued = 1 << 20;
    let most = MAX_CONNECTIONS - RESERVED;
    for id in 10..10 + most as u32 {
        test.call(id);
    }
    assert_eq!(test.dialled.len(), most);
    test.call(9);
    test.send(&cancel(9));
    assert_eq!((test.session.waiting.len(), test.session.waiting_bytes), (0, 0));
    // Calls that hang leave connections to what is not awaited, and it does not wait behind others.
    test.call(9);
    test.send(r#"{"jsonrpc":"2.0","id":8,"method":"ping"}"#);
    assert_eq!((test.dialled.len(), test.session.waiting.len()), (most + 1, 1));
    // A cancellation frees the connection of its call, also where there is no room for more.
    test.closed.clear();
    test.session.limits.max_queued = 1;
    assert!(!test.session.send(&[&cancel(10)]));
    test.session.time(test.now);
    test.look();
    assert_eq!((test.closed.len(), test.session.waiting.len()), (1, 0));
}

#[test]
fn what_waits_is_limited() {
    let mut test = open("");
    let call = format!(r#"{{"id":2,"method":"{}"}}"#, "x".repeat(7_000));
    assert!(test.session.send(&[&call]) && test.session.send(&[&call]));
    assert!(!test.session.send(&[&call]));
    assert!(test.session.memory() > 14_000);
    let before = test.session.emptied();
    test.session.time(test.now);
    test.look();
    assert_eq!(test.session.emptied(), before + 1);
    // What is not sent counts, too.
    assert!(!test.session.send(&[&call]));
    let key = test.accept();
    test.request(key);
    assert!(test.session.send(&[&call]));
}
