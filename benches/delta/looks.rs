//! What a look at many tables asks of an object store.

use crate::shared::{Fault, Options};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use resilience::delta::{Change, TableRoot, has_changed, latest};
use serde_json::json;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const TABLES: usize = 10_000;

/// What all stores together were asked.
#[derive(Debug, Default)]
struct Counts {
    listings: AtomicU64,
    gets: AtomicU64,
}

/// A store in memory that counts what it is asked. Each table has one of its own: this store goes through all that it holds to list
/// a folder, which would be measured instead.
#[derive(Debug, Default)]
struct Counting {
    inner: InMemory,
    counts: Arc<Counts>,
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("counting")
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

// As `async_trait` writes it, which isn't a dependency of this project.
impl ObjectStore for Counting {
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
        self.counts.gets.fetch_add(1, Ordering::Relaxed);
        self.inner.get_opts(at, options)
    }

    fn delete_stream(&self, at: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(at)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counts.listings.fetch_add(1, Ordering::Relaxed);
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counts.listings.fetch_add(1, Ordering::Relaxed);
        self.inner.list_with_offset(prefix, offset)
    }

    fn list_with_delimiter<'a, 'b, 'c>(&'a self, prefix: Option<&'b Path>) -> Answer<'c, ListResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.counts.listings.fetch_add(1, Ordering::Relaxed);
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

/// Counts what looks at tables that stand still ask for.
pub fn run(options: &Options) -> std::result::Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure((TABLES / options.divide).max(1)))
}

async fn measure(tables: usize) -> std::result::Result<(), Fault> {
    let counts: Arc<Counts> = Arc::default();
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
    let mut known = Vec::new();
    for number in 0..tables {
        let store = Arc::new(Counting { inner: InMemory::new(), counts: counts.clone() });
        let prefix = Path::from(format!("lake/table-{number:05}"));
        let metadata = json!({"metaData": {"id": format!("{number}"), "format": {"provider": "parquet", "options": {}},
            "schemaString": "{\"type\":\"struct\",\"fields\":[]}", "partitionColumns": [], "configuration": {}}});
        let log = prefix.clone().join("_delta_log").join(format!("{:020}.json", 0));
        store.put(&log, format!("{protocol}\n{metadata}\n").into()).await?;
        let uri = format!("memory://bucket/{prefix}");
        let root = TableRoot::Remote { store, prefix, uri, home: None, login: None };
        let position = latest(&root).await?.ok_or("A table is not there.")?.position;
        known.push((root, position));
    }
    counts.listings.store(0, Ordering::Relaxed);
    counts.gets.store(0, Ordering::Relaxed);
    let started = Instant::now();
    let looks: Vec<_> = known.iter().map(|(root, position)| has_changed(root, position)).collect();
    let found: Vec<_> = stream::iter(looks).buffered(32).collect().await;
    let seconds = started.elapsed().as_secs_f64();
    if !found.iter().all(|look| matches!(look, Ok(Change::Same))) {
        return Err("A look found a change where there is none.".into());
    }
    let (listings, gets) = (counts.listings.load(Ordering::Relaxed), counts.gets.load(Ordering::Relaxed));
    println!(
        "{}",
        json!({"bench": "looks", "tables": tables, "seconds": seconds, "listings": listings, "gets_and_heads": gets,
               "aim_a_table": 1, "aim_met": listings + gets <= tables as u64})
    );
    Ok(())
}
