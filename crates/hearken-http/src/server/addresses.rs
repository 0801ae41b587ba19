//! The bound on connections of one client address.
//!
//! Here: [`AddressLimit`]. It is off by default, and then costs nothing. Not here: the bound on all connections (`accept.rs`).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The setting of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct PerAddress {
    pub(super) max: Option<usize>,
    pub(super) ipv6_prefix: u8,
}

impl Default for PerAddress {
    fn default() -> Self {
        Self {
            max: None,
            ipv6_prefix: 64,
        }
    }
}

/// Counts the connections of each client address over all workers. The lock is taken when a connection is accepted and when it
/// closes.
#[derive(Debug)]
pub(crate) struct AddressLimit {
    max: usize,
    ipv6_prefix: u8,
    open: Mutex<HashMap<IpAddr, usize>>,
}

impl AddressLimit {
    /// `None` when there is no bound.
    pub(super) fn new(setting: PerAddress) -> Option<Arc<Self>> {
        Some(Arc::new(Self {
            max: setting.max?,
            ipv6_prefix: setting.ipv6_prefix.min(128),
            open: Mutex::default(),
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection until the result is dropped. `Err` at the bound, with the number of open ones.
    pub(crate) fn acquire(self: &Arc<Self>, address: IpAddr) -> Result<ClientPermit, usize> {
        let client = self.client(address);
        let mut all = self.open();
        let open = all.get(&client).copied().unwrap_or_default();
        if open >= self.max {
            return Err(open);
        }
        all.insert(client, open + 1);
        Ok(ClientPermit {
            limit: Arc::clone(self),
            client,
        })
    }

    /// An IPv4 address as it is, also when it is written as an IPv6 one; of an IPv6 address the prefix.
    fn client(&self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let dropped = 128 - u32::from(self.ipv6_prefix);
                let mask = u128::MAX.checked_shl(dropped).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
            address => address,
        }
    }
}

/// A connection that is counted for its client.
#[derive(Debug)]
pub(crate) struct ClientPermit {
    limit: Arc<AddressLimit>,
    client: IpAddr,
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        let mut all = self.limit.open();
        if let Some(open) = all.get_mut(&self.client) {
            *open -= 1;
            if *open == 0 {
                all.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(max: usize, ipv6_prefix: u8) -> Arc<AddressLimit> {
        let max = Some(max);
        AddressLimit::new(PerAddress { max, ipv6_prefix }).expect("a bound")
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn each_address_has_its_own_bound() {
        let limit = limit(2, 64);
        let one = limit.acquire(ip("192.0.2.1")).unwrap();
        let _two = limit.acquire(ip("192.0.2.1")).unwrap();
        assert_eq!(limit.acquire(ip("192.0.2.1")).unwrap_err(), 2);
        let mapped = limit.acquire(ip("::ffff:192.0.2.1"));
        assert_eq!(mapped.unwrap_err(), 2, "the same client");
        assert!(limit.acquire(ip("192.0.2.2")).is_ok());
        drop(one);
        assert!(limit.acquire(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_prefix_are_one_client() {
        let same = |prefix, a, b| limit(1, prefix).client(ip(a)) == limit(1, prefix).client(ip(b));
        assert!(same(
            64,
            "2001:db8:1:2::1",
            "2001:db8:1:2:ffff:ffff:ffff:ffff"
        ));
        assert!(!same(64, "2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same(48, "2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(!same(128, "2001:db8::1", "2001:db8::2"));
        assert!(!same(200, "2001:db8::1", "2001:db8::2"));
        assert!(same(0, "2001:db8::1", "fe80::1"));
        assert!(!same(0, "192.0.2.1", "192.0.2.2"), "a prefix of IPv6 alone");
    }

    #[test]
    fn clients_without_connections_take_no_memory() {
        let limit = limit(10, 64);
        for round in 0..3 {
            let clients: Vec<_> = (0..100)
                .map(|n| limit.acquire(ip(&format!("10.0.{round}.{n}"))).unwrap())
                .collect();
            assert_eq!(limit.open().len(), 100);
            drop(clients);
            assert!(limit.open().is_empty());
        }
    }
}
