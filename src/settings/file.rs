//! The configuration file: finding it, and its text.

use super::lines::{lines, tidy, Fault, Line, Shape};
use crate::text::Language;
use ini::{Ini, ParseOption};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Where the file is unless an option says otherwise; from the working directory.
pub const DEFAULT: &str = "data/.mcp-endpoint-server.cfg";
/// What it is copied from where there is none; from the working directory.
pub(super) const SAMPLE: &str = "mcp-endpoint-server.cfg";
/// What it is copied from where that is missing, too.
pub(super) const BUILT_IN: &str = include_str!("../../mcp-endpoint-server.cfg");

/// No configuration file is larger; in bytes.
const LARGEST: u64 = 1 << 20;
/// So many unreadable lines are told one by one.
const TOLD: usize = 5;

/// The text of a configuration.
#[derive(Debug)]
pub(super) struct Source {
    /// What it was read from, for messages.
    pub(super) read_from: PathBuf,
    /// The configuration file. It does not exist yet where `fresh`.
    pub(super) file: PathBuf,
    pub(super) fresh: bool,
    pub(super) text: String,
}

/// Finds and reads the configuration file, or what it is to be copied from.
///
/// # Errors
/// One line that says why it cannot be read.
pub(super) fn find(
    folder: &Path,
    config: Option<&Path>,
    language: Language,
) -> Result<Source, String> {
    let default = Path::new(DEFAULT);
    let file = folder.join(config.unwrap_or(default));
    let missing = matches!(
        fs::symlink_metadata(&file).map_err(|error| error.kind()),
        Err(ErrorKind::NotFound | ErrorKind::NotADirectory)
    );
    if !missing || config.is_some_and(|config| config != default) {
        let text = read(&file, language)?;
        return Ok(Source { read_from: file.clone(), file, fresh: false, text });
    }
    let sample = folder.join(SAMPLE);
    match fs::symlink_metadata(&sample) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let text = BUILT_IN.to_owned();
            Ok(Source { read_from: file.clone(), file, fresh: true, text })
        }
        _ => {
            let text = read(&sample, language)?;
            Ok(Source { read_from: sample, file, fresh: true, text })
        }
    }
}

fn read(path: &Path, language: Language) -> Result<String, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => language.config_missing(&shown),
        _ => language.config_unreadable(&shown, error),
    };
    let kind = fs::metadata(path).map_err(unreadable)?;
    if kind.is_dir() {
        return Err(language.config_is_a_folder(&shown));
    }
    if !kind.is_file() {
        return Err(language.config_not_a_file(&shown));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    decode(bytes, path, language)
}

/// The text that the bytes of a file are.
pub(super) fn decode(bytes: Vec<u8>, path: &Path, language: Language) -> Result<String, String> {
    let shown = path.display();
    if bytes.len() as u64 > LARGEST {
        return Err(language.config_too_large(&shown));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(language.config_not_utf8(&shown, 1));
    }
    let line_of = |end: usize| 1 + bytes.iter().take(end).filter(|byte| **byte == b'\n').count();
    if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        return Err(language.config_binary(&shown, line_of(nul)));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(language.config_not_utf8(&shown, line_of(error.valid_up_to()))),
    }
}

/// One `key = value` of the file.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: String,
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Its sections, with the lines of their headers.
    pub(super) sections: Vec<(usize, String)>,
    /// Its entries, in order.
    pub(super) entries: Vec<Entry>,
}

/// Reads what `text` says.
///
/// # Errors
/// A line for each of the first few lines that cannot be read.
pub(super) fn content(
    text: &str,
    shown: &Path,
    language: Language,
) -> Result<Content, Vec<String>> {
    let lines = lines(text);
    let faults = faults(&lines, shown, language);
    if !faults.is_empty() {
        return Err(faults);
    }
    let option = ParseOption {
        enabled_quote: false,
        enabled_escape: false,
        enabled_indented_mutiline_value: true,
        enabled_preserve_key_leading_whitespace: false,
    };
    let ini = Ini::load_from_str_opt(&tidy(&lines), option)
        .map_err(|error| vec![language.config_unreadable(shown.display(), error)])?;
    let mut content = Content::default();
    let mut places = Vec::new();
    for line in &lines {
        match line.shape {
            Shape::Header(name) => content.sections.push((line.number, name.to_owned())),
            Shape::Entry { .. } => places.push(line.number),
            _ => {}
        }
    }
    // The crate keeps the order of sections and keys, repeated ones as well.
    let entries = ini.iter().flat_map(|(section, entries)| {
        entries.iter().map(move |(key, value)| (section.unwrap_or_default(), key, value))
    });
    content.entries = places
        .into_iter()
        .zip(entries)
        .map(|(line, (section, key, value))| Entry {
            line,
            section: section.to_owned(),
            key: key.to_owned(),
            value: value.trim().to_owned(),
        })
        .collect();
    Ok(content)
}

fn faults(lines: &[Line<'_>], shown: &Path, language: Language) -> Vec<String> {
    let shown = shown.display();
    let mut told = Vec::new();
    let mut more = 0_usize;
    let mut homeless = false;
    for line in lines {
        let Shape::Wrong(fault) = line.shape else { continue };
        let sentence = match fault {
            // Where the first header is missing, every line says the same.
            Fault::Homeless if homeless => continue,
            _ if told.len() == TOLD => {
                more += 1;
                continue;
            }
            Fault::Homeless => {
                homeless = true;
                language.line_before_sections(&shown, line.number)
            }
            Fault::Header => language.line_not_a_header(&shown, line.number),
            Fault::Entry => language.line_not_an_entry(&shown, line.number),
        };
        told.push(sentence);
    }
    if more > 0 {
        told.push(language.more_such_lines(&shown, more));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(usize, String, String, String)> {
        let content = content(text, Path::new("x"), Language::En).unwrap();
        let plain = |entry: Entry| (entry.line, entry.section, entry.key, entry.value);
        content.entries.into_iter().map(plain).collect()
    }

    #[test]
    fn backslashes_quotes_and_percent_signs_are_letters_like_others() {
        let text = "[a\\]\nb\\ = c:\\logs\\\nd = \"e\" 'f' \\x41 %(g)s 100%\n[h]\ni = \\\n";
        let expected = [
            (2, "a\\", "b\\", "c:\\logs\\"),
            (3, "a\\", "d", "\"e\" 'f' \\x41 %(g)s 100%"),
            (5, "h", "i", "\\"),
        ];
        assert_eq!(entries(text), expected.map(|(n, s, k, v)| (n, s.into(), k.into(), v.into())));
    }

    #[test]
    fn the_ini_crate_and_our_own_look_agree() {
        // A small generator: what matters is many odd mixtures, the same in every run.
        let pieces = [
            "[s]\n", "[t]\n", "a", "b = ", ":", "=", "\n", "\r\n", " ", "\t", "\\", "#", ";", "]",
            "x", "中", "\u{3000}", "\"", "%",
        ];
        let mut seed = 7_u32;
        let mut read = 0;
        for _ in 0..20_000 {
            let mut text = "[s]\n".to_owned();
            for _ in 0..12 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(pieces[(seed >> 16) as usize % pieces.len()]);
            }
            let Ok(content) = content(&text, Path::new("x"), Language::En) else { continue };
            let mut own: Vec<Entry> = Vec::new();
            let mut section = "";
            for line in lines(&text) {
                match line.shape {
                    Shape::Header(name) => section = name,
                    Shape::Entry { key, value, .. } => own.push(Entry {
                        line: line.number,
                        section: section.to_owned(),
                        key: key.to_owned(),
                        value: value.to_owned(),
                    }),
                    Shape::More(more) => {
                        let value = &mut own.last_mut().unwrap().value;
                        *value = format!("{value}\n{more}").trim().to_owned();
                    }
                    _ => {}
                }
            }
            assert_eq!(content.entries, own, "{text:?}");
            read += 1;
        }
        assert!(read > 1000, "only {read} texts could be read");
    }
}
