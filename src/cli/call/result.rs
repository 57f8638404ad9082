//! Shows the result of a call: text on standard output, everything else in files.

use super::arguments::shown;
use crate::cli::client::http::{at, json, text_at, written};
use crate::cli::output::{complain, End};
use crate::escape::visible;
use crate::text::Language;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use jsonrpc::message::last_member;
use jsonrpc::scan::strict;
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal, Write};

/// How many names of files are tried.
const MAX_TRIES: usize = 1_000;

/// How many files one result may become. With `--json` it becomes none, however large it is.
const MAX_FILES: usize = 32;

/// How many characters of a tool's name a file has in its own.
const MAX_NAME_CHARS: usize = 64;

/// Shows `result`, as the tool `tool` spelled it.
pub(super) fn show(result: &str, tool: &str, language: Language) -> End {
    let value = json(&strict(result));
    // Read from the text, for a text in the result may be one that cannot be decoded.
    let failed = last_member(result, "isError").is_some_and(|value| value.trim() == "true");
    if failed {
        complain(&language.call_failed(&shown(tool)));
    }
    let tell: fn(&str) = if failed { show_to_person } else { print_for_script };
    let mut end = if failed { End::Badly } else { End::Well };
    let parts = at(&value, "content").as_array().map_or(&[][..], Vec::as_slice);
    let mut files = 0;
    for part in parts {
        if !show_part(part, tool, tell, &mut files, language) {
            end = End::Badly;
        }
    }
    if files > MAX_FILES {
        complain(&language.parts_not_saved(files - MAX_FILES, MAX_FILES));
        end = End::Badly;
    }
    if parts.is_empty() {
        match last_member(result, "structuredContent") {
            Some(structured) => tell(structured),
            // A tool that returns nothing.
            None if at(&value, "content").is_array() => (),
            // A result that no version of the protocol knows is shown as it is.
            None => tell(result),
        }
    }
    end
}

/// Shows a part of a result; `files` counts those that are written into files. Returns whether that was
/// possible.
fn show_part(
    part: &Value,
    tool: &str,
    tell: fn(&str),
    files: &mut usize,
    language: Language,
) -> bool {
    let inside = match text_at(part, "type") {
        "resource" => at(part, "resource"),
        "resource_link" => {
            tell(text_at(part, "uri"));
            return true;
        }
        _ => part,
    };
    if let Some(text) = at(inside, "text").as_str() {
        tell(text);
        return true;
    }
    let Some(data) = at(inside, "data").as_str().or_else(|| at(inside, "blob").as_str()) else {
        tell(&written(part));
        return true;
    };
    *files += 1;
    if *files > MAX_FILES {
        return true;
    }
    let mime = text_at(inside, "mimeType");
    let kind = if mime.is_empty() { shown(text_at(part, "type")) } else { shown(mime) };
    let Ok(bytes) = STANDARD.decode(data) else {
        complain(&language.part_unreadable(&kind));
        return false;
    };
    save(&bytes, &kind, &file_name(tool), extension(mime), language)
}

/// A text of the result as a script gets it. A terminal obeys nothing in it.
fn print_for_script(text: &str) {
    let mut stdout = std::io::stdout();
    let text = if stdout.is_terminal() { harmless(text) } else { text.to_owned() };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(stdout, "{text}{end}");
}

/// A text that says what went wrong.
fn show_to_person(text: &str) {
    complain(&harmless(text.trim_end()));
}

/// A text of several lines as a terminal can show it.
fn harmless(text: &str) -> String {
    let tabs = |line: &str| line.split('\t').map(visible).collect::<Vec<_>>().join("\t");
    text.split('\n').map(|line| tabs(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}

/// The beginning of the names of a tool's files.
fn file_name(tool: &str) -> String {
    let letters = tool.chars().take(MAX_NAME_CHARS);
    letters.map(|c| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '_' }).collect()
}

/// What the name of a file of this type ends with. The sender chooses among the ends of media files only:
/// another end could make the file a program.
fn extension(mime: &str) -> &str {
    let (family, kind) =
        mime.split(';').next().unwrap_or_default().split_once('/').unwrap_or_default();
    match (family, kind) {
        ("image", "jpeg") => "jpg",
        ("image", "svg+xml") => "svg",
        ("audio", "mpeg") => "mp3",
        ("audio", "x-wav" | "vnd.wave") => "wav",
        ("application", "pdf" | "json" | "zip") => kind,
        ("image", "png" | "gif" | "webp" | "avif" | "bmp") => kind,
        ("audio", "wav" | "ogg" | "flac" | "aac" | "webm" | "mp4") => kind,
        ("video", "mp4" | "webm" | "ogg") => kind,
        _ => "bin",
    }
}

/// Writes `bytes` into a new file of the current folder. Returns whether that was possible.
fn save(bytes: &[u8], kind: &str, name: &str, extension: &str, language: Language) -> bool {
    let mut file = format!("{name}.{extension}");
    for number in 2..MAX_TRIES {
        let opened = OpenOptions::new().write(true).create_new(true).open(&file);
        match opened.and_then(|mut opened| opened.write_all(bytes)) {
            Ok(()) => {
                complain(&language.part_saved(kind, &file));
                return true;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                file = format!("{name}-{number}.{extension}");
            }
            Err(error) => {
                complain(&language.part_not_saved(kind, &file, error));
                return false;
            }
        }
    }
    complain(&language.part_not_saved(kind, &file, std::io::Error::from(ErrorKind::AlreadyExists)));
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_names_that_no_shell_and_no_program_obeys() {
        assert_eq!(file_name("home/light on; rm *"), "home_light_on__rm__");
        for (mime, expected) in [
            ("image/png", "png"),
            ("image/jpeg", "jpg"),
            ("audio/mpeg; rate=1", "mp3"),
            ("video/mp4", "mp4"),
            ("image/../../x", "bin"),
            ("image/py", "bin"),
            ("audio/exe", "bin"),
            ("application/x-sh", "bin"),
            ("", "bin"),
        ] {
            assert_eq!(extension(mime), expected, "{mime}");
        }
    }

    #[test]
    fn a_text_keeps_its_lines_and_tabs_and_no_control_character() {
        assert_eq!(harmless("a\tb\r\n\u{1b}[2Jc\n"), "a\tb\n\\u{1b}[2Jc\n");
    }
}
