//! What a store's error means, and how it is told.

use crate::domain::ErrorClass;
use crate::net::Backoff;
use object_store::Error;
use std::time::Duration;

/// Letters of an answer that a person gets to read.
const LONGEST: usize = 300;

/// Codes and statuses by which stores refuse a login. A listing's refusal has no variant of its own.
const REFUSALS: [&str; 8] = [
    "status code: 401",
    "status code: 403",
    "<Code>AccessDenied<",
    "<Code>AuthenticationFailed<",
    "<Code>ExpiredToken<",
    "<Code>InvalidAccessKeyId<",
    "<Code>InvalidToken<",
    "<Code>SignatureDoesNotMatch<",
];

pub(super) fn class_of(error: &Error) -> ErrorClass {
    let refused = || {
        let said = innermost(error);
        REFUSALS.iter().any(|refusal| said.contains(refusal))
    };
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => ErrorClass::PermissionDenied,
        Error::Generic { .. } if refused() => ErrorClass::PermissionDenied,
        _ => ErrorClass::StorageFailure,
    }
}

/// The error in words, without a URL's query, which may hold a signature.
pub(super) fn told(error: &Error) -> String {
    let cause = cause_of(error);
    match error {
        Error::Precondition { .. } | Error::AlreadyExists { .. } => "something else is there by now".to_owned(),
        Error::NotFound { .. } => format!("it is not there ({cause})"),
        _ if class_of(error) == ErrorClass::PermissionDenied => {
            format!("the store refuses it to the credentials that the region vended ({cause})")
        }
        _ => cause,
    }
}

fn innermost(error: &Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// The innermost error: the outer ones repeat the URL and count the tries.
fn cause_of(error: &Error) -> String {
    let text = innermost(error);
    let text = match (between(&text, "<Code>", "</Code>"), between(&text, "<Message>", "</Message>")) {
        (Some(code), Some(message)) => format!("{code}: {}", message.trim().trim_end_matches('.')),
        (Some(code), None) => code.to_owned(),
        _ => text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned(),
    };
    let words: Vec<&str> = text.split_whitespace().map(without_query).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(inner, _)| inner)
}

fn without_query(word: &str) -> &str {
    if word.contains("://") || word.contains("sig=") { word.split('?').next().unwrap_or_default() } else { word }
}

/// How long to wait before try number `failures` (from 1): it doubles, and half of it is drawn at random.
pub(super) fn wait(failures: u32) -> Duration {
    const WAITS: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    WAITS.drawn(failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str);

    fn generic(text: &'static str) -> Error {
        Error::Generic { store: "S3", source: Box::new(Said(text)) }
    }

    #[test]
    fn a_stores_answer_is_told_in_words_and_without_its_signature() {
        let xml = "status 503: <?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your rate.</Message></Error>";
        assert_eq!(told(&generic(xml)), "SlowDown: Please reduce your rate");
        let sas = told(&generic("error sending request for url (https://a.blob/c/x?sv=1&sig=hunter2): reset"));
        assert!(!sas.contains("hunter2") && sas.contains("https://a.blob/c/x"), "{sas}");
        let denied =
            Error::PermissionDenied { path: "x".to_owned(), source: Box::new(Said("<Code>AccessDenied</Code>")) };
        assert!(told(&denied).contains("refuses") && class_of(&denied) == ErrorClass::PermissionDenied);
        let expired = generic("status code: 400 Bad Request: <Error><Code>ExpiredToken</Code></Error>");
        assert!(told(&expired).contains("ExpiredToken") && class_of(&expired) == ErrorClass::PermissionDenied);
    }
}
