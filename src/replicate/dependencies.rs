//! Views that read catalogs outside the group: they arrive, but the secondary can't compute them.

use super::engine::CycleRequest;
use super::{CycleError, Endpoint, Inventory, ObjectRecord};
use crate::domain::{AssetKey, AssetKind, AssetName, ErrorClass, folded, same_name};
use crate::wire::unity_catalog::TableInfo;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::time::Duration;

/// Calls at a time.
const PARALLEL: usize = 8;
/// How long it is believed whether the destination has a catalog.
const TRUST: Duration = Duration::from_secs(60);
/// Catalogs that every metastore has.
const EVERYWHERE: [&str; 3] = ["system", "samples", "hive_metastore"];

/// What views read.
#[derive(Debug, Default)]
pub struct Dependencies {
    /// The definition that was looked at, and the full names in it.
    of: BTreeMap<AssetKey, (Option<String>, Vec<String>)>,
    /// Catalogs outside the group: whether the destination has them, and when that was asked.
    there: BTreeMap<String, (bool, Duration)>,
}

impl Dependencies {
    /// Names views whose catalogs the secondary doesn't have.
    pub async fn follow(
        &mut self,
        request: &CycleRequest<'_>,
        source: &Inventory,
        objects: &mut [ObjectRecord],
    ) -> Result<(), CycleError> {
        let views: BTreeMap<&AssetKey, &TableInfo> =
            source.of_kind(AssetKind::View).filter_map(|(key, asset)| Some((key, asset.info()?))).collect();
        self.of.retain(|key, _| views.contains_key(key));
        let is_new = |(key, info): &(&&AssetKey, &&TableInfo)| {
            self.of.get(**key).is_none_or(|(definition, _)| *definition != info.view_definition)
        };
        let new: Vec<(&AssetKey, &TableInfo)> = views.iter().filter(is_new).map(|(key, info)| (*key, *info)).collect();
        for (key, definition, names) in ask_each(request.source, new).await? {
            self.of.insert(key, (definition, names));
        }
        for object in objects.iter_mut().filter(|object| object.kind == AssetKind::View && object.error.is_none()) {
            let key = AssetKey::new(AssetKind::View, AssetName::parse(&object.name));
            let Some((_, names)) = self.of.get(&key) else { continue };
            for name in names.clone() {
                let catalog = AssetName::parse(&name).catalog;
                if self.is_missing(request, &catalog).await? {
                    *object = missing(request, &key, &name, &catalog);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether a catalog is neither in the scope nor in the destination.
    async fn is_missing(&mut self, request: &CycleRequest<'_>, catalog: &str) -> Result<bool, CycleError> {
        let is_in_scope = request.catalogs.iter().any(|known| *known == catalog);
        if catalog.is_empty() || is_in_scope || EVERYWHERE.iter().any(|known| same_name(known, catalog)) {
            return Ok(false);
        }
        let (now, name) = (request.clock.monotonic(), folded(catalog).into_owned());
        if let Some((is_there, _)) = self.there.get(&name).filter(|(_, at)| now.saturating_sub(*at) < TRUST) {
            return Ok(!is_there);
        }
        let is_there = match request.destination.client.catalog(&name).await {
            Ok(found) => found.is_some(),
            Err(error) if error.is_unreachable() => return Err(CycleError::at(&request.destination.region, error)),
            // It is there, but hidden.
            Err(_) => true,
        };
        self.there.insert(name, (is_there, now));
        Ok(!is_there)
    }
}

/// What every view of an inventory reads, as full names.
pub async fn view_reads(source: &Endpoint, inventory: &Inventory) -> Result<Vec<(AssetKey, Vec<String>)>, CycleError> {
    let views = inventory.of_kind(AssetKind::View).filter_map(|(key, asset)| Some((key, asset.info()?))).collect();
    Ok(ask_each(source, views).await?.into_iter().map(|(key, _, names)| (key, names)).collect())
}

/// Asks the source what views read; with each view's definition. Where it doesn't tell, the definition is read.
async fn ask_each(
    source: &Endpoint,
    views: Vec<(&AssetKey, &TableInfo)>,
) -> Result<Vec<(AssetKey, Option<String>, Vec<String>)>, CycleError> {
    let ask = |(key, info): (&AssetKey, &TableInfo)| {
        let (key, definition) = (key.clone(), info.view_definition.clone());
        // A list leaves out what a view reads.
        async move { (source.client.table(&key.to_string()).await, key, definition) }
    };
    let each: Vec<_> = views.into_iter().map(ask).collect();
    let answers: Vec<_> = stream::iter(each).buffered(PARALLEL).collect().await;
    let mut all = Vec::with_capacity(answers.len());
    for (answer, key, definition) in answers {
        let told = match answer {
            Ok(info) => info.and_then(|info| info.view_dependencies).map(|told| named(&told)),
            Err(error) if error.is_unreachable() => return Err(CycleError::at(&source.region, error)),
            Err(_) => None,
        };
        let names = told.filter(|names| !names.is_empty());
        let names = names.unwrap_or_else(|| read_by(definition.as_deref().unwrap_or_default()));
        all.push((key, definition, names));
    }
    Ok(all)
}

fn missing(request: &CycleRequest<'_>, key: &AssetKey, name: &str, catalog: &str) -> ObjectRecord {
    let message = format!(
        "View {key} reads {name}. Catalog {catalog} isn't in the group, and {} has no catalog of that name. Add {catalog} to the group.",
        request.destination.region
    );
    let parameters =
        BTreeMap::from([("catalog".to_owned(), catalog.to_owned()), ("dependency".to_owned(), name.to_owned())]);
    ObjectRecord::failed(key, (ErrorClass::MissingDependency, parameters, message), request.clock)
}

/// The full names in a server's list of dependencies.
fn named(told: &serde_json::Value) -> Vec<String> {
    let list = told.get("dependencies").and_then(|list| list.as_array());
    let name = |one: &serde_json::Value| {
        let table = one.pointer("/table/table_full_name").or_else(|| one.pointer("/function/function_full_name"));
        table.and_then(|name| name.as_str()).map(str::to_owned)
    };
    list.into_iter().flatten().filter_map(name).collect()
}

/// Full names of three parts that a query reads, as far as its words after FROM and JOIN tell.
fn read_by(query: &str) -> Vec<String> {
    let mut words = query.split(|c: char| c.is_whitespace() || "(),;".contains(c)).filter(|word| !word.is_empty());
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        if !["from", "join"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) {
            continue;
        }
        let Some(name) = words.next().map(|name| name.replace('`', "")) else { break };
        let is_plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
        let parts: Vec<&str> = name.split('.').collect();
        if parts.len() == 3 && parts.iter().all(|part| is_plain(part)) {
            found.push(name.clone());
        }
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_after_from_and_join() {
        let query =
            "SELECT a.b.c FROM `fin`.ledger.entries e JOIN main.sales.orders ON (x) WHERE y IN (select 1 from t)";
        assert_eq!(read_by(query), ["fin.ledger.entries", "main.sales.orders"]);
        assert_eq!(read_by("SELECT 'from a.b.c'"), Vec::<String>::new(), "a quote is part of the word");
    }
}
