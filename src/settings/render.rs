//! What is made from the table for people to read: the sample file, and the tables in docs/reference.md.

use super::table::{Row, SECTIONS, TABLE};
use super::DEFAULT;
use crate::text::Language;
use std::fmt::Write;

/// The rows of one section.
fn rows(section: &str) -> impl Iterator<Item = &'static Row> + '_ {
    TABLE.iter().filter(move |row| row.section == section)
}

/// The sample file `mcp-endpoint-server.cfg`, in both languages.
pub fn sample_file() -> String {
    let mut text = String::new();
    for language in [Language::Zh, Language::En] {
        comment(&mut text, &language.sample_introduction(DEFAULT));
    }
    for (section, zh, en) in SECTIONS {
        push(&mut text, &["\n# ", zh, " / ", en, "\n[", section, "]\n"]);
        for row in rows(section) {
            text.push('\n');
            for language in [Language::Zh, Language::En] {
                comment(&mut text, row.meaning(language));
                comment(&mut text, &language.accepted_values(&row.kind.accepted(language)));
            }
            let blank = if row.default.is_empty() { "" } else { " " };
            push(&mut text, &[row.key, " =", blank, row.default, "\n"]);
        }
    }
    text
}

fn comment(text: &mut String, said: &str) {
    for line in said.lines() {
        push(text, &["# ", line, "\n"]);
    }
}

fn push(text: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| text.push_str(part));
}

/// The table of options in Markdown, for the reference in this language.
pub fn markdown_table(language: Language) -> String {
    let mut text = language.markdown_head();
    for (section, ..) in SECTIONS {
        for row in rows(section) {
            let default = if row.default.is_empty() {
                language.no_default()
            } else {
                format!("`{}`", row.default)
            };
            let accepted = row.kind.accepted(language);
            let joint = if language == Language::Zh { "" } else { " " };
            let meaning = row.meaning(language).replace('\n', joint);
            // Writing into a string cannot fail.
            let _ = writeln!(
                text,
                "| `[{section}] {}` | {default} | {accepted} | {meaning} |",
                row.key
            );
        }
    }
    text
}
