//! How much of an answer is taken in.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

/// An answer to a call: a page of some hundred tables with thousands of columns each fits in.
pub(crate) const ANSWER: usize = 64 << 20;
/// An answer to a login, or of a store that refuses.
pub(crate) const SMALL: usize = 1 << 20;
/// The pages of a list together.
pub(crate) const LIST: usize = 512 << 20;
/// Pages of a list.
pub(crate) const PAGES: usize = 20_000;

/// Reads an answer; None where it is longer than `most` bytes. A length that it claims is not believed, but one that is too
/// great is refused at once.
pub(crate) async fn read(mut response: Response, most: usize) -> reqwest::Result<Option<Bytes>> {
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Ok(None);
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes.freeze()))
}

/// What to say of an answer that is too long.
pub(crate) fn too_long(most: usize) -> String {
    format!("it is longer than {} MiB", most >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::ConnectError;
    use crate::connect::testing::{client_of, serve};
    use axum::Router;
    use axum::body::Body;
    use axum::http::Response as Answer;
    use axum::routing::get;
    use futures::stream;

    /// Answers without end.
    fn endless() -> Body {
        Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 64 << 10]))))
    }

    #[tokio::test]
    async fn an_answer_without_end_is_refused() {
        let url = serve(Router::new().route("/", get(|| async { endless() }))).await;
        let response = reqwest::get(url).await.expect("an answer");
        assert_eq!(read(response, SMALL).await.expect("it arrives"), None);

        let path = "/api/2.1/unity-catalog/catalogs/{name}";
        let client = client_of(Router::new().route(path, get(|| async { endless() }))).await;
        let error = client.catalog("main").await.expect_err("it never ends");
        assert!(matches!(error, ConnectError::BadAnswer { .. }) && error.to_string().contains("64 MiB"), "{error}");
    }

    #[tokio::test]
    async fn an_answer_that_is_packed_is_not_unpacked() {
        // Of 4 GiB of zeros the first kilobytes, packed: nothing here asks for a packed answer, so it is taken as it is.
        let packed = || async {
            let bytes = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 1000]].concat();
            Answer::builder().header("content-encoding", "gzip").body(Body::from(bytes)).expect("an answer")
        };
        let path = "/api/2.1/unity-catalog/catalogs/{name}";
        let client = client_of(Router::new().route(path, get(packed))).await;
        assert!(matches!(client.catalog("main").await, Err(ConnectError::BadAnswer { .. })));
    }
}
