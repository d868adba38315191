//! What both sides do once a protocol was switched: bytes both ways, until both have ended.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio_util::io::poll_read_buf;
use wireloom_codecs::{
    Body, ConnError, HttpResponse, Io, LocalError, Part, Pull, Service, Stream, clock, scratch,
};

use crate::h1::encode::{self, Framing, Persist};
use crate::h1::inflow::Pumped;
use crate::h1::outflow::{Outflow, Took};
use crate::h1::pull::reset;
use crate::h1::respond::broke_off;
use crate::h1::server::{FAR, Plan, Server, Stop};
use crate::h1::upstream::{Lease, Shared};

impl<S: Service> Server<S> {
    /// Both directions until both have ended.
    pub(super) async fn tunnel(
        &mut self,
        http: &HttpResponse,
        body: Body,
        plan: Plan,
    ) -> Result<bool, Stop> {
        let protocol = plan.upgrade.as_deref();
        encode::response(
            &mut self.wire.out,
            http,
            Framing::Bare,
            Persist::Usual,
            protocol,
        );
        if let Some(inflow) = &mut self.inflow {
            inflow.open();
        }
        let mut down = match body {
            Body::Stream(stream) => Some(Outflow::new(stream, Framing::Close, None)),
            Body::Whole(bytes) => {
                self.wire.out.put(&bytes);
                None
            }
            Body::Empty => None,
        };
        self.active = clock::now();
        poll_fn(|cx| self.poll_tunnel(&mut down, cx)).await?;
        Ok(false)
    }

    fn poll_tunnel(
        &mut self,
        down: &mut Option<Outflow>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Stop>> {
        self.poll_drain(cx);
        let mut moved = true;
        while std::mem::take(&mut moved) {
            if let Some(outflow) = down {
                match outflow.take(&mut self.wire.out, cx) {
                    Ok(Took::Waits) => {}
                    Ok(Took::All) => *down = None,
                    Err(broken) => return Poll::Ready(Err(broke_off(broken))),
                }
            }
            let full = !self.wire.out.is_empty();
            let flushed = match self.wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Stop::Gone)),
                Poll::Pending => false,
            };
            // There is room for more, which nobody else tells of.
            moved |= full && flushed;
            let up = match &mut self.inflow {
                None => true,
                Some(inflow) => match inflow.pump(&mut self.wire, cx)? {
                    Pumped::Moved => {
                        moved = true;
                        false
                    }
                    Pumped::Hungry | Pumped::Full => false,
                    Pumped::Over => true,
                },
            };
            if up {
                self.inflow = None;
            }
            if moved {
                self.active = clock::now();
            }
            if down.is_none() && flushed {
                let shut = self.wire.poll_shutdown(cx).is_ready();
                if up && shut {
                    return Poll::Ready(Ok(()));
                }
            }
        }
        let idle = self.active + self.limits.idle.min(FAR);
        let stalls = self.wire.stalls(self.limits.body_idle);
        let due = [stalls, self.end].into_iter().flatten();
        let due = due.fold(idle, Instant::min);
        self.wire
            .poll_due(due, cx)
            .map(|()| Err(Stop::Failed(ConnError::Timeout("tunnel"))))
    }
}

/// What a server sends after a switch of protocols. A task of its own carries the other direction: neither waits for
/// the other, and either may end first.
pub(crate) fn tunnel(lease: Lease, up: Option<Stream>) -> Body {
    let shared = lease.shared.clone();
    let Some(wire) = lease.into_wire() else {
        return Body::Empty;
    };
    let wire = *wire;
    let (read, write) = tokio::io::split(wire.io);
    let closed = Closed(shared);
    tokio::spawn(carry_up(write, up, closed));
    Body::Stream(Stream::pull(Down {
        read: Some(read),
        buffer: wire.buffer,
    }))
}

/// Tells that the connection is gone, when the task is done.
struct Closed(Arc<Shared>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.close(None);
    }
}

async fn carry_up(mut write: WriteHalf<Box<dyn Io>>, up: Option<Stream>, _closed: Closed) {
    let Some(mut up) = up else { return };
    loop {
        match poll_fn(|cx| up.poll_next(cx)).await {
            Some(Ok(Part::Data(data))) => {
                if write.write_all(&data).await.is_err() {
                    return;
                }
            }
            Some(Ok(Part::Trailers(_))) => {}
            // The other end is told that no more comes, and may still send.
            None => break,
            Some(Err(_)) => return,
        }
    }
    let _ = write.shutdown().await;
}

/// The direction from the server.
struct Down {
    read: Option<ReadHalf<Box<dyn Io>>>,
    buffer: BytesMut,
}

impl Down {
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(read) = &mut self.read else {
            return Poll::Ready(Ok(0));
        };
        if self.buffer.capacity() == 0 {
            self.buffer = scratch::take();
        }
        self.buffer.reserve(scratch::BLOCK / 8);
        let polled = poll_read_buf(Pin::new(read), cx, &mut self.buffer);
        if self.buffer.is_empty() {
            scratch::give(std::mem::take(&mut self.buffer));
        }
        polled
    }
}

impl Pull for Down {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        while self.buffer.is_empty() {
            match self.poll_read(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => {
                    self.read = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    self.read = None;
                    return Poll::Ready(Some(Err(reset(format!("the tunnel: {error}")))));
                }
            }
        }
        Poll::Ready(Some(Ok(Part::Data(self.buffer.split().freeze()))))
    }
}
