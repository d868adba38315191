//! What a fuzzer runs: [`fuzz_codec!`](crate::fuzz_codec).

use bytes::BytesMut;

use super::{codec, image};
use crate::{Codec, Inbound, Needs, Role};

/// A whole fuzz target for `cargo fuzz`, in a crate that depends on `libfuzzer-sys`:
///
/// ```ignore
/// #![no_main]
/// wireloom_codecs::fuzz_codec!(MyCodec, MySettings::default());
/// ```
#[macro_export]
macro_rules! fuzz_codec {
    ($codec:ty, $settings:expr) => {
        ::libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            $crate::suite::fuzz::<$codec>(&$settings, data);
        });
    };
}

/// One input: the first byte says which end reads, and where the rest is cut in two.
///
/// # Panics
/// If the events depend on the cut, if an event takes no bytes, or if something that was decoded cannot be written.
pub fn fuzz<C: Codec>(settings: &C::Settings, data: &[u8]) {
    let Some((&first, bytes)) = data.split_first() else {
        return;
    };
    let role = if first & 1 == 0 {
        Role::Downstream
    } else {
        Role::Upstream
    };
    let cut = usize::from(first >> 1) * bytes.len() / 128;
    let (before, after) = bytes.split_at(cut.min(bytes.len()));
    let whole = run::<C>(settings, role, [bytes, &[]]);
    let parts = run::<C>(settings, role, [before, after]);
    assert_eq!(whole, parts, "events depend on how the bytes are cut");
}

/// The messages that are read from these parts, written again under their own ids, up to the first error.
fn run<C: Codec>(
    settings: &C::Settings,
    role: Role,
    parts: [&[u8]; 2],
) -> (Vec<(String, Vec<u8>)>, bool) {
    let mut one = codec::<C>(settings, role);
    one.set_needs(&Needs::fields(["version", "group", "x-anything"]));
    let (mut buffer, mut images) = (BytesMut::new(), Vec::new());
    for part in parts {
        buffer.extend_from_slice(part);
        while !buffer.is_empty() {
            let before = (buffer.len(), one.mid_frame());
            match one.decode(&mut buffer) {
                Err(_) => return (images, true),
                Ok(None) => break,
                Ok(Some(event)) => {
                    let after = (buffer.len(), one.mid_frame());
                    assert!(after != before, "an event that took no bytes");
                    if matches!(event, Inbound::Request(..) | Inbound::Response(..)) {
                        images.push(image(&mut codec::<C>(settings, role), &event));
                    }
                }
            }
        }
        let _ = one.pending_frame(&buffer);
    }
    (images, false)
}
