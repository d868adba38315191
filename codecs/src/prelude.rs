//! What every codec needs, to be imported whole: `use wireloom_codecs::prelude::*;`.

pub use bytes::{Bytes, BytesMut};
pub use tokio_util::codec::Decoder;

pub use crate::{
    Body, Class, Codec, ConnError, Control, ErrorKind, Fault, Fields, Frame, FrameLimits, Frames,
    Inbound, KeepAlive, Kind, LocalError, Message, Mode, Needs, Origin, Outbound, Outcome,
    ProtocolId, Request, RequestHead, Response, ResponseHead, Role, Sniff, Str, StreamId, Wire,
    WriteBuf, sniff_pattern,
};
