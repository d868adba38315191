//! Sources that find the endpoints of clusters: DNS.
//!
//! What a source is, and what becomes of its updates, is [`wireloom_cluster::Source`]'s to say.
//!
//! * `dns`: when a name is looked up, and what is kept of an answer;
//! * `query`: the questions that one lookup takes, over hickory's resolver;
//! * `srv`: priorities and weights of SRV records as endpoints have them.

mod dns;
mod query;
mod srv;

pub use dns::dns;

#[cfg(test)]
mod tests;
