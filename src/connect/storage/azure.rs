//! Azure storage reached with a shared access signature.

use super::{CONNECT_TIMEOUT, SILENCE, TRIES};
use crate::connect::http::body;
use crate::net::{Backoff, HttpClient};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::azure::{AzureCredential, MicrosoftAzure};
use object_store::path::Path;
use object_store::{
    CopyOptions, CredentialProvider, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use reqwest::StatusCode;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const STORE: &str = "Azure storage";
/// The service's version whose rules the calls here keep to.
const VERSION: &str = "2021-12-02";
/// Between two tries.
const WAITS: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_millis(6400));
/// Objects that are removed at a time.
const PARALLEL: usize = 8;

/// A container whose objects are removed one by one.
///
/// The client that it wraps removes them by a batch on the container, which a signature for a folder, as a region vends it, does not
/// cover.
pub(super) struct Signed {
    inner: MicrosoftAzure,
    remover: Remover,
}

#[derive(Clone)]
struct Remover {
    http: reqwest::Client,
    /// The container's URL.
    container: Url,
    credentials: Arc<dyn CredentialProvider<Credential = AzureCredential>>,
}

/// An answer other than "done".
#[derive(Debug, thiserror::Error)]
#[error("Server returned non-2xx status code: {status}: {body}")]
struct Answered {
    status: StatusCode,
    body: String,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signed").field(&self.inner.to_string()).finish()
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Signed {
    pub fn new(
        inner: MicrosoftAzure,
        container: Url,
        credentials: Arc<dyn CredentialProvider<Credential = AzureCredential>>,
    ) -> Result<Self> {
        let http = HttpClient::new().connecting(CONNECT_TIMEOUT).silence(SILENCE).build();
        let http = http.map_err(|error| generic(error.without_url()))?;
        Ok(Self { inner, remover: Remover { http, container, credentials } })
    }
}

fn generic(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(source) }
}

impl Remover {
    async fn remove(self, at: Path) -> Result<Path> {
        let mut tries = 0;
        loop {
            let fault = match self.ask(&at).await {
                Ok(None) => return Ok(at),
                Ok(Some(answered)) => match answered.status {
                    StatusCode::NOT_FOUND => {
                        return Err(Error::NotFound { path: at.to_string(), source: Box::new(answered) });
                    }
                    StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
                        return Err(Error::PermissionDenied { path: at.to_string(), source: Box::new(answered) });
                    }
                    status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => generic(answered),
                    _ => return Err(generic(answered)),
                },
                Err(error) => error,
            };
            tries += 1;
            if tries > TRIES {
                return Err(fault);
            }
            tokio::time::sleep(WAITS.drawn(tries)).await;
        }
    }

    /// One try; None when the object is gone.
    async fn ask(&self, at: &Path) -> Result<Option<Answered>> {
        let mut url = self.container.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(at.parts().map(|part| part.as_ref().to_owned()));
        }
        match &*self.credentials.get_credential().await? {
            AzureCredential::SASToken(pairs) => drop(url.query_pairs_mut().extend_pairs(pairs)),
            _ => return Err(Error::NotImplemented { operation: "remove".to_owned(), implementer: STORE.to_owned() }),
        }
        // Its errors name the URL, which is a secret here.
        let answer = self.http.delete(url).header("x-ms-version", VERSION).send().await;
        let answer = answer.map_err(|error| generic(error.without_url()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(None);
        }
        let body = body::read(answer, body::SMALL).await.ok().flatten().unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Some(Answered { status, body }))
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

// As `async_trait` writes it, which isn't a dependency of this project.
impl ObjectStore for Signed {
    fn put_opts<'a, 'b, 'c>(&'a self, at: &'b Path, payload: PutPayload, options: PutOptions) -> Answer<'c, PutResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.put_opts(at, payload, options)
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        at: &'b Path,
        options: PutMultipartOptions,
    ) -> Answer<'c, Box<dyn MultipartUpload>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.put_multipart_opts(at, options)
    }

    fn get_opts<'a, 'b, 'c>(&'a self, at: &'b Path, options: GetOptions) -> Answer<'c, GetResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.get_opts(at, options)
    }

    fn delete_stream(&self, at: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let remover = self.remover.clone();
        at.map_ok(move |path| remover.clone().remove(path)).try_buffered(PARALLEL).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    fn list_with_delimiter<'a, 'b, 'c>(&'a self, prefix: Option<&'b Path>) -> Answer<'c, ListResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'd, 'c>(&'a self, from: &'b Path, to: &'d Path, options: CopyOptions) -> Answer<'c, ()>
    where
        'a: 'c,
        'b: 'c,
        'd: 'c,
        Self: 'c,
    {
        self.inner.copy_opts(from, to, options)
    }
}
