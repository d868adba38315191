//! What routes see of a call.

use crate::mesh::{Client, echo, start};
use crate::wire::Dialect::{Binary, Compact, HeaderBinary};

const MESH: &str = r#"
listeners:
  - {address: 127.0.0.1:0, routes: main}
  - {address: 127.0.0.2:0, routes: main, thrift: {service: Users}}
routes:
  main:
    - match: {protocol: thrift, service: Orders, method: {prefix: get}}
      to: orders
    - match: {headers: {x-canary: "true"}}
      to: canary
    - match: {service: Users}
      to: users
clusters:
  orders: {endpoints: [@ORDERS]}
  canary: {endpoints: [@CANARY]}
  users: {endpoints: [@USERS]}
"#;

#[tokio::test]
async fn service_method_and_header_choose_the_cluster() {
    let ((orders, seen), (canary, _), (users, _)) = (
        echo("orders").await,
        echo("canary").await,
        echo("users").await,
    );
    let servers = [("@ORDERS", orders), ("@CANARY", canary), ("@USERS", users)];
    let (_proxy, at) = start(MESH, &servers);

    // The name of TMultiplexedProtocol. The call arrives as it was sent, and so does the answer.
    let mut client = Client::connect(at[0]).await;
    let call = Binary.call("Orders:get_one", 7, "1");
    assert_eq!(client.call(&call).await, call.reply("orders"));
    let (_, mut came) = seen.last_of(1);
    came.seqid = 7;
    assert_eq!(came, call);
    let mut compact = Client::connect(at[0]).await;
    let call = Compact.call("Orders:get_all", 300, "1");
    assert_eq!(compact.call(&call).await, call.reply("orders"));

    // Header pairs: of the service, and any other.
    let mut header = Client::connect(at[0]).await;
    let call = HeaderBinary.call("find", 1, "1").with("service", "Users");
    assert_eq!(header.call(&call).await, call.reply("users"));
    let call = HeaderBinary.call("find", 2, "1").with("x-canary", "true");
    assert_eq!(header.call(&call).await, call.reply("canary"));

    // No method or service that a route wants: the client is told what it asked for.
    for name in ["Orders:put", "find"] {
        let call = Binary.call(name, 9, "1");
        let answer = client.call(&call).await;
        let method = name.rsplit(':').next().unwrap();
        assert_eq!((&*answer.name, answer.seqid), (method, 9));
        let (code, text) = answer.refusal();
        assert_eq!(code, 1, "UNKNOWN_METHOD");
        assert!(text.contains("no route") && text.contains(method), "{text}");
    }
    assert_eq!(seen.all().len(), 2);
}

#[tokio::test]
async fn a_listener_has_a_service_for_calls_that_name_none() {
    let (users, seen) = echo("users").await;
    let servers = [("@ORDERS", users), ("@CANARY", users), ("@USERS", users)];
    let (_proxy, at) = start(MESH, &servers);
    let call = Binary.call("find", 1, "1");
    let mut with = Client::connect(at[1]).await;
    assert_eq!(with.call(&call).await, call.reply("users"));
    // The other listener has none.
    let mut without = Client::connect(at[0]).await;
    assert_eq!(without.call(&call).await.refusal().0, 1);
    assert_eq!(seen.all().len(), 1);
}
