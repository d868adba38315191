//! The header block: pairs of texts, each behind an i32 length.

use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;
use wireloom_codecs::Needs;
use wireloom_codecs::edits::FieldEdits;

/// The target as `interface:version[:uniqueId]`; what plain sofa-bolt, Java and Node clients all send.
pub const SERVICE: &str = "service";
/// The same, as SOFARPC repeats it.
pub const TARGET_SERVICE: &str = "sofa_head_target_service";
/// The method; Node clients send it only where the content is not hessian.
pub const METHOD_NAME: &str = "sofa_head_method_name";
/// `true` on a response whose value is an exception.
pub const RESPONSE_ERROR: &str = "sofa_head_response_error";

const SERVICE_KEY: &[u8] = SERVICE.as_bytes();
const TARGET_SERVICE_KEY: &[u8] = TARGET_SERVICE.as_bytes();
const METHOD_NAME_KEY: &[u8] = METHOD_NAME.as_bytes();
const RESPONSE_ERROR_KEY: &[u8] = RESPONSE_ERROR.as_bytes();

/// A length in a header block that is below -1 or leads past its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header block is broken at byte {at}")]
pub struct BadHeader {
    /// Offset of the length in the block.
    pub at: usize,
}

/// The pairs of a header block, in order. Those with a null are left out, as Java does.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    block: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Pairs<'a> {
    /// The pairs of `block`.
    pub const fn new(block: &'a [u8]) -> Self {
        Self { block, rest: block }
    }

    fn text(&mut self) -> Result<Option<&'a [u8]>, BadHeader> {
        let bad = BadHeader {
            at: self.block.len() - self.rest.len(),
        };
        let (len, rest) = self.rest.split_first_chunk().ok_or(bad)?;
        let len = i32::from_be_bytes(*len);
        if len == -1 {
            self.rest = rest;
            return Ok(None);
        }
        let len = usize::try_from(len).map_err(|_| bad)?;
        let (text, rest) = rest.split_at_checked(len).ok_or(bad)?;
        self.rest = rest;
        Ok(Some(text))
    }

    /// The next pair as it is, nulls included.
    #[expect(clippy::type_complexity, reason = "a pair of two optional texts, once")]
    fn pair(&mut self) -> Result<(Option<&'a [u8]>, Option<&'a [u8]>), BadHeader> {
        Ok((self.text()?, self.text()?))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), BadHeader>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.pair() {
                Ok((Some(key), Some(value))) => return Some(Ok((key, value))),
                Ok(_) => {}
                Err(error) => {
                    self.rest = &[];
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// Adds one pair to a block.
pub fn put_pair(block: &mut impl BufMut, key: &str, value: &str) {
    for text in [key, value] {
        // A block is at most 32767 bytes long, which its owner checks; more is cut off here and not misframed.
        let bytes = text.as_bytes();
        let len = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        block.put_i32(len);
        block.put_slice(bytes.get(..len as usize).unwrap_or_default());
    }
}

/// Why a header block is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Broken(BadHeader),
    TooMany,
}

/// What of a header block anybody reads, as slices of it. Of pairs with one key the last counts.
#[derive(Debug, Default)]
pub(crate) struct Seen<'a> {
    pub(crate) service: Option<&'a [u8]>,
    pub(crate) target_service: Option<&'a [u8]>,
    pub(crate) method: Option<&'a [u8]>,
    pub(crate) response_error: bool,
    /// The pairs that were asked for.
    pub(crate) fields: SmallVec<[(&'a [u8], &'a [u8]); 4]>,
}

/// Goes over the block once.
pub(crate) fn scan<'a>(block: &'a [u8], needs: &Needs, max: usize) -> Result<Seen<'a>, Refused> {
    let mut seen = Seen::default();
    let mut pairs = Pairs::new(block);
    let any = !needs.is_empty();
    let mut left = max;
    while !pairs.rest.is_empty() {
        left = left.checked_sub(1).ok_or(Refused::TooMany)?;
        let (Some(key), Some(value)) = pairs.pair().map_err(Refused::Broken)? else {
            continue;
        };
        match key {
            SERVICE_KEY => seen.service = Some(value),
            TARGET_SERVICE_KEY => seen.target_service = Some(value),
            METHOD_NAME_KEY => seen.method = Some(value),
            RESPONSE_ERROR_KEY => seen.response_error = value == b"true",
            _ => {}
        }
        if any && needs.wants(key) {
            match seen.fields.iter_mut().find(|(name, _)| *name == key) {
                Some(field) => field.1 = value,
                None => seen.fields.push((key, value)),
            }
        }
    }
    Ok(seen)
}

/// Writes the block behind `out` without the pairs that go, and then the new ones. None if it is broken.
pub(crate) fn edit(block: &[u8], edits: &FieldEdits<'_>, out: &mut BytesMut) -> Option<()> {
    let mut pairs = Pairs::new(block);
    let mut copied = 0;
    while !pairs.rest.is_empty() {
        let at = block.len() - pairs.rest.len();
        let (key, _) = pairs.pair().ok()?;
        if key.is_some_and(|key| edits.removes(key)) {
            out.put_slice(block.get(copied..at)?);
            copied = block.len() - pairs.rest.len();
        }
    }
    out.put_slice(block.get(copied..)?);
    for (name, value) in edits.added() {
        put_pair(out, name, value);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(pairs: &[(Option<&str>, Option<&str>)]) -> Vec<u8> {
        let mut block = Vec::new();
        for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
            match text {
                Some(text) => {
                    block.put_i32(text.len() as i32);
                    block.put_slice(text.as_bytes());
                }
                None => block.put_i32(-1),
            }
        }
        block
    }

    #[test]
    fn nulls_drop_their_pair_and_only_that() {
        let block = block(&[
            (Some("service"), Some("first")),
            (None, Some("service")),
            (Some("service"), None),
            (None, None),
            (Some("a"), Some("")),
        ]);
        let pairs: Result<Vec<_>, _> = Pairs::new(&block).collect();
        assert_eq!(
            pairs.unwrap(),
            [(&b"service"[..], &b"first"[..]), (b"a", b"")]
        );
        let seen = scan(&block, &Needs::NOTHING, 5).unwrap();
        assert_eq!(seen.service, Some(&b"first"[..]));
    }

    #[test]
    fn the_last_of_equal_keys_counts_everywhere() {
        let block = block(&[
            (Some("service"), Some("first")),
            (Some("k"), Some("1")),
            (Some("service"), Some("last")),
            (Some("k"), Some("2")),
        ]);
        let seen = scan(&block, &Needs::fields(["k", "service"]), 4).unwrap();
        assert_eq!(seen.service, Some(&b"last"[..]));
        assert_eq!(
            seen.fields.as_slice(),
            [(&b"service"[..], &b"last"[..]), (b"k", b"2")]
        );
        assert_eq!(
            scan(&block, &Needs::NOTHING, 3).unwrap_err(),
            Refused::TooMany
        );
    }

    #[test]
    fn broken_blocks_say_where() {
        let cases: [(&[u8], usize); 6] = [
            (&[0], 0),
            (&[0, 0, 0, 1], 0),
            (&[0, 0, 0, 1, b'k'], 5),
            (&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xfb], 4),
            (&[0x80, 0, 0, 0, 0, 0, 0, 0], 0),
            (&[0x7f, 0xff, 0xff, 0xff, 1, 2, 3], 0),
        ];
        for (block, at) in cases {
            let bad = BadHeader { at };
            assert_eq!(Pairs::new(block).last(), Some(Err(bad)), "{block:?}");
            let refused = scan(block, &Needs::NOTHING, 9).unwrap_err();
            assert_eq!(refused, Refused::Broken(bad));
        }
    }

    #[test]
    fn what_is_put_is_read() {
        let mut block = Vec::new();
        put_pair(&mut block, "k", "välue");
        put_pair(&mut block, "", "");
        let pairs: Result<Vec<_>, _> = Pairs::new(&block).collect();
        assert_eq!(
            pairs.unwrap(),
            [(&b"k"[..], "välue".as_bytes()), (b"", b"")]
        );
    }
}
