//! What the board shows of agents, tools, addresses and refusals.

use super::driver::Look;
use super::{page_of, signed_in, AGENT, PHONE};
use crate::common::{Answer, Server};
use serde_json::json;

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn the_key_is_remembered_on_the_device_only_by_choice() {
    let server = Server::start();
    let Some(mut browser) = super::Browser::find(Look::default()) else { return };
    browser.goto(&page_of(&server));
    browser.click("#keep");
    browser.fill("#key", server.key());
    browser.press("Enter");
    browser.see("#board", "No tool server is connected yet");
    // As in another tab.
    browser.evaluate("sessionStorage.clear()");
    browser.goto(&page_of(&server));
    browser.see("#board", "No tool server is connected yet");
    browser.click("#sign-out");
    browser.see("#sign-in", "Enter the key");
    assert_eq!(browser.evaluate("[localStorage.length, sessionStorage.key]")[0], 0);
    browser.goto(&page_of(&server));
    browser.see("#sign-in", "Enter the key");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn wrong_keys_typed_here_are_not_among_the_refusals() {
    let server = Server::start();
    let Some(mut browser) = super::Browser::find(Look::default()) else { return };
    browser.goto(&page_of(&server));
    for wrong in ["wrong", "wronger"] {
        browser.fill("#key", wrong);
        browser.press("Enter");
        browser.see("#sign-in-trouble", "The key is wrong");
        browser.evaluate("void (document.getElementById('sign-in-trouble').textContent = '')");
    }
    browser.fill("#key", server.key());
    browser.press("Enter");
    browser.see("#board", "No connection was refused");
    // Somebody else's is.
    server.get("/mcp_endpoint/health?key=guess");
    browser.see("#refusals li", "1 time, last");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_long_description_is_cut_and_opened_by_a_click() {
    let server = Server::start();
    let tool = json!({ "name": "talk", "description": "A long story. ".repeat(60) + "The end." });
    let _tools = server.tool(AGENT).offers_described(vec![tool]).connect();
    let look = Look { width: PHONE, ..Look::default() };
    let Some(mut browser) = signed_in(&server, look) else { return };
    browser.see(".server li", "A long story.");
    let cut = "(() => { const one = document.querySelector('.server li .hint'); return [one.scrollHeight > one.clientHeight, getComputedStyle(one).webkitLineClamp]; })()";
    assert_eq!(browser.evaluate(cut), json!([true, "2"]));
    browser.click(".server li .hint");
    assert_eq!(browser.evaluate(cut)[0], false);
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn the_filter_is_there_from_the_first_tool_and_goes_across_servers() {
    let server = Server::start();
    let _clock = server.tool(AGENT).named("clock").offers(&["now"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see("input[type=search]", "");
    let many: Vec<String> = (0..20).map(|number| format!("lamp_{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let _lamps = server.tool(AGENT).named("lamps").offers(&many).connect();
    browser.see(".server", "20 tools");
    browser.miss(".server code", "lamp_7");
    browser.fill("input[type=search]", "LAMP_7");
    browser.see(".server code", "lamp_7");
    browser.miss(".server", "clock");
    browser.fill("input[type=search]", "clock");
    browser.see(".server code", "now");
    browser.miss(".server", "lamps");
    browser.fill("input[type=search]", "neither");
    browser.see(".agent", "No tool matches");
    browser.fill("input[type=search]", "");
    browser.see(".server code", "now");
    browser.miss(".server code", "lamp_7");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn the_dot_of_an_agent_shows_the_worst_state_inside() {
    let server = Server::start();
    let _good = server.tool(AGENT).named("good").offers(&["now"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see(".agent > summary .dot.good", "");
    let _opaque = server
        .tool(AGENT)
        .named("bad")
        .on("initialize", |_| Answer::Error(1, "no".to_owned()))
        .dial();
    browser.see(".agent > summary .dot.bad", "");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_long_agent_id_is_shortened_and_copied_whole() {
    let server = Server::start();
    let id = format!("{}-the-end", "4f1c".repeat(30));
    let _tool = server.tool(&id).offers(&["now"]).connect();
    let look = Look { width: PHONE, clipboard: true, ..Look::default() };
    let Some(mut browser) = signed_in(&server, look) else { return };
    browser.see(".agent > summary .name", &id);
    let height = browser.evaluate("document.querySelector('.agent .name').offsetHeight");
    assert!(height.as_i64().unwrap() < 30, "{height} pixels: one line");
    browser.click(".agent > summary button");
    browser.see(".agent > summary button", "Copied");
    assert_eq!(browser.evaluate("document.querySelector('.agent').open"), true);
    browser.fill("#agent-id", "");
    browser.click("#agent-id");
    browser.press("Control+V");
    assert_eq!(browser.evaluate("document.getElementById('agent-id').value"), json!(id));
    browser.is_well();
    browser.shoot("long-id", false);
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn that_an_address_is_of_this_machine_only_is_said_once() {
    let server = Server::start();
    let _one = server.tool("one").offers(&["now"]).connect();
    let _two = server.tool("two").offers(&["now"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    for agent in 1..=2 {
        browser.click(&format!(".agent:nth-child({agent}) .inside > .names > summary"));
        browser.see(&format!(".agent:nth-child({agent}) .addresses code"), "token=");
    }
    browser.click("#make button");
    browser.see("#made code", "token=");
    let notes = "[...document.querySelectorAll('p')].filter((one) => one.textContent.includes('own machine only')).length";
    assert_eq!(browser.evaluate(notes), 1);
    browser.is_well();
}
