//! Tool servers that went a moment ago, and for which requests wait.

use super::catalogue::{Items, Kind, PerKind};
use super::tool::Tool;
use crate::time::Moment;
use std::rc::Rc;
use ws::memory::allocated;

/// How many lost tools are waited for; beyond that the one lost first is given up.
pub(super) const MOST_LOST: usize = 64;

/// A tool that went a moment ago and may come back.
#[derive(Debug)]
pub(super) struct Lost {
    pub line: u32,
    pub label: Box<str>,
    pub line_label: Box<str>,
    pub server_id: Option<Box<str>>,
    pub items: PerKind<Rc<Items>>,
    pub own_name: Option<Box<str>>,
    /// Until when requests wait for it.
    pub until: Moment,
}

impl Lost {
    /// Whether `tool` may turn out to be it, as far as can be said while its lists are unknown.
    pub(super) fn may_be(&self, tool: &Tool) -> bool {
        let same_name = || tool.hello.is_none() || tool.own_name() == self.own_name.as_deref();
        match &self.server_id {
            Some(id) => tool.server_id.as_ref() == Some(id),
            None => tool.server_id.is_none() && same_name(),
        }
    }

    /// What it called itself.
    pub(super) fn own_name(&self) -> Option<&str> {
        self.own_name.as_deref()
    }

    /// Whether it offered anything of `items`, or nothing at all.
    pub(super) fn may_have_offered(&self, items: &Items) -> bool {
        let before = self.items.of(Kind::Tools);
        before.len() == 0 || before.shares_a_name_with(items)
    }
}

impl Lost {
    /// How many bytes of memory it takes with its lists.
    pub(super) fn memory(&self) -> usize {
        let texts = [&*self.label, &*self.line_label];
        let texts = texts.into_iter().chain(self.server_id.as_deref()).chain(self.own_name());
        let lists = Kind::all().map(|kind| self.items.of(kind).memory());
        size_of::<Lost>() + texts.map(|text| allocated(text.len())).chain(lists).sum::<usize>()
    }
}
