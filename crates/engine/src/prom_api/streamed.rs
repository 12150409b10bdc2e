//! Remote read of streamed chunks, decoded as they arrive, from a server that may answer with SAMPLES all the same.

use super::{Errand, SMALL_LIMIT, Server, is_streamed, read_samples, too_large, wire_error};
use crate::answer::{Asked, is_partial};
use crate::model::Window;
use crate::port::{Answer, Intake, StreamCall};
use crate::source::{Counting, Reading};
use crate::wire::prom_chunks::Decoder;
use crate::wire::prom_read::SlabData;
use crate::wire::room::Room;
use bytes::{Bytes, BytesMut};
use std::rc::Rc;

/// How large an answer may be, and is likely to be, decoded.
#[derive(Clone, Debug)]
pub(crate) struct AnswerSize {
    /// Bytes of rows and labels that are accepted.
    pub most: usize,
    /// Made at the beginning, so that nothing needs to be moved while there comes to be more.
    pub room: Room,
}

/// Reads the rows inside `window`; the answer ends with a mark when one was asked for. A larger one than may be is
/// [`TooLarge`](crate::ErrorKind::TooLarge), and is broken off there.
pub(crate) fn streamed(
    server: &Server<'_>,
    errand: &Errand<'_>,
    body: Bytes,
    window: Window,
    marked: bool,
    size: AnswerSize,
) -> StreamCall<SlabData> {
    let request = server.post_request(errand, &[], body);
    let asked = server.asked(errand, &request);
    StreamCall {
        request,
        limit: SMALL_LIMIT,
        open: Rc::new(move |answer| Ok(Box::new(open(&asked, answer, window, marked, size.clone())?))),
    }
}

/// The same, of which the rows are counted and not held.
pub(crate) fn counted(
    server: &Server<'_>,
    errand: &Errand<'_>,
    body: Bytes,
    window: Window,
    most: usize,
    labels: bool,
) -> StreamCall<crate::source::Census> {
    let request = server.post_request(errand, &[], body);
    let asked = server.asked(errand, &request);
    StreamCall {
        request,
        limit: SMALL_LIMIT,
        open: Rc::new(move |answer| {
            Ok(Box::new(Counting::new(
                Box::new(open(&asked, answer, window, false, AnswerSize { most, room: Room::default() })?),
                labels,
            )))
        }),
    }
}

fn open(
    asked: &Asked,
    answer: &Answer,
    window: Window,
    marked: bool,
    AnswerSize { most, room }: AnswerSize,
) -> crate::Result<Chunks> {
    asked.accept(answer)?;
    if is_partial(answer) {
        return Err(asked.partial(answer));
    }
    let form = match is_streamed(answer) {
        true => {
            let decoder = Decoder::with_limit(window, most).with_room(room);
            Form::Chunks(Box::new(if marked { decoder.marked() } else { decoder }))
        }
        false => Form::Samples(BytesMut::new()),
    };
    // Errors speak of the status and the headers; the body is gone by then.
    let head = Answer { body: Bytes::new(), ..answer.clone() };
    Ok(Chunks { form, asked: asked.clone(), head, most, queries: 1 + usize::from(marked) })
}

/// An answer under way.
struct Chunks {
    form: Form,
    asked: Asked,
    head: Answer,
    most: usize,
    queries: usize,
}

enum Form {
    Chunks(Box<Decoder>),
    /// SAMPLES can be read as a whole only.
    Samples(BytesMut),
}

impl Reading for Chunks {
    fn feed(&mut self, bytes: &[u8]) -> crate::Result<()> {
        match &mut self.form {
            Form::Chunks(decoder) => decoder.feed(bytes).map_err(|error| match decoder.is_over_limit() {
                true => too_large(&self.head, &self.asked, self.most),
                false => wire_error(&self.asked, &self.head, &error),
            }),
            Form::Samples(body) => {
                if body.len() + bytes.len() > self.most {
                    return Err(too_large(&self.head, &self.asked, self.most));
                }
                body.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn take(&mut self) -> SlabData {
        match &mut self.form {
            Form::Chunks(decoder) => decoder.take(),
            Form::Samples(_) => SlabData::default(),
        }
    }

    fn finish(self: Box<Self>) -> crate::Result<SlabData> {
        let Self { form, asked, head, most, queries } = *self;
        match form {
            Form::Chunks(decoder) => decoder.finish().map_err(|error| wire_error(&asked, &head, &error)),
            Form::Samples(body) => {
                read_samples(&Answer { body: body.freeze(), ..head }, &asked, most, queries)
            }
        }
    }
}

impl Intake<SlabData> for Chunks {
    fn feed(&mut self, bytes: &[u8]) -> crate::Result<()> {
        Reading::feed(self, bytes)
    }

    fn finish(self: Box<Self>) -> crate::Result<SlabData> {
        Reading::finish(self)
    }
}
