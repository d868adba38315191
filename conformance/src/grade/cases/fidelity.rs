//! What a proxy did not need to change leaves as it came.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need, Protocol};
use crate::grade::tongue::Tongue;
use crate::scripted::http2::{self, Http2};
use crate::scripted::thrift::{CALL, FRAMED, REPLY, Start, Value};
use crate::scripted::{Backend, Call, Conn, Dialect, Http1, Thrift, Upstream, Wire, hpack};

pub(super) fn register(list: &mut Vec<Case>) {
    let source = Tongue::DUBBO.source();
    for (name, id, why) in [
        ("hessian2", 2u8, "Hessian 2, which most services use"),
        ("java", 3, "Java's own serialization"),
        ("fastjson", 6, "fastjson"),
        ("kryo", 8, "Kryo"),
        ("fst", 9, "FST"),
        ("protobuf", 22, "protobuf"),
    ] {
        let why = format!(
            "The serialization of a call is its two ends' affair, who may agree on any that their libraries have: a call of serialization {id}, {why}, reaches the server byte for byte but for its id, and so does its answer."
        );
        let case = Case::new(
            Protocol::Dubbo,
            format!("dubbo/fidelity/serialization-{name}"),
            move |arena| serialization(arena, id),
        );
        list.push(case.why(&why, source));
    }
    list.push(
        Case::new(Protocol::Dubbo, "dubbo/fidelity/attachments", |arena| {
            wire(arena, Wire::Dubbo)
        })
        .why("Attachments carry tenants, tags and trace contexts; all of them arrive, unknown ones too, in their order and with the bytes that the client wrote, and nothing is added.", source),
    );
    for (name, of) in [
        ("bolt", Wire::BoltV1),
        ("bolt-v2", Wire::BoltV2),
        ("bolt-crc", Wire::BoltCrc),
    ] {
        list.push(
            Case::new(Protocol::Bolt, format!("{name}/fidelity/frames"), move |arena| wire(arena, of))
                .why("Class, header, content and timeout of a frame leave byte for byte as they came; where there is a checksum it fits the id that the server sees.", Tongue::Wire(of).source()),
        );
    }
    for dialect in Dialect::ALL {
        let name = crate::grade::case::slug(&format!("{dialect:?}"));
        list.push(
            Case::new(Protocol::Thrift, format!("thrift/fidelity/{name}"), move |arena| {
                thrift(arena, dialect)
            })
            .why("A message with every type and with fields that no IDL knows leaves byte for byte as it came, the sequence id and what depends on it aside, in each transport and protocol that Thrift has.", Tongue::THRIFT.source()),
        );
    }
    list.push(
        Case::new(Protocol::Thrift, "thrift/fidelity/answers", answers)
            .why("A server may answer with declared exceptions, with application exceptions of any type and with nothing at all; each is the client's to read, byte for byte.", Tongue::THRIFT.source()),
    );
    http(list);
}

fn http(list: &mut Vec<Case>) {
    list.push(
        Case::new(Protocol::Http1, "http1/fidelity/fields", fields1)
            .why("The order of fields of one name is part of what they say; repeated ones, empty ones and unknown ones arrive, in their order and with their values.", "RFC 9110 §5.3"),
    );
    list.push(
        Case::new(Protocol::Http1, "http1/fidelity/field-case", field_case)
            .why("Names of fields are read in whatever case, but old peers look for the one that was sent; a proxy that had no need to change them did not.", "RFC 9110 §5.1, and the practice of intermediaries"),
    );
    list.push(
        Case::new(Protocol::Http1, "http1/fidelity/target", target)
            .why("The target is the server's to read: escapes, empty queries, double slashes and dots leave as they came, for a signature may cover them.", "RFC 9110 §7.1 and RFC 3986 §6"),
    );
    list.push(
        Case::new(Protocol::Http1, "http1/fidelity/hop-by-hop", hop_by_hop)
            .why("What a Connection field names, and Keep-Alive and Proxy-Connection, belong to this connection and are not passed on; all else is.", "RFC 9110 §7.6.1").needs(&[Need::Messages]),
    );
    list.push(
        Case::new(Protocol::Http1, "http1/fidelity/trailers", trailers)
            .why("Trailers of a chunked request arrive behind its body: the standard lets an intermediary drop them, and checksums and statuses are lost where one does. In no case do they stand among the fields of the head, where they could change what the request means.", "RFC 9110 §6.5.1"),
    );
    list.push(
        Case::new(Protocol::Grpc, "grpc/fidelity/metadata", metadata)
            .why("Metadata arrive with their values, repeated ones in their order, binary ones as they were encoded, and te: trailers with them.", Tongue::Grpc.source()),
    );
    list.push(
        Case::new(Protocol::Grpc, "grpc/fidelity/status-and-message", status)
            .why("Status, message and details of a call are the server's: they arrive in trailers as they were written, the percent encoding too.", Tongue::Grpc.source()),
    );
    list.push(
        Case::new(Protocol::Grpc, "grpc/fidelity/trailers-only", trailers_only)
            .why("A call that fails before its first message is answered by a head alone that ends the stream; the client gets the status that is in it.", Tongue::Grpc.source()),
    );
}

/// A server that keeps frames as they came, and answers them with one of its own.
async fn keeping(wire: Wire, seen: Arc<Mutex<Vec<Vec<u8>>>>, answer: Vec<u8>) -> Result<Upstream> {
    Upstream::start(wire, move |mut conn, _| {
        let (seen, answer) = (seen.clone(), answer.clone());
        async move {
            while let Some(image) = conn.image().await? {
                let id = wire.id(&image).context("no id")?;
                seen.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(image);
                conn.send(&wire.with_id(&answer, id)).await?;
            }
            Ok(())
        }
    })
    .await
}

async fn pass(arena: Arena, wire: Wire, request: Vec<u8>, answer: Vec<u8>) -> Result<()> {
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let server = keeping(wire, seen.clone(), answer.clone()).await?;
    let mut client = Conn::connect(wire, arena.front(server.address()).await?).await?;
    for id in [1, 0x7777_7777] {
        client.send(&wire.with_id(&request, id)).await?;
        let came = client
            .image_within(crate::scripted::raw::patience())
            .await?;
        let came = came.context("closed without an answer")?;
        ensure!(
            came == wire.with_id(&answer, id),
            "the answer came as {came:02x?}"
        );
    }
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for image in seen {
        let (image, sent) = (wire.with_id(&image, 0), wire.with_id(&request, 0));
        ensure!(
            image == sent,
            "the server saw {image:02x?} instead of {sent:02x?}"
        );
    }
    Ok(())
}

async fn serialization(arena: Arena, id: u8) -> Result<()> {
    let wire = Wire::Dubbo;
    let mut request = wire.request(1, &Call::echo("payload"));
    let mut answer = wire.response(1, b"value");
    for frame in [&mut request, &mut answer] {
        if let Some(flag) = frame.get_mut(2) {
            *flag = *flag & 0xe0 | id;
        }
    }
    pass(arena, wire, request, answer).await
}

async fn wire(arena: Arena, wire: Wire) -> Result<()> {
    let call = Call::echo("payload")
        .group("blue")
        .timeout(std::time::Duration::from_secs(60));
    pass(
        arena,
        wire,
        wire.request(1, &call),
        wire.response(1, b"value"),
    )
    .await
}

async fn thrift(arena: Arena, dialect: Dialect) -> Result<()> {
    arena.dialect(dialect)?;
    let server = Backend::thrift_echo().await?;
    let mut client = Thrift::connect(dialect, arena.front(server.address()).await?).await?;
    let everything = Value::Struct(vec![
        (1, Value::text("first")),
        (2, Value::Bool(true)),
        (3, Value::Double(0.1)),
        (
            9,
            Value::Map(11, 8, vec![(Value::text("k"), Value::I32(-1))]),
        ),
        (1000, Value::List(12, vec![Value::Struct(Vec::new()); 20])),
        (1001, Value::Set(10, vec![Value::I64(i64::MIN)])),
    ]);
    let body = everything.write(dialect.protocol);
    let written = |seqid: i32| {
        let start = Start {
            kind: CALL,
            name: "echo".to_owned(),
            seqid,
        };
        dialect.wrap(&start.write(dialect.protocol, &body), seqid, &[])
    };
    for seqid in [1, 77, -5] {
        client.send(written(seqid)).await?;
        client.expect("echo", seqid, b"first").await?;
    }
    for message in server.take() {
        let expected = written(message.start.seqid);
        ensure!(
            message.bytes == expected,
            "it changed on its way: {:02x?} instead of {expected:02x?}",
            message.bytes
        );
    }
    Ok(())
}

async fn answers(arena: Arena) -> Result<()> {
    let answers = |dialect: Dialect, seqid: i32| {
        let declared = Value::Struct(vec![(1, Value::text("what went wrong"))]);
        let odd = Value::Struct(vec![
            (2, Value::I32(4711)),
            (7, Value::text("not in any IDL")),
        ]);
        let mut answers = vec![
            dialect.of(REPLY, "m", seqid, &Value::Struct(vec![(1, declared)])),
            dialect.of(REPLY, "m", seqid, &Value::Struct(Vec::new())),
            dialect.of(3, "m", seqid, &odd),
        ];
        for code in [0, 1, 4, 6, 7, 10] {
            answers.push(dialect.exception("m", seqid, "said the server", code));
        }
        answers
    };
    let server = Backend::thrift(move |call| {
        let which = call.payload().first().copied().unwrap_or_default();
        answers(call.dialect, call.start.seqid).swap_remove(which.into())
    })
    .await?;
    let mut client = Thrift::connect(FRAMED, arena.front(server.address()).await?).await?;
    for (which, answer) in answers(FRAMED, 9).into_iter().enumerate() {
        client.send(FRAMED.call("m", 9, &[which as u8])).await?;
        let came = client.message().await?;
        ensure!(
            came.bytes == answer,
            "answer {which} came as {:?}",
            came.start
        );
    }
    Ok(())
}

/// Sends a request, and tells what the server saw.
async fn seen(arena: &Arena, bytes: &str) -> Result<crate::scripted::Text> {
    let backend = Backend::ok().await?;
    let mut client = Http1::connect(arena.front(backend.address()).await?).await?;
    client.send(bytes).await?;
    let answer = client.response().await?;
    ensure!(answer.text() == "ok", "{answer:?}");
    let mut requests = backend.take();
    ensure!(requests.len() == 1, "the server saw {requests:?}");
    requests.pop().context("nothing")
}

const FIELDS: &str = "GET /a HTTP/1.1\r\nHost: test\r\nX-Zebra: 1\r\nx-apple: 2\r\nX-ZEBRA: 3\r\nX-Empty:\r\nX-Space: \t a  b \t\r\n\r\n";

async fn fields1(arena: Arena) -> Result<()> {
    let text = seen(&arena, FIELDS).await?;
    let values = |name: &str| {
        let same = text
            .fields
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    for (name, value) in [
        ("x-zebra", "1, 3"),
        ("x-apple", "2"),
        ("x-empty", ""),
        ("x-space", "a  b"),
        ("host", "test"),
    ] {
        ensure!(text.count(name) > 0, "{name} is gone: {:?}", text.fields);
        ensure!(
            values(name) == value,
            "{name} is {:?} instead of {value:?}",
            values(name)
        );
    }
    Ok(())
}

async fn field_case(arena: Arena) -> Result<()> {
    let text = seen(&arena, FIELDS).await?;
    for name in ["X-Zebra", "x-apple", "X-Empty"] {
        ensure!(
            text.fields.iter().any(|(key, _)| key == name),
            "{name} is not among {:?}",
            text.fields
        );
    }
    Ok(())
}

async fn target(arena: Arena) -> Result<()> {
    let backend = Backend::ok().await?;
    let mut client = Http1::connect(arena.front(backend.address()).await?).await?;
    let mut problems = Vec::new();
    for target in [
        "/a?b=c%20d",
        "/%7ea/%41",
        "//a//b",
        "/a?",
        "/a;b=c,d",
        "/~a!$&'()*+",
    ] {
        let answer = client.get(target).await?;
        ensure!(answer.text() == "ok", "{target}: {answer:?}");
        let request = backend.take().pop().context("nothing came")?;
        if request.target() != target {
            problems.push(format!("{target} became {}", request.target()));
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join(", "));
    Ok(())
}

async fn hop_by_hop(arena: Arena) -> Result<()> {
    let text = seen(
        &arena,
        "GET / HTTP/1.1\r\nHost: test\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nX-Kept: 1\r\n\r\n",
    )
    .await?;
    for gone in ["x-hop", "keep-alive", "proxy-connection"] {
        ensure!(text.count(gone) == 0, "{gone} was passed on");
    }
    ensure!(text.field("x-kept") == Some("1"), "{text:?}");
    Ok(())
}

async fn trailers(arena: Arena) -> Result<()> {
    let text = seen(
        &arena,
        "POST / HTTP/1.1\r\nHost: test\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 11\r\nHost: evil\r\n\r\n",
    )
    .await?;
    ensure!(text.complete && text.body == b"hello", "{text:?}");
    ensure!(
        text.count("x-sum") == 0 && text.field("host") == Some("test"),
        "they joined the head: {text:?}"
    );
    ensure!(text.count("host") == 1, "{text:?}");
    let sum = text
        .trailers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("x-sum"));
    ensure!(
        sum.is_some_and(|(_, value)| value == "11"),
        "the trailers are gone: {:?}",
        text.trailers
    );
    Ok(())
}

async fn metadata(arena: Arena) -> Result<()> {
    let backend = Backend::http2(|_| b"ok".to_vec()).await?;
    let mut client = Http2::connect(arena.front(backend.address()).await?).await?;
    let sent = [
        ("x-one-bin", "AAEC/w"),
        ("x-many", "1"),
        ("x-many", "2"),
        ("x-list", "a, b"),
        ("x-empty", ""),
        ("grpc-accept-encoding", "gzip, identity"),
        ("user-agent", "grpc-test/1"),
    ];
    let answer = client.call("/a.B/c", &sent, b"x").await?;
    ensure!(answer.grpc_status() == Some(0), "{answer:?}");
    let half = backend.take().pop().context("nothing came")?;
    let of = |pairs: &mut dyn Iterator<Item = (String, String)>, name: &str| {
        let values = pairs.filter(|(key, _)| key == name).map(|(_, value)| value);
        values.collect::<Vec<_>>().join(", ")
    };
    for (name, _) in sent {
        let mut own = sent
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let (expected, came) = (
            of(&mut own, name),
            of(&mut half.fields.iter().cloned(), name),
        );
        ensure!(
            came == expected,
            "{name} is {came:?} instead of {expected:?}"
        );
    }
    ensure!(
        half.field("te") == Some("trailers"),
        "te is {:?}",
        half.field("te")
    );
    Ok(())
}

/// A server of gRPC that answers every call with these bytes, made for its stream.
async fn answering(bytes: fn(u32) -> Vec<u8>) -> Result<Upstream> {
    Upstream::raw(move |stream, _| async move {
        let mut conn = Http2::accept(stream).await?;
        while let Some(stream) = conn.next_complete().await? {
            conn.send(bytes(stream)).await?;
        }
        Ok(())
    })
    .await
}

const DETAILS: &str = "CAUSBWhlbGxv";

async fn status(arena: Arena) -> Result<()> {
    let server = answering(|stream| {
        let head = hpack::block(&[(":status", "200"), ("content-type", "application/grpc")]);
        let end = hpack::block(&[
            ("grpc-status", "5"),
            ("grpc-message", "no%20such%0Athing: %E2%98%83"),
            ("grpc-status-details-bin", DETAILS),
        ]);
        let mut bytes = http2::headers(stream, &head, false);
        bytes.extend(http2::data(stream, &http2::message(b"first"), false));
        bytes.extend(http2::headers(stream, &end, true));
        bytes
    })
    .await?;
    let mut client = Http2::connect(arena.front(server.address()).await?).await?;
    let answer = client.call("/a.B/c", &[], b"x").await?;
    ensure!(answer.body == http2::message(b"first"), "{answer:?}");
    for (name, value) in [
        ("grpc-status", "5"),
        ("grpc-message", "no%20such%0Athing: %E2%98%83"),
        ("grpc-status-details-bin", DETAILS),
    ] {
        ensure!(
            answer.trailer(name) == Some(value),
            "{name} is {:?}",
            answer.trailer(name)
        );
    }
    Ok(())
}

async fn trailers_only(arena: Arena) -> Result<()> {
    let server = answering(|stream| {
        let head = hpack::block(&[
            (":status", "200"),
            ("content-type", "application/grpc"),
            ("grpc-status", "16"),
            ("grpc-message", "who are you"),
        ]);
        http2::headers(stream, &head, true)
    })
    .await?;
    let mut client = Http2::connect(arena.front(server.address()).await?).await?;
    let answer = client.call("/a.B/c", &[], b"x").await?;
    ensure!(
        answer.complete() && answer.grpc_status() == Some(16),
        "{answer:?}"
    );
    let message = answer
        .field("grpc-message")
        .or(answer.trailer("grpc-message"));
    ensure!(message == Some("who are you"), "{answer:?}");
    Ok(())
}
