//! What is wrong with an address as it was pasted, before anybody is asked.

use crate::cli::client::{Address, Kind};
use crate::close::RefusalReason;
use crate::text::Language;
use crate::token::{has_token_form, percent};

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is of another service, such as the official cloud.
    Foreign,
    /// `http` where `ws` belongs or the other way round; what it begins with, and what it should.
    Scheme(&'static str, &'static str),
    /// `key=…` stands where `token=…` belongs.
    ConsoleAddress,
    /// A key stands where a token belongs.
    KeyForToken,
    /// A token stands where the key belongs.
    TokenForKey,
    /// There is no token.
    NoToken,
    /// There is no key.
    NoKey,
    /// `…` stands for the rest: it was copied from a text about addresses.
    Placeholder,
    /// `&` was made `&amp;` on its way.
    Entity,
    /// A `%` that begins no escape.
    BrokenEscape,
    /// Escaped twice: `%252B` for `%2B`.
    EscapedTwice,
    /// The token has a length, or letters, that no token has.
    TokenCut,
}

impl Flaw {
    /// What it is, why it matters, and what to do.
    pub fn text(&self, language: Language) -> String {
        match self {
            Flaw::Foreign => language.flaw_foreign(),
            Flaw::Scheme(given, right) => language.flaw_scheme(given, right),
            Flaw::ConsoleAddress => {
                language.refusal_reason(RefusalReason::ConsoleAddress).to_owned()
            }
            Flaw::KeyForToken => language.refusal_reason(RefusalReason::KeyForToken).to_owned(),
            Flaw::TokenForKey => language.flaw_token_for_key(),
            Flaw::NoToken => language.refusal_reason(RefusalReason::TokenMissing).to_owned(),
            Flaw::NoKey => language.flaw_no_key(),
            Flaw::Placeholder => language.flaw_placeholder(),
            Flaw::Entity => language.flaw_entity(),
            Flaw::BrokenEscape => language.flaw_broken_escape(),
            Flaw::EscapedTwice => language.flaw_escaped_twice(),
            Flaw::TokenCut => language.refusal_reason(RefusalReason::TokenMangled).to_owned(),
        }
    }
}

/// What is wrong with `address`, which was written as `text`.
pub fn flaw(address: &Address, text: &str) -> Option<Flaw> {
    if text.contains('…') || text.contains("=...") {
        return Some(Flaw::Placeholder);
    }
    if text.contains("&amp;") {
        return Some(Flaw::Entity);
    }
    match (address.kind, &address.key, &address.token) {
        (Kind::Foreign, ..) => Some(Flaw::Foreign),
        (Kind::Base, ..) => None,
        (Kind::Console, None, Some(_)) => Some(Flaw::TokenForKey),
        (Kind::Console, None, None) => Some(Flaw::NoKey),
        (Kind::Tool | Kind::Robot, Some(_), None) => Some(Flaw::ConsoleAddress),
        (Kind::Tool | Kind::Robot, _, None) => Some(Flaw::NoToken),
        _ => None,
    }
    .or_else(|| scheme(address))
    .or_else(|| token(address.token.as_deref()?))
}

fn scheme(address: &Address) -> Option<Flaw> {
    let (given, right) = match (address.kind, address.websocket?, address.secure) {
        (Kind::Tool | Kind::Robot, false, false) => ("http://", "ws://"),
        (Kind::Tool | Kind::Robot, false, true) => ("https://", "wss://"),
        (Kind::Console, true, false) => ("ws://", "http://"),
        (Kind::Console, true, true) => ("wss://", "https://"),
        _ => return None,
    };
    Some(Flaw::Scheme(given, right))
}

/// What is wrong with a token as it stands in an address.
fn token(raw: &str) -> Option<Flaw> {
    let decoded = percent::decode(raw.as_bytes());
    if decoded.contains(&b'%') {
        let again = percent::decode(&decoded);
        return Some(if again == decoded { Flaw::BrokenEscape } else { Flaw::EscapedTwice });
    }
    if decoded.len() == 32 && decoded.iter().all(u8::is_ascii_hexdigit) {
        return Some(Flaw::KeyForToken);
    }
    (!has_token_form(&decoded)).then_some(Flaw::TokenCut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::address::{addresses, Base};
    use crate::token::Token;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn of(text: &str) -> Option<Flaw> {
        flaw(&Address::read(text).unwrap(), text)
    }

    #[test]
    fn addresses_as_they_are_printed_have_no_flaw() {
        for number in 0..500 {
            let agent = format!("agent-{number}");
            let base = Base::public("https://a.example/x");
            let printed = addresses(&base, KEY, &agent, Language::En);
            for address in [printed.tool, printed.robot, printed.console] {
                assert_eq!(of(&address), None, "{address}");
            }
            let raw = Token::new(KEY, &agent);
            assert_eq!(of(&format!("ws://h/mcp_endpoint/mcp/?token={}", raw.as_str())), None);
        }
        assert_eq!(of("http://h:1"), None);
    }

    #[test]
    fn every_slip_of_pasting_is_named() {
        let token = Token::new(KEY, "single_module").in_address();
        let raw = Token::new(KEY, "single_module").as_str().to_owned();
        let (tool, health) = ("ws://h/mcp_endpoint/mcp/", "http://h/mcp_endpoint/health");
        let half = &raw[..raw.len() / 2 + 3];
        for (text, flaw) in [
            (format!("wss://api.example/mcp/?token={token}"), Flaw::Foreign),
            (format!("http://h/mcp_endpoint/mcp/?token={token}"), Flaw::Scheme("http://", "ws://")),
            (
                format!("https://h/mcp_endpoint/call/?token={token}"),
                Flaw::Scheme("https://", "wss://"),
            ),
            (format!("ws://h/mcp_endpoint/health?key={KEY}"), Flaw::Scheme("ws://", "http://")),
            (format!("{tool}?key={KEY}"), Flaw::ConsoleAddress),
            (format!("{tool}?token={KEY}"), Flaw::KeyForToken),
            (format!("{health}?token={token}"), Flaw::TokenForKey),
            (tool.to_owned(), Flaw::NoToken),
            (health.to_owned(), Flaw::NoKey),
            (format!("{tool}?token=…"), Flaw::Placeholder),
            (format!("{tool}?server_id=a&amp;token={token}"), Flaw::Entity),
            (format!("{tool}?token={}", token.replace('%', "%25")), Flaw::EscapedTwice),
            (format!("{tool}?token={raw}%"), Flaw::BrokenEscape),
            (format!("{tool}?token={half}"), Flaw::TokenCut),
        ] {
            assert_eq!(of(&text), Some(flaw), "{text}");
        }
    }
}
