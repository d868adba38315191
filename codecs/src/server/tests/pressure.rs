//! Clients that are slow, greedy or silent, and what they must not take from others.

use super::*;
use crate::budget::Account;
use crate::scripted::{Script, Scripted, Then};
use crate::{FrameLimits, Reserved};

fn hurried(millis: u64) -> ServeLimits {
    ServeLimits {
        header_timeout: Duration::from_millis(millis),
        ..ServeLimits::default()
    }
}

async fn reserve(budget: &ByteBudget, bytes: usize) -> Reserved {
    let mut claim = budget.claim();
    std::future::poll_fn(|cx| claim.poll_reserve(bytes, cx)).await
}

#[tokio::test]
async fn answers_leave_a_stream_that_keeps_bytes_back() {
    let (client, near) = duplex(4);
    let near = tokio::io::BufWriter::new(near);
    let limits = ServeLimits::default();
    let mut rig = rig_on::<Multiplexed>(client, Box::new(near), limits, b"");
    for id in 1..4 {
        send(&mut rig.client, toy::REQUEST, id, "kept").await;
        let (_, answered, text) = read(&mut rig.client).await;
        assert_eq!((answered, text.as_str()), (id, "kept"));
    }
}

#[tokio::test]
async fn a_refused_body_is_thrown_away_and_has_its_time_like_any_frame() {
    let limits = ServeLimits {
        frame: FrameLimits {
            frame: 100,
            ..FrameLimits::default()
        },
        ..hurried(100)
    };
    let Rig {
        mut client, served, ..
    } = rig_with::<Multiplexed>(limits, b"");
    let large = "x".repeat(50_000);
    send(&mut client, toy::REQUEST, 1, &large).await;
    assert!(read(&mut client).await.2.contains("exceeds the limit"));
    send(&mut client, toy::REQUEST, 2, "on time").await;
    assert_eq!(read(&mut client).await.2, "on time");
    // Quiet between frames is no frame that takes long.
    sleep(Duration::from_millis(200)).await;

    let large = frame(toy::REQUEST, 3, 0, large.as_bytes());
    client.write_all(&large[..50]).await.unwrap();
    let trickle = async {
        for byte in &large[50..] {
            sleep(Duration::from_millis(5)).await;
            if client.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    let (ended, ()) = tokio::join!(end(served), trickle);
    assert!(matches!(ended, Err(ConnError::Timeout("frame"))));
}

#[tokio::test]
async fn a_frame_that_waits_for_our_memory_is_not_late() {
    let Rig {
        mut client, budget, ..
    } = rig_with::<Multiplexed>(hurried(50), b"");
    let request = frame(toy::REQUEST, 1, 0, b"patience");
    client.write_all(&request[..8]).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    let mut overdraft = Account::new(budget);
    overdraft.set(2 * MEMORY);
    // It is read once more, and then no more.
    client.write_all(&request[8..9]).await.unwrap();
    client.write_all(&request[9..]).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    drop(overdraft);
    assert_eq!(read(&mut client).await.2, "patience");
}

#[tokio::test]
async fn a_request_without_memory_is_answered_in_the_end_and_its_connection_goes_on() {
    let Rig {
        mut client,
        budget,
        echo,
        ..
    } = rig_with::<Multiplexed>(hurried(100), b"");
    let held = reserve(&budget, MEMORY).await;
    let body = "z".repeat(60 << 10);
    send(&mut client, toy::REQUEST, 1, &body).await;
    let (_, id, text) = read(&mut client).await;
    assert_eq!(id, 1);
    assert!(text.contains("overloaded: no memory"), "{text}");
    assert_eq!(echo.refused.load(Ordering::Relaxed), 1);
    drop(held);
    send(&mut client, toy::REQUEST, 2, &body).await;
    assert_eq!(read(&mut client).await.2, body);
}

#[tokio::test]
async fn a_large_frame_is_counted_once_and_as_long_as_it_is_there() {
    let Rig {
        mut client, budget, ..
    } = rig();
    let body = format!("100 {}", "y".repeat(200 << 10));
    send(&mut client, toy::REQUEST, 1, &body).await;
    sleep(Duration::from_millis(50)).await;
    let frame = isize::try_from(body.len() + 10).unwrap();
    assert_eq!(budget.free(), MEMORY as isize - frame);
    read(&mut client).await;
    assert_eq!(budget.free(), MEMORY as isize);
}

#[tokio::test]
async fn two_hundred_partial_frames_hold_nobody_up_and_their_memory_not_for_long() {
    let budget = ByteBudget::new(MEMORY);
    let (_drain, watch) = drain();
    let connect = || {
        let (client, near) = duplex(1 << 16);
        let connection = Accepted {
            tls: false,
            io: Box::new(near),
            prefix: Bytes::new(),
            limits: hurried(500),
            budget: budget.clone(),
            drain: watch.clone(),
        };
        let served = tokio::spawn(crate::server::serve::<Multiplexed, _>(
            None,
            connection,
            Echo::default(),
        ));
        (client, served)
    };
    let mut slow = Vec::new();
    for _ in 0..200 {
        let (mut client, served) = connect();
        // Announces half a megabyte, and sends its head.
        let head = &frame(toy::REQUEST, 1, 0, &[b'x'; MEMORY / 2])[..12];
        client.write_all(head).await.unwrap();
        slow.push((client, served));
    }
    sleep(Duration::from_millis(50)).await;
    assert!(budget.free() < (MEMORY / 2) as isize, "it is taken");

    let (mut good, _served) = connect();
    send(&mut good, toy::REQUEST, 1, "small").await;
    let prompt = timeout(Duration::from_millis(450), read(&mut good)).await;
    assert_eq!(prompt.expect("small ones pass").2, "small");

    // They end one way or the other: cut off in the middle, or refused for want of memory and then cut off.
    for (_client, served) in slow {
        assert!(matches!(
            end(served).await,
            Err(ConnError::Timeout("frame"))
        ));
    }
    assert_eq!(budget.free(), MEMORY as isize);
    let body = "y".repeat(MEMORY / 2);
    send(&mut good, toy::REQUEST, 2, &body).await;
    assert_eq!(read(&mut good).await.2, body);
}

/// Answers with a large body that holds memory of a budget.
#[derive(Clone)]
struct Large(ByteBudget);

const ANSWER: usize = 500 << 10;

impl Service for Large {
    fn call(
        &self,
        _: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let budget = self.0.clone();
        async move {
            let reserved = reserve(&budget, ANSWER).await;
            let body = Body::Whole(Bytes::from(vec![1; ANSWER]));
            let mut response = Message::new(ResponseHead::default(), body);
            response.hold = Some(Arc::new(reserved));
            Ok(response)
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

#[tokio::test]
async fn an_answer_that_is_not_read_counts_until_it_is() {
    let budget = ByteBudget::new(MEMORY);
    let (mut client, near) = duplex(1 << 10);
    let (_drain, watch) = drain();
    let connection = Accepted {
        tls: false,
        io: Box::new(near),
        prefix: Bytes::new(),
        limits: ServeLimits::default(),
        budget: ByteBudget::new(MEMORY),
        drain: watch,
    };
    let service = Large(budget.clone());
    tokio::spawn(crate::server::serve::<Multiplexed, _>(
        None, connection, service,
    ));
    send(&mut client, toy::REQUEST, 1, "").await;
    sleep(Duration::from_millis(30)).await;
    assert_eq!(budget.free(), (MEMORY - ANSWER) as isize);
    let mut answer = vec![0; 10 + ANSWER];
    client.read_exact(&mut answer).await.unwrap();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(budget.free(), MEMORY as isize);
}

#[tokio::test]
async fn a_client_that_asks_and_does_not_read_costs_no_more_than_the_high_water() {
    for kind in [toy::PING, toy::BAD, toy::REQUEST, toy::ONE_WAY] {
        let script = Arc::new(Script::default());
        let io = Scripted {
            first: Vec::new(),
            frame: frame(kind, 1, 0, b""),
            times: 200_000,
            then: Then::Silence,
            script: script.clone(),
        };
        let (_drain, watch) = drain();
        let connection = Accepted {
            tls: false,
            io: Box::new(io),
            prefix: Bytes::new(),
            limits: ServeLimits::default(),
            budget: ByteBudget::new(MEMORY),
            drain: watch,
        };
        let echo = Echo::default();
        let served = crate::server::serve::<Multiplexed, _>(None, connection, echo);
        let served = tokio::spawn(served);
        sleep(Duration::from_millis(300)).await;
        let polls = script.polls();
        assert!(kind == toy::ONE_WAY || polls < 30, "{polls} reads");
        // What waited is bounded; once it is read, everything is answered.
        script.read_on();
        let answers = if kind == toy::ONE_WAY { 0 } else { 200_000 };
        while script.taken() < answers * 10 {
            sleep(Duration::from_millis(5)).await;
        }
        served.abort();
    }
}

#[test]
fn what_a_connection_and_a_request_under_way_cost_stays_small() {
    type Served = crate::server::Server<Multiplexed, Echo, (), std::future::Ready<()>>;
    let connection = size_of::<Served>();
    assert!(connection <= 1024, "{connection} bytes per idle connection");
    let exchange = size_of::<crate::exchange::Exchange<()>>();
    assert!(
        exchange <= 96,
        "{exchange} bytes per request beside its future"
    );
}
