//! `verify`: compares every object of a failover group with its replica.

use super::ask::ask;
use super::common::{Common, DOES_NOT_HOLD};
use super::report::{writable, write_json};
use clap::Args;
use resilience::delta::Depth;
use resilience::runtime::{Question, VerifyAnswer};
use std::path::PathBuf;
use std::process::ExitCode;

/// Compares every object of a failover group with its replica
///
/// Ends with 0 when nothing differs: every object is in_sync, lagging (a whole, older version of its source, as some
/// table always is while a group replicates), unverifiable or unsupported. Ends with 1 when one is drifted, missing,
/// failed, or unknown because a region can't be reached.
#[derive(Debug, Args)]
pub struct Verify {
    /// The failover group
    group: String,
    /// Reads and hashes every file of the replica again, and compares it with the hash that the ledger keeps of the copy
    #[arg(long)]
    deep: bool,
    /// Reads and hashes every file of the source too, and compares with that instead
    #[arg(long, requires = "deep")]
    against_source: bool,
    /// Copies damaged files of the replica again and salvages what someone else committed there, then compares again
    #[arg(long)]
    repair: bool,
    /// Where the result is written as JSON; standard output without it
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Verifies through the instance that runs on the data dir, or opens the data dir itself.
pub async fn run(common: Common, verify: Verify) -> Result<ExitCode, String> {
    if let Some(file) = &verify.json {
        writable(file)?;
    }
    let Verify { group, deep, against_source, repair, json } = verify;
    let depth = if against_source { Depth::Source } else { Depth::from(deep) };
    let question = Question::Verify { group: group.clone(), depth, repair };
    let answer: VerifyAnswer =
        ask(&common, question, async |engine| VerifyAnswer::of(engine.control(), &group, depth, repair).await).await?;
    if let Some(problem) = &answer.error {
        return Err(problem.clone());
    }
    eprintln!("{}", compared_with(depth));
    match &json {
        Some(file) => write_json(file, &answer)?,
        None => println!("{}", serde_json::to_string_pretty(&answer).map_err(|e| e.to_string())?),
    }
    Ok(if answer.holds() { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_HOLD) })
}

/// What was compared, for a person who reads along.
fn compared_with(depth: Depth) -> &'static str {
    match depth {
        Depth::Sizes => "Compared commits, file names and sizes. Add --deep to compare bytes.",
        Depth::Ledger => {
            "Compared every file of the replica with the hash taken when it was copied. Add --against-source to read the source too."
        }
        Depth::Source => "Compared every file of the replica with the source's bytes.",
    }
}
