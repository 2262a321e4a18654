//! A topic for digests, with a queue that subscribes to it.

use serde_json::Value;

use super::Emulator;

/// A topic and its queue, in the hub's own account.
pub(crate) struct Topic {
    emulator: &'static Emulator,
    pub(crate) arn: String,
    queue: String,
}

impl Topic {
    /// A new one. The queue gets what `filter` matches, as a subscription's filter policy has it; `{}` is everything.
    pub(crate) fn new(emulator: &'static Emulator, filter: &Value) -> Self {
        let made = emulator.aside(&["topic", &filter.to_string()]);
        let text = |field: &str| made[field].as_str().expect("the script tells it").to_owned();
        Self { emulator, arn: text("arn"), queue: text("queue") }
    }

    /// The notifications that came since they were last taken, as the queue gets them.
    pub(crate) fn take(&self) -> Vec<Value> {
        serde_json::from_value(self.emulator.aside(&["messages", &self.queue])).expect("a list")
    }
}
