use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use super::server::{Answer, start};
use super::*;

/// What a call with this body gets from a server that answers with these messages.
async fn told(body: Option<&str>, answers: Vec<Message>) -> Result<Reply, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let expected = body.unwrap_or_default().to_owned();
    let server = tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(io).await.unwrap();
        let message = socket.next().await.unwrap().unwrap();
        assert_eq!(message, Message::text(expected));
        for answer in answers {
            socket.send(answer).await.unwrap();
        }
        // Until the client says that it is over.
        while let Some(Ok(_)) = socket.next().await {}
    });
    let args = CallArgs {
        body: body.map(str::to_owned),
        ..CallArgs::new(format!("ws://{address}/chat?a=b"))
    };
    let reply = call(&args).await.map_err(|error| {
        error
            .to_string()
            .replace(&address.to_string(), "the server")
    });
    server.await.unwrap();
    reply
}

#[tokio::test]
async fn the_first_message_is_the_answer() {
    let answers = vec![
        Message::Ping("x".into()),
        Message::text("milk"),
        Message::text("more"),
    ];
    let reply = told(Some("tea"), answers).await.unwrap();
    assert_eq!(reply.body, b"milk\n");
    assert_eq!(reply.status.unwrap(), "HTTP/1.1 101 Switching Protocols");
    let bytes = vec![Message::binary([0, 255].as_slice())];
    assert_eq!(told(None, bytes).await.unwrap().body, [0, 255]);
}

#[tokio::test]
async fn a_server_that_closes_has_not_answered() {
    let error = told(Some("tea"), vec![Message::Close(None)]).await;
    let expected = "no answer from the server: the server closed before it answered";
    assert_eq!(error.unwrap_err(), expected);
}

#[tokio::test]
async fn a_server_that_does_not_switch_is_an_error() {
    let address = start(false, |_| Answer::new(403, "members only")).await;
    let mut reply = Reply::default();
    let args = CallArgs::new(format!("ws://{address}/chat"));
    let outcome = call_into(&crate::Program::new(), &args, &mut |piece| reply.add(piece)).await;
    assert_eq!(outcome.unwrap_err().to_string(), "status 403 Forbidden");
    assert_eq!(reply.status.unwrap(), "HTTP/1.1 403 Forbidden");
}
