//! The kinds of findings: what each is called, why it matters and what to write instead.

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lint {
    code: &'static str,
    why: &'static str,
    remedy: &'static str,
}

impl Lint {
    /// Its stable name.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// Why it matters.
    pub fn why(self) -> &'static str {
        self.why
    }

    /// What to write instead.
    pub fn remedy(self) -> &'static str {
        self.remedy
    }

    /// The policy does not load.
    pub const NOT_ACCEPTED: Self = Self {
        code: "not-accepted",
        why: "sealift judges nothing by this file",
        remedy: "correct what is named; the reason is the one that `verify` gives",
    };

    /// A regular expression matches within a text.
    pub const UNANCHORED_EXPRESSION: Self = Self {
        code: "unanchored-expression",
        why: "it is looked for anywhere in the text, so a longer text of somebody else holds \
            it too",
        remedy: "write ^ before it and $ behind it, and \\. for a dot",
    };

    /// An expression matches everybody.
    pub const MATCHES_ANYONE: Self = Self {
        code: "matches-anyone",
        why: "everybody can have a certificate; only who is named in it makes a difference",
        remedy: "name the signer, in full or by an expression from ^ to $",
    };

    /// A star where nothing but the text itself is compared.
    pub const LITERAL_STAR: Self = Self {
        code: "literal-star",
        why: "the text is compared as it is: only a certificate with a star in it has it",
        remedy: "write the whole text, or use the field for expressions or prefixes where the \
            format has one",
    };

    /// A glob with a tag.
    pub const GLOB_BY_TAG: Self = Self {
        code: "glob-by-tag",
        why: "in a cluster every image is asked for by its digest, without the tag: this \
            glob matches none there",
        remedy: "end the glob in `@*`, `*` or `**`",
    };

    /// A glob that begins with another name of Docker Hub.
    pub const GLOB_OF_DOCKER_IO: Self = Self {
        code: "glob-of-docker-io",
        why: "policy-controller calls Docker Hub `index.docker.io`: this glob matches \
            nothing there",
        remedy: "write `index.docker.io/`, with `library/` for official images",
    };

    /// PEM blocks behind the first.
    pub const FURTHER_KEYS: Self = Self {
        code: "further-keys-ignored",
        why: "only the first block is read: the other keys count for nothing",
        remedy: "write an authority or entry of its own for each key",
    };

    /// A key that is none.
    pub const UNUSABLE_KEY: Self = Self {
        code: "unusable-key",
        why: "nobody can sign with it, so what demands it is never met",
        remedy: "write a public key in PEM, of RSA, ECDSA or Ed25519",
    };

    /// `keyless.ca-cert`.
    pub const CA_CERT: Self = Self {
        code: "ca-cert-never-met",
        why: "policy-controller accepts the field and then refuses every image",
        remedy: "put the certificate into a TrustRoot and name that in `trustRootRef`",
    };

    /// `ctlog` of v1beta1 without a URL.
    pub const LOST_LOG: Self = Self {
        code: "ctlog-lost",
        why: "a cluster drops a `ctlog` without `url` from v1beta1, and then looks at no \
            log; sealift keeps it",
        remedy: "write `apiVersion: policy.sigstore.dev/v1alpha1`, or add `url`",
    };

    /// A policy that admits without evidence.
    pub const ACCEPTS_UNSIGNED: Self = Self {
        code: "accepts-unsigned",
        why: "what it covers is admitted without any signature",
        remedy: "demand a signer, or make sure that it covers nothing but what you mean",
    };

    /// No policy can deny.
    pub const ONLY_WARNS: Self = Self {
        code: "only-warns",
        why: "nothing can be denied by it",
        remedy: "set the mode to enforce (Kubewarden: protect) once the warnings are gone",
    };

    /// An image without wildcard and tag.
    pub const IMAGE_WITHOUT_WILDCARD: Self = Self {
        code: "image-without-wildcard",
        why: "it matches only an image written exactly so, without tag and digest; any other \
            is accepted unverified by Kubewarden",
        remedy: "write `/*` or `:*` behind it",
    };

    /// `urlPrefix` where `url_prefix` is read.
    pub const URL_PREFIX_SPELLING: Self = Self {
        code: "url-prefix-spelling",
        why: "Kubewarden reads only `url_prefix` here and refuses the settings; sealift reads both",
        remedy: "write `url_prefix`",
    };

    /// A URL prefix that nothing begins with.
    pub const DEAD_PREFIX: Self = Self {
        code: "prefix-never-matches",
        why: "a slash is added to its path, and no subject goes on after that",
        remedy: "end the prefix at a folder, such as `https://github.com/owner/repository/`",
    };

    /// A demand of nobody, which is always refused.
    pub const EMPTY_DEMAND: Self = Self {
        code: "empty-demand",
        why: "nobody is named, so every image it covers is refused",
        remedy: "name who must have signed, or remove the entry",
    };

    /// A list of which nothing is demanded.
    pub const NOTHING_DEMANDED: Self = Self {
        code: "nothing-demanded",
        why: "nothing in it could ever refuse an image",
        remedy: "list who must have signed; `minimumMatches` is at least 1",
    };

    /// More alternatives demanded than listed.
    pub const TOO_MANY_MATCHES: Self = Self {
        code: "too-many-matches",
        why: "more signatures are demanded than are listed, so every image is refused",
        remedy: "set `minimumMatches` to at most the number of `signatures`",
    };

    /// Two kinds in one entry.
    pub const SEVERAL_KINDS: Self = Self {
        code: "several-kinds",
        why: "Kubewarden reads one kind of an entry and drops the others without a word",
        remedy: "write an entry of its own for each kind",
    };

    /// Settings that rewrite in a policy that may not.
    pub const MAY_NOT_REWRITE: Self = Self {
        code: "may-not-rewrite",
        why: "the policy server rejects what a policy would rewrite and may not: every image \
            that is well signed and has no digest",
        remedy: "set `mutating: true`, or `modifyImagesWithDigest: false`",
    };

    /// A scope that no image has.
    pub const DEAD_SCOPE: Self = Self {
        code: "scope-never-hit",
        why: "images are looked up by their names in full, and none has this scope",
        remedy: "write `docker.io/library/NAME`, a host with a path, or `*.DOMAIN`",
    };

    /// An identity comparison that cosign's signatures do not meet.
    pub const IDENTITY_BY_TAG: Self = Self {
        code: "signed-identity-by-tag",
        why: "cosign signs the repository alone, without tag and digest: none of its \
            signatures meets this comparison",
        remedy: "write `\"signedIdentity\": {\"type\": \"matchRepository\"}`",
    };

    /// Names no image of the archive.
    pub const COVERS_NO_IMAGE: Self = Self {
        code: "covers-no-image",
        why: "it has no part in the judgement of this archive",
        remedy: "compare it with the names that `sealift inspect` shows",
    };

    /// Nobody with this identity signed.
    pub const DEAD_IDENTITY: Self = Self {
        code: "dead-identity",
        why: "no verified evidence of an image it covers is by this identity",
        remedy: "remove it if nobody signs so any longer, or compare its spelling with `sealift \
            inspect`",
    };

    /// Nobody with this key signed.
    pub const DEAD_KEY: Self = Self {
        code: "dead-key",
        why: "no verified evidence of an image it covers is by this key",
        remedy: "remove it if nobody signs with it any longer",
    };

    /// Every kind.
    pub const ALL: [Self; 25] = [
        Self::NOT_ACCEPTED,
        Self::UNANCHORED_EXPRESSION,
        Self::MATCHES_ANYONE,
        Self::LITERAL_STAR,
        Self::GLOB_BY_TAG,
        Self::GLOB_OF_DOCKER_IO,
        Self::FURTHER_KEYS,
        Self::UNUSABLE_KEY,
        Self::CA_CERT,
        Self::LOST_LOG,
        Self::ACCEPTS_UNSIGNED,
        Self::ONLY_WARNS,
        Self::IMAGE_WITHOUT_WILDCARD,
        Self::URL_PREFIX_SPELLING,
        Self::DEAD_PREFIX,
        Self::EMPTY_DEMAND,
        Self::NOTHING_DEMANDED,
        Self::TOO_MANY_MATCHES,
        Self::SEVERAL_KINDS,
        Self::MAY_NOT_REWRITE,
        Self::DEAD_SCOPE,
        Self::IDENTITY_BY_TAG,
        Self::COVERS_NO_IMAGE,
        Self::DEAD_IDENTITY,
        Self::DEAD_KEY,
    ];
}
