//! Attacks with whatever else a peer may make the server keep or look through.

use super::measure::{Report, Scale, Stage};
use super::peers::{answer_of_lists, initialised_robot, items, Lists, Sink, EVERYTHING};
use crate::common::{Event, Frame, Message, PING};
use crate::load::{EchoTool, Target};

/// Sends texts as a robot of this agent while somebody reads what comes; waits until all are
/// taken, or the server wants no more.
fn flood(target: &Target, agent: &str, texts: impl Iterator<Item = String>) {
    let mut robot = initialised_robot(target, agent);
    robot.raw().timeout = None;
    let sender = robot.sender();
    let reader = std::thread::spawn(move || {
        while !matches!(
            robot.event(),
            Event::Pong(_) | Event::Close(..) | Event::End | Event::Reset
        ) {}
    });
    for text in texts {
        if sender.bytes(Frame::bytes_of_text(&text)).is_err() {
            break;
        }
    }
    let _ = sender.frame(&Frame::new(PING, b"all"));
    let _ = reader.join();
}

fn hostile(target: &Target, agent: &str, path: &str) -> EchoTool {
    let lists = Lists {
        resources: r#"[{"uri":"file:///a","name":"a"}]"#.into(),
        prompts: "[]".into(),
        templates: r#"[{"uriTemplate":"file:///{+rest}","name":"t"}]"#.into(),
        tools: items(r#"{"name":"t-$N"}"#, 0, 1).into(),
    };
    let script = move |message: &Message| match message.method.as_str() {
        "resources/subscribe" => {
            let id = message.id.as_deref()?;
            Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
        }
        _ => answer_of_lists(message, EVERYTHING, &lists),
    };
    EchoTool::scripted(target, &format!("{}{path}", target.tool_path(agent)), script)
}

pub(crate) fn subscriptions_to_long_addresses(scale: Scale) -> Report {
    Stage::new().memory_limit(16).play(|target| {
        let _tool = hostile(target, "subscribes", "");
        let long = "u".repeat(8000);
        flood(target, "subscribes", (0..scale.pick(200, 10_000)).map(|n| {
            format!(r#"{{"jsonrpc":"2.0","id":{n},"method":"resources/subscribe","params":{{"uri":"file:///{long}{n}"}}}}"#)
        }));
    })
}

pub(crate) fn cancellations_of_nothing(scale: Scale) -> Report {
    Stage::new().play(|target| {
        let _tool = EchoTool::with(target, "cancels", Box::new(|_| None));
        let calls = (0..scale.pick(50, 1000)).map(crate::load::call);
        let cancel = |n| {
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":"none-{n}"}}}}"#)
        };
        flood(target, "cancels", calls.chain((0..scale.pick(200, 100_000)).map(cancel)));
    })
}

pub(crate) fn robots_with_large_names(scale: Scale) -> Report {
    Stage::new().memory_limit(16).with_large_messages().play(|target| {
        let name = "n".repeat(scale.pick(100_000, 2_000_000));
        let robots: Vec<_> = (0..scale.pick(5, 30))
            .map(|_| {
                let robot = target.robot("named");
                let _ = robot.sender().bytes(Frame::bytes_of_text(&format!(
                    r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"{name}","capabilities":{{}},"clientInfo":{{"name":"{name}","version":"1"}}}}}}"#
                )));
                robot
            })
            .collect();
        drop(Sink::of(robots));
    })
}

pub(crate) fn agents_that_come_once(scale: Scale) -> Report {
    Stage::new().memory_limit(16).play(|target| {
        for n in 0..scale.pick(20, 1000) {
            let agent = format!("{n:a<250}");
            let id = "s".repeat(3000);
            let tool = hostile(target, &agent, &format!("&server_id={id}"));
            drop(tool);
        }
    })
}

pub(crate) fn deeply_nested_messages(scale: Scale) -> Report {
    Stage::new().with_large_messages().play(|target| {
        let depth = scale.pick(50_000, 7_000_000);
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let depth = depth / open.len();
            let nested = format!("{}0{}", open.repeat(depth), close.repeat(depth));
            let mut robot = target.robot("nested");
            let _ = robot.sender().bytes(Frame::bytes_of_text(&format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{nested},"id":5}}"#
            )));
            let event = robot.next();
            assert!(matches!(event, Event::Text(_) | Event::Close(..)), "{event:?}");
        }
    })
}
