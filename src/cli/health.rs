//! Whether a server runs: for containers and scripts, where there is no `curl`.

use super::client::http::{self, spelled_at};
use super::client::own;
use super::output::{complain, say, wrong_use, End};
use crate::escape::visible_start;
use crate::settings::Loaded;
use crate::text::Language;
use jsonrpc::message::string;
use std::time::Duration;

/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The longest version that is shown, in characters.
const MAX_SHOWN_CHARS: usize = 40;

pub(super) fn tell(loaded: &Loaded, at: Option<&str>, language: Language) -> End {
    let address = match own::named(&loaded.settings, at, language) {
        Ok(address) => address,
        Err(problem) => return wrong_use(&problem),
    };
    let base = address.base("http");
    let target = format!("{}/health", address.prefix);
    match http::get(&address, &target, None, TIMEOUT) {
        Ok(answer) if spelled_at(&answer.text(), "status") == "\"healthy\"" => {
            let json = answer.text();
            let version = string(spelled_at(&json, "version")).unwrap_or_default();
            let number = |path| spelled_at(&json, path).parse().unwrap_or_default();
            say(&language.healthy(
                &base,
                &visible_start(&version, MAX_SHOWN_CHARS),
                number("uptime_seconds"),
                number("connections.tool_connections"),
                number("connections.robot_connections"),
            ));
            End::Well
        }
        Ok(answer) => {
            complain(&language.not_healthy(&base, answer.status));
            End::Badly
        }
        Err(failure) => {
            complain(&language.no_answer(&base, &failure.text(language)));
            End::Badly
        }
    }
}
