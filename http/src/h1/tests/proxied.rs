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

#[tokio::test]
async fn large_bodies_stream_through_small_pipes() {
    const SIZE: usize = 8 << 20;
    for chunked in [false, true] {
        let (client, mut server, channel) = both().await;
        let framing = match chunked {
            false => format!("Content-Length: {SIZE}"),
            true => "Transfer-Encoding: chunked".to_owned(),
        };
        let body: Vec<u8> = (0..SIZE).map(|i| (i / 7) as u8).collect();
        let wire = match chunked {
            false => body.clone(),
            true => {
                let chunks = body.chunks(100_000);
                let chunks =
                    chunks.map(|c| [format!("{:x}\r\n", c.len()).as_bytes(), c, b"\r\n"].concat());
                [chunks.collect::<Vec<_>>().concat(), b"0\r\n\r\n".to_vec()].concat()
            }
        };
        // The server sends back what comes, as it comes, in the same framing.
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
        let answer = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
        let (sent, told) = (head.clone(), answer.clone());
        let serving = tokio::spawn(async move {
            expect(&mut server, sent.as_bytes()).await;
            server.write_all(told.as_bytes()).await.unwrap();
            let mut block = vec![0; 10_000];
            loop {
                let read = server.read(&mut block).await.unwrap();
                server.write_all(&block[..read]).await.unwrap();
                if read == 0 || chunked && block[..read].ends_with(b"\r\n0\r\n\r\n") {
                    return;
                }
            }
        });
        let (mut read, mut write) = tokio::io::split(client.io);
        let writing = tokio::spawn(async move {
            write.write_all(head.as_bytes()).await.unwrap();
            write.write_all(&wire).await.unwrap();
            write
        });
        let mut got = Vec::new();
        let reading = async {
            let mut block = vec![0; 50_000];
            loop {
                let n = read.read(&mut block).await.unwrap();
                assert!(n > 0, "closed after {} bytes", got.len());
                got.extend_from_slice(&block[..n]);
                let done = match chunked {
                    false => got.len() == answer.len() + SIZE,
                    true => got.ends_with(b"\r\n0\r\n\r\n"),
                };
                if done {
                    return;
                }
            }
        };
        timeout(3 * LONG, reading).await.unwrap();
        writing.await.unwrap();
        assert!(got.starts_with(answer.as_bytes()));
        let mut rest = bytes::BytesMut::from(&got[answer.len()..]);
        let length = match chunked {
            false => crate::h1::body::Length::Known(SIZE as u64),
            true => crate::h1::body::Length::Chunked,
        };
        let mut decoder = crate::h1::body::BodyDecoder::new(length);
        let mut payload = Vec::new();
        while let Some(piece) = decoder.decode(&mut rest).unwrap() {
            match piece {
                crate::h1::chunked::Piece::Data(data) => payload.extend_from_slice(&data),
                _ => break,
            }
        }
        assert!(payload == body, "{} bytes came", payload.len());
        drop(channel);
        serving.abort();
    }
}

#[tokio::test]
async fn a_cut_request_or_answer_is_cut_on_the_other_side() {
    let (mut client, mut server, _) = both().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    expect(
        &mut server,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
    )
    .await;
    drop(client.io);
    assert_eq!(rest(&mut server).await, "");
    let (mut client, mut server, _) = both().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    expect(&mut server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
    server.write_all(head.as_bytes()).await.unwrap();
    client.expect(head).await;
    drop(server);
    assert_eq!(client.rest().await, "");
}
