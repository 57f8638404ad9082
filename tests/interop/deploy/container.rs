//! The images and the compose files, without an engine: what the Dockerfiles say is done with the
//! real program.

use super::programs::{is_healthy, port, run, run_silently, server};
use super::{path, read, SERVER};
use crate::common::{Folder, Process, CONFIG, LOG, TIMEOUT};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

const DOCKERFILE: &str = "deploy/container/Dockerfile";
/// The image with node and uv.
const FULL: &str = "deploy/container/Dockerfile.full";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The instructions of a Dockerfile, each with what stands behind it.
fn instructions(dockerfile: &str) -> Vec<(String, String)> {
    let lines = read(dockerfile);
    let whole: Vec<&str> = lines.lines().filter(|line| !line.starts_with('#')).collect();
    let joined = whole.join("\n").replace("\\\n", " ");
    let shown = joined.lines().filter_map(|line| line.split_once(' '));
    shown.map(|(name, rest)| (name.to_owned(), rest.trim().to_owned())).collect()
}

/// What stands behind the instructions of that name in the image.
fn image(name: &str) -> Vec<String> {
    last_stage(DOCKERFILE, name)
}

/// The same of the image that a Dockerfile makes, which is its last stage.
fn last_stage(dockerfile: &str, name: &str) -> Vec<String> {
    let all = instructions(dockerfile);
    let last = all.iter().rposition(|(name, _)| name == "FROM").unwrap();
    let stage = all[last..].iter().filter(|(known, _)| known == name);
    stage.map(|(_, rest)| rest.clone()).collect()
}

/// A list of words as the Dockerfile writes it.
fn words(list: &str) -> Vec<String> {
    serde_json::from_str(list).unwrap_or_else(|error| panic!("{list}: {error}"))
}

#[test]
fn the_build_is_given_what_it_needs_and_nothing_private() {
    let ignored = read("deploy/container/Dockerfile.dockerignore");
    let lines: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines[0], "*");
    let sent: Vec<&str> = lines[1..].iter().map(|line| line.strip_prefix('!').unwrap()).collect();
    let copied: Vec<String> = instructions(DOCKERFILE)
        .iter()
        .filter(|(name, rest)| name == "COPY" && !rest.starts_with("--from="))
        .flat_map(|(_, rest)| {
            let mut names: Vec<String> = rest.split(' ').map(str::to_owned).collect();
            names.pop();
            names
        })
        .collect();
    assert_eq!(sent, copied);
    assert!(sent.iter().all(|name| path(name).exists()), "{sent:?}");
    // Cargo can read the project from these alone.
    let folder = Folder::fresh();
    for name in sent {
        run_silently(Command::new("cp").arg("-r").arg(path(name)).arg(folder.path()));
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version=1", "--offline", "--locked"]);
    run_silently(cargo.current_dir(folder.path()));
}

#[test]
fn the_image_runs_as_nobody_and_its_program_belongs_to_root() {
    assert_eq!(image("FROM"), ["scratch"]);
    assert_eq!(image("USER"), ["65532:65532"]);
    assert_eq!(image("WORKDIR"), ["/app"]);
    assert_eq!(image("EXPOSE"), ["8004"]);
    assert_eq!(words(&image("ENTRYPOINT")[0]), ["/app/mcp-endpoint-server"]);
    assert_eq!(words(&image("VOLUME")[0]), ["/app/data", "/app/logs"]);
    let copies = image("COPY");
    let of = |name: &str| copies.iter().find(|copy| copy.contains(name)).unwrap();
    assert!(!of("/out/bin/").contains("--chown"));
    assert!(of("/out/state/").contains("--chown=65532:65532"));
}

#[test]
fn the_full_image_is_the_small_one_with_a_home_for_tool_servers() {
    let full = |name: &str| last_stage(FULL, name);
    for name in ["WORKDIR", "EXPOSE", "USER", "STOPSIGNAL", "HEALTHCHECK"] {
        assert_eq!(full(name), image(name), "{name}");
    }
    let mut environment = full("ENV");
    let small = image("ENV");
    assert!(small.iter().all(|variable| environment.contains(variable)), "{environment:?}");
    environment.retain(|variable| !small.contains(variable));
    // What npx and uvx download outlives the container, and what is installed there is found.
    let home = environment[0].strip_prefix("HOME=").unwrap();
    assert!(environment[1].starts_with(&format!("PATH={home}/.local/bin:/usr/local/bin:")));
    let mut volumes = words(&image("VOLUME")[0]);
    volumes.push(home.to_owned());
    assert_eq!(words(&full("VOLUME")[0]), volumes);
    assert!(full("RUN").iter().any(|run| run.contains(&format!("install -d -m 1777 {home}"))));
    let program = words(&image("ENTRYPOINT")[0]);
    assert_eq!(full("COPY"), [format!("--from=small {} /app/", program[0])]);
    // Grandchildren that are left behind become children of the first process, which reaps them.
    assert_eq!(words(&full("ENTRYPOINT")[0])[..2], ["/usr/bin/tini", "--"]);
    assert_eq!(words(&full("ENTRYPOINT")[0])[2..], program);
    // The build gets no file of the project.
    assert_eq!(read(&format!("{FULL}.dockerignore")).lines().next_back(), Some("*"));
    let over = read("deploy/container/docker-compose.full.yml");
    assert!(over.contains(&format!("      - home:{home}\n")), "{over}");
}

#[test]
fn what_the_image_starts_listens_to_all_and_stops_when_reported() {
    let folder = Folder::fresh();
    let mut command = server();
    for variable in image("ENV") {
        let (name, value) = variable.split_once('=').unwrap();
        command.env(name, value);
    }
    command.env("MCP_ENDPOINT_SERVER_PORT", "0").current_dir(folder.path());
    let mut process = Process::start("the image", &mut command);
    process.wait_line("正在监听 0.0.0.0:", 1, TIMEOUT);
    assert!(is_healthy(port(&process)));
    let volumes = words(&image("VOLUME")[0]);
    let inside = |file: &str| volumes.iter().any(|v| format!("/app/{file}").starts_with(&**v));
    assert_eq!(folder.files(), [CONFIG, LOG]);
    assert!(folder.files().iter().all(|file| inside(file)), "{volumes:?}");
    process.signal(image("STOPSIGNAL")[0].strip_prefix("SIG").unwrap());
    assert!(process.wait_exit(TIMEOUT).success());
}

/// The image's own check of its health says yes while the server runs, and no when it does not.
#[test]
fn the_health_check_follows_the_server() {
    let line = &image("HEALTHCHECK")[0];
    let command = words(line.split_once("CMD ").unwrap().1);
    assert_eq!(command[0], "/app/mcp-endpoint-server");
    let folder = Folder::fresh();
    let start = |port: u16| {
        let mut command = server();
        command.envs([("MCP_ENDPOINT_SERVER_HOST", "0.0.0.0")]).current_dir(folder.path());
        command.env("MCP_ENDPOINT_SERVER_PORT", port.to_string());
        command
    };
    let mut process = Process::start("the image", &mut start(0));
    let port = port(&process);
    let asked = || run(start(port).args(&command[1..])).status.code();
    assert_eq!(asked(), Some(0));
    process.signal("TERM");
    process.wait_exit(TIMEOUT);
    assert_eq!(asked(), Some(1));
}

/// A folder of somebody else's, mounted where the image wants its own; and the program, where a
/// stranger can start it.
struct Mounted(Folder);

impl Mounted {
    /// With these folders, and perhaps a configuration of this mode.
    fn with(folders: &[&str], config: Option<u32>) -> Self {
        let folder = Folder::fresh();
        // Copied by another process: a test that starts a program meanwhile would hand it the file, open for
        // writing, and nobody can execute it then.
        run_silently(Command::new("cp").arg(SERVER).arg(folder.path().join("server")));
        if let Some(mode) = config {
            folder.write(CONFIG, &format!("[server]\nkey = {KEY}\n"));
            set_mode(&folder, CONFIG, mode);
        }
        for name in folders {
            fs::create_dir_all(folder.path().join(name)).unwrap();
            set_mode(&folder, name, 0o555);
        }
        set_mode(&folder, "", 0o555);
        Mounted(folder)
    }

    /// Starts the server as somebody who may write nothing here.
    fn start(&self) -> Process {
        let program = self.0.path().join("server");
        let root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let mut command = Command::new(if root { "setpriv".into() } else { program.clone() });
        if root {
            command.args(["--reuid=65532", "--regid=65532", "--clear-groups"]).arg(program);
        }
        command.env_clear().env("PATH", "/usr/bin:/bin").env("MCP_ENDPOINT_SERVER_PORT", "0");
        Process::start("a stranger", command.current_dir(self.0.path()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Without root only folders that are writable can be emptied.
        for name in ["", "data", "logs"] {
            if self.0.path().join(name).exists() {
                set_mode(&self.0, name, 0o755);
            }
        }
    }
}

fn set_mode(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_key_of_a_folder_that_cannot_be_written_is_used() {
    let mounted = Mounted::with(&["data", "logs"], Some(0o444));
    let process = mounted.start();
    assert!(process.wait_line("?key=", 1, TIMEOUT).ends_with(KEY));
    assert!(is_healthy(port(&process)));
    // That there is no log file is said, and is no reason not to serve.
    process.wait_line("mcp_server.log", 1, TIMEOUT);
}

#[test]
fn a_key_that_cannot_be_saved_is_reported_loudly_and_the_server_serves() {
    let mounted = Mounted::with(&["data", "logs"], None);
    let process = mounted.start();
    process.wait_line("！！新生成的密钥无法保存到 data/.mcp-endpoint-server.cfg", 1, TIMEOUT);
    assert!(is_healthy(port(&process)));
}

#[test]
fn a_configuration_that_cannot_be_read_is_named_and_ends_the_start() {
    let mounted = Mounted::with(&["data", "logs"], Some(0o000));
    let mut process = mounted.start();
    assert_eq!(process.wait_exit(TIMEOUT).code(), Some(2));
    let said = process.stderr().join("\n");
    assert!(said.contains(CONFIG) && said.contains("权限"), "{said}");
}

#[test]
fn the_compose_file_mounts_what_the_python_servers_did() {
    let compose = read("deploy/container/docker-compose.yml");
    for line in
        ["      - ./data:/app/data", "      - \"8004:8004\"", "    image: mcp-endpoint-server"]
    {
        assert!(compose.lines().any(|known| known == line), "{line}");
    }
}
