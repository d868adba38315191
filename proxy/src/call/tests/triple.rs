use std::sync::{Arc, Mutex};

use wireloom_hessian::{decode_all, encode};

use super::server::{Answer, message, start};
use super::*;
use crate::call::triple::{RequestWrapper, ResponseWrapper};

fn wrapper(value: &Value, class: &str) -> ResponseWrapper {
    ResponseWrapper {
        serialize_type: "hessian4".to_owned(),
        data: encode([value], Dialect::Final).unwrap().to_vec(),
        class: class.to_owned(),
    }
}

#[tokio::test]
async fn a_request_is_a_wrapper_with_fields_of_its_own() {
    let seen = Arc::new(Mutex::new(None));
    let kept = seen.clone();
    let address = start(true, move |request| {
        *kept.lock().unwrap() = Some(request.clone());
        Answer::grpc(&[&wrapper(&Value::from("x"), "java.lang.String")], 0)
    });
    let address = address.await;
    let url = format!("tri://{address}/org.acme.A/find?version=1.2&group=blue");
    let mut args = args(&url, r#"["a", 7, ["b"]]"#);
    args.types = Some("String,long,String[]".to_owned());
    let reply = call(&args).await.unwrap();
    assert_eq!(reply.values, [json!("x")]);

    let seen = seen.lock().unwrap().take().unwrap();
    assert_eq!(seen.uri().path(), "/org.acme.A/find");
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("tri-service-version", "1.2"),
        ("tri-service-group", "blue"),
        ("tri-consumer-appname", "wireloom"),
        ("grpc-timeout", "1500000u"),
    ] {
        assert_eq!(seen.headers()[name], value);
    }
    let wrapper: RequestWrapper = message(&seen);
    assert_eq!(wrapper.serialize_type, "hessian4");
    let types = ["java.lang.String", "long", "[Ljava.lang.String;"];
    assert_eq!(wrapper.arg_types, types);
    let each = wrapper.args.iter();
    let values: Vec<_> = each
        .flat_map(|bytes| decode_all(bytes, Dialect::Final).unwrap())
        .collect();
    assert_eq!(values[..2], [Value::from("a"), Value::Long(7)]);
    assert_eq!(values.len(), 3);
}

#[tokio::test]
async fn exceptions_statuses_and_nonsense_are_told_apart() {
    let thrown = wrapper(&exception(), "void");
    let odd = ResponseWrapper {
        serialize_type: "fastjson2".to_owned(),
        ..wrapper(&Value::Null, "")
    };
    for (answer, expected) in [
        (
            Answer::grpc(&[&thrown], 0).with("tri-exception-code", "1"),
            "exception com.acme.OutOfTea: no tea",
        ),
        (
            Answer::grpc(&[], 12).trailer("grpc-message", "no%20such method"),
            "status 12 UNIMPLEMENTED: no such method",
        ),
        (
            Answer::grpc(&[&odd], 0),
            "the answer cannot be read: its serialization is fastjson2",
        ),
        (
            Answer::grpc(&[], 0),
            "the answer cannot be read: its status is OK, and there is no message",
        ),
    ] {
        let address = start(true, move |_| answer.clone()).await;
        let args = args(&format!("tri://{address}/org.acme.A/find"), "[]");
        let error = call(&args).await.unwrap_err();
        assert!(matches!(error, CallError::Answered(_)), "{error}");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn types_are_guessed_as_for_bolt() {
    let address = start(true, |request| {
        let asked: RequestWrapper = message(request);
        let types = asked.arg_types.iter().map(|name| Value::from(&**name));
        Answer::grpc(&[&wrapper(&Value::list(types), "")], 0)
    });
    let url = format!("tri://{}/org.acme.A/find", address.await);
    let reply = call(&args(&url, r#"["a", 1, {"k": 1}]"#)).await.unwrap();
    let types = json!(["java.lang.String", "int", "java.util.Map"]);
    assert_eq!(reply.values, [types]);
}
