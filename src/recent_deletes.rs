//! The parameters that this process deleted in the last 30 s.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::domain::{Location, ParameterName, Timestamp};

/// AWS asks for 30 s between the deletion of a parameter and the creation of one with its name.
pub const PAUSE_AFTER_DELETE: Duration = Duration::from_secs(30);

/// The parameters that this process deleted in the last 30 s. A create of such a name must wait.
#[derive(Debug, Default)]
pub struct RecentDeletes(Mutex<HashMap<(Location, ParameterName), Timestamp>>);

impl RecentDeletes {
    /// Remembers a deletion.
    pub fn remember(&self, location: Location, name: ParameterName, now: Timestamp) {
        let mut deleted = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        deleted.retain(|_, at| now.since(*at) < PAUSE_AFTER_DELETE);
        deleted.insert((location, name), now);
    }

    /// How long a create of this name must still wait.
    pub fn pause_before_create(
        &self,
        location: &Location,
        name: &ParameterName,
        now: Timestamp,
    ) -> Duration {
        let deleted = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        deleted
            .get(&(location.clone(), name.clone()))
            .map_or(Duration::ZERO, |at| PAUSE_AFTER_DELETE.saturating_sub(now.since(*at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, Region};

    fn location() -> Location {
        Location {
            account: AccountId::parse("111122223333").expect("an id"),
            region: Region::parse("us-east-1").expect("a Region"),
        }
    }

    #[test]
    fn a_create_waits_until_thirty_seconds_after_a_delete() {
        let deletes = RecentDeletes::default();
        let location = location();
        let (name, other) = (ParameterName::new("/a"), ParameterName::new("/b"));
        deletes.remember(location.clone(), name.clone(), Timestamp::from_millis(1_000));
        let pause = |name, millis| {
            deletes.pause_before_create(&location, name, Timestamp::from_millis(millis))
        };
        assert_eq!(pause(&name, 11_000), Duration::from_secs(20));
        assert_eq!(pause(&name, 31_000), Duration::ZERO);
        assert_eq!(pause(&other, 1_000), Duration::ZERO);
    }

    #[test]
    fn a_delete_is_remembered_beside_others_for_as_long_as_a_create_must_wait() {
        let deletes = RecentDeletes::default();
        let location = location();
        let at = Timestamp::from_millis;
        let [first, second, third] = ["/a", "/b", "/c"].map(ParameterName::new);
        let pause = |name, now| deletes.pause_before_create(&location, name, now);
        deletes.remember(location.clone(), first.clone(), at(0));
        deletes.remember(location.clone(), second.clone(), at(20_000));
        assert_eq!(pause(&first, at(20_000)), Duration::from_secs(10));
        assert_eq!(pause(&second, at(20_000)), PAUSE_AFTER_DELETE);
        // Old entries are dropped: a process may live for weeks.
        deletes.remember(location.clone(), third.clone(), at(30_000));
        assert_eq!(pause(&second, at(30_000)), Duration::from_secs(20));
        assert_eq!(deletes.0.lock().expect("no panic").len(), 2);
    }
}
