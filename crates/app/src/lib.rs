//! The skeleton every process shares: flags and environment, logs, metrics, health, shutdown.
