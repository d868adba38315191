//! A client: sends its requests in whatever rhythm, and looks at everything that comes back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::time::sleep;

use super::World;
use super::pipe::{Cut, Dice, End};
use crate::suite::codec;
use crate::{Class, Codec, Inbound, Mode, Outbound, Role, StreamId, WriteBuf};

/// What a client does beside asking.
#[derive(Clone, Debug)]
pub(super) struct Manners {
    /// Loses its connection after so many requests.
    cut: Option<usize>,
    /// Says that it has no more to ask before it has all answers.
    shuts: bool,
    /// Pauses of up to so many milliseconds.
    pause: u64,
    pings: bool,
}

impl Manners {
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self {
            cut: dice.one_in(6).then(|| dice.roll(30) as usize),
            shuts: dice.one_in(2),
            pause: [1, 5, 60, 1_000][dice.roll(4) as usize],
            pings: dice.one_in(2),
        }
    }
}

/// Requests that wait for answers: by id, or in their order where answers have none.
#[derive(Default)]
struct Waiting {
    by_id: BTreeMap<u64, usize>,
    order: VecDeque<(u64, usize)>,
    /// Pings. A pong may be an answer like any other, that only who asked knows by its id; a codec need not know of several.
    pings: BTreeSet<u64>,
    all_asked: bool,
}

impl Waiting {
    fn left(&self) -> usize {
        self.by_id.len() + self.order.len()
    }
}

/// Asks everything; with the number of requests that succeeded.
pub(super) async fn run<C: Codec>(
    world: Arc<World<C>>,
    io: End,
    cut: Cut,
    manners: Manners,
    mut dice: Dice,
    tags: Vec<usize>,
) -> usize {
    let (mut from, mut to) = split(io);
    let waiting = Arc::new(Mutex::new(Waiting::default()));
    // Ids at either end of what there is, and a stride that keeps them apart.
    let first = dice.roll(2) * (C::MAX_ID - (C::MAX_ID).min(1_000));
    let one = || Arc::new(Mutex::new(codec::<C>(&world.settings, Role::Upstream)));
    let reading = one();
    // It may have to know what it asked; but where answers have no ids it knows of one request, and this client asks several.
    let writing = match C::MODE {
        Mode::Multiplexed => reading.clone(),
        Mode::PingPong => one(),
    };
    let writer = {
        let (world, waiting) = (world.clone(), waiting.clone());
        let pings = manners.pings && crate::probe::pings::<C>(&world.settings);
        tokio::spawn(async move {
            for (index, tag) in tags.into_iter().enumerate() {
                if manners.cut == Some(index) {
                    cut.reset();
                    return;
                }
                let templates = &world.templates.requests;
                let template = &templates[dice.roll(templates.len() as u64) as usize];
                let request = template.request(tag);
                let id = first + (index as u64) * 3 % 1_000;
                let id = id.min(C::MAX_ID);
                world.entry(tag, |entry| entry.one_way = template.is_one_way());
                if !template.is_one_way() {
                    let mut waiting = waiting.lock();
                    match C::MODE {
                        Mode::Multiplexed => drop(waiting.by_id.insert(id, tag)),
                        Mode::PingPong => waiting.order.push_back((id, tag)),
                    }
                }
                let mut out = WriteBuf::new();
                let event = Outbound::Request(StreamId(id), &request);
                let written = writing.lock().encode(event, &mut out);
                assert!(written.is_ok(), "{written:?}");
                if pings && dice.one_in(10) {
                    let id = C::MAX_ID / 2 + index as u64;
                    waiting.lock().pings.insert(id);
                    let ping = Outbound::Ping(StreamId(id));
                    assert!(writing.lock().encode(ping, &mut out).is_ok());
                }
                if to.write_all(&out.to_vec()).await.is_err() {
                    break;
                }
                if dice.one_in(3) {
                    sleep(Duration::from_millis(dice.roll(manners.pause))).await;
                }
            }
            waiting.lock().all_asked = true;
            if manners.shuts || waiting.lock().left() == 0 {
                let _ = to.shutdown().await;
            }
        })
    };
    let mut buffer = BytesMut::new();
    let mut well = 0;
    loop {
        loop {
            let event = reading.lock().decode(&mut buffer);
            let Some(event) = event.expect("what the proxy writes reads") else {
                break;
            };
            well += usize::from(taken(&world, &waiting, event));
        }
        let over = {
            let waiting = waiting.lock();
            waiting.all_asked && waiting.left() == 0
        };
        if over && buffer.is_empty() {
            break;
        }
        match from.read_buf(&mut buffer).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    super::joined(writer.await);
    well
}

/// True if it is the answer to a request; everything that it must not be is a panic.
fn taken<C: Codec>(world: &World<C>, waiting: &Mutex<Waiting>, event: Inbound) -> bool {
    let (id, response) = match event {
        Inbound::Response(id, response) => (id.0, response),
        Inbound::Control(_) => return false,
        other => panic!("a client got {other:?}"),
    };
    let tag = {
        let mut waiting = waiting.lock();
        if waiting.pings.remove(&id) {
            return false;
        }
        match C::MODE {
            Mode::Multiplexed => waiting.by_id.remove(&id),
            Mode::PingPong => waiting.order.pop_front().map(|(asked, tag)| {
                assert_eq!(asked, id, "an answer under another request's id");
                tag
            }),
        }
    };
    let tag = tag.unwrap_or_else(|| panic!("{id} was answered twice, or never asked, or one-way"));
    world.entry(tag, |entry| entry.answered += 1);
    let class = response.head.outcome.class;
    world.trace.note(&[id, tag as u64, class as u64]);
    match world.templates.answers(&response) {
        Some(other) => assert_eq!(other, tag, "request {tag} got the answer to {other}"),
        None => assert_ne!(
            class,
            Class::Success,
            "request {tag} got an answer of nobody's"
        ),
    }
    class == Class::Success || world.templates.answers(&response).is_some()
}
