//! Echo services of protocols that are codecs: each in its own downstream driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use wireloom_codecs::{
    Accepted, ByteBudget, Kind, LocalError, Needs, Protocol, Request, Response, ServeLimits,
    Service,
};

use super::servers::Site;

/// Memory for requests, in bytes.
const MEMORY: usize = 64 << 20;

/// Answers a request, by the service of this name.
pub(super) type Answer = fn(&Request, &str) -> Result<Response, LocalError>;

/// An echo service.
#[derive(Clone)]
pub(super) struct Echo(Arc<Shared>);

struct Shared {
    name: Arc<str>,
    answer: Answer,
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

/// Serves every client of the site.
pub(super) async fn serve(site: Site, protocol: Arc<dyn Protocol<Echo>>, answer: Answer) {
    let budget = ByteBudget::new(MEMORY);
    let echo = Echo(Arc::new(Shared {
        name: site.name.clone(),
        answer,
        needs: Arc::new(Needs::NOTHING),
        one_way: site.one_way.clone(),
    }));
    loop {
        let connection = Accepted {
            tls: false,
            io: Box::new(site.accept().await),
            prefix: Bytes::new(),
            limits: ServeLimits::default(),
            budget: budget.clone(),
            drain: site.stopped.clone(),
        };
        let served = protocol.serve(connection, echo.clone());
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::info!("a connection to an echo service ended: {error}");
            }
        });
    }
}
