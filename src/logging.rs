//! The log: one line per record, on the terminal and in a file that is rotated when it is full.
//!
//! simplelog formats the lines; this module says where they go. A record is always one line, even if a peer
//! put a line break into the name of a tool. Logging never blocks: two helper threads write to the terminal
//! and to the file, each from a bounded queue. Lines that do not fit are counted, and the log says how many.

mod file;
mod queue;
mod rotation;
mod terminal;

pub use terminal::print;

use crate::escape::{start_of, visible};
use crate::settings::Settings;
use crate::text::Language;
use file::LogFile;
use log::{Level, LevelFilter, Log, Metadata, Record};
use queue::{Job, Queue};
use simplelog::{Config, ConfigBuilder, WriteLogger};
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};
use terminal::Terminal;

/// How long the program waits at its end for the last lines to be written.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest text of a record. At DEBUG a record may contain a whole message.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// Starts the log, or changes its level, file and limits. Opens the file again.
///
/// The first call should come while the program has one thread only: then the log uses local time, otherwise
/// maybe UTC. Each line has its UTC offset.
pub fn configure(settings: &Settings) {
    let journal = JOURNAL.get_or_init(|| Journal::new(true));
    journal.configure(settings);
    // Fails if the logger is set already, which is fine.
    let _ = log::set_logger(journal);
    log::set_max_level(settings.server.log_level);
}

/// Opens the log file again, after a tool such as logrotate moved the old one.
pub fn reopen() {
    if let Some(journal) = JOURNAL.get() {
        journal.file.submit(Job::Reopen);
    }
}

/// Waits until all lines so far are written, for a second at most.
pub fn finish() {
    if let Some(journal) = JOURNAL.get() {
        journal.finish(Instant::now() + FINISH_TIMEOUT);
    }
}

/// The time as lines of the log begin with it: `2026-01-31T08:15:00.123+08:00`. Local time in a program with
/// one thread only, otherwise maybe UTC.
pub fn local_time() -> String {
    let line = SharedLine::default();
    let output: Output = Box::new(line.clone());
    let record = Record::builder().level(Level::Error).args(format_args!("")).build();
    WriteLogger::new(LevelFilter::Error, layout(), output).log(&record);
    let mut line = lock(&line.0);
    to_milliseconds(&mut line);
    let time = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    String::from_utf8_lossy(time).into_owned()
}

static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// Where simplelog writes: one type for all, since simplelog's code is there once for each.
type Output = Box<dyn Write + Send>;

/// The logger for the `log` crate, which can be set only once. It holds a simplelog logger, and replaces it
/// when the settings change.
struct Journal {
    layout: Config,
    terminal: Option<Terminal>,
    file: Arc<Queue>,
    logger: RwLock<Option<Box<WriteLogger<Output>>>>,
}

impl Journal {
    fn new(has_terminal: bool) -> Self {
        // This reads the time zone, which is safe only before other threads start.
        let layout = layout();
        let terminal = has_terminal.then(Terminal::start);
        let file = Queue::new();
        let warnings = terminal.clone();
        let mut log_file = LogFile::default();
        let work = move |job| {
            let warning = match job {
                Job::Write(lines) => log_file.write(&lines),
                Job::Configure(settings, language) => log_file.configure(*settings, language),
                Job::Reopen => log_file.reopen(),
                Job::Stop => None,
            };
            if let (Some(warning), Some(terminal)) = (warning, &warnings) {
                terminal.queue.push(format!("[WARN] {warning}\n").as_bytes(), Language::default());
            }
            // `LogFile` itself counts the lines it loses.
            0
        };
        file.start("log-file", Box::new(work));
        Journal { layout, terminal, file, logger: RwLock::new(None) }
    }

    fn configure(&self, settings: &Settings) {
        let language = settings.server.language;
        let logging = settings.logging.clone();
        let file = logging.log_file.is_some().then(|| Arc::clone(&self.file));
        let lines =
            LineAssembler { line: Vec::new(), language, terminal: self.terminal.clone(), file };
        let lines: Output = Box::new(lines);
        let logger = WriteLogger::new(settings.server.log_level, self.layout.clone(), lines);
        self.file.submit(Job::Configure(Box::new(logging), language));
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
    /// Libraries may log warnings and errors only: at DEBUG some log what peers send.
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
        if message.len() > MAX_TEXT_BYTES {
            let start = start_of(&message, MAX_TEXT_BYTES);
            message = Cow::Owned(format!("{start}… ({} bytes)", message.len()));
        }
        let message = visible(&message);
        let metadata = record.metadata().clone();
        if let Some(logger) = &*self.logger.read().unwrap_or_else(PoisonError::into_inner) {
            logger
                .log(&Record::builder().metadata(metadata).args(format_args!("{message}")).build());
        }
    }

    fn flush(&self) {
        self.finish(Instant::now() + FINISH_TIMEOUT);
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
    // If the offset cannot be read safely, the time stays UTC.
    let _ = layout.set_time_offset_to_local();
    layout.build()
}

/// Locks even if the last holder panicked: losing one line is better than losing the log.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Assembles lines from the pieces that simplelog writes.
struct LineAssembler {
    line: Vec<u8>,
    language: Language,
    terminal: Option<Terminal>,
    file: Option<Arc<Queue>>,
}

/// After a longer line its buffer shrinks to this.
const MAX_KEPT_LINE_BYTES: usize = 4 << 10;

impl Write for LineAssembler {
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
            self.line.shrink_to(MAX_KEPT_LINE_BYTES);
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line that somebody else reads.
#[derive(Clone, Default)]
struct SharedLine(Arc<Mutex<Vec<u8>>>);

impl Write for SharedLine {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the time at the start of a line three decimals. simplelog writes between none and nine.
fn to_milliseconds(line: &mut Vec<u8>) {
    const SECONDS_LEN: usize = "2026-01-31T08:15:00".len();
    const DECIMALS_LEN: usize = ".123".len();
    let Some(rest) = line.get(SECONDS_LEN..) else { return };
    let decimal = |byte: &&u8| **byte == b'.' || byte.is_ascii_digit();
    let written = rest.iter().take_while(decimal).count();
    if written > DECIMALS_LEN {
        line.drain(SECONDS_LEN + DECIMALS_LEN..SECONDS_LEN + written);
    }
    for at in written..DECIMALS_LEN {
        line.insert(SECONDS_LEN + at, if at == 0 { b'.' } else { b'0' });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use std::fs;
    use std::path::Path;

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

    const OWN_TARGET: &str = "mcp_endpoint_server::net";

    #[test]
    fn a_record_is_always_one_line() {
        let folder = Folder::fresh();
        let path = folder.path().join("deep/er/log");
        let journal = Journal::new(false);
        journal.configure(&settings(&path, LevelFilter::Info));
        say(
            &journal,
            Level::Info,
            OWN_TARGET,
            "tool \"a\r\nERROR\u{1b}[2J\u{2028}\u{202e}中文\t\"",
        );
        log::Log::flush(&journal);
        let text = fs::read_to_string(&path).unwrap();
        let (stamp, rest) = text.split_once(' ').unwrap();
        let (time, offset) = stamp.split_at("2026-01-31T08:15:00.123".len());
        assert_eq!(rest, "[INFO] tool \"a\\r\\nERROR\\u{1b}[2J\\u{2028}\\u{202e}中文\\t\"\n");
        assert!(time.as_bytes()[19] == b'.' && matches!(offset.len(), 1 | 6), "{stamp}");
    }

    #[test]
    fn level_and_file_can_change_at_run_time() {
        let folder = Folder::fresh();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let journal = Journal::new(false);
        journal.configure(&settings(&one, LevelFilter::Warn));
        say(&journal, Level::Info, OWN_TARGET, "below the level");
        say(&journal, Level::Error, OWN_TARGET, "at the level");
        journal.configure(&settings(&two, LevelFilter::Debug));
        say(&journal, Level::Debug, OWN_TARGET, "at the new level");
        say(&journal, Level::Debug, "tungstenite::protocol", "a body");
        say(&journal, Level::Warn, "mio", "a warning");
        log::Log::flush(&journal);
        let lines = |path| fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((lines(&one), lines(&two)), (1, 2));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_moved_is_created_again() {
        let folder = Folder::fresh();
        let (path, moved) = (folder.path().join("log"), folder.path().join("moved"));
        let journal = Journal::new(false);
        journal.configure(&settings(&path, LevelFilter::Info));
        say(&journal, Level::Info, OWN_TARGET, "one");
        log::Log::flush(&journal);
        fs::rename(&path, &moved).unwrap();
        say(&journal, Level::Info, OWN_TARGET, "two");
        log::Log::flush(&journal);
        assert!(fs::read_to_string(&moved).unwrap().ends_with("[INFO] one\n"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("[INFO] two\n") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn a_very_long_text_is_cut() {
        let folder = Folder::fresh();
        let path = folder.path().join("log");
        let journal = Journal::new(false);
        journal.configure(&settings(&path, LevelFilter::Info));
        say(&journal, Level::Info, OWN_TARGET, &"长".repeat(100_000));
        log::Log::flush(&journal);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() < MAX_TEXT_BYTES + 100 && text.ends_with("… (300000 bytes)\n"));
    }

    #[test]
    fn the_time_looks_as_in_the_log() {
        let time = local_time();
        assert!(time.starts_with("20") && time.as_bytes()[19] == b'.', "{time}");
        assert!(matches!(time.len(), 24 | 29), "{time}");
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
    fn a_disabled_level_is_not_formatted() {
        let folder = Folder::fresh();
        configure(&settings(&folder.path().join("log"), LevelFilter::Warn));
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
        assert!(fs::read_to_string(folder.path().join("log")).unwrap().contains("own test"));
    }
}
