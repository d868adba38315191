//! A request through both drivers, byte by byte.

use super::*;
use wireloom_codecs::ChannelState;

#[tokio::test]
async fn a_request_and_its_answer_and_the_next_one() {
    let (mut client, mut server, channel) = both().await;
    for _ in 0..2 {
        client
            .send("GET /p?q HTTP/1.1\r\nHost: a.b\r\nX-One: 1\r\naccept: */*\r\n\r\n")
            .await;
        expect(
            &mut server,
            b"GET /p?q HTTP/1.1\r\nHost: a.b\r\nX-One: 1\r\naccept: */*\r\n\r\n",
        )
        .await;
        assert_eq!(channel.in_flight(), 1);
        server
            .write_all(b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5\r\n\r\nhello")
            .await
            .unwrap();
        client
            .expect("HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5\r\n\r\nhello")
            .await;
        assert_eq!(
            (channel.in_flight(), channel.state()),
            (0, ChannelState::Open)
        );
    }
}

#[tokio::test]
async fn bodies_of_all_kinds_pass_both_ways() {
    let (mut client, mut server, _channel) = both().await;
    // Whole, and in parts.
    for cut in [10, 3] {
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
            .await;
        client.send(&"0123456789"[..cut]).await;
        expect(
            &mut server,
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
        )
        .await;
        client.send(&"0123456789"[cut..]).await;
        expect(&mut server, b"0123456789").await;
        server
            .write_all(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            .await
            .unwrap();
        client
            .expect("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            .await;
        server
            .write_all(b"2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n")
            .await
            .unwrap();
        client.expect("2\r\nde\r\n0\r\nT: 1\r\n\r\n").await;
    }
    client
        .send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n")
        .await;
    expect(
        &mut server,
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
    )
    .await;
    client.send("1\r\ne\r\n0\r\nT: 2\r\n\r\n").await;
    expect(&mut server, b"1\r\ne\r\n0\r\nT: 2\r\n\r\n").await;
    // To the end of the connection: in chunks from here on.
    server
        .write_all(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        .await
        .unwrap();
    drop(server);
    client
        .expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n")
        .await;
}
