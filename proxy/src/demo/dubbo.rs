//! Dubbo in the demo.

use std::sync::Arc;

use serde_json::json;
use wireloom_codecs::{ErrorKind, Framed, LocalError, Request, Response};
use wireloom_dubbo::answer::read_request;
use wireloom_dubbo::call::{Arguments, ok_response};
use wireloom_dubbo::{DubboCodec, DubboConfig};

use super::echo::Asked;
use super::exhibit::{Exhibit, Expected, SERVICE, Try};
use super::framed;

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "dubbo",
    title: "Dubbo",
    matches: "protocol: dubbo",
    upstream: None,
    serve: |site| {
        let protocol = Arc::new(Framed::<DubboCodec>::new(DubboConfig::default()));
        Box::pin(framed::serve(site, protocol, answer))
    },
    tries,
    others: |proxy| {
        let line = format!("Java: @DubboReference(url = \"dubbo://{proxy}\") OrderService orders;");
        vec![("from your own code", line)]
    },
};

fn answer(request: &Request, served_by: &str) -> Result<Response, LocalError> {
    let malformed = |what: String| LocalError::new(ErrorKind::Malformed, what);
    let call = read_request(request).map_err(|error| malformed(error.to_string()))?;
    let (arguments, references) = match call.arguments {
        // Nothing but texts come before the arguments of a typed call, and an int before its result.
        Arguments::Typed { values, .. } => (values, true),
        Arguments::Generic { values, .. } => (values, false),
    };
    let asked = Asked {
        service: call.service,
        method: call.method,
        arguments,
        metadata: call.attachments,
        references,
    };
    let value = asked.answer(served_by)?;
    let attachments = [("served-by", served_by)];
    ok_response(&value, &attachments).map_err(|error| malformed(error.to_string()))
}

fn tries() -> Vec<Try> {
    let to = |method: &str| format!("{SERVICE}/{method}");
    let plain = Try {
        about: "typed",
        scheme: "dubbo",
        target: to("find"),
        query: "",
        body: Some(r#"["order 42"]"#),
        types: Some("Ljava/lang/String;"),
        http2: false,
        canary: false,
        expected: Expected::Values(vec![json!("order 42")]),
    };
    vec![
        plain.clone(),
        Try {
            about: "generic: the provider finds the types",
            target: to("create"),
            body: Some(r#"[{"sku": "tea", "count": 3}]"#),
            types: None,
            expected: Expected::Values(vec![json!({ "sku": "tea", "count": 3 })]),
            ..plain.clone()
        },
        Try {
            about: "an attachment that a route asks for",
            target: to("servedBy"),
            body: Some("[]"),
            types: None,
            canary: true,
            expected: Expected::Values(vec![json!("dubbo-canary")]),
            ..plain.clone()
        },
        Try {
            about: "one-way: nobody waits for an answer",
            target: to("notify"),
            query: "?oneway=true",
            expected: Expected::Nothing,
            ..plain
        },
    ]
}
