//! Connections of one connector that do not carry each other's requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use wireloom_codecs::{CallError, Kind, Response, Str};

use crate::testing::{LANED, World, pass, request, success, within};
use crate::{LocalCluster, Tried};

const MS: Duration = Duration::from_millis(1);
const A: &str = "10.0.0.1:1";

fn go(local: &Arc<LocalCluster>, method: &'static str) -> JoinHandle<Result<Response, CallError>> {
    let local = local.clone();
    tokio::spawn(async move {
        let mut request = request(Kind::Unary);
        request.head.method = Str::from_static(method);
        let mut tried = Tried::new();
        let deadline = within(Duration::from_secs(10));
        local.attempt(LANED, request, deadline, &mut tried).await
    })
}

#[tokio::test(start_paused = true)]
async fn every_lane_has_connections_of_its_own() {
    let world = World::new();
    let (cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let first = go(&local, "get");
    pass(5 * MS).await;
    assert_eq!(
        world.dials(),
        1,
        "the other lane has none before it is needed"
    );
    // The first one is open and has room, and still is not asked.
    let other = go(&local, "put");
    pass(5 * MS).await;
    assert_eq!(world.dials(), 2);
    let again = [go(&local, "get"), go(&local, "delete")];
    pass(5 * MS).await;
    let channels = world.channels(A);
    let held = |lane: usize| channels[lane].methods();
    assert_eq!(
        (held(0), held(1)),
        (
            vec!["get".to_owned(); 2],
            vec!["put".to_owned(), "delete".to_owned()]
        )
    );
    assert_eq!(cluster.stats().endpoints[0].channels.open, 2);
    for channel in &channels {
        channel.answer(success());
        channel.answer(success());
    }
    for call in [first, other].into_iter().chain(again) {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_replaced_in_its_own_lane() {
    let world = World::new();
    let (_cluster, local) = world.cluster("endpoints: ['10.0.0.1:1']");
    let calls = [go(&local, "get"), go(&local, "put")];
    pass(5 * MS).await;
    for channel in world.channels(A) {
        channel.answer(success());
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let lanes = world.channels(A);
    lanes[1].vanish();
    let calls = [go(&local, "get"), go(&local, "put")];
    pass(5 * MS).await;
    assert_eq!(world.dials(), 3);
    assert_eq!(lanes[0].methods(), ["get"]);
    assert_eq!(world.channel(A).methods(), ["put"]);
    lanes[0].answer(success());
    world.channel(A).answer(success());
    for call in calls {
        call.await.unwrap().unwrap();
    }
}
