//! What the relay promises on the wire (docs/protocol.md#the-relay), by behaviour: the core alone,
//! with a fake clock and a fake wire.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "relay/bounds.rs"]
mod bounds;
#[path = "relay/complaints.rs"]
mod complaints;
#[path = "relay/errors.rs"]
mod errors;
#[path = "relay/from_robot.rs"]
mod from_robot;
#[path = "relay/from_tool.rs"]
mod from_tool;
#[path = "relay/hand_shake.rs"]
mod hand_shake;
#[path = "relay/initialize.rs"]
mod initialize;
#[path = "relay/limits.rs"]
mod limits;
#[path = "relay/lists.rs"]
mod lists;
#[path = "relay/loss.rs"]
mod loss;
#[path = "relay/memory.rs"]
mod memory;
#[path = "relay/modes.rs"]
mod modes;
#[path = "relay/odd_forms.rs"]
mod odd_forms;
#[path = "relay/odd_replies.rs"]
mod odd_replies;
#[path = "relay/other_kinds.rs"]
mod other_kinds;
#[path = "relay/pass_through.rs"]
mod pass_through;
#[path = "relay/quirks.rs"]
mod quirks;
#[path = "relay/references.rs"]
mod references;
#[path = "relay/selection.rs"]
mod selection;
#[path = "relay/several_tools.rs"]
mod several_tools;
#[path = "relay/status.rs"]
mod status;
#[path = "relay/subscriptions.rs"]
mod subscriptions;
#[path = "relay/text_parts.rs"]
mod text_parts;
#[path = "relay/transparent.rs"]
mod transparent;
#[path = "relay/twins.rs"]
mod twins;
#[path = "relay/under_way.rs"]
mod under_way;
#[path = "relay/world.rs"]
mod world;
