//! What goes out: messages of the connection's dialect as they are, others translated into it.

use wireloom_codecs::{
    Body, ConnError, ErrorKind, Kind, LocalError, Origin, Request, Response, Role, StreamId, Wire,
    WriteBuf,
};

use crate::fixed::Fixed;
use crate::translate::{self, Target, Translated};
use crate::types::{NAME, Transport};
use crate::{ThriftCodec, dialect, encode, error_reply};

impl ThriftCodec {
    /// What a request of this head is written as.
    fn target(&self, fixed: &Fixed) -> Target {
        let dialect = match self.dialect {
            // Answers to many calls come in one dialect, so they all have it.
            Some(dialect) if self.calls.are_many() => dialect,
            _ => dialect::of_cluster(&self.settings.upstream, fixed.dialect),
        };
        Target {
            dialect,
            framed_again: fixed.framed_again && dialect.transport == Transport::TtHeader,
        }
    }

    /// The request in the connection's dialect; None if it is in it already.
    fn request_here(
        &self,
        fixed: &Fixed,
        wire: &Wire,
        body: &Body,
    ) -> Result<Option<Translated>, LocalError> {
        let to = self.target(fixed);
        // Where answers are looked up by seqid, each message has its own, and a compressed one cannot be given another.
        if to.dialect == fixed.dialect && !(fixed.sealed && self.calls.are_many()) {
            return Ok(None);
        }
        self.translate(fixed, wire, body, to).map(Some)
    }

    fn translate(
        &self,
        fixed: &Fixed,
        wire: &Wire,
        body: &Body,
        to: Target,
    ) -> Result<Translated, LocalError> {
        let longest = match to.dialect.transport {
            Transport::Buffered => self.limits.frame,
            _ => self.longest().saturating_sub(4),
        };
        translate::message(fixed, wire, body, to, longest, self.limits.header)
    }

    pub(crate) fn adapt_request(&self, request: &mut Request) -> Result<(), LocalError> {
        let wire = &request.head.wire;
        let Some(fixed) = Fixed::parse(&wire.fixed) else {
            // Encoding refuses it.
            return Ok(());
        };
        if let Some(there) = self.request_here(&fixed, wire, &request.body)? {
            request.head.wire = there.wire;
            request.body = there.body;
        }
        Ok(())
    }

    pub(crate) fn write(
        &mut self,
        id: StreamId,
        request: &Request,
        dst: &mut WriteBuf,
    ) -> Result<(), ConnError> {
        let head = &request.head;
        let mut fixed = encode::head_of(&head.wire)?;
        let (mut wire, mut body) = (&head.wire, &request.body);
        let there = match self.role {
            Role::Upstream => self
                .request_here(&fixed, wire, body)
                .map_err(|error| lost_with(&error))?,
            Role::Downstream => None,
        };
        if let Some(there) = &there {
            (fixed, wire, body) = (there.fixed, &there.wire, &there.body);
        }
        let outer = encode::wire_id(id)?;
        let inner = if outer == fixed.outer && !self.calls.are_many() {
            fixed.inner
        } else {
            outer
        };
        if self.role == Role::Upstream {
            self.dialect = Some(fixed.dialect);
            let sent = if fixed.sealed { fixed.inner } else { inner };
            let call = (head.kind != Kind::OneWay).then_some(&head.method);
            self.calls.sent(outer, sent, call);
        }
        encode::message(&fixed, outer, inner, wire, body, dst)
    }

    pub(crate) fn answer(
        &mut self,
        id: StreamId,
        response: &Response,
        dst: &mut WriteBuf,
    ) -> Result<(), ConnError> {
        let fixed = encode::head_of(&response.head.wire)?;
        let outer = encode::wire_id(id)?;
        let asked = self.calls.answered(outer);
        let seqids = (outer, asked.map(|asked| asked.inner));
        let to = match (self.role, self.dialect) {
            (Role::Downstream, Some(dialect)) if dialect != fixed.dialect => Target {
                dialect,
                framed_again: asked.is_some_and(|asked| asked.framed_again),
            },
            _ => return put_answer(seqids, &fixed, &response.head.wire, &response.body, dst),
        };
        match self.translate(&fixed, &response.head.wire, &response.body, to) {
            Ok(there) => put_answer(seqids, &there.fixed, &there.wire, &there.body, dst),
            Err(error) => {
                // The client waits for an answer, and this is what there is to say.
                let client = Fixed {
                    dialect: to.dialect,
                    framed_again: to.framed_again,
                    ..Fixed::default()
                };
                let origin = Origin {
                    kind: Kind::Unary,
                    fixed: client.to_bytes(),
                    method: translate::method(&fixed, &response.head.wire, &response.body),
                };
                let reply = error_reply::error_reply(&origin, &unusable(&error));
                let fixed = encode::head_of(&reply.head.wire)?;
                put_answer(seqids, &fixed, &reply.head.wire, &reply.body, dst)
            }
        }
    }
}

/// Writes an answer under the client's seqids; the inner one is the message's own, if it is known.
fn put_answer(
    (outer, inner): (u32, Option<u32>),
    fixed: &Fixed,
    wire: &Wire,
    body: &Body,
    dst: &mut WriteBuf,
) -> Result<(), ConnError> {
    let inner = match inner {
        Some(inner) => inner,
        None if outer == fixed.outer => fixed.inner,
        None => outer,
    };
    encode::message(fixed, outer, inner, wire, body, dst)
}

/// A request that nobody asked [`adapt_request`](ThriftCodec::adapt_request) about.
fn lost_with(error: &LocalError) -> ConnError {
    let what = format!("a request cannot be written in the cluster's dialect: {error}");
    ConnError::protocol(NAME, what)
}

fn unusable(error: &LocalError) -> LocalError {
    let what = format!(
        "the answer cannot be written in the client's dialect: {}",
        error.detail
    );
    LocalError::new(ErrorKind::Internal, what)
}
