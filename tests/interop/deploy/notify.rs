//! The server reports its state to a service manager.

use crate::common::{Folder, Server, TIMEOUT};
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// What a service manager listens on.
pub(crate) struct Manager {
    socket: UnixDatagram,
    /// The name of the socket, as `NOTIFY_SOCKET` gives it.
    pub(crate) name: String,
}

impl Manager {
    /// One whose socket has no file.
    pub(crate) fn abstract_named(name: &str) -> Self {
        let name = format!("mcp-deploy-{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Manager::on(UnixDatagram::bind_addr(&address).unwrap(), format!("@{name}"))
    }

    /// One whose socket is a file in this folder.
    fn in_folder(folder: &Folder) -> Self {
        let path = folder.path().join("notify");
        Manager::on(UnixDatagram::bind(&path).unwrap(), path.display().to_string())
    }

    fn on(socket: UnixDatagram, name: String) -> Self {
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        Manager { socket, name }
    }

    /// The next message.
    pub(crate) fn receives(&self) -> String {
        let mut buffer = [0; 512];
        // A socket with a timeout is not asked again by the system after a signal.
        let length = loop {
            match self.socket.recv(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                received => break received.expect("a message in time"),
            }
        };
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

#[test]
fn a_manager_is_reported_of_start_reload_and_stop() {
    let manager = Manager::abstract_named("life");
    let mut server = Server::builder().env("NOTIFY_SOCKET", &manager.name).start();
    assert_eq!(manager.receives(), "READY=1");
    assert_eq!(server.get("/health").status, 200);
    let mut last = 0;
    // Of two reloads one finds a wrong file; the server is ready again either way.
    for (file, said) in
        [("[server]\nport = 0\n", "已重新读取配置"), ("[server]\nport = x\n", "配置有误")]
    {
        server.folder().write(crate::common::CONFIG, file);
        server.process().signal("HUP");
        let message = manager.receives();
        let time: u64 =
            message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse().unwrap();
        assert!(time > last, "{time} after {last}");
        last = time;
        assert_eq!(manager.receives(), "READY=1");
        server.wait_line(said);
    }
    server.terminate();
    assert_eq!(manager.receives(), "STOPPING=1");
    assert!(server.wait_exit(TIMEOUT).success());
}

#[test]
fn a_manager_that_watches_gets_of_an_idle_server_again_and_again() {
    let folder = Folder::fresh();
    let manager = Manager::in_folder(&folder);
    let builder = Server::builder().env("NOTIFY_SOCKET", &manager.name);
    let _server = builder.env("WATCHDOG_USEC", 100_000).start();
    assert_eq!(manager.receives(), "READY=1");
    for _ in 0..3 {
        assert_eq!(manager.receives(), "WATCHDOG=1");
    }
}

#[test]
fn a_manager_that_is_not_there_is_mentioned_and_the_server_serves() {
    let server = Server::builder().env("NOTIFY_SOCKET", "/nowhere/notify").start();
    server.wait_line("NOTIFY_SOCKET");
    assert_eq!(server.get("/health").status, 200);
}
