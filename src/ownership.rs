//! What root makes in somebody else's folder is given to the owner of the folder: after one start with
//! `sudo` the server must still be able to write its files without it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Makes `folder` and the folders above it, where they are missing.
///
/// # Errors
/// Whatever the system says.
pub fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        create_folders(above)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => {
            give_to_folder_owner(folder, None);
            Ok(())
        }
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// The first link on the way to `path` that leads nowhere, and where it leads.
pub fn broken_link(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let broken = |at: &&Path| fs::symlink_metadata(at).is_ok() && fs::metadata(at).is_err();
    let link = path.ancestors().filter(|at| !at.as_os_str().is_empty()).find(broken)?;
    Some((link.to_owned(), fs::read_link(link).ok()?))
}

/// Gives what this process has just made at `path` to the owner of its folder, if this process is root and
/// the owner is not. Give the file itself where it is open: a name can be exchanged.
#[cfg(unix)]
pub fn give_to_folder_owner(path: &Path, file: Option<&File>) {
    use std::os::unix::fs::{fchown, lchown, MetadataExt};
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(owner) = fs::metadata(folder.unwrap_or(Path::new("."))) else { return };
    let ours = file.map_or_else(|| fs::symlink_metadata(path), File::metadata);
    if owner.uid() == 0 || !ours.is_ok_and(|ours| ours.uid() == 0) {
        return;
    }
    let (user, group) = (Some(owner.uid()), Some(owner.gid()));
    // Where it cannot be given it stays root's, as before.
    let _ = match file {
        Some(file) => fchown(file, user, group),
        None => lchown(path, user, group),
    };
}

/// Elsewhere nobody is root.
#[cfg(not(unix))]
pub fn give_to_folder_owner(_path: &Path, _file: Option<&File>) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{chown, MetadataExt};

    #[test]
    fn what_root_makes_belongs_to_the_owner_of_the_folder() {
        let folder = std::env::temp_dir().join(format!("mcp-ownership-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        create_folders(&folder).unwrap();
        if chown(&folder, Some(4242), Some(4243)).is_err() {
            let _ = fs::remove_dir_all(&folder);
            return eprintln!("skipped: needs root");
        }
        create_folders(&folder.join("a/b")).unwrap();
        let path = folder.join("a/b/file");
        let file = File::create_new(&path).unwrap();
        give_to_folder_owner(&path, Some(&file));
        for path in [folder.join("a"), folder.join("a/b"), path] {
            let made = fs::metadata(&path).unwrap();
            assert_eq!((made.uid(), made.gid()), (4242, 4243), "{}", path.display());
        }
        let _ = fs::remove_dir_all(&folder);
    }
}
