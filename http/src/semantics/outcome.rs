//! How an exchange ended, in policy's words.

use wireloom_codecs::{Class, Headers, HttpResponse, Outcome, ProtocolId};

/// What the head of a response says. For gRPC and Triple the status of a trailers-only response, or success for the
/// time being; else the HTTP status.
pub fn outcome(protocol: ProtocolId, response: &HttpResponse) -> Outcome {
    let _ = protocol;
    Outcome::new(Class::Success, response.status.as_u16().into())
}

/// What the trailers of a response say; None if they do not matter to the protocol.
pub fn trailers_outcome(protocol: ProtocolId, trailers: &Headers) -> Option<Outcome> {
    let _ = (protocol, trailers);
    None
}
