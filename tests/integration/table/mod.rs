//! What the hub writes into its table, beside the states of routes.

mod accounts;
mod allowances;
mod canary;
mod deliveries;
mod emulated;
mod finish;
mod held;
mod stage;
mod sweeps;
