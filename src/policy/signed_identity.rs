//! The *signed identity*: what the name of the image inside a signed payload must be
//! (containers-policy.json(5), `signedIdentity`).

use crate::oci::Reference;

/// What the name of the image inside a signed payload must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedIdentity {
    /// Any; also none.
    Any,
    /// The name that the image is asked for by (`matchExact`).
    Same,
    /// The same; where the image is asked for by digest, its repository suffices
    /// (`matchRepoDigestOrExact`).
    SameOrDigest,
    /// The repository that the image is asked for by (`matchRepository`).
    SameRepository,
    /// This name (`exactReference`).
    Reference(Reference),
    /// The repository of this name (`exactRepository`).
    Repository(Reference),
    /// As [`SameOrDigest`](Self::SameOrDigest), once the name is mapped (`remapIdentity`).
    Remapped(Remapping),
}

impl SignedIdentity {
    /// Whether an image that is asked for as `asked` may be signed as `signed`.
    pub fn accepts(&self, signed: Option<&str>, asked: Option<&Reference>) -> bool {
        if *self == Self::Any {
            return true;
        }
        let Some(signed) = signed.and_then(SignedName::parse) else { return false };
        match (self, asked) {
            (Self::Any, _) => true,
            (Self::Same, Some(asked)) => signed.is(asked),
            (Self::SameOrDigest, Some(asked)) => signed.is_or_by_digest(asked),
            (Self::SameRepository, Some(asked)) => signed.is_in_repository_of(asked),
            (Self::Remapped(remapping), Some(asked)) => {
                remapping.apply(asked).is_some_and(|asked| signed.is_or_by_digest(&asked))
            }
            (Self::Reference(wanted), _) => signed.is(wanted),
            (Self::Repository(wanted), _) => signed.is_in_repository_of(wanted),
            // An image without a name is the same as none.
            (Self::Same | Self::SameOrDigest | Self::SameRepository | Self::Remapped(_), None) => {
                false
            }
        }
    }
}

/// A name as it was signed. cosign signs the repository alone, which is no name of one image.
struct SignedName {
    reference: Reference,
    is_repository: bool,
}

impl SignedName {
    fn parse(text: &str) -> Option<Self> {
        let reference = text.parse().ok()?;
        Some(Self { reference, is_repository: is_repository(text) })
    }

    fn is(&self, asked: &Reference) -> bool {
        !self.is_repository && self.reference == *asked
    }

    /// That the digest is the image's own is proven elsewhere, so that here the repository decides.
    fn is_or_by_digest(&self, asked: &Reference) -> bool {
        match asked.tag() {
            Some(_) => self.is(asked),
            None => !self.is_repository && self.is_in_repository_of(asked),
        }
    }

    fn is_in_repository_of(&self, asked: &Reference) -> bool {
        self.reference.name() == asked.name()
    }
}

/// Whether a reference is written with neither tag nor digest.
pub(super) fn is_repository(text: &str) -> bool {
    let last = text.rsplit('/').next().unwrap_or(text);
    !text.contains('@') && !last.contains(':')
}

/// Where images of one place were signed as those of another (`remapIdentity`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remapping {
    prefix: String,
    signed_prefix: String,
}

impl Remapping {
    /// From `prefix` of names to `signed_prefix`: each a host with an optional port, alone or with a
    /// path below it.
    pub fn new(prefix: &str, signed_prefix: &str) -> Result<Self, InvalidPrefix> {
        for text in [prefix, signed_prefix] {
            // Whatever is below a prefix is a name.
            let below = format!("{text}/x").parse::<Reference>();
            let host = text.split('/').next().unwrap_or(text);
            if below.is_err() || text.contains('@') || host.is_empty() {
                return Err(InvalidPrefix { found: text.to_owned() });
            }
        }
        Ok(Self { prefix: prefix.to_owned(), signed_prefix: signed_prefix.to_owned() })
    }

    /// Whether the name is the prefix or below it.
    pub fn covers(&self, name: &Reference) -> bool {
        let name = name.name();
        let rest = name.strip_prefix(&self.prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The name as it was signed: unchanged where the prefix does not cover it; `None` where the
    /// result is no name in full.
    pub fn apply(&self, name: &Reference) -> Option<Reference> {
        if !self.covers(name) {
            return Some(name.clone());
        }
        let text = name.to_string();
        let text = format!("{}{}", self.signed_prefix, text.strip_prefix(&self.prefix)?);
        let mapped: Reference = text.parse().ok()?;
        let host = mapped.registry();
        let is_host = host.contains(['.', ':']) || host == "localhost";
        (is_host && mapped.to_string() == text).then_some(mapped)
    }
}

/// A text is no prefix of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no prefix of names: a host with an optional port, alone or with a path, and without \
     tag and digest",
    .found.escape_debug()
)]
pub struct InvalidPrefix {
    found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Reference {
        text.parse().unwrap()
    }

    /// An accepted name and what it is told apart from.
    #[test]
    fn each_form_accepts_its_own() {
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let tagged = "example.com/team/app:1";
        let by_digest = format!("example.com/team/app@{digest}");
        let signed = ["example.com/team/app:1", "example.com/team/app:2", "example.com/team/app"];
        let other = "example.com/team/app2:1";
        let remapping = Remapping::new("example.com/team", "example.com/team").unwrap();
        let cases = [
            (SignedIdentity::Any, tagged, [true, true, true]),
            (SignedIdentity::Same, tagged, [true, false, false]),
            (SignedIdentity::Same, &by_digest, [false, false, false]),
            (SignedIdentity::SameOrDigest, tagged, [true, false, false]),
            (SignedIdentity::SameOrDigest, &by_digest, [true, true, false]),
            (SignedIdentity::SameRepository, tagged, [true, true, true]),
            (SignedIdentity::SameRepository, &by_digest, [true, true, true]),
            (SignedIdentity::Reference(name(tagged)), "x.example/y:3", [true, false, false]),
            (SignedIdentity::Repository(name(tagged)), "x.example/y:3", [true, true, true]),
            (SignedIdentity::Remapped(remapping.clone()), tagged, [true, false, false]),
            (SignedIdentity::Remapped(remapping), &by_digest, [true, true, false]),
        ];
        for (identity, asked, wanted) in cases {
            let asked = name(asked);
            let accepts = |signed| identity.accepts(Some(signed), Some(&asked));
            assert_eq!(signed.map(accepts), wanted, "{identity:?} {asked}");
            let is_any = identity == SignedIdentity::Any;
            assert_eq!(accepts(other), is_any, "{identity:?}");
            assert_eq!(identity.accepts(None, Some(&asked)), is_any, "{identity:?}");
        }
    }

    #[test]
    fn an_image_without_a_name_can_only_be_signed_as_what_the_policy_names() {
        let signed = Some("example.com/app:1");
        let wanted = name("example.com/app:1");
        assert!(SignedIdentity::Reference(wanted.clone()).accepts(signed, None));
        assert!(SignedIdentity::Repository(wanted).accepts(signed, None));
        let remapping = Remapping::new("example.com", "example.com").unwrap();
        let by_name = [
            SignedIdentity::Same,
            SignedIdentity::SameOrDigest,
            SignedIdentity::SameRepository,
            SignedIdentity::Remapped(remapping),
        ];
        assert!(by_name.iter().all(|identity| !identity.accepts(signed, None)));
    }

    #[test]
    fn what_is_no_prefix() {
        for text in ["", "/", "/a", "a.example/", "a.example//b", "a.example/x:tag", "a b", "*.a"] {
            let refused = Err(InvalidPrefix { found: text.to_owned() });
            assert_eq!(Remapping::new(text, "a.example"), refused);
            assert_eq!(Remapping::new("a.example", text), refused);
        }
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let text = format!("a.example/x@{digest}");
        assert_eq!(Remapping::new(&text, "b"), Err(InvalidPrefix { found: text.clone() }));
    }
}
