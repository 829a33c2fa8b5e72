/* libhpcm: decoding of .hpc pictures from any C or C++ program.
 *
 *     hpcm_decoder* decoder = hpcm_decoder_new();
 *     hpcm_picture* picture = NULL;
 *     if (hpcm_decoder_add_model_file(decoder, "lite-8.safetensors") == HPCM_OK &&
 *         hpcm_open(decoder, bytes, size, 0, &picture) == HPCM_OK) {
 *         hpcm_info info;
 *         hpcm_get_info(picture, &info);
 *         uint8_t* pixels = malloc((size_t)info.width * info.height * info.channels);
 *         hpcm_decode_into(picture, NULL, pixels, (size_t)info.width * info.channels);
 *     }
 *     if (hpcm_last_status() != HPCM_OK) puts(hpcm_last_message());
 *     hpcm_close(picture);
 *     hpcm_decoder_free(decoder);
 *
 * The same file gives the same pixels, bit for bit, on every machine. Every function may be called from any thread; a decoder and
 * an opened picture may be shared between threads, but not while one is freed. After a fork the child may go on. No function lets
 * a C++ exception out. Memory that is handed in stays the caller's.
 */
#ifndef HPCM_H
#define HPCM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define HPCM_API
#else
#define HPCM_API __attribute__((visibility("default")))
#endif

/* Grows when functions are added; the first part changes when something is taken away. */
#define HPCM_API_VERSION 0x000100u
HPCM_API uint32_t hpcm_api_version(void);

/* What went wrong; the same numbers as the exit codes of the command `hpcm`. */
typedef enum hpcm_status {
    HPCM_OK = 0,
    HPCM_USAGE = 2,         /* an argument that makes no sense */
    HPCM_INPUT = 3,         /* a file that cannot be read */
    HPCM_NOT_HPC = 10,      /* not an hpc file */
    HPCM_TRUNCATED = 11,    /* the end is missing */
    HPCM_CORRUPT = 12,      /* damaged */
    HPCM_UNSUPPORTED = 13,  /* of a newer format */
    HPCM_MISSING_MODEL = 14,
    HPCM_MODEL_FILE = 15,   /* a model file is damaged */
    HPCM_LIMIT = 16,        /* more pixels or memory than allowed, or than there is */
    HPCM_ARITHMETIC = 17,   /* this build computes other bits than the encoder's */
    HPCM_FAILED = 70,       /* a bug */
    HPCM_CANCELLED = 130    /* by the caller */
} hpcm_status;

/* Of the last call in this thread: its status, and one line that says what to do. Valid until the thread's next call. */
HPCM_API hpcm_status hpcm_last_status(void);
HPCM_API const char* hpcm_last_message(void);

/* ---------------------------------------------------------------------------------------------------------- decoders */

typedef struct hpcm_decoder hpcm_decoder;

HPCM_API hpcm_decoder* hpcm_decoder_new(void); /* NULL without memory */
HPCM_API void hpcm_decoder_free(hpcm_decoder* decoder);

typedef struct hpcm_limits {
    uint64_t pixels;   /* of a picture; 0: 2^28 */
    uint64_t metadata; /* bytes of one unpacked piece; 0: 2^24 */
    uint64_t memory;   /* bytes that decoding may take; 0: no limit */
} hpcm_limits;

HPCM_API hpcm_status hpcm_decoder_set_limits(hpcm_decoder* decoder, const hpcm_limits* limits);

/* Threads that share the work of each call, 1..256; 0: as many as the process has processors. Never changes a result. */
HPCM_API hpcm_status hpcm_decoder_set_threads(hpcm_decoder* decoder, int threads);

/* Makes a model known. Files name theirs by the first 8 bytes of its identity. The bytes are not kept. */
HPCM_API hpcm_status hpcm_decoder_add_model(hpcm_decoder* decoder, const uint8_t* data, size_t size);
HPCM_API hpcm_status hpcm_decoder_add_model_file(hpcm_decoder* decoder, const char* path);

/* Whether the model with this id (8 bytes) is known. */
HPCM_API int hpcm_decoder_has_model(const hpcm_decoder* decoder, const uint8_t* id);

/* Asked for a model that is not known: id has 8 bytes, name is for people. Gives the model to the decoder by
 * hpcm_decoder_add_model and returns 1, or returns 0. May be called from several threads at once, and for an adapter's base from
 * within hpcm_decoder_add_model; but not for a model that it is looking for already, so that it may try whatever there is. */
typedef int (*hpcm_find_model)(void* user, hpcm_decoder* decoder, const uint8_t* id, const char* name);
HPCM_API hpcm_status hpcm_decoder_set_finder(hpcm_decoder* decoder, hpcm_find_model find, void* user);

/* ---------------------------------------------------------------------------------------------------------- pictures */

typedef struct hpcm_picture hpcm_picture;

enum { HPCM_ALLOW_TRUNCATED = 1 }; /* open a file whose end is missing: what is there is decoded, coarser parts first */

/* Reads a file's structure; needs no model. `data` must stay as it is until hpcm_close. */
HPCM_API hpcm_status hpcm_open(hpcm_decoder* decoder, const uint8_t* data, size_t size, unsigned flags, hpcm_picture** picture);
HPCM_API hpcm_status hpcm_open_file(hpcm_decoder* decoder, const char* path, unsigned flags, hpcm_picture** picture);
HPCM_API void hpcm_close(hpcm_picture* picture);

typedef struct hpcm_info {
    uint32_t width, height;
    uint32_t channels;  /* of a decoded pixel: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
    uint32_t bit_depth; /* of the source: 8 to 16 */
    float quality;      /* 1..100; 0 for a model of one rate, or none */
    uint32_t tile_size; /* side of the tiles that a region is made of; 0: one tile */
    int truncated;
    uint8_t model_id[8];
    char model_name[49];      /* empty: the file needs no model */
    uint32_t exact_tile_size; /* likewise of the tiles that are coded exactly */
    int most_error;           /* of any sample, as the encoder says: 0 is lossless; -1: it says nothing */
    uint8_t cicp[3]; /* what the colours are by H.273: primaries, transfer, full range (1) or not; zeros: it says nothing */
} hpcm_info;

HPCM_API hpcm_status hpcm_get_info(const hpcm_picture* picture, hpcm_info* info);

typedef enum hpcm_metadata { HPCM_ICC = 1, HPCM_EXIF = 2, HPCM_XMP = 3 } hpcm_metadata;

/* A piece of metadata, unpacked; *size is 0 where there is none. Valid until hpcm_close. */
HPCM_API hpcm_status hpcm_get_metadata(hpcm_picture* picture, hpcm_metadata kind, const uint8_t** data, size_t* size);

/* ---------------------------------------------------------------------------------------------------------- decoding */

typedef struct hpcm_request {
    uint32_t x, y, width, height; /* a rectangle of the picture; width 0: all of it */
    uint32_t scale;               /* 0 or 1: as it is; 2, 4, 8: so much smaller on each side, rounded up, and faster */
    int (*progress)(void* user, double done); /* or NULL: told the share that is done, 0..1; 0 cancels */
    void* user;
    uint32_t bits; /* of the samples that are handed out: 0 or 8: bytes, whatever the depth; 16: uint16_t of the depth bit_depth */
} hpcm_request;

/* Size of what a request gives. */
HPCM_API hpcm_status hpcm_get_size(const hpcm_picture* picture, const hpcm_request* request, uint32_t* width, uint32_t* height);

/* Receives rows from the top, `count` of them from row y on, interleaved samples without gaps; returns 0 to stop. With
 * 16 bits the samples are uint16_t. */
typedef int (*hpcm_rows)(void* user, uint32_t y, uint32_t count, const uint8_t* samples);
HPCM_API hpcm_status hpcm_decode(hpcm_picture* picture, const hpcm_request* request, hpcm_rows rows, void* user);

/* The same into memory, `stride` bytes from row to row. request may be NULL: the whole picture. */
HPCM_API hpcm_status hpcm_decode_into(hpcm_picture* picture, const hpcm_request* request, uint8_t* samples, size_t stride);

/* Everything that is there is sound and decodes to what was encoded. */
HPCM_API hpcm_status hpcm_verify(hpcm_picture* picture);

#ifdef __cplusplus
}
#endif

#endif
