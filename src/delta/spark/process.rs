//! The process of one submission. It ends with its job, and its job with it.

use super::folder::JobFolder;
use super::options::SparkOptions;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a job that is told to end may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Characters of what a failed job said that are passed on.
const LONGEST: usize = 600;

/// A submission under way; killed when dropped.
pub(super) struct Submitted {
    child: Child,
    printed: PathBuf,
    log: PathBuf,
    linked: bool,
    ended: bool,
}

pub(super) enum Ended {
    Well,
    /// What went wrong, as a sentence without its period.
    Badly(String),
}

/// What the program prints first.
#[derive(Deserialize)]
struct Hello {
    link: Option<String>,
}

impl Submitted {
    pub fn start(options: &SparkOptions, folder: &JobFolder) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("Couldn't start {}: {error}", options.submit.display());
        let (out, printed) = folder.log("printed").map_err(cannot)?;
        let (err, log) = folder.log("log").map_err(cannot)?;
        let mut command = Command::new(&options.submit);
        command.args(["--master", &options.master, "--name", "Resilience Console: copy files"]);
        if let Some(file) = &options.properties {
            command.arg("--properties-file").arg(file);
        }
        command.args(["--conf", "spark.log.level=ERROR", "--conf", "spark.ui.showConsoleProgress=false"]);
        command.arg("--conf").arg(format!("spark.local.dir={}", folder.local().display()));
        if options.master.starts_with("local") {
            // Nobody else has to reach the driver.
            command.env("SPARK_LOCAL_IP", "127.0.0.1");
            command.args(["--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.driver.bindAddress=127.0.0.1"]);
        }
        if let Some(python) = &options.python {
            command.env("PYSPARK_PYTHON", python).env("PYSPARK_DRIVER_PYTHON", python);
        }
        command.env("SPARK_LOCAL_DIRS", folder.local());
        command.arg(folder.program()).arg(folder.path()).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let child = command.spawn().map_err(cannot)?;
        Ok(Self { child, printed, log, linked: false, ended: false })
    }

    /// Whether it has ended, and how.
    pub fn look(&mut self) -> Option<Ended> {
        let status = match self.child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => status,
            Err(error) => return Some(Ended::Badly(format!("Couldn't wait for the Spark job: {error}"))),
        };
        self.ended = true;
        if status.success() {
            return Some(Ended::Well);
        }
        let how = status.code().map_or_else(|| "by a signal".to_owned(), |code| format!("with status {code}"));
        Some(Ended::Badly(match self.last_words() {
            Some(words) => format!("The Spark job ended {how}: {words}"),
            None => format!("The Spark job ended {how}"),
        }))
    }

    /// The line of the log that says most: the last one that names an error, else the last one.
    fn last_words(&self) -> Option<String> {
        let bytes = crate::delta::read_regular(&self.log, 8 << 20).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("at "));
        let says = |line: &&str| line.contains("Error") || line.contains("Exception");
        let line = lines().rfind(says).or_else(|| lines().next_back())?;
        Some(line.chars().take(LONGEST).collect::<String>().trim_end_matches('.').to_owned())
    }

    /// Where Spark shows the job, the first time that it's known.
    pub fn link(&mut self) -> Option<String> {
        if self.linked {
            return None;
        }
        let bytes = crate::delta::read_regular(&self.printed, 1 << 20).ok()?;
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let hello: Hello = serde_json::from_slice(line).ok()?;
        self.linked = true;
        hello.link
    }

    /// Ends the job: politely, so that executors elsewhere are let go, and then for good.
    pub fn kill(&mut self) {
        let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        let _ = kill_process_group(group, Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Its Python workers, too, which may have outlived it.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
        self.ended = true;
    }
}

impl Drop for Submitted {
    fn drop(&mut self) {
        if !self.ended {
            self.kill();
        }
    }
}
