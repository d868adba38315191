//! `ws://host[:port]/path`: opens a WebSocket (RFC 6455), sends one message of text, and prints the first that comes
//! back.

use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use http::Request;
use http::header::HOST;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::connection::{self, chain};
use super::http::{fields, head, host, target, uri};
use super::{CallError, CallUrl, Caller, Failure, LONGEST, Out, Piece, Wrong, options};
use crate::cli::CallArgs;

pub(super) struct WebSocket;

impl Caller for WebSocket {
    fn scheme(&self) -> &'static str {
        "ws"
    }

    fn call<'a>(
        &'a self,
        url: &'a CallUrl,
        args: &'a CallArgs,
        out: Out<'a>,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            options::only(args, self.scheme(), &[])?;
            let request = request(url, args)?;
            let text = args.body.clone().unwrap_or_default();
            let lost = |error: Error| CallError::Lost(url.address.clone(), chain(&error));
            let io = connection::tcp(url, args).await?;
            let config = WebSocketConfig::default()
                .max_message_size(Some(LONGEST))
                .max_frame_size(Some(LONGEST));
            let opened =
                tokio_tungstenite::client_async_with_config(request, io, Some(config)).await;
            let (mut socket, response) = match opened {
                Ok(opened) => opened,
                Err(Error::Http(response)) => {
                    head(&response, out)?;
                    if let Some(body) = response.body() {
                        out(Piece::Bytes(body.clone().into()))?;
                    }
                    let status = response.status();
                    let reason = status.canonical_reason().unwrap_or_default();
                    let status = status.as_u16();
                    return Err(Failure::Http { status, reason }.into());
                }
                Err(error) => return Err(lost(error)),
            };
            head(&response, out)?;
            socket.send(Message::text(text)).await.map_err(lost)?;
            loop {
                match socket.next().await.transpose().map_err(lost)? {
                    Some(Message::Text(text)) => out(Piece::Line(text.to_string()))?,
                    Some(Message::Binary(bytes)) => out(Piece::Bytes(bytes))?,
                    Some(Message::Close(_)) | None => {
                        let what = "the server closed before it answered".to_owned();
                        return Err(CallError::Lost(url.address.clone(), what));
                    }
                    Some(_) => continue,
                }
                break;
            }
            // The answer is there: what becomes of the farewell changes nothing.
            let _ = socket.close(None).await;
            Ok(())
        })
    }
}

fn request(url: &CallUrl, args: &CallArgs) -> Result<Request<()>, Wrong> {
    let uri = uri(&format!("ws://{}{}", url.address, target(url)))?;
    let mut request = uri.into_client_request().map_err(Wrong::url)?;
    request.headers_mut().insert(HOST, host(url)?);
    request.headers_mut().extend(fields(args)?);
    Ok(request)
}
