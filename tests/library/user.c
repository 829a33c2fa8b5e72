/* What a C program does with libhpcm: the samples of FILE.hpc by MODEL.safetensors to standard output.
 * usage: user MODEL.safetensors FILE.hpc [scale] */
#include <hpcm.h>
#include <stdio.h>
#include <stdlib.h>

static int stop(hpcm_status status) {
    fprintf(stderr, "%s\n", hpcm_last_message());
    return (int)status;
}

static int rows(void* user, uint32_t y, uint32_t count, const uint8_t* samples) {
    const size_t row = *(const size_t*)user;
    (void)y;
    return fwrite(samples, row, count, stdout) == count;
}

int main(int argc, char** argv) {
    if (argc < 3) return HPCM_USAGE;
    if (hpcm_api_version() < HPCM_API_VERSION) return HPCM_UNSUPPORTED;
    hpcm_decoder* decoder = hpcm_decoder_new();
    hpcm_status status = hpcm_decoder_add_model_file(decoder, argv[1]);
    if (status != HPCM_OK) return stop(status);
    hpcm_picture* picture = NULL;
    status = hpcm_open_file(decoder, argv[2], 0, &picture);
    if (status != HPCM_OK) return stop(status);
    hpcm_info info;
    hpcm_get_info(picture, &info);
    hpcm_request request = {0};
    request.scale = argc > 3 ? (uint32_t)atoi(argv[3]) : 1;
    uint32_t width = 0, height = 0;
    status = hpcm_get_size(picture, &request, &width, &height);
    if (status != HPCM_OK) return stop(status);
    fprintf(stderr, "%u %u %u\n", width, height, info.channels);
    size_t row = (size_t)width * info.channels;
    status = hpcm_decode(picture, &request, rows, &row);
    if (status != HPCM_OK) return stop(status);
    hpcm_close(picture);
    hpcm_decoder_free(decoder);
    return 0;
}
