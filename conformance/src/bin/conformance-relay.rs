//! The smallest proxy that can be graded: it relays TCP.
//!
//!     conformance-relay LISTEN BACKEND [LONGEST]
//!
//! A connection that carries more bytes than LONGEST from its client makes it exit with 3, for those who want to see what
//! a crash looks like in a report.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::exit;
use std::thread::spawn;

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, listen, backend, rest @ ..] = args.as_slice() else {
        eprintln!("conformance-relay LISTEN BACKEND [LONGEST]");
        exit(2);
    };
    let longest = rest.first().and_then(|text| text.parse().ok());
    let listener = TcpListener::bind(listen)?;
    println!("listening on {listen}");
    for client in listener.incoming() {
        let (client, backend) = (client?, backend.clone());
        spawn(move || {
            // A server that cannot be reached ends its client's connection.
            let _ = relay(&client, &backend, longest.unwrap_or(usize::MAX));
            let _ = client.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn relay(client: &TcpStream, backend: &str, longest: usize) -> std::io::Result<()> {
    let server = TcpStream::connect(backend)?;
    for stream in [client, &server] {
        stream.set_nodelay(true)?;
    }
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let up = spawn(move || copy(from, to, longest));
    let _ = copy(server, client.try_clone()?, usize::MAX);
    let _ = up.join();
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream, longest: usize) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut count = 0usize;
    loop {
        let length = match from.read(&mut buffer) {
            Ok(length) if length > 0 => length,
            _ => return to.shutdown(Shutdown::Write),
        };
        count = count.saturating_add(length);
        if count > longest {
            eprintln!("more than {longest} bytes: that is too much for me");
            exit(3);
        }
        to.write_all(buffer.get(..length).unwrap_or_default())?;
    }
}
