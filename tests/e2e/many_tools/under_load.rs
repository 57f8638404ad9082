//! Ten tools, some of which are always dying, and robots that do not stop calling them.

use super::{sorted_list, stats, wait_tools, AT_ONCE};
use crate::common::{Answer, Ending, Message, Robot, Server, Tool, TIMEOUT};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TOOLS: usize = 10;
const ROBOTS: usize = 3;

/// When a tool died, as its own thread saw it, and that it shall die at its next call.
#[derive(Debug, Default)]
struct Fate {
    doomed: AtomicBool,
    deaths: Mutex<Vec<Instant>>,
}

/// One call that failed.
#[derive(Debug)]
struct Failure {
    tool: usize,
    sent: Instant,
    got: Instant,
    answer: Message,
}

fn connect(server: &Server, number: usize, fate: &Arc<Fate>) -> Tool {
    let fate = Arc::clone(fate);
    let tool = server.tool("a").named(&format!("server{number}"));
    let tool = tool.offers(&[&tool_name(number)]).on_call(move |_| {
        if fate.doomed.swap(false, Ordering::SeqCst) {
            fate.deaths.lock().unwrap().push(Instant::now());
            Answer::Die(Ending::Reset)
        } else {
            Answer::Default
        }
    });
    tool.connect()
}

fn tool_name(number: usize) -> String {
    format!("tool{number}")
}

/// Calls all tools in turn until it is told to stop; what failed, and how many calls there were.
fn call_them_all(mut robot: Robot, stop: &AtomicBool) -> (Vec<Failure>, usize) {
    let (mut failures, mut calls) = (Vec::new(), 0);
    while !stop.load(Ordering::SeqCst) {
        for tool in 0..TOOLS {
            let sent = Instant::now();
            let answer = robot.call(&tool_name(tool), json!({ "n": calls }));
            let got = Instant::now();
            calls += 1;
            if answer.json.get("error").is_some() {
                failures.push(Failure { tool, sent, got, answer });
            } else {
                let expected = format!("server{tool} tool{tool} {{\"n\":{}}}", calls - 1);
                assert_eq!(answer.content(), expected);
            }
        }
    }
    (failures, calls)
}

fn start_robots(server: &Server, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<(Vec<Failure>, usize)>> {
    let robots = (0..ROBOTS).map(|_| {
        let mut robot = server.robot("a");
        robot.start();
        assert_eq!(robot.list().len(), TOOLS);
        let stop = Arc::clone(stop);
        std::thread::spawn(move || call_them_all(robot, &stop))
    });
    robots.collect()
}

/// Only calls that were under way at a tool when it died have failed, and with -32003.
fn assert_only_the_dead_failed(failures: &[Failure], fates: &[Arc<Fate>]) {
    for failure in failures {
        assert_eq!(failure.answer.error(), -32003, "{failure:?}");
        let deaths = fates[failure.tool].deaths.lock().unwrap();
        // What was sent before the server could know of the death was under way too.
        let sent = failure.sent - Duration::from_millis(100);
        let during = deaths.iter().any(|death| (sent..=failure.got).contains(death));
        let at_once = failure.got - failure.sent < AT_ONCE;
        assert!(during && at_once, "not its own death: {failure:?} {deaths:?}");
    }
}

#[test]
fn tools_that_die_under_load_fail_their_own_calls_only() {
    let server = Server::start();
    let fates: Vec<Arc<Fate>> = (0..TOOLS).map(|_| Arc::default()).collect();
    let mut tools: Vec<Tool> =
        fates.iter().enumerate().map(|(number, fate)| connect(&server, number, fate)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let robots = start_robots(&server, &stop);
    let mut watcher = server.robot("a");
    let names: Vec<String> = (0..TOOLS).map(tool_name).collect();
    let mut kills = 0;
    for round in 0..30 {
        // One, two or three at a time, so that some come back in another order than they went.
        let dying: Vec<usize> = (0..=round % 3).map(|n| (round * 7 + n * 3) % TOOLS).collect();
        for number in &dying {
            fates[*number].doomed.store(true, Ordering::SeqCst);
        }
        for number in &dying {
            tools[*number].wait_end();
        }
        for number in dying.iter().rev() {
            tools[*number] = connect(&server, *number, &fates[*number]);
        }
        kills += dying.len();
        assert_eq!(sorted_list(&mut watcher), names, "whole again, round {round}");
    }
    stop.store(true, Ordering::SeqCst);
    let mut failures = Vec::new();
    let mut calls = 0;
    for robot in robots {
        let (failed, called) = robot.join().unwrap();
        failures.extend(failed);
        calls += called;
    }
    assert_only_the_dead_failed(&failures, &fates);
    let deaths: usize = fates.iter().map(|fate| fate.deaths.lock().unwrap().len()).sum();
    assert_eq!(deaths, kills);
    assert!((kills..=kills * ROBOTS).contains(&failures.len()), "{} of {calls}", failures.len());
    assert_nothing_is_left(&server, tools, watcher);
}

#[test]
fn ten_tools_that_die_at_once_are_whole_again_by_themselves() {
    let server = Server::start();
    let fates: Vec<Arc<Fate>> = (0..TOOLS).map(|_| Arc::default()).collect();
    let mut tools: Vec<Tool> =
        fates.iter().enumerate().map(|(number, fate)| connect(&server, number, fate)).collect();
    let mut robot = server.robot("a");
    robot.start();
    let names = sorted_list(&mut robot);
    for _ in 0..5 {
        tools.drain(..).for_each(|tool| tool.die(Ending::Reset));
        wait_tools(&server, 0);
        for number in 0..TOOLS {
            robot.request_call(&format!("\"{number}\""), &tool_name(number), json!({}));
        }
        for number in (0..TOOLS).rev() {
            tools.insert(0, connect(&server, number, &fates[number]));
        }
        for number in 0..TOOLS {
            let answer = robot.answer_to(&format!("\"{number}\""));
            assert_eq!(answer.content(), format!("server{number} tool{number} {{}}"));
        }
        assert_eq!(sorted_list(&mut robot), names);
    }
    assert_nothing_is_left(&server, tools, robot);
}

fn assert_nothing_is_left(server: &Server, tools: Vec<Tool>, robot: Robot) {
    drop(robot);
    drop(tools);
    server.wait_health(TIMEOUT, "the end of all", |connections| {
        (connections["total_connections"] == 0).then_some(())
    });
    let data = stats(server);
    for member in ["in_flight", "waiting", "held_bytes"] {
        assert_eq!(data["relay"][member], 0, "{data:#}");
    }
}
