//! Which protocol speaks: judged from the first bytes of a connection.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detected<P> {
    /// This one.
    Protocol(P),
    /// Wait for more bytes.
    More,
    /// None of them, whatever follows.
    Unknown,
}

/// Sums up what each candidate in order says of a prefix of this length: the first match wins, since the protocols'
/// first bytes partition. Answers the place of the candidate.
pub fn detect(verdicts: impl IntoIterator<Item = Sniff>, length: usize) -> Detected<usize> {
    let mut undecided = false;
    for (place, verdict) in verdicts.into_iter().enumerate() {
        match verdict {
            Sniff::Match => return Detected::Protocol(place),
            Sniff::More => undecided = true,
            Sniff::Never => {}
        }
    }
    if undecided && length < MAX_PREFIX {
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
        let ask = |prefix: &[u8]| detect([ab(prefix), ac(prefix)], prefix.len());
        assert_eq!(ask(b""), Detected::More);
        assert_eq!(ask(b"a"), Detected::More);
        assert_eq!(ask(b"x"), Detected::Unknown);
        assert_eq!(ask(b"ad"), Detected::Unknown);
        assert_eq!(ask(b"acc"), Detected::Protocol(1));
    }

    #[test]
    fn a_prefix_that_never_decides_is_unknown_in_the_end() {
        assert_eq!(detect([Sniff::More], MAX_PREFIX - 1), Detected::More);
        assert_eq!(detect([Sniff::More], MAX_PREFIX), Detected::Unknown);
    }
}
