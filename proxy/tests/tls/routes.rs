//! Routing by what a client showed in its handshake.

use rcgen::SanType;
use tokio::io::AsyncWriteExt;

use crate::authority::Authority;
use crate::clients::{connect, echo, within};
use crate::proxy::{Running, yaml};
use crate::upstream::{Upstream, request, response};

/// The status with which Bolt says that nothing serves the request.
const NO_PROCESSOR: u16 = 6;

#[tokio::test]
async fn who_a_client_is_decides_where_it_goes() {
    let (authority, upstream) = (Authority::new("one"), Upstream::start().await);
    let listener = "    protocols: [bolt, dubbo]\n";
    let routed = |condition: &str| {
        let yaml = yaml(upstream.address, listener, ", client_ca: ca.pem");
        yaml.replace(
            "[{to: c}]",
            &format!("[{{match: {{tls: {condition}}}, to: c}}]"),
        )
    };
    let uri = SanType::URI("spiffe://acme.com/web".try_into().unwrap());
    let clients = [
        authority.known_client(&authority),
        authority.named_client(&authority, &[uri]),
    ];
    // Both ask for the server localhost, and have the DNS name localhost.
    for (condition, taken) in [
        ("{}", [true, true]),
        ("{sni: localhost}", [true, true]),
        ("{sni: other}", [false, false]),
        ("{identity: localhost}", [true, true]),
        ("{identity: {prefix: 'spiffe://acme.com/'}}", [false, true]),
        ("{identity: {not: 'spiffe://acme.com/web'}}", [true, false]),
    ] {
        let running = Running::start(&authority, &routed(condition));
        for (client, taken) in clients.clone().into_iter().zip(taken) {
            let mut client = connect(running.address, client).await.unwrap();
            if taken {
                echo(&mut client, 1, b"hello").await.unwrap();
                continue;
            }
            client.write_all(&request(1, b"hello")).await.unwrap();
            client.flush().await.unwrap();
            let (_, status, _) = within(response(&mut client)).await.unwrap();
            assert_eq!(status, NO_PROCESSOR, "{condition}");
        }
    }
}
