//! A call from its command line to the end of its answer.

use tokio::time::{Instant, timeout_at};

use super::{CallError, CallUrl, Out, Reply, caller};
use crate::Program;
use crate::cli::CallArgs;

/// Sends what was written over a connection of its own, and hands on what comes back as it comes: all of it takes no
/// longer than `args.timeout`.
pub async fn call_into(program: &Program, args: &CallArgs, out: Out<'_>) -> Result<(), CallError> {
    let url: CallUrl = args.url.parse()?;
    let caller = caller::of_scheme(program, &url.scheme)?;
    let deadline = Instant::now() + args.timeout.0;
    match timeout_at(deadline, caller.call(&url, args, out)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(CallError::Timeout(url.address, args.timeout)),
    }
}

/// The same in Wireloom's own protocols, with all that comes back together.
pub async fn call(args: &CallArgs) -> Result<Reply, CallError> {
    call_in(&Program::new(), args).await
}

/// The same in a program's protocols.
pub async fn call_in(program: &Program, args: &CallArgs) -> Result<Reply, CallError> {
    let mut reply = Reply::default();
    call_into(program, args, &mut |piece| reply.add(piece)).await?;
    Ok(reply)
}
