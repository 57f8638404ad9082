//! Tool servers that the program runs or dials itself (docs/protocol.md#managed-tool-servers).
//!
//! Each entry of the servers file is a [`ManagedServer`]: a [`link`] carries its messages, a [`supervisor`] decides
//! when it starts and ends, and [`shared`] lets several agents use it, each through a seat. To the relay a seat is
//! a tool server like any other; its peer has the top bit in its slot. This file joins the servers with the
//! seats. The loop passes on events and time, and gives the relay what comes of them.

#[cfg(all(unix, feature = "children"))]
mod child;
#[cfg(all(unix, feature = "children"))]
mod child_link;
pub mod http;
mod kinds;
#[cfg(all(unix, feature = "children"))]
mod lines;
pub mod link;
#[cfg(all(unix, feature = "children"))]
mod program;
#[cfg(all(unix, feature = "children"))]
mod queue;
mod secrets;
mod server;
mod shared;
mod status;
#[cfg(all(unix, feature = "children"))]
mod stderr;
pub mod supervisor;

pub use secrets::masked;
pub use status::{ManagedStatus, Status};

use crate::close::Ending;
use crate::ledger::Account;
use crate::relay::{Congested, Peer};
use crate::settings::servers::{ServerConfig, ServerEntry};
use crate::settings::Settings;
use crate::sorted::sorted;
use crate::time::{earlier, Moment};
use crate::token::SINGLE_MODULE;
#[allow(unused_imports, reason = "a link may be a trait object, whose methods need no import")]
use link::Link as _;
use link::Outside;
use mio::event::Event;
use server::{Leaving, ManagedServer};
use slab::Slab;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

/// How long an agent keeps its seats once it has no robot: conversations come and go.
const LINGER: Duration = Duration::from_secs(10 * 60);

/// How often it is looked for agents without robots.
const BETWEEN_CHECKS: Duration = Duration::from_secs(60);

/// A seat of an agent.
#[derive(Debug)]
struct Seat {
    server: usize,
    /// Its place at the server.
    place: usize,
    agent: Rc<str>,
    peer: Peer,
}

/// What the relay is to be told after [`ManagedServers::work`].
#[derive(Debug, Default)]
pub struct Worked {
    /// The server can be used now: agents may take their seats.
    pub is_ready: bool,
    /// It has started, ended or become ready.
    pub has_changed: bool,
    /// Why its seats must leave: first they get what it has sent, then [`ManagedServers::end_seats`] follows.
    pub end: Option<Ending>,
}

/// All managed tool servers.
#[derive(Debug, Default)]
pub struct ManagedServers {
    servers: Slab<ManagedServer>,
    /// The entries that cannot run: their names, and why.
    misconfigured: Vec<(Box<str>, String)>,
    /// Those that are switched off.
    switched_off: Vec<(Box<str>, String)>,
    /// How often those were started again that are gone.
    restarts_of_gone: u64,
    seats: Slab<Seat>,
    /// Which agents have a seat at which servers.
    seated: BTreeSet<(Rc<str>, usize)>,
    generation: u32,
    /// The agents with seats and without robots, in their order, and since when.
    deserted: Vec<(Rc<str>, Moment)>,
    /// When it is looked for such agents.
    next_check: Moment,
    /// Whether a child process may have ended.
    has_exits: bool,
    /// Whether there is something to do at once, and when at the latest.
    has_work: bool,
    wake_at: Option<Moment>,
}

impl ManagedServers {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Follows the servers file: runs what is new, ends what is gone, and leaves alone what is the same. What has
    /// changed is ended; once it is over, this is to be called again. `open` opens the account of a server.
    #[allow(unreachable_code, reason = "there are builds without any kind of link")]
    pub fn follow(
        &mut self,
        settings: &Settings,
        now: Moment,
        open: &mut dyn FnMut(&str) -> Account,
    ) {
        let language = settings.server.language;
        let named = settings.servers.iter().flat_map(|entry| entry.variables.iter().cloned());
        let named: Rc<[String]> = sorted(named).into();
        let known = std::mem::take(&mut self.misconfigured);
        let is_off = |entry: &&ServerEntry| !entry.is_enabled;
        let off = settings.servers.iter().filter(is_off);
        self.switched_off = off
            .map(|entry| (entry.name.as_str().into(), language.servers_switched_off()))
            .collect();
        let mut wanted: Vec<(&ServerEntry, &ServerConfig)> = Vec::new();
        for entry in settings.servers.iter().filter(|entry| entry.is_enabled) {
            match &entry.server {
                Ok(config) => wanted.push((entry, config)),
                // The log has it from the settings.
                Err(why) => self.misconfigured.push((entry.name.as_str().into(), why.clone())),
            }
        }
        for (_, server) in &mut self.servers {
            let is_of = |(entry, _): &(&ServerEntry, &ServerConfig)| *entry.name == *server.name;
            // One that ends is waited for: an entry never runs twice.
            let found = wanted.iter().position(is_of).map(|at| wanted.remove(at));
            match found {
                Some((entry, config)) if *config == server.config && server.leaving.is_none() => {
                    server.link.name_variables(&named, &entry.variables);
                }
                found => {
                    server.leaving = Some(found.map_or(Leaving::Removed, |_| Leaving::Replaced));
                    server.supervisor.stop(now);
                }
            }
        }
        for (entry, config) in wanted {
            match kinds::open(&entry.name, config, language) {
                Ok(mut link) => {
                    link.name_variables(&named, &entry.variables);
                    let account = open(&entry.name);
                    let since = (now, settings.websocket.close_timeout);
                    self.servers.insert(ManagedServer::new(
                        &entry.name,
                        config,
                        link,
                        account,
                        since,
                    ));
                }
                Err(why) => {
                    let fault = (entry.name.as_str().into(), why);
                    if !known.contains(&fault) {
                        log::error!("{}", language.servers_entry(&fault.0, &fault.1));
                    }
                    self.misconfigured.push(fault);
                }
            }
        }
        self.has_work = true;
    }

    /// The places of all servers, each of which is to [`work`](Self::work) now.
    pub fn take_places(&mut self) -> Vec<usize> {
        // What comes of it is work for the next turn.
        self.has_work = false;
        self.servers.iter().map(|(place, _)| place).collect()
    }

    /// Whether there is something to do at once. Without servers nothing would ever do it.
    pub fn has_work(&self) -> bool {
        self.has_work && !self.servers.is_empty()
    }

    /// When there is something to do.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.wake_at
    }

    /// Notes an event of a part of a server.
    pub fn note_event(&mut self, server: usize, part: usize, event: &Event) {
        self.has_work = true;
        if let Some(server) = self.servers.get_mut(server) {
            server.link.note_event(part, event);
        }
    }

    /// Notes that a helper thread may have found something out.
    pub fn note_wake(&mut self) {
        self.has_work |= !self.is_empty();
    }

    /// Notes that a child process may have ended.
    pub fn note_exit(&mut self) {
        (self.has_exits, self.has_work) = (true, true);
    }

    /// All servers are to end.
    pub fn stop(&mut self, now: Moment) {
        self.servers.iter_mut().for_each(|(_, server)| server.supervisor.stop(now));
        self.has_work = true;
    }

    /// Whether all have ended forever.
    pub fn are_over(&self) -> bool {
        self.servers.iter().all(|(_, server)| server.supervisor.is_over())
    }

    /// Does what is due for a server.
    pub fn work(
        &mut self,
        index: usize,
        outside: &mut Outside<'_>,
        ping_interval: Option<Duration>,
    ) -> Worked {
        let mut worked = Worked::default();
        let Some(server) = self.servers.get_mut(index) else { return worked };
        let (was_ready, was) = (server.shared.is_ready(), server.supervisor.state());
        worked.end = server.work(outside, ping_interval, self.has_exits);
        worked.is_ready = !was_ready && server.shared.is_ready() && worked.end.is_none();
        worked.has_changed = was != server.supervisor.state();
        worked
    }

    /// A server has ended: takes its seats away. Returns who they were to the relay.
    pub fn end_seats(&mut self, index: usize) -> Vec<Peer> {
        if let Some(server) = self.servers.get_mut(index) {
            server.shared.ended();
        }
        let mut left = Vec::new();
        self.seats.retain(|_, seat| {
            let is_gone = seat.server == index;
            if is_gone {
                left.push(seat.peer);
                self.seated.remove(&(Rc::clone(&seat.agent), index));
            }
            !is_gone
        });
        left
    }

    /// Takes out a server that is gone forever. Returns its account, and what is charged to it.
    pub fn take_gone(&mut self) -> Option<(Account, usize)> {
        let is_gone =
            |server: &ManagedServer| server.leaving.is_some() && server.supervisor.is_over();
        let (index, _) = self.servers.iter().find(|(_, server)| is_gone(server))?;
        let gone = self.servers.try_remove(index)?;
        self.restarts_of_gone += u64::from(gone.supervisor.restarts());
        Some((gone.account, gone.charged))
    }

    /// Every server has worked: finds out when there is more to do.
    pub fn have_worked(&mut self, ping_interval: Option<Duration>) {
        self.has_exits = false;
        let mut servers = self.servers.iter();
        self.has_work |= servers.any(|(_, s)| s.link.has_work() || s.shared.has_messages());
        let checks = (!self.seats.is_empty()).then_some(self.next_check);
        let servers = self.servers.iter().map(|(_, server)| server.deadline(ping_interval));
        self.wake_at = servers.fold(checks, earlier);
    }

    /// The account of a server, what is charged to it, and what it takes now, which is charged from now on.
    pub fn charge(&mut self, index: usize) -> Option<(Account, usize, usize)> {
        let server = self.servers.get_mut(index)?;
        let now = server.memory();
        Some((server.account, std::mem::replace(&mut server.charged, now), now))
    }

    /// What is charged for each server.
    pub fn charged(&self) -> impl Iterator<Item = (Account, usize)> + '_ {
        self.servers.iter().map(|(_, server)| (server.account, server.charged))
    }

    /// The server of this account holds the most, and others need the memory: it gives up its lists, or else it
    /// is ended. Returns its place.
    pub fn give_way(&mut self, account: Account, now: Moment, why: &str) -> Option<usize> {
        let mut servers = self.servers.iter_mut();
        let (index, server) = servers.find(|(_, server)| server.account == account)?;
        if server.shared.memory_of_lists() > server.memory() / 2 {
            server.shared.forget_lists();
        } else {
            server.is_faulty(now, why.to_owned());
            server.link.drop_memory();
        }
        self.has_work = true;
        Some(index)
    }

    // Agents and their seats.

    /// Gives an agent the seats that it does not have yet: who each is to the relay, the name of its server, and
    /// what there is where a connection has an address.
    pub fn take_seats(&mut self, agent: &str) -> Vec<(Peer, Box<str>, &'static str)> {
        let mut found = Vec::new();
        let agent: Rc<str> = agent.into();
        for (index, server) in &mut self.servers {
            let is_usable = server.shared.is_ready() && server.is_open_to(&agent);
            if !is_usable || !self.seated.insert((Rc::clone(&agent), index)) {
                continue;
            }
            self.generation = self.generation.wrapping_add(1);
            let peer = Peer::seat(self.seats.vacant_key(), self.generation);
            let place = server.shared.take_seat(peer);
            self.seats.insert(Seat { server: index, place, agent: Rc::clone(&agent), peer });
            found.push((peer, server.name.clone(), server.link.kind()));
        }
        self.has_work = true;
        found
    }

    /// Until when the robots of an agent wait for servers that have just been started.
    pub fn awaited_until(&self, agent: &str, now: Moment) -> Option<Moment> {
        let open = self.servers.iter().filter(|(_, server)| server.is_open_to(agent));
        open.filter_map(|(_, server)| server.awaited_until(now)).max()
    }

    /// The agents that have seats even without a robot, so that their owner sees the tools before a device
    /// comes: that of a stand-alone server, and those that entries name.
    pub fn residents(&self) -> Vec<Box<str>> {
        let mut found: Vec<Box<str>> = vec![SINGLE_MODULE.into()];
        for (_, server) in &self.servers {
            for agent in server.config.agents.as_deref().unwrap_or_default() {
                found.push(agent.as_str().into());
            }
        }
        found
    }

    /// How many seats an agent has.
    pub fn seats_of(&self, agent: &str) -> usize {
        let agent: Rc<str> = agent.into();
        let from = self.seated.range((Rc::clone(&agent), 0)..);
        from.take_while(|(of, _)| *of == agent).count()
    }

    /// Takes the seats away from agents that have had no robots for long.
    pub fn leave_deserted(&mut self, now: Moment, has_robots: &dyn Fn(&str) -> bool) -> Vec<Peer> {
        if self.seats.is_empty() || self.next_check > now {
            return Vec::new();
        }
        self.next_check = now.after(BETWEEN_CHECKS);
        let residents = sorted(self.residents());
        let is_resident = |agent: &str| residents.binary_search_by(|r| (**r).cmp(agent)).is_ok();
        let since = |list: &[(Rc<str>, Moment)], agent: &str| {
            let at = list.binary_search_by(|(known, _)| (**known).cmp(agent)).ok()?;
            list.get(at).map(|(_, since)| *since)
        };
        let before = std::mem::take(&mut self.deserted);
        for (agent, _) in &self.seated {
            let is_known = self.deserted.last().is_some_and(|(last, _)| last == agent);
            if !is_known && !has_robots(agent) && !is_resident(agent) {
                self.deserted.push((Rc::clone(agent), since(&before, agent).unwrap_or(now)));
            }
        }
        let is_over =
            |agent: &str| since(&self.deserted, agent).is_some_and(|at| at.after(LINGER) <= now);
        let gone = self.seats.iter().filter(|(_, seat)| is_over(&seat.agent));
        let gone: Vec<Peer> = gone.map(|(_, seat)| seat.peer).collect();
        gone.iter().for_each(|peer| self.close(*peer));
        gone
    }

    fn seat(&self, peer: Peer) -> Option<usize> {
        let key = usize::try_from(peer.place()).ok()?;
        self.seats.get(key).filter(|seat| seat.peer == peer).map(|_| key)
    }

    /// The relay needs a seat no more.
    pub fn close(&mut self, peer: Peer) {
        let gone = self.seat(peer).and_then(|key| self.seats.try_remove(key));
        let Some(seat) = gone else { return };
        self.seated.remove(&(seat.agent, seat.server));
        if let Some(server) = self.servers.get_mut(seat.server) {
            server.shared.leave_seat(seat.place, server.link.queue());
            self.has_work = true;
        }
    }

    /// The server of a seat, and its account.
    pub fn server_of(&self, peer: Peer) -> Option<(usize, Account)> {
        let server = self.seats.get(self.seat(peer)?)?.server;
        Some((server, self.servers.get(server)?.account))
    }

    /// The relay sends something to a seat.
    ///
    /// # Errors
    /// [`Congested`] where the server or the agent has too much under way.
    pub fn send(&mut self, now: Moment, peer: Peer, pieces: &[&str]) -> Result<(), Congested> {
        let Some(seat) = self.seat(peer).and_then(|key| self.seats.get(key)) else { return Ok(()) };
        let Some(server) = self.servers.get_mut(seat.server) else { return Ok(()) };
        self.has_work = true;
        let sent =
            server.shared.take_from_relay(now, seat.place, &pieces.concat(), server.link.queue());
        sent.map_err(|_| Congested)
    }

    /// The next message of a server for a seat, a bounded number in each turn.
    pub fn next_message(&mut self, server: usize) -> Option<(Peer, Rc<str>)> {
        self.servers.get_mut(server)?.next_message()
    }
}
