//! What the board shows of agents, tools, addresses and refusals.

use super::driver::Look;
use super::{page_of, signed_in, AGENT, PHONE};
#[cfg(all(unix, feature = "children"))]
use crate::common::Folder;
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

/// A server that runs these entries. The folder holds its servers file.
#[cfg(all(unix, feature = "children"))]
fn running(entries: serde_json::Value) -> (Server, Folder) {
    let folder = Folder::fresh();
    folder.write("servers.json", &json!({"mcpServers": entries}).to_string());
    let path = folder.path().join("servers.json");
    let builder = Server::builder().env("MCP_CONFIG", path.display());
    (builder.set("server", "language", "en").start(), folder)
}

#[test]
#[cfg(all(unix, feature = "children"))]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn entries_of_the_servers_file_are_shown_with_what_is_wrong_with_them() {
    let program = crate::common::program();
    let (server, _folder) = running(json!({
        "good": {"command": program.to_str().unwrap(), "args": ["demo"]},
        "ends": {"command": "sh", "args": ["-c", "echo why it ends >&2; exit 3"], "agents": ["kitchen"]},
        "wrong": {"command": "sh", "timeout": "soon"},
        "slow": {"command": "sh", "args": ["-c", "exec sleep 1000"]},
        "off": {"command": "sh", "disabled": true},
    }));
    for (locale, width) in [("en-US", 1100), ("zh-CN", PHONE)] {
        let look = Look { locale, width, ..Look::default() };
        let Some(mut browser) = signed_in(&server, look) else { return };
        let is_english = locale == "en-US";
        browser.see("#entries .dot.good", "");
        for (english, chinese) in [
            ("ready", "就绪"),
            ("restarting", "等待重启"),
            ("misconfigured", "配置有误"),
            ("starting", "启动中"),
            ("stopped", "已停用"),
            ("3 tools · for every agent", "3 个工具 · 所有智能体可用"),
            ("only for kitchen", "仅限智能体 kitchen"),
            ("npx and uvx download", "首次启动时要下载"),
        ] {
            browser.see("#entries", if is_english { english } else { chinese });
        }
        browser.see("#entries .bad", "exit status 3");
        browser.see("#entries .bad", "timeout must be");
        browser.see("#entries", "switched off in the file");
        // What it wrote is folded.
        browser.miss("#entries pre", "why it ends");
        let ends = "[...document.querySelectorAll('#entries > li')].findIndex((one) => one.textContent.includes('kitchen'))";
        let place = browser.evaluate(ends).as_i64().unwrap() + 1;
        browser.click(&format!("#entries > li:nth-child({place}) summary"));
        browser.see("#entries pre", "why it ends");
        // Its tools are there before a device is.
        browser.see(".server li", "calculator");
        browser.miss("#welcome", "");
        browser.is_well();
        browser.shoot(&format!("entries-{}-{width}", &locale[..2]), true);
    }
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn an_empty_page_shows_the_servers_file_first() {
    let server = Server::start();
    let look = Look { clipboard: true, ..Look::default() };
    let Some(mut browser) = signed_in(&server, look) else { return };
    if cfg!(all(unix, feature = "children")) {
        browser.see("#welcome-file", "data/mcp_config.json");
        browser.see("#welcome-file code", "mcp-server-time");
        browser.click("#welcome-file button");
        browser.see("#welcome-file button", "Copied");
        let shown = browser.text("#welcome-file code");
        assert_eq!(shown.lines().count(), 4, "{shown}");
        assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok(), "{shown}");
        browser.click("#language");
        browser.see("#welcome-file", "把下面的内容写入 data/mcp_config.json");
        browser.shoot("empty-zh", true);
        browser.click("#language");
    }
    browser.see("#welcome-addresses code", "tests/parts/bridge.py");
    browser.is_well();
}
