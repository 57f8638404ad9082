//! Whether a server runs: for containers and scripts, where there is no `curl`.

use super::client::http::{self, number_at, text_at};
use super::client::own;
use super::output::{complain, say, wrong_use, End};
use crate::escape::visible_start;
use crate::settings::Loaded;
use crate::text::Language;
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
        Ok(answer) if text_at(&answer.json(), "status") == "healthy" => {
            let json = answer.json();
            say(&language.healthy(
                &base,
                &visible_start(text_at(&json, "version"), MAX_SHOWN_CHARS),
                number_at(&json, "uptime_seconds"),
                number_at(&json, "connections.tool_connections"),
                number_at(&json, "connections.robot_connections"),
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
