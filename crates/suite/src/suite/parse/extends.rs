//! `extends`: a suite that starts from built-in ones and says only what differs.

use super::super::{BUILTIN_NAMES, Suite};
use super::Reader;
use crate::catalogue;
use crate::yaml::{self, Key, Node, Place, Value};

/// Built-in suites may extend one another so deep; a test reads them all.
const DEPTH_MAX: u8 = 4;

/// What a suite does not take over: it says its own schema, and its name is its own.
const OWN_KEYS: [&str; 4] = ["schema", "name", "extends", "only"];

type Entries = Vec<(Key, Node)>;

impl Reader {
    /// The suite with what it extends filled in: its own keys win, limits of checks and keys of observables one by one.
    pub(super) fn extended(&mut self, root: Node) -> Node {
        self.extended_within(root, DEPTH_MAX)
    }

    fn extended_within(&mut self, root: Node, depth: u8) -> Node {
        let Value::Map(entries) = root.value else { return root };
        let Some((_, node)) = entries.iter().find(|(key, _)| key.name == "extends") else {
            return Node { value: Value::Map(entries), ..root };
        };
        let mut base: Entries = Vec::new();
        for (name, place) in self.names(node) {
            base = merged_maps(base, self.builtin(&name, place, depth));
        }
        if let Some((_, only)) = entries.iter().find(|(key, _)| key.name == "only") {
            self.keep_only(&mut base, only);
        }
        Node { value: Value::Map(merged_maps(base, entries)), ..root }
    }

    /// Of what is taken over, keeps these observables alone.
    fn keep_only(&mut self, base: &mut Entries, only: &Node) {
        let Value::List(items) = &only.value else {
            let message = format!("`only` must be a list of observables, this is {}", only.value.kind());
            self.problem(only.place, "wrong-type", message, "write `only: [spread, trade_size]`");
            return;
        };
        let Some((_, Node { value: Value::List(observables), .. })) =
            base.iter_mut().find(|(k, _)| k.name == "observables")
        else {
            return;
        };
        let mut kept: Vec<String> = Vec::new();
        for item in items {
            let Some(id) = self.text(item, "only") else { continue };
            let known: Vec<&str> = observables.iter().filter_map(id_of).collect();
            if !known.contains(&id.as_str()) {
                let near = catalogue::nearest(&id, known);
                let help = near.map_or_else(String::new, |n| format!("did you mean `{n}`?"));
                self.problem(
                    item.place,
                    "unknown-observable",
                    format!("what is extended has no observable `{id}`"),
                    help,
                );
            }
            kept.push(id);
        }
        observables.retain(|item| id_of(item).is_some_and(|id| kept.iter().any(|k| k == id)));
    }

    /// The names a suite extends, in order.
    fn names(&mut self, node: &Node) -> Vec<(String, Place)> {
        let items: Vec<&Node> = match &node.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        items.into_iter().filter_map(|item| Some((self.text(item, "extends")?, item.place))).collect()
    }

    /// The entries of a built-in suite, as if they stood where it is named.
    fn builtin(&mut self, name: &str, place: Place, depth: u8) -> Entries {
        let known = Suite::builtin_text(name).filter(|_| depth > 0).and_then(|text| yaml::parse(text).ok());
        let Some(mut root) = known else {
            let near = catalogue::nearest(name, BUILTIN_NAMES);
            let help =
                near.map_or_else(|| format!("one of {}", BUILTIN_NAMES.join(", ")), |n| format!("did you mean `{n}`?"));
            self.problem(place, "unknown-suite", format!("no built-in suite is called `{name}`"), help);
            return Vec::new();
        };
        put(&mut root, place);
        let root = self.extended_within(root, depth - 1);
        let Value::Map(entries) = root.value else { return Vec::new() };
        entries.into_iter().filter(|(key, _)| !OWN_KEYS.contains(&key.name.as_str())).collect()
    }
}

/// Moves a tree to one place: whatever is wrong with it is wrong there.
fn put(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                key.place = place;
                put(value, place);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| put(item, place)),
        _ => {}
    }
}

/// The entries of `base` that `own` does not have, then those of `own`; maps in both are merged, and so are lists of observables.
fn merged_maps(base: Entries, own: Entries) -> Entries {
    let (mut base, mut out): (Entries, Entries) = (base, Vec::new());
    for (key, node) in own {
        let given = base.iter().position(|(k, _)| k.name == key.name).map(|i| base.remove(i).1);
        let node = match given {
            Some(given) => Node { place: node.place, value: merged(&key.name, given.value, node.value) },
            None => node,
        };
        out.push((key, node));
    }
    base.extend(out);
    base
}

fn merged(key: &str, base: Value, own: Value) -> Value {
    match (key, base, own) {
        ("checks" | "reading", Value::Map(base), Value::Map(own)) => Value::Map(merged_maps(base, own)),
        ("observables", Value::List(base), Value::List(own)) => Value::List(merged_observables(base, own)),
        // Margins and everything else are replaced as a whole.
        (_, _, own) => own,
    }
}

fn merged_observables(mut base: Vec<Node>, own: Vec<Node>) -> Vec<Node> {
    // Only what was there before: an observable given twice stays a mistake.
    let given = base.len();
    for item in own {
        let at = id_of(&item).and_then(|id| base[..given].iter().position(|known| id_of(known) == Some(id)));
        match (at, item.value) {
            (Some(at), Value::Map(entries)) => {
                let known = std::mem::replace(&mut base[at].value, Value::Null);
                let known = if let Value::Map(known) = known { known } else { Vec::new() };
                base[at] = Node { place: item.place, value: Value::Map(merged_maps(known, entries)) };
            }
            (_, value) => base.push(Node { place: item.place, value }),
        }
    }
    base
}

fn id_of(item: &Node) -> Option<&str> {
    let Value::Map(entries) = &item.value else { return None };
    entries.iter().find(|(key, _)| key.name == "id").and_then(|(_, node)| match &node.value {
        Value::Text(id) => Some(id.as_str()),
        _ => None,
    })
}
