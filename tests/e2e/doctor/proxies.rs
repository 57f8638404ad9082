//! Proxies that are set up wrongly, between the doctor and a sound server.

use super::visit::{proxy, serve_http, Proxy, Visit};
use crate::common::Server;
use std::time::Duration;

/// The console's address of `server`, by way of a proxy.
fn through(server: &Server, proxy: Proxy) -> String {
    let port = proxy.before(server.port());
    server.console_address().replace(&format!(":{}/", server.port()), &format!(":{port}/"))
}

#[test]
fn a_sound_proxy_is_passed_and_reported_of_its_time_out() {
    let server = Server::start();
    let visit = Visit::to(&through(&server, proxy().saying("Server: test-proxy\r\n")));
    visit.is_content();
    visit.warns(&["through a proxy, test-proxy", "ping_interval"]);
}

#[test]
fn a_proxy_that_drops_the_upgrade_is_named() {
    let server = Server::start();
    let visit = Visit::to(&through(&server, proxy().without(&["upgrade", "connection"])));
    visit.fails_at("tool", &["drops the header Upgrade", "proxy_set_header Upgrade"]);
    let visit = Visit::to(&through(&server, proxy().without(&["upgrade"])));
    visit.fails_at("tool", &["drops the header Upgrade"]);
}

#[test]
fn a_proxy_that_does_not_reach_the_server_is_named() {
    for status in ["502 Bad Gateway", "504 Gateway Time-out", "503 Service Unavailable"] {
        let port = serve_http(status, &[("Server", "nginx")], "<html>bad</html>");
        let visit = Visit::to(&format!("http://127.0.0.1:{port}"));
        visit.fails_at("server", &["a proxy answers with", &status[..3], "cannot reach"]);
    }
}

#[test]
fn a_proxy_that_wants_a_password_is_named() {
    let port = serve_http("401 Unauthorized", &[("WWW-Authenticate", "Basic realm=x")], "no");
    Visit::to(&format!("http://127.0.0.1:{port}")).fails_at("server", &["asks for a login", "401"]);
}

#[test]
fn a_redirection_to_https_is_named() {
    let port = serve_http("301 Moved", &[("Location", "https://mcp.example/mcp_endpoint/")], "");
    let visit = Visit::to(&format!("http://127.0.0.1:{port}"));
    visit.fails_at("server", &["redirects to https://mcp.example/", "Devices do not follow"]);
}

#[test]
fn a_proxy_that_cuts_silent_connections_at_once_is_named() {
    let server = Server::start();
    let proxy = proxy().cutting_after(Duration::from_millis(1000));
    let visit = Visit::to(&through(&server, proxy));
    visit.fails_at("silence", &["cut after a few seconds of silence", "proxy_read_timeout"]);
}

#[test]
fn a_proxy_that_drops_the_query_is_named() {
    let server = Server::start();
    let tool = server.tool_address();
    let port = proxy().without_query().before(server.port());
    let address = tool.replace(&format!(":{}/", server.port()), &format!(":{port}/"));
    Visit::to(&address).fails_at("robot", &["did not receive the token", "address after ?"]);
}
