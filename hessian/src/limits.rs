//! What a reader is willing to spend on bytes that a peer sent.

/// Bounds of one [`Reader`](crate::Reader) or [`Decoder`](crate::Decoder), over all values it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may be consumed; what lies behind is not looked at. Default: no limit of its own, for
    /// the frame's limit has already bounded the body.
    pub bytes: usize,
    /// Values, nested ones counted. Every value takes at least one byte, so this binds only on bodies
    /// longer than that. Default 16 Mi for skipping; [`Limits::for_values`] lowers it.
    pub elements: u64,
    /// Containers open at once. Default 64. A [`Decoder`](crate::Decoder) takes at most
    /// [`Limits::MAX_VALUE_DEPTH`] whatever this says.
    pub depth: usize,
    /// Class definitions. Default 4096.
    pub classes: usize,
    /// Bytes of a string that has to be copied because it is chunked or not valid UTF-8 (surrogate pairs
    /// are not). Strings that can be borrowed are not bounded by this. Default 4 KiB.
    pub owned_str: usize,
}

impl Limits {
    /// The deepest nesting a [`Decoder`](crate::Decoder) builds: values are dropped, cloned and compared
    /// recursively, so this bounds the stack.
    pub const MAX_VALUE_DEPTH: usize = 128;

    /// The defaults for skipping.
    pub const DEFAULT: Self = Self {
        bytes: usize::MAX,
        elements: 1 << 24,
        depth: 64,
        classes: 4096,
        owned_str: 4096,
    };

    /// The defaults for building [`Value`](crate::Value)s: these cost some 64 bytes per byte at worst, so
    /// 256 Ki values, 16 MiB of input and strings of any length within it.
    pub const fn for_values() -> Self {
        Self {
            bytes: 16 << 20,
            elements: 1 << 18,
            depth: 64,
            classes: 4096,
            owned_str: usize::MAX,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
