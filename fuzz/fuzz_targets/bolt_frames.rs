//! Bolt frames in both roles, cut anywhere; and recognising Bolt.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_bolt::fuzz::decode(data);
    wireloom_bolt::fuzz::edits(data);
    wireloom_bolt::fuzz::sniff(data);
});
