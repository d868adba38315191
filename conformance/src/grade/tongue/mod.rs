//! One client and one server for all protocols, so that a case is written once.
//!
//! A `Tongue` is a protocol in one of its versions. `Client` makes numbered calls whose argument is to come back;
//! `Server` takes them and answers as a script says. Every byte is made and read by `crate::scripted`.

mod client;
mod server;

pub use client::{Answer, Client, Said};
pub use server::{Ask, Echo, Server, any_upstream, echo, scripted};

use crate::grade::case::Protocol;
use crate::scripted::thrift::{BUFFERED, FRAMED};
use crate::scripted::{Dialect, Wire};

/// A protocol in one of its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// Dubbo or Bolt.
    Wire(Wire),
    /// Thrift.
    Thrift(Dialect),
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// gRPC, unary.
    Grpc,
}

impl Tongue {
    /// Dubbo 2.
    pub const DUBBO: Self = Self::Wire(Wire::Dubbo);
    /// Framed binary Thrift.
    pub const THRIFT: Self = Self::Thrift(FRAMED);
    /// Unframed binary Thrift.
    pub const BUFFERED: Self = Self::Thrift(BUFFERED);
    /// Those that the whole matrix runs for.
    pub const ALL: [Self; 8] = [
        Self::Http1,
        Self::Http2,
        Self::Grpc,
        Self::DUBBO,
        Self::Wire(Wire::BoltV1),
        Self::Wire(Wire::BoltV2),
        Self::Wire(Wire::BoltCrc),
        Self::THRIFT,
    ];
    /// One of each protocol.
    pub const EACH: [Self; 6] = [
        Self::Http1,
        Self::Http2,
        Self::Grpc,
        Self::DUBBO,
        Self::Wire(Wire::BoltV1),
        Self::THRIFT,
    ];

    /// The protocol.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Wire(Wire::Dubbo) => Protocol::Dubbo,
            Self::Wire(_) => Protocol::Bolt,
            Self::Thrift(_) => Protocol::Thrift,
            Self::Http1 => Protocol::Http1,
            Self::Http2 => Protocol::Http2,
            Self::Grpc => Protocol::Grpc,
        }
    }

    /// The first part of a case's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wire(Wire::BoltV2) => "bolt-v2",
            Self::Wire(Wire::BoltCrc) => "bolt-crc",
            _ => self.protocol().as_str(),
        }
    }

    /// Whether calls of one connection may be answered in any order.
    pub const fn is_multiplexed(self) -> bool {
        !matches!(self, Self::Http1 | Self::Thrift(_))
    }

    /// Whether a failure may show as an answer that breaks off: its status may have been told already.
    pub const fn may_break_off(self) -> bool {
        matches!(self, Self::Http1 | Self::Http2 | Self::Grpc)
    }

    /// Where its rules are written.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Http1 => "RFC 9110 and RFC 9112",
            Self::Http2 => "RFC 9113",
            Self::Grpc => "gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md)",
            Self::Wire(Wire::Dubbo) => "the Dubbo 2 protocol (dubbo.apache.org, RPC protocols)",
            Self::Wire(_) => {
                "the Bolt protocol (sofa-bolt, RpcCommandProtocol and RpcCommandProtocolV2)"
            }
            Self::Thrift(_) => {
                "the Thrift RPC and framed transport specifications (thrift/doc/specs)"
            }
        }
    }
}
