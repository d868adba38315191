//! An open container: what it still wants before it is complete.

use crate::cursor::Cursor;
use crate::{Error, Result};

#[derive(Debug, Clone, Copy)]
pub(super) enum Frame {
    /// So many values and no end tag: fixed lists, objects.
    Count(u32),
    /// Values up to the end tag.
    UntilEnd,
    /// So many values and then the end tag: draft lists that state their length.
    CountThenEnd(u32),
    /// Pairs up to the end tag; true between a key and its value.
    Pairs(bool),
}

impl Frame {
    /// Whether another value follows in this container. Consumes the end tag when none does.
    pub(super) fn wants_more(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        match self {
            Self::Count(0) => Ok(false),
            Self::Count(left) => {
                *left -= 1;
                Ok(true)
            }
            Self::UntilEnd => Ok(!cursor.at_end()?),
            Self::CountThenEnd(left) => match (cursor.at_end()?, *left) {
                (true, 0) => Ok(false),
                (false, 1..) => {
                    *left -= 1;
                    Ok(true)
                }
                // Java reads up to the end tag, hessian.js reads the stated number: where they would
                // disagree, neither is followed.
                (true, 1..) | (false, 0) => Err(Error::ListLength { at: cursor.pos() }),
            },
            Self::Pairs(between) if *between => {
                *between = false;
                Ok(true)
            }
            Self::Pairs(between) => {
                let more = !cursor.at_end()?;
                *between = more;
                Ok(more)
            }
        }
    }
}
