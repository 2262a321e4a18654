//! Labels of versions: what `GetParameter` gives by `name:label` in source and target.

mod crashes;
mod emulated;
mod events;
mod limits;
mod random;
mod recreated;
mod stage;
