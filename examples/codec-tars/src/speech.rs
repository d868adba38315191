//! What people write and read: `call tars://…`, and the service of `demo`. A function's arguments are fields of the content under
//! 1, 2, …; what it returns is under 0.

use serde_json::{Value as Json, json};
use wireloom::call::{CallUrl, Failure, Reply, Wrong};
use wireloom::{Extension, cli::CallArgs, demo::Example};
use wireloom_codecs::prelude::*;

use crate::TarsCodec;
use crate::packet::{self, CODES, Packet};
use crate::wire::{Reader, put};

/// Tars in the program.
pub struct Tars;

/// A message in one piece again.
pub(crate) fn whole(id: i32, wire: &Wire, body: &Body) -> Vec<u8> {
    let mut out = WriteBuf::new();
    packet::write(&mut out, StreamId(id as u64), wire, body);
    out.to_vec()
}

/// The arguments of a request, or what a response returns.
fn content(wire: &Wire, body: &Body, tag: usize) -> Option<serde_json::Map<String, Json>> {
    let frame = whole(0, wire, body);
    Reader(Packet::read(&frame, tag == 7).bytes(tag)).fields(0, true)
}

impl Extension for Tars {
    type Codec = TarsCodec;

    fn settings() {}

    fn request(url: &CallUrl, args: &CallArgs) -> Result<Request, Wrong> {
        url.allow(&["oneway"])?;
        let (servant, function) = url.service_and_method("tars://HOST:PORT/APP.SERVER.OBJ/FUNCTION")?;
        let list = serde_json::from_str(args.body.as_deref().unwrap_or("[]"));
        let list: Vec<Json> = list.map_err(|error| Wrong::Arguments(format!("no JSON list: {error}")))?;
        let mut content = Vec::new();
        (1..).zip(&list).for_each(|(tag, argument)| put(&mut content, tag, argument));
        let context = args.headers.iter().map(|pair| (pair.name.to_string(), json!(&*pair.value))).collect::<Json>();
        let timeout = i32::try_from(args.timeout.0.as_millis()).unwrap_or(i32::MAX);
        let one_way = url.flag("oneway")?;
        let (wire, body) = packet::request([&servant, function], &content, one_way.into(), timeout, context);
        let head = RequestHead::new(TarsCodec::ID, (*servant).into(), function.into());
        let kind = if one_way { Kind::OneWay } else { Kind::Unary };
        Ok(Message::new(RequestHead { kind, wire, ..head }, body))
    }

    fn read(response: &Response) -> Result<Reply, Failure> {
        let (wire, outcome) = (&response.head.wire, response.head.outcome);
        if outcome.class != Class::Success {
            let frame = whole(0, wire, &response.body);
            let text = String::from_utf8_lossy(Packet::read(&frame, false).bytes(8)).into_owned();
            return Err(Failure::Status {
                code: outcome.native,
                name: CODES.iter().find(|code| code.1 == outcome.native).map_or("of the service's own", |code| code.0),
                message: format!("iRet {}: {text}", outcome.native as i32),
            });
        }
        let unread = || Failure::Unreadable("it is not a Tars packet".to_owned());
        let mut fields = content(wire, &response.body, 6).ok_or_else(unread)?;
        let returned = if fields.len() == 1 { fields.remove("0") } else { None };
        Ok(Reply { values: vec![returned.unwrap_or_else(|| fields.into())], ..Reply::default() })
    }

    fn echo(request: &Request, served_by: &str) -> Result<Response, LocalError> {
        let fields = content(&request.head.wire, &request.body, 7);
        let first = fields.ok_or(LocalError::from(ErrorKind::Malformed))?.remove("1").unwrap_or_default();
        let answer = if request.head.method == "servedBy" { served_by.into() } else { first };
        let mut content = Vec::new();
        put(&mut content, 0, &answer);
        Ok(packet::response(&request.head.wire.fixed, 0, &content, ""))
    }

    fn examples() -> Vec<Example> {
        let example = |about, target, body, canary, answer: Option<&str>| {
            let answer = answer.map(Json::from);
            Example { about, target, body, canary, answer }
        };
        let order = Some(r#"["order 42"]"#);
        vec![
            example("a function of a servant", "Acme.Orders.OrderObj/find", order, false, Some("order 42")),
            example(
                "a context entry that routes ask for",
                "Acme.Orders.OrderObj/servedBy",
                None,
                true,
                Some("tars-canary"),
            ),
            example("one-way: no answer", "Acme.Orders.OrderObj/notify?oneway=true", order, false, None),
        ]
    }
}
