use super::*;

const CHROME: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

fn kind(accept: &str) -> String {
    let accept: String = accept.lines().map(|line| format!("\nAccept: {line}")).collect();
    let got = got(&settings(), &format!("GET /mcp_endpoint/ HTTP/1.1{accept}"));
    assert_eq!(got.status, 200, "{accept}");
    let kind = got.header("Content-Type").unwrap();
    assert_eq!(got.body.starts_with("<!doctype html>"), kind.starts_with("text/html"));
    kind.split(';').next().unwrap().to_owned()
}

#[test]
fn a_browser_gets_the_page() {
    for accept in [
        CHROME,
        "text/html",
        "TEXT/HTML;q=1, */*;q=0.1",
        "text/html, application/json;q=0.9",
        "text/*, application/json;q=0.5",
        "application/json;q=0\n text/html;level=1;q=0.001",
        "text/html;q=0.5, application/json;q=0.25, */*;q=0.7",
    ] {
        assert_eq!(kind(accept), "text/html", "{accept}");
    }
}

#[test]
fn a_client_that_does_not_prefer_html_gets_json() {
    for accept in [
        "",
        "*/*",
        "application/json",
        "text/html, application/json",
        "text/html;q=0.8, application/json;q=0.9",
        "text/html;q=0, */*",
        "text/html;q=0.4, */*;q=0.5",
        "text/plain",
        "text/html;q=x",
        "text/html;q=2",
        "text/html;q=-1",
        "text/html;q=.",
        "text",
        ";q=1",
    ] {
        assert_eq!(kind(accept), "application/json", "{accept}");
    }
    assert_eq!(
        got(&settings(), "GET /mcp_endpoint/ HTTP/1.1").json()["result"]["status"],
        "running"
    );
}

#[test]
fn a_client_that_does_not_accept_gzip_gets_json() {
    for (encodings, is_html) in [
        ("gzip, deflate, br", true),
        ("GZIP;q=0.5", true),
        ("*", true),
        ("", true),
        ("identity", false),
        ("gzip;q=0, identity", false),
        ("*, gzip;q=0", false),
        ("*;q=0, gzip", true),
        ("br, deflate", false),
    ] {
        let head =
            format!("GET /mcp_endpoint/ HTTP/1.1\nAccept: text/html\nAccept-Encoding: {encodings}");
        let got = got(&settings(), &head);
        assert_eq!(got.header("Content-Type").unwrap().starts_with("text/html"), is_html, "{head}");
    }
}

#[test]
fn the_page_has_a_strict_content_security_policy() {
    let page = |host: &str| {
        let head = format!("GET /mcp_endpoint/?key=x HTTP/1.1\nAccept: {CHROME}{host}");
        got(&settings(), &head)
    };
    let got = page("\nHost: nas.lan:8004");
    assert_eq!(got.header("Referrer-Policy"), Some("no-referrer"));
    let policy = got.header("Content-Security-Policy").unwrap();
    for part in [
        "default-src 'none';",
        "connect-src 'self' ws://nas.lan:8004 wss://nas.lan:8004;",
        "base-uri 'none';",
        "form-action 'none';",
        "frame-ancestors 'none'",
        "script-src 'sha256-",
        "style-src 'sha256-",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for odd in ["", "\nHost: a;script-src *", "\nHost: a b", "\nHost: a\nHost: b", "\nHost: a/b"] {
        let policy = page(odd).header("Content-Security-Policy").unwrap().to_owned();
        assert!(policy.contains("connect-src 'self';"), "{policy}");
    }
}

#[test]
fn the_page_itself_is_the_same_with_and_without_a_key() {
    let page = |query: &str| {
        let head = format!("GET /mcp_endpoint/{query} HTTP/1.1\nAccept: text/html");
        got(&settings(), &head).body
    };
    let key = crate::token::percent::encode(KEY, b"");
    assert_eq!(page(""), page(&format!("?key={key}")));
    assert!(!page("").contains("0123456789abcdef"));
}
