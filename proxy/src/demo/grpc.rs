//! gRPC in the demo: tonic's server with an echo (`proto/echo.proto`), health and reflection.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use serde_json::json;
use tonic::codegen::Service;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_health::pb::health_server::SERVICE_NAME as HEALTH;
use tonic_reflection::pb::v1::server_reflection_server::SERVICE_NAME as REFLECTION;
use tonic_reflection::pb::v1alpha::server_reflection_server::SERVICE_NAME as REFLECTION_ALPHA;
use tonic_reflection::server::Builder as Reflection;

use generated::echo_server::{Echo, EchoServer, SERVICE_NAME as ECHO};
use generated::{EchoReply, EchoRequest, RepeatRequest};

use super::exhibit::{CANARY, Exhibit, Expected, Try};
use super::servers::Site;
use crate::call::RpcStatus;

#[allow(
    clippy::all,
    missing_docs,
    unreachable_pub,
    reason = "made from proto/echo.proto"
)]
mod generated {
    tonic::include_proto!("wireloom.demo");
}

/// The description of the service, for reflection.
const DESCRIPTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo.bin"));
/// The most answers of a stream.
const MOST: u32 = 1000;
/// The longest text of an answer that joins others, in bytes.
const LONGEST: usize = 1 << 20;

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "grpc",
    title: "gRPC",
    matches: "protocol: grpc",
    upstream: Some("http2"),
    serve: |site| Box::pin(serve(site)),
    tries,
    others: |proxy| {
        let say = format!("{proxy} {ECHO}/Say");
        let message = r#"-d '{"text": "tea"}'"#;
        vec![
            (
                "with grpcurl",
                format!("grpcurl -plaintext {message} {say}"),
            ),
            (
                "with grpcurl, routed by metadata",
                format!("grpcurl -plaintext {message} -H '{CANARY}: true' {say}"),
            ),
            (
                "health",
                format!("grpcurl -plaintext {proxy} {HEALTH}/Check"),
            ),
        ]
    },
};

async fn serve(site: Site) {
    let echo = EchoServer::new(EchoService(site.name.clone()));
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<EchoServer<EchoService>>().await;
    let reflection = || {
        Reflection::configure()
            .register_encoded_file_descriptor_set(DESCRIPTION)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let (v1, v1alpha) = match (reflection().build_v1(), reflection().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => (v1, v1alpha),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!("gRPC's echo service cannot describe itself: {error}");
            return;
        }
    };
    loop {
        let io = TokioIo::new(site.accept().await);
        let (echo, health) = (echo.clone(), health.clone());
        let (v1, v1alpha) = (v1.clone(), v1alpha.clone());
        let service = service_fn(move |request: http::Request<Incoming>| {
            let (mut echo, mut health) = (echo.clone(), health.clone());
            let (mut v1, mut v1alpha) = (v1.clone(), v1alpha.clone());
            async move {
                let path = request.uri().path();
                let service = path.split('/').nth(1).unwrap_or_default();
                match service {
                    ECHO => echo.call(request).await,
                    HEALTH => health.call(request).await,
                    REFLECTION => v1.call(request).await,
                    REFLECTION_ALPHA => v1alpha.call(request).await,
                    other => Ok(Status::unimplemented(format!("no service {other}")).into_http()),
                }
            }
        });
        let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(io, service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::info!("a connection to an echo service ended: {error}");
            }
        });
    }
}

/// The service of this name.
struct EchoService(Arc<str>);

type Replies = Pin<Box<dyn Stream<Item = Result<EchoReply, Status>> + Send>>;

impl EchoService {
    fn reply(&self, text: String, number: u32) -> EchoReply {
        EchoReply {
            text,
            served_by: self.0.to_string(),
            number,
        }
    }
}

/// The status that a request asks for, if it does.
fn failure(request: &EchoRequest) -> Result<(), Status> {
    if request.fail_with == 0 {
        return Ok(());
    }
    let status = RpcStatus {
        code: request.fail_with,
        message: request.text.clone(),
        details: vec![prost_types::Any {
            type_url: "type.googleapis.com/wireloom.demo.EchoRequest".to_owned(),
            value: request.encode_to_vec(),
        }],
    };
    let code = Code::from(request.fail_with);
    let details = status.encode_to_vec().into();
    Err(Status::with_details(code, request.text.clone(), details))
}

#[tonic::async_trait]
impl Echo for EchoService {
    type RepeatStream = Replies;
    type ChatStream = Replies;

    async fn say(&self, request: Request<EchoRequest>) -> Result<Response<EchoReply>, Status> {
        let request = request.into_inner();
        failure(&request)?;
        Ok(Response::new(self.reply(request.text, 0)))
    }

    async fn repeat(&self, request: Request<RepeatRequest>) -> Result<Response<Replies>, Status> {
        let RepeatRequest {
            text,
            count,
            pause_ms,
        } = request.into_inner();
        if count > MOST {
            let what = format!("count is {count}, and at most {MOST}");
            return Err(Status::invalid_argument(what));
        }
        let pause = Duration::from_millis(pause_ms.into());
        let reply = self.reply(text, 0);
        let replies = stream::iter(1..=count).then(move |number| {
            let reply = EchoReply {
                number,
                ..reply.clone()
            };
            async move {
                if number > 1 && !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                Ok(reply)
            }
        });
        Ok(Response::new(Box::pin(replies)))
    }

    async fn join(
        &self,
        request: Request<Streaming<EchoRequest>>,
    ) -> Result<Response<EchoReply>, Status> {
        let mut requests = request.into_inner();
        let mut text = String::new();
        while let Some(request) = requests.try_next().await? {
            failure(&request)?;
            text.push_str(&request.text);
            if text.len() > LONGEST {
                let what = format!("the text is longer than {LONGEST} bytes");
                return Err(Status::resource_exhausted(what));
            }
        }
        Ok(Response::new(self.reply(text, 0)))
    }

    async fn chat(
        &self,
        request: Request<Streaming<EchoRequest>>,
    ) -> Result<Response<Replies>, Status> {
        let service = Self(self.0.clone());
        let requests = request.into_inner().zip(stream::iter(1..));
        let replies = requests.map(move |(request, number)| {
            let request = request?;
            failure(&request)?;
            Ok(service.reply(request.text, number))
        });
        Ok(Response::new(Box::pin(replies)))
    }
}

fn tries() -> Vec<Try> {
    let to = |method: &str| format!("{ECHO}/{method}");
    let plain = Try {
        about: "one message, its type known by reflection",
        scheme: "grpc",
        target: to("Say"),
        query: "",
        body: Some(r#"{"text": "tea"}"#),
        types: None,
        http2: false,
        canary: false,
        expected: Expected::Values(vec![json!({ "text": "tea", "servedBy": "grpc" })]),
    };
    let numbered =
        |text: &str, number: u32| json!({ "text": text, "servedBy": "grpc", "number": number });
    vec![
        plain.clone(),
        Try {
            about: "metadata that a route asks for",
            canary: true,
            expected: Expected::Values(vec![json!({ "text": "tea", "servedBy": "grpc-canary" })]),
            ..plain.clone()
        },
        Try {
            about: "a stream of answers",
            target: to("Repeat"),
            body: Some(r#"{"text": "tea", "count": 3}"#),
            expected: Expected::Values((1..=3).map(|number| numbered("tea", number)).collect()),
            ..plain.clone()
        },
        Try {
            about: "streams both ways",
            target: to("Chat"),
            body: Some(r#"{"text": "tea"} {"text": "milk"}"#),
            expected: Expected::Values(vec![numbered("tea", 1), numbered("milk", 2)]),
            ..plain.clone()
        },
        Try {
            about: "health",
            target: format!("{HEALTH}/Check"),
            body: None,
            expected: Expected::Values(vec![json!({ "status": "SERVING" })]),
            ..plain.clone()
        },
        Try {
            about: "the services that there are",
            target: String::new(),
            body: None,
            expected: Expected::Lines(&[HEALTH, REFLECTION, ECHO]),
            ..plain
        },
    ]
}
