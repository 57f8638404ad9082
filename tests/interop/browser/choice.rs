//! Which tools an agent offers, chosen on the page.

use super::driver::{Browser, Look};
use super::{signed_in, AGENT, PHONE};
use crate::common::{Server, Tool, TIMEOUT};
use serde_json::{json, Value};
use std::path::PathBuf;

/// Ten tool servers with 120 tools: one has 90, ten tools of the others are for debugging.
fn company(server: &Server, agent: &str) -> Vec<Tool> {
    let connect = |label: &str, names: &[String]| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        server.tool(agent).named(label).offers(&names).connect()
    };
    let lights: Vec<String> = (0..90).map(|number| format!("light_{number}")).collect();
    let mut tools = vec![connect("lights", &lights)];
    for number in 0..9 {
        let mut names: Vec<String> =
            ["get", "set", "debug"].map(|verb| format!("{verb}_{number}")).into();
        names.extend(["debug_9", "more_1", "more_2"].get(number).map(|name| (*name).to_owned()));
        tools.push(connect(&format!("server_{number}"), &names));
    }
    tools
}

fn file(server: &Server) -> PathBuf {
    server.folder().path().join("data/tools.json")
}

/// What the file says of an agent.
fn entry(server: &Server, agent: &str) -> Value {
    let text = std::fs::read_to_string(file(server)).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str::<Value>(&text).unwrap()["agents"][agent].clone()
}

/// The names that a new robot is offered.
fn offered(server: &Server, agent: &str) -> Vec<String> {
    let mut robot = server.robot(agent);
    robot.start();
    robot.list()
}

/// The names in an answer to `tools/list`.
fn names(answer: &Value) -> Vec<&str> {
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

fn agent_of(browser: &mut Browser, id: &str) -> String {
    let place = format!("[...document.querySelectorAll('.agent')].findIndex((one) => one.querySelector('.name').textContent === '{id}') + 1");
    format!(".agent:nth-child({})", browser.evaluate(&place))
}

fn search(browser: &mut Browser, at: &str, text: &str) {
    browser.fill(&format!("{at} input[type=search]"), text);
}

/// Saves, and waits until that is done.
fn save(browser: &mut Browser, agent: &str) {
    browser.click(&format!("{agent} .saving .main"));
    browser.see(&format!("{agent} .saving button"), "Undo");
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_hundred_of_120_tools_are_hidden_for_one_agent_by_three_clicks() {
    let mut server = Server::start();
    let mut tools = company(&server, "kitchen");
    tools.extend(company(&server, "den"));
    let mut robot = server.robot("kitchen");
    robot.start();
    assert_eq!(robot.list().len(), 120);
    // xiaozhi-server takes a second answer to its list instead of a notification.
    let mut xiaozhi = server.robot("kitchen");
    xiaozhi.start_as("XiaozhiMCPEndpointClient");
    xiaozhi.request("7", "tools/list", json!({}));
    assert_eq!(names(&xiaozhi.answer_to("7").json).len(), 120);
    let Some(mut browser) = signed_in(&server, Look { width: PHONE, ..Look::default() }) else {
        return;
    };
    let kitchen = agent_of(&mut browser, "kitchen");
    browser.see(&kitchen, "120 tools · about");
    browser.see(&format!("{kitchen} .notice"), "More than 40 tools");
    // Three steps: all tools of one server, a search, and all that it finds.
    browser.click(&format!("{kitchen} .server:first-child > .row .switch"));
    search(&mut browser, &kitchen, "debug");
    browser.see(&format!("{kitchen} .choice"), "All matches");
    browser.click(&format!("{kitchen} .choice .switch"));
    browser.see(&format!("{kitchen} .saving"), "100 changes not saved.");
    browser.shoot("choice-phone", false);
    save(&mut browser, &kitchen);
    browser.see(&format!("{kitchen} .choice"), "20 of 120 tools");
    browser.miss(&format!("{kitchen} .choice .notice"), "More than");
    let puts: Vec<Value> = browser.writes();
    assert_eq!(puts.len(), 1, "saving is one request");
    robot.notification("notifications/tools/list_changed");
    assert_eq!(robot.list().len(), 20);
    let again = xiaozhi.answer_to("7");
    let again = names(&again.json);
    assert_eq!(again.len(), 20);
    assert!(!again.iter().any(|name| name.starts_with("light_") || name.starts_with("debug_")));
    assert_eq!(xiaozhi.call("light_7", json!({})).json["error"]["code"], -32602);
    assert_eq!(robot.call("light_7", json!({})).json["error"]["code"], -32602);
    assert_eq!(robot.call("debug_9", json!({})).json["error"]["code"], -32602);
    assert!(robot.call("get_3", json!({})).json["result"].is_object());
    assert_eq!(offered(&server, "den").len(), 120, "the other agent sees all");
    let mut other = server.robot("den");
    other.start();
    assert!(other.call("light_7", json!({})).json["result"].is_object());
    browser.is_well();
    drop((robot, xiaozhi, other, tools, browser));
    // The choice outlives server and tool servers.
    server.terminate();
    server.wait_exit(TIMEOUT);
    server.start_again();
    let mut tools = company(&server, "kitchen");
    tools.extend(company(&server, "den"));
    let mut robot = server.robot("kitchen");
    robot.start();
    assert_eq!(robot.list().len(), 20);
    assert_eq!(robot.call("light_7", json!({})).json["error"]["code"], -32602);
    assert!(robot.call("get_3", json!({})).json["result"].is_object());
    assert_eq!(offered(&server, "den").len(), 120);
    let Some(mut browser) = signed_in(&server, Look { width: 1280, ..Look::default() }) else {
        return;
    };
    let kitchen = agent_of(&mut browser, "kitchen");
    browser.see(&format!("{kitchen} .choice"), "20 of 120 tools");
    browser.is_well();
    browser.shoot("choice-desktop", false);
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_choice_is_undone_with_one_request_more() {
    let server = Server::start();
    let before = json!({ "hide": ["other/*"], "rename": { "clock/now": "time" }, "describe": { "time": "Tells it." } });
    // As a hand has written it.
    let spelled = before.to_string().replace(",", " ,\n      ");
    let text = format!(
        "{{ \"agents\" :{{ \"{AGENT}\":\t{spelled},\n \"den\": {{\"only\": [\"x\"]}} }}\n}}\n"
    );
    std::fs::write(file(&server), &text).unwrap();
    let mut server = server;
    server.restart();
    let _clock = server.tool(AGENT).named("clock").offers(&["now", "later"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see(".server li", "Tells it.");
    browser.see(".server li", "Its tool server calls it now. The selection file renames it.");
    browser.click(".server li:nth-child(2) .switch");
    browser.see(".saving", "1 change not saved.");
    save(&mut browser, "");
    let after = json!({ "hide": ["other/*", "clock/later"], "rename": { "clock/now": "time" }, "describe": { "time": "Tells it." } });
    assert_eq!(entry(&server, AGENT), after, "the other members stay");
    assert_eq!(offered(&server, AGENT), ["time"]);
    browser.miss(".server li:nth-child(2) button", "Call");
    browser.click(".saving button:nth-of-type(3)");
    browser.see(".saving", "Undone.");
    assert_eq!(std::fs::read_to_string(file(&server)).unwrap(), text, "every byte is back");
    assert_eq!(browser.writes().len(), 2);
    browser.see(".server li:nth-child(2) button", "Call");
    browser.click(".server li:nth-child(2) .switch");
    browser.click(".saving button:nth-of-type(2)");
    browser.miss(".saving", "");
    browser.see(".server li:nth-child(2) .switch:checked", "");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn what_all_agents_lack_is_locked_and_a_pattern_gives_way_to_names() {
    let mut server = Server::start();
    let text = json!({ "agents": { "*": { "hide": ["debug_*"] }, AGENT: { "hide": ["home_*"] } } });
    std::fs::write(file(&server), text.to_string()).unwrap();
    server.restart();
    let names = ["debug_all", "home_door", "home_lamp", "now"];
    let _home = server.tool(AGENT).named("home").offers(&names).connect();
    let Some(mut browser) = signed_in(&server, Look { width: PHONE, ..Look::default() }) else {
        return;
    };
    browser.see(".choice", "1 of 4 tools");
    browser.see(".server li:nth-child(1)", "Hidden for every agent");
    browser.until("document.querySelector('.server li .switch').disabled");
    browser.click(".server li:nth-child(3) .switch");
    browser.see(".saving", "Saving replaces the pattern home_* with the names of the other tools");
    browser.is_well();
    browser.shoot("choice-pattern", false);
    save(&mut browser, "");
    assert_eq!(entry(&server, AGENT), json!({ "hide": ["home/home_door"] }));
    assert_eq!(offered(&server, AGENT), ["home_lamp", "now"]);
    // The switch of the server leaves what is locked.
    browser.click(".server > .row .switch");
    browser.see(".choice", "3 of 4 tools");
    save(&mut browser, "");
    assert_eq!(entry(&server, AGENT), Value::Null, "an empty entry is not kept");
    assert_eq!(offered(&server, AGENT), ["home_door", "home_lamp", "now"]);
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_tool_that_only_leaves_out_is_added_to_it() {
    let mut server = Server::start();
    let text = json!({ "agents": { AGENT: { "only": ["home/n*"] } } });
    std::fs::write(file(&server), text.to_string()).unwrap();
    server.restart();
    let _home = server.tool(AGENT).named("home").offers(&["lamp", "now"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see(".choice", "1 of 2 tools");
    browser.click(".server li:nth-child(1) .switch");
    save(&mut browser, "");
    assert_eq!(entry(&server, AGENT), json!({ "only": ["home/n*", "home/lamp"] }));
    assert_eq!(offered(&server, AGENT), ["lamp", "now"]);
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_file_changed_meanwhile_is_shown_and_not_overwritten() {
    let server = Server::start();
    let _home = server.tool(AGENT).named("home").offers(&["a", "b", "c"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see(".server li", "c");
    browser.click(".server li:nth-child(1) .switch");
    let text = json!({ "agents": { AGENT: { "hide": ["home/b"] } } });
    std::fs::write(file(&server), text.to_string()).unwrap();
    browser.click(".saving .main");
    browser.see(".saving", "Not saved: the selection file has changed meanwhile.");
    assert_eq!(entry(&server, AGENT), json!({ "hide": ["home/b"] }));
    browser.see(".choice", "1 of 3 tools");
    save(&mut browser, "");
    assert_eq!(entry(&server, AGENT), json!({ "hide": ["home/b", "home/a"] }));
    assert_eq!(offered(&server, AGENT), ["c"]);
    // A mistake in the file is told.
    std::fs::write(file(&server), "{\"agents\": 7}").unwrap();
    browser.click(".server li:nth-child(1) .switch");
    browser.click(".saving .main");
    // In the language of the page: the server speaks Chinese.
    browser.see(".saving", "tools.json, line 1, column 12: agents: must be an object");
    assert_eq!(std::fs::read_to_string(file(&server)).unwrap(), "{\"agents\": 7}");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn two_agents_are_saved_one_after_the_other() {
    let server = Server::start();
    let _kitchen = server.tool("kitchen").named("home").offers(&["a", "b"]).connect();
    let _den = server.tool("den").named("home").offers(&["a", "b"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    let [kitchen, den] = ["kitchen", "den"].map(|id| {
        browser.see(".agent .name", id);
        agent_of(&mut browser, id)
    });
    browser.evaluate(
        "void document.querySelectorAll('.agent').forEach((one) => { one.open = true; })",
    );
    for agent in [&kitchen, &den] {
        browser.see(&format!("{agent} .server li:nth-child(2)"), "b");
    }
    for agent in [&kitchen, &den] {
        browser.click(&format!("{agent} .server li:nth-child(1) .switch"));
        save(&mut browser, agent);
    }
    assert_eq!(entry(&server, "kitchen"), json!({ "hide": ["home/a"] }));
    assert_eq!(entry(&server, "den"), json!({ "hide": ["home/a"] }));
    assert_eq!(browser.writes().len(), 2, "nothing was refused");
    // The first can still be taken back, and the second stays.
    browser.click(&format!("{kitchen} .saving button:nth-of-type(3)"));
    browser.see(&format!("{kitchen} .saving"), "Undone.");
    assert_eq!(offered(&server, "kitchen"), ["a", "b"]);
    assert_eq!(offered(&server, "den"), ["b"]);
    // The kitchen had no entry.
    assert_eq!(entry(&server, "kitchen"), Value::Null);
    assert_eq!(entry(&server, "den"), json!({ "hide": ["home/a"] }));
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_key_that_is_not_ascii_saves_a_choice() {
    let server = Server::builder();
    let server = server.set("server", "key", format!("%41 é{}", "密钥".repeat(16))).start();
    let _home = server.tool(AGENT).named("home").offers(&["a", "b"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see(".server li:nth-child(2)", "b");
    browser.click(".server li:nth-child(1) .switch");
    save(&mut browser, "");
    assert_eq!(entry(&server, AGENT), json!({ "hide": ["home/a"] }));
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn switches_moved_during_saving_wait_for_the_next() {
    let server = Server::start();
    let _home = server.tool(AGENT).named("home").offers(&["a", "b", "c"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see(".server li", "c");
    browser.evaluate(
        "void (window.real = window.fetch, window.fetch = async (at, more) => {
            if (more.method === 'PUT') await new Promise((go) => { window.go = go; });
            return real(at, more);
        })",
    );
    browser.click(".server li:nth-child(1) .switch");
    browser.click(".server li:nth-child(3) .switch");
    browser.click(".saving .main");
    browser.until("window.go !== undefined");
    browser.click(".server li:nth-child(1) .switch");
    browser.click(".server li:nth-child(2) .switch");
    browser.evaluate("void (window.fetch = real, go())");
    browser.see(".saving", "2 changes not saved. Saved.");
    assert_eq!(entry(&server, AGENT), json!({ "hide": ["home/a", "home/c"] }));
    save(&mut browser, "");
    assert_eq!(entry(&server, AGENT), json!({ "hide": ["home/c", "home/b"] }));
    assert_eq!(offered(&server, AGENT), ["a"]);
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn odd_names_and_labels_say_why() {
    let server = Server::start();
    let long = "n".repeat(65);
    let _one = server.tool(AGENT).named("one").offers(&["search", "查询", &long]).connect();
    let _two = server.tool(AGENT).named("one").offers(&["search", "more"]).connect();
    let Some(mut browser) = signed_in(&server, Look { width: PHONE, ..Look::default() }) else {
        return;
    };
    let second = ".server:nth-child(2)";
    browser.see(&format!("{second} li"), "Its tool server calls it search. Another tool server");
    browser.see(second, "This label may change when the tool server reconnects");
    browser.see(second, "&server_id=one-b");
    browser.miss(".server:nth-child(1)", "This label may change");
    browser.see(
        ".server:nth-child(1) li",
        "it has characters other than A-Z, a-z, 0-9, _ and -: 查 询",
    );
    browser.see(".server:nth-child(1) li", "it has 65 characters, more than 64");
    browser.see(".choice .notice", "Many models refuse the names of 2 tools.");
    browser.is_well();
    browser.shoot("choice-odd", true);
}
