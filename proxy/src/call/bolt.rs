//! `bolt://host:port/interface:version[:uniqueId]/method`, with `?v=2` and `&crc=true` for version 2 of the frames.
//!
//! The types of the arguments are part of a SOFARPC request. Without `--type` they are guessed from the JSON: text is
//! `java.lang.String`, an integer `int` or, if it does not fit one, `long`, another number `double`, true and false
//! `boolean`, a list `java.util.List`, an object `java.util.Map`, null `java.lang.Object`.

use std::sync::Arc;

use wireloom_bolt::sofa_value::{
    CallOptions, SofaCall, SofaError, decode_response, encode_request,
};
use wireloom_bolt::types::{Head, MAX_SHORT, Version};
use wireloom_bolt::{BoltCodec, BoltConfig, header};
use wireloom_codecs::{Connector, Framed, Request, Response, Wire};
use wireloom_hessian::json::{Style, to_json};
use wireloom_hessian::{Dialect, Value};

use super::caller::Messages;
use super::{CallUrl, Failure, Reply, Wrong, arguments};
use crate::cli::{CallArgs, Header};

const FORM: &str = "bolt://HOST:PORT/INTERFACE:VERSION[:UNIQUE_ID]/METHOD";
/// What SOFARPC gives to a service for which nobody states a version.
const VERSION: &str = "1.0";

pub(super) struct Bolt;

impl Messages for Bolt {
    const SCHEME: &'static str = "bolt";

    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Framed::<BoltCodec>::new(BoltConfig::default()))
    }

    fn request(&self, url: &CallUrl, args: &CallArgs) -> Result<Request, Wrong> {
        url.allow(&["v", "crc", "oneway"])?;
        let (mut service, method) = url.service_and_method(FORM)?;
        if !service.contains(':') {
            service = format!("{service}:{VERSION}");
        }
        let list = arguments::list(args.body.as_deref())?;
        let (types, values) = arguments::with_types(&list, args.types.as_deref())?;
        let property = |header: &Header| (header.name.clone(), Value::from(&*header.value));
        let call = SofaCall {
            service,
            method: method.to_owned(),
            arg_types: types,
            args: values,
            target_app: None,
            props: args.headers.iter().map(property).collect(),
        };
        let request = encode_request(&call, &options(url, args)?).map_err(Wrong::arguments)?;
        with_headers(request, &args.headers)
    }

    fn read(&self, response: &Response) -> Result<Reply, Failure> {
        let value = decode_response(response).map_err(failure)?;
        Ok(Reply {
            values: vec![to_json(&value, Style::Readable)],
            attachments: headers_of(&response.head.wire),
            ..Reply::default()
        })
    }
}

/// The pairs of the answer's header block.
fn headers_of(wire: &Wire) -> Vec<(String, String)> {
    let class = Head::parse(&wire.fixed).map_or(0, |head| head.class_len);
    let block = wire.image.get(class.into()..).unwrap_or_default();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let pairs = header::Pairs::new(block).flatten();
    pairs
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn options(url: &CallUrl, args: &CallArgs) -> Result<CallOptions, Wrong> {
    let version = match url.get("v") {
        None | Some("1") => Version::V1,
        Some("2") => Version::V2,
        Some(_) => return Err(Wrong::url("`v` must be 1 or 2")),
    };
    let crc = url.flag("crc")?;
    if crc && version == Version::V1 {
        return Err(Wrong::url("`crc=true` needs `v=2`: version 1 has no CRC"));
    }
    let dialect = match args.dialect.as_deref() {
        // Java's servers of SOFARPC 5 and Node's read both or this one alone, and answer in it.
        None | Some("draft") => Dialect::Draft,
        Some("final") => Dialect::Final,
        Some(_) => {
            let what = "write draft (SOFARPC's default) or final (sofa-hessian 4)";
            return Err(Wrong::Dialect(what.to_owned()));
        }
    };
    Ok(CallOptions {
        dialect,
        timeout: Some(args.timeout.0),
        one_way: url.flag("oneway")?,
        version,
        crc,
    })
}

/// Adds pairs to the header block, where proxies on the way read them. Of two pairs with one key the later counts.
fn with_headers(mut request: Request, headers: &[Header]) -> Result<Request, Wrong> {
    if headers.is_empty() {
        return Ok(request);
    }
    let wire = &request.head.wire;
    let mut image = wire.image.to_vec();
    for Header { name, value } in headers {
        header::put_pair(&mut image, name, value);
    }
    let too_long = || Wrong::Header(format!("together they are longer than {MAX_SHORT} bytes"));
    let head = Head::parse(&wire.fixed).ok_or_else(too_long)?;
    let length = image.len().checked_sub(usize::from(head.class_len));
    let length = length.and_then(|length| u16::try_from(length).ok());
    let header_len = length
        .filter(|length| *length <= MAX_SHORT)
        .ok_or_else(too_long)?;
    request.head.wire = Wire {
        fixed: Head { header_len, ..head }.to_bytes(),
        image: image.into(),
    };
    Ok(request)
}

fn failure(error: SofaError) -> Failure {
    match error {
        SofaError::Status {
            status,
            name,
            message,
        } => Failure::Status {
            code: status.into(),
            name,
            message: message.unwrap_or_default(),
        },
        SofaError::Refused(message) => Failure::Refused(message),
        SofaError::Exception(value) => Failure::Exception {
            class: value.type_name().unwrap_or("without a class").to_owned(),
            message: value
                .get("detailMessage")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        },
        SofaError::Hessian(error) => Failure::Unreadable(error.to_string()),
        SofaError::Unfit(what) => Failure::Unreadable(what),
    }
}
