//! Every cap on what input may ask of us, and where its number is from.
//!
//! A cap is met before memory is taken or work is done. What exceeds one is refused by the name of
//! the cap, so a user can tell a hostile archive from a large one.

/// The caps. [`Limits::default`] is what the command line uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one index, manifest, config, payload or trust root: 4 MiB, the manifest size the
    /// distribution spec asks registries to accept.
    pub metadata_bytes: u64,
    /// Bytes of one DSSE envelope or Sigstore bundle: 16 MiB. cosign reads up to 128 MiB
    /// (`COSIGN_MAX_ATTACHMENT_SIZE`); attestations in the field stay below 2 MiB.
    pub envelope_bytes: u64,
    /// Nesting of a JSON document we parse: 32; the deepest field format, in-toto SLSA provenance, has 12.
    pub json_depth: usize,
    /// Nesting of an attestation's predicate, which is carried, not read: 100, below the 128 that
    /// `serde_json` can read.
    pub predicate_depth: usize,
    /// Indexes inside indexes: 4; images in the field have 2.
    pub index_depth: usize,
    /// Descriptors in a whole layout, and their annotations, which are as dear: 100 000, twelve times
    /// the 200 images of 40 layers measured.
    pub descriptors: usize,
    /// Annotations on one descriptor or manifest: 100.
    pub annotations: usize,
    /// Bytes of one annotation: 64 KiB; a cosign certificate chain has about 10 KiB.
    pub annotation_bytes: usize,
    /// Layers of one `.sig` or `.att` manifest: 1000, cosign's own bound (CVE-2024-29903).
    pub signature_layers: usize,
    /// Members of a tar: 200 000, a blob and a directory for each descriptor.
    pub tar_members: usize,
    /// Volumes of a set: 500; all are open while they are read, and a process may open 1024 files.
    pub volumes: usize,
    /// Bytes of one PAX or GNU extension body: 8 KiB; a sha512 path has 141 bytes.
    pub tar_extension_bytes: u64,
    /// Bytes a compressed archive may grow to: 1 TiB; a gzip bomb meets the ratio below first.
    pub decompressed_bytes: u64,
    /// Output over input of a compressed archive, counted past the first 64 MiB of output: 200.
    /// Layers are compressed already; JSON reaches about 30.
    pub decompression_ratio: u64,
    /// Bytes of the window of a zstd frame: 128 MiB, what the reference decoder accepts
    /// (`ZSTD_WINDOWLOG_LIMIT_DEFAULT`, 27).
    pub zstd_window_bytes: u64,
    /// Bytes of metadata kept in memory from an archive that can only be read once: 64 MiB.
    pub stream_metadata_bytes: u64,
    /// Bytes of manifests (twice, for their reading) and of evidence held in memory while an archive
    /// is judged: 128 MiB, 75 images with the largest attestations measured (1.7 MB, SLSA provenance).
    pub inventory_bytes: u64,
    /// Signatures, attestations and bundles of one archive: 10 000, fifty times the 200 signed images
    /// measured. Judging one takes about a millisecond, so this is the cap on time; by a clock the
    /// verdict would depend on the machine.
    pub evidence_pieces: usize,
    /// Log entries of one bundle: 32, as sigstore-go has it.
    pub tlog_entries: usize,
    /// Signed timestamps of one bundle: 32, as sigstore-go has it.
    pub timestamps: usize,
    /// Subjects of one in-toto statement: 1024, as sigstore-go has it.
    pub statement_subjects: usize,
    /// Digests of one subject of a statement: 32, as sigstore-go has it.
    pub subject_digests: usize,
    /// Certificates of one chain: 8 (RUSTSEC-2023-0052, cost of path building).
    pub chain_certificates: usize,
    /// Bytes of one certificate in DER: 64 KiB; Fulcio's have about 1 KiB.
    pub certificate_bytes: usize,
    /// Hashes of one inclusion proof: 64, a log of 2^64 entries.
    pub proof_hashes: usize,
    /// Bytes of one checkpoint: 16 KiB.
    pub checkpoint_bytes: usize,
    /// Signature lines of one checkpoint: 32; the largest witness networks have about 15.
    pub checkpoint_signatures: usize,
    /// Bytes a regular expression may compile to: 1 MiB.
    pub regex_bytes: usize,
    /// Bytes of a policy file: 1 MiB.
    pub policy_bytes: u64,
    /// Bytes that a TUF repository inside a policy unpacks to: 16 MiB; the public one of Sigstore, with
    /// all its history, has about 4.
    pub tuf_repository_bytes: u64,
    /// Bytes of a file of Kubernetes objects or of an admission review: 16 MiB. An API server takes
    /// reviews of up to 3 MiB; a list of a thousand pods has about 10 MB.
    pub object_bytes: u64,
    /// Scalars, lists and maps of one document of such a file: a million; a pod has about 200.
    pub object_nodes: usize,
    /// Nesting of such a document: 40; a custom resource definition that spells out the affinity of a
    /// cron job's pods has 33, and 35 in a list.
    pub object_depth: usize,
    /// Nesting of the text of a policy in CUE: 96, three for every pair of braces; policies in the
    /// field have 15.
    pub cue_nesting: usize,
    /// Nesting of places and references while a policy in CUE is evaluated: 200, twice
    /// `predicate_depth`.
    pub cue_depth: usize,
    /// Combinations of alternatives kept at one place of a policy in CUE: 256; in the field 4.
    pub cue_alternatives: usize,
    /// Steps of one evaluation of a policy in CUE: 250 000, some 30 MB; policies in the field take
    /// some hundreds, and ten for each item of a list that they look into.
    pub cue_steps: u64,
    /// Steps of one evaluation of a policy in Rego: a million, about a second.
    pub rego_steps: u64,
    /// Brackets in one another in a Rego module: 8; in the field 5.
    pub rego_nesting: usize,
    /// Rules of a Rego module that refer to one another in a row: 16; in the field 4.
    pub rego_chain: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            metadata_bytes: 4 << 20,
            envelope_bytes: 16 << 20,
            json_depth: 32,
            predicate_depth: 100,
            index_depth: 4,
            descriptors: 100_000,
            annotations: 100,
            annotation_bytes: 64 << 10,
            signature_layers: 1000,
            tar_members: 200_000,
            volumes: 500,
            tar_extension_bytes: 8 << 10,
            decompressed_bytes: 1 << 40,
            decompression_ratio: 200,
            zstd_window_bytes: 128 << 20,
            stream_metadata_bytes: 64 << 20,
            inventory_bytes: 128 << 20,
            evidence_pieces: 10_000,
            tlog_entries: 32,
            timestamps: 32,
            statement_subjects: 1024,
            subject_digests: 32,
            chain_certificates: 8,
            certificate_bytes: 64 << 10,
            proof_hashes: 64,
            checkpoint_bytes: 16 << 10,
            checkpoint_signatures: 32,
            regex_bytes: 1 << 20,
            policy_bytes: 1 << 20,
            tuf_repository_bytes: 16 << 20,
            object_bytes: 16 << 20,
            object_nodes: 1_000_000,
            object_depth: 40,
            cue_nesting: 96,
            cue_depth: 200,
            cue_alternatives: 256,
            cue_steps: 250_000,
            rego_steps: 1_000_000,
            rego_nesting: 8,
            rego_chain: 16,
        }
    }
}
