//! The files of DVC: `.dvc`, `dvc.lock`, lists of folders.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;

use crate::path::check_path;

/// What is tracked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    /// Its path from the root of the repository; empty for the root.
    pub(super) path: String,
    /// The recorded MD5, `.dir` behind that of a folder.
    pub(super) md5: String,
    /// Whether it was recorded before DVC 3.
    pub(super) is_legacy: bool,
    /// The files, where they are told at once.
    pub(super) files: Option<Vec<Listed>>,
}

impl Output {
    pub(super) fn is_folder(&self) -> bool {
        self.files.is_some() || self.md5.ends_with(".dir")
    }
}

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Listed {
    pub(super) relpath: String,
    #[serde(default)]
    pub(super) md5: String,
}

/// An output as it is written.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Written {
    path: String,
    md5: Option<String>,
    hash: Option<String>,
    files: Option<Vec<Listed>>,
    /// Folder that the path is relative to, from the file's own.
    #[serde(skip)]
    folder: String,
}

#[derive(Debug, Deserialize)]
struct DvcFile {
    wdir: Option<String>,
    outs: Option<Vec<Written>>,
}

#[derive(Debug, Deserialize)]
struct LockFile {
    stages: Option<BTreeMap<String, LockStage>>,
}

#[derive(Debug, Deserialize)]
struct LockStage {
    outs: Option<Vec<Written>>,
}

#[derive(Debug, Deserialize)]
struct PipelineFile {
    stages: Option<BTreeMap<String, PipelineStage>>,
}

#[derive(Debug, Deserialize)]
struct PipelineStage {
    wdir: Option<String>,
    /// The stage that a `foreach` repeats.
    #[serde(rename = "do")]
    each: Option<Box<PipelineStage>>,
}

impl PipelineStage {
    fn folder(&self) -> Option<&str> {
        let each = self.each.as_ref().and_then(|stage| stage.wdir.as_deref());
        each.or(self.wdir.as_deref())
    }
}

/// Aliases and depth are bounded by the reader.
fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    // A folder's files may be listed in the file itself; DVC writes no aliases.
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_events: 50_000_000, max_nodes: 20_000_000, max_aliases: 100 },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| e.without_snippet().to_string())
}

/// The outputs of a `.dvc` file.
pub(super) fn parse_dvc(text: &str) -> Result<Vec<Written>, String> {
    let file: DvcFile = yaml(text)?;
    let folder = file.wdir.unwrap_or_default();
    let outs = file.outs.ok_or("it has no outs")?;
    Ok(outs.into_iter().map(|out| Written { folder: folder.clone(), ..out }).collect())
}

/// The outputs of the stages of a `dvc.lock`; the `dvc.yaml` beside it tells what paths are relative to.
pub(super) fn parse_lock(text: &str, pipeline: Option<&str>) -> Result<Vec<Written>, String> {
    let lock: LockFile = yaml(text)?;
    let pipeline: Option<PipelineFile> =
        pipeline.map(yaml).transpose().map_err(|why| format!("the dvc.yaml beside it: {why}"))?;
    let stages = pipeline.and_then(|pipeline| pipeline.stages).unwrap_or_default();
    let mut outputs = Vec::new();
    for (name, stage) in lock.stages.unwrap_or_default() {
        let own = name.split('@').next().unwrap_or(&name);
        let folder = stages.get(own).and_then(PipelineStage::folder).unwrap_or_default().to_owned();
        if folder.contains("${") {
            return Err(format!("stage {name}: its wdir {folder:?} in dvc.yaml is a template, which is not read"));
        }
        outputs.extend(stage.outs.unwrap_or_default().into_iter().map(|out| Written { folder: folder.clone(), ..out }));
    }
    Ok(outputs)
}

/// The list of a folder, `.dir`.
pub(super) fn parse_list(text: &str) -> Result<Vec<Listed>, String> {
    serde_json::from_str(text).map_err(|e| format!("it is no list of a folder: {e}"))
}

/// An output whose path is inside the repository at `root`, told by a file in `folder`.
pub(super) fn output(root: &Path, folder: &Path, written: Written) -> Result<Output, String> {
    let path = confined(root, folder, &written)?;
    if let Some(hash) = written.hash.as_ref().filter(|hash| *hash != "md5") {
        return Err(format!("{path}: its digest is {hash}, only MD5 is read"));
    }
    let md5 = match (written.md5, &written.files) {
        (Some(md5), _) => md5,
        (None, Some(_)) => String::new(),
        (None, None) => return Err(format!("{path}: no MD5 is recorded; `dvc commit` records it")),
    };
    Ok(Output { path, md5, is_legacy: written.hash.is_none() && written.files.is_none(), files: written.files })
}

/// The path of an output from the root; `..` may lead up in the repository and not out of it.
pub(super) fn confined(root: &Path, folder: &Path, written: &Written) -> Result<String, String> {
    let mut parts: Vec<&str> = Vec::new();
    let inside = folder.strip_prefix(root).map_err(|_| "it lies outside its repository".to_owned())?;
    for place in [inside, Path::new(&written.folder), Path::new(&written.path)] {
        for component in place.components() {
            match component {
                Component::Normal(part) => {
                    parts.push(part.to_str().ok_or_else(|| format!("path {:?}: it is no text", written.path))?);
                }
                Component::CurDir => {}
                Component::ParentDir if parts.pop().is_some() => {}
                _ => return Err(format!("path {:?}: it leads out of the repository", written.path)),
            }
        }
    }
    let path = parts.join("/");
    match check_path(&path) {
        Err(why) if !path.is_empty() => Err(format!("path {:?}: {why}", written.path)),
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(text: &str, folder: &str) -> Result<Vec<Output>, String> {
        let root = Path::new("/r");
        parse_dvc(text)?.into_iter().map(|written| output(root, &root.join(folder), written)).collect()
    }

    #[test]
    fn outputs_are_read_with_their_digests() {
        let text = "outs:\n- md5: 00000000000000000000000000000012\n  size: 3\n  hash: md5\n  path: a b\n";
        let [one] = &outputs(text, "x").unwrap()[..] else { panic!("one") };
        assert_eq!((one.path.as_str(), one.md5.as_str()), ("x/a b", "00000000000000000000000000000012"));
        assert!(!one.is_legacy && !one.is_folder());
        let old = "wdir: ..\nouts:\n- {md5: 0123456789abcdef0123456789abcdef.dir, path: d}\n";
        let [one] = &outputs(old, "x").unwrap()[..] else { panic!("one") };
        assert!(one.is_legacy && one.is_folder() && one.path == "d");
    }

    #[test]
    fn what_leads_out_or_is_not_understood_is_refused() {
        for (text, want) in [
            ("outs:\n- {md5: x, path: ../../etc/passwd}\n", "out of the repository"),
            ("outs:\n- {md5: x, path: /etc/passwd}\n", "out of the repository"),
            ("wdir: ../..\nouts:\n- {md5: x, path: a}\n", "out of the repository"),
            ("outs:\n- {path: a}\n", "no MD5"),
            ("outs:\n- {etag: x, hash: etag, path: a}\n", "its digest is etag"),
            ("deps: []\n", "no outs"),
            ("outs: [", ""),
            ("a: &a [*a]", ""),
        ] {
            let error = outputs(text, "x").unwrap_err();
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn stages_of_a_lock_are_relative_to_their_folder() {
        let lock = "schema: '2.0'\nstages:\n  make@1:\n    cmd: x\n    outs:\n    - {path: o, hash: md5, md5: x, size: 1}\n  dry:\n    cmd: y\n";
        let pipeline = "stages:\n  make:\n    foreach: [1]\n    do: {cmd: x, wdir: sub}\n";
        for (pipeline, want) in [(Some(pipeline), "f/sub/o"), (None, "f/o")] {
            let [written] = &parse_lock(lock, pipeline).unwrap()[..] else { panic!("one") };
            assert_eq!(output(Path::new("/r"), Path::new("/r/f"), written.clone()).unwrap().path, want);
        }
        for (bad, want) in
            [(pipeline.replace("wdir: sub", "wdir: 'a/${item}'"), "a template"), ("stages: [".into(), "dvc.yaml")]
        {
            let error = parse_lock(lock, Some(&bad)).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
    }
}
