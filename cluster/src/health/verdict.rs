//! What a row of checks says of an endpoint.

/// What is known of an endpoint's health.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// None before the first check.
    pub(crate) well: Option<bool>,
    /// Checks in a row that say otherwise.
    row: u32,
    /// What the last check found, if it failed.
    pub(crate) error: Option<String>,
}

/// What a check has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The first one: the endpoint is that.
    First(bool),
    /// It is now the other.
    Turned(bool),
    /// Nothing, but it says otherwise than those before.
    Doubtful,
    /// Nothing.
    Same,
}

impl Health {
    /// Takes note of a check.
    pub(crate) fn note(
        &mut self,
        result: Result<(), String>,
        healthy: u32,
        unhealthy: u32,
    ) -> Verdict {
        let good = result.is_ok();
        self.error = result.err();
        let Some(well) = self.well else {
            self.well = Some(good);
            return Verdict::First(good);
        };
        if good == well {
            self.row = 0;
            return Verdict::Same;
        }
        self.row += 1;
        if self.row < if good { healthy } else { unhealthy } {
            return Verdict::Doubtful;
        }
        self.row = 0;
        self.well = Some(good);
        Verdict::Turned(good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_check_decides_and_then_rows_do() {
        let mut health = Health::default();
        let mut note = |good: bool| {
            let result = if good { Ok(()) } else { Err("no".to_owned()) };
            health.note(result, 2, 3)
        };
        assert_eq!(note(false), Verdict::First(false));
        assert_eq!(note(true), Verdict::Doubtful);
        assert_eq!(note(false), Verdict::Same);
        assert_eq!(note(true), Verdict::Doubtful);
        assert_eq!(note(true), Verdict::Turned(true));
        assert_eq!(note(false), Verdict::Doubtful);
        assert_eq!(note(false), Verdict::Doubtful);
        assert_eq!(note(false), Verdict::Turned(false));
        assert_eq!(health.error.as_deref(), Some("no"));
    }
}
