//! Putting a file in the place of another: whole or not at all.

use crate::ownership;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a start or a change waits for another one in the same folder.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// How long it waits before it tries again.
const STEP: Duration = Duration::from_millis(10);

/// Has other programs wait that make a file or a key in the same folder, until it is dropped. There is
/// nothing inside where the folder cannot be made or opened, or where there are no locks.
#[derive(Debug)]
pub(super) struct Lock(#[allow(dead_code)] Option<File>);

/// Locks the folder of `path`. Waits for another program; `None` if that takes longer than [`MAX_WAIT`].
pub(super) fn lock(path: &Path) -> Option<Lock> {
    (0..MAX_WAIT.as_millis() / STEP.as_millis()).find_map(|_| {
        let lock = try_lock(path);
        if lock.is_none() {
            std::thread::sleep(STEP);
        }
        lock
    })
}

/// Like [`lock`], but does not wait.
#[cfg(unix)]
fn try_lock(path: &Path) -> Option<Lock> {
    use rustix::fs::{flock, FlockOperation};
    use rustix::io::Errno;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // Whoever makes the file says why that is impossible.
    let opened = ownership::create_folders(folder).and_then(|()| File::open(folder));
    let Ok(folder) = opened else { return Some(Lock(None)) };
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => None,
        _ => Some(Lock(Some(folder))),
    }
}

#[cfg(not(unix))]
fn try_lock(_path: &Path) -> Option<Lock> {
    Some(Lock(None))
}

/// Creates `path`, and the folders it needs, for its owner's eyes only.
///
/// # Errors
/// Whatever the system says; then nothing is left behind but perhaps an empty folder.
pub(super) fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        ownership::create_folders(folder)?;
    }
    replace(path, text, None)
}

/// Puts `new` in the place of `old`, the present text of the file at `path` or at the end of the
/// links there, and takes it out of the sight of all but its owner.
///
/// A file that cannot be exchanged, because it is mounted by itself or its folder may not be
/// written, is written in place.
///
/// # Errors
/// Whatever the system says; then the old text stands.
pub(super) fn update(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let owner = fs::metadata(&path)?;
    replace(&path, new, Some(&owner)).or_else(|error| match error.kind() {
        // What has no room in a new file has none in the old one either.
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Err(error),
        _ => write_in_place(&path, new)
            .inspect_err(|_| write_in_place(&path, old).unwrap_or_default()),
    })
}

fn replace(path: &Path, text: &str, owner: Option<&fs::Metadata>) -> io::Result<()> {
    let beside = beside(path)?;
    // One that an earlier run was killed over; in a container every run has the same number.
    let _ = fs::remove_file(&beside);
    let written = private_file(&beside)
        .and_then(|mut file| {
            if owner.is_none() {
                ownership::give_to_folder_owner(path, Some(&file));
            }
            fill(&mut file, text)
        })
        .and_then(|()| owner.map_or(Ok(()), |owner| give_to(&beside, owner)))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    } else if let Some(folder) = path.parent() {
        // The text is safe; that its name is, too, not every file system can promise.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    written
}

/// A name beside `path` that nobody else uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(name))
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn fill(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn write_in_place(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
    #[cfg(unix)]
    let _ = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    file.sync_all()
}

/// Run by root, the file must still be its owner's: he could not read it any more.
#[cfg(unix)]
fn give_to(path: &Path, owner: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{chown, MetadataExt};
    let ours = fs::metadata(path)?;
    if ours.uid() == owner.uid() && ours.gid() == owner.gid() {
        return Ok(());
    }
    match chown(path, Some(owner.uid()), Some(owner.gid())) {
        // Of another group only: nobody loses sight of it.
        Err(_) if ours.uid() == owner.uid() => Ok(()),
        given => given,
    }
}

#[cfg(not(unix))]
fn give_to(_: &Path, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;

    #[cfg(unix)]
    #[test]
    fn a_file_in_the_working_directory_is_locked_like_any_other() {
        assert!(lock(Path::new("a.cfg")).is_some_and(|lock| lock.0.is_some()));
    }

    #[test]
    fn what_cannot_be_exchanged_is_written_in_place() {
        let folder = Folder::fresh();
        let path = folder.path().join("a.cfg");
        // The place of the new file is taken by something that does not go away.
        fs::create_dir_all(beside(&path).unwrap().join("in the way")).unwrap();
        for (old, new) in [("short", "much longer"), ("much longer", "short")] {
            fs::write(&path, old).unwrap();
            update(&path, old, new).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), new);
        }
        assert!(create(&path, "new").is_err());
    }

    #[test]
    fn what_an_earlier_run_left_behind_is_no_obstacle() {
        let folder = Folder::fresh();
        let path = folder.path().join("deep/a.cfg");
        create(&path, "one").unwrap();
        fs::write(beside(&path).unwrap(), "half").unwrap();
        update(&path, "one", "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path().join("deep")).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_stays_its_owners() {
        use std::os::unix::fs::{chown, MetadataExt};
        let folder = Folder::fresh();
        let path = folder.path().join("a.cfg");
        fs::write(&path, "old").unwrap();
        if chown(&path, Some(4242), Some(4242)).is_err() {
            return crate::skip::skip("needs root");
        }
        update(&path, "old", "new").unwrap();
        let owner = fs::metadata(&path).unwrap();
        assert_eq!((owner.uid(), owner.gid(), owner.mode() & 0o777), (4242, 4242, 0o600));
    }
}
