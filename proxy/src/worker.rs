//! The data plane: one thread and one current-thread runtime per core, each with connections of its own.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wireloom_codecs::ByteBudget;

use crate::connection::Incoming;

/// A worker thread as the control plane sees it. The thread ends when the last handle is dropped and its connections
/// are done.
#[derive(Clone)]
pub(crate) struct Worker {
    incoming: UnboundedSender<Incoming>,
    connections: Arc<AtomicUsize>,
    /// Where tasks run that no connection has brought.
    pub(crate) runtime: runtime::Handle,
    /// Memory for large request frames and for large response frames. Two, so that requests that wait for answers
    /// cannot keep the answers out.
    pub(crate) requests: ByteBudget,
    pub(crate) responses: ByteBudget,
}

impl Worker {
    /// Starts a worker thread with budgets of this many bytes.
    pub(crate) fn start(
        index: usize,
        request_memory: usize,
        response_memory: usize,
    ) -> io::Result<Self> {
        let (incoming, receiver) = unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            // After so many polls the runtime looks for new events: at most that many connections' turns.
            .event_interval(31)
            .build()?;
        let (count, handle) = (connections.clone(), runtime.handle().clone());
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || runtime.block_on(serve(receiver, count)))?;
        Ok(Self {
            incoming,
            connections,
            runtime: handle,
            requests: ByteBudget::new(request_memory),
            responses: ByteBudget::new(response_memory),
        })
    }

    /// Connections that it serves.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Hands a connection over.
    pub(crate) fn accept(&self, connection: Incoming) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        // The thread outlives every handle.
        let _ = self.incoming.send(connection);
    }
}

async fn serve(mut incoming: UnboundedReceiver<Incoming>, connections: Arc<AtomicUsize>) {
    while let Some(connection) = incoming.recv().await {
        let count = Count(connections.clone());
        tokio::spawn(async move {
            connection.serve().await;
            drop(count);
        });
    }
}

/// Counts a connection out, also if its task panics.
struct Count(Arc<AtomicUsize>);

impl Drop for Count {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
