//! What tool servers answer to `initialize`, and what robots are answered for all of them together.

use super::catalogue::{Kind, KINDS};
use super::reply::{self, PROTOCOL_VERSION};
use crate::sorted::sorted;
use jsonrpc::message::{last_member, quoted, string};
use jsonrpc::scan;
use std::borrow::Cow;
use std::collections::HashSet;
use ws::memory::{allocated, array_of};

/// How many bytes of capabilities of one tool server are kept, as they are spelled.
const MAX_CAPABILITIES: usize = 16 << 10;

/// How many bytes of the other members of its answer are kept, and in how many members.
const MAX_REST: usize = 64 << 10;
const MAX_MEMBERS: usize = 64;

/// How many members of an answer, and of its capabilities, are looked at: a large one has millions.
const MAX_SEEN: usize = 1000;

/// How many bytes of an answer are kept.
pub(super) const MAX_BYTES: usize = MAX_CAPABILITIES + MAX_REST;

/// The longest name of a tool server that becomes a label, and the longest protocol version, in bytes.
const MAX_NAME: usize = 128;

/// How many bytes of capabilities, and of instructions, of all tool servers of an agent are united.
const MAX_UNITED: usize = 128 << 10;

/// How deep objects in capabilities are united.
const MAX_DEPTH: usize = 16;

/// A tool server's answer to `initialize`.
#[derive(Debug)]
pub(super) struct InitializeResult {
    /// The protocol version it chose.
    version: Box<str>,
    /// `serverInfo.name`, where it has one.
    pub name: Option<Box<str>>,
    /// The members of its capabilities, as they are spelled.
    capabilities: Members,
    /// The kinds whose changes it announces, one bit each.
    announced: u8,
    /// The other members of its answer, as they are spelled, without the version.
    rest: Members,
    /// The first member that was left out because there is no room for it.
    pub left_out: Option<Box<str>>,
}

/// Members of an object. The last of each name, as many as there is room for.
#[derive(Debug, Default)]
struct Members {
    /// The names, decoded, and the values as they are spelled.
    members: Vec<(Box<str>, Box<str>)>,
    bytes: usize,
    seen: usize,
}

impl Members {
    /// Takes a member in if there is room; says whether there was.
    fn put(&mut self, name: &str, value: &str, room: usize) -> bool {
        self.seen += 1;
        if self.seen > MAX_SEEN {
            return false;
        }
        if let Some(at) = self.members.iter().position(|(other, _)| **other == *name) {
            let (name, value) = self.members.remove(at);
            self.bytes -= name.len() + value.len();
        }
        let bytes = self.bytes + name.len() + value.len();
        let fits = bytes <= room && self.members.len() < MAX_MEMBERS;
        if fits {
            self.bytes = bytes;
            self.members.push((name.into(), value.into()));
        }
        fits
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(other, _)| **other == *name).map(|(_, value)| &**value)
    }

    fn memory(&self) -> usize {
        let texts =
            self.members.iter().map(|(name, value)| allocated(name.len()) + allocated(value.len()));
        texts.sum::<usize>() + array_of::<(Box<str>, Box<str>)>(self.members.capacity())
    }
}

impl InitializeResult {
    /// Reads the `result` of `initialize`; `None` if it is not an object.
    pub(super) fn read(result: &str) -> Option<Self> {
        let mut own = InitializeResult {
            version: PROTOCOL_VERSION.into(),
            name: None,
            capabilities: Members::default(),
            announced: 0,
            rest: Members::default(),
            left_out: None,
        };
        let mut capabilities = None;
        scan::members(result, |key, value| match &*key.name() {
            "protocolVersion" => {
                let version = string(value).filter(|version| version.len() <= MAX_NAME);
                own.version = version.as_deref().unwrap_or(PROTOCOL_VERSION).into();
            }
            "capabilities" => capabilities = Some(value),
            name => {
                if !own.rest.put(name, value, MAX_REST) {
                    own.leave_out(name);
                }
            }
        })
        .ok()?;
        // Capabilities that are not an object count as none.
        let _ = scan::members(capabilities.unwrap_or("{}"), |key, value| {
            let name = key.name();
            if !own.capabilities.put(&name, value, MAX_CAPABILITIES) {
                own.leave_out(&name);
            }
        });
        let name = own.server_info().and_then(|info| string(last_member(info, "name")?));
        let name = name.filter(|name| !name.trim().is_empty() && name.len() <= MAX_NAME);
        own.name = name.map(Into::into);
        for (place, row) in KINDS.iter().enumerate() {
            let declared = own.capabilities.get(row.capability);
            let announces = declared.and_then(|declared| last_member(declared, "listChanged"));
            own.announced |= u8::from(announces == Some("true")) << place;
        }
        Some(own)
    }

    fn leave_out(&mut self, name: &str) {
        let name = || reply::shortened(name).into();
        self.left_out.get_or_insert_with(name);
    }

    /// `serverInfo` as it is spelled.
    pub(super) fn server_info(&self) -> Option<&str> {
        self.rest.get("serverInfo")
    }

    /// Whether it declares a capability.
    pub(super) fn declares(&self, capability: &str) -> bool {
        self.capabilities.get(capability).is_some()
    }

    /// Whether it announces changes of a list.
    pub(super) fn announces_changes(&self, kind: Kind) -> bool {
        let place = KINDS.iter().position(|row| row.kind == kind);
        place.is_some_and(|place| self.announced >> place & 1 == 1)
    }

    /// How much memory it takes.
    pub(super) fn memory(&self) -> usize {
        let name = self.name.as_ref().map_or(0, |name| allocated(name.len()));
        allocated(self.version.len()) + name + self.capabilities.memory() + self.rest.memory()
    }
}

/// The `result` of a robot's `initialize` for tool servers that answered `results`.
pub(super) fn united(results: &[&InitializeResult]) -> Box<str> {
    let mut capabilities = vec![(Cow::Borrowed("tools"), 0, r#"{"listChanged":true}"#)];
    let (mut seen, mut room) = (HashSet::new(), MAX_UNITED);
    for (name, value) in results.iter().flat_map(|own| &own.capabilities.members) {
        // Most tool servers of an agent are alike, and what is already there is not read again.
        if value.len() <= room && seen.insert((&**name, &**value)) {
            room -= value.len();
            capabilities.push((Cow::Borrowed(name), capabilities.len(), value));
        }
    }
    let mut able = String::new();
    write_united(capabilities, 1, &mut able);
    let version = results.iter().map(|own| &*own.version).min().unwrap_or(PROTOCOL_VERSION);
    let start = [r#"{"protocolVersion":"#, &quoted(version), r#","capabilities":"#];
    let mut text = start.concat() + &scan::strict(&able);
    let mut member = |name: &str, value: &str| {
        text.push(',');
        text.push_str(&quoted(name));
        text.push(':');
        text.push_str(value);
    };
    let only = if let [only] = results { Some(only) } else { None };
    for (name, value) in only.into_iter().flat_map(|only| &only.rest.members) {
        member(name, value);
    }
    if only.is_none_or(|only| only.server_info().is_none()) {
        member("serverInfo", &reply::own_info());
    }
    if only.is_none() {
        let mut room = MAX_UNITED;
        let mut instructions = Vec::new();
        for own in results.iter().filter_map(|own| string(own.rest.get("instructions")?)) {
            if own.len() <= room {
                room -= own.len();
                instructions.push(own);
            }
        }
        if !instructions.is_empty() {
            member("instructions", &quoted(&instructions.join("\n\n")));
        }
    }
    text.push('}');
    text.into()
}

/// Writes an object of these members: names, an order, and values as they are spelled. Of one name, objects are
/// united, and otherwise `true` counts, or else the first. Far within, the first object counts as well.
fn write_united(members: Vec<(Cow<'_, str>, usize, &str)>, depth: usize, text: &mut String) {
    let members = sorted(members);
    let (mut rest, mut before) = (&*members, "{");
    while let Some((name, _, first)) = rest.first() {
        let count = rest.iter().take_while(|(other, _, _)| other == name).count();
        let (same, others) = rest.split_at_checked(count).unwrap_or_default();
        [before, &quoted(name), ":"].iter().for_each(|piece| text.push_str(piece));
        if depth < MAX_DEPTH && first.starts_with('{') {
            let mut within = Vec::new();
            for (_, _, value) in same {
                // What is no object adds nothing.
                let _ = scan::members(value, |key, value| {
                    within.push((key.name(), within.len(), value));
                });
            }
            write_united(within, depth + 1, text);
        } else {
            let is_true = same.iter().any(|(_, _, value)| *value == "true");
            text.push_str(if is_true { "true" } else { first });
        }
        (rest, before) = (others, ",");
    }
    text.push_str(if members.is_empty() { "{}" } else { "}" });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn what_has_no_room_is_left_out_member_by_member() {
        let large = "x".repeat(MAX_REST);
        let own = InitializeResult::read(&format!(
            r#"{{"protocolVersion":"1","capabilities":{{"tools":{{"listChanged":true}},"experimental":"{large}","prompts":{{}}}},"instructions":"{large}","serverInfo":{{"name":"s"}}}}"#
        ))
        .unwrap();
        assert!(own.declares("tools") && own.declares("prompts"));
        assert!(own.announces_changes(Kind::Tools) && !own.announces_changes(Kind::Prompts));
        assert!(!own.declares("experimental"));
        assert_eq!(own.name.as_deref(), Some("s"));
        assert_eq!(own.left_out.as_deref(), Some("instructions"));
        assert!(own.memory() < 2000, "{}", own.memory());
    }

    #[test]
    fn of_millions_of_members_the_first_are_looked_at() {
        let members = vec![r#""a":0"#; MAX_SEEN].join(",");
        let read = |last| InitializeResult::read(&format!(r#"{{{members},"{last}":1}}"#)).unwrap();
        assert_eq!(read("b").left_out.as_deref(), Some("b"));
        assert_eq!(read("protocolVersion").left_out, None);
    }

    #[test]
    fn what_all_can_do_is_what_any_can_do() {
        let read = |text: &str| InitializeResult::read(text).unwrap();
        let one = read(
            r#"{"protocolVersion":"2","capabilities":{"a":{"x":false,"y":1}},"instructions":"i"}"#,
        );
        let two = read(
            r#"{"protocolVersion":"1","capabilities":{"a":{"x":true},"tools":7},"instructions":"j"}"#,
        );
        let all: Value = serde_json::from_str(&united(&[&one, &two])).unwrap();
        assert_eq!(all["protocolVersion"], "1");
        assert_eq!(
            all["capabilities"],
            serde_json::json!({"a":{"x":true,"y":1},"tools":{"listChanged":true}})
        );
        assert_eq!(
            (&all["serverInfo"]["name"], &all["instructions"]),
            (&"mcp-endpoint-server".into(), &"i\n\nj".into())
        );
        assert!(InitializeResult::read("[]").is_none());
    }
}
