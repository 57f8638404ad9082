//! What tool servers offer: the four kinds as one table.

/// A kind of thing a tool server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::relay) enum Kind {
    Tools,
    Prompts,
    Resources,
    Templates,
}

/// What there is to know of a kind.
pub(in crate::relay) struct Row {
    pub kind: Kind,
    /// The request that lists it.
    pub list: &'static str,
    /// The member of the answer that holds the list.
    pub member: &'static str,
    /// The member that names an item.
    pub key: &'static str,
    /// The capability a tool server declares that offers it.
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
pub(in crate::relay) const KINDS: [Row; 4] = [
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
    pub(in crate::relay) fn row(self) -> &'static Row {
        let [tools, prompts, resources, templates] = &KINDS;
        match self {
            Kind::Tools => tools,
            Kind::Prompts => prompts,
            Kind::Resources => resources,
            Kind::Templates => templates,
        }
    }

    /// The kinds, in order.
    pub(in crate::relay) fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter().map(|row| row.kind)
    }
}

/// One value for each kind.
#[derive(Debug, Default)]
pub(in crate::relay) struct PerKind<T>([T; 4]);

impl<T> PerKind<T> {
    pub(in crate::relay) fn of(&self, kind: Kind) -> &T {
        let [tools, prompts, resources, templates] = &self.0;
        match kind {
            Kind::Tools => tools,
            Kind::Prompts => prompts,
            Kind::Resources => resources,
            Kind::Templates => templates,
        }
    }

    pub(in crate::relay) fn of_mut(&mut self, kind: Kind) -> &mut T {
        let [tools, prompts, resources, templates] = &mut self.0;
        match kind {
            Kind::Tools => tools,
            Kind::Prompts => prompts,
            Kind::Resources => resources,
            Kind::Templates => templates,
        }
    }
}
