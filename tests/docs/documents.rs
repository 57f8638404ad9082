//! The documents: both languages say the same thing, and what a document points to is there.

use crate::root;
use std::fs;
use std::path::{Path, PathBuf};

/// The documents that exist in English and in Chinese.
const TRANSLATED: [(&str, &str); 5] = [
    ("README.md", "README.zh-CN.md"),
    ("docs/install.md", "docs/install.zh-CN.md"),
    ("docs/proxies.md", "docs/proxies.zh-CN.md"),
    ("docs/reference.md", "docs/reference.zh-CN.md"),
    ("docs/troubleshooting.md", "docs/troubleshooting.zh-CN.md"),
];

/// How long a document may be, in lines.
const MAX_LINES: [(&str, usize); 3] =
    [("README.md", 260), ("README.zh-CN.md", 260), ("ARCHITECTURE.md", 200)];

/// Every document, by its path from the root of the project.
fn documents() -> Vec<String> {
    let mut names = Vec::new();
    for folder in ["", "docs"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
                names.push(name.replace('\\', "/"));
            }
        }
    }
    assert!(names.len() > 12, "documents were not found: {names:?}");
    names
}

/// A document taken apart: its prose, and its blocks of code, each with its language first.
struct Parts {
    prose: Vec<String>,
    code: Vec<String>,
}

impl Parts {
    fn of(name: &str) -> Self {
        let (mut prose, mut code) = (Vec::new(), Vec::<String>::new());
        let mut inside = false;
        for line in fs::read_to_string(root().join(name)).unwrap().lines() {
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

    /// What a link can point to: headings, and `<a id="…"></a>`.
    fn anchors(&self) -> Vec<String> {
        let named = self.prose.iter().flat_map(|line| line.split("<a id=\"").skip(1));
        let named = named.map(|rest| rest.split('"').next().unwrap().to_owned());
        self.headings().map(|(_, text)| anchor(text)).chain(named).collect()
    }
}

/// What a heading is called in a link: letters, digits, `-` and `_`; blanks become `-`.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn both_languages_have_the_same_headings_tables_and_commands() {
    for (english_name, chinese_name) in TRANSLATED {
        let (english, chinese) = (Parts::of(english_name), Parts::of(chinese_name));
        let levels = |parts: &Parts| parts.headings().map(|(level, _)| level).collect::<Vec<_>>();
        assert_eq!(levels(&english), levels(&chinese), "{english_name}");
        assert!(levels(&english).len() > 3, "{english_name}: headings were not found");
        assert_eq!(english.tables(), chinese.tables(), "{english_name}");
        assert_eq!(english.code.len(), chinese.code.len(), "{english_name}");
        // Comments, pictures and output for people differ; what is copied and pasted does not.
        let translated = |block: &str| {
            ["```mermaid", "```python", "```console"].iter().any(|start| block.starts_with(start))
        };
        for (one, other) in english.code.iter().zip(&chinese.code) {
            let same_language = one.lines().next() == other.lines().next();
            assert!(same_language && (translated(one) || one == other), "{one}\n{other}");
        }
    }
}

#[test]
fn both_languages_point_to_each_other_at_the_top() {
    let sides = TRANSLATED.iter().flat_map(|(one, other)| [(one, other), (other, one)]);
    for (name, other) in sides {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let link = format!("]({})", other.rsplit('/').next().unwrap());
        assert!(text.lines().take(5).any(|line| line.contains(&link)), "{name}: no {link}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for name in documents() {
        for link in Parts::of(&name).links() {
            if link.starts_with("https://") {
                continue;
            }
            let (path, place) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => PathBuf::from(&name),
                path => Path::new(&name).with_file_name("").join(path),
            };
            let whole = root().join(&target);
            assert!(whole.exists(), "{name}: nothing is at {link}");
            if !place.is_empty() {
                let anchors = Parts::of(target.to_str().unwrap()).anchors();
                assert!(anchors.iter().any(|anchor| anchor == place), "{name}: no {link}");
            }
        }
    }
}

#[test]
fn no_anchor_is_named_twice() {
    for name in documents() {
        let mut anchors = Parts::of(&name).anchors();
        anchors.sort();
        let twice = anchors.windows(2).find(|pair| pair[0] == pair[1]);
        assert!(twice.is_none(), "{name}: {twice:?}");
    }
}

/// Whatever a document calls by the name of a file of ours is there.
#[test]
fn every_file_that_is_named_exists() {
    for name in documents() {
        for line in &Parts::of(&name).prose {
            // What stands between two ticks is every second piece.
            for named in line.split('`').skip(1).step_by(2) {
                let folders = ["src/", "tests/", ".ci/", "docs/", "deploy/", "benches/"];
                let ours = folders.iter().any(|start| named.starts_with(start));
                if ours && !named.contains(' ') {
                    assert!(root().join(named).exists(), "{name}: there is no {named}");
                }
            }
        }
    }
}

#[test]
fn no_document_is_too_long() {
    for (name, most) in MAX_LINES {
        let lines = fs::read_to_string(root().join(name)).unwrap().lines().count();
        assert!(lines <= most, "{name} has {lines} lines, at most {most} are wanted");
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

/// Where code and tests cite a rule of the protocol, the rule is there.
#[test]
fn every_rule_that_code_cites_is_in_the_protocol() {
    const CITED: &str = "docs/protocol.md#";
    let anchors = Parts::of("docs/protocol.md").anchors();
    let mut folders = vec![root().join("src"), root().join("tests"), root().join("benches")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                for rest in text.split(CITED).skip(1) {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                    let rule = &rest[..end.unwrap_or(rest.len())];
                    // This file names what it looks for.
                    count += 1;
                    let found = rule.is_empty() || anchors.iter().any(|anchor| anchor == rule);
                    assert!(found, "{}: the protocol has no rule {rule}", path.display());
                }
            }
        }
    }
    assert!(count > 30, "citations were not found");
}

/// Tests cite every rule of the relay, so that the test of a rule is found by its anchor.
#[test]
fn every_rule_of_the_relay_is_cited_by_a_test() {
    let (mut tests, mut folders) = (String::new(), vec![root().join("tests")]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                tests += &fs::read_to_string(path).unwrap();
            }
        }
    }
    let text = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let relay = text.split("\n## The relay\n").nth(1).unwrap();
    let relay = relay.split("\n## Settings\n").next().unwrap();
    let rules: Vec<&str> =
        relay.split("<a id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(rules.len() > 50, "rules were not found: {rules:?}");
    let is_cited = |rule: &&&str| {
        let citation = format!("docs/protocol.md#{rule}");
        let mut places = tests.split(&citation).skip(1);
        places.any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
    };
    let missing: Vec<_> = rules.iter().filter(|rule| !is_cited(rule)).collect();
    assert!(missing.is_empty(), "no file of tests cites {missing:?}");
}
