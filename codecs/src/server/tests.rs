//! The downstream driver against a scripted client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::toy::{self, Multiplexed, PingPong, frame};
use crate::{
    Accepted, Body, ByteBudget, Codec, ConnError, Drain, ErrorKind, Io, KeepAlive, LocalError,
    Message, Needs, Request, Response, ResponseHead, ServeLimits, Service, drain,
};

mod ends;
mod pressure;

/// Answers with the request's body after as many milliseconds as it says: `20 text`. `fail` fails.
#[derive(Clone, Default)]
struct Echo {
    calls: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Service for Echo {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        async move {
            let body = request.body.whole().unwrap_or_default().to_vec();
            let text = String::from_utf8(body).unwrap();
            if text == "fail" {
                return Err(LocalError::new(ErrorKind::NoRoute, "asked for"));
            }
            if let Some(millis) = text.split(' ').next().and_then(|n| n.parse().ok()) {
                sleep(Duration::from_millis(millis)).await;
            }
            let body = Body::Whole(Bytes::from(text));
            Ok(Message::new(ResponseHead::default(), body))
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }

    fn refused(&self, _: &LocalError) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

struct Rig {
    client: DuplexStream,
    served: JoinHandle<Result<(), ConnError>>,
    echo: Echo,
    drain: Drain,
    budget: ByteBudget,
}

const MEMORY: usize = 1 << 20;

fn rig_with<C: Codec<Settings = Option<KeepAlive>>>(limits: ServeLimits, prefix: &[u8]) -> Rig {
    let (client, near) = duplex(1 << 16);
    rig_on::<C>(client, Box::new(near), limits, prefix)
}

fn rig_on<C: Codec<Settings = Option<KeepAlive>>>(
    client: DuplexStream,
    near: Box<dyn Io>,
    limits: ServeLimits,
    prefix: &[u8],
) -> Rig {
    let (drain, watch) = drain();
    let echo = Echo::default();
    let budget = ByteBudget::new(MEMORY);
    let connection = Accepted {
        tls: false,
        io: near,
        prefix: Bytes::copy_from_slice(prefix),
        limits,
        budget: budget.clone(),
        drain: watch,
    };
    let served = tokio::spawn(super::serve::<C, Echo>(None, connection, echo.clone()));
    Rig {
        client,
        served,
        echo,
        drain,
        budget,
    }
}

fn rig() -> Rig {
    rig_with::<Multiplexed>(ServeLimits::default(), b"")
}

async fn send(client: &mut DuplexStream, kind: u8, id: u32, body: &str) {
    client
        .write_all(&frame(kind, id, 0, body.as_bytes()))
        .await
        .unwrap();
}

async fn read(client: &mut DuplexStream) -> (u8, u32, String) {
    let work = async {
        let length = client.read_u32().await.unwrap();
        let kind = client.read_u8().await.unwrap();
        let id = client.read_u32().await.unwrap();
        let _status = client.read_u8().await.unwrap();
        let mut body = vec![0; length as usize - 6];
        client.read_exact(&mut body).await.unwrap();
        (kind, id, String::from_utf8(body).unwrap())
    };
    timeout(Duration::from_secs(5), work)
        .await
        .expect("a frame in time")
}

async fn end(served: JoinHandle<Result<(), ConnError>>) -> Result<(), ConnError> {
    timeout(Duration::from_secs(5), served)
        .await
        .expect("an end in time")
        .unwrap()
}

#[tokio::test]
async fn answers_come_as_they_are_ready_under_the_clients_own_ids() {
    let Rig {
        mut client, served, ..
    } = rig();
    for (id, text) in [
        (u32::MAX, "60 slow"),
        (0, "30 mid"),
        (7, "fast"),
        (7, "twin"),
    ] {
        send(&mut client, toy::REQUEST, id, text).await;
    }
    let mut got = Vec::new();
    for _ in 0..4 {
        let (_, id, text) = read(&mut client).await;
        got.push((id, text));
    }
    let texts: Vec<_> = got.iter().map(|(id, text)| (*id, text.as_str())).collect();
    assert_eq!(
        texts,
        [
            (7, "fast"),
            (7, "twin"),
            (0, "30 mid"),
            (u32::MAX, "60 slow")
        ]
    );
    drop(client);
    end(served).await.unwrap();
}

#[tokio::test]
async fn a_thousand_requests_in_one_write_and_one_byte_by_byte() {
    let Rig { client, echo, .. } = rig();
    let (mut from, mut to) = tokio::io::split(client);
    let mut bytes = Vec::new();
    for id in 0..1000 {
        bytes.extend(frame(toy::REQUEST, id, 0, b"x"));
    }
    let writer = tokio::spawn(async move {
        to.write_all(&bytes).await.unwrap();
        for byte in frame(toy::REQUEST, 1000, 0, b"last") {
            to.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        to
    });
    let mut answers = vec![0; 1000 * 11 + 14];
    timeout(Duration::from_secs(5), from.read_exact(&mut answers))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(echo.calls.load(Ordering::Relaxed), 1001);
    writer.await.unwrap();
}

#[tokio::test]
async fn what_was_sniffed_is_a_request_like_any_other() {
    // One whole request was read by detection, and the client waits for its answer.
    let request = frame(toy::REQUEST, 3, 0, b"whole");
    let Rig { mut client, .. } = rig_with::<Multiplexed>(ServeLimits::default(), &request);
    assert_eq!(read(&mut client).await, (toy::RESPONSE, 3, "whole".into()));
}

#[tokio::test]
async fn one_way_requests_get_nothing_not_even_an_error() {
    let Rig {
        mut client, echo, ..
    } = rig();
    send(&mut client, toy::ONE_WAY, 1, "fail").await;
    send(&mut client, toy::ONE_WAY, 2, "x").await;
    send(&mut client, toy::REQUEST, 3, "x").await;
    assert_eq!(read(&mut client).await.1, 3);
    assert_eq!(echo.calls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn failures_and_faults_are_answered_and_the_connection_goes_on() {
    let Rig {
        mut client, echo, ..
    } = rig();
    send(&mut client, toy::REQUEST, 1, "fail").await;
    let (_, id, text) = read(&mut client).await;
    assert_eq!((id, text.as_str()), (1, "wireloom: no route: asked for"));
    send(&mut client, toy::BAD, 2, "").await;
    let (_, id, text) = read(&mut client).await;
    assert_eq!(
        (id, text.as_str()),
        (2, "wireloom: malformed request: bad by name")
    );
    assert_eq!(echo.refused.load(Ordering::Relaxed), 1);
    send(&mut client, toy::PING, 9, "").await;
    assert_eq!(read(&mut client).await, (toy::PONG, 9, String::new()));
}

#[tokio::test]
async fn a_response_from_a_client_ends_the_connection_after_what_is_under_way() {
    let Rig {
        mut client, served, ..
    } = rig();
    send(&mut client, toy::REQUEST, 1, "30 mine").await;
    send(&mut client, toy::RESPONSE, 2, "poison").await;
    assert_eq!(read(&mut client).await.2, "30 mine");
    assert!(matches!(end(served).await, Err(ConnError::Protocol { .. })));
}

#[tokio::test]
async fn requests_over_the_limit_stay_unread() {
    let limits = ServeLimits {
        in_flight: 2,
        ..ServeLimits::default()
    };
    let Rig {
        mut client, echo, ..
    } = rig_with::<Multiplexed>(limits, b"");
    for id in 0..5 {
        send(&mut client, toy::REQUEST, id, "50 x").await;
    }
    sleep(Duration::from_millis(20)).await;
    assert_eq!(echo.calls.load(Ordering::Relaxed), 2);
    for id in 0..5 {
        assert_eq!(read(&mut client).await.1, id);
    }
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_order_where_replies_have_no_ids() {
    let Rig {
        mut client, echo, ..
    } = rig_with::<PingPong>(ServeLimits::default(), b"");
    let mut all = frame(toy::REQUEST, 1, 0, b"40 slow");
    all.extend(frame(toy::ONE_WAY, 2, 0, b"nobody waits"));
    all.extend(frame(toy::REQUEST, 3, 0, b"fast"));
    all.extend(frame(toy::BAD, 4, 0, b""));
    all.extend(frame(toy::REQUEST, 5, 0, b"fail"));
    for id in 6..80 {
        all.extend(frame(toy::REQUEST, id, 0, b"10 more"));
    }
    client.write_all(&all).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    // They do not wait for each other, only their answers do, and no more of them than may.
    let under_way = echo.calls.load(Ordering::Relaxed);
    assert!((8..=9).contains(&under_way), "{under_way}");
    for id in [1, 3, 4, 5].into_iter().chain(6..80) {
        assert_eq!(read(&mut client).await.1, id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_has_pipelined_requests_wait_for_each_other() {
    let limits = ServeLimits {
        in_flight: 1,
        ..ServeLimits::default()
    };
    let Rig {
        mut client, echo, ..
    } = rig_with::<PingPong>(limits, b"");
    let mut both = frame(toy::REQUEST, 1, 0, b"40 slow");
    both.extend(frame(toy::REQUEST, 2, 0, b"50 slow"));
    client.write_all(&both).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    assert_eq!(echo.calls.load(Ordering::Relaxed), 1);
    assert_eq!(read(&mut client).await.1, 1);
    assert_eq!(read(&mut client).await.1, 2);
}

#[tokio::test]
async fn a_client_that_closes_its_side_still_gets_its_answers() {
    let Rig { client, served, .. } = rig();
    let (mut from, mut to) = tokio::io::split(client);
    to.write_all(&frame(toy::REQUEST, 1, 0, b"30 late"))
        .await
        .unwrap();
    to.shutdown().await.unwrap();
    let mut all = Vec::new();
    timeout(Duration::from_secs(5), from.read_to_end(&mut all))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(all, frame(toy::RESPONSE, 1, 0, b"30 late"));
    end(served).await.unwrap();
}

#[tokio::test]
async fn half_a_frame_is_cut_off_in_time_and_by_the_end() {
    let Rig {
        mut client, served, ..
    } = rig();
    client
        .write_all(&frame(toy::REQUEST, 1, 0, b"x")[..7])
        .await
        .unwrap();
    drop(client);
    assert!(matches!(end(served).await, Err(ConnError::Truncated(7))));

    let limits = ServeLimits {
        header_timeout: Duration::from_millis(30),
        ..ServeLimits::default()
    };
    let Rig {
        mut client, served, ..
    } = rig_with::<Multiplexed>(limits, b"");
    send(&mut client, toy::REQUEST, 1, "80 x").await;
    client
        .write_all(&frame(toy::REQUEST, 2, 0, b"x")[..7])
        .await
        .unwrap();
    assert_eq!(
        read(&mut client).await.1,
        1,
        "what is under way is answered"
    );
    assert!(matches!(
        end(served).await,
        Err(ConnError::Timeout("frame"))
    ));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let limits = ServeLimits {
        body_idle: Duration::from_millis(50),
        ..ServeLimits::default()
    };
    let Rig {
        mut client, served, ..
    } = rig_with::<Multiplexed>(limits, b"");
    let body = "x".repeat(60 << 10);
    for id in 0..3 {
        send(&mut client, toy::REQUEST, id, &body).await;
    }
    assert!(matches!(
        end(served).await,
        Err(ConnError::Timeout("write"))
    ));
}

#[tokio::test]
async fn an_idle_connection_closes() {
    let limits = ServeLimits {
        idle: Duration::from_millis(30),
        ..ServeLimits::default()
    };
    let Rig {
        client: _client,
        served,
        ..
    } = rig_with::<Multiplexed>(limits, b"");
    end(served).await.unwrap();
}

#[tokio::test]
async fn a_drain_says_so_serves_on_and_closes_when_quiet() {
    let Rig {
        mut client,
        served,
        drain,
        ..
    } = rig();
    send(&mut client, toy::REQUEST, 1, "100 under way").await;
    sleep(Duration::from_millis(10)).await;
    drain.start();
    assert_eq!(read(&mut client).await.0, toy::GO_AWAY);
    send(&mut client, toy::REQUEST, 2, "on its way").await;
    assert_eq!(read(&mut client).await.2, "on its way");
    assert_eq!(read(&mut client).await.2, "100 under way");
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    end(served).await.unwrap();
    timeout(Duration::from_secs(1), drain.finished())
        .await
        .expect("nobody watches any more");
}

#[tokio::test]
async fn when_the_drain_is_over_what_is_under_way_is_told() {
    let limits = ServeLimits {
        drain: Duration::from_millis(50),
        ..ServeLimits::default()
    };
    let Rig {
        mut client,
        served,
        drain,
        ..
    } = rig_with::<Multiplexed>(limits, b"");
    send(&mut client, toy::REQUEST, 1, "5000 never").await;
    sleep(Duration::from_millis(10)).await;
    drain.start();
    assert_eq!(read(&mut client).await.0, toy::GO_AWAY);
    let (_, id, text) = read(&mut client).await;
    assert_eq!((id, text.as_str()), (1, "wireloom: draining"));
    end(served).await.unwrap();
}

#[tokio::test]
async fn a_frame_waits_unread_until_there_is_memory_for_it() {
    let Rig { mut client, .. } = rig();
    // Larger than what a block holds, so that memory is reserved for it.
    let body = "y".repeat(50 << 10);
    send(&mut client, toy::REQUEST, 1, &body).await;
    assert_eq!(read(&mut client).await.2.len(), body.len());
}
