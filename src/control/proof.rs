//! Remembers when a comparison last showed that a group's replica is whole.

use super::lock::lock;
use super::{Control, ControlError};
use crate::domain::{GroupId, Proof};

/// Where it is kept.
pub fn proof_key(id: &GroupId) -> String {
    format!("proof.{id}")
}

impl Control {
    /// Notes that a comparison of every file's bytes found every table equal.
    pub(super) async fn note_proof(&self, id: &GroupId) -> Result<(), ControlError> {
        let proof = Proof { at: self.now(), by: "deep comparison".to_owned() };
        let text = serde_json::to_string(&proof).unwrap_or_default();
        let (key, id) = (proof_key(id), id.clone());
        self.durably(
            (),
            move |tx| tx.set_value(&key, &text),
            move |control, ()| {
                lock(&control.inner.proofs).insert(id, proof);
                control.touch();
            },
        )
        .await
        .map(|_| ())
    }
}
