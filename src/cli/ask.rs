//! Asking what is known of a data dir: the instance that runs on it, or the store itself where none does.

use super::common::{Common, clock, sentence};
use resilience::control::ControlSettings;
use resilience::runtime::{DataDir, Engine, EngineOptions, Question, SandboxSource, ask_running_instance};
use serde::de::DeserializeOwned;

/// Answers `question`, by `here` where no instance runs. What is opened for that replicates nothing, goes on with
/// nothing, and lets the sandbox's jobs write nothing.
pub async fn ask<T: DeserializeOwned>(
    common: &Common,
    question: Question,
    here: impl AsyncFnOnce(&Engine) -> T,
) -> Result<T, String> {
    let dir = common.data_dir()?;
    if !dir.join("state.db").is_file() {
        return Err(format!("{} has no deployment. Name the data dir of one with --data-dir.", dir.display()));
    }
    if DataDir::is_held(&dir) {
        return ask_running_instance(&dir, &question).await.map_err(sentence);
    }
    let usual = common.engine();
    let options = EngineOptions {
        sandbox: SandboxSource { commits_per_second: Some(0.0), ..usual.sandbox },
        control: ControlSettings { read_only: true, ..ControlSettings::default() },
        ..usual
    };
    let engine = Engine::start(common.hold()?, options, clock()).await.map_err(sentence)?;
    let answer = here(&engine).await;
    engine.stop().await;
    Ok(answer)
}
