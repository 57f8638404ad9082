//! What holds for every row.

use super::*;
use crate::settings::Settings;

#[test]
fn every_default_is_accepted_and_every_row_explained() {
    for row in TABLE {
        let mut settings = Settings::default();
        assert!(row.kind.read(&mut settings, row.default).is_some(), "{}", row.key);
        assert_eq!(settings, Settings::default(), "{}", row.key);
        assert!(!row.zh.is_empty() && !row.en.is_empty(), "{}", row.key);
        assert!(SECTIONS.iter().any(|(name, ..)| *name == row.section), "{}", row.key);
    }
}

#[test]
fn variables_are_named_after_section_and_key() {
    let ping = row("websocket", "PING_INTERVAL").unwrap();
    assert_eq!(ping.variable(), "MCP_ENDPOINT_WEBSOCKET_PING_INTERVAL");
}

#[test]
fn a_rejected_value_changes_nothing() {
    for row in TABLE {
        let mut settings = Settings::default();
        if row.kind.read(&mut settings, "\u{1}").is_none() {
            assert_eq!(settings, Settings::default(), "{}", row.key);
        }
    }
}
