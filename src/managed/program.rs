//! What is known of a program that is run as a child, and of how it ends.

use std::io;
use std::path::{Path, PathBuf};

/// How a child is started.
#[derive(Clone, Debug, Default)]
pub(super) struct Program<'a> {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub command: &'a str,
    /// Its arguments.
    pub arguments: &'a [String],
    /// Variables besides those it inherits.
    pub environment: &'a [(String, String)],
    /// Its working directory; `None` is that of the server.
    pub folder: Option<&'a Path>,
    /// Variables that entries name, in their order: of these it inherits only its `own`.
    pub named: &'a [String],
    /// The variables that its entry names, in their order.
    pub own: &'a [String],
}

/// Why a program cannot be started.
#[derive(Debug)]
pub(super) enum StartError {
    /// No folder of the `PATH` that was searched, which this is, has the command; or there is no such file.
    NotFound(Option<String>),
    /// The file may not be executed.
    NotExecutable,
    /// The working directory does not exist.
    NoFolder(PathBuf),
    /// Anything else.
    System(io::Error),
}

/// Which pipe of a child an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pipe {
    /// Its standard input.
    Input,
    /// Its standard output.
    Output,
    /// Its standard error.
    Error,
}

/// How a child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}
