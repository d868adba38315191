//! Connections that break off, in every wrong way that one byte can make: they end, and nothing is taken for whole that
//! is not.

use super::differential::{REQUESTS, RESPONSES, Seen, mutants, our_answer, ours};
use super::*;
use wireloom_codecs::http::HTTP1;
use wireloom_codecs::{Body, HttpRequest, HttpResponse, Kind, Message, ResponseHead};

/// One of so many is tried; the parsers themselves are tried with all of them elsewhere.
const SOME: usize = 5;

#[tokio::test]
async fn a_clients_connection_ends_and_only_whole_requests_were_served() {
    let seen = Arc::new(Mutex::new(Vec::<Seen>::new()));
    let saw = seen.clone();
    let service = Served::new(move |request: Box<Request>| {
        let saw = saw.clone();
        async move {
            let http = request.head.http.unwrap();
            let (body, _) = request.body.collect(1 << 20).await?;
            let names = (http.method.to_string(), http.target.to_string());
            saw.lock().push((names.0, names.1, body.to_vec()));
            let head = ResponseHead {
                http: Some(Box::new(HttpResponse::new(http::StatusCode::OK))),
                ..ResponseHead::default()
            };
            Ok(Message::new(head, Body::Empty))
        }
    });
    for seed in REQUESTS {
        for data in mutants(seed).step_by(SOME) {
            let config = H1Config {
                half_close: true,
                ..H1Config::default()
            };
            let mut client = serve_with(service.clone(), config, limits(), 1 << 16);
            // In two parts, so that bodies are streamed too.
            let (first, rest) = data.split_at(data.len() / 2);
            client.send(first).await;
            tokio::task::yield_now().await;
            client.send(rest).await;
            client.io.shutdown().await.unwrap();
            let answers = client.rest().await;
            let seen = std::mem::take(&mut *seen.lock());
            let text = String::from_utf8_lossy(&data);
            // An upgrade or a CONNECT would be a tunnel; there is none among these.
            assert_eq!(seen, ours(&data), "{text:?}\n{answers}");
            assert_eq!(
                answers.matches("HTTP/1.1 200 OK\r\n").count(),
                seen.len(),
                "{text:?}\n{answers}"
            );
            timeout(LONG, client.serving).await.unwrap().unwrap().ok();
        }
    }
}

#[tokio::test]
async fn a_servers_connection_ends_and_only_whole_answers_were_taken() {
    for seed in RESPONSES {
        for data in mutants(seed).step_by(SOME) {
            let (channel, mut server) = connect().await;
            let method = http::Method::GET;
            let http = HttpRequest::new(method, "a".into(), "/".into());
            let head = crate::semantics::request_head(Box::new(http), HTTP1, Kind::Unary);
            let request = Box::new(Message::new(head, Body::Empty));
            let deadline = Instant::now() + LONG;
            let call = channel.send(Call { request, deadline });
            let call = call.unwrap_or_else(|_| panic!());
            let (first, last) = data.split_at(data.len() / 2);
            let play = async {
                expect(&mut server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
                server.write_all(first).await.ok();
                tokio::task::yield_now().await;
                server.write_all(last).await.ok();
                server.shutdown().await.ok();
            };
            let take = async {
                let response = call.await.ok()?;
                let status = response.head.http.unwrap().status.as_u16();
                let (body, _) = response.body.collect(1 << 20).await.ok()?;
                Some((status, body.to_vec()))
            };
            let (taken, ()) = timeout(LONG, async { tokio::join!(take, play) })
                .await
                .unwrap_or_else(|_| panic!("hangs: {:?}", String::from_utf8_lossy(&data)));
            let text = String::from_utf8_lossy(&data);
            assert_eq!(taken, our_answer(&data), "{text:?}");
        }
    }
}
