//! gRPC and Triple: names, statuses, timeouts.
