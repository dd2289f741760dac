//! A *builtin*: a function of the language or of one of its packages.

use crate::time::UnixTime;

/// The functions that are evaluated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    Len,
    ListContains,
    ListMaxItems,
    ListMinItems,
    ListUniqueItems,
    RegexpMatch,
    StringsContains,
    StringsHasPrefix,
    StringsHasSuffix,
    StringsMaxRunes,
    StringsMinRunes,
    StringsToLower,
    StringsToUpper,
    StringsTrimSpace,
    StructMaxFields,
    StructMinFields,
    TimeParse,
    TimeTime,
}

/// How a builtin may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Only called, with every argument.
    Function,
    /// Called, or with all arguments but the first: then the value it is unified with is the first.
    Either,
    /// Only as a validator.
    Validator,
}

const TABLE: &[(Builtin, &str, usize, Use)] = &[
    (Builtin::Len, "len", 1, Use::Function),
    (Builtin::ListContains, "list.Contains", 2, Use::Either),
    (Builtin::ListMaxItems, "list.MaxItems", 2, Use::Either),
    (Builtin::ListMinItems, "list.MinItems", 2, Use::Either),
    (Builtin::ListUniqueItems, "list.UniqueItems", 1, Use::Either),
    (Builtin::RegexpMatch, "regexp.Match", 2, Use::Function),
    (Builtin::StringsContains, "strings.Contains", 2, Use::Either),
    (Builtin::StringsHasPrefix, "strings.HasPrefix", 2, Use::Either),
    (Builtin::StringsHasSuffix, "strings.HasSuffix", 2, Use::Either),
    (Builtin::StringsMaxRunes, "strings.MaxRunes", 2, Use::Either),
    (Builtin::StringsMinRunes, "strings.MinRunes", 2, Use::Either),
    (Builtin::StringsToLower, "strings.ToLower", 1, Use::Function),
    (Builtin::StringsToUpper, "strings.ToUpper", 1, Use::Function),
    (Builtin::StringsTrimSpace, "strings.TrimSpace", 1, Use::Function),
    (Builtin::StructMaxFields, "struct.MaxFields", 2, Use::Validator),
    (Builtin::StructMinFields, "struct.MinFields", 2, Use::Validator),
    (Builtin::TimeParse, "time.Parse", 2, Use::Function),
    (Builtin::TimeTime, "time.Time", 1, Use::Validator),
];

/// The packages that may be imported.
pub(super) const PACKAGES: &[&str] = &["list", "regexp", "strings", "struct", "time"];

/// The layouts that a time is read by.
pub(super) const LAYOUTS: &[(&str, &str)] = &[
    ("time.RFC3339", "2006-01-02T15:04:05Z07:00"),
    ("time.RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"),
    ("time.RFC3339Date", "2006-01-02"),
];

impl Builtin {
    pub(super) fn of_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    pub(super) fn name(self) -> &'static str {
        self.row().1
    }

    /// How many arguments a call of it has.
    pub(super) fn arity(self) -> usize {
        self.row().2
    }

    pub(super) fn usage(self) -> Use {
        self.row().3
    }

    fn row(self) -> &'static (Self, &'static str, usize, Use) {
        TABLE.iter().find(|row| row.0 == self).expect("every builtin stands in the table")
    }
}

/// A time in UTC as `time.Parse` gives it: the fraction without its trailing zeros.
pub(super) fn parse_time(layout: &str, text: &str) -> Option<String> {
    let name = LAYOUTS.iter().find(|(_, known)| *known == layout)?.0;
    let text =
        if name == "time.RFC3339Date" { format!("{text}T00:00:00Z") } else { text.to_owned() };
    // As Go reads it: no leap second, no lower-case letters, no zone name.
    let strict = text.bytes().all(|byte| byte.is_ascii_digit() || b"-:TZ+.".contains(&byte))
        && text.as_bytes().get(10) == Some(&b'T')
        && text.get(17..19).is_some_and(|seconds| seconds != "60");
    strict.then(|| text.parse::<UnixTime>().ok())?.map(|time| time.to_string())
}
