//! Both seams of the framework for any codec.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::edits::FieldEdits;
use crate::{
    Accepted, Argument, ArgumentPath, BoxFuture, ByteBudget, Channel, ChannelEvents, ChannelLimits,
    Codec, ConnError, Connector, Io, Mode, Probe, Probed, Probing, Protocol, ProtocolId, Request,
    RequestHead, Response, Role, Service, Sniff, channel, probe, server,
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

    fn edit_request(&self, request: &mut Request, edits: &FieldEdits<'_>) -> bool {
        C::edit_request(request, edits)
    }

    fn edit_response(&self, response: &mut Response, edits: &FieldEdits<'_>) -> bool {
        C::edit_response(response, edits)
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

    fn has_probe(&self, probe: &Probe) -> bool {
        match probe {
            Probe::Heartbeat => probe::pings::<C>(&self.settings),
            request => C::probe(&self.settings, request).is_some(),
        }
    }

    fn probe(&self, probe: &Probe, over: Probing) -> Probed {
        if *probe == Probe::Heartbeat {
            let codec = C::new(&self.settings, Role::Upstream, over.limits.frame);
            return Box::pin(probe::heartbeat(codec, over.io));
        }
        let Some(request) = C::probe(&self.settings, probe) else {
            let why = format!("{} has no such question", C::ID);
            return Box::pin(std::future::ready(Err(why)));
        };
        let exceptions = matches!(probe, Probe::Method { .. });
        let opening = self.open(over.io, over.limits, over.budget, Arc::new(()));
        Box::pin(async move {
            let response = probe::ask(opening, request, over.timeout).await?;
            probe::judge(&response, exceptions)
        })
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
