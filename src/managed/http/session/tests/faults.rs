//! What goes wrong, and the words for it.

use super::*;

#[test]
fn a_call_that_fails_is_answered_with_the_reason() {
    let html = "<!DOCTYPE html><title>x</title>";
    let json = "Content-Type: application/json\r\n";
    for (response, words) in [
        ("401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "denies access (HTTP 401)"),
        ("403 Forbidden\r\nContent-Length: 0\r\n\r\n", "headers of the entry"),
        ("404 Not Found\r\n\r\nno  such\n path", "HTTP 404: no such path. Is the path"),
        (
            "500 Oops\r\nContent-Length: 20\r\n\r\nsecret-1 is not good",
            "HTTP 500: **** is not good",
        ),
        (&format!("502 Bad\r\nContent-Type: text/html\r\n\r\n{html}"), "it answers HTTP 502"),
        (&format!("200 OK\r\nContent-Type: text/html\r\n\r\n{html}"), "a web page"),
        (&format!("200 OK\r\n{json}\r\n{html}"), "a web page"),
        (&format!("200 OK\r\n{json}\r\nHello \u{1b}[1m"), r"no JSON-RPC message: Hello \u{1b}[1m"),
        (&format!("200 OK\r\n{json}Content-Length: 0\r\n\r\n"), "no answer to the request"),
        (&format!("200 OK\r\n{json}\r\n{{\"id\":3,\"result\":1}}"), "no answer to the request"),
        ("202 Accepted\r\n\r\n", "no answer to the request"),
        (&format!("200 OK\r\n{json}Content-Length: 9\r\n\r\n{{"), "breaks off"),
        ("200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP response is broken"),
        ("200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {\"id\":2,", "breaks off"),
        (&format!("200 OK\r\n\r\n{}", "x".repeat(10_001)), "larger than max_message_size"),
        ("302 Found\r\nLocation: /x?secret-1\r\nContent-Length: 0\r\n\r\n", "(http://h:81/x)"),
        ("307 Moved\r\nLocation: https://h:81/x?secret-1\r\n\r\n", "(https://h:81/x)"),
        ("308 Moved\r\nLocation: //g/mcp\r\n\r\n", "(http://g/mcp)"),
        ("307 Moved\r\n\r\n", "redirects"),
    ] {
        let mut test = open("");
        let key = test.called(2);
        test.read(key, format!("HTTP/1.1 {response}"));
        test.hang_up(key);
        if response.contains("\"id\":3") {
            test.messages.remove(0);
        }
        let error = test.error(2);
        assert!(error.contains(words), "{response}: {error}");
        let code = if words == "breaks off" { "-32003" } else { "-32002" };
        assert!(error.starts_with(code), "{response}: {error}");
        assert_eq!((test.end.clone(), &*test.closed), (None, &[key][..]), "{response}");
        // Others are still served.
        let key = test.called(4);
        test.answer(key, "", r#"{"id":4,"result":{}}"#);
        test.message();
    }
}

#[test]
fn a_reason_that_is_cut_shows_no_part_of_a_secret() {
    for length in 185..200 {
        let mut test = open("");
        let key = test.called(2);
        let body = ["x".repeat(length), "secret-1 ".repeat(5)].concat();
        test.read(key, format!("HTTP/1.1 500 Oops\r\n\r\n{body}"));
        test.hang_up(key);
        let error = test.error(2);
        assert!(error.contains('…') && !error.contains("sec"), "{error}");
    }
}

#[test]
fn a_server_that_is_too_new_is_named() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"m"}}"#;
    let mut test = test("http://h:81/mcp", false);
    test.send(INITIALIZE);
    let key = test.accept();
    test.request(key);
    test.read(key, format!("HTTP/1.1 400 Bad\r\nContent-Length: {}\r\n\r\n{error}", error.len()));
    test.ended_with("it speaks only MCP 2026-07-28 or newer");
}

/// docs/protocol.md#http-tool-servers-loss
#[test]
fn a_stream_that_is_not_found_any_more_is_a_lost_session() {
    let lost = |id: &str, was_open: bool| {
        let mut test = test("http://h:81/mcp", false);
        test.send(INITIALIZE);
        let key = test.accept();
        test.request(key);
        test.answer(key, id, INITIALIZE_RESULT);
        test.send(INITIALIZED);
        let key = test.accept();
        test.request(key);
        test.read(key, "HTTP/1.1 202 Accepted\r\n\r\n");
        let mut key = test.accept();
        test.request(key);
        if was_open {
            test.stream(key, "");
            test.hang_up(key);
            test.pass(1_000);
            key = test.accept();
            test.request(key);
        }
        test.read(key, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        test.end.is_some()
    };
    assert!(lost("Mcp-Session-Id: s\r\n", true));
    // It has no stream to offer, or no session.
    assert!(!lost("Mcp-Session-Id: s\r\n", false));
    assert!(!lost("", true));
}

#[test]
fn words_of_other_kinds() {
    let mut test = open("");
    let key = test.called(2);
    test.hang_up(key);
    assert!(test
        .error(2)
        .contains("-32003: The tool server disconnected before it answered: it closes"));
    let key = test.called(3);
    test.read(key, "SSH-2.0");
    assert!(test.error(3).contains("not HTTP"));
    // An error that answers the request is the answer.
    let key = test.called(4);
    let error = r#"{"jsonrpc":"2.0","id":4,"error":{"code":-32000,"message":"m"}}"#;
    test.read(key, format!("HTTP/1.1 400 Bad\r\nContent-Length: {}\r\n\r\n{error}", error.len()));
    assert_eq!(test.message(), error);
}

#[test]
fn a_body_that_says_why_is_not_awaited_for_long() {
    let mut test = open("");
    let key = test.called(2);
    test.read(key, "HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\nit burns");
    assert!(test.messages.is_empty());
    test.pass(2_000);
    assert!(test.error(2).contains("HTTP 500: it burns"));
    // Nor is an endless one read to its end.
    let key = test.called(3);
    test.read(key, "HTTP/1.1 500 Oops\r\n\r\n");
    for _ in 0..100 {
        test.read(key, "x".repeat(1000));
    }
    assert!(test.error(3).contains("HTTP 500: xxx"));
}

#[test]
fn a_server_that_cannot_be_reached_ends_the_session() {
    for (error, words) in [
        (DialError::Refused, "h:81 refuses the connection"),
        (DialError::Silent, "h:81 does not answer"),
        (DialError::System("no route".to_owned()), "h:81 cannot be reached: no route"),
        (DialError::NoAddress(Some("unknown".to_owned())), "the host h has no address: unknown"),
        (DialError::NoAddress(None), "the name server does not answer"),
    ] {
        let mut test = open("");
        test.call(2);
        let key = test.dialled.remove(0);
        test.session.dial_failed(test.now, key, error.clone());
        test.look();
        assert!(test.error(2).starts_with("-32002"));
        test.ended_with(words);
        // While another request is under way, the server is alive.
        let mut test = open("");
        test.called(2);
        test.call(3);
        let key = test.dialled.remove(0);
        test.session.dial_failed(test.now, key, error);
        test.look();
        assert!(test.error(3).contains(words));
        assert_eq!(test.end, None);
    }
}

#[test]
fn an_address_that_is_silent_gives_way_to_the_next_one() {
    let mut test = test("http://h/", false);
    test.send(INITIALIZE);
    assert_eq!(test.dialled, [0]);
    test.pass(4_999);
    assert_eq!(test.dialled, [0]);
    test.pass(1);
    test.pass(5_000);
    assert_eq!(test.dialled, [0, 1000, 1000]);
    test.session.dial_failed(test.now, 0, DialError::Silent);
    test.look();
    test.ended_with("h does not answer");
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let mut test = test("http://h/", false);
    test.send(INITIALIZE);
    let key = test.accept();
    test.pass(9_999);
    assert_eq!(test.end, None);
    // It takes something, and then nothing.
    test.session.wrote(test.now, key, 1);
    test.pass(9_999);
    assert_eq!(test.end, None);
    test.pass(1);
    test.ended_with("does not read");

    let mut test = self::test("http://h/", false);
    test.send(INITIALIZE);
    let key = test.accept();
    test.request(key);
    test.pass(29_999);
    assert_eq!(test.end, None);
    test.pass(1);
    test.ended_with("within 30 s");

    // A call may take as long as the relay waits for it.
    let mut test = open("");
    test.called(2);
    test.pass(10_000_000);
    assert_eq!((test.messages.len(), test.end.clone()), (0, None));
    // A ping must not stay forever; nobody misses its answer.
    test.send(r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#);
    let key = test.accept();
    test.request(key);
    test.pass(30_000);
    assert_eq!((&*test.closed, test.messages.len()), (&[key][..], 0));
}

#[test]
fn a_session_that_is_gone_ends_and_nothing_is_repeated() {
    let mut test = open("Mcp-Session-Id: s1\r\n");
    test.called(2);
    let key = test.called(3);
    test.read(key, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert!(test.error(3).starts_with("-32003"));
    test.ended_with("the session");
    assert_eq!(test.closed.len(), 2);
    assert!(test.dialled.is_empty());
}
