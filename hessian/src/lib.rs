//! Hessian 2: the value serialization inside Dubbo and SOFA Bolt messages.
//!
//! Two layers, and a proxy's request path uses only the first one:
//!
//! * [`Reader`] walks over values in place: it reads the strings and ints that routing wants, skips
//!   everything else, builds nothing and (in the ordinary case) allocates nothing.
//! * [`Value`] with [`Decoder`], [`Encoder`] and [`json`] is for people and tools: the command line,
//!   the demo, tests and conformance peers.
//!
//! [`strings`] writes the few values a proxy puts on the wire itself, [`descriptor`] counts and splits
//! the JVM type descriptors in which Dubbo states the number of a call's arguments.
//!
//! # Dialects
//!
//! The bytes do not say which dialect they are in; the protocol around them does.
//!
//! * [`Dialect::Final`]: the published Hessian 2.0: Dubbo's hessian-lite, sofa-hessian 4.x, hessian.js 2.x.
//! * [`Dialect::Draft`]: what hessian libraries 3.x write: sofa-hessian 3.x (SOFARPC's default for codec
//!   id 1), hessian.js 1.x, sofa-bolt-node.
//!
//! # Tags
//!
//! Sources: `Hessian2Constants`, `Hessian2Input` and `Hessian2Output` of apache/dubbo-hessian-lite 4.x
//! and of sofastack/sofa-hessian 3.x; hessian.js 2.11.0 and 1.12.2. Every row is exercised by bytes that
//! these encoders wrote (`vectors/`), except the draft's four-byte reference (†), which takes 65536 lists.
//! Numbers are big endian. `int` in a row is any of the int forms.
//!
//! ## Both dialects
//!
//! | tag | value |
//! |---|---|
//! | `00-1f` | string of tag UTF-16 units |
//! | `20-2f` | binary of tag-0x20 bytes |
//! | `38-3f` | long ((tag-0x3c)<<16)+u16 |
//! | `42` B | binary, last chunk, u16 bytes |
//! | `44` D | double, 8 bytes |
//! | `46` F, `54` T, `4e` N | false, true, null |
//! | `49` I | int, 4 bytes |
//! | `4c` L | long, 8 bytes |
//! | `53` S | string, last chunk, u16 units |
//! | `80-bf` | int tag-0x90 |
//! | `c0-cf` | int ((tag-0xc8)<<8)+u8 |
//! | `d0-d7` | int ((tag-0xd4)<<16)+u16 |
//! | `d8-ef` | long tag-0xe0 |
//! | `f0-ff` | long ((tag-0xf8)<<8)+u8 |
//!
//! ## Final only
//!
//! | tag | value |
//! |---|---|
//! | `30-33` | string of ((tag-0x30)<<8)+u8 units |
//! | `34-37` | binary of ((tag-0x34)<<8)+u8 bytes |
//! | `41` A | binary, chunk with more to come, u16 bytes |
//! | `43` C | class definition: name, int n, n field names; a value follows at the same position |
//! | `48` H | untyped map: pairs up to `Z` |
//! | `4a`, `4b` | date: i64 milliseconds, i32 minutes |
//! | `4d` M | typed map: type, pairs up to `Z` |
//! | `4f` O, `60-6f` | object of class int, of class tag-0x60: the field values |
//! | `51` Q | reference to the int-th list, map or object |
//! | `52` R | string, chunk with more to come, u16 units |
//! | `55` U, `57` W | list up to `Z`, typed, untyped |
//! | `56` V, `58` X | list of int values, typed, untyped |
//! | `59` Y | long from i32 |
//! | `5a` Z | end of a map or of a list without a length |
//! | `5b`, `5c` | double 0, 1 |
//! | `5d`, `5e` | double from i8, from i16 |
//! | `5f` | double, i32 thousandths (not a 32-bit float, whatever old pages say: 12.25 is `5f 00002fda`) |
//! | `70-77`, `78-7f` | list of tag-0x70 values with a type, of tag-0x78 values without |
//!
//! ## Draft only
//!
//! | tag | value |
//! |---|---|
//! | `4a`, `4b`, `52` R † | reference: u8, u16, i32 |
//! | `4d` M | map: perhaps a type, pairs up to `z` |
//! | `4f` O | class definition: int, that many units of name, int n, n field names; a value follows |
//! | `56` V | list: perhaps a type, perhaps a length, values up to `z` |
//! | `62` b | binary, chunk with more to come, u16 bytes |
//! | `64` d | date, i64 milliseconds |
//! | `67`, `68` | double 0, 1 |
//! | `69`, `6a`, `6b` | double from i8, from i16, from a 32-bit float |
//! | `6c` l, `6e` n | in a list: length i32, u8 |
//! | `6f` o | object of class int: the field values |
//! | `73` s | string, chunk with more to come, u16 units |
//! | `74` t, `75` u | in a list or map: type of u16 units, int-th type so far |
//! | `76` v | list: int-th type so far, int n, n values and no end |
//! | `77` w | long from i32 |
//! | `7a` z | end of a map or list |
//!
//! # Strings
//!
//! Lengths count UTF-16 code units, and encoders write each half of a surrogate pair as three bytes
//! (CESU-8): U+1F600 is `02 eda0bd edb880`. Java refuses four-byte sequences, so none is written here; they
//! are read, as two units, because encoders in other languages emit them.

mod cursor;
mod decode;
pub mod descriptor;
mod dialect;
mod encode;
mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod json;
mod limits;
mod reader;
pub mod strings;
mod tags;
mod units;
mod value;

pub use decode::{Decoder, decode_all};
pub use dialect::Dialect;
pub use encode::{Encoder, encode};
pub use error::{Error, Result};
pub use limits::Limits;
pub use reader::{Key, ListWalk, MapWalk, ObjectWalk, Reader, Scalar};
pub use value::{Name, Value};
