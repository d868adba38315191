//! Dubbo consumers and providers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use wireloom_codecs::{
    Accepted, ByteBudget, Call, Channel, ChannelLimits, Connector, Framed, LocalError, Needs,
    Protocol, Request, Response, ServeLimits, Service, drain,
};
use wireloom_dubbo::call::{Arguments, DubboCall, ok_response, read_response};
use wireloom_dubbo::{DubboCodec, DubboConfig};
use wireloom_hessian::Value;

use crate::mesh::soon;

fn framed() -> Framed<DubboCodec> {
    Framed::new(DubboConfig::default())
}

/// A provider that answers every call with its name.
#[derive(Clone)]
struct Named(&'static str);

impl Service for Named {
    fn call(
        &self,
        _: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let answer = ok_response(&Value::from(self.0), &[]).unwrap();
        std::future::ready(Ok(answer))
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

/// A provider on a port of its own, for as long as the test runs.
pub(crate) async fn provider(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (_drain, watch) = drain();
        while let Ok((stream, _)) = listener.accept().await {
            let connection = Accepted {
                tls: false,
                io: Box::new(stream),
                prefix: Bytes::new(),
                limits: ServeLimits::default(),
                budget: ByteBudget::new(1 << 24),
                drain: watch.clone(),
            };
            let served = framed().serve(connection, Named(name));
            tokio::spawn(served);
        }
    });
    address
}

/// A consumer, whose calls share one connection.
pub(crate) struct Consumer(Arc<dyn Channel>);

impl Consumer {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        Self::over(Box::new(stream)).await
    }

    pub(crate) async fn over(io: Box<dyn wireloom_codecs::Io>) -> Self {
        let budget = ByteBudget::new(1 << 24);
        let opened = framed().open(io, ChannelLimits::default(), budget, Arc::new(()));
        Self(opened.await.unwrap())
    }

    /// Sends a call: the name of the provider that answered, or why none did.
    pub(crate) async fn send(&self, call: &DubboCall) -> Result<String, String> {
        let call = Call {
            request: Box::new(call.request(false).unwrap()),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let answer = self
            .0
            .send(call)
            .unwrap_or_else(|_| panic!("the channel is closed"));
        let response = soon(answer).await.unwrap();
        match read_response(&response) {
            Ok(reply) => match reply.value {
                Value::String(name) => Ok(name),
                other => panic!("{other:?}"),
            },
            Err(failure) => Err(failure.to_string()),
        }
    }

    /// Calls `acme.Orders.get` with these attachments.
    pub(crate) async fn get(&self, attachments: &[(&str, &str)]) -> Result<String, String> {
        self.send(&call("acme.Orders", "get", attachments)).await
    }
}

/// A call without arguments.
pub(crate) fn call(service: &str, method: &str, attachments: &[(&str, &str)]) -> DubboCall {
    let attachments = attachments.iter();
    DubboCall {
        service: service.to_owned(),
        version: None,
        group: None,
        method: method.to_owned(),
        arguments: Arguments::Typed {
            descriptor: String::new(),
            values: Vec::new(),
        },
        timeout: None,
        attachments: attachments
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect(),
    }
}
