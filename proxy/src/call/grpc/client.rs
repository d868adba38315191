//! The connection, its messages as bytes, its errors.

use std::error::Error;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::{Buf, BufMut, Bytes};
use futures_util::future::BoxFuture;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status, Streaming};

use super::super::connection::{self, chain};
use super::super::http::{attachments, fields, uri};
use super::super::{CallError, CallUrl, Failure, LONGEST, Out, Wrong};
use crate::cli::CallArgs;

/// The usual details of errors (`google/rpc/error_details.proto`), which schemas seldom have.
const DETAILS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/error_details.bin"));

/// A connection for one call, and for what has to be asked before it.
pub(in super::super) struct Client<'a> {
    pub(super) url: &'a CallUrl,
    grpc: tonic::client::Grpc<Sender>,
    metadata: HeaderMap,
    args: &'a CallArgs,
}

impl<'a> Client<'a> {
    /// Connects.
    pub(in super::super) async fn connect(
        url: &'a CallUrl,
        args: &'a CallArgs,
    ) -> Result<Self, CallError> {
        let metadata = metadata(args)?;
        let origin = uri(&format!("http://{}", url.address))?;
        let sender = Sender(connection::http2(url, args).await?);
        let grpc = tonic::client::Grpc::with_origin(sender, origin);
        Ok(Self {
            url,
            grpc: grpc.max_decoding_message_size(LONGEST),
            metadata,
            args,
        })
    }

    /// Adds a field to what is sent from now on, unless it was written otherwise.
    pub(in super::super) fn field(&mut self, name: &'static str, value: &str) -> Result<(), Wrong> {
        let value = HeaderValue::from_str(value).map_err(Wrong::url)?;
        if !self.metadata.contains_key(name) {
            self.metadata.insert(HeaderName::from_static(name), value);
        }
        Ok(())
    }

    /// Sends the messages. `pool` knows the types of an error's details.
    pub(in super::super) async fn call(
        &mut self,
        path: &str,
        messages: Vec<Bytes>,
        pool: Option<DescriptorPool>,
        out: Out<'_>,
    ) -> Result<Answer, CallError> {
        let wrong = |error| Wrong::url(format!("`{path}` is no path: {error}"));
        let path = path.try_into().map_err(wrong)?;
        let mut request = Request::new(futures_util::stream::iter(messages));
        *request.metadata_mut() = MetadataMap::from_headers(self.metadata.clone());
        request.set_timeout(self.args.timeout.0);
        let errors = Errors {
            address: self.url.address.clone(),
            pool,
        };
        let response = match self.grpc.streaming(request, path, Raw).await {
            Ok(response) => response,
            Err(status) => return Err(errors.of(status, out)?),
        };
        let (metadata, stream, _) = response.into_parts();
        attachments(metadata.as_ref(), out)?;
        Ok(Answer {
            headers: metadata.into_headers(),
            stream,
            errors,
        })
    }
}

/// What was written with `--header`. Values of names that end in `-bin` are base64, as on the wire.
fn metadata(args: &CallArgs) -> Result<HeaderMap, Wrong> {
    let mut fields = fields(args)?;
    fields.remove(ACCEPT);
    for (name, value) in &fields {
        let bytes = value.as_bytes();
        let readable = || STANDARD.decode(bytes).is_ok() || STANDARD_NO_PAD.decode(bytes).is_ok();
        if name.as_str().ends_with("-bin") && !readable() {
            let what = format!("the value of `{name}` must be base64, for its name ends in -bin");
            return Err(Wrong::Header(what));
        }
    }
    Ok(fields)
}

/// An answer under way.
pub(in super::super) struct Answer {
    /// What came before the first message.
    pub(in super::super) headers: HeaderMap,
    stream: Streaming<Bytes>,
    errors: Errors,
}

impl Answer {
    /// The next message; None at the end, whose trailers have then been handed on.
    pub(in super::super) async fn next(
        &mut self,
        out: Out<'_>,
    ) -> Result<Option<Bytes>, CallError> {
        match self.stream.message().await {
            Ok(Some(message)) => Ok(Some(message)),
            Ok(None) => {
                if let Ok(Some(trailers)) = self.stream.trailers().await {
                    attachments(trailers.as_ref(), out)?;
                }
                Ok(None)
            }
            Err(status) => Err(self.errors.of(status, out)?),
        }
    }
}

/// What statuses mean.
struct Errors {
    address: wireloom_net::Address,
    pool: Option<DescriptorPool>,
}

impl Errors {
    /// A status as an error, its metadata handed on.
    fn of(&self, status: Status, out: Out<'_>) -> Result<CallError, CallError> {
        // Made here, out of what became of the connection.
        if let Some(source) = status.source() {
            return Ok(CallError::Lost(self.address.clone(), chain(source)));
        }
        attachments(status.metadata().as_ref(), out)?;
        let details = RpcStatus::decode(status.details())
            .unwrap_or_default()
            .details;
        let failure = Failure::Grpc {
            code: status.code() as i32 as u32,
            name: name(status.code()),
            message: status.message().to_owned(),
            details: details.iter().map(|any| self.detail(any)).collect(),
        };
        Ok(failure.into())
    }

    fn detail(&self, any: &prost_types::Any) -> String {
        let name = any.type_url.rsplit('/').next().unwrap_or_default();
        let known = self.pool.as_ref();
        let known = known.and_then(|pool| pool.get_message_by_name(name));
        let known = known.or_else(|| {
            let usual = DescriptorPool::decode(DETAILS).ok()?;
            usual.get_message_by_name(name)
        });
        let message = known.and_then(|known| DynamicMessage::decode(known, &*any.value).ok());
        let json = message.and_then(|message| serde_json::to_string(&message).ok());
        // A type that nobody knows: its bytes.
        let shown = json.unwrap_or_else(|| STANDARD.encode(&any.value));
        format!("{name} {shown}")
    }
}

/// `google.rpc.Status`: what `grpc-status-details-bin` holds.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcStatus {
    /// The status code.
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    /// The message.
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    /// Messages of any type.
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<prost_types::Any>,
}

/// gRPC's names of its statuses.
pub(super) const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// hyper's end of the connection as tonic wants it.
struct Sender(SendRequest<Body>);

impl Service<http::Request<Body>> for Sender {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = BoxFuture<'static, hyper::Result<Self::Response>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// Messages as they are on the wire: what they mean is found out where errors can say more.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
