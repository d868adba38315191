//! Bolt frames.
//!
//! Version 1: protocol, type, command (2), 1, id (4), codec, timeout (4) or status (2), class length (2), header length
//! (2), content length (4), then class, header and content. Version 2 has `ver1` behind the protocol and a switch byte
//! behind the codec; with `ver1` 2 and bit 0 of the switch, the CRC-32 of all that follows the frame. Source: sofa-bolt
//! 1.6 `RpcCommandEncoder`, `RpcCommandEncoderV2`.

use anyhow::{Context, Result, bail, ensure};

use super::wire::{Call, Frame, Kind, Wire};

const REQUEST_CLASS: &[u8] = b"com.alipay.sofa.rpc.core.request.SofaRequest";
const RESPONSE_CLASS: &[u8] = b"com.alipay.sofa.rpc.core.response.SofaResponse";
const HESSIAN: u8 = 1;

const RESPONSE: u8 = 0;
const REQUEST: u8 = 1;
const ONE_WAY: u8 = 2;

const HEARTBEAT: u16 = 0;
const CALL: u16 = 1;
const ANSWER: u16 = 2;

/// A frame to be.
struct Parts<'a> {
    kind: u8,
    command: u16,
    id: u64,
    /// 4 bytes of timeout, or 2 of status.
    middle: &'a [u8],
    class: &'a [u8],
    header: &'a [u8],
    content: &'a [u8],
}

fn frame(wire: Wire, parts: &Parts<'_>) -> Vec<u8> {
    let content = u32::try_from(parts.content.len()).unwrap_or(u32::MAX);
    let mut frame = announced(wire, parts, content);
    frame.extend(parts.content);
    if wire == Wire::BoltCrc {
        let crc = crc32fast::hash(&frame);
        frame.extend(crc.to_be_bytes());
    }
    frame
}

/// All but the content, which is said to have so many bytes.
fn announced(wire: Wire, parts: &Parts<'_>, content: u32) -> Vec<u8> {
    let mut frame = match wire {
        Wire::BoltV2 => vec![2, 1],
        Wire::BoltCrc => vec![2, 2],
        _ => vec![1],
    };
    frame.push(parts.kind);
    frame.extend(parts.command.to_be_bytes());
    frame.push(1);
    frame.extend((parts.id as u32).to_be_bytes());
    frame.push(HESSIAN);
    match wire {
        Wire::BoltV2 => frame.push(0),
        Wire::BoltCrc => frame.push(1),
        _ => {}
    }
    frame.extend(parts.middle);
    frame.extend((parts.class.len() as u16).to_be_bytes());
    frame.extend((parts.header.len() as u16).to_be_bytes());
    frame.extend(content.to_be_bytes());
    frame.extend(parts.class);
    frame.extend(parts.header);
    frame
}

fn put_pair(header: &mut Vec<u8>, key: &str, value: &str) {
    for text in [key, value] {
        header.extend((text.len() as u32).to_be_bytes());
        header.extend(text.as_bytes());
    }
}

pub(super) fn request(wire: Wire, id: u64, call: &Call) -> Vec<u8> {
    let group = call.group.as_deref().map(|group| format!(":{group}"));
    let unique = format!("{}:1.0{}", call.service, group.unwrap_or_default());
    let mut header = Vec::new();
    put_pair(&mut header, "sofa_head_target_service", &unique);
    put_pair(&mut header, "service", &unique);
    put_pair(&mut header, "sofa_head_method_name", &call.method);
    let timeout = call
        .timeout
        .map_or(-1, |timeout| timeout.as_millis() as i32);
    frame(
        wire,
        &Parts {
            kind: if call.one_way { ONE_WAY } else { REQUEST },
            command: CALL,
            id,
            middle: &timeout.to_be_bytes(),
            class: REQUEST_CLASS,
            header: &header,
            content: &call.payload,
        },
    )
}

pub(super) fn response(wire: Wire, id: u64, payload: &[u8]) -> Vec<u8> {
    let class = RESPONSE_CLASS;
    frame(wire, &answer(id, ANSWER, class, payload))
}

fn answer<'a>(id: u64, command: u16, class: &'a [u8], content: &'a [u8]) -> Parts<'a> {
    Parts {
        kind: RESPONSE,
        command,
        id,
        middle: &[0, 0],
        class,
        header: &[],
        content,
    }
}

fn bare_request(id: u64, command: u16) -> Parts<'static> {
    Parts {
        kind: REQUEST,
        command,
        id,
        middle: &[0, 0, 0x0b, 0xb8],
        class: &[],
        header: &[],
        content: &[],
    }
}

pub(super) fn ping(wire: Wire, id: u64) -> Vec<u8> {
    frame(wire, &bare_request(id, HEARTBEAT))
}

pub(super) fn pong(wire: Wire, id: u64) -> Vec<u8> {
    frame(wire, &answer(id, HEARTBEAT, &[], &[]))
}

pub(super) fn announcement(wire: Wire, id: u64, length: u32) -> Vec<u8> {
    announced(wire, &bare_request(id, CALL), length)
}

pub(super) fn answer_announcement(wire: Wire, id: u64, length: u32) -> Vec<u8> {
    announced(wire, &answer(id, ANSWER, &[], &[]), length)
}

/// Where a frame's fields are.
struct Layout {
    v2: bool,
    is_request: bool,
    /// Of the fixed head.
    head: usize,
    crc: bool,
}

fn layout(bytes: &[u8]) -> Result<Option<Layout>> {
    let Some(protocol) = bytes.first() else {
        return Ok(None);
    };
    let v2 = match protocol {
        1 => false,
        2 => true,
        other => bail!("no Bolt frame begins with 0x{other:02x}"),
    };
    let shift = usize::from(v2);
    let Some(kind) = bytes.get(1 + shift) else {
        return Ok(None);
    };
    let is_request = match *kind {
        RESPONSE => false,
        REQUEST | ONE_WAY => true,
        other => bail!("no Bolt frame has type {other}"),
    };
    let head = if is_request { 22 } else { 20 } + 2 * shift;
    let Some(fixed) = bytes.get(..head) else {
        return Ok(None);
    };
    Ok(Some(Layout {
        v2,
        is_request,
        head,
        crc: v2 && fixed[1] == 2 && fixed[11] & 1 == 1,
    }))
}

fn lengths(bytes: &[u8], layout: &Layout) -> Result<[usize; 3]> {
    let lengths = bytes
        .get(layout.head - 8..layout.head)
        .context("a Bolt frame without a head")?;
    Ok([
        u16::from_be_bytes(lengths[..2].try_into()?).into(),
        u16::from_be_bytes(lengths[2..4].try_into()?).into(),
        u32::from_be_bytes(lengths[4..].try_into()?) as usize,
    ])
}

pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(layout) = layout(bytes)? else {
        return Ok(None);
    };
    let crc = if layout.crc { 4 } else { 0 };
    Ok(Some(
        layout.head + lengths(bytes, &layout)?.iter().sum::<usize>() + crc,
    ))
}

/// Writes the checksum of a frame that has one.
pub(super) fn seal(frame: &mut [u8]) {
    if let Ok(Some(Layout { crc: true, .. })) = layout(frame)
        && let Some((covered, crc)) = frame.split_last_chunk_mut()
    {
        *crc = crc32fast::hash(covered).to_be_bytes();
    }
}

pub(super) fn parse(bytes: Vec<u8>) -> Result<Frame> {
    let layout = layout(&bytes)?.context("a Bolt frame without a head")?;
    if layout.crc {
        let (covered, crc) = bytes
            .split_last_chunk()
            .context("a Bolt frame without its CRC")?;
        ensure!(
            crc32fast::hash(covered) == u32::from_be_bytes(*crc),
            "the CRC of a Bolt frame is wrong"
        );
    }
    let shift = usize::from(layout.v2);
    let kind = bytes[1 + shift];
    let command = u16::from_be_bytes(bytes[2 + shift..4 + shift].try_into()?);
    let id = u32::from_be_bytes(bytes[5 + shift..9 + shift].try_into()?);
    let [class, header, content] = lengths(&bytes, &layout)?;
    let start = layout.head + class + header;
    let payload = bytes
        .get(start..start + content)
        .context("a Bolt frame is cut short")?
        .to_vec();
    let middle = layout.head - 10;
    let kind = match (kind, command) {
        (REQUEST, HEARTBEAT) => Kind::Ping,
        (RESPONSE, HEARTBEAT) => Kind::Pong,
        (REQUEST, CALL) => Kind::Request,
        (ONE_WAY, CALL) => Kind::OneWay,
        (RESPONSE, ANSWER) => Kind::Response,
        other => bail!("type and command {other:?} of a Bolt frame do not go together"),
    };
    let status = match layout.is_request {
        true => 0,
        false => u16::from_be_bytes(bytes[middle..middle + 2].try_into()?),
    };
    Ok(Frame {
        kind,
        id: id.into(),
        status,
        payload,
        bytes,
    })
}
