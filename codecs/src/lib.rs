//! The codec framework: one frame model, one trait for a protocol, and the drivers that move frames.
//!
//! A protocol that is a sequence of frames implements [`Codec`] and gets both sides for nothing:
//! [`Framed`] serves downstream connections with it and opens upstream ones. A protocol with a connection
//! machine of its own implements [`Protocol`] and [`Connector`] by hand.
//!
//! The model: a [`Message`] is a head that policy reads ([`RequestHead`], [`ResponseHead`]) and a [`Body`] that
//! it does not; a streamed body ends in trailers. A message keeps its [`Wire`] image, so forwarding writes a
//! fresh fixed head and then the bytes that came.

#![deny(missing_docs)]

mod argument;
mod body;
mod budget;
mod channel;
pub mod clock;
mod codec;
mod downstream;
mod drain;
pub mod edits;
mod error;
mod exchange;
mod fields;
mod framed;
mod frames;
mod head;
mod headers;
pub mod http;
mod message;
mod needs;
mod order;
mod outcome;
mod prefixed;
pub mod prelude;
pub mod probe;
mod progress;
mod protocol;
mod reader;
mod refused;
pub mod scratch;
mod server;
mod slots;
mod sniff;
mod text;
pub mod units;
mod write_buf;

pub use self::http::{Early, HttpRequest, HttpResponse, Scheme};
pub use argument::{Argument, ArgumentPath};
pub use body::{Abandoned, Body, BodyEnd, Part, Pull, Stream, StreamSender, Watch, stream};
pub use budget::{ByteBudget, Claim, Reserved};
pub use codec::{Codec, Control, Fault, FrameLimits, Inbound, KeepAlive, Mode, Outbound, Role};
pub use downstream::{ClientTls, Downstream};
pub use drain::{Drain, DrainPoll, DrainWatch, drain};
pub use error::{ConnError, ErrorKind, LocalError};
pub use fields::Fields;
pub use framed::Framed;
pub use frames::{Frame, Frames};
pub use head::{Kind, Origin, ProtocolId, RequestHead, ResponseHead, StreamId, Wire};
pub use headers::{HeaderList, Headers, InvalidField};
pub use message::{Message, Request, Response};
pub use needs::Needs;
pub use outcome::{Class, Outcome};
pub use prefixed::Prefixed;
pub use probe::{Probe, Probed, Probing};
pub use progress::Progress;
pub use protocol::{
    Accepted, Answer, BoxFuture, Call, CallError, Channel, ChannelEvents, ChannelLimits,
    ChannelState, Connector, Io, Protocol, ServeLimits, Service,
};
pub use refused::Refused;
pub use sniff::{Detected, MAX_PREFIX, Sniff, detect, sniff_pattern};
pub use text::Str;
pub use write_buf::WriteBuf;

#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod scripted;
#[cfg(feature = "suite")]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
pub mod suite;
#[cfg(test)]
mod toy;
