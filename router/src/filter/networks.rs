//! Networks to look an address up in.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::Problem;
use crate::config::OneOrMany;
use crate::matcher::{each, network};

/// Networks, sorted and merged: one of ten thousand is found in a dozen steps.
#[derive(Clone, Debug, Default)]
pub struct Networks(Box<[IpNet]>);

impl Networks {
    /// Compiles the networks found at `path` and adds what is wrong with them.
    pub fn compile(path: &str, config: Option<&OneOrMany>, problems: &mut Vec<Problem>) -> Self {
        let mut networks = Vec::new();
        for (path, text) in each(path.to_owned(), config) {
            match network(text) {
                Ok(network) => networks.push(network),
                Err(why) => problems.push(Problem::new(path, why)),
            }
        }
        let mut merged = IpNet::aggregate(&networks);
        merged.sort_by_key(IpNet::network);
        Self(merged.into())
    }

    /// Whether one of them has the address, which is not an IPv4 address mapped into IPv6.
    pub fn contain(&self, address: IpAddr) -> bool {
        // They do not overlap: only the last that begins at or before the address can have it.
        let behind = self
            .0
            .partition_point(|network| network.network() <= address);
        let last = behind.checked_sub(1).and_then(|last| self.0.get(last));
        last.is_some_and(|network| network.contains(&address))
    }

    /// Whether one of them has the whole network.
    pub(super) fn cover(&self, network: &IpNet) -> bool {
        self.0.iter().any(|outer| outer.contains(network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Networks {
        let list: OneOrMany = serde_json::from_value(list.into()).unwrap();
        let mut problems = Vec::new();
        let networks = Networks::compile("allow", Some(&list), &mut problems);
        assert_eq!(problems, []);
        networks
    }

    #[test]
    fn an_address_is_found_in_what_overlaps_and_at_both_ends() {
        let networks = networks(&[
            "10.0.0.0/8",
            "10.1.0.0/16",
            "192.0.2.7",
            "11.0.0.0/8",
            "2001:db8::/32",
            "::1",
        ]);
        for (address, inside) in [
            ("10.0.0.0", true),
            ("10.1.2.3", true),
            ("10.200.0.1", true),
            ("11.255.255.255", true),
            ("12.0.0.0", false),
            ("9.255.255.255", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("::1", true),
            ("::2", false),
        ] {
            assert_eq!(
                networks.contain(address.parse().unwrap()),
                inside,
                "{address}"
            );
        }
    }

    #[test]
    fn each_of_many_is_found_and_nothing_between() {
        let list: Vec<String> = (0..=255).map(|at| format!("10.{at}.7.0/24")).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let networks = networks(&list);
        for at in 0..=255 {
            assert!(networks.contain([10, at, 7, 200].into()));
            assert!(!networks.contain([10, at, 8, 0].into()));
        }
    }

    #[test]
    fn what_is_no_network_is_named_with_its_place() {
        let list: OneOrMany = serde_json::from_str(r#"["10.0.0.0/8", "10.0.0.1/8"]"#).unwrap();
        let mut problems = Vec::new();
        Networks::compile("deny", Some(&list), &mut problems);
        let [problem] = &problems[..] else { panic!() };
        assert_eq!(problem.path, "deny[1]");
        assert!(problem.message.contains("10.0.0.0/8"));
    }
}
