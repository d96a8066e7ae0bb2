//! Query parameters: those that are known are checked, the others are let pass.

use super::reply::{Rejection, bad};
use std::collections::HashMap;
use url::form_urlencoded;

/// The parameters of one call.
pub struct Query {
    values: HashMap<String, String>,
    repeated: Vec<String>,
}

impl Query {
    /// Reads the query of a URL, or a form body.
    pub fn parse(text: &str) -> Self {
        let (mut values, mut repeated) = (HashMap::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(text.as_bytes()).into_owned() {
            if values.insert(name.clone(), value).is_some() {
                repeated.push(name);
            }
        }
        Self { values, repeated }
    }

    /// The first of `known` that comes more than once: which of its values is meant, no one can tell.
    pub fn repeated(&self, known: &[&str]) -> Option<&str> {
        self.repeated.iter().map(String::as_str).find(|name| known.contains(name))
    }

    /// A parameter as it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A parameter that the call cannot do without.
    pub fn required(&self, name: &str) -> Result<&str, Rejection> {
        self.text(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            bad(format!("The query parameter {name} is missing. Add it to the URL, such as ?{name}=value."))
        })
    }

    /// A yes or no; no where it is absent.
    pub fn flag(&self, name: &str) -> Result<bool, Rejection> {
        match self.text(name) {
            None => Ok(false),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some(value) => Err(bad(format!("The query parameter {name} is {value:?}. Send true or false."))),
        }
    }

    /// A whole number of 32 bits, in digits.
    pub fn number(&self, name: &str) -> Result<Option<i32>, Rejection> {
        let parse = |value: &str| {
            value.parse().ok().filter(|_| !value.starts_with('+')).ok_or_else(|| {
                bad(format!("The query parameter {name} is {value:?}. Send a whole number up to {}.", i32::MAX))
            })
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
        for wrong in ["note=a", "note=+5", "note=2147483648", "note=", "note=1.0"] {
            assert!(Query::parse(wrong).number("note").is_err(), "{wrong}");
        }
        assert_eq!(Query::parse("note=2147483647").number("note").ok(), Some(Some(i32::MAX)));
        assert_eq!(query.text("note"), Some("a b"));
        assert!(query.required("empty").is_err() && query.required("note").is_ok());
    }

    #[test]
    fn a_parameter_that_counts_comes_once() {
        let query = Query::parse("future=1&future=2&etag=a&etag=a&page_size=1");
        assert_eq!(query.repeated(&["etag", "page_size"]), Some("etag"));
        assert_eq!(query.repeated(&["page_size"]), None);
    }
}
