//! What stands between the two drivers: carries requests over few connections, replaces them, and tries again where it may.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::timeout;
use wireloom_codecs::suite::chaos::{Dice, Ends};
use wireloom_codecs::{
    ByteBudget, Call, Channel, ChannelLimits, ChannelState, Connector, ErrorKind, KeepAlive,
    LocalError, Needs, Request, Response, Service, clock,
};
use wireloom_http::h1::Http1Connector;
use wireloom_http::h2::Http2Connector;

use crate::ask::tag_of;
use crate::{Version, World, h1_server, h2_config, h2_server};

/// How long a connection may take to be opened.
const CONNECT: Duration = Duration::from_secs(60);

struct State {
    dice: Dice,
    current: Vec<Arc<dyn Channel>>,
    all: Vec<(Arc<dyn Channel>, Arc<Ends>)>,
    opened: u64,
}

/// A [`Service`] over connections to servers of this seed.
#[derive(Clone)]
pub(crate) struct Carrier {
    world: Arc<World>,
    up: Version,
    state: Arc<Mutex<State>>,
    budget: ByteBudget,
}

impl Carrier {
    pub(crate) fn new(world: Arc<World>, up: Version, dice: Dice, budget: ByteBudget) -> Self {
        let state = State {
            dice,
            current: Vec::new(),
            all: Vec::new(),
            opened: 0,
        };
        Self {
            world,
            up,
            state: Arc::new(Mutex::new(state)),
            budget,
        }
    }

    /// Ends every connection, and sees that nothing is left on it.
    pub(crate) async fn finish(&self) {
        let all = {
            let mut state = self.state.lock();
            state.current.clear();
            std::mem::take(&mut state.all)
        };
        for (channel, ends) in all {
            ends.of(&*channel).await;
        }
    }

    /// A connection that may take the call, if there is one.
    fn channel(&self) -> Option<Arc<dyn Channel>> {
        let mut state = self.state.lock();
        if state.dice.one_in(25) {
            // As a change of the configuration does.
            let old = std::mem::take(&mut state.current);
            old.iter().for_each(|channel| channel.drain());
        }
        state
            .current
            .retain(|channel| channel.state() == ChannelState::Open);
        let free =
            |channel: &&Arc<dyn Channel>| self.up == Version::Two || channel.in_flight() == 0;
        state.current.iter().find(free).cloned()
    }

    async fn open(&self) -> Option<Arc<dyn Channel>> {
        let (opening, ends) = {
            let mut state = self.state.lock();
            state.opened += 1;
            let number = 100 + state.opened;
            let world = &self.world;
            let dice = &mut state.dice;
            let (near, far, cut) = world.pipe(dice, number);
            if !world.calm && dice.one_in(8) {
                cut.after(dice.roll(20_000) as usize);
            }
            let often = KeepAlive {
                interval: Duration::from_millis(20),
                timeout: Duration::from_secs(20),
                misses: 2,
            };
            let limits = ChannelLimits {
                in_flight: if world.calm { 1_000 } else { 1 << dice.roll(6) },
                keep_alive: dice.one_in(3).then_some(often),
                ..ChannelLimits::default()
            };
            let connector: Box<dyn Connector> = match self.up {
                Version::One => {
                    world.spawn(h1_server::run(world.clone(), far, cut, dice.fork()));
                    Box::new(Http1Connector)
                }
                Version::Two => {
                    world.spawn(h2_server::run(world.clone(), far, cut, dice.fork()));
                    Box::new(Http2Connector::new(h2_config(dice)))
                }
            };
            let ends = Arc::new(Ends::default());
            let budget = self.budget.clone();
            let opening = connector.open(Box::new(near), limits, budget, ends.clone());
            (opening, ends)
        };
        let channel = timeout(CONNECT, opening).await.ok()?.ok()?;
        let mut state = self.state.lock();
        state.all.push((channel.clone(), ends));
        state.current.push(channel.clone());
        Some(channel)
    }

    async fn carry(self, request: Box<Request>) -> Result<Response, LocalError> {
        let world = self.world.clone();
        let tag = tag_of(&request);
        world.ledger.entry(tag, |entry| entry.served += 1);
        let (patience, refuses) = {
            let dice = &mut self.state.lock().dice;
            let patience = [5, 400, 5_000, 30_000][dice.roll(4) as usize];
            let any = ErrorKind::ALL[dice.roll(ErrorKind::ALL.len() as u64) as usize];
            (patience, dice.one_in(30).then_some(any))
        };
        if let Some(kind) = refuses.filter(|_| !world.calm) {
            return Err(kind.into());
        }
        let patience = if world.calm { 3_600_000 } else { patience };
        let deadline = clock::now() + Duration::from_millis(patience);
        let mut request = Some(request);
        let mut failed = LocalError::from(ErrorKind::Overloaded);
        for _ in 0..3 {
            let channel = match self.channel() {
                Some(channel) => channel,
                None => match self.open().await {
                    Some(channel) => channel,
                    None => {
                        failed = ErrorKind::ConnectFailure.into();
                        continue;
                    }
                },
            };
            let Some(next) = request.take() else {
                break;
            };
            let again = next.try_clone().map(Box::new);
            world.ledger.entry(tag, |entry| entry.sent += 1);
            let call = Call {
                request: next,
                deadline,
            };
            match channel.send(call) {
                Err(call) => {
                    request = Some(call.request);
                    world.ledger.entry(tag, |entry| entry.sent -= 1);
                }
                Ok(answer) => match answer.await {
                    Ok(response) => return Ok(response),
                    Err(error) => {
                        failed = error.error;
                        if error.sent {
                            request = error.request;
                        } else {
                            world.ledger.entry(tag, |entry| entry.sent -= 1);
                            request = again;
                        }
                    }
                },
            }
        }
        Err(failed)
    }
}

impl Service for Carrier {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        self.clone().carry(request)
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::default()
    }
}
