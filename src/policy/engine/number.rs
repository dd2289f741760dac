//! A *number* of a document or a policy: decimal and exact, of any size.
//!
//! A double would take 9007199254740993 for its neighbour, and a policy that bounds a number would
//! then decide over another one. Digits are kept as they are written and compared as text.

use std::cmp::Ordering;
use std::fmt;

/// An exact decimal number, and how it was written.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    text: String,
    negative: bool,
    /// The digits that count: no zero leads or ends them, and zero has none.
    digits: String,
    /// Where the decimal point stands, counted from before the first digit.
    point: i64,
    integer: bool,
}

/// The largest exponent read, either way: far past what a double or a field document has.
const EXPONENT: i64 = 100_000;

impl Number {
    /// Reads a number: a JSON number, or the decimal notation of CUE without its underscores.
    /// `None` for any other text and for an exponent past a hundred thousand.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (rest, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let all = format!("{whole}{}", fraction.unwrap_or_default());
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let power = exponent.map_or(Some(0), |text| text.parse::<i64>().ok())?;
        if power.abs() > EXPONENT {
            return None;
        }
        let significant = all.trim_start_matches('0');
        let leading = i64::try_from(all.len().checked_sub(significant.len())?).ok()?;
        let point = i64::try_from(whole.len()).ok()?.checked_sub(leading)?.checked_add(power)?;
        let digits = significant.trim_end_matches('0').to_owned();
        let zero = digits.is_empty();
        Some(Self {
            text: text.to_owned(),
            negative: negative && !zero,
            digits,
            point: if zero { 0 } else { point },
            integer: fraction.is_none() && exponent.is_none(),
        })
    }

    /// Whether it is written as an integer: `1` is, `1.0` and `1e0` are floats.
    pub(crate) fn is_integer(&self) -> bool {
        self.integer
    }

    /// The number as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A count of something.
    pub(crate) fn of_count(count: usize) -> Self {
        Self::of_scaled(i128::try_from(count).unwrap_or(i128::MAX), 0, true)
    }

    /// The number with the other sign.
    pub(crate) fn negated(&self) -> Self {
        let text = match self.text.strip_prefix('-') {
            Some(text) => text.to_owned(),
            None => format!("-{}", self.text),
        };
        Self { text, negative: !self.negative && !self.digits.is_empty(), ..self.clone() }
    }

    /// The value as a count; `None` where it is negative, has a fraction or is too large.
    pub(crate) fn as_count(&self) -> Option<usize> {
        let (value, scale) = self.scaled()?;
        (scale == 0).then(|| usize::try_from(value).ok())?
    }

    /// The sum; `None` where it is past 38 digits, which is no number a policy computes with.
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self::of_scaled(left.checked_add(right)?, scale, self.integer && other.integer))
    }

    /// The difference; `None` as for [`plus`](Self::plus).
    pub(crate) fn minus(&self, other: &Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self::of_scaled(left.checked_sub(right)?, scale, self.integer && other.integer))
    }

    /// The product; `None` as for [`plus`](Self::plus).
    pub(crate) fn times(&self, other: &Self) -> Option<Self> {
        let (left, scale) = self.scaled()?;
        let (right, other_scale) = other.scaled()?;
        let value = left.checked_mul(right)?;
        let scale = scale.checked_add(other_scale)?;
        (scale <= 38).then(|| Self::of_scaled(value, scale, self.integer && other.integer))
    }

    /// The value as `value / 10^scale`, `scale` from 0 to 38.
    fn scaled(&self) -> Option<(i128, u32)> {
        let places = i64::try_from(self.digits.len()).ok()?.checked_sub(self.point)?;
        let zeros = usize::try_from(places.checked_neg()?.max(0)).ok()?;
        if zeros > 38 || places > 38 {
            return None;
        }
        let digits = format!("{}{}", self.digits, "0".repeat(zeros));
        let value: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let scale = u32::try_from(places.max(0)).ok()?;
        Some((if self.negative { value.checked_neg()? } else { value }, scale))
    }

    fn aligned(&self, other: &Self) -> Option<(i128, i128, u32)> {
        let (left, left_scale) = self.scaled()?;
        let (right, right_scale) = other.scaled()?;
        let scale = left_scale.max(right_scale);
        let widen = |value: i128, from: u32| {
            value.checked_mul(10_i128.checked_pow(scale.checked_sub(from)?)?)
        };
        Some((widen(left, left_scale)?, widen(right, right_scale)?, scale))
    }

    fn of_scaled(value: i128, scale: u32, integer: bool) -> Self {
        let sign = if value < 0 { "-" } else { "" };
        let places = usize::try_from(scale).unwrap_or_default();
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = places.saturating_add(1));
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
        let text = match (fraction.is_empty(), integer) {
            (true, true) => format!("{sign}{whole}"),
            (true, false) => format!("{sign}{whole}.0"),
            (false, _) => format!("{sign}{whole}.{fraction}"),
        };
        Self::parse(&text).expect("digits with at most one point are a number")
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Two are equal when they are the same number, however written.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = || match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits))
            }
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => size(),
            (true, true) => size().reverse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn order_is_exact() {
        let rising = [
            "-1e100",
            "-10",
            "-9.99",
            "-0.1",
            "0",
            "1e-99999",
            "0.1",
            "0.10000000000000000001",
            "1",
            "1.5",
            "2",
            "10",
            "9007199254740992",
            "9007199254740993",
            "170141183460469231731687303715884105728",
            "1e99999",
        ];
        for (at, low) in rising.iter().enumerate() {
            for (other, high) in rising.iter().enumerate() {
                assert_eq!(number(low).cmp(&number(high)), at.cmp(&other), "{low} {high}");
            }
        }
        for (one, same) in [("1", "1.0"), ("100", "1e2"), ("0", "-0.0"), ("0.5", "5E-1")] {
            assert_eq!(number(one), number(same), "{one} {same}");
        }
    }

    #[test]
    fn what_is_no_exact_number_is_refused() {
        for text in ["", "-", ".", "1e", "e1", "+1", "1e100001", "1e99999999999999999999", "0x1"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact_or_none() {
        type Operation = fn(&Number, &Number) -> Option<Number>;
        let cases: [(&str, Operation, &str, Option<&str>); 9] = [
            ("0.1", Number::plus, "0.2", Some("0.3")),
            ("1", Number::plus, "1.0", Some("2.0")),
            ("1", Number::minus, "3", Some("-2")),
            ("1e3", Number::times, "2", Some("2000.0")),
            ("0.5", Number::times, "0.5", Some("0.25")),
            ("1e38", Number::plus, "1e38", None),
            ("1e39", Number::plus, "1", None),
            ("1e-39", Number::plus, "1", None),
            ("9e37", Number::times, "2", None),
        ];
        for (left, operation, right, wanted) in cases {
            let found = operation(&number(left), &number(right));
            assert_eq!(found.as_ref().map(Number::text), wanted, "{left} {right}");
        }
        assert_eq!(number("12").as_count(), Some(12));
        for text in ["-1", "1.5", "1e38"] {
            assert_eq!(number(text).as_count(), None, "{text}");
        }
    }
}
