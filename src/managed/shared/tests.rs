//! What agents that share a server see of it, and what the server sees.

mod hanging;

use super::*;
use serde_json::{json, Value};
use std::collections::{HashMap, VecDeque};

mod changes;

/// The server's end of the pipe.
#[derive(Default)]
struct Pipe {
    sent: VecDeque<String>,
    is_full: bool,
    emptied: u32,
    /// How many calls may be under way; zero is no limit.
    places: usize,
}

impl ToServer for Pipe {
    fn send(&mut self, pieces: &[&str]) -> bool {
        if !self.is_full {
            self.sent.push_back(pieces.concat());
        }
        !self.is_full
    }

    fn emptied(&self) -> u32 {
        self.emptied
    }

    fn limit(&self) -> usize {
        MAX_QUEUED
    }

    fn places(&self) -> usize {
        self.places.wrapping_sub(1).saturating_add(1)
    }
}

const MAX_QUEUED: usize = 1 << 20;

impl Pipe {
    fn next(&mut self) -> Value {
        let text = self.sent.pop_front().expect("nothing was sent to the server");
        assert!(!text.contains('\n'));
        serde_json::from_str(&text).unwrap()
    }

    fn is_quiet(&self) -> bool {
        self.sent.is_empty()
    }
}

struct Trial {
    shared: SharedServer,
    pipe: Pipe,
    now: Moment,
}

const INITIALIZE_RESULT: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}},"serverInfo":{"name":"s","version":"1"}}"#;

/// A server that is ready, with so many seats.
fn ready(seats: usize) -> Trial {
    let mut trial =
        Trial { shared: SharedServer::default(), pipe: Pipe::default(), now: Moment::default() };
    trial.shared.started(trial.now, &mut trial.pipe);
    let asked = trial.pipe.next();
    assert_eq!(asked["params"]["protocolVersion"], PROTOCOL_VERSION);
    let answer =
        format!(r#"{{"jsonrpc":"2.0","id":{},"result":{INITIALIZE_RESULT}}}"#, asked["id"]);
    assert_eq!(trial.says(&answer), Some(News::Ready));
    assert_eq!(trial.pipe.next()["method"], "notifications/initialized");
    for seat in 0..seats {
        assert_eq!(trial.shared.take_seat(Peer::seat(seat, 1)), seat);
    }
    trial
}

impl Trial {
    fn says(&mut self, line: &str) -> Option<News> {
        self.shared.take_from_server(self.now, line, &mut self.pipe)
    }

    fn relay(&mut self, seat: usize, text: &str) -> Result<(), SeatCongested> {
        self.shared.take_from_relay(self.now, seat, text, &mut self.pipe)
    }

    fn asks(&mut self, seat: usize, id: u32, method: &str, params: Value) {
        let text = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.relay(seat, &text.to_string()).unwrap();
    }

    fn got(&mut self) -> Option<(usize, Value)> {
        let (peer, text) = self.got_text()?;
        Some((peer, serde_json::from_str(&text).unwrap()))
    }

    fn got_text(&mut self) -> Option<(usize, Rc<str>)> {
        let (peer, text) = self.shared.next_message()?;
        assert!(peer.is_seat());
        Some((peer.place() as usize, text))
    }

    fn passes(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }
}

#[test]
fn a_seat_is_answered_for_the_server_in_no_newer_version_than_it_asks_for() {
    let mut trial = ready(1);
    for (asked, expected) in
        [("2024-11-05", "2024-11-05"), ("2025-11-25", "2025-11-25"), ("2099-01-01", "2025-11-25")]
    {
        trial.asks(0, 1, "initialize", json!({"protocolVersion": asked}));
        let (seat, answer) = trial.got().unwrap();
        assert_eq!((seat, &answer["id"]), (0, &json!(1)));
        assert_eq!(answer["result"]["protocolVersion"], expected);
        assert_eq!(answer["result"]["serverInfo"]["name"], "s");
    }
    trial.relay(0, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).unwrap();
    trial.asks(0, 2, "ping", json!({}));
    assert_eq!(trial.got().unwrap().1["result"], json!({}));
    trial.asks(0, 3, "logging/setLevel", json!({"level": "debug"}));
    assert_eq!(trial.got().unwrap().1["result"], json!({}));
    assert!(trial.pipe.is_quiet(), "the server hears nothing of it");
}

#[test]
fn equal_ids_and_tokens_of_two_agents_do_not_meet() {
    let mut trial = ready(2);
    let call =
        json!({"name": "t", "arguments": {"progressToken": 7}, "_meta": {"progressToken": 7}});
    trial.asks(0, 7, "tools/call", call.clone());
    trial.asks(1, 7, "tools/call", call);
    let (one, two) = (trial.pipe.next(), trial.pipe.next());
    assert_ne!(one["id"], two["id"]);
    assert_eq!(one["params"]["_meta"]["progressToken"], one["id"]);
    assert_eq!(one["params"]["arguments"]["progressToken"], 7);
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": two["id"], "progress": 1}});
    trial.says(&progress.to_string());
    let (seat, received) = trial.got().unwrap();
    assert_eq!((seat, &received["params"]["progressToken"]), (1, &json!(7)));
    for (request, answer) in [(&two, "two"), (&one, "one")] {
        trial.says(
            &json!({"jsonrpc": "2.0", "id": request["id"], "result": {"it": answer}}).to_string(),
        );
    }
    let answers = [trial.got().unwrap(), trial.got().unwrap()];
    assert_eq!(
        (answers[0].0, &answers[0].1["result"]["it"], &answers[0].1["id"]),
        (1, &json!("two"), &json!(7))
    );
    assert_eq!((answers[1].0, &answers[1].1["result"]["it"]), (0, &json!("one")));
    // A second answer, and progress of a call that is over, reach nobody.
    trial.says(&json!({"jsonrpc": "2.0", "id": two["id"], "result": {}}).to_string());
    trial.says(&progress.to_string());
    assert_eq!((trial.got(), trial.shared.calls), (None, 0));
}

#[test]
fn a_list_is_asked_for_once_for_all_agents() {
    let mut trial = ready(3);
    for seat in 0..3 {
        trial.asks(seat, 10 + seat as u32, "tools/list", json!({}));
    }
    let asked = trial.pipe.next();
    assert!(trial.pipe.is_quiet());
    let page = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"tools": [{"name": "a"}], "nextCursor": "x"}});
    trial.says(&page.to_string());
    for seat in 0..3 {
        let (to, answer) = trial.got().unwrap();
        assert_eq!(
            (to, &answer["id"], &answer["result"]["tools"][0]["name"]),
            (seat, &json!(10 + seat), &json!("a"))
        );
    }
    // It is known from now on; another page is not.
    trial.asks(1, 20, "tools/list", json!({}));
    assert!(trial.got().is_some() && trial.pipe.is_quiet());
    assert!(trial.shared.memory_of_lists() > 0 && trial.shared.tools() == 1);
    trial.asks(1, 21, "tools/list", json!({"cursor": "x"}));
    let second = trial.pipe.next();
    assert_eq!(second["params"]["cursor"], "x");
    trial.says(
        &json!({"jsonrpc": "2.0", "id": second["id"], "error": {"code": -1, "message": "no"}})
            .to_string(),
    );
    assert_eq!(trial.got().unwrap().1["error"]["code"], -1);
    // A change reaches everybody, and is asked for once.
    trial.says(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    for seat in 0..3 {
        assert_eq!(trial.got().unwrap().0, seat);
        trial.asks(seat, 30, "tools/list", json!({}));
    }
    assert!(trial.pipe.next()["method"] == "tools/list" && trial.pipe.is_quiet());
    // One that asks again gets the question asked again.
    trial.asks(2, 31, "tools/list", json!({}));
    assert_eq!(trial.pipe.next()["method"], "tools/list");
    assert!(trial.shared.memory_of_lists() < 1000 && trial.shared.tools() == 0);
}

#[test]
fn a_list_whose_changes_are_not_announced_counts_for_a_moment_only() {
    let mut trial = ready(2);
    trial.asks(0, 1, "prompts/list", json!({}));
    let asked = trial.pipe.next();
    trial
        .says(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"prompts": []}}).to_string());
    trial.asks(1, 1, "prompts/list", json!({}));
    assert!(trial.pipe.is_quiet());
    trial.passes(2);
    trial.asks(1, 2, "prompts/list", json!({}));
    assert_eq!(trial.pipe.next()["method"], "prompts/list");
}

#[test]
fn updates_of_resources_reach_those_that_are_subscribed() {
    let mut trial = ready(2);
    let updated =
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#;
    trial.asks(0, 1, "resources/subscribe", json!({"uri": "a:b"}));
    let first = trial.pipe.next();
    assert_eq!(first["method"], "resources/subscribe");
    // As long as it is not known whether that works, another agent asks, too.
    trial.says(&json!({"jsonrpc": "2.0", "id": first["id"], "error": {"code": 1}}).to_string());
    assert_eq!(trial.got().unwrap().1["error"]["code"], 1);
    trial.says(updated);
    assert_eq!(trial.got(), None);
    trial.asks(0, 1, "resources/subscribe", json!({"uri": "a:b"}));
    let id = trial.pipe.next()["id"].clone();
    trial.says(&json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string());
    assert_eq!(trial.got().unwrap().0, 0);
    trial.asks(1, 1, "resources/subscribe", json!({"uri": "a:b"}));
    assert!(trial.pipe.is_quiet());
    assert_eq!(trial.got().unwrap(), (1, json!({"jsonrpc": "2.0", "id": 1, "result": {}})));
    trial.says(updated);
    assert_eq!([trial.got().unwrap().0, trial.got().unwrap().0], [0, 1]);
    trial.asks(0, 2, "resources/unsubscribe", json!({"uri": "a:b"}));
    assert!(trial.pipe.is_quiet() && trial.got().is_some());
    trial.says(updated);
    assert_eq!((trial.got().unwrap().0, trial.got()), (1, None));
    trial.shared.leave_seat(1, &mut trial.pipe);
    let last = trial.pipe.next();
    assert_eq!(
        (&last["method"], &last["params"]["uri"]),
        (&json!("resources/unsubscribe"), &json!("a:b"))
    );
}

#[test]
fn a_cancellation_and_a_leaving_agent_cancel_their_own_calls_only() {
    let mut trial = ready(2);
    for seat in 0..2 {
        trial.asks(seat, 5, "tools/call", json!({"name": "t"}));
    }
    let (one, two) = (trial.pipe.next(), trial.pipe.next());
    trial.relay(0, r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"reason":"x"}}"#).unwrap();
    let cancelled = trial.pipe.next();
    assert_eq!(
        (&cancelled["method"], &cancelled["params"]["requestId"]),
        (&json!("notifications/cancelled"), &one["id"])
    );
    trial.says(&json!({"jsonrpc": "2.0", "id": one["id"], "result": {}}).to_string());
    assert_eq!((trial.got(), trial.shared.calls), (None, 1));
    trial.shared.leave_seat(1, &mut trial.pipe);
    assert_eq!(trial.pipe.next()["params"]["requestId"], two["id"]);
    assert_eq!(trial.shared.calls, 0);
}

#[test]
fn one_agent_has_so_many_calls_and_the_others_are_served() {
    let mut trial = ready(2);
    let text = |id: usize| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {}}).to_string()
    };
    for id in 1..=MAX_CALLS_OF_SEAT {
        assert_eq!(trial.relay(0, &text(id)), Ok(()));
    }
    assert_eq!(trial.relay(0, &text(1000)), Err(SeatCongested));
    assert_eq!(trial.relay(1, &text(1)), Ok(()));
    let first = trial.pipe.next();
    trial.says(&json!({"jsonrpc": "2.0", "id": first["id"], "result": {}}).to_string());
    assert_eq!(trial.relay(0, &text(1001)), Ok(()));
    trial.pipe.is_full = true;
    assert_eq!(trial.relay(1, &text(2)), Err(SeatCongested));
    assert_eq!(
        trial.relay(1, r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#),
        Err(SeatCongested)
    );
    trial.pipe.is_full = false;
    assert_eq!(trial.relay(1, r#"{"jsonrpc":"2.0","id":4,"method":"tools/list"}"#), Ok(()));
}

#[test]
fn one_agent_fills_a_quarter_of_the_queue_at_most() {
    let mut trial = ready(2);
    let text = |id: usize, bytes: usize| {
        let params = json!({"arguments": {"x": "y".repeat(bytes)}});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
    };
    assert_eq!(trial.relay(0, &text(1, MAX_QUEUED / 5)), Ok(()));
    assert_eq!(trial.relay(0, &text(2, MAX_QUEUED / 5)), Err(SeatCongested));
    // A message that is alone may be larger.
    assert_eq!(trial.relay(1, &text(1, MAX_QUEUED / 2)), Ok(()));
    assert_eq!(trial.relay(1, &text(2, 1)), Err(SeatCongested));
    trial.pipe.emptied += 1;
    assert_eq!(trial.relay(0, &text(2, MAX_QUEUED / 5)), Ok(()));
}

#[test]
fn an_answer_that_cannot_be_read_goes_to_who_waits_for_it() {
    let mut trial = ready(2);
    for seat in 0..2 {
        trial.asks(seat, 5, "tools/call", json!({"name": "t"}));
        trial.asks(seat, 6, "tools/list", json!({}));
    }
    let (one, list, two) = (trial.pipe.next(), trial.pipe.next(), trial.pipe.next());
    let id = two["id"].to_string();
    assert_eq!(trial.says(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"x": y}}}}"#)), None);
    let (seat, text) = trial.got_text().unwrap();
    assert_eq!((seat, &*text), (1, r#"{"jsonrpc":"2.0","id":5,"result":{"x": y}}"#));
    let id = list["id"].to_string();
    assert_eq!(trial.says(&format!(r#"{{"id":{id},"result":{{tools: []}}}}"#)), None);
    for seat in 0..2 {
        let expected = (seat, r#"{"id":6,"result":{tools: []}}"#.into());
        assert_eq!(trial.got_text(), Some(expected));
    }
    let quoted = json!(format!(r#"{{"id":{},"result":x}}"#, one["id"])).to_string();
    assert_eq!(trial.says(&quoted), None);
    let (seat, text) = trial.got_text().unwrap();
    assert_eq!((seat, &*text), (0, r#"{"jsonrpc":"2.0","id":5}"#));
    assert_eq!(trial.shared.calls, 0);
    assert_eq!(trial.says(r#"{"id":99,"result":x}"#), Some(News::Unreadable));
}

#[test]
fn what_the_server_asks_is_answered_and_what_it_tells_everybody_is_dropped() {
    let mut trial = ready(1);
    trial.says(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    assert_eq!(trial.pipe.next(), json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
    trial.says(r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#);
    assert_eq!(trial.pipe.next()["error"]["code"], -32601);
    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"other"}}"#,
        r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        "",
    ] {
        assert_eq!((trial.says(line), trial.got()), (None, None), "{line}");
    }
    for line in ["Server is running…", "[1]", "{}", "{"] {
        assert_eq!(trial.says(line), Some(News::Unreadable), "{line}");
    }
}

#[test]
fn a_server_that_refuses_or_falls_silent_is_broken() {
    let mut trial = ready(0);
    trial.shared.started(trial.now, &mut trial.pipe);
    assert!(!trial.shared.is_ready());
    let id = trial.pipe.next()["id"].clone();
    let refusal =
        json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32022, "message": "too old"}});
    let Some(News::Refused(what)) = trial.says(&refusal.to_string()) else { panic!() };
    assert!(what.contains("-32022"));
    // One that has answered pings.
    let mut trial = ready(1);
    let every = Some(Duration::from_secs(50));
    let ping = |trial: &mut Trial| {
        trial.passes(50);
        assert_eq!(trial.shared.deadline(every), Some(trial.now));
        trial.shared.time(trial.now, every, &mut trial.pipe)
    };
    assert_eq!(ping(&mut trial), None);
    let id = trial.pipe.next()["id"].clone();
    trial.says(&json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string());
    for _ in 0..3 {
        assert_eq!(ping(&mut trial), None);
    }
    assert_eq!(ping(&mut trial), Some(News::Silent));
    // A call that it answers between them shows that it lives.
    let mut trial = ready(1);
    assert_eq!(ping(&mut trial), None);
    let id = trial.pipe.next()["id"].clone();
    trial.says(&json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string());
    for _ in 0..3 {
        assert!((0..2).all(|_| ping(&mut trial).is_none()));
        trial.pipe.sent.clear();
        trial.asks(0, 5, "tools/call", json!({"name": "t"}));
        let id = trial.pipe.next()["id"].clone();
        trial.says(&json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string());
    }
    // One that has never answered any does not know them.
    let mut trial = ready(1);
    assert!((0..10).all(|_| ping(&mut trial).is_none()));
    assert_eq!(trial.shared.deadline(None), None);
}

/// Agents that use the same ids at random, and a server that answers in any order.
#[test]
fn thousands_of_calls_of_three_agents_are_not_mixed_up() {
    for seed in 0..20_u64 {
        let mut state = seed;
        let mut dice = |sides: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % sides
        };
        let mut trial = ready(3);
        // What each seat waits for, by its id; what the server has to answer.
        let mut open: [HashMap<u32, u32>; 3] = Default::default();
        let mut at_server: Vec<Value> = Vec::new();
        let mut marks = 0;
        for _ in 0..2000 {
            let seat = dice(3);
            match dice(5) {
                0 | 1 => {
                    let id = 1 + dice(80) as u32;
                    if open[seat].contains_key(&id) {
                        continue;
                    }
                    marks += 1;
                    let params =
                        json!({"arguments": {"mark": marks}, "_meta": {"progressToken": id}});
                    let text = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
                    match trial.relay(seat, &text.to_string()) {
                        Ok(()) => drop(open[seat].insert(id, marks)),
                        Err(_) => assert_eq!(open[seat].len(), MAX_CALLS_OF_SEAT),
                    }
                }
                2 if !at_server.is_empty() => {
                    let request = at_server.swap_remove(dice(at_server.len()));
                    let result = json!({"mark": request["params"]["arguments"]["mark"]});
                    trial.says(
                        &json!({"jsonrpc": "2.0", "id": request["id"], "result": result})
                            .to_string(),
                    );
                }
                3 if !at_server.is_empty() => {
                    let request = &at_server[dice(at_server.len())];
                    let mark = &request["params"]["arguments"]["mark"];
                    let params = json!({"progressToken": request["id"], "mark": mark});
                    trial.says(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}).to_string());
                }
                _ if dice(4) == 0 => {
                    let Some(id) = open[seat].keys().min().copied() else { continue };
                    open[seat].remove(&id);
                    let params = json!({"requestId": id});
                    trial.relay(seat, &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}).to_string()).unwrap();
                }
                _ => (),
            }
            while !trial.pipe.is_quiet() {
                let message = trial.pipe.next();
                if message.get("id").is_some() {
                    at_server.push(message);
                }
            }
            while let Some((seat, message)) = trial.got() {
                match message["id"].as_u64() {
                    Some(id) => {
                        let expected = open[seat].remove(&(id as u32)).expect("nobody asked");
                        assert_eq!(message["result"]["mark"], expected);
                    }
                    None => {
                        let id = message["params"]["progressToken"].as_u64().unwrap() as u32;
                        assert_eq!(message["params"]["mark"], open[seat][&id]);
                    }
                }
            }
            let waiting: usize = open.iter().map(HashMap::len).sum();
            assert_eq!(trial.shared.calls, waiting);
            let kept = trial.shared.seats.iter().map(|(_, seat)| seat.memory_of_calls());
            assert_eq!(trial.shared.kept_for_seats, kept.sum::<usize>());
        }
    }
}
