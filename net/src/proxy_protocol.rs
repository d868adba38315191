//! The PROXY protocol: the first bytes of a connection say who its client is, where a load balancer relays it (HAProxy's
//! `doc/proxy-protocol.txt`, versions 1 and 2).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What version 1 begins with, and the longest line that it can be (§2.1).
const V1: &[u8] = b"PROXY ";
const V1_MOST: usize = 107;
/// What version 2 begins with, and its fixed part (§2.2).
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const V2_FIXED: usize = 16;

/// Why there is no header to read.
#[derive(Debug, Error)]
pub enum ProxyHeaderError {
    /// The peer closed before its first byte.
    #[error("closed before a PROXY header")]
    Silent,
    /// It closed within the header.
    #[error("closed within a PROXY header")]
    Truncated,
    /// The first bytes are no header, or one of a version that does not exist.
    #[error("no PROXY header: {0}")]
    Malformed(&'static str),
    /// The socket failed.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
}

/// What bytes are, as far as they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parsed {
    /// The beginning of a header.
    More,
    /// A header.
    Whole {
        /// Its bytes, of which some may not have come: those that nobody reads.
        length: usize,
        /// The client's address. None if the header leaves it to the socket: LOCAL, UNKNOWN, a Unix socket.
        source: Option<SocketAddr>,
    },
}

/// Reads the header, and not a byte behind it. None if it names no client and the socket's address holds.
///
/// It does not wait for ever only if the caller does not.
///
/// # Errors
/// If what comes is no header. The connection is of no use then: some of it was read.
pub async fn read_proxy_header(
    stream: &mut TcpStream,
) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    // More than any part of a header that is looked at: 16 bytes and two Unix addresses of 108.
    let mut buffer = [0; 256];
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let came = stream.peek(room).await?;
        if came == 0 {
            return Err(match filled {
                0 => ProxyHeaderError::Silent,
                _ => ProxyHeaderError::Truncated,
            });
        }
        let seen = buffer.get(..filled + came).unwrap_or_default();
        match parse(seen).map_err(ProxyHeaderError::Malformed)? {
            // All of it belongs to the header.
            Parsed::More => {
                let room = buffer.get_mut(filled..filled + came).unwrap_or_default();
                stream.read_exact(room).await?;
                filled += came;
            }
            Parsed::Whole { length, source } => {
                skip(stream, length - filled).await?;
                return Ok(source);
            }
        }
    }
}

/// Takes so many bytes off the stream.
async fn skip(stream: &mut TcpStream, mut length: usize) -> Result<(), ProxyHeaderError> {
    let mut scrap = [0; 256];
    while length > 0 {
        let most = length.min(scrap.len());
        let room = scrap.get_mut(..most).unwrap_or_default();
        match stream.read(room).await? {
            0 => return Err(ProxyHeaderError::Truncated),
            read => length -= read,
        }
    }
    Ok(())
}

/// What the first bytes of a connection are. A mistake is told at the first byte that makes it one.
fn parse(bytes: &[u8]) -> Result<Parsed, &'static str> {
    let begins = |signature: &[u8]| {
        let length = bytes.len().min(signature.len());
        bytes.get(..length) == signature.get(..length)
    };
    if begins(V1) {
        v1(bytes)
    } else if begins(V2) {
        v2(bytes)
    } else {
        Err("the connection begins with something else")
    }
}

fn v1(bytes: &[u8]) -> Result<Parsed, &'static str> {
    let line = bytes.get(..bytes.len().min(V1_MOST)).unwrap_or_default();
    let Some(end) = line.windows(2).position(|two| two == b"\r\n") else {
        return match bytes.len() < V1_MOST {
            true => Ok(Parsed::More),
            false => Err("its line does not end"),
        };
    };
    let line = line.get(..end).unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| "its line is no text")?;
    let mut words = line.split(' ').skip(1);
    let source = match words.next() {
        // Whatever stands behind it (§2.1).
        Some("UNKNOWN") => None,
        Some("TCP4") => Some(pair::<Ipv4Addr>(words)?),
        Some("TCP6") => Some(pair::<Ipv6Addr>(words)?),
        _ => return Err("its protocol is none of TCP4, TCP6 and UNKNOWN"),
    };
    let length = end + 2;
    Ok(Parsed::Whole { length, source })
}

/// Two addresses and two ports, of which the first are the client's.
fn pair<'a, A: FromStr + Into<std::net::IpAddr>>(
    mut words: impl Iterator<Item = &'a str>,
) -> Result<SocketAddr, &'static str> {
    let mut address = || words.next()?.parse::<A>().ok();
    let (source, destination) = (address(), address());
    let mut port = || {
        let word = words.next()?;
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let padded = word.len() > 1 && word.starts_with('0');
        word.parse::<u16>().ok().filter(|_| digits && !padded)
    };
    let ports = (port(), port());
    let (Some(source), Some(_), None) = (source, destination, words.next()) else {
        return Err("its addresses are none");
    };
    match ports {
        (Some(port), Some(_)) => Ok(SocketAddr::new(source.into(), port)),
        _ => Err("its ports are none"),
    }
}

fn v2(bytes: &[u8]) -> Result<Parsed, &'static str> {
    let rest = bytes.get(V2.len()..).unwrap_or_default();
    let known = match rest.first() {
        None => return Ok(Parsed::More),
        Some(0x20) => false,
        Some(0x21) => true,
        Some(0x22..0x30) => return Err("its command is neither LOCAL nor PROXY"),
        Some(_) => return Err("its version is not 2"),
    };
    let Some(kind) = rest.get(1) else {
        return Ok(Parsed::More);
    };
    // The family, and how many bytes two addresses of it take with their ports.
    let (family, size) = match (kind >> 4, kind & 15) {
        (family @ 0..=3, 0..=2) => match family {
            1 => (family, 12),
            2 => (family, 36),
            3 => (family, 216),
            _ => (family, 0),
        },
        _ => return Err("its family or transport does not exist"),
    };
    let (Some(length), addresses) = (
        bytes.get(V2_FIXED - 2..V2_FIXED),
        bytes.get(V2_FIXED..).unwrap_or_default(),
    ) else {
        return Ok(Parsed::More);
    };
    let announced = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let length = V2_FIXED + announced;
    let nobody = Ok(Parsed::Whole {
        length,
        source: None,
    });
    if !known {
        // A health check of the balancer's own; what follows is to be skipped (§2.2).
        return nobody;
    }
    if announced < size {
        return Err("it is too short for its addresses");
    }
    let source = match (family, addresses) {
        (1, [a, b, c, d, _, _, _, _, high, low, _, _, ..]) => {
            let port = u16::from_be_bytes([*high, *low]);
            SocketAddr::new(Ipv4Addr::new(*a, *b, *c, *d).into(), port)
        }
        (2, addresses) => match (addresses.first_chunk::<16>(), addresses.get(32..36)) {
            (Some(address), Some([high, low, ..])) => {
                let port = u16::from_be_bytes([*high, *low]);
                SocketAddr::new(Ipv6Addr::from(*address).into(), port)
            }
            _ => return Ok(Parsed::More),
        },
        (1, _) => return Ok(Parsed::More),
        _ => return nobody,
    };
    Ok(Parsed::Whole {
        length,
        source: Some(source),
    })
}

#[cfg(test)]
mod tests;
