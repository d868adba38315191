//! The reader with codecs that are wrong about their frames, and what it holds when nothing is under way.

use std::future::poll_fn;

use tokio::io::AsyncWriteExt;
use tokio_util::codec::Decoder;

use super::*;
use crate::toy::{self, Multiplexed};
use crate::{Control, Mode, Origin, Outbound, ProtocolId, Response, Role, Sniff, WriteBuf};

/// A codec of frames of `whole` bytes that announces whatever it is told to, and takes `takes` bytes of a frame.
struct Liar {
    announces: Option<usize>,
    whole: usize,
    takes: usize,
}

impl Decoder for Liar {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        if src.len() < self.whole {
            return Ok(None);
        }
        drop(src.split_to(self.takes));
        Ok(Some(Inbound::Control(Control::Ignore)))
    }
}

impl Codec for Liar {
    const ID: ProtocolId = ProtocolId("liar");
    const MODE: Mode = Mode::Multiplexed;
    const MAX_ID: u64 = 1000;
    type Settings = ();

    fn new((): &(), _: Role, _: FrameLimits) -> Self {
        unreachable!("made by hand")
    }
    fn sniff(_: &[u8]) -> Sniff {
        Sniff::Never
    }
    fn encode(&mut self, _: Outbound<'_>, _: &mut WriteBuf) -> Result<(), ConnError> {
        Ok(())
    }
    fn error_reply(&self, _: &Origin, _: &LocalError) -> Response {
        unreachable!("nothing is answered")
    }
    fn pending_frame(&self, _: &BytesMut) -> Option<usize> {
        self.announces
    }
}

const LIMIT: usize = 200 << 10;
const MEMORY: usize = 1 << 20;

/// Feeds `bytes` and counts reads and events; gives what is left in the buffer.
async fn feed(codec: &mut Liar, bytes: usize) -> Result<(usize, usize, usize), ConnError> {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    far.write_all(&vec![1; bytes]).await.unwrap();
    drop(far);
    let mut io: Box<dyn Io> = Box::new(near);
    let budget = ByteBudget::new(MEMORY);
    let mut reader = Reader::new(&[], LIMIT, budget.clone());
    let (mut reads, mut events) = (0, 0);
    let now = Instant::now();
    loop {
        while reader.decode(codec, now)?.is_some() {
            events += 1;
        }
        reads += 1;
        let read = poll_fn(|cx| reader.poll_read(&mut io, codec, now, cx)).await?;
        if matches!(read, Read::End) {
            let left = reader.buffered();
            drop(reader);
            assert_eq!(budget.free(), MEMORY as isize);
            return Ok((reads, events, left));
        }
    }
}

#[tokio::test]
async fn an_announcement_that_is_too_small_costs_nothing_but_itself() {
    for announces in [None, Some(0), Some(1), Some(20 << 10), Some(50 << 10)] {
        let mut codec = Liar {
            announces,
            whole: 100 << 10,
            takes: 100 << 10,
        };
        let (reads, events, left) = feed(&mut codec, 300 << 10).await.unwrap();
        assert_eq!((events, left), (3, 0), "{announces:?}");
        assert!(reads < 60, "{reads} reads for {announces:?}");
    }
}

#[tokio::test]
async fn an_announcement_over_the_limit_allocates_nothing_and_ends_the_connection() {
    let mut codec = Liar {
        announces: Some(usize::MAX / 2),
        whole: 1 << 30,
        takes: 0,
    };
    let error = feed(&mut codec, 100).await.unwrap_err();
    assert!(error.to_string().contains("is not refused"), "{error}");
}

#[tokio::test]
async fn a_frame_that_never_ends_is_not_collected_beyond_the_limit() {
    let mut codec = Liar {
        announces: None,
        whole: 1 << 30,
        takes: 0,
    };
    let error = feed(&mut codec, 900 << 10).await.unwrap_err();
    assert!(error.to_string().contains("is not refused"), "{error}");
}

#[tokio::test]
async fn what_a_codec_leaves_of_its_frame_is_where_the_next_one_starts() {
    let mut codec = Liar {
        announces: Some(100 << 10),
        whole: 100 << 10,
        takes: 60 << 10,
    };
    let (_, events, left) = feed(&mut codec, 160 << 10).await.unwrap();
    assert_eq!((events, left), (2, 40 << 10));
}

#[tokio::test]
async fn who_stops_reading_leaves_the_line_for_memory() {
    let budget = ByteBudget::new(MEMORY);
    let mut claim = budget.claim();
    let held = poll_fn(|cx| claim.poll_reserve(MEMORY, cx)).await;
    let codec = Liar {
        announces: Some(100 << 10),
        whole: 100 << 10,
        takes: 100 << 10,
    };
    let waiting = || {
        let (near, far) = tokio::io::duplex(100);
        let reader = Reader::new(b"head", LIMIT, budget.clone());
        let io: Box<dyn Io> = Box::new(near);
        (reader, io, far)
    };
    let (mut first, mut io, _far) = waiting();
    let (mut second, mut other, _far) = waiting();
    let now = Instant::now();
    poll_fn(|cx| {
        assert!(first.poll_read(&mut io, &codec, now, cx).is_pending());
        assert!(second.poll_read(&mut other, &codec, now, cx).is_pending());
        assert!(first.waits_for_memory() && second.waits_for_memory());
        Poll::Ready(())
    })
    .await;
    drop(held);
    first.pause(now);
    poll_fn(|cx| {
        assert!(second.poll_read(&mut other, &codec, now, cx).is_pending());
        assert!(!second.waits_for_memory(), "it waits for its peer");
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn a_connection_between_frames_holds_no_buffer() {
    for body in [10, 100 << 10] {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut io: Box<dyn Io> = Box::new(near);
        let limits = FrameLimits::default();
        let mut reader = Reader::new(b"", limits.frame, ByteBudget::new(MEMORY));
        let mut codec = Multiplexed::new(&None, Role::Downstream, limits);
        let frame = toy::frame(toy::REQUEST, 1, 0, &vec![1; body]);
        far.write_all(&frame).await.unwrap();
        let now = Instant::now();
        let event = loop {
            poll_fn(|cx| reader.poll_read(&mut io, &codec, now, cx))
                .await
                .unwrap();
            if let Some(event) = reader.decode(&mut codec, now).unwrap() {
                break event;
            }
        };
        // Nothing is read on: as many requests are under way as may be.
        reader.settle(0);
        assert_eq!(reader.buffer.capacity(), 0);
        let Inbound::Request(_, request) = event else {
            panic!("a request was sent")
        };
        let crate::Body::Whole(body) = request.body else {
            panic!("with a body")
        };
        if body.len() >= LARGE {
            assert!(body.is_unique(), "its memory goes with it");
        }
        // A read that finds nothing gives its block back too.
        poll_fn(|cx| {
            assert!(reader.poll_read(&mut io, &codec, now, cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(reader.buffer.capacity(), 0);
        assert!(
            reader
                .frame_deadline(Duration::ZERO, Duration::ZERO)
                .is_none()
        );
    }
}
