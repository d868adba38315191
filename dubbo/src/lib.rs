//! Dubbo 2, the protocol of `dubbo://`: Java consumers and providers from 2.5 to 3.x, and their kin in other
//! languages.
//!
//! Sources: apache/dubbo 3.3 `ExchangeCodec`, `DubboCodec`, `DecodeableRpcInvocation`, `DecodeableRpcResult`,
//! `GenericFilter`; frames of hessian-lite, Dubbo 3.3.6, dubbo2.js, dubbo-python and dubbo-remoting
//! (`vectors/`).
//!
//! # Frame
//!
//! Big endian. A frame is the fixed head and the body, and nothing else.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 2 | magic `da bb` |
//! | 2 | 1 | flag: `80` request, `40` two-way (of requests), `20` event, `1f` serialization id |
//! | 3 | 1 | status of a response; 0 in a request |
//! | 4 | 8 | request id: any 64 bits, unique among what the requester has under way |
//! | 12 | 4 | body length; 2^31 and more is refused, since it is signed in Java |
//! | 16 | n | body, in the flag's serialization |
//!
//! Flags seen: `c2` two-way request, `82` one-way request, `e2` heartbeat, `a2` announcement, `02` response,
//! `22` answer to a heartbeat (all with Hessian 2, id 2).
//!
//! # Request body
//!
//! | value | | read as |
//! |---|---|---|
//! | text | protocol version, `2.0.2` | |
//! | text | path: the interface, with a provider's context path in front of it if it has one | service |
//! | text or null | service version; `0.0.0` is none | field `version` |
//! | text | method | method |
//! | (int) | dubbox 2.8 only | |
//! | text | JVM descriptors of the parameters | |
//! | any | as many arguments as descriptors; skipped | |
//! | map or null | attachments, in any order, values of any type | fields, if text |
//!
//! A generic call, `$invoke` or `$invokeAsync` of `GenericService`, is routed by the method that it is about:
//! its first argument. `$echo` is a method like any other.
//!
//! Attachments are read only if the configuration needs one, since the arguments lie before them. A Java
//! provider dispatches by the attachments `path` and `version` where they are present, and by the fields before
//! them otherwise; see [`DubboConfig::verify_attachments`].
//!
//! Hessian 2 and fastjson2 are understood. A request in another serialization is forwarded like any other, but
//! has no service and no method: only routes that name none match it.
//!
//! # Response body
//!
//! With status 20 an int, 0 exception, 1 value, 2 null, and 3, 4, 5 the same with attachments; then the
//! exception or value; then the attachments. With any other status a text: the message.
//!
//! # Who does what
//!
//! `sniff` recognises, `decode` cuts frames, `invocation` (over `hessian2` or `fastjson2`) and `result` read
//! what policy wants, `control` does heartbeats and announcements, `argument` finds what routes ask of the arguments, `encode` writes, `error_reply` speaks for the
//! proxy, `codec` puts it together. [`call`] and [`answer`] are apart: they are the consumer's and the
//! provider's side as values, for the command line, the demo and test peers.

pub mod answer;
mod argument;
pub mod call;
mod codec;
mod config;
mod control;
mod decode;
mod edits;
mod encode;
mod error_reply;
mod fastjson2;
#[doc(hidden)]
pub mod fuzz;
mod hessian2;
mod invocation;
mod jsonb;
mod result;
mod sniff;
#[cfg(test)]
mod tests;
mod types;
mod wants;

pub use codec::DubboCodec;
pub use config::DubboConfig;
pub use result::flag as result_flag;
pub use types::{HEAD, Head, MAGIC, serialization, status};

/// The protocol's name.
pub(crate) const PROTOCOL: &str = "dubbo";
