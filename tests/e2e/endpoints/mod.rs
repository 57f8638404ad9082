//! The real program by docs/protocol.md: plain HTTP, the two WebSocket endpoints, what passes between
//! them, and how it all ends.

mod frames;
#[cfg(target_os = "linux")]
mod idle;
mod life;
mod loss;
mod plain_http;
mod proxies;
mod refusals;
mod relay;
#[cfg(target_os = "linux")]
mod saving;
mod selection;
mod status;
mod strangers;
#[cfg(unix)]
mod terminal;
mod upgrade;
