//! What cases have in common.

use std::future::Future;

use anyhow::{Context, Result};

use crate::grade::arena::Arena;
use crate::grade::case::{Case, Need};
use crate::grade::tongue::{Client, Tongue};
use crate::scripted::Upstream;

/// A case for each of these tongues, with the tongue's own source behind the rationale.
pub(super) struct Each<'a> {
    pub(super) list: &'a mut Vec<Case>,
    pub(super) tongues: &'a [Tongue],
    pub(super) needs: &'a [Need],
}

impl Each<'_> {
    /// Adds `TONGUE/NAME`.
    pub(super) fn add<F, R>(&mut self, name: &str, why: &str, run: F)
    where
        F: Fn(Arena, Tongue) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        for tongue in self.tongues {
            let (tongue, run) = (*tongue, run.clone());
            let name = format!("{}/{name}", tongue.name());
            let case = Case::new(tongue.protocol(), name, move |arena| run(arena, tongue))
                .why(why, tongue.source())
                .needs(self.needs);
            self.list.push(case);
        }
    }
}

/// A payload whose bytes show their places.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// A client that is connected to a target before this server, and has made a good call.
pub(super) async fn client(arena: &Arena, tongue: Tongue, server: &Upstream) -> Result<Client> {
    let address = arena.front(server.address()).await?;
    let mut client = Client::connect(tongue, address).await?;
    client
        .echo(1, b"a good call first")
        .await
        .context("a good call")?;
    Ok(client)
}
