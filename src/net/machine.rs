//! Facts about this machine and the shell, looked up when an HTTP request asks for them.

use super::accept::Listeners;
use super::refusals::Refusals;
use crate::http::{Machine, RecentRefusal};
use crate::lan;
use crate::ledger::{Ledger, Owner};
use crate::managed::{ManagedServers, ManagedStatus};
use crate::time::Moment;

/// The machine the server runs on.
#[derive(Debug)]
pub(super) struct ThisMachine<'a> {
    /// The listening sockets; `None` while the server stops.
    pub listeners: Option<&'a Listeners>,
    pub refusals: &'a Refusals,
    pub ledger: &'a Ledger,
    pub managed: &'a ManagedServers,
    pub now: Moment,
}

impl Machine for ThisMachine<'_> {
    fn memory(&self) -> Option<u64> {
        resident()
    }

    fn guessed_address(&self) -> (String, u16) {
        let listening = self.listeners.map(Listeners::addresses).unwrap_or_default();
        let port = listening.first().map_or(0, std::net::SocketAddr::port);
        (lan::guess(&listening).host, port)
    }

    fn refusals(&self) -> Vec<RecentRefusal> {
        self.refusals.recent(self.now)
    }

    fn memory_of(&self, agent: &str) -> Option<usize> {
        let account = self.ledger.find(&Owner::Agent(agent.into()))?;
        Some(self.ledger.bytes_of(account))
    }

    fn managed(&self) -> Vec<ManagedStatus<'_>> {
        self.managed.status()
    }
}

/// The resident memory of this process, in bytes; `None` if it is unknown. It reads `status`, which
/// gives kB: `statm` counts pages, whose size would have to be looked up.
#[cfg(target_os = "linux")]
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(not(target_os = "linux"))]
fn resident() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::resident;

    #[test]
    fn resident_memory_is_known_on_linux_only() {
        let bytes = resident();
        let is_plausible = bytes.is_some_and(|bytes| (1 << 18..1 << 36).contains(&bytes));
        assert_eq!(is_plausible, cfg!(target_os = "linux"), "{bytes:?}");
    }
}
