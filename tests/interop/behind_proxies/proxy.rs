//! A proxy that runs a sample of `deploy`.

use crate::common::{parts, Folder, Process, TIMEOUT};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The proxies there are samples for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Caddy,
}

/// A proxy that is not started yet: its port is known.
#[derive(Debug)]
pub(crate) struct Setup {
    kind: Kind,
    program: PathBuf,
    folder: Folder,
    port: u16,
}

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    process: Process,
    folder: Folder,
}

impl Setup {
    /// Finds the program and makes a certificate, or says why the test is skipped.
    pub(crate) fn find(kind: Kind) -> Option<Self> {
        // Debian has not always had Caddy.
        let (name, required) = match kind {
            Kind::Nginx => ("nginx", true),
            Kind::Haproxy => ("haproxy", true),
            Kind::Caddy => ("caddy", false),
        };
        let program = parts::program(name, required)?;
        let openssl = parts::program("openssl", true)?;
        let folder = Folder::fresh();
        make_certificate(&openssl, &folder);
        Some(Setup { kind, program, folder, port: free_port() })
    }

    /// Where clients reach it.
    pub(crate) fn url(&self, prefix: &str) -> String {
        format!("https://localhost:{}{prefix}", self.port)
    }

    /// What clients must trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Starts the proxy with a sample of `deploy` in which nothing is changed but certificates,
    /// places for logs, its own port and the addresses of `servers`: pairs of what the sample says
    /// and what it is to say.
    pub(crate) fn start(self, sample: &str, servers: &[(&str, String)]) -> Proxy {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
        let mut text = fs::read_to_string(root.join(sample)).unwrap();
        let mut put = |from: &str, to: &str| {
            assert!(text.contains(from), "{sample} does not say {from:?}");
            text = text.replace(from, to);
        };
        servers.iter().for_each(|(from, to)| put(from, to));
        let folder = self.folder.path().display().to_string();
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        match self.kind {
            Kind::Nginx => {
                put("listen 443 ssl", &format!("listen {own} ssl"));
                put("listen [::]:443 ssl;", "");
                put("/etc/ssl/mcp.example.com/fullchain.pem", &format!("{folder}/certificate.pem"));
                put("/etc/ssl/mcp.example.com/privkey.pem", &format!("{folder}/private.pem"));
                put("/var/log/nginx", &folder);
            }
            Kind::Haproxy => {
                put("bind :::443 v4v6 ssl", &format!("bind {own} ssl"));
                put("/etc/haproxy/mcp.example.com.pem", &format!("{folder}/both.pem"));
                put("log /dev/log local0", "log stdout format raw local0");
            }
            Kind::Caddy => {
                let tls = format!("tls {folder}/certificate.pem {folder}/private.pem");
                put("mcp.example.com {", &format!("{} {{\n\t{tls}", self.url("")));
                let globals = "admin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1";
                put("\tlog {", &format!("\t{globals}\n\tlog {{"));
            }
        }
        self.folder.write("sample", &text);
        let mut command = self.command();
        let process = Process::start(sample, command.current_dir(self.folder.path()));
        let proxy = Proxy { process, folder: self.folder };
        let end = Instant::now() + TIMEOUT;
        while TcpStream::connect(own).is_err() {
            assert!(Instant::now() < end, "{}", proxy.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    /// The command that runs it in the foreground, as one process.
    fn command(&self) -> Command {
        let folder = self.folder.path().display().to_string();
        let mut command = Command::new(&self.program);
        match self.kind {
            Kind::Nginx => {
                let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map(|kind| format!("    {kind}_temp_path {folder}/{kind};\n"))
                    .concat();
                let main = format!(
                    "daemon off;\nmaster_process off;\npid {folder}/pid;\n\
                     error_log {folder}/main.log;\nevents {{ worker_connections 4096; }}\n\
                     http {{\n{temporary}    include {folder}/sample;\n}}\n"
                );
                self.folder.write("main.conf", &main);
                command.args(["-e", &format!("{folder}/early.log"), "-p", &folder]);
                command.args(["-c", &format!("{folder}/main.conf")]);
            }
            Kind::Haproxy => {
                command.args(["-db", "-f", &format!("{folder}/sample")]);
            }
            Kind::Caddy => {
                command.args(["run", "--adapter", "caddyfile", "--config"]);
                command.arg(format!("{folder}/sample"));
                for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
                    command.env(name, &folder);
                }
            }
        }
        command
    }
}

impl Proxy {
    /// Everything it wrote: to its terminal and into its log files.
    pub(crate) fn said(&self) -> String {
        let files = self.folder.files();
        let logs = files.iter().filter(|name| name.ends_with(".log"));
        let logs: String = logs.map(|name| self.folder.read(name)).collect();
        format!("{}{logs}", self.process.transcript())
    }
}

/// A certificate for `localhost`, trusted by clients that are given it.
fn make_certificate(openssl: &Path, folder: &Folder) {
    let made = Command::new(openssl)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", "private.pem", "-out", "certificate.pem"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let both = folder.read("certificate.pem") + &folder.read("private.pem");
    folder.write("both.pem", &both);
}

/// A port nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
