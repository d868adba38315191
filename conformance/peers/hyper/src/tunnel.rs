//! `Upgrade: echo`: every byte back, and a last word once the client has sent its end.

use hyper::body::Incoming;
use hyper::header::{CONNECTION, UPGRADE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::body::{Body, Error, whole};

pub(crate) fn upgrade(mut request: Request<Incoming>) -> Result<Response<Body>, Error> {
    let echo = request
        .headers()
        .get(UPGRADE)
        .is_some_and(|name| name == "echo");
    if !echo {
        return Ok(Response::builder()
            .status(StatusCode::BAD_REQUEST)
            .body(whole(""))?);
    }
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrading.await {
            let _ = echo_all(TokioIo::new(upgraded)).await;
        }
    });
    Ok(Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "echo")
        .body(whole(""))?)
}

async fn echo_all(mut stream: TokioIo<hyper::upgrade::Upgraded>) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            stream.write_all(b"bye\n").await?;
            return stream.shutdown().await;
        }
        stream.write_all(&buffer[..length]).await?;
    }
}
