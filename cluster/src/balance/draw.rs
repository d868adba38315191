//! Drawing a member at random, by weight.

use rand::RngExt;
use rand::rngs::SmallRng;

use crate::{Members, Tried};

/// A member with the probability of its weight among those that are neither in `tried` nor at `except`; None if all
/// of these have weight 0. Constant time for equal weights, a binary search for others, a scan once something was tried.
pub(super) fn draw(
    members: &Members,
    tried: &Tried,
    except: Option<usize>,
    rng: &mut SmallRng,
) -> Option<usize> {
    if !tried.is_empty() {
        return scan(members, tried, except, rng);
    }
    if members.is_uniform() {
        let count = members.len() - usize::from(except.is_some());
        if count == 0 {
            return None;
        }
        let index = rng.random_range(0..count);
        // Skipping over the excepted one keeps the others equally likely.
        return Some(index + usize::from(except.is_some_and(|except| index >= except)));
    }
    let hole = except.and_then(|except| Some((except, members.get(except)?.weight)));
    let total = members.total_weight() - hole.map_or(0, |(_, weight)| u64::from(weight));
    if total == 0 {
        return None;
    }
    let mut point = rng.random_range(0..total);
    if let Some((except, weight)) = hole
        && point >= members.before(except)
    {
        point += u64::from(weight);
    }
    Some(members.at(point))
}

fn scan(
    members: &Members,
    tried: &Tried,
    except: Option<usize>,
    rng: &mut SmallRng,
) -> Option<usize> {
    let allowed = || {
        members
            .iter()
            .enumerate()
            .filter(|(index, member)| Some(*index) != except && !tried.contains(&member.endpoint))
            .map(|(index, member)| (index, u64::from(member.weight)))
    };
    let total: u64 = allowed().map(|(_, weight)| weight).sum();
    if total == 0 {
        return None;
    }
    let mut point = rng.random_range(0..total);
    for (index, weight) in allowed() {
        match point.checked_sub(weight) {
            Some(rest) => point = rest,
            None => return Some(index),
        }
    }
    None
}
