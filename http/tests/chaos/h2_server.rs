//! A server of HTTP/2 and gRPC: answers right, early, late, in part, or not at all, and leaves when it likes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use tokio::time::{sleep, timeout};
use wireloom_codecs::suite::chaos::{Cut, Dice, End};

use crate::World;
use crate::ask::Ask;
use crate::h2_client::{download, lawful, upload};

/// Longer than any answer takes.
const LONG: Duration = Duration::from_secs(5_000);

/// Serves a connection to its end.
pub(crate) async fn run(world: Arc<World>, io: End, cut: Cut, mut dice: Dice) {
    let kindly = world.calm || dice.one_in(2);
    let mut builder = Builder::new();
    builder
        .initial_window_size([100, 5_000, 65_535][dice.roll(3) as usize])
        .initial_connection_window_size(1 << 20)
        .data_frame_budget(16 << 20)
        .max_concurrent_streams(match world.calm {
            true => 1_000,
            false => [1, 10, 1_000][dice.roll(3) as usize],
        });
    let Ok(mut connection) = builder.handshake::<_, Bytes>(io).await else {
        return;
    };
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                lawful(&error);
                return;
            }
        };
        let tag = Ask::tag(request.uri().path().as_bytes()).expect("a request that somebody asked");
        world.ledger.entry(tag, |entry| entry.arrived += 1);
        world.trace.note(&[tag as u64, 77]);
        if !kindly {
            match dice.roll(40) {
                0 => {
                    cut.reset();
                    return;
                }
                1 | 2 => connection.graceful_shutdown(),
                3 => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
                _ => {}
            }
        }
        let one = one(world.clone(), tag, request, respond, dice.fork(), kindly);
        // h2 does not always wake who waits on a stream when its connection goes.
        world.spawn(async { drop(timeout(LONG, one).await) });
    }
}

fn tagged(tag: usize) -> HeaderValue {
    HeaderValue::from(tag as u64)
}

async fn one(
    world: Arc<World>,
    tag: usize,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    mut dice: Dice,
    kindly: bool,
) {
    let ask = &world.asks[tag];
    let mut body = request.into_body();
    let sides = if kindly { 12 } else { 19 };
    let fate = dice.roll(sides);
    // An early answer comes before the request's body is read.
    if fate != 12 {
        let slow = [2, 20, 400][dice.roll(3) as usize];
        let Ok((data, _)) = download(&mut body, &mut dice, slow).await else {
            return;
        };
        assert_eq!(data, ask.body(tag, false), "request {tag}: another body");
    }
    match fate {
        10 | 11 => sleep(Duration::from_millis(dice.roll(60))).await,
        13 => sleep(Duration::from_millis(dice.roll(6_000))).await,
        14 => {
            // No answer, until the proxy has had enough.
            let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
            return;
        }
        15 => {
            let reasons = [
                Reason::REFUSED_STREAM,
                Reason::INTERNAL_ERROR,
                Reason::CANCEL,
            ];
            let reason = reasons[dice.roll(3) as usize];
            if reason == Reason::REFUSED_STREAM {
                // It says that nothing was done.
                world.ledger.entry(tag, |entry| entry.arrived -= 1);
            }
            respond.send_reset(reason);
            return;
        }
        _ => {}
    }
    let mut response = Response::builder().header("x-tag", tagged(tag));
    let mut trailers = HeaderMap::new();
    let status = [200, 200, 404, 500, 204][dice.roll(5) as usize];
    let mut only = ask.method == Method::HEAD;
    if ask.grpc {
        response = response.header("content-type", "application/grpc");
        let failed = dice.one_in(4);
        if failed && dice.one_in(2) {
            only = true;
            response = response.header("grpc-status", "5");
        }
        trailers.insert("x-tag", tagged(tag));
        let status = if failed { "13" } else { "0" };
        trailers.insert("grpc-status", HeaderValue::from_static(status));
    } else {
        response = response.status(status);
        only |= status == 204;
        if dice.one_in(2) {
            trailers.insert("x-tag", tagged(tag));
        }
    }
    let Ok(mut send) = respond.send_response(response.body(()).unwrap(), only) else {
        return;
    };
    if only {
        return;
    }
    let mut whole = ask.body(tag, true);
    if fate == 16 || fate == 17 {
        // Cut short.
        whole.truncate(dice.roll(whole.len() as u64 + 1) as usize);
        let mut rest = dice.fork();
        send.reserve_capacity(whole.len());
        whole.truncate(send.capacity());
        let _ = send.send_data(whole.into(), false);
        sleep(Duration::from_millis(rest.roll(30))).await;
        send.send_reset(Reason::INTERNAL_ERROR);
        return;
    }
    let trailers = (!trailers.is_empty()).then_some(trailers);
    upload(&mut send, whole, &mut dice, trailers).await;
}
