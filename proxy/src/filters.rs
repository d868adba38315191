//! The filters of a configuration: what stands where, and what each route's requests pass.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use wireloom_codecs::Needs;
use wireloom_router::config::{FilterConfig, RouteConfig};
use wireloom_router::filter::{Chain, Filter, Layer, Link, Registry, Unread, merge};
use wireloom_router::{Route, RouteTable};

use crate::config::ListenerConfig;
use crate::control::ApplyError;

/// Filters by the list that they stand in and their name there.
#[derive(Default)]
pub(crate) struct Standing(HashMap<(String, String), (Value, Arc<dyn Filter>)>);

impl Standing {
    /// The filter of `entry`: the one of `before` that stood there and was configured so, with all that it has counted, or
    /// else a new one.
    pub(crate) fn take_over(
        &mut self,
        before: &Self,
        registry: &Registry,
        place: &str,
        entry: &FilterConfig,
    ) -> Result<Arc<dyn Filter>, ApplyError> {
        let config = entry.config.clone().unwrap_or_default();
        let key = (place.to_owned(), entry.name.clone());
        let same = |standing: &Self| {
            let known = standing.0.get(&key).filter(|(known, _)| *known == config);
            known.map(|(_, filter)| filter.clone())
        };
        let filter = match same(self).or_else(|| same(before)) {
            Some(filter) => filter,
            None => make(registry, place, entry, &config)?,
        };
        self.0.insert(key, (config, filter.clone()));
        Ok(filter)
    }
}

fn make(
    registry: &Registry,
    place: &str,
    entry: &FilterConfig,
    config: &Value,
) -> Result<Arc<dyn Filter>, ApplyError> {
    let problems = match registry.make(entry.kind(), config) {
        Some(Ok(filter)) => return Ok(filter),
        Some(Err(Unread::Type { path, message })) => format!("{path}: {message}"),
        Some(Err(Unread::Wrong(problems))) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            problems.join("; ")
        }
        None => "there is no such filter".to_owned(),
    };
    Err(ApplyError::Filter {
        place: place.to_owned(),
        filter: entry.name.clone(),
        problems,
    })
}

/// What the requests of each route pass on one listener.
pub(crate) struct Chains {
    /// By the number of the route.
    chains: Box<[Option<Chain>]>,
    needs: Needs,
}

/// Makes the filter that stands at a place.
type Make<'a> = dyn FnMut(&str, &FilterConfig) -> Result<Arc<dyn Filter>, ApplyError> + 'a;

impl Chains {
    /// Those of the routes that stand under `name`; None if none of them has any.
    pub(crate) fn compile(
        listener: &ListenerConfig,
        name: &str,
        routes: &[RouteConfig],
        table: &RouteTable,
        make: &mut Make<'_>,
    ) -> Result<Option<Self>, ApplyError> {
        let own = lists(name, routes);
        if listener.filters.is_empty() && own.is_empty() {
            return Ok(None);
        }
        let place = format!("listener {}", listener.name());
        let outer = Layer {
            place: &place,
            filters: &listener.filters,
        };
        let common = chain([outer], make)?;
        let mut chains: Vec<Option<Chain>> = vec![None; table.routes().len()];
        for route in table.routes() {
            let chain = match own.get(&*route.name) {
                None => common.clone(),
                Some(inner) => {
                    let inner = inner
                        .iter()
                        .map(|(place, filters)| Layer { place, filters });
                    chain(std::iter::once(outer).chain(inner), make)?
                }
            };
            if let Some(slot) = chains.get_mut(route.index) {
                *slot = chain;
            }
        }
        let links = chains.iter().flatten().flat_map(Chain::links);
        let needs = links.fold(Needs::NOTHING, |needs, link| {
            let wanted = link.filter.needs();
            match wanted.names().all(|name| needs.wants(name.as_bytes())) {
                true => needs,
                false => needs.union(&wanted),
            }
        });
        let some = chains.iter().any(Option::is_some);
        Ok(some.then(|| Self {
            chains: chains.into(),
            needs,
        }))
    }

    /// What the route's requests pass.
    pub(crate) fn of(&self, route: &Route) -> Option<&Chain> {
        self.chains.get(route.index)?.as_ref()
    }

    /// The fields that the filters read.
    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }
}

fn chain<'a>(
    layers: impl IntoIterator<Item = Layer<'a>>,
    make: &mut Make<'_>,
) -> Result<Option<Chain>, ApplyError> {
    let links = merge(layers).into_iter().map(|(place, entry)| {
        Ok(Link {
            name: entry.name.as_str().into(),
            filter: make(place, entry)?,
        })
    });
    let links = links.collect::<Result<Vec<_>, ApplyError>>()?;
    Ok((!links.is_empty()).then(|| Chain::new(links)))
}

/// The lists of the routes that have any, those of their groups first, by the names of the routes. Places are named by what
/// stays when others are written before them.
fn lists<'a>(
    table: &str,
    routes: &'a [RouteConfig],
) -> HashMap<String, Vec<(String, &'a [FilterConfig])>> {
    let mut lists = HashMap::new();
    let mut note = |path: String, route: &'a RouteConfig, group: Option<(String, &'a [_])>| {
        let name = route.name.clone().unwrap_or(path);
        let own = (!route.filters.is_empty()).then(|| {
            let place = format!("routes.{table}, {name}");
            (place, &*route.filters)
        });
        let all: Vec<_> = group.into_iter().chain(own).collect();
        if !all.is_empty() {
            lists.insert(name, all);
        }
    };
    for (at, entry) in routes.iter().enumerate() {
        let path = format!("routes.{table}[{at}]");
        let Some(routes) = &entry.routes else {
            note(path, entry, None);
            continue;
        };
        let names = entry.hosts.iter().chain(&entry.services);
        let names: Vec<&str> = names.flat_map(|names| names.iter()).collect();
        let group = (!entry.filters.is_empty()).then(|| {
            let place = format!("routes.{table}, group {}", names.join(" "));
            (place, &*entry.filters)
        });
        for (at, route) in routes.iter().enumerate() {
            note(format!("{path}.routes[{at}]"), route, group.clone());
        }
    }
    lists
}
