use std::io::Read;
use std::net::TcpStream as StdStream;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::bind;

#[derive(Clone, Default)]
struct Seen {
    over_limit: Arc<AtomicUsize>,
    pauses: Arc<Mutex<Vec<Duration>>>,
}

impl AcceptEvents for Seen {
    fn over_limit(&self, _: SocketAddr) {
        self.over_limit.fetch_add(1, Ordering::Relaxed);
    }
    fn paused(&self, error: &io::Error, pause: Duration) {
        assert_eq!(error.raw_os_error(), Some(24), "EMFILE");
        self.pauses.lock().unwrap().push(pause);
    }
}

fn acceptor(most: usize, seen: &Seen) -> (Acceptor<Seen>, SocketAddr) {
    let listener = bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
    let acceptor = Acceptor::new(listener, ConnectionLimit::new(most), seen.clone()).unwrap();
    let at = acceptor.local_addr().unwrap();
    (acceptor, at)
}

#[tokio::test]
async fn accepted_sockets_are_ready_for_any_runtime() {
    let (mut acceptor, at) = acceptor(8, &Seen::default());
    let client = StdStream::connect(at).unwrap();
    let mut incoming = acceptor.next().await;
    assert_eq!(incoming.peer, client.local_addr().unwrap());
    assert!(incoming.stream.nodelay().unwrap());
    assert_eq!(
        incoming.stream.read(&mut [0]).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
}

#[tokio::test]
async fn connections_over_the_limit_are_closed_at_once() {
    let seen = Seen::default();
    let (mut acceptor, at) = acceptor(1, &seen);
    let _first_client = StdStream::connect(at).unwrap();
    let first = acceptor.next().await;

    let mut excess = StdStream::connect(at).unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(50), acceptor.next()).await;
    assert!(waiting.is_err(), "the second one was let in");
    assert_eq!(excess.read(&mut [0]).unwrap(), 0, "closed");
    assert_eq!(seen.over_limit.load(Ordering::Relaxed), 1);

    drop(first);
    let _third_client = StdStream::connect(at).unwrap();
    acceptor.next().await;
}

/// Runs itself again in a process that may have 48 descriptors, and exhausts them.
#[test]
fn running_out_of_descriptors_pauses_and_recovers() {
    const INSIDE: &str = "WIRELOOM_TEST_FEW_DESCRIPTORS";
    if std::env::var_os(INSIDE).is_none() {
        let output = Command::new("sh")
            .args(["-c", "ulimit -n 48 && exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "accept::tests::running_out_of_descriptors_pauses_and_recovers",
            ])
            .env(INSIDE, "1")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}");
        assert!(printed.contains("1 passed"), "{printed}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let seen = Seen::default();
        let (mut acceptor, at) = acceptor(1000, &seen);
        let client = StdStream::connect(at).unwrap();
        let mut hoard = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            hoard.push(file);
        }
        let started = Instant::now();
        let waiting = tokio::time::timeout(Duration::from_millis(2500), acceptor.next()).await;
        assert!(waiting.is_err());
        let pauses: Vec<u128> = {
            let pauses = seen.pauses.lock().unwrap();
            pauses.iter().map(Duration::as_millis).collect()
        };
        // 100 + 200 + 400 + 800 ms; the next, of a second, is under way. A spin would have counted thousands.
        assert_eq!(
            pauses,
            [100, 200, 400, 800, 1000],
            "{:?}",
            started.elapsed()
        );

        hoard.clear();
        let incoming = tokio::time::timeout(Duration::from_millis(1500), acceptor.next()).await;
        assert_eq!(incoming.unwrap().peer, client.local_addr().unwrap());
    });
}
