//! A value and its earlier states, for reads that lag (FACTS 56).

use crate::clock::Millis;

/// The states of a value over time. `None` means that the value did not exist at that time.
#[derive(Clone, Debug)]
pub(crate) struct Timeline<T> {
    states: Vec<(Millis, Option<T>)>,
    /// Whether states older than the first one were dropped.
    dropped: bool,
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self { states: Vec::new(), dropped: false }
    }
}

impl<T> Timeline<T> {
    /// The current state.
    pub(crate) fn now(&self) -> Option<&T> {
        self.states.last()?.1.as_ref()
    }

    /// The state at `time`.
    pub(crate) fn at(&self, time: Millis) -> Option<&T> {
        let later = self.states.partition_point(|(from, _)| *from <= time);
        let index = match later {
            0 if self.dropped => 0,
            0 => return None,
            later => later - 1,
        };
        self.states[index].1.as_ref()
    }

    /// The time of the deletion, if the value existed and is deleted now.
    pub(crate) fn gone_since(&self) -> Option<Millis> {
        match self.states.last() {
            Some((since, None)) => Some(*since),
            _ => None,
        }
    }

    /// Sets the state from `time` on. States that ended more than `horizon` before `time` are dropped.
    pub(crate) fn set(&mut self, time: Millis, state: Option<T>, horizon: Millis) {
        self.states.push((time, state));
        let limit = time.saturating_sub(horizon);
        let keep = self.states.partition_point(|(from, _)| *from <= limit).saturating_sub(1);
        if keep > 0 {
            self.states.drain(..keep);
            self.dropped = true;
        }
    }

    /// Changes the value from `time` on. Returns whether the value exists.
    pub(crate) fn change(
        &mut self,
        time: Millis,
        horizon: Millis,
        change: impl FnOnce(&mut T),
    ) -> bool
    where
        T: Clone,
    {
        let Some(mut state) = self.now().cloned() else { return false };
        change(&mut state);
        self.set(time, Some(state), horizon);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_valid_until_the_next_state() {
        let mut timeline = Timeline::default();
        assert_eq!((timeline.now(), timeline.at(5)), (None, None));
        timeline.set(10, Some("a"), 100);
        timeline.set(20, Some("b"), 100);
        timeline.set(30, None, 100);
        assert_eq!(
            [9, 10, 19, 20, 29, 30].map(|at| timeline.at(at).copied()),
            [None, Some("a"), Some("a"), Some("b"), Some("b"), None]
        );
        assert_eq!((timeline.now(), timeline.gone_since()), (None, Some(30)));
        timeline.set(40, Some("c"), 100);
        assert_eq!((timeline.now(), timeline.gone_since()), (Some(&"c"), None));
    }

    #[test]
    fn old_states_are_dropped_and_the_oldest_kept_state_answers_for_them() {
        let mut timeline = Timeline::default();
        for time in 0..1000 {
            timeline.set(time, Some(time), 10);
        }
        assert_eq!(timeline.states.len(), 11);
        assert_eq!((timeline.at(995), timeline.at(3)), (Some(&995), Some(&989)));
    }
}
