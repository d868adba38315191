//! Apache Thrift, in every dialect that is in use, as one [`Codec`](wireloom_codecs::Codec): [`ThriftCodec`].
//!
//! # Dialects
//!
//! A dialect is a transport (where a message ends) and a protocol (how it is written). It is a property of a
//! connection: fixed by the first message or by [`ThriftConfig`], and a message of another dialect ends the connection.
//! Sources: Apache Thrift `doc/specs/{thrift-rpc,thrift-binary-protocol,thrift-compact-protocol,HeaderFormat}.md`,
//! `THeaderTransport.py`; Kitex `header_codec.go`, `metakey.go`.
//!
//! | transport | bytes |
//! |---|---|
//! | framed | length i32, one message |
//! | buffered | the message alone; its end is found by walking its struct |
//! | header (THeader) | length i32, `0f ff`, flags u16, seqid i32, words u16, header of 4 × words bytes, one message |
//! | ttheader (Kitex) | length i32, `10 00`, flags u16, seqid i32, words u16, header, one message, which may be framed once more |
//!
//! | protocol | start of a message |
//! |---|---|
//! | binary | `80 01`, a byte that nobody reads, type, name (i32 length), seqid i32 |
//! | binary_non_strict | name (i32 length), type, seqid i32; only where it is configured, for it looks like much else |
//! | compact | `82`, type × 32 + 1, seqid varint of the 32 bits (not zigzag), name (varint length) |
//!
//! Types: 1 CALL, 2 REPLY, 3 EXCEPTION, 4 ONEWAY. Behind the start comes one struct ([`walk`]).
//!
//! THeader's header is: protocol varint (0 binary, 2 compact), count of transforms varint and their ids, then blocks of
//! key/value pairs (id 1, and 2 for fbthrift's persistent ones; counts and lengths are varints), zeros to a multiple of
//! four. TTHeader's is the same with bytes for the first two and u16 for counts and lengths; block 1 has string keys, `10` has u16
//! keys, `11` is a token.
//!
//! # What routing reads
//!
//! The method is the message's name, behind the first `:` where `TMultiplexedProtocol` put a service before it. The service is that prefix;
//! else the header pair named [`ThriftConfig::service_header`]; else Kitex's `isn` and then its key 6; else [`ThriftConfig::service`].
//! Fields are the header pairs; Kitex's u16 keys go by the names of its constants, as `to_service` and
//! `rpc_timeout`. A timeout is read from `rpc_timeout` (Kitex) and `client_timeout` (fbthrift), both in milliseconds.
//!
//! # Forwarding
//!
//! Only seqids are rewritten, THeader's own and the message's, and the lengths that a compact seqid changes. A message under
//! its own seqid leaves byte for byte as it came, a padded varint included.
//!
//! A message behind the zlib transform is forwarded as it came: only its first 4 KiB are inflated, for the type, the name
//! and the seqid, so no bomb can go off here. Its inner seqid cannot be rewritten; on a connection with one
//! call at a time the codec knows which call an answer belongs to all the same. What the compressed struct holds is not checked.
//!
//! # Translation
//!
//! [`ThriftUpstream`] names the dialect of a cluster's servers; what it leaves open is each request's own. A request in another dialect is
//! rewritten before it gets an id on the connection ([`Codec::adapt`](wireloom_codecs::Codec::adapt)), an answer where it
//! is written to the client. The struct is rewritten value by value between binary and compact (`transcode.rs` says
//! what one of them cannot say), and shared where only the transport changes. Types, names, seqids, exceptions and one-way
//! calls stay what they are.
//!
//! | what | becomes |
//! |---|---|
//! | header pairs | those of the other kind of header, by name; without a header they are dropped (`blocks.rs`) |
//! | a service that only a header names | is dropped with it: the name stays `method`, since a server of one service would refuse `Service:method` |
//! | a message behind zlib | inflated, at most to the longest frame, and sent as it is then: each THeader message says how it was transformed |
//! | `binary_non_strict` behind a header | strict binary; there is no other |
//! | a request that grows over the frame limit, inflates to more, or holds no message | PROTOCOL_ERROR to that client alone; nothing of it was sent |
//! | an answer of which the same is true | INTERNAL_ERROR to that client alone |
//!
//! What is rewritten takes one buffer for the time until it is written out, at most as long as a frame may be. Requests of different dialects
//! go over connections of their own: [`Codec::lane`](wireloom_codecs::Codec::lane) tells them apart.
//!
//! # Many calls on a connection
//!
//! With [`ThriftSettings::multiplexed`] an upstream connection carries many calls, each under a seqid of the proxy's own, and answers
//! are looked up by it: behind a header by either of the two seqids, which are the same on the way up. A compressed call is
//! inflated then, since Apache's servers repeat the seqid that is inside. The connection keeps the dialect of its first call. An answer
//! with an unknown seqid is nobody's and changes nothing; one that names another method than its call fails that call and the connection.
//!
//! Clients' connections are never like that: pipelined calls are answered in their order.
//!
//! # What is refused
//!
//! | what | then |
//! |---|---|
//! | a length of 0, less, or over the protocol's 2^30; no message start; another dialect; a name that runs past its frame or is over the header limit | the connection ends |
//! | a type out of 1..4; negative, impossible or too many elements; an unknown field type; nesting over 64; a varint that does not end; a message that runs past its frame; a broken header block | PROTOCOL_ERROR; a framed connection goes on, a buffered one ends, since nobody knows where the next message starts |
//! | bytes behind the message in its frame | PROTOCOL_ERROR, then the connection ends |
//! | a frame over the limits | PROTOCOL_ERROR as soon as the name is there; the rest is dropped as it comes, up to [`ThriftConfig::discard`], else the connection ends |
//! | a transform other than zlib | INTERNAL_ERROR that says so, with no name, and the connection goes on |
//! | from a server: any of these, another seqid, another name, a call | the call fails, and the connection ends; on a connection of many calls a frame over the limits fails its own call alone |
//!
//! # Outcomes
//!
//! | message | class | native code |
//! |---|---|---|
//! | REPLY whose first field is 0, or none | success | [`REPLY`] |
//! | REPLY with another field: a declared exception | application error | [`DECLARED_EXCEPTION`] |
//! | EXCEPTION of type 1 UNKNOWN_METHOD | refused: the service did not run | 1 |
//! | other EXCEPTION | server error | its type; 0 UNKNOWN where it has none, or a negative one |
//!
//! [`types::exception::named`] gives the code of a type's name.
//!
//! # Dubbo's framing
//!
//! [`DubboThriftCodec`] is a protocol of its own: strict binary messages behind a header with a 64-bit id, many calls on a connection.

mod argument;
mod blocks;
pub mod call;
mod calls;
mod codec;
mod config;
mod decode;
mod detect;
mod dialect;
mod dubbo;
mod edits;
mod encode;
mod error_reply;
mod fixed;
#[doc(hidden)]
pub mod fuzz;
mod head;
mod inbound;
mod infos;
mod outbound;
mod outcome;
mod pairs;
mod sealed;
mod sniff;
#[cfg(test)]
mod tests;
mod transcode;
mod translate;
pub mod types;
pub mod value;
mod varint;
pub mod walk;

pub use codec::ThriftCodec;
pub use config::{Pipelined, ThriftConfig, ThriftSettings, ThriftUpstream};
pub use dubbo::DubboThriftCodec;
pub use outcome::{DECLARED_EXCEPTION, REPLY};
