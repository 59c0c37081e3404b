//! The portolan command.
