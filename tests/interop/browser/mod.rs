//! The status page in a real browser, before the real program and real connections.
//!
//! `cargo test --test interop browser:: -- --ignored`
//!
//! Where node, Chromium or playwright-core is missing these tests say `skipped: needs …`; under
//! `CI` they fail instead. Pictures of every view are put into `target/screenshots`.

mod board;
mod choice;
mod driver;
mod form;

use crate::common::{Answer, Server, Tool};
use driver::{Browser, Look};
use serde_json::{json, Value};

const AGENT: &str = "single_module";
const PHONE: u32 = 360;

fn page_of(server: &Server) -> String {
    format!("http://127.0.0.1:{}/mcp_endpoint/", server.port())
}

/// A browser that shows the board of a server.
fn signed_in(server: &Server, look: Look) -> Option<Browser> {
    let mut browser = Browser::find(look)?;
    browser.goto(&page_of(server));
    browser.fill("#key", server.key());
    browser.press("Enter");
    browser.see("#board", "");
    Some(browser)
}

/// A tool with arguments of every kind, which answers what it was given.
fn lamp(server: &Server) -> Tool {
    let schema = json!({
        "type": "object",
        "required": ["room", "on", "level"],
        "properties": {
            "room": { "type": "string", "description": "Which room" },
            "on": { "type": "boolean" },
            "level": { "type": "integer", "minimum": 0 },
            "warmth": { "type": "number", "default": 0.5 },
            "mode": { "enum": ["calm", "party"], "default": "party" },
            "colour": { "anyOf": [{ "$ref": "#/$defs/Colour" }, { "type": "null" }] },
            "scene": { "type": "object" },
            "note": { "type": "string" },
        },
        "$defs": { "Colour": { "type": "array", "items": { "type": "integer" } } },
    });
    let tool = json!({ "name": "lamp_set", "description": "Sets a lamp.", "inputSchema": schema });
    let given = |message: &crate::common::Message| {
        Answer::Text(message.json["params"]["arguments"].to_string())
    };
    server.tool(AGENT).named("lamps").offers_described(vec![tool]).on_call(given).connect()
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn the_key_is_asked_for_once_and_kept_in_the_tab_only() {
    let server = Server::start();
    let Some(mut browser) = Browser::find(Look::default()) else { return };
    browser.goto(&page_of(&server));
    browser.see("#sign-in", "Enter the key");
    assert!(browser.evaluate("document.getElementById('board').hidden").as_bool().unwrap());
    browser.shoot("sign-in", true);
    browser.fill("#key", "wrong");
    browser.click("#enter");
    browser.see("#sign-in-trouble", "The key is wrong");
    let line = format!("智控台MCP参数配置: {}health?key={}", page_of(&server), server.key());
    browser.fill("#key", &line);
    browser.click("#enter");
    browser.see("#board", "No tool server is connected yet");
    let kept = browser.evaluate("[location.href, JSON.stringify(localStorage), document.cookie]");
    assert_eq!(kept, json!([page_of(&server), "{}", ""]));
    browser.goto(&page_of(&server));
    browser.see("#board", "No tool server is connected yet");
    for request in browser.requests() {
        assert!(
            request.starts_with(&page_of(&server)) || request.starts_with("data:"),
            "{request}"
        );
        assert!(!request.contains(server.key()), "{request}");
    }
    browser.click("#sign-out");
    browser.see("#sign-in", "Enter the key");
    browser.goto(&page_of(&server));
    browser.see("#sign-in", "Enter the key");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_key_that_no_longer_holds_is_reported_from_a_wrong_one() {
    let server = Server::start();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.evaluate("sessionStorage.setItem('key', 'what it was before')");
    browser.goto(&page_of(&server));
    browser.see("#sign-in-trouble", "key has changed");
    browser.fill("#key", "wrong");
    browser.press("Enter");
    browser.see("#sign-in-trouble", "The key is wrong");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn an_agent_that_is_only_remembered_stands_last_and_closed() {
    let server = Server::start();
    drop(server.tool("a-visitor").named("visitor").offers(&["look"]).connect());
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see("#welcome-addresses code", "bridge.py");
    browser.see(".agent", "a-visitor");
    let open = "document.querySelector('.agent').open";
    assert_eq!(browser.evaluate(open), json!(false));
    let _tool = server.tool("z-agent").offers(&["now"]).connect();
    browser.see(".server li", "now");
    browser.miss("#welcome", "");
    assert_eq!(browser.text(".agent:last-child .name"), "a-visitor");
    browser.click(".agent:last-child > summary");
    browser.see(".agent:last-child", "visitor");
    browser.miss(".agent:last-child code", "bridge.py");
    // The one that comes back is opened.
    browser.click(".agent:last-child > summary");
    let _back = server.tool("a-visitor").named("visitor").offers(&["look"]).connect();
    browser.see(".server li", "look");
    assert_eq!(browser.text(".agent:last-child .name"), "z-agent");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn refusals_of_one_address_stand_together() {
    let server = Server::start();
    server.get("/mcp_endpoint/health?key=guess");
    server.get("/mcp_endpoint/mcp/?token=guess");
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see("#refusals li", "1 time, last");
    let counts = "['#refusals > li', '#refusals .reason'].map((one) => document.querySelectorAll(one).length)";
    assert_eq!(browser.evaluate(counts), json!([1, 2]), "{}", browser.text("#refusals"));
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_key_in_the_address_is_taken_and_removed_from_it() {
    let server = Server::start();
    for mark in ["?", "#"] {
        let Some(mut browser) = Browser::find(Look::default()) else { return };
        browser.goto(&format!("{}{mark}key={}", page_of(&server), server.key()));
        browser.see("#board", "No tool server is connected yet");
        assert_eq!(browser.evaluate("location.href"), json!(page_of(&server)));
        browser.is_well();
    }
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_tool_arrives_and_leaves_without_reloading() {
    let server = Server::start();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see("#welcome-addresses code", "tests/parts/bridge.py 'ws://127.0.0.1:");
    let port = server.port().to_string();
    assert!(browser.text("#welcome-addresses code").contains(&port));
    browser.shoot("empty-en", true);
    let tool = server.tool(AGENT).named("weather").version("2.5").offers(&["now"]).connect();
    browser.see(".server", "weather 2.5");
    browser.see(".server .badge", "ready");
    browser.see(".server li", "now");
    browser.miss("#welcome", "");
    let mut robot = server.robot(AGENT);
    robot.start_as("xiaozhi-7");
    browser.see(".agent", "xiaozhi-7");
    tool.change_tools(&["now", "tomorrow"]);
    browser.see(".server li", "tomorrow");
    browser.evaluate("void (document.querySelector('.agent').mark = 'the same node')");
    drop(tool);
    browser.miss(".server", "");
    browser.see(".agent li", "lost");
    browser.see(".agent code", "bridge.py");
    let mark = browser.evaluate("document.querySelector('.agent').mark");
    assert_eq!(mark, "the same node", "nodes are kept");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_poll_costs_neither_focus_nor_what_is_open() {
    let server = Server::start();
    let _tool = server.tool(AGENT).offers(&["now"]).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see(".server li", "now");
    browser.click(".inside > .names > summary");
    browser.see(".addresses code", "/mcp_endpoint/call/?token=");
    browser.fill("#agent-id", "half writt");
    let before = browser.text("#facts");
    browser.until(&format!("document.getElementById('facts').textContent !== {}", json!(before)));
    let state = "[document.activeElement.id, document.querySelector('.inside > .names').open, document.getElementById('agent-id').value]";
    assert_eq!(browser.evaluate(state), json!(["agent-id", true, "half writt"]));
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_tool_is_called_through_a_form_made_from_its_schema() {
    let server = Server::start();
    let tool = lamp(&server);
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.click(".server li button");
    browser.see("#call", "Sets a lamp.");
    let at = "[document.activeElement.id, document.getElementById('field-room').type]";
    assert_eq!(browser.evaluate(at), json!(["field-colour", "text"]));
    browser.fill("#field-room", "kitchen \"一\"");
    browser.click("#call-go");
    let invalid = "document.querySelector('#field-on:invalid') !== null";
    assert!(browser.evaluate(invalid).as_bool().unwrap(), "a required choice is missing");
    browser.choose("#field-on", "false");
    browser.fill("#field-level", "9007199254740993");
    browser.fill("#field-colour", "[1, 2");
    browser.click("#call-go");
    browser.see(".field .bad", "colour is not valid JSON");
    browser.fill("#field-colour", "[1, 2]");
    browser.press("Control+Enter");
    let sent = tool.next("tools/call").text;
    let arguments = r#""arguments":{"colour":[1, 2],"level":9007199254740993,"on":false,"room":"kitchen \"一\""}"#;
    assert!(sent.contains(arguments), "{sent}");
    browser.see("#said", "9007199254740993");
    browser.see("#call-time", "ms");
    browser.shoot("call-en", false);
    browser.click("#details > summary");
    browser.see("#request", "\"name\": \"lamp_set\"");
    browser.see("#answer", "\"content\"");
    browser.click("#raw-mode");
    browser.until("document.getElementById('raw').value.includes('kitchen')");
    browser.fill("#raw", "[]");
    browser.click("#call-go");
    browser.see("#raw-field .bad", "must be a JSON object");
    browser.fill("#raw", r#"{"anything":1e2}"#);
    browser.press("Control+Enter");
    assert!(tool.next("tools/call").text.contains(r#""arguments":{"anything":1e2}"#));
    browser.see("#answer", "anything");
    browser.click("#raw-mode");
    browser.click("#field-room");
    browser.press("Enter");
    tool.next("tools/call");
    browser.press("Escape");
    browser.miss("#call", "");
    browser.see(".agent", "No robot is connected");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_failed_call_and_a_lost_tool_are_reported() {
    let server = Server::start();
    let tool = server.tool(AGENT).offers(&["now"]).on_call(|_| Answer::Never).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.click(".server li button");
    browser.click("#call-go");
    tool.next("tools/call");
    browser.see("#call-time", "waiting");
    drop(tool);
    browser.see("#said.bad", "call again when it is back");
    browser.see("#said.bad", "工具端连接已断开");
    browser.click("#details > summary");
    browser.see("#answer", "-32003");
    // Until the grace is over it is waited for.
    browser.click("#call-go");
    browser.see("#call-time", "waiting for it to reconnect");
    browser.see("#said.bad", "Start its program");
    browser.see("#answer", "-32001");
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn an_address_is_copied_with_and_without_a_clipboard() {
    let server = Server::start();
    let look = Look { clipboard: true, ..Look::default() };
    for host in ["127.0.0.1", "device.test"] {
        let Some(mut browser) = Browser::find(look) else { return };
        let page = format!("http://{host}:{}/mcp_endpoint/", server.port());
        browser.goto(&format!("{page}#key={}", server.key()));
        let has_clipboard = browser.evaluate("navigator.clipboard !== undefined");
        assert_eq!(has_clipboard, host == "127.0.0.1");
        browser.fill("#agent-id", "my agent/小");
        browser.press("Enter");
        browser.see("#made", "For tool servers");
        browser.click("#made button");
        browser.see("#made button", "Copied");
        let shown = browser.text("#made code");
        assert!(
            shown.starts_with(&format!("ws://{host}:{}/mcp_endpoint/mcp/?token=", server.port()))
        );
        // What was copied is what is pasted.
        browser.fill("#agent-id", "");
        browser.click("#agent-id");
        browser.press("Control+V");
        assert_eq!(browser.evaluate("document.getElementById('agent-id').value"), json!(shown));
        let (_, path) = shown.split_once(&server.port().to_string()).unwrap();
        let _tool = server.ws(path);
        browser.see(".agent .name", "my agent/小");
        browser.is_well();
    }
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn every_view_fits_a_phone_in_both_languages_light_and_dark() {
    let server = Server::start();
    let _lamp = lamp(&server);
    let _twin = server.tool(AGENT).named("weather").offers(&["now", "tomorrow"]).connect();
    let mut robot = server.robot(AGENT);
    robot.start_as("XiaozhiMCPEndpointClient");
    server.get("/mcp_endpoint/health?key=guess");
    for (locale, name, word) in
        [("zh-CN", "zh", "智能体"), ("en-US", "en", "Agents"), ("fr", "fr", "Agents")]
    {
        for (width, dark) in [(PHONE, false), (PHONE, true), (1100, false), (1100, true)] {
            let look = Look { locale, width, dark, clipboard: false };
            let Some(mut browser) = signed_in(&server, look) else { return };
            browser.see("h2", word);
            browser.see("#refusals li", "127.0.0.1");
            browser.see(".server li", "tomorrow");
            let lang = browser.evaluate("document.documentElement.lang");
            assert_eq!(lang, if name == "zh" { "zh-CN" } else { "en" });
            let paper = browser.evaluate("getComputedStyle(document.body).backgroundColor");
            assert_eq!(paper == "rgb(19, 21, 23)", dark, "{paper}");
            browser.is_well();
            let kind = format!("{name}-{width}{}", if dark { "-dark" } else { "" });
            browser.shoot(&format!("board-{kind}"), true);
            browser.click(".server li button");
            browser.see("#call-go", "");
            browser.is_well();
            browser.shoot(&format!("call-{kind}"), false);
            if name == "fr" {
                break;
            }
        }
    }
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn the_language_can_be_changed() {
    let server = Server::start();
    let _tool = server.tool(AGENT).named("weather").offers(&["now"]).connect();
    let look = Look { locale: "zh-TW", ..Look::default() };
    let Some(mut browser) = signed_in(&server, look) else { return };
    browser.see(".server .badge", "就绪");
    browser.click("#language");
    browser.see(".server .badge", "ready");
    browser.see("#facts", "Tools");
    browser.see(".server button", "Call");
    browser.click("#language");
    browser.see(".server button", "调用");
    browser.is_well();
}

/// Words that do harm in a page that takes them for more than text.
const HOSTILE: [&str; 8] = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "javascript:alert(3)",
    "\"'><svg onload=alert(4)>",
    "{{constructor.constructor('alert(5)')()}}",
    "__proto__",
    "\u{202e}evil\u{2066}",
    "constructor",
];

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn hostile_names_are_only_text() {
    let server = Server::start();
    let described = |name: &str| {
        let property = json!({ "type": "string", "description": name, "default": name });
        let properties =
            json!({ name: property, "n": { "type": name, "enum": [name], "minimum": name } });
        json!({ "name": name, "description": name, "inputSchema": { "properties": properties, "required": name } })
    };
    let odd = json!({ "name": "odd", "description": { "a": 1 }, "inputSchema": { "properties": [null, 7, { "$ref": "#/properties/2" }] } });
    let tools: Vec<Value> = HOSTILE.iter().map(|name| described(name)).chain([odd]).collect();
    let say = |message: &crate::common::Message| {
        Answer::Text(message.json["params"]["name"].as_str().unwrap().to_owned())
    };
    let _tools: Vec<Tool> = HOSTILE
        .iter()
        .map(|name| {
            let tool = server.tool(name).named(name).version(name).server_id(name);
            tool.offers_described(tools.clone()).on_call(say).connect()
        })
        .collect();
    let _refused = server
        .tool(HOSTILE[0])
        .on("initialize", |_| Answer::Error(1, HOSTILE[0].to_owned()))
        .dial();
    let mut robots: Vec<_> = HOSTILE.iter().map(|name| server.robot(name)).collect();
    robots.iter_mut().zip(HOSTILE).for_each(|(robot, name)| drop(robot.start_as(name)));
    let look = Look { width: PHONE, ..Look::default() };
    let Some(mut browser) = signed_in(&server, look) else { return };
    for name in HOSTILE {
        browser.see(".agent > summary", name);
    }
    browser.evaluate(
        "void document.querySelectorAll('details').forEach((one) => { one.open = true; })",
    );
    browser.until(&format!("document.querySelectorAll('.server li').length === {}", 8 * 9));
    browser.see(".server p.bad", HOSTILE[0]);
    for name in HOSTILE {
        browser.until(&format!(
            "[...document.querySelectorAll('.server code')].some((one) => one.textContent === {})",
            json!(name)
        ));
        let click = format!(
            "[...document.querySelectorAll('.server li')].find((one) => one.querySelector('code').textContent === {}).querySelector('button').click()",
            json!(name)
        );
        browser.evaluate(&click);
        browser.until("document.getElementById('call').open");
        browser.click("#raw-mode");
        browser.fill("#raw", "{}");
        browser.click("#call-go");
        browser.see("#said", name);
        browser.is_well();
        browser.click("#call-close");
    }
    browser.evaluate("[...document.querySelectorAll('.server li')].find((one) => one.textContent.startsWith('odd')).querySelector('button').click()");
    browser.see("#call-name", "odd");
    let made = "[document.images.length, document.scripts.length, document.querySelectorAll('svg, a, [onerror]').length, String(Object.prototype.json)]";
    assert_eq!(browser.evaluate(made), json!([0, 1, 0, "undefined"]));
    browser.is_well();
    browser.shoot("hostile", true);
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_thousand_tools_stay_usable() {
    let server = Server::start();
    let names: Vec<String> = (0..1000).map(|number| format!("tool_number_{number:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tool = server.tool(AGENT).offers(&names).connect();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see(".server", "1,000 tools");
    browser.click(".server .names > summary");
    browser.fill("input[type=search]", "0777");
    browser.until(
        "[...document.querySelectorAll('.server li')].filter((one) => !one.hidden).length === 1",
    );
    browser.click(".server li:not([hidden]) button");
    browser.click("#call-go");
    assert!(tool.next("tools/call").text.contains("tool_number_0777"));
    browser.click("#details > summary");
    browser.see("#answer", "jsonrpc");
    browser.press("Escape");
    browser.fill("input[type=search]", "nothing like it");
    browser.see(".agent", "No tool matches");
    let asked = browser.requests().iter().filter(|request| request.contains("/tools?")).count();
    assert_eq!(asked, 1, "a list that has not changed is not fetched again");
    // What a poll costs the page, besides waiting.
    let spent = browser.evaluate("(() => { const start = performance.now(); document.querySelector('input[type=search]').dispatchEvent(new Event('input')); return performance.now() - start; })()");
    assert!(spent.as_f64().unwrap() < 500.0, "{spent} ms to filter");
    browser.is_well();
    browser.shoot("thousand", false);
}

#[cfg(unix)]
#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn the_page_says_when_the_server_is_away_and_recovers_by_itself() {
    let mut server = Server::start();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.see("#live", "Live");
    server.terminate();
    server.wait_exit(crate::common::TIMEOUT);
    browser.see("#live", "Disconnected");
    browser.see("#away", "does not answer");
    let looks =
        "['#facts', '#away'].map((one) => getComputedStyle(document.querySelector(one)).opacity)";
    assert_eq!(browser.evaluate(looks), json!(["0.5", "1"]), "old numbers look old");
    browser.shoot("away", true);
    server.start_again();
    let _tool = server.tool(AGENT).named("weather").offers(&["now"]).connect();
    browser.see("#live", "Live");
    browser.see(".server", "weather");
    browser.miss("#away", "does not answer");
    assert_eq!(browser.evaluate(looks), json!(["1", "1"]));
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_page_that_nobody_looks_at_asks_for_nothing() {
    let server = Server::start();
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.evaluate("void Object.defineProperty(document, 'hidden', { configurable: true, get: () => window.away })");
    browser.evaluate(
        "void (window.away = true, document.dispatchEvent(new Event('visibilitychange')))",
    );
    let polls = |browser: &mut Browser| {
        browser.requests().iter().filter(|request| request.contains("/status")).count()
    };
    // One may be under way; then there is none although three would be due.
    browser.evaluate("new Promise((resolve) => setTimeout(resolve, 500))");
    let before = polls(&mut browser);
    browser.evaluate("new Promise((resolve) => setTimeout(resolve, 6000))");
    assert_eq!(polls(&mut browser), before);
    browser.evaluate(
        "void (window.away = false, document.dispatchEvent(new Event('visibilitychange')))",
    );
    browser.until("performance.getEntriesByType('resource').length > 0");
    let end = std::time::Instant::now() + crate::common::TIMEOUT;
    while polls(&mut browser) == before {
        assert!(std::time::Instant::now() < end, "it asks again");
    }
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn the_page_works_below_a_prefix() {
    let server = Server::builder().set("server", "path_prefix", "/foo").start();
    let tool = server.tool(AGENT).offers(&["now"]).connect();
    let Some(mut browser) = Browser::find(Look::default()) else { return };
    let page = format!("http://127.0.0.1:{}/foo/mcp_endpoint", server.port());
    browser.goto(&format!("{page}?key={}", server.key()));
    browser.click(".server li button");
    browser.click("#call-go");
    tool.next("tools/call");
    browser.click("#details > summary");
    browser.see("#answer", "result");
    browser.press("Escape");
    browser.click("#make button");
    browser.see("#made code", &format!(":{}/foo/mcp_endpoint/mcp/?token=", server.port()));
    browser.is_well();
}
