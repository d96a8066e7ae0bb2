//! Spark beside this program as the copy engine: one table's first copy on one disk, as JSON lines; `benches/spark.sh` runs it.

mod shared;

use clap::Parser;
use resilience::delta::{Plan, PlanRequest, Spark, SparkOptions, TableRoot, Transfer, TransferLimits, plan, ship};
use resilience::domain::TransferLimit;
use serde_json::json;
use shared::disk::{self, Scratch};
use shared::figures::median;
use shared::{Fault, bootstrap::SHAPES};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, Parser)]
#[command(about = "Measures Spark as the copy engine and prints JSON lines.")]
struct SparkBench {
    /// The program that jobs are submitted with; its Python lies beside it.
    #[arg(long)]
    spark_submit: Option<PathBuf>,
    /// Where jobs run.
    #[arg(long, default_value = "local[2]")]
    spark_master: String,
    #[command(flatten)]
    common: shared::Options,
}

fn main() -> ExitCode {
    let options = SparkBench::parse();
    shared::main("spark", options.common.bench, || run(&options))
}

fn run(options: &SparkBench) -> Result<(), Fault> {
    let submit =
        options.spark_submit.clone().ok_or("Name spark-submit with --spark-submit, or run benches/spark.sh.")?;
    let python = Some(submit.with_file_name("python"));
    let spark = SparkOptions { submit, master: options.spark_master.clone(), python, properties: None }.found()?;
    let dir = options.common.scratch("bench-spark")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let engine = || Arc::new(Spark::new(spark.clone(), &dir.path().join("jobs")));

    // What a job costs before its first file: one that copies next to nothing.
    let tiny = Scratch::new(dir.path(), "tiny")?;
    disk::write_table(tiny.path(), 1, 1, 1)?;
    let mut starts = Vec::new();
    for _ in 0..options.common.runs {
        let copy = Scratch::new(dir.path(), "copy")?;
        starts.push(runtime.block_on(copy_by(Some(engine()), tiny.path(), &copy.path().join("table")))?);
    }
    let start = median(starts);
    println!("{}", json!({"bench": "spark_start", "seconds": start}));

    for shape in &SHAPES {
        let files = (shape.files / options.common.divide).max(1);
        let source = Scratch::new(dir.path(), "source")?;
        disk::write_table(source.path(), files, shape.size, shape.per_commit)?;
        let megabytes = (files * shape.size) as f64 / 1e6;
        let (mut own, mut by_spark) = (Vec::new(), Vec::new());
        for number in 0..options.common.runs {
            for turn in 0..2 {
                let with_spark = (number + turn) % 2 == 0;
                let copy = Scratch::new(dir.path(), "copy")?;
                disk::level(source.path())?;
                let to = copy.path().join("table");
                let seconds = runtime.block_on(copy_by(with_spark.then(engine), source.path(), &to))?;
                if number == 0 {
                    disk::check_same(source.path(), &to)?;
                }
                if with_spark { by_spark.push(seconds) } else { own.push(seconds) }
            }
        }
        let (own, by_spark) = (median(own), median(by_spark));
        let line = json!({"bench": "spark", "shape": shape.name, "own_seconds": own, "own_mb_per_second": megabytes / own,
            "spark_seconds": by_spark, "spark_seconds_without_start": by_spark - start,
            "spark_mb_per_second_without_start": megabytes / (by_spark - start).max(0.001)});
        println!("{line}");
    }
    Ok(())
}

/// A first copy: plan, data, sync, commits. Returns its seconds.
async fn copy_by(spark: Option<Arc<Spark>>, source: &Path, destination: &Path) -> Result<f64, Fault> {
    let begun = Instant::now();
    let (source, destination) = (TableRoot::Local(source.to_owned()), TableRoot::Local(destination.to_owned()));
    let Plan::Ship(shipment) = plan(PlanRequest::new(&source, &destination, None)).await? else {
        return Err("There was nothing to ship to an empty destination.".into());
    };
    let limits = Arc::new(TransferLimits::new(TransferLimit { bulk_from: 1, ..TransferLimit::default() }));
    let bulk = spark.clone().map(|spark| spark as Arc<dyn resilience::delta::BulkCopy>);
    for shipped in ship(vec![*shipment], &Transfer { bulk, limits, ..Transfer::default() }).await {
        shipped?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let error = spark.and_then(|spark| spark.view().last?.error);
    error.map_or(Ok(seconds), |error| Err(error.into()))
}
