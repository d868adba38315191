//! The downstream driver alone.
