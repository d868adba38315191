//! Dubbo's own framing of Thrift, `dubbo-thrift`: strict binary messages under 64-bit request ids, many on a connection.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | length of what follows |
//! | 4 | 2 | `da bc` |
//! | 6 | 4 | length again, from the magic on; nobody reads it |
//! | 10 | 2 | length of the header, from the magic on |
//! | 12 | 1 | version: 1 |
//! | 13 | 4 + n | service: a string with an i32 length |
//! | header - 4 | 8 | request id |
//! | header + 4 | | one message in strict binary, under a seqid that nobody reads |
//!
//! Source: Dubbo 2.x `ThriftCodec`. There are no heartbeats. A failure is a `TApplicationException`, which is read without the service's
//! name; an answer of the proxy's has none. What is around the id leaves as it came.

mod codec;
mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use codec::DubboThriftCodec;

/// The name that configurations, errors and metrics use.
pub(crate) const NAME: &str = "dubbo-thrift";
/// The magic, behind the frame's length.
const MAGIC: [u8; 2] = [0xda, 0xbc];
/// The one version there is.
const VERSION: u8 = 1;
/// Where the service's name begins.
const SERVICE: usize = 13;
/// Bytes of the id.
const ID: usize = 8;
