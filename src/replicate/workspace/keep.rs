//! Copies of what replication is about to overwrite or delete in the secondary and did not make itself.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes of a file name at most, as file systems have it.
const LONGEST_NAME: usize = 200;

/// Keeps the bytes of a workspace object under its path; a sentence where that fails.
pub async fn object(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), String> {
    let below = path.split('/').filter(|part| !part.is_empty()).map(safe);
    let file = below.fold(folder.join("workspace"), |at, part| at.join(part));
    write(file, bytes.to_vec()).await
}

/// Keeps an asset's description; a sentence where that fails.
pub async fn description(folder: &Path, kind: &str, name: &str, id: &str, text: String) -> Result<(), String> {
    let file = folder.join(safe(kind)).join(format!("{} ({}).json", safe(name), safe(id)));
    write(file, text.into_bytes()).await
}

/// A part of a path that stays inside its folder.
fn safe(part: &str) -> String {
    let mut name: String =
        part.chars().map(|c| if c == '/' || c == '\\' || c == ':' || c.is_control() { '_' } else { c }).collect();
    while name.len() > LONGEST_NAME {
        name.pop();
    }
    if name.is_empty() || name == "." || name == ".." { "_".to_owned() } else { name }
}

/// Writes and syncs a new file. One that is there stays: the new one gets a number.
async fn write(file: PathBuf, bytes: Vec<u8>) -> Result<(), String> {
    let shown = file.display().to_string();
    let work = move || -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut number = 1;
        let mut target = file.clone();
        let mut made = loop {
            match std::fs::File::options().write(true).create_new(true).open(&target) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < 10_000 => {
                    if std::fs::read(&target).is_ok_and(|kept| kept == bytes) {
                        return Ok(());
                    }
                    number += 1;
                    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    target = file.with_file_name(format!("{number} {name}"));
                }
                made => break made?,
            }
        };
        made.write_all(&bytes)?;
        made.sync_all()?;
        std::fs::File::open(folder)?.sync_all()
    };
    let done = tokio::task::spawn_blocking(work).await;
    let failed = |problem: String| {
        format!(
            "Couldn't keep a copy at {shown}: {problem}. The original was left as it is. Make room or fix the folder."
        )
    };
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("the program stops".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn copies_stay_in_their_folder_and_never_replace_each_other() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let folder = dir.path().join("exports");
        for bytes in [b"one", b"one", b"two"] {
            object(&folder, "/Shared/../a:b", bytes).await.expect("kept");
        }
        description(&folder, "job", "../nightly", "7", "{}".to_owned()).await.expect("kept");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(read("workspace/Shared/_/a_b") + &read("workspace/Shared/_/2 a_b"), "onetwo");
        assert_eq!(read("job/.._nightly (7).json"), "{}");
    }
}
