//! Tars, the RPC of Tencent's framework of that name, as a protocol of Wireloom.
//!
//! A packet is `u32 length` (itself included) and the fields of one struct. A field's head is a byte, `tag << 4 | type`; tag 15 means
//! that the tag is the next byte. Integers are as short as their value allows, and 0 has no bytes at all, so a request id takes 1, 2, 3
//! or 5 bytes with its head, and a packet under another id may have another length.
//!
//! | tag | request | response |
//! |---|---|---|
//! | 1 | version: 1 Tars, 2 and 3 TUP | the same |
//! | 2 | packet type: 1 one-way | the same |
//! | 3 | message type | **id** |
//! | 4 | **id** | message type |
//! | 5 | servant, a string | `iRet`, an integer |
//! | 6 | function | content |
//! | 7 | content | status map |
//! | 8 | timeout in milliseconds | text of the error |
//! | 9 | context map | context map |
//! | 10 | status map | |
//!
//! The type of tag 5 tells the two apart. TUP answers in the form of a request, with `STATUS_RESULT_CODE` in its status map.
//!
//! | file | holds |
//! |---|---|
//! | `wire` | the types, read and written |
//! | `packet` | which bytes of a packet mean what |
//! | `codec` | the hooks |
//! | `status` | `iRet` and what it means; the replies that we make |
//! | `speech` | `call` and `demo` |

mod codec;
mod packet;
mod speech;
mod status;
pub mod wire;

pub use codec::TarsCodec;
pub use speech::Tars;

#[cfg(test)]
mod tests;
