//! A running server as a table.

use super::client::http::{self, at, number_at, text_at};
use super::client::{own, Address};
use super::output::{complain, say, wrong_use, End};
use super::table::{self, aligned};
use crate::escape::visible_start;
use crate::settings::Loaded;
use crate::text::Language;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a table stays before the next.
const TICK: Duration = Duration::from_secs(2);

/// The widest cell, in characters.
const MAX_CELL_CHARS: usize = 40;

/// The longest reason of a refusal, in characters: more than any of ours.
const MAX_REASON_CHARS: usize = 300;

/// Clears the screen.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Prints the table: once, or until it is interrupted; a server that goes may come back.
pub(super) fn show(loaded: &Loaded, given: Option<&str>, watch: bool, language: Language) -> End {
    let (address, key) = match own::keyed(loaded, given, language) {
        Ok(found) => found,
        Err(problem) => return wrong_use(&problem),
    };
    let key_is_own = address.key.is_none();
    let clears = std::io::stdout().is_terminal();
    loop {
        let table = ask(&address, &key, key_is_own, language);
        if !watch {
            return match table {
                Ok(table) => {
                    say(&table.trim_end());
                    End::Well
                }
                Err(problem) => {
                    complain(&problem);
                    End::Badly
                }
            };
        }
        let text = table.unwrap_or_else(|problem| problem + "\n");
        let clear = if clears { CLEAR } else { "" };
        let mut stdout = std::io::stdout().lock();
        if writeln!(stdout, "{clear}{text}").and_then(|()| stdout.flush()).is_err() {
            // Nobody looks any more.
            return End::Well;
        }
        drop(stdout);
        std::thread::sleep(TICK);
    }
}

/// One table, or what is wrong. `own`: the key is that of our configuration.
fn ask(address: &Address, key: &str, own: bool, language: Language) -> Result<String, String> {
    let base = address.base("http");
    let target = address.target(match language {
        Language::Zh => "/status?lang=zh",
        Language::En => "/status?lang=en",
    });
    let answer = http::get(address, &target, Some(key), TIMEOUT);
    let answer = answer.map_err(|failure| language.no_answer(&base, &failure.text(language)))?;
    let status = answer.json();
    if answer.status == 401 {
        return Err(if own { language.cause_wrong_own_key() } else { language.cause_wrong_key() });
    }
    if answer.status != 200 || !at(&status, "agents").is_array() {
        return Err(language.status_unknown(&base, answer.status));
    }
    Ok(table(&status, &base, table::width(), language))
}

/// The whole table of a status, `width` columns wide where that is possible.
fn table(status: &Value, base: &str, width: Option<usize>, language: Language) -> String {
    let number = |path: &str| number_at(status, path);
    let memory = match number("memory_bytes") {
        0 => "-".to_owned(),
        bytes => format!("{}.{} MB", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20),
    };
    let errors = at(status, "errors").as_object().into_iter().flatten();
    let errors = errors
        .fold(0_u64, |sum, (_, count)| sum.saturating_add(count.as_u64().unwrap_or_default()));
    let mut lines = vec![
        language.status_head(
            &cell(status, "version"),
            base,
            &since(number("uptime_seconds")),
            &memory,
        ),
        language.status_counts(
            number("counts.tools"),
            number("counts.robots"),
            number("traffic.calls"),
            number("traffic.calls_answered"),
            number("counts.in_flight"),
            errors,
        ),
        language.status_refused(number("server.refused"), number("server.turned_away")),
    ];
    for refusal in elements(status, "refusals") {
        lines.push(language.status_refusal(
            &cell(refusal, "address"),
            &visible_start(text_at(refusal, "reason_text"), MAX_REASON_CHARS),
            number_at(refusal, "count"),
            &since(number_at(refusal, "seconds_ago")),
        ));
    }
    let (mut tools, mut robots) = (Vec::new(), Vec::new());
    for agent in elements(status, "agents") {
        let id = cell(agent, "id");
        let row = |from: &Value, names: &[&str]| {
            std::iter::once(id.clone()).chain(names.iter().map(|name| cell(from, name))).collect()
        };
        for tool in elements(agent, "tools") {
            let mut cells: Vec<String> = row(tool, &TOOL);
            if let Some(state) =
                cells.get_mut(4).filter(|_| at(tool, "in_reserve").as_bool() == Some(true))
            {
                *state = language.status_reserve();
            }
            tools.push(cells);
        }
        for lost in elements(agent, "lost") {
            let mut cells: Vec<String> = row(lost, &LOST);
            if let Some(state) = cells.get_mut(4) {
                *state = language.status_gone();
            }
            tools.push(cells);
        }
        robots.extend(elements(agent, "robots").iter().map(|robot| row(robot, &ROBOT)));
    }
    let managed_servers = at(status, "managed_servers");
    let has_entries = managed_servers.as_object().is_some_and(|servers| !servers.is_empty());
    if tools.is_empty() && robots.is_empty() && !has_entries {
        lines.extend([String::new(), language.status_nobody()]);
    }
    aligned(&mut lines, &language.status_tools(), tools, width);
    aligned(&mut lines, &language.status_robots(), robots, width);
    managed(&mut lines, managed_servers, width, language);
    lines.push(String::new());
    lines.join("\n")
}

/// Adds the tool servers of the servers file, and below them why those that do not run do not.
fn managed(lines: &mut Vec<String>, servers: &Value, width: Option<usize>, language: Language) {
    let (mut rows, mut reasons) = (Vec::new(), Vec::new());
    for (name, server) in servers.as_object().into_iter().flatten() {
        let name = visible_start(name, MAX_CELL_CHARS);
        let why = text_at(server, "last_error");
        if text_at(server, "state") != "ready" && !why.is_empty() {
            reasons.push(["  ", &name, ": ", &visible_start(why, MAX_REASON_CHARS)].concat());
            let said = elements(server, "stderr");
            for line in said.iter().skip(said.len().saturating_sub(MAX_LINES)) {
                let line = visible_start(line.as_str().unwrap_or_default(), MAX_REASON_CHARS);
                reasons.push(["    | ", &line].concat());
            }
        }
        rows.push(std::iter::once(name).chain(MANAGED.map(|path| cell(server, path))).collect());
    }
    aligned(lines, &language.status_managed(), rows, width);
    lines.append(&mut reasons);
}

/// How many of the last lines of a program's standard error are shown.
const MAX_LINES: usize = 3;

/// Where the cells of a tool server of the servers file come from.
const MANAGED: [&str; 5] = ["kind", "state", "restarts", "tools_count", "agents_count"];

/// Where the cells of a tool come from. A number of seconds is shown as people say it.
const TOOL: [&str; 8] = [
    "label",
    "server_info.name",
    "server_info.version",
    "state",
    "connected_seconds",
    "tools_count",
    "in_flight",
    "last_error",
];

/// Those of a tool that went: none for what it has no more.
const LOST: [&str; 8] = ["label", "", "", "", "seconds_ago", "", "", "reason_text"];

/// Those of a robot.
const ROBOT: [&str; 4] = ["client", "address", "connected_seconds", "in_flight"];

/// The elements of an array; none where there is no array.
fn elements<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    at(value, name).as_array().map_or(&[], Vec::as_slice)
}

/// What stands at a path, as a cell: one line, not too long; `-` for none.
fn cell(value: &Value, path: &str) -> String {
    match at(value, path) {
        Value::Number(number) if path.contains("seconds") => {
            since(number.as_u64().unwrap_or_default())
        }
        Value::Number(number) => number.to_string(),
        other => text(other),
    }
}

/// A text as a cell: one line, not too long; `-` for none.
fn text(value: &Value) -> String {
    let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return "-".to_owned() };
    visible_start(text, MAX_CELL_CHARS)
}

/// Seconds as people say them.
fn since(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (0, hours, minutes, _) => format!("{hours}h{minutes:02}m"),
        (days, hours, ..) => format!("{days}d{hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_under_each_other_in_either_language() {
        let status: Value = serde_json::from_str(
            r#"{"version":"1","uptime_seconds":3661,"memory_bytes":3670016,
                "counts":{"tools":1,"robots":1,"in_flight":2},"traffic":{"calls":5,"calls_answered":4},
                "errors":{"no_tool":1,"tool_lost":2},"server":{"refused":7,"turned_away":8},
                "refusals":[{"address":"h","reason_text":"why","count":3,"seconds_ago":70}],
                "agents":[{"id":"家","robots":[{"client":null,"address":"h:1","connected_seconds":61,"in_flight":0}],
                "tools":[{"label":"灯\n","server_info":{"name":"n","version":"2"},"state":"ready",
                "connected_seconds":90000,"tools_count":3,"in_flight":2,"last_error":null}],
                "lost":[{"label":"old","seconds_ago":5,"reason_text":"why"}]}],
                "managed_servers":{
                "quick":{"kind":"stdio","state":"restarting","restarts":3,"tools_count":0,"agents_count":0,
                "last_error":"exit status 1","stderr":["1","2","3","4\u001b"]},
                "time":{"kind":"stdio","state":"ready","restarts":0,"tools_count":2,"agents_count":1,
                "last_error":"old","stderr":["hello"]}}}"#,
        )
        .unwrap();
        let shown = table(&status, "http://h", None, Language::En);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "mcp-endpoint-server 1  http://h  up 1h01m  memory 3.5 MB",
                "tool servers 1  robots 1  calls 5  answered 4  in flight 2  errors 3",
                "refused connections: wrong token and the like 7, connection limit 8",
                "  h, 3x, last 1m10s ago: why",
                "",
                "AGENT  TOOL SERVER  PROGRAM  VERSION  STATE  AGE    TOOLS  IN FLIGHT  LAST ERROR",
                "家     灯\\n         n        2        ready  1d01h  3      2          -",
                "家     old          -        -        gone   5s     -      -          why",
                "",
                "AGENT  ROBOT  FROM  AGE    IN FLIGHT",
                "家     -      h:1   1m01s  0",
                "",
                "SERVERS FILE  KIND   STATE       RESTARTS  TOOLS  AGENTS",
                "quick         stdio  restarting  3         0      0",
                "time          stdio  ready       0         2      1",
                "  quick: exit status 1",
                "    | 2",
                "    | 3",
                r"    | 4\u{1b}",
            ]
        );
        let narrow = table(&status, "http://h", Some(72), Language::En);
        let narrow: Vec<&str> = narrow.lines().skip(4).collect();
        assert!(narrow.iter().all(|line| super::table::columns(line) <= 72), "{narrow:#?}");
        assert!(narrow.concat().contains("TOOL SE…"), "{narrow:#?}");
        let chinese = table(&status, "http://h", None, Language::Zh);
        assert!(chinese.contains("智能体  工具端  程序  版本  状态"), "{chinese}");
    }

    #[test]
    fn a_reason_that_is_too_long_is_cut() {
        let refusal = serde_json::json!({ "reason_text": "\u{1b}".repeat(5000) });
        let status = serde_json::json!({ "agents": [], "refusals": [refusal] });
        let shown = table(&status, "b", None, Language::En);
        assert!(shown.contains(&(r"\u{1b}".repeat(MAX_REASON_CHARS) + "…")), "{shown}");
        assert!(!shown.contains(&r"\u{1b}".repeat(MAX_REASON_CHARS + 1)), "{shown}");
    }

    #[test]
    fn a_status_without_its_members_is_still_a_table() {
        let shown = table(
            &serde_json::json!({ "agents": [{ "tools": [{}], "lost": 3 }] }),
            "b",
            None,
            Language::En,
        );
        assert!(shown.contains("AGENT"), "{shown}");
        let nobody = table(&serde_json::json!({ "agents": [] }), "b", None, Language::En);
        assert!(nobody.contains("no tool server and no robot"), "{nobody}");
    }
}
