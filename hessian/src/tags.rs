//! What each tag byte starts, per dialect: the tables of the crate documentation as code.

use crate::Dialect;

/// What a tag starts. A number in a name is the bytes that follow the tag; `Last` and `More` tell a final
/// chunk from one with successors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Unknown,
    Null,
    True,
    False,
    Int0,
    Int1,
    Int2,
    Int4,
    Long0,
    Long1,
    Long2,
    Long4,
    Long8,
    DoubleZero,
    DoubleOne,
    DoubleI8,
    DoubleI16,
    DoubleMills,
    DoubleF32,
    Double8,
    DateMillis,
    DateMinutes,
    Ref1,
    Ref2,
    Ref4,
    /// Followed by an int.
    RefInt,
    Str0,
    Str1,
    StrLast,
    StrMore,
    Bin0,
    Bin1,
    BinLast,
    BinMore,
    ClassDef,
    /// The class index is in the tag.
    Object0,
    /// The class index follows as an int.
    ObjectInt,
    /// Untyped, length in the tag.
    List0,
    /// A type, length in the tag.
    TypedList0,
    /// Untyped, int length.
    ListInt,
    /// A type, int length.
    TypedListInt,
    /// Untyped, up to the end tag.
    ListEnd,
    /// A type, up to the end tag.
    TypedListEnd,
    /// Optional type, optional length, up to the end tag.
    DraftList,
    /// Type by int, int length, no end tag.
    DraftListRef,
    /// Untyped pairs up to the end tag.
    Map,
    /// A type, pairs up to the end tag.
    TypedMap,
    /// Optional type, pairs up to the end tag.
    DraftMap,
    End,
}

impl Kind {
    pub(crate) fn of(dialect: Dialect, tag: u8) -> Self {
        match dialect {
            Dialect::Final => Self::of_final(tag),
            Dialect::Draft => Self::of_draft(tag),
        }
    }

    fn of_final(tag: u8) -> Self {
        match tag {
            0x30..=0x33 => Self::Str1,
            0x34..=0x37 => Self::Bin1,
            b'A' => Self::BinMore,
            b'C' => Self::ClassDef,
            b'H' => Self::Map,
            0x4a => Self::DateMillis,
            0x4b => Self::DateMinutes,
            b'M' => Self::TypedMap,
            b'O' => Self::ObjectInt,
            b'Q' => Self::RefInt,
            b'R' => Self::StrMore,
            0x55 => Self::TypedListEnd,
            b'V' => Self::TypedListInt,
            0x57 => Self::ListEnd,
            0x58 => Self::ListInt,
            0x59 => Self::Long4,
            b'Z' => Self::End,
            0x5b => Self::DoubleZero,
            0x5c => Self::DoubleOne,
            0x5d => Self::DoubleI8,
            0x5e => Self::DoubleI16,
            0x5f => Self::DoubleMills,
            0x60..=0x6f => Self::Object0,
            0x70..=0x77 => Self::TypedList0,
            0x78..=0x7f => Self::List0,
            _ => Self::of_both(tag),
        }
    }

    fn of_draft(tag: u8) -> Self {
        match tag {
            0x4a => Self::Ref1,
            0x4b => Self::Ref2,
            b'M' => Self::DraftMap,
            b'O' => Self::ClassDef,
            b'R' => Self::Ref4,
            b'V' => Self::DraftList,
            b'b' => Self::BinMore,
            b'd' => Self::DateMillis,
            0x67 => Self::DoubleZero,
            0x68 => Self::DoubleOne,
            0x69 => Self::DoubleI8,
            0x6a => Self::DoubleI16,
            0x6b => Self::DoubleF32,
            b'o' => Self::ObjectInt,
            b's' => Self::StrMore,
            b'v' => Self::DraftListRef,
            0x77 => Self::Long4,
            b'z' => Self::End,
            _ => Self::of_both(tag),
        }
    }

    fn of_both(tag: u8) -> Self {
        match tag {
            0x00..=0x1f => Self::Str0,
            0x20..=0x2f => Self::Bin0,
            0x38..=0x3f => Self::Long2,
            b'B' => Self::BinLast,
            b'D' => Self::Double8,
            b'F' => Self::False,
            b'T' => Self::True,
            b'N' => Self::Null,
            b'I' => Self::Int4,
            b'L' => Self::Long8,
            b'S' => Self::StrLast,
            0x80..=0xbf => Self::Int0,
            0xc0..=0xcf => Self::Int1,
            0xd0..=0xd7 => Self::Int2,
            0xd8..=0xef => Self::Long0,
            0xf0..=0xff => Self::Long1,
            _ => Self::Unknown,
        }
    }

    /// The bytes behind the tag of a value that has nothing but these; `None` for the others.
    pub(crate) fn payload(self) -> Option<usize> {
        match self {
            Self::Null
            | Self::True
            | Self::False
            | Self::Int0
            | Self::Long0
            | Self::DoubleZero
            | Self::DoubleOne => Some(0),
            Self::Int1 | Self::Long1 | Self::DoubleI8 | Self::Ref1 => Some(1),
            Self::Int2 | Self::Long2 | Self::DoubleI16 | Self::Ref2 => Some(2),
            Self::Int4
            | Self::Long4
            | Self::DoubleMills
            | Self::DoubleF32
            | Self::DateMinutes
            | Self::Ref4 => Some(4),
            Self::Long8 | Self::Double8 | Self::DateMillis => Some(8),
            _ => None,
        }
    }

    pub(crate) fn is_int(self) -> bool {
        matches!(self, Self::Int0 | Self::Int1 | Self::Int2 | Self::Int4)
    }

    pub(crate) fn is_long(self) -> bool {
        matches!(
            self,
            Self::Long0 | Self::Long1 | Self::Long2 | Self::Long4 | Self::Long8
        )
    }

    pub(crate) fn is_double(self) -> bool {
        matches!(
            self,
            Self::DoubleZero
                | Self::DoubleOne
                | Self::DoubleI8
                | Self::DoubleI16
                | Self::DoubleMills
                | Self::DoubleF32
                | Self::Double8
        )
    }

    pub(crate) fn is_date(self) -> bool {
        matches!(self, Self::DateMillis | Self::DateMinutes)
    }

    pub(crate) fn is_string(self) -> bool {
        matches!(
            self,
            Self::Str0 | Self::Str1 | Self::StrLast | Self::StrMore
        )
    }

    pub(crate) fn is_binary(self) -> bool {
        matches!(
            self,
            Self::Bin0 | Self::Bin1 | Self::BinLast | Self::BinMore
        )
    }
}
