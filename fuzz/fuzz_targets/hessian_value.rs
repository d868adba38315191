//! Hessian values: decoded, encoded in both dialects, as JSON; and method descriptors.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_hessian::fuzz::fuzz_decode(data);
    wireloom_hessian::fuzz::fuzz_descriptor(data);
});
