//! Stopping, reading the settings again, and what the relay has to free.

use super::{Server, EXTRA_SOCKETS};
use crate::http::{self, SelectionChange};
use crate::ledger::Owner;
use crate::net::connection::DelayedAnswer;
use crate::net::descriptors;
use crate::settings::selection::{Change, ChangeError};
use crate::settings::Settings;
use std::time::Duration;

/// How long a client waits for the change of a file. Commands and the status page wait longer for an
/// answer.
const MAX_SAVING_TIME: Duration = Duration::from_secs(8);

/// What a tool server of the servers file may have open: a child has three pipes, an HTTP service a socket for each
/// call under way, of which an agent may have 64.
const DESCRIPTORS_OF_ENTRY: usize = 64;

impl Server {
    /// Starts to stop. The second call stops at once: what is left of the children is killed when the server is
    /// dropped.
    pub(super) fn stop(&mut self) {
        let now = self.shell.now;
        if self.stopping.is_some() {
            self.signals.stopping(true);
            self.stopping = Some(now);
            return;
        }
        let language = self.shell.language();
        log::info!("{}", language.stopping(self.shell.open));
        self.manager.stopping();
        self.stopping = Some(now.after(self.shell.limits().close_timeout));
        self.listeners = None;
        self.shell.managed.stop(now);
        self.signals.stopping(self.shell.managed.are_over());
        for slot in self.shell.table.slots() {
            let action = self.shell.stop(slot);
            self.act(slot, action);
        }
    }

    /// Reads the settings again and applies them.
    ///
    /// # Errors
    /// The mistakes found; then the old settings stay.
    pub(super) fn reload(&mut self) -> Result<Vec<String>, Vec<String>> {
        if self.stopping.is_some() {
            return Ok(Vec::new());
        }
        self.is_to_reload = !self.saver.is_idle();
        self.manager.reloading();
        let outcome = self.files.reload().map(|(settings, warnings)| {
            self.apply_settings(settings);
            warnings
        });
        self.notify_ready();
        outcome
    }

    /// Has a change of the selection saved, which a connection asks for; `entry` is the new entry. The
    /// connection gets its answer when that is done.
    pub(super) fn save_selection(&mut self, slot: usize, change: &SelectionChange, entry: &[u8]) {
        let language = change.language;
        let Some(peer) = self.shell.table.get(slot).map(|entry| entry.peer) else { return };
        let late = DelayedAnswer::Saving(http::save_is_slow(language).bytes);
        if self.saver.is_full() || !self.shell.delay_answer(slot, MAX_SAVING_TIME, late) {
            let busy = http::chosen(&Err(ChangeError::Busy), language);
            return self.respond(slot, &busy);
        }
        let change = Change {
            file: self.files.selection_file(),
            agent: change.agent.clone(),
            entry: entry.to_owned(),
            if_match: change.if_match.clone(),
            language,
        };
        self.saver.add(peer, change);
    }

    /// Applies and answers the changes that have been saved.
    pub(super) fn finish_saves(&mut self) {
        while let Some((peer, language, outcome)) = self.saver.take() {
            let response = http::chosen(&outcome, language);
            let selection = match outcome {
                Ok(changed) => {
                    let file = changed.file.display().to_string();
                    let language = self.shell.language();
                    log::info!("{}", language.selection_saved(&changed.agent, &file));
                    Some(changed.selection)
                }
                Err(ChangeError::Changed(selection)) => Some(selection),
                Err(_) => None,
            };
            // The settings may name another file now, or what was read before may be newer.
            let is_read = std::mem::take(&mut self.is_to_reload) && self.reload().is_ok();
            if let (false, Some(selection)) = (is_read, selection) {
                let settings = self.files.choose(selection);
                self.apply_settings(settings);
            }
            let slot = usize::try_from(peer.slot).unwrap_or(usize::MAX);
            let is_there = self.shell.table.get(slot).is_some_and(|entry| entry.peer == peer);
            if is_there && self.shell.take_delayed(slot).is_some() {
                self.respond(slot, &response);
            }
        }
    }

    /// Applies new settings to the running server.
    fn apply_settings(&mut self, settings: Settings) {
        raise_descriptor_limit(&settings);
        let policy = settings.relay.clone();
        self.shell.settings = settings;
        self.relay.set_policy(self.shell.now, policy, &mut self.shell);
        for slot in self.shell.table.slots() {
            self.shell.rearm(slot);
        }
        self.follow_servers_file();
    }

    /// Tells the service manager that the server is ready.
    pub(super) fn notify_ready(&mut self) {
        if let Err(error) = self.manager.ready(self.shell.now) {
            let language = self.shell.language();
            log::warn!("{}", language.cannot_notify(&error));
        }
    }

    /// Lets the relay free data of the agents that hold the most memory, if others need it.
    pub(super) fn reclaim_memory(&mut self) {
        while let Some(account) = self.shell.budget.take_giving_way() {
            let (now, language) = (self.shell.now, self.shell.language());
            let why = language.used_most_memory();
            match self.shell.managed.give_way(account, now, &why) {
                Some(server) => self.shell.charge_managed(server),
                None => self.relay.give_way(now, account, &mut self.shell),
            }
        }
    }

    /// Updates the accounts at the end of a turn, and logs the connections that were cut.
    pub(super) fn update_accounts(&mut self) {
        self.reclaim_memory();
        self.shell.budget.update_spares();
        let language = self.shell.language();
        let limit = self.shell.limits().memory_limit;
        for cut in self.shell.budget.take_cuts() {
            let due = self.memory_cuts.note(cut.owner.clone(), self.shell.now);
            let Some(due) = due else { continue };
            if due.others > 0 {
                log::warn!("{}", language.others_unsaid(due.others));
            }
            let who = match &cut.owner {
                Owner::Agent(agent) => format!("[agent {agent:?} {} {}]", cut.peer, cut.caller),
                _ => format!("[{} {}]", cut.peer, cut.caller),
            };
            let holds = (readable_size(cut.held), readable_size(cut.held_by_owner));
            let what = language.memory_cut(&readable_size(limit), &holds.1, &holds.0);
            log::warn!("{}", language.complaint(who, &what, due.count));
        }
        #[cfg(debug_assertions)]
        {
            let managed =
                self.shell.managed.charged().map(|(account, bytes)| (account, bytes, bytes));
            let kept = self.relay.kept().chain(managed);
            self.shell.budget.check_invariants(&self.shell.table, kept);
        }
    }
}

/// Raises the limit of open files for the connections the settings allow. Logs a warning if there is
/// room for fewer.
pub(super) fn raise_descriptor_limit(settings: &Settings) {
    let max = settings.websocket.max_connections;
    let managed = settings.servers.len().saturating_mul(DESCRIPTORS_OF_ENTRY);
    // A closed connection keeps its descriptor until the end of the turn.
    let wanted = max.saturating_mul(2).saturating_add(2 * EXTRA_SOCKETS).saturating_add(managed);
    if let Some(room) = descriptors::raise_limit(wanted) {
        let room = room.saturating_sub(managed as u64);
        if room < u64::try_from(max).unwrap_or(u64::MAX) {
            log::warn!("{}", settings.server.language.few_descriptors(max, room));
        }
    }
}

/// Formats a number of bytes for a log message.
fn readable_size(bytes: usize) -> String {
    match bytes >> 20 {
        0..10 => format!("{} KB", bytes >> 10),
        megabytes => format!("{megabytes} MB"),
    }
}
