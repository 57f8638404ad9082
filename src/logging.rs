//! The log: one line per record, on the terminal and in a file that is put aside when it is full.
//!
//! simplelog writes the lines; what is ours is where they go. A record never becomes two lines,
//! whatever a peer called its tools; a line is written by one call, at once; and no failure of the
//! log is ever a failure of the service: lines are lost and counted.

mod file;

use crate::settings::Settings;
use file::LogFile;
use log::{Level, LevelFilter, Log, Metadata, Record};
use simplelog::{CombinedLogger, Config, ConfigBuilder, SharedLogger, WriteLogger};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

/// Starts the log, or changes it: the level, the file and its limits. Opens the file afresh.
///
/// Called while the program has one thread only, the time is local time; otherwise it may be UTC.
/// The offset is part of each line.
pub fn configure(settings: &Settings) {
    let journal = JOURNAL.get_or_init(|| Journal::new(Some(Terminal::new())));
    journal.configure(settings);
    // It is set already where this is a change.
    let _ = log::set_logger(journal);
    log::set_max_level(settings.server.log_level);
}

/// Opens the log file afresh: something has moved the old one away.
pub fn reopen() {
    if let Some(journal) = JOURNAL.get() {
        journal.reopen();
    }
}

/// `text` without anything that ends the line, moves the cursor or turns the writing direction.
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            // Writing into a string cannot fail.
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// The logger of the `log` crate. simplelog's own cannot be changed once they are set; this one
/// stays and exchanges them.
struct Journal {
    terminal: Option<Terminal>,
    file: Arc<Mutex<LogFile>>,
    loggers: RwLock<Box<CombinedLogger>>,
}

impl Journal {
    fn new(terminal: Option<Terminal>) -> Self {
        let file = Arc::new(Mutex::new(LogFile::default()));
        Journal { terminal, file, loggers: RwLock::new(CombinedLogger::new(Vec::new())) }
    }

    fn configure(&self, settings: &Settings) {
        held(&self.file).follow(&settings.logging, settings.server.language);
        self.exchange(settings.server.log_level);
    }

    fn reopen(&self) {
        held(&self.file).reopen();
        let level = self.loggers.read().unwrap_or_else(PoisonError::into_inner).level();
        self.exchange(level);
    }

    fn exchange(&self, level: LevelFilter) {
        let layout = layout();
        let mut loggers: Vec<Box<dyn SharedLogger>> = Vec::new();
        if let Some(terminal) = self.terminal {
            loggers.push(WriteLogger::new(level, layout.clone(), Lines::to(terminal)));
        }
        loggers.push(WriteLogger::new(level, layout, Lines::to(Arc::clone(&self.file))));
        *self.loggers.write().unwrap_or_else(PoisonError::into_inner) =
            CombinedLogger::new(loggers);
    }
}

impl Log for Journal {
    /// The libraries below us are heard only when they warn: at DEBUG some tell what peers say.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn || metadata.target().starts_with("mcp_endpoint_server")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = match record.args().as_str() {
            Some(message) => Cow::Borrowed(message),
            None => Cow::Owned(record.args().to_string()),
        };
        let message = visible(&message);
        let metadata = record.metadata().clone();
        self.loggers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .log(&Record::builder().metadata(metadata).args(format_args!("{message}")).build());
    }

    fn flush(&self) {}
}

/// `2026-01-31T08:15:00.123+08:00 [INFO] message`
fn layout() -> Config {
    let mut layout = ConfigBuilder::new();
    layout
        .set_time_format_rfc3339()
        .set_thread_level(LevelFilter::Off)
        .set_target_level(LevelFilter::Off)
        .set_location_level(LevelFilter::Off);
    // Where it cannot be had safely, the time stays UTC.
    let _ = layout.set_time_offset_to_local();
    layout.build()
}

/// The lock, also where its last holder panicked: a line lost is better than the log.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where whole lines go.
trait Sink: Send {
    /// Writes a line, its end included, or loses it.
    fn put(&mut self, line: &[u8]);
}

impl Sink for Arc<Mutex<LogFile>> {
    fn put(&mut self, line: &[u8]) {
        held(self).put(line);
    }
}

/// Makes whole lines of the pieces in which simplelog writes them. One kind of it for all sinks:
/// each kind would bring a copy of simplelog's formatting, 12 KB.
struct Lines {
    line: Vec<u8>,
    sink: Box<dyn Sink>,
}

/// A longer line does not keep its memory.
const KEPT: usize = 16 << 10;

impl Lines {
    fn to(sink: impl Sink + 'static) -> Self {
        Lines { line: Vec::new(), sink: Box::new(sink) }
    }
}

impl Write for Lines {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(piece);
        if self.line.ends_with(b"\n") {
            to_milliseconds(&mut self.line);
            self.sink.put(&self.line);
            self.line.clear();
            self.line.shrink_to(KEPT);
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the time at the beginning of a line three decimals; simplelog writes none to nine.
fn to_milliseconds(line: &mut Vec<u8>) {
    const SECONDS: usize = "2026-01-31T08:15:00".len();
    const WANTED: usize = ".123".len();
    let Some(rest) = line.get(SECONDS..) else { return };
    let decimal = |byte: &&u8| **byte == b'.' || byte.is_ascii_digit();
    let written = rest.iter().take_while(decimal).count();
    if written > WANTED {
        line.drain(SECONDS + WANTED..SECONDS + written);
    }
    for at in written..WANTED {
        line.insert(SECONDS + at, if at == 0 { b'.' } else { b'0' });
    }
}

/// Standard error.
#[derive(Clone, Copy)]
struct Terminal {
    colours: bool,
}

impl Terminal {
    fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
            && std::env::var_os("TERM").is_some_and(|name| name != "dumb");
        Terminal { colours: wanted && io::stderr().is_terminal() }
    }

    fn coloured(self, line: &[u8]) -> Option<Vec<u8>> {
        let level = line.split(|byte| *byte == b' ').nth(1).filter(|_| self.colours)?;
        let colour: &[u8] = match level {
            b"[ERROR]" => b"\x1b[31m",
            b"[WARN]" => b"\x1b[33m",
            b"[DEBUG]" => b"\x1b[2m",
            _ => return None,
        };
        Some([colour, line.trim_ascii_end(), b"\x1b[0m\n"].concat())
    }
}

impl Sink for Terminal {
    fn put(&mut self, line: &[u8]) {
        let coloured = self.coloured(line);
        let mut terminal = io::stderr();
        for piece in coloured.as_deref().unwrap_or(line).chunks(PIECE) {
            // A terminal nobody reads, or a stopped one, costs its lines, not the service.
            if !takes_more(&terminal) || terminal.write_all(piece).is_err() {
                return;
            }
        }
    }
}

/// How much a pipe that takes anything takes without blocking, in bytes.
const PIECE: usize = 4096;

/// Whether a write would not block.
#[cfg(unix)]
fn takes_more(terminal: &io::Stderr) -> bool {
    use rustix::event::{poll, PollFd, PollFlags, Timespec};
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut asked = [PollFd::new(terminal, PollFlags::OUT)];
    // Where that cannot be known the write will tell.
    poll(&mut asked, Some(&now)).map_or(true, |ready| ready > 0)
}

/// Elsewhere nobody can be asked.
#[cfg(not(unix))]
fn takes_more(_terminal: &io::Stderr) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};
    use std::{env, fs, process};

    /// A folder of its own for each test, gone with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("mcp-log-{name}-{}", process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn settings(log_file: &Path, level: LevelFilter) -> Settings {
        let mut settings = Settings::default();
        settings.logging.log_file = Some(log_file.to_owned());
        settings.server.log_level = level;
        settings
    }

    fn say(journal: &Journal, level: Level, target: &str, text: &str) {
        let record = Record::builder();
        journal.log(&{ record }.level(level).target(target).args(format_args!("{text}")).build());
    }

    const US: &str = "mcp_endpoint_server::net";

    #[test]
    fn a_record_is_one_line_whatever_it_contains() {
        let folder = Folder::new("one-line");
        let path = folder.0.join("deep/er/log");
        let journal = Journal::new(None);
        journal.configure(&settings(&path, LevelFilter::Info));
        say(&journal, Level::Info, US, "tool \"a\r\nERROR\u{1b}[2J\u{2028}\u{202e}中文\t\"");
        let text = fs::read_to_string(&path).unwrap();
        let (stamp, rest) = text.split_once(' ').unwrap();
        let (time, offset) = stamp.split_at("2026-01-31T08:15:00.123".len());
        assert_eq!(rest, "[INFO] tool \"a\\r\\nERROR\\u{1b}[2J\\u{2028}\\u{202e}中文\\t\"\n");
        assert!(time.as_bytes()[19] == b'.' && matches!(offset.len(), 1 | 6), "{stamp}");
    }

    #[test]
    fn levels_and_files_change_while_it_runs() {
        let folder = Folder::new("levels");
        let (one, two) = (folder.0.join("one"), folder.0.join("two"));
        let journal = Journal::new(None);
        journal.configure(&settings(&one, LevelFilter::Warn));
        say(&journal, Level::Info, US, "unheard");
        say(&journal, Level::Error, US, "heard");
        journal.configure(&settings(&two, LevelFilter::Debug));
        say(&journal, Level::Debug, US, "now heard");
        say(&journal, Level::Debug, "tungstenite::protocol", "a body");
        say(&journal, Level::Warn, "mio", "a warning");
        let lines = |path| fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((lines(&one), lines(&two)), (1, 2));
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_afresh() {
        let folder = Folder::new("reopen");
        let (path, moved) = (folder.0.join("log"), folder.0.join("moved"));
        let journal = Journal::new(None);
        journal.configure(&settings(&path, LevelFilter::Info));
        say(&journal, Level::Info, US, "one");
        fs::rename(&path, &moved).unwrap();
        say(&journal, Level::Info, US, "two");
        journal.reopen();
        say(&journal, Level::Info, US, "three");
        assert!(fs::read_to_string(&moved).unwrap().contains("two"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("[INFO] three\n") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn times_have_three_decimals() {
        for (written, kept) in [
            ("2026-01-31T08:15:00Z x\n", "2026-01-31T08:15:00.000Z x\n"),
            ("2026-01-31T08:15:00.1+08:00 x\n", "2026-01-31T08:15:00.100+08:00 x\n"),
            ("2026-01-31T08:15:00.123456789Z x\n", "2026-01-31T08:15:00.123Z x\n"),
            ("short\n", "short\n"),
        ] {
            let mut line = written.as_bytes().to_vec();
            to_milliseconds(&mut line);
            assert_eq!(String::from_utf8(line).unwrap(), kept);
        }
    }

    #[test]
    fn colours_are_for_terminals() {
        let line = b"2026 [WARN] careful\n";
        let coloured = Terminal { colours: true }.coloured(line);
        assert_eq!(coloured.unwrap(), b"\x1b[33m2026 [WARN] careful\x1b[0m\n");
        assert_eq!(Terminal { colours: true }.coloured(b"2026 [INFO] [WARN]\n"), None);
        assert_eq!(Terminal { colours: false }.coloured(line), None);
    }

    #[test]
    fn a_disabled_level_costs_nothing() {
        let folder = Folder::new("global");
        configure(&settings(&folder.0.join("log"), LevelFilter::Warn));
        assert_eq!(log::max_level(), LevelFilter::Warn);
        let asked = std::cell::Cell::new(false);
        log::info!("{}", {
            asked.set(true);
            1
        });
        assert!(!asked.get());
        log::warn!("for the log's own test");
        reopen();
        log::logger().flush();
        assert!(fs::read_to_string(folder.0.join("log")).unwrap().contains("own test"));
    }
}
