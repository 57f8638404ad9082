//! The vocabulary: words that were given up for plainer ones do not come back.

use crate::root;
use std::fs;
use std::path::{Path, PathBuf};

/// Words that no name in the code may contain, and what to write instead. Superlatives are wrong in the
/// names of constants only.
const NAMES: [(&str, &str); 12] = [
    ("hear", "receive, handle"),
    ("heard", "received"),
    ("hears", "receives"),
    ("hello", "initialize"),
    ("largest", "MAX_…"),
    ("longest", "MAX_…"),
    ("owed", "outdated, outstanding"),
    ("patience", "timeout"),
    ("retold", "rewritten"),
    ("told", "reported, shown, text"),
    ("whereabouts", "what exactly it returns"),
    ("widest", "MAX_…"),
];

/// Phrases that no comment and no document may contain, and what to write instead.
const PHRASES: [(&str, &str); 10] = [
    ("all the same,", "anyway"),
    ("for ever", "forever"),
    ("for who has", "for the … holder"),
    ("hand-shake", "handshake"),
    ("hand shake", "handshake"),
    ("is no json", "is not JSON"),
    ("only for who", "only for a client that …"),
    ("shaking hands", "in the handshake"),
    ("time-out", "timeout"),
    ("to who", "to the … that"),
];

/// Every file with this extension below a folder, but those of other projects.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules", "data"].contains(&name) {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
}

/// The Rust files of the program, its tests and its benchmarks.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches"] {
        files(&root().join(folder), "rs", &mut found);
    }
    assert!(found.len() > 300, "sources were not found: {}", found.len());
    found
}

/// The names that a line of code introduces: of constants, types, functions and variables.
fn introduced(line: &str) -> impl Iterator<Item = &str> {
    let keywords = ["const ", "enum ", "fn ", "let ", "let mut ", "mod ", "static ", "struct "];
    let keywords = keywords.into_iter().chain(["trait ", "type "]);
    keywords.filter_map(move |keyword| {
        let (before, rest) = line.split_once(keyword)?;
        let is_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"');
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).filter(|_| is_word)
    })
}

/// The words of a name, in lower case: of `max_name`, `MAX_NAME` and `MaxName` both words.
fn words(name: &str) -> Vec<String> {
    let is_constant = !name.contains(|c: char| c.is_lowercase());
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || (letter.is_uppercase() && !is_constant) {
            words.push(String::new());
        }
        if letter != '_' {
            words.last_mut().unwrap().extend(letter.to_lowercase());
        }
    }
    words
}

#[test]
fn a_name_has_its_words() {
    for name in ["max_name_len", "MAX_NAME_LEN", "MaxNameLen"] {
        let words = words(name);
        assert_eq!(words.join(" ").trim(), "max name len");
    }
    let names: Vec<&str> = introduced("    pub(super) fn receives(text: &str) {").collect();
    assert_eq!(names, ["receives"]);
}

#[test]
fn no_name_has_a_word_that_was_given_up() {
    let mut found = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for name in introduced(line) {
                let (words, is_constant) = (words(name), !name.contains(char::is_lowercase));
                let banned = NAMES.iter().filter(|(word, _)| is_constant || !word.ends_with("est"));
                for (_, better) in banned.filter(|(word, _)| words.iter().any(|w| w == word)) {
                    found.push(format!("{}: {name}: say {better}", path.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_comment_and_no_document_has_a_phrase_that_was_given_up() {
    let mut found = Vec::new();
    let mut check = |path: &Path, line: &str| {
        let line = line.to_lowercase();
        for (phrase, better) in PHRASES {
            let mut behind = line.split(phrase).skip(1);
            if behind.any(|rest| !rest.starts_with(char::is_alphabetic)) {
                found.push(format!("{}: {phrase:?}: say {better}", path.display()));
            }
        }
    };
    let own = Path::new(file!()).file_name().unwrap();
    for path in sources().into_iter().filter(|path| path.file_name() != Some(own)) {
        let text = fs::read_to_string(&path).unwrap();
        let comments = text.lines().map(str::trim_start).filter(|line| line.starts_with("//"));
        comments.for_each(|line| check(&path, line));
    }
    let mut documents = Vec::new();
    files(root(), "md", &mut documents);
    assert!(documents.len() > 12, "documents were not found: {documents:?}");
    for path in documents {
        fs::read_to_string(&path).unwrap().lines().for_each(|line| check(&path, line));
    }
    assert!(found.is_empty(), "{found:#?}");
}
