//! Reports the server's state to the service manager by systemd's notification protocol: one
//! datagram per message. Unless the environment asks for it, nothing is sent and no timer runs.

use crate::time::Moment;
use std::ffi::OsString;
use std::io;
use std::time::Duration;

/// The shortest interval between watchdog messages, so that a short watchdog time does not keep the
/// machine busy.
const MIN_WATCHDOG_INTERVAL: Duration = Duration::from_millis(10);

/// The connection to the service manager, if there is one.
pub(super) struct ServiceManager {
    channel: Option<Channel>,
    /// The interval between watchdog messages, if they are wanted.
    every: Option<Duration>,
    due: Option<Moment>,
    /// Whether the server is stopping: from then on it never reports that it is ready.
    is_stopping: bool,
}

impl ServiceManager {
    /// The manager of this process, from the environment variables `NOTIFY_SOCKET`, `WATCHDOG_USEC`
    /// and `WATCHDOG_PID`.
    pub(super) fn of_process() -> Self {
        ServiceManager::from_variables(&|name| std::env::var_os(name))
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let channel = variable("NOTIFY_SOCKET").and_then(|name| Channel::to(&name));
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        // Child processes inherit the variables, but only the process with this id is watched.
        let ours = variable("WATCHDOG_PID").is_none()
            || number("WATCHDOG_PID") == Some(u64::from(std::process::id()));
        let watched = ours.then(|| number("WATCHDOG_USEC")).flatten().filter(|time| *time > 0);
        let every = watched.filter(|_| channel.is_some()).map(|time| {
            // Half the time, as systemd advises, so that a late message is still in time.
            Duration::from_micros(time / 2).max(MIN_WATCHDOG_INTERVAL)
        });
        ServiceManager { channel, every, due: None, is_stopping: false }
    }

    /// Reports that the server is ready, at the start and after [`reloading`](Self::reloading). Starts
    /// the watchdog messages, if they are wanted.
    ///
    /// # Errors
    /// If the message could not be sent. The manager may then consider the start failed.
    pub(super) fn ready(&mut self, now: Moment) -> io::Result<()> {
        if self.is_stopping {
            return Ok(());
        }
        self.due = self.every.map(|every| now.after(every));
        self.send("READY=1")
    }

    /// Reports that the settings are being read again. [`ready`](Self::ready) must follow, even if
    /// that fails.
    pub(super) fn reloading(&self) {
        if self.is_stopping {
            return;
        }
        // systemd uses the time to match this message with its request.
        let _ = self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic()));
    }

    /// Reports that the server is stopping.
    pub(super) fn stopping(&mut self) {
        self.is_stopping = true;
        let _ = self.send("STOPPING=1");
    }

    /// When the loop must wake up to send the next watchdog message.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    /// Sends a watchdog message if it is due. The loop calls this once per turn.
    pub(super) fn loop_turned(&mut self, now: Moment) {
        if self.due.is_some_and(|due| due <= now) {
            self.due = self.every.map(|every| now.after(every));
            let _ = self.send("WATCHDOG=1");
        }
    }

    fn send(&self, message: &str) -> io::Result<()> {
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

    /// How long a send may block. The loop stands still meanwhile.
    const SEND_TIMEOUT: Duration = Duration::from_millis(500);

    /// The socket to the manager.
    pub(super) struct Channel {
        socket: UnixDatagram,
        manager: SocketAddr,
    }

    impl Channel {
        /// Opens a channel to the socket `name`: a path, or an abstract name that starts with `@`.
        /// Other kinds, such as `vsock:`, are for virtual machines and are not supported.
        pub(super) fn to(name: &OsStr) -> Option<Self> {
            let manager = match name.as_bytes() {
                [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
                [b'/', ..] => SocketAddr::from_pathname(name),
                _ => return None,
            };
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_write_timeout(Some(SEND_TIMEOUT)).ok()?;
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

    /// Converts a number whose type depends on the platform; a negative one becomes 0.
    fn whole(number: impl TryInto<u64>) -> u64 {
        number.try_into().unwrap_or_default()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::ffi::OsStr;
    use std::io;

    /// Other systems have no such manager, so there is no value of this type.
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

    /// An abstract socket of a manager, and its name for the environment.
    fn listening(name: &str) -> (UnixDatagram, String) {
        let name = format!("mcp-notify-{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        (UnixDatagram::bind_addr(&address).unwrap(), format!("@{name}"))
    }

    fn from_variables(pairs: &[(&str, &str)]) -> ServiceManager {
        ServiceManager::from_variables(&|name| {
            let pair = pairs.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| OsString::from(value))
        })
    }

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn watchdog_messages_come_at_half_the_watchdog_time() {
        let (socket, name) = listening("watch");
        let mut manager = from_variables(&[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "3000000")]);
        assert_eq!(manager.due(), None);
        manager.ready(at(100)).unwrap();
        assert_eq!((manager.due(), received(&socket)), (Some(at(1600)), "READY=1".to_owned()));
        manager.loop_turned(at(1599));
        manager.loop_turned(at(1700));
        assert_eq!((manager.due(), received(&socket)), (Some(at(3200)), "WATCHDOG=1".to_owned()));
    }

    #[test]
    fn no_timer_runs_without_a_watchdog_for_this_process() {
        let (_socket, name) = listening("unwatched");
        for pairs in [
            &[("WATCHDOG_USEC", "3000000")][..],
            &[("NOTIFY_SOCKET", &name)],
            &[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "0")],
            &[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "soon")],
            &[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "1")],
            &[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "")],
        ] {
            let mut manager = from_variables(pairs);
            manager.ready(at(0)).unwrap();
            assert_eq!(manager.due(), None, "{pairs:?}");
        }
    }

    #[test]
    fn a_very_short_watchdog_time_does_not_make_the_loop_spin() {
        let (_socket, name) = listening("hasty");
        let mut manager = from_variables(&[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "1")]);
        manager.ready(at(0)).unwrap();
        assert_eq!(manager.due(), Some(at(10)));
    }

    #[test]
    fn an_unreachable_manager_is_an_error_and_does_not_end_the_server() {
        for name in ["@", "/nowhere/at/all", "@mcp-notify-nobody"] {
            let mut manager = from_variables(&[("NOTIFY_SOCKET", name)]);
            assert!(manager.ready(at(0)).is_err(), "{name}");
            manager.reloading();
            manager.stopping();
        }
        for name in ["", "vsock:2:9", "relative", &"/long".repeat(99)] {
            assert!(from_variables(&[("NOTIFY_SOCKET", name)]).ready(at(0)).is_ok(), "{name}");
        }
    }

    #[test]
    fn the_time_of_a_reload_is_the_systems_monotonic_clock() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        // The clock of this file also counts the time the system was suspended.
        assert!(monotonic() > 0 && (monotonic() as f64) < (seconds + 60.0) * 1e6);
    }
}
