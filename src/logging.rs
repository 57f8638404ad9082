//! The log: one line per record, on the terminal and in a file that is put aside when it is full.
//!
//! simplelog makes the lines; what is ours is where they go. A record never becomes two lines, whatever a
//! peer called its tools. Nothing here waits: a helper thread for the terminal and one for the file write
//! what is in their bounded queues, and what finds no room there is counted and told.

mod file;
mod queue;
mod rotation;
mod terminal;

pub use terminal::print;

use crate::escape::visible;
use crate::settings::Settings;
use crate::text::Language;
use file::LogFile;
use log::{Level, LevelFilter, Log, Metadata, Record};
use queue::{Order, Queue};
use simplelog::{Config, ConfigBuilder, WriteLogger};
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};
use terminal::Terminal;

/// How long the end of the program waits for lines to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The longest text of a record, in bytes: bodies in a debug log can be as large as a message.
const MAX_TEXT: usize = 64 << 10;

/// Starts the log, or changes it: the level, the file and its limits. Opens the file afresh.
///
/// First called while the program has one thread only, the time is local time; otherwise it may be UTC.
/// The offset is part of each line.
pub fn configure(settings: &Settings) {
    let journal = JOURNAL.get_or_init(|| Journal::new(true));
    journal.configure(settings);
    // It is set already where this is a change.
    let _ = log::set_logger(journal);
    log::set_max_level(settings.server.log_level);
}

/// Opens the log file afresh: something has moved the old one away.
pub fn reopen() {
    if let Some(journal) = JOURNAL.get() {
        journal.file.order(Order::Reopen);
    }
}

/// Waits until the lines so far are written, but not for long.
pub fn finish() {
    if let Some(journal) = JOURNAL.get() {
        journal.finish(Instant::now() + LAST_LINES);
    }
}

static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// The logger of the `log` crate. simplelog's own cannot be changed once they are set; this one
/// stays and exchanges them.
struct Journal {
    layout: Config,
    terminal: Option<Terminal>,
    file: Arc<Queue>,
    logger: RwLock<Option<Box<WriteLogger<Lines>>>>,
}

impl Journal {
    fn new(has_terminal: bool) -> Self {
        // It asks for the time zone, which is safe only before there are threads.
        let layout = layout();
        let terminal = has_terminal.then(Terminal::start);
        let file = Queue::new();
        let told = terminal.clone();
        let mut log_file = LogFile::default();
        let work = move |order| {
            let trouble = match order {
                Order::Write(lines) => log_file.put(&lines),
                Order::Follow(settings, language) => log_file.follow(*settings, language),
                Order::Reopen => log_file.reopen(),
                Order::End => None,
            };
            if let (Some(said), Some(terminal)) = (trouble, &told) {
                terminal.queue.push(format!("[WARN] {said}\n").as_bytes(), Language::default());
            }
            // It tells by itself how many it lost.
            0
        };
        file.start("log-file", Box::new(work));
        Journal { layout, terminal, file, logger: RwLock::new(None) }
    }

    fn configure(&self, settings: &Settings) {
        let language = settings.server.language;
        let logging = settings.logging.clone();
        let file = logging.log_file.is_some().then(|| Arc::clone(&self.file));
        let lines = Lines { line: Vec::new(), language, terminal: self.terminal.clone(), file };
        let logger = WriteLogger::new(settings.server.log_level, self.layout.clone(), lines);
        self.file.order(Order::Follow(Box::new(logging), language));
        *self.logger.write().unwrap_or_else(PoisonError::into_inner) = Some(logger);
    }

    fn finish(&self, deadline: Instant) {
        self.file.finish(deadline);
        if let Some(terminal) = &self.terminal {
            terminal.queue.finish(deadline);
        }
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
        let mut message = match record.args().as_str() {
            Some(message) => Cow::Borrowed(message),
            None => Cow::Owned(record.args().to_string()),
        };
        if message.len() > MAX_TEXT {
            let end = (0..=MAX_TEXT).rev().find(|end| message.is_char_boundary(*end));
            let cut = message.get(..end.unwrap_or_default()).unwrap_or_default();
            message = Cow::Owned(format!("{cut}… ({} bytes)", message.len()));
        }
        let message = visible(&message);
        let metadata = record.metadata().clone();
        if let Some(logger) = &*self.logger.read().unwrap_or_else(PoisonError::into_inner) {
            logger
                .log(&Record::builder().metadata(metadata).args(format_args!("{message}")).build());
        }
    }

    fn flush(&self) {
        self.finish(Instant::now() + LAST_LINES);
    }
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
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes whole lines of the pieces in which simplelog writes them.
struct Lines {
    line: Vec<u8>,
    language: Language,
    terminal: Option<Terminal>,
    file: Option<Arc<Queue>>,
}

/// A longer line does not keep its memory.
const KEPT: usize = 4 << 10;

impl Write for Lines {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(piece);
        if self.line.ends_with(b"\n") {
            to_milliseconds(&mut self.line);
            if let Some(terminal) = &self.terminal {
                let coloured = terminal.coloured(&self.line);
                terminal.queue.push(coloured.as_deref().unwrap_or(&self.line), self.language);
            }
            if let Some(file) = &self.file {
                file.push(&self.line, self.language);
            }
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
        let journal = Journal::new(false);
        journal.configure(&settings(&path, LevelFilter::Info));
        say(&journal, Level::Info, US, "tool \"a\r\nERROR\u{1b}[2J\u{2028}\u{202e}中文\t\"");
        log::Log::flush(&journal);
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
        let journal = Journal::new(false);
        journal.configure(&settings(&one, LevelFilter::Warn));
        say(&journal, Level::Info, US, "unheard");
        say(&journal, Level::Error, US, "heard");
        journal.configure(&settings(&two, LevelFilter::Debug));
        say(&journal, Level::Debug, US, "now heard");
        say(&journal, Level::Debug, "tungstenite::protocol", "a body");
        say(&journal, Level::Warn, "mio", "a warning");
        log::Log::flush(&journal);
        let lines = |path| fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((lines(&one), lines(&two)), (1, 2));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_moved_away_is_made_anew() {
        let folder = Folder::new("reopen");
        let (path, moved) = (folder.0.join("log"), folder.0.join("moved"));
        let journal = Journal::new(false);
        journal.configure(&settings(&path, LevelFilter::Info));
        say(&journal, Level::Info, US, "one");
        log::Log::flush(&journal);
        fs::rename(&path, &moved).unwrap();
        say(&journal, Level::Info, US, "two");
        log::Log::flush(&journal);
        assert!(fs::read_to_string(&moved).unwrap().ends_with("[INFO] one\n"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("[INFO] two\n") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn a_very_long_text_is_cut() {
        let folder = Folder::new("long");
        let path = folder.0.join("log");
        let journal = Journal::new(false);
        journal.configure(&settings(&path, LevelFilter::Info));
        say(&journal, Level::Info, US, &"长".repeat(100_000));
        log::Log::flush(&journal);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() < MAX_TEXT + 100 && text.ends_with("… (300000 bytes)\n"));
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
