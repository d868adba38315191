//! Each dialect to each other one: calls, answers, exceptions, one-way calls, multiplexed names.

use std::sync::Arc;

use wireloom_codecs::{Codec, FrameLimits, Outbound, Role, StreamId};

use super::{binary, codec, encode, framed, header, hex, request_of, response_of};
use crate::types::{Dialect, MessageType, Protocol, Transport};
use crate::{ThriftCodec, ThriftConfig, ThriftSettings, ThriftUpstream};

const ALL: [Dialect; 10] = {
    use Protocol::{Binary, BinaryNonStrict, Compact};
    use Transport::{Buffered, Framed, Header, TtHeader};
    const fn dialect(transport: Transport, protocol: Protocol) -> Dialect {
        Dialect {
            transport,
            protocol,
        }
    }
    [
        dialect(Framed, Binary),
        dialect(Framed, Compact),
        dialect(Framed, BinaryNonStrict),
        dialect(Buffered, Binary),
        dialect(Buffered, Compact),
        dialect(Buffered, BinaryNonStrict),
        dialect(Header, Binary),
        dialect(Header, Compact),
        dialect(TtHeader, Binary),
        dialect(TtHeader, Compact),
    ]
};

/// A message of every kind of value, written by hand in both protocols.
struct Fixture {
    kind: MessageType,
    name: &'static str,
    binary: String,
    compact: String,
}

fn fixtures() -> Vec<Fixture> {
    let fixture = |kind, name, binary: &str, compact: &str| Fixture {
        kind,
        name,
        binary: binary.to_owned(),
        compact: compact.to_owned(),
    };
    let values_binary = "02 0001 01  02 0002 00  03 0003 fe  06 0004 fffe  08 0005 00000064  0a 0006 fffffffffffffffd \
         04 0014 3ff8000000000000  0b 0015 00000002 6869  0c 0016 08 0064 00000001 00 \
         0f 0017 02 00000002 01 00  0e 0018 08 00000010 \
         00000000 00000001 00000002 00000003 00000004 00000005 00000006 00000007 \
         00000008 00000009 0000000a 0000000b 0000000c 0000000d 0000000e 0000000f \
         0d 0019 0b 08 00000001 00000001 6b 00000007  0d 001a 0b 0b 00000000 \
         10 001b 00112233445566778899aabbccddeeff  0f ff9c 0c 00000001 00  08 0001 ffffffff 00";
    let values_compact = "11 12 13 fe 14 03 15 c801 16 05 \
         e7 000000000000f83f  18 02 6869  1c 05 c801 02 00 \
         19 21 01 02  1a f5 10 00 02 04 06 08 0a 0c 0e 10 12 14 16 18 1a 1c 1e \
         1b 01 85 01 6b 0e  1b 00 \
         1d 00112233445566778899aabbccddeeff  09 c701 1c 00  05 02 01 00";
    use MessageType::{Call, Exception, OneWay, Reply};
    vec![
        fixture(
            Call,
            "plus",
            "08 0001 00000001 08 0002 00000002 00",
            "15 02 15 04 00",
        ),
        fixture(Call, "Orders:plus", "00", "00"),
        fixture(Call, "put", values_binary, values_compact),
        fixture(OneWay, "notify", "0b 0001 00000001 78 00", "18 01 78 00"),
        fixture(Reply, "plus", "08 0000 00000003 00", "05 00 06 00"),
        fixture(
            Reply,
            "plus",
            "0c 0001 0b 0001 00000001 78 00 00",
            "1c 18 01 78 00 00",
        ),
        fixture(
            Exception,
            "plus",
            "0b 0001 00000001 78 08 0002 00000006 00",
            "18 01 78 15 0c 00",
        ),
    ]
}

/// The message in this dialect, with no header pairs.
fn written(fixture: &Fixture, dialect: Dialect, seqid: u32) -> Vec<u8> {
    let Fixture {
        kind,
        name,
        binary,
        compact,
    } = fixture;
    let kind = *kind as u8;
    let (name, len) = (hex::encode(name), name.len());
    let message = match dialect.protocol {
        Protocol::Binary => format!("800100{kind:02x} {len:08x} {name} {seqid:08x} {binary}"),
        Protocol::BinaryNonStrict => format!("{len:08x} {name} {kind:02x} {seqid:08x} {binary}"),
        Protocol::Compact => {
            assert!(seqid < 128 && len < 128);
            format!(
                "82{:02x} {seqid:02x} {len:02x} {name} {compact}",
                kind << 5 | 1
            )
        }
    };
    let message = hex(&message);
    let protocol = match dialect.protocol {
        Protocol::Compact => 2,
        _ => 0,
    };
    match dialect.transport {
        Transport::Buffered => message,
        Transport::Framed => framed(&message),
        Transport::Header => header([0x0f, 0xff], seqid, &[protocol, 0], &message),
        Transport::TtHeader => header([0x10, 0], seqid, &[protocol, 0], &message),
    }
}

fn client(dialect: Dialect) -> ThriftCodec {
    let config = ThriftConfig {
        transport: Some(dialect.transport),
        protocol: Some(dialect.protocol),
        ..ThriftConfig::default()
    };
    let limits = FrameLimits::default();
    ThriftCodec::new(&Arc::new(config.into()), Role::Downstream, limits)
}

fn server(dialect: Dialect) -> ThriftCodec {
    let settings = ThriftSettings {
        upstream: ThriftUpstream {
            transport: Some(dialect.transport),
            protocol: Some(dialect.protocol),
        },
        ..ThriftSettings::default()
    };
    let limits = FrameLimits::default();
    ThriftCodec::new(&Arc::new(settings), Role::Upstream, limits)
}

#[test]
fn each_message_in_each_dialect_becomes_what_that_dialect_has_for_it() {
    let fixtures = fixtures();
    let (calls, answers): (Vec<_>, Vec<_>) = fixtures
        .iter()
        .partition(|fixture| fixture.kind.is_request());
    for from in ALL {
        for to in ALL {
            for call in &calls {
                let mut client = client(from);
                let (id, mut request) = request_of(&mut client, &written(call, from, 7));
                let direct = encode(&mut server(to), Outbound::Request(StreamId(5), &request));
                let mut server = server(to);
                server.adapt(&mut request).unwrap();
                let sent = encode(&mut server, Outbound::Request(StreamId(5), &request));
                assert_eq!(
                    hex::encode(&sent),
                    hex::encode(written(call, to, 5)),
                    "{from:?} to {to:?}: {}",
                    call.name
                );
                assert_eq!(direct, sent, "also where nobody asked before");
                if call.name != "plus" {
                    continue;
                }
                for answer in &answers {
                    let bytes = written(answer, to, 5);
                    let mut server = self::server(to);
                    encode(&mut server, Outbound::Request(StreamId(5), &request));
                    let (_, response) = response_of(&mut server, &bytes);
                    let back = encode(&mut client, Outbound::Response(id, &response));
                    assert_eq!(
                        hex::encode(back),
                        hex::encode(written(answer, from, 7)),
                        "{to:?} back to {from:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn extreme_seqids_come_back_from_every_dialect() {
    for seqid in [0, -1, 127, 128, i32::MAX, i32::MIN] {
        for to in ALL {
            let mut client = client(ALL[0]);
            let (id, request) = request_of(&mut client, &framed(&binary(1, "m", seqid, &[0])));
            for own in [1, 300, i32::MAX as u64] {
                let mut server = server(to);
                let sent = encode(&mut server, Outbound::Request(StreamId(own), &request));
                // A server that answers under the seqid that it saw.
                let mut echo = self::client(to);
                let (seen, _) = request_of(&mut echo, &sent);
                assert_eq!(seen, StreamId(own));
                let plain = framed(&binary(2, "m", own as i32, &[0]));
                let (_, answer) = response_of(&mut self::server(ALL[0]), &plain);
                let answer = encode(&mut echo, Outbound::Response(seen, &answer));
                let (found, response) = response_of(&mut server, &answer);
                assert_eq!(found, StreamId(own));
                let back = encode(&mut client, Outbound::Response(id, &response));
                assert_eq!(back, framed(&binary(2, "m", seqid, &[0])), "{to:?}");
            }
        }
    }
}

#[test]
fn pipelined_calls_are_answered_as_each_was_asked() {
    let tt = |seqid: u32, message: &[u8]| header([0x10, 0], seqid, &[0, 0], message);
    let mut client = codec(Role::Downstream);
    let asked = [(1, 0, true), (2, 2, false), (3, 7, true)].map(|(outer, inner, again)| {
        let around = move |message: Vec<u8>| match again {
            true => tt(outer, &framed(&message)),
            false => tt(outer, &message),
        };
        let (id, request) = request_of(&mut client, &around(binary(1, "m", inner, &[0])));
        (id, request, around(binary(2, "m", inner, &[0])))
    });
    for (id, request, expected) in asked {
        let mut server = server(ALL[1]);
        let sent = encode(&mut server, Outbound::Request(StreamId(5), &request));
        assert_eq!(sent, framed(&hex("8221 05 01 6d 00")));
        let (_, response) = response_of(&mut server, &framed(&hex("8241 05 01 6d 00")));
        let back = encode(&mut client, Outbound::Response(id, &response));
        assert_eq!(hex::encode(back), hex::encode(expected));
    }
}
