//! What a file of results is of: `OUT.sweep` beside `--json OUT`.
//!
//! Lines of results do not tell which seeds were asked for, nor what stood in the scenarios. Who goes on with a sweep, or
//! puts its parts together, has to know that it is the same one.

use std::io;
use std::path::{Path, PathBuf};

use backchat_core::hex::Hex;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::cli::args::{Partition, Seeds};
use crate::cli::exit::Trouble;
use crate::cli::json;
use crate::cli::load::{Loaded, bytes};
use crate::cli::output::Output;
use crate::run::Engine;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object, the list of runs")]
pub(super) struct Manifest {
    format: Format,
    version: u32,
    /// Of the program that ran it.
    program: String,
    pub(super) engine: String,
    pub(super) seeds: Seeds,
    /// Left out: the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partition: Option<Partition>,
    pub(super) scenarios: Vec<ScenarioId>,
    /// The settings that the command line makes in them, as they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) set: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "backchat-sweep")]
    Sweep,
}

const VERSION: u32 = 1;

/// A scenario, and what stood in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with path and blake3")]
pub(super) struct ScenarioId {
    pub(super) path: String,
    blake3: String,
}

impl Manifest {
    pub(super) fn new(
        scenarios: &[Loaded],
        engine: Engine,
        seeds: Seeds,
        partition: Option<Partition>,
        set: &[String],
    ) -> Self {
        let scenario = |loaded: &Loaded| ScenarioId {
            path: loaded.path.clone(),
            blake3: Hex(*blake3::hash(&loaded.text).as_bytes()).to_string(),
        };
        Self {
            format: Format::Sweep,
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            engine: engine.name().to_owned(),
            seeds,
            partition: partition.filter(|it| *it != Partition::WHOLE),
            scenarios: scenarios.iter().map(scenario).collect(),
            set: set.to_vec(),
        }
    }

    /// That of the sweep of which this is a part.
    pub(super) fn whole(&self) -> Self {
        Self { partition: None, ..self.clone() }
    }

    /// Where that of a file of results is.
    pub(super) fn path(results: &Path) -> PathBuf {
        let mut name = results.as_os_str().to_owned();
        name.push(".sweep");
        PathBuf::from(name)
    }

    /// Writes it to where it belongs, beside a file of results.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self, to: Output) -> Result<(), Trouble> {
        let path = to.path().to_owned();
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other);
        let done = text.and_then(|text| to.fill((text + "\n").as_bytes()));
        done.map_err(Trouble::write(&path))
    }

    /// Reads the one beside a file of results; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub(super) fn read(results: &Path) -> Result<Option<Self>, Trouble> {
        let path = Self::path(results);
        let bad = |line, column, what: String| Trouble::Results { path: path.clone(), line, column, what };
        if !path.exists() {
            return Ok(None);
        }
        let text = bytes(&path)?;
        let text = String::from_utf8(text)
            .map_err(|_| bad(1, 1, "bytes that are no text; expected UTF-8".to_owned()))?;
        let parsed: Result<Self, _> = serde_json::from_str(&text);
        let manifest = parsed.map_err(|error| {
            let what = format!("{}; expected an object, as 'sweep --json' writes it", json::wrong(&error));
            bad(error.line() as u64, error.column() as u64, what)
        })?;
        if manifest.version != VERSION {
            let what = format!("version {}; this program writes and reads {VERSION}", manifest.version);
            return Err(bad(1, 1, what));
        }
        Ok(Some(manifest))
    }

    /// Which runs it is about.
    ///
    /// # Errors
    /// None at all, or too many.
    pub(super) fn plan(&self) -> Result<Plan, Trouble> {
        Plan::new(self.scenarios.len(), self.seeds, self.partition)
    }

    /// In what another sweep differs, whichever part of it; `None`: in nothing.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if self.program != other.program {
            return Some(format!("was run by version {}, not {}", other.program, self.program));
        }
        if self.engine != other.engine {
            return Some(format!("was run on {}, not on {}", other.engine, self.engine));
        }
        if self.seeds != other.seeds {
            return Some(format!("has seeds {}, not {}", other.seeds, self.seeds));
        }
        if self.set != other.set {
            let words = |set: &[String]| if set.is_empty() { "nothing".to_owned() } else { set.join(", ") };
            return Some(format!("was run with {} set, not {}", words(&other.set), words(&self.set)));
        }
        if self.scenarios.len() != other.scenarios.len() {
            let (there, here) = (other.scenarios.len(), self.scenarios.len());
            return Some(format!("has {there} scenarios, not {here}"));
        }
        let pairs = self.scenarios.iter().zip(&other.scenarios);
        let (here, there) = pairs.clone().find(|(here, there)| here != there)?;
        Some(if here.path == there.path {
            format!("was run with another {}", there.path)
        } else {
            format!("has scenario {} where {} is", there.path, here.path)
        })
    }
}
