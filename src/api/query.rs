//! Query parameters: those that are known are checked, the others are let pass.

use super::reply::{Refusal, bad};
use std::collections::HashMap;
use url::form_urlencoded;

/// The parameters of one call; of one that is repeated the last counts.
pub struct Query(HashMap<String, String>);

impl Query {
    /// Reads the query of a URL, or a form body.
    pub fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A parameter as it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that the call cannot do without.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            bad(format!("The query parameter {name} is missing. Add it to the URL, such as ?{name}=value."))
        })
    }

    /// A yes or no; no where it is absent.
    pub fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None => Ok(false),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some(value) => {
                Err(bad(format!("The query parameter {name} is {value:?}, which is neither true nor false.")))
            }
        }
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let parse = |value: &str| {
            value
                .parse()
                .map_err(|_| bad(format!("The query parameter {name} is {value:?}, which is no whole number.")))
        };
        self.text(name).map(parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked_and_unknown_ones_let_pass() {
        let query = Query::parse("validate_only=True&page_size=7&note=a%20b&future=1&empty=");
        assert!(query.flag("validate_only").is_ok_and(|flag| flag));
        assert!(query.flag("absent").is_ok_and(|flag| !flag));
        assert!(query.flag("page_size").is_err());
        assert_eq!(query.number("page_size").ok(), Some(Some(7)));
        assert!(query.number("note").is_err());
        assert_eq!(query.text("note"), Some("a b"));
        assert!(query.required("empty").is_err() && query.required("note").is_ok());
    }
}
