//! The addresses that start-up prints (docs/protocol.md#printed-addresses).

use super::{percent, Token, REJECTED_WORDS};
use crate::text::Language;
use std::net::{IpAddr, Ipv6Addr};

/// The longest address that is taken from a request, in bytes.
const MAX_URL_BYTES: usize = 512;

/// Where all routes begin, below the prefix.
pub const ROOT: &str = "/mcp_endpoint";

/// Where the server is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    secure: bool,
    authority: String,
    path: String,
}

impl Base {
    /// A server on `host`, a name or an address of either family, without a proxy before it.
    /// `prefix` is `path_prefix`.
    pub fn local(host: &str, port: u16, prefix: &str) -> Self {
        let authority = if host.contains(':') && !host.starts_with('[') {
            // A zone's `%` is written `%25` in an address.
            format!("[{}]:{port}", host.replace('%', "%25"))
        } else {
            format!("{host}:{port}")
        };
        Base { secure: false, authority, path: tidy(prefix) }
    }

    /// What `public_url` says: `http`, `https`, `ws` or `wss`, a host, perhaps a port and a path.
    /// It may also end in `/mcp_endpoint`, as people copy it. Without a scheme it is `http`.
    /// `path_prefix` is not added: whether the owner's proxy has one shows in this address only.
    pub fn public(url: &str) -> Self {
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let secure = ["https", "wss"].iter().any(|name| scheme.eq_ignore_ascii_case(name));
        Base { secure, authority: authority.to_owned(), path: tidy(path) }
    }

    /// Where a page says it was opened, or a host and path put together: `http://` or `https://`,
    /// a host, perhaps a port and a path. Nothing where it is anything else, or not plain ASCII.
    pub fn seen(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path_is_plain = path
            .bytes()
            .all(|byte| percent::is_unreserved(byte) || b"/%!$&'()*+,;=:@".contains(&byte));
        (Self::is_authority(authority) && path_is_plain && url.len() <= MAX_URL_BYTES)
            .then(|| Base { secure, authority: authority.to_owned(), path: tidy(path) })
    }

    /// Whether `authority` is a name or an address, perhaps with a port, and nothing besides.
    pub fn is_authority(authority: &str) -> bool {
        let host = host_of(authority);
        let port = authority.get(host.len()..).and_then(|rest| rest.strip_prefix(':'));
        let port_is_one = port.is_none_or(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|p| p > 0)
        });
        let is_name = |host: &str| {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !host.is_empty() && host.bytes().all(is_part)
        };
        let of_six = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        port_is_one && of_six.map_or_else(|| is_name(host), |six| six.parse::<Ipv6Addr>().is_ok())
    }

    /// Whether only programs on the same machine can reach it.
    pub fn is_loopback(&self) -> bool {
        let host = host_of(&self.authority);
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }

    /// The address of `below`, a path and query under [`ROOT`], for `scheme` or its secure form.
    fn address(&self, scheme: &str, below: &str) -> String {
        let secure = if self.secure { "s" } else { "" };
        format!("{scheme}{secure}://{}{}{ROOT}{below}", self.authority, self.path)
    }
}

/// An authority without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

/// A path without last slashes and [`ROOT`], and with everything escaped that needs it.
fn tidy(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(ROOT).unwrap_or(path).trim_end_matches('/');
    percent::encode(path, b"/%!$&'()*+,;=:@")
}

/// The addresses of one agent. All of them are secrets: for the terminal, never for a log file.
#[derive(Clone, PartialEq, Eq)]
pub struct Addresses {
    /// What an MCP server dials.
    pub tool: String,
    /// What the Xiaozhi side dials.
    pub robot: String,
    /// What the manager console is given: the health address with the key.
    pub console: String,
    /// The status page. It has no key in it.
    pub page: String,
    /// Why clients will refuse the tool address, if they will.
    pub warning: Option<String>,
}

/// The addresses of `agent` on a server at `base` with `key`.
pub fn addresses(base: &Base, key: &str, agent: &str, language: Language) -> Addresses {
    let token = Token::new(key, agent).in_address();
    let tool = base.address("ws", &format!("/mcp/?token={token}"));
    let warning = unwelcome(&tool).map(|word| language.address_unwelcome(word));
    Addresses {
        robot: base.address("ws", &format!("/call/?token={token}")),
        page: base.address("http", "/"),
        console: base.address("http", &format!("/health?key={}", percent::encode(key, b""))),
        tool,
        warning,
    }
}

/// The word of a tool's address that clients take offence at.
fn unwelcome(tool: &str) -> Option<&'static str> {
    let lower = tool.to_ascii_lowercase();
    let word = REJECTED_WORDS.into_iter().find(|word| lower.contains(word));
    word.or((tool.matches("/mcp/").count() != 1).then_some("/mcp/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn of(base: &Base) -> Addresses {
        addresses(base, KEY, "single_module", Language::En)
    }

    /// The scheme, host and path of an address: all before its query.
    fn place(address: &str) -> &str {
        address.split('?').next().unwrap()
    }

    #[test]
    fn the_three_addresses_are_those_of_the_protocol() {
        let printed = of(&Base::local("192.168.1.5", 8004, ""));
        assert_eq!(place(&printed.tool), "ws://192.168.1.5:8004/mcp_endpoint/mcp/");
        assert_eq!(place(&printed.robot), "ws://192.168.1.5:8004/mcp_endpoint/call/");
        assert_eq!(
            printed.console,
            format!("http://192.168.1.5:8004/mcp_endpoint/health?key={KEY}")
        );
        assert_eq!(printed.warning, None);
    }

    #[test]
    fn the_printed_token_opens_the_door() {
        let printed = of(&Base::local("pi", 1, ""));
        for address in [&printed.tool, &printed.robot] {
            let (_, token) = address.split_once("?token=").unwrap();
            assert_eq!(Token::read(KEY, token.as_bytes()), Ok("single_module".to_owned()));
        }
    }

    #[test]
    fn an_address_of_either_family_is_written_as_addresses_are() {
        let host = |host| place(&of(&Base::local(host, 80, "")).tool).to_owned();
        assert_eq!(host("::1"), "ws://[::1]:80/mcp_endpoint/mcp/");
        assert_eq!(host("[::1]"), "ws://[::1]:80/mcp_endpoint/mcp/");
        assert_eq!(host("fe80::1%eth0"), "ws://[fe80::1%25eth0]:80/mcp_endpoint/mcp/");
        assert_eq!(host("nas.lan"), "ws://nas.lan:80/mcp_endpoint/mcp/");
    }

    #[test]
    fn a_public_url_decides_scheme_host_and_path() {
        for (url, tool, console) in [
            ("https://a.example", "wss://a.example", "https://a.example"),
            ("http://a.example:81/x/", "ws://a.example:81/x", "http://a.example:81/x"),
            ("wss://a.example/x/y", "wss://a.example/x/y", "https://a.example/x/y"),
            ("WS://[::1]:9//", "ws://[::1]:9", "http://[::1]:9"),
            ("a.example/x?y#z", "ws://a.example/x", "http://a.example/x"),
            ("https://a.example/x/mcp_endpoint/", "wss://a.example/x", "https://a.example/x"),
            ("http://a.example/小 智", "ws://a.example/%E5%B0%8F%20%E6%99%BA", "http://a.example"),
        ] {
            let printed = of(&Base::public(url));
            assert_eq!(place(&printed.tool), format!("{tool}/mcp_endpoint/mcp/"));
            assert!(printed.console.starts_with(console), "{}", printed.console);
            assert_eq!(printed.warning, None, "{url}");
        }
    }

    #[test]
    fn a_prefix_stands_before_every_route() {
        let printed = of(&Base::local("h", 1, "/foo/"));
        assert_eq!(place(&printed.tool), "ws://h:1/foo/mcp_endpoint/mcp/");
        assert_eq!(place(&printed.console), "http://h:1/foo/mcp_endpoint/health");
    }

    #[test]
    fn a_key_of_any_letters_survives_the_console_address() {
        let key = "a b+c/d=e&f?g#h%41\"小";
        let printed = addresses(&Base::local("h", 1, ""), key, "a", Language::Zh);
        let (_, given) = printed.console.split_once("?key=").unwrap();
        assert!(given.bytes().all(|byte| byte == b'%' || percent::is_unreserved(byte)));
        assert_eq!(percent::decode(given.as_bytes()), key.as_bytes());
    }

    #[test]
    fn a_host_or_prefix_that_clients_refuse_is_told_of() {
        for (base, word) in [
            (Base::local("Keyhole", 1, ""), "`key`"),
            (Base::local("h", 1, "/CALLs"), "`call`"),
            (Base::local("h", 1, "/mcp"), "`/mcp/`"),
            (Base::public("https://monkey.example"), "`key`"),
        ] {
            let warning = of(&base).warning.unwrap();
            assert!(warning.contains(word), "{warning}");
        }
    }

    #[test]
    fn clients_accept_every_tool_address() {
        let base = Base::local("h", 1, "");
        let mut escaped = 0;
        for number in 0..20_000 {
            let agent = format!("agent-{number}");
            let printed = addresses(&base, KEY, &agent, Language::En);
            assert_eq!(printed.warning, None, "{}", printed.tool);
            let (_, token) = printed.tool.split_once("?token=").unwrap();
            assert!(!token.contains(['+', '/', '=']), "{token}");
            let plain = Token::new(KEY, &agent).as_str().to_ascii_lowercase();
            if plain.contains("key") || plain.contains("call") {
                escaped += 1;
                assert_eq!(Token::read(KEY, token.as_bytes()), Ok(agent));
            }
        }
        assert!(escaped > 10, "chance wrote too few of the words to try: {escaped}");
    }
}
