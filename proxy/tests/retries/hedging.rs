//! Tries beside slow ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use h2::Reason;
use wireloom_codecs::ErrorKind;

use crate::client::Client;
use crate::dubbo::{Act as Dubbo, Consumer, Provider};
use crate::http1::{self, Act, OK, Server};
use crate::mesh::{Mesh, soon};
use crate::server;

const RETRIES: &str = "wireloom_retries_total";
const HEDGE: &str = ", retry: {idempotent: true, hedge: {after: 50ms}}";

#[tokio::test]
async fn a_slow_dubbo_call_is_sent_to_another_provider_too() {
    // Whoever is asked first does not answer.
    let before = Arc::new(AtomicUsize::new(0));
    let act = move |_| match before.fetch_add(1, Ordering::SeqCst) {
        0 => Dubbo::Hang,
        _ => Dubbo::Answer,
    };
    let (a, b) = (
        Provider::start(act.clone()).await,
        Provider::start(act).await,
    );
    let mesh = Mesh::start(
        &format!("    - {{to: c{HEDGE}}}"),
        &format!("  c: {{endpoints: ['{}', '{}']}}", a.address, b.address),
    );
    let consumer = Consumer::connect(mesh.address).await;
    assert_eq!(consumer.call("get").await, Ok(()));
    assert_eq!((a.calls(), b.calls()), (1, 1));
    for result in ["hedged", "hedge_won"] {
        mesh.counts(RETRIES, &[&format!("result=\"{result}\"")], 1.0)
            .await;
    }
    // Nothing is left of either try.
    mesh.counts("wireloom_requests_in_flight", &[], 0.0).await;
}

#[tokio::test]
async fn the_slow_try_is_given_up_in_http1() {
    let server = Server::start(|before| match before {
        0 => Act::Hang,
        _ => Act::Say(OK),
    })
    .await;
    let mesh = Mesh::to(server.address, ", retry: {hedge: {after: 50ms}}");
    // GET may be carried out twice.
    assert_eq!(http1::ask(mesh.address, "GET").await, 200);
    assert_eq!(server.calls(), 2);
    server.given_up(1).await;
}

#[tokio::test]
async fn the_slow_try_is_given_up_in_grpc() {
    let (told, mut reason) = tokio::sync::mpsc::unbounded_channel();
    let server = server::Server::start(move |mut asked| {
        let told = told.clone();
        async move {
            asked.take().await;
            if asked.number > 0 {
                return asked.succeed();
            }
            let reset = soon(std::future::poll_fn(|cx| asked.respond.poll_reset(cx))).await;
            let _ = told.send(reset.unwrap());
        }
    })
    .await;
    let mesh = Mesh::to(server.address, HEDGE);
    let client = Client::connect(mesh.address).await;
    let reply = client.call("/acme.Orders/get", &[]).await;
    assert_eq!(reply.grpc(), (0, false), "{reply:?}");
    assert_eq!(server.calls(), 2);
    assert_eq!(soon(reason.recv()).await, Some(Reason::CANCEL));
    mesh.counts(RETRIES, &["result=\"hedge_won\""], 1.0).await;
}

/// A slow answer is better than a quick failure.
#[tokio::test]
async fn the_first_good_answer_wins() {
    let provider = Provider::start(|before| match before {
        0 => Dubbo::AnswerLate(Duration::from_secs(3)),
        _ => Dubbo::Fail(ErrorKind::Internal),
    })
    .await;
    let mesh = Mesh::to(provider.address, HEDGE);
    let consumer = Consumer::connect(mesh.address).await;
    assert_eq!(consumer.call("get").await, Ok(()));
    assert_eq!(provider.calls(), 2);
    mesh.counts(RETRIES, &["result=\"hedge_won\""], 0.0).await;
}

#[tokio::test]
async fn if_all_fail_the_retry_policy_goes_on() {
    let provider = Provider::start(|before| match before {
        0 => Dubbo::FailLate(Duration::from_secs(2), ErrorKind::Overloaded),
        1 => Dubbo::Fail(ErrorKind::Overloaded),
        _ => Dubbo::Answer,
    })
    .await;
    let keys = ", retry: {idempotent: true, on: [overloaded], hedge: {after: 50ms}}";
    let mesh = Mesh::to(provider.address, keys);
    let consumer = Consumer::connect(mesh.address).await;
    assert_eq!(consumer.call("get").await, Ok(()));
    assert_eq!(provider.calls(), 3);
    for result in ["hedged", "attempted", "recovered"] {
        mesh.counts(RETRIES, &[&format!("result=\"{result}\"")], 1.0)
            .await;
    }
}

#[tokio::test]
async fn only_what_may_be_carried_out_twice_is_hedged_and_only_within_the_budget() {
    let slow = |_| Dubbo::AnswerLate(Duration::from_millis(500));
    for (route, budget, denied) in [
        // Nothing says that it may.
        (", retry: {hedge: {after: 10ms}}", "", 0.0),
        (HEDGE, ", retry_budget: {percent: 0, min: 0}", 1.0),
    ] {
        let provider = Provider::start(slow).await;
        let mesh = Mesh::start(
            &format!("    - {{to: c{route}}}"),
            &format!("  c: {{endpoints: ['{}']{budget}}}", provider.address),
        );
        let consumer = Consumer::connect(mesh.address).await;
        assert_eq!(consumer.call("get").await, Ok(()));
        assert_eq!(provider.calls(), 1, "{route}");
        mesh.counts(RETRIES, &["result=\"over_budget\""], denied)
            .await;
    }
    let server = Server::start(|_| Act::Late(Duration::from_millis(500), OK)).await;
    let mesh = Mesh::to(server.address, ", retry: {hedge: {after: 10ms}}");
    assert_eq!(http1::ask(mesh.address, "POST").await, 200);
    assert_eq!(server.calls(), 1);
    mesh.counts(RETRIES, &["result=\"hedged\""], 0.0).await;
}

#[tokio::test]
async fn one_way_and_streamed_requests_are_never_hedged() {
    let provider = Provider::start(|_| Dubbo::AnswerLate(Duration::from_millis(500))).await;
    let mesh = Mesh::to(provider.address, HEDGE);
    let consumer = Consumer::connect(mesh.address).await;
    consumer.one_way("tell").await;
    soon(async {
        while provider.calls() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;

    let server = server::Server::start(|mut asked| async move {
        let first = soon(asked.body.data()).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!first.is_empty());
        asked.succeed();
    })
    .await;
    let stream = Mesh::to(server.address, HEDGE);
    let client = Client::connect(stream.address).await;
    let mut open = client.open("/acme.Orders/upload", &[]).await;
    let message = bytes::Bytes::from_static(crate::client::MESSAGE);
    open.send.send_data(message, false).unwrap();
    let reply = crate::client::rest(soon(open.response).await.unwrap())
        .await
        .unwrap();
    assert_eq!(reply.grpc(), (0, false), "{reply:?}");
    assert_eq!((server.calls(), provider.calls()), (1, 1));
    for mesh in [mesh, stream] {
        mesh.counts(RETRIES, &["result=\"hedged\""], 0.0).await;
    }
}
