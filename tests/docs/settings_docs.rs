//! What people read about the options is made from the table of options. These tests hold it
//! equal; `UPDATE_DOCS=1 cargo test --test docs settings_docs::` writes it anew.

use crate::root;
use mcp_endpoint_server::settings::{self, render, Sources};
use mcp_endpoint_server::text::Language;
use std::{env, fs};

const BEGIN: &str = "<!-- options -->\n";
const END: &str = "<!-- /options -->\n";

/// `path` from the root of the project holds `expected`, or is made to.
fn assert_file(path: &str, expected: &str) {
    let path = root().join(path);
    let present = fs::read_to_string(&path).unwrap();
    if present != expected {
        if env::var_os("UPDATE_DOCS").is_some() {
            return fs::write(&path, expected).unwrap();
        }
        panic!(
            "{} is not what the table of options makes; UPDATE_DOCS=1 cargo test --test \
             docs writes it anew",
            path.display()
        );
    }
}

fn assert_table(path: &str, language: Language) {
    let whole = root().join(path);
    let text = fs::read_to_string(whole).unwrap().replace("\r\n", "\n");
    let (before, rest) = text.split_once(BEGIN).expect("the mark <!-- options -->");
    let (_, after) = rest.split_once(END).expect("the mark <!-- /options -->");
    let table = render::markdown_table(language);
    assert_file(path, &[before, BEGIN, "\n", &table, "\n", END, after].concat());
}

#[test]
fn the_sample_file_is_made_from_the_table() {
    assert_file("mcp-endpoint-server.cfg", &render::sample_file());
}

#[test]
fn the_english_reference_has_the_table() {
    assert_table("docs/reference.md", Language::En);
}

#[test]
fn the_chinese_reference_has_the_table() {
    assert_table("docs/reference.zh-CN.md", Language::Zh);
}

#[test]
fn the_sample_file_says_the_defaults_and_nothing_odd() {
    let sources = Sources {
        folder: root().into(),
        config: Some("mcp-endpoint-server.cfg".into()),
        ..Sources::default()
    };
    let loaded = settings::check(&sources).unwrap();
    assert_eq!(loaded.settings, settings::Settings::default());
    assert_eq!(loaded.warnings, [""; 0]);
}
