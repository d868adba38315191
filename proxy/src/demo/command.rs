//! The command: starts everything, prints what to try or what became of it, and waits.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use wireloom_net::{Address, ListenError, bind};
use wireloom_telemetry::LogControl;

use super::exhibit::Exhibit;
use super::once::Table;
use super::servers::EchoServers;
use super::{guide, mesh};
use crate::Program;
use crate::cli::DemoArgs;
use crate::run::{Running, control_runtime};

/// Where the demo listens if nobody says otherwise: with `--once` these may give way to any free port.
const DEFAULTS: [&str; 2] = ["127.0.0.1:2045", "127.0.0.1:9901"];

/// Runs the demo until it is told to stop, or once through with `--once`.
pub fn run(program: &Program, args: DemoArgs, log: LogControl) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let listen = usable(&args.listen, "--listen", args.once)?;
    let admin = usable(&args.admin, "--admin", args.once)?;
    let exhibits = program.exhibits();
    let servers = EchoServers::start(&exhibits).context("cannot start the echo services")?;
    let config = mesh::config(program, &exhibits, &servers.endpoints, &listen, &admin)?;
    control_runtime()?.block_on(async {
        let running = Running::start(program, config, log)?;
        let proxy = running.proxy.addresses().first().copied();
        let proxy = proxy.context("the proxy does not listen")?;
        if args.once {
            return once(program, &exhibits, proxy, &servers, started).await;
        }
        let name = std::env::args().next();
        let name = name.as_deref().unwrap_or("wireloom");
        print(&guide::text(name, &exhibits, proxy, running.admin)?)?;
        running.until_told(None).await?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn once(
    program: &Program,
    exhibits: &[Exhibit],
    proxy: SocketAddr,
    servers: &EchoServers,
    started: Instant,
) -> anyhow::Result<ExitCode> {
    let table = Table::fill(program, exhibits, proxy, servers).await;
    let (code, verdict) = match table.is_right() {
        true => (ExitCode::SUCCESS, "All answers are as expected"),
        false => (ExitCode::FAILURE, "Not all answers are as expected"),
    };
    let millis = started.elapsed().as_millis();
    print(&format!("{table}{verdict}; it took {millis} ms in all.\n"))?;
    Ok(code)
}

/// Checks that a port can be listened on before anything starts.
fn usable(address: &Address, option: &str, once: bool) -> anyhow::Result<Address> {
    match bind(address) {
        Ok(_) => Ok(address.clone()),
        Err(ListenError::InUse(_)) if once && DEFAULTS.contains(&address.to_string().as_str()) => {
            eprintln!("wireloom: {address} is in use; a free port is taken instead");
            Ok(SocketAddr::from(([127, 0, 0, 1], 0)).into())
        }
        Err(error @ ListenError::InUse(_)) => {
            anyhow::bail!("{error}; `{option} 127.0.0.1:0` takes any that is free")
        }
        Err(error) => Err(error.into()),
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
