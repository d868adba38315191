//! `dubbo://host:port/interface/method?version=1.0.0&group=blue`
//!
//! With `--type` the call is the one that a consumer with the interface makes. Without, it is a generic call, for
//! which the provider finds the types: JSON objects become the classes that its method wants.

use std::sync::Arc;

use wireloom_codecs::{Connector, Framed, Request, Response};
use wireloom_dubbo::call::{Arguments, CallFailure, DubboCall, read_response, status_name};
use wireloom_dubbo::{DubboCodec, DubboConfig};
use wireloom_hessian::Value;
use wireloom_hessian::json::{Style, to_json};

use super::caller::Messages;
use super::{CallUrl, Failure, Reply, Wrong, arguments};
use crate::cli::CallArgs;

const FORM: &str = "dubbo://HOST:PORT/INTERFACE/METHOD[?version=V&group=G]";

pub(super) struct Dubbo;

impl Messages for Dubbo {
    const SCHEME: &'static str = "dubbo";

    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Framed::<DubboCodec>::new(DubboConfig::default()))
    }

    fn request(&self, url: &CallUrl, args: &CallArgs) -> Result<Request, Wrong> {
        url.allow(&["version", "group", "serialization", "oneway"])?;
        if !matches!(url.get("serialization"), None | Some("hessian2")) {
            let what = "`serialization` can be hessian2 alone, which every provider reads";
            return Err(Wrong::url(what));
        }
        if args.dialect.is_some() {
            let what = "Dubbo has one form of Hessian; leave it out";
            return Err(Wrong::Dialect(what.to_owned()));
        }
        let (service, method) = url.service_and_method(FORM)?;
        let list = arguments::list(args.body.as_deref())?;
        let arguments = match &args.types {
            Some(types) => {
                let descriptor = arguments::descriptors(types)?;
                Arguments::Typed {
                    values: arguments::typed(&list, &descriptor)?,
                    descriptor,
                }
            }
            None => Arguments::Generic {
                types: None,
                values: arguments::untyped(&list)?,
            },
        };
        let attachment = |header: &crate::cli::Header| {
            let value = Value::from(header.value.as_str());
            (header.name.clone(), value)
        };
        let call = DubboCall {
            service,
            version: url.get("version").map(str::to_owned),
            group: url.get("group").map(str::to_owned),
            method: method.to_owned(),
            arguments,
            timeout: Some(args.timeout.0),
            attachments: args.headers.iter().map(attachment).collect(),
        };
        call.request(url.flag("oneway")?).map_err(Wrong::arguments)
    }

    fn read(&self, response: &Response) -> Result<Reply, Failure> {
        let reply = read_response(response).map_err(failure)?;
        let attachments = match reply.attachments {
            Value::Map { entries, .. } => entries,
            _ => Vec::new(),
        };
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => to_json(other, Style::Readable).to_string(),
        };
        Ok(Reply {
            values: vec![to_json(&reply.value, Style::Readable)],
            attachments: attachments
                .iter()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            ..Reply::default()
        })
    }
}

fn failure(failure: CallFailure) -> Failure {
    match failure {
        CallFailure::Exception { class, message, .. } => Failure::Exception {
            class,
            message: message.unwrap_or_default(),
        },
        CallFailure::Status { status, message } => Failure::Status {
            code: status.into(),
            name: status_name(status),
            message,
        },
        CallFailure::Unreadable(what) => Failure::Unreadable(what),
    }
}
