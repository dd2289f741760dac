//! The kinds of findings: what each is called, why it matters and what to write instead.

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lint {
    /// The policy does not load.
    NotAccepted,
    /// A regular expression matches within a text.
    UnanchoredExpression,
    /// An expression matches everybody.
    MatchesAnyone,
    /// A star where nothing but the text itself is compared.
    LiteralStar,
    /// A glob with a tag.
    GlobByTag,
    /// A glob that begins with another name of Docker Hub.
    GlobOfDockerIo,
    /// PEM blocks behind the first.
    FurtherKeys,
    /// A key that is none.
    UnusableKey,
    /// `keyless.ca-cert`.
    CaCert,
    /// `ctlog` of v1beta1 without a URL.
    LostLog,
    /// A policy that admits without evidence.
    AcceptsUnsigned,
    /// No policy can deny.
    OnlyWarns,
    /// An image without wildcard and tag.
    ImageWithoutWildcard,
    /// `urlPrefix` where `url_prefix` is read.
    UrlPrefixSpelling,
    /// A URL prefix that nothing begins with.
    DeadPrefix,
    /// A demand of nobody, which is always refused.
    EmptyDemand,
    /// A list of which nothing is demanded.
    NothingDemanded,
    /// More alternatives demanded than listed.
    TooManyMatches,
    /// Two kinds in one entry.
    SeveralKinds,
    /// Settings that rewrite in a policy that may not.
    MayNotRewrite,
    /// A scope that no image has.
    DeadScope,
    /// An identity comparison that cosign's signatures do not meet.
    IdentityByTag,
    /// Names no image of the archive.
    CoversNoImage,
    /// Nobody with this identity signed.
    DeadIdentity,
    /// Nobody with this key signed.
    DeadKey,
}

impl Lint {
    /// Every kind.
    pub const ALL: [Self; 25] = [
        Self::NotAccepted,
        Self::UnanchoredExpression,
        Self::MatchesAnyone,
        Self::LiteralStar,
        Self::GlobByTag,
        Self::GlobOfDockerIo,
        Self::FurtherKeys,
        Self::UnusableKey,
        Self::CaCert,
        Self::LostLog,
        Self::AcceptsUnsigned,
        Self::OnlyWarns,
        Self::ImageWithoutWildcard,
        Self::UrlPrefixSpelling,
        Self::DeadPrefix,
        Self::EmptyDemand,
        Self::NothingDemanded,
        Self::TooManyMatches,
        Self::SeveralKinds,
        Self::MayNotRewrite,
        Self::DeadScope,
        Self::IdentityByTag,
        Self::CoversNoImage,
        Self::DeadIdentity,
        Self::DeadKey,
    ];

    /// Its stable name.
    pub fn code(self) -> &'static str {
        self.told().0
    }

    /// Why it matters.
    pub fn why(self) -> &'static str {
        self.told().1
    }

    /// What to write instead.
    pub fn remedy(self) -> &'static str {
        self.told().2
    }

    fn told(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::NotAccepted => (
                "not-accepted",
                "sealift judges nothing by this file",
                "correct what is named; the reason is the one that `verify` gives",
            ),
            Self::UnanchoredExpression => (
                "unanchored-expression",
                "it is looked for anywhere in the text, so a longer text of somebody else holds it \
                 too",
                "write ^ before it and $ behind it, and \\. for a dot",
            ),
            Self::MatchesAnyone => (
                "matches-anyone",
                "everybody can have a certificate; only who is named in it makes a difference",
                "name the signer, in full or by an expression from ^ to $",
            ),
            Self::LiteralStar => (
                "literal-star",
                "the text is compared as it is: only a certificate with a star in it has it",
                "write the whole text, or use the field for expressions or prefixes where the \
                 format has one",
            ),
            Self::GlobByTag => (
                "glob-by-tag",
                "in a cluster every image is asked for by its digest, without the tag: this glob \
                 matches none there",
                "end the glob in `@*`, `*` or `**`",
            ),
            Self::GlobOfDockerIo => (
                "glob-of-docker-io",
                "policy-controller calls Docker Hub `index.docker.io`: this glob matches nothing \
                 there",
                "write `index.docker.io/`, with `library/` for official images",
            ),
            Self::FurtherKeys => (
                "further-keys-ignored",
                "only the first block is read: the other keys count for nothing",
                "write an authority or entry of its own for each key",
            ),
            Self::UnusableKey => (
                "unusable-key",
                "nobody can sign with it, so what demands it is never met",
                "write a public key in PEM, of RSA, ECDSA or Ed25519",
            ),
            Self::CaCert => (
                "ca-cert-never-met",
                "policy-controller accepts the field and then refuses every image",
                "put the certificate into a TrustRoot and name that in `trustRootRef`",
            ),
            Self::LostLog => (
                "ctlog-lost",
                "a cluster drops a `ctlog` without `url` from v1beta1, and then looks at no log; \
                 sealift keeps it",
                "write `apiVersion: policy.sigstore.dev/v1alpha1`, or add `url`",
            ),
            Self::AcceptsUnsigned => (
                "accepts-unsigned",
                "what it covers is admitted without any signature",
                "demand a signer, or make sure that it covers nothing but what you mean",
            ),
            Self::OnlyWarns => (
                "only-warns",
                "nothing can be denied by it",
                "set the mode to enforce (Kubewarden: protect) once the warnings are gone",
            ),
            Self::ImageWithoutWildcard => (
                "image-without-wildcard",
                "it matches only an image written exactly so, without tag and digest; any other is \
                 accepted unverified by Kubewarden",
                "write `/*` or `:*` behind it",
            ),
            Self::UrlPrefixSpelling => (
                "url-prefix-spelling",
                "Kubewarden reads only `url_prefix` here and refuses the settings; sealift reads \
                 both",
                "write `url_prefix`",
            ),
            Self::DeadPrefix => (
                "prefix-never-matches",
                "a slash is added to its path, and no subject goes on after that",
                "end the prefix at a folder, such as `https://github.com/owner/repository/`",
            ),
            Self::EmptyDemand => (
                "empty-demand",
                "nobody is named, so every image it covers is refused",
                "name who must have signed, or remove the entry",
            ),
            Self::NothingDemanded => (
                "nothing-demanded",
                "nothing in it could ever refuse an image",
                "list who must have signed; `minimumMatches` is at least 1",
            ),
            Self::TooManyMatches => (
                "too-many-matches",
                "more signatures are demanded than are listed, so every image is refused",
                "set `minimumMatches` to at most the number of `signatures`",
            ),
            Self::SeveralKinds => (
                "several-kinds",
                "Kubewarden reads one kind of an entry and drops the others without a word",
                "write an entry of its own for each kind",
            ),
            Self::MayNotRewrite => (
                "may-not-rewrite",
                "the policy server rejects what a policy would rewrite and may not: every image \
                 that is well signed and has no digest",
                "set `mutating: true`, or `modifyImagesWithDigest: false`",
            ),
            Self::DeadScope => (
                "scope-never-hit",
                "images are looked up by their names in full, and none has this scope",
                "write `docker.io/library/NAME`, a host with a path, or `*.DOMAIN`",
            ),
            Self::IdentityByTag => (
                "signed-identity-by-tag",
                "cosign signs the repository alone, without tag and digest: none of its signatures \
                 meets this comparison",
                "write `\"signedIdentity\": {\"type\": \"matchRepository\"}`",
            ),
            Self::CoversNoImage => (
                "covers-no-image",
                "it has no part in the judgement of this archive",
                "compare it with the names that `sealift inspect` shows",
            ),
            Self::DeadIdentity => (
                "dead-identity",
                "no verified evidence of an image it covers is by this identity",
                "remove it if nobody signs so any longer, or compare its spelling with \
                 `sealift inspect`",
            ),
            Self::DeadKey => (
                "dead-key",
                "no verified evidence of an image it covers is by this key",
                "remove it if nobody signs with it any longer",
            ),
        }
    }
}
