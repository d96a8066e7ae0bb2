//! The private socket in the data dir, on which a command asks the instance that runs there.

use super::{DataDir, RuntimeError};
use crate::control::{Control, ControlError, PointReport};
use crate::delta::Depth;
use crate::domain::{GroupId, Timestamp};
use crate::replicate::{CompareReport, ObjectRecord};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Bytes of a request at most.
const MOST_BYTES: usize = 4096;

/// What a command asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Compares every object of a group.
    Verify {
        /// The group.
        group: String,
        /// How closely files are compared.
        depth: Depth,
        /// Mends what can be mended, then compares again.
        repair: bool,
    },
    /// Reads a replication point back.
    Points {
        /// The group.
        group: String,
        /// The newest point not after this; None for the newest.
        at: Option<Timestamp>,
    },
}

/// What a verification answers, as other programs read it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct VerifyAnswer {
    /// The group.
    pub group: String,
    /// What the replica's files were compared with; absent where nothing was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<Depth>,
    /// Every object.
    pub objects: Vec<serde_json::Value>,
    /// What a repair did, a sentence each; absent where none was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Vec<String>>,
    /// Why it could not be verified, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a question about a replication point answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PointAnswer {
    /// The point.
    pub report: Option<PointReport>,
    /// Why it could not be read, as a sentence.
    pub error: Option<String>,
}

impl VerifyAnswer {
    /// Verifies a group, and repairs it where that is asked for.
    pub async fn of(control: &Control, group: &str, depth: Depth, repair: bool) -> Self {
        let failed = |error: String| Self { group: group.to_owned(), error: Some(error), ..Self::default() };
        let id = match GroupId::new(group) {
            Ok(id) => id,
            Err(error) => return failed(error.to_string()),
        };
        let done: Result<(CompareReport, Option<Vec<String>>), ControlError> = if repair {
            control.repair("verify", &id, depth, None).await.map(|repair| (repair.report, Some(repair.done)))
        } else {
            control.verify(&id, depth).await.map(|report| (report, None))
        };
        match done {
            Ok((report, repaired)) => Self {
                group: group.to_owned(),
                compared_with: Some(depth),
                objects: report.objects.iter().map(object).collect(),
                repaired,
                error: None,
            },
            Err(error) => failed(error.to_string()),
        }
    }

    /// Whether nothing differs. A replica that lags is a whole, older version of its source: while a group replicates
    /// some table always does, and how far behind is for the replication point to say.
    pub fn holds(&self) -> bool {
        let fine = ["in_sync", "lagging", "unverifiable", "unsupported", "excluded"];
        self.error.is_none() && self.objects.iter().all(|o| o["status"].as_str().is_some_and(|s| fine.contains(&s)))
    }
}

impl PointAnswer {
    /// Reads back the newest point of a group not after `at`.
    pub async fn of(control: &Control, group: &str, at: Option<Timestamp>) -> Self {
        let failed = |error: String| Self { report: None, error: Some(error) };
        let id = match GroupId::new(group) {
            Ok(id) => id,
            Err(error) => return failed(error.to_string()),
        };
        match control.point(&id, at.unwrap_or_else(|| control.now())).await {
            Ok(report) => Self { report: Some(report), error: None },
            Err(error) => failed(error.to_string()),
        }
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
        "message": record.message(),
    })
}

/// Listens until the task is aborted; None where the socket could not be made, which only commands miss.
pub fn listen(data_dir: &Path, control: Control) -> Option<tokio::task::JoinHandle<()>> {
    let path = DataDir::socket(data_dir);
    // Left over from an instance that was killed; this one holds the data dir, so no one listens on it.
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
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader).take(MOST_BYTES as u64).read_line(&mut line).await?;
    let mut text = match serde_json::from_str(&line) {
        Ok(Question::Verify { group, depth, repair }) => {
            serde_json::to_vec(&VerifyAnswer::of(control, &group, depth, repair).await)?
        }
        Ok(Question::Points { group, at }) => serde_json::to_vec(&PointAnswer::of(control, &group, at).await)?,
        Err(_) => {
            let error = "The running instance is another version and doesn't know this request. Restart it.";
            serde_json::to_vec(&VerifyAnswer { error: Some(error.to_owned()), ..VerifyAnswer::default() })?
        }
    };
    text.push(b'\n');
    writer.write_all(&text).await
}

/// Asks the instance that runs on `data_dir`.
pub async fn ask_running_instance<T: DeserializeOwned>(
    data_dir: &Path,
    question: &Question,
) -> Result<T, RuntimeError> {
    let ask = async {
        let mut stream = UnixStream::connect(DataDir::socket(data_dir)).await?;
        let mut text = serde_json::to_vec(question)?;
        text.push(b'\n');
        stream.write_all(&text).await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        Ok::<_, std::io::Error>(serde_json::from_str(&line)?)
    };
    ask.await.map_err(|source| RuntimeError::GaveUp {
        sentence: format!("The instance on {} didn't respond: {source}. Stop it, then try again.", data_dir.display()),
    })
}
