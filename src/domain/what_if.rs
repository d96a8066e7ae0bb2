//! Questions about what would happen, and their answers. Asking changes nothing.

use super::catalog_name::InvalidCatalogName;
use super::{AssetName, CatalogName, GroupId, Region, Timestamp};
use serde::{Deserialize, Serialize};

/// What might happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WhatIf {
    /// The two URIs of a storage mapping change places.
    SwapMapping { mapping: String },
    /// A region is lost now.
    LoseRegion { region: Region },
    /// A catalog of the scope gets another name in the primary.
    RenameCatalog { catalog: CatalogName, new_name: CatalogName },
    /// A table of the scope is dropped in the primary.
    DropTable { table: String },
}

impl WhatIf {
    /// The question in words, to follow "What if ".
    pub fn words(&self) -> String {
        match self {
            Self::SwapMapping { mapping } => format!("the storage mapping {mapping} is swapped"),
            Self::LoseRegion { region } => format!("{region} is lost now"),
            Self::RenameCatalog { catalog, new_name } => format!("catalog {catalog} is renamed to {new_name}"),
            Self::DropTable { table } => format!("table {table} is dropped"),
        }
    }

    /// What is wrong with the question itself, as a sentence.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::SwapMapping { mapping } if mapping.trim().is_empty() => Some("Name a storage mapping.".to_owned()),
            Self::LoseRegion { region } if region.as_str().is_empty() => Some("Name a region.".to_owned()),
            Self::RenameCatalog { catalog, new_name } => match (catalog.check(), new_name.check()) {
                (Err(InvalidCatalogName::Empty), _) | (_, Err(InvalidCatalogName::Empty)) => {
                    Some("Name a catalog and its new name.".to_owned())
                }
                (_, Err(error)) => Some(error.to_string()),
                // Nothing of such a name is in the scope, which the answer says.
                (Err(_), _) | (Ok(()), Ok(())) => None,
            },
            Self::DropTable { table } if AssetName::parse(table).name.is_none() => {
                Some(format!("{table:?} isn't a table's full name. Write catalog.schema.table."))
            }
            _ => None,
        }
    }
}

/// How a consequence matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Weight {
    /// Something fails, is refused or lost.
    Fails,
    /// Bytes are shipped, or something stops.
    Costs,
    /// Something waits for a person, a region or a time.
    Waits,
    /// It couldn't be found out.
    Unknown,
    /// It stays as it is.
    Stays,
}

impl Weight {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fails => "Fails",
            Self::Costs => "Costs",
            Self::Waits => "Waits",
            Self::Unknown => "Unknown",
            Self::Stays => "Stays",
        }
    }
}

/// One thing that would come of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequence {
    pub weight: Weight,
    /// What would happen and what to do, in sentences.
    pub sentence: String,
    /// The first objects that it is about.
    pub objects: Vec<String>,
    /// How many it is about in all.
    pub count: usize,
}

/// Objects that a consequence names at most.
const NAMED: usize = 20;

impl Consequence {
    pub fn new(weight: Weight, sentence: impl Into<String>) -> Self {
        Self { weight, sentence: sentence.into(), objects: Vec::new(), count: 0 }
    }

    /// The same with what it is about.
    #[must_use]
    pub fn of(self, mut objects: Vec<String>) -> Self {
        let count = objects.len();
        objects.truncate(NAMED);
        Self { objects, count, ..self }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIfAnswer {
    pub group: GroupId,
    pub asked: WhatIf,
    /// When it was asked. What it says holds for then.
    pub at: Timestamp,
    /// What it was found from, as a sentence.
    pub basis: String,
    /// The worst first.
    pub consequences: Vec<Consequence>,
    /// Tables that would be shipped again, at most.
    pub tables: u64,
    /// Bytes that would be shipped again, at most.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_names_nothing_is_refused() {
        let wrong = [
            WhatIf::SwapMapping { mapping: " ".to_owned() },
            WhatIf::RenameCatalog { catalog: CatalogName::new("main"), new_name: CatalogName::new("a.b") },
            WhatIf::DropTable { table: "main.sales".to_owned() },
        ];
        assert!(wrong.iter().all(|question| question.problem().is_some()));
        assert!(WhatIf::DropTable { table: "main.sales.orders".to_owned() }.problem().is_none());
    }

    #[test]
    fn many_objects_are_counted_and_the_first_named() {
        let many = Consequence::new(Weight::Fails, "x").of((0..100).map(|n| n.to_string()).collect());
        assert_eq!((many.count, many.objects.len()), (100, NAMED));
    }
}
