//! Asks a running server to read its settings again, as SIGHUP does: for Windows and containers.

use super::client::http::{self, at, text_at};
use super::client::{own, MAX_WAIT};
use super::output::{complain, say, wrong_use, End};
use crate::escape::visible_start;
use crate::settings::Loaded;
use crate::text::Language;

/// The longest sentence that is shown, in characters.
const MAX_SHOWN_CHARS: usize = 1000;

pub(super) fn ask(loaded: &Loaded, given: Option<&str>, language: Language) -> End {
    let (address, key) = match own::keyed(loaded, given, language) {
        Ok(found) => found,
        Err(problem) => return wrong_use(&problem),
    };
    let base = address.base("http");
    let target = address.target("/reload");
    let answer = match http::post(&address, &target, Some(&key), MAX_WAIT) {
        Ok(answer) => answer,
        Err(failure) => {
            complain(&language.no_answer(&base, &failure.text(language)));
            return End::Badly;
        }
    };
    let json = answer.json();
    match answer.status {
        200 if text_at(&json, "result.status") == "success" => {
            for warning in at(&json, "result.warnings").as_array().into_iter().flatten() {
                complain(&visible_start(warning.as_str().unwrap_or_default(), MAX_SHOWN_CHARS));
            }
            say(&language.reload_done(&base));
            return End::Well;
        }
        401 if address.key.is_none() => complain(&language.cause_wrong_own_key()),
        401 => complain(&language.cause_wrong_key()),
        409 => {
            complain(&language.reload_refused(&base));
            for problem in text_at(&json, "error.data.details").lines() {
                complain(&visible_start(problem, MAX_SHOWN_CHARS));
            }
        }
        status => complain(&language.reload_unknown(&base, status)),
    }
    End::Badly
}
