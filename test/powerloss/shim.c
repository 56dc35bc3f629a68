/*
 * Keeps a record of everything a process does to the files below one folder, in the order it happens: writes with
 * their bytes, cuts in length, names made and taken away, and where a sync began and ended. And of what it tells the
 * outside: the beginning of each write to a socket or to standard error. From that record disk.ts works out what a
 * disk may hold after the power failed at any moment of it.
 *
 * Preloaded (LD_PRELOAD) into the relay's own, unchanged process: node, libuv and SQLite call the C library for all
 * of this. A call that changes a file and is not modelled is recorded as such, and the test fails.
 *
 * POWERLOSS_ROOT: the folder, an absolute path without links. POWERLOSS_TRACE: the file to append the record to.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_FDS = 65536, TOLD_BYTES = 2048 };

/* trace.ts reads these. */
enum kind {
	OPENED = 'O', CREATED = 'C', FOLDER = 'M', WRITE = 'W', TRUNCATE = 'T', SYNC_BEGINS = 'B', SYNC_ENDS = 'E',
	RENAME = 'R', UNLINK = 'U', TOLD = 'A', UNMODELLED = 'X'
};
struct record {
	uint8_t kind;
	uint8_t reserved[3];
	uint32_t path_bytes;
	uint32_t data_bytes;
	uint32_t mode;
	uint64_t file; /* inode number; of what was told, the file descriptor */
	uint64_t at;   /* offset or length; of a sync's end, its number */
};

/* One operation at a time: the record's order is the order in which the files changed. */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_bytes;
static int trace_fd = -1;
static uint64_t syncs;

/* What a file descriptor is: its inode number when it is below the root. */
static uint64_t inode_of[MAX_FDS];
/* 1: a socket, -1: something else, 0: not looked at yet. */
static int8_t is_socket[MAX_FDS];

#define REAL(name) \
	static __typeof__(&name) real; \
	if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
	const char *folder = getenv("POWERLOSS_ROOT"), *trace = getenv("POWERLOSS_TRACE");
	if (!folder || !trace) return;
	root_bytes = strlen(folder);
	memcpy(root, folder, root_bytes + 1);
	trace_fd = (int)syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (trace_fd < 0) abort();
}

static int below_root(const char *path) {
	return trace_fd >= 0 && strncmp(path, root, root_bytes) == 0 && (path[root_bytes] == '/' || path[root_bytes] == 0);
}

static int tracked(int fd) { return fd >= 0 && fd < MAX_FDS && inode_of[fd] != 0; }

/* Appends one record. A record that can't be written would make every conclusion from the trace wrong. */
static void note(enum kind kind, uint64_t file, uint64_t at, uint32_t mode, const char *path, const void *data, size_t bytes) {
	struct record head = {
		.kind = (uint8_t)kind, .path_bytes = path ? (uint32_t)strlen(path) : 0, .data_bytes = (uint32_t)bytes,
		.mode = mode, .file = file, .at = at,
	};
	struct iovec parts[] = {{&head, sizeof head}, {(void *)path, head.path_bytes}, {(void *)data, bytes}};
	long expected = (long)(sizeof head + head.path_bytes + bytes);
	int before = errno;
	if (syscall(SYS_writev, trace_fd, parts, 3) != expected) abort();
	errno = before;
}

static void unmodelled(const char *call) {
	pthread_mutex_lock(&order);
	note(UNMODELLED, 0, 0, 0, call, NULL, 0);
	pthread_mutex_unlock(&order);
}

/* The absolute path of `path` as seen from the folder `at`. */
static const char *absolute(int at, const char *path, char *out) {
	if (path[0] == '/') return path;
	char base[PATH_MAX], link[64];
	if (at == AT_FDCWD) {
		if (!getcwd(base, sizeof base)) return path;
	} else {
		snprintf(link, sizeof link, "/proc/self/fd/%d", at);
		ssize_t n = readlink(link, base, sizeof base - 1);
		if (n < 0) return path;
		base[n] = 0;
	}
	if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return path;
	return out;
}

/* ---- Opening and closing ---- */

static int do_open(int at, const char *given, int flags, mode_t mode) {
	char buffer[PATH_MAX];
	const char *path = absolute(at, given, buffer);
	if (!below_root(path)) {
		int fd = (int)syscall(SYS_openat, at, given, flags, mode);
		if (fd >= 0 && fd < MAX_FDS) inode_of[fd] = 0, is_socket[fd] = 0;
		return fd;
	}
	struct stat file;
	pthread_mutex_lock(&order);
	int existed = stat(path, &file) == 0;
	int fd = (int)syscall(SYS_openat, at, given, flags, mode);
	if (fd >= 0) {
		if (fd >= MAX_FDS || fstat(fd, &file) != 0) abort();
		inode_of[fd] = file.st_ino;
		is_socket[fd] = -1;
		note(existed ? OPENED : CREATED, file.st_ino, 0, file.st_mode & 07777, path, NULL, 0);
		if (existed && (flags & O_TRUNC)) note(TRUNCATE, file.st_ino, 0, 0, NULL, NULL, 0);
	}
	pthread_mutex_unlock(&order);
	return fd;
}

#define OPEN_MODE(flags) \
	mode_t mode = 0; \
	if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { OPEN_MODE(flags) return do_open(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE(flags) return do_open(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return do_open(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return do_open(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int fd) {
	REAL(close);
	if (fd >= 0 && fd < MAX_FDS) inode_of[fd] = 0, is_socket[fd] = 0;
	return real(fd);
}

static int duplicated(int from, int to) {
	if (to >= 0 && to < MAX_FDS && from >= 0 && from < MAX_FDS) inode_of[to] = inode_of[from], is_socket[to] = is_socket[from];
	return to;
}
int dup(int fd) { REAL(dup); return duplicated(fd, real(fd)); }
int dup2(int fd, int to) { REAL(dup2); return duplicated(fd, real(fd, to)); }
int dup3(int fd, int to, int flags) { REAL(dup3); return duplicated(fd, real(fd, to, flags)); }

/* ---- Writing ---- */

/* Before the bytes go out: what comes later in the trace was not yet done when the other side could know of it. */
static void note_told(int fd, const struct iovec *parts, int count) {
	if (trace_fd < 0 || fd < 0 || fd >= MAX_FDS) return;
	if (is_socket[fd] == 0) {
		struct stat file;
		is_socket[fd] = fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode) ? 1 : -1;
	}
	if (fd != STDERR_FILENO && is_socket[fd] != 1) return;
	char told[TOLD_BYTES];
	size_t bytes = 0;
	for (int i = 0; i < count && bytes < sizeof told; i++) {
		size_t part = parts[i].iov_len < sizeof told - bytes ? parts[i].iov_len : sizeof told - bytes;
		memcpy(told + bytes, parts[i].iov_base, part);
		bytes += part;
	}
	pthread_mutex_lock(&order);
	note(TOLD, (uint64_t)fd, 0, 0, NULL, told, bytes);
	pthread_mutex_unlock(&order);
}

static void note_write(int fd, const void *data, ssize_t written, off_t at) {
	if (written > 0) note(WRITE, inode_of[fd], (uint64_t)at, 0, NULL, data, (size_t)written);
}

ssize_t write(int fd, const void *data, size_t bytes) {
	REAL(write);
	if (!tracked(fd)) {
		note_told(fd, &(struct iovec){(void *)data, bytes}, 1);
		return real(fd, data, bytes);
	}
	pthread_mutex_lock(&order);
	ssize_t written = real(fd, data, bytes);
	if (written > 0) note_write(fd, data, written, lseek(fd, 0, SEEK_CUR) - written);
	pthread_mutex_unlock(&order);
	return written;
}

static ssize_t do_pwrite(int fd, const void *data, size_t bytes, off_t at) {
	if (!tracked(fd)) return syscall(SYS_pwrite64, fd, data, bytes, at);
	pthread_mutex_lock(&order);
	ssize_t written = syscall(SYS_pwrite64, fd, data, bytes, at);
	note_write(fd, data, written, at);
	pthread_mutex_unlock(&order);
	return written;
}
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) { return do_pwrite(fd, data, bytes, at); }
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) { return do_pwrite(fd, data, bytes, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
	REAL(writev);
	if (tracked(fd)) unmodelled("writev");
	else note_told(fd, parts, count);
	return real(fd, parts, count);
}

static int do_ftruncate(int fd, off_t length) {
	if (!tracked(fd)) return (int)syscall(SYS_ftruncate, fd, length);
	pthread_mutex_lock(&order);
	int result = (int)syscall(SYS_ftruncate, fd, length);
	if (result == 0) note(TRUNCATE, inode_of[fd], (uint64_t)length, 0, NULL, NULL, 0);
	pthread_mutex_unlock(&order);
	return result;
}
int ftruncate(int fd, off_t length) { return do_ftruncate(fd, length); }
int ftruncate64(int fd, off64_t length) { return do_ftruncate(fd, length); }

/* ---- Syncing: the lock is not held meanwhile, so that other threads go on writing as they would ---- */

static int do_sync(long call, int fd) {
	if (!tracked(fd)) return (int)syscall(call, fd);
	uint64_t file = inode_of[fd];
	pthread_mutex_lock(&order);
	uint64_t number = ++syncs;
	note(SYNC_BEGINS, file, number, 0, NULL, NULL, 0);
	pthread_mutex_unlock(&order);
	int result = (int)syscall(call, fd);
	if (result != 0) return result;
	pthread_mutex_lock(&order);
	note(SYNC_ENDS, file, number, 0, NULL, NULL, 0);
	pthread_mutex_unlock(&order);
	return result;
}
int fsync(int fd) { return do_sync(SYS_fsync, fd); }
int fdatasync(int fd) { return do_sync(SYS_fdatasync, fd); }

/* ---- Names ---- */

static int do_mkdir(int at, const char *given, mode_t mode) {
	char buffer[PATH_MAX];
	const char *path = absolute(at, given, buffer);
	if (!below_root(path)) return (int)syscall(SYS_mkdirat, at, given, mode);
	pthread_mutex_lock(&order);
	int result = (int)syscall(SYS_mkdirat, at, given, mode);
	struct stat folder;
	if (result == 0 && stat(path, &folder) == 0) note(FOLDER, folder.st_ino, 0, folder.st_mode & 07777, path, NULL, 0);
	pthread_mutex_unlock(&order);
	return result;
}
int mkdir(const char *path, mode_t mode) { return do_mkdir(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return do_mkdir(at, path, mode); }

static int do_unlink(int at, const char *given, int flags) {
	char buffer[PATH_MAX];
	const char *path = absolute(at, given, buffer);
	if (!below_root(path)) return (int)syscall(SYS_unlinkat, at, given, flags);
	pthread_mutex_lock(&order);
	int result = (int)syscall(SYS_unlinkat, at, given, flags);
	if (result == 0) note(UNLINK, 0, 0, 0, path, NULL, 0);
	pthread_mutex_unlock(&order);
	return result;
}
int unlink(const char *path) { return do_unlink(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return do_unlink(at, path, flags); }
int rmdir(const char *path) { return do_unlink(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
	int result = do_unlink(AT_FDCWD, path, 0);
	return result != 0 && errno == EISDIR ? do_unlink(AT_FDCWD, path, AT_REMOVEDIR) : result;
}

/* The new name travels as the record's data. */
int rename(const char *given_from, const char *given_to) {
	char buffer_from[PATH_MAX], buffer_to[PATH_MAX];
	const char *from = absolute(AT_FDCWD, given_from, buffer_from), *to = absolute(AT_FDCWD, given_to, buffer_to);
	if (!below_root(from) && !below_root(to)) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
	pthread_mutex_lock(&order);
	int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
	if (result == 0) note(RENAME, 0, 0, 0, from, to, strlen(to));
	pthread_mutex_unlock(&order);
	return result;
}

/* ---- What the relay does not do; should it ever, the model has to learn it ---- */

#define REFUSE_FD(type, name, parameters, arguments, fd) \
	type name parameters { REAL(name); if (tracked(fd)) unmodelled(#name); return real arguments; }
REFUSE_FD(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at), fd)
REFUSE_FD(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at), fd)
REFUSE_FD(int, fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n), fd)
REFUSE_FD(int, fallocate64, (int fd, int mode, off64_t at, off64_t n), (fd, mode, at, n), fd)
REFUSE_FD(int, posix_fallocate, (int fd, off_t at, off_t n), (fd, at, n), fd)
REFUSE_FD(int, posix_fallocate64, (int fd, off64_t at, off64_t n), (fd, at, n), fd)
REFUSE_FD(int, sync_file_range, (int fd, off64_t at, off64_t n, unsigned int f), (fd, at, n, f), fd)
REFUSE_FD(ssize_t, sendfile, (int to, int from, off_t *at, size_t n), (to, from, at, n), to)
REFUSE_FD(ssize_t, sendfile64, (int to, int from, off64_t *at, size_t n), (to, from, at, n), to)
REFUSE_FD(ssize_t, copy_file_range, (int from, off64_t *a, int to, off64_t *b, size_t n, unsigned int f), (from, a, to, b, n, f), to)

#define REFUSE_PATH(type, name, parameters, arguments, path) \
	type name parameters { REAL(name); if (below_root(path)) unmodelled(#name); return real arguments; }
REFUSE_PATH(int, truncate, (const char *path, off_t n), (path, n), path)
REFUSE_PATH(int, truncate64, (const char *path, off64_t n), (path, n), path)
REFUSE_PATH(int, link, (const char *from, const char *to), (from, to), to)
REFUSE_PATH(int, symlink, (const char *from, const char *to), (from, to), to)
REFUSE_PATH(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), to)
REFUSE_PATH(FILE *, fopen64, (const char *path, const char *mode), (path, mode), path)

/* SQLite maps its shared-memory index, which disk.ts leaves out; any other mapping would be a write unseen. */
static void check_mapping(int fd, int protection, int flags) {
	if (!tracked(fd) || !(flags & MAP_SHARED) || !(protection & PROT_WRITE)) return;
	char link[64], path[PATH_MAX];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 4 || memcmp(path + n - 4, "-shm", 4) != 0) unmodelled("mmap");
}
void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t at) {
	check_mapping(fd, protection, flags);
	return (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, at);
}
void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off64_t at) {
	check_mapping(fd, protection, flags);
	return (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, at);
}
