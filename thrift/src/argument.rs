//! One value of a call's arguments, for the routes that ask for it: fields are walked over and nothing is built.
//!
//! A compact double is little endian, as Apache's libraries write it.

use std::borrow::Cow;

use wireloom_codecs::{Argument, ArgumentPath, Request};

use crate::fixed::Fixed;
use crate::types::Protocol;
use crate::varint;
use crate::walk::Walker;

/// A type, as the binary protocol numbers them; true and false are types of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Bool,
    Is(bool),
    I8,
    I16,
    I32,
    I64,
    Double,
    Text,
    Struct,
    Other,
}

/// Where a field's value lies.
struct Field {
    /// The type as it is written.
    tag: u8,
    id: i16,
    at: usize,
}

/// The value at `path`, of which none lies behind `budget` bytes of the struct.
pub(crate) fn find<'a>(
    request: &'a Request,
    path: &ArgumentPath,
    budget: usize,
) -> Option<Argument<'a>> {
    let ArgumentPath::Ids(ids) = path else {
        return None;
    };
    let fixed = Fixed::parse(&request.head.wire.fixed)?;
    let body = request.body.whole()?;
    if fixed.sealed {
        return None;
    }
    let src = Fields {
        src: body.get(..budget).unwrap_or(body),
        compact: fixed.dialect.protocol == Protocol::Compact,
        protocol: fixed.dialect.protocol,
    };
    let (last, structs) = ids.split_last()?;
    let mut at = 0;
    for id in structs {
        let field = src.field(at, *id)?;
        if src.of(field.tag) != Of::Struct {
            return None;
        }
        at = field.at;
    }
    src.value(&src.field(at, *last)?)
}

struct Fields<'a> {
    src: &'a [u8],
    compact: bool,
    protocol: Protocol,
}

impl<'a> Fields<'a> {
    /// The field of this id in the struct at `at`.
    fn field(&self, mut at: usize, id: i16) -> Option<Field> {
        let mut before = 0;
        loop {
            let field = self.head(at, before)?;
            if field.id == id {
                return Some(field);
            }
            before = field.id;
            at = match self.of(field.tag) {
                Of::Is(_) => field.at,
                _ => Walker::skip(self.protocol, self.src, field.at, field.tag)?,
            };
        }
    }

    /// The head of the field at `at`; None at the end of the struct. `before` is the id of the field before it.
    fn head(&self, at: usize, before: i16) -> Option<Field> {
        let first = *self.src.get(at).filter(|first| **first != 0)?;
        if !self.compact {
            let id = self.src.get(at + 1..)?.first_chunk()?;
            return Some(Field {
                tag: first,
                id: i16::from_be_bytes(*id),
                at: at + 3,
            });
        }
        let tag = first & 0x0f;
        if first >> 4 != 0 {
            return Some(Field {
                tag,
                id: before.checked_add(i16::from(first >> 4))?,
                at: at + 1,
            });
        }
        let (id, width) = varint::read(self.src, at + 1).ok()??;
        Some(Field {
            tag,
            id: i16::try_from(varint::unzigzag(id)).ok()?,
            at: at + 1 + width,
        })
    }

    fn of(&self, tag: u8) -> Of {
        match (self.compact, tag) {
            (true, 1) => Of::Is(true),
            (true, 2) => Of::Is(false),
            (false, 2) => Of::Bool,
            (_, 3) => Of::I8,
            (true, 4) | (false, 6) => Of::I16,
            (true, 5) | (false, 8) => Of::I32,
            (true, 6) | (false, 10) => Of::I64,
            (true, 7) | (false, 4) => Of::Double,
            (true, 8) | (false, 11) => Of::Text,
            (_, 12) => Of::Struct,
            _ => Of::Other,
        }
    }

    fn value(&self, field: &Field) -> Option<Argument<'a>> {
        let rest = self.src.get(field.at..)?;
        Some(match self.of(field.tag) {
            Of::Is(is) => Argument::Bool(is),
            Of::Bool => Argument::Bool(*rest.first()? != 0),
            Of::I8 => Argument::Int(i8::from_be_bytes(*rest.first_chunk()?).into()),
            Of::I16 | Of::I32 | Of::I64 if self.compact => Argument::Int(zigzag(rest)?),
            Of::I16 => Argument::Int(i16::from_be_bytes(*rest.first_chunk()?).into()),
            Of::I32 => Argument::Int(i32::from_be_bytes(*rest.first_chunk()?).into()),
            Of::I64 => Argument::Int(i64::from_be_bytes(*rest.first_chunk()?)),
            Of::Double if self.compact => {
                Argument::Double(f64::from_le_bytes(*rest.first_chunk()?))
            }
            Of::Double => Argument::Double(f64::from_be_bytes(*rest.first_chunk()?)),
            Of::Text => {
                let (length, at) = match self.compact {
                    true => varint::read(rest, 0).ok()??,
                    false => (u32::from_be_bytes(*rest.first_chunk()?), 4),
                };
                let length = usize::try_from(length).ok()?;
                let text = rest.get(at..)?.get(..length)?;
                Argument::Text(Cow::Borrowed(std::str::from_utf8(text).ok()?))
            }
            Of::Struct | Of::Other => return None,
        })
    }
}

/// The number of up to 64 bits in front.
fn zigzag(bytes: &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use wireloom_codecs::{Body, Kind, Message, ProtocolId, RequestHead, Wire};

    use super::*;
    use crate::types::{Dialect, Transport};

    fn request(protocol: Protocol, hex: &str) -> Request {
        let dialect = Dialect {
            transport: Transport::Framed,
            protocol,
        };
        let fixed = Fixed {
            dialect,
            ..Fixed::default()
        };
        let head = RequestHead {
            protocol: ProtocolId("thrift"),
            kind: Kind::Unary,
            service: "s".into(),
            method: "m".into(),
            fields: Default::default(),
            timeout: None,
            wire: Wire {
                fixed: fixed.to_bytes(),
                ..Wire::default()
            },
            http: None,
        };
        let body = hex::decode(hex.replace(' ', "")).unwrap();
        Message::new(head, Body::Whole(body.into()))
    }

    /// 1: "ann", 2: true, 3: {1: [1, 2], 2: i64 -5, 3: 1.5, 20: i16 300}, 4: i8 7, 5: false.
    fn both() -> [Request; 2] {
        let binary = "0b0001 00000003 616e6e  020002 01  0c0003 0f0001 08 00000002 00000001 00000002 \
                      0a0002 fffffffffffffffb  040003 3ff8000000000000  060014 012c 00  030004 07  020005 00  00";
        let compact = "18 03 616e6e  11  1c 19 25 02 04  16 09  17 000000000000f83f  04 28 d804 00  13 07  12  00";
        [
            request(Protocol::Binary, binary),
            request(Protocol::Compact, compact),
        ]
    }

    #[test]
    fn fields_are_found_by_their_ids() {
        for request in both() {
            let find = |ids: &[i16]| find(&request, &ArgumentPath::Ids(ids.into()), 1 << 10);
            assert_eq!(find(&[1]), Some(Argument::Text("ann".into())));
            assert_eq!(find(&[2]), Some(Argument::Bool(true)));
            assert_eq!(find(&[3, 2]), Some(Argument::Int(-5)));
            assert_eq!(find(&[3, 3]), Some(Argument::Double(1.5)));
            assert_eq!(find(&[3, 20]), Some(Argument::Int(300)));
            assert_eq!(find(&[4]), Some(Argument::Int(7)));
            assert_eq!(find(&[5]), Some(Argument::Bool(false)));
            for none in [
                &[][..],
                &[0],
                &[3],
                &[3, 1],
                &[3, 4],
                &[1, 1],
                &[6],
                &[3, 1, 1],
            ] {
                assert_eq!(find(none), None, "{none:?}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_behind_the_budget_is_not_there() {
        for request in both() {
            let whole = request.body.whole().unwrap().to_vec();
            let path = ArgumentPath::Ids([5].into());
            // The end of the struct is not looked at.
            for budget in 0..whole.len() - 1 {
                assert_eq!(find(&request, &path, budget), None, "{budget}");
            }
            assert_eq!(
                find(&request, &path, whole.len()),
                Some(Argument::Bool(false))
            );
        }
    }
}
