//! Telling connections that the time has come to stop taking requests.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::watch;

/// The end that starts a drain.
#[derive(Clone, Debug)]
pub struct Drain(Arc<watch::Sender<bool>>);

/// The end that connections watch.
#[derive(Clone, Debug)]
pub struct DrainWatch(watch::Receiver<bool>);

/// A drain that has not begun, and the end to watch it by.
pub fn drain() -> (Drain, DrainWatch) {
    let (tx, rx) = watch::channel(false);
    (Drain(Arc::new(tx)), DrainWatch(rx))
}

impl Drain {
    /// Tells every watcher, for good.
    pub fn start(&self) {
        self.0.send_replace(true);
    }

    /// True once it has begun.
    pub fn started(&self) -> bool {
        *self.0.borrow()
    }

    /// Another end to watch it by.
    pub fn watch(&self) -> DrainWatch {
        DrainWatch(self.0.subscribe())
    }

    /// Waits until nobody watches any more: every connection is gone.
    pub async fn finished(&self) {
        self.0.closed().await;
    }
}

impl DrainWatch {
    /// True once the drain has begun.
    pub fn started(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the drain to begin; forever if the other end is gone.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|started| *started).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A [`DrainWatch`] that is polled by hand: registers for the wake-up once and is free to ask after that.
pub struct DrainPoll(Option<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>);

impl DrainPoll {
    /// Polls `watch`.
    pub fn new(mut watch: DrainWatch) -> Self {
        Self(Some(Box::pin(async move { watch.wait().await })))
    }

    /// Ready once, when the drain begins.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wait) = &mut self.0 else {
            return Poll::Pending;
        };
        let polled = wait.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}
