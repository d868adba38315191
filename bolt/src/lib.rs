//! SOFA Bolt, versions 1 and 2, as one [`Codec`](wireloom_codecs::Codec): [`BoltCodec`].
//!
//! # Frames
//!
//! Big endian. A frame is a fixed head, the class name, the header block, the content, and perhaps a CRC.
//! Sources: sofa-bolt 1.6.12 `RpcCommandEncoder`, `RpcCommandEncoderV2` and their decoders.
//!
//! | v1 | v2 | length | field |
//! |---|---|---|---|
//! | 0 | 0 | 1 | protocol: 1 or 2 |
//! | - | 1 | 1 | ver1: 1, or 2 which may have a CRC |
//! | 1 | 2 | 1 | type: 0 response, 1 request, 2 one-way request |
//! | 2 | 3 | 2 | command: 0 heartbeat, 1 request, 2 response, 100 goaway (MOSN only) |
//! | 4 | 5 | 1 | ver2: 1 |
//! | 5 | 6 | 4 | request id |
//! | 9 | 10 | 1 | codec of class name and content: 1 hessian, 11 protobuf, 12 json, … |
//! | - | 11 | 1 | switch: bit 0 is "CRC" |
//! | 10 | 12 | 4 or 2 | a request's timeout in ms (i32), a response's status (u16) |
//! | 14/12 | 16/14 | 2 | class name length, at most 32767: Java reads it signed |
//! | 16/14 | 18/16 | 2 | header block length, at most 32767 |
//! | 18/16 | 20/18 | 4 | content length (i32) |
//! | 22/20 | 24/22 | | class name, header block, content |
//!
//! The CRC-32 (IEEE) of everything before it follows iff ver1 is 2 **and** switch bit 0 is set. It covers the
//! request id, so it is computed anew when the id is rewritten.
//!
//! The version is a property of each frame and not of the connection. Java however answers every request in
//! the version of the connection's first frame, so a proxy that shares one upstream connection gets v2
//! answers to v1 requests; [`BoltCodec`] rewrites the head of those for a client that never spoke v2.
//!
//! # Header block
//!
//! Pairs of key and value, each an i32 length and UTF-8 bytes; length -1 is null, and a pair with a null counts as
//! absent. Of two pairs with one key the later counts, as in Java. See [`header`].
//!
//! # What routing reads
//!
//! The service is header `service`, else `sofa_head_target_service`, else the content's
//! `targetServiceUniqueName`, in the form `interface:version[:uniqueId]`; the service is the interface, and the rest are the
//! fields `version` and `group`. The method is header `sofa_head_method_name`, else the content's `methodName`
//! ([`sofa`]). A request of plain sofa-bolt names neither; its service is the class name.
//!
//! # What is refused
//!
//! | what | then |
//! |---|---|
//! | unknown protocol or type byte | the connection ends: no frame can be found any more |
//! | negative content length, a class name or header block over 32767, ver1 other than 1 and 2, a switch over 127 | status 9, then the connection ends: peers disagree where such a frame ends |
//! | a frame or header block over the limits | status 9 at once; the rest is dropped as it comes, up to [`BoltConfig::discard`], else the connection ends |
//! | wrong CRC, ver2 other than 1, unknown command, broken header block, broken `SofaRequest` that has to be read | status 9, and the connection goes on |
//!
//! # Statuses
//!
//! | status | name | class |
//! |---|---|---|
//! | 0 | SUCCESS | success; application error if header `sofa_head_response_error` is `true` |
//! | 1, 3, 5 | ERROR, UNKNOWN, ERROR_COMM | server error |
//! | 2 | SERVER_EXCEPTION | server error: the processor threw, where a service's own exception is a SUCCESS |
//! | 4 | SERVER_THREADPOOL_BUSY | overloaded |
//! | 6 | NO_PROCESSOR | refused |
//! | 7 | TIMEOUT | timeout |
//! | 8, 0x10 | CLIENT_SEND_ERROR, CONNECTION_CLOSED | unavailable |
//! | 9 | CODEC_EXCEPTION | client error |
//! | 0x11, 0x12 | SERVER_SERIAL_EXCEPTION, SERVER_DESERIAL_EXCEPTION | server error |
//! | others | | server error; forwarded as they came, though a Java client closes the connection on them |

mod argument;
mod codec;
mod config;
mod control;
mod decode;
mod edits;
mod encode;
mod error_reply;
#[doc(hidden)]
pub mod fuzz;
pub mod header;
mod names;
mod sniff;
pub mod sofa;
pub mod sofa_value;
#[cfg(test)]
mod tests;
pub mod types;

pub use codec::BoltCodec;
pub use config::BoltConfig;
