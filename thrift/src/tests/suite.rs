//! What every codec promises, in each dialect, on the bytes of real libraries where there are any.

use std::sync::Arc;

use wireloom_codecs::Role;
use wireloom_codecs::suite::Sample;

use super::{binary, framed, header, hex, non_strict, settings, tt_block, vectors};
use crate::types::Transport;
use crate::{ThriftCodec, ThriftSettings};

fn samples(transport: &str, protocol: &str) -> Vec<Sample> {
    let (messages, _) = vectors::all();
    let samples: Vec<_> = messages
        .iter()
        .filter(|vector| vector.text("transport") == transport)
        .filter(|vector| vector.text("protocol") == protocol)
        .map(|vector| Sample::new(vector.name.clone(), vector.role(), vector.bytes.clone()))
        .collect();
    assert!(!samples.is_empty());
    samples
}

fn tt_samples(protocol: u8, again: bool) -> Vec<Sample> {
    let message = |call: &str, reply: &str| {
        let (call, reply) = (hex(call), hex(reply));
        if again {
            (framed(&call), framed(&reply))
        } else {
            (call, reply)
        }
    };
    let (call, reply) = if protocol == 0 {
        message(
            "80010001 00000004 706c7573 00000007 080001 00000001 00",
            "80010002 00000004 706c7573 00000007 080000 00000003 00",
        )
    } else {
        message(
            "8221 07 04 706c7573 1502 00",
            "8241 07 04 706c7573 0500 06 00",
        )
    };
    let block = tt_block(protocol, &[("k", "v")], &[(6, "orders"), (12, "1500")]);
    vec![
        Sample::new(
            "call",
            Role::Downstream,
            header([0x10, 0], 7, &block, &call),
        ),
        Sample::new(
            "reply",
            Role::Upstream,
            header([0x10, 0], 7, &[protocol, 0], &reply),
        ),
    ]
}

fn old_samples(again: bool) -> Vec<Sample> {
    let message = |text: &str| {
        let message = hex(text);
        if again { framed(&message) } else { message }
    };
    vec![
        Sample::new(
            "call",
            Role::Downstream,
            message("00000004 706c7573 01 00000005 080001 00000001 00"),
        ),
        Sample::new(
            "reply",
            Role::Upstream,
            message("00000004 706c7573 02 00000005 080000 00000001 00"),
        ),
    ]
}

macro_rules! dialect {
    ($name:ident, $samples:expr) => {
        mod $name {
            use super::*;
            wireloom_codecs::codec_suite!(ThriftCodec, settings(), $samples);
        }
    };
}

dialect!(framed_binary, samples("framed", "binary"));
dialect!(framed_compact, samples("framed", "compact"));
dialect!(buffered_binary, samples("buffered", "binary"));
dialect!(buffered_compact, samples("buffered", "compact"));
dialect!(header_binary, samples("header", "binary"));
dialect!(header_compact, samples("header", "compact"));
dialect!(tt_binary, tt_samples(0, false));
dialect!(tt_compact, tt_samples(2, false));
dialect!(tt_framed_binary, tt_samples(0, true));
dialect!(tt_framed_compact, tt_samples(2, true));

/// The suite but for detection, which must not find non-strict binary.
fn non_strict_suite(settings: &Arc<ThriftSettings>, samples: &[Sample]) {
    use wireloom_codecs::suite;
    suite::split_at_every_byte::<ThriftCodec>(settings, samples);
    suite::two_in_one_read::<ThriftCodec>(settings, samples);
    suite::identity::<ThriftCodec>(settings, samples);
    suite::ids_are_replaceable::<ThriftCodec>(settings, samples);
    suite::truncated::<ThriftCodec>(settings, samples);
    suite::garbage::<ThriftCodec>(settings, samples);
    suite::limits::<ThriftCodec>(settings, samples);
    suite::error_replies::<ThriftCodec>(settings, samples);
}

#[test]
fn non_strict_framed() {
    non_strict_suite(&non_strict(Transport::Framed), &old_samples(true));
}

#[test]
fn non_strict_buffered() {
    non_strict_suite(&non_strict(Transport::Buffered), &old_samples(false));
}

#[test]
fn an_unframed_message_of_many_reads() {
    // Deep and wide, so that cuts fall everywhere.
    let mut body = hex("0c0001 0f0001 0c 00000003");
    for _ in 0..3 {
        body.extend(hex("0d0001 0b 0f 00000002 00000001 61 0b 00000001 00000002 6262 00000000 02 00000001 01 00"));
    }
    body.extend(hex("00 0b0002 00000003 636363 00"));
    let samples = [Sample::new(
        "nested",
        Role::Downstream,
        binary(1, "plus", 9, &body),
    )];
    use wireloom_codecs::suite;
    suite::split_at_every_byte::<ThriftCodec>(&settings(), &samples);
    suite::truncated::<ThriftCodec>(&settings(), &samples);
    suite::limits::<ThriftCodec>(&settings(), &samples);
    suite::garbage::<ThriftCodec>(&settings(), &samples);
}

#[test]
fn chaos_with_many_calls_on_one_connection() {
    let settings = Arc::new(ThriftSettings {
        multiplexed: true,
        ..ThriftSettings::default()
    });
    for samples in [
        samples("framed", "binary"),
        samples("header", "compact"),
        tt_samples(0, true),
    ] {
        wireloom_codecs::suite::chaos::<ThriftCodec>(&settings, &samples);
    }
}
