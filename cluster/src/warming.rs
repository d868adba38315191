//! Requests that come before it is known who is in the cluster.

use tokio::time::{Instant, timeout_at};
use wireloom_codecs::{Call, CallError, ErrorKind, LocalError};

use crate::attempt::unsent;
use crate::limit::Limit;
use crate::local::{LocalCluster, View};
use crate::permit::Permit;
use crate::search::Found;
use crate::upstream::Way;
use crate::{Selection, Tried};

impl LocalCluster {
    /// True if a request had better wait: nobody is there, and who will be is being found out for the first time.
    pub(crate) fn is_warming(&self, view: &View) -> bool {
        view.members.is_empty() && self.cluster.is_warming()
    }

    /// Waits for the first endpoints, as long as for a connection and as one of those that wait for one, and sends the call
    /// to one of them.
    pub(crate) async fn warm<'a>(
        &'a self,
        way: Way,
        selection: &'a Selection<'a>,
        call: Box<Call>,
        tried: &'a mut Tried,
    ) -> Result<Found<'a>, CallError> {
        // Before the first look, so that no change is missed.
        let mut changes = self.cluster.changes();
        let config = self.view.load().config.clone();
        let limit = config.limits.pending;
        let Some(pending) = Permit::take(&self.cluster.pending, limit) else {
            return Err(self.refuse(self.cluster.overflow(Limit::Pending, None, limit)));
        };
        let deadline = Instant::from_std(call.deadline);
        let patience = Instant::now() + config.connect_timeout.0;
        while self.is_warming(&self.view.load()) {
            match timeout_at(deadline.min(patience), changes.changed()).await {
                Ok(Ok(())) => {}
                _ if deadline < patience => {
                    let detail = format!("cluster {} has not found its endpoints", self.name());
                    return Err(unsent(LocalError::new(ErrorKind::Timeout, detail)));
                }
                _ => {
                    let detail = format!(
                        "cluster {} has not found its endpoints within {}",
                        self.name(),
                        config.connect_timeout
                    );
                    return Err(self.refuse(LocalError::new(ErrorKind::NoEndpoint, detail)));
                }
            }
        }
        drop(pending);
        let Some(candidate) = self.candidate(way, selection, &Tried::new()) else {
            let view = self.view.load();
            return Err(self.refuse(self.no_endpoint(&view, *selection)));
        };
        self.go(way, selection, candidate, call, tried).await
    }

    fn name(&self) -> &str {
        self.cluster.name()
    }
}
