//! The package for OpenWrt. The router is a stand-in ([`Router`]); the shell, the script and the
//! server are the real ones.

use super::programs::{have, is_healthy, port, run, run_silently, server, text};
use super::{path, read, SERVER};
use crate::common::{Folder, Process, Raw, Response, TIMEOUT};
use mcp_endpoint_server::settings::servers::{ServerConfig, ServersFile, Transport};
use mcp_endpoint_server::settings::table;
use mcp_endpoint_server::text::Language;
use serde_json::{json, Value};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

const MAKEFILE: &str = "deploy/openwrt/mcp-endpoint-server/Makefile";
const INIT: &str = "deploy/openwrt/mcp-endpoint-server/files/mcp-endpoint-server.init";
const CONFIG: &str = "deploy/openwrt/mcp-endpoint-server/files/mcp-endpoint-server.config";
/// What the script makes for the server.
const WRITTEN: &str = "var/etc/mcp-endpoint-server/server.cfg";

/// What the file cannot hold.
const BESIDE: &str = "var/etc/mcp-endpoint-server/server.cfg.env";

/// The tool servers to connect to.
const SERVERS: &str = "var/etc/mcp-endpoint-server/servers.json";

/// A router, just flashed: the package's own configuration, but for the port.
struct Router(Folder);

impl Router {
    /// `None` where there is no ash.
    fn fresh() -> Option<Self> {
        if !have("busybox", "busybox") {
            return None;
        }
        let folder = Folder::fresh();
        folder.write("config", &read(CONFIG).replace("option port '8004'", "option port '0'"));
        Some(Router(folder))
    }

    /// `/etc/init.d/mcp-endpoint-server ACTION`
    fn does(&self, action: &str) -> Output {
        let mut command = Command::new("busybox");
        command.arg("ash").arg(path("tests/interop/deploy/openwrt/router.sh")).arg(path(INIT));
        run(command.arg(self.0.path()).arg(SERVER).arg(action))
    }

    /// Adds to /etc/config.
    fn add(&self, sections: &str) {
        self.0.write("config", &format!("{}\n{sections}", self.0.read("config")));
    }

    /// The entries that the server reads.
    fn entries(&self) -> Value {
        let text = self.0.read(SERVERS);
        let mut file: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        file["mcpServers"].take()
    }

    fn does_well(&self, action: &str) {
        let output = self.does(action);
        let complaint = text(&output.stderr);
        assert!(output.status.success() && complaint.is_empty(), "{action}: {complaint}");
    }

    /// Changes /etc/config.
    fn set(&self, old: &str, new: &str) {
        let config = self.0.read("config");
        assert!(config.contains(old), "{old} in\n{config}");
        self.0.write("config", &config.replacen(old, new, 1));
    }

    /// A parameter of what procd is to run.
    fn parameter(&self, name: &str) -> Option<Vec<String>> {
        let instance = self.0.read("instance");
        let mut lines = instance.lines().map(|line| line.split('\t').map(str::to_owned));
        lines.find_map(|mut line| (line.next()? == name).then(|| line.collect()))
    }

    /// What procd and the log were told since the last time.
    fn received(&self) -> String {
        let shown = self.0.read("told");
        self.0.write("told", "");
        shown
    }

    /// The key in /etc/config.
    fn key(&self) -> String {
        let config = self.0.read("config");
        let line = config.lines().map(str::trim).find(|line| line.starts_with("option key "));
        line.expect("a key").trim_start_matches("option key ").trim_matches('\'').to_owned()
    }

    /// Runs the server as procd would.
    fn runs(&self) -> Process {
        let words = self.parameter("command").expect("an instance with a command");
        assert_eq!(words[0], SERVER);
        let mut command = server();
        command.args(&words[1..]).current_dir("/");
        for variable in self.parameter("env").unwrap_or_default() {
            let (name, value) = variable.split_once('=').unwrap();
            command.env(name, value);
        }
        Process::start("procd", &mut command)
    }
}

#[test]
fn a_router_starts_the_real_server_with_what_its_configuration_says() {
    let Some(router) = Router::fresh() else { return };
    router.does_well("start");
    let mut server = router.runs();
    assert!(is_healthy(port(&server)));
    let addresses = server.wait_line("?key=", 1, TIMEOUT);
    assert!(addresses.ends_with(&router.key()), "{addresses}");
    server.signal("TERM");
    assert!(server.wait_exit(TIMEOUT).success());
    // Nothing is odd about the package's own limits, and no log file is made.
    let log = server.stderr().join("\n");
    assert!(!log.contains("[WARN]") && !log.contains("[ERROR]"), "{log}");
    assert!(log.contains("正在监听 0.0.0.0:"), "{log}");
    assert_eq!(router.0.files(), ["config", "instance", "told", WRITTEN, BESIDE, SERVERS]);
    assert_eq!(router.entries(), json!({}));
    // Standard output has the addresses, so it must not go to the system log.
    assert_eq!(router.parameter("stderr").unwrap(), ["1"]);
    assert_eq!(router.parameter("stdout"), None);
}

#[test]
fn a_key_is_made_once_and_kept_where_upgrades_keep_it() {
    let Some(router) = Router::fresh() else { return };
    router.does_well("start");
    let key = router.key();
    assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    assert!(router.0.read(WRITTEN).contains(&format!("key = {key}\n")));
    assert!(!router.received().contains(&key), "the key is in the log");
    router.does_well("start");
    assert_eq!(router.key(), key);
    router.set(&key, "short");
    router.does_well("start");
    assert!(router.0.read(WRITTEN).lines().filter(|line| line.starts_with("key = ")).count() == 1);
    assert!(!router.0.read(WRITTEN).contains("short"));
}

#[test]
fn the_choice_of_tools_is_saved_where_upgrades_keep_it() {
    let Some(router) = Router::fresh() else { return };
    router.does_well("start");
    let server = router.runs();
    let (port, key, body) = (port(&server), router.key(), r#"{"hide":["x"]}"#);
    let mut raw = Raw::connect(([127, 0, 0, 1], port).into());
    raw.send(format!(
        "PUT /mcp_endpoint/selection?agent=a HTTP/1.1\r\nHost: router\r\nAuthorization: Bearer {key}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = Response::read(&mut raw);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(router.0.read("etc/mcp-endpoint-server/tools.json").contains(body));
    let folder = router.0.path().join("etc/mcp-endpoint-server");
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let owner = router.parameter("user").unwrap().concat();
    assert!(router.received().contains(&format!("chown {owner}:{owner} {}\n", folder.display())));
    assert!(read(MAKEFILE).contains("\n/etc/mcp-endpoint-server/\n"));
    // Another file can be named.
    router.set("option warn_above", "option selection_file '/tmp/other.json'\n\toption warn_above");
    router.does_well("reload");
    assert!(router.0.read(WRITTEN).contains("selection_file = /tmp/other.json\n"));
    assert!(!router.0.read(WRITTEN).contains("tools.json"));
}

#[test]
fn nobody_but_the_server_can_read_the_key() {
    let Some(router) = Router::fresh() else { return };
    router.does_well("start");
    let written = router.0.path().join(WRITTEN);
    let servers = router.0.path().join(SERVERS);
    for (file, mode) in [(&*written, 0o640), (&*servers, 0o640), (written.parent().unwrap(), 0o750)]
    {
        let found = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{}", file.display());
    }
    // Other services keep their files beside it.
    let shared = std::fs::metadata(router.0.path().join("var/etc")).unwrap().permissions().mode();
    assert_eq!(shared & 0o005, 0o005);
    let owner = router.parameter("user").unwrap().concat();
    let folder = written.parent().unwrap().display().to_string();
    assert!(router.received().contains(&format!("chown -R root:{owner} {folder}\n")));
    assert!(read(MAKEFILE).contains(&format!("USERID:={owner}:{owner}\n")));
}

#[test]
fn a_reload_leaves_connections_open_unless_host_or_port_change() {
    let Some(router) = Router::fresh() else { return };
    router.does_well("triggers");
    assert_eq!(router.received(), "trigger mcp-endpoint-server\n");
    router.does_well("start");
    let server = router.runs();
    port(&server);
    let command = router.parameter("command");
    router.received();
    router.set(
        "option max_connections '64'",
        "option max_connections '1'\n\toption ping_interval '20'",
    );
    router.does_well("reload");
    assert!(router.received().contains("signal mcp-endpoint-server * HUP\n"));
    assert_eq!(router.parameter("command"), command, "procd would restart it");
    server.signal("HUP");
    server.wait_line("已重新读取配置", 1, TIMEOUT);
    router.set("option host '0.0.0.0'", "option host '127.0.0.1'");
    router.does_well("reload");
    assert!(!router.received().contains("signal"), "it would die of SIGHUP while it starts");
    assert_ne!(router.parameter("command"), command, "procd would not restart it");
}

#[test]
fn a_wrong_value_is_reported_and_the_last_right_settings_stay_in_force() {
    let Some(router) = Router::fresh() else { return };
    router.set("option port '0'", "option port 'x'");
    let output = router.does("start");
    assert!(text(&output.stderr).is_empty() && !output.status.success());
    assert!(router.received().contains("port = x"));
    assert_eq!(router.parameter("command"), None);
    router.set("option port 'x'", "option port '0'");
    router.does_well("start");
    let right = router.0.read(WRITTEN);
    router.set("option memory_limit '8MB'", "option memory_limit 'much'");
    router.does_well("reload");
    assert!(router.received().contains("memory_limit = much"));
    assert_eq!(router.0.read(WRITTEN), right);
    assert!(router.parameter("command").is_some());
}

#[test]
fn a_router_that_is_reported_not_to_does_not_run_it() {
    let Some(router) = Router::fresh() else { return };
    router.set("option enabled '1'", "option enabled '0'");
    router.does_well("start");
    assert_eq!(router.parameter("command"), None);
}

#[test]
fn odd_values_stay_in_their_line() {
    let Some(router) = Router::fresh() else { return };
    router.set(
        "option port '0'",
        "option port '0'\n\toption public_url 'http://a\n[relay]\nquirks = false'",
    );
    let output = router.does("start");
    // As one line it is not an address.
    assert!(!output.status.success() && router.received().contains("public_url"));
    router.set("option public_url 'http://a\n[relay]\nquirks = false'", "list allowed '$(reboot)'");
    router.does_well("start");
    assert!(router.0.read(WRITTEN).contains("allowed = $(reboot)\n"));
}

#[test]
fn every_element_of_a_list_counts() {
    let Some(router) = Router::fresh() else { return };
    router.0.write(
        "config",
        &format!(
            "{}\nconfig security 'security'\n\tlist allowed_origins 'https://a.example'\n\
             \tlist trusted_proxies '10.0.0.0/8'\n\tlist allowed_origins 'https://b.example'\n",
            router.0.read("config")
        ),
    );
    router.does_well("start");
    let written = router.0.read(WRITTEN);
    assert!(
        written.contains("allowed_origins = https://a.example, https://b.example\n"),
        "{written}"
    );
    assert!(written.contains("trusted_proxies = 10.0.0.0/8\n"), "{written}");
}

#[test]
fn a_value_that_looks_like_a_comment_reaches_the_server_whole() {
    let Some(router) = Router::fresh() else { return };
    let key = "a key #1 ;2 that is long enough for us";
    router.set("option port '0'", &format!("option port '0'\n\toption key '{key}'"));
    router.does_well("start");
    let mut server = router.runs();
    let addresses = server.wait_line("?key=", 1, TIMEOUT);
    assert!(addresses.contains("%231") && addresses.contains("long"), "{addresses}");
    router.received();
    router.set(key, &key.replace("#1", "#3"));
    router.does_well("reload");
    assert!(!router.received().contains("signal"), "procd restarts it");
    server.signal("TERM");
    assert!(server.wait_exit(TIMEOUT).success());
    let (_, named) = (router.0.read(WRITTEN), router.0.read(BESIDE));
    assert!(named.contains("MCP_ENDPOINT_SERVER_KEY=a key #3 ;2 that"), "{named}");
}

#[test]
fn sections_become_tool_servers_on_http_that_the_server_reads() {
    let Some(router) = Router::fresh() else { return };
    router.add(
        "config mcp_server 'home'\n\toption url 'http://192.168.1.10:8123/api/mcp'\n\
         \tlist header 'Authorization: Bearer abc:d'\n\tlist header 'X-Room:1'\n\
         \tlist agents 'kitchen'\n\tlist agents 'hall'\n\
         config mcp_server 'old'\n\toption url 'http://10.0.0.2/sse'\n\toption enabled '0'\n\
         \toption timeout '30'\n\toption agents 'one'\n\
         config mcp_server 'third'\n\toption name '客厅'\n\toption url 'http://10.0.0.3/mcp'\n\
         \toption enabled '1'\n",
    );
    router.does_well("start");
    assert_eq!(
        router.entries(),
        json!({
            "home": {
                "url": "http://192.168.1.10:8123/api/mcp",
                "headers": {"Authorization": "Bearer abc:d", "X-Room": "1"},
                "agents": ["kitchen", "hall"],
            },
            "old": {
                "url": "http://10.0.0.2/sse", "enabled": false, "timeout": "30", "agents": ["one"],
            },
            "客厅": {"url": "http://10.0.0.3/mcp", "enabled": true},
        })
    );
    // They are no settings, and no part of the file of the settings.
    let written = router.0.read(WRITTEN);
    assert!(!written.contains("mcp_server\n") && !written.contains("url = "), "{written}");
    assert!(!router.received().contains("abc:d"), "a secret is in the log");
    // The server knows every member, and reads the file that is named.
    let file = router.0.path().join(SERVERS).display().to_string();
    assert!(written.contains(&format!("servers_file = {file}\n")), "{written}");
    let text = router.0.read(SERVERS);
    let read = ServersFile::read(&text, &|_| None, Language::En).unwrap();
    assert_eq!(read.warnings, [""; 0]);
    let faults: Vec<_> =
        read.entries.iter().filter_map(|entry| entry.server.as_ref().err()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(read.entries.iter().filter(|entry| entry.is_enabled).count(), 2);
}

#[test]
fn values_of_a_tool_server_are_valid_json_whatever_they_are() {
    let Some(router) = Router::fresh() else { return };
    let odd = r#"a"b\c$d${HOME}`reboot`$(reboot) #e;f 'g' 密\n%s"#;
    let quoted = odd.replace('\'', r"'\''");
    router.add(&format!(
        "config mcp_server 'home'\n\toption url 'http://a/mcp?q=\"\\密$$'\n\
         \tlist header 'X: {quoted}\tend\nof \x01 it'\n\tlist header 'no secret {quoted}'\n\
         \tlist agents '{quoted}'\n",
    ));
    router.does_well("start");
    let doubled = odd.replace('$', "$$");
    let entries = router.entries();
    assert_eq!(entries["home"]["url"], r#"http://a/mcp?q="\密$$$$"#);
    assert_eq!(entries["home"]["headers"], json!({"X": format!("{doubled} end of   it")}));
    assert_eq!(entries["home"]["agents"], json!([doubled]));
    let received = router.received();
    assert!(received.contains("a header of mcp_server 'home' has no colon"), "{received}");
    assert!(!received.contains("no secret"), "{received}");
    // The server takes them as they are in /etc/config.
    let read = ServersFile::read(&router.0.read(SERVERS), &|_| None, Language::En).unwrap();
    let Ok(ServerConfig { transport: Transport::Http { url, headers, .. }, agents, .. }) =
        &read.entries[0].server
    else {
        panic!("{:?}", read.entries)
    };
    assert_eq!(url, r#"http://a/mcp?q="\密$$"#);
    assert_eq!(headers, &[("X".to_owned(), format!("{odd} end of   it"))]);
    assert_eq!(agents.as_deref(), Some(&[odd.to_owned()][..]));
}

#[test]
fn a_reload_changes_the_tool_servers_without_a_restart() {
    let Some(router) = Router::fresh() else { return };
    router.does_well("start");
    let server = router.runs();
    port(&server);
    let command = router.parameter("command");
    router.add("config mcp_server 'home'\n\toption url 'http://127.0.0.1:1/mcp'\n");
    router.does_well("reload");
    assert!(router.received().contains("signal mcp-endpoint-server * HUP\n"));
    assert_eq!(router.parameter("command"), command, "procd would restart it");
    assert_eq!(router.entries(), json!({"home": {"url": "http://127.0.0.1:1/mcp"}}));
    server.signal("HUP");
    server.wait_line("已重新读取配置", 1, TIMEOUT);
    // Another file can be named, and then the sections do not count.
    router.0.write("own.json", r#"{"mcpServers": {}}"#);
    let own = router.0.path().join("own.json").display().to_string();
    let option = "option warn_above '40'";
    router.set(option, &format!("{option}\n\toption servers_file '{own}'"));
    router.does_well("reload");
    let written = router.0.read(WRITTEN);
    assert!(written.contains(&format!("servers_file = {own}\n")), "{written}");
    assert!(!written.contains("servers.json"), "{written}");
    assert!(router.received().contains("the sections mcp_server do not count"));
    // One that is wrong is not taken.
    router.0.write("own.json", "{");
    router.does_well("reload");
    assert!(router.received().contains("is not taken"));
}

/// Each option of the package's configuration, with its section, those given as examples, too.
fn options() -> Vec<(String, String)> {
    let mut section = String::new();
    let mut options = Vec::new();
    for line in read(CONFIG).lines() {
        let words: Vec<&str> = line.trim_start_matches(['#', ' ', '\t']).split(' ').collect();
        match words[..] {
            ["config", "mcp_server", "'home'"] => section = "mcp_server".to_owned(),
            ["config", kind, name] if !line.starts_with('#') => {
                assert_eq!(name, format!("'{kind}'"));
                section = kind.to_owned();
            }
            ["list" | "option", name, ref value @ ..] if value[0].starts_with('\'') => {
                options.push((section.clone(), name.to_owned()));
            }
            _ => {}
        }
    }
    options
}

#[test]
fn every_option_of_the_configuration_is_one_of_the_servers() {
    let options = options();
    assert!(options.len() >= 10, "{options:?}");
    for (section, key) in options {
        let ours = (&*section, &*key) == ("service", "enabled");
        let of_entries = section == "mcp_server"
            && ["url", "header", "agents", "enabled"].contains(&key.as_str());
        assert!(ours || of_entries || table::row(&section, &key).is_some(), "[{section}] {key}");
    }
}

#[test]
fn the_script_is_one_that_every_shell_can_read() {
    let init = path(INIT);
    run_silently(Command::new("sh").arg("-n").arg(&init));
    if have("busybox", "busybox") {
        run_silently(Command::new("busybox").args(["ash", "-n"]).arg(&init));
    }
    if have("shellcheck", "shellcheck") {
        let stand_in = path("tests/interop/deploy/openwrt/router.sh");
        run_silently(Command::new("shellcheck").arg(&init).arg(stand_in));
    }
}

#[test]
fn the_package_has_its_files_and_cargo_all_it_needs() {
    if !have("make", "make") {
        return;
    }
    let top = Folder::fresh();
    top.write("rules.mk", &read("tests/interop/deploy/openwrt/stand-in.mk"));
    top.write("include/package.mk", "");
    top.write("feeds/packages/lang/rust/rust-package.mk", "");
    let folder = path(MAKEFILE).parent().unwrap().to_owned();
    let said = run_silently(
        Command::new("make")
            .arg("--no-print-directory")
            .arg("-C")
            .arg(folder)
            .args([&format!("TOPDIR={}", top.path().display()), &format!("PROGRAM={SERVER}")]),
    );
    assert_eq!(said.lines().next(), Some(env!("CARGO_PKG_VERSION")));
    for (file, mode) in [
        ("usr/bin/mcp-endpoint-server", 0o755),
        ("etc/init.d/mcp-endpoint-server", 0o755),
        ("etc/config/mcp-endpoint-server", 0o600),
    ] {
        let found = std::fs::metadata(top.path().join("root").join(file)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, mode, "{file}");
    }
    let manifest = top.path().join("build/Cargo.toml");
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--no-deps", "--format-version=1", "--offline", "--locked"]);
    run_silently(metadata.arg("--manifest-path").arg(manifest));
}
