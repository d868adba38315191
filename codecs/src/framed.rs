//! Both seams of the framework for any codec.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::{
    Accepted, Argument, ArgumentPath, BoxFuture, ByteBudget, Channel, ChannelEvents, ChannelLimits,
    Codec, ConnError, Connector, Io, Mode, Protocol, ProtocolId, Request, RequestHead, Service,
    Sniff, channel, server,
};

/// A protocol made of frames: what a codec crate registers.
pub struct Framed<C: Codec> {
    settings: C::Settings,
    codec: PhantomData<fn() -> C>,
}

impl<C: Codec> Framed<C> {
    /// The protocol with these settings.
    pub fn new(settings: C::Settings) -> Self {
        Self {
            settings,
            codec: PhantomData,
        }
    }
}

impl<C: Codec, S: Service> Protocol<S> for Framed<C> {
    fn id(&self) -> ProtocolId {
        C::ID
    }

    fn max_frame(&self) -> usize {
        C::max_frame(&self.settings)
    }

    fn sniff(&self, prefix: &[u8]) -> Sniff {
        C::sniff(prefix)
    }

    fn argument<'a>(
        &self,
        request: &'a Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'a>> {
        C::argument(request, path, budget)
    }

    fn serve(&self, connection: Accepted, service: S) -> BoxFuture<Result<(), ConnError>> {
        Box::pin(server::serve::<C, S>(
            self.settings.clone(),
            connection,
            service,
        ))
    }
}

impl<C: Codec> Connector for Framed<C> {
    fn id(&self) -> ProtocolId {
        C::ID
    }

    fn mode(&self) -> Mode {
        C::mode(&self.settings)
    }

    fn lanes(&self) -> usize {
        C::lanes(&self.settings)
    }

    fn lane(&self, request: &RequestHead) -> usize {
        C::lane(&self.settings, request)
    }

    fn max_frame(&self) -> usize {
        C::max_frame(&self.settings)
    }

    fn statuses(&self, _: ProtocolId) -> &'static [(&'static str, u32)] {
        C::statuses()
    }

    fn open(
        &self,
        io: Box<dyn Io>,
        limits: ChannelLimits,
        budget: ByteBudget,
        events: Arc<dyn ChannelEvents>,
    ) -> BoxFuture<Result<Arc<dyn Channel>, ConnError>> {
        let channel = channel::open::<C>(&self.settings, io, limits, budget, events);
        Box::pin(std::future::ready(Ok(channel)))
    }
}
