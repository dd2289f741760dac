//! *Merkle trees* of logs (RFC 6962, section 2).

use sha2::{Digest, Sha256};

/// The hash of a leaf: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// Proves that `leaf` is leaf number `index` of the tree with `size` leaves and root `root`
/// (RFC 9162, section 2.1.3.2, whose hashes are those of RFC 6962).
pub fn verify_inclusion(
    leaf: [u8; 32],
    index: u64,
    size: u64,
    hashes: &[[u8; 32]],
    root: &[u8; 32],
) -> Result<(), InclusionError> {
    if index >= size {
        return Err(InclusionError::IndexOutsideTree { index, size });
    }
    let (mut node, mut last) = (index, size.saturating_sub(1));
    let mut hash = leaf;
    for sibling in hashes {
        if last == 0 {
            return Err(InclusionError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            hash = parent(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = parent(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(InclusionError::WrongLength);
    }
    if hash == *root { Ok(()) } else { Err(InclusionError::OtherRoot) }
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`.
fn parent(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Why an inclusion proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// The index is not below the size of the tree.
    #[error("leaf {index} lies outside a tree of {size}")]
    IndexOutsideTree {
        /// The index.
        index: u64,
        /// The size.
        size: u64,
    },
    /// There are more or fewer hashes than the place in the tree asks for.
    #[error("the inclusion proof has too many or too few hashes")]
    WrongLength,
    /// The hashes lead to another root.
    #[error("the inclusion proof leads to another root")]
    OtherRoot,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The root of RFC 6962 section 2.1 by recursion, and the audit path of section 2.1.1: the
    /// definition, against which the loop above is held.
    fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
        if let [one] = leaves {
            return *one;
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        parent(&root(left), &root(right))
    }

    fn path(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        let (mut below, other) = if index < left.len() {
            (path(index, left), root(right))
        } else {
            (path(index - left.len(), right), root(left))
        };
        below.push(other);
        below
    }

    #[test]
    fn every_place_in_trees_up_to_40() {
        for size in 1..=40_u64 {
            let leaves: Vec<_> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
            let root = root(&leaves);
            for (index, leaf) in (0..size).zip(&leaves) {
                let hashes = path(usize::try_from(index).unwrap(), &leaves);
                assert_eq!(verify_inclusion(*leaf, index, size, &hashes, &root), Ok(()));
                assert_eq!(
                    verify_inclusion(*leaf, size, size, &hashes, &root),
                    Err(InclusionError::IndexOutsideTree { index: size, size })
                );
                let longer = [hashes.as_slice(), &[*leaf]].concat();
                assert_eq!(
                    verify_inclusion(*leaf, index, size, &longer, &root),
                    Err(InclusionError::WrongLength)
                );
                if let Some((_, shorter)) = hashes.split_last() {
                    let found = verify_inclusion(*leaf, index, size, shorter, &root);
                    assert_eq!(found, Err(InclusionError::WrongLength));
                }
                let other = leaf_hash(b"other");
                assert_eq!(
                    verify_inclusion(other, index, size, &hashes, &root),
                    Err(InclusionError::OtherRoot)
                );
            }
        }
    }
}
