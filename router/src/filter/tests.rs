use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::Problem;
use crate::config::FilterConfig;

struct Nothing;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Limits {
    /// How much.
    most: u32,
}

impl Filter for Nothing {}

impl Configured for Nothing {
    const NAME: &'static str = "nothing";
    type Config = Limits;

    fn new(config: Limits) -> Result<Self, Vec<Problem>> {
        match config.most {
            0 => Err(vec![Problem::new("most", "is 0")]),
            _ => Ok(Self),
        }
    }
}

fn entry(name: &str, config: Option<u8>) -> FilterConfig {
    FilterConfig {
        name: name.into(),
        config: config.map(Into::into),
    }
}

#[test]
fn an_inner_list_replaces_adds_and_leaves_out() {
    let listener = [
        entry("a", Some(1)),
        entry("b", Some(1)),
        entry("c", None),
        entry("d", Some(1)),
    ];
    let group = [entry("e", Some(2)), entry("b", Some(2))];
    let route = [
        entry("f", Some(3)),
        entry("c", Some(3)),
        entry("d", None),
        entry("a/x", Some(3)),
    ];
    let layers = [("l", &listener[..]), ("g", &group), ("r", &route)];
    let merged = merge(layers.map(|(place, filters)| Layer { place, filters }));
    let merged: Vec<_> = merged
        .iter()
        .map(|(place, entry)| (*place, &*entry.name))
        .collect();
    assert_eq!(
        merged,
        [
            ("l", "a"),
            ("g", "b"),
            ("r", "c"),
            ("g", "e"),
            ("r", "f"),
            ("r", "a/x")
        ]
    );
}

#[test]
fn a_filter_is_made_by_name_or_says_what_is_wrong() {
    let registry = Registry::new().with::<Nothing>();
    let make = |config| registry.make("nothing", &config).unwrap();
    assert!(make(json!({"most": 5})).is_ok());
    assert!(registry.make("something", &json!({})).is_none());
    for (config, at) in [
        (json!({"most": "x"}), "most"),
        (json!({"least": 5}), "least"),
        // Not field by field.
        (json!([5]), "."),
    ] {
        let Err(Unread::Type { path, .. }) = make(config) else {
            panic!("it reads")
        };
        assert_eq!(path.to_string(), at);
    }
    let Err(Unread::Wrong(problems)) = make(json!({"most": 0})) else {
        panic!("nothing is wrong")
    };
    assert_eq!(problems, [Problem::new("most", "is 0")]);
}

#[test]
fn the_schema_of_an_entry_has_each_filter_s() {
    let registry = Registry::new().with::<Nothing>().with::<Nothing>();
    assert_eq!(registry.names().collect::<Vec<_>>(), ["nothing"]);
    let schema = registry.schema(&mut Default::default()).to_value();
    let own = &schema["properties"]["nothing"]["anyOf"][0];
    assert!(own.to_string().contains("Limits"), "{schema}");
    assert!(
        schema["patternProperties"]["^nothing/"].is_object(),
        "{schema}"
    );
}

#[test]
fn what_was_held_is_found_by_its_type() {
    let mut result = Err(wireloom_codecs::ErrorKind::Timeout.into());
    let from = wireloom_codecs::Downstream::new(([127, 0, 0, 1], 1).into(), None);
    let routes = serde_json::from_value::<Vec<crate::config::RouteConfig>>(json!([{"to": "a"}]));
    let table = crate::RouteTable::compile("main", &routes.unwrap()).unwrap();
    let route: &Arc<crate::Route> = table.routes().next().unwrap();
    let Flow::Hold(mut held) = Flow::hold(7_u8) else {
        panic!("it holds")
    };
    let now = std::time::Instant::now();
    let mut reply = Replied::new(&mut result, &from, route, now, Some(&mut *held));
    assert_eq!(reply.held::<u8>(), Some(&mut 7));
    assert_eq!(reply.held::<u16>(), None);
}
