//! What the relay promises on the wire (docs/protocol.md#the-relay), by behaviour. Each file begins with the
//! rules that it tests; `world` has the fake clock and the fake wire.

mod bounds;
mod complaints;
mod errors;
mod from_robot;
mod from_tool;
mod handshake;
mod initialize;
mod limits;
mod lists;
mod loss;
mod memory;
mod modes;
mod odd_forms;
mod odd_replies;
mod other_kinds;
mod pass_through;
mod quirks;
mod references;
mod selection;
mod several_tools;
mod status;
mod subscriptions;
mod text_parts;
mod transparent;
mod twins;
mod under_way;
mod world;
