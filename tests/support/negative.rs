//! Evidence that is wrong in one way.
