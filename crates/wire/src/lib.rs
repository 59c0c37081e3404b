//! The GraphQL contract, both directions, written once.
