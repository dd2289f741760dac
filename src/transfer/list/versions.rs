//! *Version constraints*, as `skopeo sync` reads them by `github.com/Masterminds/semver`: which tags are
//! versions, and which of those are meant.
//!
//! ```text
//! constraints = alternative *( "||" alternative )
//! alternative = comparison *( ( "," / blanks ) comparison )
//! comparison  = [ operator ] version / version blanks "-" blanks version
//! ```
//!
//! A version may lack its last numbers, or have `x`, `X` or `*` in their place, and may begin with `v`.

use std::cmp::Ordering;

use semver::{BuildMetadata, Prerelease, Version};

/// Constraints of which one alternative must hold, all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    text: String,
    alternatives: Vec<Vec<Comparison>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    version: Version,
    said: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Tilde,
    Caret,
}

/// Longer ones before those that they begin with.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equal),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

/// Down to which number a version is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Major,
    Minor,
    Patch,
}

impl Versions {
    /// Reads constraints; `None` where they are none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let alternatives = text.split("||").map(alternative).collect::<Option<_>>()?;
        Some(Self { text: text.to_owned(), alternatives })
    }

    /// As they were written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a tag is a version that is meant. The tag of a pre-release is meant only where a comparison
    /// names one.
    pub fn include(&self, tag: &str) -> bool {
        let Some((version, Said::Patch)) = lenient(tag, Absent::Zero) else { return false };
        self.alternatives.iter().any(|all| all.iter().all(|it| it.holds(&version)))
    }
}

fn alternative(text: &str) -> Option<Vec<Comparison>> {
    if text.split(',').any(|part| part.trim().is_empty()) {
        return None;
    }
    let spaced = text.replace(',', " , ");
    let mut words = spaced.split_whitespace().filter(|word| *word != ",").peekable();
    let mut comparisons = Vec::new();
    while let Some(word) = words.next() {
        let (operator, version) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((Some(*operator), word.strip_prefix(sign)?)))
            .unwrap_or((None, word));
        let version = if version.is_empty() { words.next()? } else { version };
        let comparison = |operator, text| {
            let (version, said) = lenient(text, Absent::Unsaid)?;
            Some(Comparison { operator, version, said })
        };
        if words.next_if_eq(&"-").is_some() {
            if operator.is_some() {
                return None;
            }
            comparisons.push(comparison(Operator::GreaterOrEqual, version)?);
            comparisons.push(comparison(Operator::LessOrEqual, words.next()?)?);
        } else {
            comparisons.push(comparison(operator.unwrap_or(Operator::Equal), version)?);
        }
    }
    Some(comparisons)
}

/// What a number is that is not written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// It is zero.
    Zero,
    /// It may be any, and may be written as `x`.
    Unsaid,
}

fn lenient(text: &str, absent: Absent) -> Option<(Version, Said)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = match text.split_once('+') {
        Some((text, build)) if !build.is_empty() => (text, BuildMetadata::new(build).ok()?),
        Some(_) => return None,
        None => (text, BuildMetadata::EMPTY),
    };
    let (core, pre) = match text.split_once('-') {
        Some((core, pre)) if !pre.is_empty() => (core, Prerelease::new(pre).ok()?),
        Some(_) => return None,
        None => (text, Prerelease::EMPTY),
    };
    let mut numbers = [0; 3];
    let mut said = 0_usize;
    for (place, part) in core.split('.').enumerate() {
        let number = numbers.get_mut(place)?;
        if absent == Absent::Unsaid && matches!(part, "x" | "X" | "*") {
            continue;
        }
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // What follows an `x` is not looked at.
        let value = part.parse().ok()?;
        if said == place {
            (*number, said) = (value, said.saturating_add(1));
        }
    }
    let [major, minor, patch] = numbers;
    let said = match said {
        _ if absent == Absent::Zero => Said::Patch,
        0 => Said::Nothing,
        1 => Said::Major,
        2 => Said::Minor,
        _ => Said::Patch,
    };
    Some((Version { major, minor, patch, pre, build }, said))
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        let wanted = &self.version;
        let compared = version.cmp_precedence(wanted);
        let is_whole = self.said == Said::Patch;
        if self.operator == Operator::NotEqual && is_whole {
            return compared != Ordering::Equal;
        }
        if !version.pre.is_empty() && wanted.pre.is_empty() {
            return false;
        }
        let (major, minor) = (version.major.cmp(&wanted.major), version.minor.cmp(&wanted.minor));
        let line = major.then(minor);
        match (self.operator, self.said) {
            (Operator::NotEqual, Said::Major) => major != Ordering::Equal,
            (Operator::NotEqual, Said::Minor) => {
                line != Ordering::Equal || version.pre != wanted.pre
            }
            (Operator::NotEqual, Said::Nothing | Said::Patch) => compared != Ordering::Equal,
            (Operator::Greater, Said::Major) => major == Ordering::Greater,
            (Operator::Greater, Said::Minor) => line == Ordering::Greater,
            (Operator::Greater, Said::Nothing | Said::Patch) => compared == Ordering::Greater,
            (Operator::GreaterOrEqual, _) => compared != Ordering::Less,
            (Operator::Less, _) => compared == Ordering::Less,
            (Operator::LessOrEqual, Said::Patch) => compared != Ordering::Greater,
            (Operator::LessOrEqual, Said::Major) => major != Ordering::Greater,
            (Operator::LessOrEqual, Said::Nothing | Said::Minor) => line != Ordering::Greater,
            (Operator::Equal, Said::Patch) => compared == Ordering::Equal,
            (Operator::Equal | Operator::Tilde, said) => {
                compared != Ordering::Less && self.is_near(version, said)
            }
            (Operator::Caret, said) => {
                compared != Ordering::Less && self.is_compatible(version, said)
            }
        }
    }

    /// `~1.2.3` and `~1.2` are of 1.2, `~1` is of 1; `~0.0.0` and `~*` are of any.
    fn is_near(&self, version: &Version, said: Said) -> bool {
        let Version { major, minor, patch, .. } = self.version;
        let is_any = matches!(said, Said::Nothing | Said::Patch);
        if is_any && (major, minor, patch) == (0, 0, 0) {
            return true;
        }
        version.major == major && (version.minor == minor || said == Said::Major)
    }

    /// `^1.2.3` is of 1; `^0.2.3` of 0.2; `^0.0.3` of 0.0.3; what is not said is of any.
    fn is_compatible(&self, version: &Version, said: Said) -> bool {
        let Version { major, minor, patch, .. } = self.version;
        if said == Said::Nothing {
            return true;
        }
        if version.major != major || major > 0 || said == Said::Major {
            return version.major == major;
        }
        if version.minor != minor || minor > 0 || said == Said::Minor {
            return version.minor == minor;
        }
        version.patch == patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tags that are meant, of those of a table.
    fn among(text: &str) -> Vec<&'static str> {
        let tags = [
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1",
            "v1.2",
            "1.2.3",
            "v1.2.4",
            "1.3.0",
            "1.3.0-rc1",
            "2.0.0",
            "2.1.0",
            "11.1.0",
            "latest",
            "1.2.x",
            "1.2.3.4",
            "1.2.3-",
            "",
        ];
        let versions = Versions::parse(text).unwrap_or_else(|| panic!("{text}"));
        tags.into_iter().filter(|tag| versions.include(tag)).collect()
    }

    #[test]
    fn what_is_meant() {
        let all = [
            "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1", "v1.2", "1.2.3", "v1.2.4", "1.3.0",
            "2.0.0", "2.1.0", "11.1.0",
        ];
        assert_eq!(among("*"), all);
        assert_eq!(among(">=0"), all);
        assert_eq!(among("^x"), all);
        assert_eq!(among("~>*"), all);
        assert_eq!(among("~0.0.0"), all);
        for (text, meant) in [
            ("1.2.3", &["1.2.3"][..]),
            ("=v1.2.3", &["1.2.3"]),
            ("1.2", &["v1.2", "1.2.3", "v1.2.4"]),
            ("1.2.x", &["v1.2", "1.2.3", "v1.2.4"]),
            ("1", &["1", "v1.2", "1.2.3", "v1.2.4", "1.3.0"]),
            ("1.X.7", &["1", "v1.2", "1.2.3", "v1.2.4", "1.3.0"]),
            (">1.2.3", &["v1.2.4", "1.3.0", "2.0.0", "2.1.0", "11.1.0"]),
            (">1.2", &["1.3.0", "2.0.0", "2.1.0", "11.1.0"]),
            (">1", &["2.0.0", "2.1.0", "11.1.0"]),
            (">11", &[]),
            ("=>2", &["2.0.0", "2.1.0", "11.1.0"]),
            ("<0.2.9", &["0.0.3", "0.0.4", "0.2.3"]),
            ("<0.2", &["0.0.3", "0.0.4"]),
            ("<=0.2", &["0.0.3", "0.0.4", "0.2.3", "0.2.9"]),
            ("=< 0.2.3", &["0.0.3", "0.0.4", "0.2.3"]),
            ("<=0", &["0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0"]),
            (">=1.2, <2", &["v1.2", "1.2.3", "v1.2.4", "1.3.0"]),
            (">= 1.2 <1.3", &["v1.2", "1.2.3", "v1.2.4"]),
            ("1.2.3 - 1.3", &["1.2.3", "v1.2.4", "1.3.0"]),
            ("~1.2.4", &["v1.2.4"]),
            ("~1.2", &["v1.2", "1.2.3", "v1.2.4"]),
            ("~1", &["1", "v1.2", "1.2.3", "v1.2.4", "1.3.0"]),
            ("^1.2.4", &["v1.2.4", "1.3.0"]),
            ("^0.2.3", &["0.2.3", "0.2.9"]),
            ("^0.2", &["0.2.3", "0.2.9"]),
            ("^0.0.3", &["0.0.3"]),
            ("^0.0", &["0.0.3", "0.0.4"]),
            ("^0", &["0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0"]),
            ("0.0.3 || ~2.1 || 11.x", &["0.0.3", "2.1.0", "11.1.0"]),
            (">=1.3.0-0 <2", &["1.3.0"]),
            (">=1.3.0-0, <2.0.0-0", &["1.3.0", "1.3.0-rc1"]),
            (">=1.3 !=1.3.0", &["2.0.0", "2.1.0", "11.1.0"]),
            (">=1.3 !=2.x", &["1.3.0", "11.1.0"]),
            (">=1.3 !=2.0", &["1.3.0", "2.1.0", "11.1.0"]),
        ] {
            assert_eq!(among(text), meant, "{text}");
        }
        // A whole version that is not meant leaves pre-releases in.
        assert!(Versions::parse("!=1.2.3").unwrap().include("1.3.0-rc1"));
        assert!(!Versions::parse("!=1.2").unwrap().include("1.3.0-rc1"));
    }

    #[test]
    fn what_is_no_constraint() {
        for text in [
            "",
            " ",
            "latest",
            "1.2.3.4",
            ">=",
            "1 ||",
            "|| 1",
            "1,,2",
            ",1",
            ">=1<2",
            "1 -",
            "- 1",
            ">=1 - 2",
            "1 - >2",
            "1.2-",
            "1+",
            "1..2",
            "-1",
            ">>1",
            "99999999999999999999",
            "1.2.3-01",
        ] {
            assert_eq!(Versions::parse(text), None, "{text}");
        }
    }
}
