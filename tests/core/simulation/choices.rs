//! What the owner of the server chooses, and whether what is listed and what is callable agree with it.

use super::actors::Request;
use super::play::{with_shared, Play};
use mcp_endpoint_server::relay::{Peer, Selection};
use mcp_endpoint_server::settings::selection::parse;
use mcp_endpoint_server::text::Language;
use std::sync::Arc;

/// The name that `sub` is given.
const RENAMED: &str = "minus";

/// The own names that entries give to other tools, or take away.
const RENAMING: [(usize, &[&str]); 2] = [(4, &["sub"]), (5, &["sub", "search"])];

/// Entries, and which names they hide. No pattern matches a label.
const ENTRIES: [(&str, &[&str]); 7] = [
    ("{}", &[]),
    (r#"{"hide":["add"]}"#, &["add"]),
    (r#"{"hide":["su*","sear*"]}"#, &["sub", "search"]),
    (r#"{"only":["ad*","*小"]}"#, &["sub", "search", "x-y", "nobody's", "server-1__add"]),
    (r#"{"rename":{"sub":"minus"},"describe":{"minus":"Takes away.","add":"Adds."}}"#, &[]),
    (r#"{"rename":{"sub":"add","search":"add"},"hide":["*y"]}"#, &["x-y"]),
    (r#"{"only":[]}"#, &["add", "sub", "search", "x-y", "小", "nobody's", "server-1__add"]),
];

/// What was chosen for an agent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Choice(usize);

impl Choice {
    /// Whether the own name of a tool is hidden.
    pub(crate) fn hides(self, name: &str) -> bool {
        ENTRIES[self.0].1.contains(&name)
    }

    /// Whether a tool with this own name is offered under another one.
    pub(crate) fn renames(self, name: &str) -> bool {
        RENAMING.iter().any(|(number, names)| *number == self.0 && names.contains(&name))
    }
}

impl Play {
    /// The owner chooses other tools, for each agent.
    pub(crate) fn selection_changes(&mut self) {
        let mut entries = Vec::new();
        for agent in 0..self.marks.len() {
            let number = self.random.below(ENTRIES.len() as u64) as usize;
            self.choices[agent] = Choice(number);
            entries.push(format!(r#""{}":{}"#, self.marks[agent], ENTRIES[number].0));
        }
        let text = format!(r#"{{"agents":{{{}}}}}"#, entries.join(","));
        self.note(format!("the selection is {text}"));
        let selection: Selection = parse(&text, "tools.json", Language::En).unwrap();
        let is_plain = !self.shares;
        let selection = if is_plain { selection } else { with_shared(selection) };
        self.policy.selection = Arc::new(selection);
        self.everything_may_change();
        self.policy_changes();
    }

    /// What is listed is not hidden.
    pub(crate) fn check_listed(&self, agent: usize, name: &str) {
        let own = name != RENAMED && !name.contains("__");
        // Another tool may have been given the name of a hidden one; here that is `add` only.
        let choice = self.choices[agent];
        let hidden = own && name != "add" && (choice.hides(name) || choice.renames(name));
        assert!(!hidden, "it is hidden or renamed, and listed: {name}");
    }

    /// Every name that is listed can be called, and of the others none that is hidden.
    pub(crate) fn listed_is_callable(&mut self, agent: usize, listed: &[(String, String)]) {
        let names: Vec<String> = listed.iter().map(|(name, _)| name.clone()).collect();
        for name in &names {
            assert!(self.is_called(agent, name), "it is listed and not callable: {name}");
        }
        for name in ["add", "sub", "search", "x-y", "小", "nobody's", "server-1__add"] {
            let is_listed = names.iter().any(|listed| listed == name);
            let choice = self.choices[agent];
            if !is_listed && (choice.hides(name) || choice.renames(name)) {
                assert!(!self.is_called(agent, name), "it is not listed, and callable: {name}");
            }
        }
    }

    /// Whether the call of a new robot reaches a tool server.
    fn is_called(&mut self, agent: usize, name: &str) -> bool {
        let robot: Peer = self.robot_joins_at(agent);
        self.keys += 1;
        let key = self.keys;
        let mark = &self.marks[agent];
        let text = format!(
            r#"{{"id":@ID@,"method":"tools/call","params":{{"name":"@NAME@","key":"{key}","m":"{mark}"}}}}"#
        );
        let said = text.replace("@ID@", "1").replace("@NAME@", name);
        self.robots
            .get_mut(&robot)
            .unwrap()
            .outstanding
            .entry("1".to_owned())
            .or_default()
            .keys
            .push(key);
        let request = Request {
            robot,
            method: "tools/call".to_owned(),
            text,
            token: None,
            name: name.to_owned(),
            meant_for: None,
            epoch: self.epochs[agent],
            answers: Vec::new(),
        };
        self.requests.insert(key, request);
        self.sends(robot, &said);
        self.tools.values().any(|tool| tool.pending.iter().any(|p| p.key == Some(key)))
    }
}
