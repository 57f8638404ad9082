//! An address of HTTP or of a WebSocket, taken apart.

use super::percent;
use crate::escape::visible_start;
use crate::text::Language;

/// An address, taken apart. Its target may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// `https` or `wss`.
    pub secure: bool,
    /// Whether the scheme is that of a WebSocket; `None`: there was no scheme.
    pub websocket: Option<bool>,
    /// A name, or an address of either family without brackets.
    pub host: String,
    /// The port: that of the scheme where none is said.
    pub port: u16,
    /// The path and the query, as they were written: empty, or from `/` or `?` on.
    pub target: String,
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// It begins with a scheme that is none of ours.
    Scheme,
    /// There is no host.
    Host,
    /// What stands for the port is none.
    Port,
}

impl UrlError {
    /// Why `text` is not an address.
    pub fn text(self, language: Language, text: &str) -> String {
        let text = visible_start(text, 80);
        match self {
            UrlError::Scheme => language.no_address_scheme(&text),
            UrlError::Host => language.no_address_host(&text),
            UrlError::Port => language.no_address_port(&text),
        }
    }
}

impl Url {
    /// Takes an address apart. Without a scheme it is `http`. What stands before an `@` ([`user`]) and behind a `#`
    /// is left out.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let (secure, websocket) = match scheme.as_deref() {
            None => (false, None),
            Some("http") => (false, Some(false)),
            Some("https") => (true, Some(false)),
            Some("ws") => (false, Some(true)),
            Some("wss") => (true, Some(true)),
            Some(_) => return Err(UrlError::Scheme),
        };
        let (authority, target) = authority_and_target(rest);
        let (host, port) = host_and_port(authority, if secure { 443 } else { 80 })?;
        Ok(Url { secure, websocket, host, port, target: target.to_owned() })
    }

    /// The host and port as they stand in an address and in the header `Host`.
    pub fn authority(&self) -> String {
        authority(&self.host, self.port, self.secure)
    }

    /// Whether both lead to the same service: scheme, host and port are equal.
    pub fn has_origin_of(&self, other: &Url) -> bool {
        let schemes = |url: &Url| (url.secure, url.websocket.unwrap_or_default(), url.port);
        self.host.eq_ignore_ascii_case(&other.host) && schemes(self) == schemes(other)
    }

    /// What a reference means that stands in an answer of this address: a whole address, or a path, or a part
    /// of one.
    ///
    /// # Errors
    /// Why it is not an address.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let reference = reference.trim();
        if let Some((scheme, rest)) = reference.split_once(':') {
            if !scheme.contains(['/', '?', '#']) {
                // `mailto:` is none of ours either.
                return if rest.starts_with("//") {
                    Url::read(reference)
                } else {
                    Err(UrlError::Scheme)
                };
            }
        }
        if reference.starts_with("//") {
            let scheme = if self.secure { "https:" } else { "http:" };
            return Url::read(&[scheme, reference].concat());
        }
        let reference = reference.split('#').next().unwrap_or_default();
        let path = self.target.split('?').next().unwrap_or_default();
        let kept = match reference.as_bytes().first() {
            Some(b'/') => "",
            Some(b'?') => path,
            None => &self.target,
            // It replaces what follows the last slash.
            Some(_) => path.rsplit_once('/').map_or("", |(folder, _)| folder),
        };
        let slash =
            if matches!(reference.as_bytes().first(), None | Some(b'/' | b'?')) { "" } else { "/" };
        let target = without_dots(&[kept, slash, reference].concat());
        Ok(Url { target, ..self.clone() })
    }

    /// The target as the first line of a request has it.
    pub fn request_target(&self) -> String {
        let slash = if self.target.starts_with('/') { "" } else { "/" };
        let mut target = slash.to_owned();
        self.target
            .bytes()
            .for_each(|byte| percent::push(&mut target, byte, byte.is_ascii_graphic()));
        target
    }
}

/// The user and the password before the `@` of an address, as they are written.
pub fn user(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    authority_and_target(rest).0.rsplit_once('@').map(|(user, _)| user)
}

/// What stands behind the scheme, without what is behind a `#`.
fn authority_and_target(rest: &str) -> (&str, &str) {
    let rest = rest.split('#').next().unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    rest.split_at_checked(end).unwrap_or((rest, ""))
}

/// `target` without the parts `.` and `..` of its path: `..` takes away the part before it.
fn without_dots(target: &str) -> String {
    let end = target.find('?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(end).unwrap_or((target, ""));
    let mut kept = Vec::new();
    let mut is_folder = false;
    for part in path.split('/').skip(1) {
        is_folder = matches!(part, "." | "..");
        match part {
            "." => (),
            ".." => drop(kept.pop()),
            _ => kept.push(part),
        }
    }
    if is_folder {
        kept.push("");
    }
    let slash = if path.is_empty() { "" } else { "/" };
    [slash, &kept.join("/"), query].concat()
}

/// A host and a port as they stand in an address and in the header `Host`.
pub fn authority(host: &str, port: u16, secure: bool) -> String {
    let mut text = if host.contains(':') { ["[", host, "]"].concat() } else { host.to_owned() };
    if port != if secure { 443 } else { 80 } {
        text.push(':');
        text.push_str(itoa::Buffer::new().format(port));
    }
    text
}

fn host_and_port(authority: &str, usual: u16) -> Result<(String, u16), UrlError> {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(UrlError::Host)?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            // More than one colon and no brackets: an IPv6 address as nobody should write it.
            Some((_, port)) if port.contains(':') => (authority, None),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() || host.contains(|letter: char| letter.is_whitespace() || letter == '%') {
        return Err(UrlError::Host);
    }
    let port = match port {
        None | Some("") => usual,
        Some(port) => port.parse().map_err(|_| UrlError::Port)?,
    };
    if port == 0 {
        return Err(UrlError::Port);
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (text, secure, host, port, target) in [
            ("http://h", false, "h", 80, ""),
            ("HTTPS://u:p@h:81/a?b#c", true, "h", 81, "/a?b"),
            ("[::1]:8004", false, "::1", 8004, ""),
            ("wss://h?x", true, "h", 443, "?x"),
            ("fe80::1", false, "fe80::1", 80, ""),
        ] {
            let url = Url::read(text).unwrap_or_else(|why| panic!("{text}: {why:?}"));
            let found = (url.secure, &*url.host, url.port, &*url.target);
            assert_eq!(found, (secure, host, port, target), "{text}");
        }
    }

    #[test]
    fn a_reference_is_read_from_where_it_stands() {
        let base = Url::read("http://h:81/a/b?c").unwrap();
        for (reference, expected) in [
            ("/x?y", "http://h:81/x?y"),
            ("x/?y", "http://h:81/a/x/?y"),
            ("?z#f", "http://h:81/a/b?z"),
            ("", "http://h:81/a/b?c"),
            ("//g/x", "http://g/x"),
            ("https://h:81/x", "https://h:81/x"),
            (" /x?u=http://g/ ", "http://h:81/x?u=http://g/"),
            ("../x", "http://h:81/x"),
            ("../../../x/./y/..", "http://h:81/x/"),
            ("./x?y=../z", "http://h:81/a/x?y=../z"),
            ("..", "http://h:81/"),
            (".", "http://h:81/a/"),
            ("/m/../x//y", "http://h:81/x//y"),
            ("x?u=a:b", "http://h:81/a/x?u=a:b"),
            ("/a:b", "http://h:81/a:b"),
            ("#f", "http://h:81/a/b?c"),
        ] {
            let url = base.join(reference).unwrap();
            assert!(url == Url::read(expected).unwrap(), "{reference}: {}", url.target);
            let is_same = expected.starts_with("http://h:81");
            assert_eq!(url.has_origin_of(&base), is_same, "{reference}");
        }
        for reference in ["ftp://h/", "mailto:a@h", "javascript:x", "h:81/x"] {
            assert_eq!(base.join(reference).err(), Some(UrlError::Scheme), "{reference}");
        }
        let bare = Url::read("http://h?c").unwrap();
        assert_eq!(bare.join("x").unwrap().target, "/x");
        assert_eq!(bare.join("").unwrap().target, "?c");
    }

    #[test]
    fn a_user_stands_before_the_host() {
        assert_eq!(user("http://u:p@q@h:81/a@b"), Some("u:p@q"));
        for text in ["http://h/a@b", "http://h?u@h", "h#u@h"] {
            assert_eq!(user(text), None, "{text}");
        }
    }

    #[test]
    fn a_request_cannot_be_split_by_its_target() {
        let url = Url::read("http://h/a b\r\nX: y/小?q=%41").unwrap();
        assert_eq!(url.request_target(), "/a%20b%0D%0AX:%20y/%E5%B0%8F?q=%41");
        assert_eq!(Url::read("http://h").unwrap().request_target(), "/");
        assert_eq!(Url::read("http://h?x").unwrap().request_target(), "/?x");
        assert_eq!(Url::read("http://[::1]:8004").unwrap().authority(), "[::1]:8004");
    }
}
