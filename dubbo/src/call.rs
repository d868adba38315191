//! Calls as values: building a request and reading a result, for the command line and for test peers. A proxy's
//! request path uses none of it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use wireloom_codecs::{Body, Kind, Probe, ProtocolId, Request, RequestHead, Response, Str, Wire};
use wireloom_hessian::{Decoder, Dialect, Encoder, Error, Value, strings};

use crate::PROTOCOL;
use crate::result::flag;
use crate::types::{Head, serialization::HESSIAN2, status};

/// The protocol version that a caller states. From 2.0.2 on, results come with attachments.
const PROTOCOL_VERSION: &str = "2.0.2";
/// Java's word for a service without a version.
const NO_VERSION: &str = "0.0.0";
/// Parameters of `GenericService.$invoke`.
const GENERIC: &str = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";

/// What the caller knows of the method's parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// Their JVM descriptors, `Ljava/lang/String;I`, and a value of each one's type.
    Typed {
        /// One descriptor per value, without parentheses.
        descriptor: String,
        /// The arguments.
        values: Vec<Value>,
    },
    /// A generic call, in which the provider makes what the parameters' types demand out of maps, lists, text and
    /// numbers. It is `$invoke(method, types, values)` with the attachment `generic` = `true`.
    ///
    /// Without `types` the provider takes the only method of that name, and answers with an exception if there
    /// are several (`ReflectUtils.findMethodByMethodSignature`). Run against Dubbo 3.3.6 and 2.7.23; releases
    /// whose `GenericFilter` compares the number of types with that of arguments, but takes no null, fail on it.
    /// An empty list is no substitute: it asks for the method without parameters.
    Generic {
        /// Java names, `java.lang.String`, `int`, `java.lang.String[]`; one per value.
        types: Option<Vec<String>>,
        /// The arguments.
        values: Vec<Value>,
    },
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct DubboCall {
    /// The interface.
    pub service: String,
    /// The service version, if it has one.
    pub version: Option<String>,
    /// The service group, if it has one.
    pub group: Option<String>,
    /// The method.
    pub method: String,
    /// What to call it with.
    pub arguments: Arguments,
    /// What the caller will wait; told to the provider, which gives up then.
    pub timeout: Option<Duration>,
    /// More attachments. They replace those that the call makes itself.
    pub attachments: Vec<(String, Value)>,
}

/// The method that every provider has beside those of its interface (`EchoService`): it gives back what it is sent.
const ECHO: &str = "$echo";

/// The request of [`Probe::Echo`]; None of other probes.
pub(crate) fn echo(probe: &Probe) -> Option<Request> {
    let Probe::Echo {
        service,
        version,
        group,
    } = probe
    else {
        return None;
    };
    let call = DubboCall {
        service: service.clone(),
        version: version.clone(),
        group: group.clone(),
        method: ECHO.to_owned(),
        arguments: Arguments::Typed {
            descriptor: "Ljava/lang/Object;".to_owned(),
            values: vec![Value::from("OK")],
        },
        timeout: None,
        attachments: Vec::new(),
    };
    call.request(false).ok()
}

impl DubboCall {
    /// The request, in Hessian 2. Its id is given when it is written.
    pub fn request(&self, one_way: bool) -> Result<Request, Error> {
        let body = self.body()?;
        let head = RequestHead {
            protocol: ProtocolId(PROTOCOL),
            kind: match one_way {
                true => Kind::OneWay,
                false => Kind::Unary,
            },
            service: Str::from(&*self.service),
            method: Str::from(&*self.method),
            fields: Default::default(),
            timeout: self.timeout,
            wire: Wire {
                fixed: Head::request(HESSIAN2, !one_way).to_fixed(),
                image: Bytes::new(),
            },
            http: None,
        };
        Ok(Request::new(head, Body::Whole(body)))
    }

    fn body(&self) -> Result<Bytes, Error> {
        let mut out = Encoder::new(Dialect::Final);
        out.string(PROTOCOL_VERSION).string(&self.service);
        out.string(self.version.as_deref().unwrap_or(NO_VERSION));
        match &self.arguments {
            Arguments::Typed { descriptor, values } => {
                out.string(&self.method).string(descriptor);
                for value in values {
                    out.value(value)?;
                }
            }
            Arguments::Generic { types, values } => {
                let types = types.as_ref().map(|types| {
                    let names = types.iter().map(|name| Value::from(&**name));
                    Value::typed_list("[string", names)
                });
                out.string("$invoke").string(GENERIC);
                out.string(&self.method).value(&Value::from(types))?;
                out.value(&Value::typed_list("[object", values.iter().cloned()))?;
            }
        }
        out.value(&self.all_attachments())?;
        Ok(out.finish())
    }

    fn all_attachments(&self) -> Value {
        let generic = matches!(self.arguments, Arguments::Generic { .. });
        let millis = self.timeout.map(|timeout| timeout.as_millis().to_string());
        let own = [
            ("path", Some(self.service.clone())),
            ("interface", Some(self.service.clone())),
            ("version", self.version.clone()),
            ("group", self.group.clone()),
            ("timeout", millis),
            ("generic", generic.then(|| "true".to_owned())),
        ];
        let given = |key: &str| self.attachments.iter().any(|(name, _)| name == key);
        let own = own
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))))
            .filter(|(key, _)| !given(key));
        Value::map(own.chain(self.attachments.iter().cloned()))
    }
}

/// A result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What the method returned; null for a method without a result.
    pub value: Value,
    /// The response's attachments, a map or null.
    pub attachments: Value,
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallFailure {
    /// The service threw. A generic call's `GenericException` is named by what it stands for.
    #[error("{class}: {}", message.as_deref().unwrap_or("(no message)"))]
    Exception {
        /// The exception's class.
        class: String,
        /// Its message.
        message: Option<String>,
        /// The exception as it came.
        value: Value,
    },
    /// The provider, or a proxy before it, answered with an error status.
    #[error("status {status} ({}): {message}", status_name(*status))]
    Status {
        /// The status; see [`status`].
        status: u8,
        /// The message.
        message: String,
    },
    /// The response is not understood.
    #[error("the response cannot be read: {0}")]
    Unreadable(String),
}

impl From<Error> for CallFailure {
    fn from(error: Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Reads a response in Hessian 2.
pub fn read_response(response: &Response) -> Result<Reply, CallFailure> {
    let unreadable = |what: &str| CallFailure::Unreadable(what.to_owned());
    let head = Head::parse(&response.head.wire.fixed);
    let head = head.ok_or_else(|| unreadable("it is none of Dubbo"))?;
    let body = response.body.whole();
    let body = body.ok_or_else(|| unreadable("its body is streamed"))?;
    if head.serialization() != HESSIAN2 {
        let what = format!("its serialization is {}", head.serialization());
        return Err(CallFailure::Unreadable(what));
    }
    let mut values = Decoder::new(body, Dialect::Final);
    if head.status != status::OK {
        let message = match values.next_value() {
            Ok(Some(Value::String(message))) => message,
            _ => String::from_utf8_lossy(body).into_owned(),
        };
        return Err(CallFailure::Status {
            status: head.status,
            message,
        });
    }
    let mut next = || -> Result<Value, CallFailure> {
        let value = values.next_value()?;
        value.ok_or_else(|| unreadable("it ends where a value is due"))
    };
    let kind = match next()? {
        Value::Int(kind) => kind,
        // What dubbo-remoting 2.1.4 writes for null.
        Value::Null if body.len() == 1 => flag::NULL,
        _ => return Err(unreadable("it does not start with a result flag")),
    };
    let mut reply = Reply::default();
    match kind {
        flag::NULL | flag::NULL_WITH_ATTACHMENTS => {}
        flag::VALUE | flag::VALUE_WITH_ATTACHMENTS => reply.value = next()?,
        flag::EXCEPTION | flag::EXCEPTION_WITH_ATTACHMENTS => return Err(exception(next()?)),
        _ => return Err(unreadable("its result flag is none of 0 to 5")),
    }
    if kind == flag::VALUE_WITH_ATTACHMENTS || kind == flag::NULL_WITH_ATTACHMENTS {
        reply.attachments = next()?;
    }
    Ok(reply)
}

fn exception(value: Value) -> CallFailure {
    let text = |field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let class = text("exceptionClass").or_else(|| value.type_name().map(str::to_owned));
    let message = text("exceptionMessage").or_else(|| text("detailMessage"));
    CallFailure::Exception {
        class: class.unwrap_or_else(|| "an exception without a class".to_owned()),
        message,
        value,
    }
}

/// A response with a result, for peers that answer: the flag with attachments, which callers from 2.0.2 on take.
pub fn ok_response(value: &Value, attachments: &[(&str, &str)]) -> Result<Response, Error> {
    let mut out = Encoder::new(Dialect::Final);
    match value {
        Value::Null => out.int(flag::NULL_WITH_ATTACHMENTS),
        value => out.int(flag::VALUE_WITH_ATTACHMENTS).value(value)?,
    };
    let mut body = BytesMut::from(&*out.finish());
    strings::put_string_map(&mut body, Dialect::Final, attachments.iter().copied());
    let mut response = Response::new(Default::default(), Body::Whole(body.freeze()));
    response.head.wire.fixed = Head::response(HESSIAN2, status::OK).to_fixed();
    Ok(response)
}

/// The name of a status as Java has it.
pub const fn status_name(status: u8) -> &'static str {
    match status {
        status::OK => "OK",
        status::SERIALIZATION_ERROR => "SERIALIZATION_ERROR",
        status::CLIENT_TIMEOUT => "CLIENT_TIMEOUT",
        status::SERVER_TIMEOUT => "SERVER_TIMEOUT",
        status::CHANNEL_INACTIVE => "CHANNEL_INACTIVE",
        status::BAD_REQUEST => "BAD_REQUEST",
        status::BAD_RESPONSE => "BAD_RESPONSE",
        status::SERVICE_NOT_FOUND => "SERVICE_NOT_FOUND",
        status::SERVICE_ERROR => "SERVICE_ERROR",
        status::SERVER_ERROR => "SERVER_ERROR",
        status::CLIENT_ERROR => "CLIENT_ERROR",
        status::THREADPOOL_EXHAUSTED => "SERVER_THREADPOOL_EXHAUSTED_ERROR",
        _ => "unknown",
    }
}
