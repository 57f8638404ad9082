//! How many answers to each client network are delayed, so that one cannot use up all connections.

use crate::ledger::client_network;
use std::net::IpAddr;

/// How many answers to one client network may be delayed at a time. Further requests get a 503.
const MAX_DELAYED_PER_CLIENT: usize = 64;

/// The number of delayed answers of each client network, in the order of the addresses.
#[derive(Debug, Default)]
pub(super) struct Delays(Vec<(IpAddr, usize)>);

impl Delays {
    /// Counts one more for the client network of an address, unless there are too many. Returns
    /// whether it did.
    pub(super) fn begin(&mut self, address: IpAddr) -> bool {
        let place = self.place(address);
        match place.map(|at| self.0.get_mut(at)) {
            Ok(Some((_, count))) => {
                let is_free = *count < MAX_DELAYED_PER_CLIENT;
                *count += usize::from(is_free);
                is_free
            }
            Ok(None) => false,
            Err(at) => {
                self.0.insert(at, (client_network(address), 1));
                true
            }
        }
    }

    /// Counts one less.
    pub(super) fn end(&mut self, address: IpAddr) {
        let Ok(at) = self.place(address) else { return };
        if let Some((_, count)) = self.0.get_mut(at) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(at);
            }
        }
    }

    /// Where the client network of an address is, or where it belongs.
    fn place(&self, address: IpAddr) -> Result<usize, usize> {
        let client_network = client_network(address);
        self.0.binary_search_by(|(known, _)| known.cmp(&client_network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_network_has_at_most_64_delayed_answers_and_leaves_no_record() {
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut delays = Delays::default();
        assert!((0..MAX_DELAYED_PER_CLIENT).all(|_| delays.begin(one)));
        assert!(!delays.begin(one) && delays.begin(other));
        delays.end(one);
        assert!(delays.begin(one));
        (0..MAX_DELAYED_PER_CLIENT).for_each(|_| delays.end(one));
        delays.end(other);
        assert!(delays.0.is_empty());
    }
}
