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

/// Why a file cannot be opened or made.
#[derive(Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A link, to something that does not exist.
    BrokenLink(PathBuf, PathBuf),
    /// Something that has to be a folder and is not.
    NotAFolder(PathBuf),
}

/// What is in the way of the file at `path`, if it is something that the user can see.
pub fn obstacle(path: &Path) -> Option<Obstacle> {
    path.ancestors().find_map(|at| match fs::metadata(at) {
        Ok(found) if at != path && !found.is_dir() => Some(Obstacle::NotAFolder(at.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Only a link can be read as one. Its target begins at its own folder.
            let target = at.parent()?.join(fs::read_link(at).ok()?);
            Some(Obstacle::BrokenLink(at.to_owned(), target))
        }
        _ => None,
    })
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
    fn what_is_in_the_way_of_a_file_is_found() {
        let folder = std::env::temp_dir().join(format!("mcp-obstacle-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
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
        let _ = fs::remove_dir_all(&folder);
    }

    #[test]
    fn what_root_makes_belongs_to_the_owner_of_the_folder() {
        let folder = std::env::temp_dir().join(format!("mcp-ownership-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        create_folders(&folder).unwrap();
        if chown(&folder, Some(4242), Some(4243)).is_err() {
            let _ = fs::remove_dir_all(&folder);
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
        let _ = fs::remove_dir_all(&folder);
    }
}
