//! A configuration file of any bytes, and the key that is written back into it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_endpoint_server::settings::fuzzing::{check_bytes, with_key};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fuzz_target!(|data: &[u8]| {
    match check_bytes(data.to_vec()) {
        Err(problems) => {
            assert!(!problems.0.is_empty(), "refused without a word");
            for line in &problems.0 {
                assert!(!line.contains(['\n', '\r']), "{line:?} is more than one line");
            }
            // Nothing is written into a file that cannot be read; it must not panic all the same.
            let _ = with_key(&String::from_utf8_lossy(data), KEY);
        }
        Ok((text, before)) => {
            let written = with_key(&text, KEY);
            let (_, after) = check_bytes(written.clone().into_bytes()).unwrap_or_else(|problems| {
                panic!("{text:?} became {written:?}, which cannot be read: {problems}")
            });
            let mut expected = before.settings;
            expected.server.key = KEY.to_owned();
            assert_eq!(after.settings, expected, "{text:?} became {written:?}");
            // A key that goes on in an indented line stays, and does not count any more.
            let more = after.warnings.len().checked_sub(before.warnings.len());
            assert!(matches!(more, Some(0 | 1)), "{text:?} became {written:?}");
            assert!(more == Some(0) || written.len() > text.len() + KEY.len(), "{written:?}");
            only_the_key_changed(&text, &written);
            assert_eq!(with_key(&written, KEY), written, "written again it changes again");
        }
    }
});

/// What `written` has in another way than `text` is one key, or lines that hold one.
fn only_the_key_changed(text: &str, written: &str) {
    let (old, new) = (text.as_bytes(), written.as_bytes());
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - start;
    let same_end = |(a, b): &(&u8, &u8)| a == b;
    let end = old.iter().rev().zip(new.iter().rev()).take(room).take_while(same_end).count();
    let gone = String::from_utf8_lossy(&old[start..old.len() - end]).into_owned();
    let come = String::from_utf8_lossy(&new[start..new.len() - end]).into_owned();
    // What came is at most the key, its line, and a header.
    assert!(come.len() <= KEY.len() + "\r\n[server]\r\nkey = \r\n".len() + text.len(), "{come:?}");
    let line_start = text[..floor(text, start)].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = text[line_start..].trim_start_matches('\u{feff}').trim_start();
    if !gone.trim().is_empty() {
        // It stood behind a `key` of its own line, or of one above that it goes on with.
        let is_key = |line: &str| {
            let line = line.trim_start_matches('\u{feff}').trim_start();
            let name = line.split(['=', ':']).next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case("key")
        };
        let above = text[..line_start].split(['\n', '\r']).any(is_key);
        assert!(is_key(line) || above, "{gone:?} is gone from {text:?}");
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
