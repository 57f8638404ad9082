//! Calling the doctor, and reading what it says.

use crate::common::{skip, Builder, Folder, Process, Server, TIMEOUT};
use std::fmt;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// What the doctor said, in English, and how it ended.
pub(crate) struct Visit {
    /// The exit status.
    pub(crate) status: Option<i32>,
    /// Every line of it.
    pub(crate) lines: Vec<String>,
    /// What it complained about.
    pub(crate) complaints: String,
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {:?}\n{}\n{}", self.status, self.lines.join("\n"), self.complaints)
    }
}

impl Visit {
    /// Lets the doctor visit an address, from a folder without a configuration.
    pub(crate) fn to(address: &str) -> Self {
        Self::with(Server::builder(), &["doctor", address])
    }

    /// Lets the doctor visit from a folder with the configuration of `builder`.
    pub(crate) fn with(builder: Builder, arguments: &[&str]) -> Self {
        let builder = arguments.iter().fold(builder, |builder, argument| builder.arg(argument));
        let ended = builder.env("LC_ALL", "en_GB.UTF-8").run();
        Visit {
            status: ended.status.code(),
            lines: ended.stdout.clone(),
            complaints: ended.stderr.join("\n"),
        }
    }

    /// The steps that were passed.
    pub(crate) fn passed(&self) -> Vec<&str> {
        self.marked('✓')
    }

    fn marked(&self, mark: char) -> Vec<&str> {
        let marked = self.lines.iter().filter_map(|line| line.strip_prefix(mark));
        marked.map(|line| line.split_whitespace().next().unwrap()).collect()
    }

    /// It failed at `step`, and the verdict says all of `words`.
    #[track_caller]
    pub(crate) fn fails_at(&self, step: &str, words: &[&str]) {
        assert_eq!(self.status, Some(1), "{self:?}");
        assert_eq!(self.marked('✗'), [step], "{self:?}");
        let verdict = self.verdict();
        assert!(words.iter().all(|words| verdict.contains(words)), "{words:?} in {self:?}");
    }

    /// Nothing failed.
    #[track_caller]
    pub(crate) fn is_content(&self) {
        assert_eq!(self.status, Some(0), "{self:?}");
        assert_eq!((self.marked('✗').len(), self.verdict()), (0, "it works"), "{self:?}");
    }

    /// There is a warning that says all of `words`.
    #[track_caller]
    pub(crate) fn warns(&self, words: &[&str]) {
        let mut warnings = self.lines.iter().filter(|line| line.starts_with("! "));
        let found = warnings.any(|line| words.iter().all(|words| line.contains(words)));
        assert!(found, "{words:?} in {self:?}");
    }

    fn verdict(&self) -> &str {
        let last = self.lines.last().unwrap_or_else(|| panic!("nothing was said: {self:?}"));
        last.strip_prefix("verdict: ").unwrap_or_else(|| panic!("no verdict: {self:?}"))
    }
}

/// A configuration with this key and this port.
pub(crate) fn configured(key: &str, port: u16) -> Builder {
    Server::builder().set("server", "key", key).set("server", "port", port)
}

/// A port on which nobody listens: one that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A folder that goes with its test.
pub(crate) fn folder() -> Folder {
    Folder::fresh()
}

/// Serves every connection in a thread of its own, as long as the test program runs; the port.
pub(crate) fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let each = Arc::new(each);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = Arc::clone(&each);
            std::thread::spawn(move || each(stream));
        }
    });
    port
}

/// A path, and how it is answered: status, headers, body.
pub(crate) type Page =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

/// Answers every request that begins with one of these paths; the port.
pub(crate) fn serve_paths(pages: &'static [Page]) -> u16 {
    serve(move |mut stream| {
        let Some(head) = read_head(&mut stream) else { return };
        let target = head.split(' ').nth(1).unwrap_or_default();
        let page = pages.iter().find(|(path, ..)| target.starts_with(path));
        let (_, status, headers, body) = page.copied().unwrap_or(("", "404 Not Found", &[], ""));
        let headers: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    })
}

/// Answers every request in the same way; the port.
pub(crate) fn serve_http(
    status: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
) -> u16 {
    serve_paths(Box::leak(Box::new([("/", status, headers, body)])))
}

/// A request's head; nothing where the peer goes before it is whole.
pub(crate) fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// A reverse proxy of one's own making.
#[derive(Default)]
pub(crate) struct Proxy {
    dropped: Vec<&'static str>,
    says: &'static str,
    without_query: bool,
    silence: Option<Duration>,
}

/// A proxy that passes everything on.
pub(crate) fn proxy() -> Proxy {
    Proxy::default()
}

impl Proxy {
    /// Drops these headers of requests.
    pub(crate) fn without(mut self, headers: &[&'static str]) -> Self {
        self.dropped = headers.to_vec();
        self
    }

    /// Drops what follows the `?` of requests.
    pub(crate) fn without_query(mut self) -> Self {
        self.without_query = true;
        self
    }

    /// Adds a header to answers.
    pub(crate) fn saying(mut self, header: &'static str) -> Self {
        self.says = header;
        self
    }

    /// Cuts a connection on which the server has said nothing for so long.
    pub(crate) fn cutting_after(mut self, silence: Duration) -> Self {
        self.silence = Some(silence);
        self
    }

    /// Starts in front of the server on `port`. Returns its own port.
    pub(crate) fn before(self, port: u16) -> u16 {
        serve(move |stream| self.pass(stream, port))
    }

    fn pass(&self, mut near: TcpStream, port: u16) {
        let Some(head) = read_head(&mut near) else { return };
        let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)) else { return };
        let mut passed = String::new();
        for (number, line) in head.split_inclusive("\r\n").enumerate() {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            let query = line.split_once('?').filter(|_| number == 0 && self.without_query);
            if let Some((path, _)) = query {
                passed.push_str(&format!("{path} HTTP/1.1\r\n"));
            } else if !self.dropped.contains(&name.as_str()) {
                passed.push_str(line);
            }
        }
        far.write_all(passed.as_bytes()).unwrap();
        far.set_read_timeout(self.silence).unwrap();
        let (mut up_from, mut up_to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut up_from, &mut up_to);
            let _ = up_to.shutdown(Shutdown::Both);
        });
        // The first line of the answer, then what this proxy adds, then the rest.
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") && far.read_exact(&mut byte).is_ok() {
            line.push(byte[0]);
        }
        line.extend(self.says.as_bytes());
        let _ = near.write_all(&line);
        let _ = std::io::copy(&mut far, &mut near);
        let _ = near.shutdown(Shutdown::Both);
    }
}

/// What ends TLS before the server on `port`, and where it listens: a few lines of Python, as
/// `openssl` passes nothing on. Without a Python the test is skipped, and says so.
pub(crate) fn terminate_tls(folder: &Folder, port: u16) -> Option<(Process, u16)> {
    const PROGRAM: &str = "
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert.pem', 'key.pem')
listener = socket.create_server(('127.0.0.1', 0))
print('port', listener.getsockname()[1], flush=True)
def serve(client):
    try:
        near = context.wrap_socket(client, server_side=True)
    except OSError:
        return
    far = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    near.settimeout(0.02)
    far.settimeout(0.02)
    while True:
        for one, other in ((near, far), (far, near)):
            try:
                data = one.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                data = b''
            if not data:
                near.close()
                far.close()
                return
            other.sendall(data)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
";
    let mut command = Command::new("python3");
    if !command.arg("-c").arg("import ssl").status().is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "needs python3");
        skip("needs python3");
        return None;
    }
    let mut command = Command::new("python3");
    command.current_dir(folder.path()).args(["-c", PROGRAM, &port.to_string()]);
    let process = Process::start("the end of TLS", &mut command);
    let line = process.wait_line("port ", 1, TIMEOUT);
    Some((process, line["port ".len()..].parse().unwrap()))
}
