use wireloom_hessian::Value;

use super::echo::Asked;
use super::exhibit::EXHIBITS;
use super::servers::EchoServers;
use super::{guide, mesh};
use crate::call::call;

fn asked(method: &str, arguments: Vec<Value>) -> Asked {
    Asked {
        service: "com.acme.A".to_owned(),
        method: method.to_owned(),
        arguments,
        metadata: vec![("zone".to_owned(), "a".into())],
        references: false,
    }
}

#[test]
fn the_echo_answers_as_it_says() {
    let arguments = || vec![Value::from(1), Value::from(2)];
    let answer = |method: &str, arguments| asked(method, arguments).answer("it").unwrap();
    assert_eq!(answer("find", arguments()), Value::from(1));
    assert_eq!(answer("servedBy", arguments()), Value::from("it"));
    for (method, arguments) in [("describe", arguments()), ("find", vec![])] {
        let described = answer(method, arguments.clone());
        assert_eq!(described.get("method"), Some(&Value::from(method)));
        assert_eq!(described.get("arguments"), Some(&Value::list(arguments)));
        let attachments = described.get("attachments").unwrap();
        assert_eq!(attachments.get("zone"), Some(&Value::from("a")));
    }
}

#[test]
fn references_are_echoed_only_where_they_still_mean_the_same() {
    let twice = || vec![Value::list([Value::list([]), Value::Ref(1)])];
    let error = asked("find", twice()).answer("it").unwrap_err();
    assert!(
        error.to_string().contains("refer to one another"),
        "{error}"
    );
    let kept = Asked {
        references: true,
        ..asked("find", twice())
    };
    assert_eq!(kept.answer("it"), Ok(twice().remove(0)));
}

#[test]
fn every_exhibit_has_a_route_and_a_canary() {
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], 20880));
    let names = EXHIBITS
        .iter()
        .flat_map(|exhibit| [exhibit.name.to_owned(), format!("{}-canary", exhibit.name)]);
    let endpoints: Vec<_> = names.map(|name| (name, at)).collect();
    let (listen, admin) = (
        "[::1]:2045".parse().unwrap(),
        "localhost:0".parse().unwrap(),
    );
    let config = mesh::config(
        &crate::Program::new(),
        &EXHIBITS,
        &endpoints,
        &listen,
        &admin,
    )
    .unwrap();
    assert_eq!(config.clusters.len(), 2 * EXHIBITS.len());
    let taken: String = EXHIBITS.iter().map(|exhibit| exhibit.matches).collect();
    // Nobody but Dubbo's own clients speaks it.
    let shown = |name: &&&str| **name != "dubbo-thrift";
    for name in crate::PROTOCOLS.iter().filter(shown) {
        assert!(taken.contains(name), "the demo has no {name}");
    }
}

#[test]
fn commands_can_be_pasted() {
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], 2045));
    let text = guide::text("a dir/wireloom", &EXHIBITS, at, Some(at)).unwrap();
    for line in [
        r#"  'a dir/wireloom' call dubbo://127.0.0.1:2045/com.acme.OrderService/find '["order 42"]' --type 'Ljava/lang/String;'"#,
        r#"  'a dir/wireloom' call 'bolt://127.0.0.1:2045/com.acme.OrderService:1.0/create?v=2&crc=true' '[{"sku": "tea", "count": 3}]'"#,
        "  curl http://127.0.0.1:2045/metrics",
    ] {
        assert!(
            text.lines().any(|printed| printed == line),
            "{line}\n{text}"
        );
    }
}

/// Without the proxy between: whatever is wrong here is wrong with a service, or with its client.
#[tokio::test]
async fn services_answer_their_clients_directly() {
    let servers = EchoServers::start(&EXHIBITS).unwrap();
    for exhibit in &EXHIBITS {
        for each in (exhibit.tries)() {
            let name = match each.canary {
                true => format!("{}-canary", exhibit.name),
                false => exhibit.name.to_owned(),
            };
            let endpoints = servers.endpoints.iter();
            let (_, at) = endpoints.clone().find(|(known, _)| *known == name).unwrap();
            let mut args = each.args(*at);
            // That is for the proxy to bridge.
            args.http2 = false;
            let reply = call(&args).await.unwrap();
            let told = each.expected.compare(&reply);
            assert!(told.is_ok(), "{name}: {told:?}");
        }
    }
}
