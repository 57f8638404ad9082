//! The log file: appended to line by line, put aside when it is full, tried again when it fails.

use crate::settings::Logging;
use crate::text::Language;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// After a failure, the file is left alone for so long.
const PAUSE: Duration = Duration::from_secs(5);

/// The log file, which may be none, and may be failing.
#[derive(Debug, Default)]
pub(super) struct LogFile {
    path: Option<PathBuf>,
    language: Language,
    max_size: u64,
    backups: usize,
    open: Option<Open>,
    /// Lines lost since the file began to fail.
    lost: u32,
    retry_at: Option<Instant>,
}

/// An open file.
#[derive(Debug)]
struct Open {
    file: File,
    size: u64,
    /// At which size it is put aside; `None`: never.
    full_at: Option<u64>,
}

impl LogFile {
    /// Goes on with other settings.
    pub(super) fn follow(&mut self, settings: &Logging, language: Language) {
        self.path.clone_from(&settings.log_file);
        self.language = language;
        self.max_size = settings.max_file_size;
        self.backups = settings.backup_count;
        self.reopen();
    }

    /// Opens the file afresh.
    pub(super) fn reopen(&mut self) {
        self.open = None;
        self.retry_at = None;
        let Some(path) = &self.path else { return };
        match open(path, self.max_size) {
            Ok(open) => self.open = Some(open),
            Err(error) => self.fails(&error),
        }
    }

    /// Writes a line, its end included, or counts it as lost.
    pub(super) fn put(&mut self, line: &[u8]) {
        if self.path.is_none() {
            return;
        }
        if let Err(error) = self.try_put(line) {
            self.fails(&error);
            self.lost = self.lost.saturating_add(1);
        }
    }

    fn try_put(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => open(path, self.max_size)?,
        };
        if open.is_full(line) {
            open = self.put_aside(path, open)?;
        }
        if self.lost == 0 {
            open.append(line)?;
        } else {
            open.append(&[&self.notice(line), line].concat())?;
        }
        self.open = Some(open);
        self.retry_at = None;
        self.lost = 0;
        Ok(())
    }

    /// Says how many lines are missing, at the time of the line that follows.
    fn notice(&self, line: &[u8]) -> Vec<u8> {
        let stamp = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let said = self.language.log_lines_lost(self.lost);
        [stamp, b" [WARN] ", said.as_bytes(), b"\n"].concat()
    }

    /// The file is left alone for a while; the terminal is told once.
    fn fails(&mut self, error: &io::Error) {
        self.open = None;
        if error.kind() == ErrorKind::WouldBlock && self.retry_at.is_some() {
            return;
        }
        if self.retry_at.is_none() {
            if let Some(path) = &self.path {
                let said = self.language.log_file_fails(path.display(), error);
                let _ = io::stderr().write_all(format!("[WARN] {said}\n").as_bytes());
            }
        }
        self.retry_at = Instant::now().checked_add(PAUSE);
    }

    /// The full file becomes `.1`, what was `.1` becomes `.2`, and so on; the oldest goes.
    fn put_aside(&self, path: &Path, mut full: Open) -> io::Result<Open> {
        if self.backups == 0 {
            full.file.set_len(0)?;
            full.size = 0;
            return Ok(full);
        }
        for number in (1..self.backups).rev() {
            // Most of them need not exist yet.
            let _ = fs::rename(numbered(path, number), numbered(path, number + 1));
        }
        match fs::rename(path, numbered(path, 1)) {
            Ok(()) => open(path, self.max_size),
            // Better a long log than none; tried again when as much has come in once more.
            Err(_) => {
                full.full_at = full.size.checked_add(self.max_size);
                Ok(full)
            }
        }
    }
}

impl Open {
    fn is_full(&self, line: &[u8]) -> bool {
        let after = self.size.saturating_add(line.len() as u64);
        self.size > 0 && self.full_at.is_some_and(|full_at| after > full_at)
    }

    /// Writes all of `lines`, by one call where the system lets it, or nothing.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return self.undo(lines.len() - rest.len(), ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.undo(lines.len() - rest.len(), error),
            }
        }
        self.size = self.size.saturating_add(lines.len() as u64);
        Ok(())
    }

    /// Takes back the `torn` bytes that had room still, so that the file keeps whole lines.
    fn undo(&self, torn: usize, error: io::Error) -> io::Result<()> {
        if torn > 0 {
            let whole = |now: fs::Metadata| now.len().saturating_sub(torn as u64);
            let _ = self.file.metadata().map(whole).and_then(|size| self.file.set_len(size));
        }
        Err(error)
    }
}

fn open(path: &Path, max_size: u64) -> io::Result<Open> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    // Opening a pipe would wait for its reader.
    #[cfg(unix)]
    if fs::metadata(path)
        .is_ok_and(|kind| std::os::unix::fs::FileTypeExt::is_fifo(&kind.file_type()))
    {
        return Err(ErrorKind::Unsupported.into());
    }
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let kind = file.metadata()?;
    let full_at = (max_size > 0 && kind.is_file()).then_some(max_size);
    Ok(Open { file, size: kind.len(), full_at })
}

/// `log` → `log.1`
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process};

    /// A folder of its own for each test, gone with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("mcp-log-file-{name}-{}", process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn log(&self, max_file_size: u64, backup_count: usize) -> LogFile {
            let log_file = Some(self.0.join("log"));
            let mut file = LogFile::default();
            file.follow(&Logging { log_file, max_file_size, backup_count }, Language::En);
            file
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.0.join(name)).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
            let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let folder = Folder::new("rotation");
        let mut log = folder.log(10, 2);
        for line in ["1234\n", "5678\n", "abc\n", "longer than the limit\n", "d\n"] {
            log.put(line.as_bytes());
        }
        assert_eq!(folder.names(), ["log", "log.1", "log.2"]);
        assert_eq!(folder.read("log"), "d\n");
        assert_eq!(folder.read("log.1"), "longer than the limit\n");
        assert_eq!(folder.read("log.2"), "abc\n");
    }

    #[test]
    fn a_file_from_an_earlier_run_is_appended_to_and_counted() {
        let folder = Folder::new("append");
        folder.log(10, 1).put(b"1234\n");
        let mut log = folder.log(10, 1);
        log.put(b"5678\n");
        assert_eq!(folder.read("log"), "1234\n5678\n");
        log.put(b"9\n");
        assert_eq!(
            (folder.read("log"), folder.read("log.1")),
            ("9\n".into(), "1234\n5678\n".into())
        );
    }

    #[test]
    fn without_backups_a_full_file_is_emptied() {
        let folder = Folder::new("no-backups");
        let mut log = folder.log(10, 0);
        for line in ["12345678\n", "abcdefgh\n"] {
            log.put(line.as_bytes());
        }
        assert_eq!((folder.names(), folder.read("log")), (vec!["log".into()], "abcdefgh\n".into()));
    }

    #[test]
    fn a_size_of_0_is_no_limit() {
        let folder = Folder::new("unlimited");
        let mut log = folder.log(0, 5);
        (0..100).for_each(|_| log.put(b"line\n"));
        assert_eq!((folder.names(), folder.read("log").len()), (vec!["log".into()], 500));
    }

    #[test]
    fn a_file_that_cannot_be_put_aside_goes_on() {
        let folder = Folder::new("stuck");
        fs::create_dir_all(folder.0.join("log.1/in/the/way")).unwrap();
        let mut log = folder.log(10, 1);
        (0..10).for_each(|_| log.put(b"line\n"));
        assert_eq!(folder.read("log").len(), 50);
    }

    #[test]
    fn lost_lines_are_counted_and_told_when_the_file_is_back() {
        let folder = Folder::new("lost");
        let blocked = folder.0.join("log");
        fs::create_dir(&blocked).unwrap();
        let mut log = folder.log(100, 1);
        log.put(b"T [INFO] one\n");
        fs::remove_dir(&blocked).unwrap();
        log.put(b"T [INFO] two\n");
        assert!(!blocked.exists(), "it was not left alone");
        log.retry_at = Some(Instant::now());
        log.put(b"T [INFO] three\n");
        log.put(b"T [INFO] four\n");
        let text = folder.read("log");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1..], ["T [INFO] three", "T [INFO] four"]);
        assert!(lines[0].starts_with("T [WARN] ") && lines[0].contains(" 2 lines"), "{text}");
    }

    #[test]
    fn no_file_is_no_failure() {
        let mut log = LogFile::default();
        log.put(b"line\n");
        assert_eq!((log.lost, log.retry_at), (0, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_costs_lines_and_nothing_else() {
        let folder = Folder::new("full");
        std::os::unix::fs::symlink("/dev/full", folder.0.join("log")).unwrap();
        let mut log = folder.log(10, 1);
        (0..100).for_each(|_| log.put(b"line\n"));
        assert_eq!((log.lost, folder.names()), (100, vec!["log".into()]));
    }

    #[cfg(unix)]
    #[test]
    fn a_torn_line_is_taken_back() {
        let folder = Folder::new("torn");
        let mut log = folder.log(0, 0);
        log.put(b"whole\n");
        let mut open = log.open.take().unwrap();
        open.file.write_all(b"to").unwrap();
        assert!(open.undo(2, ErrorKind::StorageFull.into()).is_err());
        assert_eq!(folder.read("log"), "whole\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_rather_than_waited_for() {
        let folder = Folder::new("pipe");
        let made = process::Command::new("mkfifo").arg(folder.0.join("log")).status();
        if !made.is_ok_and(|status| status.success()) {
            return eprintln!("skipped: needs mkfifo");
        }
        let mut log = folder.log(10, 1);
        log.put(b"line\n");
        assert_eq!(log.lost, 1);
    }
}
