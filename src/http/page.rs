//! The start page: for a browser the status page, for a program a few words (docs/protocol.md#http-routes).

use super::ask::Ask;
use super::health;
use super::response::Reply;
use crate::token::address::Base;

/// The whole page, packed: nothing else is loaded by it. What it is made from is `page.html`.
const PACKED: &[u8] = include_bytes!("page.html.gz");

/// The only script and the only style that a browser may run, by their hashes. Whatever a tool
/// calls itself, no browser takes it for either.
const SCRIPT: &str = "sha256-qcOVBtlh8WV6/efXAExmfYXyOkcYceQVJ1wZoSQhLlA=";
const STYLE: &str = "sha256-5DIP4rxUOQ7sMH6ofq0e4vS6PoWeFgBeHQX68QmtSnI=";

/// What `GET /mcp_endpoint/` answers to who asks.
pub(super) fn home(ask: &Ask<'_>, prefix: &str) -> Reply {
    if !prefers_html(ask) || !unpacks(ask) {
        return health::home(ask, prefix);
    }
    Reply::new(200, "text/html; charset=utf-8", PACKED)
        .with("Content-Encoding", "gzip")
        .with("Content-Security-Policy", policy(ask))
        .with("Referrer-Policy", "no-referrer")
}

/// What the page may do: run what it brought, and ask this server. Not every browser counts the
/// WebSockets of a host as its own, so they are named where the host has a sound name.
fn policy(ask: &Ask<'_>) -> String {
    let mut hosts = ask.headers("host");
    let host = hosts.next().filter(|host| hosts.next().is_none() && Base::is_authority(host));
    let sockets = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src '{SCRIPT}'; style-src '{STYLE}'; img-src data:; \
         connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Whether the client would rather have HTML than JSON. Who does not mind gets JSON, as ever.
fn prefers_html(ask: &Ask<'_>) -> bool {
    let weight = |kind, subtype| {
        let said = ask.listed("accept").filter_map(|range| accepted(range, kind, subtype));
        said.max().map_or(0, |(_, weight)| weight)
    };
    weight("text", "html") > weight("application", "json")
}

/// Whether the client unpacks what is packed. Who says nothing of it does: every browser, and those
/// before which a proxy hides that.
fn unpacks(ask: &Ask<'_>) -> bool {
    let mut says_nothing = true;
    let (mut gzip, mut any) = (None, None);
    for coding in ask.listed("accept-encoding").filter(|coding| !coding.is_empty()) {
        says_nothing = false;
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let weight = weight_of(parts);
        let admitted = weight.and_then(thousandths) != Some(0);
        match named {
            "*" => any = Some(admitted),
            named if named.eq_ignore_ascii_case("gzip") => gzip = Some(admitted),
            _ => (),
        }
    }
    says_nothing || gzip.or(any).unwrap_or(false)
}

/// How closely a range of `Accept` names this kind of content, and its weight in thousandths;
/// nothing where it names another.
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

/// The weight that is among the parameters, as it is written.
fn weight_of<'a>(mut parameters: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    parameters.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
}

/// A weight such as `0.85`, in thousandths; nothing where it is none.
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
    use base64::engine::general_purpose::STANDARD;
    use base64::Engine;
    use flate2::read::GzDecoder;
    use flate2::{Compression, GzBuilder};
    use sha2::{Digest, Sha256};
    use std::io::{Read, Write};

    const PAGE: &str = include_str!("page.html");

    /// The hash of what stands in the page between `<TAG…>` and its end, and how often it does.
    fn hash_of(tag: &str) -> (String, usize) {
        let count = PAGE.matches(&format!("<{tag}")).count();
        let (_, rest) = PAGE.split_once(&format!("<{tag}")).unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        let (inside, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        (format!("sha256-{}", STANDARD.encode(Sha256::digest(inside))), count)
    }

    #[test]
    fn the_policy_lets_run_exactly_what_the_page_brings() {
        let told = "src/http/page.html has changed: put this hash into src/http/page.rs";
        assert_eq!(hash_of("script"), (SCRIPT.to_owned(), 1), "{told}");
        assert_eq!(hash_of("style"), (STYLE.to_owned(), 1), "{told}");
    }

    #[test]
    fn the_packed_page_is_the_page() {
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
            packer.write_all(PAGE.as_bytes()).unwrap();
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/page.html.gz");
            return std::fs::write(path, packer.finish().unwrap()).unwrap();
        }
        let mut unpacked = String::new();
        GzDecoder::new(PACKED).read_to_string(&mut unpacked).unwrap();
        let told = "src/http/page.html has changed: run UPDATE_DOCS=1 cargo test --lib packed";
        assert!(unpacked == PAGE, "{told}");
    }

    #[test]
    fn the_page_is_small_and_loads_nothing() {
        assert!(PAGE.len() <= 41 * 1024, "{} bytes", PAGE.len());
        assert!(!PAGE.contains('\r'), "a browser would hash other line ends");
        for way in ["https://", "//cdn", " src=", "@import", "url(", "innerHTML", "outerHTML"] {
            assert!(!PAGE.contains(way), "{way}");
        }
        for way in ["insertAdjacentHTML", "document.write", "eval(", "Function(", "localStorage"] {
            assert!(!PAGE.contains(way), "{way}");
        }
        let handlers = [" onclick=", " onload=", " onerror=", " style=", "javascript:"];
        assert!(handlers.iter().all(|handler| !PAGE.contains(handler)));
    }
}
