//! What tools offer: the four kinds as one table, and the items and pages of their lists.

use super::envelope::{last_member, place_in, string};
use super::scan;
use crate::sorted::sorted;
use std::ops::Range;

/// A kind of thing a tool offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Tools,
    Prompts,
    Resources,
    Templates,
}

/// What there is to know of a kind.
pub(super) struct Row {
    pub kind: Kind,
    /// The request that lists it.
    pub list: &'static str,
    /// The member of the answer that holds the list.
    pub member: &'static str,
    /// The member that names an item.
    pub key: &'static str,
    /// The capability a tool declares that offers it.
    pub capability: &'static str,
    /// The notification that the list has changed.
    pub changed: &'static str,
    /// The requests that use an item by its key.
    pub uses: &'static [&'static str],
    /// What an item is called in an error.
    pub noun: &'static str,
    /// Whether an item may be offered under another name than its own.
    pub renamed: bool,
}

/// The kinds. Every difference between them stands here.
pub(super) const KINDS: [Row; 4] = [
    Row {
        kind: Kind::Tools,
        list: "tools/list",
        member: "tools",
        key: "name",
        capability: "tools",
        changed: "notifications/tools/list_changed",
        uses: &["tools/call"],
        noun: "tool",
        renamed: true,
    },
    Row {
        kind: Kind::Prompts,
        list: "prompts/list",
        member: "prompts",
        key: "name",
        capability: "prompts",
        changed: "notifications/prompts/list_changed",
        uses: &["prompts/get"],
        noun: "prompt",
        renamed: true,
    },
    Row {
        kind: Kind::Resources,
        list: "resources/list",
        member: "resources",
        key: "uri",
        capability: "resources",
        changed: "notifications/resources/list_changed",
        uses: &["resources/read", "resources/subscribe", "resources/unsubscribe"],
        noun: "resource",
        renamed: false,
    },
    Row {
        kind: Kind::Templates,
        list: "resources/templates/list",
        member: "resourceTemplates",
        key: "uriTemplate",
        capability: "resources",
        changed: "notifications/resources/list_changed",
        uses: &[],
        noun: "resource template",
        renamed: false,
    },
];

impl Kind {
    /// The kind's row of the table.
    pub(super) fn row(self) -> &'static Row {
        let [tools, prompts, resources, templates] = &KINDS;
        match self {
            Kind::Tools => tools,
            Kind::Prompts => prompts,
            Kind::Resources => resources,
            Kind::Templates => templates,
        }
    }

    /// The kinds, in order.
    pub(super) fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter().map(|row| row.kind)
    }
}

/// One value for each kind.
#[derive(Debug, Default)]
pub(super) struct PerKind<T>([T; 4]);

impl<T> PerKind<T> {
    pub(super) fn of(&self, kind: Kind) -> &T {
        let [tools, prompts, resources, templates] = &self.0;
        match kind {
            Kind::Tools => tools,
            Kind::Prompts => prompts,
            Kind::Resources => resources,
            Kind::Templates => templates,
        }
    }

    pub(super) fn of_mut(&mut self, kind: Kind) -> &mut T {
        let [tools, prompts, resources, templates] = &mut self.0;
        match kind {
            Kind::Tools => tools,
            Kind::Prompts => prompts,
            Kind::Resources => resources,
            Kind::Templates => templates,
        }
    }
}

/// One thing a tool offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its name or address, decoded.
    pub name: Box<str>,
    /// The whole item as its tool spelled it.
    pub raw: Box<str>,
    /// Where the name stands in it.
    pub place: Range<usize>,
}

impl Item {
    /// Reads one element of a list; nothing where it has no name.
    pub(super) fn read(kind: Kind, raw: &str) -> Option<Self> {
        let spelled = last_member(raw, kind.row().key)?;
        let name = string(spelled).filter(|name| !name.is_empty())?;
        Some(Item { name: (&*name).into(), raw: raw.into(), place: place_in(raw, spelled)? })
    }

    /// How many bytes the item holds.
    pub(super) fn size(&self) -> usize {
        self.raw.len() + self.name.len()
    }

    /// The name as its tool spelled it.
    pub(super) fn spelled_name(&self) -> &str {
        self.raw.get(self.place.clone()).unwrap_or("\"\"")
    }
}

/// The names of a list, in order, for comparing.
pub(super) fn names_of(items: &[Item]) -> Vec<&str> {
    let mut names = sorted(items.iter().map(|item| &*item.name));
    names.dedup();
    names
}

/// One page of a list, as a tool answers it.
pub(super) struct Page {
    pub items: Vec<Item>,
    /// How many elements had no name and were left out.
    pub nameless: usize,
    /// Where the next page begins, as it is spelled.
    pub next: Option<Box<str>>,
}

impl Page {
    /// Reads the `result` of a list request; nothing where it holds no list.
    pub(super) fn read(kind: Kind, result: &str) -> Option<Self> {
        let (mut items, mut nameless) = (Vec::new(), 0);
        let mut take = |element| match Item::read(kind, element) {
            Some(item) => items.push(item),
            None => nameless += 1,
        };
        scan::elements(last_member(result, kind.row().member)?, &mut take).ok()?;
        let next = last_member(result, "nextCursor").filter(|raw| *raw != "null");
        Some(Page { items, nameless, next: next.map(Into::into) })
    }
}

/// Whether an address can have been made from a template such as `file:///{path}`: its fixed
/// parts stand in the address in their order.
pub(super) fn template_fits(template: &str, address: &str) -> bool {
    let mut parts = template.split('{').enumerate().map(|(place, part)| match place {
        0 => part,
        _ => part.split_once('}').map_or("", |(_, fixed)| fixed),
    });
    let Some(mut rest) = parts.next().and_then(|first| address.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
        last = Some(part);
    }
    match last {
        None | Some("") => last.is_some() || rest.is_empty(),
        Some(part) => address.ends_with(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_without_a_name_are_left_out_and_a_cursor_is_kept_as_spelled() {
        let page = Page::read(
            Kind::Tools,
            r#"{"tools":[{"name":""},{"name":1},7,null,{"name":"a"}],"nextCursor":"p\/2"}"#,
        )
        .unwrap();
        assert_eq!((page.items.len(), page.nameless), (1, 4));
        assert_eq!(page.next.as_deref(), Some(r#""p\/2""#));
        assert!(Page::read(Kind::Tools, r#"{"tools":{}}"#).is_none());
        assert!(Page::read(Kind::Tools, "[]").is_none());
        assert!(Page::read(Kind::Tools, r#"{"tools":[],"nextCursor":null}"#)
            .unwrap()
            .next
            .is_none());
    }

    #[test]
    fn a_template_fits_the_addresses_made_from_it() {
        for (template, address, fits) in [
            ("file:///{path}", "file:///a/b", true),
            ("file:///{path}", "http://a", false),
            ("a://{x}/b/{y}.txt", "a://1/b/2.txt", true),
            ("a://{x}/b/{y}.txt", "a://1/c/2.txt", false),
            ("a://{x}/b", "a://1/b/c", false),
            ("plain", "plain", true),
            ("plain", "plainer", false),
            ("{", "x", true),
        ] {
            assert_eq!(template_fits(template, address), fits, "{template} {address}");
        }
    }
}
