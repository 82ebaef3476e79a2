//! The wasmtime engine: which proposals are on, where compiled code is kept, and the clock that ends endless loops.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use wasmtime::{Cache, CacheConfig, Config, Engine};

use super::LoadError;

/// Where compiled code is kept between processes. Whoever can write there can run code in this process, so nothing is kept
/// unless it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CompileCache {
    /// Nowhere: compile every time.
    #[default]
    Off,
    /// `quotagate/plugins` in the user's cache directory, which is made for the user alone.
    User,
    /// A directory that only trusted people can write to.
    Directory(PathBuf),
}

impl CompileCache {
    /// The directory in use; none where there is no cache, because it is off or the user has no place for one.
    ///
    /// # Errors
    /// When the directory that was asked for cannot be used.
    pub fn directory(&self) -> Result<Option<PathBuf>, LoadError> {
        Ok(open(self)?.map(|cache| cache.directory().clone()))
    }
}

/// How often the epoch advances: the grain of [`super::Limits::time`].
const TICK: Duration = Duration::from_millis(5);

pub(super) fn new(cache: &CompileCache, counts_steps: bool) -> Result<Engine, LoadError> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.consume_fuel(counts_steps);
    // What the contract does not need is off: a smaller surface, and surprises end at load time.
    config.wasm_memory64(false);
    config.wasm_multi_memory(false);
    config.wasm_relaxed_simd(false);
    config.wasm_tail_call(false);
    config.cache(open(cache)?);
    Engine::new(&config).map_err(|error| LoadError::Engine(error.into()))
}

fn open(cache: &CompileCache) -> Result<Option<Cache>, LoadError> {
    let mut config = CacheConfig::new();
    match cache {
        CompileCache::Off => return Ok(None),
        CompileCache::User => match own_directory() {
            Some(directory) => {
                config.with_directory(directory);
            }
            None => return Ok(None),
        },
        CompileCache::Directory(directory) => {
            config.with_directory(directory);
        }
    }
    match Cache::new(config) {
        Ok(cache) => Ok(Some(cache)),
        Err(error) if *cache == CompileCache::User => {
            // No home, or one that cannot be written: slower, but nothing is lost.
            tracing::debug!(%error, "no cache for compiled plugins");
            Ok(None)
        }
        Err(error) => Err(LoadError::Cache(error.into())),
    }
}

/// The directory of our own below the user's cache directory; none where there is no place for one, or one that others can
/// write to. Nobody else gets into it, whatever the modes of the files in it.
fn own_directory() -> Option<PathBuf> {
    let folder = |name| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let caches = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(caches)))?;
    let directory = cache.join("quotagate").join("plugins");
    match make_private(&directory) {
        Ok(()) => Some(directory),
        Err(error) => {
            tracing::debug!(%error, directory = %directory.display(), "no cache for compiled plugins");
            None
        }
    }
}

/// Makes a directory that its owner alone can use. One that is somebody else's cannot be made so.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    #[cfg(unix)]
    if fs::symlink_metadata(directory)?.is_dir() {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(directory, private)?;
    } else {
        return Err(io::Error::other("it is a link to another directory"));
    }
    Ok(())
}

/// Starts the thread that advances the epoch until the engine is gone. A thread of its own, so that a blocked executor
/// cannot stop the clock.
pub(super) fn start_ticker(engine: &Engine) -> io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new()
        .name(String::from("quotagate-epoch"))
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })?;
    Ok(())
}

/// Ticks that a call may see: one more than fit the time, since the first may come at once.
pub(super) fn ticks(time: Duration) -> u64 {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(ticks)
        .unwrap_or(u64::MAX / 2)
        .saturating_add(1)
}
