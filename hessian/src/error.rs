//! What can be wrong with a body.

use crate::Dialect;

/// The result of reading or writing Hessian.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why bytes could not be read as Hessian, or a value not be written as such. `at` is the offset in the
/// body, in bytes.
///
/// All of them are the sender's doing, except [`Error::TooDeep`], [`Error::TooManyElements`],
/// [`Error::TooManyClasses`], [`Error::TooManyBytes`] and [`Error::StringTooLong`], where the message may be
/// legitimate and larger than [`Limits`](crate::Limits) allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body ends inside a value, or where one is due.
    #[error("the hessian body ends at byte {at}, inside a value")]
    Truncated {
        /// Where more was due.
        at: usize,
    },
    /// A byte that starts no value in this dialect.
    #[error(
        "byte {at} of the hessian body, 0x{tag:02x}, starts no value in the {dialect:?} dialect"
    )]
    UnknownTag {
        /// The byte.
        tag: u8,
        /// Its offset.
        at: usize,
        /// The dialect it was read in.
        dialect: Dialect,
    },
    /// A value of another type than the one due.
    #[error("byte {at} of the hessian body should start {expected}, but is 0x{tag:02x}")]
    Expected {
        /// What was due, with its article.
        expected: &'static str,
        /// The tag found.
        tag: u8,
        /// Its offset.
        at: usize,
    },
    /// A string whose bytes are not the UTF-8 that Hessian readers accept.
    #[error("the hessian string has a bad UTF-8 sequence at byte {at}")]
    BadString {
        /// Offset of the sequence.
        at: usize,
    },
    /// A negative count or one that the rest of the body cannot hold.
    #[error("the hessian body claims {count} elements at byte {at}, where {left} bytes are left")]
    BadCount {
        /// The claim.
        count: i64,
        /// Offset behind it.
        at: usize,
        /// Bytes from there to the end.
        left: usize,
    },
    /// A draft list whose stated length is not the number of its values.
    #[error("the hessian list ending at byte {at} does not have as many values as it says")]
    ListLength {
        /// Offset of the mismatch.
        at: usize,
    },
    /// An object of a class that was not defined before it.
    #[error("the hessian object at byte {at} is of class {index}, but {known} classes are defined")]
    UnknownClass {
        /// The class index.
        index: i64,
        /// Classes defined so far.
        known: usize,
        /// Offset of the object.
        at: usize,
    },
    /// A back reference to a type name that was not written before.
    #[error("the hessian type reference at byte {at} is {index}, but {known} types are known")]
    UnknownType {
        /// The type index.
        index: i64,
        /// Types known so far.
        known: usize,
        /// Offset behind the reference.
        at: usize,
    },
    /// A reference to a list, map or object that has not begun before it.
    #[error("the hessian reference at byte {at} is {index}, but {known} containers have begun")]
    BadRef {
        /// The reference.
        index: i64,
        /// Containers begun so far.
        known: usize,
        /// Offset behind the reference (in the output, when writing).
        at: usize,
    },
    /// Nesting beyond [`Limits::depth`](crate::Limits::depth).
    #[error("hessian values nest deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// More values than [`Limits::elements`](crate::Limits::elements).
    #[error("the hessian body has more than {limit} values")]
    TooManyElements {
        /// The limit.
        limit: u64,
    },
    /// More class definitions than [`Limits::classes`](crate::Limits::classes).
    #[error("the hessian body defines more than {limit} classes")]
    TooManyClasses {
        /// The limit.
        limit: usize,
    },
    /// The body goes on behind [`Limits::bytes`](crate::Limits::bytes).
    #[error("the hessian body has not ended after {limit} bytes")]
    TooManyBytes {
        /// The limit.
        limit: usize,
    },
    /// A string that had to be copied is longer than [`Limits::owned_str`](crate::Limits::owned_str).
    #[error("the hessian string at byte {at} is longer than {limit} bytes")]
    StringTooLong {
        /// The limit, in bytes.
        limit: usize,
        /// Offset of the string's tag.
        at: usize,
    },
    /// Something to be written does not fit its length field.
    #[error("{what} has {len} units, more than hessian can state")]
    Unwritable {
        /// What it is.
        what: &'static str,
        /// Its length.
        len: usize,
    },
}
