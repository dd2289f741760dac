//! A *member path*: the name of an archive member that stays inside.
//!
//! ```text
//! path      = [ "./" ] ( file | directory [ "/" ] ) / "." / "./"
//! file      = "oci-layout" / "index.json" / "blobs/" algorithm "/" hex
//!           / "manifest.json" / "repositories"
//! directory = "blobs" [ "/" algorithm ]
//! algorithm = "sha256" / "sha512"          ; hex is lower-case and as long as the algorithm's
//! ```
//!
//! Nothing is cleaned up: a name that is not of this grammar is refused, however harmless it would
//! be once normalised, so no two readers can take it for two different members.

use crate::digest::{self, Digest};

/// The members a layout may have, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberPath {
    /// `oci-layout`.
    Layout,
    /// `index.json`.
    Index,
    /// `blobs/<algorithm>/<hex>`.
    Blob(Digest),
    /// A directory of the layout, `.` for its top.
    Directory(String),
    /// `manifest.json` or `repositories`, which other tools add and nobody decides by.
    Foreign(String),
}

impl MemberPath {
    /// Reads the name of a member as it stands in a header or a directory.
    pub fn parse(name: &[u8]) -> Result<Self, BadPath> {
        let name = str::from_utf8(name).map_err(|_| BadPath::NotUtf8)?;
        check_text(name)?;
        if matches!(name, "." | "./") {
            return Ok(Self::Directory(".".to_owned()));
        }
        let name = name.strip_prefix("./").unwrap_or(name);
        let (path, is_directory) = match name.strip_suffix('/') {
            Some(path) => (path, true),
            None => (name, false),
        };
        check_segments(path)?;
        match Self::of(path)? {
            Self::Directory(directory) => Ok(Self::Directory(directory)),
            _ if is_directory => Err(BadPath::FileAsDirectory),
            file => Ok(file),
        }
    }

    /// Whether a directory, and not a file, may have this name.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }

    fn of(path: &str) -> Result<Self, BadPath> {
        match path {
            "oci-layout" => return Ok(Self::Layout),
            "index.json" => return Ok(Self::Index),
            "manifest.json" | "repositories" => return Ok(Self::Foreign(path.to_owned())),
            "blobs" | "blobs/sha256" | "blobs/sha512" => {
                return Ok(Self::Directory(path.to_owned()));
            }
            _ => {}
        }
        let blob = path.strip_prefix("blobs/").and_then(|rest| rest.split_once('/'));
        let Some((algorithm @ ("sha256" | "sha512"), hex)) = blob else {
            return Err(not_of_the_layout(path));
        };
        if hex.contains('/') {
            return Err(BadPath::Outside);
        }
        let digest = format!("{algorithm}:{hex}").parse();
        digest.map(Self::Blob).map_err(|cause| BadPath::Blob { cause })
    }
}

/// Refuses what has a second meaning on some system.
fn check_text(name: &str) -> Result<(), BadPath> {
    if name.is_empty() {
        return Err(BadPath::Empty);
    }
    if name.contains('\0') {
        return Err(BadPath::Nul);
    }
    if name.contains('\\') {
        return Err(BadPath::Backslash);
    }
    if name.starts_with('/') {
        return Err(BadPath::Absolute);
    }
    Ok(())
}

fn check_segments(path: &str) -> Result<(), BadPath> {
    for segment in path.split('/') {
        match segment {
            "" => return Err(BadPath::EmptySegment),
            "." => return Err(BadPath::Dot),
            ".." => return Err(BadPath::Parent),
            _ => {}
        }
    }
    Ok(())
}

/// A file system that folds case would take `Index.json` for `index.json`.
fn not_of_the_layout(path: &str) -> BadPath {
    const FIXED: [&str; 7] = [
        "oci-layout",
        "index.json",
        "manifest.json",
        "repositories",
        "blobs",
        "blobs/sha256",
        "blobs/sha512",
    ];
    let folded = path.to_lowercase();
    let in_blobs = folded.starts_with("blobs/sha256/") || folded.starts_with("blobs/sha512/");
    if FIXED.contains(&folded.as_str()) || in_blobs {
        BadPath::CaseVariant
    } else {
        BadPath::Outside
    }
}

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// There is no name.
    #[error("the name is empty")]
    Empty,
    /// The name is not UTF-8.
    #[error("the name is not UTF-8")]
    NotUtf8,
    /// The name holds a zero byte, where a C reader would end it.
    #[error("the name holds a zero byte")]
    Nul,
    /// The name holds a backslash, a separator elsewhere.
    #[error("the name holds a backslash")]
    Backslash,
    /// The name begins at the root of the file system.
    #[error("the name is absolute")]
    Absolute,
    /// Two slashes follow each other.
    #[error("the name has an empty segment")]
    EmptySegment,
    /// A segment after the first is `.`.
    #[error("the name has a `.` segment")]
    Dot,
    /// A segment is `..`.
    #[error("the name has a `..` segment")]
    Parent,
    /// The name differs from one of the layout in case only.
    #[error("the name differs from one of the layout in case only")]
    CaseVariant,
    /// A file's name ends with a slash.
    #[error("the name of a file ends with a slash")]
    FileAsDirectory,
    /// A file of `blobs` is not named by a digest.
    #[error("the name is not that of a blob")]
    Blob {
        /// Why not.
        #[source]
        cause: digest::Invalid,
    },
    /// The name is harmless and not of the layout.
    #[error("an image layout has no such member")]
    Outside,
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn members_of_a_layout() {
        let directory = |name: &str| MemberPath::Directory(name.to_owned());
        let foreign = |name: &str| MemberPath::Foreign(name.to_owned());
        let long = Digest::of(digest::Algorithm::Sha512, b"");
        let cases = [
            ("oci-layout".to_owned(), MemberPath::Layout),
            ("./oci-layout".to_owned(), MemberPath::Layout),
            ("index.json".to_owned(), MemberPath::Index),
            ("./index.json".to_owned(), MemberPath::Index),
            (format!("blobs/sha256/{HEX}"), MemberPath::Blob(Digest::sha256(b""))),
            (format!("./blobs/sha256/{HEX}"), MemberPath::Blob(Digest::sha256(b""))),
            (format!("blobs/sha512/{}", long.hex()), MemberPath::Blob(long)),
            (".".to_owned(), directory(".")),
            ("./".to_owned(), directory(".")),
            ("blobs".to_owned(), directory("blobs")),
            ("blobs/".to_owned(), directory("blobs")),
            ("./blobs/sha256/".to_owned(), directory("blobs/sha256")),
            ("blobs/sha512".to_owned(), directory("blobs/sha512")),
            ("manifest.json".to_owned(), foreign("manifest.json")),
            ("./repositories".to_owned(), foreign("repositories")),
        ];
        for (name, path) in cases {
            assert_eq!(MemberPath::parse(name.as_bytes()), Ok(path), "{name}");
        }
    }

    /// HOSTILE cases 4 to 7, 17, 30, 31, 33 and 46.
    #[test]
    fn names_that_are_refused() {
        use BadPath::{
            Absolute, Backslash, CaseVariant, Dot, Empty, EmptySegment, FileAsDirectory, NotUtf8,
            Nul, Outside, Parent,
        };
        let blob = |cause| BadPath::Blob { cause };
        let cases: [(Vec<u8>, BadPath); 34] = [
            (b"".to_vec(), Empty),
            (b"/".to_vec(), Absolute),
            (b"/index.json".to_vec(), Absolute),
            (b"//index.json".to_vec(), Absolute),
            (b"..".to_vec(), Parent),
            (b"../index.json".to_vec(), Parent),
            (b"./../index.json".to_vec(), Parent),
            (b"blobs/sha256/../../x".to_vec(), Parent),
            (b"././index.json".to_vec(), Dot),
            (b"blobs/./x".to_vec(), Dot),
            (b".//index.json".to_vec(), EmptySegment),
            (b".//blobs//sha256/x".to_vec(), EmptySegment),
            (b"blobs//sha256".to_vec(), EmptySegment),
            (b"blobs//".to_vec(), EmptySegment),
            (b"blobs\\sha256\\x".to_vec(), Backslash),
            (b"C:\\x".to_vec(), Backslash),
            (b"C:/x".to_vec(), Outside),
            (b"index.json\0.bak".to_vec(), Nul),
            (b"index\xff.json".to_vec(), NotUtf8),
            (b"index.json/".to_vec(), FileAsDirectory),
            (format!("blobs/sha256/{HEX}/").into_bytes(), FileAsDirectory),
            (b"Index.json".to_vec(), CaseVariant),
            (b"OCI-LAYOUT".to_vec(), CaseVariant),
            (format!("Blobs/sha256/{HEX}").into_bytes(), CaseVariant),
            ("blobs/\u{17f}ha256".as_bytes().to_vec(), Outside),
            ("inde\u{301}x.json".as_bytes().to_vec(), Outside),
            (b"etc/passwd".to_vec(), Outside),
            (b"blobs/md5/d41d8cd98f00b204e9800998ecf8427e".to_vec(), Outside),
            (format!("blobs/sha256/{HEX}/x").into_bytes(), Outside),
            (vec![b'a'; 64 << 10], Outside),
            (
                b"blobs/sha256/x".to_vec(),
                blob(digest::Invalid::WrongLength { expected: 64, found: 1 }),
            ),
            (
                format!("blobs/sha256/{}", HEX.to_uppercase()).into_bytes(),
                blob(digest::Invalid::NotHex),
            ),
            (
                format!("blobs/sha512/{HEX}").into_bytes(),
                blob(digest::Invalid::WrongLength { expected: 128, found: 64 }),
            ),
            (
                format!("blobs/sha256/{HEX}").replace('e', "g").into_bytes(),
                blob(digest::Invalid::NotHex),
            ),
        ];
        for (name, why) in cases {
            assert_eq!(MemberPath::parse(&name), Err(why), "{}", name.escape_ascii());
        }
    }
}
