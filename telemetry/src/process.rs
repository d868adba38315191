//! Memory, descriptors and CPU time of this process, read from `/proc/self` when metrics are asked for.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, IntGauge, Opts};

/// Kernel clock ticks per second in `/proc/self/stat`: `USER_HZ`, 100 on every Linux that Rust runs on.
const TICKS: f64 = 100.0;
/// `VmRSS` in `/proc/self/status` is in kB of 1,024 bytes (proc(5)).
const KIB: i64 = 1024;

/// What the system knows about this process. Where `/proc` is missing the values stay 0.
pub(crate) struct Process {
    resident: IntGauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
    threads: IntGauge,
    cpu: Counter,
}

impl Process {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let options = |name: &str, help: &str| Opts::new(name, help).namespace("wireloom_process");
        Ok(Self {
            resident: IntGauge::with_opts(options("resident_memory_bytes", "Memory in use."))?,
            open_fds: IntGauge::with_opts(options("open_fds", "Descriptors that are open."))?,
            max_fds: IntGauge::with_opts(options(
                "max_fds",
                "Descriptors that may be open at once.",
            ))?,
            threads: IntGauge::with_opts(options("threads", "Threads of the process."))?,
            cpu: Counter::with_opts(options(
                "cpu_seconds_total",
                "Time spent on the processor, by user and system together.",
            ))?,
        })
    }

    fn read(&self) {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kib) = number_after(&status, "VmRSS:") {
            self.resident.set(kib.saturating_mul(KIB));
        }
        if let Some(threads) = number_after(&status, "Threads:") {
            self.threads.set(threads);
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(limit) = number_after(&limits, "Max open files") {
            self.max_fds.set(limit);
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // The listing itself holds one.
            let open = entries.count().saturating_sub(1);
            self.open_fds.set(i64::try_from(open).unwrap_or(i64::MAX));
        }
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        if let Some(ticks) = cpu_ticks(&stat) {
            self.cpu.inc_by((ticks / TICKS - self.cpu.get()).max(0.0));
        }
    }
}

/// The number in the line that starts with `key`.
fn number_after(text: &str, key: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// `utime` and `stime`, fields 14 and 15 of proc(5)'s stat. The name in field 2 may hold blanks and parentheses, so
/// counting starts behind its last one.
fn cpu_ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        let mut all = self.resident.desc();
        all.extend(self.open_fds.desc());
        all.extend(self.max_fds.desc());
        all.extend(self.threads.desc());
        all.extend(self.cpu.desc());
        all
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        let mut all = self.resident.collect();
        all.extend(self.open_fds.collect());
        all.extend(self.max_fds.collect());
        all.extend(self.threads.collect());
        all.extend(self.cpu.collect());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process() {
        let process = Process::new().unwrap();
        let before = {
            process.read();
            process.open_fds.get()
        };
        let _file = fs::File::open("/proc/self/status").unwrap();
        process.read();
        assert!(process.resident.get() > 100 * KIB);
        assert!(process.open_fds.get() > 0 && before > 0);
        assert!(process.max_fds.get() >= process.open_fds.get());
        assert!(process.threads.get() >= 1);
    }

    #[test]
    fn a_process_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(cpu_ticks(stat), Some(200.0));
        assert_eq!(cpu_ticks("nonsense"), None);
    }
}
