//! A hyper server of the conformance suite's HTTP paths: HTTP/1.1 and HTTP/2 with prior knowledge on one port.

mod body;
mod held;
mod paths;
mod replies;
mod tunnel;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let Some(port) = port(&args) else {
        eprintln!("usage: server --port N");
        return ExitCode::from(2);
    };
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return ExitCode::FAILURE;
    };
    tokio::select! {
        result = serve(port) => {
            eprintln!("{result:?}");
            ExitCode::FAILURE
        }
        _ = terminate.recv() => ExitCode::SUCCESS,
    }
}

fn port(args: &[String]) -> Option<u16> {
    match args {
        [_, role, key, port] if role == "server" && key == "--port" => port.parse().ok(),
        _ => None,
    }
}

async fn serve(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    println!("READY");
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None);
    builder
        .http2()
        .max_concurrent_streams(256)
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .max_header_list_size(64 << 10);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let builder = builder.clone();
        tokio::spawn(async move {
            // A client that goes away is no news.
            let _ = builder
                .serve_connection_with_upgrades(TokioIo::new(stream), service_fn(paths::handle))
                .await;
        });
    }
}
