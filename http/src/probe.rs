//! Whether a server is well, over HTTP: a GET, or gRPC's health service.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName, TE};
use http::{HeaderValue, Method};
use wireloom_codecs::http::{GRPC, Scheme};
use wireloom_codecs::probe::{ask, judge};
use wireloom_codecs::{
    Body, Connector, Fields, HttpRequest, Kind, Probe, Probed, Probing, ProtocolId, Request,
    RequestHead, Str, Wire,
};

use crate::grpc;

/// Bytes of an answer's body that are read, so that its end is seen; what is longer is good too.
const READ: usize = 64 << 10;
/// `ServingStatus.SERVING` of `grpc.health.v1`.
const SERVING: u64 = 1;

/// Asks over a connection that `connector` opens.
pub(crate) fn probe(connector: &impl Connector, probe: &Probe, over: Probing) -> Probed {
    let own = connector.id();
    let opening = connector.open(over.io, over.limits, over.budget, std::sync::Arc::new(()));
    let timeout = over.timeout;
    match probe.clone() {
        Probe::Http { host, path, codes } => Box::pin(async move {
            let request = get(own, &host, &path);
            let response = ask(opening, request, timeout).await?;
            let status = u16::try_from(response.head.outcome.native).unwrap_or_default();
            if !codes.iter().any(|good| good.contains(&status)) {
                return Err(format!("it answered {status}"));
            }
            Ok(())
        }),
        Probe::Grpc { host, service } => Box::pin(async move {
            let request = check(&host, &service);
            let response = ask(opening, request, timeout).await?;
            judge(&response, false)?;
            let (message, trailers) = response
                .body
                .collect(READ)
                .await
                .map_err(|error| error.to_string())?;
            match grpc::status_of(&trailers) {
                Some(grpc::OK) | None => {}
                Some(code) => return Err(format!("it answered gRPC status {code}")),
            }
            match serving(&message) {
                Some(SERVING) => Ok(()),
                Some(status) => Err(format!("it answered that it does not serve ({status})")),
                None => Err("its answer is no HealthCheckResponse".to_owned()),
            }
        }),
        _ => Box::pin(std::future::ready(Err(
            "HTTP has no such question".to_owned()
        ))),
    }
}

fn get(protocol: ProtocolId, host: &str, path: &str) -> Request {
    let mut http = HttpRequest::new(Method::GET, host.into(), path.into());
    http.scheme = Scheme::Http;
    http.headers.set(
        &HeaderName::from_static("user-agent"),
        &HeaderValue::from_static("wireloom-health"),
    );
    request(protocol, http, Body::Empty)
}

/// `Health.Check` with its only field, the service's name.
fn check(host: &str, service: &str) -> Request {
    let path = "/grpc.health.v1.Health/Check";
    let mut http = HttpRequest::new(Method::POST, host.into(), path.into());
    http.headers
        .set(&CONTENT_TYPE, &HeaderValue::from_static("application/grpc"));
    http.headers.set(&TE, &HeaderValue::from_static("trailers"));
    let mut message = BytesMut::new();
    if !service.is_empty() {
        message.put_u8(0x0a);
        put_varint(&mut message, service.len() as u64);
        message.put_slice(service.as_bytes());
    }
    let mut body = BytesMut::with_capacity(5 + message.len());
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.put_slice(&message);
    request(GRPC, http, Body::Whole(body.freeze()))
}

fn request(protocol: ProtocolId, http: HttpRequest, body: Body) -> Request {
    let head = RequestHead {
        protocol,
        kind: Kind::Unary,
        service: Str::default(),
        method: Str::default(),
        fields: Fields::new(),
        timeout: None,
        wire: Wire::default(),
        http: Some(Box::new(http)),
    };
    Request::new(head, body)
}

fn put_varint(to: &mut BytesMut, mut number: u64) {
    while number >= 0x80 {
        to.put_u8((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.put_u8(number as u8);
}

/// Field 1 of the only message in a gRPC body; None if there is no message.
fn serving(body: &Bytes) -> Option<u64> {
    let length = usize::try_from(u32::from_be_bytes(*body.get(1..)?.first_chunk()?)).ok()?;
    let message = body.get(5..)?.get(..length)?;
    if body.first() != Some(&0) {
        return None;
    }
    match message {
        // UNKNOWN is 0, which is not written.
        [] => Some(0),
        [0x08, status] if *status < 0x80 => Some((*status).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_status_of_a_whole_message_only() {
        let read = |bytes: &'static [u8]| serving(&Bytes::from_static(bytes));
        assert_eq!(read(&[0, 0, 0, 0, 2, 8, 1]), Some(1));
        assert_eq!(read(&[0, 0, 0, 0, 2, 8, 2]), Some(2));
        assert_eq!(read(&[0, 0, 0, 0, 0]), Some(0));
        for bad in [
            &[][..],
            &[0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 8],
            &[1, 0, 0, 0, 2, 8, 1],
        ] {
            assert_eq!(serving(&Bytes::copy_from_slice(bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn asks_after_the_service_by_name() {
        let request = check("a:1", "x.Y");
        let body = request.body.whole().unwrap();
        assert_eq!(body, b"\0\0\0\0\x05\x0a\x03x.Y");
        assert_eq!(check("a:1", "").body.whole().unwrap(), [0; 5]);
    }
}
