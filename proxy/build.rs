//! Generates the demo's gRPC service from its .proto file, and the descriptions of messages that the program reads at
//! run time. Needs no protoc.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use protox::prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let echo = protox::compile(["echo.proto"], ["proto"])?;
    fs::write(out.join("echo.bin"), echo.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .compile_fds(echo)?;
    let details = protox::compile(["google/rpc/error_details.proto"], ["proto"])?;
    fs::write(out.join("error_details.bin"), details.encode_to_vec())?;
    Ok(())
}
