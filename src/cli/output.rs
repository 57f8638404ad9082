//! What a command says, and how it ends.

use std::fmt::Display;
use std::io::Write;

/// How the program ends: the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// 0: as it should be.
    Well,
    /// 1: something is wrong.
    Badly,
    /// 2: the command cannot be carried out as it was given. Nothing was opened yet.
    WrongUse,
}

impl End {
    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            End::Well => 0,
            End::Badly => 1,
            End::WrongUse => 2,
        }
    }
}

/// A line on standard output. A reader that is gone does not need it.
pub(super) fn say(line: &dyn Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line on standard error.
pub(super) fn complain(line: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says why the command cannot be carried out as it was given.
pub(super) fn wrong_use(problem: &dyn Display) -> End {
    complain(problem);
    End::WrongUse
}
