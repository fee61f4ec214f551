// glibc's pidfd calls. Its header (2.36) forgets that C++ exists.
#pragma once

extern "C" {
#include <sys/pidfd.h>
}
