//! Looks up the addresses of a host in a helper thread, because the system's lookup blocks.

use crate::helper;
use mio::Waker;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

/// How many addresses of a host are tried.
const MAX_ADDRESSES: usize = 4;

/// The stack of the thread. The C library needs most of it.
const STACK_BYTES: usize = 256 << 10;

/// What a lookup has found: addresses, or what the system says.
type Found = Result<Vec<SocketAddr>, String>;

/// The lookups of one host, one at a time.
#[derive(Default)]
pub(super) struct Lookup {
    found: Arc<Mutex<Option<Found>>>,
    is_under_way: bool,
}

impl Lookup {
    /// Starts a lookup, unless one is under way.
    ///
    /// # Errors
    /// The system's error, if no thread can start.
    pub(super) fn start(&mut self, host: &str, port: u16, waker: &Arc<Waker>) -> io::Result<()> {
        if self.is_under_way {
            return Ok(());
        }
        let (found, waker, host) = (Arc::clone(&self.found), Arc::clone(waker), host.to_owned());
        let work = move || {
            let result = (&*host, port).to_socket_addrs();
            let result = result.map(|list| list.take(MAX_ADDRESSES).collect());
            let result = result.map_err(|error| error.to_string());
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            // If waking fails, the loop sees the result at its next wake-up.
            let _ = waker.wake();
        };
        helper::start("lookup", STACK_BYTES, Box::new(work))?;
        self.is_under_way = true;
        Ok(())
    }

    /// What the lookup has found, once it has.
    pub(super) fn take(&mut self) -> Option<Found> {
        if !self.is_under_way {
            return None;
        }
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        self.is_under_way = false;
        Some(found)
    }
}
