//! The names in a SOFARPC request's content.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_bolt::fuzz::sofa(data);
});
