//! `tri://host:port/interface/method?version=1.0.0&group=blue`: Dubbo 3's Triple.
//!
//! It is gRPC with fields of its own. With `--proto` the messages are Protobuf, as for gRPC. Without, they are the
//! wrappers that Dubbo puts around Java's values, in Hessian 2: the arguments are a JSON list, and their types, which
//! tell overloaded methods apart, are those of `--type` or guessed from the JSON as for `bolt://`.

use futures_util::future::BoxFuture;
use prost::Message;
use wireloom_hessian::json::{Style, to_json};
use wireloom_hessian::{Dialect, Error, Value, decode_all, encode};

use super::grpc::{self, Client};
use super::{CallError, CallUrl, Caller, Failure, Out, Piece, Wrong, arguments, options};
use crate::cli::CallArgs;

const FORM: &str = "tri://HOST:PORT/INTERFACE/METHOD[?version=V&group=G]";
/// Hessian 2, as Dubbo calls it since version 4 of its library.
const HESSIAN: &str = "hessian4";
/// The field of an answer whose message is an exception of the service.
const EXCEPTION: &str = "tri-exception-code";

pub(super) struct Triple;

impl Caller for Triple {
    fn scheme(&self) -> &'static str {
        "tri"
    }

    fn call<'a>(
        &'a self,
        url: &'a CallUrl,
        args: &'a CallArgs,
        out: Out<'a>,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            options::only(args, self.scheme(), &[options::TYPE, options::PROTO])?;
            url.allow(&["version", "group"])?;
            let (service, method) = url.service_and_method(FORM)?;
            if args.protos.is_empty() {
                let request = request(args)?;
                let mut client = connect(url, args).await?;
                let path = format!("/{service}/{method}");
                return exchange(&mut client, &path, request, out).await;
            }
            if args.types.is_some() {
                let what = "the types are in the file of `--proto`".to_owned();
                return Err(Wrong::Option(options::TYPE, what).into());
            }
            let pool = grpc::compile(args)?;
            let method = grpc::method(&grpc::service(&pool, &service)?, method)?;
            let mut client = connect(url, args).await?;
            grpc::exchange(&mut client, &method, args, out).await
        })
    }
}

/// A connection with the fields by which Triple is recognised.
async fn connect<'a>(url: &'a CallUrl, args: &'a CallArgs) -> Result<Client<'a>, CallError> {
    let mut client = Client::connect(url, args).await?;
    client.field("tri-consumer-appname", "wireloom")?;
    for (key, field) in [
        ("version", "tri-service-version"),
        ("group", "tri-service-group"),
    ] {
        if let Some(value) = url.get(key) {
            client.field(field, value)?;
        }
    }
    Ok(client)
}

/// `TripleRequestWrapper`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RequestWrapper {
    /// The name of the serialization.
    #[prost(string, tag = "1")]
    pub(crate) serialize_type: String,
    /// The arguments, each serialized for itself.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(crate) args: Vec<Vec<u8>>,
    /// What `Class.getName` says of the parameters.
    #[prost(string, repeated, tag = "3")]
    pub(crate) arg_types: Vec<String>,
}

/// `TripleResponseWrapper`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ResponseWrapper {
    /// The name of the serialization.
    #[prost(string, tag = "1")]
    pub(crate) serialize_type: String,
    /// The result, or the exception.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) data: Vec<u8>,
    /// The class that the method returns.
    #[prost(string, tag = "3")]
    pub(crate) class: String,
}

fn request(args: &CallArgs) -> Result<RequestWrapper, Wrong> {
    let list = arguments::list(args.body.as_deref())?;
    let (arg_types, values) = arguments::with_types(&list, args.types.as_deref())?;
    let each = values.iter().map(|value| encode([value], Dialect::Final));
    let args = each.map(|bytes| bytes.map(Vec::from));
    Ok(RequestWrapper {
        serialize_type: HESSIAN.to_owned(),
        args: args.collect::<Result<_, _>>().map_err(Wrong::arguments)?,
        arg_types,
    })
}

async fn exchange(
    client: &mut Client<'_>,
    path: &str,
    request: RequestWrapper,
    out: Out<'_>,
) -> Result<(), CallError> {
    let request = request.encode_to_vec().into();
    let mut answer = client.call(path, vec![request], None, out).await?;
    let thrown = answer.headers.contains_key(EXCEPTION);
    let mut count = 0;
    while let Some(message) = answer.next(out).await? {
        let unreadable = |why: String| Failure::Unreadable(why);
        let wrapper = ResponseWrapper::decode(message)
            .map_err(|error| unreadable(format!("it is no TripleResponseWrapper: {error}")))?;
        let value = value(&wrapper)?;
        if thrown {
            return Err(exception(&value).into());
        }
        out(Piece::Value(to_json(&value, Style::Readable)))?;
        count += 1;
    }
    match count {
        0 => {
            Err(Failure::Unreadable("its status is OK, and there is no message".to_owned()).into())
        }
        _ => Ok(()),
    }
}

fn value(wrapper: &ResponseWrapper) -> Result<Value, Failure> {
    let kind = &wrapper.serialize_type;
    if !matches!(kind.as_str(), HESSIAN | "hessian2") {
        return Err(Failure::Unreadable(format!("its serialization is {kind}")));
    }
    let unreadable = |error: Error| Failure::Unreadable(error.to_string());
    let values = decode_all(&wrapper.data, Dialect::Final).map_err(unreadable)?;
    Ok(values.into_iter().next().unwrap_or(Value::Null))
}

/// The wrapper's own `type` is no help: it is what the method returns.
fn exception(value: &Value) -> Failure {
    let message = value.get("detailMessage").and_then(Value::as_str);
    Failure::Exception {
        class: value.type_name().unwrap_or("without a class").to_owned(),
        message: message.unwrap_or_default().to_owned(),
    }
}
