//! Networks, for telling whose word counts.

use std::net::IpAddr;

/// A network: `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many of its first bits count.
    bits: u32,
}

impl Network {
    /// Reads an address, or a network in CIDR notation. Bits behind those that count do not matter.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        // One of IPv4 addresses written as IPv6 ones is one of IPv4.
        let (own, more) = (address.to_canonical(), if address.is_ipv6() { 96 } else { 0 });
        let network = match own {
            IpAddr::V4(_) => Network { address: own, bits: bits.checked_sub(more)? },
            IpAddr::V6(_) => Network { address, bits },
        };
        (bits <= most).then_some(network)
    }

    /// Whether `address` belongs to it. One of IPv4 that came over IPv6 is one of IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            _ => return false,
        };
        same >= self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        Network::read(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_is_in_a_network_or_not() {
        for (network, inside, outside) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("127.0.0.1", "::ffff:127.0.0.1", "::1"),
            ("::1", "::1", "127.0.0.1"),
            ("10.0.0.0/8", "10.255.0.3", "11.0.0.0"),
            ("10.1.2.3/8", "10.255.0.3", "11.0.0.0"),
            ("192.168.1.128/25", "192.168.1.129", "192.168.1.127"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.9.9.9"),
        ] {
            assert!(contains(network, inside), "{network} {inside}");
            assert!(!contains(network, outside), "{network} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_not_taken_for_one() {
        for text in [
            "",
            "::ffff:10.0.0.0/90",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10/8",
            "a",
            "[::1]",
        ] {
            assert_eq!(Network::read(text), None, "{text}");
        }
    }
}
