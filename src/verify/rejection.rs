//! A *rejection*: why a piece of evidence proves nothing.

/// Why a piece of evidence proves nothing. The code is stable; the detail is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    code: Code,
    detail: String,
}

impl Rejection {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// Its stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What was expected and what was found.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// A stable code of a rejection; `docs/rejections.md` has a section for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The signature does not verify.
    SignatureInvalid,
}

impl Code {
    /// Its name in reports, kebab-case.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignatureInvalid => "signature-invalid",
        }
    }
}
