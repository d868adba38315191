//! gRPC and Triple: names, statuses, timeouts.

mod status;
pub mod timeout;
pub mod web;

use http::header::HeaderName;

pub use self::web::GrpcWeb;
pub use status::{NAMES, OK, UNKNOWN, code_of, code_of_http, outcome, percent_encoded, status_of};

/// The status code, in trailers or in a trailers-only head.
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// The status in words, percent-encoded.
pub const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// What the caller will wait.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
