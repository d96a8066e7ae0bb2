//! What Unity Catalog guards: its types, what holds it, and what is kept about it beside its record.

use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::Permissions;
use serde_json::Value;

/// A securable's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Metastore,
    Catalog,
    Schema,
    Table,
    Volume,
    Function,
    Model,
    ExternalLocation,
    StorageCredential,
}

/// A securable, by type and full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Securable {
    pub of: Type,
    /// In lower case; a metastore's id.
    pub name: String,
}

impl Type {
    /// As the API writes it.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_lowercase().replace('-', "_").as_str() {
            "metastore" => Self::Metastore,
            "catalog" => Self::Catalog,
            "schema" => Self::Schema,
            "table" => Self::Table,
            "volume" => Self::Volume,
            "function" => Self::Function,
            "registered_model" | "model" => Self::Model,
            "external_location" => Self::ExternalLocation,
            "storage_credential" | "credential" => Self::StorageCredential,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metastore => "metastore",
            Self::Catalog => "catalog",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::Volume => "volume",
            Self::Function => "function",
            Self::Model => "registered_model",
            Self::ExternalLocation => "external_location",
            Self::StorageCredential => "storage_credential",
        }
    }

    /// The kind of its record; a metastore has none.
    pub fn kind(self) -> Option<Kind> {
        Some(match self {
            Self::Metastore => return None,
            Self::Catalog => Kind::Catalog,
            Self::Schema => Kind::Schema,
            Self::Table => Kind::Table,
            Self::Volume => Kind::Volume,
            Self::Function => Kind::Function,
            Self::Model => Kind::Model,
            Self::ExternalLocation => Kind::ExternalLocation,
            Self::StorageCredential => Kind::StorageCredential,
        })
    }

    /// As an error code spells it.
    pub fn code(self) -> String {
        self.as_str().to_uppercase()
    }

    /// As a sentence of the service spells it.
    pub fn words(self) -> String {
        let text = self.as_str().replace('_', " ");
        text.split(' ').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<Vec<_>>().join(" ")
    }
}

impl Securable {
    pub fn new(of: Type, name: &str) -> Self {
        Self { of, name: name.to_lowercase() }
    }

    /// The metastore of a region.
    pub fn metastore(region: &Region) -> Self {
        Self::new(Type::Metastore, &region.identity.metastore_id)
    }

    /// What a path names; a refusal where there is no such securable.
    pub fn known(region: &Region, kind: &str, name: &str) -> Result<Self, Refusal> {
        let of =
            Type::parse(kind).ok_or_else(|| Refusal::invalid(format!("The securable type {kind:?} is unknown.")))?;
        let found = Self::new(of, name);
        match of.kind() {
            Some(kind) if region.records.text(kind, &found.name).is_none() => Err(found.missing()),
            _ => Ok(found),
        }
    }

    pub fn missing(&self) -> Refusal {
        Refusal::missing(&self.of.code(), &self.name)
    }

    /// Its key among grants, bindings and policies.
    pub fn key(&self) -> String {
        format!("{}/{}", self.of.as_str(), self.name)
    }

    /// What holds it: a schema, a catalog, the metastore.
    pub fn parent(&self, region: &Region) -> Option<Self> {
        let above = self.name.rsplit_once('.').map(|(above, _)| above);
        match (self.of, above) {
            (Type::Metastore, _) => None,
            (Type::Schema, Some(catalog)) => Some(Self::new(Type::Catalog, catalog)),
            (Type::Table | Type::Volume | Type::Function | Type::Model, Some(schema)) => {
                Some(Self::new(Type::Schema, schema))
            }
            _ => Some(Self::metastore(region)),
        }
    }

    /// Itself, and everything that holds it.
    pub fn chain(&self, region: &Region) -> Vec<Self> {
        std::iter::successors(Some(self.clone()), |securable| securable.parent(region)).collect()
    }

    /// Who owns it.
    pub fn owner(&self, region: &Region) -> Option<String> {
        match self.of.kind() {
            None => Some(region.identity.admin_name.clone()),
            Some(kind) => match &region.records.value(kind, &self.name)["owner"] {
                Value::String(owner) => Some(owner.clone()),
                _ => None,
            },
        }
    }

    /// What is granted on it directly.
    pub fn grants(&self, region: &Region) -> Permissions {
        region.records.get(Kind::Grants, &self.key()).unwrap_or_default()
    }

    /// Removes its grants, bindings, policies and tags.
    pub fn forget(&self, region: &Region, writing: &mut Writing<'_>) {
        for kind in [Kind::Grants, Kind::Bindings, Kind::Policies] {
            writing.delete(kind, self.key());
        }
        for (key, _) in
            region.records.page(Kind::TagAssignment, &tag_prefix(self.of.as_str(), &self.name), "", usize::MAX)
        {
            writing.delete(Kind::TagAssignment, key);
        }
        if self.of == Type::Table {
            let columns = format!("column/{}.", self.name);
            for (key, _) in region.records.page(Kind::TagAssignment, &columns, "", usize::MAX) {
                writing.delete(Kind::TagAssignment, key);
            }
        }
    }
}

/// Start of the keys of an entity's tags.
pub fn tag_prefix(entity: &str, name: &str) -> String {
    format!("{entity}/{name}\n")
}
