use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{DuplexStream, duplex};
use tokio::time::{sleep, timeout};

use super::*;
use crate::toy::{self, Multiplexed};
use crate::{Detected, Framed, Needs, Request, Response, ServeLimits, detect, drain};

const PIPE: usize = 1 << 10;

/// A server at the far end: answers each part with the same, and counts them in the trailers.
#[derive(Clone, Default)]
struct Origin {
    under_way: Arc<AtomicUsize>,
    broken_off: Arc<AtomicUsize>,
}

impl Service for Origin {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let Self {
            under_way,
            broken_off,
        } = self.clone();
        async move {
            let mut parts = match request.body {
                Body::Stream(parts) => parts,
                whole => return Ok(Message::new(ResponseHead::default(), whole)),
            };
            let (mut sender, body) = stream(WINDOW);
            under_way.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut count = 0;
                while let Some(part) = parts.next().await {
                    match part {
                        Ok(Part::Data(data)) => {
                            count += 1;
                            if data == "cut" || sender.send(Part::Data(data)).await.is_err() {
                                break;
                            }
                        }
                        Ok(Part::Trailers(_)) => {
                            let field = (Bytes::from("parts"), Bytes::from(count.to_string()));
                            let fields = HeaderList::from_iter([field]);
                            let _ = sender.send(Part::Trailers(fields.into())).await;
                            sender.finish();
                            break;
                        }
                        Err(_) => {
                            broken_off.fetch_add(1, Ordering::Relaxed);
                            break;
                        }
                    }
                }
                under_way.fetch_sub(1, Ordering::Relaxed);
            });
            Ok(Message::new(ResponseHead::default(), Body::Stream(body)))
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

/// The proxy: what came in a protocol goes up in it.
#[derive(Clone)]
struct Forward {
    channels: Arc<Vec<(ProtocolId, Arc<dyn Channel>)>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Service for Forward {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let Self { channels, seen } = self.clone();
        async move {
            let head = &request.head;
            seen.lock()
                .push(format!("{} {}", head.protocol, head.service));
            let channel = channels.iter().find(|(id, _)| *id == head.protocol);
            let call = Call {
                request,
                deadline: Instant::now() + Duration::from_secs(5),
            };
            let full = || LocalError::from(ErrorKind::Overloaded);
            let sent = channel.ok_or_else(full)?.1.send(call);
            let answer = sent.map_err(|_| full())?;
            answer.await.map_err(|failed| failed.error)
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

fn accepted(io: DuplexStream, prefix: &[u8]) -> Accepted {
    let (drain, watch) = drain();
    // A drain that never begins.
    std::mem::forget(drain);
    Accepted {
        tls: false,
        io: Box::new(io),
        prefix: Bytes::copy_from_slice(prefix),
        limits: ServeLimits::default(),
        budget: ByteBudget::new(1 << 20),
        drain: watch,
    }
}

type Registry<S> = Vec<Arc<dyn Protocol<S>>>;

fn registry<S: Service>() -> Registry<S> {
    vec![Arc::new(Framed::<Multiplexed>::new(None)), Arc::new(ByHand)]
}

/// Recognises the protocol as a listener does, and serves it.
async fn listen<S: Service>(mut io: DuplexStream, protocols: Registry<S>, service: S) {
    let mut prefix = Vec::new();
    loop {
        prefix.push(io.read_u8().await.unwrap());
        let verdicts = protocols.iter().map(|protocol| protocol.sniff(&prefix));
        match detect(verdicts, prefix.len()) {
            Detected::Protocol(place) => {
                let connection = accepted(io, &prefix);
                let _ = protocols[place].serve(connection, service).await;
                return;
            }
            Detected::More => {}
            Detected::Unknown => panic!("{prefix:?} is no protocol"),
        }
    }
}

struct Rig {
    client: DuplexStream,
    origin: Origin,
    forward: Forward,
}

/// A client, the proxy, and a server behind it, in whichever protocol the client begins to speak.
async fn rig() -> Rig {
    let origin = Origin::default();
    let connectors: [Box<dyn Connector>; 2] =
        [Box::new(Framed::<Multiplexed>::new(None)), Box::new(ByHand)];
    let mut channels = Vec::new();
    for connector in connectors {
        let (near, far) = duplex(PIPE);
        tokio::spawn(listen(far, registry(), origin.clone()));
        let limits = ChannelLimits::default();
        let budget = ByteBudget::new(1 << 20);
        let opened = connector.open(Box::new(near), limits, budget, Arc::new(()));
        channels.push((connector.id(), opened.await.unwrap()));
    }
    let forward = Forward {
        channels: Arc::new(channels),
        seen: Arc::default(),
    };
    let (client, near) = duplex(PIPE);
    tokio::spawn(listen(near, registry(), forward.clone()));
    Rig {
        client,
        origin,
        forward,
    }
}

impl Rig {
    fn in_flight(&self) -> usize {
        let channels = self.forward.channels.iter();
        channels.map(|(_, channel)| channel.in_flight()).sum()
    }

    /// Waits until nothing is left of an exchange anywhere.
    async fn quiet(&self) {
        let quiet = async {
            while self.in_flight() + self.origin.under_way.load(Ordering::Relaxed) > 0 {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(2), quiet)
            .await
            .expect("all of it ends");
    }
}

async fn next(client: &mut DuplexStream) -> (u8, Bytes) {
    timeout(Duration::from_secs(2), read(client))
        .await
        .expect("a frame in time")
        .unwrap()
}

async fn begin(client: &mut DuplexStream) {
    client.write_all(HELLO).await.unwrap();
    write(client, HEAD, b"echo").await.unwrap();
    assert_eq!(next(client).await, (HEAD, Bytes::new()));
}

#[tokio::test]
async fn parts_flow_both_ways_at_once_and_trailers_follow() {
    let mut rig = rig().await;
    begin(&mut rig.client).await;
    for exchange in 0..2 {
        if exchange > 0 {
            write(&mut rig.client, HEAD, b"echo").await.unwrap();
            assert_eq!(next(&mut rig.client).await.0, HEAD);
        }
        // Each part is back before the next one is sent: nothing waits for the whole.
        for text in ["one", "two", "three"] {
            write(&mut rig.client, DATA, text.as_bytes()).await.unwrap();
            assert_eq!(next(&mut rig.client).await, (DATA, Bytes::from(text)));
        }
        write(&mut rig.client, END, b"a=b").await.unwrap();
        assert_eq!(next(&mut rig.client).await, (END, Bytes::from("parts=3")));
        rig.quiet().await;
    }
    assert_eq!(*rig.forward.seen.lock(), ["stream echo", "stream echo"]);
}

#[tokio::test]
async fn it_lives_beside_a_codec_on_the_same_port() {
    let mut rig = rig().await;
    let request = toy::frame(toy::REQUEST, 7, 0, b"framed");
    rig.client.write_all(&request).await.unwrap();
    let mut answer = vec![0; request.len()];
    rig.client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, toy::frame(toy::RESPONSE, 7, 0, b"framed"));
    assert_eq!(*rig.forward.seen.lock(), ["toy toy"]);
    rig.quiet().await;
}

#[tokio::test]
async fn credit_holds_a_sender_back_whose_answers_are_not_read() {
    let mut rig = rig().await;
    begin(&mut rig.client).await;
    let mut sent = 0;
    let part = [7; 500];
    while timeout(
        Duration::from_millis(100),
        write(&mut rig.client, DATA, &part),
    )
    .await
    .is_ok()
    {
        sent += part.len();
    }
    // Six windows and as many pipes lie between the client's two ends.
    assert!(sent > WINDOW && sent < 6 * (WINDOW + 2 * PIPE), "{sent}");
    let mut got = 0;
    while got < sent {
        let (kind, data) = next(&mut rig.client).await;
        assert_eq!((kind, data.first()), (DATA, Some(&7)));
        got += data.len();
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_felt_at_the_far_end() {
    let mut rig = rig().await;
    begin(&mut rig.client).await;
    write(&mut rig.client, DATA, b"half").await.unwrap();
    assert_eq!(next(&mut rig.client).await.0, DATA);
    assert_eq!(
        (
            rig.in_flight(),
            rig.origin.under_way.load(Ordering::Relaxed)
        ),
        (1, 1)
    );
    let (gone, _) = duplex(1);
    drop(std::mem::replace(&mut rig.client, gone));
    rig.quiet().await;
    assert_eq!(rig.origin.broken_off.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_complete() {
    let mut rig = rig().await;
    begin(&mut rig.client).await;
    for text in ["whole", "cut"] {
        write(&mut rig.client, DATA, text.as_bytes()).await.unwrap();
    }
    assert_eq!(next(&mut rig.client).await, (DATA, Bytes::from("whole")));
    let end = timeout(Duration::from_secs(2), read(&mut rig.client));
    assert!(end.await.unwrap().is_err(), "closed, and no END");
    rig.quiet().await;
}
