//! The codec: Dubbo as the drivers see it.

use std::time::Duration;

use bytes::BytesMut;
use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::{
    Argument, ArgumentPath, Class, Codec, ConnError, FrameLimits, KeepAlive, LocalError, Mode,
    Needs, Origin, Outbound, Probe, ProtocolId, Request, Response, Role, Sniff, WriteBuf,
};

use crate::config::DubboConfig;
use crate::decode::State;
use crate::wants::Wants;
use crate::{PROTOCOL, argument, call, control, edits, encode, error_reply, result, sniff};

/// Dubbo on one connection.
#[derive(Debug)]
pub struct DubboCodec {
    pub(crate) limits: FrameLimits,
    pub(crate) wants: Wants,
    pub(crate) state: State,
    settings: DubboConfig,
    role: Role,
}

impl Codec for DubboCodec {
    const ID: ProtocolId = ProtocolId(PROTOCOL);
    const MODE: Mode = Mode::Multiplexed;
    const MAX_ID: u64 = i64::MAX as u64;
    type Settings = DubboConfig;

    fn new(settings: &DubboConfig, role: Role, limits: FrameLimits) -> Self {
        Self {
            limits,
            wants: Wants::new(&Needs::NOTHING, settings.verify_attachments),
            state: State::default(),
            settings: settings.clone(),
            role,
        }
    }

    fn sniff(prefix: &[u8]) -> Sniff {
        sniff::sniff(prefix)
    }

    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError> {
        match out {
            Outbound::Request(id, request) => {
                encode::message(id, &request.head.wire, &request.body, dst)?;
            }
            Outbound::Response(id, response) => {
                encode::message(id, &response.head.wire, &response.body, dst)?;
            }
            Outbound::Ping(id) => control::ping(id, dst),
            Outbound::Pong(id, ping) => control::pong(id, ping, dst),
            Outbound::GoAway if self.sends_go_away() => control::readonly(dst),
            Outbound::GoAway => {}
        }
        Ok(())
    }

    fn error_reply(&self, _to: &Origin, error: &LocalError) -> Response {
        error_reply::reply(error)
    }

    fn set_needs(&mut self, needs: &Needs) {
        self.wants = Wants::new(needs, self.settings.verify_attachments);
    }

    fn pending_frame(&self, buffered: &BytesMut) -> Option<usize> {
        self.frame_under_way(buffered)
    }

    /// Java's heartbeat interval, and as many misses as it allows before it closes.
    fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    fn mid_frame(&self) -> bool {
        matches!(self.state, State::Refused(_))
    }

    fn keep_alive(_settings: &DubboConfig) -> Option<KeepAlive> {
        Some(KeepAlive {
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            misses: 3,
        })
    }

    fn sends_go_away(&self) -> bool {
        self.role == Role::Downstream && self.settings.readonly_event
    }

    fn trace_fields() -> &'static [&'static str] {
        &["traceparent", "X-B3-TraceId", "traceId"]
    }

    fn probe(_settings: &DubboConfig, probe: &Probe) -> Option<Request> {
        call::echo(probe)
    }

    fn argument<'a>(
        request: &'a Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'a>> {
        argument::find(request, path, budget)
    }

    fn edit_request(request: &mut Request, edits: &FieldEdits<'_>) -> bool {
        edits::request(request, edits)
    }

    fn edit_response(response: &mut Response, edits: &FieldEdits<'_>) -> bool {
        edits::response(response, edits)
    }

    fn classify(native: u32) -> Class {
        result::class_of(native)
    }
}
