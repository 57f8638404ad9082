//! How long the core is busy with a single input, whatever a peer does: nobody else is served
//! meanwhile. Measured in a release build as time on the processor, so that a busy machine does not
//! count: `cargo test --release --test cost`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::relay::{Congested, Joining, Peer, Policy, Relay, Side, Wire};
use mcp_endpoint_server::settings::selection::parse;
use mcp_endpoint_server::text::Language;
use mcp_endpoint_server::time::Moment;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one input may take at most. Two thirds are for slow machines.
const MAX: Duration = Duration::from_millis(60);

/// How long it takes to make the schemas that xiaozhi-server is given of tools as they are.
const MAX_SCHEMAS: Duration = Duration::from_millis(5);

/// How long one input of more than 4 MiB may take: its JSON is read once.
const MAX_LARGE: Duration = Duration::from_millis(180);

/// A wire that counts, and remembers what tool servers are asked.
#[derive(Default)]
struct Counter {
    bytes: usize,
    asked: VecDeque<(Peer, u32, &'static str)>,
    /// Where the next page of a list begins.
    cursor: Option<usize>,
}

const ASKED: [&str; 6] = [
    "initialize",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "tools/call",
];

impl Wire for Counter {
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        self.bytes += pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if let [.., start, cursor, _] = pieces {
            if start.ends_with(r#""nextCursor":""#) {
                self.cursor = cursor.parse().ok();
            }
        }
        if peer.generation == TOOL && pieces.len() < 8 {
            let text = pieces.concat();
            let method =
                ASKED.iter().find(|method| text.contains(&format!("\"method\":\"{method}\"")));
            let id = text.split("\"id\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
            if let (Some(method), Some(id)) = (method, id.and_then(|id| id.parse().ok())) {
                self.asked.push_back((peer, id, method));
            }
        }
        Ok(())
    }

    fn close(&mut self, _: Peer, _: CloseReason) {}

    fn probe(&mut self, _: Peer) {}
}

const TOOL: u32 = 1;
const ROBOT: u32 = 2;

/// How long this thread was on a processor.
fn busy(start: Instant) -> Duration {
    let read = std::fs::read_to_string("/proc/thread-self/schedstat");
    let spent = read.ok().and_then(|text| text.split(' ').next()?.parse().ok());
    spent.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// A relay whose every input is timed.
struct Play {
    relay: Relay,
    wire: Counter,
    now: Moment,
    start: Instant,
    peers: u32,
    longest: Duration,
    longest_large: Duration,
}

impl Play {
    /// Settings without limits of memory.
    fn policy() -> Policy {
        Policy { max_kept: usize::MAX, max_held: usize::MAX, ..Policy::default() }
    }

    fn new() -> Self {
        Play {
            relay: Relay::new(Play::policy()),
            wire: Counter::default(),
            now: Moment::default(),
            start: Instant::now(),
            peers: 0,
            longest: Duration::ZERO,
            longest_large: Duration::ZERO,
        }
    }

    fn input<T>(
        &mut self,
        large: bool,
        input: impl FnOnce(&mut Relay, Moment, &mut Counter) -> T,
    ) -> T {
        let before = busy(self.start);
        let result = input(&mut self.relay, self.now, &mut self.wire);
        let took = busy(self.start).saturating_sub(before);
        let longest = if large { &mut self.longest_large } else { &mut self.longest };
        *longest = took.max(*longest);
        result
    }

    fn joins(&mut self, side: Side) -> Peer {
        self.peers += 1;
        let generation = if side == Side::Tool { TOOL } else { ROBOT };
        let peer = Peer { slot: self.peers, generation };
        let joining = Joining { side, agent: "a", server_id: None, address: "192.0.2.1:5" };
        self.input(false, |relay, now, wire| relay.joined(now, peer, joining, wire));
        peer
    }

    fn sends(&mut self, peer: Peer, text: &str) {
        self.input(text.len() > 4 << 20, |relay, now, wire| relay.text(now, peer, text, wire));
    }

    fn leaves(&mut self, peer: Peer) {
        let gone = CloseReason::PeerVanished;
        self.input(false, |relay, now, wire| relay.left(now, peer, gone, wire));
        self.wire.asked.retain(|(other, ..)| *other != peer);
    }

    fn passes(&mut self, wait: Duration) {
        let end = self.now.after(wait);
        while let Some(at) = self.relay.wake_at().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.input(false, |relay, now, wire| relay.time(now, wire));
        }
        self.now = end;
    }

    /// Answers what tool servers were asked.
    fn answers(&mut self, answer: impl Fn(Peer, &str) -> Option<String>) {
        while let Some((peer, id, method)) = self.wire.asked.pop_front() {
            if let Some(result) = answer(peer, method) {
                self.sends(peer, &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
            }
        }
    }

    /// A robot that is initialised.
    fn robot(&mut self) -> Peer {
        let robot = self.joins(Side::Robot);
        self.sends(robot, r#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"x"}}}"#);
        self.sends(robot, r#"{"method":"notifications/initialized"}"#);
        robot
    }

    #[track_caller]
    fn ends(self, what: &str) {
        println!(
            "{what}: longest input {:?}, of the large ones {:?}",
            self.longest, self.longest_large
        );
        assert!(self.longest < MAX, "{what}: {:?}", self.longest);
        assert!(self.longest_large < MAX_LARGE, "{what}: {:?}", self.longest_large);
    }
}

fn initialize_result(peer: Peer) -> String {
    let able = r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true}}"#;
    format!(
        r#"{{"protocolVersion":"2024-11-05","capabilities":{able},"serverInfo":{{"name":"server-{}"}}}}"#,
        peer.slot
    )
}

fn list(method: &str, items: impl Iterator<Item = String>) -> String {
    let (member, key) = match method {
        "tools/list" => ("tools", "name"),
        "prompts/list" => ("prompts", "name"),
        "resources/list" => ("resources", "uri"),
        _ => ("resourceTemplates", "uriTemplate"),
    };
    let items: Vec<String> = items.map(|name| format!(r#"{{"{key}":"{name}"}}"#)).collect();
    format!(r#"{{"{member}":[{}]}}"#, items.join(","))
}

fn names(prefix: &str, count: usize) -> impl Iterator<Item = String> + '_ {
    (0..count).map(move |n| format!("{prefix}-{n}"))
}

/// The answer of a tool server with so many tools of its own.
fn own(count: usize) -> impl Fn(Peer, &str) -> Option<String> {
    move |peer, method| match method {
        "initialize" => Some(initialize_result(peer)),
        _ => Some(list(method, names(&peer.slot.to_string(), count))),
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_a_tool_server_that_returns_with_forty_thousand_other_names() {
    let mut play = Play::new();
    play.robot();
    for round in 0..5 {
        let tool = play.joins(Side::Tool);
        play.answers(|_, method| match method {
            "initialize" => Some(r#"{"serverInfo":{"name":"same"},"capabilities":{}}"#.to_owned()),
            _ => Some(list(method, names(&format!("r{round}"), 40_000))),
        });
        play.passes(Duration::from_millis(500));
        play.leaves(tool);
        play.passes(Duration::from_millis(500));
    }
    play.ends("returns with 40,000 other names");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_pages_of_sixteen_megabytes() {
    let mut play = Play::new();
    let robot = play.robot();
    for _ in 0..6 {
        play.joins(Side::Tool);
    }
    play.answers(own(1));
    for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        play.sends(robot, &format!(r#"{{"id":1,"method":"{method}"}}"#));
        let (member, key) = match method {
            "tools/list" => ("tools", "name"),
            "prompts/list" => ("prompts", "name"),
            "resources/list" => ("resources", "uri"),
            _ => ("resourceTemplates", "uriTemplate"),
        };
        let items = vec![format!(r#"{{"{key}":"a"}}"#); 1_200_000].join(",");
        play.answers(|_, _| Some(format!(r#"{{"{member}":[{items}]}}"#)));
        play.passes(Duration::from_secs(3));
    }
    play.ends("pages of 16 MB");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_large_capabilities() {
    let mut play = Play::new();
    let able: Vec<String> = (0..20_000).map(|n| format!(r#""c{n}":{{}}"#)).collect();
    for _ in 0..40 {
        play.joins(Side::Tool);
    }
    play.answers(|peer, method| match method {
        "initialize" => Some(format!(
            r#"{{"capabilities":{{{}}},"serverInfo":{{"name":"s{}"}}}}"#,
            able.join(","),
            peer.slot
        )),
        _ => Some(list(method, names("x", 1))),
    });
    for _ in 0..20 {
        play.robot();
    }
    play.ends("241 KB of capabilities");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_lists_that_change_ten_times_a_second() {
    for shared in [false, true] {
        let mut play = Play::new();
        play.robot();
        let tools: Vec<Peer> = (0..20).map(|_| play.joins(Side::Tool)).collect();
        play.answers(own(5_000));
        for round in 0..100 {
            for tool in &tools {
                play.sends(*tool, r#"{"method":"notifications/tools/list_changed"}"#);
            }
            play.passes(Duration::from_millis(100));
            play.answers(|peer, method| {
                let prefix =
                    if shared { round.to_string() } else { format!("{round}-{}", peer.slot) };
                Some(list(method, names(&prefix, 5_000)))
            });
        }
        play.ends("20 x 5,000 names at 10 Hz");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_choosing_among_eight_thousand_names_with_many_patterns() {
    let mut play = Play::new();
    let robot = play.robot();
    for _ in 0..4 {
        play.joins(Side::Tool);
    }
    play.answers(own(2_000));
    // Exact names, patterns with a beginning of their own, and some that begin with a star.
    let hidden = (0..1_000).flat_map(|n| [format!("2-{n}"), format!("3-{n}")]);
    let hidden: Vec<String> = hidden
        .chain((0..900).map(|n| format!("4-{n}1*")))
        .chain((0..30).map(|n| format!("*-{n}9{n}*")))
        .map(|pattern| format!("\"{pattern}\""))
        .collect();
    for round in 0..10 {
        let text = format!(
            r#"{{"agents":{{"a":{{"hide":[{}],"rename":{{"5-{round}":"x"}}}}}}}}"#,
            hidden.join(",")
        );
        let selection = parse(&text, "", Language::En).unwrap();
        let policy = Policy { selection: Arc::new(selection), ..Play::policy() };
        play.input(false, |relay, now, wire| relay.set_policy(now, policy, wire));
        play.passes(Duration::from_secs(2));
        play.sends(robot, r#"{"id":1,"method":"tools/list"}"#);
        play.answers(own(2_000));
    }
    let start = busy(play.start);
    for n in 0..1_000 {
        let name = ["2-", "5-"][n % 2];
        let call = format!(r#""method":"tools/call","params":{{"name":"{name}{n}"}}"#);
        play.sends(robot, &format!(r#"{{"id":{n},{call}}}"#));
    }
    let took = busy(play.start).saturating_sub(start) / 1_000;
    println!("a call beside 8,000 names, many of them hidden: {took:?}");
    assert!(took < MAX / 1_000, "{took:?}");
    play.ends("8,000 names, 2,930 patterns");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_joining_beside_a_hundred_thousand_names() {
    let mut play = Play::new();
    play.robot();
    for _ in 0..50 {
        play.joins(Side::Tool);
    }
    play.answers(own(2_000));
    for _ in 0..100 {
        let tool = play.joins(Side::Tool);
        play.answers(own(3));
        play.passes(Duration::from_millis(10));
        play.leaves(tool);
    }
    // Nine hundred twins, and nine hundred that are none.
    for name in ["twin", ""] {
        let mut play = Play::new();
        play.robot();
        for _ in 0..900 {
            play.joins(Side::Tool);
            play.answers(|peer, method| match method {
                "initialize" if name.is_empty() => Some(initialize_result(peer)),
                "initialize" => {
                    Some(r#"{"serverInfo":{"name":"twin"},"capabilities":{}}"#.to_owned())
                }
                _ => Some(list(method, names(name, 10))),
            });
        }
        play.passes(Duration::from_secs(60));
        play.ends("900 tool servers");
    }
    play.ends("joins beside 100,000 names");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_reading_beside_a_hundred_thousand_templates() {
    for template in ["t://SLOT/{x}/", "t://{x}/SLOT/"] {
        let mut play = Play::new();
        let robot = play.robot();
        for _ in 0..50 {
            play.joins(Side::Tool);
        }
        play.answers(own(1));
        play.sends(robot, r#"{"id":1,"method":"resources/templates/list"}"#);
        play.sends(robot, r#"{"id":2,"method":"resources/list"}"#);
        play.answers(|peer, method| {
            let prefix = template.replace("SLOT", &peer.slot.to_string());
            Some(list(method, names(&prefix, 2_000)))
        });
        play.passes(Duration::from_secs(3));
        let start = busy(play.start);
        for n in 0..200 {
            play.sends(
                robot,
                &format!(
                    r#"{{"id":1,"method":"resources/read","params":{{"uri":"t://1/x/none-{n}"}}}}"#
                ),
            );
        }
        let took = busy(play.start).saturating_sub(start);
        println!("200 reads: {took:?}");
        assert!(took < MAX, "200 reads: {took:?}");
        play.ends("resources/read");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_notifications_to_three_hundred_robots() {
    let mut play = Play::new();
    for _ in 0..300 {
        play.robot();
    }
    let tool = play.joins(Side::Tool);
    play.answers(own(1));
    play.wire.bytes = 0;
    let text = format!(r#"{{"method":"notifications/message","params":"{}"}}"#, "x".repeat(12_000));
    for _ in 0..1_300 {
        play.sends(tool, &text);
    }
    assert!(play.wire.bytes < 16 << 20, "{}", play.wire.bytes);
    assert!(play.relay.traffic().notifications_dropped > 300_000);
    play.ends("notifications");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_showing_a_hundred_times_a_thousand_names() {
    let mut play = Play::new();
    for _ in 0..100 {
        play.joins(Side::Tool);
    }
    play.answers(own(1_000));
    play.passes(Duration::from_secs(3));
    for _ in 0..5 {
        play.input(false, |relay, now, _| relay.details(now).len());
        play.input(false, |relay, _, _| relay.catalogue("a").servers.len());
        play.input(false, |relay, _, _| relay.counts());
    }
    play.ends("details and catalogue");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_sixty_thousand_requests_that_wait_are_cancelled_and_time_out() {
    let mut play = Play::new();
    // It never finishes its handshake.
    let silent = play.joins(Side::Tool);
    let robots: Vec<Peer> = (0..60).map(|_| play.joins(Side::Robot)).collect();
    for robot in &robots {
        for id in 0..1_024 {
            play.sends(
                *robot,
                &format!(r#"{{"id":{id},"method":"tools/call","params":{{"name":"n{id}"}}}}"#),
            );
        }
    }
    assert_eq!(play.relay.counts().waiting, 60 * 1_024);
    for id in (0..1_024).chain(0..1_024) {
        play.sends(
            robots[0],
            &format!(r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#),
        );
    }
    for _ in 0..20 {
        let tool = play.joins(Side::Tool);
        play.answers(|peer, method| (peer != silent).then(|| own(1)(peer, method)).flatten());
        play.passes(Duration::from_millis(100));
        play.leaves(tool);
    }
    play.passes(Duration::from_secs(400));
    assert_eq!(play.relay.counts().waiting, 0);
    play.ends("60,000 requests wait");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_sixty_thousand_requests_under_way_that_are_cancelled_and_time_out() {
    let mut play = Play::new();
    play.joins(Side::Tool);
    play.answers(own(1));
    let robots: Vec<Peer> = (0..60).map(|_| play.robot()).collect();
    for robot in &robots {
        for id in 0..1_024 {
            play.sends(
                *robot,
                &format!(r#"{{"id":{id},"method":"tools/call","params":{{"name":"1-0"}}}}"#),
            );
        }
        play.passes(Duration::from_millis(1));
    }
    assert_eq!(play.relay.counts().in_flight, 60 * 1_024);
    for id in 0..2_048 {
        play.sends(
            robots[0],
            &format!(r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#),
        );
    }
    play.leaves(robots[1]);
    play.passes(Duration::from_secs(400));
    assert_eq!(play.relay.counts().in_flight, 0);
    play.ends("60,000 requests under way");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_messages_to_nine_hundred_tool_servers() {
    let mut play = Play::new();
    let robot = play.robot();
    for _ in 0..900 {
        play.joins(Side::Tool);
    }
    play.answers(own(1));
    play.passes(Duration::from_secs(10));
    let start = busy(play.start);
    for id in 0..1_000 {
        play.sends(robot, r#"{"method":"x"}"#);
        play.sends(robot, &format!(r#"{{"id":{id},"method":"tools/x"}}"#));
        play.sends(
            robot,
            &format!(r#"{{"id":{id},"method":"tools/call","params":{{"name":"no"}}}}"#),
        );
    }
    println!("3,000 messages: {:?}", busy(play.start).saturating_sub(start));
    play.ends("messages to 900 tool servers");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_texts_that_are_no_message() {
    let mut play = Play::new();
    let tool = play.joins(Side::Tool);
    let parts =
        ["\u{b}", "\u{a0}", "\u{3000}", " ", "\"", "'", "a", "id:", "\"a\" ", "\\", ",", "{", "]"];
    for part in parts {
        for start in ["{", "[", "{\"payload\":\""] {
            play.sends(tool, &format!("{start}{}", part.repeat(64_000 / part.len())));
        }
    }
    play.ends("texts that are no message");
}

/// The longest page, in time, where xiaozhi-server lists these tools for the first time. The processor's
/// clock may be coarse, so several relays do the same, and the best of three rounds counts.
fn listed_by_xiaozhi(tools: &[String], what: &str, relays: u32) -> Duration {
    let round = || {
        let mut plays: Vec<_> = (0..relays).map(|_| joined_by_xiaozhi(tools)).collect();
        let (mut longest, mut again, mut pages) = (Duration::ZERO, Duration::ZERO, 0);
        let before = plays[0].0.wire.bytes;
        for is_first in [true, false] {
            let mut cursor = Some(0);
            while let Some(at) = cursor {
                let start = busy(plays[0].0.start);
                for (play, robot) in &mut plays {
                    play.wire.cursor = None;
                    play.sends(
                        *robot,
                        &format!(
                            r#"{{"id":2,"method":"tools/list","params":{{"cursor":"{at}"}}}}"#
                        ),
                    );
                }
                let took = busy(plays[0].0.start).saturating_sub(start) / relays;
                let most = if is_first { &mut longest } else { &mut again };
                *most = took.max(*most);
                pages += u32::from(is_first);
                cursor = plays[0].0.wire.cursor;
            }
        }
        let sent = plays[0].0.wire.bytes - before;
        println!("{what}: {sent} bytes twice, {pages} pages, {longest:?} a page, then {again:?}");
        longest
    };
    (0..3).map(|_| round()).min().unwrap()
}

/// A relay with these tools, and xiaozhi-server.
fn joined_by_xiaozhi(tools: &[String]) -> (Play, Peer) {
    let mut play = Play::new();
    for tools in tools.chunks(2_000) {
        play.joins(Side::Tool);
        play.answers(|peer, method| {
            let tools = format!(r#"{{"tools":[{}]}}"#, tools.join(","));
            Some(if method == "initialize" { initialize_result(peer) } else { tools })
        });
    }
    let robot = play.joins(Side::Robot);
    play.sends(
        robot,
        r#"{"id":1,"method":"initialize","params":{"clientInfo":{"name":"XiaozhiMCPEndpointClient"}}}"#,
    );
    play.passes(Duration::from_secs(3));
    (play, robot)
}

#[test]
#[cfg_attr(debug_assertions, ignore = "measures a release build")]
fn cost_of_schemas_without_references() {
    let model = |n: usize| {
        let next = format!(r##"{{"$ref":"#/$defs/Model{}"}}"##, n + 1);
        format!(
            r##""Model{n}":{{"description":"A model of several members, one of them a model.","properties":{{"name":{{"description":"What it is called","title":"Name","type":"string"}},"count":{{"default":1,"title":"Count","type":"integer"}},"one":{next},"many":{{"anyOf":[{{"items":{next},"type":"array"}},{{"type":"null"}}],"default":null,"title":"Many"}}}},"required":["name","one"],"title":"Model{n}","type":"object"}}"##
        )
    };
    let models: Vec<String> = (0..4).map(model).collect();
    let tool = |n: usize| {
        format!(
            r##"{{"name":"plan_{n}","description":"Plans.","inputSchema":{{"$defs":{{{},"Model4":{{"enum":["a","b"],"title":"Model4","type":"string"}}}},"properties":{{"plan":{{"$ref":"#/$defs/Model0"}}}},"required":["plan"],"title":"planArguments","type":"object"}}}}"##,
            models.join(",")
        )
    };
    let tools: Vec<String> = (0..120).map(tool).collect();
    let took = listed_by_xiaozhi(&tools, "nested models", 20);
    assert!(took < MAX_SCHEMAS, "{took:?}");
    // Each definition refers to the next one ten times.
    let laughs = |n: usize| {
        let next = format!(r##"{{"$ref":"#/$defs/{}"}}"##, n + 1);
        format!(r#""{n}":{{"anyOf":[{}]}}"#, vec![next; 10].join(","))
    };
    let definitions = (0..20).map(laughs).collect::<Vec<_>>().join(",");
    let laughs = |n: usize| {
        format!(
            r##"{{"name":"t{n}","inputSchema":{{"properties":{{"p":{{"$ref":"#/$defs/0"}}}},"$defs":{{{definitions}}}}}}}"##
        )
    };
    let many = |count: usize, tool: &dyn Fn(usize) -> String| -> Vec<String> {
        (0..count).map(tool).collect()
    };
    let long = |n: usize| {
        let to = r##"{"$ref":"#/properties/a/anyOf/0/properties/b"}"##;
        let text = "x".repeat(1_000);
        format!(
            r##"{{"name":"t{n}","inputSchema":{{"properties":{{"a":{{"anyOf":[{{"properties":{{"b":{{"title":"{text}"}}}}}}]}},"p":{{"anyOf":[{}]}}}}}}}}"##,
            vec![to; 20].join(",")
        )
    };
    let beside = |n: usize| {
        let names = (0..300).map(|n| format!(r#""m{n}":0"#)).collect::<Vec<_>>().join(",");
        format!(
            r##"{{"name":"t{n}","inputSchema":{{"anyOf":[{}],"$defs":{{"P":{{{names}}}}}}}}}"##,
            vec![format!(r##"{{{names},"$ref":"#/$defs/P"}}"##); 10].join(",")
        )
    };
    // References with members beside them, in one another, and each leading to the next.
    let nested = |n: usize| {
        let inside = (0..55).fold("{}".to_owned(), |inside, _| {
            format!(r##"{{"$ref":"#/$defs/P","x":0,"properties":{{"q":{inside}}}}}"##)
        });
        format!(
            r##"{{"name":"t{n}","inputSchema":{{"anyOf":[{}],"$defs":{{"P":{{"title":1}}}}}}}}"##,
            vec![inside; 20].join(",")
        )
    };
    let chain = |n: usize| {
        let names = (0..100).map(|n| format!(r#""m{n}":0"#)).collect::<Vec<_>>().join(",");
        let next = |n: usize| format!(r##""{n}":{{"$ref":"#/$defs/{}","k{n}":1,{names}}}"##, n + 1);
        let definitions = (0..10).map(next).collect::<Vec<_>>().join(",");
        format!(
            r##"{{"name":"t{n}","inputSchema":{{"anyOf":[{}],"$defs":{{{definitions}}}}}}}"##,
            vec![r##"{"$ref":"#/$defs/0"}"##; 400].join(",")
        )
    };
    // Nothing is to be done, but that has to be found out.
    let plain = |n: usize| {
        format!(r##"{{"name":"t{n}","description":"{}","inputSchema":{{}}}}"##, "x ".repeat(1_000))
    };
    for (what, tools) in [
        ("references in one another", many(200, &nested)),
        ("references to references", many(400, &chain)),
        ("no references", many(8_000, &plain)),
        ("growth without end", many(2_000, &laughs)),
        ("long pointers", many(2_000, &long)),
        ("many members", many(1_000, &beside)),
    ] {
        let took = listed_by_xiaozhi(&tools, what, 4);
        assert!(took < 3 * MAX_SCHEMAS, "{what}: {took:?}");
    }
}
