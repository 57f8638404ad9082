//! The response to `POST /mcp_endpoint/reload`.

use super::json::Value::{List, Text};
use super::response::Reply;
use super::Response;
use crate::text::Language;

/// The response after the settings were read again. `outcome` has the warnings about the new settings,
/// or the problems because of which the old ones stay in force.
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
