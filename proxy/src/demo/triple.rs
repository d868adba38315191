//! Dubbo 3's Triple in the demo: wrappers of Java's values over gRPC.

use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tonic::codegen::Service;
use tonic::metadata::KeyAndValueRef;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use wireloom_hessian::{Dialect, Value, decode_all, encode};

use super::echo::Asked;
use super::exhibit::{Exhibit, Expected, SERVICE, Try};
use super::servers::Site;
use crate::call::triple::{RequestWrapper, ResponseWrapper};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "triple",
    title: "Triple",
    matches: "protocol: triple",
    upstream: Some("http2"),
    serve: |site| Box::pin(serve(site)),
    tries,
    others: |proxy| {
        let line = format!("Java: @DubboReference(url = \"tri://{proxy}\") OrderService orders;");
        vec![("from your own code", line)]
    },
};

async fn serve(site: Site) {
    loop {
        let io = TokioIo::new(site.accept().await);
        let name = site.name.clone();
        let service = service_fn(move |request: http::Request<Incoming>| {
            let echo = Echo {
                name: name.clone(),
                path: request.uri().path().to_owned(),
            };
            async move {
                let codec = ProstCodec::<ResponseWrapper, RequestWrapper>::default();
                let mut grpc = tonic::server::Grpc::new(codec);
                Ok::<_, std::convert::Infallible>(grpc.unary(echo, request).await)
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

/// The service of this name, asked at this path.
struct Echo {
    name: Arc<str>,
    path: String,
}

impl Service<Request<RequestWrapper>> for Echo {
    type Response = Response<ResponseWrapper>;
    type Error = Status;
    type Future = std::future::Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestWrapper>) -> Self::Future {
        ready(self.answer(&request))
    }
}

impl Echo {
    fn answer(
        &self,
        request: &Request<RequestWrapper>,
    ) -> Result<Response<ResponseWrapper>, Status> {
        let malformed = |error: wireloom_hessian::Error| Status::internal(error.to_string());
        let wrapper = request.get_ref();
        if !wrapper.serialize_type.starts_with("hessian") {
            let what = format!("serialization {}", wrapper.serialize_type);
            return Err(Status::unimplemented(what));
        }
        let each = wrapper.args.iter();
        let arguments = each.map(|bytes| decode_all(bytes, Dialect::Final));
        let arguments = arguments
            .collect::<Result<Vec<_>, _>>()
            .map_err(malformed)?;
        let path = self.path.trim_start_matches('/');
        let (service, method) = path.rsplit_once('/').unwrap_or((path, ""));
        let metadata = request.metadata().iter().filter_map(|field| match field {
            KeyAndValueRef::Ascii(name, value) => {
                Some((name.to_string(), Value::from(value.to_str().ok()?)))
            }
            KeyAndValueRef::Binary(..) => None,
        });
        let asked = Asked {
            service: service.to_owned(),
            method: method.to_owned(),
            arguments: arguments.into_iter().flatten().collect(),
            metadata: metadata.collect(),
            references: true,
        };
        let value = asked.answer(&self.name);
        let value = value.map_err(|error| Status::unimplemented(error.to_string()))?;
        Ok(Response::new(ResponseWrapper {
            serialize_type: wrapper.serialize_type.clone(),
            data: encode([&value], Dialect::Final).map_err(malformed)?.into(),
            class: value.type_name().unwrap_or("java.lang.Object").to_owned(),
        }))
    }
}

fn tries() -> Vec<Try> {
    let to = |method: &str| format!("{SERVICE}/{method}");
    let plain = Try {
        about: "Java's values over gRPC",
        scheme: "tri",
        target: to("find"),
        query: "?version=1.0.0&group=blue",
        body: Some(r#"["order 42"]"#),
        types: Some("String"),
        http2: false,
        canary: false,
        expected: Expected::Values(vec![json!("order 42")]),
    };
    vec![
        plain.clone(),
        Try {
            about: "a field that a route asks for",
            target: to("servedBy"),
            query: "",
            body: Some("[]"),
            types: None,
            canary: true,
            expected: Expected::Values(vec![json!("triple-canary")]),
            ..plain
        },
    ]
}
