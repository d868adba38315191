//! What people write and read: `wireloom call tars://…`, and the service of `wireloom demo`.

use bytes::{Bytes, BytesMut};
use serde_json::{Value as Json, json};
use tokio_util::codec::Decoder;
use wireloom::Extension;
use wireloom::call::{CallUrl, Failure, Reply, Wrong};
use wireloom::cli::CallArgs;
use wireloom::demo::Example;
use wireloom_codecs::{
    Body, Class, Codec, ErrorKind, FrameLimits, Inbound, LocalError, Request, Response, Role, StreamId, Wire, WriteBuf,
};

use crate::packet::Packet;
use crate::wire::{Reader, put_bytes, put_int, put_json, put_map, put_string};
use crate::{TarsCodec, status};

/// Tars in the program. A function's arguments are fields of the content under 1, 2, …; what it returns is under 0.
pub struct Tars;

/// The bytes of a request. `arguments` is a JSON list; numbers are written as short as they are.
pub(crate) fn request(
    id: i32,
    packet_type: i64,
    names: [&str; 2],
    arguments: &[Json],
    timeout: i64,
    context: &[(&str, &str)],
) -> Vec<u8> {
    let mut content = Vec::new();
    for (tag, argument) in (1..).zip(arguments) {
        put_json(&mut content, tag, argument);
    }
    let mut out = vec![0; 4];
    put_int(&mut out, 1, 1);
    put_int(&mut out, 2, packet_type);
    put_int(&mut out, 3, 0);
    put_int(&mut out, 4, id.into());
    put_string(&mut out, 5, names[0].as_bytes());
    put_string(&mut out, 6, names[1].as_bytes());
    put_bytes(&mut out, 7, &content);
    put_int(&mut out, 8, timeout);
    put_map(&mut out, 9, context);
    put_map(&mut out, 10, &[]);
    let length = out.len() as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// A message in one piece again, with the place of its content.
fn content(wire: &Wire, body: &Body) -> Option<(Bytes, Packet)> {
    let mut out = WriteBuf::new();
    crate::codec::put(&mut out, StreamId(0), wire, body).ok()?;
    let frame = out.to_vec();
    let packet = Packet::read(&frame, true);
    Some((frame.into(), packet))
}

impl Extension for Tars {
    type Codec = TarsCodec;

    fn settings() {}

    fn request(url: &CallUrl, args: &CallArgs) -> Result<Request, Wrong> {
        url.allow(&["oneway"])?;
        let (servant, function) = url.service_and_method("tars://HOST:PORT/APP.SERVER.OBJ/FUNCTION")?;
        let list = serde_json::from_str(args.body.as_deref().unwrap_or("[]"));
        let list: Vec<Json> = list.map_err(|error| Wrong::Arguments(format!("no JSON list: {error}")))?;
        let context: Vec<_> = args.headers.iter().map(|pair| (&*pair.name, &*pair.value)).collect();
        let packet_type = i64::from(url.flag("oneway")?);
        let timeout = i64::try_from(args.timeout.0.as_millis()).unwrap_or(i64::MAX).min(i32::MAX.into());
        let bytes = request(1, packet_type, [&servant, function], &list, timeout, &context);
        let limits = FrameLimits { frame: bytes.len(), ..FrameLimits::default() };
        match TarsCodec::new(&(), Role::Downstream, limits).decode(&mut BytesMut::from(&bytes[..])) {
            Ok(Some(Inbound::Request(_, request))) => Ok(request),
            _ => Err(Wrong::Arguments("they do not fit into a Tars request".to_owned())),
        }
    }

    fn read(response: &Response) -> Result<Reply, Failure> {
        let unreadable = || Failure::Unreadable("it is not a Tars packet".to_owned());
        let (frame, packet) = content(&response.head.wire, &response.body).ok_or_else(unreadable)?;
        let outcome = response.head.outcome;
        if outcome.class != Class::Success {
            let ret = outcome.native as i32;
            return Err(Failure::Status {
                code: outcome.native,
                name: status::name(ret),
                message: format!("iRet {ret}: {}", String::from_utf8_lossy(&frame[packet.value(8)])),
            });
        }
        let rest = packet.content(&frame, 6).ok_or_else(unreadable)?;
        let mut fields = Reader { rest }.fields(0).ok_or_else(unreadable)?;
        let alone = fields.len() == 1;
        let value = fields.remove("0").filter(|_| alone);
        Ok(Reply { values: vec![value.unwrap_or_else(|| fields.into())], ..Reply::default() })
    }

    fn echo(request: &Request, served_by: &str) -> Result<Response, LocalError> {
        let malformed = || LocalError::from(ErrorKind::Malformed);
        let (frame, packet) = content(&request.head.wire, &request.body).ok_or_else(malformed)?;
        let rest = packet.content(&frame, 7).ok_or_else(malformed)?;
        let mut fields = Reader { rest }.fields(0).ok_or_else(malformed)?;
        let answer = match request.head.method.as_str() {
            "servedBy" => served_by.into(),
            _ => fields.remove("1").unwrap_or_default(),
        };
        let mut content = Vec::new();
        put_json(&mut content, 0, &answer);
        Ok(status::response(packet.version(), &request.head.method, 0, &content, ""))
    }

    fn examples() -> Vec<Example> {
        let find = Example {
            about: "a function of a servant",
            target: "Acme.Orders.OrderObj/find",
            body: Some(r#"["order 42"]"#),
            canary: false,
            answer: Some(json!("order 42")),
        };
        vec![
            find.clone(),
            Example {
                about: "a context entry that a route asks for",
                target: "Acme.Orders.OrderObj/servedBy",
                body: None,
                canary: true,
                answer: Some(json!("tars-canary")),
            },
            Example {
                about: "one-way: nobody waits for an answer",
                target: "Acme.Orders.OrderObj/notify?oneway=true",
                answer: None,
                ..find
            },
        ]
    }
}
