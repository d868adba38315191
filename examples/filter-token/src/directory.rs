//! Who tokens belong to.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use wireloom_codecs::units::Secret;

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
    /// Who there is, and their tokens.
    pub fn new(tokens: BTreeMap<String, Secret>, takes: Duration) -> Self {
        let tokens = tokens.into_iter().map(|(who, token)| (token.expose().to_owned(), who.into()));
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
