//! Finds the end of a struct without building anything: [`Walker`].
//!
//! It takes what bytes there are, stops where they end, and goes on from there when more have come: no byte is looked at
//! twice but the few of a length that was cut. Of the data it keeps nothing; of the structure it keeps what
//! encloses the place it has reached. What an announced count would take at least is held against what may still come, so
//! a count costs nothing.
//!
//! # Binary
//!
//! A field is a type byte and an id i16; type 0 ends the struct. 2 bool, 3 i8 (1 byte each), 6 i16, 8 i32, 4 double, 10 i64, 16 uuid (2, 4,
//! 8, 8, 16), 11 string (i32 length), 12 struct, 13 map (two types, i32 count), 14 set and 15 list (a type, i32 count).
//!
//! # Compact
//!
//! A field is one byte, id delta × 16 + type, with the id as a varint behind it if the delta is 0; the byte 0 ends the struct. 1 and 2 are
//! true and false (no byte as a field, one as an element), 3 i8, 4 to 6 varints, 7 double, 8 binary (varint length),
//! 9 list and 10 set (count × 16 + type, the count as a varint behind it if it is 15 or more), 11 map (varint count, then both types in
//! one byte unless the count is 0), 12 struct, 13 uuid.

use smallvec::SmallVec;

use crate::head::word;
use crate::types::{MAX_DEPTH, Protocol};
use crate::varint;

/// Why there is no end to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It would lie behind the limit, whatever comes.
    TooLong,
    /// These bytes are no struct.
    Malformed(&'static str),
}

pub(crate) const NEGATIVE: Broken = Broken::Malformed("a negative length or count");
pub(crate) const TYPE: Broken = Broken::Malformed("an unknown field type");
const DEEP: Broken = Broken::Malformed("more than 64 levels of nesting");
pub(crate) const VARINT: Broken = Broken::Malformed("a varint that does not end");

/// What encloses the place that was reached.
#[derive(Clone, Copy, Debug)]
enum Level {
    Struct,
    /// Elements of one type that are still to come.
    List {
        of: u8,
        left: u32,
    },
    /// Keys and values that are still to come, counted together.
    Map {
        key: u8,
        value: u8,
        left: u32,
    },
    /// Numbers that are still to come, and bytes of the one under way.
    Varints {
        left: u32,
        run: u8,
        max: u8,
    },
}

/// A walk over one struct.
#[derive(Clone, Debug, Default)]
pub struct Walker {
    protocol: Protocol,
    at: usize,
    /// Bytes behind `at` that hold no structure.
    skip: usize,
    levels: SmallVec<[Level; 8]>,
    /// Values begun and number bytes looked at.
    #[cfg(test)]
    steps: usize,
}

/// What one value takes.
enum Size {
    /// So many bytes, whatever they are.
    Fixed(usize),
    /// A number of at most so many bytes.
    Varint(u8),
    /// A length, a count or a field to be read.
    Open,
}

impl Walker {
    /// A walk that starts at offset `at`.
    pub fn new(protocol: Protocol, at: usize) -> Self {
        let mut levels = SmallVec::new();
        levels.push(Level::Struct);
        Self {
            protocol,
            at,
            skip: 0,
            levels,
            #[cfg(test)]
            steps: 0,
        }
    }

    /// The offset behind the value of type `of` at `at`. None if it is not all there, or no value.
    pub fn skip(protocol: Protocol, src: &[u8], at: usize, of: u8) -> Option<usize> {
        let mut walker = Self::new(protocol, at);
        // Nothing encloses it.
        walker.levels.clear();
        let limit = src.len().checked_add(1)?;
        let begun = walker.value(src, limit, of, 0).ok()?;
        match begun {
            true => walker.walk(src, limit).ok()?,
            false => None,
        }
    }

    /// Goes on over `src`, which holds all bytes since the beginning and perhaps more than last time. Gives the offset behind
    /// the struct, or None if it has not come to it yet. No end lies behind `limit`.
    pub fn walk(&mut self, src: &[u8], limit: usize) -> Result<Option<usize>, Broken> {
        let src = src.get(..limit).unwrap_or(src);
        loop {
            #[cfg(test)]
            {
                self.steps += 1;
            }
            let there = src.len().saturating_sub(self.at);
            if self.skip > there {
                // As far as it goes, so that the offset never runs ahead of the bytes.
                self.skip -= there;
                self.at += there;
                break;
            }
            self.at += self.skip;
            self.skip = 0;
            let Some(level) = self.levels.last().copied() else {
                return Ok(Some(self.at));
            };
            let done = match level {
                Level::Struct => self.field(src, limit)?,
                Level::List { left: 0, .. }
                | Level::Map { left: 0, .. }
                | Level::Varints { left: 0, .. } => {
                    self.levels.pop();
                    true
                }
                Level::List { of, left } => {
                    self.element(src, limit, of, Level::List { of, left: left - 1 })?
                }
                Level::Map { key, value, left } => {
                    let of = if left % 2 == 0 { key } else { value };
                    let left = left - 1;
                    self.element(src, limit, of, Level::Map { key, value, left })?
                }
                Level::Varints { left, run, max } => self.varints(src, left, run, max)?,
            };
            if !done {
                break;
            }
        }
        // A verdict must not depend on how the bytes were cut, so only what lies before the limit counts.
        if src.len() >= limit {
            return Err(Broken::TooLong);
        }
        Ok(None)
    }

    /// The next field of a struct. False if it has not come yet; then nothing has changed.
    fn field(&mut self, src: &[u8], limit: usize) -> Result<bool, Broken> {
        let Some(&first) = src.get(self.at) else {
            return Ok(false);
        };
        if first == 0 {
            self.at += 1;
            self.levels.pop();
            return Ok(true);
        }
        if self.protocol != Protocol::Compact {
            return self.value(src, limit, first, 3);
        }
        let of = first & 0x0f;
        let mut head = 1;
        if first >> 4 == 0 {
            let Some((_, width)) = varint::read(src, self.at + 1).map_err(|_| VARINT)? else {
                return Ok(false);
            };
            head += width;
        }
        if matches!(of, 1 | 2) {
            // The type is the value.
            self.at += head;
            return Ok(true);
        }
        self.value(src, limit, of, head)
    }

    /// The next element of what `level` says, which is what encloses the place behind it.
    fn element(&mut self, src: &[u8], limit: usize, of: u8, level: Level) -> Result<bool, Broken> {
        let depth = self.levels.len();
        let done = self.value(src, limit, of, 0)?;
        if done && let Some(last) = depth.checked_sub(1).and_then(|at| self.levels.get_mut(at)) {
            *last = level;
        }
        Ok(done)
    }

    /// A value of type `of`, `head` bytes from here.
    fn value(&mut self, src: &[u8], limit: usize, of: u8, head: usize) -> Result<bool, Broken> {
        let at = self.at + head;
        let (at, skip) = match self.size(of)? {
            Size::Fixed(len) => (at, len),
            Size::Varint(max) => {
                self.at = at;
                self.push(Level::Varints {
                    left: 1,
                    run: 0,
                    max,
                })?;
                return Ok(true);
            }
            Size::Open => match (self.protocol, of) {
                (Protocol::Compact, 8) | (Protocol::Binary | Protocol::BinaryNonStrict, 11) => {
                    let Some((len, at)) = self.count(src, at)? else {
                        return Ok(false);
                    };
                    (at, len as usize)
                }
                (_, 12) => {
                    self.push(Level::Struct)?;
                    (at, 0)
                }
                (Protocol::Compact, 11) | (Protocol::Binary | Protocol::BinaryNonStrict, 13) => {
                    return self.map(src, limit, at);
                }
                _ => return self.list(src, limit, at),
            },
        };
        if skip > limit.saturating_sub(at) {
            return Err(Broken::TooLong);
        }
        self.at = at;
        self.skip = skip;
        Ok(true)
    }

    fn list(&mut self, src: &[u8], limit: usize, at: usize) -> Result<bool, Broken> {
        let Some(&first) = src.get(at) else {
            return Ok(false);
        };
        let (of, count, at) = if self.protocol != Protocol::Compact {
            let Some((count, at)) = self.count(src, at + 1)? else {
                return Ok(false);
            };
            (first, count, at)
        } else if first >> 4 == 15 {
            let Some((count, at)) = self.count(src, at + 1)? else {
                return Ok(false);
            };
            (first & 0x0f, count, at)
        } else {
            (first & 0x0f, u32::from(first >> 4), at + 1)
        };
        let level = Level::List { of, left: count };
        self.elements(limit, at, count, &[of], level)
    }

    fn map(&mut self, src: &[u8], limit: usize, at: usize) -> Result<bool, Broken> {
        let (key, value, count, at) = if self.protocol != Protocol::Compact {
            let (Some(&key), Some(&value)) = (src.get(at), src.get(at + 1)) else {
                return Ok(false);
            };
            let Some((count, at)) = self.count(src, at + 2)? else {
                return Ok(false);
            };
            (key, value, count, at)
        } else {
            let Some((count, at)) = self.count(src, at)? else {
                return Ok(false);
            };
            if count == 0 {
                (0, 0, 0, at)
            } else {
                let Some(&types) = src.get(at) else {
                    return Ok(false);
                };
                (types >> 4, types & 0x0f, count, at + 1)
            }
        };
        let level = Level::Map {
            key,
            value,
            // A count is at most i32::MAX.
            left: count.saturating_mul(2),
        };
        self.elements(limit, at, count, &[key, value], level)
    }

    /// `count` elements of the types in turn, from `at` on.
    fn elements(
        &mut self,
        limit: usize,
        at: usize,
        count: u32,
        types: &[u8],
        level: Level,
    ) -> Result<bool, Broken> {
        if self.levels.len() >= MAX_DEPTH {
            return Err(DEEP);
        }
        self.at = at;
        if count == 0 {
            // Writers put anything for the types of nothing.
            return Ok(true);
        }
        // What each takes at least, and all of what is of fixed size.
        let (mut least, mut fixed) = (0usize, true);
        let mut varint = None;
        for of in types {
            match self.size(*of)? {
                Size::Fixed(len) => least += len,
                Size::Varint(max) => {
                    least += 1;
                    fixed = false;
                    varint = Some(max);
                }
                Size::Open => {
                    least += match (self.protocol, *of) {
                        (Protocol::Binary | Protocol::BinaryNonStrict, 11) => 4,
                        (Protocol::Binary | Protocol::BinaryNonStrict, 13) => 6,
                        (Protocol::Binary | Protocol::BinaryNonStrict, 14 | 15) => 5,
                        _ => 1,
                    };
                    fixed = false;
                }
            }
        }
        let all = least as u64 * u64::from(count);
        if all > limit.saturating_sub(at) as u64 {
            return Err(Broken::TooLong);
        }
        if fixed {
            // Within the limit, so it fits.
            self.skip = usize::try_from(all).unwrap_or(usize::MAX);
            return Ok(true);
        }
        self.push(match (types, varint) {
            ([_], Some(max)) => Level::Varints {
                left: count,
                run: 0,
                max,
            },
            _ => level,
        })?;
        Ok(true)
    }

    /// Numbers one after the other: the bytes without a high bit are counted.
    fn varints(&mut self, src: &[u8], left: u32, run: u8, max: u8) -> Result<bool, Broken> {
        let (mut left, mut run) = (left, run);
        let mut taken = 0;
        for byte in src.get(self.at..).unwrap_or_default() {
            taken += 1;
            if byte & 0x80 == 0 {
                run = 0;
                left -= 1;
                if left == 0 {
                    break;
                }
            } else {
                run += 1;
                if run >= max {
                    return Err(VARINT);
                }
            }
        }
        self.at += taken;
        #[cfg(test)]
        {
            self.steps += taken;
        }
        if let Some(last) = self.levels.last_mut() {
            *last = Level::Varints { left, run, max };
        }
        Ok(left == 0)
    }

    /// A length or a count at `at`, and the offset behind it.
    fn count(&self, src: &[u8], at: usize) -> Result<Option<(u32, usize)>, Broken> {
        let read = if self.protocol == Protocol::Compact {
            let read = varint::read(src, at).map_err(|_| VARINT)?;
            read.map(|(count, width)| (count, at + width))
        } else {
            word(src, at).map(|count| (count, at + 4))
        };
        match read {
            Some((count, _)) if count > i32::MAX as u32 => Err(NEGATIVE),
            read => Ok(read),
        }
    }

    fn push(&mut self, level: Level) -> Result<(), Broken> {
        // A number on its own nests nothing; its level is gone with it.
        if self.levels.len() >= MAX_DEPTH && !matches!(level, Level::Varints { .. }) {
            return Err(DEEP);
        }
        self.levels.push(level);
        Ok(())
    }

    fn size(&self, of: u8) -> Result<Size, Broken> {
        Ok(if self.protocol == Protocol::Compact {
            match of {
                1..=3 => Size::Fixed(1),
                // Readers take five bytes of any number up to 32 bits.
                4 | 5 => Size::Varint(5),
                6 => Size::Varint(10),
                7 => Size::Fixed(8),
                13 => Size::Fixed(16),
                8..=12 => Size::Open,
                _ => return Err(TYPE),
            }
        } else {
            match of {
                2 | 3 => Size::Fixed(1),
                6 => Size::Fixed(2),
                8 => Size::Fixed(4),
                4 | 10 => Size::Fixed(8),
                16 => Size::Fixed(16),
                11..=15 => Size::Open,
                _ => return Err(TYPE),
            }
        })
    }
}

#[cfg(test)]
mod tests;
