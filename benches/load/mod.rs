//! The parts of the end-to-end benchmark: the relay under test, a floor to compare it with, and a load
//! generator that uses as little time as possible.
//!
//! * [`relays`]: the real program and the floor, each in its own process.
//! * [`floor`]: the floor itself.
//! * [`process`]: what the system reports about a process.
//! * [`frames`]: all frames, built in advance.
//! * [`dial`]: connections and handshakes, before the measurement starts.
//! * [`generator`]: the load.
//! * [`workload`]: rounds of load, in turns on both sides.
//! * [`table`]: the printed table.

pub(crate) mod dial;
pub(crate) mod floor;
#[allow(dead_code)]
#[path = "../../tests/common/folder.rs"]
pub(crate) mod folder;
pub(crate) mod frames;
pub(crate) mod generator;
pub(crate) mod peers;
pub(crate) mod process;
pub(crate) mod relays;
pub(crate) mod table;
pub(crate) mod workload;
