//! A deep comparison of a replica against `sha256sum` over the same files, on as many cores.

use crate::shared::disk::{self, Scratch};
use crate::shared::figures::median;
use crate::shared::{Fault, Options};
use resilience::delta::{CompareOptions, Depth, Kept, Plan, PlanRequest, TableRoot, Transfer, compare, plan, ship};
use resilience::domain::ObjectStatus;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Part of `sha256sum`'s speed that the comparison must have.
const AIM: f64 = 0.8;
/// Shapes: name, files, bytes a file, files a commit.
const SHAPES: [(&str, usize, usize, usize); 2] =
    [("2000 x 256 KiB", 2_000, 256 << 10, 200), ("20 x 64 MiB", 20, 64 << 20, 5)];

/// Measures both shapes.
pub fn run(options: &Options, dir: &Path) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let cores = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
    for (shape, files, size, per_commit) in SHAPES {
        let files = (files / options.divide).max(1);
        let (source, replica) = (Scratch::new(dir, "source")?, Scratch::new(dir, "replica")?);
        disk::write_table(source.path(), files, size, per_commit)?;
        let ends = Ends {
            source: TableRoot::Local(source.path().to_owned()),
            replica: TableRoot::Local(replica.path().to_owned()),
        };
        let kept = runtime.block_on(ends.copy())?;
        let megabytes = (files * size) as f64 / 1e6;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for number in 0..options.runs {
            for turn in 0..2 {
                let cache = disk::level(replica.path())?;
                let started = Instant::now();
                let own = (number + turn) % 2 == 0;
                if own {
                    runtime.block_on(ends.verify(&kept))?;
                } else {
                    sha256sum(replica.path(), cores, files)?;
                }
                let seconds = started.elapsed().as_secs_f64();
                if own { &mut ours } else { &mut theirs }.push(seconds);
                println!(
                    "{}",
                    json!({"bench": "verify", "shape": shape, "tool": if own { "resilience" } else { "sha256sum" },
                           "run": number + 1, "seconds": seconds, "cache": cache.word()})
                );
            }
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!(
            "{}",
            json!({"bench": "verify_median", "shape": shape, "cores": cores, "seconds": ours, "sha256sum_seconds": theirs,
                   "mb_per_second": megabytes / ours, "sha256sum_mb_per_second": megabytes / theirs,
                   "speed_of_sha256sum": theirs / ours, "aim": AIM, "aim_met": theirs / ours >= AIM})
        );
    }
    Ok(())
}

struct Ends {
    source: TableRoot,
    replica: TableRoot,
}

impl Ends {
    /// Makes the replica; returns what the ledger would keep.
    async fn copy(&self) -> Result<Kept, Fault> {
        let Plan::Ship(shipment) = plan(PlanRequest::new(&self.source, &self.replica, None)).await? else {
            return Err("There was nothing to ship to an empty replica.".into());
        };
        let shipped = ship(vec![*shipment], &Transfer::default()).await.remove(0)?;
        let commits = shipped.commits.into_iter().map(|commit| (commit.version, commit.sha256)).collect();
        Ok(Kept { files: shipped.files.into_iter().map(|file| (file.path.clone(), file)).collect(), commits })
    }

    /// What `verify --deep` does to a table.
    async fn verify(&self, kept: &Kept) -> Result<(), Fault> {
        let found =
            compare(&self.source, &self.replica, kept, CompareOptions { up_to: None, depth: Depth::Ledger }).await;
        if found.status == ObjectStatus::InSync {
            Ok(())
        } else {
            Err(format!("The replica differs: {found:?}").into())
        }
    }
}

fn sha256sum(folder: &Path, cores: usize, files: usize) -> Result<(), Fault> {
    let names: String =
        disk::files_below(folder)?.iter().map(|file| format!("{}\n", folder.join(file).display())).collect();
    let each = (files / cores / 8).clamp(1, 64).to_string();
    let mut child = Command::new("xargs")
        .args(["-d", "\n", "-P", &cores.to_string(), "-n", &each, "sha256sum"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    std::io::Write::write_all(&mut child.stdin.take().ok_or("xargs takes no input.")?, names.as_bytes())?;
    if child.wait()?.success() { Ok(()) } else { Err("sha256sum failed.".into()) }
}
