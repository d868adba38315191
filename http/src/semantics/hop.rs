//! Fields that belong to one connection and are not passed on (RFC 9110 §7.6.1, RFC 9113 §8.2.2).

use http::header::{CONNECTION, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use smallvec::SmallVec;
use wireloom_codecs::Headers;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Fields that `Connection` may name in vain: without them the message would mean something else.
const KEPT: [&[u8]; 8] = [
    b"host",
    b"content-length",
    b"content-type",
    b"content-encoding",
    b"authorization",
    b"cookie",
    b"cache-control",
    b"trailer",
];

/// Takes them out of a request. Of `TE` only `trailers` stays.
pub fn strip_request(headers: &mut Headers) {
    let trailers = headers
        .all(&TE)
        .flat_map(elements)
        .any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
    if headers.contains(&TE) {
        headers.remove(&TE);
        if trailers {
            headers.append(&TE, &http::HeaderValue::from_static("trailers"));
        }
    }
    strip_response(headers);
}

/// Takes them out of a response.
pub fn strip_response(headers: &mut Headers) {
    let mut named: SmallVec<[HeaderName; 4]> = SmallVec::new();
    let mut any = false;
    for value in headers.all(&CONNECTION) {
        any = true;
        for element in elements(value) {
            let known = element.eq_ignore_ascii_case(b"close")
                || element.eq_ignore_ascii_case(b"keep-alive")
                || element.eq_ignore_ascii_case(b"upgrade")
                || element.eq_ignore_ascii_case(b"te")
                || KEPT.iter().any(|kept| element.eq_ignore_ascii_case(kept));
            if !known && let Ok(name) = HeaderName::from_bytes(element) {
                named.push(name);
            }
        }
    }
    if any {
        headers.remove(&CONNECTION);
    }
    for name in [
        KEEP_ALIVE,
        PROXY_CONNECTION,
        TRANSFER_ENCODING,
        UPGRADE,
        HTTP2_SETTINGS,
    ] {
        if headers.contains(&name) {
            headers.remove(&name);
        }
    }
    for name in &named {
        headers.remove(name);
    }
}

/// The elements of a comma-separated list.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use wireloom_codecs::HeaderList;

    fn stripped(fields: &[(&'static str, &'static str)]) -> Vec<String> {
        let fields = fields
            .iter()
            .map(|(n, v)| (Bytes::from(*n), Bytes::from(*v)));
        let mut headers = HeaderList::from_iter(fields).into();
        strip_request(&mut headers);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        headers
            .iter()
            .map(|(n, v)| format!("{}: {}", text(n), text(v)))
            .collect()
    }

    #[test]
    fn what_belongs_to_the_connection_goes() {
        let left = stripped(&[
            ("X-Hop", "1"),
            ("Accept", "*/*"),
            ("Connection", "close, X-Hop"),
            ("Keep-Alive", "5"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"),
        ]);
        assert_eq!(left, ["Accept: */*"]);
    }

    #[test]
    fn connection_cannot_name_what_the_message_needs() {
        let left = stripped(&[
            ("Content-Length", "5"),
            ("Connection", "Content-Length, Host, TE"),
        ]);
        assert_eq!(left, ["Content-Length: 5"]);
    }

    #[test]
    fn te_says_trailers_or_nothing() {
        assert_eq!(stripped(&[("TE", "gzip, trailers")]), ["te: trailers"]);
        assert!(stripped(&[("TE", "gzip")]).is_empty());
    }
}
