/* What a system seldom does, put between the program and its C library (LD_PRELOAD):
   SHIM_SEEN=path      made when the program has loaded this
   SHIM_SLOW_WRITE=ms  each write to a file named *.log takes this long
   SHIM_ACCEPT=A,B,…   accept4 fails with these errors in turn, three times of four
   SHIM_CLOCK=seconds  the wall clock is off by this much, in one reading of two */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

__attribute__((constructor)) static void loaded(void) {
    const char *path = getenv("SHIM_SEEN");
    if (path) close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

ssize_t write(int file, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    const char *slow = getenv("SHIM_SLOW_WRITE");
    if (slow) {
        char link[40], path[300];
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t length = readlink(link, path, sizeof path);
        if (length > 4 && !memcmp(path + length - 4, ".log", 4)) usleep(1000 * atoi(slow));
    }
    return real(file, bytes, count);
}

int accept4(int file, struct sockaddr *address, socklen_t *length, int flags) {
    static int (*real)(int, struct sockaddr *, socklen_t *, int);
    static unsigned calls;
    if (!real) real = dlsym(RTLD_NEXT, "accept4");
    const char *numbers = getenv("SHIM_ACCEPT");
    if (numbers && calls++ % 4) {
        static const struct { const char *name; int number; } errors[] = {
            {"EPROTO", EPROTO}, {"ECONNABORTED", ECONNABORTED}, {"EINTR", EINTR},
            {"ENOBUFS", ENOBUFS}, {"ENOMEM", ENOMEM},
        };
        static const char *next;
        if (!next || !*next) next = numbers;
        size_t end = strcspn(next, ",");
        for (size_t n = 0; n < sizeof errors / sizeof *errors; n++)
            if (strlen(errors[n].name) == end && !strncmp(next, errors[n].name, end))
                errno = errors[n].number;
        next += end + (next[end] == ',');
        return -1;
    }
    return real(file, address, length, flags);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    static unsigned calls;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    const char *off = getenv("SHIM_CLOCK");
    if (off && clock == CLOCK_REALTIME && __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) % 2)
        now->tv_sec += atol(off);
    return result;
}
