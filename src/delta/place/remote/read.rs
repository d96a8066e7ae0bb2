//! Reads an object from its beginning, and goes on where it was when the connection breaks.

use super::fault::{class_of, told, wait};
use crate::domain::ErrorClass;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, GetResult, ObjectStore};
use std::io::{self, Read};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Breaks in a row, without a byte between them, after which the read fails.
const MOST_BREAKS: u32 = 6;

/// One object, held by its tag: what is read is never of two versions of it.
pub(super) struct RemoteReader {
    store: Arc<dyn ObjectStore>,
    key: Path,
    etag: Option<String>,
    size: u64,
    offset: u64,
    breaks: u32,
    stream: BoxStream<'static, Result<Bytes, Error>>,
    rest: Bytes,
    handle: Handle,
}

impl RemoteReader {
    pub fn new(store: Arc<dyn ObjectStore>, found: GetResult, handle: Handle) -> Self {
        let (key, etag, size) = (found.meta.location.clone(), found.meta.e_tag.clone(), found.meta.size);
        let stream = found.into_stream();
        Self { store, key, etag, size, offset: 0, breaks: 0, stream, rest: Bytes::new(), handle }
    }

    /// Asks for what is left. Without a tag no one could tell whether it is still the same object.
    fn go_on(&mut self, broken: &str) -> io::Result<()> {
        let mut broken = broken.to_owned();
        loop {
            self.breaks += 1;
            if self.etag.is_none() || self.breaks > MOST_BREAKS {
                return Err(io::Error::other(broken));
            }
            let range = Some(GetRange::Bounded(self.offset..self.size));
            let options = GetOptions { range, if_match: self.etag.clone(), ..GetOptions::default() };
            let asked = async {
                tokio::time::sleep(wait(self.breaks)).await;
                self.store.get_opts(&self.key, options).await
            };
            match self.handle.block_on(asked) {
                Ok(found) => {
                    self.stream = found.into_stream();
                    return Ok(());
                }
                Err(error @ (Error::NotFound { .. } | Error::Precondition { .. } | Error::NotModified { .. })) => {
                    return Err(io::Error::other(format!("it was replaced while it was read: {}", told(&error))));
                }
                Err(error) if class_of(&error) == ErrorClass::PermissionDenied => {
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, told(&error)));
                }
                Err(error) => broken = told(&error),
            }
        }
    }
}

impl Read for RemoteReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            if self.offset >= self.size {
                return Ok(0);
            }
            match self.handle.block_on(self.stream.next()) {
                Some(Ok(bytes)) => {
                    self.offset += bytes.len() as u64;
                    self.breaks = 0;
                    self.rest = bytes;
                }
                Some(Err(error)) => self.go_on(&told(&error))?,
                None => self.go_on("the store ended its answer early")?,
            }
        }
        let count = self.rest.len().min(buffer.len());
        let chunk = self.rest.split_to(count);
        buffer.iter_mut().zip(chunk.iter()).for_each(|(to, from)| *to = *from);
        Ok(count)
    }
}
