//! The forms of evidence that are accepted, one small archive each.
