//! What is in the file: rows of JSON, by table.

use std::borrow::Cow;

use map::{Attributes, Edge, EdgeKey, Map, Time, Workload};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::unsaved::Held;

/// A kind of row. Keys and values are JSON, so that a field can be added and a person can read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Row {
    /// `EdgeKey` → `Edge`.
    Edge,
    /// The same, for attempts.
    Attempt,
    /// Cluster and workload → when and what.
    Workload,
    /// Cluster → time.
    Floor,
    /// Number of a segment → what the mapper has taken and not yet resolved, one on each line.
    Held,
    /// What the file is: its version, its instance, its epoch.
    Meta,
}

impl Row {
    const ALL: [Self; 6] = [
        Self::Edge,
        Self::Attempt,
        Self::Workload,
        Self::Floor,
        Self::Held,
        Self::Meta,
    ];

    const fn table(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Edge => "edges",
            Self::Attempt => "attempts",
            Self::Workload => "workloads",
            Self::Floor => "floors",
            Self::Held => "held",
            Self::Meta => "meta",
        })
    }
}

/// One change of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    row: Row,
    key: Vec<u8>,
    /// Nothing: the row is removed.
    value: Option<Value>,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Json(Vec<u8>),
    /// As it was; the committer's thread makes JSON of it, since that takes as long as to make the edge.
    Edge(Box<Edge>),
}

impl Value {
    fn json(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Json(json) => json.into(),
            Self::Edge(edge) => json(edge).into(),
        }
    }
}

impl Op {
    fn put(row: Row, key: &impl Serialize, value: &impl Serialize) -> Self {
        Self {
            row,
            key: json(key),
            value: Some(Value::Json(json(value))),
        }
    }

    pub(crate) fn remove(row: Row, key: &impl Serialize) -> Self {
        Self {
            row,
            key: json(key),
            value: None,
        }
    }

    /// The edge or attempt as it is; removed where there is none.
    pub(crate) fn edge(row: Row, key: &EdgeKey, edge: Option<&Edge>) -> Self {
        Self {
            row,
            key: json(key),
            value: edge.cloned().map(Box::new).map(Value::Edge),
        }
    }

    pub(crate) fn workload(
        cluster: &str,
        workload: &Workload,
        what: Option<(Time, &Attributes)>,
    ) -> Self {
        let key = (cluster, workload);
        what.map_or_else(
            || Self::remove(Row::Workload, &key),
            |what| Self::put(Row::Workload, &key, &what),
        )
    }

    pub(crate) fn floor(cluster: &str, floor: Time) -> Self {
        Self::put(Row::Floor, &cluster, &floor)
    }

    pub(crate) fn held(segment: u64, held: &[Held]) -> Self {
        let mut lines = Vec::new();
        for held in held {
            lines.extend(json(held));
            lines.push(b'\n');
        }
        Self {
            row: Row::Held,
            key: json(&segment),
            value: Some(Value::Json(lines)),
        }
    }

    /// Whether both change the same row, so that the later one is enough.
    pub(crate) fn is_of_the_row_of(&self, other: &Self) -> bool {
        self.row == other.row && self.key == other.key
    }

    pub(crate) fn epoch(epoch: u64) -> Self {
        Self::put(Row::Meta, &"epoch", &epoch)
    }

    pub(crate) fn instance(instance: &str) -> Self {
        Self::put(Row::Meta, &"instance", &instance)
    }

    pub(crate) fn version(version: u32) -> Self {
        Self::put(Row::Meta, &"version", &version)
    }
}

/// Our own words have no maps with odd keys and no failing parts, which are all that JSON cannot write.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Changes that are written in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) ops: Vec<Op>,
}

impl Batch {
    /// All of it, or nothing.
    pub(crate) fn write(&self, database: &Database) -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        for row in Row::ALL {
            let ops: Vec<&Op> = self.ops.iter().filter(|op| op.row == row).collect();
            if !ops.is_empty() {
                write(&transaction, row, &ops)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

fn write(transaction: &WriteTransaction, row: Row, ops: &[&Op]) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(row.table())?;
    for op in ops {
        match &op.value {
            Some(value) => table.insert(op.key.as_slice(), &*value.json())?,
            None => table.remove(op.key.as_slice())?,
        };
    }
    Ok(())
}

/// What a file held.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The map.
    pub map: Map,
    /// What was taken and not resolved.
    pub(crate) held: Vec<Segment>,
    /// Rows that cannot be read. They stay in the file.
    pub unreadable: u64,
    /// Rows below a floor: the process ended before it had removed them.
    pub(crate) stale: Vec<Op>,
    /// The file's own name, which no other has.
    pub instance: String,
    /// How often the map was reset.
    pub epoch: u64,
}

/// What was taken between two transactions and not resolved.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) held: Vec<Held>,
    /// Whether all of it could be read. If not, it stays in the file.
    pub(crate) is_whole: bool,
}

impl Loaded {
    /// How much was taken and not resolved.
    pub fn held(&self) -> usize {
        self.held.iter().map(|segment| segment.held.len()).sum()
    }

    pub(crate) fn read(database: &Database) -> Result<Self, redb::Error> {
        let mut loaded = Self::default();
        match (meta(database, "instance")?, meta(database, "epoch")?) {
            (Meta::Is(instance), Meta::Is(epoch)) => {
                loaded.instance = instance;
                loaded.epoch = epoch;
            }
            (Meta::Is(instance), Meta::Absent) => loaded.instance = instance,
            // Under another name, reporters tell everything again.
            _ => loaded.unreadable += 1,
        }

        let mut floors: Vec<(String, Time)> = Vec::new();
        loaded.unreadable += each(database, Row::Floor, |row| floors.push(row))?;
        for (cluster, floor) in floors {
            loaded.map.raise_floor(&cluster, floor);
        }
        let (map, stale) = (&mut loaded.map, &mut loaded.stale);
        let tables: [(Row, Join); 2] = [
            (Row::Edge, Map::join_edge),
            (Row::Attempt, Map::join_attempt),
        ];
        for (row, join) in tables {
            loaded.unreadable += each(database, row, |(key, edge): (EdgeKey, Edge)| {
                if edge.seen.last() < map.floor(&key.cluster) {
                    stale.push(Op::edge(row, &key, None));
                } else {
                    join(map, key, edge);
                }
            })?;
        }
        loaded.unreadable += each(database, Row::Workload, |row: WorkloadRow| {
            let ((cluster, workload), (at, attributes)) = row;
            map.describe(&cluster, &workload, at, attributes);
        })?;
        loaded.unreadable += held(database, &mut loaded.held)?;
        // What comes from the file is no news for it.
        loaded.map.next_generation();
        Ok(loaded)
    }
}

/// Joins a row of its table into the map.
type Join = fn(&mut Map, EdgeKey, Edge);

type WorkloadRow = ((String, Workload), (Time, Attributes));

/// The version of the file's contents; nothing where it is new.
pub(crate) fn version(database: &impl ReadableDatabase) -> Result<Option<u32>, redb::Error> {
    match meta(database, "version")? {
        Meta::Is(version) => Ok(Some(version)),
        Meta::Absent => Ok(None),
        Meta::Unreadable => {
            let damage = "its version cannot be read".to_owned();
            Err(redb::Error::Corrupted(damage))
        }
    }
}

/// What is said of the file itself.
enum Meta<T> {
    Is(T),
    Absent,
    Unreadable,
}

fn meta<T: DeserializeOwned>(
    database: &impl ReadableDatabase,
    key: &str,
) -> Result<Meta<T>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(Row::Meta.table()) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Meta::Absent),
        Err(error) => return Err(error.into()),
    };
    let value = table.get(json(&key).as_slice())?;
    Ok(value.map_or(Meta::Absent, |value| {
        serde_json::from_slice(value.value()).map_or(Meta::Unreadable, Meta::Is)
    }))
}

/// Takes every row of a table that can be read, and returns how many cannot.
fn each<K, V>(
    database: &Database,
    row: Row,
    mut take: impl FnMut((K, V)),
) -> Result<u64, redb::Error>
where
    K: DeserializeOwned,
    V: DeserializeOwned,
{
    raw(database, row, |key, value| {
        let key = serde_json::from_slice(key).ok();
        let value = serde_json::from_slice(value).ok();
        let row = key.zip(value);
        let unreadable = u64::from(row.is_none());
        if let Some(row) = row {
            take(row);
        }
        unreadable
    })
}

fn held(database: &Database, segments: &mut Vec<Segment>) -> Result<u64, redb::Error> {
    raw(database, Row::Held, |key, value| {
        let Ok(number) = serde_json::from_slice(key) else {
            return 1;
        };
        let (held, unreadable) = lines(value);
        segments.push(Segment {
            number,
            held,
            is_whole: unreadable == 0,
        });
        unreadable
    })
}

/// Every line of a segment that can be read, and how many cannot.
fn lines(value: &[u8]) -> (Vec<Held>, u64) {
    let (mut held, mut unreadable) = (Vec::new(), 0);
    let lines = value.split(|byte| *byte == b'\n');
    for line in lines.filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(one) => held.push(one),
            Err(_) => unreadable += 1,
        }
    }
    (held, unreadable)
}

fn raw(
    database: &Database,
    row: Row,
    mut take: impl FnMut(&[u8], &[u8]) -> u64,
) -> Result<u64, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(row.table()) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let mut unreadable = 0;
    for entry in table.iter()? {
        let (key, value) = entry?;
        unreadable += take(key.value(), value.value());
    }
    Ok(unreadable)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::golden::held;

    proptest! {
        /// As the fuzz target `stored_row` does for the rows of the map.
        #[test]
        fn a_wrong_line_costs_no_other(changes in prop::collection::vec((any::<u16>(), any::<u8>()), 0..4)) {
            let written = held();
            let Some(value) = Op::held(0, &written).value else {
                return Err(TestCaseError::fail("no row"));
            };
            let mut value = value.json().into_owned();
            let length = value.len();
            let mut touched = 0;
            for (place, byte) in changes {
                let place = usize::from(place) % length;
                // No more and no fewer lines.
                if value[place] != b'\n' && byte != b'\n' {
                    value[place] = byte;
                    touched += 1;
                }
            }
            let (read, unreadable) = lines(&value);
            prop_assert_eq!(read.len() as u64 + unreadable, written.len() as u64);
            let same = read.iter().filter(|held| written.contains(held)).count();
            prop_assert!(same + touched >= written.len());
        }
    }
}
