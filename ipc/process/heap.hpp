// What glibc's allocator does with memory that was freed.
#pragma once

namespace tandem::ipc {

// Keeps it for the next allocation instead of giving it back at once: a step's tensors of some
// hundred KiB else come with a page fault for each of their pages, every time. For a process in
// which large blocks come and go many times a second.
void keep_freed_memory();

// Gives back what can be given back, for when that has come to an end.
void return_freed_memory();

}  // namespace tandem::ipc
