//! HTTP+SSE, the older transport.

use super::*;

/// A session of the older transport up to its endpoint.
fn old(endpoint: &str) -> Test {
    let mut test = test("http://h:81/a/sse", true);
    test.send(INITIALIZE);
    let key = test.accept();
    assert!(test.request(key).starts_with("GET /a/sse HTTP/1.1\r\n"));
    test.stream(key, &format!("event: endpoint\r\ndata: {endpoint}\r\n\r\n"));
    test
}

#[test]
fn the_older_transport_sends_to_its_endpoint_and_answers_by_the_stream() {
    for (endpoint, target) in [
        ("messages/?s=1", "/a/messages/?s=1"),
        ("/m?s=1", "/m?s=1"),
        ("http://H:81/m", "/m"),
        ("/a b", "/a%20b"),
    ] {
        let mut test = old(endpoint);
        test.call(2);
        let key = test.accept();
        let request = test.request(key);
        assert!(request.starts_with(&format!("POST {target} HTTP/1.1\r\n")), "{request}");
        assert!(request.ends_with(INITIALIZE) && test.dialled.is_empty());
        test.read(key, "HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\nAccepted");
        test.read(0, format!("event: message\r\ndata: {INITIALIZE_RESULT}\r\n\r\n"));
        assert_eq!(test.message(), INITIALIZE_RESULT);
        test.pass(1_000_000);
        test.hang_up(0);
        test.ended_with("breaks off");
    }
    for endpoint in ["http://g:81/m", "https://h:81/m", "http://h/m", "//g/m", "http://[/"] {
        old(endpoint).ended_with("endpoint event");
    }
}

#[test]
fn a_post_that_the_older_transport_refuses_is_answered() {
    let mut test = old("/m");
    for message in [INITIALIZE, INITIALIZED] {
        if message != INITIALIZE {
            test.send(message);
        }
        let key = test.accept();
        test.request(key);
        test.read(key, "HTTP/1.1 202 Accepted\r\n\r\n");
    }
    assert!(test.dialled.is_empty());
    let key = test.called(2);
    test.read(key, "HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n");
    assert!(test.error(2).contains("HTTP 413"));
    assert_eq!(test.end, None);
    test.session.end(test.now);
    test.look();
    assert_eq!(test.end, Some(None));
}

#[test]
fn the_older_transport_is_tried_where_initialize_is_refused() {
    for status in [400, 404, 405] {
        let mut test = test("http://h:81/sse", false);
        test.send(INITIALIZE);
        let key = test.accept();
        test.request(key);
        test.read(key, format!("HTTP/1.1 {status} No\r\nContent-Length: 3\r\n\r\nno!"));
        let key = test.accept();
        assert!(test.request(key).starts_with("GET /sse "));
        let mut other = self::test("http://h:81/sse", false);
        std::mem::swap(&mut test, &mut other);
        other.stream(key, "event: endpoint\ndata: /m\n\n");
        let key = other.accept();
        let request = other.request(key);
        assert!(request.starts_with("POST /m ") && request.ends_with(INITIALIZE));

        // Where that fails as well, the first fault is named.
        test.send(INITIALIZE);
        let key = test.accept();
        test.request(key);
        test.read(key, format!("HTTP/1.1 {status} No\r\nContent-Length: 3\r\n\r\nno!"));
        let key = test.accept();
        test.request(key);
        test.read(key, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
        test.ended_with(&format!("HTTP {status}: no!"));
    }
    for (status, words) in
        [(401, "key or token"), (403, "HTTP 403"), (500, "HTTP 500"), (301, "redirects")]
    {
        let mut test = test("http://h:81/mcp", false);
        test.send(INITIALIZE);
        let key = test.accept();
        test.request(key);
        test.read(key, format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n"));
        test.ended_with(words);
    }
}

#[test]
fn a_stream_of_the_older_transport_that_does_not_begin_is_given_up() {
    let mut test = test("http://h/sse", true);
    let key = test.accept();
    test.request(key);
    test.stream(key, ": hello\n\n");
    test.pass(30_000);
    test.ended_with("within 30 s");
}
