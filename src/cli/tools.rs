//! The tools that an agent is offered, as a table.

use super::client::http;
use super::client::{own, MAX_WAIT};
use super::output::{complain, say, wrong_use, End};
use super::table::{self, aligned};
use super::token::agent_name;
use crate::escape::visible_start;
use crate::settings::Loaded;
use crate::sorted::sorted;
use crate::text::Language;
use crate::token::percent;
use jsonrpc::message::{last_member, string};
use jsonrpc::scan::elements;
use std::borrow::Cow;

/// The widest cell, in characters, where no terminal limits it.
pub(super) const MAX_CELL_CHARS: usize = 200;

/// How many characters make one token, about.
const CHARS_PER_TOKEN: usize = 3;

/// Prints the tools of `agent`.
pub(super) fn show(loaded: &Loaded, agent: Option<&str>, json: bool, language: Language) -> End {
    let keyed = own::keyed(loaded, None, language);
    let asked = agent_name(agent, language).and_then(|agent| Ok((agent, keyed?)));
    let (agent, (address, key)) = match asked {
        Ok(asked) => asked,
        Err(problem) => return wrong_use(&problem),
    };
    let base = address.base("http");
    let target = address.target(&format!("/tools?agent={}", percent::encode(agent, b"")));
    let problem = match http::get(&address, &target, Some(&key), MAX_WAIT) {
        Err(failure) => language.no_answer(&base, &failure.text(language)),
        Ok(answer) if answer.status == 401 => language.cause_wrong_own_key(),
        Ok(answer) => match std::str::from_utf8(&answer.body) {
            Ok(body) if answer.status == 200 && last_member(body, "tools").is_some() => {
                if json {
                    say(&body);
                } else {
                    print(body, agent, language);
                }
                return End::Well;
            }
            _ => language.tools_unknown(&base, answer.status),
        },
    };
    complain(&problem);
    End::Badly
}

/// Prints the table of what the server answered.
fn print(body: &str, agent: &str, language: Language) {
    let (rows, chars) = rows(body);
    let count = rows.len();
    if count == 0 {
        return complain(&language.agent_without_tools(&visible_start(agent, MAX_CELL_CHARS)));
    }
    let mut lines = Vec::new();
    aligned(&mut lines, &language.tools_head(), rows, table::width());
    lines.iter().skip(1).for_each(|line| say(line));
    complain(&language.tools_count(count, chars.div_ceil(CHARS_PER_TOKEN)));
}

/// The rows of the table, and how many characters the tools have.
fn rows(body: &str) -> (Vec<Vec<String>>, usize) {
    let mut labels: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    let _ = jsonrpc::scan::members(last_member(body, "servers").unwrap_or("{}"), |label, names| {
        let _ = elements(names, &mut |name| {
            labels.extend(string(name).map(|name| (name, label.name())));
        });
    });
    let labels = sorted(labels);
    let (mut rows, mut chars) = (Vec::new(), 0);
    let _ = elements(last_member(body, "tools").unwrap_or("[]"), &mut |tool| {
        chars += tool.chars().count();
        let text = |member| last_member(tool, member).and_then(string).unwrap_or_default();
        let name = text("name");
        let at = labels.binary_search_by(|(known, _)| known.cmp(&name));
        let label = at.ok().and_then(|at| labels.get(at)).map_or("-", |(_, label)| &**label);
        let description = text("description");
        let first = description.trim().lines().next().unwrap_or_default();
        let cells = [&name, label, first];
        rows.push(cells.map(|cell| visible_start(cell, MAX_CELL_CHARS)).to_vec());
    });
    (rows, chars)
}
