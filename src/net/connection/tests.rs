use super::receiving::MAX_UNWANTED_BYTES;
use super::*;
use crate::http::{Context, Machine, RecentRefusal, ShellView};
use crate::net::head::Head;
use crate::relay::Relay;
use crate::settings::Settings;
use crate::test_frame::Frame;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use ws::{Incoming, Input, Progress};

/// A connection, the limits it follows, and a clock that a test sets.
struct Played {
    connection: Connection,
    limits: WebSocket,
    spares: SpareBuffers,
    now: Moment,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(seconds: u64) -> Moment {
    Moment::from_start(Duration::from_secs(seconds))
}

impl Played {
    /// One that has just been accepted.
    fn new() -> Self {
        let limits = WebSocket {
            ping_interval: Some(seconds(30)),
            ping_timeout: seconds(10),
            close_timeout: seconds(5),
            handshake_timeout: seconds(20),
            max_message_size: 4 * MAX_UNWANTED_BYTES,
            ..Settings::default().websocket
        };
        let now = Moment::default();
        Played { connection: Connection::new(now), limits, spares: SpareBuffers::default(), now }
    }

    /// One that is open.
    fn open() -> Self {
        let mut played = Played::new();
        played.connection.open(Transport::web_socket());
        played
    }

    /// One whose answer is delayed to second 3.
    fn delayed(answer: DelayedAnswer) -> Self {
        let mut played = Played::new();
        played.connection.delay(answer, at(3));
        played
    }

    fn deadline(&self) -> Option<Moment> {
        self.connection.deadline(&self.limits)
    }

    fn time(&mut self, now: Moment) -> Action {
        self.now = now;
        self.connection.time(now, &self.limits, &mut self.spares)
    }

    /// Bytes arrive that a peer sends.
    fn take(&mut self, bytes: &[u8]) -> Action {
        self.connection.note_received(self.now);
        self.connection.take(bytes, self.now, &self.limits)
    }

    /// Bytes arrive at an open connection. Returns its text messages.
    fn read(&mut self, bytes: &[u8]) -> Vec<String> {
        assert_eq!(self.take(bytes), Action::ReadMessages(bytes.len()));
        let mut reader = self.connection.take_reader().unwrap();
        let (mut bytes, mut texts) = (bytes.to_vec(), Vec::new());
        let mut input = Input::new(&mut bytes);
        while let Some(incoming) =
            reader.next(&mut input, self.limits.max_message_size, &mut self.spares).unwrap()
        {
            if let Incoming::Text(text) = incoming {
                texts.push(text.to_owned());
            }
        }
        let action = self.connection.return_reader(reader, input.rest(), self.now, &self.limits);
        assert_eq!(action, Action::Charge);
        texts
    }

    fn close(&mut self, reason: CloseReason) {
        self.connection.close(reason, self.now, &self.limits, &mut self.spares);
    }

    fn leave(&mut self, lingers: bool) {
        let action = self.connection.leave(lingers, self.now, &self.limits);
        assert_eq!(action, Action::WriteLater);
    }

    /// Writes to a socket that takes everything. Returns what it took, and what to do then.
    fn write(&mut self) -> (Vec<u8>, Action) {
        let mut taken = Vec::new();
        let written = self.connection.out.write_to(&mut taken, &mut self.spares);
        (taken, self.connection.note_written(&written, self.now))
    }

    /// Tries to write to a socket that takes nothing.
    fn write_blocked(&mut self) -> Action {
        self.connection.note_written(&Ok(Progress::Blocked(0)), self.now)
    }

    /// Gives the refusal whose delay has ended.
    fn refuse(&mut self) {
        let Some(DelayedAnswer::Refusal { response, reason, farewell }) =
            self.connection.take_delayed()
        else {
            panic!("there is no refusal");
        };
        let Played { connection, limits, spares, now } = self;
        connection.refuse(&response, reason, farewell, *now, limits, spares);
    }
}

/// A frame of a client, with an all-zero mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    Frame::bytes_masked_with_zeros(first, payload)
}

/// A client's close frame with code 1000.
fn close_frame() -> Vec<u8> {
    frame(0x88, &[0x03, 0xE8])
}

/// The server's close frame for this reason.
fn close_of(reason: CloseReason) -> Vec<u8> {
    let (code, text) = reason.on_the_wire();
    let payload = [&code.to_be_bytes(), text.as_bytes()].concat();
    [&[0x88, payload.len() as u8], &payload[..]].concat()
}

/// A machine of which nothing is known.
struct NoMachine;

impl Machine for NoMachine {
    fn memory(&self) -> Option<u64> {
        None
    }

    fn guessed_address(&self) -> (String, u16) {
        (String::new(), 0)
    }

    fn refusals(&self) -> Vec<RecentRefusal> {
        Vec::new()
    }

    fn memory_of(&self, _agent: &str) -> Option<usize> {
        None
    }
}

fn half_head() -> Box<Head> {
    let (settings, relay) = (Settings::default(), Relay::default());
    let context = Context {
        settings: &settings,
        relay: &relay,
        shell: ShellView::default(),
        machine: &NoMachine,
        now: Moment::default(),
        may_see_key: false,
    };
    let mut head = Box::<Head>::default();
    head.take(b"GET / HT", Ipv4Addr::LOCALHOST.into(), &context);
    head
}

fn refusal() -> DelayedAnswer {
    DelayedAnswer::Refusal {
        response: b"HTTP/1.1 101".to_vec(),
        reason: CloseReason::TokenMissing,
        farewell: Farewell::web_socket(),
    }
}

#[test]
fn a_silent_connection_ends_at_the_handshake_timeout() {
    let mut played = Played::new();
    assert_eq!(played.deadline(), Some(at(20)));
    assert_eq!(played.time(at(19)), Action::Nothing);
    assert_eq!(played.time(at(20)), Action::End(CloseReason::HeadTimeout));
    assert_eq!(played.connection.end(&mut played.spares), Was::Head);
    assert_eq!((played.deadline(), played.time(at(90))), (None, Action::Nothing));
    assert_eq!(played.connection.end(&mut played.spares), Was::Dead);
}

#[test]
fn a_slow_head_is_answered_at_the_handshake_timeout_and_counts_as_memory_until_then() {
    let mut played = Played::new();
    assert_eq!(played.take(b"GET / HT"), Action::ReadHead(8));
    assert!(played.connection.take_head().is_some());
    played.connection.return_head(half_head());
    assert!(played.connection.head_memory() > 0);
    assert_eq!(played.connection.memory(), played.connection.head_memory());
    played.now = at(15);
    played.take(b"TP");
    assert_eq!(played.deadline(), Some(at(20)), "each byte does not buy more time");
    assert_eq!(played.time(at(20)), Action::RefuseSlowHead);
    played.leave(true);
    assert_eq!((played.connection.memory(), played.deadline()), (0, Some(at(25))));
}

#[test]
fn a_refusal_is_given_when_its_delay_ends() {
    let mut played = Played::delayed(refusal());
    assert!(played.connection.memory() > 0, "it counts as memory");
    assert_eq!(played.deadline(), Some(at(3)));
    assert_eq!(played.time(at(2)), Action::Nothing);
    assert_eq!(played.take(&frame(0x81, b"hello")), Action::Nothing);
    assert_eq!(played.time(at(3)), Action::GiveAnswer);
    played.refuse();
    assert_eq!(played.deadline(), Some(at(8)));
    let expected = [&b"HTTP/1.1 101"[..], &close_of(CloseReason::TokenMissing)].concat();
    assert_eq!(played.write(), (expected, Action::Nothing));
    assert_eq!(played.take(&close_frame()), Action::WriteLater);
    assert_eq!(played.write(), (Vec::new(), Action::End(CloseReason::Answered)));
}

#[test]
fn a_peer_that_closes_during_the_delay_still_gets_its_answer_and_is_not_waited_for() {
    let mut played = Played::delayed(refusal());
    assert_eq!(played.take(&close_frame()), Action::Nothing);
    assert_eq!(played.connection.end_of_stream(), Action::Nothing);
    assert_eq!(played.time(at(3)), Action::GiveAnswer);
    played.refuse();
    let (sent, action) = played.write();
    assert!(sent.starts_with(b"HTTP/1.1 101"));
    assert_eq!(action, Action::End(CloseReason::Answered));
}

#[test]
fn a_delayed_key_check_counts_as_a_head() {
    let played = Played::delayed(DelayedAnswer::KeyCheck(half_head()));
    let memory = played.connection.memory();
    assert!(memory > 0 && memory == played.connection.head_memory());
    let played = Played::delayed(DelayedAnswer::Response(vec![0; 1000]));
    assert!(played.connection.memory() >= 1000 && played.connection.head_memory() == 0);
}

#[test]
fn after_an_answer_the_server_lingers_until_the_peer_closes() {
    let mut played = Played::new();
    played.connection.push_bytes(b"HTTP/1.1 200 OK", &mut played.spares);
    played.leave(true);
    assert_eq!(played.write(), (b"HTTP/1.1 200 OK".to_vec(), Action::EndSending));
    assert_eq!(played.write(), (Vec::new(), Action::Nothing), "it ends sending only once");
    assert_eq!(played.take(b"the rest of a request"), Action::Nothing);
    assert_eq!(played.deadline(), Some(at(5)));
    assert_eq!(played.connection.end_of_stream(), Action::End(CloseReason::Answered));
}

#[test]
fn a_lingering_connection_ends_in_time_or_after_too_many_bytes() {
    let mut played = Played::new();
    played.leave(true);
    assert_eq!(played.write().1, Action::EndSending);
    assert_eq!(played.take(&vec![0; MAX_UNWANTED_BYTES]), Action::Nothing);
    assert_eq!(played.take(b"1"), Action::End(CloseReason::Answered));
    let mut played = Played::new();
    played.leave(true);
    assert_eq!(played.time(at(4)), Action::Nothing);
    assert_eq!(played.time(at(5)), Action::End(CloseReason::Answered));
}

#[test]
fn a_connection_with_a_token_may_finish_a_large_message_after_it_was_closed() {
    let mut played = Played::open();
    played.close(CloseReason::Replaced);
    let whole = frame(0x81, &vec![b'x'; 2 * MAX_UNWANTED_BYTES]);
    for piece in whole.chunks(64 * 1024) {
        assert_eq!(played.take(piece), Action::Nothing);
    }
    assert_eq!(played.take(&close_frame()), Action::WriteLater);
    let mut played = Played::open();
    played.close(CloseReason::Replaced);
    let endless = frame(0x81, &vec![b'x'; played.limits.max_message_size]);
    assert_eq!(played.take(&endless), Action::End(CloseReason::Answered));
}

#[test]
fn a_peer_that_closes_its_side_gets_its_answer() {
    let mut played = Played::new();
    played.connection.push_bytes(b"HTTP/1.1 200 OK", &mut played.spares);
    played.leave(true);
    assert_eq!(played.connection.end_of_stream(), Action::Nothing, "the answer is not sent yet");
    assert_eq!(played.write(), (b"HTTP/1.1 200 OK".to_vec(), Action::End(CloseReason::Answered)));
}

#[test]
fn an_open_connection_whose_peer_closes_its_side_is_lost() {
    assert_eq!(Played::open().connection.end_of_stream(), Action::End(CloseReason::PeerVanished));
    assert_eq!(Played::new().connection.end_of_stream(), Action::End(CloseReason::PeerVanished));
    let mut played = Played::open();
    played.close(CloseReason::PingTimeout);
    played.connection.note_read_closed();
    let end = Action::End(CloseReason::PeerVanished);
    assert_eq!(played.write(), (close_of(CloseReason::PingTimeout), end));
}

#[test]
fn the_closing_handshake_ends_with_the_peers_close_frame() {
    let mut played = Played::open();
    played.now = at(7);
    played.close(CloseReason::Replaced);
    assert!(!played.connection.is_open());
    assert_eq!(played.deadline(), Some(at(12)));
    assert_eq!(played.write(), (close_of(CloseReason::Replaced), Action::Nothing));
    assert_eq!(played.take(&frame(0x81, b"still on the way")), Action::Nothing);
    let (first, second) = (&close_frame()[..5], &close_frame()[5..]);
    assert_eq!(played.take(first), Action::Nothing);
    assert_eq!(played.take(second), Action::WriteLater);
    assert_eq!(played.write(), (Vec::new(), Action::End(CloseReason::Answered)));
    assert_eq!(played.connection.end(&mut played.spares), Was::Closed);
}

#[test]
fn the_closing_handshake_ends_at_the_close_timeout() {
    let mut played = Played::open();
    played.close(CloseReason::Replaced);
    played.write();
    assert_eq!(played.time(at(4)), Action::Nothing);
    assert_eq!(played.time(at(5)), Action::End(CloseReason::Answered));
}

#[test]
fn the_closing_handshake_goes_on_within_a_half_read_frame() {
    let mut played = Played::open();
    let whole = frame(0x81, &[0x88; 100]);
    assert!(played.read(&whole[..50]).is_empty());
    played.close(CloseReason::Replaced);
    assert_eq!(played.take(&whole[50..]), Action::Nothing, "that is payload, not a close frame");
    assert_eq!(played.take(&close_frame()), Action::WriteLater);
}

#[test]
fn a_connection_closed_while_its_messages_are_read_finds_the_close_frame_behind_them() {
    let mut played = Played::open();
    let mut bytes = [frame(0x81, b"a"), close_frame()].concat();
    assert_eq!(played.take(&bytes), Action::ReadMessages(bytes.len()));
    let mut reader = played.connection.take_reader().unwrap();
    let mut input = Input::new(&mut bytes);
    assert!(reader.next(&mut input, 1000, &mut played.spares).unwrap().is_some());
    played.close(CloseReason::Replaced);
    let Played { connection, limits, now, .. } = &mut played;
    let action = connection.return_reader(reader, input.rest(), *now, limits);
    assert_eq!(action, Action::WriteLater);
    assert_eq!(played.write().1, Action::End(CloseReason::Answered));
}

#[test]
fn the_peers_close_frame_is_answered_with_its_code() {
    let mut played = Played::open();
    let Played { connection, limits, spares, now } = &mut played;
    connection.answer_close(Some(1001), *now, limits, spares);
    let answer = vec![0x88, 2, 0x03, 0xE9];
    assert_eq!(played.write(), (answer, Action::End(CloseReason::Answered)));
}

#[test]
fn after_a_protocol_error_nothing_of_the_peer_is_read_and_it_may_read_why() {
    let mut played = Played::open();
    played.close(CloseReason::ProtocolError);
    let sent = close_of(CloseReason::ProtocolError);
    assert_eq!(played.write(), (sent, Action::EndSending));
    assert_eq!(played.take(&close_frame()), Action::Nothing);
    assert_eq!(played.connection.end_of_stream(), Action::End(CloseReason::Answered));
}

#[test]
fn a_silent_peer_is_pinged_and_then_closed() {
    let mut played = Played::open();
    assert_eq!(played.deadline(), Some(at(30)));
    played.now = at(4);
    assert_eq!(played.read(&frame(0x81, b"hello")), ["hello"]);
    assert_eq!(played.deadline(), Some(at(34)));
    assert_eq!(played.time(at(34)), Action::WriteLater);
    assert_eq!(played.write(), (vec![0x89, 0], Action::Nothing));
    assert_eq!(played.deadline(), Some(at(44)));
    played.now = at(40);
    assert!(played.read(&frame(0x8A, b"")).is_empty());
    assert_eq!(played.deadline(), Some(at(70)), "any bytes are a sign of life");
    assert_eq!(played.time(at(70)), Action::WriteLater);
    assert_eq!(played.time(at(80)), Action::Close(CloseReason::PingTimeout));
}

#[test]
fn a_ping_that_is_unanswered_is_not_repeated_and_without_an_interval_there_is_none() {
    let mut played = Played::open();
    let Played { connection, spares, limits, .. } = &mut played;
    assert_eq!(connection.ping(at(1), spares), Action::WriteLater);
    assert_eq!(connection.ping(at(2), spares), Action::Nothing);
    limits.ping_interval = None;
    assert_eq!(played.deadline(), Some(at(11)));
    played.connection.note_received(at(3));
    assert_eq!(played.deadline(), None);
}

#[test]
fn a_ping_is_answered_unless_much_is_queued() {
    let mut played = Played::open();
    let Played { connection, spares, .. } = &mut played;
    assert_eq!(connection.pong(b"hi", spares), Action::WriteLater);
    assert_eq!(played.write().0, [0x8A, 2, b'h', b'i']);
    let Played { connection, spares, .. } = &mut played;
    connection.send(&["x".repeat(100_000).as_str()], spares);
    assert_eq!(connection.pong(b"hi", spares), Action::Nothing);
}

#[test]
fn a_peer_that_does_not_read_is_tried_once_more_and_then_ends() {
    let mut played = Played::open();
    let Played { connection, spares, .. } = &mut played;
    connection.send(&["hello"], spares);
    played.now = at(2);
    assert_eq!(played.write_blocked(), Action::Nothing);
    played.now = at(9);
    assert_eq!(played.write_blocked(), Action::Nothing, "nothing was taken since");
    assert_eq!(played.deadline(), Some(at(12)));
    assert_eq!(played.time(at(12)), Action::TryToWrite);
    assert!(played.connection.is_stalled(at(12), &played.limits));
    assert_eq!(played.write(), (vec![0x81, 5, b'h', b'e', b'l', b'l', b'o'], Action::Nothing));
    assert!(!played.connection.is_stalled(at(90), &played.limits));
}

#[test]
fn a_broken_socket_ends_the_connection() {
    let mut played = Played::open();
    let broken = Err(io::ErrorKind::BrokenPipe.into());
    let action = played.connection.note_written(&broken, at(1));
    assert_eq!(action, Action::End(CloseReason::PeerVanished));
}

#[test]
fn a_half_read_message_counts_as_memory_until_it_is_whole_or_the_connection_closes() {
    let mut played = Played::open();
    let whole = frame(0x81, &[b'x'; 1000]);
    assert!(played.read(&whole[..600]).is_empty());
    let half = played.connection.memory();
    assert!(half >= 600);
    let reader = played.connection.take_reader().unwrap();
    assert_eq!(played.connection.memory(), half, "also while the message is read on");
    played.connection.return_reader(reader, &[], at(1), &played.limits);
    assert_eq!(played.read(&whole[600..]).len(), 1);
    assert_eq!(played.connection.memory(), 0);
    assert!(played.read(&whole[..600]).is_empty());
    played.close(CloseReason::Replaced);
    played.write();
    assert_eq!(played.connection.memory(), 0);
}

#[test]
fn a_large_message_is_read_into_its_own_buffer() {
    let mut played = Played::open();
    let whole = frame(0x81, &[b'x'; 300_000]);
    assert!(played.connection.read_buffer().is_none());
    assert!(played.read(&whole[..100_000]).is_empty());
    assert!(played.connection.is_mid_message_over(64 * 1024));
    assert!(!played.connection.is_mid_message_over(300_014));
    let room = played.connection.read_buffer().unwrap();
    let count = room.len();
    room.copy_from_slice(&whole[100_000..100_000 + count]);
    let half = played.connection.memory();
    assert_eq!(played.connection.take_direct(count), Action::Charge);
    assert!(played.connection.memory() > half, "the buffer has grown");
    assert_eq!(played.read(&whole[100_000 + count..]).len(), 1);
}

#[test]
fn a_stop_waits_only_for_answers_that_are_not_sent() {
    let stop = |played: &mut Played| played.connection.stop(played.now, &played.limits);
    let (stops, answered) =
        (Action::End(CloseReason::ServerStops), Action::End(CloseReason::Answered));
    assert_eq!(stop(&mut Played::new()), stops);
    assert_eq!(stop(&mut Played::delayed(refusal())), stops);
    assert_eq!(stop(&mut Played::open()), Action::Nothing, "it is to be closed");
    let mut played = Played::new();
    played.leave(true);
    assert_eq!(stop(&mut played), answered);
    let mut played = Played::new();
    played.connection.push_bytes(b"HTTP/1.1 200 OK", &mut played.spares);
    played.leave(true);
    assert_eq!(stop(&mut played), Action::Nothing);
    assert_eq!(played.write().1, answered, "and it does not linger");
}
