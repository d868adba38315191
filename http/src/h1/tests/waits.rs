//! Clients that go away, stand still or do not read, and drains: every wait ends.

use super::down::{echo, fed, ok, response, taken, text};
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use wireloom_codecs::Body;

/// Tells when it is dropped.
struct Flag(Arc<AtomicUsize>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn never() -> (Served, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (begun, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, flag) = (begun.clone(), dropped.clone());
    let served = Served::new(move |request: Box<Request>| {
        counted.fetch_add(1, Ordering::Relaxed);
        let flag = Flag(flag.clone());
        async move {
            let _kept = (flag, request);
            std::future::pending().await
        }
    });
    (served, begun, dropped)
}

async fn until(count: &AtomicUsize) {
    let waiting = async {
        while count.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, waiting).await.unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_request() {
    for body in ["", "Content-Length: 10\r\n"] {
        let (served, begun, dropped) = never();
        let mut client = serve(served);
        client
            .send(format!("POST / HTTP/1.1\r\nHost: h\r\n{body}\r\n"))
            .await;
        until(&begun).await;
        drop(client.io);
        until(&dropped).await;
        timeout(LONG, client.serving)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_answer() {
    let (served, senders) = fed();
    let mut client = serve(served);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut sender = taken(&senders).await;
    drop(client.io);
    let abandoned = std::future::poll_fn(|cx| sender.poll_abandoned(cx));
    timeout(LONG, abandoned).await.unwrap();
}

#[tokio::test]
async fn a_half_closed_connection_is_answered_if_so_configured() {
    let config = H1Config {
        half_close: true,
        ..H1Config::default()
    };
    let served = Served::new(|_| async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        text("ok")
    });
    let mut client = serve_with(served, config, limits(), 1 << 10);
    let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send(format!("{request}{request}")).await;
    client.io.shutdown().await.unwrap();
    let answer = client.rest().await;
    assert_eq!(answer.matches("200 OK").count(), 2, "{answer}");
}

fn impatient() -> ServeLimits {
    ServeLimits {
        body_idle: Duration::from_millis(300),
        drain: Duration::from_millis(300),
        ..limits()
    }
}

#[tokio::test]
async fn slow_heads_and_bodies_are_cut() {
    let short = ServeLimits {
        header_timeout: Duration::from_millis(300),
        body_idle: Duration::from_millis(400),
        idle: Duration::from_millis(700),
        ..limits()
    };
    let config = H1Config::default;
    let mut client = serve_with(echo(), config(), short.clone(), 1 << 10);
    for byte in b"GET / HTTP/1.1\r\nHost: h\r\n" {
        client.send([*byte]).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        if client.serving.is_finished() {
            break;
        }
    }
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");

    let mut client = serve_with(echo(), config(), short.clone(), 1 << 10);
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");

    let begun = Instant::now();
    let mut client = serve_with(echo(), config(), short.clone(), 1 << 10);
    assert_eq!(client.rest().await, "");
    assert!(begun.elapsed() >= short.idle);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_waits_behind_an_unread_answer_is_in_time() {
    const LARGE: &str = match std::str::from_utf8(&[b'x'; 20_000]) {
        Ok(text) => text,
        Err(_) => "",
    };
    let limits = ServeLimits {
        header_timeout: Duration::from_secs(1),
        ..limits()
    };
    let served = Served::new(|_| async { text(LARGE) });
    let mut client = serve_with(served, H1Config::default(), limits, 1 << 10);
    let head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send(head.to_owned() + &head[..9]).await;
    // The client reads late, and nothing more is read from it meanwhile.
    tokio::time::sleep(Duration::from_secs(5)).await;
    client.expect(ok(LARGE)).await;
    client.send(&head[9..]).await;
    client.expect(ok(LARGE)).await;
}

#[tokio::test]
async fn a_request_may_take_longer_than_a_client_may_be_idle() {
    let short = ServeLimits {
        header_timeout: Duration::from_millis(100),
        body_idle: Duration::from_millis(100),
        idle: Duration::from_millis(100),
        ..limits()
    };
    let slow = Served::new(|_| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        text("late")
    });
    let mut client = serve_with(slow, H1Config::default(), short, 1 << 10);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut answer = vec![0; 4096];
    let read = client.io.read(&mut answer).await.unwrap();
    assert_eq!(&answer[..read], ok("late").as_bytes());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let large = Served::new(|_| async { Ok(response(200, Body::Whole(vec![0; 1 << 20].into()))) });
    let mut client = serve_with(large, H1Config::default(), impatient(), 1 << 10);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let result = client.serving.await.unwrap();
    assert!(
        matches!(result, Err(ConnError::Timeout("write"))),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_drain_lets_requests_finish_and_closes_the_idle() {
    let mut idle = serve(echo());
    idle.drain.start();
    assert_eq!(idle.rest().await, "");

    let (served, begun, _) = never();
    let mut client = serve_with(served, H1Config::default(), impatient(), 1 << 10);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    until(&begun).await;
    client.drain.start();
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("Connection: close"),
        "{answer}"
    );

    let mut client = serve(echo());
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n")
        .await;
    tokio::task::yield_now().await;
    client.drain.start();
    client.send("ab").await;
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("Connection: close"),
        "{answer}"
    );
}
