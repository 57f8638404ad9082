//! A request, taken apart: path, query and headers as the handlers want them.

use super::{Context, Request};
use crate::text::Language;
use crate::token::{percent, same_key};

/// A request, what it is answered from, and its target in pieces.
pub(super) struct Ask<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) context: &'a Context<'a>,
    /// The path in its one spelling: see [`tidy`].
    pub(super) path: String,
    /// `path_prefix` in the same spelling.
    pub(super) prefix: String,
    /// What follows the first `?`, as it came.
    query: &'a str,
}

impl<'a> Ask<'a> {
    pub(super) fn new(request: &'a Request<'a>, context: &'a Context<'a>) -> Self {
        let target = without_authority(request.target);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let prefix = tidy(&context.settings.server.path_prefix);
        Ask { request, context, path: tidy(path), prefix, query }
    }

    pub(super) fn language(&self) -> Language {
        self.context.settings.server.language
    }

    /// The values of every header called `name`, without blanks around them. One that is not
    /// UTF-8 is taken for empty: nothing we look for is.
    ///
    /// A list: every use of an iterator was 400 bytes of program.
    pub(super) fn headers(&self, name: &str) -> std::vec::IntoIter<&'a str> {
        let all = self.request.headers.iter();
        let named = all.filter(|header| header.name.eq_ignore_ascii_case(name));
        let value = |value| std::str::from_utf8(value).unwrap_or_default().trim();
        named.map(|header| value(header.value)).collect::<Vec<_>>().into_iter()
    }

    /// The members of every header called `name`, where it holds a list.
    pub(super) fn listed(&self, name: &str) -> std::vec::IntoIter<&'a str> {
        let members = self.headers(name).flat_map(|value| value.split(','));
        members.map(str::trim).collect::<Vec<_>>().into_iter()
    }

    /// What the query says about `name`, as it came: the first value that is not empty.
    pub(super) fn field(&self, name: &str) -> Option<&'a str> {
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

    /// Whether the request shows something that may be meant for the key.
    pub(super) fn claims_the_key(&self) -> bool {
        self.field("key").is_some() || self.bearer().is_some()
    }

    /// Whether the request shows the key. A `+` in the query may stand for itself or for a blank.
    pub(super) fn has_key(&self) -> bool {
        let key = self.context.settings.server.key.as_bytes();
        let field = self.field("key").unwrap_or_default().as_bytes();
        let bearer = self.bearer().unwrap_or_default();
        same_key(&percent::decode(field), key)
            | same_key(&percent::decode_form(field), key)
            | same_key(bearer.as_bytes(), key)
    }
}

/// A target without the scheme and host that proxies may write before the path.
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

/// The one spelling of a path, for comparing only: escapes undone, runs of slashes made one, no
/// last slash. The root is empty.
fn tidy(path: &str) -> String {
    let decoded = percent::decode(path.as_bytes());
    let decoded = String::from_utf8_lossy(&decoded);
    let mut tidied = String::with_capacity(decoded.len());
    for segment in decoded.split('/').filter(|segment| !segment.is_empty()) {
        tidied.push('/');
        tidied.push_str(segment);
    }
    tidied
}
