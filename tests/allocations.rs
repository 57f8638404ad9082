//! How often the core asks for memory to forward a small message.
//!
//! Counted by an allocator of our own, which is why this one test may write `unsafe`.

// The helpers stand outside `#[test]` functions, where clippy.toml's leave for tests ends.
#![allow(unsafe_code, clippy::unwrap_used, clippy::indexing_slicing)]

use mcp_endpoint_server::close::CloseReason;
use mcp_endpoint_server::relay::{Congested, Joining, Peer, Policy, Relay, Side, Wire};
use mcp_endpoint_server::time::Moment;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is left to the system's allocator; the counter needs no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TOOL: Peer = Peer { slot: 0, generation: 1 };
const ROBOT: Peer = Peer { slot: 1, generation: 2 };

/// Keeps what was sent last, in memory it has already.
struct Sink {
    to: Peer,
    text: String,
}

impl Wire for Sink {
    fn send(&mut self, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        self.to = peer;
        self.text.clear();
        pieces.iter().for_each(|piece| self.text.push_str(piece));
        Ok(())
    }

    fn close(&mut self, _: Peer, _: CloseReason) {}

    fn probe(&mut self, _: Peer) {}
}

struct House {
    relay: Relay,
    sink: Sink,
}

impl House {
    /// A tool server and a robot after the handshake, with enough calls behind them for every table
    /// to have its size.
    fn new(robot_name: &str) -> Self {
        let relay = Relay::new(Policy::default());
        let sink = Sink { to: TOOL, text: String::with_capacity(4096) };
        let mut house = House { relay, sink };
        house.joined(TOOL, Side::Tool);
        house.say(
            TOOL,
            r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"lamp","version":"1"}}}"#,
        );
        house.say(TOOL, r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"light"}]}}"#);
        house.joined(ROBOT, Side::Robot);
        house.say(
            ROBOT,
            &format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"clientInfo":{{"name":"{robot_name}"}}}}}}"#
            ),
        );
        house.say(ROBOT, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        for _ in 0..100 {
            house.call();
        }
        house
    }

    fn joined(&mut self, peer: Peer, side: Side) {
        let joining = Joining { side, agent: "a", server_id: None, address: "127.0.0.1:1" };
        self.relay.joined(Moment::default(), peer, joining, &mut self.sink);
    }

    /// Sends something; returns how often that allocated. The allocations of the checks of a debug
    /// build are subtracted: a call of `time` with nothing due makes these and no others.
    fn say(&mut self, peer: Peer, text: &str) -> usize {
        let before = COUNT.get();
        self.relay.text(Moment::default(), peer, text, &mut self.sink);
        let said = COUNT.get();
        self.relay.time(Moment::default(), &mut self.sink);
        let checked = COUNT.get() - said;
        (said - before).checked_sub(checked).unwrap()
    }

    /// One call and its answer; how often each asked for memory.
    fn call(&mut self) -> [usize; 2] {
        let call = self.say(
            ROBOT,
            r#"{"jsonrpc":"2.0","id":123456,"method":"tools/call","params":{"name":"light","arguments":{"room":"living room","brightness":80}}}"#,
        );
        assert_eq!(self.sink.to, TOOL);
        let id = self.sink.text.split_once("\"id\":").unwrap().1.split(',').next().unwrap();
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"on"}}],"isError":false}}}}"#
        );
        let answer = self.say(TOOL, &answer);
        assert_eq!(self.sink.to, ROBOT);
        assert!(self.sink.text.contains("\"id\":123456,"), "{}", self.sink.text);
        [call, answer]
    }
}

#[test]
fn a_small_message_is_forwarded_with_two_allocations_at_most() {
    let mut house = House::new("somebody");
    for _ in 0..100 {
        let [call, answer] = house.call();
        assert!(call <= 2, "{call} allocations for a call");
        assert!(answer <= 2, "{answer} allocations for an answer");
    }
}

/// For the client that is told of failures twice, a result that speaks of `isError` is looked
/// into: that may cost no more than it does today.
#[test]
fn a_result_for_xiaozhi_server_is_looked_into_with_three_more_allocations_at_most() {
    let mut house = House::new("XiaozhiMCPEndpointClient");
    for _ in 0..100 {
        let [call, answer] = house.call();
        assert!(call <= 2, "{call} allocations for a call");
        assert!(answer <= 2 + 3, "{answer} allocations for an answer");
    }
}
