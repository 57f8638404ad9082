//! The kinds of values there are, and how each is read.

use super::{Network, Origins, Settings};
use crate::text::Language;
use log::LevelFilter;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

/// The shortest time that can be set; a timer below it would be noise.
const MIN_TIME: Duration = Duration::from_millis(100);
/// The longest time that can be set: a day.
const MAX_TIME: Duration = Duration::from_secs(86_400);

/// What an option's value is, within which bounds, and where it goes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Yes or no.
    Switch(fn(&mut Settings, bool)),
    /// A whole number.
    Count {
        /// The smallest accepted.
        least: u32,
        /// The largest accepted.
        most: u32,
        /// Stores it in the settings.
        set: fn(&mut Settings, u32),
    },
    /// A size: plain bytes, or with a unit of 1024.
    Bytes {
        /// Whether 0 is accepted as well.
        zero: bool,
        /// The smallest accepted.
        least: u64,
        /// The largest accepted.
        most: u64,
        /// Stores it in the settings.
        set: fn(&mut Settings, u64),
    },
    /// A time in seconds, whole or decimal, from a tenth of a second to a day.
    Seconds {
        /// Whether 0 is accepted as well.
        zero: bool,
        /// Stores it in the settings.
        set: fn(&mut Settings, Duration),
    },
    /// Anything else.
    Text {
        /// What is accepted, in words.
        accepted: fn(Language) -> String,
        /// Stores it in the settings; `None` if it is not accepted.
        set: fn(&mut Settings, &str) -> Option<()>,
    },
}

impl Kind {
    /// Reads `text` into its place; `None`: it is not accepted, and nothing has changed.
    pub(super) fn read(&self, settings: &mut Settings, text: &str) -> Option<()> {
        match *self {
            Kind::Switch(set) => set(settings, switch(text)?),
            Kind::Count { least, most, set } => {
                let count = u32::try_from(digits(text)?).ok()?;
                set(settings, Some(count).filter(|n| (least..=most).contains(n))?);
            }
            Kind::Bytes { zero, least, most, set } => {
                let accepted = |n: &u64| (least..=most).contains(n) || (zero && *n == 0);
                set(settings, size(text).filter(accepted)?);
            }
            Kind::Seconds { zero, set } => {
                let accepted = |time: &Duration| {
                    (MIN_TIME..=MAX_TIME).contains(time) || (zero && time.is_zero())
                };
                set(settings, seconds(text).filter(accepted)?);
            }
            Kind::Text { set, .. } => set(settings, text)?,
        }
        Some(())
    }

    /// What is accepted, in words.
    pub fn accepted(&self, language: Language) -> String {
        match *self {
            Kind::Switch(_) => language.accepted_switch(),
            Kind::Count { least, most, .. } => language.accepted_count(least, most),
            Kind::Bytes { zero: true, least, most, .. } => {
                language.accepted_bytes_or_zero(&size_in_words(least), &size_in_words(most))
            }
            Kind::Bytes { least, most, .. } => {
                language.accepted_bytes(&size_in_words(least), &size_in_words(most))
            }
            Kind::Seconds { zero: true, .. } => language.accepted_seconds_or_zero(),
            Kind::Seconds { zero: false, .. } => language.accepted_seconds(),
            Kind::Text { accepted, .. } => accepted(language),
        }
    }
}

/// The units of sizes, largest first.
const UNITS: [(&str, u64); 4] =
    [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];

/// A size as people write it: `16777216` is `16MB`.
fn size_in_words(bytes: u64) -> String {
    let unit = UNITS.iter().find(|(_, unit)| bytes >= *unit && bytes % unit == 0);
    unit.map_or_else(|| bytes.to_string(), |(name, unit)| format!("{}{name}", bytes / unit))
}

/// Python's words for yes and no.
fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// A whole number in plain digits: no sign, no blank, no digit of another script.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// `4096`, `512KB`, `10 mb`, `1GiB`.
fn size(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_uppercase();
    let unit = unit.strip_suffix("IB").or(unit.strip_suffix('B')).unwrap_or(&unit);
    let factor = match unit {
        "" => 1,
        _ => UNITS.iter().find(|(name, _)| name.strip_suffix('B') == Some(unit))?.1,
    };
    digits(number)?.checked_mul(factor)
}

/// `30`, `30.0`, `0.25`: what lies below a millisecond is cut off.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    digits(part)?;
    let thousandths = part.bytes().chain(*b"000").take(3);
    let millis = thousandths.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Duration::from_secs(digits(whole)?).checked_add(Duration::from_millis(millis))
}

/// Python's names of the levels; there is nothing above ERROR here, so CRITICAL is ERROR.
pub(super) fn level(text: &str) -> Option<LevelFilter> {
    match text.to_ascii_uppercase().as_str() {
        "DEBUG" => Some(LevelFilter::Debug),
        "INFO" => Some(LevelFilter::Info),
        "WARNING" | "WARN" => Some(LevelFilter::Warn),
        "ERROR" | "CRITICAL" => Some(LevelFilter::Error),
        _ => None,
    }
}

/// `zh`, `en`, or `auto`, which is none of its own.
pub(crate) fn language(text: &str) -> Option<Option<Language>> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Some(None),
        "zh" => Some(Some(Language::Zh)),
        "en" => Some(Some(Language::En)),
        _ => None,
    }
}

/// Where to listen: an address without port and brackets, or a name.
pub(super) fn host(text: &str) -> Option<String> {
    let address = if text.contains(':') {
        let (address, zone) = text.split_once('%').unwrap_or((text, "zone"));
        address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty()
    } else if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        text.parse::<Ipv4Addr>().is_ok()
    } else {
        let in_a_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        text.len() <= 253 && text.chars().all(in_a_name)
    };
    address.then(|| text.to_owned())
}

/// The address start-up prints: scheme, host, perhaps a path; empty for none.
pub(super) fn public_url(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let (scheme, rest) = text.split_once("://")?;
    let known = ["http", "https", "ws", "wss"].iter().any(|s| scheme.eq_ignore_ascii_case(s));
    let host = rest.split('/').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>' | '\\');
    let usable = known && !host.is_empty() && !host.contains('@') && rest.chars().all(plain);
    usable.then(|| Some(text.trim_end_matches('/').to_owned()))
}

/// A path before every route: `/foo` or `/foo/bar`; empty for none.
pub(super) fn path_prefix(text: &str) -> Option<String> {
    let path = text.trim_matches('/');
    if path.is_empty() {
        return Some(String::new());
    }
    let in_a_path = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%".contains(c);
    let segment =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(in_a_path);
    path.split('/').all(segment).then(|| format!("/{path}"))
}

/// `*`, or origins between commas or blanks.
pub(super) fn origins(text: &str) -> Option<Origins> {
    let origins = text.split([',', ' ', '\t', '\n']).filter(|origin| !origin.is_empty());
    let mut only = Vec::new();
    for origin in origins {
        match origin {
            "*" => return Some(Origins::Any),
            "null" | "file://" => only.push(origin.to_owned()),
            _ => {
                let origin = origin.trim_end_matches('/');
                let (scheme, host) = origin.split_once("://")?;
                let plain = |c: char| !c.is_control() && !matches!(c, '/' | '?' | '#');
                if scheme.is_empty() || host.is_empty() || !host.chars().all(plain) {
                    return None;
                }
                only.push(origin.to_owned());
            }
        }
    }
    (!only.is_empty()).then_some(Origins::Only(only))
}

/// Addresses and networks between commas or blanks; none are none.
pub(super) fn networks(text: &str) -> Option<Vec<Network>> {
    let networks = text.split([',', ' ', '\t', '\n']).filter(|network| !network.is_empty());
    networks.map(Network::read).collect()
}

/// The key: any characters, of one line.
pub(super) fn key(text: &str) -> Option<String> {
    (!text.contains(['\n', '\r'])).then(|| text.to_owned())
}

/// Puts the path of a file into its place; nothing where it is empty.
pub(super) fn file(text: &str, place: &mut Option<PathBuf>) -> Option<()> {
    path(text).map(|path| *place = (!path.is_empty()).then(|| path.into()))
}

/// A text that can be the name of a file. A shell would put a folder in the place of a `~` at the beginning;
/// here it would be a folder of that name.
pub(super) fn path(text: &str) -> Option<&str> {
    (!text.chars().any(char::is_control) && !text.starts_with('~')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("512KB", 512 << 10),
            ("10mb", 10 << 20),
            ("10 MB", 10 << 20),
            ("1GiB", 1 << 30),
            ("3k", 3 << 10),
            ("7B", 7),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "MB", "-1", "1.5MB", "1XB", "1MBB", "99999999999999999999", "9999999999TB"]
        {
            assert_eq!(size(text), None, "{text}");
        }
        assert_eq!(size_in_words(16 << 20), "16MB");
        assert_eq!(size_in_words(1500), "1500");
        assert_eq!(size_in_words(0), "0");
    }

    #[test]
    fn seconds_are_whole_or_decimal() {
        for (text, millis) in [("30", 30_000), ("30.0", 30_000), ("0.25", 250), ("1.2345", 1234)] {
            assert_eq!(seconds(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "+1", "nan", "inf", "1e3", "3s", "１", "1.2.3"] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert!(seconds("18446744073709551615.999").is_some());
        assert_eq!(seconds("18446744073709551616"), None);
    }

    #[test]
    fn a_host_is_an_address_or_a_name() {
        for text in ["127.0.0.1", "::", "::1", "fe80::1%eth0", "localhost", "my-router.lan"] {
            assert!(host(text).is_some(), "{text}");
        }
        for text in
            ["256.1.1.1", "1.2.3", "[::1]", "0.0.0.0:8004", "http://a", "a b", "*", "a/b", "::1%"]
        {
            assert!(host(text).is_none(), "{text}");
        }
    }

    #[test]
    fn addresses_lose_their_last_slash() {
        assert_eq!(
            public_url("https://a.example/x/"),
            Some(Some("https://a.example/x".to_owned()))
        );
        assert_eq!(public_url("ws://[::1]:8004"), Some(Some("ws://[::1]:8004".to_owned())));
        for text in [
            "a.example",
            "ftp://a",
            "http://",
            "http:///x",
            "http://a?b",
            "http://a b",
            "http://u@a",
        ] {
            assert_eq!(public_url(text), None, "{text}");
        }
        assert_eq!(path_prefix("foo/"), Some("/foo".to_owned()));
        assert_eq!(path_prefix("/a/b"), Some("/a/b".to_owned()));
        assert_eq!(path_prefix("/"), Some(String::new()));
        for text in ["/a b", "/a//b", "/a?b", "/中", "/a/../b"] {
            assert_eq!(path_prefix(text), None, "{text}");
        }
    }

    #[test]
    fn networks_are_a_list_that_may_be_empty() {
        for (text, count) in [("", 0), ("127.0.0.1", 1), ("10.0.0.0/8, ::1,\nfd00::/8", 3)] {
            assert_eq!(networks(text).map(|list| list.len()), Some(count), "{text}");
        }
        for text in ["localhost", "10.0.0.0/33", "127.0.0.1; ::1", "*"] {
            assert_eq!(networks(text), None, "{text}");
        }
    }

    #[test]
    fn origins_are_a_star_or_a_list() {
        assert_eq!(origins("*"), Some(Origins::Any));
        assert_eq!(origins("https://a, *"), Some(Origins::Any));
        let only =
            |names: &[&str]| Some(Origins::Only(names.iter().map(|n| (*n).to_owned()).collect()));
        assert_eq!(origins("https://a/,http://b:81"), only(&["https://a", "http://b:81"]));
        assert_eq!(origins("https://a,\nfile://"), only(&["https://a", "file://"]));
        for text in ["a.example", "https://a/x", "https://", ",", "://a"] {
            assert_eq!(origins(text), None, "{text}");
        }
    }
}
