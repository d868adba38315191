//! Connections of HTTP, for the callers that speak it: hyper's, one for each call.

use std::error::Error;
use std::fmt::Write;

use hyper::body::Body;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use wireloom_net::connect;

use super::{CallError, CallUrl};
use crate::cli::CallArgs;

/// Bytes that a stream may send before it is read.
const WINDOW: u32 = 1 << 20;

/// A connection; whoever asks for it bounds the time.
pub(super) async fn tcp(url: &CallUrl, args: &CallArgs) -> Result<TcpStream, CallError> {
    // Longer than the call may take, whose own deadline has the better message.
    Ok(connect(&url.address, args.timeout.0 * 2).await?)
}

/// One that speaks HTTP/1.1, and switches to another protocol if the server agrees.
pub(super) async fn http1<B>(
    url: &CallUrl,
    args: &CallArgs,
) -> Result<http1::SendRequest<B>, CallError>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let io = TokioIo::new(tcp(url, args).await?);
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .handshake(io)
        .await
        .map_err(|error| lost(url, &error))?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

/// One that speaks HTTP/2 from its first byte.
pub(super) async fn http2<B>(
    url: &CallUrl,
    args: &CallArgs,
) -> Result<http2::SendRequest<B>, CallError>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    let io = TokioIo::new(tcp(url, args).await?);
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake(io)
        .await
        .map_err(|error| lost(url, &error))?;
    tokio::spawn(connection);
    Ok(sender)
}

/// The connection ended or broke.
pub(super) fn lost(url: &CallUrl, error: &(dyn Error + 'static)) -> CallError {
    CallError::Lost(url.address.clone(), chain(error))
}

/// An error with what is behind it.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some errors repeat their cause.
        if !text.ends_with(&cause_text) {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {cause_text}");
        }
        next = cause.source();
    }
    text
}
