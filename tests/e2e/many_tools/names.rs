//! Two servers that offer the same name.

use super::{sorted_list, timed, wait_tools, AT_ONCE};
use crate::common::{Ending, Robot, Server};
use serde_json::json;
use std::collections::HashSet;

/// Whether a language model may use the name.
fn is_usable(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// The only name in the list besides `search`.
fn other_name(robot: &mut Robot) -> String {
    let mut names = robot.list();
    names.retain(|name| name != "search");
    assert_eq!(names.len(), 1, "{names:?}");
    names.remove(0)
}

#[test]
fn two_servers_that_offer_search_can_both_be_called() {
    let server = Server::start();
    let _web = server.tool("a").named("web").offers(&["search"]).connect();
    let mail = server.tool("a").named("mail").offers(&["search"]).connect();
    let mut robot = server.robot("a");
    assert_eq!(robot.list(), ["search", "mail__search"]);
    assert_eq!(robot.call("search", json!({})).content(), "web search {}");
    robot.send(concat!(
        r#"{ "x":1.50,"params":{"arguments":{"name":"mail__search","q":"\u641c\/"} , "#,
        r#""name" : "mail__search", "_meta":{}} ,"method":"tools/call","id":"ID","jsonrpc":"2.0"}"#,
    ));
    let call = mail.next("tools/call");
    let id = call.id.clone().unwrap();
    let expected = concat!(
        r#"{ "x":1.50,"params":{"arguments":{"name":"mail__search","q":"\u641c\/"} , "#,
        r#""name" : "search", "_meta":{}} ,"method":"tools/call","id":ID,"jsonrpc":"2.0"}"#,
    );
    assert_eq!(call.text.trim(), expected.replace("ID", &id));
    assert!(robot.answer_to("\"ID\"").content().starts_with("mail search"));
}

#[test]
fn a_tool_that_is_offered_under_another_name_is_described_as_it_describes_itself() {
    let server = Server::start();
    let described = json!({ "name": "search", "title": "搜", "inputSchema": {}, "n": 1.5 });
    let _web = server.tool("a").named("web").offers(&["search"]).connect();
    let mail = server.tool("a").named("mail").offers_described(vec![described.clone()]);
    let _mail = mail.connect();
    let answer = server.robot("a").ask("tools/list", json!({}));
    let mut expected = described;
    expected["name"] = json!("mail__search");
    assert_eq!(answer.result()["tools"][1], expected);
}

#[test]
fn a_name_that_is_taken_is_reported_in_one_warning() {
    let server = Server::builder().set("server", "language", "en").start();
    let _web = server.tool("a").named("web").offers(&["search"]).connect();
    let mail = server.tool("a").named("mail").offers(&["search"]).connect();
    mail.change_tools(&["search", "send"]);
    mail.wait_listed(2);
    let log = server.log();
    let warnings: Vec<&str> =
        log.lines().filter(|line| line.contains("WARN") && line.contains("search")).collect();
    assert_eq!(warnings.len(), 1, "{log}");
    let shown = ["\"a\"", "\"mail\"", "\"search\"", "\"mail__search\""];
    assert!(shown.iter().all(|part| warnings[0].contains(part)), "{warnings:?}");
}

#[test]
fn every_name_made_is_one_that_a_language_model_may_use() {
    let server = Server::start();
    let long = "l".repeat(100);
    let long_tool = "t".repeat(64);
    let names = ["search", long_tool.as_str()];
    let owner = server.tool("a").named("owner").offers(&names).connect();
    let servers = ["天气查询", "邮件", "a b/c", &long, "__", "mail", "地图 maps", "-"];
    let others: Vec<_> =
        servers.iter().map(|name| server.tool("a").named(name).offers(&names).connect()).collect();
    let mut robot = server.robot("a");
    let listed = robot.list();
    assert_eq!(listed.len(), 2 * (1 + servers.len()));
    assert_eq!(listed.iter().collect::<HashSet<_>>().len(), listed.len(), "{listed:?}");
    assert!(listed.iter().all(|name| is_usable(name)), "{listed:?}");
    // Every server is reached under exactly one of the names made of each of its own.
    for name in &listed {
        robot.call(name, json!({}));
    }
    for tool in others.iter().chain([&owner]) {
        let calls = [tool.next("tools/call"), tool.next("tools/call")];
        let mut called: Vec<_> =
            calls.iter().map(|call| call.json["params"]["name"].clone()).collect();
        called.sort_by_key(|name| name.as_str().unwrap().len());
        assert_eq!(called, ["search", long_tool.as_str()]);
        assert_eq!(tool.count("tools/call"), 2);
    }
}

#[test]
fn names_stay_whoever_of_two_servers_restarts() {
    let server = Server::start();
    let connect = |name: &str| server.tool("a").named(name).offers(&["search"]).connect();
    let (mut web, mut mail) = (connect("网页"), connect("邮件"));
    let mut robot = server.robot("a");
    let other = other_name(&mut robot);
    let check = |robot: &mut Robot, when: &str| {
        assert_eq!(sorted_list(robot), ["search", &other], "{when}");
        assert_eq!(robot.call("search", json!({})).content(), "网页 search {}", "{when}");
        assert_eq!(robot.call(&other, json!({})).content(), "邮件 search {}", "{when}");
    };
    check(&mut robot, "at first");
    web.die(Ending::Reset);
    wait_tools(&server, 1);
    assert_eq!(sorted_list(&mut robot), ["search", &other], "while the owner is away");
    web = connect("网页");
    check(&mut robot, "the owner was away");
    mail.die(Ending::End);
    wait_tools(&server, 1);
    mail = connect("邮件");
    check(&mut robot, "the other was away");
    for order in [["网页", "邮件"], ["邮件", "网页"]] {
        web.die(Ending::Reset);
        mail.die(Ending::Reset);
        wait_tools(&server, 0);
        let mut back = order.map(connect).into_iter();
        let (first, second) = (back.next().unwrap(), back.next().unwrap());
        (web, mail) = if order[0] == "网页" { (first, second) } else { (second, first) };
        check(&mut robot, order[0]);
    }
}

#[test]
fn a_server_keeps_the_name_made_for_it_when_another_goes_for_good() {
    let server = Server::builder().set("relay", "reconnect_grace", 0).start();
    let connect = |name: &str| server.tool("a").named(name).offers(&["search"]).connect();
    let (_one, two, _three) = (connect("甲"), connect("乙"), connect("丙"));
    let mut robot = server.robot("a");
    let of_three = robot.list().remove(2);
    assert_eq!(robot.call(&of_three, json!({})).content(), "丙 search {}");
    two.close();
    wait_tools(&server, 2);
    assert_eq!(sorted_list(&mut robot), ["search", &of_three]);
    let _two = connect("乙");
    assert_eq!(robot.list().len(), 3);
    assert_eq!(robot.call(&of_three, json!({})).content(), "丙 search {}");
}

#[test]
fn servers_with_one_name_and_other_tools_are_distinguished_when_they_come_back() {
    let server = Server::start();
    let connect = |tool: &str| server.tool("a").named("same").offers(&[tool]).connect();
    let (lamp, fan) = (connect("lamp"), connect("fan"));
    let mut robot = server.robot("a");
    assert_eq!(robot.list(), ["lamp", "fan"]);
    lamp.die(Ending::Reset);
    fan.die(Ending::Reset);
    wait_tools(&server, 0);
    let _fan = connect("fan");
    assert_eq!(sorted_list(&mut robot), ["fan", "lamp"], "one is back, one may be back soon");
    let (answer, took) = timed(|| robot.call("fan", json!({})));
    assert_eq!(answer.content(), "same fan {}");
    assert!(took < AT_ONCE, "what is back is served at once, not after {took:?}");
    robot.request_call("\"waits\"", "lamp", json!({}));
    robot.ws.expect_silence();
    let _lamp = connect("lamp");
    assert_eq!(robot.answer_to("\"waits\"").content(), "same lamp {}");
    assert_eq!(sorted_list(&mut robot), ["fan", "lamp"]);
}

#[test]
fn a_stranger_with_the_name_of_a_server_that_is_away_does_not_take_its_place() {
    let server = Server::start();
    let connect = |tool: &str| server.tool("a").named("same").offers(&[tool]).connect();
    let lamp = connect("lamp");
    let _other = server.tool("a").named("other").offers(&["other"]).connect();
    let mut robot = server.robot("a");
    assert_eq!(robot.list(), ["lamp", "other"]);
    lamp.die(Ending::Reset);
    wait_tools(&server, 1);
    let _fan = connect("fan");
    robot.request_call("\"waits\"", "lamp", json!({}));
    robot.ws.expect_silence();
    let _lamp = connect("lamp");
    assert_eq!(robot.answer_to("\"waits\"").content(), "same lamp {}");
}
