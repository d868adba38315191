//! The echo services, and the servers that they run in: each protocol's own downstream driver on a port of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{io, thread};

use bytes::Bytes;
use tokio::net::TcpListener;
use wireloom_codecs::{
    Accepted, ByteBudget, Drain, DrainWatch, ErrorKind, Kind, LocalError, Needs, Protocol, Request,
    Response, ServeLimits, Service, drain,
};
use wireloom_hessian::Value;

use super::exhibit::Exhibit;

/// Memory for requests, in bytes.
const MEMORY: usize = 64 << 20;

/// A request as values.
pub(super) struct Asked {
    pub(super) service: String,
    pub(super) method: String,
    pub(super) arguments: Vec<Value>,
    /// Attachments, properties.
    pub(super) metadata: Vec<(String, Value)>,
    /// Whether references within the first argument hold in an answer that is this argument.
    pub(super) references: bool,
}

impl Asked {
    /// What the service called `served_by` returns: its name for `servedBy`, all that was asked for `describe` and for
    /// methods without arguments, and else the first argument.
    pub(super) fn answer(mut self, served_by: &str) -> Result<Value, LocalError> {
        let described = self.method == "describe" || self.arguments.is_empty();
        let (value, references) = match self.method.as_str() {
            "servedBy" => (Value::from(served_by), true),
            _ if described => (self.description(served_by), false),
            _ => (self.arguments.swap_remove(0), self.references),
        };
        if !references && has_reference(&value) {
            let what = "this echo cannot repeat arguments that refer to one another";
            return Err(LocalError::new(ErrorKind::Unsupported, what));
        }
        Ok(value)
    }

    fn description(self, served_by: &str) -> Value {
        Value::map([
            ("service", Value::from(self.service)),
            ("method", Value::from(self.method)),
            ("arguments", Value::list(self.arguments)),
            ("attachments", Value::map(self.metadata)),
            ("servedBy", Value::from(served_by)),
        ])
    }
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::Ref(_) => true,
        Value::List { items, .. } => items.iter().any(has_reference),
        Value::Map { entries, .. } => {
            let mut parts = entries.iter().flat_map(|(key, value)| [key, value]);
            parts.any(has_reference)
        }
        Value::Object { fields, .. } => fields.iter().any(|(_, value)| has_reference(value)),
        _ => false,
    }
}

/// An echo service.
#[derive(Clone)]
pub(super) struct Echo(Arc<Shared>);

struct Shared {
    name: String,
    answer: fn(&Request, &str) -> Result<Response, LocalError>,
    needs: Arc<Needs>,
    one_way: Arc<AtomicUsize>,
}

impl Service for Echo {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let Self(shared) = self;
        if request.head.kind == Kind::OneWay {
            shared.one_way.fetch_add(1, Ordering::Relaxed);
        }
        std::future::ready((shared.answer)(&request, &shared.name))
    }

    fn needs(&self) -> Arc<Needs> {
        self.0.needs.clone()
    }
}

/// Echo servers on a thread of their own, until dropped.
pub(super) struct EchoServers {
    /// Their names, which are the clusters' too, and where they listen.
    pub(super) endpoints: Vec<(String, SocketAddr)>,
    /// One-way requests that came.
    one_way: Arc<AtomicUsize>,
    stop: Drain,
}

impl EchoServers {
    /// Starts two for each protocol, the second one as the canary.
    pub(super) fn start(exhibits: &[Exhibit]) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let one_way = Arc::new(AtomicUsize::new(0));
        let (stop, mut stopped) = drain();
        let mut endpoints = Vec::new();
        for exhibit in exhibits {
            for suffix in ["", "-canary"] {
                let name = format!("{}{suffix}", exhibit.name);
                let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let socket = wireloom_net::bind(&any.into())?;
                endpoints.push((name.clone(), socket.local_addr()?));
                let _guard = runtime.enter();
                runtime.spawn(accept(
                    TcpListener::from_std(socket)?,
                    (exhibit.protocol)(),
                    Echo(Arc::new(Shared {
                        name,
                        answer: exhibit.answer,
                        needs: Arc::new(Needs::NOTHING),
                        one_way: one_way.clone(),
                    })),
                    stopped.clone(),
                ));
            }
        }
        let thread = thread::Builder::new().name("echo".to_owned());
        thread.spawn(move || runtime.block_on(stopped.wait()))?;
        Ok(Self {
            endpoints,
            one_way,
            stop,
        })
    }

    /// How many one-way requests came so far.
    pub(super) fn one_way(&self) -> usize {
        self.one_way.load(Ordering::Relaxed)
    }
}

impl Drop for EchoServers {
    fn drop(&mut self) {
        self.stop.start();
    }
}

async fn accept(
    listener: TcpListener,
    protocol: Arc<dyn Protocol<Echo>>,
    echo: Echo,
    drain: DrainWatch,
) -> io::Result<()> {
    let budget = ByteBudget::new(MEMORY);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, or a client that has gone already.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        stream.set_nodelay(true)?;
        let connection = Accepted {
            tls: false,
            io: Box::new(stream),
            prefix: Bytes::new(),
            limits: ServeLimits::default(),
            budget: budget.clone(),
            drain: drain.clone(),
        };
        let served = protocol.serve(connection, echo.clone());
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::info!("a connection to an echo service ended: {error}");
            }
        });
    }
}
