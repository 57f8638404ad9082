//! The sub-commands, and what each of them takes.

use crate::text::Language;

/// What is done beside the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Print the addresses of an agent: this one, or that of a stand-alone deployment.
    Token(Option<String>),
    /// Show how a running server is: the one at this address, or the configured one.
    #[cfg(feature = "doctor")]
    Status {
        /// The address.
        at: Option<String>,
        /// Whether it is shown again and again.
        watch: bool,
    },
    /// Find what is wrong on the way to the server at this address, or to the configured one.
    #[cfg(feature = "doctor")]
    Doctor(Option<String>),
    /// Ask whether the server at this address, or the configured one, runs.
    Health(Option<String>),
    /// Have the server at this address, or the configured one, read its settings again.
    Reload(Option<String>),
    /// List or choose the tools of an agent: this one, or that of a stand-alone deployment.
    #[cfg(feature = "doctor")]
    Tools {
        /// The agent.
        agent: Option<String>,
        /// Whether they are printed as JSON.
        json: bool,
        /// The patterns behind `hide`, `show` and `only`.
        changes: Vec<(&'static str, String)>,
    },
    /// Call a tool.
    #[cfg(feature = "doctor")]
    Call(Call),
}

/// What is called.
#[cfg(feature = "doctor")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The name of the tool.
    pub tool: Option<String>,
    /// Its arguments, as they were written.
    pub arguments: Vec<String>,
    /// The agent.
    pub agent: Option<String>,
    /// Whether the whole result is printed.
    pub json: bool,
}

/// A sub-command.
pub(super) struct SubCommand {
    /// Its name, and what it takes, as `--help` shows them.
    pub(super) usage: &'static str,
    /// What it does.
    pub(super) meaning: fn(Language) -> String,
    /// What `--help` says of it alone, if there is more to say.
    pub(super) page: fn(Language) -> Option<String>,
    /// Those of [`OPTIONS`] that it takes.
    pub(super) options: &'static [&'static str],
    /// The task. `None` is the command `demo`.
    pub(super) task: Option<fn(&mut Given) -> Task>,
}

/// The options of single commands, and whether each takes a value.
pub(super) const OPTIONS: &[(&str, bool)] = &[
    #[cfg(feature = "doctor")]
    ("watch", false),
    #[cfg(feature = "doctor")]
    ("json", false),
    #[cfg(feature = "doctor")]
    ("agent", true),
    #[cfg(feature = "doctor")]
    ("hide", true),
    #[cfg(feature = "doctor")]
    ("show", true),
    #[cfg(feature = "doctor")]
    ("only", true),
];

/// What a sub-command is given.
#[derive(Default)]
pub(super) struct Given {
    /// The words behind its name that no task has taken.
    pub(super) words: Vec<String>,
    /// Its options in order; without a value the text is empty.
    pub(super) options: Vec<(&'static str, String)>,
}

impl Given {
    /// The next word.
    pub(super) fn word(&mut self) -> Option<String> {
        (!self.words.is_empty()).then(|| self.words.remove(0))
    }

    /// Whether there was the option `name`.
    #[cfg(feature = "doctor")]
    fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(known, _)| *known == name)
    }

    /// The value of the option `name`; the last one, if there are several.
    #[cfg(feature = "doctor")]
    fn value(&self, name: &str) -> Option<String> {
        let found = self.options.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    }

    /// The options that change the selection.
    #[cfg(feature = "doctor")]
    fn changes(&mut self) -> Vec<(&'static str, String)> {
        self.options.retain(|(name, _)| matches!(*name, "hide" | "show" | "only"));
        std::mem::take(&mut self.options)
    }
}

/// The sub-commands that this program was built without.
pub(super) const LEFT_OUT: &[&str] = &[
    #[cfg(not(feature = "doctor"))]
    "status",
    #[cfg(not(feature = "doctor"))]
    "doctor",
    #[cfg(not(feature = "doctor"))]
    "tools",
    #[cfg(not(feature = "doctor"))]
    "call",
    #[cfg(not(feature = "children"))]
    DEMO,
];

/// The name of the command `demo`.
pub(super) const DEMO: &str = "demo";

/// Every other sub-command.
pub(super) const SUBCOMMANDS: &[SubCommand] = &[
    SubCommand {
        usage: "token [AGENT]",
        meaning: Language::help_token,
        page: |_| None,
        options: &[],
        task: Some(|given| Task::Token(given.word())),
    },
    #[cfg(feature = "doctor")]
    SubCommand {
        usage: "status [--watch] [URL]",
        meaning: Language::help_status,
        page: |_| None,
        options: &["watch"],
        task: Some(|given| Task::Status { at: given.word(), watch: given.has("watch") }),
    },
    #[cfg(feature = "doctor")]
    SubCommand {
        usage: "doctor [URL]",
        meaning: Language::help_doctor,
        page: |_| None,
        options: &[],
        task: Some(|given| Task::Doctor(given.word())),
    },
    SubCommand {
        usage: "health [URL]",
        meaning: Language::help_health,
        page: |_| None,
        options: &[],
        task: Some(|given| Task::Health(given.word())),
    },
    SubCommand {
        usage: "reload [URL]",
        meaning: Language::help_reload,
        page: |_| None,
        options: &[],
        task: Some(|given| Task::Reload(given.word())),
    },
    #[cfg(feature = "doctor")]
    SubCommand {
        usage: "tools [AGENT]",
        meaning: Language::help_tools,
        page: |language| Some(language.usage_of_tools()),
        options: &["agent", "json", "hide", "show", "only"],
        task: Some(|given| Task::Tools {
            agent: given.word().or(given.value("agent")),
            json: given.has("json"),
            changes: given.changes(),
        }),
    },
    #[cfg(feature = "doctor")]
    SubCommand {
        usage: "call TOOL [NAME=VALUE …]",
        meaning: Language::help_call,
        page: |language| Some(language.usage_of_call()),
        options: &["agent", "json"],
        task: Some(|given| {
            Task::Call(Call {
                tool: given.word(),
                agent: given.value("agent"),
                json: given.has("json"),
                arguments: std::mem::take(&mut given.words),
            })
        }),
    },
    #[cfg(feature = "children")]
    SubCommand {
        usage: DEMO,
        meaning: Language::help_demo,
        page: |_| None,
        options: &[],
        task: None,
    },
];

impl SubCommand {
    pub(super) fn name(&self) -> &'static str {
        self.usage.split(' ').next().unwrap_or_default()
    }
}
