//! Who comes in, and what is agreed on.

use std::io;

use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ClientConnection, Error};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;

type Accepted = Result<TlsStream, HandshakeError>;
type Connected = io::Result<tokio_rustls::client::TlsStream<TcpStream>>;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let (near, far) = tokio::join!(near, listener.accept());
    (near.unwrap(), far.unwrap().0)
}

/// Both sides' outcome; the client has read its first byte or what it got instead.
async fn shake(acceptor: &TlsAcceptor, client: ClientConfig) -> (Accepted, Connected) {
    let (near, far) = pair().await;
    let server = async {
        let mut stream = acceptor.accept(far).await?;
        stream.write_all(b"!").await?;
        stream.flush().await?;
        Ok(stream)
    };
    let client = async {
        let name = "localhost".try_into().unwrap();
        let connector = TlsConnector::from(Arc::new(client));
        let mut stream = connector.connect(name, near).await?;
        // In TLS 1.3 the client's certificate is judged when the client takes itself to be done.
        stream.read_u8().await?;
        Ok(stream)
    };
    tokio::join!(server, client)
}

fn alert(connected: Connected) -> AlertDescription {
    let error = connected.map(drop).unwrap_err();
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::AlertReceived(alert)) => *alert,
        _ => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn both_versions_are_spoken() {
    let authority = Authority::new("one");
    let folder = folder(&authority);
    let acceptor = TlsAcceptor::load(&config(folder.path(), false), &[]).unwrap();
    for version in [&TLS12, &TLS13] {
        let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(authority.roots())
            .with_no_client_auth();
        let (accepted, connected) = shake(&acceptor, client).await;
        connected.unwrap();
        let server = accepted.unwrap();
        assert_eq!(
            server.0.get_ref().1.protocol_version(),
            Some(version.version)
        );
        assert_eq!(server.alpn(), None);
    }
}

#[tokio::test]
async fn alpn_is_what_both_name_in_the_listeners_order() {
    let authority = Authority::new("one");
    let folder = folder(&authority);
    let load = |alpn: &[Alpn]| TlsAcceptor::load(&config(folder.path(), false), alpn).unwrap();
    let (both, h2, http1, none) = (
        load(&Alpn::ALL),
        load(&[Alpn::H2]),
        load(&[Alpn::Http1]),
        load(&[]),
    );
    for (acceptor, named, expected) in [
        (&both, &["http/1.1", "h2"][..], Some(Alpn::H2)),
        (&both, &["http/1.1", "x"], Some(Alpn::Http1)),
        (&both, &[], None),
        (&h2, &["h2"], Some(Alpn::H2)),
        (&http1, &["h2", "http/1.1"], Some(Alpn::Http1)),
        (&none, &["h2"], None),
        (&none, &["x"], None),
    ] {
        let (accepted, connected) = shake(acceptor, client(&authority, None, named)).await;
        connected.unwrap();
        assert_eq!(accepted.unwrap().alpn(), expected, "{named:?}");
    }
    for (acceptor, named) in [(&both, "x"), (&h2, "http/1.1"), (&http1, "h2")] {
        let (accepted, connected) = shake(acceptor, client(&authority, None, &[named])).await;
        assert!(matches!(accepted, Err(HandshakeError::NoProtocol)));
        assert_eq!(alert(connected), AlertDescription::NoApplicationProtocol);
    }
}

#[tokio::test]
async fn with_a_client_ca_only_its_clients_come_in() {
    let (authority, stranger) = (Authority::new("one"), Authority::new("two"));
    let folder = folder(&authority);
    let acceptor = TlsAcceptor::load(&config(folder.path(), true), &[]).unwrap();

    let known = client(&authority, Some(authority.sign()), &[]);
    let (accepted, connected) = shake(&acceptor, known).await;
    connected.unwrap();
    let server = accepted.unwrap();
    assert_eq!(server.0.get_ref().1.peer_certificates().unwrap().len(), 1);

    let (accepted, connected) = shake(&acceptor, client(&authority, None, &[])).await;
    assert!(matches!(accepted, Err(HandshakeError::NoCertificate)));
    assert_eq!(alert(connected), AlertDescription::CertificateRequired);

    let unknown = client(&authority, Some(stranger.sign()), &[]);
    let (accepted, connected) = shake(&acceptor, unknown).await;
    assert!(matches!(accepted, Err(HandshakeError::BadCertificate(_))));
    assert_eq!(alert(connected), AlertDescription::UnknownCA);
}

#[tokio::test]
async fn a_session_is_not_resumed_under_other_certificates() {
    let authority = Authority::new("one");
    let folder = folder(&authority);
    let load = |client_ca| TlsAcceptor::load(&config(folder.path(), client_ca), &[]).unwrap();
    let (open, again) = (load(false), load(false));
    let mut client = client(&authority, None, &[]);
    client.enable_early_data = true;
    let resumed = async |acceptor: &TlsAcceptor| {
        let (accepted, connected) = shake(acceptor, client.clone()).await;
        connected.unwrap();
        let kind = accepted.unwrap().0.get_ref().1.handshake_kind().unwrap();
        kind == rustls::HandshakeKind::Resumed
    };
    assert!(!resumed(&open).await);
    assert!(resumed(&open).await, "the test's client resumes");
    // What is sent early can be replayed, so that not even a resumed session takes any.
    let name = "localhost".try_into().unwrap();
    let mut next = ClientConnection::new(Arc::new(client.clone()), name).unwrap();
    assert!(next.early_data().is_none());
    assert!(!resumed(&again).await);
    let (accepted, _) = shake(&load(true), client.clone()).await;
    assert!(matches!(accepted, Err(HandshakeError::NoCertificate)));
}

#[tokio::test]
async fn what_is_no_tls_is_told_so_and_probes_are_quiet() {
    let folder = folder(&Authority::new("one"));
    let acceptor = TlsAcceptor::load(&config(folder.path(), false), &[]).unwrap();
    // HTTP, Dubbo, Bolt.
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xda, 0xbb, 0xc2, 0, 0, 0, 0, 0],
        &[1, 1, 0, 1, 1, 0, 0, 0],
        // More than is read before it is refused: the rest must not cost the client its alert.
        &[b'x'; 48 << 10],
    ] {
        let (mut near, far) = pair().await;
        near.write_all(bytes).await.unwrap();
        let accepted = acceptor.accept(far).await;
        assert!(
            matches!(accepted, Err(HandshakeError::NotTls)),
            "{accepted:?}"
        );
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        // A fatal alert: type 21, version 3.x, two bytes, level 2.
        assert!(
            matches!(answer[..], [21, 3, _, 0, 2, 2, _]),
            "{answer:02x?}"
        );
    }
    let (near, far) = pair().await;
    drop(near);
    let accepted = acceptor.accept(far).await;
    assert!(matches!(accepted, Err(HandshakeError::Silent)));
}

#[tokio::test]
async fn a_client_that_closes_has_closed_whatever_it_says() {
    let authority = Authority::new("one");
    let folder = folder(&authority);
    let acceptor = TlsAcceptor::load(&config(folder.path(), false), &[]).unwrap();
    for says_so in [true, false] {
        let client = client(&authority, None, &[]);
        let (accepted, connected) = shake(&acceptor, client).await;
        let (mut server, mut client) = (accepted.unwrap(), connected.unwrap());
        client.write_all(b"last words").await.unwrap();
        client.flush().await.unwrap();
        if says_so {
            client.shutdown().await.unwrap();
        }
        drop(client);
        let mut all = String::new();
        server.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "last words");
        assert!(server.fill_buf().await.unwrap().is_empty());
    }
}
