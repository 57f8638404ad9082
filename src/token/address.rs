//! The addresses that the program prints at its start (docs/protocol.md#printed-addresses).

use super::{percent, Token, REJECTED_WORDS};
use crate::text::Language;
use std::net::{IpAddr, Ipv6Addr};

/// The longest address that is accepted from a request.
const MAX_URL_BYTES: usize = 512;

/// The start of all MCP routes, after the prefix.
pub const ROOT: &str = "/mcp_endpoint";

/// Where the server is reached from outside: scheme, host, port and path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    secure: bool,
    authority: String,
    path: String,
}

impl Base {
    /// A server on `host`, a name or an IPv4 or IPv6 address, without a proxy. `prefix` is `path_prefix`.
    pub fn local(host: &str, port: u16, prefix: &str) -> Self {
        let authority = if host.contains(':') && !host.starts_with('[') {
            // The `%` before an IPv6 zone is written `%25` in an address.
            format!("[{}]:{port}", host.replace('%', "%25"))
        } else {
            format!("{host}:{port}")
        };
        Base { secure: false, authority, path: normalized(prefix) }
    }

    /// The setting `public_url`: `http`, `https`, `ws` or `wss`, a host, and optionally a port and a path.
    /// It may end in `/mcp_endpoint`, because people copy it so. The default scheme is `http`.
    /// `path_prefix` is not added: if the proxy needs a prefix, `public_url` contains it.
    pub fn public(url: &str) -> Self {
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let secure = ["https", "wss"].iter().any(|name| scheme.eq_ignore_ascii_case(name));
        Base { secure, authority: authority.to_owned(), path: normalized(path) }
    }

    /// An address from a request: `http://` or `https://`, a host, and optionally a port and a path.
    /// `None` if it is anything else, or not ASCII.
    pub fn from_request(url: &str) -> Option<Self> {
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
            .then(|| Base { secure, authority: authority.to_owned(), path: normalized(path) })
    }

    /// Whether `authority` is a host name or an IP address, with or without a port, and nothing else.
    pub fn is_authority(authority: &str) -> bool {
        let host = host_of(authority);
        let port = authority.get(host.len()..).and_then(|rest| rest.strip_prefix(':'));
        let port_is_valid = port.is_none_or(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|p| p > 0)
        });
        let is_name = |host: &str| {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !host.is_empty() && host.bytes().all(is_part)
        };
        let ipv6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        port_is_valid && ipv6.map_or_else(|| is_name(host), |ipv6| ipv6.parse::<Ipv6Addr>().is_ok())
    }

    /// Whether only programs on the same machine can reach the server.
    pub fn is_loopback(&self) -> bool {
        let host = host_of(&self.authority);
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }

    /// The address of `below`, a path and query under [`ROOT`], with `scheme` or its TLS variant.
    fn address(&self, scheme: &str, below: &str) -> String {
        let secure = if self.secure { "s" } else { "" };
        format!("{scheme}{secure}://{}{}{ROOT}{below}", self.authority, self.path)
    }
}

/// The authority without its port.
pub fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The path without slashes and [`ROOT`] at its end, escaped where necessary.
fn normalized(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(ROOT).unwrap_or(path).trim_end_matches('/');
    percent::encode(path, b"/%!$&'()*+,;=:@")
}

/// The addresses of one agent. They are secrets, so they go to the terminal and never into a log file.
#[derive(Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The address for a tool server.
    pub tool: String,
    /// The address for a robot.
    pub robot: String,
    /// The address for the console: the health page, with the key.
    pub console: String,
    /// The status page, without the key.
    pub page: String,
    /// Why clients will reject the address for a tool server, if they will.
    pub warning: Option<String>,
}

/// The addresses of `agent` on a server at `base` with `key`.
pub fn addresses(base: &Base, key: &str, agent: &str, language: Language) -> Addresses {
    let token = Token::new(key, agent).in_address();
    let tool = base.address("ws", &format!("/mcp/?token={token}"));
    let warning = rejected_word(&tool).map(|word| language.address_unwelcome(word));
    Addresses {
        robot: base.address("ws", &format!("/call/?token={token}")),
        page: base.address("http", "/"),
        console: base.address("http", &format!("/health?key={}", percent::encode(key, b""))),
        tool,
        warning,
    }
}

/// The part of the address for a tool server that clients reject.
fn rejected_word(tool: &str) -> Option<&'static str> {
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

    /// The address without its query.
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
    fn the_printed_token_is_valid() {
        let printed = of(&Base::local("pi", 1, ""));
        for address in [&printed.tool, &printed.robot] {
            let (_, token) = address.split_once("?token=").unwrap();
            assert_eq!(Token::read(KEY, token.as_bytes()), Ok("single_module".to_owned()));
        }
    }

    #[test]
    fn an_ipv6_host_is_written_in_brackets() {
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
    fn a_prefix_precedes_every_route() {
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
    fn a_host_or_prefix_that_clients_reject_gives_a_warning() {
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
        assert!(escaped > 10, "too few tokens contain the words: {escaped}");
    }
}
