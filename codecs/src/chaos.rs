//! Both drivers back to back between a client and a server that does everything wrong: seeded, so that what fails once
//! fails again. Whatever happens, a caller gets the answer to its own request or an error, once, and every counter
//! returns to zero.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::toy::{self, Multiplexed, PingPong, frame};
use crate::{
    Accepted, ByteBudget, Call, Channel, ChannelLimits, ChannelState, Codec, ErrorKind, KeepAlive,
    LocalError, Needs, Request, Response, ServeLimits, Service, drain,
};

const MEMORY: usize = 256 << 10;
const REQUESTS: u32 = 300;

/// The same numbers for the same seed.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn fork(&mut self) -> Self {
        Self(self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A pipe of any width; narrow ones cut every frame to pieces.
    fn pipe(&mut self) -> (DuplexStream, DuplexStream) {
        duplex([3, 50, 1000, 1 << 16][self.roll(4) as usize])
    }

    fn payload(&mut self, id: u32) -> Vec<u8> {
        let length = match self.roll(20) {
            0 => 17 << 10,
            1 => 5000,
            _ => self.roll(100) as usize,
        };
        let mut payload = format!("p{id} ").into_bytes();
        payload.resize(payload.len() + length, id as u8);
        payload
    }
}

struct Frame {
    kind: u8,
    id: u32,
    body: Vec<u8>,
}

async fn next(from: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let length = from.read_u32().await.ok()?;
    let kind = from.read_u8().await.ok()?;
    let id = from.read_u32().await.ok()?;
    let _status = from.read_u8().await.ok()?;
    let mut body = vec![0; length as usize - 6];
    from.read_exact(&mut body).await.ok()?;
    Some(Frame { kind, id, body })
}

/// A server that answers right, late, twice, with ids of its own making, with faults and pongs, or not at all.
async fn wicked_server(io: DuplexStream, mut dice: Dice, ping_pong: bool) {
    let (mut from, mut to) = split(io);
    let (replies, mut queue) = mpsc::unbounded_channel::<Vec<u8>>();
    tokio::spawn(async move {
        while let Some(reply) = queue.recv().await {
            if to.write_all(&reply).await.is_err() {
                return;
            }
        }
    });
    let send = |delay: u64, reply: Vec<u8>| {
        let replies = replies.clone();
        tokio::spawn(async move {
            if delay > 0 {
                sleep(Duration::from_millis(delay)).await;
            }
            let _ = replies.send(reply);
        });
    };
    let mut seen: Vec<(u32, Vec<u8>)> = Vec::new();
    while let Some(Frame { kind, id, body }) = next(&mut from).await {
        match kind {
            toy::REQUEST => {}
            toy::PING if dice.roll(2) == 0 => {
                send(0, frame(toy::PONG, id, 0, b""));
                continue;
            }
            _ => continue,
        }
        let reply = frame(toy::RESPONSE, id, 0, &body);
        let old = match seen.len() {
            0 => None,
            some => seen.get(dice.roll(some as u64) as usize),
        };
        // Where answers have no ids, a wrong one cannot be told from a right one: that is the protocol's own weakness.
        let sides = if ping_pong { 12 } else { 20 };
        match dice.roll(sides) {
            0..=7 => send(0, reply),
            8 | 9 => send(dice.roll(60), reply),
            10 => {}
            11 if dice.roll(8) == 0 => return,
            11 => send(dice.roll(5), reply),
            12 => {
                send(0, reply.clone());
                send(dice.roll(40), reply);
            }
            13 => send(0, frame(toy::BAD, id, 1, b"")),
            14 => {
                send(0, frame(toy::PONG, id, 0, b""));
                send(1, reply);
            }
            15 => {
                send(
                    0,
                    frame(toy::RESPONSE, dice.roll(1 << 32) as u32, 0, b"poison"),
                );
                send(1, reply);
            }
            16 => {
                send(0, frame(toy::REQUEST, id, 0, b"a call of mine"));
                send(0, frame(toy::PING, id, 0, b""));
                send(1, reply);
            }
            17 => {
                send(0, frame(toy::GO_AWAY, 0, 0, b""));
                send(dice.roll(10), frame(toy::RESUME, 0, 0, b""));
                send(0, reply);
            }
            _ => {
                if let Some((id, body)) = old {
                    send(0, frame(toy::RESPONSE, *id, 0, body));
                }
                send(0, reply);
            }
        }
        seen.push((id, body));
    }
}

/// Carries requests over one connection at a time, and makes a new one when the last takes no more.
struct Proxy<C> {
    dice: Arc<Mutex<Dice>>,
    channels: Arc<Mutex<Vec<Arc<dyn Channel>>>>,
    budget: ByteBudget,
    codec: std::marker::PhantomData<fn() -> C>,
}

impl<C> Clone for Proxy<C> {
    fn clone(&self) -> Self {
        Self {
            dice: self.dice.clone(),
            channels: self.channels.clone(),
            budget: self.budget.clone(),
            codec: self.codec,
        }
    }
}

impl<C: Codec<Settings = Option<KeepAlive>>> Proxy<C> {
    fn channel(&self) -> Arc<dyn Channel> {
        let mut channels = self.channels.lock();
        if let Some(last) = channels.last()
            && last.state() == ChannelState::Open
        {
            return last.clone();
        }
        let mut dice = self.dice.lock();
        let (near, far) = dice.pipe();
        let ping_pong = C::MODE == crate::Mode::PingPong;
        tokio::spawn(wicked_server(far, dice.fork(), ping_pong));
        let limits = ChannelLimits {
            in_flight: 1 << dice.roll(4),
            ..ChannelLimits::default()
        };
        let often = KeepAlive {
            interval: Duration::from_millis(3),
            timeout: Duration::from_millis(20),
            misses: 3,
        };
        let keep_alive = (!ping_pong && dice.roll(2) == 0).then_some(often);
        let budget = self.budget.clone();
        let channel =
            crate::channel::open::<C>(&keep_alive, Box::new(near), limits, budget, Arc::new(()));
        channels.push(channel.clone());
        channel
    }
}

impl<C: Codec<Settings = Option<KeepAlive>>> Service for Proxy<C> {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<C> {
        let proxy = self.clone();
        async move {
            let call = Call {
                request,
                deadline: Instant::now() + Duration::from_millis(25),
            };
            match proxy.channel().send(call) {
                Ok(answer) => answer.await.map_err(|failed| failed.error),
                Err(_) => Err(LocalError::from(ErrorKind::Overloaded)),
            }
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

/// Sends everything and checks what comes back; counts the successes.
async fn client(io: DuplexStream, mut dice: Dice) -> u32 {
    let (mut from, mut to) = split(io);
    let expected: Arc<Mutex<HashMap<u32, Vec<u8>>>> = Arc::default();
    let sent = expected.clone();
    let writer = tokio::spawn(async move {
        for id in 0..REQUESTS {
            let payload = dice.payload(id);
            let kind = match dice.roll(10) {
                0 => toy::ONE_WAY,
                _ => toy::REQUEST,
            };
            if kind == toy::REQUEST {
                sent.lock().insert(id, payload.clone());
            }
            to.write_all(&frame(kind, id, 0, &payload)).await.unwrap();
            if dice.roll(20) == 0 {
                to.write_all(&frame(toy::PING, id, 0, b"")).await.unwrap();
            }
            if dice.roll(3) == 0 {
                sleep(Duration::from_millis(dice.roll(4))).await;
            }
        }
        to.shutdown().await.unwrap();
    });
    let mut successes = 0;
    while let Some(Frame { kind, id, body }) = next(&mut from).await {
        if kind != toy::RESPONSE {
            assert_eq!(kind, toy::PONG);
            continue;
        }
        let payload = expected.lock().remove(&id);
        let payload = payload.unwrap_or_else(|| panic!("{id} was answered twice or never asked"));
        if body == payload {
            successes += 1;
        } else {
            let text = String::from_utf8_lossy(&body);
            assert!(text.starts_with("wireloom: "), "{id} got {text:.100}");
        }
    }
    writer.await.unwrap();
    let left = expected.lock().len();
    assert_eq!(left, 0, "requests without an answer");
    successes
}

async fn chaos<C: Codec<Settings = Option<KeepAlive>>>(seed: u64) -> u32 {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d ^ ((seed << 17) | (seed + 1)));
    dice.roll(2);
    let (near, far) = dice.pipe();
    let budgets = [ByteBudget::new(MEMORY), ByteBudget::new(MEMORY)];
    let (drain, watch) = drain();
    let connection = Accepted {
        tls: false,
        io: Box::new(near),
        prefix: Bytes::new(),
        limits: ServeLimits {
            in_flight: 1 << dice.roll(5),
            ..ServeLimits::default()
        },
        budget: budgets[0].clone(),
        drain: watch,
    };
    let channels = Arc::default();
    let proxy = Proxy::<C> {
        dice: Arc::new(Mutex::new(dice.fork())),
        channels: Arc::clone(&channels),
        budget: budgets[1].clone(),
        codec: std::marker::PhantomData,
    };
    let served = tokio::spawn(crate::server::serve::<C, _>(None, connection, proxy));
    let successes = client(far, dice.fork()).await;
    served.await.unwrap().unwrap();
    let channels: Vec<Arc<dyn Channel>> = std::mem::take(&mut *channels.lock());
    for channel in &channels {
        // One-way requests may still be on their way out.
        channel.drain();
        while channel.state() != ChannelState::Closed {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(channel.in_flight(), 0, "seed {seed}");
    }
    drop(channels);
    sleep(Duration::from_millis(5)).await;
    for budget in &budgets {
        assert_eq!(budget.free(), MEMORY as isize, "seed {seed}");
    }
    drain.start();
    drain.finished().await;
    successes
}

async fn many<C: Codec<Settings = Option<KeepAlive>>>(seeds: std::ops::Range<u64>) {
    let mut successes = 0;
    let rounds = (seeds.end - seeds.start) as u32;
    for seed in seeds {
        let work = timeout(Duration::from_secs(30), chaos::<C>(seed));
        successes += work.await.unwrap_or_else(|_| panic!("seed {seed} hangs"));
    }
    assert!(successes > rounds * REQUESTS / 50, "only {successes}");
}

#[tokio::test]
async fn every_caller_gets_its_own_answer_or_an_error_once() {
    many::<Multiplexed>(0..6).await;
}

#[tokio::test]
async fn and_so_where_answers_have_no_ids() {
    many::<PingPong>(100..103).await;
}
