//! A proxy, the clients before it and the servers behind it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wireloom::config::{self, Config};
use wireloom::{PROTOCOLS, Proxy, run};
use wireloom_telemetry::Metrics;

use crate::wire::Message;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One worker, one listener, and `rest`, in which `@NAME` stands for the address of the server of that name.
pub(crate) fn config(rest: &str, servers: &[(&str, SocketAddr)]) -> Config {
    let mut text = format!("workers: 1\n{rest}");
    for (name, address) in servers {
        text = text.replace(name, &address.to_string());
    }
    config::parse(Path::new("test.yaml"), &text, PROTOCOLS).unwrap()
}

/// A proxy of that, and where its listeners are.
pub(crate) fn start(rest: &str, servers: &[(&str, SocketAddr)]) -> (Proxy, Vec<SocketAddr>) {
    let config = config(rest, servers);
    let protocols = run::builtin(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = Proxy::start(config, protocols, metrics).unwrap();
    let addresses = proxy.addresses();
    (proxy, addresses)
}

/// What is behind the next length; None at the end.
pub(crate) async fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let len = stream.read_u32().await.ok()?;
    let mut frame = vec![0; len as usize];
    stream.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn send(&mut self, message: &Message) {
        self.0.write_all(&message.bytes()).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Message {
        let frame = timeout(PATIENCE, frame(&mut self.0)).await.unwrap();
        Message::parse(&frame.expect("an answer"))
    }

    /// The next so many bytes.
    pub(crate) async fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let read = timeout(PATIENCE, self.0.read_exact(&mut bytes)).await;
        read.expect("they come").unwrap();
        bytes
    }

    pub(crate) async fn call(&mut self, message: &Message) -> Message {
        self.send(message).await;
        self.receive().await
    }
}

/// What a server does about a message.
pub(crate) enum Act {
    Answer(Message),
    Nothing,
    Close,
}

/// A message that came, and the number of the connection that it came over.
pub(crate) type Seen = (usize, Message);

/// What has come to a server.
#[derive(Clone, Default)]
pub(crate) struct Log {
    messages: Arc<Mutex<Vec<Seen>>>,
    closed: Arc<Mutex<Vec<usize>>>,
}

impl Log {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.messages.lock().clone()
    }

    /// The last message; there are `count`.
    #[track_caller]
    pub(crate) fn last_of(&self, count: usize) -> Seen {
        let all = self.all();
        assert_eq!(all.len(), count, "{all:?}");
        all.last().unwrap().clone()
    }

    /// The connections that the proxy has closed.
    pub(crate) fn closed(&self) -> Vec<usize> {
        self.closed.lock().clone()
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: impl Fn() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("it comes to be so");
}

/// A server that does with each message what `act` says, by the number of messages before it.
pub(crate) async fn server(
    act: impl Fn(usize, &Message) -> Act + Send + Sync + 'static,
) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (log, act) = (Log::default(), Arc::new(act));
    let told = log.clone();
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (log, act) = (told.clone(), act.clone());
            tokio::spawn(async move {
                while let Some(frame) = frame(&mut stream).await {
                    let message = Message::parse(&frame);
                    let before = {
                        let mut messages = log.messages.lock();
                        messages.push((number, message.clone()));
                        messages.len() - 1
                    };
                    match act(before, &message) {
                        Act::Answer(answer) => stream.write_all(&answer.bytes()).await.unwrap(),
                        Act::Nothing => {}
                        Act::Close => return,
                    }
                }
                log.closed.lock().push(number);
            });
        }
    });
    (address, log)
}

/// A server that answers everything with this text.
pub(crate) async fn echo(text: &'static str) -> (SocketAddr, Log) {
    server(move |_, message| Act::Answer(message.reply(text))).await
}
