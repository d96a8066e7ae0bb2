//! One line of a capability sheet.

use serde::Serialize;

/// What a line says of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SheetMark {
    /// It works.
    Pass,
    /// Something works less well, or isn't there; replication goes on without it.
    Warn,
    /// Replication can't work like this.
    Fail,
}

impl SheetMark {
    /// As text names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetLine {
    /// What it is about, such as `bindings`.
    pub topic: &'static str,
    /// How it stands.
    pub mark: SheetMark,
    /// What was found.
    pub finding: String,
    /// What follows from it; empty where everything works.
    pub consequence: String,
    /// What mends it; empty where nothing does, or nothing has to.
    pub remedy: String,
}

impl SheetLine {
    pub(super) fn pass(topic: &'static str, finding: impl Into<String>) -> Self {
        let finding = finding.into();
        Self { topic, mark: SheetMark::Pass, finding, consequence: String::new(), remedy: String::new() }
    }

    pub(super) fn warn(topic: &'static str, finding: impl Into<String>, consequence: &str, remedy: &str) -> Self {
        let (consequence, remedy) = (consequence.to_owned(), remedy.to_owned());
        Self { topic, mark: SheetMark::Warn, finding: finding.into(), consequence, remedy }
    }

    pub(super) fn fail(topic: &'static str, finding: impl Into<String>, consequence: &str, remedy: &str) -> Self {
        Self { mark: SheetMark::Fail, ..Self::warn(topic, finding, consequence, remedy) }
    }
}
