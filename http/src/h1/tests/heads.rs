//! What heads and chunks are taken and refused, however they are cut.

use super::*;
use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::Scheme;

use crate::h1::body::{BodyDecoder, Length};
use crate::h1::chunked::Piece;
use crate::h1::refusal::Refusal;
use crate::h1::request::{Incoming, RequestDecoder};
use crate::h1::response::{Answered, Asked, ResponseDecoder};

fn decoder(config: &H1Config) -> RequestDecoder {
    RequestDecoder::new(config, 64 << 10, 100, Scheme::Http)
}

/// Decodes it at once, and byte by byte, which must come to the same.
fn both_ways<D: Decoder>(
    make: impl Fn() -> D,
    text: &[u8],
    same: impl Fn(&D::Item) -> String,
) -> Result<Option<D::Item>, D::Error>
where
    D::Error: std::fmt::Debug + PartialEq,
{
    let mut buffer = BytesMut::from(text);
    let at_once = make().decode(&mut buffer);
    let (mut one, mut fed) = (make(), BytesMut::new());
    let mut split = Ok(None);
    for byte in text {
        fed.extend_from_slice(&[*byte]);
        split = one.decode(&mut fed);
        if !matches!(split, Ok(None)) {
            break;
        }
    }
    match (&at_once, &split) {
        (Ok(Some(a)), Ok(Some(b))) => assert_eq!(same(a), same(b)),
        (Ok(None), Ok(None)) => {}
        (Err(a), Err(b)) => assert_eq!(a, b),
        _ => panic!("cut differs: {:?}", String::from_utf8_lossy(text)),
    }
    at_once
}

fn request_with(config: &H1Config, text: &[u8]) -> Result<Option<Incoming>, Refusal> {
    both_ways(|| decoder(config), text, |incoming| format!("{incoming:?}"))
}

fn request(text: impl AsRef<[u8]>) -> Result<Option<Incoming>, Refusal> {
    request_with(&H1Config::default(), text.as_ref())
}

fn refused(text: impl AsRef<[u8]>) -> u16 {
    match request(&text) {
        Err(refusal) => refusal.status.as_u16(),
        taken => panic!("{:?}: {taken:?}", String::from_utf8_lossy(text.as_ref())),
    }
}

fn response(text: impl AsRef<[u8]>, asked: Asked) -> Result<Option<Answered>, Refusal> {
    let make = || ResponseDecoder::new(64 << 10, 100, asked);
    both_ways(make, text.as_ref(), |answered| format!("{answered:?}"))
}

#[test]
fn a_head_keeps_order_and_case() {
    let text = "GET /a?b=c HTTP/1.1\r\nX-b: 1\r\nHOST: h:80\r\nx-A:  2 \r\nX-B: 3\r\n\r\n";
    let incoming = request(text).unwrap().unwrap();
    let http = incoming.http;
    assert_eq!(
        (http.method.as_str(), &*http.target, &*http.authority),
        ("GET", "/a?b=c", "h:80")
    );
    let fields: Vec<_> = http.headers.iter().collect();
    assert_eq!(
        fields,
        [(&b"X-b"[..], &b"1"[..]), (b"x-A", b"2"), (b"X-B", b"3")]
    );
    assert_eq!(incoming.length, Length::None);
    assert!(incoming.keep_alive);
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    let host = "Host: h\r\n";
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 5.0\r\n",
        "Content-Length: 0_5\r\n",
        "Content-Length: \r\n",
        "Content-Length: \u{0665}\r\n",
        "Content-Length: 18446744073709551621\r\n",
        "Content-Length: 9999999999999999999\r\n",
        "Content-Length: 5\0\r\n",
        "Content_Length: 5\r\n",
        "Transfer_Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: chunked\0\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding:\n chunked\r\n",
        "X: a\rTransfer-Encoding: chunked\r\n",
        "X: a\nTransfer-Encoding: chunked\r\n",
        "X: a\r\r\n",
        "X: a\0b\r\n",
        "X: a\x7fb\r\n",
        "X: a\x01b\r\n",
        "X: a\r\n b\r\n",
        "X: a\r\n\tb\r\n",
        "X : a\r\n",
        "X\t: a\r\n",
        "X Y: a\r\n",
        "X\r\n",
        ": a\r\n",
        "X\u{e9}: a\r\n",
        "X\0: a\r\n",
        "Host: h\r\n",
        "host: other\r\n",
        "X: a\n",
    ] {
        let text = format!("POST / HTTP/1.1\r\n{host}{fields}\r\n");
        assert_eq!(refused(&text), 400, "{text:?}");
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(refused(old), 400);
    assert_eq!(refused(" GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_eq!(refused("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), 400);
}

#[test]
fn request_lines_are_read_strictly() {
    for (line, status) in [
        ("GET  / HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET /  HTTP/1.1", 400),
        ("GET\t/ HTTP/1.1", 400),
        ("GET / ", 400),
        ("GET /", 400),
        ("GET", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET /a\x01 HTTP/1.1", 400),
        ("GET /a\0 HTTP/1.1", 400),
        ("GET /a\rb HTTP/1.1", 400),
        ("GET /a#b HTTP/1.1", 400),
        ("GET /\u{e9} HTTP/1.1", 400),
        ("GET a HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("GET ftp://h/ HTTP/1.1", 400),
        ("GET http:/// HTTP/1.1", 400),
        ("GET http://u@h/ HTTP/1.1", 400),
        ("G(T / HTTP/1.1", 400),
        ("G\u{e9}T / HTTP/1.1", 400),
        ("GET / http/1.1", 400),
        ("GET / HTTP/11", 400),
        ("GET / HTTP/-1.1", 400),
        ("CONNECT / HTTP/1.1", 400),
        ("CONNECT h HTTP/1.1", 400),
        ("CONNECT http://h:1/ HTTP/1.1", 400),
    ] {
        let got = refused(format!("{line}\r\nHost: h\r\n\r\n"));
        // httparse takes some of these for a version that it does not know.
        assert!(got == status || got == 505, "{line:?}: {got}");
    }
    for version in ["HTTP/0.9", "HTTP/9.9", "HTTP/2.0", "HTTP/1.2"] {
        assert_eq!(
            refused(format!("GET / {version}\r\nHost: h\r\n\r\n")),
            505,
            "{version}"
        );
    }
    for method in ["get", "M-SEARCH", "QUERY", "x.!#$%&'*+^_`|~"] {
        let text = format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(
            request(&text).unwrap().unwrap().http.method.as_str(),
            method
        );
    }
}

#[test]
fn there_is_one_host_and_it_is_valid() {
    for host in [
        "h i", "h/", "u@h", "h, i", "h:65536", "h:x", "h:-1", ":80", "", "[::1", "[x]", "h\\i",
        "<h>", "[::1]x", "h:1:2",
    ] {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(refused(&text), 400, "{host:?}");
    }
    for host in [
        "h",
        "h:80",
        "h:",
        "h_i.j-k~",
        "127.0.0.1:65535",
        "[::1]",
        "[::1]:80",
        "a%20b",
    ] {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(&*request(&text).unwrap().unwrap().http.authority, host);
    }
    assert_eq!(refused("GET / HTTP/1.1\r\n\r\n"), 400);
    let old = request("GET / HTTP/1.0\r\n\r\n").unwrap().unwrap();
    assert!(old.http.authority.is_empty() && !old.keep_alive);
}

#[test]
fn absolute_form_and_host_must_agree() {
    for (target, host, authority, path) in [
        ("http://h/p?q", "h", "h", "/p?q"),
        ("http://h", "h", "h", "/"),
        ("http://h?q", "h", "h", "/?q"),
        ("HTTP://H:80/", "h", "H:80", "/"),
        ("https://h/", "h:443", "h", "/"),
    ] {
        let text = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let http = request(&text).unwrap().unwrap().http;
        assert_eq!(
            (&*http.authority, &*http.target),
            (authority, path),
            "{target}"
        );
    }
    for (target, host) in [
        ("http://one/", "two"),
        ("http://h:81/", "h"),
        ("https://h/", "h:80"),
    ] {
        assert_eq!(
            refused(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            400,
            "{target}"
        );
    }
    let all = request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
        .unwrap()
        .unwrap();
    assert_eq!(&*all.http.target, "*");
    let all = request("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n")
        .unwrap()
        .unwrap();
    assert_eq!(&*all.http.target, "*");
}

#[test]
fn sizes_have_limits() {
    let long = "a".repeat(9 << 10);
    assert_eq!(
        refused(format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n")),
        414
    );
    // The end of the line is not waited for.
    assert_eq!(refused(format!("GET /{long}")), 414);
    assert_eq!(
        refused(format!(
            "{} / HTTP/1.1\r\nHost: h\r\n\r\n",
            "M".repeat(64 << 10)
        )),
        414
    );
    let many = "X: 1\r\n".repeat(100);
    assert_eq!(
        refused(format!("GET / HTTP/1.1\r\nHost: h\r\n{many}\r\n")),
        431
    );
    assert_eq!(refused(format!("GET / HTTP/1.1\r\nHost: h\r\n{many}")), 431);
    let all_but_one = "X: 1\r\n".repeat(99);
    let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{all_but_one}\r\n");
    assert_eq!(request(&text).unwrap().unwrap().http.headers.len(), 99);
    let large = "v".repeat(64 << 10);
    assert_eq!(
        refused(format!("GET / HTTP/1.1\r\nHost: h\r\nX: {large}")),
        431
    );
    assert_eq!(refused("\r\n".repeat(100_000)), 400);
}

#[test]
fn a_few_empty_lines_in_front_are_skipped() {
    let text = "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
    assert!(request(text).unwrap().is_some());
    assert!(request("\r\n").unwrap().is_none());
}

#[test]
fn equal_lengths_are_one() {
    let text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n";
    let incoming = request(text).unwrap().unwrap();
    assert_eq!(incoming.length, Length::Known(5));
    assert_eq!(incoming.http.headers.len(), 1);
}

#[test]
fn leniency_is_a_setting() {
    let config = H1Config {
        allow_bare_lf: true,
        allow_missing_host: true,
        ..H1Config::default()
    };
    for text in [
        "GET / HTTP/1.1\nHost: h\nX: 1\n\n",
        "\nGET / HTTP/1.1\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    ] {
        assert!(
            request_with(&config, text.as_bytes()).unwrap().is_some(),
            "{text:?}"
        );
    }
    let folded = "GET / HTTP/1.1\nHost: h\nX: 1\n 2\n\n";
    assert!(request_with(&config, folded.as_bytes()).is_err());
}

#[test]
fn connections_persist_as_the_version_has_it() {
    for (version, connection, keep) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: Keep-Alive, Close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
    ] {
        let text = format!("GET / HTTP/{version}\r\nHost: h\r\n{connection}\r\n");
        let incoming = request(&text).unwrap().unwrap();
        assert_eq!(incoming.keep_alive, keep, "{text:?}");
        assert!(incoming.http.headers.is_empty());
    }
}

#[test]
fn upgrades_are_noted_unless_they_have_a_body() {
    let head = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    let incoming = request(format!("{head}\r\n")).unwrap().unwrap();
    assert_eq!(incoming.http.upgrade.unwrap(), "websocket");
    let incoming = request(format!("{head}Content-Length: 1\r\n\r\n"))
        .unwrap()
        .unwrap();
    assert!(incoming.http.upgrade.is_none());
    let alone = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n";
    assert!(request(alone).unwrap().unwrap().http.upgrade.is_none());
    let h2c = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
    let incoming = request(h2c).unwrap().unwrap();
    assert_eq!(incoming.h2c.unwrap(), "AAMAAABk");
    assert!(incoming.http.upgrade.is_none() && incoming.http.headers.is_empty());
}

#[test]
fn answers_are_read_as_strictly() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 2000000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        "HTTP/1.1 200 OK\nX: a\n\n",
        "HTTP/2 200 OK\r\n\r\n",
        "garbage\r\n\r\n",
    ] {
        assert!(response(text, Asked::Plain).is_err(), "{text:?}");
    }
    let many = "X: 1\r\n".repeat(20_000);
    assert!(response(format!("HTTP/1.1 200 OK\r\n{many}\r\n"), Asked::Plain).is_err());
    let large = "v".repeat(1 << 20);
    assert!(response(format!("HTTP/1.1 200 OK\r\nX: {large}"), Asked::Plain).is_err());
}

#[test]
fn an_answers_length_depends_on_what_was_asked() {
    let known = "Content-Length: 7\r\n";
    for (status, fields, asked, length) in [
        ("200 OK", known, Asked::Plain, Length::Known(7)),
        ("200 OK", "", Asked::Plain, Length::UntilClose),
        (
            "200 OK",
            "Transfer-Encoding: Chunked\r\n",
            Asked::Plain,
            Length::Chunked,
        ),
        ("200 OK", known, Asked::Head, Length::None),
        ("204 No Content", known, Asked::Plain, Length::None),
        ("304 Not Modified", known, Asked::Plain, Length::None),
        ("103 Early Hints", "", Asked::Plain, Length::None),
        ("200 OK", known, Asked::Connect, Length::UntilClose),
        ("403 Forbidden", known, Asked::Connect, Length::Known(7)),
    ] {
        let text = format!("HTTP/1.1 {status}\r\n{fields}\r\n");
        let answered = response(&text, asked).unwrap().unwrap();
        assert_eq!(answered.length, length, "{text:?} {asked:?}");
    }
    let reason = response("HTTP/1.1 200 Fine\r\n\r\n", Asked::Plain)
        .unwrap()
        .unwrap();
    assert_eq!(reason.http.reason.unwrap(), "Fine");
    let reason = response("HTTP/1.1 200 OK\r\n\r\n", Asked::Plain)
        .unwrap()
        .unwrap();
    assert!(reason.http.reason.is_none());
}

/// The payload, and what the trailers are, of a chunked body cut in two at every place.
fn chunks(text: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Refusal> {
    let decode = |parts: [&[u8]; 2]| {
        let mut decoder = BodyDecoder::new(Length::Chunked);
        let mut buffer = BytesMut::new();
        let (mut payload, mut trailers) = (Vec::new(), 0);
        for part in parts {
            buffer.extend_from_slice(part);
            while let Some(piece) = decoder.decode(&mut buffer)? {
                match piece {
                    Piece::Data(data) => payload.extend_from_slice(&data),
                    Piece::Trailers(fields) => trailers = fields.len(),
                    Piece::End => return Ok(Some((payload, trailers))),
                }
            }
        }
        Ok(None)
    };
    let at_once = decode([text, b""]);
    for at in 0..text.len().min(5000) {
        let (first, rest) = text.split_at(at);
        assert_eq!(decode([first, rest]), at_once, "cut at {at}");
    }
    at_once
}

#[test]
fn chunks_are_put_together() {
    for (text, payload, trailers) in [
        ("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
        ("5;a=b\r\nhello\r\n1 ;x\r\n!\r\n0;y\r\n\r\n", "hello!", 0),
        ("0\r\n\r\n", "", 0),
        (
            "00A\r\n0123456789\r\n0\r\nA: 1\r\nB: 2\r\n\r\n",
            "0123456789",
            2,
        ),
        (
            "0\r\nHost: x\r\nContent-Length: 5\r\nAuthorization: b\r\nT: 1\r\n\r\n",
            "",
            1,
        ),
        ("0\r\nTransfer-Encoding: chunked\r\n\r\n", "", 0),
    ] {
        let got = chunks(text.as_bytes()).unwrap();
        assert_eq!(got, Some((payload.into(), trailers)), "{text:?}");
    }
    assert_eq!(chunks(b"5\r\nhell").unwrap(), None);
    assert_eq!(chunks(b"5\r\nhello\r\n").unwrap(), None);
}

#[test]
fn chunks_that_could_be_read_differently_are_refused() {
    let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(5000));
    let extended = format!(
        "{}0\r\n\r\n",
        format!("1;{}\r\nx\r\n", "e".repeat(512)).repeat(40)
    );
    let trailing = format!("0\r\nT: {}\r\n\r\n", "t".repeat(17 << 10));
    for text in [
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "0_5\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5;a\0\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r\r\n0\r\n\r\n",
        "4\r\nhello\r\n0\r\n\r\n",
        "6\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nT: 1\n\r\n",
        "5\r\nhello\r\n0\r\n T: 1\r\n\r\n",
        "5\r\nhello\r\n0\r\nT : 1\r\n\r\n",
        "5\r\nhello\r\n0\r\nT: \0\r\n\r\n",
        &long,
        &extended,
        &trailing,
    ] {
        assert!(chunks(text.as_bytes()).is_err(), "{text:?}");
    }
}
