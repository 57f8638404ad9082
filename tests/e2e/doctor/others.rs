//! Somebody else where the server should be, or nobody.

use super::visit::{free_port, serve, serve_http, Visit};
use std::io::Write;

fn console(port: u16) -> String {
    format!("http://127.0.0.1:{port}/mcp_endpoint/health?key={}", "0".repeat(32))
}

#[test]
fn a_port_on_which_nobody_listens_is_named() {
    Visit::to(&console(free_port())).fails_at("connect", &["no program listens there"]);
}

#[test]
fn a_host_that_is_no_name_is_named() {
    // Too long for a name, so that nobody on the network is asked for it.
    let visit = Visit::to(&format!("http://{}.lan:8004", "x".repeat(64)));
    visit.fails_at("connect", &["the host name is unknown"]);
}

#[test]
fn a_web_server_of_somebody_else_is_named() {
    let port = serve_http("404 Not Found", &[("Server", "lighttpd/1.4")], "<html>no</html>");
    Visit::to(&console(port))
        .fails_at("server", &["another server answers", "404", "lighttpd/1.4"]);
    let port = serve_http("200 OK", &[("Content-Type", "text/html")], "<html>hello</html>");
    Visit::to(&console(port)).fails_at("server", &["another server answers", "200"]);
}

#[test]
fn a_port_that_takes_connections_and_says_nothing_is_named() {
    let port = serve(|stream| {
        // It is held as long as the other end holds it.
        let _ = std::io::copy(&mut &stream, &mut std::io::sink());
    });
    Visit::to(&console(port)).fails_at("server", &["nothing answers"]);
}

#[test]
fn a_port_that_hangs_up_is_named() {
    let port = serve(drop);
    Visit::to(&console(port)).fails_at("server", &["closed without an answer"]);
}

#[test]
fn a_program_that_does_not_speak_http_is_named() {
    let port = serve(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n");
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    Visit::to(&console(port)).fails_at("server", &["does not speak HTTP", "SSH-2.0-OpenSSH_9.9"]);
}

/// The old server: its first page, its health, and what it answers without the key.
#[test]
fn the_old_python_server_is_named() {
    const HOME: &str = r#"{"jsonrpc":"2.0","id":null,"result":{"message":"MCP Endpoint Server","version":"0.0.4","status":"running"}}"#;
    const REFUSED: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32004,"message":"密钥验证失败","data":{"details":"提供的密钥无效或缺失"}}}"#;
    let port = super::visit::serve_paths(&[
        ("/mcp_endpoint/health", "200 OK", &[("server", "uvicorn")], REFUSED),
        ("/mcp_endpoint/", "200 OK", &[("server", "uvicorn")], HOME),
    ]);
    let visit = Visit::to(&console(port));
    visit.warns(&["old Python server"]);
    visit.fails_at("key", &["the key is wrong"]);
}
