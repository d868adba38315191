//! Clients that wait for a 100, and servers that answer without one.

use super::*;

const ASKS: &str =
    "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";

#[tokio::test]
async fn a_refusal_has_no_100_before_it_nor_within() {
    let (mut client, mut server, channel) = both().await;
    client.send(ASKS).await;
    expect(&mut server, ASKS.as_bytes()).await;
    let head = "HTTP/1.1 417 Expectation Failed\r\nTransfer-Encoding: chunked\r\n";
    let begins = format!("{head}\r\n1\r\na\r\n");
    server.write_all(begins.as_bytes()).await.unwrap();
    client
        .expect(format!("{head}Connection: close\r\n\r\n1\r\na\r\n"))
        .await;
    server.write_all(b"1\r\nb\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(client.rest().await, "1\r\nb\r\n0\r\n\r\n");
    assert_eq!(rest(&mut server).await, "");
    assert_ne!(channel.state(), wireloom_codecs::ChannelState::Open);
}

#[tokio::test]
async fn a_server_that_agrees_by_its_answer_gets_the_body() {
    let (mut client, mut server, _channel) = both().await;
    client.send(ASKS).await;
    expect(&mut server, ASKS.as_bytes()).await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    server.write_all(head.as_bytes()).await.unwrap();
    client
        .expect(format!("HTTP/1.1 100 Continue\r\n\r\n{head}"))
        .await;
    client.send("ab").await;
    expect(&mut server, b"ab").await;
    server.write_all(b"2\r\nab\r\n0\r\n\r\n").await.unwrap();
    client.expect("2\r\nab\r\n0\r\n\r\n").await;
    // Both connections are as good as before.
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    expect(&mut server, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
}
