//! Asks a running server to read its settings again, as SIGHUP does: for Windows and containers.

use super::client::http::{self, spelled_at};
use super::client::{own, MAX_WAIT};
use super::output::{complain, say, wrong_use, End};
use crate::escape::visible_start;
use crate::settings::Loaded;
use crate::text::Language;
use jsonrpc::message::string;
use jsonrpc::scan;

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
    let json = answer.text();
    let complain_of = |text: &str| complain(&visible_start(text, MAX_SHOWN_CHARS));
    match answer.status {
        200 if spelled_at(&json, "result.status") == "\"success\"" => {
            // Some servers send none.
            let _ = scan::elements(spelled_at(&json, "result.warnings"), &mut |warning| {
                complain_of(&string(warning).unwrap_or_default());
            });
            say(&language.reload_done(&base));
            return End::Well;
        }
        401 if address.key.is_none() => complain(&language.cause_wrong_own_key()),
        401 => complain(&language.cause_wrong_key()),
        409 => {
            complain(&language.reload_refused(&base));
            let details = string(spelled_at(&json, "error.data.details"));
            details.unwrap_or_default().lines().for_each(complain_of);
        }
        status => complain(&language.reload_unknown(&base, status)),
    }
    End::Badly
}
