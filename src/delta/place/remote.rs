//! A table's folder in an object store.

use super::{Content, Listed, LocalPlace, Mode, Opened, Place, Put, RandomAccess, Sink, Staged};
use crate::delta::DeltaError;
use crate::delta::log::LogName;
use crate::delta::position::Stamp;
use crate::domain::ErrorClass;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    Error, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart,
};
use std::io::{self, Read};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Objects up to this size are put in one call; larger ones in parts of at least this size.
const PART: usize = 8 << 20;
/// S3 takes no more parts than 10,000; this leaves room.
const PARTS: u64 = 9_000;

/// A prefix in an object store. Its calls block, so they belong on blocking threads.
pub(in crate::delta) struct RemotePlace {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    uri: String,
    handle: Handle,
}

fn stamp_of(meta: &ObjectMeta) -> Stamp {
    Stamp {
        size: meta.size,
        modified_ns: meta.last_modified.timestamp_nanos_opt().unwrap_or_default(),
        changed_ns: 0,
        // Listings and answers differ in the quotes around it.
        etag: meta.e_tag.as_ref().map(|etag| etag.trim_matches('"').to_owned()),
    }
}

fn class_of(error: &Error) -> ErrorClass {
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => ErrorClass::PermissionDenied,
        _ => ErrorClass::StorageFailure,
    }
}

impl RemotePlace {
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path, uri: String, handle: Handle) -> Self {
        Self { store, prefix, uri, handle }
    }

    fn failed(&self, action: &'static str, rel: &str, error: &Error) -> DeltaError {
        DeltaError::Storage { action, path: self.display(rel), detail: error.to_string(), class: class_of(error) }
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
            (!name.contains('/')).then(|| Listed { name, stamp: Some(stamp_of(&meta)) })
        };
        Ok(metas.into_iter().filter_map(direct).collect())
    }

    fn list_all(&self, dir: &str) -> Result<Vec<String>, DeltaError> {
        let folder = self.key(dir)?;
        let metas = self.collect(dir, self.store.list(Some(&folder)))?;
        Ok(metas.iter().filter_map(|meta| self.rel(&meta.location)).collect())
    }

    fn stat(&self, rel: &str) -> Result<Option<Stamp>, DeltaError> {
        let head = self.handle.block_on(self.store.head(&self.key(rel)?));
        Ok(self.absent("look at", rel, head)?.as_ref().map(stamp_of))
    }

    fn read(&self, rel: &str) -> Result<Option<Content>, DeltaError> {
        let key = self.key(rel)?;
        let read = async {
            let found = self.store.get(&key).await?;
            let stamp = stamp_of(&found.meta);
            Ok(Content { bytes: found.bytes().await?.to_vec(), stamp })
        };
        self.absent("read", rel, self.handle.block_on(read))
    }

    fn open(&self, rel: &str) -> Result<Option<Opened>, DeltaError> {
        let found = self.handle.block_on(self.store.get(&self.key(rel)?));
        let Some(found) = self.absent("read", rel, found)? else { return Ok(None) };
        let stamp = stamp_of(&found.meta);
        let reader = RemoteReader { stream: found.into_stream(), rest: Bytes::new(), handle: self.handle.clone() };
        Ok(Some(Opened { reader: Box::new(reader), stamp }))
    }

    fn open_random(&self, rel: &str) -> Result<Option<RandomAccess>, DeltaError> {
        Ok(self.read(rel)?.map(|content| RandomAccess::Bytes(content.bytes.into())))
    }

    fn create(&self, rel: &str, size: u64) -> Result<Box<dyn Sink>, DeltaError> {
        let name = rel.rsplit('/').next().unwrap_or(rel);
        // A conditional put is always a single one.
        let single = size <= PART as u64 || matches!(LogName::parse(name), LogName::Commit(_));
        let at = Destination {
            store: self.store.clone(),
            key: self.key(rel)?,
            shown: self.display(rel),
            handle: self.handle.clone(),
        };
        if single {
            return Ok(Box::new(SingleSink { at, bytes: Vec::with_capacity(usize::try_from(size).unwrap_or(0)) }));
        }
        let upload = self.handle.block_on(self.store.put_multipart(&at.key));
        let upload: Box<dyn MultipartUpload> = upload.map_err(|error| self.failed("write", rel, &error))?;
        let part = PART.max(usize::try_from(size / PARTS).unwrap_or(PART));
        let _runtime = self.handle.enter();
        Ok(Box::new(PartsSink { at, upload: Some(WriteMultipart::new_with_chunk_size(upload, part)) }))
    }

    fn remove(&self, rel: &str) -> Result<(), DeltaError> {
        let removed = self.handle.block_on(self.store.delete(&self.key(rel)?));
        self.absent("remove", rel, removed).map(|_| ())
    }

    fn local(&self) -> Option<&LocalPlace> {
        None
    }

    /// An object store answers when the bytes are safe.
    fn sync(&self, _paths: &[String]) -> Result<(), DeltaError> {
        Ok(())
    }
}

struct RemoteReader {
    stream: BoxStream<'static, Result<Bytes, Error>>,
    rest: Bytes,
    handle: Handle,
}

impl Read for RemoteReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.handle.block_on(self.stream.next()) {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(buffer.len());
        let chunk = self.rest.split_to(count);
        buffer.iter_mut().zip(chunk.iter()).for_each(|(to, from)| *to = *from);
        Ok(count)
    }
}

/// Where an object goes.
struct Destination {
    store: Arc<dyn ObjectStore>,
    key: Path,
    shown: String,
    handle: Handle,
}

impl Destination {
    fn failed(&self, error: &Error) -> DeltaError {
        let class = class_of(error);
        DeltaError::Storage { action: "write", path: self.shown.clone(), detail: error.to_string(), class }
    }
}

struct SingleSink {
    at: Destination,
    bytes: Vec<u8>,
}

impl Sink for SingleSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), DeltaError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>, _modified_ns: i64) -> Result<Box<dyn Staged>, DeltaError> {
        Ok(self)
    }
}

impl Staged for SingleSink {
    fn local_path(&self) -> Option<&std::path::Path> {
        None
    }

    fn publish(self: Box<Self>, mode: Mode) -> Result<Put, DeltaError> {
        let mode = if mode == Mode::Create { PutMode::Create } else { PutMode::Overwrite };
        let payload = PutPayload::from(self.bytes);
        let put = self.at.store.put_opts(&self.at.key, payload, PutOptions::from(mode));
        match self.at.handle.block_on(put) {
            Ok(_) => Ok(Put::Done),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Put::Exists),
            Err(error) => Err(self.at.failed(&error)),
        }
    }
}

struct PartsSink {
    at: Destination,
    upload: Option<WriteMultipart>,
}

impl Sink for PartsSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), DeltaError> {
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let _runtime = self.at.handle.enter();
        // One part on its way while the next one fills bounds the memory.
        self.at.handle.block_on(upload.wait_for_capacity(1)).map_err(|error| self.at.failed(&error))?;
        upload.write(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>, _modified_ns: i64) -> Result<Box<dyn Staged>, DeltaError> {
        Ok(self)
    }
}

impl Staged for PartsSink {
    fn local_path(&self) -> Option<&std::path::Path> {
        None
    }

    fn publish(mut self: Box<Self>, _mode: Mode) -> Result<Put, DeltaError> {
        let _runtime = self.at.handle.enter();
        let Some(upload) = self.upload.take() else { return Ok(Put::Done) };
        self.at.handle.block_on(upload.finish()).map(|_| Put::Done).map_err(|error| self.at.failed(&error))
    }
}

impl Drop for PartsSink {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            let _runtime = self.at.handle.enter();
            // Best effort: a store's life-cycle rule takes what is left of an upload.
            let _ = self.at.handle.block_on(upload.abort());
        }
    }
}
