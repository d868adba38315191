//! Requests of HTTP/2 that are none.

use crate::scripted::hpack;

/// The four fields, some of them replaced, and more.
pub fn request(replaced: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", "/bad"),
    ];
    let fields = fields.map(|(name, value)| {
        let with = replaced.iter().find(|(key, _)| *key == name);
        (name, with.map_or(value, |(_, value)| *value))
    });
    [hpack::block(&fields), hpack::block(more)].concat()
}

/// Heads without DATA, each with what is wrong with it.
pub fn heads() -> Vec<(String, Vec<u8>)> {
    let without = |gone: &str| {
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "test"),
            (":path", "/bad"),
        ];
        let left: Vec<_> = fields
            .into_iter()
            .filter(|(name, _)| *name != gone)
            .collect();
        (format!("no {gone}"), hpack::block(&left))
    };
    let more =
        |name: &str, value: &str| (format!("{name}: {value:?}"), request(&[], &[(name, value)]));
    let with =
        |name: &str, value: &str| (format!("{name} {value:?}"), request(&[(name, value)], &[]));
    let mut rows = vec![
        without(":method"),
        without(":scheme"),
        without(":path"),
        more(":path", "/twice"),
        more(":method", "GET"),
        more(":authority", "twice"),
        more(":status", "200"),
        more(":unknown", "x"),
        (
            ":path behind a field".to_owned(),
            [hpack::block(&[("x", "y")]), request(&[], &[])].concat(),
        ),
        with(":path", ""),
        with(":path", "bad"),
        with(":path", "*"),
        with(":path", "/bad HTTP/1.1\r\nX: y"),
        with(":path", "/bad x"),
        with(":path", "/bad\0"),
        with(":path", "/bad\r"),
        with(":path", "/bad\n"),
        with(":path", "/bad\t"),
        with(":method", ""),
        with(":method", "GET /x HTTP/1.1\r\nX:"),
        with(":method", "GE T"),
        with(":method", "GET\r\n"),
        with(":method", "GET:"),
        with(":authority", "test\r\nX: y"),
        with(":authority", "te st"),
        with(":authority", "test/x"),
        with(":authority", "me@test"),
        with(":authority", "test\0"),
        with(":authority", "test:65536"),
        with(":scheme", "http\r\n"),
        more("host", "other"),
        more("connection", "close"),
        more("connection", "x"),
        more("keep-alive", "timeout=5"),
        more("proxy-connection", "keep-alive"),
        more("transfer-encoding", "chunked"),
        more("upgrade", "websocket"),
        more("te", "gzip"),
        more("te", "trailers, gzip"),
        more("X-Upper", "y"),
        more("x y", "z"),
        more("x:y", "z"),
        more("x\r\ny", "z"),
        more("x\0", "z"),
        more("", "z"),
        more("x", "a\r\nY: b"),
        more("x", "a\rb"),
        more("x", "a\nb"),
        more("x", "a\0b"),
        more("content-length", "+5"),
        more("content-length", "-5"),
        more("content-length", "5x"),
        more("content-length", ""),
        more("content-length", "18446744073709551621"),
        more("content-length", "5"),
    ];
    rows.push((
        "two content lengths".to_owned(),
        request(&[], &[("content-length", "0"), ("content-length", "5")]),
    ));
    rows.push((
        "two hosts".to_owned(),
        request(&[], &[("host", "test"), ("host", "test")]),
    ));
    rows
}
