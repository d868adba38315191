//! `thrift://host:port/Service/method`, with `?transport=framed|buffered|header|ttheader` and
//! `&protocol=binary|compact|binary_non_strict`; default framed binary.
//!
//! With `--idl FILE` fields, parameters and enums go by their names. Without, a struct is an object whose keys are field
//! ids and types, `{"1:string": "tea", "2:list<i32>": [1]}`, and answers are printed like that.
//!
//! | file | holds |
//! |---|---|
//! | `types` | the types that values have in JSON, and how they are written |
//! | `to_value` | JSON to values |
//! | `to_json` | values to JSON |

mod to_json;
mod to_value;
mod types;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value as Json;
use wireloom_codecs::{Connector, Framed};
use wireloom_thrift::call::{Answer, ThriftCall, read_headers, read_response};
use wireloom_thrift::types::{Dialect, Protocol, Transport, exception};
use wireloom_thrift::value::Fields;
use wireloom_thrift::{ThriftCodec, ThriftSettings};

use super::{CallError, CallUrl, Caller, Failure, Out, Reply, Wrong, options, whole};
use crate::cli::CallArgs;
use crate::config::nearest;
use types::{Schema, Type};

const FORM: &str = "thrift://HOST:PORT/SERVICE/METHOD[?transport=T&protocol=P]";
const KEYS: [&str; 4] = ["transport", "protocol", "multiplexed", "oneway"];

pub(super) struct Thrift;

impl Caller for Thrift {
    fn scheme(&self) -> &'static str {
        "thrift"
    }

    fn call<'a>(
        &'a self,
        url: &'a CallUrl,
        args: &'a CallArgs,
        out: Out<'a>,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            options::only(args, self.scheme(), &[])?;
            let request = call_of(url, args)?.request();
            let request = request.map_err(Wrong::arguments)?;
            let settings = Arc::new(ThriftSettings::default());
            let connector: Arc<dyn Connector> = Arc::new(Framed::<ThriftCodec>::new(settings));
            let Some(response) = whole::exchange(connector, url, args, request).await? else {
                return Ok(());
            };
            let (_, attachments) = read_headers(&response.head.wire);
            let unreadable = |what: String| Failure::Unreadable(what);
            let answer = read_response(&response);
            let value = match answer.map_err(|error| unreadable(error.to_string()))? {
                Answer::Reply(fields) => result(fields)?,
                Answer::Exception { code, message } => {
                    return Err(application(code, message).into());
                }
            };
            let reply = Reply {
                values: vec![value],
                attachments,
                ..Reply::default()
            };
            Ok(reply.pieces().try_for_each(out)?)
        })
    }
}

/// What was written, as a call.
fn call_of(url: &CallUrl, args: &CallArgs) -> Result<ThriftCall, Wrong> {
    url.allow(&KEYS)?;
    let dialect = dialect(url)?;
    if !args.headers.is_empty()
        && !matches!(dialect.transport, Transport::Header | Transport::TtHeader)
    {
        let what = "this transport has no headers; write ?transport=header or ?transport=ttheader";
        return Err(Wrong::Header(what.to_owned()));
    }
    let (service, method) = url.service_and_method(FORM)?;
    let pair = |header: &crate::cli::Header| (header.name.clone(), header.value.clone());
    Ok(ThriftCall {
        dialect,
        service,
        multiplexed: url.flag("multiplexed")?,
        method: method.to_owned(),
        arguments: arguments(args.body.as_deref())?,
        one_way: url.flag("oneway")?,
        timeout: Some(args.timeout.0),
        headers: args.headers.iter().map(pair).collect(),
    })
}

fn dialect(url: &CallUrl) -> Result<Dialect, Wrong> {
    const TRANSPORTS: [(&str, Transport); 4] = [
        ("framed", Transport::Framed),
        ("buffered", Transport::Buffered),
        ("header", Transport::Header),
        ("ttheader", Transport::TtHeader),
    ];
    const PROTOCOLS: [(&str, Protocol); 3] = [
        ("binary", Protocol::Binary),
        ("compact", Protocol::Compact),
        ("binary_non_strict", Protocol::BinaryNonStrict),
    ];
    let dialect = Dialect {
        transport: choice(url, "transport", &TRANSPORTS)?,
        protocol: choice(url, "protocol", &PROTOCOLS)?,
    };
    match (dialect.transport, dialect.protocol) {
        (Transport::Header | Transport::TtHeader, Protocol::BinaryNonStrict) => {
            let what = "`protocol=binary_non_strict` goes with framed and buffered alone";
            Err(Wrong::url(what))
        }
        _ => Ok(dialect),
    }
}

/// What a key of the URL picks; the first if it is not there.
fn choice<T: Copy + Default>(url: &CallUrl, key: &str, known: &[(&str, T)]) -> Result<T, Wrong> {
    let Some(written) = url.get(key) else {
        return Ok(T::default());
    };
    let found = known.iter().find(|(name, _)| *name == written);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let instead = match nearest(written, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write {}", names.join(", ")),
        };
        Wrong::url(format!("there is no {key} `{written}`; {instead}"))
    })
}

/// Arguments by the ids of their parameters.
fn arguments(body: Option<&str>) -> Result<Fields, Wrong> {
    let Some(body) = body else {
        return Ok(Fields::new());
    };
    let json: Json = serde_json::from_str(body)
        .map_err(|error| Wrong::arguments(format!("they are not JSON: {error}")))?;
    if !json.is_object() {
        let form = "write field ids and types, like '{\"1:string\": \"42\", \"2:i32\": 7}', or name the service's file with --idl";
        return Err(Wrong::arguments(format!(
            "they must be a JSON object: {form}"
        )));
    }
    let schema = Schema::default();
    to_value::by_ids(&schema, &json).map_err(Wrong::arguments)
}

/// The result of a call without an IDL.
fn result(fields: Fields) -> Result<Json, Failure> {
    match fields.as_slice() {
        [(id @ 1.., value)] => {
            let of = Type::of(value);
            let message = to_json::any(value).to_string();
            Err(Failure::Exception {
                class: format!("{id}:{of}"),
                message,
            })
        }
        _ => Ok(to_json::by_ids(&fields)),
    }
}

fn application(code: i32, message: String) -> Failure {
    let known = exception::NAMES.iter();
    let name = known
        .filter(|(_, known)| *known == code.cast_unsigned())
        .map(|(name, _)| *name)
        .next()
        .unwrap_or("of a type that Thrift does not name");
    Failure::Application {
        code,
        name,
        message,
    }
}
