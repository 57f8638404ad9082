//! An open log file: which file it is, when it is full, and putting it aside.

use super::terminal::wait_for_room;
use crate::ownership;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// How many links in a row are followed.
const MAX_LINKS: usize = 40;

/// An open log file.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) file: File,
    pub(super) size: u64,
    /// Whether it is a regular file; only such a one is looked for again, or cut.
    is_regular: bool,
    /// What is put aside when it is full; `None`: nothing ever is.
    real: Option<PathBuf>,
    /// At which size it is put aside.
    full_at: u64,
}

impl Open {
    /// Opens the file, or makes it, with the folders it needs.
    pub(super) fn at(path: &Path, max_size: u64) -> io::Result<Self> {
        let file = open(path)?;
        let kind = file.metadata()?;
        let is_regular = kind.is_file();
        let real = (max_size > 0 && is_regular).then(|| real_place(path)).flatten();
        Ok(Open { file, size: kind.len(), is_regular, real, full_at: max_size })
    }

    /// Whether `path` is this file still; another instance, or its owner, may have moved it away. Looks at
    /// its size, too: others may have written to it.
    pub(super) fn is_still_at(&mut self, path: &Path) -> bool {
        if !self.is_regular {
            return true;
        }
        let Ok(ours) = self.file.metadata() else { return true };
        self.size = ours.len();
        fs::metadata(path).is_ok_and(|there| is_same(&ours, &there))
    }

    /// How many bytes of whole `lines` go into this file: one line at least, unless it must be put aside
    /// first.
    pub(super) fn room_for(&self, lines: &[u8]) -> usize {
        let first = lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| at + 1);
        if self.real.is_none() {
            // What is no file takes line by line, so that it never gets half a one.
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

    /// Writes all of `lines`, by one call where the system lets it, or nothing.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            let torn = lines.len() - rest.len();
            match self.file.write(rest) {
                Ok(0) => return self.undo(torn, ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for_room(&self.file)?,
                Err(error) => return self.undo(torn, error),
            }
        }
        self.size = self.size.saturating_add(lines.len() as u64);
        Ok(())
    }

    /// Takes back the `torn` bytes that had room still, so that the file keeps whole lines.
    pub(super) fn undo(&self, torn: usize, error: io::Error) -> io::Result<()> {
        if torn > 0 && self.is_regular {
            let whole = |now: Metadata| now.len().saturating_sub(torn as u64);
            let _ = self.file.metadata().map(whole).and_then(|size| self.file.set_len(size));
        }
        Err(error)
    }

    /// The full file becomes `.1`, what was `.1` becomes `.2`, and so on; the oldest goes. Returns the file
    /// to go on with.
    pub(super) fn put_aside(
        mut self,
        path: &Path,
        backups: usize,
        max_size: u64,
    ) -> io::Result<Self> {
        let Some(real) = self.real.clone() else { return Ok(self) };
        // Another instance may be doing the same at this moment.
        if !lock(&self.file) {
            return Ok(self.postponed(max_size));
        }
        let first = numbered(&real, 1);
        if !self.is_still_at(path) {
            // It has done it.
        } else if backups == 0 {
            self.file.set_len(0)?;
            self.size = 0;
            unlock(&self.file);
            return Ok(self);
        } else {
            for number in (1..backups).rev() {
                // Most of them need not exist yet.
                let _ = fs::rename(numbered(&real, number), numbered(&real, number + 1));
            }
            if fs::rename(&real, first).is_err() {
                unlock(&self.file);
                return Ok(self.postponed(max_size));
            }
        }
        // The lock ends with the old file.
        Open::at(path, max_size)
    }

    /// Better a long log than none; tried again when as much has come in once more.
    fn postponed(mut self, max_size: u64) -> Self {
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
    // A pipe without a reader must not be waited for, and a terminal must not become ours.
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
        // A link whose target does not exist is something that exists, too.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.create(true).open(path),
        Err(error) => Err(error),
    }
}

/// The stream of this process that `path` names: as a socket or as another user's it could not be opened.
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

/// The file at the end of the links at `path`; `None` where it must not be renamed, as nothing reached
/// through `/dev` or `/proc` must be: it is a device, or somebody else's file.
fn real_place(path: &Path) -> Option<PathBuf> {
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

/// Elsewhere files have no number that could be asked for.
#[cfg(not(unix))]
fn is_same(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

/// Whether this process may rename the file now. Where there are no locks, it may.
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
