//! What both versions of HTTP share once a message is read: which RPC it is, how it ended, what the proxy itself answers.

mod hop;
mod outcome;
mod reply;
mod rpc;

pub use hop::{strip_request, strip_response};
pub use outcome::{outcome, trailers_outcome};
pub use reply::{Asker, grpc_trailers, local_reply};
pub(crate) use rpc::fill;
pub use rpc::{is_grpc, request_head};
