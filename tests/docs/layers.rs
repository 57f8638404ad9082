//! The structure of `src`: imports run downward only, files are short.

use crate::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folders and files at the top of `src`, ground floor first. A name may import names of the floors
/// below its own, and no other. ARCHITECTURE.md says the same.
const FLOORS: &[&[&str]] = &[
    &["escape", "helper", "jsonrpc", "ownership", "sorted", "spelling", "time", "ws"],
    &["close", "ledger", "log_throttle"],
    &["text"],
    &["lan", "relay", "token"],
    &["settings"],
    &["managed"],
    &["http", "logging"],
    &["net"],
    &["cli"],
];

/// The folders that are crates of their own.
const CRATES: [&str; 2] = ["jsonrpc", "ws"];

/// How many lines a file may have.
const MAX_LINES: usize = 500;

/// A file of `src`.
struct File {
    path: PathBuf,
    /// Its module, from the root of the crate: `["settings", "load"]`.
    module: Vec<String>,
    /// Its text without comments and without its unit tests.
    code: String,
    lines: usize,
}

impl File {
    fn read(path: &Path, src: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let inside = path.strip_prefix(src).unwrap().with_extension("");
        let parts = inside.iter().map(|part| part.to_str().unwrap().to_owned());
        let module = parts.filter(|part| !["mod", "lib", "main"].contains(&part.as_str()));
        let before_tests = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        let code = before_tests.lines().map(|line| line.split("//").next().unwrap());
        File {
            path: path.to_owned(),
            module: module.collect(),
            code: code.collect::<Vec<_>>().join("\n"),
            lines: text.lines().count(),
        }
    }

    /// Where the paths in this file lead, from the root of the crate.
    fn imports(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for root in ["crate", "super", "self", "mcp_endpoint_server"].iter().chain(&CRATES) {
            for (at, _) in self.code.match_indices(&format!("{root}::")) {
                let before = &self.code[..at];
                let is_inside = before.ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
                // `pub(in crate::net)` imports nothing.
                if !is_inside && !before.ends_with("(in ") {
                    let mut rest = &self.code[at..];
                    paths(&mut rest, &mut Vec::new(), &mut found);
                }
            }
        }
        found.iter().map(|path| self.absolute(path)).collect()
    }

    /// The module below this one whose `item` this one passes on.
    fn passed_on(&self, item: &str) -> Option<String> {
        let uses = ["pub use ", "pub(crate) use ", "pub(super) use "];
        uses.iter().flat_map(|start| self.code.split(start).skip(1)).find_map(|rest| {
            let (module, items) = rest.split_once(';')?.0.split_once("::")?;
            let mut items = items.split(|c: char| !c.is_alphanumeric() && c != '_');
            items.any(|known| known == item).then(|| module.to_owned())
        })
    }

    /// `path`, which begins with `crate`, `super` and the like, from the root of the crate.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let is_crate = |name: &String| CRATES.contains(&name.as_str());
        let crate_root = usize::from(self.module.first().is_some_and(is_crate));
        let mut start = match path[0].as_str() {
            "crate" => self.module[..crate_root].to_vec(),
            "super" | "self" => self.module.clone(),
            name if CRATES.contains(&name) => vec![name.to_owned()],
            _ => Vec::new(),
        };
        let is_super = |part: &&String| *part == "super";
        for _ in path.iter().take_while(is_super) {
            start.pop();
        }
        start.extend(path.iter().skip(1).skip_while(is_super).cloned());
        start
    }
}

/// Reads one path from the front of `rest`, which may end in a group: `a::{b, c::d}`.
fn paths(rest: &mut &str, before: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let depth = before.len();
    loop {
        *rest = rest.trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            *rest = group.trim_start();
            while !rest.is_empty() && !rest.starts_with('}') {
                paths(rest, before, found);
                *rest = rest.trim_start().trim_start_matches(',').trim_start();
            }
            *rest = rest.get(1..).unwrap_or_default();
            break;
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 {
            // `*`, or a path this reader does not know: what was read of it counts.
            *rest = rest.get(1..).unwrap_or_default();
            found.push(before.clone());
            break;
        }
        before.push(rest[..end].to_owned());
        *rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(more) => *rest = more,
            None => {
                *rest = rest.strip_prefix(" as ").map_or(*rest, |name| {
                    name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
                });
                found.push(before.clone());
                break;
            }
        }
    }
    before.truncate(depth);
}

/// Every file of `src`.
fn all_files() -> Vec<File> {
    let src = root().join("src");
    let (mut files, mut folders) = (Vec::new(), vec![src.clone()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(File::read(&path, &src));
            }
        }
    }
    assert!(files.len() > 80, "files were not found");
    files
}

/// Every file of `src` but those of unit tests.
fn files() -> Vec<File> {
    let mut files = all_files();
    files.retain(|file| file.module.iter().all(|part| part != "tests"));
    files
}

/// What the folders of `src` have inside: for each file and folder in one, which others beside it it imports.
fn neighbours(files: &[File]) -> BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> {
    let mut folders: BTreeMap<_, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for file in files {
        for path in file.imports() {
            let to = home(files, path);
            let common = file.module.iter().zip(&to).take_while(|(one, other)| one == other);
            let depth = common.count();
            if let (Some(from), Some(to)) = (file.module.get(depth), to.get(depth)) {
                let folder = folders.entry(file.module[..depth].to_vec()).or_default();
                folder.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    folders
}

/// The module of `path`: where its `mod.rs` only passes on what another file has, that one.
fn home(files: &[File], mut path: Vec<String>) -> Vec<String> {
    let mut item: Vec<String> = Vec::new();
    loop {
        match files.iter().find(|file| file.module == path) {
            Some(file) => {
                let passed_on = item.last().and_then(|item| file.passed_on(item.as_str()));
                path.extend(passed_on);
                return path;
            }
            None => item.extend(path.pop()),
        }
    }
}

/// The names in a circle of `edges` and those between two circles; none where there is no circle.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&str> {
    let mut left: BTreeSet<&str> = edges.keys().map(String::as_str).collect();
    loop {
        let is_bound = |name: &&str| {
            edges[*name].iter().any(|to| left.contains(to.as_str()))
                && left.iter().any(|from| edges[*from].contains(*name))
        };
        let bound: BTreeSet<&str> = left.iter().copied().filter(|name| is_bound(name)).collect();
        if bound.len() == left.len() {
            return left;
        }
        left = bound;
    }
}

#[test]
fn imports_run_downward_only() {
    let floor_of = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    let files = files();
    for name in files.iter().filter_map(|file| file.module.first()) {
        assert!(floor_of(name).is_some(), "src has `{name}`, which no floor of this test has");
    }
    for name in FLOORS.concat() {
        let is_there = |file: &File| file.module.first().is_some_and(|first| first == name);
        assert!(files.iter().any(is_there), "a floor of this test has `{name}`, and src has not");
    }
    let mut wrong = Vec::new();
    for file in &files {
        let Some(from) = file.module.first() else { continue };
        for path in file.imports() {
            let Some(to) = path.first().filter(|to| *to != from) else { continue };
            if floor_of(to).is_some_and(|floor| Some(floor) >= floor_of(from)) {
                wrong.push(format!("{}: {}", file.path.display(), path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "these imports do not lead to a lower floor:\n{}", wrong.join("\n"));
}

#[test]
fn the_architecture_names_the_same_floors() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let order = text.split("Imports run downward only, in this order:").nth(1).unwrap();
    let order = order.split(" → `main`").next().unwrap();
    let names = |floor: &str| floor.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let named: Vec<Vec<String>> = order.split('→').map(names).collect();
    assert_eq!(named, FLOORS);
}

/// A folder's `mod.rs` does not count: it stands above the files of the folder, and they may use what it
/// has.
#[test]
fn no_files_of_a_folder_import_each_other_in_a_circle() {
    for (folder, edges) in neighbours(&files()) {
        let (folder, circle) = (folder.join("/"), circle(&edges));
        assert!(
            circle.is_empty(),
            "src/{folder} has a circle of imports among {circle:?}: {edges:#?}"
        );
    }
}

/// `relay/agent` joins the owners of an agent's state; none of them may know it.
#[test]
fn only_the_folder_of_the_agent_adds_to_the_agent() {
    for file in all_files() {
        let is_inside = file.module.starts_with(&["relay".to_owned(), "agent".to_owned()]);
        let adds = file.code.lines().any(|line| line.starts_with("impl Agent "));
        assert!(is_inside || !adds, "{} has an `impl Agent`", file.path.display());
    }
}

#[test]
fn no_file_is_too_long() {
    for file in all_files() {
        let (lines, path) = (file.lines, file.path.display());
        assert!(
            lines <= MAX_LINES,
            "{path} has {lines} lines, at most {MAX_LINES} are allowed: split it by topic"
        );
    }
}
