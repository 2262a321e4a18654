//! A thing and what it was a while ago, for reads that lag (FACTS 56).

use crate::clock::Millis;

/// The states of one thing over time; `None` is a time when it was not there.
#[derive(Clone, Debug)]
pub(crate) struct Past<T> {
    states: Vec<(Millis, Option<T>)>,
    /// Whether states before the first were forgotten.
    forgot: bool,
}

impl<T> Default for Past<T> {
    fn default() -> Self {
        Self { states: Vec::new(), forgot: false }
    }
}

impl<T> Past<T> {
    /// As it is.
    pub(crate) fn now(&self) -> Option<&T> {
        self.states.last()?.1.as_ref()
    }

    /// As it was at `time`.
    pub(crate) fn at(&self, time: Millis) -> Option<&T> {
        let later = self.states.partition_point(|(from, _)| *from <= time);
        let index = match later {
            0 if self.forgot => 0,
            0 => return None,
            later => later - 1,
        };
        self.states[index].1.as_ref()
    }

    /// When it went, where it is not there now but was.
    pub(crate) fn gone_since(&self) -> Option<Millis> {
        match self.states.last() {
            Some((since, None)) => Some(*since),
            _ => None,
        }
    }

    /// From `time` on it is `state`. What was over for longer than `horizon` is forgotten.
    pub(crate) fn set(&mut self, time: Millis, state: Option<T>, horizon: Millis) {
        self.states.push((time, state));
        let limit = time.saturating_sub(horizon);
        let keep = self.states.partition_point(|(from, _)| *from <= limit).saturating_sub(1);
        if keep > 0 {
            self.states.drain(..keep);
            self.forgot = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_holds_until_the_next() {
        let mut past = Past::default();
        assert_eq!((past.now(), past.at(5)), (None, None));
        past.set(10, Some("a"), 100);
        past.set(20, Some("b"), 100);
        past.set(30, None, 100);
        assert_eq!(
            [9, 10, 19, 20, 29, 30].map(|at| past.at(at).copied()),
            [None, Some("a"), Some("a"), Some("b"), Some("b"), None]
        );
        assert_eq!((past.now(), past.gone_since()), (None, Some(30)));
        past.set(40, Some("c"), 100);
        assert_eq!((past.now(), past.gone_since()), (Some(&"c"), None));
    }

    #[test]
    fn what_is_long_over_is_forgotten_and_the_oldest_known_stands_for_it() {
        let mut past = Past::default();
        for time in 0..1000 {
            past.set(time, Some(time), 10);
        }
        assert_eq!(past.states.len(), 11);
        assert_eq!((past.at(995), past.at(3)), (Some(&995), Some(&989)));
    }
}
