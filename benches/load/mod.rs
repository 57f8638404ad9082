//! What the end-to-end benchmark is written on: the relay under test, a floor to compare it
//! with, and a load generator that costs as little as it can.
//!
//! * [`relays`]: the real program and the floor, each a process of its own.
//! * [`floor`]: the floor itself.
//! * [`process`]: what the system tells about a process.
//! * [`frames`]: every frame that is sent, made beforehand.
//! * [`dial`]: connecting and shaking hands, before the clock runs.
//! * [`generator`]: the load.
//! * [`workload`]: rounds of it, in turns on both sides.
//! * [`table`]: what is printed.

pub(crate) mod dial;
pub(crate) mod floor;
pub(crate) mod frames;
pub(crate) mod generator;
pub(crate) mod peers;
pub(crate) mod process;
pub(crate) mod relays;
pub(crate) mod table;
pub(crate) mod workload;
