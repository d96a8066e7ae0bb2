//! Writes objects: small ones and commits in one put, others in parts.

use super::fault::{class_of, told, wait};
use crate::delta::DeltaError;
use crate::delta::log::LogName;
use crate::delta::place::{Mode, Put, Sink, Staged};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Objects up to this size are put in one call; larger ones in parts of at least this size.
const PART: usize = 8 << 20;
/// S3 takes no more parts than 10,000; this leaves room.
const PARTS: u64 = 9_000;
/// How often a conditional put that got no clear answer is sent again, beyond what the store's client tries.
const TRIES: u32 = 4;

/// Where an object goes.
pub(super) struct Destination {
    pub store: Arc<dyn ObjectStore>,
    pub key: Path,
    pub shown: String,
    pub handle: Handle,
}

/// Begins to write the object `rel` of about `size` bytes.
pub(super) fn begin(at: Destination, rel: &str, size: u64) -> Result<Box<dyn Sink>, DeltaError> {
    let name = rel.rsplit('/').next().unwrap_or(rel);
    // A conditional put is always a single one.
    if size <= PART as u64 || matches!(LogName::parse(name), LogName::Commit(_)) {
        return Ok(Box::new(SingleSink { at, bytes: Vec::with_capacity(usize::try_from(size).unwrap_or(0)) }));
    }
    let upload = at.handle.block_on(at.store.put_multipart(&at.key)).map_err(|error| at.failed(&error))?;
    let part = PART.max(usize::try_from(size / PARTS).unwrap_or(PART));
    let runtime = at.handle.enter();
    let upload = WriteMultipart::new_with_chunk_size(upload, part);
    drop(runtime);
    Ok(Box::new(PartsSink { at, upload: Some(upload) }))
}

impl Destination {
    fn failed(&self, error: &Error) -> DeltaError {
        let class = class_of(error);
        DeltaError::Storage { action: "write", path: self.shown.clone(), detail: told(error), class }
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
        let put_mode = if mode == Mode::Create { PutMode::Create } else { PutMode::Overwrite };
        let payload = PutPayload::from(self.bytes);
        let mut failures = 0;
        loop {
            let options = PutOptions::from(put_mode.clone());
            match self.at.handle.block_on(self.at.store.put_opts(&self.at.key, payload.clone(), options)) {
                Ok(_) => return Ok(Put::Done),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Ok(Put::Exists),
                // No one knows whether a put without an answer has landed. Put again, one that has finds itself there,
                // and the caller knows it by its bytes.
                Err(Error::Generic { .. }) if mode == Mode::Create && failures < TRIES => {
                    failures += 1;
                    self.at.handle.block_on(tokio::time::sleep(wait(failures)));
                }
                Err(error) => return Err(self.at.failed(&error)),
            }
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
