//! The log file: appended to, rotated when it is full, opened again after a failure.

use super::queue::{count, notice};
use super::rotation::OpenLog;
use crate::ownership;
use crate::settings::Logging;
use crate::text::Language;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the file is left alone after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The log file, if one is set. It may be failing.
#[derive(Debug, Default)]
pub(super) struct LogFile {
    settings: Option<Logging>,
    language: Language,
    open: Option<OpenLog>,
    /// Lines lost since the file began to fail.
    lost: u32,
    retry_at: Option<Instant>,
}

impl LogFile {
    /// Changes the settings. Returns a warning for the terminal, as the other methods do.
    pub(super) fn configure(&mut self, settings: Logging, language: Language) -> Option<String> {
        self.settings = Some(settings);
        self.language = language;
        self.reopen()
    }

    /// Opens the file again.
    pub(super) fn reopen(&mut self) -> Option<String> {
        self.open = None;
        self.retry_at = None;
        let settings = self.settings.as_ref()?;
        let path = settings.log_file.as_deref()?;
        match OpenLog::at(path, settings.max_file_size) {
            Ok(open) => {
                self.open = Some(open);
                None
            }
            Err(error) => self.record_failure(&error),
        }
    }

    /// Writes whole lines, or counts them as lost.
    pub(super) fn write(&mut self, lines: &[u8]) -> Option<String> {
        let settings = self.settings.take()?;
        let result =
            settings.log_file.as_deref().map(|path| self.try_write(path, &settings, lines));
        self.settings = Some(settings);
        let (rest, error) = result?.err()?;
        let said = self.record_failure(&error);
        self.lost = self.lost.saturating_add(count(rest));
        said
    }

    /// On failure, returns the lines that are not written.
    fn try_write<'l>(
        &mut self,
        path: &Path,
        settings: &Logging,
        lines: &'l [u8],
    ) -> Result<(), (&'l [u8], io::Error)> {
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err((lines, io::ErrorKind::WouldBlock.into()));
        }
        let max_size = settings.max_file_size;
        let mut rest = lines;
        while !rest.is_empty() {
            let failed = |error| (rest, error);
            let mut open = match self.open.take() {
                Some(mut old) => match old.is_still_at(path) {
                    true => old,
                    // A file that was moved can still be written to.
                    false => OpenLog::at(path, max_size).unwrap_or(old),
                },
                None => OpenLog::at(path, max_size).map_err(failed)?,
            };
            if open.room_for(rest) == 0 {
                open = open.rotate(path, settings.backup_count, max_size).map_err(failed)?;
            }
            let (now, later) = rest.split_at_checked(open.room_for(rest)).unwrap_or((rest, &[]));
            if self.lost == 0 {
                open.append(now).map_err(failed)?;
            } else {
                let said = self.language.log_lines_lost(self.lost);
                open.append(&[&notice(now, &said), now].concat()).map_err(failed)?;
            }
            self.open = Some(open);
            self.retry_at = None;
            self.lost = 0;
            rest = later;
        }
        Ok(())
    }

    /// Leaves the file alone for a while. Returns a warning for the first of several failures.
    fn record_failure(&mut self, error: &io::Error) -> Option<String> {
        self.open = None;
        if error.kind() == io::ErrorKind::WouldBlock && self.retry_at.is_some() {
            return None;
        }
        let is_first = self.retry_at.is_none();
        self.retry_at = Instant::now().checked_add(RETRY_INTERVAL);
        let path = self.settings.as_ref()?.log_file.as_deref()?;
        is_first.then(|| match ownership::obstacle(path) {
            Some(obstacle) => {
                self.language.log_file_fails(path.display(), self.language.obstacle(&obstacle))
            }
            None => self.language.log_file_fails(path.display(), error),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use std::io::{ErrorKind, Write};
    use std::{fs, process};

    impl Folder {
        fn log(&self, max_file_size: u64, backup_count: usize) -> LogFile {
            let log_file = Some(self.path().join("log"));
            let mut file = LogFile::default();
            file.configure(Logging { log_file, max_file_size, backup_count }, Language::En);
            file
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.path()).unwrap();
            let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
            let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn a_full_file_is_rotated_and_the_oldest_is_removed() {
        let folder = Folder::fresh();
        let mut log = folder.log(10, 2);
        for line in ["1234\n", "5678\n", "abc\n", "longer than the limit\n", "d\n"] {
            log.write(line.as_bytes());
        }
        assert_eq!(folder.names(), ["log", "log.1", "log.2"]);
        assert_eq!(folder.read("log"), "d\n");
        assert_eq!(folder.read("log.1"), "longer than the limit\n");
        assert_eq!(folder.read("log.2"), "abc\n");
    }

    #[test]
    fn a_file_from_an_earlier_run_is_appended_to_and_counted() {
        let folder = Folder::fresh();
        folder.log(10, 1).write(b"1234\n");
        let mut log = folder.log(10, 1);
        log.write(b"5678\n");
        assert_eq!(folder.read("log"), "1234\n5678\n");
        log.write(b"9\n");
        assert_eq!(
            (folder.read("log"), folder.read("log.1")),
            ("9\n".into(), "1234\n5678\n".into())
        );
    }

    #[test]
    fn lines_written_together_are_rotated_like_single_ones() {
        let folder = Folder::fresh();
        let mut log = folder.log(10, 3);
        log.write(b"1234\n5678\nabc\nlonger than the limit\nd\ne\n");
        assert_eq!(folder.names(), ["log", "log.1", "log.2", "log.3"]);
        assert_eq!(folder.read("log"), "d\ne\n");
        assert_eq!(folder.read("log.2"), "abc\n");
        assert_eq!(folder.read("log.3"), "1234\n5678\n");
    }

    #[cfg(unix)]
    #[test]
    fn two_instances_share_a_file_without_losing_a_line() {
        let folder = Folder::fresh();
        let mut logs = [folder.log(100, 50), folder.log(100, 50)];
        for number in 0..200 {
            for (who, log) in logs.iter_mut().enumerate() {
                log.write(format!("{who} {number}\n").as_bytes());
            }
        }
        let mut lines: Vec<String> = Vec::new();
        for name in folder.names() {
            let text = folder.read(&name);
            assert!(text.len() <= 100, "{name} has {} bytes", text.len());
            lines.extend(text.lines().map(str::to_owned));
        }
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), 400);
    }

    #[cfg(unix)]
    #[test]
    fn the_target_of_a_link_is_rotated() {
        let folder = Folder::fresh();
        fs::create_dir(folder.path().join("there")).unwrap();
        std::os::unix::fs::symlink("there/real", folder.path().join("log")).unwrap();
        let mut log = folder.log(10, 1);
        log.write(b"12345678\nabcdefgh\n");
        assert_eq!(folder.names(), ["log", "there"]);
        assert_eq!(folder.read("log"), "abcdefgh\n");
        assert_eq!(folder.read("there/real.1"), "12345678\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_path_through_proc_is_never_renamed() {
        let folder = Folder::fresh();
        let stream = fs::File::create(folder.path().join("stream")).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&stream);
        std::os::unix::fs::symlink(format!("/proc/self/fd/{number}"), folder.path().join("log"))
            .unwrap();
        let mut log = folder.log(10, 1);
        log.write(b"12345678\nabcdefgh\n");
        assert_eq!(
            (folder.names(), folder.read("stream").len()),
            (vec!["log".into(), "stream".into()], 18)
        );
    }

    #[test]
    fn without_backups_a_full_file_is_emptied() {
        let folder = Folder::fresh();
        let mut log = folder.log(10, 0);
        for line in ["12345678\n", "abcdefgh\n"] {
            log.write(line.as_bytes());
        }
        assert_eq!((folder.names(), folder.read("log")), (vec!["log".into()], "abcdefgh\n".into()));
    }

    #[test]
    fn a_size_of_0_is_no_limit() {
        let folder = Folder::fresh();
        let mut log = folder.log(0, 5);
        (0..100).for_each(|_| drop(log.write(b"line\n")));
        assert_eq!((folder.names(), folder.read("log").len()), (vec!["log".into()], 500));
    }

    #[test]
    fn a_file_that_cannot_be_rotated_keeps_growing() {
        let folder = Folder::fresh();
        fs::create_dir_all(folder.path().join("log.1/in/the/way")).unwrap();
        let mut log = folder.log(10, 1);
        (0..10).for_each(|_| drop(log.write(b"line\n")));
        assert_eq!(folder.read("log").len(), 50);
    }

    #[test]
    fn lost_lines_are_counted_and_logged_after_a_failure() {
        let folder = Folder::fresh();
        let blocked = folder.path().join("log");
        fs::create_dir(&blocked).unwrap();
        let mut log = folder.log(100, 1);
        log.write(b"T [INFO] one\n");
        fs::remove_dir(&blocked).unwrap();
        log.write(b"T [INFO] two\n");
        assert!(!blocked.exists(), "it was tried again too early");
        log.retry_at = Some(Instant::now());
        log.write(b"T [INFO] three\n");
        log.write(b"T [INFO] four\n");
        let text = folder.read("log");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1..], ["T [INFO] three", "T [INFO] four"]);
        assert!(lines[0].starts_with("T [WARN] ") && lines[0].ends_with("lines lost: 2"), "{text}");
    }

    #[test]
    fn no_file_is_no_failure() {
        let mut log = LogFile::default();
        log.write(b"line\n");
        assert_eq!((log.lost, log.retry_at), (0, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_loses_lines_only() {
        let folder = Folder::fresh();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("log")).unwrap();
        let mut log = folder.log(10, 1);
        (0..100).for_each(|_| drop(log.write(b"line\n")));
        assert_eq!((log.lost, folder.names()), (100, vec!["log".into()]));
    }

    #[cfg(unix)]
    #[test]
    fn a_partly_written_line_is_removed() {
        let folder = Folder::fresh();
        let mut log = folder.log(0, 0);
        log.write(b"whole\n");
        let mut open = log.open.take().unwrap();
        open.file.write_all(b"to").unwrap();
        assert!(open.undo(2, ErrorKind::StorageFull.into()).is_err());
        assert_eq!(folder.read("log"), "whole\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_without_a_reader_is_not_waited_for() {
        let folder = Folder::fresh();
        let made = process::Command::new("mkfifo").arg(folder.path().join("log")).status();
        if !made.is_ok_and(|status| status.success()) {
            return crate::skip::skip("needs mkfifo");
        }
        let mut log = folder.log(10, 1);
        log.write(b"line\n");
        assert_eq!(log.lost, 1);
    }
}
