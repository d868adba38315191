//! Every request of the demo sent once, by the code of `wireloom call`, and the answers compared.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::exhibit::{Exhibit, Expected, Try};
use super::servers::EchoServers;
use crate::Program;
use crate::call::call_in;

/// How long a one-way request may take to reach its service.
const ONE_WAY: Duration = Duration::from_secs(2);
/// The longest text in a column.
const WIDEST: usize = 100;

/// What became of the requests.
pub(super) struct Table(Vec<Row>);

struct Row {
    protocol: &'static str,
    request: String,
    answer: String,
    time: String,
    right: bool,
}

impl Table {
    /// Sends all of them through the proxy, one after the other.
    pub(super) async fn fill(
        program: &Program,
        exhibits: &[Exhibit],
        proxy: SocketAddr,
        servers: &EchoServers,
    ) -> Self {
        let mut rows = Vec::new();
        for exhibit in exhibits {
            for each in (exhibit.tries)() {
                let started = Instant::now();
                let outcome = send(program, &each, proxy, servers).await;
                let time = format!("{:.1} ms", started.elapsed().as_secs_f64() * 1000.0);
                let right = outcome.is_ok();
                let (Ok(answer) | Err(answer)) = outcome;
                let method = each.target.rsplit('/').next().unwrap_or_default();
                let arguments = each.body.unwrap_or_default();
                let arguments = arguments.trim_start_matches('[').trim_end_matches(']');
                let request = match method {
                    "" => each.about.to_owned(),
                    method => format!("{method}({arguments}), {}", each.about),
                };
                rows.push(Row {
                    protocol: exhibit.name,
                    request,
                    answer,
                    time,
                    right,
                });
            }
        }
        Self(rows)
    }

    /// True if every answer is the expected one.
    pub(super) fn is_right(&self) -> bool {
        self.0.iter().all(|row| row.right)
    }
}

/// Sends it. What came back, if it is as it should be, or else what is wrong.
async fn send(
    program: &Program,
    each: &Try,
    proxy: SocketAddr,
    servers: &EchoServers,
) -> Result<String, String> {
    let before = servers.one_way();
    let reply = call_in(program, &each.args(proxy)).await;
    let reply = reply.map_err(|error| error.to_string())?;
    let told = each.expected.compare(&reply)?;
    if matches!(each.expected, Expected::Nothing) {
        let arrived = async {
            while servers.one_way() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let arrived = tokio::time::timeout(ONE_WAY, arrived).await;
        arrived.map_err(|_| "it did not reach the service".to_owned())?;
        return Ok("(none, as it should be)".to_owned());
    }
    Ok(told)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.0.iter().map(|row| {
            let answer = match row.right {
                true => row.answer.clone(),
                // Never cut short.
                false => format!("WRONG: {}", row.answer),
            };
            [
                row.protocol.to_owned(),
                row.request.clone(),
                answer,
                row.time.clone(),
            ]
        });
        let head = ["protocol", "request", "answer", "time"].map(str::to_owned);
        let lines: Vec<_> = std::iter::once(head).chain(cells).collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells
                .map(|cell| cell.chars().count().min(WIDEST))
                .max()
                .unwrap_or(0)
        };
        let (first, second, third) = (width(0), width(1), width(2));
        for [protocol, request, answer, time] in &lines {
            writeln!(
                f,
                "{protocol:first$} | {request:second$} | {answer:third$} | {time}"
            )?;
        }
        Ok(())
    }
}
