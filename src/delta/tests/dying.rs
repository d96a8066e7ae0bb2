//! A place that stops working after so many changes, as if the process had been killed there.

use crate::delta::DeltaError;
use crate::delta::place::{Content, Listed, LocalPlace, Mode, Opened, Place, Put, RandomAccess, Sink, Staged};
use crate::delta::position::FileFingerprint;
use crate::domain::ErrorClass;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

static BUDGETS: LazyLock<Mutex<HashMap<PathBuf, Arc<AtomicI64>>>> = LazyLock::new(Mutex::default);

/// From now on the folder takes `changes` more changes; None takes as many as come.
pub fn dies_after(root: &Path, changes: Option<i64>) {
    let mut budgets = BUDGETS.lock().expect("no test panics with it");
    match changes {
        Some(changes) => drop(budgets.insert(root.to_path_buf(), Arc::new(AtomicI64::new(changes)))),
        None => drop(budgets.remove(root)),
    }
}

/// The place at `root`, dying where that was asked for.
pub fn open(root: PathBuf) -> Arc<dyn Place> {
    let budget = BUDGETS.lock().expect("no test panics with it").get(&root).cloned();
    let inner = LocalPlace::new(root);
    match budget {
        Some(budget) => Arc::new(Dying { inner, life: Life(budget) }),
        None => Arc::new(inner),
    }
}

#[derive(Clone)]
struct Life(Arc<AtomicI64>);

impl Life {
    fn spend(&self) -> Result<(), DeltaError> {
        if self.0.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        Err(DeltaError::Storage {
            action: "change",
            path: "a folder".to_owned(),
            detail: "the process was killed".to_owned(),
            class: ErrorClass::StorageFailure,
        })
    }
}

struct Dying {
    inner: LocalPlace,
    life: Life,
}

impl Place for Dying {
    fn display(&self, rel: &str) -> String {
        self.inner.display(rel)
    }
    fn list(&self, dir: &str, from: Option<&str>) -> Result<Vec<Listed>, DeltaError> {
        self.inner.list(dir, from)
    }
    fn list_all(&self, dir: &str) -> Result<Vec<String>, DeltaError> {
        self.inner.list_all(dir)
    }
    fn stat(&self, rel: &str) -> Result<Option<FileFingerprint>, DeltaError> {
        self.inner.stat(rel)
    }
    fn read(&self, rel: &str, most: u64) -> Result<Option<Content>, DeltaError> {
        self.inner.read(rel, most)
    }
    fn open(&self, rel: &str) -> Result<Option<Opened>, DeltaError> {
        self.inner.open(rel)
    }
    fn open_random(&self, rel: &str) -> Result<Option<RandomAccess>, DeltaError> {
        self.inner.open_random(rel)
    }
    fn create(&self, rel: &str, size: u64) -> Result<Box<dyn Sink>, DeltaError> {
        self.life.spend()?;
        Ok(Box::new(DyingSink { inner: self.inner.create(rel, size)?, life: self.life.clone() }))
    }
    fn remove(&self, rel: &str) -> Result<(), DeltaError> {
        self.life.spend()?;
        self.inner.remove(rel)
    }
    fn local(&self) -> Option<&LocalPlace> {
        Some(&self.inner)
    }
    fn sync(&self, paths: &[String]) -> Result<(), DeltaError> {
        self.life.spend()?;
        self.inner.sync(paths)
    }
}

struct DyingSink {
    inner: Box<dyn Sink>,
    life: Life,
}

impl Sink for DyingSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), DeltaError> {
        self.life.spend()?;
        self.inner.write(bytes)
    }
    fn finish(self: Box<Self>, modified_ns: i64) -> Result<Box<dyn Staged>, DeltaError> {
        Ok(Box::new(DyingStaged { inner: self.inner.finish(modified_ns)?, life: self.life }))
    }
}

struct DyingStaged {
    inner: Box<dyn Staged>,
    life: Life,
}

impl Staged for DyingStaged {
    fn local_path(&self) -> Option<&Path> {
        self.inner.local_path()
    }
    fn publish(self: Box<Self>, mode: Mode) -> Result<Put, DeltaError> {
        self.life.spend()?;
        self.inner.publish(mode)
    }
}
