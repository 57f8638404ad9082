//! Kindness to known clients (docs/protocol.md#quirks): each rule is one function here, or one file of this folder.

mod failures;
mod parts;
mod references;

#[cfg(fuzzing)]
pub use references::inlined;
pub(super) use references::Schemas;

use super::catalogue::Offers;
use super::policy::Policy;
use super::robot::Robot;
use crate::text::Language;
use jsonrpc::message::{last_member, string};
use jsonrpc::Message;

/// How `xiaozhi-server` names itself in `initialize`.
const XIAOZHI_SERVER: &str = "XiaozhiMCPEndpointClient";

/// Whether the robot ignores `list_changed` but takes a second reply to its `tools/list`, and
/// shows only `result.error` of a failed call.
pub(super) fn is_xiaozhi_server(client_name: &str) -> bool {
    client_name == XIAOZHI_SERVER
}

/// Whether the rules for `xiaozhi-server` hold for a robot.
pub(super) fn hold_for(robot: &Robot, policy: &Policy) -> bool {
    robot.is_xiaozhi_server && policy.quirks
}

/// The largest message that `xiaozhi-server` takes: with a larger one its WebSocket library ends the
/// session, and none of its tools works any more.
const MAX_MESSAGE: usize = 1 << 20;

/// What stands around the elements of a page or another answer in a message, with the id, at most.
const MAX_AROUND: usize = 2048;

/// How many bytes of the reason of a failed call are copied in any case.
const MIN_REASON: usize = 256;

/// How large a message for `robot` is, where it is too large for it.
pub(super) fn too_large_for(robot: &Robot, policy: &Policy, pieces: &[&str]) -> Option<usize> {
    if !hold_for(robot, policy) {
        return None;
    }
    let size = pieces.iter().map(|piece| piece.len()).sum();
    (size > MAX_MESSAGE).then_some(size)
}

/// How many bytes of elements with their commas a page has at most.
const PAGE: usize = MAX_MESSAGE - MAX_AROUND;

/// What `xiaozhi-server` is given of the list of tools in one message.
pub(super) struct Page<'a> {
    /// The pieces of its elements, with commas between them.
    pub pieces: Vec<&'a str>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<usize>,
    /// The first element that is too large for any page, and how large it is.
    pub left_out: Option<(&'a str, usize)>,
}

/// The page of a list that begins with the element at `start` and ends at `end` at the latest; `schemas`
/// are those of the list.
pub(super) fn page<'a>(
    list: &'a Offers,
    schemas: &'a Schemas,
    (start, end): (usize, usize),
) -> Page<'a> {
    let mut page = Page { pieces: Vec::new(), next: None, left_out: None };
    let (mut at, mut bytes) = (start, 0);
    while let Some((name, mut element)) = list.element(at) {
        if at >= end {
            page.next = Some(at);
            break;
        }
        schemas.put(at, list.raw(at), &mut element);
        // With a comma.
        let size = element.pieces().iter().map(|piece| piece.len()).sum::<usize>() + 1;
        if size > PAGE {
            page.left_out = page.left_out.or(Some((name, size)));
        } else if bytes + size > PAGE {
            page.next = Some(at);
            break;
        } else {
            bytes += size;
            page.pieces.extend((!page.pieces.is_empty()).then_some(","));
            page.pieces.extend(element.pieces());
        }
        at += 1;
    }
    page
}

/// Where the page begins that a robot asks for: the cursor is what an earlier page gave it.
pub(super) fn page_start(robot: &Robot, policy: &Policy, params: Option<&str>) -> usize {
    if !hold_for(robot, policy) {
        return 0;
    }
    let cursor = params.and_then(|params| string(last_member(params, "cursor")?));
    cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default()
}

/// The part of a `tools/call` result that is rewritten for a robot that reads only a part of it,
/// and its new text.
pub(super) fn rewritten<'a>(
    message: &Message<'a>,
    language: Language,
) -> Option<(&'a str, String)> {
    let result = message.result?;
    if message.is_failure {
        // The answer counts more than the copy of its texts.
        let room = PAGE.saturating_sub(message.text.len()).max(MIN_REASON);
        return Some((result.get(1..1)?, failures::error_member(result, room, language)?));
    }
    Some((message.content?, parts::joined(message)?))
}
