//! The items of one list of one tool server, and how the pages of the list are read: measured while
//! they are read, so that what goes beyond the limits is never built.

use super::kind::Kind;
use crate::relay::reply::shortened;
use jsonrpc::message::{last_member, string};
use jsonrpc::scan;
use jsonrpc::splice::place_in;
use std::collections::HashSet;
use std::mem::size_of;
use ws::memory::{allocated, array_of};

/// How many items one list of one tool server may have.
pub(in crate::relay) const MAX_ITEMS: usize = 2_000;

/// How many bytes they may have together, as they are spelled.
pub(in crate::relay) const MAX_LIST_BYTES: usize = 4 << 20;

/// How many bytes of items are looked at in one listing, those left out included.
const MAX_BYTES_SEEN: usize = 2 * MAX_LIST_BYTES;

/// Marks a name that stands among the decoded ones.
const DECODED: u32 = 1 << 31;

/// Where an item stands in the text of its list. The limits keep every place below 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
    /// The name as it is spelled, with its quotes.
    spelled: (u32, u32),
    /// The name, without the quotes; with [`DECODED`] set, its place in `Items::decoded`.
    name: (u32, u32),
    /// A number made of the whole item, for noticing changes.
    print: u64,
}

/// The items of one list, as their tool server spelled them.
#[derive(Clone, Debug, Default)]
pub(in crate::relay) struct Items {
    /// The items, separated by commas.
    text: String,
    /// The names that have escapes in them, decoded.
    decoded: String,
    spans: Vec<Span>,
    /// A number made of the set of names, for telling twins.
    names_print: u64,
}

/// One item of a list.
#[derive(Clone, Copy, Debug)]
pub(in crate::relay) struct Item<'a> {
    /// Its name or address, decoded.
    pub name: &'a str,
    /// The name as its tool server spelled it.
    pub spelled_name: &'a str,
    /// The whole item.
    pub raw: &'a str,
    /// A number made of it, for noticing changes.
    pub print: u64,
}

impl Items {
    /// How many items there are.
    pub(in crate::relay) fn len(&self) -> usize {
        self.spans.len()
    }

    /// How much memory they take.
    pub(in crate::relay) fn memory(&self) -> usize {
        allocated(size_of::<Items>())
            + allocated(self.text.capacity())
            + allocated(self.decoded.capacity())
            + array_of::<Span>(self.spans.capacity())
    }

    /// The item at `place`.
    pub(in crate::relay) fn get(&self, place: usize) -> Option<Item<'_>> {
        self.spans.get(place).map(|span| self.item(span))
    }

    /// Every item, in order.
    pub(in crate::relay) fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        self.spans.iter().map(|span| self.item(span))
    }

    /// The items from `first` to `last`, with the commas between them.
    pub(in crate::relay) fn run(&self, first: usize, last: usize) -> &str {
        match (self.spans.get(first), self.spans.get(last)) {
            (Some(first), Some(last)) => part(&self.text, (first.start, last.end)),
            _ => "",
        }
    }

    /// The name of the item at `place`.
    pub(in crate::relay) fn name(&self, place: usize) -> Option<&str> {
        self.spans.get(place).map(|span| self.name_of(span))
    }

    fn name_of(&self, span: &Span) -> &str {
        let (start, end) = span.name;
        match start & DECODED {
            0 => part(&self.text, span.name),
            _ => part(&self.decoded, (start & !DECODED, end)),
        }
    }

    fn item(&self, span: &Span) -> Item<'_> {
        Item {
            name: self.name_of(span),
            spelled_name: part(&self.text, span.spelled),
            raw: part(&self.text, (span.start, span.end)),
            print: span.print,
        }
    }

    /// Whether both have the same set of names.
    pub(in crate::relay) fn has_names_of(&self, other: &Items) -> bool {
        self.names_print == other.names_print
    }

    /// Whether any name is in both.
    pub(in crate::relay) fn shares_a_name_with(&self, other: &Items) -> bool {
        let names: HashSet<&str> = self.iter().map(|item| item.name).collect();
        other.iter().any(|item| names.contains(item.name))
    }

    /// Whether both have the same items in the same order.
    pub(in crate::relay) fn is_same_as(&self, other: &Items) -> bool {
        let mine = self.spans.iter().map(|span| span.print);
        self.names_print == other.names_print && mine.eq(other.spans.iter().map(|span| span.print))
    }

    /// Takes one more item, which starts at `at` of the decoded names where its name has escapes.
    fn push(&mut self, item: &Found<'_>) -> Option<()> {
        if !self.text.is_empty() {
            self.text.push(',');
        }
        let start = self.text.len();
        let place = |at: usize| u32::try_from(start + at).ok();
        let spelled = place_in(item.raw, item.spelled)?;
        let spelled = (place(spelled.start)?, place(spelled.end)?);
        let name = match &item.name {
            std::borrow::Cow::Borrowed(_) => (spelled.0 + 1, spelled.1 - 1),
            std::borrow::Cow::Owned(name) => {
                let start = u32::try_from(self.decoded.len()).ok()?;
                self.decoded.push_str(name);
                (start | DECODED, u32::try_from(self.decoded.len()).ok()?)
            }
        };
        let (end, print) = (place(item.raw.len())?, print(item.raw.as_bytes()));
        reserve(&mut self.text, item.raw.len());
        self.text.push_str(item.raw);
        self.spans.push(Span { start: place(0)?, end, spelled, name, print });
        Some(())
    }

    /// Forgets all items from `count` on.
    fn truncate(&mut self, count: usize) {
        self.spans.truncate(count);
        let end = self.spans.last().map_or(0, |span| span.end as usize);
        self.text.truncate(end);
    }

    /// The list is whole: gives back memory that was set aside for more.
    fn finish(&mut self) {
        self.text.shrink_to_fit();
        self.decoded.shrink_to_fit();
        self.spans.shrink_to_fit();
        let names: HashSet<&str> = self.iter().map(|item| item.name).collect();
        let sum = |sum: u64, name: &str| sum.wrapping_add(print(name.as_bytes()));
        self.names_print = names.into_iter().fold(0, sum);
    }
}

fn part(text: &str, (start, end): (u32, u32)) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// Makes room for `more` bytes and, in a list that grows, for as many again as it has: but never for
/// more than a list may have.
fn reserve(text: &mut String, more: usize) {
    if text.capacity() - text.len() < more {
        let room = text.len().max(more).min(MAX_LIST_BYTES.saturating_sub(text.len()));
        text.reserve_exact(room.max(more));
    }
}

/// A number made of bytes, of which every change makes another one. Who makes two texts with one
/// number only hides a change from the robots of the own agent.
pub(in crate::relay) fn print(bytes: &[u8]) -> u64 {
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |sum: u64, word: u64| (sum.rotate_left(23) ^ word).wrapping_mul(SPREAD);
    let mut sum = mix(0, bytes.len() as u64);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        sum = mix(sum, u64::from_le_bytes(word.try_into().unwrap_or_default()));
    }
    let rest = words.remainder().iter().fold(0, |rest, byte| rest << 8 | u64::from(*byte));
    let sum = mix(sum, rest);
    sum ^ sum >> 32
}

/// An element of a list that has a name.
struct Found<'a> {
    raw: &'a str,
    spelled: &'a str,
    name: std::borrow::Cow<'a, str>,
}

impl<'a> Found<'a> {
    fn read(kind: Kind, raw: &'a str) -> Option<Self> {
        let spelled = last_member(raw, kind.row().key)?;
        let name = string(spelled).filter(|name| !name.is_empty())?;
        Some(Found { raw, spelled, name })
    }
}

/// A list being read, page by page.
#[derive(Clone, Debug, Default)]
pub(in crate::relay) struct Gathered {
    items: Items,
    /// How many bytes of elements were looked at.
    seen: usize,
    /// How many elements had no name and were left out.
    pub nameless: usize,
    /// Whether something was left out because the list has no room for it, or for its depth.
    pub cut: bool,
    /// Whether there is no reason to ask for one more page.
    is_full: bool,
}

/// Why a page is not a page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::relay) enum PageError {
    /// The member that holds the list is missing.
    Missing,
    /// That member is something else: how it begins.
    Odd(Box<str>),
    /// The answer is not an object: how it begins.
    Replaced(Box<str>),
}

impl Gathered {
    /// Reads the `result` of a list request. Returns where the next page begins, as it is spelled,
    /// if it is worth asking for.
    ///
    /// # Errors
    /// [`PageError`] where it holds no list.
    pub(in crate::relay) fn read_page(
        &mut self,
        kind: Kind,
        result: &str,
    ) -> Result<Option<Box<str>>, PageError> {
        let before = self.items.len();
        let (mut found, mut next) = (Err(PageError::Missing), None);
        let read = scan::walk(result, |key, scanner| {
            let name = key.name();
            if *name == *kind.row().member {
                // Where it is written twice, the last one counts.
                self.items.truncate(before);
                found = Ok(());
                return match scanner.is_at_list() {
                    true => scanner.elements(&mut |raw, is_deep| self.take(kind, raw, is_deep)),
                    false => {
                        let odd = shortened(scanner.value()?);
                        found = Err(PageError::Odd(odd.into()));
                        Ok(())
                    }
                };
            }
            let value = scanner.value()?;
            // Some write an empty cursor at the end.
            if name == "nextCursor" && !matches!(value, "null" | r#""""#) {
                next = Some(value);
            }
            Ok(())
        });
        if read.is_err() && !self.is_full {
            return Err(PageError::Replaced(shortened(result).into()));
        }
        found?;
        if next.is_some() && self.items.len() >= MAX_ITEMS {
            self.is_full = true;
        }
        self.cut |= self.is_full;
        Ok(next.filter(|_| !self.is_full).map(Into::into))
    }

    /// Takes an element; says whether to go on.
    fn take(&mut self, kind: Kind, raw: &str, is_deep: bool) -> bool {
        if self.items.len() >= MAX_ITEMS || self.seen > MAX_BYTES_SEEN {
            self.is_full = true;
            return false;
        }
        self.seen = self.seen.saturating_add(raw.len());
        // Many readers of JSON give up a whole text, this list, at such a depth.
        if is_deep || self.items.text.len() + raw.len() >= MAX_LIST_BYTES {
            self.cut = true;
            return true;
        }
        match Found::read(kind, raw) {
            Some(found) => {
                let _ = self.items.push(&found);
            }
            None => self.nameless += 1,
        }
        true
    }

    /// How many items have been kept so far.
    pub(in crate::relay) fn len(&self) -> usize {
        self.items.len()
    }

    /// How much memory they take.
    pub(in crate::relay) fn memory(&self) -> usize {
        self.items.memory()
    }

    /// The list as far as it was read.
    pub(in crate::relay) fn finish(mut self) -> Items {
        self.items.finish();
        self.items
    }
}

#[cfg(test)]
pub(in crate::relay) fn items(kind: Kind, list: &str) -> std::rc::Rc<Items> {
    let mut gathered = Gathered::default();
    gathered.read_page(kind, &format!(r#"{{"{}":{list}}}"#, kind.row().member)).unwrap();
    std::rc::Rc::new(gathered.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_without_a_name_are_left_out_and_a_cursor_is_kept_as_spelled() {
        let mut page = Gathered::default();
        let next = page.read_page(
            Kind::Tools,
            r#"{"tools":[{"name":""},{"name":1},7,null,{"name":"a"}],"nextCursor":"p\/2"}"#,
        );
        assert_eq!(next.unwrap().as_deref(), Some(r#""p\/2""#));
        assert_eq!((page.len(), page.nameless), (1, 4));
        let next =
            page.read_page(Kind::Tools, r#"{"nextCursor":null,"tools":[{"name":"\u0062"}]}"#);
        assert_eq!(next, Ok(None));
        let next = page.read_page(Kind::Tools, r#"{"nextCursor":"","tools":[]}"#);
        assert_eq!(next, Ok(None));
        let items = page.finish();
        assert_eq!(items.iter().map(|item| item.name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(items.run(0, 1), r#"{"name":"a"},{"name":"\u0062"}"#);
    }

    #[test]
    fn what_is_no_list_is_said_as_it_is() {
        let read = |result| Gathered::default().read_page(Kind::Tools, result);
        assert_eq!(read(r#"{"tools":null}"#), Err(PageError::Odd("null".into())));
        assert_eq!(read(r#"{"tools":{}}"#), Err(PageError::Odd("{}".into())));
        assert_eq!(read("{}"), Err(PageError::Missing));
        assert_eq!(read("[]"), Err(PageError::Replaced("[]".into())));
        assert_eq!(read("null"), Err(PageError::Replaced("null".into())));
        // Of a member that is there twice the last one counts.
        assert_eq!(read(r#"{"tools":[],"tools":7}"#), Err(PageError::Odd("7".into())));
        let mut page = Gathered::default();
        page.read_page(Kind::Tools, r#"{"tools":[{"name":"a"}],"tools":[{"name":"b"}]}"#).unwrap();
        assert_eq!(page.finish().run(0, 0), r#"{"name":"b"}"#);
    }

    #[test]
    fn a_page_is_built_up_to_the_limits_and_no_further() {
        let many = vec![r#"{"name":"a"}"#; 100_000].join(",");
        let mut page = Gathered::default();
        let next =
            page.read_page(Kind::Tools, &format!(r#"{{"tools":[{many}],"nextCursor":"2"}}"#));
        assert_eq!((next, page.cut, page.len()), (Ok(None), true, MAX_ITEMS));
        assert!(page.memory() < 200_000, "{}", page.memory());
        // Exactly as many as there may be is not too many.
        let many = vec![r#"{"name":"a"}"#; MAX_ITEMS].join(",");
        let mut page = Gathered::default();
        page.read_page(Kind::Tools, &format!(r#"{{"tools":[{many}]}}"#)).unwrap();
        assert_eq!((page.cut, page.len()), (false, MAX_ITEMS));
    }

    #[test]
    fn the_first_four_mebibytes_are_kept_item_by_item() {
        let page = |bytes: usize, next: &str| {
            let item = format!(r#"{{"name":"n","d":"{}"}}"#, "x".repeat(bytes));
            format!(r#"{{"tools":[{item},{item}],"nextCursor":"{next}"}}"#)
        };
        let mut list = Gathered::default();
        for number in 0..5 {
            let next = list.read_page(Kind::Tools, &page(530_000, &number.to_string())).unwrap();
            assert!(next.is_some());
        }
        assert!(list.cut);
        assert_eq!(list.len(), 7);
        assert!(list.memory() <= MAX_LIST_BYTES + 1000, "{}", list.memory());
        // A single item that is too large costs nothing but itself.
        let mut list = Gathered::default();
        let large = "y".repeat(MAX_LIST_BYTES);
        let text = format!(r#"{{"tools":[{{"name":"l","d":"{large}"}},{{"name":"s"}}]}}"#);
        list.read_page(Kind::Tools, &text).unwrap();
        assert_eq!((list.cut, list.len()), (true, 1));
    }

    #[test]
    fn an_item_that_is_too_deep_is_left_out_alone() {
        let item = |name: &str, depth: usize| {
            let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
            format!(r#"{{"name":"{name}","inputSchema":{open}0{close}}}"#)
        };
        let text = format!(
            r#"{{"tools":[{},{},{},{}]}}"#,
            item("a", 128),
            item("b", 129),
            item("c", 100_000),
            item("d", 2)
        );
        let mut list = Gathered::default();
        list.read_page(Kind::Tools, &text).unwrap();
        assert!(list.cut);
        let items = list.finish();
        assert_eq!(items.iter().map(|item| item.name).collect::<Vec<_>>(), ["a", "d"]);
    }

    #[test]
    fn lists_are_compared_by_their_names_and_by_all_they_hold() {
        let one = items(Kind::Tools, r#"[{"name":"a"},{"name":"b"}]"#);
        let two = items(Kind::Tools, r#"[{"name":"b","x":1},{"name":"\u0061"},{"name":"a"}]"#);
        let three = items(Kind::Tools, r#"[{"name":"a"},{"name":"c"}]"#);
        assert!(one.has_names_of(&two) && !one.has_names_of(&three));
        assert!(one.shares_a_name_with(&three) && !one.is_same_as(&two));
        assert!(one.is_same_as(&items(Kind::Tools, r#"[ {"name":"a"} , {"name":"b"}]"#)));
    }
}
