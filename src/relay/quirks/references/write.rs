//! A schema written with what its references name.

use super::read::{Map, Target, DEFINITIONS};
use super::Made;
use jsonrpc::scan;
use jsonrpc::splice::place_in;
use std::collections::HashSet;
use std::ops::Range;

/// How deep a reference may be followed, in levels of JSON and in references that refer to another.
pub(super) const MAX_DEPTH: usize = 64;

/// What following a reference costs, besides the length of what it names.
const COST: usize = 16;

/// By how many levels something stands deeper than in the schema; it may be fewer than none.
type Levels = isize;

/// Writes a schema with what it refers to.
pub(super) struct Writer<'a, 'm> {
    map: &'m Map<'a>,
    /// What each reference names.
    targets: Vec<Option<Target>>,
    /// Where what is being written begins, from the whole schema on.
    followed: Vec<usize>,
    /// How many bytes may be added.
    room: usize,
    made: Made,
}

/// The names that hide members of what is referred to.
struct Hidden<'a, 'h> {
    names: HashSet<&'a str>,
    outer: Option<&'h Hidden<'a, 'h>>,
}

impl Hidden<'_, '_> {
    fn has(&self, name: &str) -> bool {
        self.names.contains(name) || self.outer.is_some_and(|outer| outer.has(name))
    }
}

impl<'a, 'm> Writer<'a, 'm> {
    /// Writes the schema that was read, at most `growth` bytes larger.
    pub(super) fn run(map: &'m Map<'a>, growth: usize, searched: &mut usize) -> Made {
        let (targets, is_cut) = map.find_targets(searched);
        let made = Made { text: String::with_capacity(map.schema.len()), is_cut };
        let mut writer = Writer { map, targets, followed: vec![0], room: growth, made };
        writer.object(0..map.schema.len(), 0);
        writer.made
    }

    fn text(&self, place: Range<usize>) -> &'a str {
        self.map.schema.get(place).unwrap_or_default()
    }

    /// Writes an object that stands `deeper` than in the schema it comes from.
    fn object(&mut self, place: Range<usize>, deeper: Levels) {
        self.made.text.push('{');
        self.members(place, None, deeper);
        self.made.text.push('}');
    }

    /// Writes the members of what an object refers to, and then its own. Of members of one name only
    /// the outermost is written.
    fn members(&mut self, place: Range<usize>, hidden: Option<&Hidden<'a, '_>>, deeper: Levels) {
        let text = self.text(place.clone());
        let references = &self.map.references;
        let at = references.binary_search_by_key(&place.start, |it| it.object.start).ok();
        if let Some(at) = at {
            if let Some((target, deeper)) = self.follow(at, deeper) {
                let mut names = HashSet::new();
                let _ = scan::members(text, |key, _| {
                    names.extend(Some(key.spelled()).filter(|_| key.name() != "$ref"));
                });
                self.members(target, Some(&Hidden { names, outer: hidden }), deeper);
                self.followed.pop();
            }
        }
        let is_whole = place.start == 0;
        let _ = scan::members(text, |key, value| {
            let name = key.name();
            let is_replaced = at.is_some() && name == "$ref";
            // Nobody refers to them any more.
            let is_definition = is_whole && DEFINITIONS.contains(&&*name);
            let spelled = key.spelled();
            if is_replaced || is_definition || hidden.is_some_and(|hidden| hidden.has(spelled)) {
                return;
            }
            let comma = if self.made.text.ends_with('{') { "\"" } else { ",\"" };
            self.made.text.extend([comma, spelled, "\":"]);
            if let Some(value) = place_in(text, value) {
                self.copy(place.start + value.start..place.start + value.end, deeper);
            }
        });
    }

    /// Writes what stands at a place, without references.
    fn copy(&mut self, place: Range<usize>, deeper: Levels) {
        let map = self.map;
        let mut from = place.start;
        loop {
            let next = map.references.partition_point(|it| it.object.start < from);
            let next = map.references.get(next).map(|it| (next, it));
            let Some((at, reference)) = next.filter(|(_, it)| it.object.start < place.end) else {
                break;
            };
            self.made.text.push_str(self.text(from..reference.object.start));
            from = reference.object.end;
            if !reference.is_alone {
                self.object(reference.object.clone(), deeper);
                continue;
            }
            match self.follow(at, deeper) {
                Some((target, deeper)) => {
                    self.copy(target, deeper);
                    self.followed.pop();
                }
                None => self.made.text.push_str("{}"),
            }
        }
        self.made.text.push_str(self.text(from..place.end));
    }

    /// Follows a reference that stands `deeper` than in the schema, to what it names and how much
    /// deeper that stands then: unless that never ends or is too much.
    fn follow(&mut self, at: usize, deeper: Levels) -> Option<(Range<usize>, Levels)> {
        let (target, depth) = self.targets.get(at)?.clone()?;
        if self.followed.contains(&target.start) {
            return None;
        }
        let stands = self.map.references.get(at)?.depth.checked_add_signed(deeper)?;
        let room = self.room.checked_sub(target.len() + COST);
        let is_deep = stands.max(self.followed.len()) >= MAX_DEPTH;
        let Some(room) = room.filter(|_| !is_deep) else {
            self.made.is_cut = true;
            return None;
        };
        self.room = room;
        self.followed.push(target.start);
        Some((target, Levels::try_from(stands).ok()? - Levels::try_from(depth).ok()?))
    }
}
