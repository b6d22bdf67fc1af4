//! A small file system of the broker's own, in a file, and somebody else who fills it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::error::Error;

/// Bytes of the file system. Its file is sparse.
const BYTES: u64 = 512 << 20;

/// The mounted file system. Dropping it unmounts it.
pub(in crate::kills) struct Volume {
    mounted: PathBuf,
    ballast: PathBuf,
}

impl Volume {
    /// Makes an ext4 in a file of `directory` and mounts it there.
    ///
    /// # Errors
    /// Only root may; or one of the system's programs is missing.
    pub(in crate::kills) fn mount(directory: &Path) -> Result<Self, Error> {
        let (image, mounted) = (directory.join("volume.img"), directory.join("volume"));
        let file = File::create(&image).and_then(|file| file.set_len(BYTES));
        file.map_err(Error::io(format!("make {}", image.display())))?;
        fs::create_dir_all(&mounted).map_err(Error::io("make a mount point"))?;
        // Without blocks that are kept for root: we are root.
        run(Command::new("mkfs.ext4")
            .args(["-q", "-m", "0"])
            .arg(&image))?;
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(&image)
            .arg(&mounted))?;
        Ok(Self {
            ballast: mounted.join("ballast"),
            mounted,
        })
    }

    pub(in crate::kills) fn directory(&self) -> &Path {
        &self.mounted
    }

    /// Bytes that are free, and bytes in all.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn room(&self) -> Result<(u64, u64), Error> {
        let seen = statvfs(&self.mounted);
        let seen = seen.map_err(|errno| Error::io("look at the volume")(errno.into()))?;
        Ok((seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize))
    }

    /// Somebody else takes all but so many bytes.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn take_all_but(&self, left: u64) -> Result<(), Error> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(&self.ballast);
        let file = file.map_err(Error::io("make the ballast"))?;
        let (mut at, mut step) = (0, BYTES);
        loop {
            let free = self.room()?.0.saturating_sub(left);
            step = step.min(free);
            if step == 0 {
                return Ok(());
            }
            match fallocate(&file, FallocateFlags::empty(), at, step) {
                Ok(()) => at += step,
                // What is free for files is less than what is free: blocks of the file system's own.
                Err(rustix::io::Errno::NOSPC) => step /= 2,
                Err(errno) => return Err(Error::io("grow the ballast")(errno.into())),
            }
        }
    }

    /// They give it back.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn give_back(&self) -> Result<(), Error> {
        fs::remove_file(&self.ballast).map_err(Error::io("remove the ballast"))
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Lazily: a process on its way out may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(&self.mounted).status();
    }
}

fn run(command: &mut Command) -> Result<(), Error> {
    let line = format!("{command:?}");
    let output = command.output().map_err(Error::io(line.clone()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{line}: {}\na full disk needs a file system of its own, which only root can mount",
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}
