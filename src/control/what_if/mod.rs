//! What if: answers by the same rules that replication and failovers go by. Nothing is changed, neither here nor in a region.

mod catalog;
mod mapping;
mod region;
mod table;

use super::{Control, ControlError};
use crate::domain::{Consequence, FailoverGroup, GroupId, Timestamp, WhatIf, WhatIfAnswer};
use crate::replicate::ReplicaState;
use std::collections::BTreeMap;

/// What the parts of an answer are found from.
struct Asked<'a> {
    control: &'a Control,
    group: FailoverGroup,
    /// What has arrived, by name.
    ledger: BTreeMap<String, ReplicaState>,
    at: Timestamp,
}

/// What is found.
#[derive(Default)]
struct Found {
    consequences: Vec<Consequence>,
    tables: u64,
    bytes: u64,
}

impl Found {
    fn say(&mut self, consequence: Consequence) {
        self.consequences.push(consequence);
    }
}

impl Control {
    /// What would fail, cost and wait.
    pub async fn what_if(&self, id: &GroupId, asked: WhatIf) -> Result<WhatIfAnswer, ControlError> {
        if let Some(sentence) = asked.problem() {
            return Err(ControlError::BadArgument { sentence });
        }
        let group = self.handle(id)?.shown();
        let (of, at) = (id.clone(), self.now());
        let rows = self.inner.store.run(move |tx| tx.tables::<ReplicaState>(&of)).await?;
        let ledger = rows.into_iter().map(|row| (row.name, row.body)).collect();
        let asking = Asked { control: self, group, ledger, at };
        let mut found = match &asked {
            WhatIf::SwapMapping { mapping } => asking.swap(mapping).await?,
            WhatIf::LoseRegion { region } => asking.lose(region).await?,
            WhatIf::RenameCatalog { catalog, new_name } => asking.rename(catalog, new_name).await?,
            WhatIf::DropTable { table } => asking.drop_table(table).await?,
        };
        found.consequences.sort_by_key(|consequence| consequence.weight);
        let basis = format!(
            "Found from the ledger, the regions and the group as they were at {}. Nothing was changed.",
            at.format("%Y-%m-%d %H:%M:%S UTC")
        );
        let Found { consequences, tables, bytes } = found;
        Ok(WhatIfAnswer { group: id.clone(), asked, at, basis, consequences, tables, bytes })
    }
}

fn no_such(what: String) -> ControlError {
    ControlError::BadArgument { sentence: what }
}

/// Bytes in words.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A number and its noun.
fn counted(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
