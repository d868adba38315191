//! The route tables of a running proxy, each worker's copy of them, and what becomes of those that are replaced.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wireloom_codecs::Needs;
use wireloom_router::RouteTable;

use crate::config::Config;
use crate::control::ApplyError;
use crate::protocols::Protocols;
use crate::routing::Routing;

/// Route tables by name.
pub(crate) type Tables = BTreeMap<String, Arc<Table>>;

/// A compiled route table.
pub(crate) struct Table {
    /// One per worker: their regular expressions keep scratch memory, which is not to be fought over.
    pub(crate) copies: Box<[Arc<RouteTable>]>,
    pub(crate) needs: Arc<Needs>,
}

impl Table {
    fn names_any_cluster(&self) -> bool {
        self.copies.iter().any(|table| table.names_any_cluster())
    }
}

/// Compiles what is not as it was, and says how many tables that are. `old` is what `before` was compiled to. Takes
/// a while with thousands of routes, and is not for a thread that carries traffic.
pub(crate) fn compile(
    config: &Config,
    before: &Config,
    old: &Tables,
    protocols: &Protocols,
    workers: usize,
) -> Result<(Tables, usize), ApplyError> {
    let status = |name: &str| protocols.status(name);
    let mut built = 0;
    let clusters_stay = config.clusters.keys().eq(before.clusters.keys());
    let tables = config.routes.iter().map(|(name, routes)| {
        if let Some(table) = old.get(name)
            && before.routes.get(name) == Some(routes)
            && (clusters_stay || !table.names_any_cluster())
        {
            return Ok((name.clone(), table.clone()));
        }
        let mut table = RouteTable::compile_with(name, routes, &status).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            ApplyError::Routes {
                table: name.clone(),
                problems: problems.join("; "),
            }
        })?;
        table.know(config.clusters.keys().map(String::as_str));
        built += 1;
        let needs = Arc::new(table.needs().clone());
        let mut copies: Vec<_> = (1..workers).map(|_| Arc::new(table.clone())).collect();
        copies.push(Arc::new(table));
        let copies = copies.into();
        Ok((name.clone(), Arc::new(Table { copies, needs })))
    });
    let tables = tables.collect::<Result<_, ApplyError>>()?;
    Ok((tables, built))
}

/// How soon replaced tables are looked at first, and how often at the most rarely.
const SOON: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_secs(1);

/// Lets go of what was replaced once no exchange uses it. To free the tables of thousands of routes takes
/// milliseconds, and the last exchange that used them would have to do it on its worker.
pub(crate) fn retire(mut replaced: Vec<Arc<Routing>>) {
    if replaced.is_empty() {
        return;
    }
    tokio::spawn(async move {
        let mut pause = SOON;
        while !replaced.is_empty() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SELDOM);
            // Nothing but the exchanges under way can hold them, so that none is taken up again.
            let (free, used): (Vec<_>, Vec<_>) = replaced
                .into_iter()
                .partition(|routing| Arc::strong_count(routing) == 1);
            replaced = used;
            if !free.is_empty() {
                tokio::task::spawn_blocking(move || drop(free));
            }
        }
    });
}
