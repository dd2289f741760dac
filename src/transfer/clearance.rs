//! *Clearance*: the right to write into a registry.

use crate::policy::Admitted;

/// The right to push one image and what belongs to it. It can be had from an [`Admitted`] only, so
/// a mirror that forgot to verify does not type-check.
///
/// ```compile_fail,E0451
/// use sealift::transfer::Clearance;
///
/// fn forge(admitted: &sealift::policy::Admitted) -> Clearance<'_> {
///     Clearance { admitted }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clearance<'a> {
    admitted: &'a Admitted,
}

impl<'a> Clearance<'a> {
    /// For what `admitted` proves.
    pub fn of(admitted: &'a Admitted) -> Self {
        Self { admitted }
    }

    /// What it was given for.
    pub fn admitted(&self) -> &'a Admitted {
        self.admitted
    }
}
