//! Who comes in, and who does not.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep};

use crate::authority::Authority;
use crate::clients::{connect, echo, rest, within};
use crate::proxy::{ERRORS, Running, UNRECOGNISED, yaml};
use crate::upstream::{Upstream, request, response};

const SNIFFING: &str = "    protocols: [bolt, dubbo]\n";

#[tokio::test]
async fn protocols_are_recognised_within_tls() {
    let (authority, upstream) = (Authority::new("one"), Upstream::start().await);
    // Several to tell apart, and one that needs no telling.
    for listener in [SNIFFING, "    protocols: [bolt]\n"] {
        let running = Running::start(&authority, &yaml(upstream.address, listener, ""));
        // A client that names protocols which are not agreed on here is taken as one that names none.
        for alpn in [&[][..], &["h2"]] {
            let mut client = connect(running.address, authority.client(alpn))
                .await
                .unwrap();
            assert_eq!(client.get_ref().1.alpn_protocol(), None);
            for id in 1..4 {
                echo(&mut client, id, b"through TLS").await.unwrap();
            }
        }
        let listeners = running.proxy.listeners();
        assert_eq!(listeners[0]["tls"], true);
    }
    assert_eq!(upstream.requests(), 12);
}

#[tokio::test]
async fn a_client_that_reads_late_gets_all_of_its_answer() {
    let (authority, upstream) = (Authority::new("one"), Upstream::start().await);
    let running = Running::start(&authority, &yaml(upstream.address, SNIFFING, ""));
    let mut client = connect(running.address, authority.client(&[]))
        .await
        .unwrap();
    let content = vec![7; 6 << 20];
    client.write_all(&request(1, &content)).await.unwrap();
    client.flush().await.unwrap();
    // Until the sockets' buffers are full.
    within(async {
        while upstream.requests() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    sleep(Duration::from_millis(500)).await;
    let (id, status, body) = within(response(&mut client)).await.unwrap();
    assert!(id == 1 && status == 0 && body == content);
}

#[tokio::test]
async fn with_a_client_ca_nobody_else_reaches_a_server() {
    let (authority, stranger) = (Authority::new("one"), Authority::new("two"));
    let upstream = Upstream::start().await;
    let yaml = yaml(upstream.address, SNIFFING, ", client_ca: ca.pem");
    let running = Running::start(&authority, &yaml);

    for (count, client) in [
        (1, authority.client(&[])),
        (2, authority.known_client(&stranger)),
    ] {
        // In TLS 1.3 a client learns of it only when it reads.
        if let Ok(mut refused) = connect(running.address, client).await {
            echo(&mut refused, 1, b"let me in").await.unwrap_err();
        }
        running.counts(ERRORS, "tls", count).await;
    }
    assert_eq!(upstream.requests(), 0);

    let known = authority.known_client(&authority);
    let mut client = connect(running.address, known).await.unwrap();
    echo(&mut client, 1, b"let me in").await.unwrap();
    assert_eq!(upstream.requests(), 1);
}

#[tokio::test]
async fn plaintext_is_refused_with_an_alert() {
    let (authority, upstream) = (Authority::new("one"), Upstream::start().await);
    let running = Running::start(&authority, &yaml(upstream.address, SNIFFING, ""));
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(&request(1, b"plain")).await.unwrap();
    let answer = rest(&mut client).await;
    // A record of type 21 with a fatal alert.
    assert!(
        matches!(answer[..], [21, 3, _, 0, 2, 2, _]),
        "{answer:02x?}"
    );
    running.counts(ERRORS, "tls", 1).await;
    assert_eq!(upstream.requests(), 0);
    // Who says nothing at all is a probe and no failure.
    drop(TcpStream::connect(running.address).await.unwrap());
    running.counts(UNRECOGNISED, "closed", 1).await;
}

#[tokio::test]
async fn handshakes_that_take_long_hold_nobody_up() {
    let (authority, upstream) = (Authority::new("one"), Upstream::start().await);
    let listener = format!("{SNIFFING}    timeouts: {{handshake: 1h}}\n");
    let running = Running::start(&authority, &yaml(upstream.address, &listener, ""));
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(&[22, 3, 1]).await.unwrap();
        slow.push(stream);
    }
    let mut client = connect(running.address, authority.client(&[]))
        .await
        .unwrap();
    echo(&mut client, 1, b"meanwhile").await.unwrap();
    // A drain does not wait for them.
    within(running.proxy.drain()).await;
}

#[tokio::test]
async fn a_handshake_has_its_time_and_no_more() {
    let (authority, upstream) = (Authority::new("one"), Upstream::start().await);
    let listener = format!("{SNIFFING}    timeouts: {{handshake: 1s}}\n");
    let running = Running::start(&authority, &yaml(upstream.address, &listener, ""));
    let silent = TcpStream::connect(running.address).await.unwrap();
    let mut slow = TcpStream::connect(running.address).await.unwrap();
    slow.write_all(&[22, 3, 1]).await.unwrap();
    for mut stream in [silent, slow] {
        assert_eq!(within(stream.read(&mut [0; 1])).await.unwrap_or(0), 0);
    }
    running.counts(ERRORS, "tls_timeout", 2).await;

    // Behind the handshake other times count.
    let mut client = connect(running.address, authority.client(&[]))
        .await
        .unwrap();
    sleep(Duration::from_millis(1500)).await;
    echo(&mut client, 1, b"later").await.unwrap();
}
