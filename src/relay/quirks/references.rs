//! `xiaozhi-server` keeps `type`, `properties` and `required` of an `inputSchema`, so it loses what
//! the `$ref`s in it refer to. It is given schemas without references: each local `$ref` is replaced
//! by what it names (docs/protocol.md#quirk-references).
//!
//! A schema is read once. That finds the places of its references. Then its text is copied, with what
//! is referred to in these places. Each time something is followed, its length is taken from a budget,
//! so neither a cycle nor growth costs more than the budget.

mod read;
mod write;

use crate::relay::catalogue::Offers;
use crate::relay::reply::shortened;
use jsonrpc::message::last_member;
use jsonrpc::splice::{place_in, Splice};
use read::Map;
use std::ops::Range;
use write::Writer;
use ws::memory::{allocated, array_of};

/// The member of a tool that is read.
const SCHEMA: &str = "inputSchema";

/// By how many bytes a schema may grow.
const MAX_GROWTH: usize = 64 << 10;

/// How many bytes of schemas with references are read and made for one list.
const MAX_LIST: usize = 2 << 20;

/// How many bytes of one list's schemas are searched for what is named, but is no definition.
const MAX_SEARCHED: usize = 16 << 20;

/// What a tool is given whose schema is not read: any arguments.
const UNRESTRICTED: &str = r#"{"type":"object"}"#;

/// The schemas without references of one list.
#[derive(Debug, Default)]
pub(in crate::relay) struct Schemas {
    /// Which version of the list they are of.
    version: Option<u32>,
    /// In the order of the list.
    made: Vec<Schema>,
    bytes: usize,
    /// Of how many tools something was cut because it would be too large, and the first one's name.
    cut: usize,
    first_cut: Box<str>,
}

/// A schema without references.
#[derive(Debug)]
struct Schema {
    /// The place of the tool in its list, and of the schema in the tool.
    tool: u32,
    start: u32,
    end: u32,
    text: Box<str>,
}

impl Schemas {
    /// Makes the schemas of a list.
    pub(in crate::relay) fn of(list: &Offers) -> Self {
        let mut schemas = Schemas { version: Some(list.version()), ..Schemas::default() };
        let mut budget = Budget { list: MAX_LIST, searched: MAX_SEARCHED };
        for at in 0..list.len() {
            if let Some((name, _)) = list.element(at) {
                schemas.add(at, (name, list.raw(at)), &mut budget);
            }
        }
        schemas.made.shrink_to_fit();
        schemas
    }

    fn add(&mut self, at: usize, (name, tool): (&str, &str), budget: &mut Budget) -> Option<()> {
        // Reading every schema would cost much for nothing. A key may have escapes.
        if !tool.contains("$ref") && !tool.contains("\\u00") {
            return None;
        }
        let schema = last_member(tool, SCHEMA)?;
        let made = match budget.list.checked_sub(schema.len()) {
            Some(left) => {
                budget.list = left;
                without_references(schema, left.min(MAX_GROWTH), &mut budget.searched)?
            }
            None => Made { text: UNRESTRICTED.to_owned(), is_cut: true },
        };
        budget.list = budget.list.saturating_sub(made.text.len());
        if made.is_cut {
            if self.cut == 0 {
                self.first_cut = shortened(name).into();
            }
            self.cut += 1;
        }
        let Range { start, end } = place_in(tool, schema)?;
        let [tool, start, end] = [at, start, end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        let text: Box<str> = made.text.into();
        self.bytes += allocated(text.len());
        self.made.push(Schema { tool, start, end, text });
        Some(())
    }

    /// Whether they are those of a list as it is.
    pub(in crate::relay) fn is_of(&self, list: &Offers) -> bool {
        self.version == Some(list.version())
    }

    /// Puts the schema of the tool at `at` into the tool, whose text is `raw`.
    pub(in crate::relay) fn put<'a>(&'a self, at: usize, raw: &'a str, tool: &mut Splice<'a>) {
        let found = self.made.binary_search_by_key(&at, |schema| schema.tool as usize);
        let Some(schema) = found.ok().and_then(|found| self.made.get(found)) else { return };
        if let Some(part) = raw.get(schema.start as usize..schema.end as usize) {
            tool.put(part, &schema.text);
        }
    }

    /// Of how many tools something was cut, and the first one's name.
    pub(in crate::relay) fn cut(&self) -> Option<(&str, usize)> {
        (self.cut > 0).then_some((&*self.first_cut, self.cut))
    }

    /// How much memory they take.
    pub(in crate::relay) fn memory(&self) -> usize {
        array_of::<Schema>(self.made.capacity()) + allocated(self.first_cut.len()) + self.bytes
    }
}

/// What is left to be spent on one list.
struct Budget {
    list: usize,
    searched: usize,
}

/// A schema without references, and whether something was cut because it would be too large.
struct Made {
    text: String,
    is_cut: bool,
}

/// `schema` without references, not more than `growth` bytes larger. Nothing where it has none.
fn without_references(schema: &str, growth: usize, searched: &mut usize) -> Option<Made> {
    if !schema.starts_with('{') {
        return None;
    }
    // It is JSON, so only too many references end this early.
    let Ok(map) = Map::of(schema) else {
        return Some(Made { text: UNRESTRICTED.to_owned(), is_cut: true });
    };
    (!map.references.is_empty()).then(|| Writer::run(&map, growth, searched))
}

/// For the fuzz targets: `schema` without references, and whether something was cut. Nothing
/// where it has none.
#[cfg(fuzzing)]
pub fn inlined(schema: &str) -> Option<(String, bool)> {
    let made = without_references(schema, MAX_GROWTH, &mut MAX_SEARCHED.clone())?;
    Some((made.text, made.is_cut))
}

#[cfg(test)]
mod tests;
