//! Telling connections that the time has come to stop taking requests.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

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

/// A [`DrainWatch`] that is polled by hand: registers for the wake-up once, and costs one load to ask again.
pub struct DrainPoll {
    watch: watch::Receiver<bool>,
    /// None once the drain has begun.
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Who is woken then.
    registered: Option<Waker>,
}

impl DrainPoll {
    /// Polls `watch`.
    pub fn new(mut watch: DrainWatch) -> Self {
        Self {
            watch: watch.0.clone(),
            wait: Some(Box::pin(async move { watch.wait().await })),
            registered: None,
        }
    }

    /// Ready once, when the drain begins.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wait) = &mut self.wait else {
            return Poll::Pending;
        };
        let registered = self.registered.as_ref();
        if registered.is_some_and(|waker| waker.will_wake(cx.waker()))
            && !self.watch.has_changed().unwrap_or(false)
        {
            return Poll::Pending;
        }
        let polled = wait.as_mut().poll(cx);
        if polled.is_ready() {
            self.wait = None;
            self.registered = None;
        } else {
            self.registered = Some(cx.waker().clone());
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn a_drain_wakes_whoever_polled_last_and_is_told_once() {
        let (drain, watch) = drain();
        let mut polled = DrainPoll::new(watch);
        // Two tasks poll it one after the other; the second is to be woken.
        let first = poll_fn(|cx| Poll::Ready((polled.poll(cx), polled.poll(cx)))).await;
        assert!(first.0.is_pending() && first.1.is_pending());
        let second = tokio::spawn(async move {
            poll_fn(|cx| polled.poll(cx)).await;
            poll_fn(|cx| Poll::Ready(polled.poll(cx))).await
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drain.start();
        assert!(second.await.unwrap().is_pending());
        let mut late = DrainPoll::new(drain.watch());
        poll_fn(|cx| late.poll(cx)).await;
    }
}
