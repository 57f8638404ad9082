use super::*;
use crate::relay::{Congested, Wire};
use crate::settings::Settings;
use mio::Poll;
use std::io::Read;
use std::net::{TcpListener, TcpStream};

/// A shell with connections over loopback, whose peers read nothing unless a test does.
struct Played {
    shell: Shell,
    poll: Poll,
    listener: TcpListener,
}

impl Played {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        Played { shell: Shell::new(settings), poll: Poll::new().unwrap(), listener }
    }

    /// A client connects. Returns its slot and its end.
    fn connect(&mut self) -> (usize, TcpStream) {
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        let (stream, address) = self.listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let stream = mio::net::TcpStream::from_std(stream);
        let slot = self.shell.table.next_slot();
        let socket = Socket::watch(stream, slot, self.poll.registry()).unwrap();
        self.shell.insert(socket, address, Source::of(address.ip(), false));
        (slot, client)
    }

    /// A client connects with a token of `agent`.
    fn join(&mut self, agent: &str) -> (usize, Peer, TcpStream) {
        let (slot, client) = self.connect();
        self.shell.open(slot, Transport::web_socket(), agent);
        (slot, self.shell.table.get(slot).unwrap().peer, client)
    }

    /// Writes to those that have something to write, and checks what must always hold.
    fn write_all(&mut self) -> Vec<usize> {
        let slots = self.shell.schedule.take_writes();
        for slot in &slots {
            assert_eq!(self.shell.write(*slot), Action::Nothing);
        }
        self.shell.budget.update_spares();
        self.shell.budget.check_invariants(&self.shell.table, std::iter::empty());
        slots
    }

    fn is_open(&self, slot: usize) -> bool {
        self.shell.is_open(slot)
    }
}

#[test]
fn connections_that_end_leave_nothing_behind() {
    let mut played = Played::new(|_| ());
    let (head, _head) = played.connect();
    let (delayed, _delayed) = played.connect();
    let (open, peer, _open) = played.join("kitchen");
    let (closed, _, _closed) = played.join("kitchen");
    let answer = DelayedAnswer::Response(vec![0; 1000]);
    assert!(played.shell.delay_answer(delayed, Duration::from_secs(1), answer));
    played.shell.close(closed, CloseReason::Replaced);
    assert_eq!(played.write_all(), [closed]);
    assert_eq!((played.shell.open, played.shell.alive()), (1, 4));
    for slot in [head, delayed, open, closed] {
        played.shell.end(slot, CloseReason::PeerVanished);
        played.shell.end(slot, CloseReason::PeerVanished);
    }
    assert_eq!(played.shell.alive(), 0);
    assert!(played.shell.table.get(open).is_some(), "the slots are valid until the turn ends");
    played.write_all();
    assert!(played.shell.reap(played.poll.registry()));
    assert!(!played.shell.reap(played.poll.registry()));
    let shell = &mut played.shell;
    assert_eq!(shell.take_gone(), Some((peer, CloseReason::PeerVanished)));
    assert_eq!(shell.take_gone(), None, "the relay is told of the open one only, once");
    assert_eq!((shell.open, shell.table.len(), shell.table.next_deadline()), (0, 0, None));
    assert_eq!(shell.strangers.candidate_when_full(Moment::default().after(Duration::MAX)), None);
    shell.budget.spares = Default::default();
    shell.budget.update_spares();
    assert_eq!((shell.budget.queued(), shell.budget.ledger.bytes()), (0, 0));
    let address = played.listener.local_addr().unwrap().ip();
    assert!((0..64).all(|_| shell.delays.begin(address)), "no answer counts as delayed");
}

#[test]
fn messages_wait_for_the_end_of_the_turn_and_are_written_together() {
    let mut played = Played::new(|_| ());
    let (slot, peer, mut client) = played.join("kitchen");
    for text in ["a", "b"] {
        assert_eq!(played.shell.send(peer, &["{", text, "}"]), Ok(()));
    }
    assert_eq!((played.shell.schedule.fresh, played.shell.written), (6, 0));
    assert_eq!(played.write_all(), [slot]);
    let mut frames = [0; 10];
    client.read_exact(&mut frames).unwrap();
    assert_eq!(&frames, b"\x81\x03{a}\x81\x03{b}");
    assert_eq!((played.shell.written, played.shell.budget.queued()), (10, 0));
    let other = Peer { generation: peer.generation + 1, ..peer };
    assert_eq!(played.shell.send(other, &["{}"]), Ok(()));
    assert!(played.write_all().is_empty(), "another connection that had the slot gets nothing");
}

#[test]
fn a_full_queue_takes_no_message_but_a_short_one() {
    let mut played = Played::new(|settings| settings.websocket.max_queued = 10_000);
    let (_slot, peer, _client) = played.join("kitchen");
    let message = "x".repeat(4000);
    assert_eq!(played.shell.send(peer, &[&message]), Ok(()));
    assert_eq!(played.shell.send(peer, &[&message]), Ok(()));
    assert_eq!(played.shell.send(peer, &[&message]), Err(Congested));
    assert_eq!(played.shell.send(peer, &["{}"]), Ok(()));
    played.write_all();
    assert_eq!(played.shell.send(peer, &[&message]), Ok(()));
}

#[test]
fn when_memory_is_spent_the_largest_connection_of_the_largest_owner_is_cut() {
    let mut played = Played::new(|settings| settings.websocket.memory_limit = 1_000_000);
    let (small, small_peer, _small) = played.join("kitchen");
    let (large, large_peer, _large) = played.join("kitchen");
    let (other, other_peer, _other) = played.join("garden");
    let message = "x".repeat(50_000);
    for peer in [small_peer].into_iter().chain([large_peer; 15]) {
        assert_eq!(played.shell.send(peer, &[&message]), Ok(()));
    }
    for _ in 0..5 {
        assert_eq!(played.shell.send(other_peer, &[&message]), Ok(()));
    }
    assert!(played.is_open(small) && played.is_open(other) && !played.is_open(large));
    assert_eq!(played.shell.take_gone(), Some((large_peer, CloseReason::MemorySpent)));
    let cuts = played.shell.budget.take_cuts();
    assert!(matches!(&cuts[..], [cut] if cut.peer == large_peer && cut.held >= 750_000));
    played.write_all();
}
