//! What of an entry is a secret.

use crate::token::{percent, url};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;

/// Shorter values occur everywhere by chance.
pub(super) fn is_secret(value: &str) -> bool {
    value.chars().count() >= 8
}

/// What a server may repeat of a value such as `Bearer SECRET`.
pub(super) fn without_scheme(value: &str) -> Option<&str> {
    let (scheme, secret) = value.split_once(' ')?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
    Some(secret.trim()).filter(|secret| is_scheme && is_secret(secret))
}

/// Arguments that look like secrets, such as those of `--api-key=…` and `--header "Authorization: …"`.
pub(super) fn secret_arguments(arguments: &[String]) -> Vec<String> {
    let names = ["key", "token", "secret", "passw", "auth", "credential"];
    let is_named = |text: &str| {
        let text = text.to_ascii_lowercase();
        names.iter().any(|name| text.contains(name))
    };
    let mut found = Vec::new();
    let mut before = "";
    for argument in arguments {
        let (name, value) = argument.split_once(['=', ':']).unwrap_or((argument, ""));
        if is_named(name) && is_secret(value.trim()) {
            found.extend([argument.clone(), value.trim().to_owned()]);
        } else if before.starts_with('-') && is_named(before) && is_secret(argument) {
            found.push(argument.clone());
        }
        before = argument;
    }
    found
}

/// The header `Authorization` for the user and the password in an address, and what of it is secret.
pub(super) fn basic_authorization(url: &str) -> Option<(String, Vec<String>)> {
    let user = percent::decode(url::user(url)?.as_bytes());
    let basic = ["Basic ", &STANDARD.encode(&user)].concat();
    let user = String::from_utf8_lossy(&user);
    let password = user.split_once(':').map(|(_, password)| password);
    let secrets = [Some(&*basic), without_scheme(&basic), password].into_iter().flatten();
    let secrets = secrets.filter(|secret| is_secret(secret)).map(str::to_owned).collect();
    Some((basic, secrets))
}
