//! Dubbo frames with Hessian 2 bodies.
//!
//! Head: magic `da bb`, flag (`80` request, `40` two-way, `20` event, `1f` serialization), status, id (8), body length
//! (4). Source: apache/dubbo 3.3 `ExchangeCodec`, `DubboCodec`.

use anyhow::{Context, Result, bail, ensure};

use super::wire::{Call, Frame, Kind};

const HEAD: usize = 16;
/// The longest chunk of a binary value.
const CHUNK: usize = 0x8000;

/// A head.
pub(super) fn head(flag: u8, status: u8, id: u64, length: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&[0xda, 0xbb, flag, status]);
    head[4..12].copy_from_slice(&id.to_be_bytes());
    head[12..].copy_from_slice(&length.to_be_bytes());
    head
}

fn frame(flag: u8, status: u8, id: u64, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&head(flag, status, id, length), body].concat()
}

pub(super) fn request(id: u64, call: &Call) -> Vec<u8> {
    let mut body = Vec::new();
    for text in ["2.0.2", &call.service, "1.0.0", &call.method, "[B"] {
        put_text(&mut body, text);
    }
    put_bytes(&mut body, &call.payload);
    body.push(b'H');
    for (key, value) in [
        ("path", call.service.as_str()),
        ("interface", &call.service),
        ("version", "1.0.0"),
    ] {
        put_text(&mut body, key);
        put_text(&mut body, value);
    }
    if let Some(group) = &call.group {
        put_text(&mut body, "group");
        put_text(&mut body, group);
    }
    if let Some(timeout) = call.timeout {
        put_text(&mut body, "timeout");
        put_text(&mut body, &timeout.as_millis().to_string());
    }
    body.push(b'Z');
    frame(if call.one_way { 0x82 } else { 0xc2 }, 0, id, &body)
}

/// Flag 1: a value without attachments.
pub(super) fn response(id: u64, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0x91];
    put_bytes(&mut body, payload);
    frame(0x02, 20, id, &body)
}

pub(super) fn ping(id: u64) -> Vec<u8> {
    frame(0xe2, 0, id, b"N")
}

pub(super) fn pong(id: u64) -> Vec<u8> {
    frame(0x22, 20, id, b"N")
}

pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>> {
    let magic = [0xda, 0xbb];
    let same = bytes.iter().zip(magic).all(|(byte, magic)| *byte == magic);
    ensure!(
        same,
        "no Dubbo frame begins with {:02x?}",
        bytes.get(..4.min(bytes.len()))
    );
    let length = bytes
        .get(12..HEAD)
        .and_then(|field| <[u8; 4]>::try_from(field).ok());
    Ok(length.map(|length| HEAD + u32::from_be_bytes(length) as usize))
}

pub(super) fn parse(bytes: Vec<u8>) -> Result<Frame> {
    let (head, body) = bytes
        .split_at_checked(HEAD)
        .context("a Dubbo frame without a head")?;
    let (flag, status) = (head[2], head[3]);
    let id = u64::from_be_bytes(head[4..12].try_into()?);
    let (kind, payload) = match (flag & 0x80 != 0, flag & 0x20 != 0, flag & 0x40 != 0) {
        (true, true, true) => (Kind::Ping, Vec::new()),
        (true, true, false) => (Kind::Event, text(&mut &*body)?.into_bytes()),
        (false, true, _) => (Kind::Pong, Vec::new()),
        (true, false, two_way) => {
            let mut rest = body;
            for _ in 0..5 {
                text(&mut rest)?;
            }
            (
                if two_way { Kind::Request } else { Kind::OneWay },
                binary(&mut rest)?,
            )
        }
        (false, false, _) if status == 20 => {
            let mut rest = body;
            ensure!(
                take(&mut rest, 1)? == [0x91],
                "a result of another kind than a value"
            );
            (Kind::Response, binary(&mut rest)?)
        }
        (false, false, _) => (Kind::Response, text(&mut &*body)?.into_bytes()),
    };
    Ok(Frame {
        kind,
        id,
        status: status.into(),
        payload,
        bytes,
    })
}

/// ASCII only, for which a character is a byte.
fn put_text(body: &mut Vec<u8>, text: &str) {
    match u16::try_from(text.len()).unwrap_or(u16::MAX) {
        short @ 0..32 => body.push(short as u8),
        long => {
            body.push(b'S');
            body.extend(long.to_be_bytes());
        }
    }
    body.extend(text.as_bytes());
}

fn put_bytes(body: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some((chunk, more)) = rest
        .split_at_checked(CHUNK)
        .filter(|(_, more)| !more.is_empty())
    {
        body.push(b'A');
        body.extend((CHUNK as u16).to_be_bytes());
        body.extend(chunk);
        rest = more;
    }
    body.push(b'B');
    body.extend((rest.len() as u16).to_be_bytes());
    body.extend(rest);
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, left) = rest
        .split_at_checked(length)
        .context("a Hessian value is cut short")?;
    *rest = left;
    Ok(taken)
}

fn text(rest: &mut &[u8]) -> Result<String> {
    let tag = take(rest, 1)?[0];
    let length = match tag {
        0..=0x1f => usize::from(tag),
        0x30..=0x33 => usize::from(tag - 0x30) << 8 | usize::from(take(rest, 1)?[0]),
        b'S' => usize::from(u16::from_be_bytes(take(rest, 2)?.try_into()?)),
        _ => bail!("0x{tag:02x} where a short text should begin"),
    };
    Ok(String::from_utf8(take(rest, length)?.to_vec())?)
}

fn binary(rest: &mut &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let tag = take(rest, 1)?[0];
        ensure!(
            matches!(tag, b'A' | b'B'),
            "0x{tag:02x} where binary data should begin"
        );
        let length = u16::from_be_bytes(take(rest, 2)?.try_into()?);
        bytes.extend(take(rest, length.into())?);
        if tag == b'B' {
            return Ok(bytes);
        }
    }
}
