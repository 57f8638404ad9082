//! Requests under way:
//! docs/protocol.md#progress, docs/protocol.md#cancellation, docs/protocol.md#request-timeout.

use super::world::World;
use serde_json::json;

fn call_with_token(world: &mut World, robot: mcp_endpoint_server::relay::Peer, token: &str) {
    world.sends(
        robot,
        &format!(
            r#"{{"id":1,"method":"tools/call","params":{{"name":"add","_meta":{{"progressToken":{token}}}}}}}"#
        ),
    );
}

#[test]
fn progress_goes_to_the_robot_whose_token_it_is_with_its_own_token_back() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let (one, two) = (world.initialised_robot("a"), world.initialised_robot("a"));
    for token in ["7", "\"t\"", "0", "\"\\u0041\"", "1.50"] {
        call_with_token(&mut world, one, token);
        call_with_token(&mut world, two, token);
        let (first, second) = (world.receives(tool), world.receives(tool));
        for message in [&first, &second] {
            assert_eq!(message["params"]["_meta"]["progressToken"], message["id"]);
        }
        let progress = |token: &str| {
            format!(
                r#"{{ "method":"notifications\/progress","params":{{"progress":1.0 ,"progressToken":{token}}}}}"#
            )
        };
        world.sends(tool, &progress(&second["id"].to_string()));
        assert_eq!(world.raw(two), progress(token));
        world.is_silent(one);
        world.sends(tool, &progress(&first["id"].to_string()));
        assert_eq!(world.raw(one), progress(token));
        world.is_silent(two);
    }
}

#[test]
fn progress_of_nobody_or_of_a_request_that_is_over_goes_nowhere() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    call_with_token(&mut world, robot, "5");
    let id = world.receives(tool)["id"].as_u64().unwrap();
    world.answers(tool, id, "{}");
    world.receives(robot);
    for token in [id.to_string(), "999".into(), "\"x\"".into(), "null".into(), "-1".into()] {
        world.sends(
            tool,
            &format!(
                r#"{{"method":"notifications/progress","params":{{"progressToken":{token}}}}}"#
            ),
        );
    }
    world.sends(tool, r#"{"method":"notifications/progress"}"#);
    world.is_silent(robot);
}

#[test]
fn a_robot_without_a_token_gets_no_progress() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "add");
    let id = world.called(tool, "add");
    world.sends(
        tool,
        &format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{id}}}}}"#),
    );
    world.is_silent(robot);
}

#[test]
fn a_request_that_is_not_answered_is_given_up_and_cancelled() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "add");
    let id = world.called(tool, "add");
    world.seconds(299.9);
    world.is_silent(robot);
    world.receives_all(tool);
    world.seconds(0.1);
    world.fails(robot, 1, -32005);
    let cancelled = world.receives_all(tool).pop().unwrap();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], id);
    let dropped = world.relay.traffic().replies_dropped;
    world.answers(tool, id, "{}");
    world.is_silent(robot);
    assert_eq!(world.relay.traffic().replies_dropped, dropped + 1);
    assert_eq!(world.relay.counts().in_flight, 0);
}

#[test]
fn each_progress_notification_starts_the_time_anew() {
    let mut world = World::with(|policy| policy.tool_ping_interval = None);
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    call_with_token(&mut world, robot, "\"t\"");
    let id = world.receives(tool)["id"].as_u64().unwrap();
    for _ in 0..4 {
        world.seconds(299.0);
        world.sends(
            tool,
            &format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{id}}}}}"#),
        );
        assert_eq!(world.receives(robot)["params"]["progressToken"], "t");
    }
    world.seconds(299.0);
    world.is_silent(robot);
    world.seconds(1.0);
    world.fails(robot, 1, -32005);
}

#[test]
fn a_request_that_waits_is_given_up_too() {
    let mut world = World::with(|policy| {
        policy.request_timeout = std::time::Duration::from_secs(5);
    });
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.seconds(5.0);
    world.fails(robot, 1, -32005);
    world.asked(tool, "initialize");
    world.is_silent(tool);
    assert_eq!((world.relay.held_bytes(), world.relay.counts().waiting), (0, 0));
}

#[test]
fn a_cancellation_carries_the_tools_id_and_ends_the_request() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let (robot, other) = (world.initialised_robot("a"), world.initialised_robot("a"));
    for id in ["1", "\"x\"", "-1.5", "0"] {
        world.calls(other, id, "add");
        world.called(tool, "add");
        world.calls(robot, id, "add");
        let number = world.called(tool, "add");
        let text = |id: &str| {
            format!(
                r#"{{ "params":{{"reason":"\u5c0f" ,"requestId":{id} }},"method":"notifications/cancelled"}}"#
            )
        };
        world.sends(robot, &text(id));
        assert_eq!(world.raw(tool), text(&number.to_string()));
        world.answers(tool, number, "{}");
        world.is_silent(robot);
        world.is_silent(other);
    }
    assert_eq!(world.relay.counts().in_flight, 4);
}

#[test]
fn a_cancellation_of_an_id_in_flight_twice_ends_the_newest() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "add");
    world.calls(robot, "1", "add");
    let (first, second) = (world.called(tool, "add"), world.called(tool, "add"));
    world.cancels(robot, "1");
    assert_eq!(world.receives(tool)["params"]["requestId"], second);
    world.answers(tool, first, "{}");
    assert_eq!(world.receives(robot)["id"], 1);
}

#[test]
fn a_cancellation_goes_only_to_the_tool_that_has_the_request() {
    let mut world = World::new();
    let one = world.ready_tool("a", "one", &["x"]);
    let two = world.ready_tool("a", "two", &["y"]);
    let robot = world.initialised_robot("a");
    world.calls(robot, "1", "y");
    world.called(two, "y");
    world.cancels(robot, "1");
    assert_eq!(world.receives(two)["method"], "notifications/cancelled");
    world.is_silent(one);
    world.cancels(robot, "77");
    world.is_silent(one);
    world.is_silent(two);
}

#[test]
fn a_request_that_waits_is_cancelled_without_a_word() {
    let mut world = World::new();
    let tool = world.tool("a");
    let robot = world.robot("a");
    world.calls(robot, "1", "add");
    world.calls(robot, "2", "add");
    world.cancels(robot, "1");
    world.handshake_with_one_call(tool);
    world.is_silent(robot);
    assert_eq!(world.relay.held_bytes(), 0);
}

impl World {
    fn handshake_with_one_call(&mut self, tool: mcp_endpoint_server::relay::Peer) {
        self.greets(tool, "calc", super::world::ANNOUNCES);
        self.lists(tool, &["add"]);
        self.called(tool, "add");
        self.is_silent(tool);
    }
}

#[test]
fn a_robot_that_goes_has_its_requests_cancelled() {
    let mut world = World::new();
    let tool = world.ready_tool("a", "calc", &["add"]);
    let (robot, other) = (world.initialised_robot("a"), world.initialised_robot("a"));
    world.calls(other, "1", "add");
    world.called(tool, "add");
    world.calls(robot, "1", "add");
    world.calls(robot, "2", "add");
    let mine = [world.called(tool, "add"), world.called(tool, "add")];
    world.leaves(robot);
    for id in mine {
        let message = world.receives(tool);
        assert_eq!(message["method"], "notifications/cancelled");
        assert_eq!(message["params"]["requestId"], json!(id));
        assert!(message.get("id").is_none());
    }
    world.is_silent(tool);
    let dropped = world.relay.traffic().replies_dropped;
    for id in mine {
        world.answers(tool, id, "{}");
    }
    world.is_silent(other);
    assert_eq!(world.relay.traffic().replies_dropped, dropped + 2);
    assert_eq!(world.relay.traffic().calls_cancelled, 2);
}

/// A call is a request at one tool server: a request passed on to two is two calls.
#[test]
fn every_call_ends_in_one_way_also_where_a_request_goes_to_several_tool_servers() {
    let mut world = World::new();
    let able = r#"{"tools":{"listChanged":true},"logging":{}}"#;
    let (one, two) = (world.tool_with_id("a", "one"), world.tool_with_id("a", "two"));
    world.handshake(one, "one", &["x"], able);
    world.handshake(two, "two", &["y"], able);
    let robot = world.initialised_robot("a");
    let asked = |world: &mut World| {
        world.asks(robot, "1", "logging/setLevel");
        (world.asked(one, "logging/setLevel"), world.asked(two, "logging/setLevel"))
    };
    // The first answer counts; what the other one says of it goes nowhere.
    let (first, second) = asked(&mut world);
    world.answers(two, second, "{}");
    world.answers(one, first, "{}");
    world.receives(robot);
    // Both refuse.
    let (first, second) = asked(&mut world);
    world.answers_error(one, first, -1);
    world.answers_error(two, second, -2);
    world.receives(robot);
    // The robot cancels both.
    asked(&mut world);
    world.cancels(robot, "1");
    for tool in [one, two] {
        assert_eq!(world.receives(tool)["method"], "notifications/cancelled");
    }
    // One goes, the other is too slow.
    asked(&mut world);
    world.leaves(one);
    let in_flight = world.relay.counts().in_flight;
    world.seconds(301.0);
    let traffic = world.relay.traffic();
    let outcomes = [
        ("answered", 3),
        ("cancelled", 2),
        ("tool_lost", 1),
        ("timed_out", 1),
        ("failed", 0),
        ("superseded", 1),
    ];
    let ended: Vec<_> = traffic.call_outcomes().collect();
    assert_eq!((traffic.calls, in_flight, &*ended), (8, 1, &outcomes[..]));
    assert_eq!(traffic.calls_ended(), 8);
}
