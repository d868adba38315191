//! A DNS server that answers what it is told to, in as little of RFC 1035 as that takes.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;

const A: u16 = 1;
const SRV: u16 = 33;

#[derive(Clone)]
struct Records {
    ttl: u32,
    data: Vec<Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Names {
    pub(crate) address: SocketAddr,
    records: Arc<Mutex<HashMap<(String, u16), Records>>>,
}

impl Names {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let names = Self {
            address: socket.local_addr().unwrap(),
            records: Arc::default(),
        };
        let serving = names.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let answer = serving.answer(&buffer[..length]);
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        names
    }

    /// The name has these IPv4 addresses; with none it is empty.
    pub(crate) fn set(&self, name: &str, addresses: &[[u8; 4]]) {
        let data = addresses
            .iter()
            .map(|ip| Ipv4Addr::from(*ip).octets().to_vec());
        self.put(name, A, data.collect());
    }

    /// The name has these servers, at 127.0.0.1: priority, weight and port of each.
    pub(crate) fn servers(&self, name: &str, servers: &[(u16, u16, u16)]) {
        self.set("local.test", &[[127, 0, 0, 1]]);
        let data = servers.iter().map(|(priority, weight, port)| {
            let numbers = [*priority, *weight, *port];
            let mut data: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
            data.extend(wire("local.test"));
            data
        });
        self.put(name, SRV, data.collect());
    }

    /// There is no such name any more.
    pub(crate) fn forget(&self, name: &str) {
        let mut records = self.records.lock().unwrap();
        records.retain(|(known, _), _| known != name);
    }

    fn put(&self, name: &str, kind: u16, data: Vec<Vec<u8>>) {
        let mut records = self.records.lock().unwrap();
        records.insert((name.to_owned(), kind), Records { ttl: 0, data });
    }

    fn answer(&self, question: &[u8]) -> Vec<u8> {
        let mut labels = Vec::new();
        let mut at = 12;
        while question[at] != 0 {
            let length = usize::from(question[at]);
            let label = &question[at + 1..at + 1 + length];
            labels.push(String::from_utf8(label.to_ascii_lowercase()).unwrap());
            at += 1 + length;
        }
        let end = at + 5;
        let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
        let records = self.records.lock().unwrap();
        let name = labels.join(".");
        let exists = records.keys().any(|(known, _)| *known == name);
        let found = records.get(&(name, kind)).cloned();
        let found = found.unwrap_or(Records {
            ttl: 0,
            data: Vec::new(),
        });
        let mut answer = question[..2].to_vec();
        // A response, with recursion; NXDOMAIN is 3.
        answer.extend([0x81, if exists { 0x80 } else { 0x83 }, 0, 1]);
        answer.extend(u16::try_from(found.data.len()).unwrap().to_be_bytes());
        answer.extend([0; 4]);
        answer.extend(&question[12..end]);
        for data in &found.data {
            answer.extend([0xc0, 12]);
            answer.extend(kind.to_be_bytes());
            answer.extend([0, 1]);
            answer.extend(found.ttl.to_be_bytes());
            answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            answer.extend(data);
        }
        answer
    }
}

fn wire(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}
