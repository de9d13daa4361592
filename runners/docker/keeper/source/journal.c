/*
 * The journal: frames of u8 type, u32le length, payload. A frame that the disk took only a part of is finished before
 * anything else is written, for a reader may have that part already.
 */
#include "keeper.h"

enum { SPARE = 512 };

bool storage_failed;
static int journal = -1;
static uint8_t behind[HEAD + MOST_PAYLOAD + SPARE];
static size_t behind_from, behind_to;

void journal_begin(int fd) {
  journal = fd;
  behind_from = behind_to = 0;
}

static bool catch_up(void) {
  while (behind_from < behind_to) {
    long count = write_some(journal, behind + behind_from, behind_to - behind_from);
    if (count <= 0) return false;
    behind_from += (size_t)count;
  }
  behind_from = behind_to = 0;
  return true;
}

static void keep_behind(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length && behind_to < sizeof behind; i++) behind[behind_to++] = bytes[i];
}

/* False: nothing of it was written, nor will be. */
static bool write_frame(const uint8_t *frame, size_t length) {
  if (!catch_up()) return false;
  size_t done = 0;
  while (done < length) {
    long count = write_some(journal, frame + done, length - done);
    if (count <= 0) {
      if (done == 0) return false;
      keep_behind(frame + done, length - done);
      return true;
    }
    done += (size_t)count;
  }
  return true;
}

static size_t make_frame(uint8_t *frame, char type, const uint8_t *payload, size_t length) {
  frame[0] = (uint8_t)type;
  put_u32(frame + 1, (uint32_t)length);
  for (size_t i = 0; i < length; i++) frame[HEAD + i] = payload[i];
  return HEAD + length;
}

/* One that must not be lost: what the disk does not take now is kept for later. */
void journal_put(char type, const uint8_t *payload, size_t length) {
  uint8_t frame[HEAD + 64];
  size_t size = make_frame(frame, type, payload, length);
  if (!write_frame(frame, size)) keep_behind(frame, size);
}

static bool gap(uint8_t stream, uint64_t *bytes) {
  uint8_t payload[9] = {stream}, frame[HEAD + 9];
  if (*bytes == 0) return true;
  put_u64(payload + 1, *bytes);
  if (!write_frame(frame, make_frame(frame, 'g', payload, 9))) return false;
  *bytes = 0;
  return true;
}

static void tell_dropped(struct stream *stream) {
  uint64_t untold = stream->dropped - stream->told;
  if (gap(stream->number, &untold)) stream->told = stream->dropped;
}

/* frame: room for the head, then the bytes. */
void journal_output(struct stream *stream, uint8_t *frame, size_t length) {
  size_t kept = length < stream->room ? length : (size_t)stream->room;
  if (kept > 0) {
    frame[0] = (uint8_t)stream->type;
    put_u32(frame + 1, (uint32_t)kept);
    if (!gap(stream->number | 0x80, &stream->lost) || !write_frame(frame, HEAD + kept)) {
      stream->lost += length;
      storage_failed = true;
      return;
    }
    stream->room -= kept;
  }
  stream->dropped += length - kept;
  if (stream->dropped > stream->told && stream->dropped >= 2 * stream->told) tell_dropped(stream);
}

bool journal_behind(struct stream *streams) {
  if (behind_from == behind_to && streams[0].lost == 0 && streams[1].lost == 0) return false;
  if (!catch_up()) return true;
  return !gap(streams[0].number | 0x80, &streams[0].lost) || !gap(streams[1].number | 0x80, &streams[1].lost);
}

static void put_gap(uint8_t stream, uint64_t bytes) {
  uint8_t payload[9] = {stream};
  put_u64(payload + 1, bytes);
  if (bytes > 0) journal_put('g', payload, 9);
}

/* False: the disk stayed full. `room` was kept for these last frames. */
bool journal_end(struct stream *streams, int place, const uint8_t *killed, const uint8_t *ended) {
  sys(unlinkat, place, "room", 0);
  for (int i = 0; i < 2; i++) {
    put_gap(streams[i].number | 0x80, streams[i].lost);
    put_gap(streams[i].number, streams[i].dropped - streams[i].told);
  }
  for (int i = 0; i < 2; i++) {
    streams[i].lost = 0;
    streams[i].told = streams[i].dropped;
  }
  if (killed) journal_put('k', killed, 6);
  if (ended) journal_put('x', ended, 50);
  journal_put('z', 0, 0);
  int64_t until = now_us(CLOCK_MONOTONIC) + 2000000;
  while (!catch_up()) {
    if (now_us(CLOCK_MONOTONIC) > until) return false;
    sleep_us(20000);
  }
  return true;
}
