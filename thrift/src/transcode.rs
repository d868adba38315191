//! A struct from one protocol to another, streamed: each value is read and written at once, and none is kept.
//!
//! What encloses the place that was reached is all that there is in memory, at most 64 levels of it. Every length and count is held against
//! the bytes that are there, and the output against its cap, so neither a count nor the eight bytes that binary makes of a one-byte
//! number can grow anything beyond it.
//!
//! What one protocol has and the other has not:
//!
//! * A compact map of no elements has no types. In binary it gets string for both: readers look at the types of what is there, and these
//!   are the ones that most maps of text have.
//! * The elements of an empty list may be of a type that nobody knows, for some writers put anything there. It becomes string.
//! * A compact number may have more bits than its type. It is cut, as every reader does.
//! * A bool is true in binary if its byte is not 0, and in a compact list if it is 1.

mod binary;
mod compact;

use bytes::{BufMut, BytesMut};
use smallvec::{SmallVec, smallvec};

use crate::types::{MAX_DEPTH, Protocol};
use crate::walk::Broken;

const SHORT: Broken = Broken::Malformed("a message that breaks off");
const DEEP: Broken = Broken::Malformed("more than 64 levels of nesting");

/// Rewrites the struct at the start of `src` and gives its length there. At most `cap` bytes are added to `out`.
///
/// # Errors
///
/// [`Broken::TooLong`] if the cap is reached, [`Broken::Malformed`] if there is no struct. `out` holds a part of it then.
pub(crate) fn transcode(
    from: Protocol,
    src: &[u8],
    to: Protocol,
    out: &mut BytesMut,
    cap: usize,
) -> Result<usize, Broken> {
    let mut cursor = Cursor { src, at: 0 };
    let out = &mut Out {
        left: cap,
        bytes: out,
    };
    let is_compact = |protocol| protocol == Protocol::Compact;
    match (is_compact(from), is_compact(to)) {
        (false, true) => run(binary::Source(&mut cursor), compact::Sink(out)),
        (true, false) => run(compact::Source(&mut cursor), binary::Sink(out)),
        // These two put lengths, ids and bools in the one form that there is for each; no message needs it.
        (true, true) => run(compact::Source(&mut cursor), compact::Sink(out)),
        (false, false) => run(binary::Source(&mut cursor), binary::Sink(out)),
    }?;
    Ok(cursor.at)
}

/// What a value is, whatever protocol it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    /// Text or bytes.
    String,
    Uuid,
    Struct,
    Map,
    Set,
    List,
}

/// The start of a field.
#[derive(Clone, Copy, Debug)]
struct Field {
    of: Type,
    id: i16,
    /// The value of a bool.
    is_true: bool,
}

/// A protocol to be read.
trait Source<'a> {
    /// The next field, behind that of id `last`; None at the end of its struct.
    fn field(&mut self, last: i16) -> Result<Option<Field>, Broken>;
    /// The type and number of a list's or a set's elements.
    fn list(&mut self) -> Result<(Type, u32), Broken>;
    /// The types of a map's keys and values, and how many pairs there are.
    fn map(&mut self) -> Result<(Type, Type, u32), Broken>;
    /// A bool within a list or a map.
    fn element(&mut self) -> Result<bool, Broken>;
    /// A number of 16, 32 or 64 bits.
    fn number(&mut self, of: Type) -> Result<i64, Broken>;
    /// The bits of a double.
    fn double(&mut self) -> Result<u64, Broken>;
    /// Text or bytes.
    fn string(&mut self) -> Result<&'a [u8], Broken>;
    /// So many bytes that are the same in every protocol.
    fn raw(&mut self, len: usize) -> Result<&'a [u8], Broken>;
}

/// A protocol to be written; the counterpart of [`Source`].
trait Sink {
    fn field(&mut self, field: Field, last: i16) -> Result<(), Broken>;
    fn end(&mut self) -> Result<(), Broken>;
    fn list(&mut self, of: Type, count: u32) -> Result<(), Broken>;
    fn map(&mut self, key: Type, value: Type, count: u32) -> Result<(), Broken>;
    fn element(&mut self, is_true: bool) -> Result<(), Broken>;
    fn number(&mut self, of: Type, value: i64) -> Result<(), Broken>;
    fn double(&mut self, bits: u64) -> Result<(), Broken>;
    fn string(&mut self, bytes: &[u8]) -> Result<(), Broken>;
    fn raw(&mut self, bytes: &[u8]) -> Result<(), Broken>;
}

/// What encloses the place that was reached.
#[derive(Clone, Copy, Debug)]
enum Level {
    /// The id of the last field, from which compact counts.
    Struct { last: i16 },
    /// Keys and values, or elements of which the types are the same, that are still to come.
    Elements { key: Type, value: Type, left: u32 },
}

fn run<'a>(mut from: impl Source<'a>, mut to: impl Sink) -> Result<(), Broken> {
    let mut levels: SmallVec<[Level; 16]> = smallvec![Level::Struct { last: 0 }];
    while let Some(level) = levels.last_mut() {
        let of = match level {
            Level::Struct { last } => {
                let Some(field) = from.field(*last)? else {
                    to.end()?;
                    levels.pop();
                    continue;
                };
                to.field(field, *last)?;
                *last = field.id;
                if field.of == Type::Bool {
                    continue;
                }
                field.of
            }
            Level::Elements { left: 0, .. } => {
                levels.pop();
                continue;
            }
            Level::Elements { key, value, left } => {
                let of = if *left % 2 == 0 { *key } else { *value };
                *left -= 1;
                of
            }
        };
        let next = match of {
            Type::Struct | Type::List | Type::Set | Type::Map if levels.len() >= MAX_DEPTH => {
                return Err(DEEP);
            }
            Type::Struct => Level::Struct { last: 0 },
            Type::List | Type::Set => {
                let (of, count) = from.list()?;
                to.list(of, count)?;
                if !matches!(of, Type::Struct | Type::List | Type::Set | Type::Map) {
                    scalars(&mut from, &mut to, of, count)?;
                    continue;
                }
                Level::Elements {
                    key: of,
                    value: of,
                    left: count,
                }
            }
            Type::Map => {
                let (key, value, count) = from.map()?;
                to.map(key, value, count)?;
                Level::Elements {
                    key,
                    value,
                    // A count is at most i32::MAX.
                    left: count.saturating_mul(2),
                }
            }
            of => {
                scalars(&mut from, &mut to, of, 1)?;
                continue;
            }
        };
        levels.push(next);
    }
    Ok(())
}

/// So many values of a type that nests nothing.
fn scalars<'a>(
    from: &mut impl Source<'a>,
    to: &mut impl Sink,
    of: Type,
    count: u32,
) -> Result<(), Broken> {
    let width = match of {
        Type::I8 => 1,
        Type::Uuid => 16,
        _ => {
            // Each takes a byte at least, so the bytes that are there bound the rounds.
            for _ in 0..count {
                match of {
                    Type::Bool => to.element(from.element()?)?,
                    Type::Double => to.double(from.double()?)?,
                    Type::String => to.string(from.string()?)?,
                    _ => to.number(of, from.number(of)?)?,
                }
            }
            return Ok(());
        }
    };
    let len = usize::try_from(u64::from(count) * width).map_err(|_| SHORT)?;
    to.raw(from.raw(len)?)
}

/// Bytes to be read.
struct Cursor<'a> {
    src: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Broken> {
        let rest = self.src.get(self.at..).unwrap_or_default();
        let taken = rest.get(..len).ok_or(SHORT)?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let rest = self.src.get(self.at..).unwrap_or_default();
        let taken = rest.first_chunk().ok_or(SHORT)?;
        self.at += N;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        self.array().map(|[byte]| byte)
    }
}

/// Bytes written, up to a cap.
struct Out<'a> {
    bytes: &'a mut BytesMut,
    left: usize,
}

impl Out<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(Broken::TooLong)?;
        self.bytes.put_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
