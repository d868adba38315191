//! Parts of a cluster, by metadata.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::Member;
use crate::config::SubsetConfig;

/// Metadata that endpoints must have to be in a part of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subset(Box<[(Arc<str>, Arc<str>)]>);

impl Subset {
    /// From keys and values in any order. Of a key that comes twice the last value counts.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let sorted: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
        Self(
            sorted
                .into_iter()
                .map(|(key, value)| (Arc::from(key), Arc::from(value)))
                .collect(),
        )
    }

    /// True if these are its keys, in any order.
    pub(crate) fn has_keys(&self, keys: &[String]) -> bool {
        self.0.len() == keys.len()
            && self
                .0
                .iter()
                .all(|(key, _)| keys.iter().any(|known| **known == **key))
    }

    /// True if the member has all that it asks for.
    pub(super) fn has(&self, member: &Member) -> bool {
        self.0
            .iter()
            .all(|(key, value)| member.says(key) == Some(value))
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (key, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{key}: {value}")?;
        }
        f.write_str("}")
    }
}

/// The subsets that `config` makes of `members`, with the indexes of those in each.
pub(super) fn subsets<'a>(
    config: &SubsetConfig,
    members: impl Iterator<Item = (usize, &'a Member)> + Clone,
) -> HashMap<Subset, Vec<usize>> {
    let mut subsets: HashMap<Subset, Vec<usize>> = HashMap::new();
    for keys in &config.keys {
        for (index, member) in members.clone() {
            let values = keys.iter().map(|key| Some((&**key, member.says(key)?)));
            if let Some(pairs) = values.collect::<Option<Vec<_>>>() {
                let inside = subsets.entry(Subset::new(pairs)).or_default();
                // Two combinations of the same keys in another order make the same subset.
                if inside.last() != Some(&index) && !inside.contains(&index) {
                    inside.push(index);
                }
            }
        }
    }
    subsets
}
