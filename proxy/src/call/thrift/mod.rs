//! `thrift://host:port/Service/method`, with `?transport=framed|buffered|header|ttheader` and
//! `&protocol=binary|compact|binary_non_strict`; default framed binary.
//!
//! With `--idl FILE` fields, parameters and enums go by their names. Without, a struct is an object whose keys are field
//! ids and types, `{"1:string": "tea", "2:list<i32>": [1]}`, and answers are printed like that.
//!
//! | file | holds |
//! |---|---|
//! | `idl` | .thrift files |
//! | `answer` | what an answer says, with an IDL and without |
//! | `types` | the types that values have in JSON, and how they are written |
//! | `to_value` | JSON to values |
//! | `to_json` | values to JSON |

mod answer;
mod idl;
mod to_json;
mod to_value;
mod types;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};
use wireloom_codecs::units::Size;
use wireloom_codecs::{Connector, Framed};
use wireloom_thrift::call::{Answer, ThriftCall, read_headers, read_response};
use wireloom_thrift::types::{Dialect, Protocol, Transport};
use wireloom_thrift::value::Fields;
use wireloom_thrift::{ThriftCodec, ThriftConfig, ThriftSettings};

use super::{
    CallError, CallUrl, Caller, Failure, LONGEST, Out, Piece, Reply, Wrong, options, whole,
};
use crate::cli::CallArgs;
use crate::config::nearest;
use idl::{Idl, Method};
use types::Schema;

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
            options::only(args, self.scheme(), &[options::IDL])?;
            let idl = match &args.idl {
                Some(file) => Some(
                    idl::load(file, &args.proto_paths)
                        .map_err(|told| Wrong::Option(options::IDL, told))?,
                ),
                None => None,
            };
            if let (Some(idl), [] | [_]) = (&idl, url.path.as_slice()) {
                let mut lines = lines(idl, url)?.into_iter();
                return Ok(lines.try_for_each(|line| out(Piece::Line(line)))?);
            }
            let (service, method) = url.service_and_method(FORM)?;
            let of = match &idl {
                Some(idl) => Some((idl, idl.method(idl.service(&service)?, method)?)),
                None => None,
            };
            let call = call_of(url, args, of)?.request();
            let request = call.map_err(Wrong::arguments)?;
            let settings = Arc::new(ThriftSettings::from(ThriftConfig {
                max_frame: Size(LONGEST),
                ..ThriftConfig::default()
            }));
            let connector: Arc<dyn Connector> = Arc::new(Framed::<ThriftCodec>::new(settings));
            let Some(response) = whole::exchange(connector, url, args, request).await? else {
                return Ok(());
            };
            let (_, attachments) = read_headers(&response.head.wire);
            let answer = read_response(&response);
            let value = match answer.map_err(|error| Failure::Unreadable(error.to_string()))? {
                Answer::Reply(fields) => answer::result(of, &fields)?,
                Answer::Exception { code, message } => {
                    return Err(answer::application(code, message).into());
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

/// The services of a file, or a service's methods.
fn lines(idl: &Idl, url: &CallUrl) -> Result<Vec<String>, Wrong> {
    Ok(match url.path.first() {
        Some(name) => {
            let methods = idl.methods(idl.service(name)?);
            methods.iter().map(|method| idl.line(method)).collect()
        }
        None => idl.service_names().map(str::to_owned).collect(),
    })
}

/// What was written, as a call.
fn call_of(
    url: &CallUrl,
    args: &CallArgs,
    of: Option<(&Idl, &Method)>,
) -> Result<ThriftCall, Wrong> {
    url.allow(&KEYS)?;
    let dialect = dialect(url)?;
    if !args.headers.is_empty()
        && !matches!(dialect.transport, Transport::Header | Transport::TtHeader)
    {
        let what = "this transport has no headers; write ?transport=header or ?transport=ttheader";
        return Err(Wrong::Header(what.to_owned()));
    }
    let (service, method) = url.service_and_method(FORM)?;
    let one_way = match of {
        Some((_, method)) => {
            if url.flag("oneway")? && !method.one_way {
                let what = format!("`{}` is answered, says the file of --idl", method.name);
                return Err(Wrong::url(what));
            }
            method.one_way
        }
        None => url.flag("oneway")?,
    };
    let pair = |header: &crate::cli::Header| (header.name.clone(), header.value.clone());
    Ok(ThriftCall {
        dialect,
        service,
        multiplexed: url.flag("multiplexed")?,
        method: method.to_owned(),
        arguments: arguments(args.body.as_deref(), of)?,
        one_way,
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

/// Arguments by the names or the order of their parameters, or else by ids.
fn arguments(body: Option<&str>, of: Option<(&Idl, &Method)>) -> Result<Fields, Wrong> {
    let json = match body {
        Some(body) => serde_json::from_str(body)
            .map_err(|error| Wrong::arguments(format!("they are not JSON: {error}")))?,
        None => Json::Object(Map::new()),
    };
    let parameters = of.and_then(|(idl, method)| Some((idl, idl.parameters(method)?)));
    let fields = match (parameters, &json) {
        (Some((idl, of)), Json::Array(items)) => to_value::in_order(&idl.schema, of, items),
        (Some((idl, of)), _) => to_value::by_names(&idl.schema, of, &json),
        (None, Json::Object(_)) => to_value::by_ids(&Schema::default(), &json),
        (None, _) => {
            let form = "write field ids and types, like '{\"1:string\": \"42\", \"2:i32\": 7}'";
            let what = format!("they must be a JSON object: {form}, or say --idl FILE");
            return Err(Wrong::arguments(what));
        }
    };
    fields.map_err(Wrong::arguments)
}
