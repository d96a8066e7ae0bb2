//! Ready-made queries, for a person who opens a system table for the first time.

/// One of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemTable {
    /// `system.replication.states`.
    States,
    /// `system.replication.objects`.
    Objects,
}

/// What a query is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reader {
    /// DuckDB with its extension `delta`.
    DuckDb,
    /// Python's `deltalake`.
    Python,
    /// Spark with Delta.
    Spark,
}

impl SystemTable {
    /// What its queries answer.
    pub fn question(self) -> &'static str {
        match self {
            Self::States => "State and lag of every failover group over the last day, newest first",
            Self::Objects => "Every object that is not in sync, by its newest status",
        }
    }

    /// The query of this table in `folder` for `reader`.
    pub fn query(self, reader: Reader, folder: &str) -> String {
        let sql = folder.replace('\'', "''");
        let spark = folder.replace('`', "``");
        // Every JSON string is one of Python's too.
        let python = serde_json::Value::from(folder).to_string();
        match (self, reader) {
            (Self::States, Reader::DuckDb) => format!(
                "INSTALL delta; LOAD delta;\n\
                 SELECT event_time, failover_group_name, replication_state, replication_lag_ms\n\
                 FROM delta_scan('{sql}')\n\
                 WHERE event_time > now() - INTERVAL 1 DAY\n\
                 ORDER BY event_time DESC;"
            ),
            (Self::Objects, Reader::DuckDb) => format!(
                "INSTALL delta; LOAD delta;\n\
                 SELECT failover_group_name, asset_type, asset_name,\n       \
                 max(event_time) AS since, arg_max(status, event_time) AS newest\n\
                 FROM delta_scan('{sql}')\n\
                 WHERE event_time > now() - INTERVAL 2 DAY\n\
                 GROUP BY failover_group_name, asset_type, asset_name\n\
                 HAVING newest NOT IN ('in_sync', 'removed');"
            ),
            (Self::States, Reader::Python) => format!(
                "from datetime import datetime, timedelta, timezone\n\
                 from deltalake import DeltaTable\n\n\
                 since = datetime.now(timezone.utc) - timedelta(days=1)\n\
                 rows = DeltaTable({python}).to_pyarrow_table(\n    \
                 columns=[\"event_time\", \"failover_group_name\", \"replication_state\", \"replication_lag_ms\"],\n    \
                 filters=[(\"event_time\", \">\", since)],\n\
                 ).sort_by([(\"event_time\", \"descending\")])\n\
                 print(rows.to_pylist())"
            ),
            (Self::Objects, Reader::Python) => format!(
                "from datetime import datetime, timedelta, timezone\n\
                 from deltalake import DeltaTable\n\n\
                 since = datetime.now(timezone.utc) - timedelta(days=2)\n\
                 rows = DeltaTable({python}).to_pyarrow_table(filters=[(\"event_time\", \">\", since)])\n\
                 newest = {{}}\n\
                 for row in rows.sort_by(\"event_time\").to_pylist():\n    \
                 newest[row[\"failover_group_name\"], row[\"asset_type\"], row[\"asset_name\"]] = row\n\
                 print([row for row in newest.values() if row[\"status\"] not in (\"in_sync\", \"removed\")])"
            ),
            (Self::States, Reader::Spark) => format!(
                "SELECT event_time, failover_group_name, replication_state, replication_lag_ms\n\
                 FROM delta.`{spark}`\n\
                 WHERE event_time > current_timestamp() - INTERVAL 1 DAY\n\
                 ORDER BY event_time DESC;"
            ),
            (Self::Objects, Reader::Spark) => format!(
                "SELECT failover_group_name, asset_type, asset_name,\n       \
                 max(event_time) AS since, max_by(status, event_time) AS newest\n\
                 FROM delta.`{spark}`\n\
                 WHERE event_time > current_timestamp() - INTERVAL 2 DAY\n\
                 GROUP BY failover_group_name, asset_type, asset_name\n\
                 HAVING newest NOT IN ('in_sync', 'removed');"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_quotes_stays_one_name() {
        let folder = "/home/o'hara/`lake\"";
        assert!(SystemTable::States.query(Reader::DuckDb, folder).contains("'/home/o''hara/`lake\"'"));
        assert!(SystemTable::States.query(Reader::Python, folder).contains(r#"("/home/o'hara/`lake\"")"#));
        assert!(SystemTable::States.query(Reader::Spark, folder).contains("`/home/o'hara/``lake\"`"));
    }
}
