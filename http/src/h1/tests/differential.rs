//! What we take, hyper takes too, and finds the same messages in it: the smuggling corpus, and every change of one byte.

use super::*;
use bytes::BytesMut;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming as HyperBody;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio_util::codec::Decoder;
use wireloom_codecs::Scheme;

use crate::h1::body::BodyDecoder;
use crate::h1::chunked::Piece;
use crate::h1::fuzz;
use crate::h1::request::RequestDecoder;
use crate::h1::response::{Asked, ResponseDecoder};

/// Requests that are good, and those whose parts others have been fooled by.
pub(super) const REQUESTS: &[&str] = &[
    "GET /a?b HTTP/1.1\r\nHost: h\r\nX: 1\r\n\r\nGET /n HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /n HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\nGET /n HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smug HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
    "GET http://h/p HTTP/1.1\r\nHost: h\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n1\r\nx\r\n00\r\n\r\n",
];

pub(super) const RESPONSES: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: 1\r\n\r\nto the end",
    "HTTP/1.0 404 Not here\r\nContent-Length: 2\r\n\r\nno",
    "HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
];

/// Bytes that parsers differ about.
const ODD: &[u8] = b"\r\n\0 \t:;,+-_0159aZ\x0b\x7f\xff/#\\";

/// The text, and whatever one byte more, less or another makes of it.
pub(super) fn mutants(text: &str) -> impl Iterator<Item = Vec<u8>> + '_ {
    let text = text.as_bytes();
    let places = 0..text.len();
    let changed = places.flat_map(move |at| {
        let (before, behind) = (&text[..at], &text[at + 1..]);
        let less = [before, behind].concat();
        let others = ODD.iter().flat_map(move |odd| {
            let odd = std::slice::from_ref(odd);
            [
                [before, odd, behind].concat(),
                [before, odd, &text[at..]].concat(),
            ]
        });
        std::iter::once(less).chain(others)
    });
    std::iter::once(text.to_vec()).chain(changed)
}

/// Method, target and body.
pub(super) type Seen = (String, String, Vec<u8>);

/// The requests that we find, each whole.
pub(super) fn ours(data: &[u8]) -> Vec<Seen> {
    let mut decoder = RequestDecoder::new(&H1Config::default(), 64 << 10, 100, Scheme::Http);
    let mut buffer = BytesMut::from(data);
    let mut seen = Vec::new();
    while let Ok(Some(incoming)) = decoder.decode(&mut buffer) {
        let http = incoming.http;
        let mut body = BodyDecoder::new(incoming.length);
        let mut payload = Vec::new();
        loop {
            match body.decode(&mut buffer) {
                Ok(Some(Piece::Data(data))) => payload.extend_from_slice(&data),
                Ok(Some(Piece::Trailers(_))) => {}
                Ok(Some(Piece::End)) => break,
                Ok(None) | Err(_) => return seen,
            }
        }
        seen.push((http.method.to_string(), http.target.to_string(), payload));
        if !incoming.keep_alive || http.method == http::Method::CONNECT || http.upgrade.is_some() {
            break;
        }
    }
    seen
}

async fn hypers(data: &[u8]) -> Vec<Seen> {
    let (mut near, far) = duplex(1 << 20);
    near.write_all(data).await.unwrap();
    near.shutdown().await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let saw = seen.clone();
    let service = service_fn(move |request: hyper::Request<HyperBody>| {
        let saw = saw.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes().to_vec();
            let target = head
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string);
            saw.lock().push((head.method.to_string(), target, body));
            Ok::<_, hyper::Error>(hyper::Response::new(Full::new(Bytes::new())))
        }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.half_close(true);
    let serving = server.serve_connection(TokioIo::new(far), service);
    let _ = timeout(LONG, serving).await.expect("hyper hangs");
    std::mem::take(&mut *seen.lock())
}

#[tokio::test]
async fn requests_that_we_take_hyper_takes_alike() {
    let (mut taken, mut whole) = (0, 0);
    for seed in REQUESTS {
        for data in mutants(seed) {
            fuzz::request(&data);
            fuzz::sniff(&data);
            let ours = ours(&data);
            if ours.is_empty() {
                continue;
            }
            taken += 1;
            whole += usize::from(ours.len() > 1);
            let hypers = hypers(&data).await;
            assert!(
                hypers.starts_with(&ours),
                "{:?}\n ours {ours:?}\nhyper {hypers:?}",
                String::from_utf8_lossy(&data)
            );
        }
    }
    assert!(taken > 1000 && whole > 500, "{taken} {whole}");
}

/// Status and body of a whole answer to a GET.
pub(super) fn our_answer(data: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut decoder = ResponseDecoder::new(64 << 10, 100, Asked::Plain);
    let mut buffer = BytesMut::from(data);
    let answered = loop {
        let answered = decoder.decode(&mut buffer).ok()??;
        if !answered.http.status.is_informational() {
            break answered;
        }
    };
    let mut body = BodyDecoder::new(answered.length);
    let mut payload = Vec::new();
    loop {
        match body.decode(&mut buffer).ok()? {
            Some(Piece::Data(data)) => payload.extend_from_slice(&data),
            Some(Piece::Trailers(_)) => {}
            Some(Piece::End) => break,
            None if body.ends_with_connection() => break,
            None => return None,
        }
    }
    Some((answered.http.status.as_u16(), payload))
}

async fn hypers_answer(data: &[u8]) -> Option<(u16, Vec<u8>)> {
    let (mut near, far) = duplex(1 << 20);
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(far));
    let (mut sender, connection) = handshake.await.ok()?;
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("/")
        .header("host", "h")
        .body(Empty::<Bytes>::new());
    let exchange = async {
        let response = sender.send_request(request.unwrap()).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?;
        Some((status, body.to_bytes().to_vec()))
    };
    let play = async {
        let asked = near.read(&mut [0; 1024]).await.unwrap();
        assert!(asked > 0);
        near.write_all(data).await.unwrap();
        near.shutdown().await.unwrap();
    };
    let (answer, ()) = timeout(LONG, async { tokio::join!(exchange, play) })
        .await
        .unwrap();
    connection.abort();
    answer
}

#[tokio::test]
async fn answers_that_we_take_hyper_takes_alike() {
    let mut taken = 0;
    for seed in RESPONSES {
        for data in mutants(seed) {
            fuzz::response(&data);
            let Some(ours) = our_answer(&data) else {
                continue;
            };
            taken += 1;
            let hypers = hypers_answer(&data).await;
            assert_eq!(Some(ours), hypers, "{:?}", String::from_utf8_lossy(&data));
        }
    }
    assert!(taken > 500, "{taken}");
}

#[test]
fn chunked_bodies_hold_their_promises() {
    for seed in REQUESTS.iter().chain(RESPONSES) {
        let Some((_, body)) = seed.split_once("chunked\r\n\r\n") else {
            continue;
        };
        for data in mutants(body) {
            fuzz::chunked(&data);
        }
    }
}

/// What heads and bodies are made of, in any order.
const PIECES: &[&str] = &[
    "GET ",
    "POST ",
    "CONNECT ",
    "/ ",
    "/a?b ",
    "* ",
    "http://h/ ",
    "h:80 ",
    "HTTP/1.1",
    "HTTP/1.0",
    " 200 OK",
    " 101 S",
    " 304 ",
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "Host: h",
    "Host: ",
    "Content-Length: ",
    "5",
    "0",
    "Transfer-Encoding: chunked",
    "Connection: ",
    "close",
    "upgrade",
    "Upgrade: ",
    "websocket",
    "h2c",
    ", ",
    "X: 1",
    " ",
    "\t",
    ";",
    "hello",
    "\0",
    "TE: trailers",
    "Expect: 100-continue",
    "HTTP2-Settings: AA",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "A;x=y\r\n",
    "\u{e9}",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn any_row_of_pieces_holds_the_promises(
        picks in proptest::collection::vec(0..PIECES.len(), 0..40),
        line in 0..4usize,
    ) {
        // Half of them begin well, to get further.
        let begin = ["", "GET / HTTP/1.1\r\nHost: h\r\n", "HTTP/1.1 200 OK\r\n", "POST / HTTP/1.1\r\nHost: h\r\n"];
        let rest: String = picks.iter().map(|pick| PIECES[*pick]).collect();
        let text = format!("{}{rest}", begin[line]);
        fuzz::request(text.as_bytes());
        fuzz::response(text.as_bytes());
        fuzz::chunked(rest.as_bytes());
        fuzz::sniff(text.as_bytes());
    }
}
