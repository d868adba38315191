//! What routes do with their requests, as far as it depends on the clusters.

use wireloom_router::config::{ClusterHeader, RouteConfig, SubsetMatch, To};

use super::Check;

impl Check<'_> {
    /// Notes what of the actions of the route at `path` the clusters cannot do.
    pub(super) fn actions(&mut self, path: &str, route: &RouteConfig) {
        self.hash(path, route);
        for (at, mirror) in route.mirror.iter().enumerate() {
            let path = format!("{path}.mirror[{at}]");
            self.part(&path, &mirror.cluster, &mirror.subset);
            let cluster = self.config.clusters.get(&mirror.cluster);
            if cluster.is_some_and(|entry| entry.cluster.limits.mirrors == 0) {
                let message = "nothing comes of it: the cluster's `limits.mirrors` is 0; raise it, or leave this entry out";
                self.note(format!("{path}.cluster"), message);
            }
        }
    }

    /// The clusters that requests may name.
    pub(super) fn named(&mut self, path: &str, named: &ClusterHeader) {
        for (at, name) in named.clusters.iter().flatten().enumerate() {
            let path = format!("{path}.clusters[{at}]");
            self.unserved(path.clone(), name, &SubsetMatch::new());
            self.cluster(path, name);
        }
        if let Some(name) = &named.otherwise {
            let path = format!("{path}.otherwise");
            self.unserved(path.clone(), name, &SubsetMatch::new());
            self.cluster(path, name);
        }
    }

    /// A hash that no cluster of the route looks at. Where a cluster is unknown, that is what there is to say.
    fn hash(&mut self, path: &str, route: &RouteConfig) {
        let names: Vec<&str> = match &route.to {
            _ if route.hash.is_empty() => return,
            None => return,
            Some(To::Cluster(name)) => vec![name],
            Some(To::Subset(part)) => vec![&part.cluster],
            Some(To::Named(named)) => match &named.clusters {
                Some(names) => names.iter().chain(&named.otherwise).map(|n| &**n).collect(),
                None => self.config.clusters.keys().map(String::as_str).collect(),
            },
            Some(To::Split(parts)) => parts.iter().map(|part| &*part.cluster).collect(),
        };
        let clusters = names.iter().map(|name| self.config.clusters.get(*name));
        let mut clusters = clusters.collect::<Option<Vec<_>>>().into_iter().flatten();
        let mut ways = clusters
            .by_ref()
            .map(|entry| entry.cluster.balance)
            .peekable();
        if ways.peek().is_some() && !ways.any(|balance| balance.is_hash()) {
            let message = "nothing comes of it: no cluster of this route balances by hash; give one `balance: ring_hash` \
                           or `balance: maglev`, or leave this key out";
            self.note(format!("{path}.hash"), message);
        }
    }
}
