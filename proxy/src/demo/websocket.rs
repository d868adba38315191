//! WebSocket (RFC 6455) in the demo: at `/ws`, every message comes back, but `servedBy` gets the name of the service.

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::exhibit::{Exhibit, Expected, Try};
use super::http::{Body, text};
use super::servers::{HEADER, Site};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "websocket",
    title: "WebSocket",
    matches: "protocol: [http1, http2], http: {path: /ws}",
    upstream: Some("http1"),
    serve: |site| Box::pin(serve(site)),
    tries,
    others: |proxy| vec![("all that you type", format!("websocat ws://{proxy}/ws"))],
};

async fn serve(site: Site) {
    loop {
        let io = TokioIo::new(site.accept().await);
        let name = site.name.clone();
        let service = service_fn(move |request| {
            let answer = open(request, &name);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER)
            .serve_connection(io, service)
            .with_upgrades();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::info!("a connection to an echo service ended: {error}");
            }
        });
    }
}

/// Agrees to a WebSocket, or tells what a request for one looks like.
fn open(mut request: Request<Incoming>, name: &Arc<str>) -> Response<Body> {
    let says = |name: HeaderName, wanted: &str| {
        let value = request.headers().get(name);
        let value = value.and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    };
    let key = request.headers().get(SEC_WEBSOCKET_KEY);
    let accept = key.map(|key| derive_accept_key(key.as_bytes()));
    let accept = accept.and_then(|accept| HeaderValue::from_str(&accept).ok());
    let (true, true, Some(accept)) = (
        says(UPGRADE, "websocket"),
        says(SEC_WEBSOCKET_VERSION, "13"),
        accept,
    ) else {
        let what = "this is a WebSocket of version 13; ask for it with `Upgrade: websocket`\n";
        let mut response = text(StatusCode::UPGRADE_REQUIRED, name, what.to_owned());
        let fields = response.headers_mut();
        fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
        fields.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return response;
    };
    tokio::spawn(echo(hyper::upgrade::on(&mut request), name.clone()));
    let mut response = text(StatusCode::SWITCHING_PROTOCOLS, name, String::new());
    let fields = response.headers_mut();
    fields.remove(http::header::CONTENT_TYPE);
    fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
    fields.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

async fn echo(upgrade: OnUpgrade, name: Arc<str>) {
    let Ok(io) = upgrade.await else { return };
    let io = TokioIo::new(io);
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        let answer = match &message {
            Message::Text(text) if text.as_str() == "servedBy" => Message::text(&*name),
            Message::Text(_) | Message::Binary(_) => message,
            // The library answers pings and the end by itself.
            _ => continue,
        };
        match socket.send(answer).await {
            Ok(()) => {}
            Err(Error::ConnectionClosed) => return,
            Err(error) => {
                tracing::info!("a connection to an echo service ended: {error}");
                return;
            }
        }
    }
}

fn tries() -> Vec<Try> {
    let plain = Try {
        about: "a message and its echo",
        scheme: "ws",
        target: "ws".to_owned(),
        query: "",
        body: Some("tea"),
        types: None,
        http2: false,
        canary: false,
        expected: Expected::Lines(&["tea"]),
    };
    vec![
        plain.clone(),
        Try {
            about: "a header that a route asks for",
            body: Some("servedBy"),
            canary: true,
            expected: Expected::Lines(&["websocket-canary"]),
            ..plain
        },
    ]
}
