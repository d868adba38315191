//! How a downstream connection ends, and what must not keep it from ending.

use super::*;
use crate::scripted::{Script, Scripted, Then};

#[tokio::test]
async fn a_drain_waits_for_a_request_that_is_half_here() {
    let Rig {
        mut client, drain, ..
    } = rig();
    let request = frame(toy::REQUEST, 1, 0, b"in two parts");
    client.write_all(&request[..9]).await.unwrap();
    sleep(Duration::from_millis(10)).await;
    drain.start();
    assert_eq!(read(&mut client).await.0, toy::GO_AWAY);
    sleep(Duration::from_millis(700)).await;
    client.write_all(&request[9..]).await.unwrap();
    assert_eq!(read(&mut client).await.2, "in two parts");
}

#[tokio::test]
async fn a_drain_is_not_finished_while_a_connection_lives() {
    let Rig {
        mut client, drain, ..
    } = rig();
    send(&mut client, toy::REQUEST, 1, "300 under way").await;
    sleep(Duration::from_millis(10)).await;
    drain.start();
    let early = timeout(Duration::from_millis(150), drain.finished()).await;
    assert!(early.is_err(), "a request is under way");
    assert_eq!(read(&mut client).await.0, toy::GO_AWAY);
    assert_eq!(read(&mut client).await.2, "300 under way");
    drop(client);
    timeout(Duration::from_secs(2), drain.finished())
        .await
        .expect("now it is");
}

#[tokio::test]
async fn the_end_of_a_drain_is_also_that_of_a_client_which_has_closed_its_side() {
    let limits = ServeLimits {
        drain: Duration::from_millis(50),
        ..ServeLimits::default()
    };
    let Rig {
        client,
        served,
        drain,
        ..
    } = rig_with::<Multiplexed>(limits, b"");
    let (mut from, mut to) = tokio::io::split(client);
    to.write_all(&frame(toy::REQUEST, 1, 0, b"5000 never"))
        .await
        .unwrap();
    to.shutdown().await.unwrap();
    sleep(Duration::from_millis(10)).await;
    drain.start();
    end(served).await.unwrap();
    let mut all = Vec::new();
    from.read_to_end(&mut all).await.unwrap();
    assert!(String::from_utf8_lossy(&all).contains("draining"));
}

#[tokio::test]
async fn a_request_may_take_longer_than_a_client_may_be_idle() {
    let limits = ServeLimits {
        idle: Duration::from_millis(30),
        ..ServeLimits::default()
    };
    let Rig {
        mut client, served, ..
    } = rig_with::<Multiplexed>(limits, b"");
    send(&mut client, toy::REQUEST, 1, "200 slow").await;
    assert_eq!(read(&mut client).await.2, "200 slow");
    end(served).await.unwrap();
}

/// A client that does what the script says, and the proxy's side of it.
fn scripted(
    first: Vec<u8>,
    times: usize,
    then: Then,
    limits: ServeLimits,
    service: impl Service,
) -> (JoinHandle<Result<(), ConnError>>, Drain) {
    let script = Arc::new(Script::default());
    script.read_on();
    let io = Scripted {
        first,
        frame: frame(toy::PING, 1, 0, &[0; 8 << 10]),
        times,
        then,
        script,
    };
    let (drain, watch) = drain();
    let connection = Accepted {
        tls: false,
        io: Box::new(io),
        prefix: Bytes::new(),
        limits,
        budget: ByteBudget::new(MEMORY),
        drain: watch,
    };
    let served = crate::server::serve::<Multiplexed, _>(None, connection, service);
    (tokio::spawn(served), drain)
}

#[tokio::test]
async fn a_client_that_never_pauses_does_not_hold_up_a_drain() {
    let limits = ServeLimits {
        drain: Duration::from_millis(100),
        ..ServeLimits::default()
    };
    let (served, drain) = scripted(
        Vec::new(),
        usize::MAX,
        Then::Silence,
        limits,
        Echo::default(),
    );
    sleep(Duration::from_millis(20)).await;
    drain.start();
    end(served).await.unwrap();
}

/// Never answers, and tells when nobody waits any more.
#[derive(Clone, Default)]
struct Never(Arc<AtomicUsize>);

struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service for Never {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(self.0.clone());
        async move {
            let _waiting = waiting;
            assert_ne!(request.body.whole(), Some(&b"panic"[..]), "a bug");
            std::future::pending().await
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

#[tokio::test]
async fn what_is_under_way_for_a_client_that_is_gone_is_dropped() {
    let never = Never::default();
    let first = frame(toy::REQUEST, 1, 0, b"");
    let limits = ServeLimits::default;
    let (served, _drain) = scripted(first, 0, Then::Reset, limits(), never.clone());
    assert!(matches!(end(served).await, Err(ConnError::Io(_))));
    assert_eq!(never.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_panic_in_the_service_ends_that_connection_alone() {
    let never = Never::default();
    let (mut client, near) = duplex(1 << 16);
    let (drain, watch) = drain();
    let budget = ByteBudget::new(MEMORY);
    let accepted = |io| Accepted {
        tls: false,
        io: Box::new(io),
        prefix: Bytes::new(),
        limits: ServeLimits::default(),
        budget: budget.clone(),
        drain: watch.clone(),
    };
    let serve = crate::server::serve::<Multiplexed, _>;
    let served = tokio::spawn(serve(None, accepted(near), never.clone()));
    let (mut other, near) = duplex(1 << 16);
    let echo = Echo::default();
    let echoing = tokio::spawn(crate::server::serve::<Multiplexed, _>(
        None,
        accepted(near),
        echo,
    ));
    for n in 0..5 {
        send(&mut client, toy::REQUEST, n, &"x".repeat(20 << 10)).await;
    }
    send(&mut client, toy::REQUEST, 9, "panic").await;
    assert!(served.await.unwrap_err().is_panic());
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(never.0.load(Ordering::Relaxed), 0);
    assert_eq!(budget.free(), MEMORY as isize);
    send(&mut other, toy::REQUEST, 1, "fine").await;
    assert_eq!(read(&mut other).await.2, "fine");
    drop((other, watch));
    end(echoing).await.unwrap();
    drain.start();
    drain.finished().await;
}

#[tokio::test]
async fn what_a_client_still_sends_behind_its_mistake_does_not_cut_it_off_from_its_answers() {
    let Rig {
        mut client, served, ..
    } = rig();
    let mut bytes = frame(toy::REQUEST, 1, 0, b"answered");
    // No length of a frame; and more than anybody keeps.
    bytes.resize(1 << 20, 0xff);
    client.write_all(&bytes).await.unwrap();
    assert_eq!(read(&mut client).await.2, "answered");
    drop(client);
    assert!(matches!(end(served).await, Err(ConnError::Protocol { .. })));
}
