//! Services and messages, and JSON to and from these (the canonical mapping of proto3).

use bytes::Bytes;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};
use serde_json::Value as Json;

use super::super::{Failure, Wrong};
use super::encoded;
use crate::config::nearest;

/// The service of this full name.
pub(in super::super) fn service(
    pool: &DescriptorPool,
    name: &str,
) -> Result<ServiceDescriptor, Wrong> {
    let found = pool.get_service_by_name(name);
    found.ok_or_else(|| {
        let services: Vec<_> = pool.services().collect();
        unknown_service(name, services.iter().map(ServiceDescriptor::full_name))
    })
}

/// There is no service of this name, but these.
pub(super) fn unknown_service<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Wrong {
    let known = instead(name, known);
    Wrong::url(format!("there is no service `{name}`; {known}"))
}

/// The method of this name.
pub(in super::super) fn method(
    service: &ServiceDescriptor,
    name: &str,
) -> Result<MethodDescriptor, Wrong> {
    let methods: Vec<_> = service.methods().collect();
    let found = methods.iter().find(|method| method.name() == name);
    found.cloned().ok_or_else(|| {
        let known = instead(name, methods.iter().map(MethodDescriptor::name));
        let service = service.full_name();
        Wrong::url(format!("`{service}` has no method `{name}`; {known}"))
    })
}

fn instead<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match known.collect::<Vec<_>>().as_slice() {
            [] => "there are none".to_owned(),
            names => format!("there are {}", names.join(", ")),
        },
    }
}

/// A method as a .proto file has it.
pub(super) fn line(method: &MethodDescriptor) -> String {
    let stream = |is| if is { "stream " } else { "" };
    format!(
        "rpc {}({}{}) returns ({}{})",
        method.name(),
        stream(method.is_client_streaming()),
        method.input().full_name(),
        stream(method.is_server_streaming()),
        method.output().full_name(),
    )
}

/// The messages of a body: one, or any number for a method that takes a stream. No body is one without fields, or no
/// message of a stream.
pub(in super::super) fn messages(
    method: &MethodDescriptor,
    body: Option<&str>,
) -> Result<Vec<Bytes>, Wrong> {
    let streamed = method.is_client_streaming();
    let mut messages = Vec::new();
    let mut json = serde_json::Deserializer::from_str(body.unwrap_or_default());
    while json.end().is_err() {
        let message = DynamicMessage::deserialize(method.input(), &mut json).map_err(|error| {
            let name = method.input().full_name().to_owned();
            Wrong::arguments(format!("they are no {name} in JSON: {error}"))
        })?;
        messages.push(encoded(&message));
    }
    match (streamed, messages.len()) {
        (false, 0) => Ok(vec![Bytes::new()]),
        (false, 2..) => Err(Wrong::arguments(format!(
            "`{}` takes one message, not {}",
            method.name(),
            messages.len()
        ))),
        _ => Ok(messages),
    }
}

/// A message as JSON.
pub(super) fn json(kind: MessageDescriptor, message: Bytes) -> Result<Json, Failure> {
    let name = kind.full_name().to_owned();
    let unreadable = |why: String| Failure::Unreadable(format!("it is no {name}: {why}"));
    let message =
        DynamicMessage::decode(kind, message).map_err(|error| unreadable(error.to_string()))?;
    serde_json::to_value(&message).map_err(|error| unreadable(error.to_string()))
}
