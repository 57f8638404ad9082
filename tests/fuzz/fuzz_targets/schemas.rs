//! The schema of a tool with references in it, and what is made of it for the robot that drops
//! definitions.
#![no_main]

use jsonrpc::scan::is_json;
use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::relay::inlined;
use serde_json::{Map, Value};

/// By how much a schema may grow, with what stands where nothing is followed any more.
const GROWTH: usize = (64 << 10) + 64;

const REFERENCES: [&str; 14] = [
    "#/$defs/A",
    "#/$defs/B",
    "#/$defs/a~1b~0",
    "#/definitions/A",
    "#/definitions/%41",
    "#/properties/A",
    "#/properties/A/items",
    "#/properties/B/anyOf/0",
    "#/$defs/A/properties/B",
    "#/$defs",
    "#",
    "#A",
    "#/nothing",
    "https://example.com/#/$defs/A",
];
const NAMES: [&str; 5] = ["A", "B", "a/b~", "$ref", "查"];
const MEMBERS: [&str; 12] = [
    "$ref",
    "properties",
    "$defs",
    "definitions",
    "items",
    "anyOf",
    "additionalProperties",
    "default",
    "enum",
    "title",
    "x",
    "not",
];

/// Bytes to choose by; zeros once there are no more.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn one(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first)
    }

    fn schema(&mut self, depth: usize) -> Value {
        let mut schema = Map::new();
        for _ in 0..self.one() % 5 {
            let member = MEMBERS[self.one() % MEMBERS.len()];
            let value = match member {
                _ if depth > 8 => Value::Null,
                "$ref" => match self.one() {
                    255 => 7.into(),
                    which => REFERENCES[which % REFERENCES.len()].into(),
                },
                "properties" | "$defs" | "definitions" => {
                    let mut all = Map::new();
                    for _ in 0..self.one() % 4 {
                        all.insert(NAMES[self.one() % NAMES.len()].into(), self.schema(depth + 2));
                    }
                    all.into()
                }
                "anyOf" | "enum" => {
                    (0..self.one() % 4).map(|_| self.schema(depth + 2)).collect::<Vec<_>>().into()
                }
                "title" => "t".into(),
                _ => match self.one() % 8 {
                    0 => true.into(),
                    _ => self.schema(depth + 1),
                },
            };
            schema.insert(member.into(), value);
        }
        schema.into()
    }
}

fuzz_target!(|data: &[u8]| {
    // As it is, if it is a schema.
    if let Ok(text) = std::str::from_utf8(data) {
        if serde_json::from_str::<Map<String, Value>>(text).is_ok() && is_json(text) {
            look(text);
        }
    }
    let schema = Bytes(data).schema(0);
    let text = schema.to_string();
    let made = look(&text);
    let root = Plain { root: &schema, followed: vec![Vec::new()] };
    let (plain, has_references) = root.run();
    match made {
        None => assert!(!has_references, "{text}"),
        // Elsewhere it cannot be said what was left out.
        Some((made, false)) => assert_eq!(made, plain, "{text}"),
        Some((_, true)) => (),
    }
});

/// What is made of a schema is JSON without references, and not much larger.
fn look(schema: &str) -> Option<(Value, bool)> {
    let (made, is_cut) = inlined(schema)?;
    assert!(made.len() <= schema.len() + GROWTH, "{} became {}", schema.len(), made.len());
    assert!(is_json(&made), "{schema:?} became {made:?}");
    assert!(inlined(&made).is_none(), "{schema:?} became {made:?}");
    Some((serde_json::from_str(&made).expect("JSON"), is_cut))
}

/// The plainest way to replace references.
struct Plain<'a> {
    root: &'a Value,
    followed: Vec<Vec<String>>,
}

impl Plain<'_> {
    fn run(mut self) -> (Value, bool) {
        let mut steps = 0;
        let mut found = false;
        let made = self.schema(self.root, true, &mut steps, &mut found);
        (made, found)
    }

    fn schema(
        &mut self,
        schema: &Value,
        is_root: bool,
        steps: &mut usize,
        found: &mut bool,
    ) -> Value {
        *steps += 1;
        let members = match schema {
            Value::Object(members) => members,
            Value::Array(list) => {
                return list.iter().map(|one| self.schema(one, false, steps, found)).collect();
            }
            other => return other.clone(),
        };
        let mut made = Map::new();
        let to = members.get("$ref").and_then(Value::as_str).filter(|to| to.starts_with('#'));
        *found |= to.is_some();
        // What grows without end has been cut.
        let target = to.filter(|_| *steps < 10_000).and_then(|to| self.find(to));
        if let Some((path, target)) = target.filter(|(path, _)| !self.followed.contains(path)) {
            let target = target.clone();
            self.followed.push(path);
            if let Value::Object(members) = self.schema(&target, false, steps, found) {
                made = members;
            }
            self.followed.pop();
        }
        for (name, value) in members {
            let is_definition = is_root && matches!(name.as_str(), "$defs" | "definitions");
            if is_definition {
                *found |= refers(value);
                made.remove(name);
            } else if name != "$ref" || to.is_none() {
                let value = self.member(name, value, steps, found);
                made.insert(name.clone(), value);
            }
        }
        made.into()
    }

    fn member(&mut self, name: &str, value: &Value, steps: &mut usize, found: &mut bool) -> Value {
        match (name, value) {
            ("properties" | "$defs" | "definitions", Value::Object(all)) => {
                let made = all
                    .iter()
                    .map(|(name, schema)| (name.clone(), self.schema(schema, false, steps, found)));
                Value::Object(made.collect())
            }
            ("items" | "anyOf" | "additionalProperties" | "not", value) => {
                self.schema(value, false, steps, found)
            }
            (_, value) => value.clone(),
        }
    }

    /// The schema that a pointer names, if there is one.
    fn find(&self, to: &str) -> Option<(Vec<String>, &Value)> {
        let to = to.replace("%41", "A");
        let mut steps = to.strip_prefix('#')?.split('/');
        steps.next().filter(|before| before.is_empty())?;
        let path: Vec<String> =
            steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        let mut value = self.root;
        // What the value is: a schema, or schemas by name.
        let mut is_schema = true;
        for step in &path {
            (value, is_schema) = match value {
                Value::Array(list) => (list.get(step.parse::<usize>().ok()?)?, is_schema),
                Value::Object(all) if !is_schema => (all.get(step)?, true),
                Value::Object(all) => match &**step {
                    "properties" | "$defs" | "definitions" => (all.get(step)?, false),
                    "items" | "anyOf" | "additionalProperties" | "not" => (all.get(step)?, true),
                    _ => return None,
                },
                _ => return None,
            };
        }
        (is_schema && value.is_object()).then_some((path, value))
    }
}

/// Whether there is a reference in definitions.
fn refers(definitions: &Value) -> bool {
    let nothing = Value::Null;
    let all = definitions.as_object().into_iter().flat_map(Map::values);
    let mut plain = Plain { root: &nothing, followed: Vec::new() };
    let mut found = false;
    all.for_each(|schema| drop(plain.schema(schema, false, &mut 0, &mut found)));
    found
}
