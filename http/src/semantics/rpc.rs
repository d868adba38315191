//! Which RPC a request is: its protocol, service, method and timeout.

use http::header::{CONTENT_TYPE, HeaderName};
use wireloom_codecs::http::{GRPC, HTTP2, TRIPLE};
use wireloom_codecs::{Fields, Headers, HttpRequest, Kind, ProtocolId, RequestHead, Str};

use crate::grpc::{self, GRPC_TIMEOUT};

/// Dubbo 3's Triple: the version of the service, which other protocols carry as `version`.
const TRI_VERSION: HeaderName = HeaderName::from_static("tri-service-version");
/// Triple: the group of the service.
const TRI_GROUP: HeaderName = HeaderName::from_static("tri-service-group");
/// Triple: the caller's application; every Dubbo consumer sends it.
const TRI_APP: HeaderName = HeaderName::from_static("tri-consumer-appname");

/// The head that policy reads of a request that came in over `connection` (`http1` or `http2`).
///
/// Over HTTP/2 a request whose content type starts with `application/grpc` is `grpc`, or `triple` if it has Triple's
/// fields (`tri-…`); its service and method come from its path. Others keep the connection's protocol and have neither.
pub fn request_head(http: Box<HttpRequest>, connection: ProtocolId, kind: Kind) -> RequestHead {
    let mut head = RequestHead {
        protocol: connection,
        kind,
        service: Str::default(),
        method: Str::default(),
        fields: Fields::new(),
        timeout: None,
        wire: Default::default(),
        http: None,
    };
    if connection == HTTP2 && is_grpc(&http.headers) {
        fill(&mut head, &http);
    }
    head.http = Some(http);
    head
}

/// True if the content type is one of gRPC's (`application/grpc`, `application/grpc+proto`, …) and not gRPC-Web's.
pub fn is_grpc(headers: &Headers) -> bool {
    let content_type = headers.get(&CONTENT_TYPE).unwrap_or_default();
    content_type
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// Makes a gRPC request of a head: what its path and fields say.
pub(crate) fn fill(head: &mut RequestHead, http: &HttpRequest) {
    head.protocol = GRPC;
    let mut segments = http.path().rsplitn(3, |byte| *byte == b'/');
    if let (Some(method), Some(service)) = (segments.next(), segments.next()) {
        head.method = slice(&http.target, method);
        // gRPC's service is all of the path before the method; Triple's interface may come after a context path.
        head.service = slice(&http.target, service);
    }
    head.timeout = http
        .headers
        .get(&GRPC_TIMEOUT)
        .and_then(grpc::timeout::parse);
    let version = http.headers.get(&TRI_VERSION);
    let group = http.headers.get(&TRI_GROUP);
    if version.is_none() && group.is_none() && !http.headers.contains(&TRI_APP) {
        return;
    }
    head.protocol = TRIPLE;
    for (name, value) in [("version", version), ("group", group)] {
        if let Some(text) = value.and_then(|value| std::str::from_utf8(value).ok()) {
            head.fields.push(Str::from_static(name), Str::from(text));
        }
    }
}

/// A part of a text that is a slice of it, sharing its bytes.
fn slice(whole: &Str, part: &[u8]) -> Str {
    let bytes = whole.clone().into_bytes();
    Str::from_utf8_lossy(bytes.slice_ref(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Method;
    use std::time::Duration;
    use wireloom_codecs::HeaderList;
    use wireloom_codecs::http::HTTP1;

    fn head(
        connection: ProtocolId,
        target: &str,
        fields: &[(&'static str, &'static str)],
    ) -> RequestHead {
        let mut http = HttpRequest::new(Method::POST, "a".into(), target.into());
        let fields = fields
            .iter()
            .map(|(n, v)| (Bytes::from(*n), Bytes::from(*v)));
        http.headers = HeaderList::from_iter(fields).into();
        request_head(Box::new(http), connection, Kind::Unary)
    }

    #[test]
    fn grpc_is_told_by_its_content_type() {
        for (content_type, protocol) in [
            ("application/grpc", GRPC),
            ("application/grpc+proto", GRPC),
            ("application/grpc;charset=utf-8", GRPC),
            ("application/grpc-web+proto", HTTP2),
            ("application/json", HTTP2),
        ] {
            let head = head(HTTP2, "/pkg.Svc/Do", &[("content-type", content_type)]);
            assert_eq!(head.protocol, protocol, "{content_type}");
        }
        let over_http1 = head(
            HTTP1,
            "/pkg.Svc/Do",
            &[("content-type", "application/grpc")],
        );
        assert_eq!(over_http1.protocol, HTTP1);
    }

    #[test]
    fn names_and_the_timeout_are_read() {
        let fields = [
            ("content-type", "application/grpc"),
            ("grpc-timeout", "250m"),
        ];
        let head = head(HTTP2, "/pkg.Svc/Do?x=1", &fields);
        assert_eq!((&*head.service, &*head.method), ("pkg.Svc", "Do"));
        assert_eq!(head.timeout, Some(Duration::from_millis(250)));
    }

    #[test]
    fn triple_has_a_version_and_a_group() {
        let fields = [
            ("content-type", "application/grpc+proto"),
            ("tri-service-version", "2.0.0"),
            ("tri-service-group", "blue"),
        ];
        let head = head(HTTP2, "/context/org.acme.Orders/get", &fields);
        assert_eq!(head.protocol, TRIPLE);
        assert_eq!((&*head.service, &*head.method), ("org.acme.Orders", "get"));
        assert_eq!(head.fields.get(b"version").unwrap(), &"2.0.0");
        assert_eq!(head.fields.get(b"group").unwrap(), &"blue");
    }

    #[test]
    fn odd_paths_name_nothing_wrong() {
        for (target, service, method) in [
            ("/", "", ""),
            ("*", "", ""),
            ("/only", "", "only"),
            ("", "", ""),
        ] {
            let head = head(HTTP2, target, &[("content-type", "application/grpc")]);
            assert_eq!(
                (&*head.service, &*head.method),
                (service, method),
                "{target}"
            );
        }
    }
}
