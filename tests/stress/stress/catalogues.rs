//! Attacks by tool servers, with what they offer.

use super::measure::{status_of, Report, Scale, Stage};
use super::peers::{
    answer_of_lists, initialised_robot, items, offering, Lists, Sink, EVERYTHING, INITIALIZE,
};
use crate::common::{Client, Event, Message, Raw};
use crate::load::{wait_until, EchoTool, Target, MIB};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long an attacker waits for its own answers.
const ATTACKER_TIMEOUT: Duration = Duration::from_secs(15);

const TOOL: &str = r#"{"name":"tool-$N","inputSchema":{"type":"object"}}"#;

/// Waits until the server has taken in their lists, or thrown them out.
fn listed(tools: &[EchoTool]) {
    let end = Instant::now() + ATTACKER_TIMEOUT;
    for tool in tools {
        tool.is_listed_within(end.saturating_duration_since(Instant::now()));
    }
}

/// Asks as a robot, and reads until the answer; how many bytes it has.
fn ask(robot: &mut Client, id: &str, method: &str, params: &str) -> usize {
    robot.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#));
    let start = format!(r#"{{"jsonrpc":"2.0","id":{id},"#);
    loop {
        match robot.next() {
            Event::Text(text) if text.starts_with(&start) => return text.len(),
            Event::Text(_) => {}
            other => panic!("{other:?} instead of an answer to {method}"),
        }
    }
}

fn patient_robot(target: &Target, agent: &str) -> Client {
    let mut robot = initialised_robot(target, agent);
    robot.raw().timeout = Some(ATTACKER_TIMEOUT);
    robot
}

pub(crate) fn a_tool_server_returns_with_other_names(scale: Scale) -> Report {
    let counts: &[usize] = scale.pick(&[1000, 3000], &[40_000, 40_000, 190_000]);
    Stage::new().with_large_messages().play(|target| {
        let mut robot = patient_robot(target, "names");
        let mut first = 0;
        for count in counts {
            let lists = Lists::of_tools(items(TOOL, first, *count));
            first += count;
            // It is known again by its name only, and by what it offers.
            let script = move |message: &Message| answer_of_lists(message, EVERYTHING, &lists);
            listed(&[EchoTool::scripted(target, &target.tool_path("names"), script)]);
            let bytes = ask(&mut robot, "7", "tools/list", "{}");
            assert!(bytes as u64 <= 5 * MIB, "a list of {bytes} bytes");
        }
    })
}

pub(crate) fn pages_of_the_smallest_items(scale: Scale) -> Report {
    let size = scale.pick(200_000, 15 * MIB as usize);
    let page = || -> Arc<str> { items(r#"{"name":"a"}"#, 0, size / 13).into() };
    let uris = || -> Arc<str> { items(r#"{"uri":"a"}"#, 0, size / 12).into() };
    let stage = Stage::new().memory_limit(16).with_large_messages();
    stage.play(|target| {
        let (page, uris) = (page(), uris());
        let lists = Lists {
            tools: page.clone(),
            prompts: page,
            resources: uris.clone(),
            templates: items(r#"{"uriTemplate":"a"}"#, 0, size / 20).into(),
        };
        let tools: Vec<EchoTool> = (0..scale.pick(2, 6))
            .map(|n| offering(target, "small", &format!("s{n}"), lists.clone()))
            .collect();
        listed(&tools);
        let mut robot = patient_robot(target, "small");
        for (id, method) in
            ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]
                .iter()
                .enumerate()
        {
            ask(&mut robot, &id.to_string(), method, "{}");
        }
    })
}

pub(crate) fn large_capabilities(scale: Scale) -> Report {
    let count = scale.pick(5, 40);
    Stage::new().play(|target| {
        let members: Vec<String> =
            (0..241_000 / 27).map(|n| format!(r#""experiment-{n:05}":{{}}"#)).collect();
        let capabilities = format!(r#"{{"tools":{{}},"experimental":{{{}}}}}"#, members.join(","));
        let lists = Lists::of_tools(items(TOOL, 0, 1));
        let tools: Vec<EchoTool> = (0..count)
            .map(|n| {
                let (capabilities, lists) = (capabilities.clone(), lists.clone());
                let path = format!("{}&server_id=s{n}", target.tool_path("hello"));
                EchoTool::scripted(target, &path, move |message| {
                    answer_of_lists(message, &capabilities, &lists)
                })
            })
            .collect();
        listed(&tools);
        let mut robots: Vec<Client> = (0..count / 2).map(|_| target.robot("hello")).collect();
        for robot in &robots {
            robot.send(INITIALIZE);
        }
        for robot in &mut robots {
            robot.raw().timeout = Some(ATTACKER_TIMEOUT);
            robot.recv_message().result();
        }
    })
}

pub(crate) fn lists_that_keep_changing(scale: Scale) -> Report {
    changing(scale, |server, change, count| (server * 1_000_000 + change * count) % 7_000_000)
}

pub(crate) fn name_conflicts_that_keep_changing(scale: Scale) -> Report {
    changing(scale, |_, change, count| change * count / 2)
}

/// Many tool servers of one agent that say ten times a second that their lists are others now.
/// `first` numbers the first tool, by tool server, change, and size of the list.
fn changing(scale: Scale, first: fn(usize, usize, usize) -> usize) -> Report {
    let (servers, count) = scale.pick((3, 100), (20, 5000));
    Stage::new().play(|target| {
        let asked = Arc::new(AtomicUsize::new(0));
        let tools: Vec<EchoTool> = (0..servers)
            .map(|server| {
                let asked = Arc::clone(&asked);
                let path = format!("{}&server_id=s{server}", target.tool_path("restless"));
                let mut change = 0;
                EchoTool::scripted(target, &path, move |message| {
                    let lists = match message.method.as_str() {
                        "tools/list" => {
                            change += 1;
                            asked.fetch_add(1, Ordering::Relaxed);
                            Lists::of_tools(items(TOOL, first(server, change, count), count))
                        }
                        _ => Lists::of_tools("[]".to_owned()),
                    };
                    answer_of_lists(message, EVERYTHING, &lists)
                })
            })
            .collect();
        listed(&tools);
        let _robots = Sink::of((0..5).map(|_| patient_robot(target, "restless")).collect());
        let before = asked.load(Ordering::Relaxed);
        let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        let end = Instant::now() + scale.time();
        while Instant::now() < end {
            for tool in &tools {
                tool.sender.text(changed).expect("a tool server that tells of changes stays");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(asked.load(Ordering::Relaxed) > before, "nobody was asked for a list again");
    })
}

pub(crate) fn joins_beside_many_names(scale: Scale) -> Report {
    let (servers, count) = scale.pick((3, 100), (50, 2000));
    Stage::new().play(|target| {
        let tools: Vec<EchoTool> = (0..servers)
            .map(|n| {
                let lists = Lists::of_tools(items(TOOL, n * count, count));
                offering(target, "full", &format!("s{n}"), lists)
            })
            .collect();
        listed(&tools);
        let _robots = Sink::of((0..5).map(|_| patient_robot(target, "full")).collect());
        let end = Instant::now() + scale.time();
        let mut joins = 0;
        while Instant::now() < end {
            joins += 1;
            let lists = Lists::of_tools(items(TOOL, joins, 5));
            listed(&[offering(target, "full", &format!("new{}", joins % 3), lists)]);
        }
        assert!(joins > 1, "nobody could join");
    })
}

pub(crate) fn resources_read_against_many_templates(scale: Scale) -> Report {
    let (servers, count, asks) = scale.pick((2, 200, 20), (50, 2000, 200));
    Stage::new().play(|target| {
        let read: Arc<Mutex<usize>> = Arc::default();
        let template = r#"{"uriTemplate":"file:///{a}/{b}/{c}-$N","name":"t"}"#;
        let tools: Vec<EchoTool> = (0..servers)
            .map(|n| {
                let lists = Lists {
                    templates: items(template, n * count, count).into(),
                    ..Lists::of_tools("[]".to_owned())
                };
                let lists =
                    Lists { prompts: lists.tools.clone(), resources: lists.tools.clone(), ..lists };
                let (read, path) = (Arc::clone(&read), target.tool_path("templates"));
                let path = format!("{path}&server_id=s{n}");
                EchoTool::scripted(target, &path, move |message| {
                    *read.lock().unwrap() += usize::from(message.method == "resources/read");
                    answer_of_lists(message, EVERYTHING, &lists)
                })
            })
            .collect();
        listed(&tools);
        let mut robot = patient_robot(target, "templates");
        ask(&mut robot, "\"l\"", "resources/templates/list", "{}");
        for n in 0..asks {
            let uri = format!("file:///{}/{}-none", "a/".repeat(500), n);
            let params = format!(r#"{{"uri":"{uri}"}}"#);
            ask(&mut robot, &n.to_string(), "resources/read", &params);
        }
        // One that only the last of all templates matches.
        let uri = format!(r#"{{"uri":"file:///x/y/z-{}"}}"#, servers * count - 1);
        ask(&mut robot, "\"m\"", "resources/read", &uri);
    })
}

pub(crate) fn key_holder_asks_for_everything(scale: Scale) -> Report {
    let (servers, count, asks) = scale.pick((4, 100, 3), (200, 1000, 10));
    Stage::new().play(|target| {
        // One half are one agent's, the others are each an agent's of their own.
        let tools: Vec<EchoTool> = (0..servers)
            .map(|n| {
                let lists = Lists::of_tools(items(TOOL, n * count, count));
                let agent = if n % 2 == 0 { "all".to_owned() } else { format!("agent-{n}") };
                offering(target, &agent, &format!("s{n}"), lists)
            })
            .collect();
        listed(&tools);
        let key = crate::common::escape(&target.key);
        for _ in 0..asks {
            for page in ["health?", "status?", "tools?agent=all&"] {
                let mut raw = Raw::connect(target.address);
                raw.send(format!("GET /mcp_endpoint/{page}key={key} HTTP/1.1\r\nHost: x\r\n\r\n"));
                raw.timeout = Some(ATTACKER_TIMEOUT);
                assert_eq!(status_of(&mut raw), 200, "{page}");
                raw.read_to_end();
            }
        }
    })
}

/// A robot of an agent nobody attacks reads an answer of 8 MB slowly, while another agent's tool
/// servers and robot make the server keep a list that is nearly as large as all its memory.
pub(crate) fn a_large_merged_list_for_its_own_robot(scale: Scale) -> Report {
    let (limit, servers, size) = scale.pick((16, 3, 500_000), (64, 16, 3_900_000));
    let slow_size = scale.pick(6 * MIB as usize, 8 * MIB as usize);
    let stage = Stage::new().memory_limit(limit).with_large_messages();
    stage.play(|target| {
        let text = "x".repeat(slow_size);
        let answer = move |call: &Message| {
            let id = call.id.as_deref().unwrap_or("null");
            Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":"{text}"}}}}"#))
        };
        let _tool = EchoTool::with(target, "slow", Box::new(answer));
        let narrow = Raw::connect_narrow(target.address);
        let mut slow = Client::over(narrow, &target.robot_path("slow"), &[]);
        slow.send(&crate::load::call(1));
        // The system's buffers may take the larger part.
        let some = slow_size as u64 / 8;
        wait_until("the answer waits for its robot", ATTACKER_TIMEOUT, || {
            target.queued_bytes() >= some
        });

        let described = format!(
            r#"{{"name":"tool-$N","description":"{}","inputSchema":{{"type":"object"}}}}"#,
            "x".repeat(8000)
        );
        let tools: Vec<EchoTool> = (0..servers)
            .map(|n| {
                let count = size / 8060;
                let lists = Lists::of_tools(items(&described, n * count, count));
                offering(target, "large", &format!("s{n}"), lists)
            })
            .collect();
        listed(&tools);
        // Each asks, and does not read what comes.
        let robots: Vec<Client> = (0..3)
            .map(|_| {
                let narrow = Raw::connect_narrow(target.address);
                let robot = Client::over(narrow, &target.robot_path("large"), &[]);
                let _ = robot
                    .sender()
                    .text(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#);
                robot
            })
            .collect();
        std::thread::sleep(scale.time() / 2);
        drop(robots);
        slow.raw().timeout = Some(ATTACKER_TIMEOUT);
        let text = slow.recv();
        assert!(text.len() > slow_size, "the slow reader got {} bytes", text.len());
    })
}
