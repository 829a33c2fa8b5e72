/* Whether a child of fork() can use a decoder that another thread of its parent was using: 0, or 1 where one hangs.
 * usage: fork MODEL.safetensors FILE.hpc */
#include <hpcm.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 200 };

static hpcm_decoder* decoder;
static hpcm_picture* picture;
static volatile int stop;

static int use(void) {
    const uint8_t* data;
    size_t size;
    return hpcm_decoder_has_model(decoder, (const uint8_t*)"12345678") == 0 && hpcm_get_metadata(picture, HPCM_ICC, &data, &size) == HPCM_OK;
}

static void* keep_using(void* user) {
    while (!stop) use();
    return user;
}

int main(int argc, char** argv) {
    pthread_t thread;
    int hung = 0;
    decoder = hpcm_decoder_new();
    if (argc < 3 || hpcm_decoder_add_model_file(decoder, argv[1]) != HPCM_OK || hpcm_open_file(decoder, argv[2], 0, &picture) != HPCM_OK) return 2;
    pthread_create(&thread, NULL, keep_using, NULL);
    for (int i = 0; i < FORKS && !hung; ++i) {
        int status = 0;
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            _exit(use() ? 0 : 3);
        }
        waitpid(child, &status, 0);
        hung = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    stop = 1;
    pthread_join(thread, NULL);
    hpcm_close(picture);
    hpcm_decoder_free(decoder);
    return hung;
}
