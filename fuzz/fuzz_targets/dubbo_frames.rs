//! Dubbo frames, cut anywhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_dubbo::fuzz::fuzz_frames(data);
    wireloom_dubbo::fuzz::fuzz_edits(data);
});
