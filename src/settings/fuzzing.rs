//! Doors for the fuzz targets: a configuration file's bytes, without the file.

use super::file::{self, Source};
use super::lines::Content;
use super::{load, Loaded, Problems, Sources};
use crate::text::Language;
use std::path::PathBuf;

/// Reads the bytes of a configuration file as `check` does; returns its text, too.
///
/// # Errors
/// Everything that is wrong.
pub fn check_bytes(bytes: Vec<u8>) -> Result<(String, Loaded), Problems> {
    let file = PathBuf::from("fuzz.cfg");
    let text = file::decode(bytes, &file, Language::default()).map_err(|e| Problems(vec![e]))?;
    let source = Source::new(file.clone(), file, false, text);
    let loaded = load::understand(&source, &Sources::default())?;
    Ok((source.text, loaded))
}

/// `text` with `key` as the key.
pub fn with_key(text: &str, key: &str) -> String {
    super::key::with_key(text, &Content::read(text), key)
}
