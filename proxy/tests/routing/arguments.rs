//! Routing by arguments.
