//! A schema from `--proto` files, compiled in this process.

use std::fs;
use std::path::{Path, PathBuf};

use prost_reflect::DescriptorPool;

use super::super::Wrong;
use crate::cli::CallArgs;

/// Compiles the files, and what they import. Errors say where they are: `orders.proto:3:5: …`.
pub(in super::super) fn compile(args: &CallArgs) -> Result<DescriptorPool, Wrong> {
    // protox's errors have the place in their debug form.
    let wrong = |error: protox::Error| Wrong::Proto(format!("{error:?}"));
    let mut compiler = protox::Compiler::new(includes(args)).map_err(wrong)?;
    compiler.include_imports(true);
    for file in &args.protos {
        if args.proto_paths.is_empty() {
            let here = |error| Wrong::Proto(format!("{}: {error}", file.display()));
            fs::metadata(file).map_err(here)?;
        }
        compiler.open_file(file).map_err(wrong)?;
    }
    Ok(compiler.descriptor_pool())
}

/// The directories that were written, or else those of the files.
fn includes(args: &CallArgs) -> Vec<PathBuf> {
    if !args.proto_paths.is_empty() {
        return args.proto_paths.clone();
    }
    let mut includes: Vec<PathBuf> = Vec::new();
    for file in &args.protos {
        let parent = match file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !includes.iter().any(|known| known == parent) {
            includes.push(parent.to_owned());
        }
    }
    includes
}
