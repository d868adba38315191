//! The calls under way on a connection: what an answer must fit, and whose it is.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use wireloom_codecs::{ErrorKind, Kind, LocalError, Str};

use crate::decode::malformed;
use crate::fixed::Fixed;
use crate::types::Transport;

/// The calls under way.
#[derive(Debug)]
pub(crate) enum Calls {
    /// Downstream, behind THeader and TTHeader: the requests that are not answered, in their order, which their answers keep.
    Asked(VecDeque<Asked>),
    /// Upstream, one at a time, and those before it.
    One(Option<Sent>, Past),
    /// Upstream, many at a time: a hash of each one's method by its id, which is its seqid. The method itself would keep its
    /// request's frame in memory until an answer comes that may never come. A call that timed out stays, as its slot does in the driver, so
    /// there are no more of them than slots.
    Many(HashMap<u32, u64>),
}

/// What of a request its answer repeats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    outer: u32,
    /// The message's own, which may be another.
    pub(crate) inner: u32,
    /// TTHeader: the message had a length of its own.
    pub(crate) framed_again: bool,
}

/// The call that was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    id: u32,
    inner: u32,
    method: Str,
}

/// The last calls of a connection with one at a time, a bit for each id.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Past {
    /// One-way ones. They may go out as calls that are answered, for clients that write them so, and a server that does answer them
    /// is not to be taken to answer the call behind them.
    one_way: u128,
    /// All of them. An answer under the id of one is not another's, though the message itself has the seqid that a client
    /// gives to all that it asks.
    sent: u128,
}

impl Past {
    const fn bit(id: u32) -> u128 {
        match id {
            0..128 => 1 << id,
            _ => 0,
        }
    }

    fn set(&mut self, id: u32, one_way: bool) {
        self.sent |= Self::bit(id);
        self.forget(id);
        if one_way {
            self.one_way |= Self::bit(id);
        }
    }

    /// The call is no one-way one that an answer may come to.
    fn forget(&mut self, id: u32) {
        self.one_way &= !Self::bit(id);
    }

    const fn is_one_way(self, id: u32) -> bool {
        self.one_way & Self::bit(id) != 0
    }

    /// True if an answer under `outer` is to one of them, and not to `now`.
    const fn is_anothers(self, outer: u32, now: &Sent) -> bool {
        outer != now.id && outer != now.inner && self.sent & Self::bit(outer) != 0
    }
}

/// Whose an answer is.
#[derive(Debug)]
pub(crate) enum Fit {
    /// The call's with this id.
    Good(u32),
    /// A call's, but it is not the one that was asked for.
    Bad(LocalError),
    /// To the one-way call with this id, for which nobody waits.
    Unwanted(u32),
    /// Nobody's.
    Stray,
}

fn hash(method: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    method.hash(&mut hasher);
    hasher.finish()
}

fn wrong_method() -> LocalError {
    malformed("the answer names another method than the call")
}

impl Calls {
    /// A request came.
    pub(crate) fn asked(&mut self, kind: Kind, fixed: &Fixed) {
        let headed = matches!(
            fixed.dialect.transport,
            Transport::Header | Transport::TtHeader
        );
        if let Self::Asked(asked) = self
            && headed
            && kind != Kind::OneWay
        {
            asked.push_back(Asked {
                outer: fixed.outer,
                inner: fixed.inner,
                framed_again: fixed.framed_again,
            });
        }
    }

    /// The request that is answered now, under `outer`, if its headers were more than the message itself.
    pub(crate) fn answered(&mut self, outer: u32) -> Option<Asked> {
        match self {
            Self::Asked(asked) => asked.pop_front().filter(|asked| asked.outer == outer),
            Self::One(..) | Self::Many(_) => None,
        }
    }

    /// A call was written under these seqids; or a one-way one, to which nothing is the answer.
    pub(crate) fn sent(&mut self, id: u32, inner: u32, call: Option<&Str>) {
        match (self, call) {
            (Self::One(sent, past), call) => {
                past.set(id, call.is_none());
                *sent = call.map(|method| Sent {
                    id,
                    inner,
                    method: method.clone(),
                });
            }
            (Self::Many(calls), Some(method)) => {
                calls.insert(id, hash(method.as_bytes()));
            }
            (Self::Many(_) | Self::Asked(_), _) => {}
        }
    }

    /// Whose the answer under these seqids is, which may be to either of the `methods`.
    pub(crate) fn fit(&self, outer: u32, inner: u32, methods: [&[u8]; 2]) -> Fit {
        match self {
            Self::One(Some(sent), past) => {
                // Behind THeader a server may repeat either of the two.
                let neither = outer != sent.id && inner != sent.inner;
                if neither || past.is_anothers(outer, sent) {
                    if past.is_one_way(outer) {
                        return Fit::Unwanted(outer);
                    }
                    let what = format!(
                        "the answer has seqid {}, the call had {}",
                        inner.cast_signed(),
                        sent.inner.cast_signed()
                    );
                    return Fit::Bad(LocalError::new(ErrorKind::Malformed, what));
                }
                if !methods.contains(&sent.method.as_bytes()) {
                    return Fit::Bad(wrong_method());
                }
                Fit::Good(sent.id)
            }
            Self::Many(calls) => {
                let call = |id| calls.get(&id).map(|method| (id, *method));
                match call(outer).or_else(|| call(inner)) {
                    Some((id, of)) if methods.map(hash).contains(&of) => Fit::Good(id),
                    Some(_) => Fit::Bad(wrong_method()),
                    None => Fit::Stray,
                }
            }
            Self::One(None, past) if past.is_one_way(outer) => Fit::Unwanted(outer),
            Self::One(None, _) | Self::Asked(_) => Fit::Stray,
        }
    }

    /// An answer came that nobody can use: whose it is, as far as that can be told.
    pub(crate) fn blamed(&self, outer: u32, inner: u32) -> Option<u32> {
        match self {
            Self::One(sent, _) => sent.as_ref().map(|sent| sent.id),
            Self::Many(calls) => [outer, inner].into_iter().find(|id| calls.contains_key(id)),
            Self::Asked(_) => None,
        }
    }

    /// The call was answered.
    pub(crate) fn done(&mut self, id: u32) {
        match self {
            Self::One(sent, past) => {
                past.forget(id);
                if sent.as_ref().is_some_and(|sent| sent.id == id) {
                    *sent = None;
                }
            }
            Self::Many(calls) => {
                calls.remove(&id);
            }
            Self::Asked(_) => {}
        }
    }

    /// True if answers are looked up.
    pub(crate) const fn are_many(&self) -> bool {
        matches!(self, Self::Many(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_answer_to_the_call_before_is_not_the_next_ones() {
        // Behind THeader, from a client that gives all its messages the seqid 900.
        let mut calls = Calls::One(None, Past::default());
        let method = Str::from_static("plus");
        let fit = |calls: &Calls, outer, inner| calls.fit(outer, inner, [b"plus", b"plus"]);
        calls.sent(2, 900, Some(&method));
        assert!(matches!(fit(&calls, 2, 900), Fit::Good(2)));
        calls.done(2);
        calls.sent(4, 900, Some(&method));
        assert!(matches!(fit(&calls, 2, 900), Fit::Bad(_)));
        // A server may repeat either seqid, or have none of its own.
        for (outer, inner) in [(4, 900), (900, 900), (4, 4), (0, 900)] {
            assert!(matches!(fit(&calls, outer, inner), Fit::Good(4)), "{outer}");
        }
    }
}
