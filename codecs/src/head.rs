//! What routing and policy may read of a message, whatever protocol it came in.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::{Fields, HttpRequest, HttpResponse, Outcome, Str};

/// A protocol's name as configs, metrics and logs write it: `bolt`, `dubbo`, `thrift`, `http1`, `http2`, `grpc`, `triple`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProtocolId(pub &'static str);

impl ProtocolId {
    /// The name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ProtocolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Identity of an exchange on one connection; it means nothing on another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// How many answers a request expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Exactly one.
    #[default]
    Unary,
    /// None, ever: not even an error.
    OneWay,
    /// Bodies flow in parts, perhaps both ways at once.
    Streaming,
}

/// The codec's own picture of a message's head. Only the codec that made it reads it.
///
/// `fixed` keeps the fixed-size head as values; `image` is what else of the head came before the body, so that
/// forwarding is: write a fresh fixed head with the new id, then `image`, then the body, all unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Up to 24 bytes of fixed head, in a layout of the codec's choice.
    pub fixed: [u8; 24],
    /// The variable part of the head as it came; empty where the protocol has none.
    pub image: Bytes,
}

/// The head of a request.
///
/// `service` and `method` are the RPC's names in every protocol; empty where the message names none. `fields`
/// holds what the route table [`Needs`](crate::Needs) and nothing else.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The protocol it came in.
    pub protocol: ProtocolId,
    /// How many answers it expects.
    pub kind: Kind,
    /// The interface alone, without version or group.
    pub service: Str,
    /// The method.
    pub method: Str,
    /// Headers, attachments, metadata, as far as they were asked for.
    pub fields: Fields,
    /// What the caller will wait, where the protocol says so. Never zero.
    pub timeout: Option<Duration>,
    /// The codec's own.
    pub wire: Wire,
    /// What only HTTP has; None in other protocols.
    pub http: Option<Box<HttpRequest>>,
}

impl RequestHead {
    /// The head of a request for an answer in this protocol, that says nothing else yet.
    pub fn new(protocol: ProtocolId, service: Str, method: Str) -> Self {
        Self {
            protocol,
            kind: Kind::Unary,
            service,
            method,
            fields: Fields::new(),
            timeout: None,
            wire: Wire::default(),
            http: None,
        }
    }

    /// Whether it may be carried out twice without harm. Known of HTTP alone, by the method (RFC 9110 §9.2.2).
    pub fn is_idempotent(&self) -> bool {
        let http = self.http.as_ref();
        http.is_some_and(|http| http.method.is_idempotent())
    }

    /// The values under `name`: of [`RequestHead::fields`], where `name` counts byte by byte, and of an HTTP request's
    /// fields, where case does not count.
    pub fn values<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let http = self.http.iter().flat_map(|http| http.headers.iter());
        let fields = self.fields.all(name).map(Str::as_bytes);
        fields.chain(
            http.filter(move |(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, value)| value),
        )
    }

    /// What an error reply must know of the request after the request itself is gone.
    pub fn origin(&self) -> Origin {
        Origin {
            kind: self.kind,
            fixed: self.wire.fixed,
            method: self.method.clone(),
        }
    }
}

/// What is kept of a request while it is away, to answer it with an error of its own protocol.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// How many answers it expects: a one-way request gets none.
    pub kind: Kind,
    /// [`Wire::fixed`] of the request: its version, serialization and the like.
    pub fixed: [u8; 24],
    /// The method, which Thrift replies repeat.
    pub method: Str,
}

/// The head of a response.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    /// Success or the kind of failure, for policy, metrics and logs. For streamed bodies it is what is known at
    /// the head; trailers may correct it.
    pub outcome: Outcome,
    /// Headers, attachments, metadata, as far as they were asked for.
    pub fields: Fields,
    /// The codec's own.
    pub wire: Wire,
    /// What only HTTP has; None in other protocols.
    pub http: Option<Box<HttpResponse>>,
}
