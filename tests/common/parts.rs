//! Peers in Python, made with the libraries that real peers are made with.

use super::{skip, Process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a program in Python may take: ten of them start at once on a small machine.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// Where the Python is that has the packages of `tests/parts/requirements.txt`.
#[derive(Clone, Debug)]
pub struct Parts {
    python: PathBuf,
    /// The certificate they trust besides the system's.
    certificate: Option<PathBuf>,
}

impl Parts {
    /// Finds the Python, or says why the test is skipped. Under `CI` nothing is skipped.
    pub fn find() -> Option<Self> {
        let python = match std::env::var_os("MCP_PARTS_PYTHON") {
            Some(path) => PathBuf::from(path),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python"),
        };
        if Self::has(&python, "import cryptography, mcp.server.fastmcp, websockets") {
            return Some(Parts { python, certificate: None });
        }
        let needed = format!(
            "needs a Python with the packages of tests/parts/requirements.txt; {} is none. \
             Name one in MCP_PARTS_PYTHON, or have .ci/setup make .venv",
            python.display()
        );
        assert!(std::env::var_os("CI").is_none(), "{needed}");
        skip(&needed);
        None
    }

    /// They trust this certificate from now on, and no other.
    #[must_use]
    pub fn trusting(mut self, certificate: &Path) -> Self {
        self.certificate = Some(certificate.to_owned());
        self
    }

    /// How the server is to run ready-made tool servers of npm, and one of PyPI: the folder with those of
    /// npm, the program `uvx`, and what it is to run. Skips the test where they are missing.
    pub fn tool_servers(&self) -> Option<(PathBuf, PathBuf, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts");
        let npm = folder.join("node");
        let from_pypi = std::fs::read_to_string(folder.join("uvx.txt")).unwrap().trim().to_owned();
        let uvx = self.python.with_file_name("uvx");
        let works = |command: &mut Command| command.output().is_ok_and(|out| out.status.success());
        let is_there = npm.join("node_modules/.bin/mcp-server-everything").exists()
            && works(Command::new("npx").arg("--version"))
            && works(Command::new(&uvx).args(["--offline", &from_pypi, "--help"]));
        let needed = "needs npx, the packages of tests/parts/node, and uvx with that of tests/parts/uvx.txt; \
                      .ci/setup installs them";
        assert!(is_there || std::env::var_os("CI").is_none(), "{needed}");
        if !is_there {
            skip(needed);
        }
        is_there.then_some((npm, uvx, from_pypi))
    }

    /// The Python, and the path of a script of `tests/parts`: a command for the servers file.
    pub fn command(&self, script: &str) -> (String, String) {
        (self.python.display().to_string(), Self::path(script))
    }

    fn has(python: &Path, imports: &str) -> bool {
        let output = Command::new(python).args(["-c", imports]).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// Starts a script of `tests/parts`.
    pub fn start(&self, script: &str, arguments: &[&str]) -> Part {
        let mut command = Command::new(&self.python);
        command.arg(Self::path(script)).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("PYTHONUNBUFFERED", "1").env("PYTHONUTF8", "1").env_remove("MCP_ENDPOINT");
        command.envs(self.certificate.iter().map(|path| ("SSL_CERT_FILE", path)));
        Part(Process::start(script, &mut command))
    }

    /// Runs a script of `tests/parts` to its end, which must be a success; its output, in lines.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Vec<String> {
        let mut part = self.start(script, arguments);
        part.finish()
    }

    /// The Python that has the SDK of generation 2, apart from the other packages: the one named in
    /// `MCP_PARTS_PYTHON_SDK2`, or the one in the folder `sdk2` of the environment of the other.
    fn second_generation(&self) -> PathBuf {
        match std::env::var_os("MCP_PARTS_PYTHON_SDK2") {
            Some(path) => PathBuf::from(path),
            None => self.python.with_file_name("../sdk2/bin/python"),
        }
    }

    /// Whether there is a Python with the SDK of generation 2. Under `CI` there must be one.
    pub fn have_second_generation(&self) -> bool {
        let python = self.second_generation();
        let works = Self::has(&python, "import mcp.server.mcpserver");
        let needed = format!(
            "needs a Python with the packages of tests/parts/requirements-sdk2.txt; {} is none. \
             Name one in MCP_PARTS_PYTHON_SDK2, or have .ci/setup make it",
            python.display()
        );
        assert!(works || std::env::var_os("CI").is_none(), "{needed}");
        if !works {
            skip(&needed);
        }
        works
    }

    /// The same parts on the SDK of generation 2.
    #[must_use]
    pub fn of_second_generation(mut self) -> Self {
        self.python = self.second_generation();
        self
    }

    /// Starts the bridge with tool servers (each a script of `tests/parts` with its arguments) at
    /// an address, and waits until each of them has a connection.
    pub fn bridge(&self, url: &str, servers: &[&[&str]]) -> Part {
        self.bridge_with(&self.python, url, servers)
    }

    /// As [`bridge`](Self::bridge), with the tool servers on the SDK of generation 2.
    pub fn bridge_second_generation(&self, url: &str, servers: &[&[&str]]) -> Part {
        self.bridge_with(&self.second_generation(), url, servers)
    }

    fn bridge_with(&self, python: &Path, url: &str, servers: &[&[&str]]) -> Part {
        let mut arguments = vec![url.to_owned()];
        for (number, server) in servers.iter().enumerate() {
            if number > 0 {
                arguments.push("+".to_owned());
            }
            arguments.push(python.display().to_string());
            arguments.push(Self::path(server[0]));
            arguments.extend(server[1..].iter().map(|argument| (*argument).to_owned()));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let part = self.start("bridge.py", &arguments);
        part.wait_line("up: process", servers.len());
        part
    }

    fn path(script: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts");
        folder.join(script).display().to_string()
    }
}

/// The path of a program, where it is installed; without it the test is skipped, or fails under `CI`
/// where it is `required`.
pub fn program(name: &str, required: bool) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Not every user's path has what only root starts.
    let usual = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    let mut found = std::env::split_paths(&path).chain(usual).map(|folder| folder.join(name));
    let found = found.find(|path| path.is_file());
    if found.is_none() {
        let needed = format!("needs {name} (apt-get install {name})");
        assert!(!required || std::env::var_os("CI").is_none(), "{needed}");
        skip(&needed);
    }
    found
}

/// A running script.
#[derive(Debug)]
pub struct Part(Process);

impl Part {
    /// Waits for the `count`th line that contains `part`.
    pub fn wait_line(&self, part: &str, count: usize) -> String {
        self.0.wait_line(part, count, TIMEOUT)
    }

    /// Waits for its end, which must be a success; its output, in lines.
    pub fn finish(&mut self) -> Vec<String> {
        let status = self.0.wait_exit(TIMEOUT);
        assert!(status.success(), "{status}\n{}", self.0.transcript());
        self.0.stdout()
    }
}
