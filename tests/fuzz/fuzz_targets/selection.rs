//! A selection file of any bytes, and what it makes of the tools of a server. The first line has the names
//! of the tools.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::relay::{Congested, Joining, Peer, Policy, Relay, Selection, Side, Wire};
use mcp_endpoint_server::settings::selection::parse;
use mcp_endpoint_server::text::Language;
use mcp_endpoint_server::time::Moment;
use serde_json::{json, Value};
use std::collections::HashSet;
use std::sync::Arc;

const TOOL: Peer = Peer { slot: 1, generation: 1 };
const ROBOT: Peer = Peer { slot: 2, generation: 1 };
const AGENT: &str = "kitchen";
const LABEL: &str = "home";

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (names, file) = text.split_once('\n').unwrap_or(("", &text));
    let mut known = HashSet::new();
    let names =
        names.split(',').filter(|name| (1..64).contains(&name.len()) && known.insert(*name));
    let names: Vec<&str> = names.take(8).collect();
    match parse(file, "tools.json", Language::En) {
        Err(lines) => {
            assert!(!lines.is_empty(), "refused without a word");
            for line in lines {
                assert!(line.contains("tools.json"), "{line:?} names no file");
                assert!(!line.contains(['\n', '\r']), "{line:?} is more than one line");
            }
        }
        Ok(selection) => {
            assert_eq!(selection.text(), file);
            let file = file.trim_start_matches('\u{feff}');
            let plain: Value = match file.trim().is_empty() {
                true => Value::Null,
                false => serde_json::from_str(file).expect("what is accepted is JSON"),
            };
            apply(selection, &plain["agents"], &names);
        }
    }
});

/// Whether a pattern matches the whole of `subject`, by trying everything.
fn fits(pattern: &[u8], subject: &[u8]) -> bool {
    match pattern {
        [] => subject.is_empty(),
        [b'*', rest @ ..] => (0..=subject.len()).any(|at| fits(rest, &subject[at..])),
        [first, rest @ ..] => subject.first() == Some(first) && fits(rest, &subject[1..]),
    }
}

/// Whether one of the patterns in a list picks a tool.
fn picks(patterns: &Value, name: &str) -> bool {
    let full = format!("{LABEL}/{name}");
    let patterns = patterns.as_array().into_iter().flatten().filter_map(Value::as_str);
    // Trying everything takes long where there are many stars.
    patterns.filter(|pattern| pattern.matches('*').count() < 4).any(|pattern| {
        fits(pattern.as_bytes(), name.as_bytes()) || fits(pattern.as_bytes(), full.as_bytes())
    })
}

/// What was sent.
#[derive(Default)]
struct Sent(Vec<(Peer, Value)>);

impl Wire for Sent {
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        self.0.push((peer, serde_json::from_str(&pieces.concat()).expect("one JSON text")));
        Ok(())
    }

    fn close(&mut self, _: Peer, _: CloseReason) {}

    fn probe(&mut self, _: Peer) {}
}

impl Sent {
    /// The last message to a peer with this method, or the last one at all.
    fn take(&mut self, peer: Peer, method: Option<&str>) -> Option<Value> {
        let mut all = std::mem::take(&mut self.0).into_iter().rev();
        all.find(|(to, text)| *to == peer && method.is_none_or(|m| text["method"] == m))
            .map(|(_, text)| text)
    }
}

fn apply(selection: Selection, agents: &Value, names: &[&str]) {
    let policy = Policy { selection: Arc::new(selection), ..Policy::default() };
    let (mut relay, mut sent, now) = (Relay::new(policy), Sent::default(), Moment::default());
    let mut join = |relay: &mut Relay, sent: &mut Sent, peer, side, server_id| {
        let joining = Joining { side, agent: AGENT, server_id, address: "192.0.2.1:5" };
        relay.joined(now, peer, joining, sent);
    };
    join(&mut relay, &mut sent, TOOL, Side::Tool, Some(LABEL));
    let initialize = sent.take(TOOL, Some("initialize")).expect("asked to initialize");
    let able =
        json!({"capabilities": {"tools": {"listChanged": true}}, "serverInfo": {"name": "x"}});
    let mut say = |relay: &mut Relay, sent: &mut Sent, peer, text: Value| {
        relay.text(now, peer, &text.to_string(), sent);
    };
    say(&mut relay, &mut sent, TOOL, json!({"id": initialize["id"], "result": able}));
    let list = sent.take(TOOL, Some("tools/list")).expect("asked for tools");
    let tools: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    say(&mut relay, &mut sent, TOOL, json!({"id": list["id"], "result": {"tools": tools}}));
    join(&mut relay, &mut sent, ROBOT, Side::Robot, None);
    say(&mut relay, &mut sent, ROBOT, json!({"id": 1, "method": "initialize", "params": {}}));
    say(&mut relay, &mut sent, ROBOT, json!({"id": 2, "method": "tools/list"}));
    let answer = sent.take(ROBOT, None).expect("the list");
    let listed = answer["result"]["tools"].as_array().expect("a list");
    let listed: Vec<&str> = listed.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(listed.iter().collect::<HashSet<_>>().len(), listed.len(), "twice: {listed:?}");

    let (own, all) = (&agents[AGENT], &agents["*"]);
    let only = if own["only"].is_null() { &all["only"] } else { &own["only"] };
    let is_chosen = |name: &str| {
        let is_hidden = picks(&own["hide"], name) || picks(&all["hide"], name);
        (only.is_null() || picks(only, name)) && !is_hidden
    };
    let chosen: Vec<&str> = names.iter().copied().filter(|name| is_chosen(name)).collect();
    let lists = [&own["only"], &all["only"], &own["hide"], &all["hide"]];
    let patterns = lists.iter().filter_map(|list| list.as_array()).flatten();
    let is_simple =
        patterns.filter_map(Value::as_str).all(|pattern| pattern.matches('*').count() < 4);
    if is_simple {
        assert_eq!(listed.len(), chosen.len(), "{names:?}: {listed:?}, but chosen is {chosen:?}");
        if own["rename"].is_null() && all["rename"].is_null() {
            assert_eq!(listed, chosen);
        }
    }
    let mut called = HashSet::new();
    for name in &listed {
        let params = json!({ "name": name });
        say(
            &mut relay,
            &mut sent,
            ROBOT,
            json!({"id": 3, "method": "tools/call", "params": params}),
        );
        let call = sent.take(TOOL, Some("tools/call")).expect("what is listed is callable");
        let own_name = call["params"]["name"].as_str().expect("a name").to_owned();
        assert!(!is_simple || chosen.contains(&&*own_name), "{own_name:?} is hidden");
        assert!(called.insert(own_name), "one tool by two names");
        say(&mut relay, &mut sent, TOOL, json!({"id": call["id"], "result": {}}));
    }
    for name in names.iter().filter(|name| !listed.contains(name)) {
        let params = json!({ "name": name });
        say(
            &mut relay,
            &mut sent,
            ROBOT,
            json!({"id": 4, "method": "tools/call", "params": params}),
        );
        let refused = sent.take(ROBOT, None).expect("an error");
        assert_eq!(refused["error"]["code"], -32602, "{name:?} is not listed, but callable");
    }
}
