//! The proxy between a scripted client and a scripted server.
//!
//! Each test starts a proxy process of its own (the `wireloom` of the profile under test) and ends it, so that what one
//! breaks is not another's. Where it matters they run for Dubbo and for Bolt 1, 2 and 2 with checksums.

#![expect(clippy::indexing_slicing, reason = "what is not there fails the test")]

mod abuse;
mod balancing;
mod control;
mod descriptors;
mod drain;
mod faults;
mod framing;
mod grpc_ends;
mod grpc_routing;
mod grpc_status;
mod http1_canonical;
mod http1_pipelining;
mod http1_refusals;
mod http1_slow;
mod http1_truncation;
mod http1_upgrade;
mod http1_upstreams;
mod http2_bombs;
mod http2_drain;
mod http2_floods;
mod http2_malformed;
mod http2_upstreams;
mod http_flow;
mod http_streaming;
mod http_translation;
mod local_replies;
mod matching;
mod memory;
mod reload;
mod resilience;
mod retries;
mod setup;
mod slow;
mod thrift_abuse;
mod thrift_ends;
mod thrift_exchanges;
mod thrift_limits;
mod thrift_multiplexed;
mod thrift_one_way;
mod thrift_replies;
mod thrift_routing;
mod thrift_sizes;
mod thrift_sniffing;
mod thrift_translation;
mod thrift_upstreams;
mod transparency;
