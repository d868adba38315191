//! A scripted network for tests: addresses that accept, refuse, hang or hang up, and channels that hold their calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;
use wireloom_codecs::{
    Answer, Body, BoxFuture, ByteBudget, Call, CallError, Channel, ChannelEvents, ChannelLimits,
    ChannelState, ConnError, Connector, ErrorKind, Fields, FrameLimits, Io, Kind, LocalError,
    ProtocolId, Request, RequestHead, Response, ResponseHead, Str, Wire,
};
use wireloom_net::Address;

use crate::{Cluster, ClusterConfig, Dialer, LocalCluster, Tried, Upstream};

pub(crate) const FAKE: ProtocolId = ProtocolId("fake");
pub(crate) const OTHER: ProtocolId = ProtocolId("other");
/// A protocol whose connections carry either the calls of `get` or all others.
pub(crate) const LANED: ProtocolId = ProtocolId("laned");

/// What happens at an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// After a millisecond it accepts.
    Accept,
    /// After a millisecond it refuses.
    Refuse,
    /// It never answers.
    Hang,
    /// It accepts, and its connection closes before it can be used.
    HangUp,
}

#[derive(Default)]
pub(crate) struct World {
    plans: Mutex<HashMap<Address, Plan>>,
    dials: Mutex<Vec<(Address, Instant)>>,
    channels: Mutex<Vec<Arc<FakeChannel>>>,
    /// Calls that a new channel holds before it refuses more.
    capacity: AtomicUsize,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        let world = Self::default();
        world.capacity.store(usize::MAX, Relaxed);
        Arc::new(world)
    }

    pub(crate) fn plan(&self, address: &str, plan: Plan) {
        self.plans.lock().insert(address.parse().unwrap(), plan);
    }

    pub(crate) fn capacity(&self, calls: usize) {
        self.capacity.store(calls, Relaxed);
    }

    pub(crate) fn dials(&self) -> usize {
        self.dials.lock().len()
    }

    pub(crate) fn dial_times(&self) -> Vec<Instant> {
        self.dials.lock().iter().map(|(_, at)| *at).collect()
    }

    /// Every channel ever opened to the address.
    pub(crate) fn channels(&self, address: &str) -> Vec<Arc<FakeChannel>> {
        let address: Address = address.parse().unwrap();
        let channels = self.channels.lock();
        let to = channels.iter().filter(|channel| channel.address == address);
        to.cloned().collect()
    }

    /// Lets go of every channel, as their connections do when they end.
    pub(crate) fn forget(&self) {
        self.channels.lock().clear();
    }

    pub(crate) fn channel(&self, address: &str) -> Arc<FakeChannel> {
        self.channels(address).pop().expect("a channel")
    }

    pub(crate) fn upstream(self: &Arc<Self>) -> Arc<Upstream> {
        let connector = |id| Arc::new(FakeConnector(id, self.clone())) as Arc<dyn Connector>;
        let upstream = Upstream::new(
            Arc::from([connector(FAKE), connector(OTHER), connector(LANED)]),
            ByteBudget::new(1 << 20),
            FrameLimits::default(),
        );
        Arc::new(upstream.with_dialer(Arc::new(FakeDialer(self.clone()))))
    }

    /// A cluster named `shop`, and one worker's side of it.
    pub(crate) fn cluster(self: &Arc<Self>, yaml: &str) -> (Arc<Cluster>, Arc<LocalCluster>) {
        let cluster = Cluster::new("shop", config(yaml));
        let local = LocalCluster::new(cluster.clone(), self.upstream());
        (cluster, local)
    }
}

pub(crate) fn config(yaml: &str) -> ClusterConfig {
    serde_saphyr::from_str(yaml).unwrap()
}

struct FakeDialer(Arc<World>);

impl Dialer for FakeDialer {
    fn dial(
        &self,
        address: &Address,
        timeout: Duration,
    ) -> BoxFuture<Result<Box<dyn Io>, LocalError>> {
        let (world, address) = (self.0.clone(), address.clone());
        Box::pin(async move {
            world.dials.lock().push((address.clone(), Instant::now()));
            let plan = world.plans.lock().get(&address).copied();
            let failed = |why: &str| {
                let text = format!("cannot connect to {address}: {why}");
                Err(LocalError::new(ErrorKind::ConnectFailure, text))
            };
            match plan.unwrap_or(Plan::Accept) {
                Plan::Hang => {
                    tokio::time::sleep(timeout).await;
                    failed("no answer")
                }
                Plan::Refuse => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    failed("Connection refused (os error 111)")
                }
                plan => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    // The connector is called next, with nothing in between.
                    let state = match plan {
                        Plan::HangUp => ChannelState::Closed,
                        _ => ChannelState::Open,
                    };
                    world.channels.lock().push(Arc::new(FakeChannel {
                        address,
                        state: AtomicU8::new(state as u8),
                        capacity: world.capacity.load(Relaxed),
                        held: Mutex::default(),
                        events: Mutex::new(Arc::new(())),
                    }));
                    Ok(Box::new(tokio::io::duplex(1).0) as Box<dyn Io>)
                }
            }
        })
    }
}

struct FakeConnector(ProtocolId, Arc<World>);

impl Connector for FakeConnector {
    fn id(&self) -> ProtocolId {
        self.0
    }

    fn lanes(&self) -> usize {
        if self.0 == LANED { 2 } else { 1 }
    }

    fn lane(&self, request: &RequestHead) -> usize {
        assert_eq!(self.0, LANED, "there is nothing to ask where there is one");
        usize::from(request.method.as_bytes() != b"get")
    }

    fn open(
        &self,
        _: Box<dyn Io>,
        _: ChannelLimits,
        _: ByteBudget,
        events: Arc<dyn ChannelEvents>,
    ) -> BoxFuture<Result<Arc<dyn Channel>, ConnError>> {
        let channel = self.1.channels.lock().last().unwrap().clone();
        *channel.events.lock() = events;
        Box::pin(async move { Ok(channel as Arc<dyn Channel>) })
    }
}

type Reply = oneshot::Sender<Result<Response, CallError>>;

/// A connection that holds its calls until the test answers them.
pub(crate) struct FakeChannel {
    address: Address,
    state: AtomicU8,
    capacity: usize,
    held: Mutex<Vec<(Call, Option<Reply>)>>,
    events: Mutex<Arc<dyn ChannelEvents>>,
}

impl FakeChannel {
    pub(crate) fn set(&self, state: ChannelState) {
        self.state.store(state as u8, Relaxed);
    }

    /// The methods of the calls that it holds.
    pub(crate) fn methods(&self) -> Vec<String> {
        let held = self.held.lock();
        let methods = held.iter().map(|(call, _)| &call.request.head.method);
        methods.map(ToString::to_string).collect()
    }

    /// Answers the oldest call.
    pub(crate) fn answer(&self, result: Result<Response, CallError>) {
        let (_, reply) = self.held.lock().remove(0);
        reply.expect("not one-way").send(result).ok();
    }

    /// Ends as a connection task does that vanishes: calls are dropped.
    pub(crate) fn vanish(&self) {
        self.set(ChannelState::Closed);
        self.held.lock().clear();
        let events = self.events.lock().clone();
        events.closed(Some(&ConnError::Timeout("test")));
    }

    pub(crate) fn go_away(&self) {
        self.set(ChannelState::Draining);
        let events = self.events.lock().clone();
        events.draining();
    }
}

impl Channel for FakeChannel {
    fn send(&self, call: Call) -> Result<Answer, Box<Call>> {
        let mut held = self.held.lock();
        if self.state() != ChannelState::Open || held.len() >= self.capacity {
            return Err(Box::new(call));
        }
        if call.request.head.kind == Kind::OneWay {
            held.push((call, None));
            return Ok(Answer::Nothing);
        }
        let (reply, answer) = oneshot::channel();
        held.push((call, Some(reply)));
        Ok(Answer::Waiting(answer))
    }

    fn state(&self) -> ChannelState {
        match self.state.load(Relaxed) {
            0 => ChannelState::Open,
            1 => ChannelState::Draining,
            _ => ChannelState::Closed,
        }
    }

    fn in_flight(&self) -> usize {
        self.held.lock().len()
    }

    fn drain(&self) {
        self.set(ChannelState::Draining);
    }
}

pub(crate) fn request(kind: Kind) -> Box<Request> {
    let head = RequestHead {
        protocol: FAKE,
        kind,
        service: Str::from_static("com.acme.Orders"),
        method: Str::from_static("get"),
        fields: Fields::new(),
        timeout: None,
        wire: Wire::default(),
        http: None,
    };
    Box::new(Request::new(head, Body::Empty))
}

pub(crate) fn success() -> Result<Response, CallError> {
    Ok(Response::new(ResponseHead::default(), Body::Empty))
}

pub(crate) fn within(time: Duration) -> std::time::Instant {
    (Instant::now() + time).into_std()
}

/// A task that makes one attempt with ten seconds of time, and its result with what was tried.
pub(crate) fn go(
    local: &Arc<LocalCluster>,
) -> tokio::task::JoinHandle<(Result<Response, CallError>, Vec<String>)> {
    let local = local.clone();
    tokio::spawn(async move {
        let mut tried = Tried::new();
        let deadline = within(Duration::from_secs(10));
        let result = local
            .attempt(FAKE, request(Kind::Unary), deadline, &mut tried)
            .await;
        let tried = tried.iter().map(|endpoint| endpoint.address().to_string());
        (result, tried.collect())
    })
}

/// Lets every task run and `time` pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
