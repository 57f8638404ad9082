//! Files that root creates in a folder of another user get the owner of that folder. Otherwise the server
//! could not write its files any more after one start with `sudo`.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Creates `folder` and its missing parents.
///
/// # Errors
/// The error of the system.
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
        // Another process created it in the meantime.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Why a file cannot be opened or created.
#[derive(Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A symbolic link, and its target, which does not exist.
    BrokenLink(PathBuf, PathBuf),
    /// Something that is not a folder but must be one.
    NotAFolder(PathBuf),
}

/// What prevents opening or creating the file at `path`, if the path itself shows it.
pub fn obstacle(path: &Path) -> Option<Obstacle> {
    path.ancestors().find_map(|at| match fs::metadata(at) {
        Ok(found) if at != path && !found.is_dir() => Some(Obstacle::NotAFolder(at.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // `read_link` fails unless this is a link. A relative target starts at the folder of the link.
            let target = at.parent()?.join(fs::read_link(at).ok()?);
            Some(Obstacle::BrokenLink(at.to_owned(), target))
        }
        _ => None,
    })
}

/// Gives the new file or folder at `path` to the owner of its parent folder, if it belongs to root and the
/// parent does not. Pass the open file if there is one, because another process may replace `path`.
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
    // On failure it keeps belonging to root.
    let _ = match file {
        Some(file) => fchown(file, user, group),
        None => lchown(path, user, group),
    };
}

/// Other systems have no root.
#[cfg(not(unix))]
pub fn give_to_folder_owner(_path: &Path, _file: Option<&File>) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use std::os::unix::fs::{chown, MetadataExt};

    #[test]
    fn obstacles_of_a_path_are_found() {
        let folder = Folder::fresh();
        let folder = folder.path();
        fs::create_dir_all(folder.join("empty")).unwrap();
        fs::write(folder.join("file"), "").unwrap();
        std::os::unix::fs::symlink("no/where", folder.join("link")).unwrap();
        for path in ["file", "empty", "empty/a/b", "new"] {
            assert_eq!(obstacle(&folder.join(path)), None, "{path}");
        }
        let file = Obstacle::NotAFolder(folder.join("file"));
        assert_eq!(obstacle(&folder.join("file/a/b")), Some(file));
        for path in ["link", "link/a/b"] {
            let link = Obstacle::BrokenLink(folder.join("link"), folder.join("no/where"));
            assert_eq!(obstacle(&folder.join(path)), Some(link), "{path}");
        }
    }

    #[test]
    fn files_of_root_get_the_owner_of_the_folder() {
        let folder = Folder::fresh();
        let folder = folder.path();
        if chown(folder, Some(4242), Some(4243)).is_err() {
            return crate::skip::skip("needs root");
        }
        create_folders(&folder.join("a/b")).unwrap();
        let path = folder.join("a/b/file");
        let file = File::create_new(&path).unwrap();
        give_to_folder_owner(&path, Some(&file));
        for path in [folder.join("a"), folder.join("a/b"), path] {
            let made = fs::metadata(&path).unwrap();
            assert_eq!((made.uid(), made.gid()), (4242, 4243), "{}", path.display());
        }
    }
}
