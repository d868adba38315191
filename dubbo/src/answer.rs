//! The provider's side of [`call`](crate::call): reading a request as values, for echo servers and test peers. A
//! proxy's request path uses none of it. The answer is [`ok_response`](crate::call::ok_response).

use std::time::Duration;

use wireloom_codecs::Request;
use wireloom_hessian::{Decoder, Dialect, Error, Value, descriptor};

use crate::call::{Arguments, DubboCall};
use crate::types::{Head, serialization::HESSIAN2};

/// Why a request cannot be read as a call.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UnreadableRequest {
    /// It is in a serialization that is only forwarded.
    #[error("its serialization is {0}; only Hessian 2, which is 2, is read here")]
    Serialization(u8),
    /// A value is broken.
    #[error("{0}")]
    Hessian(#[from] Error),
    /// What is there is not what should be.
    #[error("{0}")]
    Unfit(&'static str),
}

/// Reads a request in Hessian 2, as [`DubboCall::request`] writes it and Java does.
///
/// `service`, `version` and `method` are the request's own fields; `group` and `timeout` come from the attachments,
/// which are all in `attachments` as they came. A call of `$invoke` is the method that it is about. References among
/// the arguments of a typed call count as in a body that starts with them; those of a generic call do not.
pub fn read_request(request: &Request) -> Result<DubboCall, UnreadableRequest> {
    let unfit = UnreadableRequest::Unfit;
    let head = Head::parse(&request.head.wire.fixed);
    let head = head.ok_or(unfit("it is none of Dubbo"))?;
    if head.serialization() != HESSIAN2 {
        return Err(UnreadableRequest::Serialization(head.serialization()));
    }
    let body = request.body.whole();
    let body = body.ok_or(unfit("its body is streamed"))?;
    let mut values = Values(Decoder::new(body, Dialect::Final));

    values
        .text()?
        .ok_or(unfit("it states no protocol version"))?;
    let service = values.text()?.ok_or(unfit("it names no service"))?;
    let version = values.text()?.filter(|version| version != "0.0.0");
    let method = values.text()?.ok_or(unfit("it names no method"))?;
    let types = match values.next()? {
        // dubbox 2.8 writes an int before the types.
        Value::Int(_) => values.text()?,
        Value::String(types) => Some(types),
        _ => None,
    };
    let types = types.ok_or(unfit("it states no types"))?;
    let count = descriptor::count(&types).map_err(|_| unfit("its types are no descriptor"))?;
    let arguments = (0..count).map(|_| values.next());
    let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
    let attachments = match values.next()? {
        Value::Map { entries, .. } => entries,
        _ => Vec::new(),
    };
    let attachments: Vec<(String, Value)> = attachments
        .into_iter()
        .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value)))
        .collect();

    let text = |key: &str| {
        let named = attachments.iter().find(|(name, _)| name == key);
        named.and_then(|(_, value)| value.as_str())
    };
    let group = text("group").map(str::to_owned);
    let timeout = text("timeout").and_then(|millis| millis.parse().ok());
    let (method, arguments) = match <[Value; 3]>::try_from(arguments) {
        Ok([name, types, values]) if method == "$invoke" || method == "$invokeAsync" => {
            generic(name, types, values)?
        }
        Ok(values) => (method, typed(types, values.into())),
        Err(values) => (method, typed(types, values)),
    };
    Ok(DubboCall {
        service,
        version,
        group,
        method,
        arguments,
        timeout: timeout.map(Duration::from_millis),
        attachments,
    })
}

fn typed(descriptor: String, values: Vec<Value>) -> Arguments {
    Arguments::Typed { descriptor, values }
}

fn generic(
    name: Value,
    types: Value,
    values: Value,
) -> Result<(String, Arguments), UnreadableRequest> {
    let unfit = UnreadableRequest::Unfit;
    let Value::String(name) = name else {
        return Err(unfit("its generic call names no method"));
    };
    let types = match types {
        Value::List { items, .. } => {
            let names = items.iter().map(|item| item.as_str().map(str::to_owned));
            let names = names.collect::<Option<Vec<_>>>();
            Some(names.ok_or(unfit("its generic call has a type that is no text"))?)
        }
        _ => None,
    };
    let values = match values {
        Value::List { items, .. } => items,
        _ => Vec::new(),
    };
    Ok((name, Arguments::Generic { types, values }))
}

struct Values<'a>(Decoder<'a>);

impl Values<'_> {
    fn next(&mut self) -> Result<Value, UnreadableRequest> {
        let short = UnreadableRequest::Unfit("it ends where a value is due");
        self.0.next_value()?.ok_or(short)
    }

    fn text(&mut self) -> Result<Option<String>, UnreadableRequest> {
        match self.next()? {
            Value::String(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            _ => Err(UnreadableRequest::Unfit("a name in it is no text")),
        }
    }
}
