//! Which protocol speaks: judged from the first bytes of a connection.

use std::sync::Arc;

/// A protocol's verdict on the first bytes of a connection.
///
/// It is a pure function of the prefix, asked again whenever the prefix grows. `Match` and `Never` are final;
/// `More` must not be answered once the bytes decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sniff {
    /// These bytes start this protocol and no other.
    Match,
    /// No continuation of these bytes is this protocol.
    Never,
    /// Too few bytes to tell.
    More,
}

/// The most bytes that detection looks at. A prefix of this length that is still undecided is unknown.
pub const MAX_PREFIX: usize = 4096;

/// What the candidates of a listener say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detected<P> {
    /// This one.
    Protocol(P),
    /// Wait for more bytes.
    More,
    /// None of them, whatever follows.
    Unknown,
}

/// Asks each candidate in order; the first match wins, since the protocols' first bytes partition.
pub fn detect<P: ?Sized>(
    candidates: &[Arc<P>],
    prefix: &[u8],
    sniff: impl Fn(&P, &[u8]) -> Sniff,
) -> Detected<Arc<P>> {
    let mut undecided = false;
    for candidate in candidates {
        match sniff(candidate, prefix) {
            Sniff::Match => return Detected::Protocol(candidate.clone()),
            Sniff::More => undecided = true,
            Sniff::Never => {}
        }
    }
    if undecided && prefix.len() < MAX_PREFIX {
        Detected::More
    } else {
        Detected::Unknown
    }
}

/// Judges a prefix byte by byte: a match once every test of `pattern` has passed.
pub fn sniff_pattern(pattern: &[fn(u8) -> bool], prefix: &[u8]) -> Sniff {
    for (byte, allowed) in prefix.iter().zip(pattern) {
        if !allowed(*byte) {
            return Sniff::Never;
        }
    }
    if prefix.len() >= pattern.len() {
        Sniff::Match
    } else {
        Sniff::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ab(prefix: &[u8]) -> Sniff {
        sniff_pattern(&[|b| b == b'a', |b| b == b'b'], prefix)
    }
    fn ac(prefix: &[u8]) -> Sniff {
        sniff_pattern(&[|b| b == b'a', |b| b == b'c'], prefix)
    }

    #[test]
    fn decides_as_early_as_the_bytes_do() {
        type Rule = fn(&[u8]) -> Sniff;
        let rules: [Arc<Rule>; 2] = [Arc::new(ab as Rule), Arc::new(ac as Rule)];
        let ask = |prefix: &[u8]| detect(&rules, prefix, |rule, bytes| rule(bytes));
        assert!(matches!(ask(b""), Detected::More));
        assert!(matches!(ask(b"a"), Detected::More));
        assert!(matches!(ask(b"x"), Detected::Unknown));
        assert!(matches!(ask(b"ad"), Detected::Unknown));
        let Detected::Protocol(hit) = ask(b"acc") else {
            panic!("undecided")
        };
        assert!(Arc::ptr_eq(&hit, &rules[1]));
    }
}
