//! Tars, the RPC of Tencent's framework of that name, as a protocol of Wireloom.
//!
//! A packet is `u32 length` (itself included) and the fields of one struct. A field's head is a byte, `tag << 4 | type`; tag 15 means
//! that the tag is the next byte. Integers are as short as their value allows, and 0 has no bytes at all, so a request id takes 1, 2, 3
//! or 5 bytes with its head, and a packet under another id may have another length. The type of tag 5 tells requests from responses.
//!
//! | tag | request | response |
//! |---|---|---|
//! | 1, 2 | version: 1 Tars, 2 and 3 TUP; packet type: 1 one-way | the same |
//! | 3, 4 | message type; **id** | **id**; message type |
//! | 5, 6 | servant; function | `iRet`, an integer; content |
//! | 7, 8 | content; timeout in milliseconds | status map; text of the error |
//! | 9, 10 | context map; status map | context map |

mod codec;
mod packet;
mod speech;
#[cfg(test)]
mod tests;
mod wire;

pub use codec::TarsCodec;
pub use speech::Tars;
