//! What the seller sees: a clock, a sentence, a bar for bulk steps.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use orderflow::engine::Progress;

/// Prints the day.
pub struct Timeline {
    zone: Tz,
    terminal: bool,
    last_quarter: Mutex<usize>,
}

impl Timeline {
    pub fn new(zone: Tz) -> Self {
        Self { zone, terminal: std::io::stdout().is_terminal(), last_quarter: Mutex::new(0) }
    }

    /// A line with the time of day.
    pub fn at(&self, now: DateTime<Utc>, text: &str) {
        println!("{}  {text}", now.with_timezone(&self.zone).format("%H:%M"));
    }

    /// A line that belongs to the one before.
    pub fn note(&self, text: &str) {
        println!("       {text}");
    }

    /// Progress of a bulk step: a bar on a terminal, a line a quarter elsewhere.
    pub fn progress(&self, what: &str, progress: Progress) {
        let Progress { done, total } = progress;
        if total == 0 {
            return;
        }
        if self.terminal {
            let width = 30;
            let full = done * width / total;
            let bar: String = (0..width).map(|i| if i < full { '█' } else { '·' }).collect();
            print!("\r       {what} {bar} {done}/{total}");
            if done == total {
                println!();
            }
            let _ = std::io::stdout().flush();
            return;
        }
        let quarter = done * 4 / total;
        let mut last = self.last_quarter.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if done == 1 {
            *last = 0;
        }
        if quarter > *last {
            *last = quarter;
            println!("       {what} {done}/{total}");
        }
    }
}
