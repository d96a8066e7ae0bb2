//! Functions: their definition, which no call changes, so that a changed one is dropped and made again.

use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, AssetName, ErrorClass};
use crate::replicate::engine::{ApplyFault, CycleRequest, Diff, Listing, MetadataType, Removal, WhyNot};
use crate::replicate::{Asset, Endpoint};
use crate::wire::unity_catalog::{CreateFunction, FunctionInfo};
use serde_json::Value;
use std::collections::BTreeMap;

pub struct Functions;

/// What makes a function what it is, beside its name and body. All else is the region's own: ids, owner, times.
const DEFINITION: [&str; 15] = [
    "data_type",
    "external_language",
    "external_name",
    "full_data_type",
    "input_params",
    "is_deterministic",
    "is_null_call",
    "parameter_style",
    "properties",
    "return_params",
    "routine_body",
    "routine_dependencies",
    "security_type",
    "specific_name",
    "sql_data_access",
];

fn keyed(info: FunctionInfo) -> (AssetKey, Asset) {
    let name = AssetName::leaf(&*info.catalog_name, &*info.schema_name, &*info.name);
    (AssetKey::new(AssetKind::Function, name), asset(info))
}

fn asset(info: FunctionInfo) -> Asset {
    let id = info.id().map(str::to_owned);
    Asset::new(id.as_deref(), info)
}

impl MetadataType for Functions {
    type Info = FunctionInfo;

    fn kind(&self) -> AssetKind {
        AssetKind::Function
    }

    async fn list(&self, listing: &Listing<'_>) -> Result<Vec<(AssetKey, Asset)>, ConnectError> {
        let client = &listing.endpoint.client;
        listing.rarely(AssetKind::Function, |schema| client.functions(&schema.catalog_name, &schema.name), keyed).await
    }

    fn why_not(&self, info: &FunctionInfo) -> Option<WhyNot> {
        let name = info.full_name();
        info.routine_definition.is_none().then(|| WhyNot {
            class: ErrorClass::UnsupportedObject,
            sentence: format!(
                "The product's principal can't read the definition of function {name}. Grant it the privilege."
            ),
            parameters: BTreeMap::new(),
        })
    }

    fn diff(&self, source: &FunctionInfo, replica: &FunctionInfo) -> Diff {
        let same = |field: &str| source.other.get(field) == replica.other.get(field);
        if source.routine_definition != replica.routine_definition || !DEFINITION.iter().all(|field| same(field)) {
            return Diff::Content("definition");
        }
        Diff::details(source.comment.as_deref().unwrap_or_default() == replica.comment.as_deref().unwrap_or_default())
    }

    async fn apply(
        &self,
        request: &CycleRequest<'_>,
        source: &FunctionInfo,
        replica: Option<&FunctionInfo>,
    ) -> Result<Asset, ApplyFault> {
        let (to, name) = (request.destination, source.full_name());
        if replica.is_some() {
            to.client.delete_function(&name).await?;
        }
        let mut wanted = FunctionInfo { full_name: None, ..source.clone() };
        wanted.other.retain(|field, _| DEFINITION.contains(&field.as_str()));
        if let Some(id) = source.id().filter(|_| to.capabilities.keeps_ids) {
            wanted.other.insert("function_id".to_owned(), Value::from(id));
        }
        let create = CreateFunction { function_info: wanted };
        match to.client.create_function(&create).await {
            Ok(created) => Ok(asset(created)),
            Err(ConnectError::AlreadyExists { .. }) => {
                to.client.delete_function(&name).await?;
                Ok(asset(to.client.create_function(&create).await?))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn remove(&self, to: &Endpoint, key: &AssetKey, _: Option<&FunctionInfo>) -> Result<Removal, ConnectError> {
        to.client.delete_function(&key.to_string()).await.map(|()| Removal::Removed)
    }
}
