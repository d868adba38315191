//! A server: answers right, late, twice, under ids of its own making, in part, or not at all.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::World;
use super::pipe::{Cut, Dice, End};
use crate::suite::codec;
use crate::{
    Codec, Control, ErrorKind, Inbound, Kind, LocalError, Mode, Outbound, Request, Response, Role,
    StreamId, WriteBuf,
};

/// What the writing half is to do.
enum Write {
    Bytes(Vec<u8>),
    Close,
}

/// Serves a connection to its end.
pub(super) async fn run<C: Codec>(world: Arc<World<C>>, io: End, cut: Cut, mut dice: Dice) {
    let (mut from, mut to) = split(io);
    let (writes, mut queue) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Write::Bytes(bytes)) = queue.recv().await {
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    });
    let single = C::mode(&world.settings) == Mode::PingPong;
    let kindly = dice.one_in(2);
    let mut codec = codec::<C>(&world.settings, Role::Downstream);
    let mut buffer = BytesMut::new();
    let mut old: Option<(StreamId, usize)> = None;
    let later = |delay: u64, write: Write| {
        let writes = writes.clone();
        tokio::spawn(async move {
            if delay > 0 {
                sleep(Duration::from_millis(delay)).await;
            }
            let _ = writes.send(write);
        });
    };
    loop {
        let event = codec.decode(&mut buffer);
        let (id, request) = match event.expect("what the proxy writes reads") {
            None => match from.read_buf(&mut buffer).await {
                Ok(1..) => continue,
                Ok(0) | Err(_) => return,
            },
            Some(Inbound::Request(id, request)) => (id, request),
            Some(Inbound::Control(Control::Ping(id, wire))) => {
                if kindly || !dice.one_in(4) {
                    let pong = written(&mut codec, Outbound::Pong(id, &wire));
                    later(0, Write::Bytes(pong));
                }
                continue;
            }
            Some(Inbound::Control(_)) => continue,
            Some(other) => panic!("a server got {other:?}"),
        };
        let tag = world.templates.asks(&request);
        let tag = tag.unwrap_or_else(|| panic!("a server got a request of nobody's: {request:?}"));
        world.entry(tag, |entry| entry.arrived += 1);
        world.trace.note(&[id.0, tag as u64, 77]);
        if request.head.kind == Kind::OneWay {
            continue;
        }
        let reply = response(&world, &codec, &mut dice, &request, tag);
        let reply = written(&mut codec, Outbound::Response(id, &reply));
        let send = |delay, bytes: &[u8]| later(delay, Write::Bytes(bytes.to_vec()));
        let sides = match (kindly, single) {
            (true, _) => 12,
            (false, true) => 19,
            (false, false) => 23,
        };
        match dice.roll(sides) {
            0..=9 => send(0, &reply),
            10 | 11 => send(dice.roll(60), &reply),
            12 => send(dice.roll(600), &reply),
            13 => {}
            14 => {
                cut.reset();
                return;
            }
            15 => {
                let part = dice.roll(reply.len() as u64) as usize;
                send(0, &reply[..part]);
                later(0, Write::Close);
                return;
            }
            16 => {
                // All that came is answered first, and what comes now is not.
                send(0, &reply);
                later(dice.roll(3), Write::Close);
            }
            17 => {
                if codec.sends_go_away() {
                    send(0, &written(&mut codec, Outbound::GoAway));
                }
                send(dice.roll(30), &reply);
            }
            18 => {
                // Even one at a time tells this one from the answer to the next, if it comes before that is asked.
                send(0, &reply);
                if single {
                    send(1, &reply);
                }
            }
            19 => {
                send(0, &reply);
                send(dice.roll(40), &reply);
            }
            20 => {
                let wrong = StreamId(C::MAX_ID - dice.roll(1_000.min(C::MAX_ID)));
                let poison = response(&world, &codec, &mut dice, &request, tag);
                send(0, &written(&mut codec, Outbound::Response(wrong, &poison)));
                send(1, &reply);
            }
            _ => {
                if let Some((id, tag)) = old {
                    let again = response(&world, &codec, &mut dice, &request, tag);
                    send(0, &written(&mut codec, Outbound::Response(id, &again)));
                }
                send(dice.roll(2), &reply);
            }
        }
        old = Some((id, tag));
    }
}

fn response<C: Codec>(
    world: &World<C>,
    codec: &C,
    dice: &mut Dice,
    to: &Request,
    tag: usize,
) -> Response {
    if dice.one_in(12) {
        let error = LocalError::new(ErrorKind::Internal, "as chaos wants it");
        return codec.error_reply(&to.head.origin(), &error);
    }
    let templates = &world.templates.responses;
    templates[dice.roll(templates.len() as u64) as usize].response(tag)
}

fn written<C: Codec>(codec: &mut C, event: Outbound<'_>) -> Vec<u8> {
    let mut out = WriteBuf::new();
    let written = codec.encode(event, &mut out);
    assert!(written.is_ok(), "{written:?}");
    out.to_vec()
}
