//! An open log file: which file it is, when it is full, and its rotation.

use super::terminal::wait_until_writable;
use crate::ownership;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The longest chain of symbolic links that is followed.
const MAX_LINKS: usize = 40;

/// An open log file.
#[derive(Debug)]
pub(super) struct OpenLog {
    pub(super) file: File,
    pub(super) size: u64,
    /// Whether it is a regular file. Only a regular file is checked for moves, rotated or truncated.
    is_regular: bool,
    /// The path that rotation renames; `None` if the file is never rotated.
    real: Option<PathBuf>,
    /// The size at which it is rotated.
    full_at: u64,
}

impl OpenLog {
    /// Opens the file, or creates it and its folders.
    pub(super) fn at(path: &Path, max_size: u64) -> io::Result<Self> {
        let file = open(path)?;
        let kind = file.metadata()?;
        let is_regular = kind.is_file();
        let real = (max_size > 0 && is_regular).then(|| rotatable_path(path)).flatten();
        Ok(OpenLog { file, size: kind.len(), is_regular, real, full_at: max_size })
    }

    /// Whether `path` is still this file. Another instance or a tool may have moved it. Also updates the
    /// size, because another instance may have written to it.
    pub(super) fn is_still_at(&mut self, path: &Path) -> bool {
        if !self.is_regular {
            return true;
        }
        let Ok(ours) = self.file.metadata() else { return true };
        self.size = ours.len();
        fs::metadata(path).is_ok_and(|there| is_same(&ours, &there))
    }

    /// How many bytes of whole `lines` fit into this file: at least one line, or 0 if it must be rotated
    /// first.
    pub(super) fn room_for(&self, lines: &[u8]) -> usize {
        let first = lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| at + 1);
        if self.real.is_none() {
            // A device or stream gets one line at a time, so that a failure never leaves half of a line.
            return if self.is_regular { lines.len() } else { first };
        }
        let room = usize::try_from(self.full_at.saturating_sub(self.size)).unwrap_or(usize::MAX);
        if lines.len() <= room {
            return lines.len();
        }
        let fitting = lines.get(..room).unwrap_or_default();
        match fitting.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => last + 1,
            None if self.size > 0 => 0,
            None => first,
        }
    }

    /// Writes all of `lines` or nothing, with one system call if possible.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            let torn = lines.len() - rest.len();
            match self.file.write(rest) {
                Ok(0) => return self.undo(torn, ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait_until_writable(&self.file)?
                }
                Err(error) => return self.undo(torn, error),
            }
        }
        self.size = self.size.saturating_add(lines.len() as u64);
        Ok(())
    }

    /// Removes the last `torn` bytes, which are part of a line that did not fit.
    pub(super) fn undo(&self, torn: usize, error: io::Error) -> io::Result<()> {
        if torn > 0 && self.is_regular {
            let whole = |now: Metadata| now.len().saturating_sub(torn as u64);
            let _ = self.file.metadata().map(whole).and_then(|size| self.file.set_len(size));
        }
        Err(error)
    }

    /// Renames the full file to `.1`, `.1` to `.2`, and so on, replacing the oldest. Returns the file to
    /// write to from now on.
    pub(super) fn rotate(mut self, path: &Path, backups: usize, max_size: u64) -> io::Result<Self> {
        let Some(real) = self.real.clone() else { return Ok(self) };
        // Another instance may be rotating the file at this moment.
        if !lock(&self.file) {
            return Ok(self.with_later_rotation(max_size));
        }
        let first = numbered(&real, 1);
        if !self.is_still_at(path) {
            // The other instance has rotated it.
        } else if backups == 0 {
            self.file.set_len(0)?;
            self.size = 0;
            unlock(&self.file);
            return Ok(self);
        } else {
            for number in (1..backups).rev() {
                // Some of them may not exist yet.
                let _ = fs::rename(numbered(&real, number), numbered(&real, number + 1));
            }
            if fs::rename(&real, first).is_err() {
                unlock(&self.file);
                return Ok(self.with_later_rotation(max_size));
            }
        }
        // Closing the old file releases the lock.
        OpenLog::at(path, max_size)
    }

    /// Keeps writing to the full file, and rotates it after another `max_size` bytes.
    fn with_later_rotation(mut self, max_size: u64) -> Self {
        self.full_at = self.size.saturating_add(max_size);
        self
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(stream) = own_stream(path) {
        return stream;
    }
    if let Some(folder) = path.parent() {
        ownership::create_folders(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true);
    // Opening must not wait for the reader of a pipe, nor take a terminal as the controlling one.
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags as i32);
    }
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            ownership::give_to_folder_owner(path, Some(&file));
            Ok(file)
        }
        // `create_new` also fails for a link whose target does not exist.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.create(true).open(path),
        Err(error) => Err(error),
    }
}

/// The standard stream that `path` names. It cannot be opened by path if it is a socket or belongs to
/// another user.
#[cfg(unix)]
fn own_stream(path: &Path) -> Option<io::Result<File>> {
    use std::os::fd::AsFd;
    let stream = match path.to_str()? {
        "/dev/stdout" => io::stdout().as_fd().try_clone_to_owned(),
        "/dev/stderr" => io::stderr().as_fd().try_clone_to_owned(),
        _ => return None,
    };
    Some(stream.map(File::from))
}

#[cfg(not(unix))]
fn own_stream(_path: &Path) -> Option<io::Result<File>> {
    None
}

/// The file that `path` leads to through symbolic links. `None` if the path passes through `/dev` or
/// `/proc`: then it is a device or another process's file, and must not be renamed.
fn rotatable_path(path: &Path) -> Option<PathBuf> {
    let mut place = std::path::absolute(path).ok()?;
    for _ in 0..MAX_LINKS {
        let folder = fs::canonicalize(place.parent()?).ok()?;
        let real = folder.join(place.file_name()?);
        if [&place, &real].iter().any(|at| at.starts_with("/dev") || at.starts_with("/proc")) {
            return None;
        }
        match fs::read_link(&real) {
            Ok(target) => place = folder.join(target),
            Err(_) => return Some(real),
        }
    }
    None
}

/// `log` → `log.1`
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Other systems have no inode numbers to compare.
#[cfg(not(unix))]
fn is_same(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

/// Locks the file for rotation. Succeeds on file systems without locks.
#[cfg(unix)]
fn lock(file: &File) -> bool {
    use rustix::fs::{flock, FlockOperation};
    let locked = flock(file, FlockOperation::NonBlockingLockExclusive);
    locked != Err(rustix::io::Errno::WOULDBLOCK)
}

#[cfg(not(unix))]
fn lock(_file: &File) -> bool {
    true
}

#[cfg(unix)]
fn unlock(file: &File) {
    let _ = rustix::fs::flock(file, rustix::fs::FlockOperation::Unlock);
}

#[cfg(not(unix))]
fn unlock(_file: &File) {}
