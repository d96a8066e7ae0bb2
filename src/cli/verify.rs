//! `verify`: compares every object of a failover group with its replica.

use super::drill::{writable, write_json};
use super::{Common, DOES_NOT_HOLD, sentence, start};
use clap::Args;
use resilience::runtime::{DataDir, VerifyAnswer, ask_running_instance};
use std::path::PathBuf;
use std::process::ExitCode;

/// Compares every object of a failover group with its replica
#[derive(Debug, Args)]
pub struct Verify {
    /// The failover group
    group: String,
    /// Reads and hashes every file of the replica again
    #[arg(long)]
    deep: bool,
    /// Where the result is written as JSON; standard output without it
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Verifies through the instance that runs on the data dir, or opens the data dir itself.
pub async fn run(common: Common, verify: Verify) -> Result<ExitCode, String> {
    if let Some(file) = &verify.json {
        writable(file)?;
    }
    let dir = common.data_dir()?;
    if !dir.join("state.db").is_file() {
        return Err(format!("{} holds no deployment. Name the data dir of one with --data-dir.", dir.display()));
    }
    let answer = if DataDir::is_held(&dir) {
        ask_running_instance(&dir, &verify.group, verify.deep).await.map_err(sentence)?
    } else {
        // Nothing may change while it is compared.
        let quiet = Common { sandbox_commits_per_second: Some(0.0), ..common };
        let engine = start(&quiet).await?;
        let answer = VerifyAnswer::of(engine.control(), &verify.group, verify.deep).await;
        engine.stop().await;
        answer
    };
    if let Some(problem) = &answer.error {
        return Err(problem.clone());
    }
    match &verify.json {
        Some(file) => write_json(file, &answer)?,
        None => println!("{}", serde_json::to_string_pretty(&answer).map_err(|e| e.to_string())?),
    }
    Ok(if answer.holds() { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_HOLD) })
}
