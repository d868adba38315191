use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;

fn v1(line: &str) -> Vec<u8> {
    format!("PROXY {line}\r\n").into_bytes()
}

/// A header of version 2 with this command, kind, addresses, and TLVs behind them.
fn v2(command: u8, kind: u8, addresses: &[u8], more: &[u8]) -> Vec<u8> {
    let length = (addresses.len() + more.len()) as u16;
    let mut header = V2.to_vec();
    header.extend([command, kind]);
    header.extend(length.to_be_bytes());
    header.extend(addresses);
    header.extend(more);
    header
}

const IPV4: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x67, 0, 80];

fn ipv6() -> Vec<u8> {
    let address = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
    let (source, destination) = (address("2001:db8::1"), address("2001:db8::2"));
    [&source[..], &destination, &[0x12, 0x67, 0, 80]].concat()
}

/// A TLV of 300 bytes.
fn tlv() -> Vec<u8> {
    [&[0xee, 1, 41][..], &[7; 297]].concat()
}

/// Headers, and whom they name.
fn good() -> Vec<(Vec<u8>, Option<&'static str>)> {
    let (four, six) = (Some("192.0.2.1:4711"), Some("[2001:db8::1]:4711"));
    let longest = format!("UNKNOWN {}", "x".repeat(V1_MOST - 16));
    vec![
        (v1("TCP4 192.0.2.1 192.0.2.2 4711 80"), four),
        (v1("TCP6 2001:db8::1 2001:db8::2 4711 80"), six),
        (
            v1("TCP4 0.0.0.0 255.255.255.255 0 65535"),
            Some("0.0.0.0:0"),
        ),
        (v1("UNKNOWN"), None),
        (v1("UNKNOWN ffff:f...f:ffff some text 65535"), None),
        (v1(&longest), None),
        (v2(0x21, 0x11, &IPV4, b""), four),
        (v2(0x21, 0x11, &IPV4, &tlv()), four),
        (v2(0x21, 0x12, &IPV4, b""), four),
        (v2(0x21, 0x21, &ipv6(), b""), six),
        (v2(0x21, 0x21, &ipv6(), &tlv()), six),
        (v2(0x21, 0x31, &[b'/'; 216], &tlv()), None),
        (v2(0x21, 0, b"", &tlv()), None),
        (v2(0x20, 0, b"", b""), None),
        (v2(0x20, 0x11, &IPV4, b""), None),
        (v2(0x20, 0x11, b"", b""), None),
    ]
}

fn bad() -> Vec<Vec<u8>> {
    let long = format!("UNKNOWN {}", "x".repeat(V1_MOST - 15));
    let mut bad: Vec<_> = [
        "TCP4 192.0.2.1 192.0.2.2 4711",
        "TCP4 192.0.2.1 192.0.2.2 4711 80 80",
        "TCP4 192.0.2.1 192.0.2.2 4711 80 ",
        "TCP4  192.0.2.1 192.0.2.2 4711 80",
        "TCP4 192.0.2.256 192.0.2.2 4711 80",
        "TCP4 2001:db8::1 2001:db8::2 4711 80",
        "TCP6 192.0.2.1 192.0.2.2 4711 80",
        "TCP4 192.0.2.1 192.0.2.2 65536 80",
        "TCP4 192.0.2.1 192.0.2.2 -1 80",
        "TCP4 192.0.2.1 192.0.2.2 +1 80",
        "TCP4 192.0.2.1 192.0.2.2 080 80",
        "TCP4 192.0.2.1 192.0.2.2 4711 ",
        "tcp4 192.0.2.1 192.0.2.2 4711 80",
        "UDP4 192.0.2.1 192.0.2.2 4711 80",
        "",
        &long,
    ]
    .map(v1)
    .into();
    bad.extend([
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\n".to_vec(),
        b"\r\n\r\n\0\r\nQUIX\n".to_vec(),
        b"PROXY TCP4 \xff\r\n".to_vec(),
        v2(0x11, 0x11, &IPV4, b""),
        v2(0x31, 0x11, &IPV4, b""),
        v2(0x22, 0x11, &IPV4, b""),
        v2(0x21, 0x41, &IPV4, b""),
        v2(0x21, 0x13, &IPV4, b""),
        v2(0x21, 0x11, &IPV4[..11], b""),
        v2(0x21, 0x21, &IPV4, b""),
    ]);
    bad
}

#[test]
fn each_is_known_at_its_end_and_not_before() {
    for (header, source) in good() {
        let shown = String::from_utf8_lossy(&header).into_owned();
        let length = header.len();
        let whole = Parsed::Whole {
            length,
            source: source.map(|address| address.parse().unwrap()),
        };
        let mut first = None;
        for cut in 0..length {
            match parse(&header[..cut]) {
                Ok(Parsed::More) => assert_eq!(first, None, "{shown} at {cut}"),
                known => {
                    // Nobody waits for what is only skipped.
                    assert_eq!(known, Ok(whole), "{shown} at {cut}");
                    first.get_or_insert(cut);
                }
            }
        }
        assert!(first.is_none_or(|first| first >= V2_FIXED), "{shown}");
        let and_more = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!(parse(&and_more), Ok(whole), "{shown}");
    }
}

#[test]
fn what_is_none_is_never_taken_for_one() {
    for header in bad() {
        let shown = String::from_utf8_lossy(&header).into_owned();
        for cut in 0..header.len() {
            let parsed = parse(&header[..cut]);
            assert!(!matches!(parsed, Ok(Parsed::Whole { .. })), "{shown}");
        }
        parse(&header).expect_err(&shown);
    }
    // One that never ends is let go of as soon as it is too long.
    let endless = [b"PROXY TCP4 ".to_vec(), vec![b'1'; 300]].concat();
    assert_eq!(parse(&endless[..V1_MOST - 1]), Ok(Parsed::More));
    parse(&endless[..V1_MOST]).unwrap_err();
}

async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let (near, far) = tokio::join!(near, listener.accept());
    let near = near.unwrap();
    near.set_nodelay(true).unwrap();
    (near, far.unwrap().0)
}

#[tokio::test]
async fn nothing_behind_it_is_read() {
    for (header, source) in good() {
        for step in [1, 7, header.len() + 3, usize::MAX] {
            let (mut near, mut far) = connection().await;
            let bytes = [&header[..], b"hello"].concat();
            let writing = tokio::spawn(async move {
                for piece in bytes.chunks(step) {
                    near.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
            let read = read_proxy_header(&mut far).await.unwrap();
            assert_eq!(read, source.map(|address| address.parse().unwrap()));
            let mut rest = String::new();
            far.read_to_string(&mut rest).await.unwrap();
            assert_eq!(rest, "hello");
            writing.await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_end_within_it_is_an_error() {
    for (header, _) in good() {
        for cut in 0..header.len() {
            let (mut near, mut far) = connection().await;
            near.write_all(&header[..cut]).await.unwrap();
            drop(near);
            match read_proxy_header(&mut far).await {
                Err(ProxyHeaderError::Silent) => assert_eq!(cut, 0),
                Err(ProxyHeaderError::Truncated) => assert!(cut > 0),
                other => panic!("{other:?} of {header:?} at {cut}"),
            }
        }
    }
}
