//! What is different where clients come through a proxy: whose they are, and what is printed.

use crate::common::{upgrade, Builder, Client, Server};
use std::time::{Duration, Instant};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn english() -> Builder {
    Server::builder().set("server", "language", "en").set("server", "key", KEY)
}

/// Dials with a token that is refused, as the client a proxy names; how long the refusal took.
fn is_refused(server: &Server, client: &str) -> Duration {
    let start = Instant::now();
    let headers = [("X-Forwarded-For", client)];
    let mut dialled = Client::connect(server.address(), "/mcp_endpoint/mcp/?token=no", &headers);
    assert_eq!(dialled.expect_close().0, 1008);
    start.elapsed()
}

/// What is put off is so by a quarter of a second at least.
const PUT_OFF: Duration = Duration::from_millis(240);

#[test]
fn a_client_that_is_refused_does_not_slow_the_others_of_its_proxy() {
    let server = english().start();
    let one: Vec<Duration> = (0..6).map(|_| is_refused(&server, "203.0.113.1")).collect();
    assert!(one[5] >= 3 * PUT_OFF, "{one:?}");
    let other = is_refused(&server, "203.0.113.2");
    assert!(other < PUT_OFF, "the other waited {other:?}");
    // Naming somebody else as the first of the list helps nobody.
    assert!(is_refused(&server, "203.0.113.3, 203.0.113.1") >= 4 * PUT_OFF);
    let log = server.log();
    for client in ["[203.0.113.1] refused: ", "[203.0.113.2] refused: "] {
        assert_eq!(log.matches(client).count(), 1, "{log}");
    }
}

#[test]
fn all_clients_of_a_proxy_that_is_not_trusted_are_one() {
    let server = english().set("security", "trusted_proxies", "10.0.0.0/8, ::1").start();
    for _ in 0..5 {
        is_refused(&server, "203.0.113.1");
    }
    assert!(is_refused(&server, "203.0.113.2") >= 3 * PUT_OFF, "they share an address");
    assert!(!server.log().contains("203.0.113"), "an address nobody vouches for");
}

#[test]
fn who_is_trusted_changes_without_a_restart() {
    let server = english().start();
    is_refused(&server, "203.0.113.1");
    server.wait_line("[203.0.113.1] refused: ");
    #[cfg(unix)]
    {
        let config = format!(
            "[server]\nkey = {KEY}\nlanguage = en\nport = 0\n[security]\ntrusted_proxies =\n"
        );
        server.folder().write(crate::common::CONFIG, &config);
        server.process().signal("HUP");
        server.wait_line("the configuration was read again");
        is_refused(&server, "203.0.113.1");
        server.wait_line("[127.0.0.1:");
    }
}

#[test]
fn the_log_and_the_health_page_name_the_client_behind_the_proxy() {
    let server = english().start();
    let headers = [("X-Forwarded-For", "2001:db8::7")];
    let _tool = Client::connect(server.address(), &server.tool_path("a"), &headers);
    let line = server.wait_line("tool server connected");
    assert!(line.contains("2001:db8::7]"), "{line}");
    let mut raw = server.raw();
    raw.send(upgrade(&server.robot_path("a"), &[("X-Forwarded-For", "<script>")]));
    raw.read_head();
    let line = server.wait_line("robot connected");
    assert!(line.contains("127.0.0.1:") && !line.contains("script"), "{line}");
}

#[test]
fn the_printed_addresses_are_those_of_the_proxy() {
    for (url, prefix, outside) in [
        ("https://mcp.example", "", "s://mcp.example"),
        ("https://mcp.example:8443/", "", "s://mcp.example:8443"),
        ("wss://mcp.example/foo", "/foo", "s://mcp.example/foo"),
        ("https://mcp.example/foo/mcp_endpoint", "/foo", "s://mcp.example/foo"),
        ("https://mcp.example/stripped", "", "s://mcp.example/stripped"),
        ("ws://192.0.2.1/foo", "foo/", "://192.0.2.1/foo"),
    ] {
        let settings = english().set("server", "public_url", url);
        let server = settings.set("server", "path_prefix", prefix).start();
        let tool = server.tool_address();
        assert!(tool.starts_with(&format!("ws{outside}/mcp_endpoint/mcp/?token=")), "{tool}");
        let console = format!("http{outside}/mcp_endpoint/health?key={KEY}");
        assert_eq!(server.console_address(), console);
        // What a proxy that keeps the prefix asks for is answered.
        let path = if prefix.is_empty() { "" } else { "/foo" };
        assert_eq!(server.get(&format!("{path}/mcp_endpoint/")).status, 200);
    }
}
