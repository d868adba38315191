//! Who tokens belong to.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Something that knows tokens, and may have to ask somebody else.
pub trait Directory: Send + Sync {
    /// Who the token belongs to; None if nobody knows it.
    fn find<'a>(&'a self, token: &'a str) -> Pin<Box<dyn Future<Output = Option<Arc<str>>> + Send + 'a>>;
}

/// A list, which takes the time that a server would.
pub struct Listed {
    tokens: BTreeMap<String, Arc<str>>,
    takes: Duration,
}

impl Listed {
    /// These tokens, and who they belong to.
    pub fn new(tokens: BTreeMap<String, String>, takes: Duration) -> Self {
        let tokens = tokens.into_iter().map(|(token, who)| (token, who.into()));
        Self { tokens: tokens.collect(), takes }
    }
}

impl Directory for Listed {
    fn find<'a>(&'a self, token: &'a str) -> Pin<Box<dyn Future<Output = Option<Arc<str>>> + Send + 'a>> {
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            self.tokens.get(token).cloned()
        })
    }
}
