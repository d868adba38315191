//! Calls as values: requests made and answers read, for the command line and for test peers. A proxy's request path
//! uses none of it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use wireloom_codecs::{
    Body, Kind, ProtocolId, Request, RequestHead, Response, ResponseHead, Str, Wire,
};

use crate::encode::put_start;
use crate::error_reply::exception;
use crate::fixed::Fixed;
use crate::pairs;
use crate::types::{Dialect, MessageType, NAME, Protocol, Transport};
use crate::value::{Fields, Value, ValueError, read_struct, write_struct};
use crate::{head, outcome, sealed};

/// The seqid before a connection gives its own.
const SEQID: u32 = 0;
/// The longest compressed answer that is read, in bytes after inflating.
const MAX_INFLATED: usize = 64 << 20;

/// A call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThriftCall {
    /// How it is written.
    pub dialect: Dialect,
    /// The service. A framed or buffered message has a place for it only if it is multiplexed.
    pub service: String,
    /// Whether the service stands before the method's name, as `TMultiplexedProtocol` puts it.
    pub multiplexed: bool,
    /// The method.
    pub method: String,
    /// Its arguments, by the ids of its parameters.
    pub arguments: Fields,
    /// Whether no answer comes.
    pub one_way: bool,
    /// What the caller will wait; told to the server where the transport has headers.
    pub timeout: Option<Duration>,
    /// Header pairs, for the transports that have them. They replace those that the call makes itself.
    pub headers: Vec<(String, String)>,
}

impl ThriftCall {
    /// The request. Its seqid is given when it is written.
    pub fn request(&self) -> Result<Request, ValueError> {
        let kind = match self.one_way {
            true => MessageType::OneWay,
            false => MessageType::Call,
        };
        let name = match self.multiplexed {
            true => format!("{}:{}", self.service, self.method),
            false => self.method.clone(),
        };
        let wire = wire(self.dialect, kind, &name, &self.pairs(), false)?;
        let head = RequestHead {
            protocol: ProtocolId(NAME),
            kind: match self.one_way {
                true => Kind::OneWay,
                false => Kind::Unary,
            },
            service: Str::from(&*self.service),
            method: Str::from(&*self.method),
            fields: Default::default(),
            timeout: self.timeout,
            wire,
            http: None,
        };
        let body = written(self.dialect, &self.arguments)?;
        Ok(Request::new(head, Body::Whole(body)))
    }

    /// All header pairs. The service goes where routes look for it: THeader has no name for it of its own, Kitex has two.
    fn pairs(&self) -> Vec<(String, String)> {
        let millis = self.timeout.map(|timeout| timeout.as_millis().to_string());
        let service = Some(self.service.clone()).filter(|service| !service.is_empty());
        let method = Some(self.method.clone());
        let own = match self.dialect.transport {
            Transport::Framed | Transport::Buffered => vec![],
            Transport::Header => vec![("service", service), ("client_timeout", millis)],
            Transport::TtHeader => vec![
                ("to_service", service.clone()),
                ("to_method", method),
                ("rpc_timeout", millis),
                ("isn", service),
            ],
        };
        let own = own.into_iter().filter_map(|(name, value)| {
            let written = self.headers.iter().any(|(other, _)| other == name);
            value
                .filter(|_| !written)
                .map(|value| (name.to_owned(), value))
        });
        own.chain(self.headers.iter().cloned()).collect()
    }
}

/// A message without its body.
fn wire(
    dialect: Dialect,
    kind: MessageType,
    name: &str,
    pairs: &[(String, String)],
    framed_again: bool,
) -> Result<Wire, ValueError> {
    let Dialect {
        transport,
        protocol,
    } = dialect;
    let mut image = BytesMut::new();
    let words = match transport {
        Transport::Framed | Transport::Buffered => 0,
        Transport::Header | Transport::TtHeader => {
            pairs::write(transport, protocol, pairs, &mut image).ok_or(ValueError(
                "the header pairs are longer than a header block",
            ))?
        }
    };
    if framed_again {
        // Encoding puts the length in.
        image.extend_from_slice(&[0; 4]);
    }
    let (seq_at, seq_width) = put_start(protocol, kind, name.as_bytes(), &mut image);
    let fixed = Fixed {
        dialect,
        kind,
        framed_again,
        seq_at,
        seq_width,
        inner: SEQID,
        outer: SEQID,
        words,
        ..Fixed::default()
    };
    Ok(Wire {
        fixed: fixed.to_bytes(),
        image: image.freeze(),
    })
}

fn written(dialect: Dialect, fields: &[(i16, Value)]) -> Result<Bytes, ValueError> {
    let mut body = BytesMut::new();
    write_struct(dialect.protocol, fields, &mut body)?;
    Ok(body.freeze())
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The result's struct: field 0 is the value, any other a declared exception, and none what a void method returns.
    Reply(Fields),
    /// A `TApplicationException`.
    Exception {
        /// Its type.
        code: i32,
        /// May be empty.
        message: String,
    },
}

/// Reads the arguments of a request.
pub fn read_arguments(request: &Request) -> Result<Fields, ValueError> {
    read(&request.head.wire, &request.body).map(|(_, fields)| fields)
}

/// The dialect and the header pairs of a message, in their order.
pub fn read_headers(wire: &Wire) -> (Dialect, Vec<(String, String)>) {
    let fixed = Fixed::parse(&wire.fixed).unwrap_or_default();
    let block = wire.image.get(..4 * usize::from(fixed.words));
    let transport = fixed.dialect.transport;
    let pairs = block.map(|block| pairs::read(transport, block));
    (fixed.dialect, pairs.unwrap_or_default())
}

/// Reads an answer.
pub fn read_response(response: &Response) -> Result<Answer, ValueError> {
    let (fixed, fields) = read(&response.head.wire, &response.body)?;
    if fixed.kind != MessageType::Exception {
        return Ok(Answer::Reply(fields));
    }
    let (mut code, mut message) = (crate::types::exception::UNKNOWN, String::new());
    for field in fields {
        match field {
            (1, Value::Binary(text)) => message = String::from_utf8_lossy(&text).into_owned(),
            (2, Value::I32(number)) => code = number,
            _ => {}
        }
    }
    Ok(Answer::Exception { code, message })
}

fn read(wire: &Wire, body: &Body) -> Result<(Fixed, Fields), ValueError> {
    let fixed = Fixed::parse(&wire.fixed).ok_or(ValueError("it is no Thrift message"))?;
    let body = match body {
        Body::Whole(body) => body.clone(),
        _ => Bytes::new(),
    };
    let body = match fixed.sealed {
        true => inflated(fixed.dialect.protocol, &body)?,
        false => body,
    };
    Ok((fixed, read_struct(fixed.dialect.protocol, body)?))
}

/// The struct of a compressed message.
fn inflated(protocol: Protocol, compressed: &[u8]) -> Result<Bytes, ValueError> {
    let message = sealed::whole(compressed, MAX_INFLATED);
    let message = message.map_err(|why| {
        ValueError(match why {
            sealed::Unreadable::TooLong => "its compressed message is too long",
            sealed::Unreadable::Broken => "its compressed message is broken",
        })
    })?;
    let head = head::parse(protocol, &message, 0, message.len());
    let start = head.ok().flatten().map(|head| head.body);
    let start = start.ok_or(ValueError("its compressed message is none"))?;
    Ok(Bytes::from(message).split_off(start))
}

/// The response to a request, in its dialect and with these header pairs where that has any.
pub fn response(
    to: &RequestHead,
    answer: &Answer,
    headers: &[(String, String)],
) -> Result<Response, ValueError> {
    let request = Fixed::parse(&to.wire.fixed).unwrap_or_default();
    let dialect = request.dialect;
    let (kind, body) = match answer {
        Answer::Reply(fields) => (MessageType::Reply, written(dialect, fields)?),
        Answer::Exception { code, message } => (
            MessageType::Exception,
            exception(dialect.protocol, message, *code),
        ),
    };
    let head = ResponseHead {
        outcome: outcome::of(kind, dialect.protocol, &body),
        wire: wire(
            dialect,
            kind,
            to.method.as_str(),
            headers,
            request.framed_again,
        )?,
        ..ResponseHead::default()
    };
    Ok(Response::new(head, Body::Whole(body)))
}

#[cfg(test)]
mod tests;
