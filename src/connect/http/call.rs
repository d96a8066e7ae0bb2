//! One request, before it is sent.

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;
use url::Url;

/// A request that is yet to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(super) method: Method,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) body_problem: Option<String>,
}

impl Call {
    /// A call of `prefix`, which is fixed text, followed by `segments`, which are encoded.
    pub fn new(method: Method, prefix: &str, segments: &[&str]) -> Self {
        let fixed = prefix.split('/').filter(|s| !s.is_empty());
        Self {
            method,
            segments: fixed.chain(segments.iter().copied()).map(str::to_owned).collect(),
            query: Vec::new(),
            body: None,
            body_problem: None,
        }
    }

    /// A `GET`.
    pub fn get(prefix: &str, segments: &[&str]) -> Self {
        Self::new(Method::GET, prefix, segments)
    }

    /// A `POST`.
    pub fn post(prefix: &str, segments: &[&str]) -> Self {
        Self::new(Method::POST, prefix, segments)
    }

    /// Adds a query parameter.
    pub fn query(mut self, key: &'static str, value: impl ToString) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    /// Sets the JSON body.
    pub fn body(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_value(body) {
            Ok(value) => self.body = Some(value),
            Err(error) => self.body_problem = Some(error.to_string()),
        }
        self
    }

    /// Whether it may change what the workspace shows: it writes, and asks for more than credentials.
    pub(super) fn changes(&self) -> bool {
        let asks = |segment: &String| segment.starts_with("temporary-") || segment == "staging-tables";
        self.method != Method::GET && !self.segments.iter().any(asks)
    }

    /// Method and path, as errors name the call. The query stays out: it may hold page tokens.
    pub fn name(&self) -> String {
        format!("{} /{}", self.method, self.segments.join("/"))
    }

    pub(super) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(&self.segments);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::super::base_url::parse_base;
    use super::*;

    #[test]
    fn names_in_a_path_are_encoded() {
        let base = parse_base("http://127.0.0.1:1").expect("a URL");
        let url = Call::get("/api/2.1/unity-catalog", &["catalogs", "a/b c%"]).query("max_results", 0).url(&base);
        assert_eq!(url.as_str(), "http://127.0.0.1:1/api/2.1/unity-catalog/catalogs/a%2Fb%20c%25?max_results=0");
    }
}
