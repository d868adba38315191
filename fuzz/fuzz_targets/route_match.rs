//! Route tables, held against judging their routes one by one.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_router::fuzz::route_match(data);
});
