//! Measures each part that a message passes, without sockets, to show where the time of a call goes.

// A benchmark that cannot go on may say so and end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use criterion::{BenchmarkId, Criterion, Throughput};
use jsonrpc::{Id, Message, Splice};
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::http::{self, Action, Context, RequestHead, ShellView};
use mcp_endpoint_server::relay::{Congested, Joining, Peer, Policy, Relay, Side, Wire};
use mcp_endpoint_server::settings::Settings;
use mcp_endpoint_server::time::Moment;
use mcp_endpoint_server::token::Token;
use std::hint::black_box;
use std::time::Duration;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The client name of most robots, for which failed calls are reported twice, and another one.
const ROBOTS: [&str; 2] = ["XiaozhiMCPEndpointClient", "somebody"];

/// The start of every message here, before the id.
const HEAD: &str = r#"{"jsonrpc":"2.0","id":"#;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .without_plots()
        .configure_from_args();
    envelopes(&mut criterion);
    forwarding(&mut criterion);
    names(&mut criterion);
    connecting(&mut criterion);
    criterion.final_summary();
}

fn call(name: &str) -> String {
    format!(
        r#"{HEAD}123456,"method":"tools/call","params":{{"name":"{name}","arguments":{{"room":"living room","brightness":80,"color":"warm white"}}}}}}"#
    )
}

/// An answer of about `size` bytes. Spaces follow the id, to leave room for every id of a relay.
fn answer(size: usize) -> String {
    let fill = r#"{\"success\": true, \"room\": \"living room\"} "#;
    let body = fill.repeat(size.saturating_sub(100) / fill.len() + 1);
    format!(
        r#"{HEAD}          ,"result":{{"content":[{{"type":"text","text":"{body}"}}],"isError":false}}}}"#
    )
}

/// Reads a message as far as the relay must, and writes it with another id.
fn envelopes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("message");
    let answer = |size| answer(size).replacen("          ", "1234567890", 1);
    for (name, text) in [
        ("small call", call("self.light.set_scene")),
        ("result of 4 KiB", answer(4 << 10)),
        ("result of 256 KiB", answer(256 << 10)),
        ("result of 256 KiB without escapes", answer(256 << 10).replace("\\\"", "'")),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), &text, |bencher, text| {
            bencher.iter(|| {
                let message = Message::read(black_box(text)).unwrap();
                let Id::Given(id) = message.id else { panic!("no id") };
                let mut splice = Splice::of(message.text);
                splice.put(id, "77");
                black_box(splice.pieces());
            });
        });
    }
    group.finish();
}

/// A `Wire` that keeps the start of what the relay sends.
#[derive(Default)]
struct Sink {
    start: String,
}

impl Wire for Sink {
    fn send(&mut self, _: Peer, pieces: &[&str]) -> Result<(), Congested> {
        self.start.clear();
        pieces.iter().take(3).for_each(|piece| {
            self.start.push_str(piece.get(..32).unwrap_or(piece));
        });
        black_box(pieces);
        Ok(())
    }

    fn close(&mut self, _: Peer, _: CloseReason) {}

    fn probe(&mut self, _: Peer) {}
}

const ROBOT: Peer = Peer { slot: 1000, generation: 1 };

/// A relay, one robot, and tool servers that answer.
struct House {
    relay: Relay,
    sink: Sink,
}

impl House {
    fn new(robot: &str, tools: u32, names: usize) -> Self {
        let mut house = House { relay: Relay::new(Policy::default()), sink: Sink::default() };
        for number in 0..tools {
            let tool = Peer { slot: number, generation: 1 };
            house.joined(tool, Side::Tool);
            house.say(tool, &format!(
                r#"{HEAD}1,"result":{{"protocolVersion":"2024-11-05","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"lights-{number}"}}}}}}"#
            ));
            let offered: Vec<String> =
                (0..names).map(|n| format!(r#"{{"name":"{}"}}"#, name_of(number, n))).collect();
            let offered = offered.join(",");
            house.say(tool, &format!(r#"{HEAD}2,"result":{{"tools":[{offered}]}}}}"#));
        }
        house.joined(ROBOT, Side::Robot);
        house.say(
            ROBOT,
            &format!(
                r#"{HEAD}1,"method":"initialize","params":{{"clientInfo":{{"name":"{robot}"}}}}}}"#
            ),
        );
        house
    }

    fn joined(&mut self, peer: Peer, side: Side) {
        let joining = Joining { side, agent: "agent", server_id: None, address: "127.0.0.1:1" };
        self.relay.joined(Moment::default(), peer, joining, &mut self.sink);
    }

    fn say(&mut self, peer: Peer, text: &str) {
        self.relay.text(Moment::default(), peer, text, &mut self.sink);
    }

    /// A call, and its answer with the upstream id.
    fn call(&mut self, call: &str, tool: u32, answer: &mut String) {
        self.say(ROBOT, call);
        let rest = self.sink.start.get(HEAD.len()..).unwrap_or_default();
        let end = rest.find(',').unwrap_or(rest.len());
        let padded = [&rest[..end], &"          "[end..]].concat();
        answer.replace_range(HEAD.len()..HEAD.len() + 10, &padded);
        self.say(Peer { slot: tool, generation: 1 }, answer);
        assert!(self.sink.start.contains("123456"), "no answer: {}", self.sink.start);
    }
}

fn name_of(tool: u32, number: usize) -> String {
    format!("self.light.set_scene_{tool}_{number:03}")
}

/// A call and its answer through the whole relay.
fn forwarding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call and answer through the relay");
    for (words, size) in [("200 B", 200), ("4 KiB", 4 << 10), ("256 KiB", 256 << 10)] {
        for robot in ROBOTS {
            let mut house = House::new(robot, 1, 1);
            let (call, mut answer) = (call(&name_of(0, 0)), answer(size));
            group.throughput(Throughput::Bytes((call.len() + answer.len()) as u64));
            group.bench_function(format!("{words}, {robot}"), |bencher| {
                bencher.iter(|| house.call(&call, 0, &mut answer));
            });
        }
    }
    group.finish();
}

/// The same with more tools, called in turn.
fn names(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call and answer among");
    for (words, tools, names) in [("1 name", 1, 1), ("1,000 names of 10 tools", 10, 100)] {
        let mut house = House::new(ROBOTS[1], tools, names);
        let calls: Vec<(u32, String)> = (0..names)
            .flat_map(|name| (0..tools).map(move |tool| (tool, call(&name_of(tool, name)))))
            .collect();
        let mut answer = answer(200);
        let mut turn = calls.iter().cycle();
        group.bench_function(words, |bencher| {
            bencher.iter(|| {
                let (tool, call) = turn.next().unwrap();
                house.call(call, *tool, &mut answer);
            });
        });
    }
    group.finish();
}

/// The cost of a new connection before it is a WebSocket.
fn connecting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("connecting");
    let token = Token::new(KEY, "agent-7");
    group.bench_function("token", |bencher| {
        bencher.iter(|| Token::read(KEY, black_box(token.as_str()).as_bytes()).unwrap());
    });
    let mut settings = Settings::default();
    KEY.clone_into(&mut settings.server.key);
    let relay = Relay::new(Policy::default());
    let head = format!(
        "GET /mcp_endpoint/call/?token={} HTTP/1.1\r\nHost: 192.168.1.20:8004\r\n\
         Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
         User-Agent: Python/3.12 websockets/15.0.1\r\n\r\n",
        token.in_address()
    );
    group.bench_function("request head, token included", |bencher| {
        bencher.iter(|| {
            let mut headers = [httparse::EMPTY_HEADER; 100];
            let mut parsed = httparse::Request::new(&mut headers);
            assert!(parsed.parse(black_box(head.as_bytes())).unwrap().is_complete());
            let request = RequestHead {
                method: parsed.method.unwrap(),
                target: parsed.path.unwrap(),
                headers: parsed.headers,
            };
            let (shell, now) = (ShellView::default(), Moment::default());
            let context = Context {
                settings: &settings,
                relay: &relay,
                shell,
                machine: &(),
                now,
                may_see_key: true,
            };
            assert!(matches!(http::answer(&request, &context), Action::Upgrade(_)));
        });
    });
    group.finish();
}
