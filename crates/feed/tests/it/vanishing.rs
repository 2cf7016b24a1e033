//! Files that change after they were looked at: gone, shorter, or something else when their turn comes.

use std::fs;
use std::path::Path;

use verismo_feed::table::{TableOptions, TableReader};
use verismo_feed::write::WriteOptions;
use verismo_feed::{Block, Format, Inventory, ReaderOptions};

use crate::common::{files, market};

type Change = fn(&Path);

/// What happens to a file between the look and the reading.
const CHANGES: &[(&str, Change)] = &[
    ("gone", |path| fs::remove_file(path).unwrap()),
    ("empty", |path| fs::write(path, "").unwrap()),
    ("shorter", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2 + 3]).unwrap();
    }),
    ("longer", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, [&bytes[..], &bytes[..bytes.len() / 2]].concat()).unwrap();
    }),
    ("zeros", |path| fs::write(path, vec![0; fs::metadata(path).unwrap().len() as usize]).unwrap()),
    ("a directory", |path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    }),
    ("another format", |path| fs::write(path, "time,x\n1,2\n").unwrap()),
];

/// Says whether anything was said: an error or a hit of a counter.
fn read(inventory: &Inventory) -> Result<u64, String> {
    let mut hits = 0;
    for mut reader in inventory.readers(&ReaderOptions::default()).map_err(|e| e.to_string())? {
        let mut block = Block::default();
        while reader.next_block(&mut block).map_err(|e| e.to_string())? {}
        hits += reader.counters().iter().map(|(_, counter)| counter.count).sum::<u64>();
    }
    Ok(hits)
}

#[test]
fn a_file_that_changes_before_its_turn_is_counted_in_every_format() {
    for format in Format::all().filter(|f| f.has_events() && !f.is_by_orders()) {
        for (what, change) in CHANGES {
            let dir = tempfile::tempdir().unwrap();
            let mut writer = format.writer(dir.path(), &WriteOptions::default()).unwrap();
            market("BTCUSDT", 200, 41).iter().for_each(|message| writer.write(message).unwrap());
            writer.finish().unwrap();
            let inventory = Inventory::scan(&[dir.path().to_owned()], Some(format)).unwrap();
            let before = read(&inventory).unwrap();
            let path = inventory.sources[0].path.clone();
            change(&path);
            let after = read(&inventory);
            // What a file has grown by is read as well; what cannot be is silence about one of which nothing or half is left.
            let is_said =
                after.as_ref().map_or_else(|error| error.contains(&path.display().to_string()), |n| *n > before);
            assert!(is_said || *what == "longer", "{} {what}: {before}, then {after:?}", format.name());
        }
    }
}

#[test]
fn a_table_that_changes_before_its_turn_is_an_answer() {
    for (what, change) in CHANGES {
        let dir = tempfile::tempdir().unwrap();
        let rows: String = (0..500).map(|i| format!("{},{i}\n", 1_723_161_255_000u64 + i)).collect();
        fs::write(dir.path().join("x.csv"), format!("time,x\n{rows}")).unwrap();
        let inventory = Inventory::scan(&[dir.path().to_owned()], None).unwrap();
        change(&files(dir.path()).pop().unwrap_or_else(|| dir.path().join("x.csv")));
        let mut reader = TableReader::new(inventory.sources, TableOptions::default());
        let mut rows = 0;
        let outcome = loop {
            match reader.next_batch() {
                Ok(Some(batch)) => rows += batch.len(),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.to_string()),
            }
        };
        let hits: u64 = reader.counters().iter().map(|(_, counter)| counter.count).sum();
        let is_said = outcome.as_ref().map_or_else(|error| error.contains("x.csv"), |()| hits > 0);
        let is_whole = ["longer", "another format"].contains(what) && rows > 0;
        assert!(is_said || is_whole, "{what}: {rows} rows, {hits} hits, {outcome:?}");
    }
}
