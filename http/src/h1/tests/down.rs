//! The downstream driver alone, with services that answer by themselves.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use wireloom_codecs::{
    Body, ErrorKind, HeaderList, Headers, HttpResponse, Message, Part, ResponseHead, StreamSender,
    stream,
};

pub(super) fn response(status: u16, body: Body) -> Response {
    let mut head = ResponseHead::default();
    let status = http::StatusCode::from_u16(status).unwrap();
    head.http = Some(Box::new(HttpResponse::new(status)));
    Message::new(head, body)
}

pub(super) fn text(text: &'static str) -> Result<Response, LocalError> {
    Ok(response(200, Body::Whole(text.into())))
}

/// Answers with the method, the target and the body.
pub(super) fn echo() -> Served {
    Served::new(|request: Box<Request>| async move {
        let http = request.head.http.as_ref().unwrap();
        let line = format!("{} {} ", http.method, &*http.target);
        let (body, trailers) = request.body.collect(1 << 20).await?;
        let trailers = trailers.len() + request.trailers.map_or(0, |trailers| trailers.len());
        let all = format!("{line}{} {trailers}", String::from_utf8_lossy(&body));
        Ok(response(200, Body::Whole(all.into())))
    })
}

pub(super) fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let mut client = serve(echo());
    client
        .send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab\
               POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n\r\nGET /4 HTTP/1.1\r\n")
        .await;
    client
        .expect(ok("GET /1  0") + &ok("POST /2 ab 0") + &ok("POST /3 c 1"))
        .await;
    client.send("Host: h\r\n\r\n").await;
    client.expect(ok("GET /4  0")).await;
    drop(client.io);
    timeout(LONG, client.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_request_may_be_cut_anywhere() {
    let text = "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n";
    let mut client = serve_with(echo(), H1Config::default(), limits(), 7);
    for byte in text.as_bytes() {
        client.send([*byte]).await;
        tokio::task::yield_now().await;
    }
    client.expect(ok("POST /p abcde 1")).await;
}

#[tokio::test]
async fn what_is_refused_is_answered_and_the_connection_closed() {
    for (text, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\nHost: h\n\n", "400 Bad Request"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smug HTTP/1.1\r\nHost: h\r\n\r\n",
            "400 Bad Request",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
            "400 Bad Request",
        ),
        (
            "GET / HTTP/9.9\r\nHost: h\r\n\r\n",
            "505 HTTP Version Not Supported",
        ),
        (
            "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
            "405 Method Not Allowed",
        ),
    ] {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let mut client = serve(Served::new(move |request: Box<Request>| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                request.body.collect(100).await?;
                text_ok()
            }
        }));
        client.send(text).await;
        let answer = client.rest().await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{text:?}: {answer}"
        );
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert_eq!(calls.load(Ordering::Relaxed), 0, "{text:?}");
        drop(client.io);
        assert!(client.serving.await.unwrap().is_err());
    }
}

fn text_ok() -> Result<Response, LocalError> {
    text("ok")
}

#[tokio::test]
async fn a_body_that_turns_out_invalid_fails_the_request() {
    let seen = Arc::new(Mutex::new(None));
    let saw = seen.clone();
    let mut client = serve(Served::new(move |request: Box<Request>| {
        let saw = saw.clone();
        async move {
            let got = request.body.collect(100).await;
            *saw.lock() = Some(got.is_err());
            text("done")
        }
    }));
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
        .await;
    client.send("lo!\r\n0\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    // It was dropped, or saw a body that broke off; never a whole one.
    assert_ne!(*seen.lock(), Some(false));
}

#[tokio::test]
async fn http_1_0_is_answered_as_it_expects() {
    let streamed = || {
        Served::new(|_| async {
            let (mut sender, body) = stream(100);
            tokio::spawn(async move {
                sender.send(Part::Data("ab".into())).await.unwrap();
                tokio::task::yield_now().await;
                sender.send(Part::Data("c".into())).await.unwrap();
                sender.finish();
            });
            Ok(response(200, Body::Stream(body)))
        })
    };
    let mut client = serve(streamed());
    client
        .send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .await;
    assert_eq!(
        client.rest().await,
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"
    );
    let mut client = serve(streamed());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client
        .expect(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        )
        .await;
    let mut client = serve(echo());
    client
        .send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n")
        .await;
    assert_eq!(
        client.rest().await,
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: keep-alive\r\n\r\nGET /  0\
         HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nGET /  0"
    );
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let mut client = serve(Served::new(|request: Box<Request>| async move {
        let http = request.head.http.unwrap();
        let status = http.target[1..].parse().unwrap();
        let mut response = response(status, Body::Whole("body".into()));
        if http.method == http::Method::HEAD || status == 304 {
            response.body = Body::Empty;
        }
        let fields = [("X", "1"), ("Content-Length", "4")];
        let fields = fields.map(|(n, v)| (Bytes::from(n), Bytes::from(v)));
        response.head.http.as_mut().unwrap().headers = HeaderList::from_iter(fields).into();
        Ok(response)
    }));
    for (line, status, length) in [
        ("HEAD /200", "200 OK", "Content-Length: 4\r\n"),
        ("GET /304", "304 Not Modified", "Content-Length: 4\r\n"),
        ("GET /204", "204 No Content", ""),
    ] {
        client
            .send(format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n"))
            .await;
        client
            .expect(format!("HTTP/1.1 {status}\r\nX: 1\r\n{length}\r\n"))
            .await;
    }
}

#[tokio::test]
async fn failures_of_the_proxy_are_answers() {
    let mut client = serve(Served::new(|_| async { Err(ErrorKind::NoRoute.into()) }));
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        client.expect("HTTP/1.1 404 Not Found\r\n").await;
        let body = "wireloom: no route\n";
        let fields = format!(
            "content-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.expect(fields).await;
    }
}

/// A service that answers with the body that the test feeds.
pub(super) fn fed() -> (Served, Arc<Mutex<Vec<StreamSender>>>) {
    let senders = Arc::new(Mutex::new(Vec::new()));
    let kept = senders.clone();
    let served = Served::new(move |_| {
        let (sender, body) = stream(1 << 10);
        kept.lock().push(sender);
        async move { Ok(response(200, Body::Stream(body))) }
    });
    (served, senders)
}

pub(super) async fn taken(senders: &Mutex<Vec<StreamSender>>) -> StreamSender {
    timeout(LONG, async {
        loop {
            if let Some(sender) = senders.lock().pop() {
                return sender;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_complete() {
    let (served, senders) = fed();
    let mut client = serve(served);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut sender = taken(&senders).await;
    sender.send(Part::Data("abc".into())).await.unwrap();
    client
        .expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .await;
    drop(sender);
    assert_eq!(client.rest().await, "");
    assert!(client.serving.await.unwrap().is_err());
}

#[tokio::test]
async fn an_answer_that_breaks_off_before_it_began_becomes_an_error() {
    let mut client = serve(Served::new(|_| async {
        let (sender, body) = stream(10);
        drop(sender);
        Ok(response(200, Body::Stream(body)))
    }));
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.expect("HTTP/1.1 502 Bad Gateway\r\n").await;
}

#[tokio::test]
async fn an_answer_is_as_long_as_it_said_or_the_connection_ends() {
    for body in ["ab", "abcd"] {
        let mut client = serve(Served::new(move |_| async move {
            let (mut sender, stream) = stream(100);
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                let _ = sender.send(Part::Data(body.into())).await;
                sender.finish();
            });
            let mut response = response(200, Body::Stream(stream));
            let length = [("content-length".into(), "3".into())];
            response.head.http.as_mut().unwrap().headers = HeaderList::from_iter(length).into();
            Ok(response)
        }));
        client
            .send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
            .await;
        let answer = client.rest().await;
        assert_eq!(
            answer.matches("HTTP/1.1").count().min(1),
            answer.matches("HTTP/1.1").count()
        );
        assert!(!answer.ends_with("abc"), "{answer}");
        assert!(client.serving.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn trailers_follow_a_whole_body_too() {
    let mut client = serve(Served::new(|_| async {
        let mut response = response(200, Body::Whole("ab".into()));
        let fields = HeaderList::from_iter([("T".into(), "1".into())]);
        response.trailers = Some(Box::new(Headers::from(fields)));
        Ok(response)
    }));
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client
        .expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: 1\r\n\r\n")
        .await;
}

#[tokio::test]
async fn a_100_is_sent_when_the_body_is_wanted() {
    let mut client = serve(echo());
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .await;
    client.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("ab").await;
    client.expect(ok("POST / ab 0")).await;
}

#[tokio::test]
async fn a_body_that_was_not_asked_for_ends_the_connection() {
    let mut client = serve(Served::new(|_| async { text("no") }));
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .await;
    let answer = client.rest().await;
    assert_eq!(
        answer,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    );
}

#[tokio::test]
async fn an_unwanted_body_is_read_to_its_end_if_it_is_short() {
    let mut client = serve(Served::new(|_| async { text("no") }));
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
        .await;
    client.expect(ok("no")).await;
    client.send("hello").await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.expect(ok("no")).await;
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n")
        .await;
    let answer = client.rest().await;
    assert!(answer.contains("Connection: close"), "{answer}");
}

#[tokio::test]
async fn interim_answers_come_first_and_not_to_http_1_0() {
    let served = || {
        Served::new(|request: Box<Request>| async move {
            let http = request.head.http.unwrap();
            if let Some(early) = &http.early {
                let status = http::StatusCode::from_u16(103).unwrap();
                early.push(HttpResponse::new(status));
            }
            text("ok")
        })
    };
    let mut client = serve(served());
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        client
            .expect("HTTP/1.1 103 Early Hints\r\n\r\n".to_owned() + &ok("ok"))
            .await;
    }
    let mut client = serve(served());
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_reader_that_stops_stops_the_sender() {
    let (served, senders) = fed();
    let mut client = serve_with(served, H1Config::default(), limits(), 1 << 10);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut sender = taken(&senders).await;
    let mut sent = 0;
    loop {
        let ready = std::future::poll_fn(|cx| Poll::Ready(sender.poll_ready(cx).is_ready())).await;
        if ready {
            sender.push(Part::Data(vec![0; 1 << 10].into())).unwrap();
            sent += 1;
        } else {
            // Give the connection every chance to take more.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            let still = std::future::poll_fn(|cx| Poll::Ready(sender.poll_ready(cx).is_pending()));
            if still.await {
                break;
            }
        }
        assert!(sent < 1000, "nothing stops it");
    }
    assert!(sent >= 64, "only {sent} KiB");
}

/// It is what an idle connection keeps, beside its socket and its timer.
#[tokio::test]
async fn the_future_of_a_connection_stays_small() {
    #[derive(Clone)]
    struct Sized;
    impl Service for Sized {
        fn call(
            &self,
            request: Box<Request>,
        ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
            async move {
                // As large as the exchange of the proxy.
                let state = [1u8; 700];
                tokio::task::yield_now().await;
                drop(request);
                Ok(response(u16::from(state[0]) + 199, Body::Empty))
            }
        }
        fn needs(&self) -> Arc<Needs> {
            Arc::new(Needs::NOTHING)
        }
    }
    let (near, _far) = duplex(64);
    let connection = Accepted {
        io: Box::new(near),
        prefix: Bytes::new(),
        limits: limits(),
        budget: ByteBudget::new(1),
        drain: drain().1,
        tls: false,
    };
    let serving = Http1::new(H1Config::default()).serve(connection, Sized);
    let server = size_of::<crate::h1::server::Server<Sized>>();
    let future = size_of_val(&*serving);
    assert!(server <= 800 && future <= 2000, "{server} {future}");
}
