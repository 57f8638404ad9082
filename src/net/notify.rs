//! Telling the service manager how the server is: systemd's notification protocol, one datagram
//! per message. Where nobody asked for it nothing is sent, and no timer runs.

use crate::moment::Moment;
use std::ffi::OsString;
use std::io;
use std::time::Duration;

/// Less is taken for this: a watchdog is no reason to keep a machine busy.
const SHORTEST: Duration = Duration::from_millis(10);

/// The service manager, where there is one that listens.
pub(super) struct Manager {
    channel: Option<Channel>,
    /// How often it wants to hear that the loop turns.
    every: Option<Duration>,
    due: Option<Moment>,
    /// Whether the server stops: after that it is never ready again.
    is_stopping: bool,
}

impl Manager {
    /// The one that started this process, as `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`
    /// tell.
    pub(super) fn of_process() -> Self {
        Manager::told_by(|name| std::env::var_os(name))
    }

    fn told_by(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let channel = variable("NOTIFY_SOCKET").and_then(|name| Channel::to(&name));
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        // Whoever inherits the environment is not always who is watched.
        let ours = variable("WATCHDOG_PID").is_none()
            || number("WATCHDOG_PID") == Some(u64::from(std::process::id()));
        let watched = ours.then(|| number("WATCHDOG_USEC")).flatten().filter(|time| *time > 0);
        let every = watched.filter(|_| channel.is_some()).map(|time| {
            // Half of it, as systemd advises: one that comes late is still in time.
            Duration::from_micros(time / 2).max(SHORTEST)
        });
        Manager { channel, every, due: None, is_stopping: false }
    }

    /// The server serves, or does so again after [`reloading`](Self::reloading). From now on the
    /// manager hears of the loop, too, if it wants to.
    ///
    /// # Errors
    /// Where it could not be told: it may take the server for one that does not start.
    pub(super) fn ready(&mut self, now: Moment) -> io::Result<()> {
        if self.is_stopping {
            return Ok(());
        }
        self.due = self.every.map(|every| now.after(every));
        self.tell("READY=1")
    }

    /// The settings are about to be read again. Whatever comes of it, [`ready`](Self::ready) must
    /// follow.
    pub(super) fn reloading(&self) {
        if self.is_stopping {
            return;
        }
        // It wants the time to tell this answer from one to an earlier request.
        let _ = self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic()));
    }

    /// The server stops.
    pub(super) fn stopping(&mut self) {
        self.is_stopping = true;
        let _ = self.tell("STOPPING=1");
    }

    /// When the loop must turn next, for no other reason than to say that it does.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    /// The loop turns: says so where it is time to.
    pub(super) fn turned(&mut self, now: Moment) {
        if self.due.is_some_and(|due| due <= now) {
            self.due = self.every.map(|every| now.after(every));
            let _ = self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, message: &str) -> io::Result<()> {
        self.channel.as_ref().map_or(Ok(()), |channel| channel.send(message))
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::OsStr;
    use std::io;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::time::Duration;

    /// How long a manager that takes nothing is waited for; nobody is served meanwhile.
    const PATIENCE: Duration = Duration::from_millis(500);

    /// The way to the manager.
    pub(super) struct Channel {
        socket: UnixDatagram,
        manager: SocketAddr,
    }

    impl Channel {
        /// To the socket of that name: a path, or one without a file, written with `@`. Other
        /// kinds are for virtual machines.
        pub(super) fn to(name: &OsStr) -> Option<Self> {
            let manager = match name.as_bytes() {
                [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
                [b'/', ..] => SocketAddr::from_pathname(name),
                _ => return None,
            };
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_write_timeout(Some(PATIENCE)).ok()?;
            Some(Channel { socket, manager: manager.ok()? })
        }

        pub(super) fn send(&self, message: &str) -> io::Result<()> {
            self.socket.send_to_addr(message.as_bytes(), &self.manager).map(drop)
        }
    }

    /// The system's monotonic clock, in microseconds.
    pub(super) fn monotonic() -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        whole(now.tv_sec).saturating_mul(1_000_000).saturating_add(whole(now.tv_nsec) / 1000)
    }

    /// Of whichever type it is on this machine.
    fn whole(number: impl TryInto<u64>) -> u64 {
        number.try_into().unwrap_or_default()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::ffi::OsStr;
    use std::io;

    /// There is none.
    pub(super) enum Channel {}

    impl Channel {
        pub(super) fn to(_name: &OsStr) -> Option<Self> {
            None
        }

        pub(super) fn send(&self, _message: &str) -> io::Result<()> {
            match *self {}
        }
    }

    pub(super) fn monotonic() -> u64 {
        0
    }
}

use system::{monotonic, Channel};

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    fn at(milliseconds: u64) -> Moment {
        Moment::from_start(Duration::from_millis(milliseconds))
    }

    /// A manager's socket without a file, and its name in the environment.
    fn listening(name: &str) -> (UnixDatagram, String) {
        let name = format!("mcp-notify-{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        (UnixDatagram::bind_addr(&address).unwrap(), format!("@{name}"))
    }

    fn told_by(pairs: &[(&str, &str)]) -> Manager {
        Manager::told_by(|name| {
            let pair = pairs.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| OsString::from(value))
        })
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_watching_manager_hears_of_the_loop_at_half_its_time() {
        let (socket, name) = listening("watch");
        let mut manager = told_by(&[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "3000000")]);
        assert_eq!(manager.due(), None);
        manager.ready(at(100)).unwrap();
        assert_eq!((manager.due(), heard(&socket)), (Some(at(1600)), "READY=1".to_owned()));
        manager.turned(at(1599));
        manager.turned(at(1700));
        assert_eq!((manager.due(), heard(&socket)), (Some(at(3200)), "WATCHDOG=1".to_owned()));
    }

    #[test]
    fn without_a_watchdog_of_ours_no_timer_runs() {
        let (_socket, name) = listening("unwatched");
        for pairs in [
            &[("WATCHDOG_USEC", "3000000")][..],
            &[("NOTIFY_SOCKET", &name)],
            &[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "0")],
            &[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "soon")],
            &[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "1")],
            &[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "")],
        ] {
            let mut manager = told_by(pairs);
            manager.ready(at(0)).unwrap();
            assert_eq!(manager.due(), None, "{pairs:?}");
        }
    }

    #[test]
    fn a_hasty_watchdog_does_not_make_the_loop_spin() {
        let (_socket, name) = listening("hasty");
        let mut manager = told_by(&[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "1")]);
        manager.ready(at(0)).unwrap();
        assert_eq!(manager.due(), Some(at(10)));
    }

    #[test]
    fn a_manager_that_cannot_be_reached_is_an_error_and_no_end() {
        for name in ["@", "/nowhere/at/all", "@mcp-notify-nobody"] {
            let mut manager = told_by(&[("NOTIFY_SOCKET", name)]);
            assert!(manager.ready(at(0)).is_err(), "{name}");
            manager.reloading();
            manager.stopping();
        }
        for name in ["", "vsock:2:9", "relative", &"/long".repeat(99)] {
            assert!(told_by(&[("NOTIFY_SOCKET", name)]).ready(at(0)).is_ok(), "{name}");
        }
    }

    #[test]
    fn the_time_of_a_reload_is_the_systems() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        // The file's clock counts sleep, too.
        assert!(monotonic() > 0 && (monotonic() as f64) < (seconds + 60.0) * 1e6);
    }
}
