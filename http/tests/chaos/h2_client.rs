//! A client of HTTP/2 and gRPC: many streams at once, some of them given up, read as slowly as it likes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture};
use h2::{Reason, SendStream};
use http::{HeaderMap, Request};
use tokio::time::sleep;
use wireloom_codecs::suite::chaos::{Dice, End, joined};

use crate::ask::Ask;
use crate::{Asked, World};

/// What a peer of the proxy never finds: that it breaks the protocol.
pub(crate) fn lawful(error: &h2::Error) {
    let broken = error.is_library() && error.reason().is_some();
    assert!(
        !broken || error.reason() == Some(Reason::NO_ERROR),
        "the proxy breaks HTTP/2: {error:?}"
    );
    if error.is_remote() && error.is_go_away() {
        let reason = error.reason();
        assert_eq!(reason, Some(Reason::NO_ERROR), "the proxy found: {error:?}");
    }
}

/// A number in a field.
fn number(fields: &HeaderMap, name: &str) -> Option<usize> {
    let value = fields.get(name)?.to_str().expect("ASCII");
    Some(value.parse().expect("a number"))
}

/// Writes a body as the window lets it; false if the stream ended first.
pub(crate) async fn upload(
    send: &mut SendStream<Bytes>,
    body: Vec<u8>,
    dice: &mut Dice,
    trailers: Option<HeaderMap>,
) -> bool {
    let mut rest = Bytes::from(body);
    while !rest.is_empty() {
        send.reserve_capacity(rest.len().min(1 + dice.roll(20_000) as usize));
        let granted = std::future::poll_fn(|cx| send.poll_capacity(cx)).await;
        let Some(Ok(granted)) = granted else {
            return false;
        };
        let data = rest.split_to(granted.min(rest.len()));
        if send.send_data(data, false).is_err() {
            return false;
        }
        if dice.one_in(8) {
            sleep(Duration::from_millis(dice.roll(20))).await;
        }
    }
    match trailers {
        Some(trailers) => send.send_trailers(trailers).is_ok(),
        None => send.send_data(Bytes::new(), true).is_ok(),
    }
}

/// Reads a body, and gives credit when it likes.
pub(crate) async fn download(
    body: &mut h2::RecvStream,
    dice: &mut Dice,
    slow: u64,
) -> Result<(Vec<u8>, Option<HeaderMap>), h2::Error> {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        all.extend_from_slice(&data);
        if dice.one_in(4) {
            sleep(Duration::from_millis(dice.roll(slow))).await;
        }
        body.flow_control().release_capacity(data.len())?;
    }
    Ok((all, body.trailers().await?))
}

/// Asks everything.
pub(crate) async fn run(world: Arc<World>, io: End, mut dice: Dice, tags: Vec<usize>) -> Asked {
    let mut builder = Builder::new();
    builder
        .initial_window_size([100, 5_000, 65_535][dice.roll(3) as usize])
        .initial_connection_window_size(1 << 20)
        .data_frame_budget(16 << 20);
    let mut wanted = Vec::new();
    let Ok((mut sender, connection)) = builder.handshake::<_, Bytes>(io).await else {
        return Asked { well: 0, wanted };
    };
    let driven = tokio::spawn(async move {
        if let Err(error) = connection.await {
            lawful(&error);
        }
    });
    let pause = [1, 5, 60, 1_000][dice.roll(4) as usize];
    let mut streams = Vec::new();
    for tag in tags {
        let ask = &world.asks[tag];
        let uri = format!("http://a.example{}", Ask::path(tag));
        let mut request = Request::builder().method(ask.method.clone()).uri(uri);
        if ask.grpc {
            request = request
                .header("content-type", "application/grpc")
                .header("te", "trailers");
        }
        let body = ask.body(tag, false);
        let empty = body.is_empty();
        let sent = sender.send_request(request.body(()).unwrap(), empty);
        let Ok((response, send)) = sent else {
            break;
        };
        // Before anybody waits for the window: h2 keeps one waker for both.
        let ready = std::future::poll_fn(|cx| sender.poll_ready(cx)).await;
        if ready.is_err() {
            break;
        }
        let gives_up = !world.calm && dice.one_in(12);
        if !gives_up {
            wanted.push(tag);
        }
        let (world, dice_of) = (world.clone(), dice.fork());
        let stream = async move {
            let mut dice = dice_of.clone();
            let uploading = async {
                let mut send = send;
                if !empty {
                    upload(&mut send, body, &mut dice, None).await;
                }
                send
            };
            let asking = async {
                let (response, send) =
                    tokio::join!(answered(&world, tag, response, dice_of.clone()), uploading);
                drop(send);
                response
            };
            if gives_up {
                let after = Duration::from_millis(dice_of.clone().roll(200));
                tokio::time::timeout(after, asking).await.unwrap_or(false)
            } else {
                asking.await
            }
        };
        streams.push(tokio::spawn(stream));
        if dice.one_in(3) {
            sleep(Duration::from_millis(dice.roll(pause))).await;
        }
    }
    let mut well = 0;
    for stream in streams {
        well += usize::from(joined(stream.await));
    }
    drop(sender);
    joined(driven.await);
    Asked { well, wanted }
}

/// True if a server's answer came, and whole.
async fn answered(world: &World, tag: usize, response: ResponseFuture, mut dice: Dice) -> bool {
    let ask = &world.asks[tag];
    let response = response.await;
    world.ledger.entry(tag, |entry| entry.answered += 1);
    let (head, mut body) = match response {
        Ok(response) => response.into_parts(),
        Err(error) => {
            world.trace.note(&[tag as u64, 1]);
            lawful(&error);
            return false;
        }
    };
    world.trace.note(&[tag as u64, head.status.as_u16().into()]);
    let slow = [2, 20, 400][dice.roll(3) as usize];
    let read = download(&mut body, &mut dice, slow).await;
    let told = number(&head.headers, "x-tag");
    if let Some(told) = told {
        assert_eq!(told, tag, "request {tag} got the answer to {told}");
    }
    let (data, trailers) = match read {
        Ok(read) => read,
        Err(error) => {
            lawful(&error);
            return false;
        }
    };
    let trailers = trailers.unwrap_or_default();
    if ask.grpc {
        let status = number(&trailers, "grpc-status").or(number(&head.headers, "grpc-status"));
        let status = status.unwrap_or_else(|| panic!("{tag} has no status: {head:?} {trailers:?}"));
        if status != 0 {
            return told.is_some();
        }
    }
    if told.is_none() {
        let failed = head.status.as_u16() >= 400;
        assert!(failed, "request {tag} got an answer of nobody's: {head:?}");
        return false;
    }
    if let Some(told) = number(&trailers, "x-tag") {
        assert_eq!(told, tag, "trailers of another answer");
    }
    let bare = ask.method == http::Method::HEAD || head.status.as_u16() == 204;
    if !bare {
        let whole = ask.body(tag, true);
        assert_eq!(data.len(), whole.len(), "request {tag}: a body's length");
        assert_eq!(data, whole, "request {tag}: another body");
    }
    true
}
