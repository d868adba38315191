//! Servers of SRV records as endpoints (RFC 2782).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use hickory_resolver::proto::rr::rdata::SRV;
use wireloom_cluster::EndpointConfig;
use wireloom_cluster::config::{MAX_PRIORITY, MAX_WEIGHT};

/// What a weight is multiplied with where a server has several addresses, to be divided among them.
const FINE: u64 = 100;

/// An endpoint at that address.
pub(crate) fn endpoint(ip: IpAddr, port: u16) -> EndpointConfig {
    EndpointConfig::from(wireloom_net::Address::from(SocketAddr::new(ip, port)))
}

/// The servers with their addresses as endpoints. Priorities keep their order and lose their gaps. Weights keep their
/// proportions: a server's is divided among its addresses, all are made smaller together if the largest is over
/// 10000, and one of 0, which stands for a very small chance, is 1. An address that comes twice has the sum, at the better priority.
pub(crate) fn endpoints(servers: &[(&SRV, Vec<IpAddr>)]) -> Vec<EndpointConfig> {
    let priorities: BTreeSet<u16> = servers.iter().map(|(server, _)| server.priority).collect();
    let ranks: BTreeMap<u16, u32> = priorities.into_iter().zip(0..).collect();
    let fine = match servers.iter().any(|(_, addresses)| addresses.len() > 1) {
        true => FINE,
        false => 1,
    };
    let mut shares: BTreeMap<SocketAddr, (u32, u64)> = BTreeMap::new();
    for (server, addresses) in servers {
        let rank = ranks.get(&server.priority).copied().unwrap_or_default();
        let rank = rank.min(MAX_PRIORITY);
        let count = u64::try_from(addresses.len()).unwrap_or(1).max(1);
        let share = u64::from(server.weight) * fine / count;
        for ip in addresses {
            let at = SocketAddr::new(*ip, server.port);
            let known = shares.entry(at).or_insert((rank, 0));
            if rank < known.0 {
                *known = (rank, share);
            } else if rank == known.0 {
                known.1 += share;
            }
        }
    }
    let largest = shares.values().map(|(_, share)| *share).max();
    let largest = largest.unwrap_or_default().max(u64::from(MAX_WEIGHT));
    let endpoints = shares.into_iter().map(|(at, (priority, share))| {
        let weight = share * u64::from(MAX_WEIGHT) / largest;
        EndpointConfig {
            weight: u32::try_from(weight).unwrap_or(MAX_WEIGHT).max(1),
            priority,
            ..endpoint(at.ip(), at.port())
        }
    });
    endpoints.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::Name;

    fn told(servers: &[(u16, u16, &[&str])]) -> Vec<(String, u32, u32)> {
        let records: Vec<_> = servers
            .iter()
            .map(|(priority, weight, _)| SRV::new(*priority, *weight, 80, Name::root()))
            .collect();
        let addresses = servers
            .iter()
            .map(|(.., ips)| ips.iter().map(|ip| ip.parse().unwrap()).collect());
        let servers: Vec<_> = records.iter().zip(addresses).collect();
        let endpoints = endpoints(&servers).into_iter();
        endpoints
            .map(|one| (one.address.to_string(), one.priority, one.weight))
            .collect()
    }

    #[test]
    fn priorities_keep_their_order_and_weights_their_proportions() {
        let one = |at: &str, priority, weight| (at.to_owned(), priority, weight);
        assert_eq!(
            told(&[
                (20, 5, &["10.0.0.3"]),
                (10, 3, &["10.0.0.1"]),
                (10, 0, &["::1"])
            ]),
            [
                one("10.0.0.1:80", 0, 3),
                one("10.0.0.3:80", 1, 5),
                one("[::1]:80", 0, 1)
            ]
        );
        assert_eq!(
            told(&[(0, 60_000, &["10.0.0.1"]), (0, 30_000, &["10.0.0.2"])]),
            [one("10.0.0.1:80", 0, 10_000), one("10.0.0.2:80", 0, 5_000)]
        );
        assert_eq!(
            told(&[(0, 3, &["10.0.0.1", "10.0.0.2"]), (0, 3, &["10.0.0.3"])]),
            [
                one("10.0.0.1:80", 0, 150),
                one("10.0.0.2:80", 0, 150),
                one("10.0.0.3:80", 0, 300)
            ]
        );
        assert_eq!(
            told(&[(1, 2, &["10.0.0.1"]), (0, 4, &["10.0.0.1"])]),
            [one("10.0.0.1:80", 0, 4)]
        );
    }
}
