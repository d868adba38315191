//! One connection of a server that can be made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::client::MESSAGE;
use super::{Mode, Talk};
use crate::scripted::{Kind, Wire};

/// Waits as long as the mode wants before an answer. False if there is to be none.
async fn wait(mode: Mode) -> bool {
    match mode {
        Mode::Well => true,
        Mode::Slow(time) => {
            tokio::time::sleep(time).await;
            true
        }
        Mode::Down | Mode::Silent | Mode::Unreachable => false,
    }
}

pub(super) async fn serve(
    talk: Talk,
    stream: TcpStream,
    modes: watch::Receiver<Mode>,
    requests: Arc<AtomicUsize>,
) {
    // A peer that leaves is no news.
    let _ = match talk {
        Talk::Dubbo => dubbo(stream, &modes, &requests).await,
        Talk::Grpc => grpc(stream, &modes, &requests).await,
        Talk::Http1 => http1(stream, &modes, &requests).await,
    };
}

async fn dubbo(
    stream: TcpStream,
    modes: &watch::Receiver<Mode>,
    requests: &AtomicUsize,
) -> Result<()> {
    let (mut reader, mut writer) = stream.into_split();
    let (answers, mut ready) = mpsc::unbounded_channel::<Vec<u8>>();
    let mut late = JoinSet::new();
    let mut bytes = Vec::new();
    loop {
        tokio::select! {
            read = reader.read_buf(&mut bytes) => ensure!(read? > 0, "closed"),
            Some(answer) = ready.recv() => {
                writer.write_all(&answer).await?;
                continue;
            }
        }
        while let Some(length) = Wire::Dubbo.length(&bytes)?
            && bytes.len() >= length
        {
            let rest = bytes.split_off(length);
            let frame = Wire::Dubbo.parse(std::mem::replace(&mut bytes, rest))?;
            let mode = *modes.borrow();
            let answer = match frame.kind {
                Kind::Ping => Wire::Dubbo.pong(frame.id),
                Kind::Request => {
                    requests.fetch_add(1, Ordering::Relaxed);
                    Wire::Dubbo.response(frame.id, &frame.payload)
                }
                _ => continue,
            };
            if mode == Mode::Well {
                writer.write_all(&answer).await?;
            } else {
                let answers = answers.clone();
                late.spawn(async move {
                    if wait(mode).await {
                        let _ = answers.send(answer);
                    }
                });
            }
        }
        while late.try_join_next().is_some() {}
    }
}

async fn http1(
    mut stream: TcpStream,
    modes: &watch::Receiver<Mode>,
    requests: &AtomicUsize,
) -> Result<()> {
    let mut bytes = Vec::new();
    loop {
        ensure!(stream.read_buf(&mut bytes).await? > 0, "closed");
        while let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            bytes.drain(..end + 4);
            requests.fetch_add(1, Ordering::Relaxed);
            let mode = *modes.borrow();
            if wait(mode).await {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                stream.write_all(answer).await?;
            }
        }
    }
}

async fn grpc(
    stream: TcpStream,
    modes: &watch::Receiver<Mode>,
    requests: &AtomicUsize,
) -> Result<()> {
    let mut connection = h2::server::handshake(stream).await?;
    let mut answers = JoinSet::new();
    while let Some(request) = connection.accept().await {
        let (request, respond) = request?;
        requests.fetch_add(1, Ordering::Relaxed);
        let mode = *modes.borrow();
        answers.spawn(async move {
            // Held until the answer: h2 resets a stream whose ends are dropped.
            let mut body = request.into_body();
            while let Some(Ok(data)) = body.data().await {
                let _ = body.flow_control().release_capacity(data.len());
            }
            if !wait(mode).await {
                return std::future::pending().await;
            }
            let _ = answer(respond);
        });
        while answers.try_join_next().is_some() {}
    }
    Ok(())
}

fn answer(mut respond: SendResponse<Bytes>) -> Result<()> {
    let head = Response::builder().header("content-type", "application/grpc");
    let mut body = respond.send_response(head.body(())?, false)?;
    body.send_data(MESSAGE, false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    body.send_trailers(trailers)?;
    Ok(())
}
