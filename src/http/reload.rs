//! What whoever asks for the settings to be read again is told.

use super::json::Value::{List, Text};
use super::response::Reply;
use super::Response;
use crate::text::Language;

/// The settings were read again: `outcome` says what is odd about the new ones, or what is wrong and why
/// the old ones stay.
pub fn reloaded(outcome: &Result<Vec<String>, Vec<String>>, language: Language) -> Response {
    let reply = match outcome {
        Ok(warnings) => Reply::result(|json| {
            json.put("status", Text("success"));
            json.put("warnings", List);
            for warning in warnings {
                json.add(Text(warning));
            }
        }),
        Err(problems) => Reply::error(409, 409, &language.not_reloaded(), &problems.join("\n")),
    };
    reply.finish(false)
}
