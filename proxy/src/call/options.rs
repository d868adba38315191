//! Options that not every protocol has.

use super::Wrong;
use crate::cli::CallArgs;

pub(super) const TYPE: &str = "--type";
pub(super) const DIALECT: &str = "--dialect";
pub(super) const REQUEST: &str = "--request";
pub(super) const HTTP2: &str = "--http2";
pub(super) const PROTO: &str = "--proto";
pub(super) const IDL: &str = "--idl";
const PROTO_PATH: &str = "--proto-path";

/// Refuses those that are written and that calls of this scheme do not have.
pub(super) fn only(args: &CallArgs, scheme: &str, known: &[&str]) -> Result<(), Wrong> {
    let written = [
        (TYPE, args.types.is_some()),
        (DIALECT, args.dialect.is_some()),
        (REQUEST, args.method.is_some()),
        (HTTP2, args.http2),
        (PROTO, !args.protos.is_empty()),
        (IDL, args.idl.is_some()),
    ];
    for (option, written) in written {
        if written && !known.contains(&option) {
            let what = format!("{scheme}:// has no use for it");
            return Err(Wrong::Option(option, what));
        }
    }
    if !args.proto_paths.is_empty() && args.protos.is_empty() && args.idl.is_none() {
        let what = "it says where the files of `--proto` are, and there are none".to_owned();
        return Err(Wrong::Option(PROTO_PATH, what));
    }
    Ok(())
}
