//! Tool servers that are HTTP services: the real program and services on raw sockets
//! (docs/protocol.md#http-tool-servers).

mod stub;

use crate::common::{Folder, Robot, Server, TIMEOUT};
use serde_json::{json, Value};
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use stub::{answer, content, initialize_result, respond, serve, tools, write, Request, Stub};

/// A server with these entries. The folder holds its servers file.
fn start(entries: Value) -> (Server, Folder) {
    let folder = Folder::fresh();
    folder.write("servers.json", &json!({"mcpServers": entries}).to_string());
    let path = folder.path().join("servers.json");
    let builder = Server::builder().env("MCP_CONFIG", path.display());
    let builder = builder.env("STUB_TOKEN", "do-not-show-this-token");
    let builder = builder.set("websocket", "max_message_size", "100KB");
    (builder.set("server", "language", "en").start(), folder)
}

fn wait_log(server: &Server, part: &str, count: usize) -> String {
    server.process().wait_line(part, count, TIMEOUT)
}

fn robot(server: &Server) -> Robot {
    let mut robot = server.robot("kitchen");
    robot.start();
    robot
}

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What bad services do, the code of the error where that fails a call, and the words for it.
const BAD: [(&str, i64, &str); 14] = [
    ("denied", -32002, "it denies access (HTTP 401). Check the key or token"),
    ("broken", -32002, "it answers HTTP 500: the lamp is out"),
    ("page", -32002, "it answers with a web page"),
    ("loop", -32002, "it redirects to another address (http://127.0.0.1:"),
    ("elsewhere", -32002, "it redirects to another address (http://elsewhere.example/x)"),
    ("hang up", -32003, "it closes the connection without an answer"),
    ("cut event", -32003, "its answer breaks off"),
    ("cut letter", -32003, "its answer breaks off"),
    ("cut chunk", -32003, "its answer breaks off"),
    ("lying chunk", -32002, "its HTTP response is broken"),
    ("endless", -32002, "its answer is larger than max_message_size"),
    ("endless events", -32002, "its answer is larger than max_message_size"),
    ("no http", -32002, "its answer is not HTTP"),
    ("no answer", -32002, "its HTTP response has no answer to the request"),
];

/// Does what a bad service of this kind does.
fn misbehave(kind: &str, stream: &mut TcpStream) {
    match kind {
        "denied" => respond(stream, "401 Unauthorized", "WWW-Authenticate: Bearer\r\n", ""),
        "broken" => respond(stream, "500 Internal Server Error", "", "the lamp\nis out"),
        "page" => {
            respond(
                stream,
                "200 OK",
                "Content-Type: text/html\r\n",
                "<html><body>hi</body></html>",
            );
        }
        "loop" => respond(stream, "307 Temporary Redirect", "Location: /mcp\r\n", ""),
        "elsewhere" => {
            respond(stream, "308 Moved", "Location: http://elsewhere.example/x?k=v\r\n", "");
        }
        "hang up" => (),
        "cut event" => write(stream, format!("{EVENTS}data: {{\"jsonrpc\"")),
        "cut letter" => {
            write(stream, EVENTS);
            write(stream, &"data: {\"jsonrpc\":\"2.0\",\"method\":\"小".as_bytes()[..35]);
        }
        "cut chunk" => write(stream, format!("{CHUNKED}ff\r\n{{")),
        "lying chunk" => write(stream, format!("{CHUNKED}2\r\n{{}}}}}}\r\n0\r\n\r\n")),
        "endless" | "endless events" => {
            write(
                stream,
                if kind == "endless" { "HTTP/1.1 200 OK\r\n\r\n{\"x\":\"" } else { EVENTS },
            );
            write(stream, "data: ");
            // A gigabyte, if anybody took it.
            let piece = vec![b'x'; 64 << 10];
            for _ in 0..16 << 10 {
                if std::io::Write::write_all(stream, &piece).is_err() {
                    return;
                }
            }
            panic!("somebody took it all");
        }
        "no http" => write(stream, "SSH-2.0-OpenSSH_9.2\r\n"),
        "no answer" => respond(stream, "202 Accepted", "", ""),
        _ => unreachable!("{kind}"),
    }
}

/// docs/protocol.md#http-tool-servers-failures
#[test]
fn each_kind_of_bad_answer_fails_its_call_with_the_right_words_and_no_other() {
    let bad = Stub::start(|request, stream| {
        if request.is("tools/call") {
            let kind = request.body["params"]["arguments"]["kind"].as_str().unwrap();
            misbehave(kind, stream);
        } else {
            serve(request, stream, "bad");
        }
    });
    let good = Stub::start(|request, stream| serve(request, stream, "good"));
    let (server, _folder) = start(json!({"bad": bad.entry(), "good": good.entry()}));
    wait_log(&server, "tool server bad: ready", 1);
    wait_log(&server, "tool server good: ready", 1);
    let mut robot = robot(&server);
    robot.list();
    for (kind, code, words) in BAD {
        let failed = robot.call("bad", json!({"kind": kind}));
        assert_eq!(failed.error(), code, "{kind}: {failed:?}");
        let details = failed.json["error"]["data"]["details"].as_str().unwrap();
        assert!(details.contains(&format!(": {words}")), "{kind}: {details}");
        assert_eq!(robot.call("good", json!({})).content(), "good");
    }
    // None of them has ended the session.
    assert!(!server.process().transcript().contains("tried again"));
    let calls = bad.requests().into_iter().filter(|request| request.is("tools/call"));
    // Nothing is repeated but what is redirected, five times.
    assert_eq!(calls.count(), BAD.len() + 5);
}

/// docs/protocol.md#http-tool-servers-redirects
#[test]
fn bad_services_are_named_at_the_start_and_others_notice_nothing() {
    let good = Stub::start(|request, stream| serve(request, stream, "good"));
    let mut entries = json!({"good": good.entry()});
    let mut stubs = Vec::new();
    for (kind, ..) in BAD {
        let stub = Stub::start(move |_, stream| misbehave(kind, stream));
        entries[kind] = stub.entry();
        stubs.push(stub);
    }
    let refused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    entries["refused"] = json!({"url": format!("http://{refused}/mcp")});
    // Each byte comes after a while, and the end never does.
    let drip = Stub::start(|_, stream| {
        for byte in CHUNKED.bytes().chain(std::iter::repeat(b'1')) {
            if std::io::Write::write_all(stream, &[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    });
    entries["drip"] = drip.entry();
    let missing = Stub::start(|_, stream| respond(stream, "404 Not Found", "", "nothing here"));
    entries["missing"] = missing.entry();
    entries["nowhere"] = json!({"url": "http://no-such-host.invalid/mcp"});
    entries["tls"] = json!({"url": "https://127.0.0.1/mcp"});
    let (server, _folder) = start(entries);
    wait_log(&server, "tool server good: ready", 1);
    let mut robot = robot(&server);
    for (kind, _, words) in BAD {
        let line = wait_log(&server, &format!("tool server {kind}: {words}"), 1);
        assert!(line.ends_with("(tried again in 1 s)"), "{line}");
        let asked = Instant::now();
        assert_eq!(robot.call("good", json!({})).content(), "good");
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }
    for line in [
        &format!("tool server refused: {refused} refuses the connection. Is the service running"),
        "tool server missing: it answers HTTP 404: nothing here. Is the path in the url right?",
        "tool server nowhere: the host no-such-host.invalid has no address",
        "tool server drip: its HTTP response is broken",
        "tls: this build has no TLS",
    ] {
        wait_log(&server, line, 1);
    }
}

/// docs/protocol.md#http-tool-servers-loss
#[test]
fn a_service_that_starts_later_is_found_and_its_absence_is_logged_once() {
    let place = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let (server, _folder) = start(json!({"late": {"url": format!("http://{place}/mcp")}}));
    wait_log(&server, "tool server late: 127.0.0.1", 1);
    // It was dialled in vain at least once more.
    let health = format!("/mcp_endpoint/health?key={}", server.key());
    let restarts = || {
        let late = &server.get(&health).json()["result"]["managed_servers"]["late"];
        late["restarts"].as_u64().unwrap()
    };
    let started = Instant::now();
    while restarts() < 2 {
        assert!(started.elapsed() < TIMEOUT, "it is not dialled again");
        thread::sleep(Duration::from_millis(20));
    }
    let _stub = Stub::at(place, |request, stream| serve(request, stream, "late"));
    wait_log(&server, "tool server late: ready", 1);
    assert_eq!(robot(&server).call("late", json!({})).content(), "late");
    assert_eq!(server.process().transcript().matches("refuses the connection").count(), 1);
}

/// An address that takes no connection and refuses none: its queue of connections is full.
fn black_hole() -> (SocketAddr, Vec<Socket>) {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..8 {
        let client = socket();
        client.set_nonblocking(true).unwrap();
        let _ = client.connect(&address);
        sockets.push(client);
    }
    (address.as_socket().unwrap(), sockets)
}

/// docs/protocol.md#http-tool-servers-limits
#[test]
#[cfg(target_os = "linux")]
fn an_address_that_never_answers_is_named_and_others_notice_nothing() {
    let (address, _sockets) = black_hole();
    let good = Stub::start(|request, stream| serve(request, stream, "good"));
    let entries = json!({"hole": {"url": format!("http://{address}/")}, "good": good.entry()});
    let (server, _folder) = start(entries);
    wait_log(&server, "tool server good: ready", 1);
    assert_eq!(robot(&server).call("good", json!({})).content(), "good");
    wait_log(&server, &format!("tool server hole: {address} does not answer"), 1);
}

/// Home Assistant's own server: a bearer token, no sessions, JSON answers.
fn home_assistant(token: &'static str) -> Stub {
    Stub::start(move |request, stream| {
        let is_allowed = request.header("authorization") == Some(&format!("Bearer {token}"));
        if !is_allowed || request.line.starts_with("POST /api/mcp") {
            match is_allowed {
                true => serve(request, stream, "HassTurnOn"),
                false => respond(stream, "401 Unauthorized", "", "401: Unauthorized"),
            }
        } else {
            respond(stream, "405 Method Not Allowed", "", "405: Method Not Allowed");
        }
    })
}

#[test]
fn home_assistant_is_dialled_with_its_token_which_nobody_else_sees() {
    let home = home_assistant("do-not-show-this-token");
    let headers = json!({"Authorization": "Bearer ${STUB_TOKEN}"});
    let entry = json!({"url": home.url("/api/mcp"), "headers": headers});
    let wrong = home_assistant("another");
    let denied = json!({"url": wrong.url("/api/mcp"), "headers": headers});
    let (server, _folder) = start(json!({"home": entry, "denied": denied}));
    wait_log(&server, "tool server home: ready", 1);
    let mut robot = robot(&server);
    assert_eq!(robot.list(), ["HassTurnOn"]);
    assert_eq!(robot.call("HassTurnOn", json!({"name": "lamp"})).content(), "HassTurnOn");
    wait_log(&server, "tool server denied: it denies access (HTTP 401). Check the key or token", 1);
    for request in home.requests() {
        let version = request.header("mcp-protocol-version");
        assert_eq!(version, (!request.is("initialize")).then_some("2025-06-18"), "{request:?}");
        assert_eq!(request.header("host"), Some(&*home.address.to_string()));
        assert_eq!(request.header("mcp-session-id"), None);
    }
    let page = server.get(&format!("/mcp_endpoint/health?key={}", server.key()));
    for text in [server.process().transcript(), server.log(), page.text().to_owned()] {
        assert!(!text.contains("do-not-show"), "{text}");
    }
}

#[test]
fn a_session_is_kept_renewed_and_ended() {
    let handshakes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&handshakes);
    // The first session is forgotten at the first call.
    let stub = Stub::start(move |request, stream| {
        let session = request.header("mcp-session-id");
        if request.is("initialize") {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            answer(
                request,
                stream,
                &format!("Mcp-Session-Id: s-{number}\r\n"),
                &initialize_result(),
            );
        } else if session == Some("s-1") && request.is("tools/call") || session.is_none() {
            respond(stream, "404 Not Found", "", "Session not found");
        } else if request.line.starts_with("DELETE") {
            respond(stream, "200 OK", "", "");
        } else {
            serve(request, stream, "tool");
        }
    });
    let (mut server, _folder) = start(json!({"stub": stub.entry()}));
    wait_log(&server, "tool server stub: ready", 1);
    let mut robot = robot(&server);
    assert_eq!(robot.list(), ["tool"]);
    assert_eq!(robot.call("tool", json!({})).error(), -32003);
    wait_log(&server, "tool server stub: it does not know the session", 1);
    // One that comes meanwhile waits for the new session.
    assert_eq!(robot.call("tool", json!({})).content(), "tool");
    assert_eq!(handshakes.load(Ordering::SeqCst), 2);
    drop(robot);
    server.terminate();
    assert!(server.wait_exit(TIMEOUT).success());
    let requests = stub.requests();
    let calls: Vec<&Request> = requests.iter().filter(|request| request.is("tools/call")).collect();
    assert_eq!(calls.len(), 2);
    let last = requests.last().unwrap();
    assert_eq!((&*last.line, last.header("mcp-session-id")), ("DELETE /mcp", Some("s-2")));
}

#[test]
fn what_the_server_sends_unasked_arrives() {
    let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let kept = Arc::clone(&streams);
    let names = Arc::new(Mutex::new("before"));
    let name = Arc::clone(&names);
    let stub = Stub::start(move |request, stream| {
        if request.line.starts_with("GET") {
            write(stream, EVENTS);
            kept.lock().unwrap().push(stream.try_clone().unwrap());
        } else if request.is("tools/call") {
            // Progress comes before the answer, on its stream.
            let token = &request.body["params"]["_meta"]["progressToken"];
            let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress",
                "params": {"progressToken": token, "progress": 1}});
            let result =
                json!({"jsonrpc": "2.0", "id": request.body["id"], "result": content("done")});
            let ask = json!({"jsonrpc": "2.0", "id": 77, "method": "ping"});
            write(
                stream,
                format!("{EVENTS}: hi\n\nevent: message\ndata: {progress}\n\ndata: {ask}\n\n"),
            );
            thread::sleep(Duration::from_millis(50));
            write(stream, format!("id: 1\r\ndata: {result}\r\n\r\n"));
        } else {
            serve(request, stream, *name.lock().unwrap());
        }
    });
    let (server, _folder) = start(json!({"stub": stub.entry()}));
    wait_log(&server, "tool server stub: ready", 1);
    let mut robot = robot(&server);
    assert_eq!(robot.list(), ["before"]);
    robot.request("9", "tools/call", json!({"name": "before", "_meta": {"progressToken": "mine"}}));
    let progress = robot.notification("notifications/progress");
    assert_eq!(progress.json["params"]["progressToken"], "mine");
    assert_eq!(robot.answer_to("9").content(), "done");
    let wait = |what: &dyn Fn() -> bool| {
        let deadline = Instant::now() + TIMEOUT;
        while !what() {
            assert!(Instant::now() < deadline, "{:?}", stub.requests());
            thread::sleep(Duration::from_millis(10));
        }
    };
    // Its own request on that stream is answered.
    wait(&|| {
        stub.requests()
            .iter()
            .any(|request| request.body == json!({"jsonrpc": "2.0", "id": 77, "result": {}}))
    });
    wait(&|| !streams.lock().unwrap().is_empty());
    *names.lock().unwrap() = "after";
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    write(&mut streams.lock().unwrap()[0], format!("data: {changed}\n\n"));
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list(), ["after"]);
}

/// A service of the older transport. A call of `hang up` ends its stream.
fn old() -> Stub {
    let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    Stub::start(move |request, stream| match &*request.line {
        "GET /sse" => {
            write(stream, format!("{EVENTS}event: endpoint\ndata: /messages?session=1\n\n"));
            streams.lock().unwrap().push(stream.try_clone().unwrap());
        }
        "POST /messages?session=1" => {
            respond(stream, "202 Accepted", "", "Accepted");
            let mut streams = streams.lock().unwrap();
            let events = streams.last_mut().unwrap();
            let result = match request.body["method"].as_str() {
                Some("initialize") => initialize_result(),
                Some("tools/list") => tools("old"),
                Some("tools/call") if request.body["params"]["arguments"]["end"] == true => {
                    return events.shutdown(Shutdown::Both).unwrap();
                }
                Some("tools/call") => content("old"),
                _ => return,
            };
            let message = json!({"jsonrpc": "2.0", "id": request.body["id"], "result": result});
            write(events, format!("event: message\ndata: {message}\n\n"));
        }
        _ => respond(stream, "405 Method Not Allowed", "", ""),
    })
}

/// docs/protocol.md#http-tool-servers-sse
#[test]
fn the_older_transport_is_found_and_its_end_is_the_end_of_its_calls() {
    // As such an address usually looks, and as one that does not show what it is.
    for kind in [Value::Null, json!("streamable-http")] {
        let stub = old();
        let (server, _folder) = start(json!({"old": {"url": stub.url("/sse"), "type": kind}}));
        wait_log(&server, "tool server old: ready", 1);
        let mut robot = robot(&server);
        assert_eq!(robot.list(), ["old"]);
        assert_eq!(robot.call("old", json!({})).content(), "old");
        assert_eq!(robot.call("old", json!({"end": true})).error(), -32003);
        wait_log(&server, "tool server old: ready", 2);
        assert_eq!(robot.call("old", json!({})).content(), "old");
    }
}

#[test]
fn many_calls_at_once_find_their_answers() {
    let stub = Stub::start(|request, stream| {
        if request.is("tools/call") {
            let text = request.body["params"]["arguments"]["text"].as_str().unwrap();
            thread::sleep(Duration::from_millis(text.len() as u64 % 7 * 5));
            answer(request, stream, "", &content(text));
        } else {
            serve(request, stream, "echo");
        }
    });
    let (server, _folder) = start(json!({"stub": stub.entry()}));
    wait_log(&server, "tool server stub: ready", 1);
    let robots = (0..3).map(|agent| {
        let mut robot = server.robot(&format!("agent {agent}"));
        robot.start();
        thread::spawn(move || {
            robot.list();
            for round in 0..3 {
                let text = |id: u32| format!("{agent} {round} {}", "x".repeat(id as usize));
                for id in 100..150 {
                    robot.request_call(&id.to_string(), "echo", json!({"text": text(id)}));
                }
                for id in 100..150 {
                    assert_eq!(robot.answer_to(&id.to_string()).content(), text(id));
                }
            }
        })
    });
    robots.collect::<Vec<_>>().into_iter().for_each(|robot| robot.join().unwrap());
}

/// Builds that run no commands still dial services.
#[test]
#[cfg(not(all(unix, feature = "children")))]
fn an_entry_with_a_command_is_misconfigured_where_commands_cannot_run() {
    let (server, _folder) = start(json!({"program": {"command": "sh"}}));
    wait_log(&server, "program: this program cannot run a command", 1);
    let health = server.get(&format!("/mcp_endpoint/health?key={}", server.key())).json();
    assert_eq!(health["result"]["managed_servers"]["program"]["state"], "misconfigured");
}
