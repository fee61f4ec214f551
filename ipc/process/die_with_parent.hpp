// The child's side of ChildProcess.
#pragma once

namespace tandem::ipc {

// Has the kernel end this process when its parent ends; ends it now if that was already so. Called
// first in a child's main. The kernel watches the *thread* that started the child, so this is the
// second belt: the first is the end of the connection.
void die_with_parent();

// The environment variable in which ChildProcess tells its pid.
inline constexpr const char* kParentVariable = "TANDEM_PARENT_PID";

}  // namespace tandem::ipc
