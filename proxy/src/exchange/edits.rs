//! Changes of header fields: those of the listener, then those of the route, then those of the cluster.

use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::{LocalError, Request, RequestHead, Response};
use wireloom_router::{Edits, Facts, Route, Values};

use super::{Connected, Cookies};
use crate::routing::{Binding, Routing};

/// What an exchange's edits take from its request: values, layer by layer, and the cookies that the client gets besides.
#[derive(Default)]
pub(super) struct Made {
    listener: Values,
    route: Values,
    cluster: Values,
    cookies: Option<Box<Cookies>>,
}

/// Makes them, before the request is changed. None if there is nothing to make.
pub(super) fn made(
    connected: &Connected,
    routing: &Routing,
    route: &Route,
    cluster: Option<&Binding>,
    head: &RequestHead,
    cookies: Option<Box<Cookies>>,
) -> Option<Box<Made>> {
    let layers = layers(routing, route, cluster);
    if !layers.iter().flatten().any(|edits| edits.is_made()) {
        return cookies.map(|cookies| {
            let cookies = Some(cookies);
            Box::new(Made {
                cookies,
                ..Made::default()
            })
        });
    }
    let facts = Facts {
        head,
        downstream: &connected.downstream,
        route: &route.name,
        cluster: cluster.map_or("", |binding| &*binding.name),
    };
    let [listener, route, cluster] =
        layers.map(|edits| edits.map(|edits| edits.values(&facts)).unwrap_or_default());
    Some(Box::new(Made {
        listener,
        route,
        cluster,
        cookies,
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

/// Changes a request, and gives back what its answer is changed with. By value: what was lent out would keep its place in
/// the future of the exchange.
pub(super) fn request(
    connected: &Connected,
    routing: &Routing,
    route: &Route,
    to: Option<&Binding>,
    made: Option<Box<Made>>,
    request: &mut Request,
) -> Option<Box<Made>> {
    let layers = layers(routing, route, to);
    if layers.iter().all(Option::is_none) {
        return made;
    }
    let layers = with_values(layers, made.as_deref());
    if let Some(http) = &mut request.head.http {
        layers.for_each(|(edits, values)| edits.request.apply(&mut http.headers, values));
        return made;
    }
    let mut fields = FieldEdits::new();
    layers.for_each(|(edits, values)| edits.request.collect(values, &mut fields));
    if !fields.is_empty() && !connected.shared.protocol.edit_request(request, &fields) {
        let label = connected.shared.label(request.head.protocol);
        routing.stats.skipped_edits.inc(label);
    }
    made
}

/// Changes an answer, be it an upstream's or the route's own. Gives back the cookies that go with it.
pub(super) fn response(
    connected: &Connected,
    routing: &Routing,
    route: &Route,
    from: Option<&Binding>,
    made: Option<Box<Made>>,
    result: &mut Result<Response, LocalError>,
) -> Option<Box<Cookies>> {
    let layers = layers(routing, route, from);
    if let Ok(response) = result
        && layers.iter().any(Option::is_some)
    {
        let layers = with_values(layers, made.as_deref());
        if let Some(http) = &mut response.head.http {
            layers.for_each(|(edits, values)| edits.response.apply(&mut http.headers, values));
        } else {
            let mut fields = FieldEdits::new();
            layers.for_each(|(edits, values)| edits.response.collect(values, &mut fields));
            if !fields.is_empty() && !connected.shared.protocol.edit_response(response, &fields) {
                // What is no HTTP comes in its connection's own protocol.
                routing.stats.skipped_edits.inc(connected.shared.own.1);
            }
        }
    }
    made?.cookies
}
