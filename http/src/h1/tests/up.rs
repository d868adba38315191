//! The upstream driver alone.
