//! SOFA Bolt in the demo.

use std::sync::Arc;

use serde_json::json;
use wireloom_bolt::sofa_value::{Answer, SofaError, decode_request, encode_response};
use wireloom_bolt::{BoltCodec, BoltConfig};
use wireloom_codecs::{ErrorKind, Framed, LocalError, Request, Response};

use super::echo::Asked;
use super::exhibit::{Exhibit, Expected, SERVICE, Try};
use super::framed;

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "bolt",
    title: "SOFA Bolt",
    matches: "protocol: bolt",
    upstream: None,
    serve: |site| {
        let protocol = Arc::new(Framed::<BoltCodec>::new(BoltConfig::default()));
        Box::pin(framed::serve(site, protocol, answer))
    },
    tries,
    others: |proxy| {
        let line =
            format!("Java: new ConsumerConfig<OrderService>().setDirectUrl(\"bolt://{proxy}\")");
        vec![("from your own code", line)]
    },
};

fn answer(request: &Request, served_by: &str) -> Result<Response, LocalError> {
    let malformed = |error: SofaError| LocalError::new(ErrorKind::Malformed, error.to_string());
    let content = request.body.whole().unwrap_or_default();
    let (call, dialect) = decode_request(content).map_err(malformed)?;
    let asked = Asked {
        service: call.service,
        method: call.method,
        arguments: call.args,
        metadata: call.props,
        // The request's own object counts before the arguments.
        references: false,
    };
    let value = asked.answer(served_by)?;
    encode_response(&request.head, dialect, Answer::Value(&value)).map_err(malformed)
}

fn tries() -> Vec<Try> {
    let to = |method: &str| format!("{SERVICE}:1.0/{method}");
    let plain = Try {
        about: "version 1",
        scheme: "bolt",
        target: to("find"),
        query: "",
        body: Some(r#"["order 42"]"#),
        types: None,
        http2: false,
        canary: false,
        expected: Expected::Values(vec![json!("order 42")]),
    };
    vec![
        plain.clone(),
        Try {
            about: "version 2, with a CRC",
            target: to("create"),
            query: "?v=2&crc=true",
            body: Some(r#"[{"sku": "tea", "count": 3}]"#),
            expected: Expected::Values(vec![json!({ "sku": "tea", "count": 3 })]),
            ..plain.clone()
        },
        Try {
            about: "a header that a route asks for",
            target: to("servedBy"),
            body: Some("[]"),
            canary: true,
            expected: Expected::Values(vec![json!("bolt-canary")]),
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
