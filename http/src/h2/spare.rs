//! A byte of a connection's window that its peer is not told of.
//!
//! Servers and clients of Dubbo 3.3 count from a window of 65,536 bytes where RFC 9113 §6.9.2 says 65,535
//! (`TriHttp2RemoteFlowController`, `TripleConfig`): one that has used up a connection's window has used one byte more, for
//! which h2 ends the connection with FLOW_CONTROL_ERROR, and all calls on it. Hence the first WINDOW_UPDATE of a
//! connection is written one smaller than h2 counts it.

use super::server::PREFACE;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const WINDOW_UPDATE: u8 = 8;
const HEAD: usize = 9;

/// Looks at what is written first, and takes the byte from the first WINDOW_UPDATE of the connection's. There is one
/// before any stream, unless the window is as small as RFC 9113 makes it.
#[derive(Debug)]
pub(super) struct Spare {
    /// Bytes to the next frame; None once there is nothing to look for any more.
    next: Option<usize>,
}

impl Spare {
    /// For a side that writes a preface first, or does not.
    pub(super) fn new(preface: bool) -> Self {
        let preface = if preface { PREFACE.len() } else { 0 };
        Self {
            next: Some(preface),
        }
    }

    /// False once nothing will be changed any more.
    pub(super) fn looks(&self) -> bool {
        self.next.is_some()
    }

    /// What was written cannot be changed.
    pub(super) fn give_up(&mut self) {
        self.next = None;
    }

    /// Changes what is about to be written. h2 writes small frames whole.
    pub(super) fn pass(&mut self, mut bytes: &mut [u8]) {
        while let Some(next) = self.next {
            if next >= bytes.len() {
                self.next = Some(next - bytes.len());
                return;
            }
            self.next = None;
            let rest = std::mem::take(&mut bytes).get_mut(next..);
            let Some((head, rest)) = rest.and_then(<[u8]>::split_first_chunk_mut::<HEAD>) else {
                return;
            };
            let [a, b, c, kind, _, stream @ ..] = *head;
            match kind {
                HEADERS | DATA => return,
                WINDOW_UPDATE if stream == [0; 4] => return take_one(rest),
                _ => self.next = Some(u32::from_be_bytes([0, a, b, c]) as usize),
            }
            bytes = rest;
        }
    }
}

fn take_one(payload: &mut [u8]) {
    if let Some(increment) = payload.first_chunk_mut() {
        let more = u32::from_be_bytes(*increment);
        // None at all would be an error.
        *increment = more.saturating_sub(1).max(1).to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, payload.len() as u8, kind, 0, 0, 0, 0, stream];
        bytes.extend(payload);
        bytes
    }

    fn update(stream: u8, by: u8) -> Vec<u8> {
        frame(WINDOW_UPDATE, stream, &[0, 0, 0, by])
    }

    fn passed(preface: bool, writes: &[Vec<u8>]) -> Vec<u8> {
        let mut spare = Spare::new(preface);
        let pass = |bytes: &Vec<u8>| {
            let mut bytes = bytes.clone();
            spare.pass(&mut bytes);
            bytes
        };
        writes.iter().flat_map(pass).collect()
    }

    #[test]
    fn the_first_update_of_the_connection_is_one_smaller() {
        let settings = frame(4, 0, &[7; 12]);
        let writes = [settings.clone(), update(3, 9), update(0, 9), update(0, 9)];
        let expected = [settings.clone(), update(3, 9), update(0, 8), update(0, 9)].concat();
        assert_eq!(passed(false, &writes), expected);
        assert_eq!(passed(false, &[writes.concat()]), expected);
        let client = [[PREFACE.to_vec(), settings].concat(), update(0, 9)];
        assert!(passed(true, &client).ends_with(&update(0, 8)));
        assert_eq!(passed(false, &[update(0, 1)]), update(0, 1));
    }

    #[test]
    fn nothing_is_changed_behind_a_stream() {
        for kind in [HEADERS, DATA] {
            let writes = [frame(kind, 1, b"x"), update(0, 9)];
            assert_eq!(passed(false, &writes), writes.concat());
        }
    }
}
