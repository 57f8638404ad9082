//! Joins the managed tool servers with the agents in the relay.

use super::Server;
use crate::close::CloseReason;
use crate::ledger::Owner;
use crate::managed::link::Outside;
use crate::net::events::EventSource;
use crate::relay::{Joining, Side};

impl Server {
    /// Runs the tool servers of the servers file, as it is now.
    pub(super) fn follow_servers_file(&mut self) {
        let shell = &mut self.shell;
        let ledger = &mut shell.budget.ledger;
        shell.managed.follow(&shell.settings, shell.now, &mut |name| {
            ledger.open(Owner::Managed(name.into()))
        });
    }

    /// Does what is due for the managed tool servers, and passes on what they send.
    pub(super) fn work_managed(&mut self) {
        let now = self.shell.now;
        let managed = &self.shell.managed;
        let is_due = managed.has_work() || managed.next_deadline().is_some_and(|at| at <= now);
        if managed.is_empty() || !is_due {
            return;
        }
        let ping_interval = self.shell.settings.relay.tool_ping_interval;
        let mut has_changed = false;
        for index in self.shell.managed.take_places() {
            let shell = &mut self.shell;
            let mut outside = Outside {
                now,
                registry: self.poll.registry(),
                token: &|part| EventSource::Managed(index, part).token(),
                waker: &self.waker,
                buffer: &mut self.buffer,
                max_message_size: shell.settings.websocket.max_message_size,
                max_queued: shell.settings.websocket.max_queued,
                language: shell.settings.server.language,
            };
            let worked = shell.managed.work(index, &mut outside, ping_interval);
            has_changed |= worked.has_changed;
            while let Some((peer, text)) = self.shell.managed.next_message(index) {
                self.relay.text(now, peer, &text, &mut self.shell);
            }
            if let Some(end) = worked.end {
                for peer in self.shell.managed.end_seats(index) {
                    self.relay.left(now, peer, end.clone(), &mut self.shell);
                }
            }
            self.shell.charge_managed(index);
            if worked.is_ready {
                let mut agents = self.relay.agents_with_robots();
                agents.append(&mut self.shell.managed.residents());
                for agent in agents {
                    self.take_seats(&agent);
                }
            }
        }
        let relay = &self.relay;
        let gone = self.shell.managed.leave_deserted(now, &|agent| relay.has_robots(agent));
        for peer in gone {
            self.relay.left(now, peer, CloseReason::NotNeeded, &mut self.shell);
        }
        let mut has_room = false;
        while let Some((account, charged)) = self.shell.managed.take_gone() {
            self.shell.budget.ledger.charge(account, charged, 0);
            self.shell.budget.ledger.close(account);
            has_room = self.stopping.is_none();
        }
        if has_room {
            // A changed entry starts when the old one is over.
            self.follow_servers_file();
        }
        if has_changed {
            for agent in self.relay.agents_with_robots() {
                self.expect_managed(&agent);
            }
        }
        self.shell.managed.have_worked(ping_interval);
    }

    /// Gives an agent with robots its seats at the managed tool servers.
    pub(super) fn seat(&mut self, agent: &str) {
        if !self.shell.managed.is_empty() && self.relay.has_robots(agent) {
            self.take_seats(agent);
            self.expect_managed(agent);
        }
    }

    fn take_seats(&mut self, agent: &str) {
        if self.stopping.is_some() {
            return;
        }
        for (peer, name, address) in self.shell.managed.take_seats(agent) {
            let joining = Joining { side: Side::Tool, agent, server_id: Some(&name), address };
            self.relay.joined(self.shell.now, peer, joining, &mut self.shell);
        }
    }

    /// Lets the robots of an agent wait for servers that were started a moment ago.
    fn expect_managed(&mut self, agent: &str) {
        let until = self.shell.managed.awaited_until(agent, self.shell.now);
        self.relay.expect_managed(self.shell.now, agent, until, &mut self.shell);
    }
}
