//! The configuration file: finding it, and its text.

use super::lines::{Content, LineError};
use super::render::sample_file;
use super::DEFAULT;
use crate::ownership;
use crate::text::Language;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// What the file is copied from where there is none; from the working directory. Where that is missing too,
/// it is made from the table.
pub(super) const SAMPLE: &str = "mcp-endpoint-server.cfg";

/// The largest configuration file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The most unreadable lines that are named one by one.
const MAX_SHOWN: usize = 5;

/// The text of a configuration.
#[derive(Debug)]
pub(super) struct Source {
    /// What it was read from, for messages.
    pub(super) read_from: PathBuf,
    /// The configuration file. It does not exist yet where `fresh`.
    pub(super) file: PathBuf,
    pub(super) fresh: bool,
    pub(super) text: String,
    /// What the text says.
    pub(super) content: Content,
}

impl Source {
    /// The text of `file`, or what it is to be made of.
    pub(super) fn new(read_from: PathBuf, file: PathBuf, fresh: bool, text: String) -> Source {
        let content = Content::read(&text);
        Source { read_from, file, fresh, text, content }
    }
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
        return Ok(Source::new(file.clone(), file, false, text));
    }
    let sample = folder.join(SAMPLE);
    match fs::symlink_metadata(&sample) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(Source::new(file.clone(), file, true, sample_file()))
        }
        _ => {
            let text = read(&sample, language)?;
            Ok(Source::new(sample, file, true, text))
        }
    }
}

pub(super) fn read(path: &Path, language: Language) -> Result<String, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| match ownership::obstacle(path) {
        Some(obstacle) => language.obstacle(&obstacle),
        None if error.kind() == ErrorKind::NotFound => language.config_missing(&shown),
        None => language.config_unreadable(&shown, error),
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
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    decode(bytes, path, language)
}

/// The text that the bytes of a file are.
pub(super) fn decode(bytes: Vec<u8>, path: &Path, language: Language) -> Result<String, String> {
    let shown = path.display();
    if bytes.len() as u64 > MAX_FILE_BYTES {
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

/// A sentence for each of the first few lines that cannot be read.
pub(super) fn line_errors(source: &Source, language: Language) -> Vec<String> {
    let shown = source.read_from.display();
    let mut messages = Vec::new();
    let mut more = 0_usize;
    let mut no_section = false;
    for (line, error) in &source.content.errors {
        let sentence = match error {
            // Where the first header is missing, every line says the same.
            LineError::NoSection if no_section => continue,
            _ if messages.len() == MAX_SHOWN => {
                more += 1;
                continue;
            }
            LineError::NoSection => {
                no_section = true;
                language.line_before_sections(&shown, *line)
            }
            LineError::BadHeader => language.line_not_a_header(&shown, *line),
            LineError::BadEntry => language.line_not_an_entry(&shown, *line),
        };
        messages.push(sentence);
    }
    if more > 0 {
        messages.push(language.more_such_lines(&shown, more));
    }
    messages
}
