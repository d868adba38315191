//! SOFARPC calls and answers as values: for the command line, demo servers and tests. The request path builds none.

use std::time::Duration;

use bytes::Bytes;
use wireloom_codecs::{
    Body, Class, Fields, Kind, Outcome, ProtocolId, Request, RequestHead, Response, ResponseHead,
    Str, Wire,
};
use wireloom_hessian::{Decoder, Dialect, Encoder, Value};

use crate::header::{self, put_pair};
use crate::sofa::split_unique_name;
use crate::types::{
    CODEC_HESSIAN, Head, MAX_SHORT, NAME, SOFA_REQUEST, SOFA_RESPONSE, SWITCH_CRC, Type, VER1_CRC,
    VER2, Version, command, status,
};

/// What Node clients name the type of `methodArgSigs`; readers take any name.
const STRINGS: &str = "[java.lang.String";

/// Why a call cannot be written, or an answer gives no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SofaError {
    /// The answer's status is an error.
    #[error("the server answered {name} (status {status:#x}){}", detail(message))]
    Status {
        /// See [`status`].
        status: u16,
        /// The status's name in sofa-bolt.
        name: &'static str,
        /// What the answer says besides, if that can be read.
        message: Option<String>,
    },
    /// The service framework could not make the call: no such service or method, wrong arguments.
    #[error("the service refused the call: {0}")]
    Refused(String),
    /// The method threw.
    #[error("the method threw {}{}", class(.0), detail(&message(.0)))]
    Exception(Value),
    /// The content is hessian and broken, or a value has no hessian form.
    #[error("{0}")]
    Hessian(#[from] wireloom_hessian::Error),
    /// The content is something that this cannot read or write.
    #[error("{0}")]
    Unfit(String),
}

fn detail(message: &Option<String>) -> String {
    message
        .as_ref()
        .map_or_else(String::new, |text| format!(": {text}"))
}

fn class(value: &Value) -> &str {
    value.type_name().unwrap_or("an exception")
}

/// The message of a Java exception.
fn message(exception: &Value) -> Option<String> {
    exception.get("detailMessage")?.as_str().map(str::to_owned)
}

/// A call of a method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SofaCall {
    /// `interface:version[:uniqueId]`.
    pub service: String,
    /// The method's name.
    pub method: String,
    /// The parameters' types as Java names them: `int`, `java.lang.String`, `long[]`.
    pub arg_types: Vec<String>,
    /// The arguments.
    pub args: Vec<Value>,
    /// The name of the server's application; servers do not check it.
    pub target_app: Option<String>,
    /// Properties of the request: trace context, baggage.
    pub props: Vec<(String, Value)>,
}

/// How a call is put on the wire.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// The hessian dialect. SOFARPC servers before hessian 4 read the draft alone, which is the default.
    pub dialect: Dialect,
    /// How long the caller waits, in whole milliseconds; None for ever.
    pub timeout: Option<Duration>,
    /// True if no answer is wanted.
    pub one_way: bool,
    /// The layout of the head.
    pub version: Version,
    /// True for a CRC, which only v2 has.
    pub crc: bool,
}

impl Default for CallOptions {
    /// Draft, no timeout, answered, v1.
    fn default() -> Self {
        Self {
            dialect: Dialect::Draft,
            timeout: None,
            one_way: false,
            version: Version::V1,
            crc: false,
        }
    }
}

/// The call as a request for [`BoltCodec`](crate::BoltCodec) to encode.
///
/// Its parts are the class name and header block (`head.wire.image`) and the content (`body`).
pub fn encode_request(call: &SofaCall, options: &CallOptions) -> Result<Request, SofaError> {
    let mut block = Vec::new();
    put_pair(&mut block, header::SERVICE, &call.service);
    put_pair(&mut block, header::TARGET_SERVICE, &call.service);
    put_pair(&mut block, header::METHOD_NAME, &call.method);
    let ver1 = if options.crc { VER1_CRC } else { 1 };
    let millis = options
        .timeout
        .map(|timeout| i32::try_from(timeout.as_millis()));
    let head = Head {
        version: options.version,
        ver1,
        kind: if options.one_way {
            Type::OneWay
        } else {
            Type::Request
        },
        command: command::REQUEST,
        ver2: VER2,
        codec: CODEC_HESSIAN,
        switch: if options.crc { SWITCH_CRC } else { 0 },
        timeout_or_status: millis
            .map_or(-1, |millis| millis.unwrap_or(i32::MAX))
            .cast_unsigned(),
        ..Head::default()
    };
    let wire = wire(head, SOFA_REQUEST, &block)?;
    let (interface, ..) = split_unique_name(call.service.as_bytes());
    let head = RequestHead {
        protocol: ProtocolId(NAME),
        kind: if options.one_way {
            Kind::OneWay
        } else {
            Kind::Unary
        },
        service: Str::from_utf8_lossy(Bytes::copy_from_slice(interface)),
        method: call.method.as_str().into(),
        fields: Fields::new(),
        timeout: options.timeout,
        wire,
        http: None,
    };
    let content = content_of_call(call, options.dialect)?;
    Ok(Request::new(head, Body::Whole(content)))
}

fn wire(head: Head, class: &str, block: &[u8]) -> Result<Wire, SofaError> {
    let len = |bytes: &[u8]| {
        u16::try_from(bytes.len())
            .ok()
            .filter(|len| *len <= MAX_SHORT)
    };
    let (Some(class_len), Some(header_len)) = (len(class.as_bytes()), len(block)) else {
        let problem = "the names in the header block are longer than 32767 bytes";
        return Err(SofaError::Unfit(problem.to_owned()));
    };
    let head = Head {
        class_len,
        header_len,
        ..head
    };
    Ok(Wire {
        fixed: head.to_bytes(),
        image: [class.as_bytes(), block].concat().into(),
    })
}

/// The content: an object with the names, then the arguments. Field order as in sofa-bolt-node.
fn content_of_call(call: &SofaCall, dialect: Dialect) -> Result<Bytes, SofaError> {
    let sigs = call.arg_types.iter().map(|name| Value::from(name.as_str()));
    let props = call
        .props
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()));
    let request = Value::object(
        SOFA_REQUEST,
        [
            ("methodName", Value::from(call.method.as_str())),
            ("methodArgSigs", Value::typed_list(STRINGS, sigs)),
            (
                "targetServiceUniqueName",
                Value::from(call.service.as_str()),
            ),
            ("targetAppName", Value::from(call.target_app.as_deref())),
            ("requestProps", Value::map(props)),
        ],
    );
    let mut encoder = Encoder::new(dialect);
    encoder.value(&request)?;
    for arg in &call.args {
        encoder.value(arg)?;
    }
    Ok(encoder.finish())
}

/// Reads the content of a request, and tells its dialect, in which the answer is due.
pub fn decode_request(content: &[u8]) -> Result<(SofaCall, Dialect), SofaError> {
    let dialect = dialect_of(content)?;
    let mut decoder = Decoder::new(content, dialect);
    let Some(request @ Value::Object { .. }) = decoder.next_value()? else {
        return Err(SofaError::Unfit(
            "the content holds no SofaRequest".to_owned(),
        ));
    };
    let text = |name: &str| request.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut call = SofaCall {
        service: text("targetServiceUniqueName").unwrap_or_default(),
        method: text("methodName").unwrap_or_default(),
        target_app: text("targetAppName"),
        ..SofaCall::default()
    };
    if let Some(Value::List { items, .. }) = request.get("methodArgSigs") {
        let names = items.iter().filter_map(Value::as_str);
        call.arg_types = names.map(str::to_owned).collect();
    }
    if let Some(Value::Map { entries, .. }) = request.get("requestProps") {
        let named = |(key, value): &(Value, Value)| Some((key.as_str()?.to_owned(), value.clone()));
        call.props = entries.iter().filter_map(named).collect();
    }
    while let Some(arg) = decoder.next_value()? {
        call.args.push(arg);
    }
    Ok((call, dialect))
}

/// What a method came to.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// It returned this, or threw it if it is an exception's object.
    Value(&'a Value),
    /// It could not be called, for this reason.
    Refused(&'a str),
}

/// The answer to a request as a response for [`BoltCodec`](crate::BoltCodec) to encode, in the request's version.
pub fn encode_response(
    to: &RequestHead,
    dialect: Dialect,
    answer: Answer<'_>,
) -> Result<Response, SofaError> {
    let Some(request) = Head::parse(&to.wire.fixed) else {
        return Err(SofaError::Unfit("the request is not Bolt's".to_owned()));
    };
    let (refused, value) = match answer {
        Answer::Value(value) => (None, value.clone()),
        Answer::Refused(why) => (Some(why), Value::Null),
    };
    let mut block = Vec::new();
    let mut outcome = Outcome::new(Class::Success, status::SUCCESS.into());
    if refused.is_some() || is_exception(&value) {
        put_pair(&mut block, header::RESPONSE_ERROR, "true");
        outcome.class = Class::AppError;
    }
    let response = Value::object(
        SOFA_RESPONSE,
        [
            ("isError", Value::Bool(refused.is_some())),
            ("errorMsg", Value::from(refused)),
            ("appResponse", value),
            ("responseProps", Value::Null),
        ],
    );
    let mut encoder = Encoder::new(dialect);
    encoder.value(&response)?;
    let head = Head {
        codec: CODEC_HESSIAN,
        ..request.answer(command::RESPONSE, status::SUCCESS)
    };
    let head = ResponseHead {
        outcome,
        fields: Fields::new(),
        wire: wire(head, SOFA_RESPONSE, &block)?,
        http: None,
    };
    Ok(Response::new(head, Body::Whole(encoder.finish())))
}

/// The value that a response carries, or what went wrong.
pub fn decode_response(response: &Response) -> Result<Value, SofaError> {
    let unfit = |what: &str| Err(SofaError::Unfit(what.to_owned()));
    let Some(head) = Head::parse(&response.head.wire.fixed) else {
        return unfit("the response is not Bolt's");
    };
    let Some(content) = response.body.whole() else {
        return unfit("the response's body is not all here");
    };
    if head.status() != status::SUCCESS {
        return Err(SofaError::Status {
            status: head.status(),
            name: status::name(head.status()).unwrap_or("an unknown status"),
            message: error_text(&head, content),
        });
    }
    if content.is_empty() {
        return Ok(Value::Null);
    }
    if head.codec != CODEC_HESSIAN {
        let what = format!("the answer is in codec {}, not hessian", head.codec);
        return Err(SofaError::Unfit(what));
    }
    let answer = Decoder::new(content, dialect_of(content)?).next_value()?;
    let Some(Value::Object { class, fields }) = answer else {
        return unfit("the answer's content is no object");
    };
    if &*class != SOFA_RESPONSE {
        return Ok(Value::Object { class, fields });
    }
    let (mut is_error, mut text, mut value) = (false, None, Value::Null);
    for (name, field) in fields {
        match (&*name, field) {
            ("isError", Value::Bool(set)) => is_error = set,
            ("errorMsg", Value::String(message)) => text = Some(message),
            ("appResponse", response) => value = response,
            _ => {}
        }
    }
    if is_error {
        return Err(SofaError::Refused(text.unwrap_or_default()));
    }
    if is_exception(&value) {
        return Err(SofaError::Exception(value));
    }
    Ok(value)
}

/// Java exceptions have these fields, all of them from `Throwable`.
fn is_exception(value: &Value) -> bool {
    matches!(value, Value::Object { .. })
        && value.get("detailMessage").is_some()
        && value.get("stackTrace").is_some()
}

/// What an error's content says: the message of an exception, or of a `SofaResponse`.
fn error_text(head: &Head, content: &[u8]) -> Option<String> {
    if head.codec != CODEC_HESSIAN {
        return None;
    }
    let value = Decoder::new(content, dialect_of(content).ok()?)
        .next_value()
        .ok()??;
    let sofa = || value.get("errorMsg")?.as_str().map(str::to_owned);
    message(&value).or_else(sofa)
}

fn dialect_of(content: &[u8]) -> Result<Dialect, SofaError> {
    let dialect = content
        .first()
        .and_then(|tag| Dialect::of_object_body(*tag));
    dialect.ok_or_else(|| SofaError::Unfit("the content does not start with an object".to_owned()))
}

#[cfg(test)]
mod tests;
