use std::sync::{Arc, Mutex};

use super::server::{Answer, start};
use super::*;

/// Answers `OK` and keeps what it was asked.
async fn watched(two: bool) -> (String, Arc<Mutex<Option<server::Seen>>>) {
    let seen = Arc::new(Mutex::new(None));
    let kept = seen.clone();
    let address = start(two, move |request| {
        *kept.lock().unwrap() = Some(request.clone());
        Answer::new(200, "fine")
    });
    (format!("http://{}", address.await), seen)
}

async fn asked(two: bool, target: &str, args: CallArgs) -> server::Seen {
    let (server, seen) = watched(two).await;
    let args = CallArgs {
        url: format!("{server}{target}"),
        http2: two,
        ..args
    };
    assert_eq!(call(&args).await.unwrap().body, b"fine");
    let seen = seen.lock().unwrap().take();
    seen.unwrap()
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

#[tokio::test]
async fn without_a_body_it_is_a_get() {
    for two in [false, true] {
        let seen = asked(two, "", CallArgs::new("")).await;
        assert_eq!((seen.method().as_str(), seen.uri().path()), ("GET", "/"));
        assert_eq!(seen.body(), "");
        let agent = format!("wireloom/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(seen.headers()["user-agent"], agent);
        assert_eq!(seen.headers()["accept"], "*/*");
        assert!(!seen.headers().contains_key("content-type"));
    }
}

#[tokio::test]
async fn a_body_is_posted_and_json_is_called_so() {
    for (body, kind) in [
        ("{\"a\": 1}", "application/json"),
        ("tea", "text/plain; charset=utf-8"),
        ("", "text/plain; charset=utf-8"),
    ] {
        let args = CallArgs {
            body: Some(body.to_owned()),
            ..CallArgs::new("")
        };
        let seen = asked(false, "/a%ff?b=%zz&c", args).await;
        assert_eq!(seen.method(), "POST");
        assert_eq!(seen.uri(), "/a%ff?b=%zz&c");
        assert_eq!(seen.body(), body);
        assert_eq!(seen.headers()["content-type"], kind);
    }
}

#[tokio::test]
async fn what_is_written_counts() {
    for two in [false, true] {
        let args = CallArgs {
            body: Some("tea".to_owned()),
            method: Some("PURGE".to_owned()),
            headers: vec![
                header("Host", "shop.example"),
                header("x-a", "1"),
                header("x-a", "2"),
                header("Content-Type", "application/tea"),
                header("user-agent", "me"),
            ],
            ..CallArgs::new("")
        };
        let seen = asked(two, "/a", args).await;
        assert_eq!(seen.method(), "PURGE");
        let host = match two {
            true => seen.uri().authority().unwrap().as_str(),
            false => seen.headers()["host"].to_str().unwrap(),
        };
        assert_eq!(host, "shop.example");
        let all: Vec<_> = seen.headers().get_all("x-a").iter().collect();
        assert_eq!(all, ["1", "2"]);
        assert_eq!(seen.headers()["content-type"], "application/tea");
        assert_eq!(seen.headers()["user-agent"], "me");
    }
}

#[tokio::test]
async fn a_reply_has_a_status_fields_a_body_and_trailers() {
    for two in [false, true] {
        let answer = move |_: &server::Seen| {
            let mut answer = Answer::new(200, "te").with("x-a", "1");
            answer.body.push("a".into());
            // HTTP/1.1 has trailers only where they were told of.
            answer.with("trailer", "x-end").trailer("x-end", "2")
        };
        let address = start(two, answer).await;
        let args = CallArgs {
            http2: two,
            headers: if two {
                vec![]
            } else {
                vec![header("te", "trailers")]
            },
            ..CallArgs::new(format!("http://{address}/"))
        };
        let reply = call(&args).await.unwrap();
        let version = if two { "HTTP/2.0" } else { "HTTP/1.1" };
        assert_eq!(reply.status.unwrap(), format!("{version} 200 OK"));
        assert_eq!(reply.body, b"tea");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert!(reply.attachments.contains(&pair("x-a", "1")));
        assert_eq!(reply.attachments.last(), Some(&pair("x-end", "2")));
    }
}

#[tokio::test]
async fn a_bad_status_is_an_error_after_its_body() {
    let address = start(false, |_| Answer::new(404, "no tea")).await;
    let mut reply = Reply::default();
    let args = CallArgs::new(format!("http://{address}/"));
    let outcome = call_into(&crate::Program::new(), &args, &mut |piece| reply.add(piece)).await;
    let Err(CallError::Answered(failure)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(failure.to_string(), "status 404 Not Found");
    assert_eq!(reply.body, b"no tea");
    let address = start(false, |_| Answer::new(599, "")).await;
    let args = CallArgs::new(format!("http://{address}/"));
    let error = call(&args).await.unwrap_err();
    assert_eq!(error.to_string(), "status 599");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    for two in [false, true] {
        let answer = |_: &server::Seen| Answer {
            broken: true,
            ..Answer::new(200, "half")
        };
        let address = start(two, answer).await;
        let args = CallArgs {
            http2: two,
            ..CallArgs::new(format!("http://{address}/"))
        };
        let error = call(&args).await.unwrap_err().to_string();
        let expected = format!("no answer from {address}: the answer breaks off: ");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_not_sent() {
    let new = || CallArgs::new("http://127.0.0.1:1/");
    for (args, expected) in [
        (
            CallArgs::new("http://127.0.0.1:1/a#b"),
            "the URL is wrong: `/a#b` is no URI: what is behind a `#` is never sent",
        ),
        (
            CallArgs::new("http://127.0.0.1:1/a b"),
            "the URL is wrong: `/a b` is no URI: invalid uri character",
        ),
        (
            CallArgs::new("https://127.0.0.1:1/"),
            "the URL is wrong: `https` needs TLS, which `wireloom call` does not speak; write http:// and a port without it",
        ),
        (
            CallArgs {
                method: Some("GE T".to_owned()),
                ..new()
            },
            "--request is wrong: `GE T` is no method",
        ),
        (
            CallArgs {
                method: Some("CONNECT".to_owned()),
                ..new()
            },
            "--request is wrong: CONNECT asks for a tunnel, not for an answer",
        ),
        (
            CallArgs {
                headers: vec![header("a b", "c")],
                ..new()
            },
            "--header is wrong: `a b` is no name of a field",
        ),
        (
            CallArgs {
                headers: vec![header("a", "b\nc: d")],
                ..new()
            },
            "--header is wrong: the value of `a` has characters of control",
        ),
        (
            CallArgs {
                types: Some("int".to_owned()),
                ..new()
            },
            "--type is wrong: http:// has no use for it",
        ),
        (
            CallArgs {
                proto_paths: vec!["/".into()],
                ..new()
            },
            "--proto-path is wrong: it says where the files of `--proto` are, and there are none",
        ),
    ] {
        let error = call(&args).await.unwrap_err();
        assert!(matches!(error, CallError::Wrong(_)), "{error}");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_server_of_another_version_is_no_silence() {
    let address = start(false, |_| Answer::new(200, "")).await;
    let args = CallArgs {
        http2: true,
        ..CallArgs::new(format!("http://{address}/"))
    };
    let error = call(&args).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("no answer from {address}: ")),
        "{error}"
    );
}
