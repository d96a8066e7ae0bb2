//! How much all copies may take together: told at the start, or set in Settings and kept.

use super::{Control, ControlError, audit};
use crate::domain::{TransferLimit, size_text};

const KEPT: &str = "transfer_limit";

impl Control {
    /// Takes up what was kept, but for what this start was told.
    pub(super) async fn recall_transfer_limit(&self) -> Result<(), ControlError> {
        let kept = self.setting(KEPT).await?.and_then(|text| serde_json::from_str(&text).ok());
        let kept: TransferLimit = kept.unwrap_or_default();
        let told = &self.inner.settings;
        self.inner.limits.set(TransferLimit {
            parallel: told.max_parallel_transfers.unwrap_or(kept.parallel),
            bandwidth: told.max_bandwidth.or(kept.bandwidth),
            bulk_from: kept.bulk_from,
        });
        Ok(())
    }

    /// Changes what all copies keep to, those under way too, and keeps it for later starts.
    pub async fn set_transfer_limit(&self, actor: &str, limit: TransferLimit) -> Result<String, ControlError> {
        let before = self.inner.limits.get();
        let mut message = match limit.bandwidth {
            Some(bandwidth) => format!("Copies take at most {bandwidth}, {} files at a time.", limit.parallel),
            None => format!("Copies take {} files at a time, with no limit to the bandwidth.", limit.parallel),
        };
        if self.inner.spark.is_some() {
            message.push_str(&format!(" Shipments from {} on go to Spark.", size_text(limit.bulk_from)));
        }
        let mut line = audit::line(self.now(), actor, "transfer_limit.change", "transfers", message.clone());
        audit::show_change(&mut line, Some(&before), Some(&limit));
        let text = serde_json::to_string(&limit).unwrap_or_default();
        let stored = line.clone();
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.set_value(KEPT, &text)?;
            tx.add_activity(&stored)
        };
        let show = move |control: &Self, ()| {
            control.inner.limits.set(limit);
            control.show_activity(line);
            control.touch();
        };
        self.durably((), work, show).await?;
        Ok(message)
    }
}
