use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use prost::Message;
use prost_types::FileDescriptorProto;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{
    ErrorResponse, FileDescriptorResponse, ListServiceResponse, ServerReflectionRequest,
    ServerReflectionResponse, ServiceResponse,
};

use super::server::{Answer, Seen, message, start};
use super::*;
use crate::call::grpc::compile;

const ORDERS: &str = r#"syntax = "proto3";
package acme;
import "item.proto";
import "google/protobuf/duration.proto";
service Orders {
  rpc Find(Query) returns (acme.Item);
  rpc List(Query) returns (stream acme.Item);
  rpc Sum(stream acme.Item) returns (acme.Item);
}
message Query { string text = 1; google.protobuf.Duration within = 2; }
"#;
const ITEM: &str =
    "syntax = \"proto3\";\npackage acme;\nmessage Item { string name = 1; int64 count = 2; }\n";

/// `acme.Item`, as the server knows it.
#[derive(Clone, PartialEq, Message)]
struct Item {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, tag = "2")]
    count: i64,
}

fn item(name: &str, count: i64) -> Item {
    let name = name.to_owned();
    Item { name, count }
}

/// A directory with the files, deleted at the end.
struct Files(PathBuf);

impl Files {
    fn new(name: &str, orders: &str) -> Self {
        let name = format!("wireloom-{}-{name}", std::process::id());
        let files = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&files.0).unwrap();
        std::fs::write(files.0.join("orders.proto"), orders).unwrap();
        std::fs::write(files.0.join("item.proto"), ITEM).unwrap();
        files
    }

    fn args(&self, url: String) -> CallArgs {
        CallArgs {
            protos: vec![self.0.join("orders.proto")],
            ..CallArgs::new(url)
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server of the schema, with reflection at this version of it, and what it was asked besides.
async fn server(
    reflection: &'static str,
    answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let files = Files::new(&format!("reflected-{:p}", &answer), ORDERS);
    let pool = compile(&files.args(String::new())).unwrap();
    let all: Vec<FileDescriptorProto> = pool.file_descriptor_protos().cloned().collect();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = seen.clone();
    let reflected = format!("/grpc.reflection.{reflection}.ServerReflection/ServerReflectionInfo");
    let address = start(true, move |request| {
        let path = request.uri().path();
        if path == reflected {
            let asked: ServerReflectionRequest = message(request);
            return reflect(&all, asked.message_request.unwrap());
        }
        if path.contains("reflection") {
            return Answer::grpc(&[], 12);
        }
        kept.lock().unwrap().push(request.clone());
        answer(request)
    });
    (format!("grpc://{}", address.await), seen)
}

/// One file at a time, as grpc-go answers, and none that every implementation has.
fn reflect(all: &[FileDescriptorProto], asked: MessageRequest) -> Answer {
    let file = |name: &str| {
        let file = all.iter().find(|file| file.name() == name).unwrap();
        MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
            file_descriptor_proto: vec![file.encode_to_vec()],
        })
    };
    let response = match asked {
        MessageRequest::FileContainingSymbol(name) if name == "acme.Orders" => file("orders.proto"),
        MessageRequest::FileByFilename(name) if name == "item.proto" => file(&name),
        MessageRequest::ListServices(_) => {
            let services = ["acme.Orders", "acme.Ads"].map(|name| ServiceResponse {
                name: name.to_owned(),
            });
            MessageResponse::ListServicesResponse(ListServiceResponse {
                service: services.to_vec(),
            })
        }
        _ => MessageResponse::ErrorResponse(ErrorResponse {
            error_code: 5,
            error_message: "not here".to_owned(),
        }),
    };
    let response = ServerReflectionResponse {
        message_response: Some(response),
        ..ServerReflectionResponse::default()
    };
    Answer::grpc(&[&response], 0)
}

#[tokio::test]
async fn the_schema_comes_by_reflection_of_either_version() {
    for version in ["v1", "v1alpha"] {
        let answer = |_: &Seen| Answer::grpc(&[&item("tea", 5_000_000_000)], 0);
        let (server, seen) = server(version, answer).await;
        let body = r#"{"text": "t", "within": "1.5s"}"#;
        let mut args = args(&format!("{server}/acme.Orders/Find"), body);
        args.headers = vec![
            Header {
                name: "X-Zone".to_owned(),
                value: "a".to_owned(),
            },
            Header {
                name: "key-bin".to_owned(),
                value: "AP8".to_owned(),
            },
        ];
        let reply = call(&args).await.unwrap();
        assert_eq!(
            reply.values,
            [json!({ "name": "tea", "count": "5000000000" })]
        );

        let seen = seen.lock().unwrap();
        let [request] = seen.as_slice() else {
            panic!("{seen:?}")
        };
        assert_eq!(request.uri().path(), "/acme.Orders/Find");
        // text = "t", within = { seconds = 1, nanos = 500000000 }
        let sent = b"\x0a\x01t\x12\x08\x08\x01\x10\x80\xca\xb5\xee\x01";
        assert_eq!(request.body()[5..], sent[..]);
        for (name, value) in [
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("x-zone", "a"),
            ("key-bin", "AP8"),
            ("grpc-timeout", "1500000u"),
        ] {
            assert_eq!(request.headers()[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn services_and_methods_are_listed() {
    let (server, _) = server("v1", |_| Answer::grpc(&[], 12)).await;
    let reply = call(&CallArgs::new(&server)).await.unwrap();
    assert_eq!(reply.body, b"acme.Ads\nacme.Orders\n");
    let url = format!("{server}/acme.Orders");
    let listed = "rpc Find(acme.Query) returns (acme.Item)\n\
        rpc List(acme.Query) returns (stream acme.Item)\n\
        rpc Sum(stream acme.Item) returns (acme.Item)\n";
    let reply = call(&CallArgs::new(url)).await.unwrap();
    assert_eq!(String::from_utf8(reply.body).unwrap(), listed);
    // The files alone are enough.
    let files = Files::new("listed", ORDERS);
    let reply = call(&files.args("grpc://127.0.0.1:1".to_owned()))
        .await
        .unwrap();
    assert_eq!(reply.body, b"acme.Orders\n");
}

#[tokio::test]
async fn streams_have_any_number_of_messages() {
    let files = Files::new("streams", ORDERS);
    let answers = |_: &Seen| {
        let answer = Answer::grpc(&[&item("a", 1), &item("b", 2)], 0);
        answer.with("x-a", "1").trailer("x-b", "2")
    };
    let (server, seen) = server("none", answers).await;
    let reply = call(&files.args(format!("{server}/acme.Orders/List")))
        .await
        .unwrap();
    let values = [
        json!({ "name": "a", "count": "1" }),
        json!({ "name": "b", "count": "2" }),
    ];
    assert_eq!(reply.values, values);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert!(reply.attachments.contains(&pair("x-a", "1")));
    assert!(reply.attachments.contains(&pair("x-b", "2")));

    let mut args = files.args(format!("{server}/acme.Orders/Sum"));
    args.body = Some("{\"name\": \"a\"}\n {\"name\": \"b\"}".to_owned());
    // Two answers to a method with one: both are shown.
    assert_eq!(call(&args).await.unwrap().values.len(), 2);
    args.body = None;
    call(&args).await.unwrap();
    let seen = seen.lock().unwrap();
    let bodies: Vec<_> = seen.iter().map(|request| &request.body()[..]).collect();
    let two = b"\0\0\0\0\x03\x0a\x01a\0\0\0\0\x03\x0a\x01b";
    assert_eq!(bodies, [b"\0\0\0\0\0", &two[..], b""]);
}

#[tokio::test]
async fn statuses_are_shown_with_message_and_details() {
    let status = RpcStatus {
        code: 9,
        message: String::new(),
        details: vec![
            prost_types::Any {
                type_url: "type.googleapis.com/acme.Item".to_owned(),
                value: item("tea", 0).encode_to_vec(),
            },
            prost_types::Any {
                type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
                // reason = "COLD"
                value: b"\x0a\x04COLD".to_vec(),
            },
            prost_types::Any {
                type_url: "type.googleapis.com/acme.Unknown".to_owned(),
                value: vec![1, 2],
            },
        ],
    };
    use base64::Engine;
    let details = base64::engine::general_purpose::STANDARD_NO_PAD.encode(status.encode_to_vec());
    let files = Files::new("details", ORDERS);
    let no_message = "the answer cannot be read: its status is OK, and there is no message";
    for (answer, expected) in [
        (
            // In trailers.
            Answer::grpc(&[], 9)
                .trailer("grpc-message", "too%20late")
                .trailer("grpc-status-details-bin", &details),
            "status 9 FAILED_PRECONDITION: too late\n  acme.Item {\"name\":\"tea\"}\n  google.rpc.ErrorInfo {\"reason\":\"COLD\"}\n  acme.Unknown AQI=",
        ),
        (
            // After a message.
            Answer::grpc(&[&item("tea", 0)], 14),
            "status 14 UNAVAILABLE",
        ),
        (
            // Trailers alone.
            Answer {
                trailers: None,
                body: vec![],
                ..Answer::grpc(&[], 0)
            }
            .with("grpc-status", "5"),
            "status 5 NOT_FOUND",
        ),
        (Answer::grpc(&[], 0), no_message),
        (
            Answer {
                body: vec!["\0\0\0\0\x02\x0a\x05".into()],
                ..Answer::grpc(&[], 0)
            },
            "the answer cannot be read: it is no acme.Item: ",
        ),
    ] {
        let (server, _) = server("none", move |_| answer.clone()).await;
        let args = files.args(format!("{server}/acme.Orders/Find"));
        let error = call(&args).await.unwrap_err();
        assert!(matches!(error, CallError::Answered(_)), "{error:?}");
        let error = error.to_string();
        assert!(error.starts_with(expected), "{error}, not {expected}");
    }
}

#[tokio::test]
async fn what_is_no_call_says_what_would_be_right() {
    let (server, seen) = server("v1", |_| Answer::grpc(&[], 0)).await;
    let find = format!("{server}/acme.Orders/Find");
    for (url, body, expected) in [
        (
            format!("{server}/acme.Order/Find"),
            "",
            "the URL is wrong: there is no service `acme.Order`; did you mean `acme.Orders`?",
        ),
        (
            format!("{server}/Other/Find"),
            "",
            "the URL is wrong: there is no service `Other`; there are acme.Orders, acme.Ads",
        ),
        (
            format!("{server}/acme.Orders/find"),
            "",
            "the URL is wrong: `acme.Orders` has no method `find`; did you mean `Find`?",
        ),
        (
            format!("{server}/acme.Orders/Delete"),
            "",
            "the URL is wrong: `acme.Orders` has no method `Delete`; there are Find, List, Sum",
        ),
        (
            find.clone(),
            "{\"text\": ",
            "the arguments are wrong: they are no acme.Query in JSON: EOF while parsing a value at line 1 column 9",
        ),
        (
            find.clone(),
            "{\"texts\": \"a\"}",
            "the arguments are wrong: they are no acme.Query in JSON: unrecognized field name 'texts' at line 1 column 8",
        ),
        (
            find.clone(),
            "[1]",
            "the arguments are wrong: they are no acme.Query in JSON: invalid type: sequence, expected a map at line 1 column 0",
        ),
        (
            find.clone(),
            "{} {}",
            "the arguments are wrong: `Find` takes one message, not 2",
        ),
        (
            format!("{find}?a=b"),
            "",
            "the URL is wrong: it has no key `a`; there is none",
        ),
    ] {
        let error = call(&args(&url, body)).await.unwrap_err();
        assert!(matches!(error, CallError::Wrong(_)), "{error}");
        assert_eq!(error.to_string(), expected);
    }
    assert!(seen.lock().unwrap().is_empty());
    let mut args = args(&find, "{}");
    args.headers = vec![Header {
        name: "key-bin".to_owned(),
        value: "*".to_owned(),
    }];
    let error = call(&args).await.unwrap_err();
    let expected =
        "--header is wrong: the value of `key-bin` must be base64, for its name ends in -bin";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn without_a_schema_there_is_no_call() {
    let (server, _) = server("none", |_| Answer::grpc(&[], 0)).await;
    let told = |error: CallError| {
        let text = error.to_string();
        let (before, after) = text.split_once(" 127.0.0.1:").unwrap();
        let (_, after) = after.split_once(' ').unwrap();
        format!("{before} ADDRESS {after}")
    };
    let error = call(&CallArgs::new(format!("{server}/acme.Orders/Find"))).await;
    assert_eq!(
        told(error.unwrap_err()),
        "the schema is not known, for ADDRESS has no reflection; `--proto FILE` gives it"
    );
    let address = start(true, |_| {
        Answer::grpc(&[], 14).trailer("grpc-message", "later")
    })
    .await;
    let error = call(&CallArgs::new(format!("grpc://{address}"))).await;
    assert_eq!(
        told(error.unwrap_err()),
        "the schema is not known, for ADDRESS answers reflection with status 14 UNAVAILABLE: later; `--proto FILE` gives it"
    );
}

#[tokio::test]
async fn errors_in_proto_files_have_a_place() {
    let orders = "syntax = \"proto3\";\nmessage A {\n  strin a = 1;\n}\n";
    for (name, text, expected) in [
        (
            "typo",
            "syntax = \"proto3\";\nmessage A {\n  string = 1;\n}\n",
            "orders.proto:3:10: ",
        ),
        ("type", orders, "orders.proto:3:3: "),
        (
            "import",
            "syntax = \"proto3\";\nimport \"none.proto\";\n",
            "orders.proto:2:1: ",
        ),
    ] {
        let files = Files::new(name, text);
        let error = call(&files.args("grpc://127.0.0.1:1".to_owned())).await;
        let error = error.unwrap_err();
        assert!(matches!(error, CallError::Wrong(_)), "{error}");
        let error = error.to_string();
        let expected = format!("--proto is wrong: {expected}");
        assert!(error.starts_with(&expected), "{error}, not {expected}");
    }
    let args = CallArgs {
        protos: vec!["/no/such.proto".into()],
        ..CallArgs::new("grpc://127.0.0.1:1")
    };
    let error = call(&args).await.unwrap_err().to_string();
    assert!(error.contains("/no/such.proto"), "{error}");
}

#[tokio::test]
async fn files_are_found_where_they_are_said_to_be() {
    let files = Files::new("paths", ORDERS);
    let args = CallArgs {
        protos: vec!["orders.proto".into()],
        proto_paths: vec![files.0.clone()],
        ..CallArgs::new("grpc://127.0.0.1:1")
    };
    assert_eq!(call(&args).await.unwrap().body, b"acme.Orders\n");
}
