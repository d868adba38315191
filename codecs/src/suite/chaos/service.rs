//! What stands between the two drivers: carries requests over few connections, replaces them, and tries again where it may.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::pipe::{Dice, pipe};
use super::{Ends, World, server};
use crate::{
    ByteBudget, Call, Channel, ChannelLimits, ChannelState, Codec, ErrorKind, KeepAlive,
    LocalError, Mode, Needs, Request, Response, Service, clock,
};

struct State {
    dice: Dice,
    /// The connections in use, by lane.
    current: BTreeMap<usize, Vec<Arc<dyn Channel>>>,
    all: Vec<(Arc<dyn Channel>, Arc<Ends>)>,
}

/// A [`Service`] over connections to servers of this seed.
pub(super) struct Carrier<C: Codec> {
    world: Arc<World<C>>,
    state: Arc<Mutex<State>>,
    budget: ByteBudget,
    needs: Arc<Needs>,
}

impl<C: Codec> Clone for Carrier<C> {
    fn clone(&self) -> Self {
        Self {
            world: self.world.clone(),
            state: self.state.clone(),
            budget: self.budget.clone(),
            needs: self.needs.clone(),
        }
    }
}

impl<C: Codec> Carrier<C> {
    pub(super) fn new(world: Arc<World<C>>, dice: Dice, budget: ByteBudget) -> Self {
        let state = State {
            dice,
            current: BTreeMap::new(),
            all: Vec::new(),
        };
        Self {
            world,
            state: Arc::new(Mutex::new(state)),
            budget,
            needs: Arc::new(Needs::NOTHING),
        }
    }

    /// Ends every connection, and sees that nothing is left on it.
    pub(super) async fn finish(&self) {
        let all = {
            let mut state = self.state.lock();
            state.current.clear();
            std::mem::take(&mut state.all)
        };
        for (channel, ends) in all {
            ends.of(&*channel).await;
        }
    }

    /// A connection that may take the call: where there is one call at a time, one that is free.
    fn channel(&self, lane: usize) -> Arc<dyn Channel> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let single = C::mode(&self.world.settings) == Mode::PingPong;
        if state.dice.one_in(25) {
            // As a change of the configuration does.
            let old = state.current.remove(&lane).unwrap_or_default();
            old.iter().for_each(|channel| channel.drain());
        }
        let pool = state.current.entry(lane).or_default();
        pool.retain(|channel| channel.state() == ChannelState::Open);
        let free = |channel: &&Arc<dyn Channel>| !single || channel.in_flight() == 0;
        let room = pool.len() < if single { 4 } else { 1 };
        match pool.iter().find(free).or(pool.first()) {
            Some(channel) if free(&channel) || !room => channel.clone(),
            _ => {
                let channel = self.open(state);
                let pool = state.current.entry(lane).or_default();
                pool.push(channel.clone());
                channel
            }
        }
    }

    fn open(&self, state: &mut State) -> Arc<dyn Channel> {
        let world = &self.world;
        let dice = &mut state.dice;
        let number = 100 + state.all.len() as u64;
        let (near, far, cut) = pipe(dice, number, &world.trace);
        tokio::spawn(server::run(world.clone(), far, cut, dice.fork()));
        let often = KeepAlive {
            interval: Duration::from_millis(20),
            timeout: Duration::from_millis(100),
            misses: 2,
        };
        let pings = C::keep_alive(&world.settings).is_some() && dice.one_in(3);
        let limits = ChannelLimits {
            in_flight: 1 << dice.roll(6),
            keep_alive: pings.then_some(often),
            ..ChannelLimits::default()
        };
        let ends = Arc::new(Ends::default());
        let channel = crate::channel::open::<C>(
            &world.settings,
            Box::new(near),
            limits,
            self.budget.clone(),
            ends.clone(),
        );
        state.all.push((channel.clone(), ends));
        channel
    }

    async fn carry(self, request: Box<Request>) -> Result<Response, LocalError> {
        let world = self.world.clone();
        let tag = world.templates.asks(&request);
        let tag = tag.unwrap_or_else(|| panic!("nobody has asked {request:?}"));
        world.entry(tag, |entry| entry.served += 1);
        let (patience, refuses) = {
            let dice = &mut self.state.lock().dice;
            let patience = [5, 400, 5_000, 30_000][dice.roll(4) as usize];
            let any = ErrorKind::ALL[dice.roll(ErrorKind::ALL.len() as u64) as usize];
            (patience, dice.one_in(30).then_some(any))
        };
        if let Some(kind) = refuses {
            return Err(kind.into());
        }
        let deadline = clock::now() + Duration::from_millis(patience);
        let lane = C::lane(&world.settings, &request.head);
        let mut request = Some(request);
        let mut failed = LocalError::from(ErrorKind::Overloaded);
        for _ in 0..3 {
            let Some(next) = request.take() else {
                break;
            };
            request = next.try_clone().map(Box::new);
            world.entry(tag, |entry| entry.sent += 1);
            let call = Call {
                request: next,
                deadline,
            };
            match self.channel(lane).send(call) {
                Err(_) => world.entry(tag, |entry| entry.sent -= 1),
                Ok(answer) => match answer.await {
                    Ok(response) => return Ok(response),
                    Err(error) => {
                        failed = error.error;
                        if error.sent {
                            break;
                        }
                        world.entry(tag, |entry| entry.sent -= 1);
                    }
                },
            }
        }
        Err(failed)
    }
}

impl<C: Codec> Service for Carrier<C> {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<C> {
        self.clone().carry(request)
    }

    fn needs(&self) -> Arc<Needs> {
        self.needs.clone()
    }
}
