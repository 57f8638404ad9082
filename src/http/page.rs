//! The start page: HTML for a browser, JSON for a program (docs/protocol.md#http-routes).

use super::health;
use super::request::Request;
use super::response::Reply;
use crate::token::address::Base;

/// `page.html`, packed. The page loads nothing else.
const PACKED: &[u8] = include_bytes!("page.html.gz");

/// The hashes of the only script and the only style sheet that a browser may use, so that no name of a
/// tool can become a script.
const SCRIPT: &str = "sha256-T50bFN8gBni7a2XUbN8ZJqFTu1FkWLqj+wP38dK9Rbo=";
const STYLE: &str = "sha256-jEla0s4zmJ8QUoQMrqxucyDXQHe8yuHEllSmKY/V+EQ=";

/// The answer to `GET /mcp_endpoint/`.
pub(super) fn home(request: &Request<'_>, prefix: &str) -> Reply {
    if !prefers_html(request) || !accepts_gzip(request) {
        return health::home(request, prefix);
    }
    Reply::new(200, "text/html; charset=utf-8", PACKED)
        .with("Content-Encoding", "gzip")
        .with("Content-Security-Policy", policy(request))
        .with("Referrer-Policy", "no-referrer")
}

/// The content security policy: the page may run its own script and connect to this server. Pictures
/// and sounds in a tool's result are `data:` addresses. Some browsers do not count WebSockets as
/// `'self'`, so they are listed if the host has a valid name.
fn policy(request: &Request<'_>) -> String {
    let mut hosts = request.headers("host");
    let host = hosts.next().filter(|host| hosts.next().is_none() && Base::is_authority(host));
    let sockets = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src '{SCRIPT}'; style-src '{STYLE}'; img-src data:; \
         media-src data:; connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Whether the client prefers HTML. A client without a preference gets JSON.
fn prefers_html(request: &Request<'_>) -> bool {
    let weight = |kind, subtype| {
        let ranges = request.list_items("accept");
        let matching = ranges.filter_map(|range| accepted(range, kind, subtype));
        matching.max().map_or(0, |(_, weight)| weight)
    };
    weight("text", "html") > weight("application", "json")
}

/// Whether the client accepts gzip. Without `Accept-Encoding` it does: every browser unpacks gzip, and
/// some proxies remove the header.
fn accepts_gzip(request: &Request<'_>) -> bool {
    let mut is_unspecified = true;
    let (mut gzip, mut any) = (None, None);
    for coding in request.list_items("accept-encoding").filter(|coding| !coding.is_empty()) {
        is_unspecified = false;
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let weight = weight_of(parts);
        let is_accepted = weight.and_then(thousandths) != Some(0);
        match named {
            "*" => any = Some(is_accepted),
            named if named.eq_ignore_ascii_case("gzip") => gzip = Some(is_accepted),
            _ => (),
        }
    }
    is_unspecified || gzip.or(any).unwrap_or(false)
}

/// How closely a range of `Accept` matches this media type, and its weight in thousandths. `None`
/// if it does not match.
fn accepted(range: &str, kind: &str, subtype: &str) -> Option<(u8, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let (named, sub) = parts.next()?.split_once('/')?;
    let closeness = match (named, sub) {
        ("*", "*") => 0,
        (named, "*") if named.eq_ignore_ascii_case(kind) => 1,
        (named, sub) if named.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => 2,
        _ => return None,
    };
    let weight = weight_of(parts);
    Some((closeness, weight.map_or(Some(1000), thousandths)?))
}

/// The value of the parameter `q`.
fn weight_of<'a>(mut parameters: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    parameters.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
}

/// A weight such as `0.85`, in thousandths, if it is valid.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let whole: u16 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let mut digits = rest.bytes().chain(*b"000").take(3);
    let rest = digits.try_fold(0, |sum: u16, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0'))
    })?;
    Some((whole * 1000 + rest).min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managed::Status;
    use crate::relay::ToolState;
    use base64::engine::general_purpose::STANDARD;
    use base64::Engine;
    use flate2::read::GzDecoder;
    use sha2::{Digest, Sha256};
    use std::io::Read;

    const PAGE: &str = include_str!("page.html");

    /// The hash of the content of the first `<TAG…>` in the page, and how many there are.
    fn hash_of(tag: &str) -> (String, usize) {
        let count = PAGE.matches(&format!("<{tag}")).count();
        let (_, rest) = PAGE.split_once(&format!("<{tag}")).unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        let (inside, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        (format!("sha256-{}", STANDARD.encode(Sha256::digest(inside))), count)
    }

    #[test]
    fn the_policy_allows_exactly_the_script_and_style_of_the_page() {
        let hint = "src/http/page.html has changed: put this hash into src/http/page.rs";
        assert_eq!(hash_of("script"), (SCRIPT.to_owned(), 1), "{hint}");
        assert_eq!(hash_of("style"), (STYLE.to_owned(), 1), "{hint}");
    }

    #[test]
    fn the_packed_page_is_the_page() {
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/page.html.gz");
            let file = std::fs::File::create(path).unwrap();
            let page = PAGE.as_bytes();
            return zopfli::compress(Default::default(), zopfli::Format::Gzip, page, file).unwrap();
        }
        let mut unpacked = String::new();
        GzDecoder::new(PACKED).read_to_string(&mut unpacked).unwrap();
        let hint = "src/http/page.html has changed: run UPDATE_DOCS=1 cargo test --lib packed";
        assert!(unpacked == PAGE, "{hint}");
    }

    /// The sentences of the page: the name, the Chinese and the English wording of each; and the rest of
    /// the page.
    fn sentences() -> (Vec<[&'static str; 3]>, String) {
        let (before, rest) = PAGE.split_once("const TEXTS = Object.fromEntries(`").unwrap();
        let (table, behind) = rest.split_once("`.split(").unwrap();
        let rows = table.lines().map(|row| row.split('|').collect::<Vec<_>>().try_into().unwrap());
        (rows.collect(), [before, behind].concat())
    }

    #[test]
    fn every_sentence_of_the_page_is_in_both_languages_and_used() {
        let (sentences, page) = sentences();
        assert!(sentences.len() > 90, "{}", sentences.len());
        for [name, zh, en] in &sentences {
            assert!(!zh.is_empty() && !en.is_empty(), "{name}");
            assert_eq!(zh.matches("{}").count(), en.matches("{}").count(), "the values of {name}");
            assert_eq!(sentences.iter().filter(|other| other[0] == *name).count(), 1, "{name}");
            // Errors are found by their code, and the states of a tool server by their label.
            let is_state = states().any(|state| state == *name);
            let is_used = [format!("'{name}'"), format!("\"{name}\""), format!("TEXTS.{name}.")];
            let is_used = is_used.iter().any(|used| page.contains(used));
            assert!(is_used || is_state || name.starts_with("-32"), "nothing shows {name}");
        }
        for state in states() {
            assert!(sentences.iter().any(|[name, ..]| *name == state), "{state:?}");
        }
    }

    /// The states that the page has words for.
    fn states() -> impl Iterator<Item = &'static str> {
        let managed = Status::ALL.into_iter().map(Status::label);
        ToolState::ALL.iter().map(|state| state.label()).chain(managed)
    }

    #[test]
    fn every_name_in_the_page_is_one_of_a_sentence() {
        let (sentences, page) = sentences();
        for start in ["data-t=\"", "data-t-label=\"", "say('", "text('", "hint('", "button('"] {
            for used in page.split(start).skip(1) {
                let name = used.split(['"', '\'']).next().unwrap();
                assert!(sentences.iter().any(|[known, ..]| *known == name), "{start}{name}");
            }
        }
    }

    #[test]
    fn the_page_is_small_and_loads_nothing() {
        assert!(PACKED.len() <= 24 * 1024, "{} bytes", PACKED.len());
        assert!(!PAGE.contains('\r'), "a browser would hash other line endings");
        for way in ["https://", "//cdn", " src=", "@import", "url(", "innerHTML", "outerHTML"] {
            assert!(!PAGE.contains(way), "{way}");
        }
        for way in ["insertAdjacentHTML", "document.write", "eval(", "Function("] {
            assert!(!PAGE.contains(way), "{way}");
        }
        let handlers = [" onclick=", " onload=", " onerror=", " style=", "javascript:"];
        assert!(handlers.iter().all(|handler| !PAGE.contains(handler)));
    }
}
