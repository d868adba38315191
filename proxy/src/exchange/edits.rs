//! Changes of header fields: those of the listener, then those of the route, then those of the cluster.

use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::{Downstream, LocalError, Request, RequestHead, Response};
use wireloom_router::{Edits, Facts, Route, Values};

use super::Shared;
use crate::routing::{Binding, Routing};

/// The values of an exchange's edits that are made of its request, layer by layer.
#[derive(Default)]
pub(super) struct Made {
    listener: Values,
    route: Values,
    cluster: Values,
}

/// Makes them, before the request is changed. None if there is nothing to make.
pub(super) fn made(
    routing: &Routing,
    route: &Route,
    cluster: Option<&Binding>,
    head: &RequestHead,
    downstream: &Downstream,
) -> Option<Box<Made>> {
    let layers = layers(routing, route, cluster);
    if !layers.iter().flatten().any(|edits| edits.is_made()) {
        return None;
    }
    let facts = Facts {
        head,
        downstream,
        route: &route.name,
        cluster: cluster.map_or("", |binding| &*binding.name),
    };
    let [listener, route, cluster] =
        layers.map(|edits| edits.map(|edits| edits.values(&facts)).unwrap_or_default());
    Some(Box::new(Made {
        listener,
        route,
        cluster,
    }))
}

type Layers<'a> = [Option<&'a Edits>; 3];

fn layers<'a>(routing: &'a Routing, route: &'a Route, cluster: Option<&'a Binding>) -> Layers<'a> {
    [
        routing.edits.as_deref(),
        route.edits.as_deref(),
        cluster.and_then(|binding| binding.edits.as_deref()),
    ]
}

fn with_values<'a>(
    layers: Layers<'a>,
    made: Option<&'a Made>,
) -> impl Iterator<Item = (&'a Edits, &'a Values)> {
    let values = match made {
        Some(made) => [&made.listener, &made.route, &made.cluster],
        None => [Values::none(); 3],
    };
    let layers = layers.into_iter().zip(values);
    layers.filter_map(|(edits, values)| Some((edits?, values)))
}

/// Changes a request.
pub(super) fn request(
    shared: &Shared,
    routing: &Routing,
    route: &Route,
    to: Option<&Binding>,
    made: Option<&Made>,
    request: &mut Request,
) {
    let layers = layers(routing, route, to);
    if layers.iter().all(Option::is_none) {
        return;
    }
    let layers = with_values(layers, made);
    if let Some(http) = &mut request.head.http {
        layers.for_each(|(edits, values)| edits.request.apply(&mut http.headers, values));
        return;
    }
    let mut fields = FieldEdits::new();
    layers.for_each(|(edits, values)| edits.request.collect(values, &mut fields));
    if !fields.is_empty() && !shared.protocol.edit_request(request, &fields) {
        let label = shared.label(request.head.protocol);
        routing.stats.skipped_edits.inc(label);
    }
}

/// Changes an answer, be it an upstream's or the route's own.
pub(super) fn response(
    shared: &Shared,
    routing: &Routing,
    route: &Route,
    from: Option<&Binding>,
    made: Option<&Made>,
    result: &mut Result<Response, LocalError>,
) {
    let layers = layers(routing, route, from);
    let Ok(response) = result else { return };
    if layers.iter().all(Option::is_none) {
        return;
    }
    let layers = with_values(layers, made);
    if let Some(http) = &mut response.head.http {
        layers.for_each(|(edits, values)| edits.response.apply(&mut http.headers, values));
        return;
    }
    let mut fields = FieldEdits::new();
    layers.for_each(|(edits, values)| edits.response.collect(values, &mut fields));
    if !fields.is_empty() && !shared.protocol.edit_response(response, &fields) {
        // What is no HTTP comes in its connection's own protocol.
        routing.stats.skipped_edits.inc(shared.own.1);
    }
}
