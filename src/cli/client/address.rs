//! An address as people have it, taken apart: the console's, a tool's, a robot's, or only where
//! the server is.

use crate::text::Language;
use crate::token::address::ROOT;
use crate::token::percent;
use crate::token::url::{self, Url, UrlError};
use std::net::IpAddr;

/// What an address is for, as its path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only where the server is.
    Base,
    /// `/mcp_endpoint/health`: for the manager console.
    Console,
    /// `/mcp_endpoint/mcp/`: for tools.
    Tool,
    /// `/mcp_endpoint/call/`: for the Xiaozhi side.
    Robot,
    /// An endpoint, but not below `/mcp_endpoint`: of another service.
    Foreign,
}

/// An address. The key and the token in it are secrets, so it does not show itself whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// `https` or `wss`.
    pub secure: bool,
    /// Whether the scheme is that of a WebSocket; `None`: there was no scheme.
    pub websocket: Option<bool>,
    /// A name, or an address of either family without brackets.
    pub host: String,
    /// The port: that of the scheme where none is said.
    pub port: u16,
    /// What stands before `/mcp_endpoint`: empty, or `/foo` without a last slash.
    pub prefix: String,
    /// What it is for.
    pub kind: Kind,
    /// The key in it, decoded.
    pub key: Option<String>,
    /// The token in it, as it was written.
    pub token: Option<String>,
}

impl Kind {
    /// What such an address is for.
    pub fn text(self, language: Language) -> String {
        match self {
            Kind::Base => language.kind_base(),
            Kind::Console => language.kind_console(),
            Kind::Tool => language.kind_tool(),
            Kind::Robot => language.kind_robot(),
            Kind::Foreign => language.kind_foreign(),
        }
    }
}

impl Address {
    /// Takes an address apart. Without a scheme it is `http`.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(text: &str) -> Result<Self, UrlError> {
        let text = text.trim().trim_matches(['"', '\'', '<', '>', '“', '”', '‘', '’']).trim();
        let Url { secure, websocket, host, port, target } = Url::read(text)?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (prefix, kind) = place(path);
        let field = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found =
                pairs.find(|(key, _)| *key == name || key.strip_prefix("amp;") == Some(name));
            found.map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
        };
        let key = field("key")
            .map(|key| String::from_utf8_lossy(&percent::decode(key.as_bytes())).into_owned());
        Ok(Address { secure, websocket, host, port, prefix, kind, key, token: field("token") })
    }

    /// The host and port as they stand in an address and in the header `Host`.
    pub fn authority(&self) -> String {
        url::authority(&self.host, self.port, self.secure)
    }

    /// Whether it can only be on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(place) => place.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether both lead to the same port of the same host, in the clear or not. All names of
    /// this machine for itself are alike.
    pub fn is_beside(&self, other: &Address) -> bool {
        let hosts_are_one = self.host.eq_ignore_ascii_case(&other.host)
            || (self.is_loopback() && other.is_loopback());
        hosts_are_one && (self.port, self.secure) == (other.port, other.secure)
    }

    /// Where the server is, without any secret. `scheme` is `http` or `ws`.
    pub fn base(&self, scheme: &str) -> String {
        let secure = if self.secure { "s" } else { "" };
        format!("{scheme}{secure}://{}{}", self.authority(), self.prefix)
    }

    /// The path and query of `below` on this server, under [`ROOT`].
    pub fn target(&self, below: &str) -> String {
        format!("{}{ROOT}{below}", self.prefix)
    }
}

/// The prefix of a path, and what the rest of it is for.
fn place(path: &str) -> (String, Kind) {
    let path = path.trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let Some((prefix, below)) = path.split_once(ROOT) else {
        return match last {
            "mcp" | "call" => (String::new(), Kind::Foreign),
            "health" | "stats" | "metrics" => {
                let prefix = path.strip_suffix(last).unwrap_or_default();
                (prefix.trim_end_matches('/').to_owned(), Kind::Base)
            }
            _ => (path.to_owned(), Kind::Base),
        };
    };
    let kind = match below.trim_start_matches('/').split('/').next() {
        Some("mcp") => Kind::Tool,
        Some("call") => Kind::Robot,
        Some("health") => Kind::Console,
        _ => Kind::Base,
    };
    (prefix.trim_end_matches('/').to_owned(), kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_people_have_is_understood() {
        for (text, kind, base) in [
            (
                "http://10.0.0.5:8004/mcp_endpoint/health?key=a%2Bb",
                Kind::Console,
                "http://10.0.0.5:8004",
            ),
            (
                " 'ws://pi:8004/mcp_endpoint/mcp/?token=T%3D&server_id=s' ",
                Kind::Tool,
                "http://pi:8004",
            ),
            ("wss://a.example/x/mcp_endpoint/call?token=T", Kind::Robot, "https://a.example/x"),
            ("https://a.example/x/", Kind::Base, "https://a.example/x"),
            ("http://a.example/x/health", Kind::Base, "http://a.example/x"),
            ("[::1]:8004", Kind::Base, "http://[::1]:8004"),
            ("pi", Kind::Base, "http://pi"),
            ("http://pi/mcp_endpoint/", Kind::Base, "http://pi"),
            ("wss://api.example/mcp/?token=eyJ", Kind::Foreign, "https://api.example"),
        ] {
            let address = Address::read(text).unwrap_or_else(|why| panic!("{text}: {why:?}"));
            assert_eq!((address.kind, address.base("http").as_str()), (kind, base), "{text}");
        }
    }

    #[test]
    fn the_secrets_of_an_address_are_found() {
        let read = |text| Address::read(text).unwrap();
        assert_eq!(read("http://h/mcp_endpoint/health?key=a%2Bb").key.as_deref(), Some("a+b"));
        let tool = read("ws://h/mcp_endpoint/mcp/?x=1&token=T%3D&server_id=s");
        assert_eq!(tool.token.as_deref(), Some("T%3D"));
        assert_eq!(read("ws://h/mcp_endpoint/mcp/?token=").token, None);
    }

    #[test]
    fn what_is_no_address_is_reported() {
        for (text, why) in [
            ("ftp://h/", UrlError::Scheme),
            ("http:///x", UrlError::Host),
            ("", UrlError::Host),
            ("http://[::1", UrlError::Host),
            ("http://a b/", UrlError::Host),
            ("http://h:port/", UrlError::Port),
            ("http://h:99999/", UrlError::Port),
            ("http://h:0/", UrlError::Port),
        ] {
            assert_eq!(Address::read(text).err(), Some(why), "{text}");
        }
    }
}
