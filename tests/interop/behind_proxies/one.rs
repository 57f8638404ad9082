//! One server behind one proxy.

use super::proxy::{Kind, Setup};
use crate::common::{Parts, Server};
use mcp_endpoint_server::settings::Settings;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// A tool and a robot speak through the proxy, under the addresses that start-up prints; and no log
/// of the proxy shows a token, also when the server is away.
fn a_call_passes_through(kind: Kind, sample: &str) {
    let Some(parts) = Parts::find() else { return };
    for prefix in ["", "/tools"] {
        let Some(setup) = Setup::find(kind) else { return };
        let parts = parts.clone().trusting(&setup.certificate());
        let settings = Server::builder().set("server", "public_url", setup.url(prefix));
        let settings = settings.set("server", "path_prefix", prefix);
        // Pings must pass, or this would be the end of the connections.
        let settings = settings.set("websocket", "ping_interval", 0.5);
        let mut server = settings.set("websocket", "ping_timeout", 2).start();
        let here = format!("127.0.0.1:{}", server.port());
        let proxy = setup.start(sample, &[("127.0.0.1:8004", here)]);
        let address = server.tool_address();
        assert!(address.starts_with("wss://localhost:"), "{address}");
        let _bridge = parts.bridge(&address, &[&["calculator.py"]]);
        let ready = server.wait_line("工具端就绪");
        assert!(ready.contains(" 127.0.0.1] "), "the proxy does not say for whom: {ready}");
        let robot = address.replace("/mcp/", "/call/");
        let lines = parts.run("python_robot.py", &[&robot, "2 ** 10", "6 * 7"]).join("\n");
        assert!(lines.contains("\"result\": 1024") && lines.contains("\"result\": 42"), "{lines}");
        let console = server.console_address();
        let seen = parts.run("fetch.py", &[&console]).join("");
        assert!(seen.contains("\"calculator\""), "{seen}");
        server.terminate();
        server.wait_exit(crate::common::TIMEOUT);
        parts.run("fetch.py", &[&format!("{console}&token={}", token_of(&address))]);
        let said = proxy.said();
        for secret in [server.key(), token_of(&address).get(..20).unwrap()] {
            assert!(!said.contains(secret), "a secret in the proxy's log: {said}");
        }
        // Caddy writes only what goes wrong.
        let path = if kind == Kind::Caddy { "/health" } else { "/mcp_endpoint/mcp/" };
        wait_for(|| proxy.said().contains(path), &|| proxy.said());
    }
}

fn token_of(address: &str) -> &str {
    address.split_once("token=").unwrap().1
}

fn wait_for(met: impl Fn() -> bool, said: &dyn Fn() -> String) {
    let end = Instant::now() + crate::common::TIMEOUT;
    while !met() {
        assert!(Instant::now() < end, "not in the log: {}", said());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_call_passes_through_nginx_with_and_without_a_prefix() {
    a_call_passes_through(Kind::Nginx, "proxy/nginx.conf");
}

#[test]
fn a_call_passes_through_haproxy_with_and_without_a_prefix() {
    a_call_passes_through(Kind::Haproxy, "proxy/haproxy.cfg");
}

#[test]
fn a_call_passes_through_caddy_with_and_without_a_prefix() {
    a_call_passes_through(Kind::Caddy, "proxy/Caddyfile");
}

/// The samples outlast the silence between two pings of the server, twice.
#[test]
fn no_sample_ends_a_quiet_websocket() {
    let defaults = Settings::default().websocket;
    let silence = defaults.ping_interval.unwrap() + defaults.ping_timeout;
    for (sample, options) in [
        ("proxy/nginx.conf", ["proxy_read_timeout", "proxy_send_timeout"]),
        ("several/nginx.conf", ["proxy_read_timeout", "proxy_send_timeout"]),
        ("proxy/haproxy.cfg", ["timeout tunnel", "timeout client"]),
        ("several/haproxy.cfg", ["timeout tunnel", "timeout client"]),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(sample);
        let text = fs::read_to_string(path).unwrap();
        for option in options {
            let mut lines = text.lines().map(str::trim);
            let line = lines.find(|line| line.starts_with(option)).unwrap();
            let seconds = line[option.len()..].trim().trim_end_matches(';').trim_end_matches('s');
            let time = Duration::from_secs(seconds.parse().unwrap());
            assert!(time >= 2 * silence, "{sample}: {line}");
        }
    }
}
