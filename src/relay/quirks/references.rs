//! `xiaozhi-server` keeps `type`, `properties` and `required` of an `inputSchema`, so it loses what
//! the `$ref`s in it refer to. It is given schemas without references: each local `$ref` is replaced
//! by what it names (docs/protocol.md#quirk-references).
//!
//! A schema is read once. That finds the places of its references. Then its text is copied, with what
//! is referred to in these places. Each time something is followed, its length is taken from a budget,
//! so neither a cycle nor growth makes it longer than the budget. What is read, looked up and written is
//! counted as work, which has a budget for each schema and for a list. A list is given in pages, and the
//! schemas of a page are made when it is first asked for: so one turn costs about 5 ms at most.

mod read;
mod write;

use super::PAGE;
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

/// How much work one schema may be, in units of about two nanoseconds on a desktop computer: as long as it
/// takes to read a byte.
const MAX_SCHEMA_WORK: usize = 800_000;

/// After how much work a page ends.
const MAX_PAGE_WORK: usize = 1_500_000;

/// How much work all schemas of one list may be.
const MAX_LIST_WORK: usize = 6_000_000;

/// How many units of work are counted as a microsecond of a turn.
const UNITS_A_MICROSECOND: usize = 500;

/// What a tool is given whose schema is not read: any arguments.
const UNRESTRICTED: &str = r#"{"type":"object"}"#;

/// The schemas without references of one list.
#[derive(Debug, Default)]
pub(in crate::relay) struct Schemas {
    /// Which version of the list they are of.
    version: Option<u32>,
    /// Of which tools the schema has been made, or needs not be.
    is_done: Vec<bool>,
    /// In the order of the list.
    made: Vec<Schema>,
    bytes: usize,
    /// How many bytes of schemas may still be read and made, and with how much work.
    room: usize,
    left: usize,
    /// Of how many tools of the page that was made last something was cut because it would be too large, and
    /// the first one's name.
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
    /// Makes the schemas of the page of `list` that begins with the element at `start`, as far as they
    /// are not made yet. Returns where the page ends at the latest, and how many microseconds this takes.
    pub(in crate::relay) fn make(&mut self, list: &Offers, start: usize) -> (usize, usize) {
        if !self.is_of(list) {
            let (version, is_done) = (Some(list.version()), vec![false; list.len()]);
            let (room, left) = (MAX_LIST, MAX_LIST_WORK);
            *self = Schemas { version, is_done, room, left, ..Schemas::default() };
        }
        self.cut = 0;
        let (mut at, mut bytes, mut work) = (start, 0, 0);
        while bytes <= PAGE && work < MAX_PAGE_WORK {
            let Some((name, mut element)) = list.element(at) else { break };
            let raw = list.raw(at);
            if self.is_done.get_mut(at).is_some_and(|is_done| !std::mem::replace(is_done, true)) {
                work += raw.len() / 8;
                self.add(at, (name, raw), &mut work);
            }
            self.put(at, raw, &mut element);
            let size = element.pieces().iter().map(|piece| piece.len()).sum::<usize>() + 1;
            // No page has one that is larger.
            bytes += if size > PAGE { 0 } else { size };
            at += 1;
        }
        (at, work / UNITS_A_MICROSECOND)
    }

    fn add(&mut self, at: usize, (name, tool): (&str, &str), work: &mut usize) -> Option<()> {
        // Reading every schema would cost much for nothing. A key may have escapes.
        if tool.len() > PAGE || (!tool.contains("$ref") && !tool.contains("\\u00")) {
            return None;
        }
        *work += tool.len() / 2;
        let schema = last_member(tool, SCHEMA)?;
        let before = self.left.min(MAX_SCHEMA_WORK);
        let mut left = before;
        let made = match self.room.checked_sub(schema.len()) {
            Some(room) => without_references(schema, room.min(MAX_GROWTH), &mut left),
            None => Some(Made::unrestricted()),
        };
        *work += before - left;
        self.left -= before - left;
        let made = made?;
        self.room = self.room.saturating_sub(schema.len() + made.text.len());
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
        let schema = Schema { tool, start, end, text };
        let place = self.made.partition_point(|other| other.tool < tool);
        self.made.insert(place, schema);
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

    /// Of how many tools of the page that was made last something was cut, and the first one's name.
    pub(in crate::relay) fn cut(&self) -> Option<(&str, usize)> {
        (self.cut > 0).then_some((&*self.first_cut, self.cut))
    }

    /// How much memory they take.
    pub(in crate::relay) fn memory(&self) -> usize {
        let own = self.is_done.capacity() + allocated(self.first_cut.len());
        array_of::<Schema>(self.made.capacity()) + own + self.bytes
    }
}

/// A schema without references, and whether something was cut because it would be too large.
struct Made {
    text: String,
    is_cut: bool,
}

impl Made {
    /// What stands in place of a schema that is not read.
    fn unrestricted() -> Self {
        Made { text: UNRESTRICTED.to_owned(), is_cut: true }
    }
}

/// `schema` without references, not more than `growth` bytes larger, made with no more work than is `left`.
/// Nothing where it has none.
fn without_references(schema: &str, growth: usize, left: &mut usize) -> Option<Made> {
    if !schema.starts_with('{') {
        return None;
    }
    // It is JSON, so only too many references and too much work end this early.
    let Ok(map) = Map::of(schema, left) else { return Some(Made::unrestricted()) };
    let made = (!map.references.is_empty()).then(|| Writer::run(&map, growth, left))?;
    Some(if *left > 0 { made } else { Made::unrestricted() })
}

/// For the fuzz targets: `schema` without references, and whether something was cut. Nothing
/// where it has none.
#[cfg(fuzzing)]
pub fn inlined(schema: &str) -> Option<(String, bool)> {
    let made = without_references(schema, MAX_GROWTH, &mut MAX_SCHEMA_WORK.clone())?;
    Some((made.text, made.is_cut))
}

#[cfg(test)]
mod tests;
