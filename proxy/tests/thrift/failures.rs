//! What fails upstream: what policy makes of it, and what the client is told.

use crate::mesh::{Act, Client, server, start, until};
use crate::wire::Dialect::Binary;
use crate::wire::REPLY;

const INTERNAL_ERROR: u8 = 6;

fn mesh(route: &str) -> String {
    format!(
        "
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{to: a, {route}}}]}}
clusters: {{a: {{endpoints: [@A]}}}}
"
    )
}

#[tokio::test]
async fn an_exception_is_tried_again_where_its_name_says_so() {
    // Every second call of a method succeeds.
    let (address, seen) = server(|before, call| {
        Act::Answer(match (&*call.name, before % 2) {
            (_, 1) => call.reply("at last"),
            ("busy", _) => call.exception(INTERNAL_ERROR),
            ("void", _) => call.exception(5),
            // A struct in field 1: an exception that the method declares.
            _ => call.answer(REPLY, vec![12, 0, 1, 0, 0]),
        })
    })
    .await;
    let mut count = 0;
    for (policy, method, again) in [
        ("on: [], statuses: [INTERNAL_ERROR]", "busy", true),
        ("on: [], statuses: [6]", "busy", true),
        ("on: [], statuses: [INTERNAL_ERROR]", "void", false),
        ("on: [], statuses: [14, MISSING_RESULT]", "void", true),
        ("on: [server-error], idempotent: true", "void", true),
        // The service may have done it.
        ("on: [server-error], idempotent: false", "void", false),
        // What the method declares is an answer like any other.
        (
            "on: [server-error, refused], statuses: [UNKNOWN, 0]",
            "declared",
            false,
        ),
    ] {
        let route = format!("retry: {{{policy}}}");
        let (_proxy, at) = start(&mesh(&route), &[("@A", address)]);
        let mut client = Client::connect(at[0]).await;
        let call = Binary.call(method, 5, "1");
        let answer = client.call(&call).await;
        count += 1 + usize::from(again);
        assert_eq!(seen.all().len(), count, "{policy} {method}");
        if again {
            assert_eq!(answer, call.reply("at last"), "{policy} {method}");
        } else {
            assert_ne!(answer, call.reply("at last"), "{policy} {method}");
            // For the next one to start anew.
            client.call(&call).await;
            count += 1;
        }
    }
}

#[tokio::test]
async fn a_one_way_call_is_sent_once() {
    let (address, seen) = server(|_, call| match &*call.name {
        "log" => Act::Close,
        _ => Act::Answer(call.reply("fine")),
    })
    .await;
    let retry = "retry: {attempts: 3, on: [connect-failure, reset, timeout], per_try_timeout: 1s}";
    let (_proxy, at) = start(&mesh(retry), &[("@A", address)]);
    let mut client = Client::connect(at[0]).await;
    client.send(&Binary.call("log", 1, "x").one_way()).await;
    until(|| !seen.all().is_empty()).await;
    // The next answer is that of the next call.
    let call = Binary.call("get", 2, "x");
    assert_eq!(client.call(&call).await, call.reply("fine"));
    let names: Vec<_> = seen.all().into_iter().map(|(_, call)| call.name).collect();
    assert_eq!(names, ["log", "get"]);
}

#[tokio::test]
async fn a_timeout_is_an_exception_and_the_connection_goes_on() {
    let (address, seen) = server(|_, call| match &*call.name {
        "hang" => Act::Nothing,
        "leave" => Act::Close,
        _ => Act::Answer(call.reply("fine")),
    })
    .await;
    let (_proxy, at) = start(&mesh("timeout: 3s"), &[("@A", address)]);
    let mut client = Client::connect(at[0]).await;
    for (seqid, (method, what)) in [("hang", "timed out"), ("leave", "reset")]
        .into_iter()
        .enumerate()
    {
        let seqid = 10 + seqid as u32;
        let answer = client.call(&Binary.call(method, seqid, "x")).await;
        assert_eq!((&*answer.name, answer.seqid), (method, seqid));
        let (code, text) = answer.refusal();
        assert_eq!(code, INTERNAL_ERROR);
        assert!(text.contains(what), "{text}");
        let call = Binary.call("get", 20 + seqid, "x");
        assert_eq!(client.call(&call).await, call.reply("fine"));
    }
    // Nobody is given a connection on which an answer may still come.
    let connections: Vec<_> = seen.all().into_iter().map(|(at, _)| at).collect();
    assert_eq!(connections, [0, 1, 1, 2]);
    until(|| seen.closed() == [0]).await;
}
