//! A *challenge*: what a `WWW-Authenticate` header asks for
//! ([RFC 9110, 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)).
//!
//! ```text
//! header    = challenge *( "," challenge )
//! challenge = scheme [ 1*SP ( token68 / param *( "," param ) ) ]
//! param     = token "=" ( token / quoted-string )
//! ```

/// One way a registry accepts to be convinced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The scheme in lower case: `basic`, `bearer`.
    pub(super) scheme: String,
    /// Its parameters, names in lower case.
    pub(super) parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The challenges of one header; what follows a malformed one is not read.
    pub(super) fn parse(header: &str) -> Vec<Self> {
        let mut challenges: Vec<Self> = Vec::new();
        let mut rest = header.trim_start_matches([' ', ',', '\t']);
        while !rest.is_empty() {
            let (word, after) = token(rest);
            if word.is_empty() {
                break;
            }
            if let Some(value) = after.strip_prefix('=') {
                let Some((value, after)) = parameter_value(value) else { break };
                let Some(challenge) = challenges.last_mut() else { break };
                challenge.parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            } else {
                let scheme = word.to_ascii_lowercase();
                challenges.push(Self { scheme, parameters: Vec::new() });
                rest = after;
            }
            rest = rest.trim_start_matches([' ', ',', '\t']);
        }
        challenges
    }

    /// The parameter `name`; none where it stands twice, for then nobody knows which is meant.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut values = self.parameters.iter().filter(|(key, _)| key == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }
}

fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        return (!value.is_empty()).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return quoted.get(position.checked_add(1)?..).map(|rest| (value, rest)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(header: &str) -> Vec<(String, Vec<(String, String)>)> {
        let challenges = Challenge::parse(header).into_iter();
        challenges.map(|challenge| (challenge.scheme, challenge.parameters)).collect()
    }

    fn expected(scheme: &str, parameters: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        (scheme.to_owned(), parameters.iter().map(owned).collect())
    }

    #[test]
    fn headers_of_real_registries() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull,push""#;
        let bearer = expected(
            "bearer",
            &[
                ("realm", "https://auth.docker.io/token"),
                ("service", "registry.docker.io"),
                ("scope", "repository:library/busybox:pull,push"),
            ],
        );
        assert_eq!(parsed(hub), [bearer]);
        assert_eq!(
            parsed(r#"Basic realm="Registry \"Realm\"", charset=UTF-8"#),
            [expected("basic", &[("realm", r#"Registry "Realm""#), ("charset", "UTF-8")])]
        );
        assert_eq!(
            parsed(r#"Negotiate, BASIC Realm=x , Bearer realm="y""#),
            [
                expected("negotiate", &[]),
                expected("basic", &[("realm", "x")]),
                expected("bearer", &[("realm", "y")]),
            ]
        );
    }

    #[test]
    fn malformed_headers_end_where_they_break() {
        assert_eq!(parsed(""), []);
        assert_eq!(parsed("realm=\"x\""), []);
        assert_eq!(parsed("Bearer realm=\"x"), [expected("bearer", &[])]);
        assert_eq!(parsed("Bearer realm=\"x\\"), [expected("bearer", &[])]);
        assert_eq!(parsed("Bearer realm="), [expected("bearer", &[])]);
    }

    #[test]
    fn a_parameter_that_stands_twice_is_none() {
        let challenges = Challenge::parse(r#"Bearer realm="a",realm="b",service=c"#);
        assert_eq!(challenges[0].parameter("realm"), None);
        assert_eq!(challenges[0].parameter("service"), Some("c"));
    }
}
