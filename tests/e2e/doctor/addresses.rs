//! Addresses that were pasted wrongly: nobody is asked, and the slip is called by its name.

use super::visit::Visit;
use crate::common::{encrypt, escape};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const TOOL: &str = "ws://127.0.0.1:1/mcp_endpoint/mcp/?token=";

/// Every slip is named at the first step.
fn slip(address: &str, words: &[&str]) {
    Visit::to(address).fails_at("address", words);
}

fn token() -> String {
    encrypt(KEY, r#"{"agentId": "single_module"}"#)
}

#[test]
fn a_token_cut_in_pasting_is_named() {
    let token = token();
    slip(&format!("{TOOL}{}", &token[..token.len() - 7]), &["incomplete or changed"]);
}

#[test]
fn a_token_whose_escapes_were_eaten_is_named() {
    slip(&format!("{TOOL}{}", escape(&token()).replace('%', "")), &["incomplete or changed"]);
    slip(&format!("{TOOL}{}%2", token().trim_end_matches('=')), &["a broken % escape"]);
}

#[test]
fn a_token_that_was_escaped_twice_is_named() {
    slip(&format!("{TOOL}{}", escape(&escape(&token()))), &["encoded twice"]);
}

#[test]
fn an_address_cut_at_its_question_mark_is_named() {
    slip("ws://127.0.0.1:1/mcp_endpoint/mcp/", &["has no token", "quote"]);
    slip("http://127.0.0.1:1/mcp_endpoint/health", &["no key=", "quotes"]);
}

#[test]
fn an_address_from_the_source_of_a_web_page_is_named() {
    slip(
        &format!("ws://127.0.0.1:1/mcp_endpoint/mcp/?server_id=a&amp;token={}", escape(&token())),
        &["&amp;"],
    );
}

#[test]
fn an_address_copied_from_a_text_is_named() {
    slip(&format!("{TOOL}…"), &["example"]);
    slip(&format!("{TOOL}..."), &["example"]);
}

#[test]
fn the_address_of_the_console_in_place_of_a_tools_is_named() {
    slip(
        &format!("ws://127.0.0.1:1/mcp_endpoint/mcp/?key={KEY}"),
        &["the console address", "?token="],
    );
    slip(&format!("{TOOL}{KEY}"), &["contains a key, not a token"]);
    slip(
        &format!("http://127.0.0.1:1/mcp_endpoint/health?token={}", escape(&token())),
        &["two kinds of address are mixed up"],
    );
}

#[test]
fn http_for_ws_is_named() {
    let address = format!("{TOOL}{}", escape(&token())).replace("ws://", "http://");
    slip(&address, &["begins with ws://, not with http://"]);
    slip(&format!("ws://127.0.0.1:1/mcp_endpoint/health?key={KEY}"), &["begins with http://"]);
}

#[test]
fn an_address_of_another_service_is_named() {
    slip("wss://api.example.com/mcp/?token=eyJhbGciOi", &["no /mcp_endpoint", "xiaozhi.me"]);
}

#[test]
fn what_is_no_address_at_all_is_wrong_use() {
    for address in ["ftp://127.0.0.1/", "http://127.0.0.1:port/", "http://"] {
        let visit = Visit::to(address);
        assert_eq!(visit.status, Some(2), "{visit:?}");
        assert!(visit.complaints.contains("not a usable address"), "{visit:?}");
    }
}
