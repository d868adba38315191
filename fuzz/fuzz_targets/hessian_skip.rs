//! Skipping and stepping through Hessian bodies, held against a decoder that builds the values.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_hessian::fuzz::fuzz_skip(data);
    wireloom_hessian::fuzz::fuzz_walk(data);
});
