//! The two READMEs say the same thing, and what they and ARCHITECTURE.md point to is there.

// Helpers of tests fail as tests do; the lints excuse only the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

const ENGLISH: &str = "README.md";
const CHINESE: &str = "README.zh-CN.md";
const DOCUMENTS: [&str; 3] = [ENGLISH, CHINESE, "ARCHITECTURE.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// A document apart: what it says, and the blocks of code in it, their languages first.
struct Parts {
    prose: Vec<String>,
    code: Vec<String>,
}

impl Parts {
    fn of(name: &str) -> Self {
        let (mut prose, mut code) = (Vec::new(), Vec::<String>::new());
        let mut inside = false;
        for line in document(name).lines() {
            if line.starts_with("```") {
                inside = !inside;
                if inside {
                    code.push(String::new());
                }
            }
            match code.last_mut().filter(|_| inside) {
                Some(block) => block.extend([line, "\n"]),
                None => prose.push(line.to_owned()),
            }
        }
        assert!(!inside, "{name}: a block of code has no end");
        Parts { prose, code }
    }

    /// Each heading with its level.
    fn headings(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose.iter().filter(|line| line.starts_with('#')).map(|line| {
            let text = line.trim_start_matches('#');
            (line.len() - text.len(), text.trim())
        })
    }

    /// How many cells each row of each table has, in order.
    fn tables(&self) -> Vec<usize> {
        let rows = self.prose.iter().filter(|line| line.starts_with('|'));
        rows.map(|row| row.matches('|').count()).collect()
    }

    /// Where links go.
    fn links(&self) -> Vec<&str> {
        let ends = self.prose.iter().flat_map(|line| line.split("](").skip(1));
        ends.map(|rest| rest.split(')').next().unwrap()).collect()
    }
}

/// What a heading is called in a link: letters, digits, `-` and `_`; blanks become `-`.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn the_readmes_have_the_same_headings_tables_and_commands() {
    let (english, chinese) = (Parts::of(ENGLISH), Parts::of(CHINESE));
    let levels = |parts: &Parts| parts.headings().map(|(level, _)| level).collect::<Vec<_>>();
    assert_eq!(levels(&english), levels(&chinese));
    assert!(levels(&english).len() > 20, "headings were not found");
    assert_eq!(english.tables(), chinese.tables());
    assert_eq!(english.code.len(), chinese.code.len());
    // Comments, pictures and texts for people differ; what is copied and pasted does not.
    let translated = |block: &str| {
        ["```mermaid", "```python", "```ini", "```console"]
            .iter()
            .any(|start| block.starts_with(start))
    };
    for (one, other) in english.code.iter().zip(&chinese.code) {
        let same_language = one.lines().next() == other.lines().next();
        assert!(same_language && (translated(one) || one == other), "{one}\n{other}");
    }
}

#[test]
fn the_readmes_point_to_each_other_at_the_top() {
    for (name, other) in [(ENGLISH, CHINESE), (CHINESE, ENGLISH)] {
        let top: Vec<String> = document(name).lines().take(5).map(str::to_owned).collect();
        assert!(top.iter().any(|line| line.contains(&format!("]({other})"))), "{name}: {top:?}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for name in DOCUMENTS {
        let parts = Parts::of(name);
        let anchors: Vec<String> = parts.headings().map(|(_, text)| anchor(text)).collect();
        for link in parts.links() {
            let found = match link.strip_prefix('#') {
                Some(place) => anchors.iter().any(|anchor| anchor == place),
                None => link.starts_with("https://") || root().join(link).exists(),
            };
            assert!(found, "{name}: nothing is at {link}");
        }
    }
}

/// Whatever a document calls by the name of a file of ours is there.
#[test]
fn every_file_that_is_named_exists() {
    for name in DOCUMENTS {
        for line in &Parts::of(name).prose {
            // What stands between two ticks is every second piece.
            for named in line.split('`').skip(1).step_by(2) {
                let ours = ["src/", "tests/", ".ci/"].iter().any(|start| named.starts_with(start));
                if ours && !named.contains(' ') {
                    assert!(root().join(named).exists(), "{name}: there is no {named}");
                }
            }
        }
    }
}

/// The map in ARCHITECTURE.md has every file of `src` but its tests.
#[test]
fn the_map_has_every_file() {
    let map = Parts::of("ARCHITECTURE.md").code.concat();
    let named: Vec<&str> = map.split([' ', ',', '/', '\n']).collect();
    let mut folders = vec![root().join("src")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
            if entry.is_dir() && name != "tests" {
                folders.push(entry);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                count += 1;
                assert!(
                    named.contains(&&*name),
                    "ARCHITECTURE.md does not name {}",
                    entry.display()
                );
            }
        }
    }
    assert!(count > 40, "files were not found");
}
