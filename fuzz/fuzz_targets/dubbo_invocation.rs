//! The names and attachments in a Dubbo request's body, in every serialization.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wireloom_dubbo::fuzz::fuzz_invocation(data);
});
