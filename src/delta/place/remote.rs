//! A table's folder in an object store.

mod fault;
mod ranges;
mod read;
mod write;

use super::{Content, Listed, LocalPlace, Opened, Place, RandomAccess, Sink, StoredObject};
use crate::delta::DeltaError;
use crate::delta::position::FileFingerprint;
use crate::domain::ErrorClass;
use fault::{class_of, told};
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt};
pub(in crate::delta) use ranges::RemoteRanges;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;

/// A prefix in an object store. Its calls block, so they belong on blocking threads.
pub(in crate::delta) struct RemotePlace {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    uri: String,
    home: Option<String>,
    handle: Handle,
    /// Whether the store refused to copy from elsewhere: not every login that may write here may also read there.
    copies_refused: AtomicBool,
}

fn fingerprint_of(meta: &ObjectMeta) -> FileFingerprint {
    FileFingerprint {
        size: meta.size,
        modified_ns: meta.last_modified.timestamp_nanos_opt().unwrap_or_default(),
        changed_ns: 0,
        inode: 0,
        // Listings and answers differ in the quotes around it.
        etag: meta.e_tag.as_ref().map(|etag| etag.trim_matches('"').to_owned()),
    }
}

impl RemotePlace {
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path, uri: String, home: Option<String>, handle: Handle) -> Self {
        Self { store, prefix, uri, home, handle, copies_refused: AtomicBool::new(false) }
    }

    fn failed(&self, action: &'static str, rel: &str, error: &Error) -> DeltaError {
        DeltaError::Storage { action, path: self.display(rel), detail: told(error), class: class_of(error) }
    }

    /// The object's key. The path is decoded already, so nothing in it is encoded or decoded again.
    fn key(&self, rel: &str) -> Result<Path, DeltaError> {
        let whole = format!("{}/{rel}", self.prefix);
        Path::parse(whole).map_err(|error| DeltaError::Storage {
            action: "name",
            path: self.display(rel),
            detail: error.to_string(),
            class: ErrorClass::UnsupportedObject,
        })
    }

    fn rel(&self, location: &Path) -> Option<String> {
        let rel = location.as_ref().strip_prefix(self.prefix.as_ref())?;
        Some(rel.trim_start_matches('/').to_owned())
    }

    fn absent<T>(&self, action: &'static str, rel: &str, result: Result<T, Error>) -> Result<Option<T>, DeltaError> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(action, rel, &error)),
        }
    }

    fn collect(
        &self,
        dir: &str,
        stream: BoxStream<'_, Result<ObjectMeta, Error>>,
    ) -> Result<Vec<ObjectMeta>, DeltaError> {
        let found: Vec<_> = self.handle.block_on(stream.collect());
        found.into_iter().collect::<Result<_, _>>().map_err(|error| self.failed("list", dir, &error))
    }
}

impl Place for RemotePlace {
    fn display(&self, rel: &str) -> String {
        if rel.is_empty() { self.uri.clone() } else { format!("{}/{rel}", self.uri.trim_end_matches('/')) }
    }

    fn list(&self, dir: &str, from: Option<&str>) -> Result<Vec<Listed>, DeltaError> {
        let folder = self.key(dir)?;
        let metas = match from {
            // The offset itself is left out, and no file's name is a bare number.
            Some(from) => {
                let offset = self.key(&format!("{dir}/{from}"))?;
                self.collect(dir, self.store.list_with_offset(Some(&folder), &offset))?
            }
            None => {
                let listed = self.handle.block_on(self.store.list_with_delimiter(Some(&folder)));
                self.absent("list", dir, listed)?.map(|listed| listed.objects).unwrap_or_default()
            }
        };
        let direct = |meta: ObjectMeta| {
            let name = self.rel(&meta.location)?.strip_prefix(dir)?.trim_start_matches('/').to_owned();
            (!name.contains('/')).then(|| Listed { name, stamp: Some(fingerprint_of(&meta)) })
        };
        Ok(metas.into_iter().filter_map(direct).collect())
    }

    fn list_all(&self, dir: &str) -> Result<Vec<String>, DeltaError> {
        let folder = self.key(dir)?;
        let metas = self.collect(dir, self.store.list(Some(&folder)))?;
        Ok(metas.iter().filter_map(|meta| self.rel(&meta.location)).collect())
    }

    fn stat(&self, rel: &str) -> Result<Option<FileFingerprint>, DeltaError> {
        let head = self.handle.block_on(self.store.head(&self.key(rel)?));
        Ok(self.absent("look at", rel, head)?.as_ref().map(fingerprint_of))
    }

    fn read(&self, rel: &str, most: u64) -> Result<Option<Content>, DeltaError> {
        let key = self.key(rel)?;
        let read = async {
            let found = self.store.get(&key).await?;
            let stamp = fingerprint_of(&found.meta);
            if stamp.size > most {
                return Ok(Err(stamp.size));
            }
            // The answer may be longer than it said, or than the store says of the object.
            let (mut bytes, mut answer) = (Vec::new(), found.into_stream());
            while let Some(piece) = answer.next().await {
                bytes.extend_from_slice(&piece?);
                if bytes.len() as u64 > most {
                    return Ok(Err(bytes.len() as u64));
                }
            }
            Ok(Ok(Content { bytes, stamp }))
        };
        let read = self.absent("read", rel, self.handle.block_on(read))?;
        read.transpose().map_err(|size| DeltaError::TooLarge { path: self.display(rel), size, most })
    }

    fn open(&self, rel: &str) -> Result<Option<Opened>, DeltaError> {
        let found = self.handle.block_on(self.store.get(&self.key(rel)?));
        let Some(found) = self.absent("read", rel, found)? else { return Ok(None) };
        let stamp = fingerprint_of(&found.meta);
        let reader = read::RemoteReader::new(self.store.clone(), found, self.handle.clone());
        Ok(Some(Opened { reader: Box::new(reader), stamp }))
    }

    fn open_random(&self, rel: &str) -> Result<Option<RandomAccess>, DeltaError> {
        let head = self.handle.block_on(self.store.head(&self.key(rel)?));
        let Some(meta) = self.absent("look at", rel, head)? else { return Ok(None) };
        if meta.size > ranges::WHOLE {
            let ranges = RemoteRanges::new(self.store.clone(), meta, self.handle.clone());
            return Ok(Some(RandomAccess::Ranges(ranges)));
        }
        Ok(self.read(rel, ranges::WHOLE)?.map(|content| RandomAccess::Bytes(content.bytes.into())))
    }

    fn create(&self, rel: &str, size: u64) -> Result<Box<dyn Sink>, DeltaError> {
        let (store, key, shown) = (self.store.clone(), self.key(rel)?, self.display(rel));
        write::begin(write::Destination { store, key, shown, handle: self.handle.clone() }, rel, size)
    }

    fn copy_within(&self, source: &dyn Place, rel: &str) -> Result<bool, DeltaError> {
        let here = self.home.as_ref().filter(|_| !self.copies_refused.load(Ordering::Relaxed));
        let Some(source) = source.stored(rel).filter(|source| here == Some(&source.home)) else { return Ok(false) };
        match self.handle.block_on(self.store.copy(&source.key, &self.key(rel)?)) {
            Ok(()) => Ok(true),
            // What the store can't do, or won't do with this login, is done through here.
            Err(error) => {
                let refused = matches!(class_of(&error), ErrorClass::PermissionDenied)
                    || matches!(error, Error::NotImplemented { .. } | Error::NotSupported { .. });
                self.copies_refused.fetch_or(refused, Ordering::Relaxed);
                Ok(false)
            }
        }
    }

    fn remove(&self, rel: &str) -> Result<(), DeltaError> {
        let removed = self.handle.block_on(self.store.delete(&self.key(rel)?));
        self.absent("remove", rel, removed).map(|_| ())
    }

    fn local(&self) -> Option<&LocalPlace> {
        None
    }

    fn stored(&self, rel: &str) -> Option<StoredObject> {
        Some(StoredObject { home: self.home.clone()?, key: self.key(rel).ok()? })
    }

    /// An object store answers when the bytes are safe.
    fn sync(&self, _paths: &[String]) -> Result<(), DeltaError> {
        Ok(())
    }
}
