//! One-way calls: they arrive once at the most, and nothing ever comes back for them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::ports;
use wireloom_conformance::scripted::thrift::{CALL, Message, ONE_WAY, Value};
use wireloom_conformance::scripted::{Backend, Dialect, Thrift, Upstream};

use crate::setup::{END, Setup};

fn seen(upstream: &Backend<Message>) -> Vec<(u8, String)> {
    let messages = upstream.take().into_iter();
    messages
        .map(|message| (message.start.kind, message.start.name))
        .collect()
}

#[tokio::test]
async fn they_arrive_and_nothing_comes_back() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        // In one write, so that an answer to a one-way call would come first.
        let mut bytes = dialect.one_way("Log:write", 1, b"a");
        bytes.extend(dialect.one_way("Log:write", 2, b"b"));
        bytes.extend(dialect.call("echo", 3, b"x"));
        client.send(&bytes).await?;
        client
            .expect("echo", 3, b"x")
            .await
            .with_context(|| format!("{dialect:?}"))?;
        upstream.reaches(3).await?;
        let mut came = seen(&upstream);
        // Calls without an answer do not wait for one another.
        came.sort_by_key(|(kind, _)| *kind);
        let write = (ONE_WAY, "Log:write".to_owned());
        ensure!(
            came == [(CALL, "echo".to_owned()), write.clone(), write],
            "{dialect:?}: {came:?}"
        );
        client.quiet(Duration::from_millis(100)).await?;
    }
    proxy.stop(END).await
}

/// Whatever fails, and whatever is wrong with them.
#[tokio::test]
async fn their_failures_are_told_to_nobody() -> Result<()> {
    let (echo, silent) = (Backend::thrift_echo().await?, Upstream::silent().await?);
    let resetting = Upstream::resetting().await?;
    let setup = Setup::to(echo.address())
        .service("None", "endpoints: []", "")
        .service_to("Refused", ports::free())
        .service_to("Resetting", resetting.address())
        .service(
            "Full",
            &format!(
                "endpoints: [\"{}\"], limits: {{in_flight: 0}}",
                echo.address()
            ),
            "",
        )
        .service(
            "Silent",
            &format!("endpoints: [\"{}\"]", silent.address()),
            "timeout: 300ms",
        );
    let mut proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for (seqid, service) in ["None", "Refused", "Resetting", "Full", "Silent"]
            .into_iter()
            .enumerate()
        {
            let name = format!("{service}:write");
            client.send(dialect.one_way(&name, 1, b"x")).await?;
            client
                .echo(seqid as i32, b"next")
                .await
                .with_context(|| format!("{dialect:?} {service}"))?;
        }
        if dialect.transport != wireloom_conformance::scripted::thrift::Transport::Buffered {
            // A struct that is none, in a frame.
            let start = wireloom_conformance::scripted::thrift::Start {
                kind: ONE_WAY,
                name: "write".to_owned(),
                seqid: 1,
            };
            client.send(dialect.message(&start, &[0x0f, 0xff])).await?;
            client
                .echo(9, b"next")
                .await
                .with_context(|| format!("{dialect:?}"))?;
        }
        client.quiet(Duration::from_millis(400)).await?;
    }
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn they_are_never_sent_twice() -> Result<()> {
    // Takes a whole message and closes.
    let upstream = Upstream::raw(|stream, seen| async move {
        let mut conn = Thrift::of(stream);
        if conn.next_ever().await?.is_some() {
            seen.note("came");
        }
        Ok(())
    })
    .await?;
    let route = "retry: {attempts: 3, on: [reset]}";
    let proxy = Setup::to(upstream.address()).route(route).start().await?;
    for dialect in Dialect::ALL {
        let before = upstream.seen().notes().len();
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        client.send(dialect.one_way("write", 1, b"once")).await?;
        // Time for one too many to show.
        client.quiet(Duration::from_millis(500)).await?;
        upstream.seen().noted("came").await?;
        let came = upstream.seen().notes().len() - before;
        ensure!(came == 1, "{dialect:?}: it came {came} times");
        // While an ordinary call is sent as often as the route says.
        client.send(dialect.call("read", 2, b"x")).await?;
        client.exception("read", 2, 6).await?;
        let came = upstream.seen().notes().len() - before;
        ensure!(came == 1 + 4, "{dialect:?}: they came {came} times");
    }
    proxy.stop(END).await
}

/// Clients older than 0.9.3 send their one-way calls as calls.
#[tokio::test]
async fn calls_that_the_configuration_lists_get_no_answer() -> Result<()> {
    // Old servers answer nothing either; this one would.
    let (quiet, echo) = (
        Backend::thrift(|_| Vec::new()).await?,
        Backend::thrift_echo().await?,
    );
    let setup = Setup::to(echo.address())
        .thrift("one_way: [a.b.Log.write, notify]")
        .service_to("a.b.Log", quiet.address());
    let proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for name in ["a.b.Log:write", "a.b.Log:notify", "notify", "Other:notify"] {
            client.send(dialect.call(name, 1, b"x")).await?;
            client
                .echo(2, b"next")
                .await
                .with_context(|| format!("{dialect:?} {name}"))?;
        }
        // Only that service's.
        client.call("Log:write", 3, b"x").await?;
        client.call("write", 4, b"x").await?;
        quiet.reaches(2).await?;
        let came = seen(&quiet);
        // The server is told what the client said.
        ensure!(
            came.iter().all(|(kind, _)| *kind == CALL),
            "{dialect:?}: {came:?}"
        );
    }
    proxy.stop(END).await
}

/// A void result is an answer; no answer is none.
#[tokio::test]
async fn void_is_not_one_way() -> Result<()> {
    let upstream = Backend::thrift(|call| {
        let nothing = Value::Struct(Vec::new());
        call.dialect
            .of(2, call.method(), call.start.seqid, &nothing)
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        client.send(dialect.call("void", 1, b"x")).await?;
        let answer = client.message().await?;
        ensure!(answer.bytes == dialect.of(2, "void", 1, &Value::Struct(Vec::new())));
    }
    proxy.stop(END).await
}

/// One-way calls wait for no answer, and leave their connection to the next call.
#[tokio::test]
async fn one_way_calls_share_connections_too() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let dialect = Dialect::ALL[0];
    let mut client = Thrift::connect(dialect, proxy.address()).await?;
    for seqid in 0..20 {
        client.send(dialect.one_way("write", seqid, b"x")).await?;
        upstream.reaches(seqid as usize + 1).await?;
    }
    let connections = upstream.seen().connections();
    ensure!(
        connections <= 2,
        "{connections} connections for 20 one-way calls"
    );
    proxy.stop(END).await
}
