//! `demo`: an MCP server on standard input and output, with three tools for trying clients.
//!
//! It keeps nothing between messages, so a client may ask in any order.

mod arithmetic;
mod number;
mod ratio;

use super::output::{complain, End};
use crate::logging;
use crate::text::Language;
use arithmetic::{calculate, ArithmeticError};
use jsonrpc::message::{last_member, quoted, string};
use jsonrpc::{Id, Message, MessageError};
use number::NumberError;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Read, Write};

/// The longest message, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;

/// The versions of MCP it knows, the newest last. They are the same for a server with tools only.
const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

const PARSE_ERROR: (i32, &str) = (-32700, "Parse error");
const INVALID_REQUEST: (i32, &str) = (-32600, "Invalid Request");
const METHOD_NOT_FOUND: (i32, &str) = (-32601, "Method not found");
const INVALID_PARAMS: (i32, &str) = (-32602, "Unknown tool");

/// A tool.
struct DemoTool {
    name: &'static str,
    description: fn(Language) -> String,
    /// The members of `inputSchema` beside its type.
    schema: &'static str,
    /// Calls it with these arguments: a JSON object, or why it fails.
    call: fn(Option<&str>, Language) -> Result<String, String>,
}

const TOOLS: [DemoTool; 3] = [
    DemoTool {
        name: "calculator",
        description: Language::demo_calculator,
        schema: r#""properties":{"python_expression":{"type":"string"}},"required":["python_expression"]"#,
        call: call_calculator,
    },
    DemoTool {
        name: "now",
        description: Language::demo_now,
        schema: r#""properties":{}"#,
        call: |_, _| Ok(time_as_json(&logging::local_time())),
    },
    DemoTool {
        name: "roll_dice",
        description: Language::demo_roll_dice,
        schema: r#""properties":{"count":{"type":"integer","minimum":1,"maximum":100},"sides":{"type":"integer","minimum":2,"maximum":1000000}}"#,
        call: roll_dice,
    },
];

/// Serves the client on standard input and output until the input ends.
pub(super) fn serve(language: Language) -> End {
    let mut input = io::stdin().lock();
    if input.is_terminal() {
        complain(&language.demo_on_terminal());
    }
    match converse(&mut input, &mut io::stdout().lock(), language) {
        // A client that is gone needs nothing.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&error);
            End::Badly
        }
        _ => End::Well,
    }
}

fn converse(input: &mut dyn BufRead, output: &mut dyn Write, language: Language) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut start = input.take(MAX_LINE_BYTES as u64);
        if start.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let is_cut = line.len() == MAX_LINE_BYTES && !line.ends_with(b"\n");
        let answer = if is_cut {
            input.skip_until(b'\n')?;
            Some(error("null", INVALID_REQUEST))
        } else {
            answer(&line, language)
        };
        if let Some(mut answer) = answer {
            answer.push('\n');
            output.write_all(answer.as_bytes())?;
            output.flush()?;
        }
        line.shrink_to(4 << 10);
    }
}

/// The answer to a line; none to a notification, a reply or an empty line.
fn answer(line: &[u8], language: Language) -> Option<String> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Some(error("null", PARSE_ERROR));
    };
    // PowerShell writes a byte order mark first.
    let text = text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if text.is_empty() {
        return None;
    }
    let message = match Message::take_apart(text) {
        Ok(message) => message,
        Err(unread) => {
            let is_json = !matches!(unread.why, MessageError::NotJson | MessageError::NoRoom);
            let why = if is_json { INVALID_REQUEST } else { PARSE_ERROR };
            return Some(error(unread.id_in(text).unwrap_or("null"), why));
        }
    };
    let id = match message.id {
        Id::Given(id) => id,
        Id::Absent if message.is_message() => return None,
        _ => return Some(error("null", INVALID_REQUEST)),
    };
    let Some(method) = &message.method else {
        return (!message.is_message()).then(|| error(id, INVALID_REQUEST));
    };
    let result = match &**method {
        "initialize" => initialized(&message),
        "ping" => "{}".to_owned(),
        "tools/list" => listed(language),
        "tools/call" => {
            let name = message.read_params().name;
            let wanted =
                |tool: &&DemoTool| name.as_ref().is_some_and(|(name, _)| tool.name == name);
            match TOOLS.iter().find(wanted) {
                Some(tool) => called(tool, &message, language),
                None => return Some(error(id, INVALID_PARAMS)),
            }
        }
        _ => return Some(error(id, METHOD_NOT_FOUND)),
    };
    Some([r#"{"jsonrpc":"2.0","id":"#, id, r#","result":"#, &result, "}"].concat())
}

fn error(id: &str, (code, message): (i32, &str)) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{message}"}}}}"#)
}

/// The result of `initialize`: the version the client asked for, or the newest one.
fn initialized(message: &Message<'_>) -> String {
    let asked = message.read_params().protocol_version;
    let known = VERSIONS.iter().find(|version| asked.as_deref() == Some(**version));
    let version = known.or(VERSIONS.last()).copied().unwrap_or_default();
    let start = r#"{"protocolVersion":""#;
    let middle = r#"","capabilities":{"tools":{}},"serverInfo":{"name":"demo","version":""#;
    [start, version, middle, crate::VERSION, r#""}}"#].concat()
}

fn listed(language: Language) -> String {
    let mut list = r#"{"tools":["#.to_owned();
    for (number, tool) in TOOLS.iter().enumerate() {
        let start = if number == 0 { r#"{"name":""# } else { r#",{"name":""# };
        let description = quoted(&(tool.description)(language));
        let schema = r#","inputSchema":{"type":"object","#;
        list.extend([start, tool.name, r#"","description":"#, &description, schema]);
        list.extend([tool.schema, "}}"]);
    }
    list.push_str("]}");
    list
}

fn called(tool: &DemoTool, message: &Message<'_>, language: Language) -> String {
    let arguments = message.params.and_then(|params| last_member(params, "arguments"));
    let (text, end) = match (tool.call)(arguments, language) {
        Ok(text) => (text, r#"}],"isError":false}"#),
        Err(text) => (text, r#"}],"isError":true}"#),
    };
    [r#"{"content":[{"type":"text","text":"#, &quoted(&text), end].concat()
}

/// An argument as text. Models also write numbers as strings, and expressions as numbers.
fn argument(arguments: Option<&str>, name: &str) -> Option<String> {
    let raw = last_member(arguments?, name).filter(|raw| *raw != "null")?;
    Some(string(raw).map_or_else(|| raw.to_owned(), |text| text.into_owned()))
}

fn call_calculator(arguments: Option<&str>, language: Language) -> Result<String, String> {
    let expression = argument(arguments, "python_expression");
    let expression = expression.ok_or_else(|| language.demo_no_expression())?;
    match calculate(&expression) {
        Ok(result) => Ok([r#"{"success": true, "result": "#, &result, "}"].concat()),
        Err(error) => Err(match error {
            ArithmeticError::Unexpected(at) => language.demo_unexpected(at),
            ArithmeticError::EndsEarly => language.demo_ends_early(),
            ArithmeticError::TooLong => language.demo_too_long(),
            ArithmeticError::TooDeep => language.demo_too_deep(),
            ArithmeticError::Number(NumberError::TooLarge) => language.demo_too_large(),
            ArithmeticError::Number(NumberError::DivisionByZero) => {
                language.demo_division_by_zero()
            }
            ArithmeticError::Number(NumberError::NotReal) => language.demo_not_real(),
        }),
    }
}

/// `time` is as the log writes it: `2026-01-31T08:15:00.123+08:00`.
fn time_as_json(time: &str) -> String {
    const DAYS: [&str; 7] =
        ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    // Sakamoto's method: what the months before this one add to the day of the week.
    const MONTHS: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let mut parts = time.split(['-', 'T']).map(|part| part.parse::<usize>().unwrap_or_default());
    let (year, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let date = parts.next().unwrap_or_default();
    let year = year.saturating_sub(usize::from(month < 3));
    let month = MONTHS.get(month.wrapping_sub(1)).copied().unwrap_or_default();
    let day = (year + year / 4 - year / 100 + year / 400 + month + date) % DAYS.len();
    let day = DAYS.get(day).copied().unwrap_or_default();
    [r#"{"success": true, "now": ""#, time, r#"", "weekday": ""#, day, r#""}"#].concat()
}

fn roll_dice(arguments: Option<&str>, language: Language) -> Result<String, String> {
    let whole = |name, default: u32| match argument(arguments, name) {
        None => Some(default),
        Some(text) => text.strip_suffix(".0").unwrap_or(&text).parse().ok(),
    };
    let (Some(count @ 1..=100), Some(sides @ 2..=1_000_000)) =
        (whole("count", 1), whole("sides", 6))
    else {
        return Err(language.demo_odd_dice());
    };
    let (mut rolls, mut total) = (String::new(), 0);
    for _ in 0..count {
        // Of 64 bits none of a million sides is noticeably preferred.
        let luck = getrandom::u64().map_err(|_| language.demo_no_luck())?;
        let roll = 1 + luck % u64::from(sides);
        total += roll;
        rolls.push_str(if rolls.is_empty() { "" } else { ", " });
        rolls.push_str(itoa::Buffer::new().format(roll));
    }
    let total = itoa::Buffer::new().format(total).to_owned();
    Ok([r#"{"success": true, "rolls": ["#, &rolls, r#"], "total": "#, &total, "}"].concat())
}

#[cfg(test)]
mod tests;
