//! Request heads that can be read in two ways.

use axum::http::{HeaderMap, HeaderName, header};

/// Header fields of which two in one request would leave open which one counts.
const ONCE: [HeaderName; 3] = [header::AUTHORIZATION, header::HOST, header::CONTENT_TYPE];

/// What is ambiguous in a request's head, as a sentence; None where nothing is.
///
/// Both `Content-Length` and `Transfer-Encoding` are hyper's to judge: it takes the second and closes the connection after
/// the answer, as RFC 9112 has it, and two lengths that differ it refuses.
pub fn ambiguity(headers: &HeaderMap) -> Option<String> {
    let twice = ONCE.iter().find(|name| headers.get_all(*name).iter().count() > 1)?;
    let name = match twice.as_str() {
        "authorization" => "Authorization",
        "host" => "Host",
        _ => "Content-Type",
    };
    Some(format!("The header {name} comes more than once. Send it once."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_header_that_counts_comes_once() {
        let mut headers = HeaderMap::new();
        for name in ONCE {
            headers.append(name, HeaderValue::from_static("a"));
        }
        headers.append(header::ACCEPT, HeaderValue::from_static("a"));
        headers.append(header::ACCEPT, HeaderValue::from_static("b"));
        assert_eq!(ambiguity(&headers), None);
        for (name, shown) in [(header::AUTHORIZATION, "Authorization"), (header::HOST, "Host")] {
            let mut twice = headers.clone();
            twice.append(name, HeaderValue::from_static("a"));
            assert!(ambiguity(&twice).is_some_and(|sentence| sentence.contains(shown)), "{shown}, even with one value");
        }
    }
}
