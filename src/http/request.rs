//! A request as the handlers read it: path, query parameters, headers.

use super::{Context, RequestHead};
use crate::text::Language;
use crate::token::{percent, same_key};

/// A request head with its target split, and what the handlers answer from.
pub(super) struct Request<'a> {
    pub(super) head: &'a RequestHead<'a>,
    pub(super) context: &'a Context<'a>,
    /// The path as [`normalized`] spells it.
    pub(super) path: String,
    /// `path_prefix`, normalized too.
    pub(super) prefix: String,
    /// What follows the first `?`, not decoded.
    query: &'a str,
}

impl<'a> Request<'a> {
    pub(super) fn new(head: &'a RequestHead<'a>, context: &'a Context<'a>) -> Self {
        let target = without_authority(head.target);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let prefix = normalized(&context.settings.server.path_prefix);
        Request { head, context, path: normalized(path), prefix, query }
    }

    pub(super) fn language(&self) -> Language {
        self.context.settings.server.language
    }

    /// The values of every header called `name`, trimmed. A value that is not UTF-8 counts as empty,
    /// because every value we look for is UTF-8.
    ///
    /// Returns a list, because each use of a generic iterator adds 400 bytes to the program.
    pub(super) fn headers(&self, name: &str) -> std::vec::IntoIter<&'a str> {
        let all = self.head.headers.iter();
        let named = all.filter(|header| header.name.eq_ignore_ascii_case(name));
        let value = |value| std::str::from_utf8(value).unwrap_or_default().trim();
        named.map(|header| value(header.value)).collect::<Vec<_>>().into_iter()
    }

    /// The items of every header called `name` whose value is a comma-separated list.
    pub(super) fn list_items(&self, name: &str) -> std::vec::IntoIter<&'a str> {
        let members = self.headers(name).flat_map(|value| value.split(','));
        members.map(str::trim).collect::<Vec<_>>().into_iter()
    }

    /// The first value of the query parameter `name` that is not empty, not decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let mut given = pairs.filter(|(_, value)| !value.is_empty());
        let named = given.find(|(key, _)| percent::decode(key.as_bytes()) == name.as_bytes());
        named.map(|(_, value)| value)
    }

    /// The credential of `Authorization: Bearer …`.
    pub(super) fn bearer(&self) -> Option<&'a str> {
        self.headers("authorization").find_map(|value| {
            let (scheme, credential) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(credential.trim())
        })
    }

    /// Whether the request carries the key as its credential, and not in the address: as it is or
    /// percent-encoded (docs/protocol.md#key-spellings).
    pub(super) fn has_bearer_key(&self) -> bool {
        let key = self.context.settings.server.key.as_bytes();
        let bearer = self.bearer().unwrap_or_default().as_bytes();
        same_key(bearer, key) | same_key(&percent::decode(bearer), key)
    }

    /// Whether the request carries something that may be meant as the key.
    pub(super) fn offers_key(&self) -> bool {
        self.parameter("key").is_some() || self.bearer().is_some()
    }

    /// Whether the request carries the key. A `+` in the query may mean `+` or a space.
    pub(super) fn has_key(&self) -> bool {
        let key = self.context.settings.server.key.as_bytes();
        let parameter = self.parameter("key").unwrap_or_default().as_bytes();
        same_key(&percent::decode(parameter), key)
            | same_key(&percent::decode_form(parameter), key)
            | self.has_bearer_key()
    }
}

/// The target without the scheme and host that some proxies write before the path.
fn without_authority(target: &str) -> &str {
    let schemes = ["http://", "https://", "ws://", "wss://"];
    let named = schemes.iter().find_map(|scheme| {
        let (head, rest) = target.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    match named {
        Some(rest) => rest.find(['/', '?']).and_then(|start| rest.get(start..)).unwrap_or_default(),
        None => target,
    }
}

/// One spelling for equal paths, for comparison only: percent-decoded, with single slashes and no
/// slash at the end. The root becomes empty.
fn normalized(path: &str) -> String {
    let decoded = percent::decode(path.as_bytes());
    let decoded = String::from_utf8_lossy(&decoded);
    let mut path = String::with_capacity(decoded.len());
    for segment in decoded.split('/').filter(|segment| !segment.is_empty()) {
        path.push('/');
        path.push_str(segment);
    }
    path
}
