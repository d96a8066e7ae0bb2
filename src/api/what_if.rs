//! What if.

use super::auth::{Bytes, Call, json};
use super::context::{Api, to_the_end};
use super::groups::id_of;
use super::reply::{Answer, Rejection, bad, ok};
use crate::domain::{CatalogName, Region, Right, WhatIf};
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;

/// The question, and what it is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    question: String,
    mapping: Option<String>,
    region: Option<String>,
    catalog: Option<String>,
    new_name: Option<String>,
    table: Option<String>,
}

/// `POST …/failover-groups/{id}/what-if`
pub async fn ask(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Look)?;
    let (id, body): (_, Body) = (id_of(&call.id)?, json(&bytes)?);
    let asked = body.asked()?;
    let control = api.control.clone();
    ok(&to_the_end(async move { control.what_if(&id, asked).await }).await?)
}

impl Body {
    fn asked(self) -> Result<WhatIf, Rejection> {
        let given = |field: &str, value: Option<String>| {
            value.ok_or_else(|| bad(format!("{field} is missing. The question {} needs it.", self.question)))
        };
        Ok(match self.question.as_str() {
            "SWAP_MAPPING" => WhatIf::SwapMapping { mapping: given("mapping", self.mapping)? },
            "LOSE_REGION" => WhatIf::LoseRegion { region: Region::new(given("region", self.region)?) },
            "RENAME_CATALOG" => WhatIf::RenameCatalog {
                catalog: CatalogName::new(given("catalog", self.catalog)?),
                new_name: CatalogName::new(given("new_name", self.new_name)?),
            },
            "DROP_TABLE" => WhatIf::DropTable { table: given("table", self.table)? },
            other => {
                return Err(bad(format!(
                    "question is {other:?}. Use SWAP_MAPPING, LOSE_REGION, RENAME_CATALOG or DROP_TABLE."
                )));
            }
        })
    }
}
