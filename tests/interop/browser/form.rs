//! The form that calls a tool, and what it shows of the result.

use super::driver::{Browser, Look};
use super::{signed_in, AGENT, PHONE};
use crate::common::{Answer, Server, Tool};
use serde_json::{json, Value};

/// A tool server with one tool.
fn offering(server: &Server, name: &str, properties: Value, required: &[&str]) -> Tool {
    let schema = json!({
        "type": "object", "properties": properties, "required": required,
        "$defs": { "Stop": {
            "type": "object",
            "properties": {
                "name": { "type": "string" },
                "at": { "type": "string", "format": "time" },
                "nights": { "type": "integer", "minimum": 1 },
                "note": { "type": "string" },
            },
            "required": ["name", "at", "nights"],
        } },
    });
    let tool = json!({ "name": name, "description": "What it does.", "inputSchema": schema });
    server.tool(AGENT).named("tools").offers_described(vec![tool]).connect()
}

/// The arguments of the next call, as they were sent.
fn arguments(tool: &Tool) -> Value {
    tool.next("tools/call").json["params"]["arguments"].clone()
}

fn choices(browser: &mut Browser, field: &str) -> Value {
    browser.evaluate(&format!(
        "[...document.getElementById('field-{field}').options].map((one) => one.text)"
    ))
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn what_nobody_fills_in_is_not_sent() {
    let server = Server::start();
    // As Python's `Optional[bool] = None` and its like are described.
    let maybe =
        |kind: Value| json!({ "anyOf": [kind, { "type": "null" }], "default": null, "title": "T" });
    let properties = json!({
        "force": maybe(json!({ "type": "boolean" })),
        "count": maybe(json!({ "type": "integer" })),
        "name": maybe(json!({ "type": "string" })),
        "mode": maybe(json!({ "enum": ["calm", "party"], "type": "string" })),
        "tags": maybe(json!({ "type": "array", "items": { "type": "string" } })),
        "level": { "type": "integer", "default": 3 },
        "quiet": { "type": "boolean", "default": false },
        "room": { "type": "string", "enum": ["kitchen", "hall"] },
    });
    let tool = offering(&server, "lamp_set", properties, &["room"]);
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.click(".server li button");
    browser.see("#call", "What it does.");
    for field in ["force", "quiet"] {
        assert_eq!(choices(&mut browser, field), json!(["(not given)", "true", "false"]));
    }
    assert_eq!(choices(&mut browser, "mode"), json!(["(not given)", "calm", "party"]));
    assert_eq!(choices(&mut browser, "room"), json!(["kitchen", "hall"]));
    browser.click("#call-go");
    browser.until("document.querySelector('#field-room:invalid') !== null");
    browser.choose("#field-room", "hall");
    browser.click("#call-go");
    assert_eq!(arguments(&tool), json!({ "room": "hall" }));
    browser.choose("#field-force", "false");
    browser.fill("#field-level", "3");
    browser.click("#call-go");
    assert_eq!(arguments(&tool), json!({ "force": false, "level": 3, "room": "hall" }));
    // JSON begins with what the form holds.
    browser.choose("#field-force", "(not given)");
    browser.click("#raw-mode");
    browser.click("#call-go");
    assert_eq!(arguments(&tool), json!({ "level": 3, "room": "hall" }));
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn limits_formats_and_defaults_are_named() {
    let server = Server::start();
    let properties = json!({
        "level": { "type": "integer", "minimum": 0, "maximum": 100, "default": 50 },
        "share": { "type": "number", "exclusiveMinimum": 0, "multipleOf": 0.25 },
        "day": { "type": "string", "format": "date" },
        "word": { "type": "string", "minLength": 2, "maxLength": 20, "pattern": "^[a-z]+$" },
        "stops": { "type": "array", "items": { "$ref": "#/$defs/Stop" }, "maxItems": 5 },
        "either": { "anyOf": [{ "type": "integer" }, { "type": "string" }] },
    });
    let _tool = offering(&server, "plan", properties, &[]);
    let Some(mut browser) = signed_in(&server, Look::default()) else { return };
    browser.click(".server li button");
    for (field, said) in [
        ("level", "integer · 0–100 · default 50"),
        ("share", "number · > 0 · multiple of 0.25"),
        ("day", "string · date"),
        ("word", "string · 2–20 characters · /^[a-z]+$/"),
        ("stops", "array [object · { at, name, nights, note? }] · ≤ 5 items"),
        ("either", "integer | string"),
    ] {
        browser.see(&format!("label[for=field-{field}]"), said);
    }
    browser.is_well();
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn a_skeleton_of_a_nested_value_comes_from_the_schema() {
    let server = Server::start();
    let properties = json!({
        "trip": { "type": "object", "properties": {
            "stops": { "type": "array", "items": { "$ref": "#/$defs/Stop" } },
            "kind": { "enum": ["work", "fun"] },
            "self": { "$ref": "#/properties/trip" },
        } },
        "note": { "type": "string" },
    });
    let tool = offering(&server, "plan", properties, &[]);
    let Some(mut browser) = signed_in(&server, Look { width: PHONE, ..Look::default() }) else {
        return;
    };
    browser.click(".server li button");
    browser.see("#call", "What it does.");
    browser.click(".field button");
    browser.click("#call-go");
    let trip = arguments(&tool)["trip"].clone();
    assert_eq!(trip["stops"], json!([{ "name": "", "at": "08:00:00", "nights": 1 }]));
    assert_eq!(trip["kind"], "work");
    browser.see("#said", "");
    browser.is_well();
    browser.shoot("skeleton", false);
}

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn wrong_json_is_reported_at_its_field_and_call_stays_in_reach() {
    let server = Server::start();
    let mut properties = json!({ "a_list": { "type": "array" } });
    for number in 0..30 {
        properties[format!("field_{number:02}")] = json!({ "type": "string" });
    }
    let _tool = offering(&server, "many", properties, &[]);
    let Some(mut browser) = signed_in(&server, Look { width: PHONE, ..Look::default() }) else {
        return;
    };
    browser.click(".server li button");
    browser.fill("#field-a_list", "[1, 2");
    browser.evaluate("document.getElementById('field-field_29').focus()");
    let in_reach = |browser: &mut Browser, at: &str| {
        let inside = format!("(() => {{ const box = document.querySelector('{at}').getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight && document.elementFromPoint(box.left + 5, box.top + 5).matches('{at}'); }})()");
        assert_eq!(browser.evaluate(&inside), json!(true), "{at}");
    };
    in_reach(&mut browser, "#call-go");
    browser.click("#call-go");
    browser.see("#field-a_list + .bad", "a_list is not valid JSON");
    assert_eq!(browser.evaluate("document.activeElement.id"), "field-a_list");
    in_reach(&mut browser, "#field-a_list");
    in_reach(&mut browser, "#call-go");
    browser.shoot("wrong-json", false);
    browser.fill("#field-a_list", "[1, 2]");
    browser.click("#call-go");
    browser.see("#call-time", "took");
    browser.miss(".field .bad", "JSON");
    browser.is_well();
}

/// A picture of one pixel, and a sound of one sample.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SOUND: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==";

#[test]
#[ignore = "takes a browser a minute: cargo test --test interop browser:: -- --ignored"]
fn pictures_sounds_and_links_are_shown_as_such() {
    let server = Server::start();
    let content = json!([
        { "type": "text", "text": "Here they are." },
        { "type": "image", "mimeType": "image/png", "data": PICTURE },
        { "type": "audio", "mimeType": "audio/wav", "data": SOUND },
        { "type": "resource_link", "uri": "https://example.com/a", "name": "a", "title": "The page", "description": "What it is" },
        { "type": "resource_link", "uri": "javascript:alert(1)", "name": "odd" },
        { "type": "resource", "resource": { "uri": "file:///notes.txt", "mimeType": "text/plain", "text": "the notes" } },
        { "type": "resource", "resource": { "uri": "file:///b.png", "mimeType": "image/png", "blob": PICTURE } },
        { "type": "image", "mimeType": "text/html", "data": PICTURE },
        { "type": "image", "mimeType": "image/png", "data": "<img src=x onerror=alert(1)>" },
        { "type": "hologram" },
        7,
        null,
    ]);
    let _tool = server
        .tool(AGENT)
        .offers(&["show"])
        .on_call(move |_| Answer::Result(json!({ "content": content })))
        .connect();
    let Some(mut browser) = signed_in(&server, Look { width: PHONE, ..Look::default() }) else {
        return;
    };
    browser.click(".server li button");
    browser.click("#call-go");
    browser.see("#said pre", "Here they are.");
    browser.until("document.querySelector('#said img').naturalWidth === 1");
    browser.until("document.querySelector('#said audio').duration > 0");
    browser.see("#said .part", "audio/wav · 46 B");
    browser.see("#said .part", "The page");
    let links = "[...document.querySelectorAll('#said a')].map((one) => [one.href, one.rel])";
    assert_eq!(browser.evaluate(links), json!([["https://example.com/a", "noopener noreferrer"]]));
    browser.see("#said code", "javascript:alert(1)");
    browser.see("#said .part", "the notes");
    browser.see("#said .part", "hologram");
    assert_eq!(browser.evaluate("document.querySelectorAll('#said img').length"), 3);
    browser.is_well();
    browser.shoot("parts", false);
}
