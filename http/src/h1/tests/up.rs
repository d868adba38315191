//! The upstream driver alone, with a scripted server.

use super::*;
use wireloom_codecs::http::HTTP1;
use wireloom_codecs::{
    Answer, Body, CallError, ChannelState, Early, ErrorKind, HttpRequest, Message, Part,
    StreamSender, stream,
};

fn request(method: &str, body: Body) -> Box<Request> {
    let method = http::Method::from_bytes(method.as_bytes()).unwrap();
    let http = HttpRequest::new(method, "a".into(), "/".into());
    let head = crate::semantics::request_head(Box::new(http), HTTP1, wireloom_codecs::Kind::Unary);
    Box::new(Message::new(head, body))
}

fn send(channel: &Arc<dyn Channel>, request: Box<Request>) -> Answer {
    let deadline = Instant::now() + LONG;
    let sent = channel.send(Call { request, deadline });
    sent.unwrap_or_else(|_| panic!("refused"))
}

fn get(channel: &Arc<dyn Channel>) -> Answer {
    send(channel, request("GET", Body::Empty))
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A GET that the server answers with this; the server's end, too.
async fn asked(answer: &str) -> (Result<Response, CallError>, Arc<dyn Channel>, DuplexStream) {
    let (channel, mut server) = connect().await;
    let call = get(&channel);
    let play = async {
        expect(&mut server, GET).await;
        server.write_all(answer.as_bytes()).await.unwrap();
        server
    };
    let (response, server) = tokio::join!(timeout(LONG, call), play);
    (response.expect("an answer"), channel, server)
}

async fn whole(response: Response) -> Result<String, LocalError> {
    let (body, _) = response.body.collect(1 << 20).await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_connection_carries_one_call_at_a_time() {
    let (channel, mut server) = connect().await;
    let call = get(&channel);
    assert_eq!(channel.in_flight(), 1);
    let again = Call {
        request: request("GET", Body::Empty),
        deadline: Instant::now() + LONG,
    };
    assert!(channel.send(again).is_err());
    server
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    call.await.unwrap();
    assert_eq!(
        (channel.in_flight(), channel.state()),
        (0, ChannelState::Open)
    );
}

#[tokio::test]
async fn answers_that_are_not_valid_are_never_passed_on() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: 1\r\n".repeat(101));
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(5000);
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n",
        "HTTP/1.1 2000000 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "garbage\r\n\r\n",
        &many,
        &interim[..16 << 10],
    ] {
        let (response, channel, _server) = asked(answer).await;
        let error = response.expect_err(answer);
        assert!(error.sent, "{answer:?}");
        assert_eq!(error.error.kind, ErrorKind::Reset, "{answer:?}");
        assert!(!error.error.detail.is_empty());
        assert_eq!(channel.state(), ChannelState::Closed, "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_or_not_valid_is_an_error() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n+1\r\nd\r\n",
    ] {
        let (response, channel, server) = asked(answer).await;
        drop(server);
        if let Ok(response) = response {
            assert!(whole(response).await.is_err(), "{answer:?}");
        }
        assert_eq!(channel.state(), ChannelState::Closed, "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_to_the_end_of_the_connection() {
    for fields in ["", "Connection: close\r\n"] {
        let (response, channel, server) =
            asked(&format!("HTTP/1.1 200 OK\r\n{fields}\r\nabc")).await;
        drop(server);
        assert_eq!(whole(response.unwrap()).await.unwrap(), "abc");
        assert_eq!(channel.state(), ChannelState::Closed);
    }
}

#[tokio::test]
async fn surplus_bytes_end_the_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        "HTTP/1.1 204 No Content\r\n\r\npoison",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\npoison",
    ] {
        let (response, channel, _server) = asked(answer).await;
        assert!(!whole(response.unwrap()).await.unwrap().contains("poison"));
        assert_eq!(channel.state(), ChannelState::Closed, "{answer:?}");
    }
    // Also those that come while nobody uses it.
    let (response, channel, mut server) = asked("HTTP/1.1 204 No Content\r\n\r\n").await;
    response.unwrap();
    assert_eq!(channel.state(), ChannelState::Open);
    server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    assert_eq!(channel.state(), ChannelState::Closed);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_used_again() {
    let (response, channel, server) = asked("HTTP/1.1 204 No Content\r\n\r\n").await;
    response.unwrap();
    drop(server);
    assert_eq!(channel.state(), ChannelState::Closed);
    let call = Call {
        request: request("GET", Body::Empty),
        deadline: Instant::now() + LONG,
    };
    assert!(channel.send(call).is_err());
    for fields in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\n",
        "HTTP/1.0 200 OK\r\n",
    ] {
        let (response, channel, _server) =
            asked(&format!("{fields}Content-Length: 0\r\n\r\n")).await;
        response.unwrap();
        assert_eq!(channel.state(), ChannelState::Closed, "{fields:?}");
    }
    let keep = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
    let (response, channel, _server) = asked(keep).await;
    response.unwrap();
    assert_eq!(channel.state(), ChannelState::Open);
}

#[tokio::test]
async fn a_request_that_found_a_closed_connection_comes_back() {
    // Closed before a byte could be written.
    let (channel, server) = connect().await;
    let call = get(&channel);
    drop(server);
    let error = call.await.unwrap_err();
    assert!(!error.sent && error.request.is_some(), "{error:?}");
    // Closed after it was written.
    let (channel, mut server) = connect().await;
    let call = send(&channel, request("POST", Body::Whole("ab".into())));
    let play = async {
        expect(
            &mut server,
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
        )
        .await;
        drop(server);
    };
    let (result, ()) = tokio::join!(call, play);
    let error = result.unwrap_err();
    let request = error.request.expect("it is whole");
    assert!(error.sent && request.body.whole() == Some(b"ab") && request.head.http.is_some());
    // Closed in the middle of an answer.
    let (channel, mut server) = connect().await;
    let call = get(&channel);
    server.write_all(b"HTTP/1.1 2").await.unwrap();
    drop(server);
    let error = call.await.unwrap_err();
    assert!(error.request.is_none());
}

#[tokio::test]
async fn a_deadline_is_met_and_the_connection_given_up() {
    let (channel, _server) = connect().await;
    let deadline = Instant::now() + Duration::from_millis(50);
    let request = request("GET", Body::Empty);
    let call = channel.send(Call { request, deadline });
    let error = timeout(LONG, call.unwrap_or_else(|_| panic!()))
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.error.kind == ErrorKind::Timeout && error.sent);
    assert_eq!(channel.state(), ChannelState::Closed);
}

#[tokio::test]
async fn a_call_that_was_never_polled_leaves_the_connection_alone() {
    let (channel, _server) = connect().await;
    drop(get(&channel));
    assert_eq!(
        (channel.in_flight(), channel.state()),
        (0, ChannelState::Open)
    );
}

#[tokio::test]
async fn an_abandoned_exchange_closes_the_connection() {
    let (channel, mut server) = connect().await;
    let mut call = get(&channel);
    std::future::poll_fn(|cx| {
        assert!(std::pin::Pin::new(&mut call).poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    drop(call);
    assert_eq!(rest(&mut server).await.as_bytes(), GET);
    assert_eq!(channel.state(), ChannelState::Closed);
    // And so does an abandoned body.
    let (response, channel, mut server) =
        asked("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await;
    drop(response);
    assert_eq!(rest(&mut server).await, "");
    assert_eq!(channel.state(), ChannelState::Closed);
}

#[tokio::test]
async fn interim_answers_are_passed_on() {
    let (channel, mut server) = connect().await;
    let mut request = request("GET", Body::Empty);
    let early = Early::new();
    request.head.http.as_mut().unwrap().early = Some(early.clone());
    let call = send(&channel, request);
    server
        .write_all(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(call.await.unwrap().head.http.unwrap().status, 204);
    let hints = std::future::poll_fn(|cx| early.poll_next(cx)).await;
    assert_eq!((hints.status.as_u16(), hints.headers.len()), (103, 1));
}

fn streamed(length: Option<&'static str>) -> (Box<Request>, StreamSender) {
    let (sender, body) = stream(1 << 10);
    let mut request = request("POST", Body::Stream(body));
    if let Some(length) = length {
        let list = [("content-length".into(), length.into())];
        let list = wireloom_codecs::HeaderList::from_iter(list);
        request.head.http.as_mut().unwrap().headers = list.into();
    }
    (request, sender)
}

#[tokio::test]
async fn a_streamed_body_goes_out_as_it_comes() {
    let (channel, mut server) = connect().await;
    let (request, mut sender) = streamed(None);
    let call = tokio::spawn(send(&channel, request));
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(&mut server, head).await;
    sender.send(Part::Data("abc".into())).await.unwrap();
    expect(&mut server, b"3\r\nabc\r\n").await;
    sender.finish();
    expect(&mut server, b"0\r\n\r\n").await;
    server
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .await
        .unwrap();
    call.await.unwrap().unwrap();
    assert_eq!(channel.state(), ChannelState::Open);
}

#[tokio::test]
async fn a_request_that_breaks_off_never_looks_complete() {
    for length in [None, Some("10")] {
        let (channel, mut server) = connect().await;
        let (request, mut sender) = streamed(length);
        let call = tokio::spawn(send(&channel, request));
        sender.send(Part::Data("abc".into())).await.unwrap();
        drop(sender);
        let error = call.await.unwrap().unwrap_err();
        assert!(error.request.is_none());
        let sent = rest(&mut server).await;
        assert!(!sent.contains("0\r\n\r\n"), "{sent:?}");
        assert_eq!(channel.state(), ChannelState::Closed);
    }
    // Longer or shorter than it said.
    for body in ["ab", "abcd"] {
        let (channel, mut server) = connect().await;
        let (request, mut sender) = streamed(Some("3"));
        let call = tokio::spawn(send(&channel, request));
        sender.send(Part::Data(body.into())).await.unwrap();
        sender.finish();
        assert!(call.await.unwrap().is_err());
        assert!(!rest(&mut server).await.contains("abc"));
    }
}

#[tokio::test]
async fn an_early_answer_is_taken_and_the_connection_not_used_again() {
    let (channel, mut server) = connect().await;
    let (request, mut sender) = streamed(Some("100"));
    let call = tokio::spawn(send(&channel, request));
    sender.send(Part::Data("abc".into())).await.unwrap();
    expect(
        &mut server,
        b"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 100\r\n\r\nabc",
    )
    .await;
    server
        .write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        .await
        .unwrap();
    let response = call.await.unwrap().unwrap();
    assert_eq!(whole(response).await.unwrap(), "no");
    assert_eq!(channel.state(), ChannelState::Closed);
    let abandoned = std::future::poll_fn(|cx| sender.poll_abandoned(cx));
    timeout(LONG, abandoned).await.unwrap();
}

#[tokio::test]
async fn the_body_waits_for_a_100_but_not_for_ever() {
    for answers in [true, false] {
        let (channel, mut server) = connect().await;
        let (mut request, mut sender) = streamed(Some("3"));
        request.head.http.as_mut().unwrap().expect_continue = true;
        let call = tokio::spawn(send(&channel, request));
        let head =
            "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\nExpect: 100-continue\r\n\r\n";
        expect(&mut server, head.as_bytes()).await;
        if answers {
            let wanted = std::future::poll_fn(|cx| {
                std::task::Poll::Ready(sender.poll_wanted(cx).is_ready())
            });
            assert!(!wanted.await, "nobody wants it yet");
            server
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await
                .unwrap();
        }
        let wanted = std::future::poll_fn(|cx| sender.poll_wanted(cx));
        timeout(LONG, wanted).await.unwrap().unwrap();
        sender.send(Part::Data("abc".into())).await.unwrap();
        sender.finish();
        expect(&mut server, b"abc").await;
        server
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_request_of_http_2_leaves_as_http_1() {
    use http::header::{HeaderMap, HeaderValue};
    let (channel, mut server) = connect().await;
    let mut request = request("GET", Body::Empty);
    let mut map = HeaderMap::new();
    map.append("cookie", HeaderValue::from_static("a=1"));
    map.append("x-one", HeaderValue::from_static("1"));
    map.append("cookie", HeaderValue::from_static("b=2"));
    map.append("te", HeaderValue::from_static("trailers"));
    let http = request.head.http.as_mut().unwrap();
    http.version = http::Version::HTTP_2;
    http.headers = map.into();
    let call = tokio::spawn(send(&channel, request));
    let head = "GET / HTTP/1.1\r\nHost: a\r\ncookie: a=1; b=2\r\nx-one: 1\r\nTE: trailers\r\nConnection: TE\r\n\r\n";
    expect(&mut server, head.as_bytes()).await;
    server
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .await
        .unwrap();
    call.await.unwrap().unwrap();
    for (target, authority) in [
        ("/a b", "a"),
        ("/a#b", "a"),
        ("/a\r\nX: y", "a"),
        ("/", "a\r\nX: y"),
    ] {
        let (channel, _server) = connect().await;
        let mut request = self::request("GET", Body::Empty);
        let http = request.head.http.as_mut().unwrap();
        (http.target, http.authority) = (target.into(), authority.into());
        let error = send(&channel, request).await.unwrap_err();
        assert!(!error.sent && error.error.kind == ErrorKind::Malformed);
    }
}

#[tokio::test]
async fn an_idle_connection_closes_in_time() {
    let (near, _far) = duplex(1 << 10);
    let limits = ChannelLimits {
        idle: Duration::from_millis(20),
        ..ChannelLimits::default()
    };
    let opened = Http1Connector.open(Box::new(near), limits, ByteBudget::new(1), Arc::new(()));
    let channel = opened.await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(channel.state(), ChannelState::Closed);
}
