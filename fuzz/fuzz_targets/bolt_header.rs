//! The pairs of a Bolt header block.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_bolt::fuzz::header(data);
});
