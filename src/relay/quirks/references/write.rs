//! A schema written with what its references name.

use super::read::{spend, Map, Target, DEFINITIONS};
use super::Made;
use crate::sorted::sorted;
use jsonrpc::scan;
use jsonrpc::splice::place_in;
use std::ops::Range;

/// How deep a reference may be followed, in levels of JSON and in references that refer to another.
pub(super) const MAX_DEPTH: usize = 64;

/// What following a reference costs, besides the length of what it names.
const COST: usize = 16;

/// What it costs to write a member, to look whether it is hidden, and to find and follow a reference,
/// besides their bytes.
const COST_OF_MEMBER: usize = 100;
const COST_OF_NAME: usize = 40;
const COST_OF_REFERENCE: usize = 30;

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
    /// How much work is left.
    left: usize,
    made: Made,
}

/// The names that hide members of what is referred to.
struct Hidden<'a, 'h> {
    /// In order.
    names: Vec<(&'a str, usize)>,
    /// How many such lists there are, with those around it.
    count: usize,
    outer: Option<&'h Hidden<'a, 'h>>,
}

impl Hidden<'_, '_> {
    fn has(&self, name: &str) -> bool {
        self.names.binary_search(&(name, 0)).is_ok()
            || self.outer.is_some_and(|outer| outer.has(name))
    }
}

impl<'a, 'm> Writer<'a, 'm> {
    /// Writes the schema that was read, at most `growth` bytes larger. Where nothing is left of the work
    /// that it may take, it is not whole.
    pub(super) fn run(map: &'m Map<'a>, growth: usize, left: &mut usize) -> Made {
        let targets = map.find_targets(left);
        let made = Made { text: String::with_capacity(map.schema.len()), is_cut: false };
        let (room, followed) = (growth, vec![0]);
        let mut writer = Writer { map, targets, followed, room, left: *left, made };
        writer.object(0..map.schema.len(), 0);
        *left = writer.left;
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
        // It is read with all that is in it, and twice where it has names that hide others.
        let times = if at.is_some() { 2 } else { 1 };
        if !spend(&mut self.left, times * text.len()) {
            return;
        }
        if let Some(at) = at {
            if let Some((target, deeper)) = self.follow(at, deeper) {
                let mut names = Vec::new();
                let _ = scan::members(text, |key, _| {
                    let is_other = spend(&mut self.left, 2 * COST_OF_NAME) && key.name() != "$ref";
                    names.extend(is_other.then_some((key.spelled(), 0)));
                });
                let count = 1 + hidden.map_or(0, |hidden| hidden.count);
                let hidden = Hidden { names: sorted(names), count, outer: hidden };
                self.members(target, Some(&hidden), deeper);
                self.followed.pop();
            }
        }
        let is_whole = place.start == 0;
        let cost = COST_OF_MEMBER + COST_OF_NAME * hidden.map_or(0, |hidden| hidden.count);
        let _ = scan::members(text, |key, value| {
            if !spend(&mut self.left, cost) {
                return;
            }
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
        while spend(&mut self.left, COST_OF_REFERENCE) {
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
        let rest = self.text(from..place.end);
        if spend(&mut self.left, rest.len() / 8) {
            self.made.text.push_str(rest);
        }
    }

    /// Follows a reference that stands `deeper` than in the schema, to what it names and how much
    /// deeper that stands then: unless that never ends or is too much.
    fn follow(&mut self, at: usize, deeper: Levels) -> Option<(Range<usize>, Levels)> {
        let (target, depth) = self.targets.get(at)?.clone()?;
        if !spend(&mut self.left, COST_OF_REFERENCE) || self.followed.contains(&target.start) {
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
