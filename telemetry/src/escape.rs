//! What a peer sent, made fit to print.

use std::fmt;

/// Bytes from a peer, displayed so that they can neither break a line nor move a terminal's cursor, and cut to a
/// length. See [`escaped`].
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a> {
    bytes: &'a [u8],
    max: usize,
}

/// Displays `bytes` as ASCII, everything else as `\n`, `\x1b` and the like, and no more than `max` of them.
pub fn escaped(bytes: &[u8], max: usize) -> Escaped<'_> {
    Escaped { bytes, max }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.bytes.get(..self.max).unwrap_or(self.bytes);
        write!(f, "{}", shown.escape_ascii())?;
        let rest = self.bytes.len() - shown.len();
        if rest > 0 {
            write!(f, "… ({rest} more bytes)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_peer_sends_reaches_the_terminal() {
        let evil = b"GET /\r\n\x1b[2J\0\xff\"";
        assert_eq!(
            escaped(evil, 100).to_string(),
            r#"GET /\r\n\x1b[2J\x00\xff\""#
        );
        assert_eq!(escaped(b"abcdef", 4).to_string(), "abcd… (2 more bytes)");
        assert_eq!(escaped(b"abcd", 4).to_string(), "abcd");
        assert_eq!(escaped(b"", 0).to_string(), "");
    }
}
