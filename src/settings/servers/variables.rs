//! Variables in the strings of the servers file: `${NAME}`, `${NAME:-text}`, and `$$` for `$`.

/// Looks up a variable.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A string with its variables put in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PutIn {
    pub text: String,
    /// The variables that it names.
    pub names: Vec<String>,
    /// Their values.
    pub values: Vec<String>,
}

/// Why the variables cannot be put in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum VariableError {
    /// There is no such variable.
    Unset(String),
    /// `${` without `}`, or with something else than a name.
    Unreadable,
}

/// Puts the variables into `text`. A `$` before anything but `{` and `$` is itself.
pub(super) fn put_in(text: &str, variables: Variables<'_>) -> Result<PutIn, VariableError> {
    let mut result = PutIn::default();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        result.text.push_str(before);
        if let Some(behind) = behind.strip_prefix('$') {
            result.text.push('$');
            rest = behind;
        } else if let Some(behind) = behind.strip_prefix('{') {
            let (inside, behind) = behind.split_once('}').ok_or(VariableError::Unreadable)?;
            let (name, default) = reference(inside).ok_or(VariableError::Unreadable)?;
            result.names.push(name.to_owned());
            // As in a shell, an empty variable has the default too.
            match (variables(name).filter(|value| default.is_none() || !value.is_empty()), default)
            {
                (Some(value), _) => {
                    result.text.push_str(&value);
                    result.values.push(value);
                }
                (None, Some(default)) => result.text.push_str(default),
                (None, None) => return Err(VariableError::Unset(name.to_owned())),
            }
            rest = behind;
        } else {
            result.text.push('$');
            rest = behind;
        }
    }
    result.text.push_str(rest);
    Ok(result)
}

/// The variable that stands between `${` and `}`, and its default.
fn reference(inside: &str) -> Option<(&str, Option<&str>)> {
    // VS Code writes the first form.
    let inside = inside.strip_prefix("env:").unwrap_or(inside);
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(is_name)).then_some((name, default))
}

/// The variables that a JSON text names anywhere, right or wrong.
pub(super) fn named_in(json: &str) -> impl Iterator<Item = &str> {
    let behind = json.split("${").skip(1);
    behind.filter_map(|behind| Some(reference(behind.split_once('}')?.0)?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_and_dollars_kept() {
        let known = |name: &str| match name {
            "KEY" => Some("secret".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let text = |text| put_in(text, &known).map(|found| found.text);
        for (given, expected) in [
            ("Bearer ${KEY}", "Bearer secret"),
            ("${KEY}${KEY}", "secretsecret"),
            ("${env:KEY}", "secret"),
            ("${NONE:-default}", "default"),
            ("${EMPTY:-default}", "default"),
            ("${EMPTY}", ""),
            ("${NONE:-}", ""),
            ("${KEY:-default}", "secret"),
            ("$${KEY}", "${KEY}"),
            ("$$$${", "$${"),
            ("5 $ and $KEY", "5 $ and $KEY"),
            ("小${KEY}米", "小secret米"),
            ("$", "$"),
        ] {
            assert_eq!(text(given).as_deref(), Ok(expected), "{given}");
        }
        assert_eq!(text("${NONE}"), Err(VariableError::Unset("NONE".to_owned())));
        for given in ["${", "${}", "${KEY", "${input:key}", "${a b}", "${:-x}"] {
            assert_eq!(text(given), Err(VariableError::Unreadable), "{given}");
        }
        let named: Vec<&str> =
            named_in(r#"["${A}", {"b": "$${B}${env:C:-x}${"}, 5, "${a b}"]"#).collect();
        assert_eq!(named, ["A", "B", "C"]);
        let found = put_in("${KEY} ${NONE:-x}", &known).unwrap();
        assert_eq!(found.names, ["KEY", "NONE"]);
        assert_eq!(found.values, ["secret"]);
    }
}
