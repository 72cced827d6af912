/*
 * lp_bridge.h: plays an lp-pack bundle. Sound goes in, pictures of a talking face come out.
 *
 * A complete program (cc talk.c -llp_bridge; the engine's library is found at run time):
 *
 *     #include <lp_bridge.h>
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *
 *     static int fail(const char *call) {
 *       char text[2048];
 *       lp_last_error(text, sizeof text, NULL);
 *       fprintf(stderr, "%s: %s\n", call, text);
 *       return 1;
 *     }
 *
 *     int main(int argc, char **argv) {
 *       lp_session *session = NULL;
 *       lp_open_options options = {sizeof options, LP_ABI_VERSION};
 *       if (argc != 2 || lp_open(argv[1], &options, &session) != LP_OK) return fail("lp_open");
 *       lp_info info = {sizeof info};
 *       if (lp_get_info(session, &info) != LP_OK) return fail("lp_get_info");
 *
 *       size_t count = info.sample_rate_hz;                      // one second of silence
 *       float *samples = calloc(count, sizeof *samples);
 *       if (lp_push_pcm(session, samples, count, info.sample_rate_hz) != LP_OK)
 *         return fail("lp_push_pcm");
 *       lp_flush(session);                                       // the utterance ends here
 *
 *       lp_surface picture = {sizeof picture, LP_FORMAT_RGBA8, info.width_px, info.height_px,
 *                             info.width_px * 4};
 *       picture.capacity_bytes = (uint64_t)picture.stride_bytes * info.height_px;
 *       picture.pixels = malloc(picture.capacity_bytes);
 *       lp_frame_info frame = {sizeof frame};
 *       while (frame.is_last == 0 && lp_render(session, &picture, 5000, &frame) == LP_OK)
 *         printf("frame %lld at %lld us\n", (long long)frame.index, (long long)frame.time_us);
 *       lp_close(session);
 *       free(picture.pixels);
 *       free(samples);
 *       return frame.is_last ? 0 : 1;
 *     }
 *
 * Threads. Every function may be called from any thread at any time; the library locks what it
 * must. Frames are made by one worker thread of each session. A callback runs on that worker: it
 * must return soon and may call any function of its session, lp_close included.
 *
 * Ownership. What the caller passes in stays the caller's and is read or filled before the call
 * returns; nothing is kept but copies. A session belongs to whoever opened it, until lp_close. A
 * session's value is a ticket, not an address: using it after lp_close is LP_ERROR_CLOSED, never a
 * crash.
 *
 * Results. Every call returns an lp_status: 0 is success, positive values say "not now" and are no
 * mistake, negative values are errors. The text of an error (what, where, expected, got, next
 * step) is lp_last_error's, on the thread that made the call. Out parameters are written only on
 * success, except where a comment says otherwise. Texts are UTF-8.
 *
 * Structs begin with struct_size, which the caller sets to sizeof; a library that knows a longer
 * struct fills in the defaults. Zero is the default of every other field.
 *
 * Python's lp_runtime plays the same bundles; both agree within 1 of 255 in every picture.
 */
#ifndef LP_BRIDGE_H
#define LP_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#if defined(LP_BRIDGE_BUILDING)
#define LP_API __attribute__((visibility("default")))
#else
#define LP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Rises when a caller built against an older header would go wrong. */
#define LP_ABI_VERSION 1

/* What a call came to. */
typedef int32_t lp_status;
/* Success. */
#define LP_OK 0
/* No frame is ready, or none is due yet. Nothing was drawn. */
#define LP_NO_FRAME 1
/* The queue of sound is full; nothing was taken. Push again after frames were taken. */
#define LP_QUEUE_FULL 2
/* An argument is null, out of range, or does not fit the bundle. */
#define LP_ERROR_ARGUMENT -1
/* The session is closed, or was never opened. */
#define LP_ERROR_CLOSED -2
/* The caller's buffer is too small; the size needed is in the text or an out parameter. */
#define LP_ERROR_BUFFER_TOO_SMALL -3
/* Struct size or abi_version belong to another version of this header. */
#define LP_ERROR_ABI -4
/* The bundle is missing, damaged, altered, or contradicts itself. */
#define LP_ERROR_BUNDLE -5
/* The bundle was made by a newer lp-pack than this library. */
#define LP_ERROR_SCHEMA -6
/* The inference engine's library is not there. */
#define LP_ERROR_ENGINE_ABSENT -7
/* The inference engine is older than this library needs. */
#define LP_ERROR_ENGINE_TOO_OLD -8
/* The inference engine refused a graph or failed while running it. */
#define LP_ERROR_ENGINE -9
/* The bundle or this build of the library cannot do what was asked. */
#define LP_ERROR_UNSUPPORTED -10
/* The sound has another sample rate than the bundle takes. */
#define LP_ERROR_SAMPLE_RATE -11
/* Memory ran out. */
#define LP_ERROR_MEMORY -12
/* A mistake in this library; please report the text. */
#define LP_ERROR_INTERNAL -13

/* Order of a pixel's four bytes in memory; alpha is not premultiplied. */
/* Red, green, blue, alpha. */
#define LP_FORMAT_RGBA8 0
/* Blue, green, red, alpha. */
#define LP_FORMAT_BGRA8 1

/* When frames are handed out. */
/* Each frame once, as soon as it is ready; none is dropped. */
#define LP_PACING_NONE 0
/* At the bundle's frame rate from the first frame taken; late frames are dropped and counted. */
#define LP_PACING_REAL_TIME 1

/* What lp_render draws. */
/* The portrait with the frame pasted back; the bare frame where a bundle has no portrait. */
#define LP_PICTURE_PORTRAIT 0
/* The bare frame, as the generator makes it. */
#define LP_PICTURE_FRAME 1

/* What lies behind the figure. */
/* The portrait's own background. */
#define LP_BACKGROUND_ORIGINAL 0
/* One colour; alpha below 255 makes the picture transparent there. */
#define LP_BACKGROUND_COLOR 1
/* A picture, scaled to cover and cut about its centre. */
#define LP_BACKGROUND_PICTURE 2

/* What a callback reports. */
/* A frame can be taken; index is its number in the utterance. */
#define LP_EVENT_FRAME_READY 1
/* The last frame of a flushed utterance was made; index is that utterance's number. */
#define LP_EVENT_UTTERANCE_END 2
/* The worker stopped; index is the lp_status. lp_reset starts it again. */
#define LP_EVENT_ERROR 3

/* An open bundle. Opaque: never look inside, never free. */
typedef struct lp_session lp_session;

/* How to open a bundle. */
typedef struct lp_open_options {
  uint32_t struct_size;
  /* LP_ABI_VERSION of the header that the caller was built with. */
  uint32_t abi_version;
  /* Format and precision: "onnx", "coreml" (Apple's systems) or "tflite", and e.g. "fp32". Null
   * takes the first of these targets whose engine can be loaded, and fp32 where it has it. */
  const char *target;
  const char *precision;
  /* "cpu", "xnnpack", "coreml" or "nnapi", and the engine must have it. Null: the first of the
   * variant's that the engine has, else "cpu"; lp_describe says which and why. LiteRT has "cpu"
   * alone, which is XNNPACK; Core ML takes "coreml" (any unit, the default) or "cpu". */
  const char *execution_provider;
  /* Path of the shared library of the target's engine. Null: the environment's
   * LP_ONNXRUNTIME_LIBRARY or LP_LITERT_LIBRARY, then a library already in the process, then the
   * system's usual name. One library of each engine per process. */
  const char *engine_library;
  /* Threads of the engine; 0: the processors this process may use, 8 at most. */
  uint32_t thread_count;
  /* Finished frames that may wait; 0: 4. */
  uint32_t frame_capacity;
  /* Sound that may wait; 0: 60000. */
  uint32_t sound_capacity_ms;
  /* LP_PACING_... and LP_PICTURE_... */
  int32_t pacing;
  int32_t picture;
  /* 1 skips the check of hashes, which reads the whole bundle once. Sizes are always checked. */
  int32_t skip_hashes;
} lp_open_options;

/* What a caller must know of a bundle to play it; lp_describe has the rest. */
typedef struct lp_info {
  uint32_t struct_size;
  /* Size of the pictures that lp_render draws. */
  uint32_t width_px;
  uint32_t height_px;
  /* Sound must be mono at this rate. */
  uint32_t sample_rate_hz;
  uint32_t samples_per_frame;
  /* Frames by which the face trails the sound; lp_flush makes up for them. */
  uint32_t look_ahead_frames;
  double frame_rate_hz;
  /* 0: seeded networks, whose pictures mean nothing. */
  int32_t is_trained;
  /* 1: the background can be replaced. */
  int32_t has_plain_background;
} lp_info;

/* Where a picture is drawn. */
typedef struct lp_surface {
  uint32_t struct_size;
  /* LP_FORMAT_... */
  int32_t format;
  /* Must be lp_info's. */
  uint32_t width_px;
  uint32_t height_px;
  /* From one row to the next; at least 4 * width_px, any multiple or none. */
  uint32_t stride_bytes;
  uint32_t reserved;
  /* Bytes at pixels; the last row needs only 4 * width_px of them. */
  uint64_t capacity_bytes;
  uint8_t *pixels;
} lp_surface;

/* Which frame was drawn. */
typedef struct lp_frame_info {
  uint32_t struct_size;
  /* 1: the last frame of a flushed utterance. */
  int32_t is_last;
  /* Number of the utterance since lp_open, and of the frame within it, both from 0. */
  int64_t utterance;
  int64_t index;
  /* index / frame rate: where in the utterance's sound this frame belongs. */
  int64_t time_us;
  /* How long the graphs took to make it. */
  int64_t engine_us;
  /* Frames dropped between the one drawn before and this one. */
  uint32_t dropped_before;
  uint32_t reserved;
} lp_frame_info;

/* What is behind the figure. */
typedef struct lp_background {
  uint32_t struct_size;
  /* LP_BACKGROUND_... */
  int32_t kind;
  /* For LP_BACKGROUND_COLOR, each 0 to 255. */
  uint8_t red;
  uint8_t green;
  uint8_t blue;
  uint8_t alpha;
  /* For LP_BACKGROUND_PICTURE: opaque pixels in `format`. */
  int32_t format;
  uint32_t width_px;
  uint32_t height_px;
  uint32_t stride_bytes;
  uint32_t reserved;
  uint64_t capacity_bytes;
  const uint8_t *pixels;
} lp_background;

/* Agreement with the bundle's golden data. */
typedef struct lp_self_check_result {
  uint32_t struct_size;
  /* Tensors compared, and those beyond their threshold. */
  uint32_t compared;
  uint32_t failed;
  uint32_t reserved;
  /* Largest absolute difference of any value in a compared tensor. */
  double worst_max_abs;
} lp_self_check_result;

/* What a session has done since lp_open. Times are over the last 1024 frames. */
typedef struct lp_statistics {
  uint32_t struct_size;
  uint32_t frames_waiting;
  /* Made by the worker; handed out; dropped because they were late; thrown away by lp_reset. */
  uint64_t frames_made;
  uint64_t frames_drawn;
  uint64_t frames_dropped;
  uint64_t frames_discarded;
  /* Number of the utterance that sound pushed now would belong to. */
  int64_t utterance;
  uint32_t sound_waiting_ms;
  uint32_t reserved;
  /* The engine's part of a frame: the first, then percentiles of the rest. */
  double engine_first_ms;
  double engine_p50_ms;
  double engine_p95_ms;
  double engine_p99_ms;
  double engine_worst_ms;
  /* The rest of a frame: moving tensors, conversion, compositing. */
  double overhead_p50_ms;
  double overhead_p95_ms;
  double overhead_p99_ms;
} lp_statistics;

/* Reports an event as plain numbers, so that nothing must be kept alive for it. */
typedef void (*lp_event_callback)(int64_t user_data, int32_t event, int64_t index);

/* ---- Library ---- */

/* The LP_ABI_VERSION that this library was built with. */
LP_API uint32_t lp_abi_version(void);

/* A status as a word, e.g. "LP_ERROR_CLOSED"; never null. Static text. */
LP_API const char *lp_status_name(lp_status status);

/* Text of the last call on this thread that returned an error; empty after lp_open of the process.
 * Cut to fit, always ended by a zero; `needed_bytes` (may be null) includes that zero.
 * `text` may be null when `capacity_bytes` is 0. Does not change the text. */
LP_API lp_status lp_last_error(char *text, uint64_t capacity_bytes, uint64_t *needed_bytes);

/* ---- Session ---- */

/* Open the bundle in this folder: check schema, cross-references and hashes, load its graphs.
 * Takes as long as reading the bundle; call it off the UI thread. `options` may be null. */
LP_API lp_status lp_open(const char *bundle_path, const lp_open_options *options,
                         lp_session **session);

/* Stop the worker and free everything; no callback runs after it returns (except the one that
 * called it). Null, and closing twice, do nothing. The type fits Dart's NativeFinalizer. */
LP_API void lp_close(void *session);

/* Sizes and rates. */
LP_API lp_status lp_get_info(lp_session *session, lp_info *info);

/* JSON: name, notes, pipeline, chosen variant, engine. Ended by a zero; LP_ERROR_BUFFER_TOO_SMALL
 * writes only `needed_bytes` (may be null), which includes that zero. */
LP_API lp_status lp_describe(lp_session *session, char *json, uint64_t capacity_bytes,
                             uint64_t *needed_bytes);

/* Report events to `callback` from now on; null ends it, and then none runs after the return. */
LP_API lp_status lp_set_callback(lp_session *session, lp_event_callback callback,
                                 int64_t user_data);

/* ---- Sound in ---- */

/* Append mono samples in [-1, 1], any number from 1. All are taken or none. */
LP_API lp_status lp_push_pcm(lp_session *session, const float *samples, uint64_t sample_count,
                             uint32_t sample_rate_hz);

/* The same from signed 16-bit samples. */
LP_API lp_status lp_push_pcm16(lp_session *session, const int16_t *samples, uint64_t sample_count,
                               uint32_t sample_rate_hz);

/* End the utterance: its last frames are made with silence, then all state starts over. Sound
 * pushed later is the next utterance. Without sound since the last flush it does nothing. */
LP_API lp_status lp_flush(lp_session *session);

/* Barge-in: forget all waiting sound and frames, start over. Also ends the state of error. */
LP_API lp_status lp_reset(lp_session *session);

/* ---- Expression ---- */

/* Feel this emotion (a label of the bundle's input "emotion") with intensity 0 to 1. */
LP_API lp_status lp_set_emotion(lp_session *session, const char *label, float intensity);

/* Set any control or reference of the pipeline, e.g. "style", to these numbers in C order. */
LP_API lp_status lp_set_control(lp_session *session, const char *name, const float *values,
                                uint64_t value_count);

/* ---- Pictures out ---- */

/* Replace what is behind the figure, in every picture drawn from now on. */
LP_API lp_status lp_set_background(lp_session *session, const lp_background *background);

/* Draw the next frame, waiting up to `timeout_ms` for it. `frame` may be null. LP_NO_FRAME leaves
 * the surface alone. A surface that does not fit is an error and takes no frame. */
LP_API lp_status lp_render(lp_session *session, const lp_surface *surface, uint32_t timeout_ms,
                           lp_frame_info *frame);

/* Draw again what lp_render drew last, with the background of now; the untouched portrait before
 * the first frame (LP_NO_FRAME where the bundle has none). */
LP_API lp_status lp_render_again(lp_session *session, const lp_surface *surface);

/* ---- Values, for tests and for apps that animate more than a picture ---- */

/* Keep this value of the pipeline, e.g. "motion", with every frame that is made from now on. */
LP_API lp_status lp_watch(lp_session *session, const char *name);

/* The watched value of the frame that lp_render drew last, as float32 in C order.
 * `value_count` is always written when `name` is watched: how many numbers there are. */
LP_API lp_status lp_read_value(lp_session *session, const char *name, float *values,
                               uint64_t capacity_values, uint64_t *value_count);

/* ---- Diagnosis ---- */

/* Run the bundle's golden cases on this device. Takes seconds; the session may go on meanwhile.
 * LP_OK whether or not tensors failed: look at `failed`. */
LP_API lp_status lp_self_check(lp_session *session, lp_self_check_result *result);

/* JSON of the last self-check: one object a tensor. Sized as lp_describe. */
LP_API lp_status lp_self_check_report(lp_session *session, char *json, uint64_t capacity_bytes,
                                      uint64_t *needed_bytes);

LP_API lp_status lp_get_statistics(lp_session *session, lp_statistics *statistics);

#ifdef __cplusplus
}
#endif

#endif /* LP_BRIDGE_H */
