//! Happy eyeballs (RFC 8305): several addresses of one name, tried beside each other with a head start for those before.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

/// The head start that an attempt has over the next one (RFC 8305 §5, Connection Attempt Delay).
pub(crate) const HEAD_START: Duration = Duration::from_millis(250);

/// One of each family by turns, beginning with the family of the first (RFC 8305 §4): the resolver knows which is the
/// better bet, and where it is mistaken, the other family is next.
pub(crate) fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let of = |one: bool| {
        addresses
            .iter()
            .filter(move |at| (at.is_ipv6() == first) == one)
    };
    let (mut same, mut other) = (of(true), of(false));
    let mut order = Vec::with_capacity(addresses.len());
    while order.len() < addresses.len() {
        order.extend(same.next());
        order.extend(other.next());
    }
    order
}

/// Tries the addresses in order, each as soon as the one before has failed or had its head start. The first that succeeds
/// wins, and the others are dropped. Else what the last one said that failed; None if there are no addresses.
pub(crate) async fn race<T, E, F>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> Option<Result<T, E>>
where
    T: Send + 'static,
    E: Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let mut waiting = VecDeque::from(addresses);
    let mut running = JoinSet::new();
    let mut last = None;
    loop {
        if let Some(next) = waiting.pop_front() {
            running.spawn(attempt(next));
        }
        // With nobody left to start there is nothing to stop waiting for.
        let more = !waiting.is_empty();
        let ended = tokio::select! {
            ended = running.join_next() => ended,
            () = sleep(HEAD_START), if more => continue,
        };
        match ended {
            Some(Ok(Ok(won))) => return Some(Ok(won)),
            Some(Ok(Err(error))) => last = Some(Err(error)),
            // A panic of an attempt is an attempt less.
            Some(Err(_)) => {}
            None if more => {}
            None => return last,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::time::Instant;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns() {
        let given = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"].map(at);
        let order = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"].map(at);
        assert_eq!(interleave(&given), order);
        let given = ["1.1.1.1:1", "[::1]:1"].map(at);
        assert_eq!(interleave(&given), given);
        assert_eq!(interleave(&given[..1]), given[..1]);
        assert!(interleave(&[]).is_empty());
    }

    /// What each address does: an answer, or a failure, after a time.
    type Script = &'static [(u64, Result<u8, u8>)];

    /// The result, after how long, and when the attempts began.
    async fn run(script: Script) -> (Option<Result<u8, u8>>, Duration, Vec<Duration>) {
        let begun = Instant::now();
        let starts = Arc::new(Mutex::new(Vec::new()));
        let noted = starts.clone();
        let addresses = (0..script.len()).map(|port| ([127, 0, 0, 1], port as u16).into());
        let result = race(addresses.collect(), move |address: SocketAddr| {
            noted.lock().unwrap().push(begun.elapsed());
            let (time, result) = script[usize::from(address.port())];
            async move {
                sleep(Duration::from_millis(time)).await;
                result
            }
        });
        let result = result.await;
        let starts = starts.lock().unwrap().clone();
        (result, begun.elapsed(), starts)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_that_answers_wins() {
        let quick = run(&[(10, Ok(1)), (1, Ok(2))]).await;
        assert_eq!(quick, (Some(Ok(1)), 10 * MS, vec![Duration::ZERO]));
        // The second begins after the head start, and is the faster one.
        let slow = run(&[(5000, Ok(1)), (20, Ok(2)), (1, Ok(3))]).await;
        assert_eq!(
            slow,
            (Some(Ok(2)), 270 * MS, vec![Duration::ZERO, 250 * MS])
        );
        // The first may still win after the second has begun.
        let late = run(&[(300, Ok(1)), (5000, Ok(2))]).await;
        assert_eq!(
            late,
            (Some(Ok(1)), 300 * MS, vec![Duration::ZERO, 250 * MS])
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_starts_the_next_at_once() {
        let refused = run(&[(5, Err(1)), (5, Err(2)), (5, Ok(3))]).await;
        assert_eq!(
            refused,
            (Some(Ok(3)), 15 * MS, vec![Duration::ZERO, 5 * MS, 10 * MS])
        );
        let none = run(&[(300, Err(1)), (10, Err(2))]).await;
        assert_eq!(
            none,
            (Some(Err(1)), 300 * MS, vec![Duration::ZERO, 250 * MS])
        );
        assert_eq!(run(&[]).await.0, None);
    }
}
