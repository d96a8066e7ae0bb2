//! The private socket in the data dir, on which a command asks the instance that runs there.

use super::{DataDir, RuntimeError};
use crate::control::Control;
use crate::domain::GroupId;
use crate::replicate::ObjectRecord;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Bytes of a request at most.
const MOST_BYTES: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct VerifyRequest {
    verify: String,
    deep: bool,
}

/// What a verification answers, as other programs read it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct VerifyAnswer {
    /// The group.
    pub group: String,
    /// Every object.
    pub objects: Vec<serde_json::Value>,
    /// Why it could not be verified, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl VerifyAnswer {
    /// Verifies a group.
    pub async fn of(control: &Control, group: &str, deep: bool) -> Self {
        let failed = |error: String| Self { group: group.to_owned(), objects: Vec::new(), error: Some(error) };
        let id = match GroupId::new(group) {
            Ok(id) => id,
            Err(error) => return failed(error.to_string()),
        };
        match control.verify(&id, deep).await {
            Ok(report) => {
                Self { group: group.to_owned(), objects: report.objects.iter().map(object).collect(), error: None }
            }
            Err(error) => failed(error.to_string()),
        }
    }

    /// Whether every object is equal or known not to be replicated.
    pub fn holds(&self) -> bool {
        let fine = ["in_sync", "unverifiable", "unsupported"];
        self.error.is_none() && self.objects.iter().all(|o| o["status"].as_str().is_some_and(|s| fine.contains(&s)))
    }
}

fn object(record: &ObjectRecord) -> serde_json::Value {
    serde_json::json!({
        "type": record.kind,
        "name": record.name,
        "status": record.status,
        "source_version": record.source_version,
        "replica_version": record.replica_version,
        "error_class": record.error.as_ref().map(|e| e.class),
        "message": record.error.as_ref().map(|e| e.message.as_str()),
    })
}

/// Listens until the task is aborted; None where the socket could not be made, which only `verify` misses.
pub fn listen(data_dir: &Path, control: Control) -> Option<tokio::task::JoinHandle<()>> {
    let path = DataDir::socket(data_dir);
    // Left over from an instance that was killed; this one holds the data dir, so nobody listens on it.
    let _ = std::fs::remove_file(&path);
    let listener = match UnixListener::bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the private socket could not be made");
            return None;
        }
    };
    let _ = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600));
    Some(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let control = control.clone();
            tokio::spawn(async move {
                if let Err(error) = answer(stream, &control).await {
                    tracing::debug!(%error, "a command went away");
                }
            });
        }
    }))
}

async fn answer(stream: UnixStream, control: &Control) -> std::io::Result<()> {
    use tokio::io::AsyncReadExt;
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader).take(MOST_BYTES as u64).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<VerifyRequest>(&line) {
        Ok(request) => VerifyAnswer::of(control, &request.verify, request.deep).await,
        Err(_) => VerifyAnswer {
            error: Some("The request is not one that this instance knows.".to_owned()),
            ..VerifyAnswer::default()
        },
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    writer.write_all(&text).await
}

/// Asks the instance that runs on `data_dir` to verify a group.
pub async fn ask_running_instance(data_dir: &Path, group: &str, deep: bool) -> Result<VerifyAnswer, RuntimeError> {
    let ask = async {
        let mut stream = UnixStream::connect(DataDir::socket(data_dir)).await?;
        let mut text = serde_json::to_vec(&VerifyRequest { verify: group.to_owned(), deep })?;
        text.push(b'\n');
        stream.write_all(&text).await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        Ok::<_, std::io::Error>(serde_json::from_str(&line)?)
    };
    ask.await.map_err(|source| RuntimeError::GaveUp {
        sentence: format!(
            "The instance that runs on {} did not answer: {source}. Stop it, then verify again.",
            data_dir.display()
        ),
    })
}
