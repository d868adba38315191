//! Answers that have no ids, held back until those before them are there.

use std::collections::VecDeque;

/// The turns of a connection's requests, oldest first, with what is there of their answers.
///
/// Bounded by whoever takes turns: one is open for every request that was read and not yet answered.
#[derive(Debug)]
pub(crate) struct Order<T> {
    /// The oldest open turn.
    first: u64,
    answers: VecDeque<Option<T>>,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self {
            first: 0,
            answers: VecDeque::new(),
        }
    }
}

impl<T> Order<T> {
    /// The next request's turn.
    pub(crate) fn take_turn(&mut self) -> u64 {
        self.answers.push_back(None);
        self.first + (self.answers.len() as u64 - 1)
    }

    /// The answer to the request of that turn is there.
    pub(crate) fn fill(&mut self, turn: u64, answer: T) {
        let at = turn
            .checked_sub(self.first)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(slot) = at.and_then(|at| self.answers.get_mut(at)) {
            *slot = Some(answer);
        }
    }

    /// The answer to the oldest request, if it is there.
    pub(crate) fn next(&mut self) -> Option<T> {
        let answer = self.answers.front_mut()?.take()?;
        self.answers.pop_front();
        self.first += 1;
        Some(answer)
    }

    /// Requests that have not been answered.
    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_leave_in_the_order_of_their_requests() {
        let mut order = Order::default();
        let turns: Vec<u64> = (0..3).map(|_| order.take_turn()).collect();
        order.fill(turns[2], 'c');
        order.fill(turns[1], 'b');
        assert_eq!((order.next(), order.len()), (None, 3));
        order.fill(turns[0], 'a');
        let next = order.take_turn();
        let left: Vec<char> = std::iter::from_fn(|| order.next()).collect();
        assert_eq!((left, order.len()), (vec!['a', 'b', 'c'], 1));
        // Whoever is answered already has no turn.
        order.fill(turns[0], 'x');
        assert_eq!(order.next(), None);
        order.fill(next, 'd');
        assert_eq!((order.next(), order.len()), (Some('d'), 0));
    }
}
