//! Calls a tool of the running server as a device does.
//!
//! [`arguments`] turns words into JSON, [`robot`] speaks to the server, [`result`] shows what came.

mod arguments;
mod result;
mod robot;

use super::client::http;
use super::client::own;
use super::commands::Call;
use super::output::{complain, say, End};
use super::token::agent_name;
use crate::settings::Loaded;
use crate::text::Language;
use arguments::{listed, nearest, shown, Arguments};
use jsonrpc::message::{last_member, string};
use jsonrpc::scan::{elements, strict};
use robot::Robot;

/// Calls it.
pub(super) fn run(loaded: &Loaded, call: &Call, language: Language) -> End {
    match attempt(loaded, call, language) {
        Ok(end) => end,
        Err((end, problem)) => {
            complain(&problem);
            end
        }
    }
}

fn attempt(loaded: &Loaded, call: &Call, language: Language) -> Result<End, (End, String)> {
    let wrong_use = |problem| (End::WrongUse, problem);
    let failed = |problem| (End::Badly, problem);
    let tool = call.tool.as_deref().ok_or_else(|| wrong_use(language.call_without_tool()))?;
    let arguments = Arguments::read(&call.arguments, language).map_err(wrong_use)?;
    let agent = agent_name(call.agent.as_deref(), language).map_err(wrong_use)?;
    let (address, key) = own::keyed(loaded, None, language).map_err(wrong_use)?;
    let timeout = loaded.settings.relay.request_timeout;
    let mut robot = Robot::connect(address, &key, agent, timeout, language).map_err(failed)?;
    let outcome = (|| {
        let schema = schema_of(tool, agent, &robot.tools().map_err(failed)?, language);
        let schema = http::json(&strict(&schema.map_err(failed)?));
        let arguments = arguments.json(tool, &schema, language).map_err(wrong_use)?;
        robot.call(tool, &arguments).map_err(failed)
    })();
    robot.leave();
    let result = outcome?;
    if call.json {
        say(&result);
        let is_error = last_member(&result, "isError") == Some("true");
        return Ok(if is_error { End::Badly } else { End::Well });
    }
    Ok(result::show(&result, tool, language))
}

/// The `inputSchema` of the tool with this name among `lists`, the pages of the agent's list.
fn schema_of(
    tool: &str,
    agent: &str,
    lists: &[String],
    language: Language,
) -> Result<String, String> {
    let mut names = Vec::new();
    let mut schema = None;
    for list in lists {
        // What is behind a fault is not received of.
        let _ = elements(list, &mut |item| {
            let name = last_member(item, "name").and_then(string).unwrap_or_default();
            if name == tool {
                schema = Some(last_member(item, "inputSchema").unwrap_or("null").to_owned());
            }
            names.push(name);
        });
    }
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    schema.ok_or_else(|| {
        let (agent, given) = (shown(agent), shown(tool));
        match nearest(tool, &names) {
            _ if names.is_empty() => language.agent_without_tools(&agent),
            Some(near) => language.tool_misspelt(&given, &agent, &shown(near)),
            None => language.no_such_tool(&given, &agent, &listed(&names, language)),
        }
    })
}
